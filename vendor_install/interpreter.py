# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a Python of a wanted version on the PATH. Older Pythons read this file too."""

import os
import subprocess
import sys
import threading

SECONDS_TO_START = 20.0
"""After which a Python that has said nothing is given up."""


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
        try:
            process = subprocess.Popen(
                [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                env={key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "LD_", "DYLD_"))},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError:
            continue
        # A timer and not a timeout, which Pythons of long ago do not have.
        ending = threading.Timer(SECONDS_TO_START, process.kill)
        ending.start()
        output = process.communicate()[0]
        ending.cancel()
        if process.returncode == 0 and output.decode("ascii", "replace").strip() == text:
            return path
    return None
