# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished texture is never lost: whatever keeps it from its object, it is kept, and Apply puts it there later."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

STYLED = "StyleTex · Cube"


@pytest.fixture
def cube(bpy, scene):
    return bpy.data.objects["Cube"]


@pytest.fixture
def saved(bpy, cube, tmp_path):
    """The scene saved, with textures going beside the file."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.context.scene.styletex.destination = "beside"
    return tmp_path


def kept(styletex):
    return styletex.module("ui.results.kept_textures").kept_textures()


def shown(target):
    return [slot.material.name if slot.material else None for slot in target.material_slots]


def block_with_a_file(folder):
    (folder / "textures").write_text("the artist's")


def block_with_permissions(folder):
    (folder / "textures").mkdir()
    (folder / "textures").chmod(0o500)


def test_file_in_the_way_of_the_folder_keeps_every_texture_and_apply_puts_it_there_later(bpy, saved, styletex):
    objects = [bpy.data.objects["Cube"], bpy.data.objects["Suzanne"]]
    run = styletex.begin(objects)
    styletex.until(lambda: run.frames_shown >= 1)
    block_with_a_file(saved)
    styletex.end(run)
    assert len(run.done) == 2, "the others go on"
    for outcome in run.outcomes:
        assert str(saved / "textures") in outcome.error.message
        assert f"The texture is kept in {outcome.kept}" in outcome.error.message
        assert (outcome.kept / "base_color.png").is_file()
    assert [shown(found) for found in objects] == [["Old"], ["Old"]]
    assert STYLED not in bpy.data.images

    with pytest.raises(RuntimeError, match="cannot be saved"):
        bpy.ops.styletex.apply_kept(folder=run.outcomes[0].kept.name)
    (saved / "textures").unlink()
    for outcome in list(run.outcomes):
        assert bpy.ops.styletex.apply_kept(folder=outcome.kept.name) == {"FINISHED"}
    assert [shown(found) for found in objects] == [[STYLED], ["StyleTex · Suzanne"]]
    assert sorted(path.name for path in (saved / "textures").iterdir()) == [
        "StyleTex _ Cube.png",
        "StyleTex _ Suzanne.png",
    ]
    assert kept(styletex) == [] and run.failures == []
    bpy.ops.ed.undo()
    assert shown(bpy.data.objects["Suzanne"]) == ["Old"]


@pytest.mark.parametrize(
    ("errno", "way"), [(30, "make the folder writable"), (13, "make the folder writable"), (28, "Free some space")]
)
def test_texture_goes_into_the_file_where_its_folder_cannot_be_written_and_the_panel_says_so(
    bpy, saved, styletex, monkeypatch, errno, way
):
    def refuse(*_arguments):
        raise OSError(errno, "Refused", str(saved / "textures"))

    run = styletex.begin([bpy.data.objects["Cube"]])
    styletex.until(lambda: run.frames_shown >= 1)
    monkeypatch.setattr(styletex.module("scene.image"), "_copy_whole", refuse)
    styletex.end(run)
    (outcome,) = run.outcomes
    assert way in outcome.error.hint and "In the File" in outcome.error.hint
    assert styletex.module("ui.results.outcome_panel").shows_error_of(run, outcome.key), "and the queue does not"
    with pytest.raises(RuntimeError, match="In the File"):
        bpy.ops.styletex.apply_kept(folder=outcome.kept.name)
    bpy.context.scene.styletex.destination = "packed"
    assert bpy.ops.styletex.apply_kept(folder=outcome.kept.name) == {"FINISHED"}
    assert shown(bpy.data.objects["Cube"]) == [STYLED]
    assert bpy.data.images[STYLED].packed_file is not None


@pytest.mark.parametrize("tiles", ["0", "2"])
def test_full_disk_leaves_no_half_file_and_nothing_of_the_texture_in_the_scene(
    bpy, saved, styletex, monkeypatch, tiles
):
    before = styletex.inventory()
    copied = []

    def full(source, to):
        copied.append(to)
        Path(to).write_bytes(b"half")
        raise OSError(28, "No space left on device", str(source), None, str(to))

    run = styletex.begin([bpy.data.objects["Cube"]], "--tiles", tiles)
    monkeypatch.setattr(styletex.module("scene.image").shutil, "copyfile", full)
    styletex.end(run)
    assert copied
    (outcome,) = run.outcomes
    assert outcome.error.code == "disk_full" and "No space left" in outcome.error.message
    assert list((saved / "textures").iterdir()) == []
    assert styletex.inventory() == before
    monkeypatch.undo()
    styletex._fake_worker()
    assert bpy.ops.styletex.apply_kept(folder=outcome.kept.name) == {"FINISHED"}


def test_failure_of_the_last_step_takes_all_of_it_back(bpy, cube, styletex, monkeypatch):
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    cube.data.materials.clear()
    before = styletex.inventory()
    run = styletex.begin([cube, bpy.data.objects["Suzanne"]])
    land = styletex.module("landing.land")
    apply_texture = land.apply_texture

    def fail_for_the_cube(target, *rest):
        warnings = apply_texture(target, *rest)
        if target.name == "Cube":
            raise ReferenceError("injected")
        return warnings

    monkeypatch.setattr(land, "apply_texture", fail_for_the_cube)
    styletex.end(run)
    failed, sound = run.outcomes
    assert failed.error.code == "internal" and "injected" in failed.error.detail
    assert sound.textured
    assert len(cube.data.uv_layers) == 0 and len(cube.material_slots) == 0
    assert styletex.inventory()["images"] == sorted([*before["images"], "StyleTex · Suzanne"])
    log = styletex.module("worker.environment").log_path().read_text()
    assert "ReferenceError: injected" in log


@pytest.mark.parametrize("destination", ["packed", "beside"])
def test_damaged_picture_is_not_put_on(bpy, saved, styletex, monkeypatch, destination):
    bpy.context.scene.styletex.destination = destination
    before = styletex.inventory()
    run = styletex.begin([bpy.data.objects["Cube"]])
    keeping = styletex.module("worker.queue.keeping")
    keep = keeping.keep

    def damage(folder, place):
        (folder / "base_color.png").write_bytes(b"no picture")
        return keep(folder, place)

    monkeypatch.setattr(keeping, "keep", damage)
    styletex.end(run)
    (outcome,) = run.outcomes
    assert outcome.error and "cannot read the picture" in outcome.error.message
    assert styletex.inventory() == before
    assert shown(bpy.data.objects["Cube"]) == ["Old"]


def test_textures_are_offered_again_in_the_next_session(bpy, saved, styletex):
    run = styletex.begin([bpy.data.objects["Cube"]])
    styletex.until(lambda: run.frames_shown >= 1)
    block_with_a_file(saved)
    styletex.end(run)
    (saved / "textures").unlink()
    bpy.ops.wm.open_mainfile(filepath=str(saved / "saved.blend"))
    (texture,) = kept(styletex)
    assert styletex.module("ui.results.kept_textures").object_for(texture, bpy.context).name == "Cube"
    assert bpy.ops.styletex.apply_kept(folder=texture.folder.name) == {"FINISHED"}
    assert shown(bpy.data.objects["Cube"]) == [STYLED]


def test_texture_that_cannot_be_moved_is_put_on_from_where_it_is(bpy, cube, styletex, monkeypatch):
    keeping = styletex.module("worker.queue.keeping")

    def refuse(*_arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(keeping, "keep", refuse)
    run = styletex.begin([cube])
    styletex.end(run)
    assert run.outcomes[0].textured
    assert not run.tasks[0].folder.path.exists()


def test_texture_that_is_finished_when_a_file_is_loaded_is_kept(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    runner = styletex.module("worker.runner")
    runner.finish()
    folder = run.tasks[0].folder.path
    runner._look_at_changes(run, run.task)
    # The worker finishes while Blender does something else.
    import time

    next(styletex._steps)
    end = time.monotonic() + 10.0
    while not (folder / "report.json").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    styletex.module("folders.job_folder").prune(styletex.module("worker.environment").jobs_folder())
    assert [texture.landing.object_name for texture in kept(styletex)] == ["Cube"]


def test_removing_a_kept_texture_removes_its_files(bpy, saved, styletex):
    run = styletex.begin([bpy.data.objects["Cube"]])
    styletex.until(lambda: run.frames_shown >= 1)
    block_with_a_file(saved)
    styletex.end(run)
    folder = run.outcomes[0].kept
    bpy.ops.styletex.remove_kept(folder=folder.name)
    assert not folder.exists() and run.failures == []
    with pytest.raises(RuntimeError, match="no longer there"):
        bpy.ops.styletex.apply_kept(folder=folder.name)


def test_kept_textures_wait_for_thirty_days_of_use(bpy, saved, styletex, monkeypatch):
    module = styletex.module("folders.kept")
    run = styletex.begin([bpy.data.objects["Cube"]])
    styletex.until(lambda: run.frames_shown >= 1)
    block_with_a_file(saved)
    styletex.end(run)
    place = styletex.module("worker.environment").kept_folder()
    for day in range(module.KEPT_DAYS):
        monkeypatch.setattr(module.time, "strftime", lambda *_arguments, day=day: f"2026-{day:03d}")
        module.prune(place)
        assert module.kept_folders(place)
    monkeypatch.setattr(module.time, "strftime", lambda *_arguments: "2027-001")
    module.prune(place)
    assert module.kept_folders(place) == []


@pytest.mark.parametrize("block", [block_with_a_file, block_with_permissions])
def test_place_that_cannot_be_written_is_refused_before_the_first_step(bpy, saved, styletex, block):
    import os

    if block is block_with_permissions and os.name == "posix" and os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    block(saved)
    with pytest.raises(RuntimeError, match="cannot be saved in"):
        bpy.ops.styletex.stylize()
    assert styletex.module("worker.warm_worker")._client is None


def test_trying_the_place_leaves_nothing(bpy, saved, styletex):
    styletex.module("scene.image").try_destination("beside")
    assert not (saved / "textures").exists()


def unpacked(bpy, image):
    pixels = np.empty(len(image.pixels), dtype=np.float32)
    image.pixels.foreach_get(pixels)
    return pixels


def paths(images):
    return [[image.filepath_raw, *(packed.filepath for packed in image.packed_files)] for image in images]


@pytest.mark.parametrize("tiles", ["0", "2"])
def test_unpacking_two_textures_gives_two_files_with_their_own_pixels(bpy, cube, styletex, tmp_path, tiles):
    fake, worker = styletex._fake_worker, styletex.module("worker.warm_worker")
    bpy.data.objects["Suzanne"].select_set(False)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    fake("--tiles", tiles)
    bpy.ops.styletex.stylize()
    first = bpy.data.images[STYLED]
    worker.close()
    fake("--tiles", tiles, "--steps", "3")
    bpy.context.scene.styletex.texture_size = "512"
    bpy.ops.styletex.stylize()
    second = next(image for image in bpy.data.images if image.name.startswith(STYLED) and image != first)
    assert not {*paths([first])[0]} & {*paths([second])[0]}
    assert [tuple(image.size) for image in (first, second)] == [(256, 256), (512, 512)]
    for image in (first, second):
        image.unpack(method="USE_LOCAL")
        image.reload()
    assert [tuple(image.size) for image in (first, second)] == [(256, 256), (512, 512)]


def test_names_that_come_to_the_same_file_name_get_files_of_their_own(bpy, scene, styletex):
    for target, name in zip(bpy.data.objects, ("a/b", "a:b"), strict=True):
        target.name = name
    bpy.ops.styletex.stylize()
    made = [bpy.data.images[f"StyleTex · {name}"] for name in ("a/b", "a:b")]
    assert len({path.rpartition("/")[2].casefold() for (path, *_) in paths(made)}) == 2


def test_file_beside_the_blend_is_not_taken_for_a_packed_texture(bpy, cube, styletex, tmp_path):
    bpy.data.objects["Suzanne"].select_set(False)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    (tmp_path / "textures").mkdir()
    (tmp_path / "textures" / "styletex _ cube.PNG").write_bytes(b"the artist's")
    bpy.ops.styletex.stylize()
    assert paths([bpy.data.images[STYLED]])[0][0] == "//textures/StyleTex _ Cube 2.png"
