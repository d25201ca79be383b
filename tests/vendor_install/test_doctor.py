# SPDX-License-Identifier: GPL-3.0-or-later
"""Doctor names what is wrong, each planted in a real environment of small packages, and how to mend it."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from types import SimpleNamespace

import pytest

from vendor_install import doctor, examine, lock
from vendor_install.doctor import Finding
from vendor_install.fill import site_packages
from vendor_install.installed import POINTER, RECORD, current_environment, python_of

PACKAGES = {
    "torch": """
__version__ = version = '0.0.1'
class _Matrix(int):
    def __matmul__(self, other): return self
    def sum(self): return self
    def item(self): return int(self)
class cuda:
    is_available = staticmethod(lambda: False)
class backends:
    class mps:
        is_available = staticmethod(lambda: False)
def ones(*shape, device):
    return _Matrix(64**3)
""",
    "numpy": "version = '1.0'\nfloat32 = int32 = None\ndef array(values, kind): return values\n",
    "embreex": """
import sys
version = '4.0'
class EmbreeScene:
    def run(self, origins, directions): return [0, -1]
def TriangleMesh(scene, corners, triangles): return scene
rtcore_scene = mesh_construction = sys.modules['embreex']
sys.modules['embreex.rtcore_scene'] = sys.modules['embreex.mesh_construction'] = sys.modules['embreex']
""",
    "safetensors": """
version = '0.1'
import json, struct
from pathlib import Path
class safe_open:
    def __init__(self, file, framework): self.file = file
    def __enter__(self):
        content = Path(self.file).read_bytes()
        length, = struct.unpack('<Q', content[:8])
        self.header = json.loads(content[8:8 + length])
        return self
    def __exit__(self, *error): pass
    def keys(self): return self.header
""",
    "huggingface_hub": """
version = '2.0'
import sys, types
def try_to_load_from_cache(*a, **b): return None
constants = types.SimpleNamespace(HF_HUB_CACHE='nowhere')
file_download = sys.modules['huggingface_hub.file_download'] = types.ModuleType('huggingface_hub.file_download')
file_download.repo_folder_name = lambda repo_id, repo_type: repo_id
""",
}


@pytest.fixture
def sound(workshop, tmp_path_factory) -> SimpleNamespace:
    """An installed environment with nothing wrong, and a model."""
    workshop.write_lock(PACKAGES)
    assert workshop.install()[-1]["type"] == "done"
    model = workshop.folder / "model"
    (model / "unet").mkdir(parents=True)
    (model / "unet" / "config.json").write_text("{}")
    (model / "unet" / "weights.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    environment = current_environment(workshop.target)
    return SimpleNamespace(
        workshop=workshop,
        model=model,
        environment=environment,
        packages=site_packages(environment),
        findings=lambda: {
            finding.name: finding for finding in doctor.examine(workshop.target, lock.read(workshop.lock), model)
        },
    )


def module(sound: SimpleNamespace, name: str, old: str, new: str) -> None:
    """Change a module as a bad build would have it; its size stays, so that only what it does is wrong."""
    file = sound.packages / name / "__init__.py"
    text = file.read_text()
    assert old in text
    shutil.rmtree(file.parent / "__pycache__", ignore_errors=True)
    file.unlink()  # It may be the same file as in the cache.
    file.write_text(text.replace(old, new.ljust(len(old))))


def no_environment(sound):
    shutil.rmtree(sound.environment)
    (sound.workshop.target / POINTER).unlink()


def lost_environment(sound):
    shutil.rmtree(sound.environment)


def unfinished(sound):
    (sound.environment / RECORD).unlink()


def too_old(sound):
    sound.workshop.lock.write_text(sound.workshop.lock.read_text() + "# changed\n")


def base_python_removed(sound):
    python = python_of(sound.environment)
    python.unlink()
    python.symlink_to("/nowhere/python3")


def file_missing(sound):
    (sound.packages / "numpy" / "__init__.py").unlink()


def wrong_version(sound):
    metadata = sound.packages / "numpy-1.0.dist-info" / "METADATA"
    text = metadata.read_text()
    metadata.unlink()
    metadata.write_text(text.replace("Version: 1.0", "Version: 1.1"))


def import_fails(sound):
    module(sound, "safetensors", "version = '0.1'", "1 / 0")


def device_gone(sound):
    record = json.loads((sound.environment / RECORD).read_text())
    (sound.environment / RECORD).write_text(json.dumps({**record, "device": "cuda"}))


def wrong_arithmetic(sound):
    module(sound, "torch", "_Matrix(64**3)", "_Matrix(1)")


def rays_miss(sound):
    module(sound, "embreex", "[0, -1]", "[-1,-1]")


def model_cut_short(sound):
    (sound.model / "unet" / "weights.safetensors").write_bytes(b"\x08")


def model_missing(sound):
    shutil.rmtree(sound.model)


def test_rays_are_tried_with_igl_where_there_is_no_embree(monkeypatch):
    igl = pytest.importorskip("igl")
    monkeypatch.setattr(examine.importlib.util, "find_spec", lambda name: None)
    assert "a ray hits" in examine.rays()
    monkeypatch.setattr(igl.AABB, "intersect_ray_first", lambda *_: ([-1, -1],))
    with pytest.raises(RuntimeError, match=r"hit \[-1, -1\]"):
        examine.rays()


@pytest.mark.parametrize(
    ("plant", "name", "words"),
    [
        (no_environment, "environment", "there is none"),
        (lost_environment, "environment", "is not there"),
        (unfinished, "environment", "never finished"),
        (too_old, "environment", "another version of the extension"),
        (base_python_removed, "python", "does not start"),
        (file_missing, "files", "numpy"),
        (wrong_version, "versions", "numpy is 1.1, not 1.0"),
        (import_fails, "imports", "safetensors does not load: ZeroDivisionError"),
        (device_gone, "device", "finds no cuda device"),
        (wrong_arithmetic, "tensor", "gave 1.0, not"),
        (rays_miss, "rays", "hit [-1, -1]"),
        (model_cut_short, "model", "weights.safetensors cannot be read"),
        (model_missing, "model", "no weights"),
    ],
)
def test_defect_is_named_in_one_line_with_its_remedy(sound, plant, name, words):
    plant(sound)
    finding = sound.findings()[name]
    assert not finding.ok
    assert words in finding.text
    assert finding.mend
    assert "\n" not in finding.line()


def test_full_disk_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=12_000_000))
    finding = next(iter(doctor.examine(tmp_path / "later", lock.read())))
    assert (finding.ok, finding.text[:11]) == (False, "12 MB are f")


def test_sound_environment_gives_status_0_and_a_line_for_each_check(sound):
    result = sound.workshop.run("doctor", "--model", str(sound.model))
    assert result.returncode == 0, result.stdout + result.stderr
    names = [line.split()[1].rstrip(":") for line in result.stdout.splitlines()]
    checks = ["disk", "environment", "python", "files", "versions", "imports", "device", "tensor", "rays", "model"]
    assert names == [*checks, "sd15", "sdxl"]
    assert "only the profile sd15 needs them" in result.stdout
    assert "only the profile sdxl needs them" in result.stdout


def test_device_is_told_with_its_memory_and_precision(sound):
    assert "GiB), full precision" in sound.findings()["device"].text


def test_defect_gives_status_1_and_json_for_programs(sound):
    file_missing(sound)
    result = sound.workshop.run("doctor", "--json", "--model", str(sound.model))
    assert result.returncode == 1
    values = json.loads(result.stdout)
    assert values["environment"] == str(sound.environment)
    assert {"files", "rays"} <= {finding["name"] for finding in values["findings"] if not finding["ok"]}


def test_what_doctor_finds_an_installation_repairs(sound):
    file_missing(sound)
    sound.workshop.install()
    assert all(finding.ok for finding in sound.findings().values())


def test_defect_that_leaves_everything_loading_is_repaired_by_a_rebuild(sound):
    wrong_version(sound)
    assert sound.findings()["versions"].mend.endswith("install --rebuild")
    sound.workshop.install("--rebuild")
    assert all(finding.ok for finding in sound.findings().values())


def test_events_say_each_finding_and_then_the_sum(sound):
    file_missing(sound)
    result = sound.workshop.run("doctor", "--json-events", "--model", str(sound.model))
    assert result.returncode == 1
    *findings, last = map(json.loads, result.stdout.splitlines())
    assert {"files", "rays"} <= {finding["name"] for finding in findings if not finding["ok"]}
    assert all(finding["mend"] for finding in findings if not finding["ok"])
    assert last["type"] == "done" and "found something wrong" in last["text"]


def test_line_says_what_to_do():
    assert Finding("files", False, "torn", "Repair").line() == "WRONG files: torn. Repair"


def test_flipped_bits_in_the_model_are_found_and_a_model_without_digests_is_not_blamed(tmp_path):
    (tmp_path / "unet").mkdir()
    weights = tmp_path / "unet" / "weights.safetensors"
    header = b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}'
    weights.write_bytes(struct.pack("<Q", len(header)) + header + b"abcd")
    assert examine.bundled_model(str(tmp_path)) == f"1 networks in {tmp_path}"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  unet/weights.safetensors\n")
    assert examine.bundled_model(str(tmp_path)).endswith(", each byte as it was made")
    weights.write_bytes(struct.pack("<Q", len(header)) + header + b"abce")
    with pytest.raises(RuntimeError, match=r"not as they were made: unet/weights\.safetensors"):
        examine.bundled_model(str(tmp_path))


def test_python_of_ones_own_is_tried_whatever_its_versions_and_told_from_a_broken_one(sound):
    wrong_version(sound)
    python = str(python_of(sound.environment))
    result = sound.workshop.run("doctor", "--python", python, "--model", str(sound.model))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "versions" not in result.stdout and "a ray hits a triangle" in result.stdout
    rays_miss(sound)
    broken = sound.workshop.run("doctor", "--python", python, "--model", str(sound.model))
    assert broken.returncode == 1
    assert "or choose another" in broken.stdout


def test_python_of_ones_own_that_does_not_start_is_a_finding(tmp_path):
    program = tmp_path / "python"
    program.write_text("not a program")
    program.chmod(0o755)
    *_, last = doctor.examine_python(program, lock.read())
    assert not last.ok and "does not start" in last.text
