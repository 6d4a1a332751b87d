"""Questions of a run in the background: who answers them, and that nobody waits for ever."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

import alloy_nb as alloy

CALL = {"tool_calls": [{"name": "launch", "input": {}}]}


@alloy.tool(requires_approval=True)
def launch(what: str = "it") -> str:
    """Launch."""
    return f"launched {what}"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A person is here, and says yes; the threads on which they were asked."""
    threads: list[str] = []

    def answer(prompt: str) -> str:
        threads.append(threading.current_thread().name)
        return "y"

    monkeypatch.setattr("alloy_nb.attendance.stdin_available", lambda: True)
    monkeypatch.setattr("builtins.input", answer)
    return threads


def start(**options: Any) -> alloy.Run:
    return alloy.start("x", model=alloy.Scripted([CALL, {"text": "done"}]), tools=[launch], **options)


def outcome(result: alloy.Result) -> str:
    return result.messages[2].tool_results[0].text


def test_who_waits_for_the_result_is_asked_where_they_wait(typed: list[str]) -> None:
    assert outcome(start().result()) == "launched it"
    assert typed == [threading.current_thread().name]


def test_who_awaits_is_asked_in_a_thread_and_the_loop_goes_on(typed: list[str]) -> None:
    async def main() -> alloy.Result:
        return await start()

    assert outcome(asyncio.run(main())) == "launched it"
    assert len(typed) == 1
    assert typed[0].startswith("alloy-tool-approval")


@pytest.mark.parametrize("end", ["cancel", "approve"])
def test_an_awaited_question_that_is_settled_elsewhere_holds_nobody(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """The person at the prompt says nothing; somebody else answers, or stops the run."""
    asked, leave = threading.Event(), threading.Event()

    def silent(prompt: str) -> str:
        asked.set()
        leave.wait(60)
        return "n"

    monkeypatch.setattr("alloy_nb.attendance.stdin_available", lambda: True)
    monkeypatch.setattr("builtins.input", silent)

    async def main() -> alloy.Result:
        run = start()
        waiting = asyncio.gather(run, return_exceptions=True)
        await asyncio.to_thread(asked.wait, 20)
        run.cancel() if end == "cancel" else run.approve("call_1")
        await asyncio.wait({waiting}, timeout=20)
        assert waiting.done()
        return run.result(check=False)

    try:
        result = asyncio.run(main())
    finally:
        leave.set()
    assert result.status == ("cancelled" if end == "cancel" else "completed")


def test_with_a_person_here_a_reader_refuses_nothing(typed: list[str]) -> None:
    run = start()
    for event in run:
        if event.type == "approval_request":
            threading.Timer(0.05, run.approve, (event.payload["id"],)).start()
    assert outcome(run.result()) == "launched it"
    assert typed == []


def test_while_somebody_reads_who_waits_refuses_nothing() -> None:
    """The reader may answer; only when it wants more, and has said nothing, nobody is left."""
    run = start()
    results: list[alloy.Result] = []
    waiting = threading.Thread(target=lambda: results.append(run.result()))
    for event in run:
        if event.type == "approval_request":
            waiting.start()
            waiting.join(0.05)
            assert run.approve(event.payload["id"])
    waiting.join(20)
    assert outcome(results[0]) == "launched it"


def test_of_two_readers_neither_refuses_what_the_other_may_allow() -> None:
    run = start()
    asked = threading.Event()

    def read_along() -> None:
        for event in run:
            if event.type == "approval_request":
                asked.set()

    silent = threading.Thread(target=read_along)
    for event in run:
        if event.type == "approval_request":
            silent.start()
            assert asked.wait(20)
            silent.join(0.05)  # it has nothing to say, and waits for more
            assert run.approve(event.payload["id"])
    silent.join(20)
    assert outcome(run.result()) == "launched it"


def test_async_readers_do_not_wait_for_ever_either() -> None:
    async def main() -> list[str]:
        return [event.type async for event in start()]

    types = asyncio.run(main())
    assert types.count("approval_request") == types.count("approval_result") == 1
