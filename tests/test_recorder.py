"""Conversations that are stored as they grow, and gone on with."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.recorder import fold_records
from tests.histories import open_calls

USAGE = {"input_tokens": 10, "output_tokens": 5}


def kinds(store: alloy.SessionStore, name: str = "s") -> list[str]:
    return [str(record["kind"]) for record in store.read(name)]


def stored(store: alloy.SessionStore, name: str = "s") -> alloy.Session:
    return fold_records(name, store.read(name))


@pytest.fixture(params=["memory", "sqlite"])
def store(request: Any, tmp_path: Path) -> alloy.SessionStore:
    return alloy.MemoryStore() if request.param == "memory" else alloy.SQLiteStore(tmp_path / "s.sqlite")


def test_a_run_goes_on_with_what_was_stored_under_its_session(store: alloy.SessionStore) -> None:
    model = alloy.Scripted([{"text": "Hello, Ann.", "usage": USAGE}, {"text": "Ann.", "usage": USAGE}])
    alloy.run("I am Ann.", model=model, session="s", store=store)
    result = asyncio.run(alloy.arun("Who am I?", model=model, session="s", store=store))
    assert [m.text for m in model.requests[1].messages] == ["I am Ann.", "Hello, Ann.", "Who am I?"]
    session = stored(store)
    assert session.messages == result.messages
    assert session.usage == alloy.Usage(20, 10)


def test_what_is_stored_grows_by_what_is_new(store: alloy.SessionStore) -> None:
    """Law 15: nothing is written twice."""
    model = alloy.Scripted([{"text": "a", "usage": USAGE}, {"text": "b", "usage": USAGE}])
    alloy.run("x", model=model, session="s", store=store)
    assert kinds(store) == ["message", "message", "usage"]
    alloy.run("y", model=model, session="s", store=store)
    assert kinds(store) == ["message", "message", "usage"] * 2


def test_the_question_is_safe_before_the_model_is_asked_and_the_call_before_its_tool_runs() -> None:
    """A kernel that dies in the middle has lost neither."""
    store = alloy.MemoryStore()
    seen: list[int] = []

    def messages() -> int:
        return kinds(store).count("message")

    class Look(alloy.Middleware):
        def before_completion(self, ctx: Any) -> None:
            seen.append(messages())

    @alloy.tool
    def look() -> str:
        """Look."""
        seen.append(messages())
        return "ok"

    model = alloy.Scripted([{"tool_calls": [{"name": "look", "input": {}}]}, "done"])
    alloy.run("x", model=model, tools=[look], middleware=[Look()], session="s", store=store)
    assert seen == [1, 2, 3]


def test_an_agent_resumes_in_another_process(tmp_path: Path) -> None:
    """What a kernel restart is: another process, the same name of a session. SES-w1"""
    path = tmp_path / "s.sqlite"
    code = f"""
        import alloy_nb as alloy
        note = {{"name": "scratchpad", "input": {{"action": "write", "key": "k", "value": "v"}}}}
        usage, store = {USAGE}, alloy.SQLiteStore({str(path)!r})
        model = alloy.Scripted([{{"tool_calls": [note], "usage": usage}}, {{"text": "Hello, Ann.", "usage": usage}}])
        agent = alloy.Agent(model=model, tools=["scratchpad"], session="analysis", store=store)
        agent.chat("I am Ann.")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
    model = alloy.Scripted(["Ann."])
    agent = alloy.Agent(model=model, session="analysis", store=alloy.SQLiteStore(path))
    assert agent.session_id == "analysis"
    assert agent.usage == alloy.Usage(20, 10)
    assert agent.export_session().notes == {"k": "v"}
    assert agent.chat("Who am I?").text == "Ann."
    assert model.requests[0].messages[0].text == "I am Ann."
    assert len(stored(alloy.SQLiteStore(path), "analysis").messages) == 6


def test_undo_and_reset_are_stored_too(store: alloy.SessionStore) -> None:
    agent = alloy.Agent(model=alloy.Scripted(["a", "b", "c"]), session="s", store=store)
    agent.chat("x")
    agent.chat("y")
    agent.undo_turn()
    assert stored(store).messages == agent.messages
    agent.reset()
    assert stored(store).messages == ()
    agent.chat("z")
    assert [m.text for m in stored(store).messages] == ["z", "c"]


def test_a_prompt_that_was_taken_back_is_taken_back_there(store: alloy.SessionStore) -> None:
    error = {"error": {"type": "AuthError", "message": "wrong key"}}
    agent = alloy.Agent(model=alloy.Scripted(["a", error]), session="s", store=store)
    agent.chat("x")
    agent.chat("y", check=False)
    assert kinds(store)[-2:] == ["message", "cut"]
    assert stored(store).messages == agent.messages


def test_what_a_hook_changed_is_stored_as_it_was_changed(store: alloy.SessionStore) -> None:
    class Veil(alloy.Middleware):
        def before_completion(self, ctx: Any) -> None:
            if ctx.turn == 0 and len(ctx.messages) > 2:
                ctx.messages = (ctx.messages[0], alloy.Message.assistant("changed"), *ctx.messages[2:])

    agent = alloy.Agent(model=alloy.Scripted(["a", "b"]), session="s", store=store, middleware=[Veil()])
    agent.chat("x")
    agent.chat("y")
    assert [m.text for m in stored(store).messages] == ["x", "changed", "y", "b"]
    assert stored(store).messages == agent.messages


def test_what_waits_for_a_decision_waits_there(store: alloy.SessionStore) -> None:
    @alloy.tool(requires_approval=True)
    def launch(what: str) -> str:
        """Launch."""
        return f"launched {what}"

    calls = [{"name": "launch", "input": {"what": what}} for what in ("one", "two")]
    model = alloy.Scripted([{"tool_calls": calls}, "done"])
    options: dict[str, Any] = {"model": model, "tools": [launch], "approval": "pause", "session": "s", "store": store}
    alloy.Agent(**options).chat("x")
    again = alloy.Agent(**options)
    assert (again.health().status, len(again.pending)) == ("waiting", 2)
    again.resume({again.pending[1].id: True})
    third = alloy.Agent(**options)
    assert third.resume({third.pending[0].id: True}).text == "done"
    assert [part.text for part in stored(store).messages[2].tool_results] == ["launched one", "launched two"]


def test_a_cancelled_run_is_stored_with_what_it_had_done(store: alloy.SessionStore) -> None:
    agent = alloy.Agent(model=alloy.Scripted([{"text": "one two", "delay_ms": 60_000}]), session="s", store=store)
    run = agent.send("x")
    run.cancel()
    run.result(check=False)
    assert stored(store).messages == agent.messages
    assert open_calls(stored(store).messages) == []


def test_a_conversation_and_messages_beside_it_are_a_mistake(store: alloy.SessionStore) -> None:
    before = [alloy.Message.user("x"), alloy.Message.assistant("a")]
    alloy.run("y", model=alloy.Scripted(["b"]), session="s", store=store, messages=before)
    assert len(stored(store).messages) == 4
    with pytest.raises(alloy.ConfigError, match="has a conversation already"):
        alloy.run("z", model=alloy.Scripted(["c"]), session="s", store=store, messages=before)


def test_keys_are_stored_nowhere(store: alloy.SessionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 14"""
    monkeypatch.setenv("SOME_API_KEY", "verysecret-4711")
    alloy.run("my key is verysecret-4711", model=alloy.Scripted(["noted"]), session="s", store=store)
    assert "verysecret" not in str(store.read("s"))


def test_a_fork_is_not_stored(store: alloy.SessionStore) -> None:
    agent = alloy.Agent(model=alloy.Scripted(["a", "b"]), session="s", store=store)
    agent.chat("x")
    agent.fork().chat("y")
    assert [m.text for m in stored(store).messages] == ["x", "a"]


class Flaky(alloy.MemoryStore):
    """A store whose disk is full for a while."""

    full = False

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
        if self.full:
            raise alloy.SessionError("no room")
        super().append(session_id, records, after=after)


def test_what_could_not_be_stored_is_told_and_made_good_by_the_next_attempt(caplog: Any) -> None:
    store = Flaky()
    agent = alloy.Agent(model=alloy.Scripted(["a", "b"]), session="s", store=store)
    store.full = True
    with caplog.at_level(logging.ERROR, "alloy_nb"):
        assert agent.chat("x").text == "a"
    assert "could not be stored: no room" in caplog.text
    store.full = False
    agent.chat("y")
    assert stored(store).messages == agent.messages


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "message"},
        {"kind": "cut", "to": "x"},
        {"kind": "message", "message": 3},
        {"kind": "result"},
        {"kind": "result", "result": {"type": "image"}},
        {"kind": "metadata", "metadata": 3},
    ],
)
def test_records_that_were_changed_by_something_else_are_said(record: dict[str, Any]) -> None:
    store = alloy.MemoryStore()
    store.append("s", [{"v": 1, **record}])
    with pytest.raises(alloy.SessionError, match="cannot be read"):
        alloy.Agent(model=alloy.Scripted(["a"]), session="s", store=store)


def test_records_of_a_newer_version_are_refused_and_unknown_kinds_passed_over() -> None:
    store = alloy.MemoryStore()
    store.append("s", [{"v": 1, "kind": "something new"}])
    assert stored(store).messages == ()
    store.append("s", [{"v": 2, "kind": "message"}])
    with pytest.raises(alloy.SessionError, match="newer"):
        stored(store)


def test_what_is_no_name_and_what_is_no_store_is_said() -> None:
    for wrong in (
        {"session": ""},
        {"session": 3},
        {"session": "schedule:mine"},
        {"session": "s", "store": "file.db"},
        {"session": "s", "store": alloy.MemoryStore},
    ):
        with pytest.raises(alloy.ConfigError):
            alloy.run("x", model=alloy.Scripted(["a"]), **wrong)  # type: ignore[arg-type]


def test_by_default_it_is_in_the_users_data_folder_and_opened_only_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    alloy.run("x", model=alloy.Scripted(["a"]))
    assert not (tmp_path / "data").exists()
    alloy.run("x", model=alloy.Scripted(["a"]), session="s")
    assert (tmp_path / "data" / "sessions.sqlite").stat().st_mode & 0o777 == 0o600
    assert alloy.SQLiteStore().list()[0].id == "s"


def test_who_names_no_store_shares_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each agent had files of its own open: with 500 of them there were too many for a process."""
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "here"))
    first = alloy.Sessions().store
    agents = [alloy.Agent(model=alloy.Scripted(["a"]), session=f"s{number}") for number in range(3)]
    for agent in agents:
        agent.chat("x")
    assert alloy.Sessions().store is first
    assert len(first.list()) == 3
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "there"))
    assert alloy.Sessions().list() == []


def test_a_store_that_cannot_be_read_is_told_as_one_that_cannot_be_written() -> None:
    """What somebody's store raised came out as it was, without a hint."""

    class Broken(alloy.MemoryStore):
        def read(self, session_id: str) -> list[dict[str, Any]]:
            raise OSError("no network")

    with pytest.raises(alloy.SessionError, match="OSError: no network"):
        alloy.run("x", model=alloy.Scripted(["a"]), session="s", store=Broken())


@pytest.mark.parametrize("given", [None, {}, iter(())])
def test_a_store_that_gives_no_records_is_said(given: Any) -> None:
    class Async(alloy.MemoryStore):
        async def read(self, session_id: str) -> Any:  # type: ignore[override]
            return []

    class Other(alloy.MemoryStore):
        def read(self, session_id: str) -> Any:
            return given

    for store in (Async(), Other()):
        with pytest.raises(alloy.SessionError, match="in place of a session's records"):
            alloy.run("x", model=alloy.Scripted(["a"]), session="s", store=store)


class Slow(alloy.MemoryStore):
    """A store that takes its time."""

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
        time.sleep(0.05)
        super().append(session_id, records, after=after)


def test_a_queued_run_that_is_cancelled_stores_nothing() -> None:
    """It wrote the conversation as it was when it was queued over what had been said since."""
    go = threading.Event()

    @alloy.tool
    def hold() -> str:
        """Wait."""
        go.wait(20)
        return "held"

    store = Slow()
    model = alloy.Scripted([{"tool_calls": [{"name": "hold", "input": {}}]}, "important answer"])
    agent = alloy.Agent(model=model, tools=[hold], session="s", store=store, max_pending=2)
    first = agent.send("x")
    second = agent.send("y")
    assert agent.cancel(second.run_id)
    go.set()
    first.result()
    second.result(check=False)
    assert [m.text for m in agent.messages if m.text] == ["x", "important answer"]
    assert stored(store).messages == agent.messages
    assert stored(store).usage == agent.usage


def test_a_call_that_had_begun_when_the_process_ended_does_not_run_again() -> None:
    """Section 6 of the contract: its outcome is unknown, and the model is told so."""
    store, ran = alloy.MemoryStore(), []

    @alloy.tool
    def pay() -> str:
        """Pay."""
        ran.append("pay")
        return "paid"

    @alloy.tool(idempotent=True)
    def look() -> str:
        """Look."""
        ran.append("look")
        return "seen"

    calls = [alloy.ToolCall("c1", "pay"), alloy.ToolCall("c2", "look"), alloy.ToolCall("c3", "pay")]
    for message in (alloy.Message.user("x"), alloy.Message.assistant(calls)):
        store.append("s", [{"v": 1, "kind": "message", "message": message.to_dict()}])
    store.append("s", [{"v": 1, "kind": "started", "id": "c1"}, {"v": 1, "kind": "started", "id": "c2"}])
    agent = alloy.Agent(model=alloy.Scripted(["done"]), tools=[pay, look], session="s", store=store)
    assert [call.id for call in agent.pending] == ["c2", "c3"]
    agent.resume({})
    texts = [part.text for part in agent.messages[2].tool_results]
    assert "outcome is unknown" in texts[0]
    assert texts[1:] == ["seen", "paid"]
    assert sorted(ran) == ["look", "pay"]


def test_a_call_that_had_begun_is_not_said_to_be_not_run_when_the_user_goes_on() -> None:
    """One of an idempotent tool was, where the user asked something else in place of going on."""
    calls = [alloy.ToolCall("c1", "look"), alloy.ToolCall("c2", "look")]

    @alloy.tool(idempotent=True)
    def look() -> str:
        """Look."""
        raise AssertionError("it ran")

    def told(ask: Callable[[Any, alloy.MemoryStore], Any]) -> list[str]:
        store, model = alloy.MemoryStore(), alloy.Scripted(["done"])
        for message in (alloy.Message.user("x"), alloy.Message.assistant(calls)):
            store.append("s", [{"v": 1, "kind": "message", "message": message.to_dict()}])
        store.append("s", [{"v": 1, "kind": "started", "id": "c1"}])
        ask(model, store)
        return [result.text for result in model.requests[0].messages[2].tool_results]

    for ask in (
        lambda model, store: alloy.run("y", model=model, tools=[look], session="s", store=store),
        lambda model, store: alloy.Agent(model=model, tools=[look], session="s", store=store).chat("y"),
    ):
        begun, waiting = told(ask)
        assert "outcome is unknown" in begun
        assert "Not run" in waiting


def test_a_call_that_had_ended_beside_one_that_had_not_has_its_result() -> None:
    """Of a turn of two calls the first was done: it was told as of unknown outcome, too."""
    store, ran = alloy.MemoryStore(), []

    @alloy.tool
    def pay(what: str) -> str:
        """Pay."""
        ran.append(what)
        return f"paid {what}"

    calls = [alloy.ToolCall("c1", "pay", {"what": "a"}), alloy.ToolCall("c2", "pay", {"what": "b"})]
    for message in (alloy.Message.user("x"), alloy.Message.assistant(calls)):
        store.append("s", [{"v": 1, "kind": "message", "message": message.to_dict()}])
    done = {"type": "tool_result", "call_id": "c1", "name": "pay", "text": "paid a", "data": {"sum": 3}}
    store.append("s", [{"v": 1, "kind": "started", "id": call} for call in ("c1", "c2")])
    store.append("s", [{"v": 1, "kind": "result", "result": done}])
    model = alloy.Scripted(["noted"])
    alloy.Agent(model=model, tools=[pay], session="s", store=store).chat(None)
    first, second = model.requests[0].messages[-1].tool_results
    assert (first.text, first.data, first.is_error) == ("paid a", {"sum": 3}, False)
    assert "outcome is unknown" in second.text
    assert ran == []


def test_results_are_stored_while_other_calls_of_the_turn_go_on(store: alloy.SessionStore) -> None:
    seen: list[list[str]] = []

    @alloy.tool
    def quick() -> str:
        """Come back at once."""
        return "quick"

    @alloy.tool
    def slow() -> str:
        """Wait until the other one is stored."""
        for _ in range(2000):
            if "result" in kinds(store):
                break
            time.sleep(0.01)
        seen.append(kinds(store))
        return "slow"

    calls = [{"name": "slow", "input": {}}, {"name": "quick", "input": {}}]
    model = alloy.Scripted([{"tool_calls": calls}, "done"])
    alloy.run("x", model=model, tools=[quick, slow], session="s", store=store)
    assert seen[0].count("result") == 1
    result = next(record["result"] for record in store.read("s") if record["kind"] == "result")
    assert result["text"] == "quick"
    assert [part.text for part in stored(store).messages[2].tool_results] == ["slow", "quick"]


def test_what_is_known_of_a_call_is_not_told_of_another_one_with_its_id() -> None:
    """Services count anew: after a rewind an id comes again."""
    store, ran = alloy.MemoryStore(), []

    @alloy.tool
    def pay(what: str) -> str:
        """Pay."""
        ran.append(what)
        return f"paid {what}"

    def asked(what: str) -> list[dict[str, Any]]:
        call = alloy.ToolCall("c1", "pay", {"what": what})
        messages = (alloy.Message.user("x"), alloy.Message.assistant(call))
        return [{"v": 1, "kind": "message", "message": message.to_dict()} for message in messages]

    done = {"type": "tool_result", "call_id": "c1", "name": "pay", "text": "paid a"}
    known = [{"v": 1, "kind": "started", "id": "c1"}, {"v": 1, "kind": "result", "result": done}]
    store.append("s", [*asked("a"), *known, {"v": 1, "kind": "cut", "to": 0}, *asked("b")])
    agent = alloy.Agent(model=alloy.Scripted(["noted"]), tools=[pay], session="s", store=store)
    assert [call.id for call in agent.pending] == ["c1"]
    agent.resume({})
    assert agent.messages[2].tool_results[0].text == "paid b"
    assert ran == ["b"]


def test_a_result_that_could_not_be_stored_alone_is_stored_with_its_turn(caplog: Any) -> None:
    class Picky(alloy.MemoryStore):
        def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
            if any(record["kind"] == "result" for record in records):
                raise OSError("no room")
            super().append(session_id, records, after=after)

    @alloy.tool
    def look() -> str:
        """Look."""
        return "seen"

    picky = Picky()
    model = alloy.Scripted([{"tool_calls": [{"name": "look", "input": {}}] * 2}, "done"])
    with caplog.at_level(logging.ERROR, "alloy_nb"):
        assert alloy.run("x", model=model, tools=[look], session="s", store=picky).text == "done"
    assert "could not be stored: no room" in caplog.text
    assert [part.text for part in stored(picky).messages[2].tool_results] == ["seen", "seen"]


def test_that_a_call_begins_is_stored_before_it_runs(store: alloy.SessionStore) -> None:
    seen: list[list[str]] = []

    @alloy.tool
    def look() -> str:
        """Look."""
        seen.append(kinds(store))
        return "ok"

    model = alloy.Scripted([{"tool_calls": [{"name": "look", "input": {}}]}, "done"])
    alloy.run("x", model=model, tools=[look], session="s", store=store)
    assert seen[0][-1] == "started"


def test_two_who_go_on_with_one_session_do_not_erase_each_other(store: alloy.SessionStore) -> None:
    """A failure or an undo of the one took away what the other had stored."""
    error = {"error": {"type": "AuthError", "message": "wrong key"}}
    one = alloy.Agent(model=alloy.Scripted(["a", "never"]), session="s", store=store)
    other = alloy.Agent(model=alloy.Scripted([error, "never"]), session="s", store=store)
    one.chat("x")
    with pytest.raises(alloy.SessionConflict) as caught:
        other.chat("y")
    assert caught.value.hint
    assert [m.text for m in stored(store).messages] == ["x", "a"]
    again = alloy.Agent(model=alloy.Scripted(["b"]), session="s", store=store)
    again.chat("z")
    with pytest.raises(alloy.SessionConflict):
        one.undo_turn()
    assert [m.text for m in stored(store).messages] == ["x", "a", "z", "b"]


def test_a_time_limit_around_a_stored_chat_is_a_time_limit() -> None:
    """The cancellation was counted twice, and `asyncio.timeout` did not know its own."""

    async def main() -> None:
        agent = alloy.Agent(model=alloy.Scripted([{"text": "a b", "delay_ms": 60_000}]), session="s", store=Slow())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await agent.achat("x")
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    asyncio.run(main())


def test_tools_do_nothing_of_which_nobody_would_know() -> None:
    ran: list[int] = []

    @alloy.tool
    def act() -> str:
        """Act."""
        ran.append(1)
        return "done"

    class Full(alloy.MemoryStore):
        def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
            raise alloy.SessionError("no room")

    model = alloy.Scripted([{"tool_calls": [{"name": "act", "input": {}}]}, "never"])
    result = alloy.run("x", model=model, tools=[act], session="s", store=Full(), check=False)
    assert isinstance(result.error, alloy.SessionError)
    assert ran == []
    assert open_calls(result.messages) == []


def test_a_fork_may_have_a_session_of_its_own(store: alloy.SessionStore) -> None:
    agent = alloy.Agent(model=alloy.Scripted(["a", "b"]), session="s", store=store)
    agent.chat("x")
    branch = agent.fork(session="branch", store=store)
    branch.chat("y")
    assert [m.text for m in stored(store, "branch").messages] == ["x", "a", "y", "b"]
    assert [m.text for m in stored(store).messages] == ["x", "a"]
    with pytest.raises(alloy.ConfigError, match="begins with this conversation"):
        agent.fork(messages=[])


def test_a_session_from_elsewhere_is_stored_with_what_it_had_used(store: alloy.SessionStore) -> None:
    session = alloy.Session(
        messages=(alloy.Message.user("x"), alloy.Message.assistant("a")), usage=alloy.Usage(1000, 0)
    )
    model = alloy.Scripted([{"text": "b", "usage": USAGE}])
    agent = alloy.Agent.from_session(session, model=model, session="s", store=store)
    agent.chat("y")
    assert stored(store).usage == agent.usage == alloy.Usage(1010, 5)


def test_a_view_is_stored_again_when_only_thoughts_before_its_end_went(store: alloy.SessionStore) -> None:
    """Else whoever goes on with the session pays for another summary, and is sent what was left out."""
    from alloy_nb.context.condensed import Condensed
    from alloy_nb.recorder import Recorder

    signed = alloy.Message.assistant([alloy.Thinking("Hm", "signature"), alloy.Text("Yes.")])
    history = (alloy.Message.user("a"), signed, alloy.Message.user("b"))
    view = Condensed(2, (history[0], alloy.Message.assistant("Yes.")))
    recorder = Recorder(store, "s")
    recorder.sync(history, {}, view=view)
    assert stored(store).view == view
    unsigned = (history[0], alloy.Message.assistant("Yes."), history[2])
    recorder.sync(unsigned, {}, view=view)
    assert (stored(store).messages, stored(store).view) == (unsigned, view)
    recorder.sync(unsigned, {}, view=view)
    assert kinds(store).count("compaction") == 2
