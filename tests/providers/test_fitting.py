"""Ids and names that a service would refuse, and what stands for them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.providers._fitting import FUNCTION_NAME, fit_id, fit_name

NINE = re.compile(r"[A-Za-z0-9]{9}")
GEMINI = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")

#: Halves of surrogate pairs, too.
texts = st.text(st.characters(), max_size=200)


@given(texts)
def test_an_id_is_taken_and_always_the_same(call_id: str) -> None:
    made = fit_id(call_id, NINE, 9)
    assert NINE.fullmatch(made)
    assert made == fit_id(call_id, NINE, 9)
    assert made == fit_id(made, NINE, 9)


def test_ids_stay_apart() -> None:
    given_ids = ["", "a\ud800", "a\ud801", "a?", *(f"call:{n}" for n in range(500))]
    assert len({fit_id(call_id, NINE, 9) for call_id in given_ids}) == len(given_ids)


@given(texts)
def test_a_name_is_taken(name: str) -> None:
    for taken in (FUNCTION_NAME, GEMINI):
        made = fit_name(name, taken)
        assert taken.fullmatch(made)
        assert fit_name(made, taken) == made


def test_a_name_that_is_taken_stays() -> None:
    assert fit_name("default_api:read", GEMINI) == "default_api:read"
    assert fit_name("1st", GEMINI) == "_1st"
    assert fit_name("x" * 100) == "x" * 64
