# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which licences the repositories of the profiles come, as their own pages say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

USE_RESTRICTIONS = (
    "not to break the law or to harm people, minors above all",
    "not to spread falsehoods or personal data that harm others, or to defame or harass them",
    "not to decide over people's rights by machine, to discriminate, or to give medical advice",
    "to pass these restrictions on with the model and with what is made of it",
)
"""What the OpenRAIL licences ask of everybody who uses the model, in short; their Attachment A is what counts."""


@dataclass(frozen=True)
class Licence:
    """A licence of a model's files."""

    name: str
    """What it is called."""
    address: str
    """Where it can be read."""
    restricts_use: bool = False
    """Whether it has restrictions of use that are to be accepted and passed on (``USE_RESTRICTIONS``)."""


_OPENRAIL_M = Licence("CreativeML OpenRAIL-M", "https://hf.co/spaces/CompVis/stable-diffusion-license", True)
# ControlNet 1.1: the hub's label of these repositories; their cards link the text of CreativeML OpenRAIL-M.
_OPENRAIL = Licence("OpenRAIL", _OPENRAIL_M.address, True)
_OPENRAIL_PP = Licence(
    "CreativeML Open RAIL++-M",
    "https://hf.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md",
    True,
)
_APACHE = Licence("Apache 2.0", "https://www.apache.org/licenses/LICENSE-2.0")
_MIT = Licence("MIT", "https://opensource.org/license/mit")

_LICENCES = {
    "stable-diffusion-v1-5/stable-diffusion-v1-5": _OPENRAIL_M,
    "lllyasviel/control_v11p_sd15_normalbae": _OPENRAIL,
    "lllyasviel/control_v11f1p_sd15_depth": _OPENRAIL,
    "h94/IP-Adapter": _APACHE,
    "laion/CLIP-ViT-H-14-laion2B-s32B-b79K": _MIT,
    "stabilityai/stable-diffusion-xl-base-1.0": _OPENRAIL_PP,
    "madebyollin/sdxl-vae-fp16-fix": _MIT,
    "xinsir/controlnet-union-sdxl-1.0": _APACHE,
}
"""By repository."""


def licences_of(repositories: Iterable[str]) -> dict[str, Licence]:
    """By repository its licence, in order, each repository once.

    Raises:
        KeyError: a profile names a repository whose licence was not looked up.
    """
    return {repository: _LICENCES[repository] for repository in dict.fromkeys(repositories)}
