# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults in what comes in."""

from __future__ import annotations

from .row import NOTHING, Row, blender, core

ROWS = (
    Row(
        "damaged pictures, meshes, jobs, lines and models",
        "thousands of changes of bytes and structure, from a seed; `STYLETEX_FUZZ=10000` for ten thousand of each",
        NOTHING,
        "read or refused in words; memory bounded",
        core("inputs/test_mutations.py"),
    ),
    Row(
        "mesh files that mean something else",
        "sparse, quantised, skinned, instanced, compressed, cut; concave faces; far from the origin",
        NOTHING,
        "the right mesh, or the cause",
        core("mesh_files"),
    ),
    Row(
        "mesh files that ask for much, or for other files",
        "declared sizes, 10,000 corners, a thousand million instances; buffers at `../` and elsewhere",
        NOTHING,
        "refused before memory is taken; nothing outside the folder is read",
        core("mesh_files/test_bounds.py"),
    ),
    Row(
        "pictures of every kind",
        "16 and 32 bits, floats, palettes, alpha, profiles, turned, animated, cut, a program in disguise",
        NOTHING,
        "the colours of their 8-bit twins, or the cause; nothing is started",
        core("inputs/test_pictures.py", "inputs/test_metadata.py", "inputs/test_formats.py"),
    ),
    Row(
        "more than there is memory for",
        "declared sizes of gigabytes; a limit on the address space",
        NOTHING,
        "refused before anything is unpacked",
        core("inputs/test_picture_sizes.py::test_too_little_memory_is_said", "inputs/test_arrays.py"),
    ),
    Row(
        "a scan that unwraps for minutes",
        "82,000 noisy faces without UVs; the unwrapper crashes or hangs; Ctrl-C",
        NOTHING,
        "flat charts in seconds; no process",
        core("unwrapping/test_unwrap.py"),
    ),
    Row(
        "weights cut, flipped, of another model, a pickle",
        "200 flipped bits; other shapes; files taken away",
        NOTHING,
        "the file's name and the way out",
        core("models/test_damaged_model.py", "models/test_checksums.py"),
    ),
    Row(
        "no network, a network that lies",
        "no route, a silent hub, a sign-in page, a damaged file, Ctrl-C in a download",
        "nothing of what arrived whole",
        "one line that says it; the next run asks for the rest",
        (
            *core(
                "models/test_download.py::test_a_computer_without_network_is_told_so",
                "models/test_download.py::test_a_hub_that_falls_silent_in_a_file_is_named",
                "models/test_download.py::test_a_sign_in_page_is_not_taken_for_a_file",
                "models/test_download.py::test_a_file_that_arrives_damaged_is_thrown_away",
                "models/test_download.py::test_control_c_keeps_what_has_arrived_and_the_next_run_asks_for_the_rest",
                "models/test_download.py::test_without_a_terminal_nothing_is_fetched_unasked",
            ),
            *blender(
                "ui/install_preferences/test_install.py::test_without_online_access_the_button_says_what_to_do_and_the_section_shows_two_ways_on"
            ),
        ),
    ),
)
