# SPDX-License-Identifier: GPL-3.0-or-later
"""``python3 -m vendor_install COMMAND``: go on in a Python that can, whichever Python was called.

This file is also read by older Pythons, which must get as far as the message. Which Python the packages are installed
with is decided later (``pythons``).
"""

import io
import os
import subprocess
import sys

from .interpreter import find_python

OLDEST = (3, 11)
"""The oldest Python that runs this program."""
NEWER = ((3, 13), (3, 12), (3, 11), (3, 14))
"""Looked for where an older one was called, the best first."""


def main():
    """Run the command, in another Python when this one is too old."""
    if sys.version_info[:2] >= OLDEST:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # Not every console can show every sign.
        from . import command_line, commands

        arguments = sys.argv[1:]
        for_extension = arguments[:1] and arguments[0] in commands.COMMANDS
        sys.exit((commands if for_extension else command_line).run(arguments))
    python = next((path for path in map(find_python, NEWER) if path), None)
    if python is None:
        sys.stderr.write(
            "StyleTex is set up with Python 3.11 or newer; this is Python {0}, and the PATH has none of {1}.\n"
            "Install one of them, then run the same command again.\n".format(
                sys.version.split()[0], ", ".join("python{}.{}".format(*version) for version in NEWER)
            )
        )
        sys.exit(2)
    sys.stderr.flush()
    command = [python, "-m", "vendor_install"] + sys.argv[1:]
    if sys.platform == "win32":
        sys.exit(subprocess.call(command))
    os.execv(python, command)


if __name__ == "__main__":
    main()
