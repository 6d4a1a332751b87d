"""Docstrings in three styles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.tools.docstring import read_docstring

GOOGLE = """Find things.

With care.

Args:
    query (str): What to find,
        in words: all of them.
    limit: How many.
    *rest: Ignored.

Returns:
    list: Things.
"""
NUMPY = """Find things.

With care.

Parameters
----------
query : str
    What to find,
    in words: all of them.
limit : int, optional
    How many.

Returns
-------
list
    Things.
"""
SPHINX = """Find things.

With care.

:param query: What to find,
    in words: all of them.
:type query: str
:param int limit: How many.
:returns: Things.
:rtype: list
"""


@pytest.mark.parametrize("style", [GOOGLE, NUMPY, SPHINX])
def test_three_styles_say_the_same(style: str) -> None:
    doc = read_docstring(style)
    assert doc.summary == "Find things.\n\nWith care."
    wanted = {"query": "What to find, in words: all of them.", "limit": "How many."}
    assert {key: doc.parameters[key] for key in wanted} == wanted
    assert not {"type", "list", "returns"} & set(doc.parameters)


def test_several_names_of_one_numpy_entry() -> None:
    doc = read_docstring("F.\n\nParameters\n----------\na, b : int\n    Numbers.\nc\n    Another.\n")
    assert doc.parameters == {"a": "Numbers.", "b": "Numbers.", "c": "Another."}


def test_a_docstring_indented_as_in_a_class() -> None:
    doc = read_docstring("Sum up.\n\n        Args:\n            a: First.\n        ")
    assert doc.summary == "Sum up."
    assert doc.parameters == {"a": "First."}


def test_words_like_a_section_are_no_section() -> None:
    doc = read_docstring("Parameters of a model.\n\nReturns: nothing, see below.\n\nNote: this is kept.")
    assert doc.summary.endswith("Note: this is kept.")


@settings(deadline=None)
@given(st.text(max_size=300))
def test_no_docstring_breaks_the_reader(text: str) -> None:
    doc = read_docstring(text)
    assert all(isinstance(value, str) for value in doc.parameters.values())


names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
words = st.from_regex(r"[A-Z][a-z]{0,5}( [a-z]{1,6}){0,4}\.", fullmatch=True)


@settings(deadline=None)
@given(st.dictionaries(names, words, min_size=1, max_size=5))
def test_what_is_written_in_any_style_is_read_back(told: dict[str, str]) -> None:
    google = "F.\n\nArgs:\n" + "".join(f"    {name}: {text}\n" for name, text in told.items())
    numpy = "F.\n\nParameters\n----------\n" + "".join(f"{name} : int\n    {text}\n" for name, text in told.items())
    sphinx = "F.\n\n" + "".join(f":param {name}: {text}\n" for name, text in told.items())
    for text in (google, numpy, sphinx):
        assert read_docstring(text).parameters == told
