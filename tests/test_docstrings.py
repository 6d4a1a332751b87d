"""The examples in docstrings are run: what they show is so."""

from __future__ import annotations

import doctest
import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

import alloy_nb as alloy
from tests.test_layers import modules

NAMES = [name for name, path in modules() if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_shows_what_is_so(name: str) -> None:
    module = import_module(f"alloy_nb.{name}" if name != "__init__" else "alloy_nb")
    failed, tried = doctest.testmod(module)
    assert tried > 0
    assert failed == 0


#: Shown elsewhere: they need weights, a service, OpenTelemetry, IPython, or change the process; a protocol is shown by
#: what meets it.
ELSEWHERE = {"Local", "HTTPProvider", "Telemetry", "load_ipython_extension", "nest", "Provider", "SessionStore"}


def public_parts(thing: Any) -> Iterator[tuple[str, Any]]:
    """Methods and properties of a class that anybody may use, by name."""
    for name, part in vars(thing).items() if isinstance(thing, type) else ():
        function = part.fget if isinstance(part, property) else getattr(part, "__func__", part)
        if not name.startswith("_") and inspect.isfunction(function):
            yield name, function


@pytest.mark.parametrize("name", [name for name in alloy.__all__ if name != "__version__"])
def test_every_public_name_is_explained_and_shown(name: str) -> None:
    """APP-2: by a docstring of its own, with an example; errors have theirs at the base of their tree."""
    thing = getattr(alloy, name)
    assert (thing.__doc__ or "").strip()
    is_error = isinstance(thing, type) and issubclass(thing, alloy.AlloyError) and thing is not alloy.AlloyError
    assert is_error or (name in ELSEWHERE) != (">>> " in thing.__doc__)
    unexplained = [part for part, function in public_parts(thing) if not inspect.getdoc(function)]
    assert unexplained == []


@pytest.mark.parametrize(("name", "path"), modules())
def test_every_module_says_what_it_is_for(name: str, path: Any) -> None:
    """APP-2"""
    assert import_module(f"alloy_nb.{name}" if name != "__init__" else "alloy_nb").__doc__
