# SPDX-License-Identifier: GPL-3.0-or-later
"""Several style images by weights: from the panel, a script and the command line into the job."""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

from styletex.core.job import JobError, style_files


@pytest.fixture
def pictures(bpy, scene, tmp_path):
    """Names of three images in the file: red, green and blue."""
    names = []
    for name, colour in (("red.png", (200, 20, 20)), ("green.png", (20, 200, 20)), ("blue.png", (20, 20, 200))):
        Image.new("RGB", (32, 24), colour).save(tmp_path / name)
        names.append(bpy.data.images.load(str(tmp_path / name)).name)
    return names


@pytest.fixture
def filled(bpy, scene, pictures):
    """The panel with all three, and a row without a picture."""
    settings = scene.styletex
    settings.style_image, settings.style_weight = bpy.data.images[pictures[0]], 2.0
    for name, weight in ((pictures[1], 0.5), (pictures[2], 0.25)):
        item = settings.more_styles.add()
        item.image, item.weight = bpy.data.images[name], weight
    settings.more_styles.add()
    return settings


@pytest.fixture
def task_of(bpy, styletex):
    """The task of one object."""
    runs = []

    def prepare(settings):
        runs.append(styletex.module("api").prepare([bpy.data.objects["Cube"]], settings))
        (task,) = runs[-1].tasks
        return task

    yield prepare
    for run in runs:
        for task in run.tasks:
            task.folder.leave(keep_checkpoint=False)


def of_panel(bpy, styletex):
    return styletex.module("settings").Settings.from_scene(bpy.context.scene)


def job_and_colours(task):
    job = importlib.import_module("styletex.core.job").read_job(task.folder.path)
    colours = []
    for name in style_files(job):
        with Image.open(task.folder.path / name) as picture:
            colours.append(picture.convert("RGB").getpixel((0, 0)))
    return job, colours


def test_what_the_panel_has_is_in_the_job(bpy, styletex, filled, task_of):
    job, colours = job_and_colours(task_of(of_panel(bpy, styletex)))
    assert (job.style_weight, [weight for _, weight in job.more_styles]) == (2.0, [0.5, 0.25])
    assert colours == [(200, 20, 20), (20, 200, 20), (20, 20, 200)]


def test_an_object_with_a_style_of_its_own_has_that_alone(bpy, styletex, filled, task_of, pictures):
    own = bpy.data.objects["Cube"].styletex
    own.use_own, own.style_image = True, bpy.data.images[pictures[2]]
    job, colours = job_and_colours(task_of(of_panel(bpy, styletex)))
    assert job.more_styles == () and colours == [(20, 20, 200)]


def test_a_task_that_is_exported_again_keeps_its_pictures(bpy, styletex, filled, task_of, pictures):
    task = task_of(of_panel(bpy, styletex))
    for name in pictures:
        bpy.data.images.remove(bpy.data.images[name])
    again = task.export_again(bpy.data.objects["Cube"])
    try:
        job, colours = job_and_colours(again)
        assert colours == [(200, 20, 20), (20, 200, 20), (20, 20, 200)]
        assert (job.style_weight, [weight for _, weight in job.more_styles]) == (2.0, [0.5, 0.25])
    finally:
        again.folder.leave(keep_checkpoint=False)


def test_another_second_picture_is_another_job(bpy, styletex, filled, task_of, pictures):
    """Neither checkpoint nor record are taken for those of the first."""
    one = task_of(of_panel(bpy, styletex))
    filled.more_styles[0].image = bpy.data.images[pictures[2]]
    two = task_of(of_panel(bpy, styletex))
    kept = styletex.module("folders.kept")
    digests = {kept.read_landing(task.folder.path).record["style_digest"] for task in (one, two)}
    assert len(digests) == 2 and one.folder.path != two.folder.path


def test_settings_of_a_result_come_back_into_the_panel(bpy, styletex, filled):
    before = of_panel(bpy, styletex)
    assert type(before)(**json.loads(json.dumps(asdict(before)))) == before
    filled.more_styles.clear()
    filled.style_weight = 1.0
    before.to_scene(bpy.context.scene)
    assert of_panel(bpy, styletex) == before


def test_a_script_gives_them_to_the_operator(bpy, styletex, scene, monkeypatch, pictures):
    taken = []
    monkeypatch.setattr(
        styletex.module("ui.operators"), "start", lambda *given: taken.append(given[-1]) or {"FINISHED"}
    )
    red, green, blue = pictures
    bpy.ops.styletex.stylize(style_image=red, style_weight=3.0, more_styles=f"{green}:0.5; {blue}")
    (settings,) = taken
    assert (settings.style_image, settings.style_weight) == (red, 3.0)
    assert settings.more_styles == ((green, 0.5), (blue, 1.0))
    assert len(scene.styletex.more_styles) == 0
    with pytest.raises(RuntimeError, match="There is no image 'none"):
        bpy.ops.styletex.stylize(style_image=red, more_styles="none.png:1")
    with pytest.raises(RuntimeError, match="no number behind its last colon"):
        bpy.ops.styletex.stylize(style_image=red, more_styles=f"{green}:much")


def test_weights_that_add_up_to_nothing_are_refused(styletex):
    with pytest.raises(JobError, match="add up to 0"):
        styletex.module("settings").Settings("a", "a box", style_weight=0.0, more_styles=(("b", 0.0),))


def test_the_command_line_takes_them(styletex, pictures, tmp_path):
    headless = styletex.module("headless_options")
    parser = headless.parser(importlib.import_module("styletex.core.job"))
    options = parser.parse_args(["--style", "a.png:0.7", "--style", "b.png"])
    assert options.style == [(Path("a.png"), 0.7), (Path("b.png"), 1.0)]


def test_buttons_add_a_row_and_take_it_away(bpy, scene):
    rows = scene.styletex.more_styles
    for _ in range(8):
        bpy.ops.styletex.add_style()
    assert len(rows) == 8
    with pytest.raises(RuntimeError, match="as many pictures"):
        bpy.ops.styletex.add_style()
    rows[0].weight = 5.0
    bpy.ops.styletex.remove_style(number=0)
    assert len(rows) == 7 and all(row.weight == 1.0 for row in rows)


def test_a_result_keeps_its_pictures_in_the_file_and_is_made_again_with_them(bpy, styletex, filled, pictures, tmp_path):
    bpy.data.objects["Suzanne"].select_set(False)
    cube = bpy.data.objects["Cube"]
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    result = styletex.module("history.entries").images_of(cube)[0].name
    filled.more_styles.clear()
    bpy.data.images[pictures[1]].name = "grass.png"
    path = str(tmp_path / "saved.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    cube = bpy.data.objects["Cube"]
    bpy.context.view_layer.objects.active = cube
    task = styletex.module("rerunning").task_again(cube, bpy.data.images[result])
    try:
        job, colours = job_and_colours(task)
        assert colours == [(200, 20, 20), (20, 200, 20), (20, 20, 200)]
        assert [weight for _, weight in job.more_styles] == [0.5, 0.25]
    finally:
        task.folder.leave(keep_checkpoint=False)
    bpy.ops.styletex.history_copy_settings()
    assert [item.image.name for item in bpy.context.scene.styletex.more_styles] == ["grass.png", "blue.png"]
    bpy.data.images.remove(bpy.data.images["grass.png"])
    with pytest.raises(JobError, match=r"'green.png' is not in the file any more"):
        styletex.module("rerunning").task_again(cube, bpy.data.images[result])
