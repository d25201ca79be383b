# SPDX-License-Identifier: GPL-3.0-or-later
"""A texture that is too soft gets the strokes of its style image, and nothing else."""

import dataclasses

import numpy as np
import pytest
import trimesh
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from core.detail.detail import find_detail
from core.detail.exemplar import sample
from core.detail.settings import DetailSettings, style_extent
from core.detail.ways import in_pixels
from core.geometry.texels import texel_map, texel_side

SIZE, EXTENT = 192, 1.4


def strokes(seed=0, side=260):
    """A picture of slanted strokes in three colours."""
    generator = np.random.default_rng(seed)
    noise = gaussian_filter(generator.normal(size=(side, side)), (1.2, 6.0), mode="wrap")
    noise = gaussian_filter(noise, (0.6, 0.6)) / noise.std()
    patches = gaussian_filter(generator.normal(size=(side, side)), 22, mode="wrap")
    colours = np.array([(40, 60, 120), (220, 200, 160), (190, 90, 50)])
    base = colours[np.digitize(patches / patches.std(), (-0.4, 0.5))]
    return Image.fromarray(np.clip(base + 28 * noise[..., None], 0, 255).astype(np.uint8))


PICTURE = strokes()


def soft(position):
    """The picture, as blurred as what is optimised, laid on from the front."""
    picture = np.asarray(PICTURE, np.float32) / 255
    blurred = gaussian_filter(picture, (2.2, 2.2, 0))
    scale = PICTURE.height / EXTENT
    place = np.stack([position[..., 0] * scale + 129.5, 129.5 - position[..., 2] * scale], axis=-1)
    return sample(blurred, place)


@pytest.fixture(scope="module")
def sheet(make_mesh):
    """Upright, facing the front, a little smaller than the picture."""
    shape = trimesh.Trimesh([(0, 0, 0), (0.6, 0, 0), (0.6, 0, 1), (0, 0, 1)], [(0, 1, 2), (0, 2, 3)])
    mesh = make_mesh(shape)
    return dataclasses.replace(mesh, positions=mesh.positions * np.float32(0.6))


@pytest.fixture(scope="module")
def texels(sheet):
    return texel_map(sheet, SIZE)


def detail_of(sheet, *pictures, colour=soft, seed=0, progress=lambda done, of: None, extent=EXTENT, **settings):
    """``pictures`` are pictures and their shares."""
    return find_detail(
        sheet,
        texel_side(sheet, SIZE),
        pictures or [(PICTURE, 1.0)],
        extent,
        lambda around, position, normal: colour(around),
        DetailSettings(**settings),
        seed,
        progress=progress,
    )


def detailed(sheet, texels, picture=PICTURE, colour=soft, seed=0, **settings):
    found = detail_of(sheet, (picture, 1.0), colour=colour, seed=seed, **settings)
    return found.colours(texels.position, texels.normal, colour(texels.position))


def quick_changes(texels, colours):
    """[h, w] lightness of texels on their sheet without what changes slowly."""
    image = np.zeros((SIZE, SIZE))
    image[texels.row, texels.column] = colours.mean(axis=-1)
    rows, columns = slice(texels.row.min(), texels.row.max() + 1), slice(texels.column.min(), texels.column.max() + 1)
    return image[rows, columns] - gaussian_filter(image[rows, columns], 2.5)


def true_colours(texels):
    picture = np.asarray(PICTURE, np.float32) / 255
    scale = PICTURE.height / EXTENT
    place = np.stack([texels.position[:, 0] * scale + 129.5, 129.5 - texels.position[:, 2] * scale], axis=-1)
    return sample(picture, place)


def far_from_palette(colours):
    """How far all but a hundredth of the colours are from one of the picture's."""
    apart, _ = KDTree(np.asarray(PICTURE, np.float32).reshape(-1, 3) / 255).query(colours)
    return np.quantile(apart, 0.99)


def test_what_was_blurred_gets_its_own_strokes_back(sheet, texels):
    made = detailed(sheet, texels)
    truth, before, after = (quick_changes(texels, c) for c in (true_colours(texels), soft(texels.position), made))
    assert before.std() < 0.4 * truth.std()
    assert after.std() == pytest.approx(truth.std(), rel=0.2)
    assert np.corrcoef(truth.ravel(), after.ravel())[0, 1] > 0.7


def test_strokes_alone_leave_the_colours_and_the_picture_s_own_colours_replace_them(sheet, texels):
    def blue(position):
        """As light and dark as the picture, in colours that it has not."""
        return soft(position).mean(axis=-1, keepdims=True) * np.array([0.2, 0.5, 1.4], np.float32)

    before = blue(texels.position)
    fine = detailed(sheet, texels, colour=blue, strength=0.5)
    whole = detailed(sheet, texels, colour=blue)
    np.testing.assert_allclose(fine.mean(axis=0), before.mean(axis=0), atol=0.03)
    assert quick_changes(texels, fine).std() > 1.5 * quick_changes(texels, before).std()
    assert far_from_palette(whole) < 0.5 * far_from_palette(fine)
    half = detailed(sheet, texels, colour=blue, strength=0.25)
    within = (fine > 0.0) & (fine < 1.0) & (before < 1.0)
    np.testing.assert_allclose(half[within], ((fine + before) / 2)[within], atol=1e-3)


def test_every_colour_is_near_one_of_the_picture(sheet, texels):
    between_pixels = far_from_palette(true_colours(texels))
    assert far_from_palette(detailed(sheet, texels)) < 1.3 * between_pixels < far_from_palette(soft(texels.position))


def darkening(squares):
    """From left to right; with squares of two colours, or plain."""
    row, column = np.mgrid[:240, :240]
    dark = ((row // 60 + column // 60) % 2)[..., None] * squares
    return Image.fromarray(((200, 180, 180) * (1 - 0.7 * dark) * (1 - column[..., None] / 2400)).astype(np.uint8))


@pytest.mark.parametrize("squares", [True, False])
def test_pieces_of_what_is_plain_end_nowhere(make_mesh, squares):
    pole = make_mesh(trimesh.creation.cylinder(radius=0.25, height=2.0, sections=64))
    found = detail_of(pole, (darkening(squares), 1.0), colour=lambda around: np.full_like(around, 0.65))
    tone, added = found.exemplar.tones(found.place), found.tone
    level = found.graph.levels[0]
    ahead = found.place[level.points][:, None] + in_pixels(level.way, found.exemplar)
    neighbour = level.points[level.index]
    steps = (tone[neighbour] - found.exemplar.tones(found.exemplar.within(ahead)))[level.real]
    left = steps + (added[neighbour] - added[level.points][:, None])[level.real]
    plain = found.exemplar.contrasts(found.place) < 0.03
    size = np.linalg.norm(steps, axis=-1)
    slight = (plain[level.points][:, None] & plain[neighbour])[level.real] & (size > 0.01) & (size < 0.05)
    assert slight.sum() > 1000
    assert np.linalg.norm(left[slight], axis=-1).mean() < 0.5 * size[slight].mean()


def test_the_same_seed_gives_the_same_colours_and_another_others(sheet, texels):
    first, again, other = (detailed(sheet, texels, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.05


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (16, 16), (200, 30, 40)),
        strokes(1, 300).crop((0, 0, 16, 300)),
        strokes(2, 300).crop((0, 0, 300, 17)),
    ],
    ids=["one colour", "tall", "wide"],
)
def test_any_picture_will_do(sheet, texels, picture):
    made = detailed(sheet, texels, picture)
    assert np.isfinite(made).all()
    low, high = np.asarray(picture).reshape(-1, 3).min(axis=0), np.asarray(picture).reshape(-1, 3).max(axis=0)
    assert (made >= low / 255 - 0.16).all() and (made <= high / 255 + 0.16).all()


@pytest.mark.parametrize("shape", ["needle", "speck"])
def test_any_mesh_will_do(make_mesh, shape):
    mesh = make_mesh(
        trimesh.creation.cylinder(0.001, 1.0, sections=3)
        if shape == "needle"
        else trimesh.Trimesh([(0, 0, 0), (1, 0, 0), (0, 0, 1e-3)], [(0, 1, 2)])
    )
    texels = texel_map(mesh, 64)
    for extent in (0.2, 7.0):
        found = find_detail(
            mesh, texel_side(mesh, 64), [(PICTURE, 1.0)], extent, lambda around, *_: soft(around), DetailSettings(), 0
        )
        assert np.isfinite(found.colours(texels.position, texels.normal, soft(texels.position))).all()


def test_texels_far_from_every_point_have_colours(sheet):
    """As on a mesh with more surface than points, and in tiles that repeat another."""
    position, normal = np.float32([[0.3, 5.0, 0.3]]), np.float32([[0, -1, 0]])
    made = detail_of(sheet).colours(position, normal, soft(position))
    assert np.isfinite(made).all()


def tinted(picture, add):
    """Half as bright, and lighter in one colour."""
    half = np.asarray(picture, np.float32) / 2 + np.float32(add)
    return Image.fromarray(half.astype(np.uint8))


RED = tinted(PICTURE.crop((0, 0, 260, 200)), (120, 0, 0))
BLUE = tinted(PICTURE.crop((0, 0, 120, 260)), (0, 0, 120))


def in_red(colours):
    """Which colours [n, 3] are those of ``RED``."""
    pixels = [np.asarray(picture, np.float32).reshape(-1, 3) / 255 for picture in (RED, BLUE)]
    to_red, to_blue = (KDTree(own).query(colours)[0] for own in pixels)
    assert np.quantile(np.minimum(to_red, to_blue), 0.99) < 0.1, "colours of neither picture"
    return to_red < to_blue


def test_no_piece_comes_back_all_the_time(sheet):
    other = gaussian_filter(np.asarray(strokes(1), np.float32) / 255, (2.2, 2.2, 0))

    def colour(position):
        """Another picture: what suits it best is anywhere."""
        return sample(other, position[..., [0, 2]] * 500 + 130)

    def most_used(**settings):
        """How often the most used twentieth of the picture is used, of what would be its share."""
        found = detail_of(sheet, (PICTURE, 1.0), colour=colour, extent=0.2, most_points=20_000, **settings)
        used, _, _ = np.histogram2d(*found.place.T, 20, [(0, PICTURE.height)] * 2)
        return np.sort(used.ravel())[-20:].mean() / used.mean()

    assert most_used() < 0.8 * most_used(evenness=0.0)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_each_of_two_pictures_paints_its_share(sheet, texels, share):
    def violet(position):
        return soft(position) / 2 + np.float32([0.24, 0.0, 0.24])

    found = detail_of(sheet, (RED, share), (BLUE, 1.0 - share), colour=violet)
    made = found.colours(texels.position, texels.normal, violet(texels.position))
    assert in_red(made).mean() == pytest.approx(share, abs=0.1)


def test_each_of_two_pictures_paints_where_it_suits(sheet, texels):
    middle = np.median(texels.position[:, 0])
    left = texels.position[:, 0] < middle

    def two_halves(position):
        add = np.where(position[..., :1] < middle, np.float32([0.47, 0.0, 0.0]), np.float32([0.0, 0.0, 0.47]))
        return soft(position) / 2 + add

    found = detail_of(sheet, (BLUE, 0.5), (RED, 0.5), colour=two_halves)
    made = found.colours(texels.position, texels.normal, two_halves(texels.position))
    assert (in_red(made) == left).mean() > 0.95


def test_the_search_tells_how_far_it_is_and_can_be_stopped(sheet):
    told = []

    def progress(done, of):
        told.append((done, of))
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_detail(
            sheet,
            0.01,
            [(PICTURE, 1.0)],
            EXTENT,
            lambda around, *_: soft(around),
            DetailSettings(),
            0,
            progress=progress,
        )
    assert [done for done, _ in told] == [1, 2, 3, 4, 5] and told[0][1] == sum(DetailSettings().rounds)


def test_strokes_are_as_large_as_asked_or_so_that_pixels_are_texels_within_bounds():
    assert style_extent(0.5, (400, 300), 0.004) == pytest.approx(0.9)
    assert style_extent(None, (400, 300), 0.004) == pytest.approx(1.2)
    assert style_extent(None, (4000, 3000), 0.004) == pytest.approx(1.4)
    assert style_extent(None, (64, 64), 0.001) == pytest.approx(0.7)
