"""What the package itself, and a front end, may do with a run."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb import execution as execution_module
from alloy_nb.execution import Execution, going
from alloy_nb.journal import follow
from alloy_nb.options import make_options
from alloy_nb.state import RunState
from alloy_nb.testing import Function
from alloy_nb.tools.approval import Decision
from tests.histories import assert_law_1, assert_law_3


@alloy.tool(requires_approval=True)
def launch(what: str = "it") -> str:
    """Launch."""
    return f"launched {what}"


ASKING = [{"tool_calls": [{"name": "launch", "input": {}}]}, {"text": "done"}]


def execution(*lines: Any, **options: Any) -> Execution:
    return Execution(RunState("go", make_options({"model": alloy.Scripted(list(lines)), **options})), background=True)


def test_a_front_end_reads_shows_the_questions_and_answers_them() -> None:
    ours = execution(*ASKING, tools=[launch])
    ours.launch()
    types: list[str] = []

    def answer(_: int) -> None:
        for question in ours.questions:
            assert ours.decide(question.call.id, Decision(allowed=True))

    for events in follow(ours.journal, answer):
        types += [event.type for event in events]
    assert (types[0], types[-1]) == ("run_start", "run_end")
    assert ours.settled().messages[2].tool_results[0].text == "launched it"
    assert ours.questions == ()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), BaseException("odd")])
def test_what_ends_a_loop_ends_its_own_run_alone(error: BaseException) -> None:
    """A provider that calls `sys.exit` took the portal with it, and with that every other run in the background."""
    begun, broken = threading.Event(), threading.Event()

    async def exits(request: Any) -> str:
        while not begun.is_set():
            await asyncio.sleep(0.005)
        raise error

    async def goes_on(request: Any) -> str:
        begun.set()
        while not broken.is_set():
            await asyncio.sleep(0.005)
        return "I am there."

    other = alloy.start("x", model=Function(goes_on))
    run = alloy.start("x", model=Function(exits))
    result = run.result(timeout=30, check=False)
    broken.set()
    assert isinstance(result.error, alloy.Crashed)
    assert type(error).__name__ in result.error.message
    assert_law_3(list(run))
    assert other.result(timeout=30).text == "I am there."


def test_there_is_no_result_before_the_end_and_no_end_without_a_result() -> None:
    ours = execution({"text": "hi"})
    assert ours.result is None
    ours.launch()
    for _ in follow(ours.journal):
        pass
    assert ours.result is ours.settled()
    assert ours.settled().text == "hi"
    assert not ours.cancel()


def test_waiting_for_a_run_in_the_background_does_not_launch_it() -> None:
    """Whoever keeps it back, in a queue, says when its turn comes."""
    ours = execution({"text": "hi"})
    waiting = threading.Thread(target=alloy.Run(ours).result)
    waiting.start()
    waiting.join(0.05)
    assert len(ours.journal) == 0
    ours.launch()
    waiting.join(20)
    assert ours.settled().text == "hi"


def test_it_is_driven_once_however_often_it_is_launched() -> None:
    ours = execution({"text": "hi"})
    for _ in range(3):
        ours.launch()

    async def again() -> None:
        await ours.drive()

    for _ in follow(ours.journal):
        pass
    asyncio.run(again())
    assert_law_3(list(alloy.Run(ours)))


def test_a_run_that_was_cancelled_before_its_launch_calls_nobody_and_is_closed() -> None:
    ours = execution({"text": "hi"})
    assert ours.cancel()
    ours.launch()
    result = alloy.Run(ours).result(check=False)
    assert result.status == "cancelled"
    assert result.messages == ()
    assert_law_1(result)
    assert_law_3(list(alloy.Run(ours)))


def test_the_runs_that_go_on_are_told_while_others_begin() -> None:
    """Another thread's run in the midst of going through them was a RuntimeError."""
    kept: list[Execution] = []

    def begin() -> None:
        for number in range(2_000):
            run = Execution.__new__(Execution)
            run.result, run.begun = None, -number
            kept.append(run)
            execution_module._driven().add(run)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=begin)
    try:
        thread.start()
        while thread.is_alive():
            told = [run for run in going() if run.begun < 0]
            assert told == sorted(told, key=lambda run: run.begun)
        assert [run for run in going() if run in kept] == kept[::-1]
    finally:
        thread.join()
        sys.setswitchinterval(interval)
