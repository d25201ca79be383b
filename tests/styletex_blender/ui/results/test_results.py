# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished image at hand: named with its object and its time, saved as a file, forgotten when it is undone."""

from __future__ import annotations

import pytest


@pytest.fixture
def run(bpy, scene, styletex):
    """Both objects textured."""
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.styletex.stylize()
    return styletex.module("worker.runner").current_run()


def images_of(styletex, run):
    return [outcome.name for outcome in styletex.module("ui.results.outcome_panel").images_of(run)]


def test_image_that_is_gone_is_no_outcome_and_the_panel_goes_with_the_last(bpy, run, styletex):
    panel = styletex.module("ui.results.outcome_panel").STYLETEX_PT_outcome
    assert images_of(styletex, run) == ["Suzanne", "Cube"]
    bpy.data.images.remove(bpy.data.images[run.outcomes[0].image])
    assert images_of(styletex, run) == ["Cube"]
    assert panel.poll(bpy.context)
    bpy.data.images.remove(bpy.data.images[run.outcomes[1].image])
    assert not panel.poll(bpy.context)


def test_saved_file_is_the_finished_image_byte_for_byte_and_the_image_stays_packed(bpy, run, tmp_path):
    image = bpy.data.images[run.outcomes[0].image]
    before = image.filepath_raw
    assert bpy.ops.styletex.save_image(image_uid=image.session_uid, filepath=str(tmp_path / "mine")) == {"FINISHED"}
    assert (tmp_path / "mine.png").read_bytes() == image.packed_file.data
    assert (image.filepath_raw, bool(image.packed_file)) == (before, True)


def test_painted_over_image_is_saved_as_it_is_seen(bpy, run, tmp_path):
    import numpy as np
    from PIL import Image

    image = bpy.data.images[run.outcomes[0].image]
    image.pixels.foreach_set(np.tile(np.float32([1, 0, 0, 1]), image.size[0] * image.size[1]))
    assert image.is_dirty
    bpy.ops.styletex.save_image(image_uid=image.session_uid, filepath=str(tmp_path / "red.png"))
    with Image.open(tmp_path / "red.png") as saved:
        assert saved.convert("RGB").getpixel((3, 3)) == (255, 0, 0)


def test_place_that_cannot_be_written_is_said(bpy, run, tmp_path):
    with pytest.raises(RuntimeError, match="The image cannot be saved"):
        uid = run.outcomes[0].image_uid
        bpy.ops.styletex.save_image(image_uid=uid, filepath=str(tmp_path / "nowhere" / "mine.png"))
    with pytest.raises(RuntimeError, match="The image is not there any more"):
        bpy.ops.styletex.save_image(image_uid=1, filepath=str(tmp_path / "mine.png"))


def test_row_means_its_own_image_and_object_whatever_they_are_called_by_now(bpy, run, styletex):
    first = run.outcomes[0]
    image = bpy.data.images[first.image]
    image.name = "Mine"
    other = bpy.data.images.new(first.image, 4, 4)
    bpy.data.objects["Suzanne"].name = "Ape"
    bpy.data.objects["Cube"].name = "Suzanne"
    assert first.finished_image() == image != other
    assert images_of(styletex, run) == ["Ape", "Suzanne"]
    bpy.data.images.remove(image)
    assert images_of(styletex, run) == ["Suzanne"], "the one that got its name is another"


def test_row_goes_when_the_history_drops_its_image_and_the_next_one_gets_its_name(bpy, run, styletex):
    first = run.outcomes[0]
    cube = bpy.data.objects["Cube"]
    bpy.data.objects["Suzanne"].select_set(False)
    bpy.context.view_layer.objects.active = cube
    bpy.context.scene.styletex.history_limit = 1
    made = []
    for seed in (1, 2):
        bpy.context.scene.styletex.seed = seed
        bpy.ops.styletex.stylize()
        made.append(styletex.module("worker.runner").current_run().outcomes[0])
    assert made[0].finished_image() is None and made[1].finished_image() is not None
    assert first.finished_image() is not None
