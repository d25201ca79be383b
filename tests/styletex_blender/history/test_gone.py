# SPDX-License-Identifier: GPL-3.0-or-later
"""Results whose files or images are gone: said, refused with a way out, and never in the way of what is left."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def beside(bpy, cube, tmp_path):
    """The scene saved, with textures going beside the file."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.context.scene.styletex.destination = "beside"
    return bpy.data.objects["Cube"]


def on(target):
    return target.material_slots[0].material.node_tree.nodes["StyleTex Texture"].image


def file_of(bpy, image):
    return Path(bpy.path.abspath(image.filepath))


@pytest.mark.parametrize("tiles", ["0", "2"])
def test_result_whose_file_is_gone_is_neither_shown_nor_applied(
    bpy, beside, variations, history, shown, fake_worker, tiles
):
    fake_worker("--tiles", tiles)
    variations(count=2)
    second, first = history.images_of(beside)
    gone = file_of(bpy, second)
    gone = Path(str(gone).replace("<UDIM>", "1002"))
    gone.unlink()
    for call in (lambda: bpy.ops.styletex.history_show(number=0), bpy.ops.styletex.history_apply):
        beside.styletex_history.chosen = second
        with pytest.raises(RuntimeError, match=rf"Its file {gone.name} is not there any more.*Make Again"):
            call()
    assert on(beside) == shown.applied_image(beside) == first
    with pytest.raises(RuntimeError, match=f"Its file {gone.name}"):
        bpy.ops.styletex.touch_up(image_uid=second.session_uid, object_uid=beside.session_uid)
    assert beside.mode == "OBJECT" and on(beside) == first


def test_applied_result_whose_file_is_gone_is_named_when_one_goes_back_to_it(bpy, beside, variations, history):
    variations(count=2)
    first = history.images_of(beside)[1]
    file_of(bpy, first).unlink()
    bpy.ops.styletex.history_show(number=0)
    with pytest.raises(RuntimeError, match="is not there any more"):
        bpy.ops.styletex.history_compare()
    assert on(beside) == history.images_of(beside)[0], "what can be seen stays"
    assert bpy.ops.styletex.history_apply() == {"FINISHED"}


def test_packed_and_painted_results_need_no_file(bpy, beside, variations, history, shown):
    variations(count=2)
    second, first = history.images_of(beside)
    second.pack()
    file_of(bpy, second).unlink()
    bpy.ops.styletex.history_show(number=0)
    assert bpy.ops.styletex.history_apply() == {"FINISHED"}
    first.pixels[0:4] = (1.0, 0.0, 1.0, 1.0)
    file_of(bpy, first).unlink()
    bpy.ops.styletex.history_show(number=1)
    assert on(beside) == first


def test_deleted_image_that_was_applied_leaves_the_rest_to_be_applied(bpy, cube, variations, history, shown, styletex):
    variations()
    bpy.data.images.remove(shown.applied_image(cube))
    assert shown.applied_image(cube) is None and len(history.images_of(cube)) == 2
    third, second = history.images_of(cube)
    assert history.chosen_image(cube) == third
    bpy.ops.styletex.history_show(number=1)
    assert on(cube) == second and shown.applied_image(cube) is None
    bpy.ops.styletex.history_show(number=0)
    assert on(cube) == third and shown.applied_image(cube) is None
    assert bpy.ops.styletex.history_apply() == {"FINISHED"}
    assert shown.applied_image(cube) == on(cube) == third
    assert bpy.ops.styletex.history_rerun() == {"FINISHED"}
    assert len(history.images_of(cube)) == 3


def test_applied_image_that_is_deleted_while_another_is_looked_at(bpy, cube, variations, history, shown):
    variations()
    third, _, first = history.images_of(cube)
    bpy.ops.styletex.history_show(number=0)
    bpy.data.images.remove(first)
    assert on(cube) == third and shown.applied_image(cube) is None
    assert bpy.ops.styletex.history_apply.poll(), "it can be applied"
    bpy.ops.styletex.history_clean_up()
    assert history.images_of(cube) == [third] and on(cube) == third


def test_texture_lands_where_the_applied_image_was_deleted(bpy, cube, variations, history, shown):
    variations(count=1)
    bpy.data.images.remove(shown.applied_image(cube))
    variations(count=1, seed=9)
    assert history.images_of(cube) == [shown.applied_image(cube)] == [on(cube)]
    assert len(cube.styletex_history.entries) == 1
