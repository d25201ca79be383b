# SPDX-License-Identifier: GPL-3.0-or-later
"""A judge of pattern: which family is seen on an object, learnt from objects painted with the patterns themselves.

It looks at the centred Gram matrices of an image classifier that knows nothing of our patterns (``evaluation.judge``),
and learns one linear layer, which takes a processor minutes. For evaluation only: nothing is optimised for it, and it
is not shipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from ..evaluation.judge import Judge
from ..evaluation.views import VIEW_SIZE, View, at_resolution
from .captions import OBJECT_WORDS, PATTERN_WORDS
from .pattern_views import coarse_style, pattern_views, seen_from_all_sides
from .shapes import make_shape

FILE = "family_judge.safetensors"
OBJECTS = 180
"""That are painted to learn from, ten of each class."""
HELD_OUT = 7
"""One object in so many is kept to see how much is recognised; no divisor of the number of classes, so that all are
among them."""
SEED = 70_001
"""Of objects and styles; neither the denoiser's training nor the measures begin there."""
SIDES = (64, 128, VIEW_SIZE)
"""The examples are seen in so many pixels, by lot: what counts is the pattern and not how sharp it is."""
_DECAY = 1e-4
_ROUNDS = 200


class FamilyJudge:
    """Says which family of patterns an object wears."""

    def __init__(self, weight: Tensor, bias: Tensor, judge: Judge) -> None:
        """Of a linear layer, ``weight`` [families, features] and ``bias`` [families], on what ``judge`` sees."""
        self._weight, self._bias, self._judge = weight, bias, judge

    def recognise(self, views: Sequence[View]) -> str:
        """The family that all ``views`` of one object together look most like, one of ``PATTERN_WORDS``."""
        answers = functional.linear(_features(self._judge, views), self._weight, self._bias)
        return PATTERN_WORDS[int(answers.argmax())]


def load_family_judge(folder: Path, judge: Judge) -> FamilyJudge:
    """The judge that ``learn_families`` left in ``folder``."""
    layer = load_file(folder / FILE)
    return FamilyJudge(layer["weight"], layer["bias"], judge)


def learn_families(folder: Path, processes: int, objects: int = OBJECTS) -> float:
    """Learn the judge, leave it in ``folder``, and say how much it recognises.

    Args:
        folder: is made.
        processes: that look at the objects side by side.
        objects: at least 2.

    Returns:
        Share of the objects kept apart whose family is recognised.
    """
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        # In few large lots: a process loads the classifier for each.
        lots = pool.map(_examples, [range(first, objects, processes) for first in range(processes)])
        features, families, numbers = (torch.cat(parts) for parts in zip(*lots, strict=True))
    kept = numbers % HELD_OUT == 0
    weight, bias = fit(features[~kept], families[~kept])
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"weight": weight, "bias": bias}, folder / FILE)
    answers = functional.linear(features[kept], weight, bias).argmax(1)
    return float((answers == families[kept]).float().mean())


def fit(features: Tensor, families: Tensor) -> tuple[Tensor, Tensor]:
    """Multinomial logistic regression.

    Args:
        features: float32 [n, m].
        families: int64 [n], indices into ``PATTERN_WORDS``.

    Returns:
        Weights [families, m] and biases [families].
    """
    mean, spread = features.mean(0), features.std()
    weight = torch.zeros(len(PATTERN_WORDS), features.shape[1], requires_grad=True)
    bias = torch.zeros(len(PATTERN_WORDS), requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=_ROUNDS, line_search_fn="strong_wolfe")
    scaled = (features - mean) / spread

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = functional.cross_entropy(functional.linear(scaled, weight, bias), families)
        value = value + _DECAY * weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    with torch.no_grad():
        return weight / spread, bias - weight @ (mean / spread)


def _examples(numbers: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Features [n, m] of the objects of these ``numbers`` in half of all families each, their families, and the object
    of each.
    """
    torch.set_num_threads(1)
    judge = Judge()
    features, families, whose = [], [], []
    for number in numbers:
        rng = np.random.default_rng((SEED, number))
        seen = seen_from_all_sides(make_shape(OBJECT_WORDS[number % len(OBJECT_WORDS)], rng).mesh)
        for family in rng.permutation(len(PATTERN_WORDS))[: len(PATTERN_WORDS) // 2].tolist():
            style = coarse_style(rng, PATTERN_WORDS[family])
            side = int(rng.choice(SIDES))
            features.append(_features(judge, [at_resolution(view, side) for view in pattern_views(seen, style)]))
            families.append(family)
            whose.append(number)
    return torch.stack(features), torch.tensor(families), torch.tensor(whose)


def _features(judge: Judge, views: Sequence[View]) -> Tensor:
    return torch.cat(judge.signature(views, centred=True))
