"""The tests of `ProviderConformance` and `StoreConformance` without pytest."""

from __future__ import annotations

import threading
import unittest
from collections.abc import Callable
from dataclasses import dataclass

from ...providers.base import Provider
from ...session import SessionStore
from .cases import Cases
from .provider import ProviderConformance
from .store import StoreConformance

__all__ = ["Report", "check_provider", "check_store"]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of the tests: their names, and why one was left out."""

    passed: tuple[str, ...]
    skipped: dict[str, str]

    def __str__(self) -> str:
        lines = [f"✓ {name}" for name in self.passed]
        lines += [f"– {name}: {why}" for name, why in self.skipped.items()]
        return "\n".join([*lines, f"{len(self.passed)} passed, {len(self.skipped)} left out"])


def _names(suite: type) -> list[str]:
    """In the order in which they are written."""
    classes = [base for base in suite.__mro__ if base is not object]
    return [name for base in classes for name in vars(base) if name.startswith("test_")]


def check_provider(make: Callable[[str, str], Provider], cases: Cases) -> Report:
    """Run all tests on what `make(base_url, api_key)` makes; an `AssertionError` lists those that failed.

    May be called where a loop runs already, as in a notebook.
    """

    class Checked(ProviderConformance):
        def make(self, base_url: str, api_key: str) -> Provider:
            return make(base_url, api_key)

    Checked.cases = cases
    return _check(Checked)


def check_store(make: Callable[[], SessionStore], *, shared: bool = True) -> Report:
    """Run all tests on stores that `make()` makes, each empty; an `AssertionError` lists those that failed.

    `shared`: other processes see what it stores, by a pickled copy of it.

    >>> import alloy_nb as alloy
    >>> report = check_store(alloy.MemoryStore, shared=False)
    >>> [name for name, why in report.skipped.items() if why != "other processes do not see it"]
    ['candidates leave out nothing']
    """

    class Checked(StoreConformance):
        def make(self) -> SessionStore:
            return make()

    Checked.shared = shared
    return _check(Checked)


def _check(suite: type[ProviderConformance] | type[StoreConformance]) -> Report:
    passed: list[str] = []
    skipped: dict[str, str] = {}
    failed: dict[str, BaseException] = {}

    def run() -> None:
        for name in _names(suite):
            words = name.removeprefix("test_").replace("_", " ")
            try:
                getattr(suite(), name)()
                passed.append(words)
            except unittest.SkipTest as error:
                skipped[words] = str(error)
            except BaseException as error:  # noqa: BLE001 - told below, with all others
                failed[words] = error

    # The tests run loops of their own.
    thread = threading.Thread(target=run, name="alloy-conformance", daemon=True)
    thread.start()
    thread.join()
    if failed:
        told = (f"✗ {name}: {error or type(error).__name__}" for name, error in failed.items())
        raise AssertionError("\n".join([f"{len(failed)} failed", *told])) from next(iter(failed.values()))
    return Report(tuple(passed), skipped)
