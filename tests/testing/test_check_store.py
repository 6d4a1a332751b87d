"""The suite for stores finds what is wrong with one."""

from __future__ import annotations

import importlib
import itertools
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.testing.conformance import check_store

pytestmark = pytest.mark.thorough


def test_a_store_that_keeps_the_contract_passes() -> None:
    report = check_store(alloy.MemoryStore, shared=False)
    assert "after is exact" in report.passed
    assert report.skipped["processes lose and mix nothing"] == "other processes do not see it"
    assert "0 passed" not in str(report)


def test_the_suites_are_reached_by_the_names_of_what_they_are_in() -> None:
    code = """
import alloy_nb as alloy
print(alloy.testing.conformance.StoreConformance is alloy.testing.StoreConformance)
print(alloy.testing.check_store is alloy.testing.conformance.check_store)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]


class HalfStored(alloy.MemoryStore):
    """Stores record by record: a failure leaves the first ones."""

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
        for record in records:
            super().append(session_id, [record], after=after)
            after = None if after is None else after + 1


class Forgiving(alloy.MemoryStore):
    """Looks at `after` before it takes the lock, if at all."""

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
        super().append(session_id, records)


class Folding(alloy.MemoryStore):
    """Names in upper and lower case are one, as on some file systems."""

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
        super().append(session_id.lower(), records, after=after)

    def read(self, session_id: str) -> list[dict[str, Any]]:
        return super().read(session_id.lower())


class Careless(alloy.MemoryStore):
    """Gives out its own objects."""

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[str, list[Any]] = {}

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
        super().append(session_id, records, after=after)
        self._held.setdefault(session_id, []).extend(records)

    def read(self, session_id: str) -> list[dict[str, Any]]:
        return self._held.get(session_id, [])


class Unordered(alloy.MemoryStore):
    def list(self) -> Any:
        return sorted(super().list(), key=lambda info: info.id)


class Short(alloy.MemoryStore):
    """Cuts what is long, as a column of a database may."""

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
        cut = [{k: v[:65_535] if isinstance(v, str) else v for k, v in record.items()} for record in records]
        super().append(session_id, cut, after=after)


class Immortal(alloy.MemoryStore):
    def delete(self, session_id: str) -> bool:
        return session_id in self._records


@pytest.mark.parametrize(
    ("store", "found"),
    [
        (HalfStored, "an append that fails stores nothing"),
        (Forgiving, "after is exact"),
        (Forgiving, "one of many threads wins"),
        (Folding, "names are kept apart and come back"),
        (Careless, "what was given and what was read may be changed"),
        (Unordered, "the list has the newest first"),
        (Short, "a big record comes back"),
        (Immortal, "deleting is for good and told"),
    ],
)
def test_one_that_does_not_is_told_what_is_wrong(store: type[alloy.MemoryStore], found: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_store(store, shared=False)
    assert f"✗ {found}: " in str(caught.value)


def test_other_processes_find_a_store_where_this_one_has_found_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a store in a test's own folder, or in a notebook, it said that a process had failed."""
    (tmp_path / "shelf_of_mine.py").write_text("import alloy_nb\n\nclass Shelf(alloy_nb.SQLiteStore):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    shelf: Any = importlib.import_module("shelf_of_mine").Shelf
    numbers = itertools.count()

    def make() -> Any:
        return shelf(tmp_path / f"{next(numbers)}.sqlite")

    assert "processes lose and mix nothing" in check_store(make).passed
    shelf.__module__ = "__main__"
    monkeypatch.setattr(sys.modules["__main__"], "Shelf", shelf, raising=False)
    assert "in no module" in check_store(make).skipped["processes lose and mix nothing"]
