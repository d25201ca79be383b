# SPDX-License-Identifier: GPL-3.0-or-later
"""A build of PyTorch for NVIDIA cards, on a computer without one, is gigabytes that nobody expects."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from vendor_install import consent, fill, lock, requirements
from vendor_install.events import Reporter
from vendor_install.messages import InstallError

WORKER = lock.read_of(requirements.WORKER)


def notes(events: list[dict]) -> str:
    return "\n".join(event["text"] for event in events if event["type"] == "note")


def test_blenders_button_is_told_before_gigabytes_are_fetched_and_may_go_on(workshop, index):
    index.claims["torch"] = 527_000_000
    refused = workshop.install(wheels=False)[-1]
    assert (refused["type"], refused["code"]) == ("error", "large_download")
    assert "only PyTorch's build for NVIDIA cards" in refused["message"]
    assert "PIP_FIND_LINKS" in refused["hint"]
    assert not index.claims
    index.claims["torch"] = 527_000_000
    events = workshop.install("--large-download", wheels=False)
    assert events[-1]["type"] == "done", events[-1]
    assert "To avoid that" in notes(events)


def test_person_who_wants_pip_quiet_is_asked_all_the_same(workshop, index):
    workshop.variables["PIP_QUIET"] = "1"
    index.claims["torch"] = 527_000_000
    assert workshop.install(wheels=False)[-1]["code"] == "large_download"


def test_end_of_input_is_no(monkeypatch):
    def end(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", end)
    with pytest.raises(InstallError, match="declined"):
        consent.ask("3 GB", "use the other index")


def test_build_for_the_processor_that_pip_knows_of_needs_no_question(workshop, index):
    events = workshop.install(wheels=False)
    assert events[-1]["type"] == "done", events[-1]
    assert "NVIDIA" not in notes(events)


@pytest.mark.parametrize(("answer", "goes_on"), [("y", True), ("yes ", True), ("n", False), ("", False)])
def test_person_before_a_terminal_is_asked(answer, goes_on, monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    if goes_on:
        consent.ask("3 GB", "use the other index")
    else:
        with pytest.raises(InstallError, match="declined"):
            consent.ask("3 GB", "use the other index")
    assert "3 GB" in capsys.readouterr().out


def test_where_nobody_can_answer_it_is_said_and_done(monkeypatch, capsys):
    nobody = SimpleNamespace(isatty=lambda: False)
    monkeypatch.setattr("sys.stdin", nobody)
    consent.by_terminal(Reporter())("3 GB", "use the other index")
    assert capsys.readouterr().out == "==> 3 GB. To avoid that: use the other index\n"


@pytest.mark.parametrize(("platform", "asked"), [("linux-x86_64", 1), ("windows-x86_64", 0), ("macos-arm64", 0)])
def test_only_linux_has_nothing_but_the_large_build_in_the_default_index(platform, asked):
    told: list[str] = []
    fill.agree_to_cuda(lambda what, instead: told.append(what), WORKER, platform)
    assert len(told) == asked
    assert all("2.7 GB" in what for what in told)


def test_sizes_are_said_before_the_download(workshop, index):
    header, *lines = workshop.lock.read_text().splitlines()
    values = json.loads(header.removeprefix("#"))
    table = {"missing": [], "bytes": 123_000_000, "torch_bytes": 0}
    versions = dict.fromkeys(("3.11", "3.12", "3.13"), table)
    values["wheels"] = dict.fromkeys(("linux-x86_64", "linux-aarch64", "macos-arm64", "windows-x86_64"), versions)
    workshop.lock.write_text("\n".join([f"# {json.dumps(values)}", *lines]))
    events = workshop.install(wheels=False)
    kinds = [event.get("stage", "") + event.get("text", "") for event in events if event["type"] in ("stage", "note")]
    said = next(place for place, text in enumerate(kinds) if "123 MB of packages, and about 200 MB of PyTorch" in text)
    assert said < next(place for place, text in enumerate(kinds) if text.startswith("packages"))
