# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel says and offers while a texture is made, when it could not be put on, and afterwards."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import pytest


class Layout:
    """Takes down each text and each button that is drawn."""

    def __init__(self, drawn: list[str], icons: set[str]) -> None:
        self.__dict__.update(drawn=drawn, icons=icons)

    def label(self, *, text: str = "", icon: str = "NONE", icon_value: int = 0, translate: bool = True) -> None:
        assert icon in self.icons
        self.drawn.append(text)

    def prop(self, data: Any, name: str, **_: Any) -> None:
        getattr(data, name)
        self.drawn.append(f"<{name}>")

    def operator(
        self, name: str, *, text: str = "", icon: str = "NONE", icon_value: int = 0, depress: bool = False
    ) -> SimpleNamespace:
        assert icon in self.icons
        self.drawn.append(f"[{name} {text}]" if text else f"[{name}]")
        return SimpleNamespace()

    def menu(self, name: str, **_: Any) -> None:
        self.drawn.append(f"<{name}>")

    def progress(self, *, factor: float, text: str) -> None:
        self.drawn.append(f"progress {text}")

    def nothing(self, *_: Any, **__: Any) -> None:
        """For what says nothing."""

    def _part(self, **_: Any) -> Layout:
        return Layout(self.drawn, self.icons)

    row = column = box = split = grid_flow = _part
    separator = template_icon = template_icon_view = template_ID = template_list = prop_enum = prop_search = nothing


class WideContext:
    """Blender's context in a wide 3D viewport that shows textures."""

    def __init__(self, bpy) -> None:
        self._bpy = bpy
        self.region = SimpleNamespace(width=10_000.0, height=800.0)
        self.preferences = SimpleNamespace(system=SimpleNamespace(ui_scale=1.0), addons=bpy.context.preferences.addons)
        self.space_data = SimpleNamespace(shading=SimpleNamespace(type="MATERIAL"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bpy.context, name)


@pytest.fixture
def drawn(bpy, styletex):
    """Draws all panels that can be seen."""
    icons = set(bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items.keys())

    def draw() -> str:
        texts: list[str] = []
        context = WideContext(bpy)
        for panel in styletex.module("ui.panel")._CLASSES:
            if not hasattr(panel, "poll") or panel.poll(context):
                panel.draw(SimpleNamespace(layout=Layout(texts, icons)), context)
        return "\n".join(texts)

    return draw


@pytest.fixture
def cube(bpy, scene):
    bpy.data.objects["Suzanne"].select_set(False)
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    return bpy.data.objects["Cube"]


def change_uvs(bpy, cube):
    layer = cube.data.uv_layers["UVMap"]
    layer.uv.foreach_set("vector", [0.5, 0.25] * len(cube.data.loops))
    cube.data.update_tag()
    bpy.context.view_layer.update()


def test_fields_and_the_button_are_there_before(bpy, cube, drawn):
    for word in ("<prompt>", "<preset>", "<texture_size>", "<profile>", "[styletex.stylize Stylize Texture]"):
        assert word in drawn()


def test_another_picture_is_opened_by_one_click_also_after_a_sample_which_is_packed(bpy, cube, drawn, styletex):
    settings = bpy.context.scene.styletex
    settings.style_choice = str(styletex.module("library.pictures").pictures()[0].path)
    assert settings.style_image.packed_file
    drawn_now = drawn()
    assert "<style_image>" in drawn_now
    assert "[styletex.use_style]" in drawn_now


def test_part_that_is_textured_alone_is_said_at_the_button(bpy, cube, drawn):
    settings = bpy.context.scene.styletex
    assert "Only here" not in drawn()
    settings.region = "group"
    assert "Stylize Texture]\nOnly here: Vertex Group" in drawn()
    cube.styletex.use_own = cube.styletex.use_region = True
    assert "Only here" not in drawn(), "the object's own part goes before the scene's"


def test_button_that_cannot_be_used_is_text_and_says_why(bpy, cube, drawn):
    bpy.context.scene.styletex.profile = "sd15"
    bpy.context.scene.styletex.prompt = ""
    assert "[styletex.stylize" not in drawn()
    assert "Stylize Texture\nDescribe the object in a few words" in drawn()


def test_run_leaves_all_fields_alive_and_has_its_buttons_from_the_beginning(bpy, cube, styletex, drawn):
    before = {line for line in drawn().splitlines() if line.startswith("<")}
    run = styletex.begin([cube])
    first = drawn()
    assert before and before <= set(first.splitlines())
    assert "[styletex.stylize Add to Queue]" in first
    assert "[styletex.pause]\n[styletex.finish Stop and Keep]\n[styletex.cancel Cancel]" in first
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.ops.styletex.cancel()
    assert "[styletex.cancel Canceling]" in drawn()
    styletex.until(lambda: run.finished)


def test_warnings_and_changes_are_shown_while_it_runs(bpy, cube, styletex, drawn):
    run = styletex.begin([cube], "--warning-at", "2")
    styletex.until(lambda: run.frames_shown >= 1)
    assert "Cube: A fake warning" in drawn() and "styletex.again" not in drawn()
    change_uvs(bpy, cube)
    styletex.until(lambda: run.changes.unfit)
    shown = drawn()
    assert "Meanwhile its UV map 'UVMap' was changed, so this texture will not fit" in shown
    assert "[styletex.again]" in shown
    styletex.end(run)
    shown = drawn()
    assert "While its texture was being made, its UV map 'UVMap' was changed. The texture is kept in" in shown
    assert "[styletex.apply_kept]" in shown and "[styletex.again]" in shown
    assert "[styletex.apply_kept Apply to Cube]" in shown
    assert "Cube: A fake warning" in shown


def test_kept_texture_is_offered_until_it_is_on_its_object(bpy, cube, styletex, drawn):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    cube.material_slots[0].material = bpy.data.materials.new("Mine")
    styletex.end(run)
    styletex.module("worker.runner").dismiss()
    assert "[styletex.apply_kept Apply to Cube]" in drawn()
    (texture,) = styletex.module("ui.results.kept_textures").kept_textures()
    cube.name = "Box"
    assert "[styletex.apply_kept Apply to Box]" in drawn(), "the active object"
    bpy.ops.styletex.apply_kept(folder=texture.folder.name)
    assert "apply_kept" not in drawn()


def test_texture_that_waits_says_what_for(bpy, cube, styletex, drawn, monkeypatch):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    runner = styletex.module("worker.runner")
    monkeypatch.setattr(runner, "what_is_going_on", functools.partial(str, "Move"))
    runner.finish()
    styletex.until(lambda: run.waits_for)
    assert "A finished texture waits for Move to end" in drawn()
    monkeypatch.setattr(runner, "what_is_going_on", str)
    styletex.until(lambda: run.finished)


def test_queue_says_what_waits_what_was_refused_and_where_a_paused_one_goes_on(bpy, cube, styletex, drawn):
    before = drawn()
    button = "[styletex.stylize_collection Stylize Collection (2)]"
    assert before.index(button) < before.index("What you add while a texture is made waits here")
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    flat = bpy.data.objects.new("Flat", bpy.data.meshes.new("Flat"))
    bpy.context.collection.objects.link(flat)
    settings = styletex.module("settings").Settings.from_scene(bpy.context.scene)
    styletex.module("api").add(run, [flat, bpy.data.objects["Suzanne"]], settings)
    assert "Flat was not added: The mesh has no faces" in drawn()
    assert "Cube (1 of 2)" in drawn() and "[styletex.queue_cancel Cancel]" in drawn()
    bpy.ops.styletex.pause()
    assert "[styletex.resume]" in drawn(), "it can be taken back"
    styletex.until(lambda: run.paused)
    run.saved[run.tasks[0].key] = (57, 100)
    assert "progress Paused, goes on from 57%" in drawn() and "Goes on from 57%" in drawn()
    bpy.ops.styletex.cancel()
    assert "styletex.resume" not in drawn()


def test_failed_one_shows_its_message_and_the_ways_on(bpy, cube, styletex, drawn):
    run = styletex.begin([cube], "--error-at", "3")
    styletex.until(lambda: run.finished)
    shown = drawn()
    assert shown.index("styletex.stylize_collection") < shown.index("styletex.queue_retry"), "it stays where it is"
    assert "[styletex.queue_retry Retry Failed]" in shown and "[styletex.dismiss Clear]" in shown
    assert shown.count("A fake failure") == 1, "in the result, and not beside the list as well"
    bpy.ops.styletex.dismiss()
    assert "A fake failure" not in drawn()
