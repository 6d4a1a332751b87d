"""The examples in docstrings are run: what they show is so."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

from tests.test_layers import modules

NAMES = [name for name, path in modules() if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_shows_what_is_so(name: str) -> None:
    module = import_module(f"alloy_nb.{name}" if name != "__init__" else "alloy_nb")
    failed, tried = doctest.testmod(module)
    assert tried > 0
    assert failed == 0
