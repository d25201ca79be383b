# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bundled model is measured by tells good from bad."""

import numpy as np
import pytest
import trimesh

from core.evaluation.views import View, picture_view
from core.training import marks, rasters
from core.training.benchmark import COUNT, held_out_styles, nearest_of_five, swatches, true_views
from core.training.captions import PATTERN_WORDS
from core.training.dataset import make_pairs
from core.training.family_judge import family_accuracy, load_family_judge, train_family_judge
from core.training.marks import leaked_share, marked_styles, ratio_with_interval
from tests.core.bare_mesh import bare_mesh


def test_the_held_out_swatches_are_the_same_each_time_and_show_every_family():
    styles, again = held_out_styles(), held_out_styles()
    assert {style.family for style in styles.values()} == set(PATTERN_WORDS)
    assert len(styles) == COUNT
    first, second = (swatches({"04-brick": chosen["04-brick"]})["04-brick"] for chosen in (styles, again))
    assert first.size == (512, 512)
    assert first.tobytes() == second.tobytes()


def test_a_mesh_painted_with_the_pattern_itself_has_its_colours():
    styles = held_out_styles()
    style = styles["03-checkered"]
    ball = bare_mesh(trimesh.creation.icosphere(3, 0.8))
    for view in true_views(ball, style):
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


def test_the_judge_of_patterns_learns_and_looks_at_all_views_together(tmp_path, monkeypatch):
    monkeypatch.setattr("core.training.family_judge.STEPS", 30)
    pairs = make_pairs(rasters.cast(1, 2, seed=0), 64, seed=0)
    train_family_judge(pairs, tmp_path, seed=0)
    judge = load_family_judge(tmp_path)
    assert family_accuracy(judge, pairs) > 0.3, "of what it was taught; chance is 0.07"
    views = [View(picture, np.ones(picture.shape[:2], bool)) for picture in pairs.target[:3]]
    assert judge.recognise(views) in PATTERN_WORDS
