# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of half precision at full precision for a while: where half overflows, it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from .networks import Networks


@contextmanager
def full_precision(networks: Networks) -> Iterator[Networks]:
    """The networks that a step uses (UNet, ControlNets and VAE) with float32 weights and activations.

    They are the same modules, so ``networks`` itself must rest meanwhile; afterwards it is as before, bit for bit. Both
    kinds of weights are in the device's memory at once.
    """
    modules = (networks.unet, networks.vae, *(control.model for control in networks.control_nets))
    tensors = [tensor for module in modules for tensor in (*module.parameters(), *module.buffers())]
    before = [(tensor, tensor.data) for tensor in tensors if tensor.is_floating_point()]
    try:
        for tensor, data in before:
            tensor.data = data.float()
        yield replace(networks, dtype=torch.float32)
    finally:
        for tensor, data in before:
            tensor.data = data
