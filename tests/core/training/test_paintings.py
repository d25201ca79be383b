# SPDX-License-Identifier: GPL-3.0-or-later
"""The paintings that the bundled model is measured with are put together from Debian's package."""

import shutil
import subprocess

import numpy as np
import pytest

from core.job import JobError
from core.training.paintings import PACKAGE, PACKAGED_FILE, read_paintings


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package's file, fetched and unpacked, not installed."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("apt-get is not there: Debian's packages cannot be fetched")
    folder = tmp_path_factory.mktemp("package")
    done = subprocess.run(["apt-get", "download", PACKAGE], cwd=folder, capture_output=True, text=True, check=False)
    archives = list(folder.glob("*.deb"))
    if not archives:
        pytest.skip(f"{PACKAGE} cannot be fetched: {done.stderr.strip()}")
    subprocess.run(["dpkg-deb", "-x", archives[0], folder], check=True)
    return folder / PACKAGED_FILE


def test_the_package_holds_at_least_eight_whole_paintings(package):
    paintings = read_paintings(package)
    assert len(paintings) >= 8
    assert "Mary Cassatt, Summertime - 1894" in paintings
    for picture in paintings.values():
        assert picture.mode == "RGB"
        assert min(picture.size) > 250
        assert np.asarray(picture).std() > 20


def test_another_file_is_refused_by_name(tmp_path):
    wrong = tmp_path / "paintings.rcc"
    wrong.write_bytes(b"no Qt resource at all, but long enough to be read")
    with pytest.raises(JobError, match=r"paintings\.rcc holds no paintings"):
        read_paintings(wrong)
