"""What a provider makes of answers, whole and well."""

from __future__ import annotations

import asyncio
import unittest
from contextlib import aclosing
from typing import Any

from ...options import PROVIDER_OPTIONS
from ...providers.answer import Answer
from ...providers.base import Provider
from ..loopback import Loopback
from .asking import REQUEST, Outcome, ask, ask_all, expect, first_of
from .bench import SECONDS, Bench
from .damage import events_of, with_unknown_events, with_unknown_fields

__all__ = ["AnswerTests"]


class AnswerTests(Bench):
    """Every answer is what it says, however it comes, and leaves nothing behind."""

    def test_it_is_a_provider(self) -> None:
        with self.asked() as (_, provider):
            assert isinstance(provider, Provider), "it lacks something of the protocol"
            assert provider.name, "its name is empty"
            assert provider.model, "its model is empty"
            assert provider.options <= set(PROVIDER_OPTIONS), (
                f"unknown: {set(provider.options) - set(PROVIDER_OPTIONS)}"
            )

    # Answers

    def test_text_is_the_same_in_any_split(self) -> None:
        self.check_splits(self.cases.text)

    def test_a_call_is_the_same_in_any_split(self) -> None:
        self.check_splits(self.cases.call)

    def test_two_calls_are_the_same_in_any_split(self) -> None:
        self.check_splits(self.cases.calls)

    def test_a_call_without_arguments_has_an_empty_input(self) -> None:
        self.check_splits(self.given(self.cases.no_arguments, "no_arguments"))

    def test_thinking_is_the_same_in_any_split(self) -> None:
        self.check_splits(self.given(self.cases.thinking, "thinking"))

    def test_other_answers_are_the_same_in_any_split(self) -> None:
        for case in self.given(self.cases.more, "more"):
            self.check_splits(case)

    def test_a_whole_answer_says_the_same(self) -> None:
        cases = [case for case in self.cases.all if case.whole is not None]
        with self.asked() as (service, provider):
            if not cases or not hasattr(provider, "complete"):
                raise unittest.SkipTest("it has no `complete`, or no case says `whole`")
            replies = [self.cases.whole(case.whole or b"") for case in cases]
            for case, outcome in zip(cases, ask_all(service, provider, replies, whole=True), strict=True):
                expect(outcome, case, "an answer in one piece")

    def test_unknown_events_and_fields_are_passed_over(self) -> None:
        with self.asked() as (service, provider):
            for case in self.cases.all:
                bodies = [*with_unknown_events(case.stream, self.cases), with_unknown_fields(case.stream, self.cases)]
                replies = [self.cases.reply(body) for body in bodies]
                for body, outcome in zip(bodies, ask_all(service, provider, replies), strict=True):
                    expect(outcome, case, f"law 8: something new in the stream\n  {body[:300]!r}")

    def test_two_streams_at_once_do_not_mix(self) -> None:
        """Nothing is kept between two calls that a call depends on."""
        one, other = self.cases.text, self.cases.calls

        async def both() -> tuple[Answer, Answer]:
            service.answer(*(self.cases.reply(*events_of(case.stream, self.cases)) for case in (one, other)))
            answers = Answer(provider.name), Answer(provider.name)
            streams: list[Any] = []
            for answer in answers:  # in this order, as the service answers in the order in which it is asked
                streams.append(provider.stream(REQUEST))
                answer.feed(await anext(streams[-1]))
            while not all(answer.done for answer in answers):
                for stream, answer in zip(streams, answers, strict=True):
                    if not answer.done:
                        answer.feed(await anext(stream))
            for stream in streams:
                assert await anext(stream, None) is None, "something came after the Done"
            return answers

        with self.asked() as (service, provider):
            for answer, case in zip(asyncio.run(both()), (one, other), strict=True):
                message = answer.message()
                calls = [(call.name, dict(call.input)) for call in message.tool_calls]
                outcome = Outcome(message.text, message.thinking, calls, answer.stop_reason, answer.usage)
                expect(outcome, case, "of two streams at once")

    def test_cancelling_closes_the_connection(self) -> None:
        """Wherever it waits: no task and no connection is left behind."""
        events = events_of(self.cases.text.stream, self.cases)
        with self.asked() as (service, provider):
            for begun in (events[:0], events[: len(events) // 2]):
                service.answer(self.cases.reply(*begun, end="hang"))
                asyncio.run(_cancel(service, provider))

    def test_leaving_a_stream_closes_the_connection(self) -> None:
        events = events_of(self.cases.text.stream, self.cases)

        async def leave() -> bool:
            stream: Any = provider.stream(REQUEST)
            async with aclosing(stream):
                if await first_of(stream, 2) is None:
                    return False
            assert await asyncio.to_thread(service.left.wait, SECONDS), "the connection stayed open"
            return True

        with self.asked() as (service, provider):
            service.answer(self.cases.reply(*events[: -(-len(events) // 2)], end="hang"))
            if not asyncio.run(leave()):
                raise unittest.SkipTest("it says nothing before the whole answer is there")


async def _cancel(service: Loopback, provider: Provider) -> None:
    before = asyncio.all_tasks()
    task = asyncio.create_task(ask(provider))
    try:
        assert await asyncio.to_thread(service.hangs.wait, SECONDS), "the service was not asked"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled(), "it did not let itself be cancelled"
    assert await asyncio.to_thread(service.left.wait, SECONDS), "cancelled, and the connection stayed open"
    for _ in range(100):  # what is on its way out may take a moment
        if not asyncio.all_tasks() - before:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"tasks were left behind: {asyncio.all_tasks() - before}")
