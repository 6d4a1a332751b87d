"""What an interrupt may land in, place by place: the storm finds some of them only now and then."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb import waiting
from alloy_nb.bell import Bell
from alloy_nb.dialogue import Dialogue
from alloy_nb.execution import Execution
from alloy_nb.options import make_options
from alloy_nb.portal import Portal
from alloy_nb.runs import run_awaited
from alloy_nb.state import RunState
from alloy_nb.testing import Function
from alloy_nb.tools.context import CancelToken
from alloy_nb.tools.workers import MAIN
from tests.interrupted import is_interrupted


@alloy.tool(requires_approval=True)
def launch(what: str = "it") -> str:
    """Launch."""
    return f"launched {what}"


@alloy.tool(thread="main")
def here() -> str:
    """Where it runs."""
    return threading.current_thread().name


def call(name: str, times: int = 1) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "input": {}}] * times}


def test_after_an_interrupt_at_one_question_no_other_is_put(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def interrupted(prompt: str) -> str:
        asked.append(prompt)
        time.sleep(0.05)  # the others are waiting in line by now
        raise KeyboardInterrupt

    monkeypatch.setattr("alloy_nb.runs.stdin_available", lambda: True)
    monkeypatch.setattr("builtins.input", interrupted)
    with pytest.raises(KeyboardInterrupt):
        alloy.run("go", model=alloy.Scripted([call("launch", 3), "done"]), tools=[launch])
    assert len(asked) == 1


@pytest.mark.parametrize("several", [False, True])
def test_an_interrupt_of_who_reads_the_events_is_told_in_two_lines(
    monkeypatch: pytest.MonkeyPatch, several: bool
) -> None:
    """It was a traceback of the library's own, and said nothing of the run, which goes on."""
    held = threading.Event()
    model = Function(lambda _: held.wait(10) and "Done.")
    team = alloy.Team({"coder": {"model": model}})
    run: Any = team.start_broadcast("x") if several else alloy.start("x", model=model)
    events = iter(run)
    next(events)
    waits = Bell.wait

    def interrupted(bell: Bell, seconds: float) -> None:
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        waits(bell, seconds)

    monkeypatch.setattr(Bell, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        list(events)
    monkeypatch.undo()
    told = caught.value._render_traceback_()  # type: ignore[attr-defined]
    assert told == ["KeyboardInterrupt: the run goes on, and nobody waits for it", "Hint: its `cancel()` stops it"]
    held.set()
    assert run.result(timeout=10)
    team.stop()


def test_a_pump_that_was_never_counted_out_holds_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt between its end and the note of it: an awaited run must find the loop, not a pump that is gone."""
    monkeypatch.setattr(MAIN, "pumps", 1)

    async def main() -> alloy.Result:
        MAIN.note_loop()
        options = make_options({"model": alloy.Scripted([call("here"), "done"]), "tools": [here]})
        return await waiting.await_on(Execution(RunState("go", options)))

    result = asyncio.run(asyncio.wait_for(main(), 20))
    assert result.tool_calls[0].output == threading.main_thread().name


def test_a_cancellation_that_comes_with_a_wake_up_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """`asyncio.wait_for` of Python 3.11 forgets it, and a cell that was stopped would go on."""
    real = waiting.waker_of
    cancelled: list[asyncio.Task[Any]] = []

    def waker_of(woken: asyncio.Event) -> Any:
        wake, loop, task = real(woken), asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def both() -> None:
            woken.set()
            loop.call_soon(task.cancel)

        def wake_once() -> None:
            if cancelled:
                wake()
                return
            cancelled.append(task)
            loop.call_soon_threadsafe(both)

        return wake_once

    monkeypatch.setattr(waiting, "waker_of", waker_of)

    async def main() -> str:
        options = make_options({"model": alloy.Scripted([{"text": "x " * 400, "delay_ms": 5}])})
        try:
            return (await waiting.await_on(Execution(RunState("go", options)))).status
        except KeyboardInterrupt:
            return "interrupted"

    assert asyncio.run(main()) == "interrupted"


def test_a_portal_whose_start_was_interrupted_starts_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal()
    start = threading.Thread.start

    def torn(thread: threading.Thread) -> None:
        monkeypatch.setattr(threading.Thread, "start", start)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", torn)
    with pytest.raises(KeyboardInterrupt):
        portal.loop()
    answered = threading.Event()
    portal.loop().call_soon_threadsafe(answered.set)
    assert answered.wait(20)
    portal.close()


def test_two_who_wait_for_one_run_are_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def slow(prompt: str) -> str:
        asked.append(prompt)
        time.sleep(0.2)
        return "y"

    monkeypatch.setattr("alloy_nb.attendance.stdin_available", lambda: True)
    monkeypatch.setattr("builtins.input", slow)
    run = alloy.start("go", model=alloy.Scripted([call("launch"), "done"]), tools=[launch])
    waiters = [threading.Thread(target=run.result) for _ in range(2)]
    for waiter in waiters:
        waiter.start()
    for waiter in waiters:
        waiter.join(20)
    assert run.result().tool_calls[0].output == "launched it"
    assert len(asked) == 1


@pytest.mark.parametrize("how", ["run", "arun", "result", "await"])
@pytest.mark.parametrize("answer", ["t", "a"])
def test_what_an_answer_covers_is_not_asked_about_any_more(
    monkeypatch: pytest.MonkeyPatch, how: str, answer: str
) -> None:
    """The next question was put before the answer had reached the run; its call ran whatever was said to it."""
    asked: list[str] = []

    def answered(prompt: str) -> str:
        asked.append(prompt)
        return answer

    monkeypatch.setattr("alloy_nb.attendance.stdin_available", lambda: True)
    monkeypatch.setattr("alloy_nb.runs.stdin_available", lambda: True)
    monkeypatch.setattr("builtins.input", answered)
    calls = [{"name": "launch", "input": {}} for _ in range(3)]
    options: dict[str, Any] = {"model": alloy.Scripted([{"tool_calls": calls}, "done"]), "tools": [launch]}

    async def awaited() -> alloy.Result:
        return await (alloy.arun("go", **options) if how == "arun" else alloy.start("go", **options))

    if how in ("run", "result"):
        result = alloy.run("go", **options) if how == "run" else alloy.start("go", **options).result()
    else:
        result = asyncio.run(awaited())
    assert [call.output for call in result.tool_calls] == ["launched it"] * 3
    assert len(asked) == 1


@pytest.mark.parametrize("how", ["run", "result", "await"])
def test_a_prompt_that_cannot_be_read_is_a_no(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    def garbled(prompt: str) -> str:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")

    monkeypatch.setattr("alloy_nb.runs.stdin_available", lambda: True)
    monkeypatch.setattr("alloy_nb.attendance.stdin_available", lambda: True)
    monkeypatch.setattr("builtins.input", garbled)
    options: dict[str, Any] = {"model": alloy.Scripted([call("launch"), "done"]), "tools": [launch]}

    async def main() -> alloy.Result:
        return await alloy.start("go", **options)

    ways = {
        "run": lambda: alloy.run("go", **options),
        "result": lambda: alloy.start("go", **options).result(),
        "await": lambda: asyncio.run(main()),
    }
    result = ways[how]()
    assert result.status == "completed"
    assert "could not be put: UnicodeDecodeError" in str(result.tool_calls[0].error)


def test_callbacks_and_a_reader_without_a_person_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that calls `on_event` reads along too; neither it nor the loop below answers."""
    monkeypatch.setattr("alloy_nb.attendance.UNATTENDED_GRACE", 3600.0)
    model = alloy.Scripted([call("launch"), "done"])
    run = alloy.start("go", model=model, tools=[launch], on_event=lambda event: None)
    assert [event.type for event in run].count("approval_result") == 1


def test_a_time_limit_of_the_providers_own_is_not_told_as_ours() -> None:
    class Slow(alloy.Scripted):
        async def stream(self, request: Any) -> Any:
            raise TimeoutError("the name server is silent")
            yield

    result = alloy.run("go", model=Slow([]), request_timeout=None, max_retries=0, check=False)
    assert "the name server is silent" in str(result.error)


@pytest.mark.parametrize("when", ["before", "while it is made"])
def test_ctrl_c_of_an_awaited_run_is_not_taken_for_the_runs_own_end(when: str) -> None:
    """`asyncio.run` cancels its task, which may be at work just then: `Cancelled` came of it, or a result."""

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None

        def make(_: Any) -> Execution:
            if when != "before":
                task.cancel()
            return Execution(RunState("x", make_options({"model": alloy.Scripted(["said"])})))

        if when == "before":
            task.cancel()
        await run_awaited(make, check=False)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


@pytest.mark.parametrize("begin", ["enqueue", "claim"])
def test_an_interrupt_as_an_agent_begins_does_not_leave_it_busy(monkeypatch: pytest.MonkeyPatch, begin: str) -> None:
    """The run had its turn and was never launched: the agent was at work for ever."""
    agent = alloy.Agent(model=alloy.Scripted(["said"]))
    with monkeypatch.context() as patch:
        taken = Dialogue._begin

        def interrupted(self: Dialogue, execution: Execution) -> None:
            taken(self, execution)
            raise KeyboardInterrupt

        patch.setattr(Dialogue, "_begin", interrupted)
        with pytest.raises(KeyboardInterrupt):
            getattr(agent.dialogue, begin)(agent.dialogue.make("x", {}))
    assert agent.chat("x").text == "said"


def test_an_interrupt_wherever_it_lands_in_a_wait_for_the_stop_leaves_it_free() -> None:
    """A tool on the main thread waited by an `Event`, which that left locked: the stop held up the loop of all runs."""
    place, interrupted = 0, True
    while interrupted:
        token = CancelToken()
        interrupted = is_interrupted(lambda token=token: token.wait(0.001), place)
        stop = threading.Thread(target=token.set, daemon=True)
        stop.start()
        stop.join(20)
        assert not stop.is_alive(), f"at place {place}"
        assert token.wait(20)
        place += 1
    assert place > 1


def test_an_interrupt_wherever_it_lands_in_a_publish_leaves_the_bus_at_work() -> None:
    """Nothing was delivered any more when it landed before the thread that delivers had begun."""
    place, interrupted = 0, True
    while interrupted:
        bus, heard = alloy.PubSub(), threading.Event()
        bus.subscribe("a", lambda message, heard=heard: message == "after" and heard.set())
        interrupted = is_interrupted(lambda bus=bus: bus.publish("a", "interrupted"), place)
        threading.Thread(target=bus.publish, args=("a", "after"), daemon=True).start()
        assert heard.wait(20), f"at place {place}"
        assert bus.flush(20)
        place += 1
    assert place > 3


def test_all_who_wait_for_a_stop_hear_of_it() -> None:
    token = CancelToken()
    waiting = [threading.Thread(target=token.wait, daemon=True) for _ in range(5)]
    for thread in waiting:
        thread.start()
    token.set()
    for thread in waiting:
        thread.join(20)
    assert not any(thread.is_alive() for thread in waiting)
    assert not CancelToken().wait(0.001)
