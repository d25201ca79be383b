# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults around Blender, and what artists do meanwhile."""

from __future__ import annotations

from .row import CHANGES, CLIENT, GONE, LAND, LINE, MOMENT, NOTHING, PLACES, WORKER, Row, blender, core

ROWS = (
    Row(
        "killed",
        "kill -9 of Blender in a job",
        "the steps since the last checkpoint",
        "no process; the job goes on in the next Blender",
        (
            *core(f"{WORKER}::test_it_dies_with_a_parent_that_is_killed"),
            *blender(
                "worker/test_resume.py::test_job_of_a_killed_blender_goes_on_in_the_next",
                f"{CLIENT}::test_the_worker_dies_with_a_client_that_is_killed",
            ),
            "window/test_window.py::test_killed_worker_frees_the_button_and_killed_blender_takes_the_worker_with_it",
        ),
    ),
    Row(
        "two Blenders",
        "a job folder in use by another process",
        NOTHING,
        "it is neither shared nor cleaned up",
        blender(
            "folders/test_job_folder.py::test_folder_in_use_is_not_shared_not_pruned_and_not_touched",
            "folders/test_job_folder.py::test_folder_of_another_process_is_free_when_that_was_killed",
        ),
    ),
    Row(
        "undo and redo",
        "in the middle of a job and after it, in a window",
        NOTHING,
        "one undo brings the old material back, redo the texture",
        (
            *blender(
                "test_undo.py::test_undo_in_the_middle_of_a_run_is_survived",
                f"{GONE}::test_one_undo_too_many_that_is_redone_costs_nothing",
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
        blender(
            "test_undo.py::test_loading_a_file_in_the_middle_of_a_run_ends_it",
            "test_undo.py::test_saving_in_the_middle_of_a_run_saves_the_old_material",
            "worker/test_resume.py::test_loading_a_file_keeps_the_checkpoint",
            f"{LAND}::test_texture_that_is_finished_when_a_file_is_loaded_is_kept",
            f"{LAND}::test_textures_are_offered_again_in_the_next_session",
        ),
    ),
    Row(
        "the object deleted, or undone",
        "in a job, and while others are textured",
        NOTHING,
        "the job goes on; redone, the object gets its texture, and without it the texture is kept and offered",
        blender(
            f"{GONE}::test_one_undo_too_many_that_is_redone_costs_nothing",
            f"{GONE}::test_texture_of_an_object_that_stays_gone_is_kept_and_applied_when_it_is_back",
            f"{GONE}::test_object_that_the_artist_deletes_is_gone_too",
            f"{GONE}::test_object_that_is_gone_at_its_turn_is_done_last_and_can_be_tried_again",
            f"{GONE}::test_pause_while_it_is_gone_keeps_the_checkpoint",
        ),
    ),
    Row(
        "mesh, UVs, slots or materials changed",
        "in a job; renamed, joined, a slot removed",
        NOTHING,
        "said at once; the texture is kept and not put on where it does not fit",
        blender(
            f"{CHANGES}::test_change_is_said_when_it_happens_and_the_texture_is_kept_and_not_put_on",
            f"{CHANGES}::test_texture_that_still_fits_is_put_on_with_a_word_on_what_changed",
            f"{CHANGES}::test_slots_get_their_own_materials_back_when_one_was_removed",
            f"{CHANGES}::test_renamed_uv_map_is_found_by_its_coordinates",
            f"{CHANGES}::test_renamed_object_gets_its_texture",
            f"{CHANGES}::test_undone_change_is_no_change",
            f"{CHANGES}::test_material_that_the_artist_gives_meanwhile_is_not_covered_again",
        ),
    ),
    Row(
        "edit mode",
        "a mesh with and without UVs in edit mode when frames and the texture come",
        NOTHING,
        "both wait for Object Mode; no UV map of zeros",
        (
            *blender(
                f"{MOMENT}::test_preview_and_texture_of_a_mesh_without_uvs_wait_for_object_mode",
                f"{MOMENT}::test_cancel_in_edit_mode_leaves_no_uv_map",
                f"{MOMENT}::test_uv_map_whose_filling_fails_is_taken_away",
                f"{CHANGES}::test_mesh_that_is_edited_while_its_new_uvs_wait_keeps_them_waiting",
            ),
            "window/test_meanwhile.py::test_edit_mode_shows_each_frame_and_a_change_is_said",
        ),
    ),
    Row(
        "a render, an export, a move under way",
        "while a preview is on, and when the texture comes",
        NOTHING,
        "renders show what the artist left; the texture waits for the end of the operator",
        (
            *blender(
                f"{MOMENT}::test_render_shows_what_the_artist_left_and_the_preview_comes_back",
                f"{MOMENT}::test_preview_is_no_unsaved_work",
                f"{MOMENT}::test_preview_is_off_while_something_is_about_to_be_exported",
                f"{MOMENT}::test_texture_waits_for_the_end_of_an_operator",
            ),
            "window/test_meanwhile.py::test_render_sees_no_preview",
            "window/test_meanwhile.py::test_texture_waits_for_the_end_of_a_move",
        ),
    ),
    Row(
        "the job's folder removed, or full at the end",
        "the worker writes the texture to a temporary folder, which may be on another disk",
        NOTHING,
        "the texture on its object, or kept and offered; no temporary folder",
        blender("landing/test_elsewhere.py"),
    ),
    Row(
        "a stray vertex",
        "a vertex without a face at 1e8 and 1e38",
        NOTHING,
        "the object's faces as without it, to the bit",
        blender("scene/test_export.py::test_vertices_without_a_face_do_not_matter_wherever_they_are"),
    ),
    Row(
        "in another scene, in an excluded collection",
        "what is to be textured is not in the view layer that is open",
        NOTHING,
        "refused with the scene's name, or the way to the Outliner",
        blender(
            "scene/test_export.py::test_object_of_another_scene_is_named_with_its_scene",
            "scene/test_export.py::test_object_of_an_excluded_collection_is_told_so",
        ),
    ),
    Row(
        "an image called as the preview is",
        "an artist's own image of that name, and a job with a preview",
        NOTHING,
        "the artist's image, untouched",
        blender("scene/test_material.py::test_an_image_of_the_artist_with_the_name_of_the_preview_stays"),
    ),
    Row(
        "recovered from an autosave",
        "a file that was written without handlers while a preview was on is opened",
        NOTHING,
        "the artist's own materials; no preview",
        blender(
            f"{MOMENT}::test_preview_in_an_autosaved_file_is_taken_off_when_that_is_opened",
            f"{MOMENT}::test_preview_that_is_appended_from_an_autosave_is_taken_off",
        ),
    ),
    Row(
        "the preview's image removed, another add-on clears all handlers",
        "in a job; before the add-on is disabled",
        NOTHING,
        "the preview is back with the next frame; the add-on is gone whole",
        blender(
            "scene/test_material.py::test_preview_comes_back_when_the_artist_removed_its_image",
            "test_registration.py::test_it_can_be_disabled_where_another_add_on_cleared_all_handlers",
        ),
    ),
    Row(
        "painting",
        "Texture Paint while a preview is on",
        NOTHING,
        "strokes go onto the artist's own image; the preview comes back in Object Mode",
        blender(
            f"{MOMENT}::test_preview_is_off_while_the_artist_paints_so_that_strokes_go_onto_their_own_image",
        ),
    ),
    Row(
        "what is selected and is no mesh",
        "a collection instance and a curve beside meshes",
        NOTHING,
        "named, with the way out; the meshes are textured",
        blender("ui/test_left_out.py::test_they_are_named_with_the_way_out"),
    ),
    Row(
        "UV maps that modifiers make",
        "geometry nodes that store 2D vectors; over a mesh without UVs, with UVs of no area, in place of removed ones",
        NOTHING,
        "the texture is for the map that is shown",
        blender("scene/test_made_uvs.py"),
    ),
    Row(
        "a texture kept back from linked duplicates",
        "the destination is in the way of the texture of two objects with one mesh; Apply, also in the next session",
        NOTHING,
        "all of them have it",
        blender("landing/test_linked.py"),
    ),
    Row(
        "another run begins after failures",
        "something else is stylized while failed objects are in the queue",
        NOTHING,
        "the failed ones stay, to be tried again",
        blender("queue/test_failed_stay.py::test_failed_ones_stay_when_another_run_begins"),
    ),
    Row(
        "the last step fails",
        "packing, an image that cannot be loaded, a damaged picture",
        NOTHING,
        "the texture, offered with Apply; nothing half done in the scene",
        blender(
            f"{LAND}::test_failure_of_the_last_step_takes_all_of_it_back",
            f"{LAND}::test_damaged_picture_is_not_put_on",
            f"{LAND}::test_texture_that_cannot_be_moved_is_put_on_from_where_it_is",
        ),
    ),
    Row(
        "Unpack Resources",
        "two textures of one name are unpacked",
        NOTHING,
        "two files with their own pixels",
        blender(
            f"{LAND}::test_unpacking_two_textures_gives_two_files_with_their_own_pixels",
            f"{LAND}::test_names_that_come_to_the_same_file_name_get_files_of_their_own",
        ),
    ),
    Row(
        "names that are no Unicode",
        "objects, folders and mesh files in Latin-1",
        NOTHING,
        "textured; said readably",
        (
            *blender("test_batch.py::test_name_that_is_no_unicode_is_textured_and_told"),
            *core(
                f"{PLACES}::test_a_folder_whose_name_is_no_unicode_works",
                f"{LINE}::test_names_that_are_no_unicode_or_look_like_markup_work",
            ),
        ),
    ),
)
