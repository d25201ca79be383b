# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of disks and folders."""

from __future__ import annotations

from .row import COMMAND, FRAMES, LAND, LINE, NOTHING, PLACES, WORKER, Row, blender, core

ROWS = (
    Row(
        "full, in the job's folder",
        "a tmpfs without room for frames, for a checkpoint, for the texture",
        "the frame or the checkpoint",
        "a warning, once; the job goes on. Where the texture itself has no room, an error that says so",
        core(
            f"{FRAMES}::test_a_frame_that_cannot_be_written_is_one_warning_and_the_job_goes_on",
            "optimisation/test_checkpoint.py::test_a_full_disk_leaves_the_one_before",
            f"{WORKER}::test_a_full_disk_is_reported_as_such",
        ),
    ),
    Row(
        "full, in the output folder",
        "a tmpfs as output, with room for everything but the last file",
        NOTHING,
        "the results of before, all of them, and the new ones where the message says",
        core(
            f"{COMMAND}::test_on_a_full_disk_nothing_is_lost",
            f"{LINE}::test_on_a_small_disk_the_texture_is_there_and_what_is_not_is_said",
            f"{LINE}::test_where_no_checkpoint_can_be_saved_one_warning_says_so",
            f"{COMMAND}::test_where_one_file_cannot_be_placed_the_old_set_stays_and_the_new_one_is_kept",
            f"{COMMAND}::test_a_set_that_lacks_what_the_old_one_has_is_kept_beside_it",
        ),
    ),
    Row(
        "full, while Blender takes the texture",
        "no space while it is copied, and while an object is exported",
        NOTHING,
        "the texture is kept and offered with Apply",
        blender(
            f"{LAND}::test_full_disk_leaves_no_half_file_and_nothing_of_the_texture_in_the_scene",
            "test_batch.py::test_full_disk_while_exporting_is_named",
        ),
    ),
    Row(
        "killed while results are replaced",
        "kill -9 at every moment of it",
        NOTHING,
        "one whole set, the old or the new one",
        core(
            f"{COMMAND}::test_killed_at_any_moment_of_the_replacement_one_whole_set_is_there",
            "storage/test_whole_file.py::test_killed_while_writing_it_leaves_what_was_there_and_the_next_one_cleans_up",
        ),
    ),
    Row(
        "read-only, a file in the way, a folder in the way",
        "a mount without write access; a file called textures; a folder called textured.glb",
        NOTHING,
        "refused before the first step; in Blender the texture is kept",
        core(
            f"{PLACES}::test_a_read_only_disk_is_noticed_at_once",
            f"{COMMAND}::test_a_folder_with_the_name_of_a_result_is_refused_at_once",
            f"{PLACES}::test_what_cannot_be_made_is_said_with_its_cause",
        )
        + blender(
            f"{LAND}::test_place_that_cannot_be_written_is_refused_before_the_first_step",
            f"{LAND}::test_file_in_the_way_of_the_folder_keeps_every_texture_and_apply_puts_it_there_later",
            "test_headless.py::test_output_that_cannot_be_written_is_refused_before_the_first_step",
            "test_headless.py::test_missing_folder_of_the_output_is_made_before_the_first_step",
        ),
    ),
    Row(
        "deleted in the middle",
        "the output folder is removed during the run",
        NOTHING,
        "it is made again",
        core(
            f"{COMMAND}::test_an_output_folder_that_was_deleted_meanwhile_is_made_again",
            f"{LINE}::test_an_output_folder_that_is_deleted_mid_run_gets_its_results",
        ),
    ),
    Row(
        "inputs as outputs, files of others",
        "the present colour in the output folder; a report.json of somebody's",
        NOTHING,
        "refused, unless forced",
        core(
            f"{COMMAND}::test_an_input_is_never_an_output",
            f"{LINE}::test_the_natural_second_command_keeps_the_first_texture",
            f"{COMMAND}::test_an_earlier_result_that_is_the_input_is_only_replaced_by_force",
            f"{COMMAND}::test_files_of_others_are_only_replaced_by_force",
            f"{COMMAND}::test_a_result_that_was_painted_over_is_not_ours_any_more",
            f"{PLACES}::test_a_folder_of_the_users_own_is_not_touched",
            f"{COMMAND}::test_only_what_the_run_made_is_removed",
        ),
    ),
    Row(
        "two runs on one output",
        "the same command twice; the first is killed",
        NOTHING,
        "the second is refused; the lock dies with its run",
        core(
            f"{COMMAND}::test_two_runs_never_share_a_folder_and_the_lock_dies_with_its_run",
            f"{LINE}::test_two_runs_on_one_folder_get_a_clear_word",
        ),
    ),
    Row(
        "a file system without locks",
        "ENOLCK, as of a network's, on the command line and in Blender",
        NOTHING,
        "a warning; what another Blender may use is not tidied away",
        core(f"{LINE}::test_where_files_cannot_be_locked_a_warning_says_so")
        + blender(
            "folders/test_job_folder.py::"
            "test_where_files_cannot_be_locked_jobs_go_on_and_nothing_of_others_is_tidied_away",
        ),
    ),
    Row(
        "planted links",
        "links in the place of our files and folders",
        NOTHING,
        "what they lead to, as it was",
        core(
            f"{PLACES}::test_planted_links_are_not_followed",
            f"{PLACES}::test_a_link_in_the_place_of_our_folder_or_lock_is_refused",
            "storage/test_whole_file.py::test_nothing_is_written_through_a_planted_link",
        ),
    ),
    Row(
        "a clock set forward by a week",
        "file times and the system's time, against days of use",
        NOTHING,
        "interrupted jobs and kept textures wait for days on which Blender was used",
        blender(
            "folders/test_job_folder.py::test_clock_that_is_set_forward_takes_no_interrupted_job",
            "folders/test_job_folder.py::test_interrupted_job_waits_for_as_many_days_of_use_as_are_promised",
            f"{LAND}::test_kept_textures_wait_for_thirty_days_of_use",
        ),
    ),
)
