# SPDX-License-Identifier: GPL-3.0-or-later
"""An object's results stay with it: variations, looking at one, applying, deleting, their number, undo and files."""

from __future__ import annotations

import pytest


def now(bpy):
    """The cube after an undo: references from before are void."""
    return bpy.data.objects["Cube"]


def seeds(bpy, styletex, target):
    """Seeds of the object's results, the newest first."""
    read_record = styletex.module("history.record").read_record
    return [read_record(image).seed for image in styletex.module("history.entries").images_of(target)]


def three(bpy, seed=5):
    bpy.context.scene.styletex.seed, bpy.context.scene.styletex.variations = seed, 3
    assert bpy.ops.styletex.stylize() == {"FINISHED"}


def on_it(bpy):
    return now(bpy).material_slots[0].material.node_tree.nodes["StyleTex Texture"].image


def test_three_variations_are_three_results_and_the_first_is_on_the_object(bpy, cube, styletex, history, shown):
    three(bpy)
    assert seeds(bpy, styletex, cube) == [7, 6, 5]
    first = history.images_of(cube)[-1]
    assert shown.applied_image(cube) == shown.shown_image(cube) == on_it(bpy) == first
    outcomes = styletex.module("worker.runner").current_run().outcomes
    assert [(found.applied, found.image in bpy.data.images) for found in outcomes] == [(True, True)] + 2 * [
        (False, True)
    ]
    assert len({image.filepath_raw for image in history.images_of(cube)}) == 3
    assert not any(image.use_fake_user for image in history.images_of(cube))


def test_each_object_has_its_first_variation_before_any_has_its_second(bpy, scene, styletex):
    three(bpy)
    run = styletex.module("worker.runner").current_run()
    assert [(task.object_name, task.settings["seed"]) for task in run.tasks] == [
        (name, seed) for seed in (5, 6, 7) for name in ("Suzanne", "Cube")
    ]
    assert len({task.group for task in run.tasks}) == 2


def test_where_the_first_fails_the_second_is_put_on(bpy, cube, styletex, monkeypatch):
    outcomes_module = styletex.module("worker.queue.outcomes")
    land, failed = outcomes_module.land, []

    def fail_once(*arguments, **named):
        if not failed:
            failed.append(True)
            raise styletex.module("landing.land").JobError("disk_full", "injected")
        return land(*arguments, **named)

    monkeypatch.setattr(outcomes_module, "land", fail_once)
    three(bpy)
    assert seeds(bpy, styletex, cube) == [7, 6]
    assert on_it(bpy) == styletex.module("history.entries").images_of(cube)[1]


def test_seeds_end_where_they_begin(bpy, cube, styletex):
    three(bpy, seed=2**31 - 2)
    assert seeds(bpy, styletex, cube) == [0, 2**31 - 1, 2**31 - 2]


def test_variations_start_from_what_the_first_started_from(bpy, cube, styletex, monkeypatch):
    """Each is exported before the first is on the object; a second export starts from the same picture as well."""
    bpy.data.materials["Old"].use_nodes = True
    bpy.context.scene.styletex.start_from_present = True
    bpy.context.scene.styletex.variations = 2
    run = styletex.begin([cube])
    styletex.until(lambda: run.index == 0 and run.frames_shown >= 1)
    styletex.module("worker.runner").finish()
    styletex.until(lambda: run.index == 1 and run.frames_shown >= 2)
    before = (run.task.folder.path / "present.png").read_bytes()
    cube.data.vertices[0].co.x += 0.1
    styletex.module("worker.runner").again()
    styletex.until(lambda: run.task.folder.held and run.stage != "Canceling" and not run.wants_again)
    assert (run.task.folder.path / "present.png").read_bytes() == before
    styletex.end(run)
    assert [outcome.error for outcome in run.outcomes] == [None, None]
    read_record = styletex.module("history.record").read_record
    starts = {read_record(image).start for image in styletex.module("history.entries").images_of(cube)}
    assert len(starts) == 1


def test_showing_changes_what_is_seen_and_not_what_is_applied(bpy, cube, history, shown):
    three(bpy)
    third, second, first = history.images_of(cube)
    bpy.ops.styletex.history_show(number=0)
    assert (on_it(bpy), shown.applied_image(cube), history.chosen_image(cube)) == (third, first, third)
    bpy.ops.styletex.history_show(number=1)
    assert (on_it(bpy), shown.applied_image(cube), history.chosen_image(cube)) == (second, first, second)
    for expected in (first, second, first):
        bpy.ops.styletex.history_compare()
        assert on_it(bpy) == expected
    assert shown.applied_image(cube) == first and history.chosen_image(cube) == second
    assert "styletex_applied" not in cube.material_slots[0].material


def test_apply_is_one_step_and_undo_brings_the_one_before(bpy, cube, history, shown):
    three(bpy)
    names = [image.name for image in history.images_of(cube)]
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.styletex.history_show("EXEC_DEFAULT", True, number=1)
    bpy.ops.styletex.history_apply("EXEC_DEFAULT", True)
    assert shown.applied_image(now(bpy)).name == on_it(bpy).name == names[1]
    bpy.ops.ed.undo()
    assert (on_it(bpy).name, shown.applied_image(now(bpy)).name) == (names[1], names[2])
    bpy.ops.ed.undo()
    assert (on_it(bpy).name, shown.applied_image(now(bpy)).name) == (names[2], names[2])
    bpy.ops.ed.redo()
    bpy.ops.ed.redo()
    assert shown.applied_image(now(bpy)).name == on_it(bpy).name == names[1]
    assert [image.name for image in history.images_of(now(bpy))] == names


def test_delete_frees_the_image_and_undo_brings_it_back_with_its_pixels(bpy, cube, history, shown):
    three(bpy)
    name = history.images_of(cube)[0].name
    pixels = list(bpy.data.images[name].pixels[:400])
    bpy.ops.styletex.history_show("EXEC_DEFAULT", True, number=0)
    bpy.ops.styletex.history_delete("EXEC_DEFAULT", True)
    assert name not in bpy.data.images and len(history.images_of(cube)) == 2
    assert on_it(bpy) == shown.applied_image(cube), "what was looked at is gone"
    bpy.ops.ed.undo()
    assert len(history.images_of(now(bpy))) == 3 and on_it(bpy).name == name
    assert list(bpy.data.images[name].pixels[:400]) == pixels
    bpy.ops.ed.redo()
    assert name not in bpy.data.images and len(history.images_of(now(bpy))) == 2


def test_applied_result_cannot_be_deleted(bpy, cube, history, styletex):
    three(bpy)
    assert bpy.ops.styletex.history_show(number=2) == {"FINISHED"}
    assert not bpy.ops.styletex.history_delete.poll()
    with pytest.raises(styletex.module("api").JobError, match="It is applied"):
        styletex.module("api").forget(cube, history.images_of(cube)[2])


def test_limit_forgets_the_oldest_and_never_the_applied_one(bpy, cube, styletex, history, shown):
    bpy.context.scene.styletex.history_limit = 3
    three(bpy, seed=1)
    bpy.ops.styletex.history_show(number=2)
    images = len(bpy.data.images)
    applied = history.images_of(cube)[2]
    bpy.context.scene.styletex.seed = 10
    bpy.ops.styletex.stylize()
    assert seeds(bpy, styletex, cube) == [12, 11, 10]
    assert len(bpy.data.images) == images
    applied = history.images_of(cube)[2]
    bpy.context.scene.styletex.history_limit = 1
    bpy.context.scene.styletex.variations = 2
    bpy.context.scene.styletex.seed = 20
    bpy.ops.styletex.stylize()
    assert seeds(bpy, styletex, cube) == [20] and shown.applied_image(cube) == history.images_of(cube)[0] != applied


@pytest.mark.parametrize("packed_again", [False, True])
def test_limit_spares_what_was_painted_on_and_clean_up_does_not(bpy, cube, history, packed_again):
    bpy.context.scene.styletex.history_limit = 1
    bpy.ops.styletex.stylize()
    painted = history.images_of(cube)[0]
    painted.pixels[0:4] = (1.0, 0.0, 1.0, 1.0)
    painted.update()
    if packed_again:
        painted.pack()
    for seed in (11, 12):
        bpy.context.scene.styletex.seed = seed
        bpy.ops.styletex.stylize()
    assert painted in history.images_of(cube) and len(history.images_of(cube)) == 2
    bpy.ops.styletex.history_clean_up("EXEC_DEFAULT", True)
    assert len(history.images_of(cube)) == 1


def test_clean_up_leaves_what_is_applied_and_undo_the_rest(bpy, cube, history, shown):
    three(bpy)
    bpy.ops.styletex.history_show(number=0)
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.styletex.history_clean_up("EXEC_DEFAULT", True)
    assert history.images_of(cube) == [shown.applied_image(cube)] == [on_it(bpy)]
    bpy.ops.ed.undo()
    assert len(history.images_of(now(bpy))) == 3


def test_image_that_something_else_uses_stays_in_the_file(bpy, cube, history):
    three(bpy)
    third, second, _ = history.images_of(cube)
    mine = bpy.data.materials.new("Mine")
    mine.use_nodes = True
    mine.node_tree.nodes.new("ShaderNodeTexImage").image = third
    name = second.name
    bpy.ops.styletex.history_clean_up()
    assert third.name in bpy.data.images and name not in bpy.data.images


def test_history_is_there_after_saving_and_loading_without_fake_users(bpy, cube, styletex, history, shown, tmp_path):
    three(bpy)
    bpy.ops.styletex.history_show(number=0)
    data = [image.packed_file.data for image in history.images_of(cube)]
    bpy.context.scene.styletex.style_image = None
    path = str(tmp_path / "history.blend")
    for _ in range(2):
        bpy.ops.wm.save_as_mainfile(filepath=path)
        bpy.ops.wm.open_mainfile(filepath=path)
    assert seeds(bpy, styletex, now(bpy)) == [7, 6, 5]
    assert [image.packed_file.data for image in history.images_of(now(bpy))] == data
    assert on_it(bpy) == history.images_of(now(bpy))[0] != shown.applied_image(now(bpy))
    image = history.images_of(now(bpy))[0]
    assert [style.name for style in history.styles_of(now(bpy), image)] == ["stripes.png"]
    assert image["styletex_thumbnail"].startswith(b"\x89PNG")


def test_copy_of_an_object_has_the_same_results_and_deleting_on_one_leaves_the_other(bpy, cube, history):
    three(bpy)
    copy = cube.copy()
    copy.data = cube.data.copy()
    bpy.context.scene.collection.objects.link(copy)
    assert history.images_of(copy) == history.images_of(cube)
    bpy.ops.styletex.history_clean_up()
    assert len(history.images_of(copy)) == 3 and len(history.images_of(cube)) == 1
    bpy.data.objects.remove(copy)
    bpy.ops.outliner.orphans_purge(do_recursive=True)
    assert len([image for image in bpy.data.images if image.name.startswith("StyleTex")]) == 1


def test_objects_that_share_their_mesh_have_the_result_in_common(bpy, cube, history, shown):
    twin = bpy.data.objects.new("Twin", cube.data)
    bpy.context.scene.collection.objects.link(twin)
    twin.select_set(True)
    bpy.context.view_layer.update()
    three(bpy)
    assert history.images_of(twin) == history.images_of(cube) and len(history.images_of(twin)) == 3
    assert shown.applied_image(twin) == shown.applied_image(cube)
    bpy.ops.styletex.history_show(number=0)
    bpy.ops.styletex.history_apply()
    assert shown.applied_image(twin) == shown.applied_image(cube) == history.images_of(cube)[0]
    twin.select_set(False)
    bpy.ops.styletex.history_show(number=1)
    bpy.ops.styletex.history_apply()
    assert shown.applied_image(twin) == history.images_of(cube)[0]
    assert shown.applied_image(cube) == history.images_of(cube)[1]


def test_result_that_does_not_fit_any_more_is_not_applied(bpy, cube, history, shown):
    three(bpy)
    applied = shown.applied_image(cube)
    cube.data.uv_layers[0].uv[0].vector.x += 0.3
    with pytest.raises(RuntimeError, match="This was made before its UV map 'UVMap' was changed"):
        bpy.ops.styletex.history_show(number=0)
    with pytest.raises(RuntimeError, match="This was made before"):
        bpy.ops.styletex.history_apply()
    assert on_it(bpy) == applied


def test_other_material_is_left_alone_until_a_result_is_applied(bpy, cube, history, shown):
    three(bpy)
    mine = bpy.data.materials.new("Mine")
    cube.material_slots[0].material = mine
    assert shown.applied_image(cube) is None
    assert bpy.ops.styletex.history_show(number=1) == {"FINISHED"}
    assert cube.material_slots[0].material == mine
    assert bpy.ops.styletex.history_apply() == {"FINISHED"}
    assert shown.applied_image(cube) == history.images_of(cube)[1] and mine.use_fake_user
    assert len(history.images_of(cube)) == 3


def test_new_result_takes_the_place_of_one_that_is_looked_at(bpy, cube, history, shown):
    three(bpy)
    first = history.images_of(cube)[2]
    bpy.ops.styletex.history_show(number=0)
    bpy.context.scene.styletex.variations = 1
    bpy.ops.styletex.stylize()
    newest = history.images_of(cube)[0]
    assert shown.applied_image(cube) == on_it(bpy) == history.chosen_image(cube) == newest
    assert first in history.images_of(cube) and len(history.images_of(cube)) == 4


def test_result_laid_out_by_udim_has_its_size_and_thumbnail(bpy, cube, history, fake_worker):
    fake_worker("--tiles", "2")
    bpy.ops.styletex.stylize()
    (image,) = history.images_of(cube)
    assert image.source == "TILED" and history.size_of(image) > 500
    assert image["styletex_thumbnail"].startswith(b"\x89PNG")


def test_texture_of_an_older_styletex_joins_the_history_when_it_is_replaced(bpy, cube, history):
    bpy.ops.styletex.stylize()
    old = on_it(bpy)
    cube.styletex_history.entries.clear()
    del old["styletex"]
    bpy.ops.styletex.stylize()
    assert old in history.images_of(cube) and len(history.images_of(cube)) == 2
    bpy.ops.styletex.history_show(number=history.images_of(cube).index(old))
    assert bpy.ops.styletex.history_apply() == {"FINISHED"}
    assert on_it(bpy) == old
    with pytest.raises(RuntimeError, match="is not known"):
        bpy.ops.styletex.history_copy_settings()


def test_variations_beside_the_file_overwrite_nothing(bpy, cube, history, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    (tmp_path / "textures").mkdir()
    (tmp_path / "textures" / "StyleTex _ Cube 2.png").write_bytes(b"mine")
    bpy.context.scene.styletex.destination = "beside"
    three(bpy)
    found = sorted(path.name for path in (tmp_path / "textures").iterdir())
    assert found == [f"StyleTex _ Cube{number}.png" for number in (" 2", " 3", " 4", "")]
    assert (tmp_path / "textures" / "StyleTex _ Cube 2.png").read_bytes() == b"mine"
    bpy.ops.styletex.history_clean_up()
    assert sorted(path.name for path in (tmp_path / "textures").iterdir()) == found, "files are left alone"


def test_settings_come_back_to_the_panel(bpy, cube, styletex, history):
    settings = bpy.context.scene.styletex
    settings.use_tone, settings.tone, settings.content, settings.preset = True, 2.5, "stripes", "draft"
    bpy.ops.styletex.stylize()
    wanted = styletex.module("settings").Settings.from_scene(bpy.context.scene)
    settings.use_tone, settings.content, settings.preset, settings.seed = False, "", "balanced", 77
    settings.region, settings.region_slot = "group", 4
    settings.style_image = None
    bpy.ops.styletex.history_copy_settings()
    assert styletex.module("settings").Settings.from_scene(bpy.context.scene) == wanted
    style = settings.style_image
    settings.style_image = None
    bpy.data.images.remove(style)
    bpy.ops.styletex.history_copy_settings()
    assert settings.style_image is None
