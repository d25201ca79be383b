# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a Python of a wanted version on the PATH. Older Pythons read this file too."""

import os
import subprocess
import sys


def find_python(version):
    """The path of a Python of ``version`` (a pair such as ``(3, 11)``) that really starts, or ``None``.

    Every folder of the PATH is tried, because a version manager may put a program there that only says that
    the version is not selected.
    """
    text = "{}.{}".format(*version)
    name = "python" + text + (".exe" if sys.platform == "win32" else "")
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, name)
        if not (folder and os.path.isfile(path) and os.access(path, os.X_OK)):
            continue
        process = subprocess.Popen(
            [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output = process.communicate()[0]
        if process.returncode == 0 and output.decode("ascii", "replace").strip() == text:
            return path
    return None
