"""Arguments that are misspelt, told as every other mistake."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import alloy_nb as alloy

ANY: Any = alloy


@pytest.mark.parametrize(
    ("make", "told", "near"),
    [
        (lambda: ANY.Compactor(keeps=3), "Compactor takes no `keeps`", "did you mean `keep`?"),
        (lambda: ANY.SQLStore("sqlite:///x.db", tabel=1), "SQLStore takes no `tabel`", "it takes url"),
        (lambda: ANY.SQLiteStore(pat="x"), "SQLiteStore takes no `pat`", "did you mean `path`?"),
        (
            lambda: ANY.Sessions(alloy.MemoryStore()).add({}, as_="x"),
            "Sessions.add takes no `as_`",
            "it takes session, name, replace",
        ),
    ],
)
def test_a_misspelt_argument_is_told_with_what_was_meant(make: Callable[[], Any], told: str, near: str) -> None:
    """They were bare TypeErrors, which say no more than what Python knows."""
    with pytest.raises(alloy.ConfigError) as caught:
        make()
    assert (caught.value.message, caught.value.hint) == (told, near)


def test_what_is_told_so_is_otherwise_as_it_was() -> None:
    compactor = alloy.Compactor(0.5, keep=3)
    assert pickle.loads(pickle.dumps(compactor)) == copy.copy(compactor) == compactor
    assert list(inspect.signature(alloy.Compactor).parameters) == ["at", "keep", "summarize", "on_compaction"]
    assert alloy.Sessions.add.__doc__
