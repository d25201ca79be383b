# SPDX-License-Identifier: GPL-3.0-or-later
"""The batched guidance gives the gradient of the published step (StyleTex, §4; LucidDreamer, §4)."""

import copy
import dataclasses
import math

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file

from core.diffusion.conditioning import Embeddings
from core.diffusion.guidance import interval_score_gradient, predict_noise
from core.diffusion.guidance_settings import GuidanceSettings
from core.diffusion.networks import ControlNet
from core.diffusion.timesteps import Interval

SETTINGS = GuidanceSettings(text_scale=7.5, style_scale=7.5)
SCALES = (0.6, 0.3)


@pytest.fixture(scope="module")
def epsilon_networks(networks):
    """The same networks, taken to predict noise as Stable Diffusion 1.5 does."""
    return dataclasses.replace(networks, prediction_type="epsilon")


@pytest.fixture(scope="module")
def reading_networks(networks, model_folder):
    """ControlNets with cross-attention, as the published ones have it."""
    from diffusers import ControlNetModel

    torch.manual_seed(1)
    controls = []
    for control in networks.control_nets:
        model = ControlNetModel.from_unet(plain_unet(model_folder), conditioning_embedding_out_channels=(16, 32))
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.05)
        controls.append(ControlNet(control.profile, model.eval().requires_grad_(False), reads_text=True))
    return dataclasses.replace(networks, control_nets=tuple(controls))


def case(networks, views=1, seed=0):
    """Random latents, conditions and control images of ``views`` views."""
    generator = torch.Generator().manual_seed(seed)
    width = networks.unet.config.cross_attention_dim

    def text():
        return torch.randn(views, 24, width, generator=generator)

    embeddings = Embeddings(text(), text(), text(), text(), torch.randn(views, 4, width, generator=generator))
    latents = torch.randn(views, 4, 32, 32, generator=generator)
    images = {kind: torch.rand(views, 3, 64, 64, generator=generator) for kind in ("normal", "depth")}
    return latents, embeddings, images


def transcription(networks, z0, t, delta, embeddings, images):
    """One view of the published step, line by line and one row at a time."""
    abar = [float(value) for value in networks.alphas_cumprod]

    def predict(z, timestep, text, tokens, with_control):
        down, middle = None, None
        if with_control:
            for control, scale in zip(networks.control_nets, SCALES, strict=True):
                one_down, one_middle = control.model(
                    z, timestep, text, images[control.profile.kind], scale, return_dict=False
                )
                down = one_down if down is None else [a + b for a, b in zip(down, one_down, strict=True)]
                middle = one_middle if middle is None else middle + one_middle
        output = networks.unet(
            z,
            timestep,
            encoder_hidden_states=(text, [tokens]),
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample
        if networks.prediction_type == "v_prediction":
            return math.sqrt(abar[timestep]) * output + math.sqrt(1 - abar[timestep]) * z
        return output

    def step_up(z, e, here, there):
        z0_predicted = (z - math.sqrt(1 - abar[here]) * e) / math.sqrt(abar[here])
        return math.sqrt(abar[there]) * z0_predicted + math.sqrt(1 - abar[there]) * e

    off = torch.zeros_like(embeddings.style_tokens)
    s = max(t - delta, 0)
    z, here = z0, 0
    for there in [*range(200, s, 200), s] if s > 0 else []:
        z = step_up(z, predict(z, here, embeddings.null, off, False), here, there)
        here = there
    e_s = predict(z, s, embeddings.null, off, False)
    z_t = step_up(z, e_s, s, t)
    e_uncond = predict(z_t, t, embeddings.negative, off, True)
    e_text = predict(z_t, t, embeddings.prompt, off, True)
    e_content = predict(z_t, t, embeddings.content, off, True)
    e_style = predict(z_t, t, embeddings.prompt, embeddings.style_tokens, True)
    w = math.sqrt((1 - abar[t]) / abar[t])
    return 0.1 * w * (e_uncond + 7.5 * (e_text - e_content) - e_s + 7.5 * (e_style - e_uncond))


def relative(result, expected):
    return float((result - expected).norm() / expected.norm())


@pytest.mark.parametrize("which", ["networks", "epsilon_networks", "reading_networks"])
@pytest.mark.parametrize(("t", "delta"), [(20, 50), (417, 50), (979, 100)])
def test_batched_guidance_agrees_with_a_plain_transcription_of_the_method(which, t, delta, request):
    networks = request.getfixturevalue(which)
    latents, embeddings, images = case(networks)
    result = interval_score_gradient(networks, latents, Interval(t, delta), embeddings, images, SCALES, SETTINGS)
    with torch.no_grad():
        expected = transcription(networks, latents, t, delta, embeddings, images)
    assert torch.isfinite(result).all() and result.abs().max() > 0
    assert relative(result, expected) < 1e-4


@pytest.mark.parametrize("which", ["networks", "reading_networks"])
def test_four_views_in_one_batch_equal_four_single_ones(which, request):
    networks = request.getfixturevalue(which)
    latents, embeddings, images = case(networks, views=4)
    interval = Interval(500, 80)
    together = interval_score_gradient(networks, latents, interval, embeddings, images, SCALES, SETTINGS)
    for view in range(4):
        one = slice(view, view + 1)
        alone = interval_score_gradient(
            networks,
            latents[one],
            interval,
            Embeddings(**{name: value[one] for name, value in vars(embeddings).items()}),
            {kind: image[one] for kind, image in images.items()},
            SCALES,
            SETTINGS,
        )
        assert relative(together[one], alone) < 1e-4


def plain_unet(model_folder):
    """The UNet as diffusers loads it, without IP-Adapter."""
    return UNet2DConditionModel.from_pretrained(
        model_folder / "unet", torch_dtype=torch.float32, low_cpu_mem_usage=False
    ).eval()


def test_a_row_with_zero_image_tokens_equals_the_unet_without_the_adapter(epsilon_networks, model_folder):
    latents, embeddings, _ = case(epsilon_networks, views=2)
    tokens = torch.cat([torch.zeros_like(embeddings.style_tokens[:1]), embeddings.style_tokens[1:]])
    with torch.no_grad():
        mixed = predict_noise(epsilon_networks, latents, 300, embeddings.prompt, tokens)
        plain = plain_unet(model_folder)(latents, 300, embeddings.prompt).sample
    torch.testing.assert_close(mixed[:1], plain[:1], rtol=1e-4, atol=1e-5)
    assert relative(mixed[1:], plain[1:]) > 1e-3


def test_a_row_with_a_style_equals_diffusers_own_way_of_passing_the_image(epsilon_networks, model_folder):
    latents, embeddings, _ = case(epsilon_networks)
    image_embed = torch.randn(1, 256, generator=torch.Generator().manual_seed(3))
    unet = plain_unet(model_folder)
    nested = {"image_proj": {}, "ip_adapter": {}}
    for key, value in load_file(model_folder / "ip_adapter" / "ip-adapter.safetensors").items():
        part, _, rest = key.partition(".")
        nested[part][rest] = value.float()
    unet._load_ip_adapter_weights([nested])
    with torch.no_grad():
        expected = unet(
            latents, 300, embeddings.prompt, added_cond_kwargs={"image_embeds": [image_embed[:, None]]}
        ).sample
        tokens = epsilon_networks.image_projection(image_embed)
        result = predict_noise(epsilon_networks, latents, 300, embeddings.prompt, tokens)
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-5)


def test_guidance_leaves_the_networks_and_the_random_state_alone(networks):
    before = copy.deepcopy(networks.unet.state_dict())
    latents, embeddings, images = case(networks)
    state = torch.get_rng_state()
    first = interval_score_gradient(networks, latents, Interval(200, 80), embeddings, images, SCALES, SETTINGS)
    second = interval_score_gradient(networks, latents, Interval(200, 80), embeddings, images, SCALES, SETTINGS)
    assert torch.equal(first, second)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, networks.unet.state_dict()[name]) for name, value in before.items())
