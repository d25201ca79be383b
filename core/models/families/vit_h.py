# SPDX-License-Identifier: GPL-3.0-or-later
"""CLIP ViT-H/14: the joint space of image and text in which ODCR works, the same for every family from the hub.

IP-Adapters were trained on it for SD 1.5 and, in a variant, for SDXL; only its image half is in their repository.
"""

from __future__ import annotations

from ..model_profile import NetworkSource

IP_ADAPTER = "h94/IP-Adapter"
IP_ADAPTER_REVISION = "018e402774aeeddd60609b4ecdb7e298259dc729"
_CLIP_H = "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"
_CLIP_H_REVISION = "1c2b8495b28150b8a4922ee1c8edee224c284c0c"

IMAGE_ENCODER = NetworkSource("models/image_encoder", IP_ADAPTER, IP_ADAPTER_REVISION, size=2_530_000_000)
"""Style image → joint space."""
CAPTION = NetworkSource("", _CLIP_H, _CLIP_H_REVISION, size=3_940_000_000)
"""Content caption → joint space: encoder and tokenizer. The file is that of both halves, in full precision."""
