"""What a provider makes of what goes wrong."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import AuthError, OverloadedError, ProviderError, RateLimitError, ServerError, StreamError
from ..loopback import Reply
from .asking import ask, ask_all
from .bench import KEY, Bench
from .damage import damaged, prefixes

__all__ = ["FailureTests"]

_STATUSES: dict[int, tuple[type[ProviderError], ...]] = {
    302: (ProviderError,),
    401: (AuthError,),
    418: (ProviderError,),
    429: (RateLimitError,),
    500: (ServerError, OverloadedError),
    503: (OverloadedError, ServerError),
}
_ODD_BODIES = (
    b"",
    b"null",
    b"[1]",
    b'"words"',
    b'{"error": "words"}',
    b'{"error": {"message": "words"}}',
    b'{"error": {"message": {"a": 1}, "code": [1], "type": 7}}',
    b"<html><body>Sign in</body></html>",
    b"\xff\xfe\x00",
)


class FailureTests(Bench):
    """Law 8: whatever comes, nothing but a `ProviderError` is raised, and the right one."""

    def test_a_cut_stream_is_an_error(self) -> None:
        """Law 8: an answer that stops anywhere is a `StreamError`, unless all that counts had come."""
        with self.asked() as (service, provider):
            for case in self.cases.all:
                (full,) = ask_all(service, provider, [self.cases.reply(case.stream)])
                cut = [(begun, end) for begun in prefixes(case.stream, self.cases) for end in ("whole", "cut")]
                replies = [self.cases.reply(begun, end=end) for begun, end in cut]  # type: ignore[arg-type]
                for (begun, end), outcome in zip(cut, ask_all(service, provider, replies), strict=True):
                    how = f"law 8: cut after {len(begun)} of {len(case.stream)} bytes ({end})"
                    if outcome.error is None:
                        assert begun, f"{how}: an empty answer is no success"
                        assert outcome.said == full.said, f"{how}, it passes for a whole answer: {outcome}"
                    else:
                        assert isinstance(outcome.error, StreamError), f"{how}: a StreamError, not {outcome}"

    def test_damaged_answers_raise_nothing_but_provider_errors(self) -> None:
        with self.asked() as (service, provider):
            for case in self.cases.all:
                ask_all(service, provider, [self.cases.reply(body) for body in damaged(case.stream, self.cases)])

    def test_something_else_than_an_answer_is_an_error(self) -> None:
        """A log-in page, an empty body, JSON of another kind: never a success."""
        kinds = ("text/html", "application/json", "text/event-stream", "application/octet-stream", "")
        replies = [Reply(body, headers={"content-type": kind}) for body in _ODD_BODIES for kind in kinds]
        with self.asked() as (service, provider):
            for reply, outcome in zip(replies, ask_all(service, provider, replies), strict=True):
                assert outcome.error is not None, f"{reply.body!r} as {dict(reply.headers)} passed for: {outcome}"

    def test_nobody_there_is_an_error(self) -> None:
        with self.asked() as (service, provider):
            service.close()
            outcome = asyncio.run(ask(provider))
            assert outcome.error is not None, "nobody was there, and it was a success"

    def test_each_error_is_what_it_should_be(self) -> None:
        errors = self.given(self.cases.errors, "errors")
        with self.asked() as (service, provider):
            outcomes = ask_all(service, provider, [self.cases.failure(case) for case in errors])
            for case, outcome in zip(errors, outcomes, strict=True):
                wanted = f"{case.status} {case.body[:200]!r} is a {case.error.__name__}"
                assert type(outcome.error) is case.error, f"{wanted}, not {outcome}"
                assert outcome.error is not None
                if case.status != 200:
                    assert outcome.error.status == case.status, f"{wanted}: its status is {outcome.error.status}"
                if case.retryable is not None:
                    assert outcome.error.retryable is case.retryable, (
                        f"{wanted}: retryable is {outcome.error.retryable}"
                    )

    def test_each_status_is_an_error_whatever_the_body(self) -> None:
        wanted = [(status, body) for status in _STATUSES for body in _ODD_BODIES]
        headers = {"content-type": "application/json", "retry-after": "7"}
        replies = [Reply(body, status, headers) for status, body in wanted]
        with self.asked() as (service, provider):
            for (status, body), outcome in zip(wanted, ask_all(service, provider, replies), strict=True):
                what = f"status {status} with {body!r}"
                assert isinstance(outcome.error, _STATUSES[status]), f"{what} was {outcome}"
                assert outcome.error.status == status, f"{what}: `status` is {outcome.error.status}"
                if status == 429:
                    assert outcome.error.retry_after == 7, f"{what}: retry-after was not heeded"

    def test_an_error_shows_a_bounded_part_of_its_body(self) -> None:
        with self.asked() as (service, provider):
            (outcome,) = ask_all(service, provider, [Reply(b'{"error": "' + b"x" * 300_000 + b'"}', 500)])
            assert outcome.error is not None, "status 500 was a success"
            assert len(outcome.error.message) + len(outcome.error.body or "") < 20_000, "all of the body is shown"

    def test_the_key_shows_nowhere(self) -> None:
        """Law 14: in no repr, error, traceback or log, also when the service quotes it."""
        quoting = f'{{"error": {{"message": "wrong key {KEY}", "type": "{KEY}"}}}}'.encode()
        replies = [Reply(quoting, status) for status in (400, 401, 500)]
        replies += [self.cases.reply(b"data: " + quoting + b"\n\n"), self.cases.reply(quoting + b"\n")]
        with self.asked() as (service, provider), _listening() as heard:
            shown = [repr(provider), str(provider), repr(getattr(provider, "__dict__", ""))]
            for outcome in ask_all(service, provider, [*replies, self.cases.reply(self.cases.text.stream)]):
                if outcome.error is not None:
                    shown += ["".join(traceback.format_exception(outcome.error)), repr(vars(outcome.error))]
            for text in (*shown, *heard):
                assert KEY not in text, f"law 14: the key shows (is it known to `register_secret`?): {text[:500]}"


@contextmanager
def _listening() -> Iterator[list[str]]:
    """What is logged meanwhile, by anybody."""
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(self.format(record))

    root, ear = logging.getLogger(), Ear(logging.DEBUG)
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        yield heard
    finally:
        root.removeHandler(ear)
        root.setLevel(level)
