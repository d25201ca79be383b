# SPDX-License-Identifier: GPL-3.0-or-later
"""The command for machines without a window.

Processes of their own run in the Blender that the environment variable BLENDER names, else in the bpy module.
The scene of three is textured by the real worker with the bundled model; the others need only a worker that answers.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADLESS = ROOT / "styletex_blender" / "headless.py"
AS_BLENDER = ROOT / "tests" / "styletex_blender" / "as_blender.py"
THREE_OBJECTS = ROOT / "tests" / "styletex_blender" / "three_objects.py"
FAKE = [sys.executable, "-u", str(ROOT / "tests" / "fake_worker.py"), "--step-seconds", "0.005"]


def command(blend, arguments):
    """The command line of the manual, for the Blender that is there."""
    if program := os.environ.get("BLENDER"):
        start = [program, "-b", "--factory-startup", str(blend), "--python-exit-code", "1"]
    else:
        start = [sys.executable, str(AS_BLENDER), str(blend)]
    return [*start, "-P", str(HEADLESS), "--", *map(str, arguments)]


@pytest.fixture
def environment(tmp_path):
    return {**os.environ, "STYLETEX_WORKER": json.dumps(FAKE), "BLENDER_USER_RESOURCES": str(tmp_path / "user")}


@pytest.fixture
def scene_file(bpy, tmp_path):
    """The scene of three, open and saved."""
    from tests.styletex_blender.three_objects import make

    make()
    path = tmp_path / "three.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


@pytest.fixture
def their_scene_file(scene_file, environment, tmp_path):
    """The scene of three as the Blender of ``command`` wrote it: it may be older than this one."""
    program = os.environ.get("BLENDER")
    if not program:
        return scene_file
    path = tmp_path / "theirs.blend"
    start = [program, "-b", "--factory-startup", "--python-exit-code", "1", "-P", str(THREE_OBJECTS), "--", str(path)]
    subprocess.run(start, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=240)
    return path


@pytest.fixture
def main(bpy, scene_file, fake_worker, styletex):
    """The command in this process, on the scene of three."""
    return styletex.module("headless").main


def test_two_of_three_objects_are_textured_and_the_broken_one_is_reported(
    bpy, their_scene_file, environment, style_image, tmp_path
):
    del environment["STYLETEX_WORKER"]  # The real worker and the bundled model.
    output = tmp_path / "out.blend"
    what = ["--style", style_image, "--prompt", "a toy", "--all", "--preset", "draft", "--size", 256]
    done = subprocess.run(
        command(their_scene_file, [*what, "--output", output]),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    lines = {line.partition(":")[0]: line for line in done.stdout.splitlines() if ": " in line}
    assert "textured in" in lines["Bare"], done.stdout + done.stderr
    assert "textured in" in lines["Smooth"]
    assert "The mesh has no faces" in lines["Broken"]
    assert done.returncode == 2
    assert re.search(r"Smooth: Optimizing \d+ of \d+, \d+ s left", done.stderr)
    bpy.ops.wm.open_mainfile(filepath=str(output))
    for name, uv_map in (("Bare", "StyleTex"), ("Smooth", "UVMap")):
        textured = bpy.data.objects[name]
        (slot,) = textured.material_slots
        assert slot.material.name == f"StyleTex · {name}"
        assert tuple(slot.material.node_tree.nodes["StyleTex Texture"].image.size) == (256, 256)
        assert [layer.name for layer in textured.data.uv_layers] == [uv_map]
    assert len(bpy.data.objects["Broken"].material_slots) == 0


def test_without_output_nothing_is_saved_and_it_says_so(main, scene_file, style_image, capsys):
    before = scene_file.read_bytes()
    arguments = ["--style", str(style_image), "--prompt", "a toy", "--objects", "Smooth", "--size", "256"]
    assert main(arguments) == 0
    assert "Not saved: no --output was given" in capsys.readouterr().out
    assert scene_file.read_bytes() == before


def test_collection_is_textured_and_nothing_else(bpy, main, style_image, capsys):
    collection = bpy.data.collections.new("Toys")
    bpy.context.scene.collection.children.link(collection)
    for name in ("Smooth", "Broken"):
        collection.objects.link(bpy.data.objects[name])
    assert main(["--style", str(style_image), "--prompt", "a toy", "--collection", "Toys", "--size", "256"]) == 2
    told = capsys.readouterr().out
    assert "Broken: The mesh has no faces" in told and "Smooth: textured in" in told and "Bare" not in told


def test_variations_are_in_the_saved_files_history(bpy, main, style_image, tmp_path, capsys):
    output = tmp_path / "out.blend"
    arguments = ["--style", str(style_image), "--prompt", "a toy", "--objects", "Smooth", "--size", "256"]
    assert main([*arguments, "--variations", "3", "--seed", "8", "--output", str(output)]) == 0
    told = capsys.readouterr().out
    assert told.count("Smooth: textured in") == 1 and told.count("Smooth: another variation, in its history, in") == 2
    bpy.ops.wm.open_mainfile(filepath=str(output))
    smooth = bpy.data.objects["Smooth"]
    images = [entry.image for entry in smooth.styletex_history.entries]
    assert len(images) == 3 and all(image.packed_file for image in images)
    (slot,) = smooth.material_slots
    assert slot.material.node_tree.nodes["StyleTex Texture"].image == images[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--prompt", "a toy", "--objects", "Nobody"], "There is no object Nobody; the meshes are"),
        (["--prompt", "a toy", "--collection", "Nothing"], "There is no collection 'Nothing'"),
        (["--prompt", " ", "--profile", "sd15", "--all"], "The object prompt is empty"),
        (["--prompt", "a toy", "--all", "--seed", "-3"], "The seed is -3"),
        (["--prompt", "a toy", "--all", "--variations", "9"], "The number of variations is 9"),
        (["--prompt", "a toy", "--all", "--relief", "2"], "The relief is 2.0; it must lie between 0 and 1"),
        (["--prompt", "a toy", "--style", "gone.png"], "The style image cannot be read: gone.png"),
        (["--prompt", "a toy", "--image", "beside", "--objects", "Broken"], "The mesh has no faces"),
        (["--objects", "Smooth", "--only-group", "Gone"], "no vertex group 'Gone'. Name one with --only-group"),
        (["--objects", "Smooth", "--only-slot", "7"], "Give another number with --only-slot"),
    ],
)
def test_bad_requests_are_explained(main, style_image, capsys, arguments, words):
    assert main(["--style", str(style_image), *arguments]) == 2
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["--prompt", "a toy", "--prompt-from-name"], ["--prompt", "a toy", "--size", "100"]]
)
def test_wrong_usage_is_explained_on_standard_output(main, style_image, capsys, arguments):
    with pytest.raises(SystemExit) as leaving:
        main(["--style", str(style_image), *arguments])
    assert leaving.value.code == 2
    assert "Nothing was textured: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["StyleTex · Smooth · Wood", "StyleTex · Smooth · Metal"]),
        (["--material", "new", "--relief", "0.3"], ["StyleTex · Smooth"] * 2),
    ],
)
def test_materials_are_kept_or_replaced_and_relief_is_made_as_asked(bpy, main, style_image, options, expected):
    smooth = bpy.data.objects["Smooth"]
    smooth.data.materials.clear()
    for name in ("Wood", "Metal"):
        smooth.data.materials.append(bpy.data.materials.new(name))
    what = ["--style", str(style_image), "--prompt", "a toy", "--objects", "Smooth", "--size", "256"]
    assert main([*what, *options]) == 0
    assert [slot.material.name for slot in smooth.material_slots] == expected
    nodes = smooth.material_slots[0].material.node_tree.nodes
    strengths = [node.inputs["Strength"].default_value for node in nodes if node.type == "BUMP"]
    assert strengths == ([pytest.approx(0.3)] if options else [])


def test_ctrl_c_cancels_and_leaves_no_worker(bpy, their_scene_file, environment, style_image):
    environment["STYLETEX_WORKER"] = json.dumps([*FAKE, "--steps", "100000"])
    arguments = ["--style", style_image, "--prompt", "a toy", "--objects", "Smooth"]
    process = subprocess.Popen(
        command(their_scene_file, arguments), cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 240.0
    while not (workers := children(process.pid)):
        assert time.monotonic() < end
        time.sleep(0.1)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert "Cancelled" in output
    assert process.returncode == 130
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def kept_folders(styletex):
    return styletex.module("folders.kept").kept_folders(styletex.module("worker.environment").kept_folder())


WHAT = ["--prompt", "a toy", "--objects", "Smooth", "Bare", "--size", "256"]


def test_missing_folder_of_the_output_is_made_before_the_first_step(bpy, main, style_image, tmp_path, styletex, capsys):
    output = tmp_path / "missing" / "dir" / "out.blend"
    assert main(["--style", str(style_image), *WHAT, "--output", str(output)]) == 0
    assert f"Saved {output}" in capsys.readouterr().out
    bpy.ops.wm.open_mainfile(filepath=str(output))
    assert bpy.data.objects["Smooth"].material_slots[0].material.name == "StyleTex · Smooth"
    assert kept_folders(styletex) == []


def in_a_file(folder):
    (folder / "a file").write_text("no folder")
    return folder / "a file" / "out.blend"


def a_folder(folder):
    (folder / "out.blend").mkdir()
    return folder / "out.blend"


def without_a_place(_folder):
    return Path("/proc/out.blend")


@pytest.mark.parametrize("place", [in_a_file, a_folder, without_a_place])
def test_output_that_cannot_be_written_is_refused_before_the_first_step(
    main, style_image, tmp_path, styletex, capsys, monkeypatch, place
):
    begun = []
    monkeypatch.setattr(styletex.module("api"), "stylize", lambda *_arguments, **_options: begun.append(1))
    assert main(["--style", str(style_image), *WHAT, "--output", str(place(tmp_path))]) == 2
    assert "The scene cannot be saved as" in capsys.readouterr().out
    assert begun == []


def test_textures_of_a_scene_that_cannot_be_saved_in_the_end_are_kept(
    bpy, main, style_image, tmp_path, styletex, capsys
):
    output = tmp_path / "later" / "out.blend"
    saved = styletex.module("headless")._save
    output_is_gone = []

    def remove_the_folder_first(place, *rest):
        output_is_gone.append(place.parent.rmdir())
        return saved(place, *rest)

    styletex.module("headless")._save = remove_the_folder_first
    try:
        assert main(["--style", str(style_image), *WHAT, "--output", str(output)]) == 4
    finally:
        styletex.module("headless")._save = saved
    told = capsys.readouterr().out
    assert "could not be saved" in told
    kept = kept_folders(styletex)
    assert len(kept) == 2 and all(f"the texture is kept in {folder}" in told for folder in kept)
    for folder in kept:
        styletex.module("folders.kept").read(folder).remove()


def test_warning_is_printed_when_it_comes(main, style_image, fake_worker, capsys):
    fake_worker("--warning-at", "2", "--steps", "5")
    assert main(["--style", str(style_image), *WHAT]) == 0
    told = capsys.readouterr()
    lines = told.err.splitlines()
    assert lines.index("Warning: Smooth: A fake warning") < next(
        number for number, line in enumerate(lines) if line.startswith("Bare: ")
    )


def test_ctrl_c_saves_what_is_done(bpy, main, style_image, tmp_path, styletex, monkeypatch, capsys):
    teller = styletex.module("headless")._Teller

    class Interrupted(teller):
        def __call__(self, run):
            super().__call__(run)
            if self.outcomes and not run.finished:
                raise KeyboardInterrupt

    monkeypatch.setattr(styletex.module("headless"), "_Teller", Interrupted)
    output = tmp_path / "out.blend"
    assert main(["--style", str(style_image), *WHAT, "--output", str(output)]) == 130
    told = capsys.readouterr().out
    assert "Cancelled" in told and f"Saved {output}" in told
    bpy.ops.wm.open_mainfile(filepath=str(output))
    assert bpy.data.objects["Smooth"].material_slots[0].material.name == "StyleTex · Smooth"


def children(pid):
    """Process ids of the workers that a process started; a wrapper around Blender may start other things first."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            command = (path.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == pid and b"fake_worker.py" in command:
            found.append(int(path.parent.name))
    return found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--only-group", "Ears"], "It has no vertex group 'Ears'"),
        (["--only-slot", "4"], "It has no material slot 4"),
        (["--only-mask", "Gone"], "There is no image 'Gone' for a mask"),
        (["--only-faces", "--only-border", "2"], "The region's border is 2.0; it must be between 0 and 0.25"),
    ],
)
def test_part_that_is_not_there_is_named(main, style_image, capsys, arguments, words):
    assert main(["--style", str(style_image), "--objects", "Smooth", "--size", "256", *arguments]) == 2
    assert words in capsys.readouterr().out


def test_part_is_handed_to_the_worker(bpy, main, style_image, styletex, monkeypatch):
    target = bpy.data.objects["Smooth"]
    target.vertex_groups.new(name="Ears").add([0, 1, 2], 1.0, "REPLACE")
    settings_class, jobs = styletex.module("settings").Settings, []
    job_of = settings_class.job
    monkeypatch.setattr(settings_class, "job", lambda *values: jobs.append(job_of(*values)) or jobs[-1])
    arguments = ["--style", str(style_image), "--objects", "Smooth", "--size", "256", "--only-group", "Ears"]
    assert main(arguments) == 0
    assert [(job.region, job.region_border, job.restyle_strength) for job in jobs] == [("region.npz", 0.02, 1.0)]
