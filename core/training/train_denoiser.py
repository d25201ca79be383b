# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the UNet, its IP-Adapter and both ControlNets together, from nothing.

The target is an object painted in a style; the conditions are its caption, the embedding of a style image, and its
normals and depth. Each condition is dropped now and then, so that guidance can take it away.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor, nn
from transformers import CLIPTextModelWithProjection, CLIPTokenizer, CLIPVisionModelWithProjection

from .architecture import Bundle, attach_ip_adapter, build_controlnet, build_scheduler, build_unet
from .captions import OBJECT_WORDS, PICTURE_WORDS, VOCABULARY, object_caption
from .dataset import Pairs
from .loop import Samples, train, training_device
from .rasters import RasterSet
from .train_clip import image_embeddings
from .train_vae import to_tensor

BATCH = 256
"""Samples a step."""
NO_TEXT, NO_IMAGE = 0.1, 0.12
"""Share of samples without a caption, and without an image prompt."""
UNTAUGHT = 0.2
"""Share of captions whose word was never taught, so that an unknown word means "some object"."""
SNR_CAP = 5.0
"""Min-SNR weighting (Hang et al. 2023)."""
BACKGROUND_WEIGHT = 0.25
CAPTION_VARIANTS = 12


class Denoiser(nn.Module):
    """UNet with IP-Adapter and two ControlNets; the image projection apart, so that tokens can be all zero."""

    def __init__(self) -> None:
        super().__init__()
        self.unet = build_unet()
        attach_ip_adapter(self.unet)
        self.projection = self.unet.encoder_hid_proj.image_projection_layers[0]
        self.unet.encoder_hid_proj = None
        self.controlnet_normal = build_controlnet(self.unet)
        self.controlnet_depth = build_controlnet(self.unet)

    def forward(
        self, latents: Tensor, timestep: Tensor, text: Tensor, image: Tensor, controls: dict[str, Tensor], on: Tensor
    ) -> Tensor:
        """The predicted v.

        Args:
            latents: [B, 4, 32, 32], noised.
            timestep: int64 [B].
            text: [B, L, D] text states.
            image: [B, 256] joint-space embeddings.
            controls: "normal" and/or "depth" images [B, 3, 64, 64] in [0, 1].
            on: [B] 1 where the image prompt is on.
        """
        tokens = self.projection(image) * on[:, None, None]
        down: list[Tensor] | None = None
        middle: Tensor | None = None
        for kind, control in controls.items():
            controlnet = self.controlnet_normal if kind == "normal" else self.controlnet_depth
            samples, mid = controlnet(latents, timestep, text, controlnet_cond=control, return_dict=False)
            down = list(samples) if down is None else [a + b for a, b in zip(down, samples, strict=True)]
            middle = mid if middle is None else middle + mid
        return self.unet(
            latents,
            timestep,
            encoder_hidden_states=(text, [tokens]),
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
            return_dict=False,
        )[0]

    def into(self, bundle: Bundle) -> None:
        """Put the trained networks into ``bundle``."""
        bundle.unet.encoder_hid_proj.image_projection_layers[0] = self.projection
        bundle.unet.load_state_dict(self.unet.state_dict(), strict=False)
        bundle.controlnet_normal, bundle.controlnet_depth = self.controlnet_normal, self.controlnet_depth


@torch.no_grad()
def encode_latents(vae: AutoencoderKL, images: np.ndarray) -> Tensor:
    """float16 [N, 4, 32, 32] on the CPU: scaled latents of uint8 pictures."""
    scale = vae.config.scaling_factor
    batches = (to_tensor(images[i : i + 128], vae.device) for i in range(0, len(images), 128))
    return torch.cat([(vae.encode(batch).latent_dist.mean * scale).half().cpu() for batch in batches])


@torch.no_grad()
def text_states(
    text: CLIPTextModelWithProjection, tokenizer: CLIPTokenizer, seed: int
) -> tuple[Tensor, dict[str, list[int]]]:
    """Text states of many phrasings of each class, [M, L, D], and the rows of each word; "" is the empty caption."""
    rng = np.random.default_rng(seed)
    views = ("front view", "side view", "back view", "overhead view", "view from below", None, None, None)
    taught = {*OBJECT_WORDS, *PICTURE_WORDS}
    untaught = [word for word in VOCABULARY if word not in taught]
    texts, rows = [""], {"": [0]}
    for word in (*OBJECT_WORDS, "untaught"):
        for _ in range(CAPTION_VARIANTS * (20 if word == "untaught" else 1)):
            said = str(rng.choice(untaught)) if word == "untaught" else word
            rows.setdefault(word, []).append(len(texts))
            texts.append(object_caption(rng, said, rng.choice(np.array(views, dtype=object))))
    tokens = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
    return text.text_model(input_ids=tokens).last_hidden_state, rows


def prepare(
    pairs: Pairs, vae: AutoencoderKL, vision: CLIPVisionModelWithProjection, path: Path
) -> tuple[Tensor, Tensor]:
    """Latents of the targets and embeddings of the style images, computed once and kept at ``path``."""
    if not path.exists():
        device = training_device()
        latents = encode_latents(vae.to(device), pairs.target)
        embeddings = image_embeddings(vision.to(device), pairs.style_image)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, latents=latents.numpy(), embeddings=embeddings.numpy())
        partial.rename(path)
    with np.load(path) as arrays:
        return torch.from_numpy(arrays["latents"]), torch.from_numpy(arrays["embeddings"])


def train_denoiser(
    pairs: Pairs,
    rasters: RasterSet,
    latents: Tensor,
    embeddings: Tensor,
    text: tuple[Tensor, dict[str, list[int]]],
    steps: int,
    folder: Path,
    seed: int,
) -> None:
    """Train for ``steps`` steps."""
    torch.manual_seed(seed)
    device = training_device()
    model = Denoiser().to(device)
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # an overload PyTorch leaves out
    alphas = build_scheduler().alphas_cumprod.to(device)
    latents, embeddings, states, rows = latents.to(device), embeddings.to(device), text[0].to(device), text[1]
    normals, depths = (torch.from_numpy(images).to(device) for images in (rasters.normal, rasters.depth))

    def losses(numbers: np.ndarray, rng: np.random.Generator) -> dict[str, Tensor]:
        batch = len(numbers)
        clean = latents[numbers].float()
        timestep = torch.randint(0, len(alphas), (batch,), device=device)
        alpha = alphas[timestep][:, None, None, None]
        noise = torch.randn_like(clean)
        noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
        velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean
        chosen = [int(rng.choice(rows[_caption_key(int(pairs.word[number]), rng)])) for number in numbers]
        on = torch.from_numpy((rng.random(batch) >= NO_IMAGE).astype(np.float32)).to(device)
        view = torch.from_numpy(pairs.raster[numbers]).to(device, torch.int64)
        depth = _control(depths, view)
        controls = {"normal": _control(normals, view), "depth": depth}
        keep = rng.choice(["both", "normal", "depth", "none"], p=[0.5, 0.2, 0.15, 0.15])
        if keep != "both":
            controls = {kind: image for kind, image in controls.items() if kind == keep}
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            predicted = model(noisy, timestep, states[chosen], embeddings[numbers], controls, on).float()
        snr = alpha / (1 - alpha)
        weight = snr.clamp(max=SNR_CAP) / (snr + 1)
        foreground = F.avg_pool2d((depth[:, :1] > 0).float(), 2)
        weight = weight * (BACKGROUND_WEIGHT + (1 - BACKGROUND_WEIGHT) * foreground)
        return {"denoise": (weight * (predicted - velocity).square()).mean() / weight.mean().detach() * weight_mean}

    weight_mean = float((torch.clamp(alphas / (1 - alphas), max=SNR_CAP) * (1 - alphas)).mean())
    train(model, losses, Samples(len(latents), BATCH, seed), steps, 1e-3, folder, decay=0.999)


def _caption_key(word: int, rng: np.random.Generator) -> str:
    chance = rng.random()
    if chance < NO_TEXT:
        return ""
    return "untaught" if chance < NO_TEXT + UNTAUGHT else OBJECT_WORDS[word]


def _control(images: Tensor, views: Tensor) -> Tensor:
    return images[views].permute(0, 3, 1, 2).float() / 255
