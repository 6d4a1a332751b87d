"""How values read in a prompt."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb import Message, Result
from alloy_nb.notebook.cards import LONGEST, describe
from alloy_nb.redaction import register_secret


@pytest.fixture
def sales() -> pd.DataFrame:
    return pd.DataFrame(
        {"month": ["Jan", "Feb", None] * 400, "revenue": [1.5, 2.5, np.nan] * 400, "secret": range(1200)}
    )


def test_strings_go_in_whole_and_numbers_as_they_are_written() -> None:
    assert describe("s", "x" * 5000) == ("x" * 5000, False)
    assert [describe("v", value)[0] for value in (3, 1.5, True, None, 2j)] == ["3", "1.5", "True", "None", "2j"]


def test_a_numpy_scalar_reads_like_a_number() -> None:
    assert describe("f", np.float64(1.5)) == ("1.5", False)
    assert describe("i", np.int32(7)) == ("7", False)


def test_a_data_frame_becomes_a_card_of_shape_types_gaps_and_a_few_rows(sales: pd.DataFrame) -> None:
    text, card = describe("sales", sales)
    assert card
    assert "DataFrame, 1,200 rows × 3 columns" in text
    assert "kB" in text
    assert "month    " in text
    assert "float64  400 nulls" in text
    assert "Jan | 1.5 | 0" in text
    assert "1199" not in text


def test_a_card_never_becomes_a_dump() -> None:
    wide = pd.DataFrame({f"column_{i}" * 20: ["x" * 10_000] * 10 for i in range(500)})
    for value in (wide, wide.T, list(range(10**6)), dict.fromkeys(range(500), "x" * 10_000), b"x" * 10**6):
        text, card = describe("v", value)
        assert card
        assert len(text) <= LONGEST


def test_a_series_and_an_array_become_cards() -> None:
    text, card = describe("s", pd.Series([1.0, np.nan], name="rate"))
    assert card
    assert "Series 'rate', 2 values of float64" in text
    assert "1 null" in text
    text, card = describe("a", np.arange(10_000.0).reshape(100, 100))
    assert card
    assert "ndarray, 100 × 100 of float64, 80 kB" in text
    assert "from 0.0 to 9999.0" in text


@pytest.mark.parametrize("empty", [pd.DataFrame(), pd.DataFrame({"a": []}), pd.Series([], dtype=float), np.array([])])
def test_an_empty_one_too(empty: object) -> None:
    text, card = describe("e", empty)
    assert card
    assert " 0 " in text


def test_floats_in_a_card_have_no_more_digits_than_anybody_reads() -> None:
    """`48.74999999999999` and `0.30000000000000004`: seventeen digits, of which nobody wants the last."""
    sums = [0.1 + 0.2, 48.74999999999999, 1234567.125, 2.5e-30, 20.0, float("nan")]
    told = "0.3, 48.75, 1234567.125, 2.5e-30, 20.0, nan"
    frame = describe("f", pd.DataFrame({"a": sums[:3]}))[0]
    assert "a\n0.3\n48.75\n1234567.125" in frame
    for value in (pd.Series(sums), np.array(sums), sums * 200):
        assert f"first: {told}" in describe("v", value)[0]
    assert "0: 0.3\n" in describe("d", dict.fromkeys(range(1000), 0.1 + 0.2))[0]
    assert describe("x", 0.1 + 0.2)[0] == "0.30000000000000004"


def test_columns_of_the_same_name_do_not_confuse_it() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert "1 row × 2 columns" in describe("f", frame)[0]


def test_small_collections_stand_for_themselves() -> None:
    assert describe("v", [1, "a", {"k": None}]) == ("[1, 'a', {'k': None}]", False)


def test_a_result_and_a_message_are_their_words() -> None:
    assert describe("r", Result(text="the answer")) == ("the answer", False)
    assert describe("m", Message.user("the question")) == ("the question", False)


def test_a_function_is_told_by_its_source() -> None:
    text, card = describe("describe", describe)
    assert card
    assert text.startswith("def describe(name: str")
    assert describe("len", len) == ("function len", True)


def test_no_address_of_this_process_goes_out() -> None:
    for value in ([].append, str.join, int, pytest):
        assert "0x" not in describe("v", value)[0]
        assert "/" not in describe("v", value)[0]


def test_an_object_that_cannot_be_looked_at_is_named_not_raised() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    text, card = describe("v", Broken())
    assert card
    assert "Broken" in text
    assert "RuntimeError" in text


def test_a_long_repr_is_cut_with_a_notice() -> None:
    class Long:
        def __repr__(self) -> str:
            return "y" * 10_000

    text, _ = describe("v", Long())
    assert len(text) == LONGEST
    assert text.endswith("(cut: 10,000 characters in all)")


def test_a_known_key_does_not_go_out() -> None:
    register_secret("canary-0123456789-canary")
    assert "canary" not in describe("env", {"KEY": "canary-0123456789-canary"})[0]
    assert "canary" not in describe("key", "canary-0123456789-canary")[0]


@pytest.mark.thorough
@given(
    st.recursive(
        st.integers() | st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_plain_value_has_a_bounded_description(value: object) -> None:
    text, card = describe("v", value)
    assert isinstance(text, str)
    assert len(text) <= LONGEST or isinstance(value, str | int)
    assert card or text == (value if isinstance(value, str) else repr(value))


def test_days_that_are_kept_as_moments_are_shown_as_days() -> None:
    """`2026-01-01 00:00:00` in each row says nothing that `2026-01-01` does not."""
    days = pd.to_datetime(pd.Series(["2026-01-01", None, "2026-01-03"], name="day"))
    card = describe("f", pd.DataFrame({"day": days, "n": [1, 2, 3]}))[0]
    assert "2026-01-01 | 1\nNaT | 2\n2026-01-03 | 3" in card
    assert "00:00:00" not in describe("s", days)[0]


def test_moments_stay_moments_and_text_stays_text() -> None:
    moments = pd.to_datetime(pd.Series(["2026-01-01 00:00", "2026-01-02 12:30"]))
    assert "2026-01-01 00:00:00, 2026-01-02 12:30:00" in describe("s", moments)[0]
    texts = pd.DataFrame({"t": ["2026-01-01 00:00:00"]})
    assert "2026-01-01 00:00:00" in describe("f", texts)[0]
