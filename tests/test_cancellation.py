"""A run that is cancelled at each of its awaits in turn: nothing of it is left, and the conversation goes on."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import types
from collections.abc import Callable, Coroutine, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.tools.workers import abandoned_count
from tests.histories import assert_law_1, assert_law_3
from tests.providers.conftest import Reply, Service

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(os.name != "posix", reason="looks at processes as /proc tells them"),
]


class Steps:
    """Counts how often a coroutine waits, and cancels its task when it waits for the `at`-th time."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0

    @types.coroutine
    def drive(self, work: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        send: Callable[[Any], Any] = work.send
        value: Any = None
        while True:
            try:
                waits_for = send(value)
            except StopIteration as end:
                return end.value
            self.count += 1
            if self.count == self.at:
                task = asyncio.current_task()
                assert task is not None
                asyncio.get_running_loop().call_soon(task.cancel)
            try:
                send, value = work.send, (yield waits_for)
            except BaseException as error:
                send, value = work.throw, error


def children() -> set[int]:
    """Processes that we started and that still run."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == os.getpid() and after_name[0] != "Z":
            found.add(int(folder.name))
    return found


def settled(what: Callable[[], bool]) -> bool:
    """Whether it becomes true: a thread or process that was told to end needs a moment."""
    end = time.monotonic() + 10
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def tool_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("alloy-tool-")]


def try_each_await(
    make: Callable[[], dict[str, Any]],
    check: Callable[[], None] = lambda: None,
    check_events: Callable[[Sequence[alloy.Event]], None] = assert_law_3,
) -> int:
    """Run what `make` says, cancelled at its first await, its second …, until it comes to its end by itself."""
    before = children()
    for at in range(1, 1000):
        steps = Steps(at)
        outcome: list[Any] = []
        with asyncio.Runner() as runner:
            runner.run(_cancelled_at(steps, make(), outcome))
        result, events = outcome
        assert_law_1(result)
        check_events(events)
        assert result.status in ("cancelled", "completed"), (at, result.status, result.error)
        assert settled(lambda: children() <= before), f"await {at} left a process behind"
        assert settled(lambda: len(tool_threads()) <= abandoned_count()), f"await {at} left a thread behind"
        check()
        if steps.count < at:
            assert result.status == "completed"
            return at - 1
    raise AssertionError("it never ended")


async def _cancelled_at(steps: Steps, options: dict[str, Any], outcome: list[Any]) -> None:
    from alloy_nb.execution import Execution
    from alloy_nb.options import make_options
    from alloy_nb.state import RunState

    execution = Execution(RunState("go", make_options(options)))
    task = asyncio.ensure_future(steps.drive(execution.drive()))
    await asyncio.wait({task})
    assert settled_soon(task)
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for _ in range(200):  # what was cancelled last needs a turn of the loop to be gone
        if not others:
            break
        await asyncio.sleep(0.01)
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not others, others
    outcome += [execution.settled(), execution.journal.since(0)]


def settled_soon(task: asyncio.Future[Any]) -> bool:
    """It ended as a run ends that was cancelled: by itself, its result there."""
    return task.done() and (task.cancelled() or task.exception() is None)


# -- what is run ------------------------------------------------------------------------------------------------------


@alloy.tool
async def nap(seconds: float = 0.02) -> str:
    """Sleep."""
    await asyncio.sleep(seconds)
    return "rested"


@alloy.tool
def think(seconds: float = 0.02) -> str:
    """Think, in a thread."""
    time.sleep(seconds)
    return "thought"


def call(name: str, **input: Any) -> dict[str, Any]:
    return {"name": name, "input": input}


def model() -> alloy.Scripted:
    calls = [call("nap"), call("think"), call("bash", command="sleep 0.05; echo done"), call("nosuchtool")]
    return alloy.Scripted(
        [{"text": "let me see", "thinking": "hm", "tool_calls": calls}, {"tool_calls": [call("nap")]}, "done"]
    )


class Hooks(alloy.Middleware):
    async def before_completion(self, ctx: Any) -> None:
        await asyncio.sleep(0)

    async def after_completion(self, ctx: Any) -> None:
        await asyncio.sleep(0)

    async def before_tool_call(self, ctx: Any, call: alloy.ToolCall) -> None:
        await asyncio.sleep(0)

    async def after_tool_execution(self, ctx: Any) -> None:
        await asyncio.sleep(0)


async def allow(call: Any, ctx: Any) -> bool:
    await asyncio.sleep(0)
    return True


@pytest.mark.thorough
def test_with_tools_hooks_and_questions() -> None:
    """Laws 1, 3, 11: an async tool, a sync one, a process, an unknown one; hooks and an approval that wait."""

    def make() -> dict[str, Any]:
        return {"model": model(), "tools": [nap, think, "bash"], "approval": allow, "middleware": [Hooks()]}

    assert try_each_await(make) >= 10


@pytest.mark.thorough
def test_with_a_session_that_is_stored() -> None:
    """What was stored is what there is, at whichever moment it was cancelled."""

    async def run_stored(steps: Steps) -> tuple[alloy.Session, alloy.Session]:
        store = alloy.MemoryStore()
        agent = alloy.Agent(model=model(), tools=[nap, think, "bash"], approval="auto", session="s", store=store)
        await asyncio.wait({asyncio.ensure_future(steps.drive(agent.achat("go")))})
        again = alloy.Agent(model=model(), session="s", store=store)
        return agent.export_session(), again.export_session()

    for at in range(1, 1000):
        steps = Steps(at)
        own, stored = asyncio.run(run_stored(steps))
        assert (own.messages, own.usage) == (stored.messages, stored.usage), at
        if steps.count < at:
            return
    raise AssertionError("it never ended")


@pytest.mark.thorough
def test_with_an_agent_within_a_call() -> None:
    """Law 11: cancelling a parent cancels its children and their processes."""

    def make() -> dict[str, Any]:
        inner = alloy.Agent(
            model=alloy.Scripted(
                [{"tool_calls": [call("bash", command="sleep 0.05; echo done"), call("nap")]}, "found"]
            ),
            name="inner",
            tools=["bash", nap],
        )
        outer = alloy.Scripted([{"tool_calls": [call("inner", prompt="find"), call("nap")]}, "done"])
        return {"model": outer, "tools": [inner.as_tool(), nap], "approval": "auto"}

    assert try_each_await(make, check_events=_law_3_of_each_run) >= 5


def _law_3_of_each_run(events: Sequence[alloy.Event]) -> None:
    """For each run of the stream; `seq` rises by one over all of them."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    for run_id in {event.run_id for event in events}:
        types_ = [event.type for event in events if event.run_id == run_id]
        assert (types_[0], types_[-1], types_.count("run_end")) == ("run_start", "run_end", 1), run_id


def test_with_a_service_on_the_wire() -> None:
    """No connection is left open when the loop is gone; none is used again in the middle of an answer."""
    words = [f'data: {{"choices": [{{"index": 0, "delta": {{"content": "w{n} "}}}}]}}\n\n'.encode() for n in range(5)]
    asks = (
        b'data: {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "c1", "function": '
        b'{"name": "nap", "arguments": "{}"}}]}, "finish_reason": "tool_calls"}]}\n\ndata: [DONE]\n\n'
    )
    ends = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    service = Service()

    def make() -> dict[str, Any]:
        service.answers(Reply("busy", 503), Reply(asks), Reply([*words, ends]))
        provider = alloy.OpenAICompatible("m", base_url=service.url)
        return {"model": provider, "tools": [nap], "max_retries": 1}

    def check() -> None:
        assert settled(lambda: service.open == 0), "a connection was left open"

    from alloy_nb.testing import no_delays

    try:
        with no_delays():
            assert try_each_await(make, check) >= 10
    finally:
        service.close()
