# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("skimage", reason="the measures need scikit-image, which is for development only")

from core.evaluation.leakage import measure_leakage
from core.evaluation.rank import rank_own
from core.evaluation.style_distance import StyleSignature
from core.evaluation.styles import SAMPLES, sample_paths, style
from core.evaluation.views import View, picture_view


@pytest.fixture(scope="module")
def pictures():
    return {path.stem: picture_view(style(path).picture) for path in sample_paths()}


def crops(view: View, side: int = 160) -> list[View]:
    """The four corners of a picture."""
    height, width = view.mask.shape
    places = [(top, left) for top in (0, height - side) for left in (0, width - side)]
    return [View(view.image[t : t + side, k : k + side], view.mask[t : t + side, k : k + side]) for t, k in places]


def ball(colours: np.ndarray, surroundings: tuple[int, int, int]) -> View:
    """A disc cut out of ``colours`` [h, w, 3]."""
    height, width = colours.shape[:2]
    row, column = np.mgrid[:height, :width]
    mask = np.hypot(row - height / 2, column - width / 2) < 0.4 * min(height, width)
    return View(np.where(mask[..., None], colours, np.array(surroundings, np.uint8)), mask)


def flat(colour, size=64) -> View:
    image = np.broadcast_to(np.array(colour, np.uint8), (size, size, 3)).copy()
    return View(image, np.ones((size, size), bool))


def checks(cell: int, size: int = 128) -> View:
    row, column = np.mgrid[:size, :size] // cell
    image = np.where(((row + column) % 2 == 0)[..., None], np.uint8(40), np.uint8(220)).repeat(3, axis=2)
    return View(image, np.ones((size, size), bool))


def test_samples_that_ship_are_small_readable_and_described():
    assert len(sample_paths()) >= 3
    readme = (SAMPLES / "README.md").read_text(encoding="utf-8")
    for path in sample_paths():
        assert path.stat().st_size <= 200_000
        assert f"`{path.name}`" in readme
        assert style(path).content
    assert {path.name for path in SAMPLES.iterdir()} == {
        "README.md",
        "samples.json",
        *(path.name for path in sample_paths()),
    }


def test_a_picture_is_at_no_distance_from_itself(pictures):
    for view in pictures.values():
        signature = StyleSignature([view])
        assert signature.distance(StyleSignature([view])).total == 0.0


def test_style_distance_is_symmetric(pictures):
    first, second = (StyleSignature([pictures[name]]) for name in ("great_wave", "poppies"))
    assert first.distance(second).total == pytest.approx(second.distance(first).total, rel=1e-6)


def test_colour_distance_of_two_plain_colours_is_their_distance_in_cielab():
    # The lightness of these greys is 53.6 and 76.2.
    distance = StyleSignature([flat((128, 128, 128))]).distance(StyleSignature([flat((188, 188, 188))]))
    assert distance.colour == pytest.approx(22.6, rel=0.1)
    assert distance.structure == pytest.approx(0.0, abs=1e-3)


def test_structure_distance_sees_pattern_where_colours_agree():
    fine, coarse = StyleSignature([checks(4)]), StyleSignature([checks(16)])
    assert fine.distance(coarse).colour < 0.5
    assert fine.distance(coarse).structure > 5.0


def test_style_distance_ignores_what_is_not_covered(pictures):
    image = pictures["great_wave"].image
    black, white = (StyleSignature([ball(image, colour)]) for colour in ((0, 0, 0), (255, 255, 255)))
    assert black.distance(white).total == 0.0


def test_style_distance_ranks_halves_of_a_picture_first_among_all(pictures):
    signatures = {name: StyleSignature([view]) for name, view in pictures.items()}
    for name, view in pictures.items():
        some = StyleSignature(crops(view)[1:3])
        distances = {other: some.distance(signature).total for other, signature in signatures.items()}
        assert rank_own(distances, name).place == 1


def test_rank_counts_the_styles_that_are_as_near():
    assert rank_own({"a": 1.0, "b": 2.0, "c": 3.0}, "a").place == 1
    assert rank_own({"a": 2.0, "b": 2.0, "c": 3.0}, "a").place == 2
    assert rank_own({"a": 5.0, "b": 2.0, "c": 3.0}, "a").place == 3
    assert rank_own({"a": 5.0, "b": 2.0, "c": 3.0}, "a").nearest_other == 2.0


def test_leakage_is_full_when_the_render_shows_the_picture_itself(pictures):
    for view in pictures.values():
        leakage = measure_leakage(view, [view])
        assert leakage.real > 0.95
        assert leakage.excess > 0.2


def test_leakage_sees_one_pasted_piece_of_the_picture(pictures):
    own, other = pictures["great_wave"], pictures["poppies"]
    clean = ball(other.image, (128, 128, 128))
    planted = clean.image.copy()
    planted[80:170, 130:220] = own.image[60:150, 60:150]
    before = measure_leakage(own, [clean])
    after = measure_leakage(own, [View(planted, clean.mask)])
    assert abs(before.excess) < 0.15
    assert after.excess > before.excess + 0.2


def test_leakage_does_not_take_shuffled_strokes_for_content(pictures):
    # The picture in 16-pixel tiles at random places: all of its strokes, nothing of its motif.
    view = pictures["great_wave"]
    tiles = [
        view.image[top : top + 16, left : left + 16]
        for top in range(0, 256, 16)
        for left in range(0, view.image.shape[1] - 15, 16)
    ]
    order = np.random.default_rng(0).permutation(len(tiles))[:256]
    rows = [np.concatenate([tiles[number] for number in order[start : start + 16]], 1) for start in range(0, 256, 16)]
    mixed = np.concatenate(rows)
    leakage = measure_leakage(view, [View(mixed, np.ones(mixed.shape[:2], bool))])
    assert abs(leakage.excess) < 0.15


def test_leakage_between_foreign_pictures_is_about_none(pictures):
    names = list(pictures)
    for own, other in zip(names, names[1:] + names[:1], strict=True):
        assert abs(measure_leakage(pictures[own], [pictures[other]]).excess) < 0.15


def test_judge_finds_the_picture_that_a_crop_is_from(pictures):
    pytest.importorskip("efficientnet_lite_pytorch", reason="the judge is for development only")
    from core.evaluation.judge import Judge

    judge = Judge()
    whole = {name: judge.signature([view]) for name, view in pictures.items()}
    assert judge.distance(whole["poppies"], whole["poppies"]) == pytest.approx(0.0, abs=1e-5)
    for name, view in pictures.items():
        for crop in crops(view):
            signature = judge.signature([crop])
            distances = {other: judge.distance(signature, one) for other, one in whole.items()}
            assert rank_own(distances, name).place == 1, (name, distances)


def test_judge_ignores_what_is_not_covered(pictures):
    pytest.importorskip("efficientnet_lite_pytorch", reason="the judge is for development only")
    from core.evaluation.judge import Judge

    judge = Judge()
    image = pictures["village_street"].image
    black, white = (judge.signature([ball(image, colour)]) for colour in ((0, 0, 0), (255, 255, 255)))
    assert judge.distance(black, white) == pytest.approx(0.0, abs=1e-6)


def test_missing_judge_is_named_with_the_way_out(monkeypatch):
    import sys

    from core.evaluation.judge import Judge
    from core.job import JobError

    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(JobError) as caught:
        Judge()
    assert caught.value.code == "dependencies"
    assert "efficientnet" in caught.value.message
    assert caught.value.hint


def test_unknown_pictures_show_nothing_unless_told(tmp_path):
    path = tmp_path / "great_wave.jpg"
    Image.new("RGB", (32, 32), "red").save(path)
    assert style(path).content == ""
    assert style(path, "a boat").content == "a boat"
