# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the process that computes."""

from __future__ import annotations

from .row import CLIENT, FRAMES, LINE, NO_TRACE, NOTHING, WORKER, Row, blender, core

ROWS = (
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
        blender(
            "worker/test_resume.py::test_worker_killed_mid_job_loses_nothing",
            "ui/test_operators.py::test_worker_killed_mid_job_frees_the_button",
            "ui/test_operators.py::test_next_object_gets_a_new_worker_after_one_died",
        ),
    ),
    Row(
        "stopped and continued",
        "SIGSTOP for three seconds, then SIGCONT",
        NOTHING,
        "the job ends with its texture",
        ("faults/test_signals.py::test_a_worker_that_was_stopped_goes_on",),
    ),
    Row(
        "silent",
        "a worker that says nothing any more",
        "the steps since the last checkpoint",
        "it is ended; no process",
        blender(f"{CLIENT}::test_a_silent_worker_is_ended_and_reported"),
    ),
    Row(
        "a machine that slept",
        "the clock jumps while nothing is heard",
        NOTHING,
        "the job goes on",
        blender(f"{CLIENT}::test_a_sleeping_machine_is_no_stalled_worker"),
    ),
    Row(
        "its input cut",
        "standard input is closed in a job",
        "the steps since the last checkpoint",
        NO_TRACE,
        core(f"{WORKER}::test_the_end_of_standard_input_ends_it_even_in_a_job"),
    ),
    Row(
        "its output cut",
        "the other end of standard output is closed in a job",
        "the steps since the last checkpoint",
        NO_TRACE,
        core(f"{WORKER}::test_a_cut_output_ends_it")
        + blender(f"{CLIENT}::test_a_worker_that_closes_its_output_is_ended"),
    ),
    Row(
        "its output polluted",
        "Python, C and child processes print to standard output",
        NOTHING,
        "what was printed stands in the log",
        core(f"{WORKER}::test_standard_output_stays_clean_whoever_writes")
        + blender(
            f"{CLIENT}::test_pollution_goes_to_the_log_and_harms_nothing",
            f"{CLIENT}::test_a_flood_is_thinned_and_loses_no_last_word",
        ),
    ),
    Row(
        "a damaged frame",
        "a preview that is no picture, or comes through a link",
        "the frame",
        "a warning; the other objects are textured",
        core(f"{FRAMES}::test_a_frame_is_never_written_through_a_link")
        + blender("test_batch.py::test_damaged_frames_are_a_warning"),
    ),
    Row(
        "no finite number",
        "one number of a gradient is infinite: in one step, in all that follow, in all",
        "that step; after ten in a row the rest",
        "the texture, and a warning that counts; an error where no step could be taken",
        core(
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
        core(
            f"{WORKER}::test_a_failure_names_its_cause_and_the_worker_lives_on",
            f"{WORKER}::test_where_the_accelerator_is_beyond_repair_it_tells_and_leaves",
        )
        + blender(
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
        core(
            f"{LINE}::test_the_first_control_c_stops_and_keeps",
            f"{LINE}::test_a_second_control_c_or_a_request_to_end_keeps_the_checkpoint_and_the_same_command_goes_on",
            f"{LINE}::test_before_the_first_step_control_c_ends_it_at_once_even_inside_a_long_call",
            f"{LINE}::test_after_the_last_step_the_second_control_c_ends_it_at_once_even_inside_a_long_call",
            "test_command_line.py::test_control_c_before_the_first_step_leaves_nothing",
        ),
    ),
    Row(
        "Ctrl-C where it is ignored",
        "SIGINT to a command that a shell began in the background, or nohup",
        NOTHING,
        "the texture",
        core(f"{LINE}::test_started_in_the_background_it_stays_deaf_to_control_c"),
    ),
    Row(
        "cancelled",
        "at a step, between stages, in the sketch, while it waits",
        "the job, as asked",
        "what the job was given, and nothing else",
        core(
            "test_stylize.py::test_a_job_cancelled_at_a_step_leaves_only_what_it_was_given",
            "test_stylize.py::test_a_job_cancelled_between_stages_leaves_only_what_it_was_given",
            "optimisation/test_warm_start.py::test_a_start_can_be_cancelled",
            f"{WORKER}::test_a_waiting_job_can_be_cancelled",
        ),
    ),
    Row(
        "damaged or foreign checkpoints",
        "cut, of other weights, of another version, a folder in its place",
        "what it held",
        "the job begins anew",
        core(
            "optimisation/test_checkpoint.py::test_a_damaged_one_is_never_used",
            "optimisation/test_checkpoint.py::test_one_of_another_job_is_not_used",
            "optimisation/test_checkpoint.py::test_one_of_another_field_is_not_used",
            "optimisation/test_checkpoint.py::test_a_folder_in_its_place_is_no_checkpoint_and_can_be_removed",
            "optimisation/test_checkpoint.py::test_nothing_of_what_was_read_is_a_view_of_the_file",
        ),
    ),
)
