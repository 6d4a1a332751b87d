"""The files that the page's tests compare with are what Python says today."""

from __future__ import annotations

import json

import pytest

from . import page_fixtures


@pytest.mark.parametrize("name", ["words.json", "settle.json", "runs.json", "team.json"])
def test_the_page_is_compared_with_what_python_says_today(name: str) -> None:
    """After a change that is meant: python tests/render/page_fixtures.py"""
    kept = (page_fixtures.FOLDER / name).read_text("utf-8")
    assert kept == page_fixtures.files()[name]


def test_there_are_no_other_fixtures() -> None:
    assert {path.name for path in page_fixtures.FOLDER.iterdir()} == set(page_fixtures.files())


def test_the_cases_reach_every_kind_of_answer() -> None:
    words = json.loads(page_fixtures.files()["words.json"])
    assert {case["tool"]["state"] for case in words["outcomes"]} == set(words["marks"])
    assert any(case["words"].endswith("…") for case in words["outcomes"] if len(case["words"]) > 50)
    cuts = [cut for case in page_fixtures.settled()["plain"] for cut in case["cuts"]]
    assert any(kept == 0 for _, kept in cuts)
    assert any(0 < kept < cut for cut, kept in cuts)
    assert any(kept == cut > 0 for cut, kept in cuts)
    told = [op for run in page_fixtures.runs()["runs"] for ops in run["changes"] for op in ops]
    assert {kind for kind, *_ in told} == set("trbnf") - {"n"}
    assert {block["block"] for run in page_fixtures.runs()["runs"] for block in run["blocks"]} >= {
        *("thinking", "text", "tool", "approval", "notice", "error")
    }
