# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bundled model is measured by tells good from bad."""

import numpy as np
import pytest
import torch
import trimesh

from core.evaluation.judge import Judge
from core.evaluation.views import VIEW_SIZE, View, at_resolution, picture_view
from core.training import marks
from core.training.benchmark import held_out_styles, nearest_of_five, swatches
from core.training.captions import OBJECT_WORDS, PATTERN_WORDS
from core.training.family_judge import SEED, SIDES, FamilyJudge, fit, learn_families, load_family_judge
from core.training.marks import leaked_share, marked_styles, ratio_with_interval
from core.training.pattern_views import coarse_style, pattern_views, seen_from_all_sides
from core.training.pictures import as_image, swatch
from core.training.shapes import make_shape
from tests.core.bare_mesh import bare_mesh

PUBLISHED_MEANS = {
    "01-striped": (107.61, 43.07, 16.07),
    "02-dotted": (213.46, 175.00, 181.57),
    "03-checkered": (101.39, 89.34, 83.89),
    "04-brick": (3.07, 129.91, 167.03),
    "05-zigzag": (144.76, 136.04, 135.69),
    "06-cellular": (108.70, 81.97, 147.37),
    "07-camouflage": (72.12, 65.08, 98.61),
    "08-wooden": (93.09, 95.72, 107.96),
    "09-brushed": (62.24, 46.20, 53.19),
    "10-speckled": (84.78, 56.03, 11.35),
    "11-woven": (181.10, 210.41, 191.22),
    "12-hatched": (38.32, 90.35, 76.28),
    "13-graded": (171.74, 162.69, 192.34),
    "14-printed": (116.05, 226.87, 232.47),
}


def test_the_held_out_swatches_are_the_same_each_time_and_show_every_family():
    styles, again = held_out_styles(), held_out_styles()
    assert {style.family for style in styles.values()} == set(PATTERN_WORDS)
    assert len(styles) == len(PATTERN_WORDS)
    first, second = (swatches({"04-brick": chosen["04-brick"]})["04-brick"] for chosen in (styles, again))
    assert first.size == (512, 512)
    assert first.tobytes() == second.tobytes()


def test_a_mesh_painted_with_the_pattern_itself_has_its_colours():
    styles = held_out_styles()
    style = styles["03-checkered"]
    ball = bare_mesh(trimesh.creation.icosphere(3, 0.8))
    for view in pattern_views(seen_from_all_sides(ball), style):
        pixels = view.image[view.mask] / 255.0
        apart = np.abs(pixels[:, None] - style.colours[None]).max(-1).min(1)
        assert apart.max() < 2 * style.unevenness + 0.02


def test_the_nearest_of_five_is_asked_of_the_next_four_going_round():
    order = [f"{number}" for number in range(8)]
    distances = dict.fromkeys(order, 1.0) | {"6": 0.5}
    assert nearest_of_five(distances, "6", order)
    assert not nearest_of_five(distances, "5", order)
    assert not nearest_of_five(distances, "1", order), "as near as others is not nearer"
    # 7 is compared with 0 to 3, so that 6 does not matter.
    assert nearest_of_five({**distances, "7": 0.9}, "7", order)


@pytest.fixture(scope="module")
def marked():
    return marked_styles()


def test_objects_with_marks_show_style_and_mark(marked):
    assert len(marked) == marks.COUNT
    for one in marked.values():
        marked_share, chance = (leaked_share([picture_view(each)], one) for each in (one.picture, one.twin))
        assert marked_share > chance + 0.03
        assert one.content.split()[1] in {"house", "donut", "tower", "table"}


def test_leaked_share_counts_the_marks_colour_alone(marked):
    one = marked["01-house"]
    picture = np.empty((20, 20, 3), np.uint8)
    picture[:] = np.round(one.style.colours[1] * 255)
    picture[:5] = np.round(one.mark * 255)
    covered = np.ones((20, 20), bool)
    assert leaked_share([View(picture, covered)], one) == 0.25
    covered[:5] = False
    assert leaked_share([View(picture, covered)], one) == 0.0


def test_the_interval_of_a_ratio_holds_it_and_narrows_with_more_cases():
    rng = np.random.default_rng(0)
    without = rng.uniform(0.2, 0.4, 400)
    kept_out = without * rng.uniform(0.3, 0.7, 400)
    ratio, low, high = ratio_with_interval(kept_out, without)
    assert low < ratio < high < 0.6
    few = ratio_with_interval(kept_out[:10], without[:10])
    assert few[2] - few[1] > 2 * (high - low)
    same, low, high = ratio_with_interval(without, without[::-1])
    assert low < 1.0 < high
    assert same == pytest.approx(1.0)


def test_where_hardly_anything_leaks_the_interval_says_that_nothing_is_known():
    none, one = np.zeros(12), np.eye(12)[0]
    assert ratio_with_interval(none, none) == (1.0, 1.0, 1.0)
    assert ratio_with_interval(0.1 * one, one) == (0.1, 0.1, 1.0)
    assert ratio_with_interval(one, none)[2] == np.inf


def test_the_held_out_swatches_are_those_of_the_published_measures():
    """Mean colours of the pictures from which docs/evaluation.md was measured."""
    means = {name: np.asarray(picture).mean((0, 1)) for name, picture in swatches(held_out_styles()).items()}
    for name, mean in PUBLISHED_MEANS.items():
        np.testing.assert_allclose(means[name], mean, atol=0.1)


def test_the_judge_of_patterns_tells_patterns_that_it_has_not_seen():
    judge, rng = Judge(), np.random.default_rng(0)

    def shown(family):
        return picture_view(as_image(swatch(coarse_style(rng, family), 128, rng)))

    taught = [(number, shown(family)) for number, family in enumerate(PATTERN_WORDS) for _ in range(6)]
    features = torch.stack([torch.cat(judge.signature([view], centred=True)) for _, view in taught])
    layer = fit(features, torch.tensor([number for number, _ in taught]))
    families = FamilyJudge(*layer, judge)
    right = [families.recognise([shown(family)]) == family for family in PATTERN_WORDS for _ in range(2)]
    assert np.mean(right) > 0.4, "chance is 0.07"
    grey = View(np.full((128, 128, 3), 128, np.uint8), np.ones((128, 128), bool))
    assert families.recognise([grey]) in PATTERN_WORDS


def test_fewer_pixels_blur_the_object_and_let_nothing_in_from_beside_it():
    image = np.full((VIEW_SIZE, VIEW_SIZE, 3), (0, 255, 0), np.uint8)
    mask = np.zeros((VIEW_SIZE, VIEW_SIZE), bool)
    mask[64:192, 64:192] = True
    stripes = (np.arange(128) // 2 % 2 * 200 + 20).astype(np.uint8)
    image[mask] = np.repeat(np.tile(stripes[:, None], (128, 1)), 3, axis=1)
    view = View(image, mask)
    assert at_resolution(view, VIEW_SIZE) is view
    few = at_resolution(view, 64)
    assert few.mask.sum() == mask.sum()
    inside = few.image[few.mask].astype(int)
    assert np.ptp(inside, axis=1).max() == 0, "green stays outside"
    assert inside.std() < 0.2 * image[mask].std(), "stripes of two pixels are gone"


@pytest.mark.slow
def test_the_judge_of_patterns_learns_from_painted_objects_and_is_kept(tmp_path):
    share = learn_families(tmp_path / "judge", processes=1, objects=2)
    assert 0.0 <= share <= 1.0
    families = load_family_judge(tmp_path / "judge", Judge())
    rng = np.random.default_rng((SEED, 1))
    seen = seen_from_all_sides(make_shape(OBJECT_WORDS[1], rng).mesh)
    order = rng.permutation(len(PATTERN_WORDS))[: len(PATTERN_WORDS) // 2].tolist()
    for family in (PATTERN_WORDS[number] for number in order):
        views, side = pattern_views(seen, coarse_style(rng, family)), int(rng.choice(SIDES))
        assert families.recognise([at_resolution(view, side) for view in views]) == family
