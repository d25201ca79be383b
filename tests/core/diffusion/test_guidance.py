# SPDX-License-Identifier: GPL-3.0-or-later
"""The batched guidance gives the gradient of the published step (StyleTex, §4; LucidDreamer, §4)."""

import copy
import dataclasses
import math

import pytest
import torch
from diffusers import UNet2DConditionModel
from hypothesis import given, settings as hypothesis_settings, strategies
from safetensors.torch import load_file

from core.diffusion.conditioning import Embeddings
from core.diffusion.guidance import interval_score_gradient, predict_noise
from core.diffusion.guidance_settings import GuidanceSettings
from core.diffusion.networks import ControlNet
from core.diffusion.texts import Texts
from core.diffusion.timesteps import Interval

SETTINGS = GuidanceSettings(text_scale=7.5, style_scale=7.5, noised_start=False)
NOISED = dataclasses.replace(SETTINGS, noised_start=True)
REFERENCE = dataclasses.replace(SETTINGS, reference_quirks=True)
SCALES = (0.6, 0.3)
SIDE = 16
"""Of the latents."""
FACTOR = 4
"""Pixels of an image for each of them, along a side."""


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
        model = ControlNetModel.from_unet(plain_unet(model_folder), conditioning_embedding_out_channels=(8, 16, 32))
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.05)
        controls.append(ControlNet(control.profile, model.eval().requires_grad_(False), reads_text=True))
    return dataclasses.replace(networks, control_nets=tuple(controls))


@pytest.fixture(scope="module")
def reading_epsilon_networks(reading_networks):
    """All as Stable Diffusion 1.5 has it."""
    return dataclasses.replace(reading_networks, prediction_type="epsilon")


@pytest.fixture(scope="module")
def bare_unet(model_folder):
    """The UNet as diffusers loads it, without IP-Adapter."""
    return plain_unet(model_folder)


def case(networks, views=1, seed=0):
    """Random latents, noise, conditions and control images of ``views`` views."""
    generator = torch.Generator().manual_seed(seed)
    width = networks.unet.config.cross_attention_dim

    def text():
        return Texts(torch.randn(views, 24, width, generator=generator))

    style, zero = (torch.randn(views, 4, width, generator=generator) for _ in range(2))
    embeddings = Embeddings(text(), text(), text(), text(), style, zero)
    latents, noise = (torch.randn(views, 4, SIDE, SIDE, generator=generator) for _ in range(2))
    images = {
        kind: torch.rand(views, 3, FACTOR * SIDE, FACTOR * SIDE, generator=generator) for kind in ("normal", "depth")
    }
    return latents, noise, embeddings, images


def transcription(networks, z0, noise, t, delta, embeddings, images, quirks=(), without=None):
    """One view of the published step, line by line and one row at a time; ``quirks`` numbers what the reference code
    does otherwise, as ``GuidanceSettings.reference_quirks`` lists it, or is "noised start" for what the paper does but
    for its start; ``without`` names a part that is left out.
    """
    abar = [float(value) for value in networks.alphas_cumprod]

    def predict(z, timestep, texts, tokens, with_control):
        text = texts.hidden
        down, middle = None, None
        if with_control:
            control_text = text[:, : text.shape[1] - 4] if 2 in quirks else text
            for control, scale in zip(networks.control_nets, SCALES, strict=True):
                one_down, one_middle = control.model(
                    z, timestep, control_text, images[control.profile.kinds[0]], scale, return_dict=False
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
    null_tokens = embeddings.zero_tokens if 3 in quirks else off
    timesteps = list(range(1, 1000)) if 4 in quirks else list(range(1000))
    s = max(t - delta, 0)
    z = z0
    if 4 in quirks or "noised start" in quirks:
        z = math.sqrt(abar[timesteps[0]]) * z0 + math.sqrt(1 - abar[timesteps[0]]) * noise
    e_before_s, index = None, 0
    while True:
        next_index = min(index + 200, s)
        here, there = timesteps[index], timesteps[next_index]
        e_before_s = predict(z, here, embeddings.null, null_tokens, False)
        z = step_up(z, e_before_s, here, there)
        index = next_index
        if index == s:
            break
    e_at_s = predict(z, timesteps[s], embeddings.null, null_tokens, False)
    e_s = e_before_s if 1 in quirks else e_at_s
    z_t = step_up(z, e_at_s, timesteps[s], timesteps[t])
    if without == "interval_matching":
        e_s, z_t = noise, math.sqrt(abar[timesteps[t]]) * z0 + math.sqrt(1 - abar[timesteps[t]]) * noise
    e_uncond = predict(z_t, timesteps[t], embeddings.negative, off, True)
    e_text = predict(z_t, timesteps[t], embeddings.prompt, off, True)
    e_content = predict(z_t, timesteps[t], embeddings.content, null_tokens, True)
    if without == "content_negative":
        e_content = e_uncond
    e_style = predict(z_t, timesteps[t], embeddings.prompt, embeddings.style_tokens, True)
    w = math.sqrt((1 - abar[timesteps[t]]) / abar[timesteps[t]])
    return 0.1 * w * (e_uncond + 7.5 * (e_text - e_content) - e_s + 7.5 * (e_style - e_uncond))


def relative(result, expected):
    return float((result - expected).norm() / expected.norm())


@pytest.mark.parametrize("quirks", [False, True])
@pytest.mark.parametrize("which", ["networks", "reading_epsilon_networks"])
@pytest.mark.parametrize(("t", "delta"), [(1, 100), (51, 50), (250, 50), (979, 100)])
def test_batched_guidance_agrees_with_a_plain_transcription_of_the_method(which, t, delta, quirks, request):
    networks = request.getfixturevalue(which)
    latents, noise, embeddings, images = case(networks)
    settings = REFERENCE if quirks else SETTINGS
    result = interval_score_gradient(networks, latents, noise, Interval(t, delta), embeddings, images, SCALES, settings)
    with torch.no_grad():
        expected = transcription(networks, latents, noise, t, delta, embeddings, images, (1, 2, 3, 4) if quirks else ())
    assert torch.isfinite(result).all() and result.abs().max() > 0
    assert relative(result, expected) < 1e-4


def test_a_noised_start_is_the_papers_step_from_the_noise_of_timestep_0(reading_networks):
    latents, noise, embeddings, images = case(reading_networks)
    arguments = (reading_networks, latents, noise, Interval(600, 80), embeddings, images, SCALES)
    result = interval_score_gradient(*arguments, NOISED)
    with torch.no_grad():
        expected = transcription(reading_networks, latents, noise, 600, 80, embeddings, images, ("noised start",))
    assert relative(result, expected) < 1e-4
    assert relative(result, interval_score_gradient(*arguments, SETTINGS)) > 1e-3


@pytest.mark.parametrize("part", ["content_negative", "interval_matching"])
@pytest.mark.parametrize("quirks", [False, True])
def test_a_part_that_is_left_out_is_left_out_of_the_transcription_too(part, quirks, reading_networks):
    latents, noise, embeddings, images = case(reading_networks)
    whole = REFERENCE if quirks else SETTINGS
    arguments = (reading_networks, latents, noise, Interval(600, 80), embeddings, images, SCALES)
    result = interval_score_gradient(*arguments, dataclasses.replace(whole, **{part: False}))
    with torch.no_grad():
        numbers = (1, 2, 3, 4) if quirks else ()
        expected = transcription(reading_networks, latents, noise, 600, 80, embeddings, images, numbers, part)
    assert relative(result, expected) < 1e-4
    assert relative(result, interval_score_gradient(*arguments, whole)) > 1e-2


@pytest.mark.parametrize("quirk", [1, 2, 3, 4])
def test_each_quirk_of_the_reference_code_changes_the_gradient(quirk, reading_networks):
    networks = reading_networks
    latents, noise, embeddings, images = case(networks)
    result = interval_score_gradient(networks, latents, noise, Interval(417, 50), embeddings, images, SCALES, REFERENCE)
    others = {1, 2, 3, 4} - {quirk}
    with torch.no_grad():
        without = transcription(networks, latents, noise, 417, 50, embeddings, images, others)
    assert relative(result, without) > 1e-3


def test_from_a_start_without_noise_the_gradient_does_not_depend_on_the_noise(networks):
    latents, noise, embeddings, images = case(networks)
    rest = (Interval(417, 50), embeddings, images, SCALES)
    paper, other = (
        interval_score_gradient(networks, latents, each, *rest, SETTINGS) for each in (noise, noise.flip(-1))
    )
    assert torch.equal(paper, other)
    first, second = (
        interval_score_gradient(networks, latents, each, *rest, REFERENCE) for each in (noise, noise.flip(-1))
    )
    assert not torch.allclose(first, second)


@given(
    seed=strategies.integers(0, 2**31),
    views=strategies.integers(2, 3),
    t=strategies.integers(1, 979),
    delta=strategies.integers(50, 100),
    quirks=strategies.booleans(),
    reads_text=strategies.booleans(),
)
@hypothesis_settings(max_examples=4, deadline=None)
def test_views_in_one_batch_equal_single_ones(networks, reading_networks, seed, views, t, delta, quirks, reads_text):
    chosen = reading_networks if reads_text else networks
    latents, noise, embeddings, images = case(chosen, views, seed)
    rest = (SCALES, REFERENCE if quirks else SETTINGS)
    interval = Interval(t, delta)
    together = interval_score_gradient(chosen, latents, noise, interval, embeddings, images, *rest)
    for view in range(views):
        one = slice(view, view + 1)
        alone = interval_score_gradient(
            chosen,
            latents[one],
            noise[one],
            interval,
            Embeddings(**{name: value[one] for name, value in vars(embeddings).items()}),
            {kind: image[one] for kind, image in images.items()},
            *rest,
        )
        assert relative(together[one], alone) < 1e-4


def plain_unet(model_folder):
    """The UNet as diffusers loads it, without IP-Adapter."""
    return UNet2DConditionModel.from_pretrained(
        model_folder / "unet", torch_dtype=torch.float32, low_cpu_mem_usage=False
    ).eval()


@given(seed=strategies.integers(0, 2**31), on=strategies.lists(strategies.booleans(), min_size=1, max_size=4))
@hypothesis_settings(max_examples=10, deadline=None)
def test_rows_with_zero_image_tokens_equal_the_unet_without_the_adapter(epsilon_networks, bare_unet, seed, on):
    latents, _, embeddings, _ = case(epsilon_networks, len(on), seed)
    on = torch.tensor(on)
    tokens = torch.where(on[:, None, None], embeddings.style_tokens, 0.0)
    with torch.no_grad():
        mixed = predict_noise(epsilon_networks, latents, 300, embeddings.prompt, tokens)
        plain = bare_unet(latents, 300, embeddings.prompt.hidden).sample
    torch.testing.assert_close(mixed[~on], plain[~on], rtol=1e-4, atol=1e-5)
    assert all(relative(row, without) > 1e-3 for row, without in zip(mixed[on], plain[on], strict=True))


def test_a_row_with_a_style_equals_diffusers_own_way_of_passing_the_image(epsilon_networks, model_folder):
    latents, _, embeddings, _ = case(epsilon_networks)
    image_embed = torch.randn(1, 256, generator=torch.Generator().manual_seed(3))
    unet = plain_unet(model_folder)
    nested = {"image_proj": {}, "ip_adapter": {}}
    for key, value in load_file(model_folder / "ip_adapter" / "ip-adapter.safetensors").items():
        part, _, rest = key.partition(".")
        nested[part][rest] = value.float()
    unet._load_ip_adapter_weights([nested])
    with torch.no_grad():
        expected = unet(
            latents, 300, embeddings.prompt.hidden, added_cond_kwargs={"image_embeds": [image_embed[:, None]]}
        ).sample
        tokens = epsilon_networks.image_projection(image_embed)
        result = predict_noise(epsilon_networks, latents, 300, embeddings.prompt, tokens)
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-5)


def test_guidance_leaves_the_networks_and_the_random_state_alone(networks):
    before = copy.deepcopy(networks.unet.state_dict())
    latents, noise, embeddings, images = case(networks)
    state = torch.get_rng_state()
    rest = (Interval(200, 80), embeddings, images, SCALES, REFERENCE)
    first = interval_score_gradient(networks, latents, noise, *rest)
    second = interval_score_gradient(networks, latents, noise, *rest)
    assert torch.equal(first, second)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, networks.unet.state_dict()[name]) for name, value in before.items())
