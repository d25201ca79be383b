# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that somebody else made, read within bounds: the one place where pictures and arrays come in.

In: a file. Out: its values, checked, or a ``JobError`` that names the file, the cause and the way out.
"""

# Whoever uses this room has Pillow kept to the formats that are read, also in the hands of other libraries.
from . import formats as formats
