# SPDX-License-Identifier: GPL-3.0-or-later
"""The job file: what is written is read back, and what is wrong names itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from core.job import (
    DEVICES,
    EXIT_STATUS,
    JOB_FILE,
    PRESETS,
    PROFILES,
    STROKE_SIZES,
    TEXTURE_SIZES,
    Job,
    JobError,
    read_job,
    write_job,
)

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
JOBS = st.builds(
    Job,
    object_name=WORDS,
    prompt=WORDS.filter(str.strip),
    style_image=st.sampled_from(["style.png", "Bild ä.jpg"]),
    content=WORDS,
    preset=st.sampled_from(PRESETS),
    profile=st.sampled_from(PROFILES),
    texture_size=st.sampled_from(TEXTURE_SIZES),
    seed=st.integers(0, 2**31 - 1),
    content_removal=st.floats(0.0, 1.0),
    tone=st.none() | st.floats(0.0, 1e6),
    style_strength=st.floats(0.0, 2.0),
    detail=st.none() | st.floats(0.0, 1.0),
    stroke_size=st.none() | st.floats(*STROKE_SIZES),
    device=st.sampled_from(DEVICES),
    shading=st.booleans(),
    base_color=st.none() | st.sampled_from(["present.png", "Farbe ä.jpg"]),
    restyle_strength=st.floats(0.0, 1.0),
    style_weight=st.floats(0.1, 1000.0),
    more_styles=st.lists(st.tuples(st.just("style1.png"), st.floats(0.0, 1000.0))).map(tuple),
    own_model=st.none() | st.just(str(Path("/models/mine ä.safetensors").absolute())),
    loras=st.lists(st.tuples(st.just(str(Path("/loras/a.safetensors").absolute())), st.floats(-4.0, 4.0))).map(tuple),
    own_vae=st.none() | st.just(str(Path("/models/vae").absolute())),
    style_name=WORDS,
    base_color_name=WORDS,
    region_name=WORDS,
)


def a_job(**changes: Any) -> Job:
    return Job(**{"object_name": "Chest", "prompt": "a wooden chest", "style_image": "style.png", **changes})


@given(JOBS)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_job_is_read_as_it_was_written(tmp_path: Path, job: Job) -> None:
    write_job(job, tmp_path)
    assert read_job(tmp_path) == job


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("prompt", "  ", "prompt is empty"),
        ("preset", "best", "'best'; it must be one of draft"),
        ("profile", "sd3", "'sd3'; it must be one of bundled"),
        ("device", "tpu", "'tpu'; it must be one of auto"),
        ("texture_size", 1000, "1000; it must be one of 256"),
        ("seed", -1, "-1; it must be between 0 and"),
        ("seed", 2**31, "it must be between 0 and"),
        ("content_removal", 1.5, "1.5; it must be between 0 and 1"),
        ("content_removal", float("nan"), "nan; it must be between 0 and 1"),
        ("tone", -0.1, "-0.1; it must be 0 or more"),
        ("tone", float("inf"), "inf; it must be 0 or more"),
        ("style_strength", 2.5, "2.5; it must be between 0 and 2"),
        ("style_strength", float("nan"), "nan; it must be between 0 and 2"),
        ("detail", -0.5, "-0.5; it must be between 0 and 1"),
        ("stroke_size", 0.0, "0.0; it must be between 0.1 and 4"),
        ("stroke_size", float("nan"), "nan; it must be between 0.1 and 4"),
        ("base_color", "", "it must be a file name"),
        ("base_color", "../wood.png", "'../wood.png'; it must be a file name"),
        ("base_color", "base_color.png", "another file than the results"),
        ("restyle_strength", 1.1, "1.1; it must be between 0 and 1"),
        ("restyle_strength", float("nan"), "nan; it must be between 0 and 1"),
        ("style_weight", 0.0, "add up to 0; one of them must be more"),
        ("style_weight", float("nan"), "weight nan; it must be between 0.0 and 1000.0"),
        ("more_styles", (("../b.png", 1.0),), "'../b.png'; it must be a file name"),
        ("more_styles", (("b.png", -1.0),), "The style b.png has weight -1.0"),
        ("own_model", "mine.safetensors", "'mine.safetensors'; it must be an absolute path"),
        ("own_vae", "vae", "'vae'; it must be an absolute path"),
        ("loras", (("a.safetensors", 1.0),), "'a.safetensors'; it must be an absolute path"),
        ("loras", ((str(Path("/a").absolute()), 5.0),), "weight 5.0; it must be between -4.0 and 4.0"),
        ("loras", ((str(Path("/a").absolute()), float("nan")),), "weight nan; it must be between"),
        ("style_image", "", "it must be a file name"),
        ("style_image", "../style.png", "'../style.png'; it must be a file name"),
        ("style_image", "/etc/passwd", "'/etc/passwd'; it must be a file name"),
    ],
)
def test_a_setting_out_of_range_is_named_with_what_is_allowed(name: str, value: object, words: str) -> None:
    with pytest.raises(JobError) as caught:
        a_job(**{name: value})
    assert caught.value.code == "bad_setting" and words in caught.value.message


def test_a_missing_job_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=JOB_FILE) as caught:
        read_job(tmp_path)
    assert caught.value.code == "bad_request"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "{}",
        '{"object_name": "a", "prompt": "a", "style_image": "s", "colour": 3}',
        '{"object_name": "a", "prompt": 3, "style_image": "s"}',
        '{"object_name": "a", "prompt": "a", "style_image": 3}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "seed": "3"}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "tone": "3"}',
        '{"object_name": 3, "prompt": "a", "style_image": "s"}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "seed": 1.5}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "seed": true}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "shading": 1}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "base_color": 1}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "content": null}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "preset": ["draft"]}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "texture_size": 1024.0}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "loras": "a"}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "loras": ["a"]}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "loras": [["/a", "1"]]}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "loras": [["/a", 1, 2]]}',
        '{"object_name": "a", "prompt": "a", "style_image": "s", "loras": [["/a", true]]}',
        '{"object_name": "a", "style_image": "s"}',
    ],
)
def test_a_job_file_of_other_fields_or_types_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / JOB_FILE).write_text(text)
    with pytest.raises(JobError) as caught:
        read_job(tmp_path)
    assert caught.value.code == "bad_request"


def test_an_error_travels_whole() -> None:
    error = JobError("bad_mesh", "The mesh has no faces", "Add some", "details")
    back = JobError.from_dict(json.loads(json.dumps(error.to_dict())))
    assert back.to_dict() == error.to_dict() and str(back) == "The mesh has no faces"


def test_every_error_ends_a_process_with_its_own_kind_of_status() -> None:
    assert 0 not in EXIT_STATUS.values()
    assert EXIT_STATUS["bad_request"] == 2 and EXIT_STATUS["dependencies"] == 3 and EXIT_STATUS["cancelled"] == 130


@pytest.mark.parametrize(
    "value", ["[" * 100_000, '{"a":' * 100_000, "9" * 400, "-" + "9" * 400, "9" * 5000, "1e400", "NaN", '"\\ud800"']
)
@pytest.mark.parametrize("name", ["tone", "seed", "object_name", "restyle_strength", "colour"])
def test_no_value_in_a_job_file_is_more_than_an_error_in_words(tmp_path: Path, name: str, value: str) -> None:
    text = f'{{"object_name": "a", "prompt": "a", "style_image": "s", "{name}": {value}}}'
    (tmp_path / JOB_FILE).write_text(text)
    try:
        read_job(tmp_path)
    except JobError as error:
        assert error.code in ("bad_request", "bad_setting") and len(error.message) < 1000
    else:
        assert (name, value) == ("object_name", '"\\ud800"')


def test_a_job_file_that_is_none_or_far_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / JOB_FILE).write_text(" " * 2_000_000)
    with pytest.raises(JobError, match="it has 2,000,000 bytes; at most 1,000,000 are allowed"):
        read_job(tmp_path)
    (tmp_path / JOB_FILE).unlink()
    (tmp_path / JOB_FILE).mkdir()
    with pytest.raises(JobError, match="it is no file"):
        read_job(tmp_path)
