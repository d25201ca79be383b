# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manifest may say, and what is said of one that is wrong."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from core.batch.inputs import inputs_of
from core.batch.manifest import as_manifest, read_manifest
from core.command_line import _add_stylize_arguments, _ItemParser
from core.job import JobError


def parse(arguments) -> argparse.Namespace:
    parser = _ItemParser(add_help=False, allow_abbrev=False)
    _add_stylize_arguments(parser)
    return parser.parse_args(arguments)


def read(path: Path, text: str, **given):
    path.write_text(text, encoding="utf-8")
    return read_manifest(path, given, parse)


TOML = """
[defaults]
style = "styles/waves.png"
preset = "draft"
size = 512

[[item]]
mesh = "chest.glb"
prompt = "a wooden chest"

[[item]]
mesh = "stool_old.obj"
name = "stool in blue"
style = "/pictures/blue.png"
size = 2048
no-shading = true
tone = 0.5
"""


def test_toml_and_json_lines_say_the_same(tmp_path):
    items = read(tmp_path / "all.toml", TOML)
    chest, stool = (item.options for item in items)
    assert [item.name for item in items] == ["chest", "stool in blue"]
    assert (chest.mesh, chest.style) == (tmp_path / "chest.glb", tmp_path / "styles" / "waves.png")
    assert (chest.prompt, chest.size, chest.preset, chest.no_shading) == ("a wooden chest", 512, "draft", False)
    assert (stool.style, stool.size, stool.tone, stool.no_shading) == (Path("/pictures/blue.png"), 2048, 0.5, True)
    assert stool.prompt == "stool old"
    lines = [
        {"defaults": {"style": "styles/waves.png", "preset": "draft", "size": 512}},
        {"mesh": "chest.glb", "prompt": "a wooden chest"},
        {"mesh": "stool_old.obj", "name": "stool in blue", "style": "/pictures/blue.png"}
        | {"size": 2048, "no_shading": True, "tone": 0.5},
    ]
    assert read(tmp_path / "all.jsonl", "\n\n".join(map(json.dumps, lines))) == items


def test_the_command_line_comes_before_defaults_and_after_an_items_own(tmp_path):
    items = read(tmp_path / "all.toml", TOML, size=1024, preset="balanced", seed=3)
    assert [(item.options.size, item.options.preset, item.options.seed) for item in items] == [
        (1024, "balanced", 3),
        (2048, "balanced", 3),
    ]


def test_meshes_of_one_name_in_a_folder_keep_their_suffix(tmp_path):
    for name in ("chest.glb", "Chest.obj", "lamp.ply", "notes.txt"):
        (tmp_path / name).touch()
    items = read_manifest(tmp_path, {"style": "/s.png"}, parse)
    assert [item.name for item in items] == ["Chest.obj", "chest.glb", "lamp"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{}", "Item 1 (without a mesh) of the manifest names no mesh"),
        ('{"mesh": "a.obj"}', "it lacks style"),
        ('{"mesh": "a.obj", "style": "s.png", "sise": 512}', 'there is no "sise"'),
        ('{"mesh": "a.obj", "style": "s.png", "size": 300}', "size is 300; it must be one of 256, 512"),
        ('{"mesh": "a.obj", "style": "s.png", "size": "large"}', "size is 'large'; it must be a whole number"),
        ('{"mesh": "a.obj", "style": "s.png", "size": true}', "size is true; it must be a text or a number"),
        ('{"mesh": "a.obj", "style": "s.png", "no-shading": "yes"}', 'no_shading is "yes"; it must be true or false'),
        ('{"mesh": "a.obj", "style": "s.png", "no_shading": 1}', "no_shading is 1; it must be true or false"),
        ('{"mesh": "a.obj", "style": "s.png", "prompt": ["a"]}', 'prompt is ["a"]; it must be a text or a number'),
        ('{"mesh": "a.obj", "style": []}', "style is []; a list of it holds texts"),
        ('{"mesh": "a.obj", "style": ["s.png", 2]}', 'style is ["s.png", 2]; a list of it holds texts'),
        (
            '{"mesh": "a.obj", "style": ["s.png", "t.png:much"]}',
            "style: the weight of t.png is much; it must be a number",
        ),
        (
            '{"mesh": "a.obj", "style": "s.png", "lora": "l:9"}',
            "lora: the weight of l is 9; it must be a number from -4",
        ),
        ('{"mesh": "a.obj", "style": "s.png", "base_color": ""}', "base_color: it is empty"),
        ('{"mesh": "a.obj", "style": "s.png", "tone": "0,5"}', "tone is '0,5'; it must be a number, as 0.8 is"),
        ('{"mesh": "a.obj", "style": "s.png", "more_styles": []}', "more_styles is no item's own"),
        ('{"mesh": "a.obj", "style": "s.png", "output": "elsewhere"}', "output is no item's own"),
        ('{"mesh": "a.obj", "style": "s.png", "name": "../a"}', "no name for a folder"),
        ('{"mesh": "a.obj", "style": "s.png", "name": "summary.CSV"}', "no name for a folder"),
        ('{"mesh": "a.obj", "style": "s.png"}\n{"mesh": "A.glb", "style": "s.png"}', "Several items are called A, a"),
        ("[1]", "line 1: [1] is no table"),
        ("{", "line 1"),
        ("", "no item"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_and_says_where(tmp_path, line, words):
    with pytest.raises(JobError) as caught:
        read(tmp_path / "all.jsonl", line)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [("[items]\n", "it has items"), ("[item]\nmesh = 'a'", "double brackets"), ("x = ", "cannot be read")],
)
def test_wrong_toml_is_refused(tmp_path, text, words):
    with pytest.raises(JobError, match="manifest") as caught:
        read(tmp_path / "all.toml", text)
    assert words in caught.value.message


def test_a_value_that_looks_like_an_option_stays_a_value(tmp_path):
    (item,) = read(tmp_path / "a.jsonl", '{"mesh": "--help.obj", "style": "-s.png", "prompt": "--size=512"}')
    assert (item.options.prompt, item.options.size) == ("--size=512", 1024)
    assert item.options.mesh == tmp_path / "--help.obj"


def test_inputs_are_known_by_content_also_those_beside_a_gltf(tmp_path):
    (tmp_path / "a.gltf").write_text('{"buffers": [{"uri": "a%20b.bin"}]}')
    (tmp_path / "a b.bin").write_bytes(b"1")
    (tmp_path / "s.png").write_bytes(b"picture")
    (item,) = read(tmp_path / "a.jsonl", '{"mesh": "a.gltf", "style": "s.png"}')
    before = inputs_of(item)
    (tmp_path / "moved").mkdir()
    for name in ("a.gltf", "a b.bin", "s.png"):
        (tmp_path / "moved" / name).write_bytes((tmp_path / name).read_bytes())
    (moved,) = read(tmp_path / "moved" / "a.jsonl", '{"mesh": "a.gltf", "style": "s.png"}')
    assert inputs_of(moved) == before
    (tmp_path / "a b.bin").write_bytes(b"22")
    assert inputs_of(item) != before


def test_settings_are_what_was_asked_for_so_that_a_new_option_makes_nothing_anew(tmp_path):
    (item,) = read(tmp_path / "a.jsonl", '{"mesh": "a.obj", "style": "s.png", "size": 512}', device="cpu", seed=0)
    assert inputs_of(item)["settings"] == {"prompt": "a", "size": 512}


LISTS_IN_TOML = """
[defaults]
style = ["styles/waves.png:3", "styles/blue.png"]

[[item]]
mesh = "a.obj"
lora = ["ink.safetensors:0.5", "/shared/line.safetensors"]

[[item]]
mesh = "b.obj"
style = "styles/one.png"
lora = "ink.safetensors"
"""


def test_several_styles_and_loras_are_lists_with_weights(tmp_path):
    blended, plain = read(tmp_path / "all.toml", LISTS_IN_TOML)
    assert (blended.options.style, blended.options.style_weight) == (tmp_path / "styles" / "waves.png", 3.0)
    assert blended.options.more_styles == [(tmp_path / "styles" / "blue.png", 1.0)]
    loras = [(tmp_path / "ink.safetensors", 0.5), (Path("/shared/line.safetensors"), 1.0)]
    assert blended.options.lora == loras
    assert (plain.options.style, plain.options.more_styles) == (tmp_path / "styles" / "one.png", [])
    assert plain.options.lora == [(tmp_path / "ink.safetensors", 1.0)]
    lines = [
        {"defaults": {"style": ["styles/waves.png:3", "styles/blue.png"]}},
        {"mesh": "a.obj", "lora": ["ink.safetensors:0.5", "/shared/line.safetensors"]},
        {"mesh": "b.obj", "style": "styles/one.png", "lora": "ink.safetensors"},
    ]
    assert read(tmp_path / "all.jsonl", "\n".join(map(json.dumps, lines))) == [blended, plain]


def test_lists_of_the_command_line_count_where_an_item_has_none_of_its_own(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"mesh": "a.obj"}\n{"mesh": "b.obj", "style": "own.png"}')
    arguments = ["--style=/x/a.png:2", "--style=/x/b:1.png:1", "--lora=/x/l.safetensors:-1", "--prompt=p", "--output=."]
    given = vars(parse([*arguments, "mesh"]))
    given = as_manifest({name: given[name] for name in ("style", "style_weight", "more_styles", "lora")})
    first, second = read_manifest(tmp_path / "a.jsonl", given, parse)
    assert (first.options.style, first.options.style_weight) == (Path("/x/a.png"), 2.0)
    assert first.options.more_styles == [(Path("/x/b:1.png"), 1.0)]
    assert first.options.lora == second.options.lora == [(Path("/x/l.safetensors"), -1.0)]
    assert (second.options.style, second.options.style_weight, second.options.more_styles) == (
        tmp_path / "own.png", 1.0, [],
    )  # fmt: skip


def test_files_of_lists_are_known_by_content_and_their_weights_count(tmp_path):
    for name in ("a.obj", "s.png", "t.png", "l.safetensors"):
        (tmp_path / name).write_text(name)
    line = '{"mesh": "a.obj", "style": ["s.png", "t.png:%s"], "lora": ["l.safetensors"]}'
    (item,) = read(tmp_path / "a.jsonl", line % 1)
    before = inputs_of(item)
    assert sorted(before["files"]) == ["lora/0", "mesh", "more_styles/0", "style"]
    json.dumps(before)
    (heavier,) = read(tmp_path / "a.jsonl", line % 2)
    assert inputs_of(heavier) != before
    (tmp_path / "t.png").write_text("another")
    assert inputs_of(item) != before
