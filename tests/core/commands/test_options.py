# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong option is one line with the value and what it must be, and another with where all options are."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.command_line import _parser
from core.commands.options import OptionParser, path_and_weight, whole_number

read = path_and_weight((-4.0, 4.0))


@pytest.fixture
def parser() -> OptionParser:
    made = OptionParser(prog="try")
    made.add_argument("--model", type=Path)
    made.add_argument("--lora", type=read)
    made.add_argument("--size", type=int, choices=(256, 512))
    made.add_argument("--tone", type=float)
    return made


def refusal(parser: argparse.ArgumentParser, capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(arguments)
    assert caught.value.code == 2
    said = capsys.readouterr()
    first, second = said.err.splitlines()
    assert said.out == "" and first.startswith("Error: ") and second.endswith("--help` shows what there is.")
    return first


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model=",), "--model: it is empty; write . for the current folder"),
        (("--lora=",), "--lora: it is empty"),
        (("--lora=:0.5",), "--lora: it is empty"),
        (("--size=abc",), "--size is 'abc'; it must be a whole number"),
        (("--size=7",), "--size is 7; it must be one of 256, 512"),
        (("--tone=0,8",), "--tone is '0,8'; it must be a number, as 0.8 is"),
        (("--tone",), "--tone lacks its value"),
        (("--other",), "unrecognized arguments: --other"),
    ],
)
def test_a_wrong_value_is_said_in_one_line(parser, capsys, arguments, words):
    assert words in refusal(parser, capsys, *arguments)


@pytest.mark.parametrize("weight", ["9", "-4.5", "nan", "inf", "-inf", "0,8", "abc", ""])
def test_a_weight_that_is_none_is_said_with_what_is_allowed_and_an_example(parser, capsys, weight):
    said = refusal(parser, capsys, f"--lora=ink.safetensors:{weight}")
    value = weight or "empty"
    assert f"of ink.safetensors is {value}; it must be a number from -4 to 4, as in ink.safetensors:0.8" in said


@pytest.mark.parametrize(
    ("text", "name", "weight"),
    [
        ("ink.safetensors", "ink.safetensors", 1.0),
        ("ink.safetensors:0.5", "ink.safetensors", 0.5),
        ("ink:2:-1e0", "ink:2", -1.0),
        ("C:\\models\\ink.safetensors", "C:\\models\\ink.safetensors", 1.0),
        ("C:/models/ink.safetensors:4", "C:/models/ink.safetensors", 4.0),
    ],
)
def test_a_path_and_its_weight(text, name, weight):
    path, number = read(text)
    assert path == Path(name) and math.isclose(number, weight)


def test_the_home_folder_is_meant_also_where_the_shell_left_it_alone(parser, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert parser.parse_args(["--model=~/a"]).model == tmp_path / "a"
    assert read("~/ink:0.5") == (tmp_path / "ink", 0.5)


@pytest.mark.parametrize("text", ["0", "51", "x", "1.5", ""])
def test_a_whole_number_is_said_with_its_limits(text):
    assert whole_number(1, 50)("50") == 50
    with pytest.raises(argparse.ArgumentTypeError, match=f"{text!r} is no whole number from 1 to 50"):
        whole_number(1, 50)(text)


def test_a_file_whose_name_ends_like_a_weight_is_that_file(tmp_path):
    (tmp_path / "odd:1").touch()
    (tmp_path / "odd:old").touch()
    assert read(str(tmp_path / "odd:1")) == (tmp_path / "odd:1", 1.0)
    assert read(str(tmp_path / "odd:old")) == (tmp_path / "odd:old", 1.0)
    assert read(str(tmp_path / "odd:1:0.5")) == (tmp_path / "odd:1", 0.5)


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from parsers(one)


def test_no_command_takes_an_empty_path():
    tried = 0
    for parser in parsers(_parser()):
        assert isinstance(parser, OptionParser)
        for action in parser._actions:
            if action.type is Path:
                tried += 1
                with pytest.raises(argparse.ArgumentError, match="it is empty"):
                    parser._get_value(action, "")
    assert tried > 15
