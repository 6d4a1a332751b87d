"""Arguments that come value by value."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.providers.answer import parse_arguments
from alloy_nb.providers.gemini_arguments import StreamedArguments

_KINDS = {str: "stringValue", bool: "boolValue", int: "numberValue", float: "numberValue"}


def put_together(*pieces: dict[str, Any], given: Any = None) -> dict[str, Any] | None:
    arguments = StreamedArguments(given)
    for piece in pieces:
        arguments.feed([piece])
    return parse_arguments(arguments.json())


def taken_apart(value: Any, path: str = "$") -> Iterator[dict[str, Any]]:
    """The pieces in which a service would send it; a text in two."""
    if isinstance(value, dict):
        for name, inner in value.items():
            quoted = json.dumps(name) if len(name) % 2 else "'" + json.dumps(name)[1:-1].replace("'", "\\'") + "'"
            quoted = quoted if quoted[0] == '"' else quoted.replace('\\"', '"')
            yield from taken_apart(inner, path + (f".{name}" if name.isalnum() else f"[{quoted}]"))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from taken_apart(inner, f"{path}[{index}]")
    elif isinstance(value, str):
        half = len(value) // 2
        yield {"jsonPath": path, "stringValue": value[:half], "willContinue": True}
        yield {"jsonPath": path, "stringValue": value[half:]}
    elif value is None:
        yield {"jsonPath": path, "nullValue": "NULL_VALUE"}
    else:
        yield {"jsonPath": path, _KINDS[type(value)]: value}


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | NAMES
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    max_leaves=8,
)


@pytest.mark.thorough
@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_whatever_is_taken_apart_is_put_together(value: dict[str, Any]) -> None:
    assert put_together(*taken_apart(value)) == value


def test_nothing_is_no_arguments() -> None:
    assert put_together() == {}


def test_pieces_add_to_what_was_given_at_once() -> None:
    assert put_together({"jsonPath": "$.b", "numberValue": 2}, given={"a": 1}) == {"a": 1, "b": 2}
    assert put_together(given="nonsense") == {}


def test_an_element_before_those_in_front_of_it() -> None:
    assert put_together({"jsonPath": "$.a[2]", "boolValue": True}) == {"a": [None, None, True]}


def test_a_piece_without_a_value_changes_nothing() -> None:
    assert put_together({"jsonPath": "$.a", "willContinue": True}) == {}
    arguments = StreamedArguments()
    arguments.feed("nonsense")
    assert arguments.json() == "{}"


@pytest.mark.parametrize(
    "pieces",
    [
        [{"jsonPath": "$", "stringValue": "x"}],
        [{"jsonPath": "a", "stringValue": "x"}],
        [{"stringValue": "x"}],
        [{"jsonPath": "$..a", "stringValue": "x"}],
        [{"jsonPath": "$['\\q']", "stringValue": "x"}],
        [{"jsonPath": "$.a[" + "9" * 5000 + "]", "stringValue": "x"}],
        [{"jsonPath": "$.a[100000000]", "stringValue": "x"}],
        [{"jsonPath": "$[0]", "stringValue": "x"}],
        [{"jsonPath": "$.a", "numberValue": 1}, {"jsonPath": "$.a.b", "numberValue": 1}],
        ["nonsense"],
    ],
)
def test_what_cannot_be_placed_makes_no_call_that_would_run(pieces: list[Any]) -> None:
    arguments = StreamedArguments()
    arguments.feed(pieces)
    assert parse_arguments(arguments.json()) is None


def test_what_was_cut_off_makes_no_call_that_would_run() -> None:
    arguments = StreamedArguments({"a": 1})
    assert parse_arguments(arguments.json(cut=True)) is None


def test_a_path_that_goes_too_deep_is_none() -> None:
    """An event of 300 kB took 300 MB."""
    arguments = StreamedArguments()
    arguments.feed([{"jsonPath": "$.a" + "[1000]" * 50_000, "numberValue": 1}])
    assert parse_arguments(arguments.json()) is None
    assert len(arguments.json()) < 10
    assert put_together({"jsonPath": "$" + ".a" * 64, "numberValue": 1}) is not None


def test_places_that_were_only_filled_up_have_an_end() -> None:
    arguments = StreamedArguments()
    arguments.feed([{"jsonPath": f"$.a{name}" + "[1000]" * 60, "numberValue": 1} for name in range(100)])
    assert len(arguments.json()) < 400_000
    assert parse_arguments(arguments.json()) is None


@pytest.mark.thorough
def test_a_text_in_many_pieces_is_joined_once() -> None:
    """Each piece copied all that came before it: what is kept are the pieces."""
    arguments = StreamedArguments({"text": "0"})
    started = time.process_time()
    for _ in range(200_000):
        arguments.feed([{"jsonPath": "$.text", "stringValue": "0123456789"}])
    assert len(arguments.json()) > 2_000_000
    assert time.process_time() - started < 30


def test_a_text_that_becomes_something_else() -> None:
    texts = [{"jsonPath": "$.a", "stringValue": text} for text in ("x", "y")]
    assert put_together(*texts, {"jsonPath": "$.a", "numberValue": 1}) == {"a": 1}
    assert put_together(*texts, {"jsonPath": "$.a.b", "numberValue": 1}) is None
