# SPDX-License-Identifier: GPL-3.0-or-later
"""A judge of pattern: which family is seen in a picture, learnt from ground truth apart from all other networks.

For evaluation only: nothing is optimised for it, and it is not shipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from ..evaluation.views import View
from .architecture import RESOLUTION
from .captions import PATTERN_WORDS
from .dataset import KINDS, Pairs
from .loop import Samples, train, training_device
from .train_vae import to_tensor

STEPS = 2400
BATCH = 64
"""Pictures a step."""
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
        """[B, families] logits of pictures [B, 3, 64, 64] in [-1, 1]."""
        hidden = self.features(image)
        return self.family(torch.cat([hidden.mean((2, 3)), hidden.amax((2, 3))], dim=1))

    @torch.no_grad()
    def recognise(self, views: Sequence[View]) -> str:
        """The family that all ``views`` of one object together look most like, one of ``PATTERN_WORDS``."""
        logits = self(to_tensor(np.stack([_small(view) for view in views])))
        return PATTERN_WORDS[int(logits.log_softmax(dim=1).mean(dim=0).argmax())]


def train_family_judge(pairs: Pairs, folder: Path, seed: int) -> None:
    """Train on painted objects and on swatches."""
    torch.manual_seed(seed)
    device = training_device()
    model = FamilyJudge().to(device)
    swatches = pairs.kind == KINDS.index("swatch")

    def losses(numbers: np.ndarray, rng: np.random.Generator) -> dict[str, Tensor]:
        flat = swatches[numbers] & (rng.random(len(numbers)) < 0.5)
        chosen = np.where(flat[:, None, None, None], pairs.style_image[numbers], pairs.target[numbers])
        scale = rng.uniform(1 - BRIGHTNESS, 1 + BRIGHTNESS, (len(numbers), 3, 1, 1))
        image = (to_tensor(chosen, device) * torch.from_numpy(scale).to(device, torch.float32)).clamp(-1, 1)
        family = torch.from_numpy(pairs.family[numbers]).to(device, torch.int64)
        return {"family": F.cross_entropy(model(image), family)}

    train(model, losses, Samples(len(pairs.target), BATCH, seed), STEPS, 2e-3, folder, decay=0.995)


def load_family_judge(folder: Path) -> FamilyJudge:
    """The judge that ``train_family_judge`` left in ``folder``."""
    model = FamilyJudge()
    model.load_state_dict(load_file(folder / "average.safetensors"))
    return model.eval()


@torch.no_grad()
def family_accuracy(judge: FamilyJudge, pairs: Pairs) -> float:
    """Share of the painted objects of ``pairs``, one view each, whose family is recognised."""
    return float((judge(to_tensor(pairs.target)).argmax(dim=1).numpy() == pairs.family).mean())


def _small(view: View) -> np.ndarray:
    return np.asarray(Image.fromarray(view.image).resize((RESOLUTION, RESOLUTION), Image.Resampling.BOX))
