# SPDX-License-Identifier: GPL-3.0-or-later
"""``python3 -m vendor_install COMMAND``: go on in a Python that can, whichever Python was called.

This file is also read by older Pythons, which must get as far as the message.
"""

import os
import sys

from .interpreter import find_python

WANTED = (3, 11)
"""The one version for which every package of the tests, Blender's Python module among them, has a build."""
CHECKOUT_COMMANDS = ("demo", "test", "release")
"""The commands that need exactly that version. The others, for the worker's environment, take newer ones too."""
NEWER = ((3, 13), (3, 12))
"""Looked for when there is no ``WANTED`` and the command takes newer ones."""


def main():
    """Run the command, in another Python when this one is none of those that it needs."""
    in_checkout = len(sys.argv) < 2 or sys.argv[1] in CHECKOUT_COMMANDS or sys.argv[1].startswith("-")
    if sys.version_info[:2] == WANTED or (not in_checkout and sys.version_info[:2] > WANTED):
        if in_checkout:
            from .command_line import run
        else:
            from .commands import run

        sys.exit(run(sys.argv[1:]))
    wanted = "{}.{}".format(*WANTED)
    found = [find_python(version) for version in ((WANTED,) if in_checkout else (WANTED,) + NEWER)]
    python = next((path for path in found if path), None)
    if python is None:
        sys.stderr.write(
            "StyleTex is set up with Python {0}{2}; this is Python {1}, and no python{0} was found on the PATH.\n"
            "Install Python {0} (on Debian and Ubuntu: apt-get install python{0} python{0}-venv), "
            "then run the same command again.\n".format(
                wanted, sys.version.split()[0], "" if in_checkout else " or newer"
            )
        )
        sys.exit(2)
    sys.stderr.flush()
    os.execv(python, [python, "-m", "vendor_install"] + sys.argv[1:])


if __name__ == "__main__":
    main()
