# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault with the tests that inject it; what they measure comes in their order from ``record_property``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One fault of the table."""

    fault: str
    injected: str
    """How, in one sentence."""
    lost: str
    """Work that is gone; a test that measures it puts "lost" among its properties, which then stands here."""
    left: str
    """Processes and files that are there afterwards; likewise "left"."""
    tests: tuple[str, ...]
    """Of pytest, under ``tests/``; without a ``[``, all parameters of it."""


def _core(*names: str) -> tuple[str, ...]:
    return tuple(f"core/{name}" for name in names)


def _blender(*names: str) -> tuple[str, ...]:
    return tuple(f"styletex_blender/{name}" for name in names)


_COMMAND = "commands/test_output_folder.py"
_WORKER = "worker/test_worker.py"
_CLIENT = "worker/test_client.py"
_LAND = "landing/test_land.py"
_CHANGES = "landing/test_changes.py"
_MOMENT = "landing/test_moment.py"
_NOTHING, _TEMPORARY = "nothing", "no process, no file"

GROUPS: dict[str, tuple[Row, ...]] = {
    "The process that computes": (
        Row(
            "killed ten times",
            "kill -9 at ten random moments of one job, which is begun anew each time",
            "the steps since the last checkpoint",
            "the texture, byte for byte that of a run that nobody disturbs",
            ("faults/test_kills.py::test_killed_ten_times_it_ends_with_the_same_bytes",),
        ),
        Row(
            "killed under Blender",
            "kill -9 of the worker in the middle of a job",
            "the steps since the last checkpoint",
            "the checkpoint; the button is free, the next object gets a new worker",
            _blender(
                "worker/test_resume.py::test_worker_killed_mid_job_loses_nothing",
                "ui/test_operators.py::test_worker_killed_mid_job_frees_the_button",
                "ui/test_operators.py::test_next_object_gets_a_new_worker_after_one_died",
            ),
        ),
        Row(
            "stopped and continued",
            "SIGSTOP for three seconds, then SIGCONT",
            _NOTHING,
            "the job ends with its texture",
            ("faults/test_signals.py::test_a_worker_that_was_stopped_goes_on",),
        ),
        Row(
            "silent",
            "a worker that says nothing any more",
            "the steps since the last checkpoint",
            "it is ended; no process",
            _blender(f"{_CLIENT}::test_a_silent_worker_is_ended_and_reported"),
        ),
        Row(
            "a machine that slept",
            "the clock jumps while nothing is heard",
            _NOTHING,
            "the job goes on",
            _blender(f"{_CLIENT}::test_a_sleeping_machine_is_no_stalled_worker"),
        ),
        Row(
            "its input cut",
            "standard input is closed in a job",
            "the steps since the last checkpoint",
            _TEMPORARY,
            _core(f"{_WORKER}::test_the_end_of_standard_input_ends_it_even_in_a_job"),
        ),
        Row(
            "its output cut",
            "the other end of standard output is closed in a job",
            "the steps since the last checkpoint",
            _TEMPORARY,
            _core(f"{_WORKER}::test_a_cut_output_ends_it")
            + _blender(f"{_CLIENT}::test_a_worker_that_closes_its_output_is_ended"),
        ),
        Row(
            "its output polluted",
            "Python, C and child processes print to standard output",
            _NOTHING,
            "what was printed stands in the log",
            _core(f"{_WORKER}::test_standard_output_stays_clean_whoever_writes")
            + _blender(
                f"{_CLIENT}::test_pollution_goes_to_the_log_and_harms_nothing",
                f"{_CLIENT}::test_a_flood_is_thinned_and_loses_no_last_word",
            ),
        ),
        Row(
            "a damaged frame",
            "a preview that is no picture, or comes through a link",
            "the frame",
            "a warning; the other objects are textured",
            _core(f"{_WORKER}::test_a_frame_is_never_written_through_a_link")
            + _blender("test_batch.py::test_damaged_frames_are_a_warning"),
        ),
        Row(
            "no finite number",
            "one number of a gradient is infinite: in one step, in all that follow, in all",
            "that step; after ten in a row the rest",
            "the texture, and a warning that counts; an error where no step could be taken",
            _core(
                "optimisation/test_unsound_steps.py::test_one_step_is_left_out_and_counted",
                "optimisation/test_unsound_steps.py::test_after_ten_in_a_row_what_there_is_is_baked",
                "optimisation/test_unsound_steps.py::test_where_no_step_could_be_taken_there_is_no_texture",
                "optimisation/test_unsound_steps.py::test_where_half_precision_overflows_the_step_is_repeated_in_full",
            ),
        ),
        Row(
            "an exception that nobody foresaw",
            "any exception in a job, between two, and of a broken graphics card",
            "that object",
            "the others are textured; the log has the traceback",
            _core(
                f"{_WORKER}::test_a_failure_names_its_cause_and_the_worker_lives_on",
                f"{_WORKER}::test_where_the_accelerator_is_beyond_repair_it_tells_and_leaves",
            )
            + _blender(
                "test_batch.py::test_exception_that_nobody_foresaw_is_one_objects_and_stands_in_the_log",
                "test_batch.py::test_exception_between_two_objects_is_told_for_those_that_are_left",
                "test_batch.py::test_exception_in_the_middle_of_a_job_is_one_objects_too",
            ),
        ),
        Row(
            "Ctrl-C on the command line",
            "once, and twice",
            "nothing; with the second one the steps since the last checkpoint",
            "the texture of what there is, or the checkpoint",
            _core("test_command_line.py::test_control_c_cancels_and_leaves_nothing"),
        ),
        Row(
            "cancelled",
            "at a step, between stages, in the sketch, while it waits",
            "the job, as asked",
            "what the job was given, and nothing else",
            _core(
                "test_stylize.py::test_a_job_cancelled_at_a_step_leaves_only_what_it_was_given",
                "test_stylize.py::test_a_job_cancelled_between_stages_leaves_only_what_it_was_given",
                "optimisation/test_warm_start.py::test_a_start_can_be_cancelled",
                f"{_WORKER}::test_a_waiting_job_can_be_cancelled",
            ),
        ),
        Row(
            "damaged or foreign checkpoints",
            "cut, of other weights, of another version, a folder in its place",
            "what it held",
            "the job begins anew",
            _core(
                "optimisation/test_checkpoint.py::test_a_damaged_one_is_never_used",
                "optimisation/test_checkpoint.py::test_one_of_another_job_is_not_used",
                "optimisation/test_checkpoint.py::test_one_of_another_field_is_not_used",
                "optimisation/test_checkpoint.py::test_a_folder_in_its_place_is_no_checkpoint_and_can_be_removed",
                "optimisation/test_checkpoint.py::test_nothing_of_what_was_read_is_a_view_of_the_file",
            ),
        ),
    ),
    "Disk and folders": (
        Row(
            "full, in the job's folder",
            "a tmpfs without room for frames, for a checkpoint, for the texture",
            "the frame or the checkpoint",
            "a warning, once; the job goes on. Where the texture itself has no room, an error that says so",
            _core(
                f"{_WORKER}::test_a_frame_that_cannot_be_written_is_one_warning_and_the_job_goes_on",
                "optimisation/test_checkpoint.py::test_a_full_disk_leaves_the_one_before",
                f"{_WORKER}::test_a_full_disk_is_reported_as_such",
            ),
        ),
        Row(
            "full, in the output folder",
            "a tmpfs as output, with room for everything but the last file",
            _NOTHING,
            "the results of before, all of them, and the new ones where the message says",
            _core(
                f"{_COMMAND}::test_on_a_full_disk_nothing_is_lost",
                f"{_COMMAND}::test_where_one_file_cannot_be_placed_the_old_set_stays_and_the_new_one_is_kept",
                f"{_COMMAND}::test_a_set_that_lacks_what_the_old_one_has_is_kept_beside_it",
            ),
        ),
        Row(
            "full, while Blender takes the texture",
            "no space while it is copied, and while an object is exported",
            _NOTHING,
            "the texture is kept and offered with Apply",
            _blender(
                f"{_LAND}::test_full_disk_leaves_no_half_file_and_nothing_of_the_texture_in_the_scene",
                "test_batch.py::test_full_disk_while_exporting_is_named",
            ),
        ),
        Row(
            "killed while results are replaced",
            "kill -9 at every moment of it",
            _NOTHING,
            "one whole set, the old or the new one",
            _core(
                f"{_COMMAND}::test_killed_at_any_moment_of_the_replacement_one_whole_set_is_there",
                "storage/test_whole_file.py::test_killed_while_writing_it_leaves_what_was_there_and_the_next_one_cleans_up",
            ),
        ),
        Row(
            "read-only, a file in the way, a folder in the way",
            "a mount without write access; a file called textures; a folder called textured.glb",
            _NOTHING,
            "refused before the first step; in Blender the texture is kept",
            _core(
                f"{_COMMAND}::test_a_read_only_disk_is_noticed_at_once",
                f"{_COMMAND}::test_a_folder_with_the_name_of_a_result_is_refused_at_once",
                f"{_COMMAND}::test_what_cannot_be_made_is_said_with_its_cause",
            )
            + _blender(
                f"{_LAND}::test_place_that_cannot_be_written_is_refused_before_the_first_step",
                f"{_LAND}::test_file_in_the_way_of_the_folder_keeps_every_texture_and_apply_puts_it_there_later",
                "test_headless.py::test_output_that_cannot_be_written_is_refused_before_the_first_step",
                "test_headless.py::test_missing_folder_of_the_output_is_made_before_the_first_step",
            ),
        ),
        Row(
            "deleted in the middle",
            "the output folder is removed during the run",
            _NOTHING,
            "it is made again",
            _core(f"{_COMMAND}::test_an_output_folder_that_was_deleted_meanwhile_is_made_again"),
        ),
        Row(
            "inputs as outputs, files of others",
            "the present colour in the output folder; a report.json of somebody's",
            _NOTHING,
            "refused, unless forced",
            _core(
                f"{_COMMAND}::test_an_input_is_never_an_output",
                f"{_COMMAND}::test_an_earlier_result_that_is_the_input_is_only_replaced_by_force",
                f"{_COMMAND}::test_files_of_others_are_only_replaced_by_force",
                f"{_COMMAND}::test_a_result_that_was_painted_over_is_not_ours_any_more",
                f"{_COMMAND}::test_a_folder_of_the_users_own_is_not_touched",
                f"{_COMMAND}::test_only_what_the_run_made_is_removed",
            ),
        ),
        Row(
            "two runs on one output",
            "the same command twice; the first is killed",
            _NOTHING,
            "the second is refused; the lock dies with its run",
            _core(f"{_COMMAND}::test_two_runs_never_share_a_folder_and_the_lock_dies_with_its_run"),
        ),
        Row(
            "planted links",
            "links in the place of our files and folders",
            _NOTHING,
            "what they lead to, as it was",
            _core(
                f"{_COMMAND}::test_planted_links_are_not_followed",
                f"{_COMMAND}::test_a_link_in_the_place_of_our_folder_or_lock_is_refused",
                "storage/test_whole_file.py::test_nothing_is_written_through_a_planted_link",
            ),
        ),
        Row(
            "a clock set forward by a week",
            "file times and the system's time, against days of use",
            _NOTHING,
            "interrupted jobs and kept textures wait for days on which Blender was used",
            _blender(
                "folders/test_job_folder.py::test_clock_that_is_set_forward_takes_no_interrupted_job",
                "folders/test_job_folder.py::test_interrupted_job_waits_for_as_many_days_of_use_as_are_promised",
                f"{_LAND}::test_kept_textures_wait_for_thirty_days_of_use",
            ),
        ),
    ),
    "Blender, and the artist who works on": (
        Row(
            "killed",
            "kill -9 of Blender in a job",
            "the steps since the last checkpoint",
            "no process; the job goes on in the next Blender",
            (
                *_core(f"{_WORKER}::test_it_dies_with_a_parent_that_is_killed"),
                *_blender(
                    "worker/test_resume.py::test_job_of_a_killed_blender_goes_on_in_the_next",
                    f"{_CLIENT}::test_the_worker_dies_with_a_client_that_is_killed",
                ),
                "window/test_window.py::test_killed_worker_frees_the_button_and_killed_blender_takes_the_worker_with_it",
            ),
        ),
        Row(
            "two Blenders",
            "a job folder in use by another process",
            _NOTHING,
            "it is neither shared nor cleaned up",
            _blender(
                "folders/test_job_folder.py::test_folder_in_use_is_not_shared_not_pruned_and_not_touched",
                "folders/test_job_folder.py::test_folder_of_another_process_is_free_when_that_was_killed",
            ),
        ),
        Row(
            "undo and redo",
            "in the middle of a job and after it, in a window",
            _NOTHING,
            "one undo brings the old material back, redo the texture",
            (
                *_blender(
                    "test_undo.py::test_undo_in_the_middle_of_a_run_is_survived",
                    "test_undo.py::test_object_deleted_by_undo_is_an_error_and_not_a_crash",
                    "test_undo.py::test_one_undo_brings_the_old_material_back_and_redo_the_texture",
                    "test_undo.py::test_a_preview_that_got_into_the_history_is_taken_off",
                ),
                "window/test_window.py::test_click_watch_undo_midway_then_undo_and_redo_the_texture",
            ),
        ),
        Row(
            "new file, load, save, quit",
            "another file is loaded in a job; saved in a job; the end of Blender with a finished texture",
            "the steps since the last checkpoint",
            "the checkpoint, the finished texture; the saved file has the old material",
            _blender(
                "test_undo.py::test_loading_a_file_in_the_middle_of_a_run_ends_it",
                "test_undo.py::test_saving_in_the_middle_of_a_run_saves_the_old_material",
                "worker/test_resume.py::test_loading_a_file_keeps_the_checkpoint",
                f"{_LAND}::test_texture_that_is_finished_when_a_file_is_loaded_is_kept",
                f"{_LAND}::test_textures_are_offered_again_in_the_next_session",
            ),
        ),
        Row(
            "the object deleted",
            "in a job, and while others are textured",
            "its job, at once",
            "the next object begins",
            _blender(
                f"{_CHANGES}::test_deleted_object_is_not_computed_on_and_the_next_one_begins_at_once",
                f"{_CHANGES}::test_object_taken_out_of_every_scene_is_deleted_too",
            ),
        ),
        Row(
            "mesh, UVs, slots or materials changed",
            "in a job; renamed, joined, a slot removed",
            _NOTHING,
            "said at once; the texture is kept and not put on where it does not fit",
            _blender(
                f"{_CHANGES}::test_change_is_said_when_it_happens_and_the_texture_is_kept_and_not_put_on",
                f"{_CHANGES}::test_texture_that_still_fits_is_put_on_with_a_word_on_what_changed",
                f"{_CHANGES}::test_slots_get_their_own_materials_back_when_one_was_removed",
                f"{_CHANGES}::test_renamed_uv_map_is_found_by_its_coordinates",
                f"{_CHANGES}::test_undone_change_is_no_change",
                f"{_CHANGES}::test_material_that_the_artist_gives_meanwhile_is_not_covered_again",
            ),
        ),
        Row(
            "edit mode",
            "a mesh with and without UVs in edit mode when frames and the texture come",
            _NOTHING,
            "both wait for Object Mode; no UV map of zeros",
            (
                *_blender(
                    f"{_MOMENT}::test_preview_and_texture_of_a_mesh_without_uvs_wait_for_object_mode",
                    f"{_MOMENT}::test_cancel_in_edit_mode_leaves_no_uv_map",
                    f"{_MOMENT}::test_uv_map_whose_filling_fails_is_taken_away",
                    f"{_CHANGES}::test_mesh_that_is_edited_while_its_new_uvs_wait_keeps_them_waiting",
                ),
                "window/test_meanwhile.py::test_edit_mode_shows_each_frame_and_a_change_is_said",
            ),
        ),
        Row(
            "a render, an export, a move under way",
            "while a preview is on, and when the texture comes",
            _NOTHING,
            "renders show what the artist left; the texture waits for the end of the operator",
            (
                *_blender(
                    f"{_MOMENT}::test_render_shows_what_the_artist_left_and_the_preview_comes_back",
                    f"{_MOMENT}::test_preview_is_no_unsaved_work",
                    f"{_MOMENT}::test_preview_is_off_while_something_is_about_to_be_exported",
                    f"{_MOMENT}::test_texture_waits_for_the_end_of_an_operator",
                ),
                "window/test_meanwhile.py::test_render_sees_no_preview",
                "window/test_meanwhile.py::test_texture_waits_for_the_end_of_a_move",
            ),
        ),
        Row(
            "the last step fails",
            "packing, an image that cannot be loaded, a damaged picture",
            _NOTHING,
            "the texture, offered with Apply; nothing half done in the scene",
            _blender(
                f"{_LAND}::test_failure_of_the_last_step_takes_all_of_it_back",
                f"{_LAND}::test_damaged_picture_is_not_put_on",
                f"{_LAND}::test_texture_that_cannot_be_moved_is_put_on_from_where_it_is",
            ),
        ),
        Row(
            "Unpack Resources",
            "two textures of one name are unpacked",
            _NOTHING,
            "two files with their own pixels",
            _blender(
                f"{_LAND}::test_unpacking_two_textures_gives_two_files_with_their_own_pixels",
                f"{_LAND}::test_names_that_come_to_the_same_file_name_get_files_of_their_own",
            ),
        ),
        Row(
            "names that are no Unicode",
            "objects, folders and mesh files in Latin-1",
            _NOTHING,
            "textured; said readably",
            (
                *_blender("test_batch.py::test_name_that_is_no_unicode_is_textured_and_told"),
                *_core(f"{_COMMAND}::test_a_folder_whose_name_is_no_unicode_works"),
            ),
        ),
    ),
    "What comes in": (
        Row(
            "damaged pictures, meshes, jobs, lines and models",
            "thousands of random changes, from a seed; `STYLETEX_FUZZ=10000` for ten thousand of each",
            _NOTHING,
            "read or refused in words; memory bounded",
            _core("inputs/test_mutations.py"),
        ),
        Row(
            "mesh files that mean something else",
            "sparse, quantised, skinned, instanced, compressed, cut; concave faces; far from the origin",
            _NOTHING,
            "the right mesh, or the cause",
            _core("mesh_files"),
        ),
        Row(
            "pictures of every kind",
            "16 and 32 bits, floats, palettes, alpha, profiles, turned, animated, cut, a program in disguise",
            _NOTHING,
            "the colours of their 8-bit twins, or the cause; nothing is started",
            _core("inputs/test_pictures.py", "inputs/test_formats.py"),
        ),
        Row(
            "more than there is memory for",
            "declared sizes of gigabytes; a limit on the address space",
            _NOTHING,
            "refused before anything is unpacked",
            _core("inputs/test_picture_sizes.py::test_too_little_memory_is_said", "inputs/test_arrays.py"),
        ),
        Row(
            "a scan that unwraps for minutes",
            "82,000 noisy faces without UVs; the unwrapper crashes or hangs; Ctrl-C",
            _NOTHING,
            "flat charts in seconds; no process",
            _core("unwrapping/test_unwrap.py"),
        ),
        Row(
            "weights cut, flipped, of another model, a pickle",
            "200 flipped bits; other shapes; files taken away",
            _NOTHING,
            "the file's name and the way out",
            _core("models/test_damaged_model.py", "models/test_checksums.py"),
        ),
        Row(
            "no network, a network that lies",
            "no route, a silent hub, a sign-in page, a damaged file, Ctrl-C in a download",
            "nothing of what arrived whole",
            "one line that says it; the next run asks for the rest",
            (
                *_core(
                    "models/test_download.py::test_a_computer_without_network_is_told_so",
                    "models/test_download.py::test_a_hub_that_falls_silent_in_a_file_is_named",
                    "models/test_download.py::test_a_sign_in_page_is_not_taken_for_a_file",
                    "models/test_download.py::test_a_file_that_arrives_damaged_is_thrown_away",
                    "models/test_download.py::test_control_c_keeps_what_has_arrived_and_the_next_run_asks_for_the_rest",
                    "models/test_download.py::test_without_a_terminal_nothing_is_fetched_unasked",
                ),
                *_blender(
                    "ui/test_install_preferences.py::test_without_online_access_the_button_says_what_to_do_and_the_section_shows_two_ways_on"
                ),
            ),
        ),
    ),
}
"""The rows of the table by their groups."""
