# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that a job needs once: they rest in the machine's memory while a graphics card computes with the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def awake(device: torch.device, *modules: nn.Module) -> Iterator[None]:
    """Modules with their weights on ``device`` for a while; afterwards these are the same memory as before."""
    tensors = [tensor for module in modules for tensor in (*module.parameters(), *module.buffers())]
    before = [(tensor, tensor.data) for tensor in tensors if tensor.device != device]
    try:
        for tensor, data in before:
            tensor.data = data.to(device)
        yield
    finally:
        for tensor, data in before:
            tensor.data = data
