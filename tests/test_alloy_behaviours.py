"""`alloy_behaviours.toml`: each behaviour of Alloy has a test that names it, a reason, or an area that is to come."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
TABLE: dict[str, Any] = tomllib.loads((ROOT / "tests" / "alloy_behaviours.toml").read_text("utf-8"))

#: area -> how many behaviours, how many weaknesses.
AREAS = {
    "RUN": (9, 3), "CFG": (20, 4), "SRV": (37, 9), "TURN": (15, 5), "RTY": (14, 4), "EVT": (15, 3), "MSG": (9, 2),
    "RES": (4, 2), "STA": (3, 0), "USE": (4, 3), "TOOL": (7, 2), "EXE": (12, 3), "RD": (4, 2), "WR": (2, 1),
    "ED": (3, 1), "BASH": (7, 3), "PAD": (3, 1), "MW": (12, 2), "CMP": (8, 4), "TOK": (8, 1), "CTX": (7, 1),
    "SKL": (3, 3), "SES": (4, 1), "PUB": (6, 1), "TEAM": (12, 4), "SCH": (9, 3), "PRV": (22, 5), "SSE": (4, 3),
    "ANT": (9, 5), "OAI": (8, 3), "RSP": (4, 1), "GEM": (5, 2), "TP": (4, 0), "TH": (4, 2), "CLI": (10, 1),
    "APP": (3, 0),
}  # fmt: skip


def ids() -> Iterator[str]:
    for area, (behaviours, weaknesses) in AREAS.items():
        yield from (f"{area}-{number}" for number in range(1, behaviours + 1))
        yield from (f"{area}-w{number}" for number in range(1, weaknesses + 1))


def nodes(entry: Any) -> list[str]:
    return [entry] if isinstance(entry, str) else entry if isinstance(entry, list) else []


@cache
def docstrings(path: str) -> dict[str, str]:
    """The tests of a file, by name, with what they say of themselves."""
    body = ast.parse((ROOT / path).read_text("utf-8")).body
    functions = [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {function.name: ast.get_docstring(function) or "" for function in functions}


def test_every_behaviour_is_there_once_and_in_order() -> None:
    assert list(TABLE) == list(ids())
    assert len(TABLE) == 310 + 90


@pytest.mark.parametrize("behaviour", [name for name, entry in TABLE.items() if nodes(entry) or entry == []])
def test_the_tests_are_there_and_name_what_they_prove(behaviour: str) -> None:
    found = nodes(TABLE[behaviour])
    assert found
    assert len(set(found)) == len(found)
    for node in found:
        path, _, name = node.partition("::")
        assert name.startswith("test_")
        assert name in docstrings(path), f"{path} has no test {name}"
        words = docstrings(path)[name].replace(",", " ").replace(":", " ").replace(";", " ").replace(".", " ").split()
        assert behaviour in words, f"{node} does not name {behaviour}"


def test_what_has_no_test_has_a_reason() -> None:
    for entry in (entry for entry in TABLE.values() if not nodes(entry)):
        ((kind, words),) = entry.items()
        assert kind == "differs"
        assert len(words) > 20
        assert "\n" not in words


def test_few_are_decided_otherwise() -> None:
    differing = [name for name, entry in TABLE.items() if isinstance(entry, dict) and "differs" in entry]
    assert len(differing) <= len(TABLE) / 10
