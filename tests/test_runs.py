"""The rules of running: blocking, awaited, in the background; cancelled and interrupted; threads and loops."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.providers.base import TextDelta
from alloy_nb.tools.workers import MAIN, abandoned_count
from tests.histories import assert_law_1, assert_law_3

SLOW = {"text": "one two three four", "delay_ms": 60_000}


def scripted(*lines: dict[str, Any]) -> alloy.Scripted:
    return alloy.Scripted(list(lines))


def call(name: str, **input: Any) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "input": input}]}


def wait_until(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


# -- the three ways ---------------------------------------------------------------------------------------------------


def test_run_works_inside_a_running_loop() -> None:
    """RUN-1: `run` blocks, also when the caller's thread has a running loop (a notebook cell)."""

    async def cell() -> str:
        return alloy.run("x", model=scripted({"text": "yes"})).text

    assert asyncio.run(cell()) == "yes"


def test_arun_runs_on_the_callers_loop() -> None:
    """Async tools may use what belongs to the caller's loop."""
    loops: list[Any] = []

    @alloy.tool
    async def where() -> str:
        """Where."""
        loops.append(asyncio.get_running_loop())
        return "here"

    async def main() -> None:
        await alloy.arun("x", model=scripted(call("where"), {"text": "ok"}), tools=[where])
        assert loops == [asyncio.get_running_loop()]

    asyncio.run(main())


def test_start_returns_at_once_and_runs_on_the_portal() -> None:
    """APP-1"""
    threads: list[str] = []

    @alloy.tool
    async def where() -> str:
        """Where."""
        threads.append(threading.current_thread().name)
        return "here"

    run = alloy.start("x", model=scripted(call("where"), {"text": "ok"}), tools=[where])
    assert run.result().text == "ok"
    assert threads == ["alloy-portal"]


def test_a_sync_call_on_the_portal_raises_at_once() -> None:
    """It would wait for itself for ever; the error says what to write instead."""

    @alloy.tool
    async def nested() -> str:
        """Nested."""
        return alloy.run("inner", model=scripted({"text": "x"})).text

    result = alloy.run("x", model=scripted(call("nested"), {"text": "ok"}), tools=[nested])
    (part,) = result.messages[2].tool_results
    assert part.is_error
    assert "alloy's own event loop" in part.text


def test_a_nested_run_inside_a_sync_tool_does_not_deadlock() -> None:
    @alloy.tool
    def nested() -> str:
        """Nested."""
        return alloy.run("inner", model=scripted({"text": "deep"})).text

    result = alloy.run("x", model=scripted(call("nested"), {"text": "ok"}), tools=[nested])
    assert result.messages[2].tool_results[0].text == "deep"


def test_a_nested_run_inside_a_main_thread_tool_does_not_deadlock() -> None:
    @alloy.tool(thread="main")
    def nested() -> str:
        """Nested."""
        assert threading.current_thread() is threading.main_thread()
        inner = alloy.run("inner", model=scripted(call("leaf"), {"text": "deep"}), tools=[leaf])
        return inner.messages[2].tool_results[0].text

    @alloy.tool(thread="main")
    def leaf() -> str:
        """Leaf."""
        assert threading.current_thread() is threading.main_thread()
        return "leaf on main"

    result = alloy.run("x", model=scripted(call("nested"), {"text": "ok"}), tools=[nested])
    assert result.messages[2].tool_results[0].text == "leaf on main"


def test_runs_from_many_threads_at_once() -> None:
    texts: dict[int, str] = {}

    def work(n: int) -> None:
        texts[n] = alloy.run("x", model=scripted({"text": f"answer {n}"})).text

    threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert texts == {n: f"answer {n}" for n in range(20)}


# -- main-thread tools ------------------------------------------------------------------------------------------------


def test_a_main_thread_tool_runs_in_the_pump_of_a_blocking_run() -> None:
    @alloy.tool(thread="main")
    def where() -> str:
        """Where."""
        return threading.current_thread().name

    result = alloy.run("x", model=scripted(call("where"), {"text": "ok"}), tools=[where])
    assert result.messages[2].tool_results[0].text == threading.main_thread().name


def test_a_main_thread_tool_runs_on_the_main_loop_when_nothing_pumps() -> None:
    @alloy.tool(thread="main")
    def where() -> str:
        """Where."""
        return threading.current_thread().name

    async def main() -> Any:
        return await alloy.start("x", model=scripted(call("where"), {"text": "ok"}), tools=[where])

    result = asyncio.run(main())
    assert result.messages[2].tool_results[0].text == threading.main_thread().name


def test_a_main_thread_tool_with_nobody_there_is_a_tool_error_with_a_hint() -> None:
    @alloy.tool(thread="main")
    def where() -> str:
        """Where."""
        return "x"

    run = alloy.start("x", model=scripted(call("where"), {"text": "ok"}), tools=[where])
    while run.status == "running":  # waits, but pumps nothing
        time.sleep(0.001)
    assert "main thread" in run.result().messages[2].tool_results[0].text


def test_a_pump_that_an_interrupt_ended_without_a_word_keeps_no_tool_waiting(monkeypatch: Any) -> None:
    """An interrupt may land between the end of a pump and the note of it."""

    @alloy.tool(thread="main")
    def where() -> str:
        """Where."""
        return "x"

    monkeypatch.setattr("alloy_nb.tools.workers.DOUBT", 0.05)
    MAIN.enter()
    run = alloy.start("x", model=scripted(call("where"), {"text": "ok"}), tools=[where])
    while run.status == "running":  # waits, but pumps nothing
        time.sleep(0.001)
    assert "nothing there waits for it" in run.result().messages[2].tool_results[0].text
    assert MAIN.pumps == 0


def test_frames_of_the_main_thread_are_not_gone_through_while_it_takes_what_comes(monkeypatch: Any) -> None:
    """CPython 3.11 crashed there once in a while."""

    @alloy.tool(thread="main")
    def where() -> str:
        """Where."""
        return "main"

    monkeypatch.setattr(MAIN, "_is_waited_for", None)
    result = alloy.run("x", model=scripted(call("where"), call("where"), {"text": "ok"}), tools=[where])
    assert [found.tool_results[0].text for found in result.messages if found.tool_results] == ["main", "main"]


@pytest.mark.thorough
def test_waiting_for_the_main_thread_is_not_tool_time() -> None:
    """The time limit of a call begins when the tool does."""

    @alloy.tool(thread="main", timeout=0.5)
    def first() -> str:
        """First."""
        return "first"

    async def main() -> Any:
        run = alloy.start("x", model=scripted(call("first"), {"text": "ok"}), tools=[first])
        time.sleep(1.5)  # the main loop is blocked for longer than the tool may take
        return await run

    assert asyncio.run(main()).messages[2].tool_results[0].text == "first"


# -- readers ----------------------------------------------------------------------------------------------------------


def test_several_readers_each_see_every_event() -> None:
    run = alloy.start("x", model=scripted({"text": "a b c d e f"}))
    seen: list[list[alloy.Event]] = []

    def read() -> None:
        seen.append(list(run))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()

    async def read_async() -> None:
        seen.append([event async for event in run])

    asyncio.run(read_async())
    for thread in threads:
        thread.join(20)
    assert len(seen) == 5
    assert all(events == seen[0] for events in seen)
    assert_law_3(seen[0])


def test_a_late_reader_sees_every_event_from_the_first() -> None:
    run = alloy.start("x", model=scripted({"text": "a b"}))
    run.result()
    assert_law_3(list(run))


def test_text_stream_gives_the_chunks_both_ways() -> None:
    run = alloy.start("x", model=scripted({"text": "a b c"}))

    async def collect() -> str:
        return "".join([chunk async for chunk in run.text_stream()])

    assert "".join(run.text_stream()) == asyncio.run(collect()) == "a b c"


def test_iterating_never_raises_and_result_does() -> None:
    run = alloy.start("x", model=scripted({"error": "bad"}), max_retries=0)
    assert list(run)[-1].payload["status"] == "error"
    with pytest.raises(alloy.ProviderError, match="bad"):
        run.result()
    assert run.result(check=False).status == "error"


def test_result_gives_up_waiting_without_ending_the_run() -> None:
    run = alloy.start("x", model=scripted(SLOW))
    with pytest.raises(TimeoutError):
        run.result(timeout=0.02)
    assert run.status == "running"
    assert run.cancel()


# -- callbacks --------------------------------------------------------------------------------------------------------


def heard(way: str) -> tuple[list[str], set[str]]:
    """Event types and the threads they were heard on."""
    types: list[str] = []
    threads: set[str] = set()

    def hear(event: alloy.Event) -> None:
        types.append(event.type)
        threads.add(threading.current_thread().name)

    model = scripted({"text": "a b"})
    if way == "run":
        alloy.run("x", model=model, on_event=hear)
    elif way == "arun":
        asyncio.run(alloy.arun("x", model=model, on_event=hear))
    else:
        alloy.start("x", model=model, on_event=hear).result()
        wait_until(lambda: "run_end" in types)
    return types, threads


def test_callbacks_are_called_in_order_and_never_on_the_portal() -> None:
    """EVT-w2, RUN-w1: on_event was called concurrently, out of order."""
    expected = ["run_start", "turn_start", "text_delta", "text_delta", "usage", "message", "run_end"]
    main = threading.main_thread().name
    for way in ("run", "arun", "start"):
        types, threads = heard(way)
        assert types == expected
        assert len(threads) == 1
        assert "alloy-portal" not in threads
        if way != "start":
            assert threads == {main}


def test_a_callback_that_raises_is_logged_once_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """EVT-w3, SSE-w3: an exception in on_event killed the run, or the text vanished."""

    def bad(_: Any) -> None:
        raise ValueError("my own mistake")

    with caplog.at_level(logging.ERROR, "alloy_nb"):
        result = alloy.run("x", model=scripted({"text": "a b c"}), on_event=bad, on_chunk=bad)
    assert result.text == "a b c"
    assert len(caplog.records) == 1


def test_chunks_are_the_text() -> None:
    """RUN-w1"""
    chunks: list[str] = []
    alloy.run("x", model=scripted({"text": "a b c"}), on_chunk=chunks.append)
    assert "".join(chunks) == "a b c"
    assert len(chunks) > 1


def test_chunks_go_on_after_tools() -> None:
    """TURN-11: streamed, then the tools, then streamed again."""
    chunks: list[str] = []

    @alloy.tool
    def leaf() -> str:
        """Leaf."""
        chunks.append("|")
        return "leaf"

    model = scripted({"text": "let me see ", **call("leaf")}, {"text": "it is a leaf"})
    # Awaited, callbacks are called in line; in a blocking call the tool's thread may be ahead of them.
    asyncio.run(alloy.arun("x", model=model, tools=[leaf], on_chunk=chunks.append))
    assert "".join(chunks) == "let me see |it is a leaf"
    assert len(chunks) > 4


# -- cancelling -------------------------------------------------------------------------------------------------------


def test_cancel_ends_a_run_and_result_raises_cancelled() -> None:
    run = alloy.start("x", model=scripted(SLOW))
    assert run.cancel()
    with pytest.raises(alloy.Cancelled) as caught:
        run.result()
    assert caught.value.result is not None
    assert caught.value.result.status == "cancelled"
    assert not run.cancel()


def test_cancel_before_the_run_began_still_closes_it() -> None:
    for _ in range(50):
        run = alloy.start("x", model=scripted({"text": "a"}))
        run.cancel()
        assert run.result(check=False).status in ("cancelled", "completed")
        assert_law_3(list(run))


def test_cancelling_the_task_that_awaits_does_not_cancel_a_started_run() -> None:
    async def main() -> None:
        run = alloy.start("x", model=scripted(SLOW))

        async def wait() -> Any:
            return await run

        task = asyncio.create_task(wait())
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert run.status == "running"
        run.cancel()
        with pytest.raises(alloy.Cancelled):
            await run

    asyncio.run(main())


def test_cancelling_arun_cancels_its_work_and_reraises() -> None:
    """RUN-w1"""
    tokens: list[Any] = []

    @alloy.tool
    async def nap(ctx: alloy.ToolContext) -> str:
        """Sleep."""
        tokens.append(ctx.cancelled)
        await asyncio.sleep(60)
        return "x"

    async def main() -> None:
        task = asyncio.create_task(alloy.arun("x", model=scripted(call("nap")), tools=[nap]))
        while not tokens:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert tokens[0].is_set()

    asyncio.run(main())


def test_asyncio_timeout_works_around_arun() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await alloy.arun("x", model=scripted(SLOW))
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    asyncio.run(main())


def test_a_task_group_around_arun_cancels_its_siblings() -> None:
    async def fail() -> None:
        await asyncio.sleep(0.02)
        raise ValueError("first")

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(alloy.arun("x", model=scripted(SLOW)))
            group.create_task(fail())

    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            await both()
        assert [type(error) for error in caught.value.exceptions] == [ValueError]

    asyncio.run(main())


def test_cancel_during_a_tool_gives_every_call_a_result() -> None:
    """Law 1, after a stop in the middle of several tools."""
    begun = threading.Event()

    @alloy.tool
    async def nap() -> str:
        """Sleep."""
        begun.set()
        await asyncio.sleep(60)
        return "x"

    @alloy.tool
    def quick() -> str:
        """Quick."""
        return "quick"

    calls = {"tool_calls": [{"name": "quick", "input": {}}, {"name": "nap", "input": {}}]}
    run = alloy.start("x", model=scripted(calls), tools=[nap, quick])
    assert begun.wait(10)
    for event in run:
        if event.type == "tool_end":
            break
    run.cancel()
    result = run.result(check=False)
    assert_law_1(result)
    first, second = result.messages[2].tool_results
    assert first.text == "quick"
    assert second.text.startswith("Cancelled")


def test_a_stuck_sync_tool_is_abandoned_counted_and_told() -> None:
    release = threading.Event()

    @alloy.tool(timeout=0.05)
    def stuck() -> str:
        """Stuck."""
        release.wait(30)
        return "late"

    before = abandoned_count()
    result = alloy.run("x", model=scripted(call("stuck"), {"text": "ok"}), tools=[stuck])
    assert "timed out" in result.messages[2].tool_results[0].text
    assert abandoned_count() == before + 1
    release.set()
    wait_until(lambda: abandoned_count() == before)


INTERRUPTED = """
import os, signal, threading
import alloy_nb as alloy

@alloy.tool
def double(n: int) -> int:
    "Double."
    return 2 * n

def interrupt_at_the_second_turn(event):
    if event.type == "turn_start" and event.turn == 2:
        threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()

slow = {"text": "late", "delay_ms": 60000}
model = alloy.Scripted([{"tool_calls": [{"name": "double", "input": {"n": 1}}]}, slow, {"text": "back"}])
try:
    alloy.run("x", model=model, tools=[double], on_event=interrupt_at_the_second_turn)
except KeyboardInterrupt as interrupt:
    cause = interrupt.__cause__
    assert isinstance(cause, alloy.Cancelled), cause
    result = cause.result
    assert result.status == "cancelled", result
    assert len(result.tool_calls) == 1
    print([message.role for message in result.messages])
print(alloy.run("again", model=model, messages=result.messages).text)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as on Unix")
def test_an_interrupt_cancels_run_reraises_and_the_next_run_works() -> None:
    """Ctrl-C in a blocking `run`: KeyboardInterrupt, from a Cancelled that carries the partial result."""
    done = in_python(INTERRUPTED)
    assert done.stdout.splitlines() == ["['user', 'assistant', 'user']", "back"], done.stderr


# -- processes, exits, loops ------------------------------------------------------------------------------------------


def in_python(code: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout, check=False)


def test_the_process_ends_although_a_run_and_a_stuck_tool_go_on() -> None:
    """At exit runs are cancelled; worker threads are daemons, so that a stuck tool does not hold the exit."""
    code = """
import time, alloy_nb as alloy
@alloy.tool
def stuck() -> str:
    "Stuck."
    time.sleep(600)
run = alloy.start("x", model=alloy.Scripted([{"tool_calls": [{"name": "stuck", "input": {}}]}]), tools=[stuck])
for event in run:
    if event.type == "tool_start":
        break
print("leaving")
"""
    done = in_python(code)
    assert (done.returncode, done.stdout) == (0, "leaving\n"), done.stderr


@pytest.mark.thorough
@pytest.mark.skipif(os.name == "nt", reason="bash is not there on Windows")
def test_at_exit_process_groups_are_killed(tmp_path: Any) -> None:
    code = f"""
import alloy_nb as alloy
script = "echo $$ > {tmp_path}/pid; sleep 600 & sleep 600"
model = alloy.Scripted([{{"tool_calls": [{{"name": "bash", "input": {{"command": script}}}}]}}])
run = alloy.start("x", model=model, tools=["bash"], approval="auto")
import os, time
while not os.path.exists("{tmp_path}/pid") or not open("{tmp_path}/pid").read().strip():
    time.sleep(0.01)
"""
    done = in_python(code)
    assert done.returncode == 0, done.stderr
    group = int((tmp_path / "pid").read_text())
    wait_until(lambda: not group_alive(group))


def group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_after_a_fork_the_portal_starts_afresh_in_the_child() -> None:
    code = """
import os, sys, warnings, alloy_nb as alloy
warnings.simplefilter("ignore")
assert alloy.run("x", model=alloy.Scripted([{"text": "parent"}])).text == "parent"
pid = os.fork()
if pid == 0:
    text = alloy.run("x", model=alloy.Scripted([{"text": "child"}])).text
    os._exit(0 if text == "child" else 3)
assert os.waitpid(pid, 0)[1] == 0
assert alloy.run("x", model=alloy.Scripted([{"text": "again"}])).text == "again"
"""
    done = in_python(code)
    assert done.returncode == 0, done.stderr


def test_many_loops_leak_neither_threads_nor_tasks() -> None:
    """RUN-1"""

    async def once() -> str:
        return (await alloy.arun("x", model=scripted({"text": "ok"}))).text

    asyncio.run(once())
    before = threading.active_count()
    for _ in range(100):
        assert asyncio.run(once()) == "ok"
    assert threading.active_count() <= before


@pytest.mark.thorough
def test_an_async_tool_that_blocks_the_portal_is_named(caplog: pytest.LogCaptureFixture) -> None:
    @alloy.tool
    async def greedy() -> str:
        """Greedy."""
        time.sleep(1.3)
        return "x"

    with caplog.at_level(logging.WARNING, "alloy_nb"):
        alloy.start("x", model=scripted(call("greedy"), {"text": "ok"}), tools=[greedy]).result()
    assert any("greedy" in record.getMessage() for record in caplog.records)


def test_alloy_events_grows_line_by_line_while_the_run_goes_on(tmp_path: Any, monkeypatch: Any) -> None:
    """ALLOY_EVENTS=PATH appends each envelope as a JSON line as it happens."""
    import json

    path = tmp_path / "events.jsonl"
    monkeypatch.setenv("ALLOY_EVENTS", str(path))
    run = alloy.start("x", model=scripted({"text": "a b", "tool_calls": []}, SLOW), max_turns=1)
    run.result()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == [event.type for event in run]
    slow = alloy.start("x", model=scripted(SLOW))
    wait_until(lambda: len(path.read_text().splitlines()) >= len(lines) + 2)
    assert slow.status == "running"
    slow.cancel()


def test_an_unwritable_alloy_events_is_a_config_error(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setenv("ALLOY_EVENTS", str(tmp_path / "none" / "x.jsonl"))
    with pytest.raises(alloy.ConfigError, match="ALLOY_EVENTS"):
        alloy.run("x", model=scripted({"text": "x"}))


def test_a_tool_that_exits_does_not_end_the_portal() -> None:
    """`sys.exit` in an async tool, a hook or an approval function ended the loop of every run."""

    @alloy.tool
    async def leave() -> str:
        """Leave."""
        sys.exit(3)

    class Hook(alloy.Middleware):
        def after_completion(self, ctx: Any) -> None:
            raise SystemExit(4)

    slow = alloy.start("x", model=scripted({"text": "still here", "delay_ms": 300}))
    result = alloy.run("x", model=scripted(call("leave"), {"text": "ok"}), tools=[leave])
    assert result.messages[2].tool_results[0].text == "Tool crashed: SystemExit: 3"
    assert alloy.run("x", model=scripted({"text": "a"}), middleware=[Hook()], check=False).status == "error"
    assert slow.result(timeout=30).text == "still here"


def test_data_that_json_cannot_say_does_not_end_a_run(tmp_path: Any, monkeypatch: Any) -> None:
    """ALLOY_EVENTS: a tuple as a key, or half a character, ended the run without an end."""
    path = tmp_path / "events.jsonl"
    monkeypatch.setenv("ALLOY_EVENTS", str(path))

    @alloy.tool
    def odd(text: str) -> alloy.ToolResult:
        """Odd."""
        return alloy.ToolResult("x", data={(1, 2): text})

    result = alloy.run("x", model=scripted(call("odd", text="\ud83d"), {"text": "ok"}), tools=[odd])
    assert result.status == "completed"
    assert path.read_text(encoding="utf-8").count("\n") > 5


def test_a_job_survives_a_waiter_that_gives_up() -> None:
    """A tool for the main thread was lost with the time-out of whoever waited, and the run hung for ever."""

    @alloy.tool(thread="main")
    def where() -> str:
        """Where."""
        return "main"

    run = alloy.start("x", model=scripted({**call("where"), "delay_ms": 30}, {"text": "ok"}), tools=[where])
    for _ in range(200):
        try:
            assert run.result(timeout=0.005).text == "ok"
            break
        except TimeoutError:
            continue
    else:
        raise AssertionError("the run never ended")


def test_keys_in_the_dotenv_of_the_working_directory_reach_nobody(tmp_path: Any, monkeypatch: Any) -> None:
    """Law 14: an allowed `cat .env` handed the model keys that no run had used."""
    monkeypatch.delenv("ALLOY_DOTENV")
    (tmp_path / ".env").write_text("ANTHROPIC_API_KEY=dotenv-canary-1\nDB_PASSWORD='dotenv-canary-2'\n")
    model = scripted(call("read", file_path=".env"), {"text": "ok"})
    result = alloy.run("x", model=model, tools=["read"], approval="auto", working_directory=tmp_path)
    assert "[redacted]" in result.tool_calls[0].output
    assert "dotenv-canary" not in repr(result)


def test_who_hears_a_run_has_the_question_before_it_is_put() -> None:
    heard: set[str] = set()
    put: list[tuple[str, bool]] = []

    def hear(event: alloy.Event) -> None:
        if event.type == "approval_request":
            heard.add(event.payload["id"])

    def allow(call: Any, ctx: Any) -> bool:
        put.append((call.id, call.id in heard))
        return True

    calls = [{"name": "guarded", "input": {}}] * 3
    for _ in range(20):
        model = alloy.Scripted([{"tool_calls": calls}, "done"])
        asyncio.run(alloy.arun("go", model=model, tools=[guarded], approval=allow, on_event=hear))
    assert len(put) == 60
    assert all(known for _, known in put)


@alloy.tool(requires_approval=True)
def guarded() -> str:
    """Asks first."""
    return "done"


@pytest.mark.parametrize(
    ("words", "hint"), [("", "nothing was said yet; ask again"), ("Half an answer", "the partial answer is kept")]
)
def test_a_stopped_run_says_that_its_answer_is_kept_where_there_is_one(words: str, hint: str) -> None:
    """It said so of nothing, too."""

    class Stays(alloy.Scripted):
        async def stream(self, request: Any) -> AsyncIterator[Any]:
            if words:
                yield TextDelta(words)
            began.set()
            await asyncio.Event().wait()

    began = threading.Event()
    run = alloy.start("go", model=Stays([]))
    assert began.wait(20)
    run.cancel()
    error = run.result(check=False).error
    assert error is not None
    assert error.hint == hint
