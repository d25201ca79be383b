# SPDX-License-Identifier: GPL-3.0-or-later
"""``python3 -m vendor_install COMMAND``: go on in Python 3.11, whichever Python was called.

This file is also read by older Pythons, which must get as far as the message.
"""

import os
import sys

from .interpreter import find_python

WANTED = (3, 11)
"""The one version for which every pinned package, Blender's Python module among them, has a build."""


def main():
    """Run the command, in Python 3.11 when that is not this one."""
    if sys.version_info[:2] == WANTED:
        from .command_line import run

        sys.exit(run(sys.argv[1:]))
    wanted = "{}.{}".format(*WANTED)
    python = find_python(WANTED)
    if python is None:
        sys.stderr.write(
            "StyleTex is set up with Python {0}; this is Python {1}, and no python{0} was found on the PATH.\n"
            "Install Python {0} (on Debian and Ubuntu: apt-get install python{0} python{0}-venv), "
            "then run the same command again.\n".format(wanted, sys.version.split()[0])
        )
        sys.exit(2)
    sys.stderr.flush()
    os.execv(python, [python, "-m", "vendor_install"] + sys.argv[1:])


if __name__ == "__main__":
    main()
