# SPDX-License-Identifier: GPL-3.0-or-later
"""A judge of pattern: which family is seen in a picture, learnt from ground truth apart from all other networks.

For evaluation only: nothing is optimised for it, and it is not shipped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from ..evaluation.views import View
from .architecture import RESOLUTION
from .batches import Batch
from .captions import PATTERN_WORDS
from .loop import load_average

WIDTHS = (16, 48, 96, 128)
BRIGHTNESS = 0.15
"""Colours are scaled by up to this much, so that the judge looks at shapes."""


class FamilyJudge(nn.Module):
    """A small convolutional network whose answer is pooled over the whole picture."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width in WIDTHS:
            for stride in (2 if layers else 1, 1):
                layers += [nn.Conv2d(before, width, 3, stride, 1), nn.GroupNorm(8, width), nn.SiLU()]
                before = width
        self.features = nn.Sequential(*layers)
        self.family = nn.Linear(2 * before, len(PATTERN_WORDS))

    def forward(self, image: Tensor) -> Tensor:
        """[B, families] logits of pictures [B, 3, 128, 128] in [-1, 1]."""
        hidden = self.features(image)
        return self.family(torch.cat([hidden.mean((2, 3)), hidden.amax((2, 3))], dim=1))

    @torch.no_grad()
    def recognise(self, views: Sequence[View]) -> str:
        """The family that all ``views`` of one object together look most like, one of ``PATTERN_WORDS``."""
        pictures = torch.from_numpy(np.stack([_small(view) for view in views])).permute(0, 3, 1, 2)
        logits = self(pictures.float() / 127.5 - 1)
        return PATTERN_WORDS[int(logits.log_softmax(dim=1).mean(dim=0).argmax())]


def judge_losses(model: Callable[[Tensor], Tensor], batch: Batch, swatches: Tensor) -> dict[str, Tensor]:
    """Of painted objects, and of half the swatches.

    Args:
        model: a ``FamilyJudge``, or what a compiler made of it.
        batch: of B samples.
        swatches: int64 rows of ``batch`` whose style image is a swatch.
    """
    flat = swatches[::2]
    images = torch.cat([batch.target, batch.style_image[flat]])
    scale = 1 - BRIGHTNESS + 2 * BRIGHTNESS * torch.rand(len(images), 3, 1, 1, device=images.device)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=images.is_cuda):
        logits = model((images * scale).clamp(-1, 1)).float()
    return {"family": F.cross_entropy(logits, torch.cat([batch.family, batch.family[flat]]))}


def load_family_judge(folder: Path) -> FamilyJudge:
    """The judge that ``train_family_judge`` left in ``folder``."""
    model = FamilyJudge()
    load_average(model, folder)
    return model.eval()


@torch.no_grad()
def family_accuracy(judge: FamilyJudge, batch: Batch) -> float:
    """Share of the painted objects of ``batch``, one view each, whose family is recognised."""
    return float((judge(batch.target).argmax(1) == batch.family).float().mean())


def _small(view: View) -> np.ndarray:
    return np.asarray(Image.fromarray(view.image).resize((RESOLUTION, RESOLUTION), Image.Resampling.BOX))
