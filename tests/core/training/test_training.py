# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled model's training: exact ground truth, and a loop that goes on as if it had never stopped."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from core.training.architecture import read_bundle
from core.training.batches import Texts, World, content_texts
from core.training.captions import (
    COLOUR_WORDS,
    MATERIAL_WORDS,
    OBJECT_WORDS,
    PATTERN_WORDS,
    VIEW_WORDS,
    VOCABULARY,
    PromptNumbers,
)
from core.training.colours import lab
from core.training.coordinates import Limb, pattern_coordinates
from core.training.details import KINDS, kind_of
from core.training.layout import PICTURE_KINDS, layout
from core.training.loop import AVERAGE, CHECKPOINT, LOSSES_FILE, Schedule, is_finished, train
from core.training.painter import Canvas, Look, paint, role_palettes
from core.training.patterns import FAMILIES
from core.training.pictures import pixel_grid, scene, swatch
from core.training.rasters import RasterSettings, rasters
from core.training.run import Run, settings_to_go_on
from core.training.shapes import LIMB, MAKERS, make_shape
from core.training.styles import sample_style, style_bank
from core.training.travel import FILE_BYTES, pack, unpack
from core.training.vocabulary import write_tokenizer

CPU = torch.device("cpu")
FEW = RasterSettings(resolution=32, supersampling=2, shapes_a_class=1, views=4)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return write_tokenizer(VOCABULARY, tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="module")
def world(tmp_path_factory, tokenizer):
    views = rasters(tmp_path_factory.mktemp("rasters"), FEW)
    return World(views, style_bank(4, seed=0), Texts(tokenizer, CPU), CPU)


def draw(world, size, seed=0, twins=False):
    chosen = layout(size, seed, CPU)
    return world.batch(chosen, torch.Generator().manual_seed(seed), twins), chosen


@pytest.mark.parametrize("family", PATTERN_WORDS)
def test_a_pattern_gives_every_point_weights_that_sum_to_one_and_uses_two_colours(family):
    u, v = map(torch.from_numpy, pixel_grid(64))
    weights = FAMILIES[family](u * 6 + 11, v * 6 - 5, 3)
    assert weights.shape == (64, 64, 3)
    torch.testing.assert_close(weights.sum(-1), torch.ones(64, 64))
    assert weights.min() >= 0
    assert (weights.mean((0, 1)) > 0.03).sum() >= 2
    together = FAMILIES[family](u[None] * 6 + 11, v[None] * 6 - 5, torch.tensor([3, 4])[:, None, None])
    torch.testing.assert_close(together[0], weights, rtol=0, atol=0)


def test_every_class_word_and_family_has_its_maker():
    assert set(MAKERS) == set(OBJECT_WORDS)
    assert set(FAMILIES) == set(PATTERN_WORDS)


@pytest.mark.parametrize("word", OBJECT_WORDS)
def test_a_shape_fills_the_unit_cube_and_knows_the_part_of_every_triangle(word):
    shape = make_shape(word, np.random.default_rng(0))
    assert np.abs(shape.mesh.positions).max() == pytest.approx(0.9, abs=1e-3)
    assert len(shape.piece) == len(shape.role) == len(shape.mark) == len(shape.mesh.triangles)
    assert (shape.mark == 0).any()
    assert len(shape.limbs) == shape.piece.max() + 1


def test_a_style_is_the_same_for_the_same_seed_and_its_colours_differ():
    first, again = (sample_style(np.random.default_rng(5)) for _ in range(2))
    u, v = pixel_grid(32)
    np.testing.assert_array_equal(first.colour(u, v), again.colour(u, v))
    assert np.abs(first.colours[0] - first.colours[1]).max() > 0.1


def test_pictures_have_the_style_and_scenes_say_what_they_show():
    rng = np.random.default_rng(2)
    style = sample_style(rng)
    assert swatch(style, 32, rng).shape == (32, 32, 3)
    captions = [scene(style, 32, rng)[1] for _ in range(20)]
    assert any("sun" in caption for caption in captions)
    assert all(word in VOCABULARY for caption in captions for word in caption.split())


def test_stripes_run_round_a_leaning_limb():
    axis = np.array([1.0, 0.0, 1.0], np.float32) / np.sqrt(2).astype(np.float32)
    across = np.array([0.0, 1.0, 0.0], np.float32)
    other = np.cross(axis, across)
    turn, height = (each.ravel() for each in np.meshgrid(np.linspace(-2.5, 2.5, 20), np.linspace(-0.5, 0.5, 7)))
    normal = (np.cos(turn)[:, None] * across + np.sin(turn)[:, None] * other).astype(np.float32)
    position = (0.2 * normal + height[:, None] * axis).astype(np.float32)
    limb = Limb.around(position, axis, ring=False)
    assert limb.radius == pytest.approx(0.2, abs=0.02)
    place = pattern_coordinates(position, normal, np.zeros(len(position), np.uint8), [limb])
    along = position @ axis
    np.testing.assert_allclose(place[:, 1], along, atol=1e-5)  # a stripe is where v is the same: a ring
    one_ring = place[np.isclose(along, along[0], atol=1e-5)]
    assert np.ptp(one_ring[:, 0]) > 0.5


def test_every_word_of_a_prompt_has_its_place_in_the_list():
    numbers, texts = PromptNumbers(), PromptNumbers().texts()
    material, colour = 1 + MATERIAL_WORDS.index("stone"), 1 + COLOUR_WORDS.index("orange")
    thing, view = numbers.things.index("mushroom"), 1 + VIEW_WORDS.index("side view")
    assert texts[numbers.number(1, colour, material, thing, view)] == "a picture of an orange stone mushroom, side view"
    assert texts[numbers.number(0, 0, 0, 0, 0)] == f"a {OBJECT_WORDS[0]}"
    assert texts[0] == "" and len(set(texts)) == len(texts)


def test_each_word_asks_for_one_kind_of_detail():
    assert {kind_of(word) for word in (*OBJECT_WORDS, *MATERIAL_WORDS)} == set(range(len(KINDS)))
    assert kind_of("stone") == kind_of("house") != kind_of("wooden")


def test_a_batch_has_all_families_and_says_what_it_shows(world):
    batch, chosen = draw(world, 56)
    assert batch.target.shape == batch.style_image.shape == (56, 3, 32, 32)
    assert batch.target.abs().max() <= 1
    assert torch.bincount(batch.family).tolist() == [4] * len(PATTERN_WORDS)
    texts = content_texts()
    swatches = {texts[int(batch.content[row])] for row in chosen.kinds["swatch"]}
    assert swatches <= {"a flat pattern", "a texture", "a swatch", "a pattern"}
    for row in chosen.kinds["object"]:
        assert texts[int(batch.content[row])].split()[-1] in OBJECT_WORDS
    assert sum(len(chosen.kinds[kind]) for kind in PICTURE_KINDS) == 56
    again, _ = draw(world, 56)
    torch.testing.assert_close(batch.target, again.target, rtol=0, atol=0)
    other, _ = draw(world, 56, seed=1)
    assert (other.target - batch.target).abs().mean() > 0.1


def test_a_target_leaves_its_palette_only_for_a_motif_that_the_style_image_shows(world):
    batch, _ = draw(world, 112, seed=3)
    quiet = [row for row in range(112) if not batch.has_motif[row]]
    shown = [row for row in range(112) if batch.has_motif[row]]

    def share_of(row, colours):
        inside = torch.nn.functional.max_pool2d((batch.depth[row, :1] == 0).float(), 3, 1, 1) == 0
        pixels = (batch.target[row].permute(1, 2, 0)[inside[0]] + 1) / 2
        # Hues alone: unevenness and details change the lightness.
        apart = torch.cdist(lab(pixels)[:, 1:], lab(colours)[:, 1:]).amin(1)
        return (apart < 18).float().mean() if len(pixels) else torch.tensor(1.0)

    red = torch.tensor([[0.80, 0.13, 0.10]])
    assert all(
        share_of(row, torch.cat([batch.target_colours[row], batch.target_colours[row].mean(0)[None]])) > 0.4
        for row in quiet
    )
    houses = [row for row in shown if (batch.motif[row] - red[0]).abs().max() < 0.01]
    assert np.mean([float(share_of(row, red)) for row in houses]) > 0.1 + np.mean(
        [float(share_of(row, red)) for row in quiet]
    )


def test_twins_differ_where_the_style_image_shows_a_mark_and_nowhere_else(world):
    batch, _ = draw(world, 112, twins=True)
    apart = (batch.twin - batch.style_image[batch.objects]).abs().amax((1, 2, 3))
    marked = batch.has_motif[batch.objects]
    assert marked.any() and not marked.all()
    assert (apart[marked] > 0.1).all() and (apart[~marked] == 0).all()


def test_a_limb_is_plain_in_the_second_colour():
    style = sample_style(np.random.default_rng(1), "striped")
    colours = torch.from_numpy(style.colours)[None]
    flat = torch.zeros(1, 8, 8)
    place = torch.linspace(-3, 3, 8)[None, :, None].expand(1, 8, 8)
    canvas = Canvas(flat, place, torch.full((1, 8, 8), LIMB, dtype=torch.uint8), flat.byte(), flat == 0, flat + 1)
    no = torch.zeros(1, dtype=torch.bool)
    look = Look(
        *(torch.tensor([value]) for value in (style.cells, style.turn, 0.0, style.seed)), torch.zeros(1, 2),
        role_palettes(colours, ~no), no, torch.zeros(1, 3), torch.zeros(1, 3),
    )  # fmt: skip
    counts = [int(family == "striped") for family in PATTERN_WORDS]
    picture = paint(counts, look, canvas, flat, 2)
    expected = (2 * colours[0, 1] - 1)[:, None, None].expand(3, 4, 4)
    torch.testing.assert_close(picture[0], expected)


def test_known_words_are_single_tokens_and_unknown_ones_are_spelt(tokenizer):
    assert len(tokenizer("a house").input_ids) == 4  # start, a, house, end
    assert len(tokenizer("zyzzyva").input_ids) > 4


def test_an_interrupted_training_goes_on_where_it_was(tmp_path):
    data = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    steps = []

    def run(seconds, stop_at=None):
        torch.manual_seed(1)
        model = nn.Linear(3, 1)

        def losses(step):
            if step == stop_at:
                raise KeyboardInterrupt
            steps.append(step)
            time.sleep(0.005)
            return {"square": (model(data) - 3 - 0.1 * torch.rand(())).square().mean()}

        train(model, losses, 40, Schedule(seconds, 0.1, 0.9, checkpoint_seconds=0.0, log_seconds=0.0), 0, tmp_path)
        return model

    with pytest.raises(KeyboardInterrupt):
        run(2.0, stop_at=3)
    assert not is_finished(tmp_path)
    run(2.0)
    assert is_finished(tmp_path)
    assert steps == list(range(steps[-1] + 1)), "no step twice, none left out"
    lines = [json.loads(line) for line in (tmp_path / LOSSES_FILE).read_text().splitlines()]
    assert lines[-1]["square"] < 0.5 * lines[0]["square"]
    seconds = [line["seconds"] for line in lines]
    assert seconds == sorted(seconds), "the time before the interruption counts"


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path):
    model = nn.Linear(1, 1)

    def losses(step):
        time.sleep(0.002)
        return {"bad": model.weight.sum() * float("nan")}

    with pytest.raises(FloatingPointError, match="bad"):
        train(model, losses, 1, Schedule(5.0, 1e-3, log_seconds=0.01), 0, tmp_path)


def test_what_is_carried_out_begins_the_next_run_in_small_files(tmp_path):
    from safetensors.torch import save_file

    first, second = tmp_path / "first", tmp_path / "second"
    large = {f"layer.{number}": torch.randn(1500, 1500) for number in range(9)}
    for stage, tensors in (("vae", {"weight": torch.ones(3)}), ("denoiser", large)):
        (first / stage).mkdir(parents=True)
        save_file(tensors, first / stage / AVERAGE)
    files = pack(first, ("vae", "joint", "denoiser"), tmp_path / "out")
    assert len(files) == 3 and all(file.stat().st_size <= FILE_BYTES + 4096 for file in files)
    assert sorted(unpack(tmp_path / "out", second)) == ["denoiser", "vae"]
    again = load_file(second / "denoiser" / AVERAGE)
    assert again.keys() == large.keys()
    torch.testing.assert_close(again["layer.8"], large["layer.8"], rtol=1e-3, atol=1e-3)
    assert is_finished(second / "vae") and not is_finished(second / "joint")


def test_losses_of_the_stages_that_have_begun_are_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is for development only")
    from core.training.curves import draw_losses

    for stage, falling in (("vae", (0.5, 0.2)), ("denoiser", (0.3, 0.1))):
        (tmp_path / stage).mkdir()
        lines = [json.dumps({"step": 50 * (n + 1), "seconds": 9.0, "loss": loss}) for n, loss in enumerate(falling)]
        (tmp_path / stage / LOSSES_FILE).write_text("\n".join(lines))
    draw_losses(tmp_path, tmp_path / "two.png")
    (tmp_path / "denoiser" / LOSSES_FILE).unlink()
    draw_losses(tmp_path, tmp_path / "one.png")
    two, one = (Image.open(tmp_path / name) for name in ("two.png", "one.png"))
    assert two.width == pytest.approx(2 * one.width, rel=0.02)
    assert len(np.unique(np.asarray(one))) > 10


def test_a_bundles_denoiser_is_trained_further_at_its_own_resolution(tmp_path, model_folder):
    few = replace(FEW, supersampling=1)
    settings = replace(
        settings_to_go_on(CPU, 0.001), rasters=few, styles_a_family=3, batch=14, held_out=14, ending_seconds=0.0
    )
    run = Run(tmp_path, settings, CPU, lambda line: None, start=model_folder)
    assert run.held_out(14)[0].target.shape[-1] == 64
    assert run.train_all().keys() == {"denoiser_seconds"}
    run.samples(tmp_path / "samples.png")
    run.export(tmp_path / "bundle")
    learnt = {"unet", "ip_adapter", "controlnet_normal", "controlnet_depth"}
    for path in model_folder.rglob("*.safetensors"):
        name = path.relative_to(model_folder)
        before, after = load_file(path), load_file(tmp_path / "bundle" / name)
        assert before.keys() == after.keys()
        same = all(torch.equal(before[key], after[key]) for key in before)
        assert same == (name.parts[0] not in learnt), name
    for path in model_folder.rglob("config.json"):
        assert path.read_text() == (tmp_path / "bundle" / path.relative_to(model_folder)).read_text()
    assert read_bundle(tmp_path / "bundle").vision.config.image_size == 64


SMALL_RUN = """
import sys, torch
from dataclasses import replace
from pathlib import Path
from core.training.rasters import RasterSettings
from core.training.run import Run, settings_for
torch.set_num_threads(1)
settings = settings_for(torch.device("cpu"), float(sys.argv[2]))
views = RasterSettings(supersampling=1, shapes_a_class=1, views=2)
settings = replace(settings, rasters=views, styles_a_family=3, batch=14, held_out=14, ending_seconds=0.0,
                   checkpoint_seconds=0.0, log_seconds=0.0, shares={"vae": 0.01, "joint": 0.01})
run = Run(Path(sys.argv[1]), settings, torch.device("cpu"), lambda line: print(line, flush=True))
run.train_all()
run.export(Path(sys.argv[1]) / "bundle")
"""


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_and_its_bundle_loads(tmp_path):
    def begin(minutes):
        command = [sys.executable, "-W", "ignore", "-c", SMALL_RUN, str(tmp_path), str(minutes)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    killed = begin(3)
    for line in killed.stdout:
        if line.startswith("denoiser: "):
            killed.send_signal(signal.SIGKILL)
            break
    killed.wait()
    killed.stdout.close()
    done = int(json.loads(line.removeprefix("denoiser: "))["step"])
    trained = (tmp_path / "joint" / CHECKPOINT).stat().st_mtime
    again = begin(0.01)
    lines = [json.loads(line.removeprefix("denoiser: ")) for line in again.stdout if line.startswith("denoiser: ")]
    again.stdout.close()
    assert again.wait() == 0
    assert lines[0]["step"] in (done, done + 1), "the last checkpoint is from one step before or after the line"
    assert (tmp_path / "joint" / CHECKPOINT).stat().st_mtime == trained, "what was finished is kept"

    from core.diffusion.networks import load_networks
    from core.models.profiles import profile

    model = profile("bundled", tmp_path / "bundle")
    assert model.resolution == 128
    networks = load_networks(model, CPU)
    counted = sum(each.numel() for module in networks.modules().values() for each in module.parameters())
    assert model.parameters == pytest.approx(counted, rel=0.002)
    latents = networks.encode(torch.rand(1, 3, 128, 128))
    assert latents.shape == (1, 4, 32, 32) and latents.isfinite().all()
