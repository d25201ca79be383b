# SPDX-License-Identifier: GPL-3.0-or-later
"""One file says which versions; the lock follows it."""

from __future__ import annotations

import re
import shutil
import zipfile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from vendor_install import lock, requirements, tools, wheels
from vendor_install.installed import fingerprint
from vendor_install.messages import InstallError
from vendor_install.platforms import PLATFORMS

LISTS = (requirements.WORKER, requirements.BLENDER_MODULE, requirements.TESTS)
# What there is no wheel of, and where: the README says the same in words.
MISSING = {
    **{(requirements.WORKER, platform, "3.14"): {"xatlas"} for platform in PLATFORMS if platform != "linux-aarch64"},
    (requirements.BLENDER_MODULE, "linux-aarch64", "*"): {"bpy"},
    (requirements.BLENDER_MODULE, "*", "3.12"): {"bpy"},
    (requirements.BLENDER_MODULE, "*", "3.14"): {"bpy"},
}


def read_pins(requirements_file):
    return lock.read_of(requirements_file).pins()


def pins(lines: list[str]) -> set[tuple[str, str]]:
    found = [Requirement(text) for line in lines if (text := line.split("#")[0].strip())]
    return {(canonicalize_name(each.name), str(each.specifier)) for each in found}


def test_lock_holds_every_version_that_the_requirements_name():
    wanted = pins(requirements.WORKER.read_text(encoding="utf-8").splitlines())
    assert wanted - pins(lock.read().pins()) == {("torch", lock.read().torch.removeprefix("torch"))}


def test_lock_holds_no_version_that_the_requirements_do_not_name_but_for_other_systems():
    wanted = {name for name, _ in pins(requirements.WORKER.read_text(encoding="utf-8").splitlines())}
    here = [pin for pin in lock.read().pins() if Requirement(pin).marker is None or Requirement(pin).marker.evaluate()]
    assert {name for name, _ in pins(here)} <= wanted


def test_lock_was_made_by_this_version_of_the_program():
    read = lock.read()
    assert read.torch == requirements.torch_requirement()
    for each in LISTS:
        found = lock.read_of(each)
        assert (found.imports, found.megabytes) == (lock.imports_of(each), lock.MEGABYTES[each])


def test_every_locked_package_has_hashes_and_none_is_part_of_pytorchs_own_build():
    for each in LISTS:
        text = lock.lock_file(each).read_text(encoding="utf-8")
        blocks = [block for block in re.split(r"\n(?=\w)", text) if block[:1].isalnum()]
        assert len(blocks) == len(lock.read_of(each).pins())
        assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", block) for block in blocks)
        assert not re.search(r"^(torch|nvidia|cuda|triton)", text, re.MULTILINE)


@pytest.mark.parametrize("system", [("linux", "x86_64"), ("linux", "aarch64"), ("win32", "AMD64"), ("darwin", "arm64")])
def test_no_package_is_locked_twice_for_one_system(system):
    environment = dict(zip(("sys_platform", "platform_machine"), system, strict=True))
    names = [
        name
        for each in LISTS
        for name in {
            canonicalize_name(pin.name)
            for pin in map(Requirement, read_pins(each))
            if pin.marker is None or pin.marker.evaluate(environment)
        }
    ]
    assert sorted(set(names)) == sorted(names)
    assert "libigl" in names and ("embreex" in names) == (system != ("linux", "aarch64"))


def test_a_finished_environment_must_load_what_casts_rays_on_its_system(monkeypatch):
    monkeypatch.setattr(lock, "this_platform", lambda: "linux-aarch64")
    assert "igl" in lock.read().imports and not {"embreex", "xatlas"} & set(lock.read().imports)
    monkeypatch.setattr(lock, "this_platform", lambda: "windows-x86_64")
    assert {"embreex", "xatlas"} <= set(lock.read().imports) and "igl" not in lock.read().imports


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_numpy_has_one_version_for_each_python(version):
    marked = [Requirement(pin) for pin in lock.read().pins() if pin.startswith("numpy==")]
    environment = {"python_version": version, "python_full_version": f"{version}.0"}
    assert len([pin for pin in marked if pin.marker is None or pin.marker.evaluate(environment)]) == 1


def test_fingerprint_is_the_same_for_both_ways_to_end_a_line(tmp_path):
    (tmp_path / "a").write_bytes(b"x==1\ny==2\n")
    (tmp_path / "b").write_bytes(b"x==1\r\ny==2\r\n")
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")


def test_lock_cut_short_is_named(tmp_path):
    (tmp_path / "requirements.lock").write_text("# {")
    with pytest.raises(InstallError, match="cannot be read"):
        lock.read(tmp_path / "requirements.lock")


def test_tests_use_the_uv_that_is_installed_where_there_is_none():
    assert tools.UV in requirements.TESTS.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("packages", LISTS, ids=lambda path: path.stem)
def test_every_package_has_a_wheel_for_every_system_and_python_but_for_those_that_are_named(packages, platform, python):
    major, minor = map(int, python.split("."))
    places = [(packages, platform, "*"), (packages, "*", python), (packages, platform, python)]
    known = set[str]().union(*(MISSING.get(place, set()) for place in places))
    found = lock.read_of(packages).on((major, minor), platform)
    assert set(found.missing) == known
    assert found.bytes > 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("packages", LISTS, ids=lambda path: path.stem)
def test_what_the_lock_says_of_wheels_is_what_the_index_has(packages, make_workshop):
    uv = shutil.which("uv")
    assert uv, "make_workshop puts it on the PATH"
    read = lock.read_of(packages)
    blocks = re.split(r"\n(?=[A-Za-z0-9])", read.file.read_text(encoding="utf-8"))[1:]
    must = ("bpy",) if packages == requirements.BLENDER_MODULE else ()
    try:
        found = wheels.look_for_wheels(uv, blocks, read.torch, must, ((3, 11), (3, 13)))
    except InstallError as error:
        if "error sending request" in str(error) or "dns error" in str(error):
            pytest.skip(f"needs the package index: {error}")
        raise
    for platform, versions in found.items():
        for version, each in versions.items():
            assert each.missing == read.wheels[platform][version].missing


def test_the_uv_that_is_fetched_has_the_hashes_of_the_lock():
    text = lock.locked(tools.UV, lock.lock_file(requirements.TESTS))
    assert text.startswith(f"{tools.UV} \\\n")
    assert text.count("--hash=sha256:") > 10 and "==" not in text.split("\n", 1)[1]
    with pytest.raises(InstallError, match=r"has no uv==0\.0\.1"):
        lock.locked("uv==0.0.1", lock.lock_file(requirements.TESTS))


def test_another_uv_than_the_one_that_was_checked_is_refused(tmp_path):
    name, version = tools.UV.split("==")
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(tmp_path / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    sources = tools.Sources(tmp_path / "bootstrap", wheels=tmp_path)
    with pytest.raises(InstallError) as caught:
        tools.fetch_uv(sources, lambda line: None)
    assert caught.value.code == "wrong_hash"
