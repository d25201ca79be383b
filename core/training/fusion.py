# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a graphics card busy: element-by-element functions as one kernel, and constants that are there already."""

from __future__ import annotations

import functools
import importlib.util
import shutil
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

Function = TypeVar("Function", bound=Callable[..., Any])


@functools.cache
def can_compile() -> bool:
    """Whether PyTorch's compiler has what it needs for a graphics card: Triton, and a C compiler for its launchers."""
    has_compiler = any(map(shutil.which, ("gcc", "cc", "clang")))
    return torch.cuda.is_available() and importlib.util.find_spec("triton") is not None and has_compiler


def fused_on_cards(function: Function) -> Function:
    """``function``, compiled for all sizes where its first argument is on a graphics card and a compiler is there."""
    compiled = torch.compile(function, dynamic=True)

    @functools.wraps(function)
    def either(first: Tensor, *others: Any) -> Any:
        return (compiled if first.is_cuda and can_compile() else function)(first, *others)

    return cast(Function, either)


@functools.cache
def constant(values: tuple[Any, ...], device: torch.device) -> Tensor:
    """float32 tensor of numbers or tuples of them, copied to ``device`` once: a copy makes the host wait."""
    return torch.tensor(values, dtype=torch.float32, device=device)
