"""What all tests of a provider share: the provider, the service it asks, and what came of asking."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from ...providers.base import Provider, Request
from ..loopback import Loopback
from .asking import Outcome, ask_all, expect, strings_of
from .cases import Case, Cases
from .damage import splits

__all__ = ["KEY", "SECONDS", "Bench"]

KEY = "conformance-key-5f2c9a71"
#: How long is waited for what must happen.
SECONDS = 20.0


class Bench:
    """The base of the tests."""

    cases: ClassVar[Cases]

    def make(self, base_url: str, api_key: str) -> Provider:
        """The provider to test, which must ask the service at `base_url`, and that one alone."""
        raise NotImplementedError

    @contextmanager
    def asked(self) -> Iterator[tuple[Loopback, Provider]]:
        """The provider, and the service that it asks."""
        with Loopback(self.cases.reply(self.cases.text.stream), beside=self.cases.beside) as service:
            yield service, self.make(service.url, KEY)

    def given(self, value: Any, name: str) -> Any:
        if not value:
            raise unittest.SkipTest(f"the cases have no `{name}`")
        return value

    def check_splits(self, case: Case) -> None:
        """Law 4: the answer is the same, however its bytes are cut."""
        ways = list(splits(case.stream))
        with self.asked() as (service, provider):
            replies = [self.cases.reply(*pieces) for pieces in ways]
            for pieces, outcome in zip(ways, ask_all(service, provider, replies), strict=True):
                expect(outcome, case, f"law 4: in {len(pieces)} pieces\n  {pieces[:20]!r}")

    def ask(self, service: Loopback, provider: Provider, request: Request, *, may_refuse: bool = False) -> Outcome:
        replies = [self.cases.reply(self.cases.text.stream)]
        (outcome,) = ask_all(service, provider, replies, request, may_refuse=may_refuse)
        return outcome

    def sent(self, request: Request, *, raw: bool = False) -> str:
        with self.asked() as (service, provider):
            expect(self.ask(service, provider, request), self.cases.text, "the request was not accepted")
            received = service.received[-1]
            return received.body.decode() if raw else strings_of(received)
