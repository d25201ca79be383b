# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core`` as a person uses it: a real process, real files, a real Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trimesh
from PIL import Image

from core.job import EXIT_STATUS

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments):
    return [sys.executable, "-m", "core", *map(str, arguments)]


def run(*arguments):
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture
def files(tmp_path, style_picture):
    """A box and a picture."""
    trimesh.creation.box().export(tmp_path / "box.obj")
    style_picture.save(tmp_path / "picture.png")
    return tmp_path


def stylize_arguments(files, model_folder, *more):
    return (
        *("stylize", files / "box.obj", "--style", files / "picture.png", "--prompt", "a box"),
        *("--models", model_folder, "--size", 256, "--device", "cpu", "--output", files / "out", *more),
    )


def test_help_is_there_without_loading_pytorch():
    code = "import sys, core.command_line; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
    assert "stylize" in run("--help").stdout


@pytest.mark.parametrize(("chosen", "used"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_sleep_unless_the_user_says_otherwise(chosen, used):
    code = """
import os, sys
from core.command_line import main
try:
    main(["--help"])
except SystemExit:
    sys.exit(f"{os.environ['OMP_WAIT_POLICY']} {'torch' in sys.modules}")
"""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if chosen:
        environment["OMP_WAIT_POLICY"] = chosen
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == f"{used} False"


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("--prompt", " "), "bad_setting", "prompt"),
        (("--seed", "-1"), "bad_setting", "seed is -1"),
        (("--style", "nowhere.png"), "bad_image", "nowhere.png"),
        (("--tone", "-2"), "bad_setting", "tone"),
        (("--model", "mine.ckpt"), "model_missing", "mine.ckpt is a pickle"),
        (("--lora", "nowhere.safetensors:0.5"), "model_missing", "nowhere.safetensors is not there"),
        (("--lora", "nowhere.safetensors:9"), "bad_setting", "9; it must be a number from -4 to 4, as in nowhere.safe"),
        (("--lora", "x:0,8"), "bad_setting", "--lora: the weight of x is 0,8; it must be a number from -4 to 4"),
        (("--lora", "x:"), "bad_setting", "--lora: the weight of x is empty"),
        (("--model", ""), "bad_setting", "--model: it is empty"),
        (("--size", "7"), "bad_setting", "--size is 7; it must be one of 256, 512"),
        (("--unknown",), "bad_setting", "unrecognized arguments: --unknown"),
        (("--vae", "nowhere.safetensors"), "model_missing", "nowhere.safetensors is not there"),
        (("--detail", "1.5"), "bad_setting", "detail is 1.5"),
        (("--stroke-size", "9"), "bad_setting", "stroke size is 9"),
        (("--style-strength", "-1"), "bad_setting", "style strength is -1"),
        (("--models", "nowhere"), "model_missing", "nowhere"),
        (("--base-color", "nowhere.png"), "bad_image", "nowhere.png"),
        (("--restyle", "0.6"), "bad_request", "--restyle"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_exit_status(files, model_folder, change, code, said):
    result = run(*stylize_arguments(files, model_folder, *change))
    assert result.returncode == EXIT_STATUS[code]
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1 and said in errors[0]
    assert "Traceback" not in result.stderr
    assert not (files / "out").exists()


@pytest.mark.slow
def test_stylize_writes_texture_model_preview_and_report(files, model_folder):
    result = run(*stylize_arguments(files, model_folder, "--preset", "draft", "--seed", 5))
    assert result.returncode == 0, result.stderr
    out = files / "out"
    assert {path.name for path in out.iterdir()} == {"base_color.png", "textured.glb", "preview.png", "report.json"}
    assert Image.open(out / "base_color.png").size == (256, 256)
    assert json.loads((out / "report.json").read_text())["seed"] == 5
    textured = trimesh.load(out / "textured.glb", force="mesh")
    assert textured.visual.material.baseColorTexture.size == (256, 256)


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send Ctrl-C to one process")
def test_control_c_before_the_first_step_leaves_nothing(files, model_folder):
    process = subprocess.Popen(
        command(*stylize_arguments(files, model_folder, "--preset", "paper")),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (files / "out" / ".styletex").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == EXIT_STATUS["cancelled"]
    assert "Cancelled" in errors and "Traceback" not in errors
    assert not (files / "out").exists()


def test_a_picture_that_is_not_read_is_called_by_the_user_s_own_name_and_kind(files, model_folder):
    (files / "my painting.jpg").write_bytes(b"8BPS" + bytes(200))
    result = run(*stylize_arguments(files, model_folder, "--style", files / "my painting.jpg"))
    assert result.returncode == EXIT_STATUS["bad_image"]
    said = f"The style image {files / 'my painting.jpg'} cannot be read: it is a Photoshop document"
    assert said in result.stderr and "Traceback" not in result.stderr


INTERRUPTED = """
import os, runpy, signal, sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.argv = ["core", "models"]
runpy.run_module("core", run_name="__main__")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send Ctrl-C to one process")
@pytest.mark.parametrize("name", ["core.command_line", "core.commands.models"])
def test_control_c_while_modules_are_loaded_ends_it_in_one_line(name):
    code = INTERRUPTED.format(name=name)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr, done.stdout) == (EXIT_STATUS["cancelled"], "Cancelled.\n", "")
