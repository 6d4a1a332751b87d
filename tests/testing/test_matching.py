"""Whether a request is one that was recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alloy_nb.testing.matching import Shape, differences
from alloy_nb.testing.tape import Asked


def shape(body: Any = None, url: str = "https://a.test/v1?x=1&y=2", method: str = "POST") -> Shape:
    return Shape(Asked(method, url, b"" if body is None else json.dumps(body).encode()))


def test_what_counts_and_what_does_not() -> None:
    assert shape({"a": 1, "b": [2]}) == shape({"b": [2], "a": 1})
    assert shape(url="https://a.test/v1?x=1&y=2") == shape(url="http://b.test:81/v1?y=2&x=1")
    assert shape(url="https://a.test/v1?key=one") == shape(url="https://a.test/v1?key=two")
    for other in (shape({}), shape(method="GET"), shape(url="https://a.test/v1?x=1"), shape(url="https://a.test/v2")):
        assert shape() != other
    assert shape() != "something else"
    assert str(shape()) == "POST /v1?x=1&y=2"
    assert str(shape(url="https://a.test/")) == "POST /"


def test_bodies_that_are_no_json() -> None:
    one, same, other = (Shape(Asked("POST", "http://x.test/", body)) for body in (b"\xff a", b"\xff a", b"\xff b"))
    assert one == same
    assert one != other


def test_ids_of_ours_count_by_their_order() -> None:
    first, second, third = (f"call_{digit * 16}" for digit in "abc")
    assert shape([first, second, first]) == shape([second, third, second])
    assert shape([first, second, first]) != shape([first, second, second])
    assert shape(["call_1"]) != shape(["call_2"])


@pytest.mark.parametrize(
    ("recorded", "asked", "said"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b: recorded 1, asked 2"]),
        ({"a": 1}, {}, ["a: recorded 1, not asked"]),
        ([1, 2], [1], ["[1]: recorded 2, not asked"]),
        (None, {}, ["the body: recorded None, asked {}"]),
        ({"a": "x" * 90 + "y"}, {"a": "x" * 90 + "z"}, [f"a: recorded …'{'x' * 59}y', asked …'{'x' * 59}z'"]),
        ({"a": list(range(99))}, {"a": 1}, [f"a: recorded {str(list(range(99)))[:60]}…, asked 1"]),
        ({"a": 1}, {"a": 1}, []),
    ],
)
def test_differences_in_words(recorded: Any, asked: Any, said: list[str]) -> None:
    assert list(differences(recorded, asked)) == said
