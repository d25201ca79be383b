# SPDX-License-Identifier: GPL-3.0-or-later
"""No file, whatever its name and wherever it comes from, starts a program by being opened as a picture."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, UnidentifiedImageError

from core.inputs.formats import FORMATS
from core.inputs.pictures import open_as_it_is, read_picture
from core.job import JobError

ROOT = Path(__file__).resolve().parents[3]
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.fixture
def ghostscript(tmp_path, monkeypatch):
    """A program called gs, first on the PATH, that leaves a trace."""
    folder, trace = tmp_path / "bin", tmp_path / "started"
    folder.mkdir()
    program = folder / "gs"
    program.write_text(f"#!/bin/sh\ntouch '{trace}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return trace


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
@pytest.mark.parametrize("name", ["picture.png", "picture.eps", "picture.jpg"])
def test_a_postscript_file_starts_nothing(tmp_path, ghostscript, name):
    (tmp_path / name).write_bytes(EPS)
    with pytest.raises(JobError, match="a PostScript document"):
        read_picture(tmp_path / name)
    with pytest.raises(OSError):
        open_as_it_is(tmp_path / name).load()
    assert not ghostscript.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_not_even_where_a_library_opens_it_without_naming_a_format(tmp_path, ghostscript):
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(EPS)).load()
    assert not ghostscript.exists()


def test_a_mesh_s_texture_starts_nothing(tmp_path, ghostscript):
    """A material may name any file as its texture."""
    path = tmp_path / "box.obj"
    path.write_text("mtllib box.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nusemtl a\nf 1/1 2/2 3/3\n")
    (tmp_path / "box.mtl").write_text("newmtl a\nmap_Kd picture.png\n")
    (tmp_path / "picture.png").write_bytes(EPS)
    code = "import sys, pathlib; from core.geometry.mesh import import_file; import_file(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, check=False)
    assert not ghostscript.exists()


def test_pillow_s_register_holds_what_is_read_and_nothing_else():
    assert set(Image.ID) == set(Image.OPEN) == set(FORMATS)
