"""For tests of what is built on alloy_nb: models that answer the same every time, and questions about a result.

A run is tested with a script, and asked what came of it:

>>> import alloy_nb as alloy
>>> from alloy_nb.testing import Scripted, assert_tool_called
>>> def weather(city: str) -> str: return f"It rains in {city}."
>>> model = Scripted([{"tool_calls": [{"name": "weather", "input": {"city": "Bergen"}}]}, "Take an umbrella."])
>>> result = alloy.run("Do I need an umbrella?", model=model, tools=[weather])
>>> assert_tool_called(result, "weather", {"city": "Bergen"}).output
'It rains in Bergen.'
>>> model.requests[1].messages[-1].tool_results[0].text
'It rains in Bergen.'

`Function` is a model made of a function. `no_delays` lets a run try again without waiting. `cassette` records what a
real service answers, once, and plays it back. `alloy_nb.testing.conformance` tests a provider or a store of
your own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..providers.scripted import Scripted
from .asking import assert_tool_called, last_text, refute_tool_called, tool_calls, was_executed
from .delays import no_delays
from .function import Function

if TYPE_CHECKING:
    from .cassettes import CassetteError as CassetteError
    from .cassettes import cassette as cassette
    from .conformance import ProviderConformance as ProviderConformance
    from .conformance import StoreConformance as StoreConformance
    from .conformance import check_provider as check_provider
    from .conformance import check_store as check_store

__all__ = [
    "CassetteError",
    "Function",
    "ProviderConformance",
    "Scripted",
    "StoreConformance",
    "assert_tool_called",
    "cassette",
    "check_provider",
    "check_store",
    "last_text",
    "no_delays",
    "refute_tool_called",
    "tool_calls",
    "was_executed",
]

# These need the HTTP library.
_LAZY = {
    **dict.fromkeys(("CassetteError", "cassette"), "cassettes"),
    **dict.fromkeys(("ProviderConformance", "StoreConformance", "check_provider", "check_store"), "conformance"),
}


def __getattr__(name: str) -> Any:
    if name == "conformance":  # a module, which is reached by its name as well
        return import_module(".conformance", __name__)
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value
