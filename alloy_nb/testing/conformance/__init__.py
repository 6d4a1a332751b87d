"""Whether a provider, or a store of sessions, keeps the contract: tests for whoever writes one.

Say in `Cases` what the service sends, as bytes, and what each answer amounts to; subclass `ProviderConformance`, and
pytest runs the tests. They ask the provider over real connections to a service on this machine.

    from alloy_nb.testing.conformance import Case, Cases, ErrorCase, ProviderConformance

    class TestTern(ProviderConformance):
        cases = Cases(
            text=Case(b'data: {"words": "Hello"}\\n\\ndata: {"end": "done"}\\n\\n', text="Hello"),
            call=Case(b"…", calls=[("look_up", {"word": "fjord"})]),
            calls=Case(b"…", calls=[("look_up", {"word": "fjord"}), ("look_up", {"word": "skerry"})]),
            errors=[ErrorCase(404, b'{"problem": "no such model"}', BadRequestError)],
        )

        def make(self, base_url, api_key):
            return Tern("tern-1", base_url=base_url, api_key=api_key)

Without pytest, as in a notebook, `check_provider(make, cases)` runs the same tests and tells what came of them.

A store is tested likewise, by `StoreConformance` or `check_store(make)`, in threads and processes:

    from alloy_nb.testing.conformance import StoreConformance

    class TestShelf(StoreConformance):
        def make(self):
            return Shelf(tempfile.mkdtemp())
"""

from __future__ import annotations

from .cases import Case, Cases, ErrorCase
from .checking import Report, check_provider, check_store
from .provider import ProviderConformance
from .store import StoreConformance

__all__ = [
    "Case",
    "Cases",
    "ErrorCase",
    "ProviderConformance",
    "Report",
    "StoreConformance",
    "check_provider",
    "check_store",
]
