"""Runs whose conversation outgrows the window: what is sent then, what is told, and what never changes."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.context.condensed import Condensed
from alloy_nb.context.estimate import history_tokens
from alloy_nb.errors import ContextOverflowError, OverloadedError, ServerError
from alloy_nb.history import open_calls, repair
from alloy_nb.messages import Message
from alloy_nb.providers.base import Done, Request, TextDelta, UsageDelta, WholePart
from alloy_nb.recorder import fold_records
from alloy_nb.testing import Function, no_delays
from tests.histories import assert_law_1, assert_law_3

LONG = "word " * 160  # 200 tokens


def talk(count: int, text: str = LONG) -> tuple[Message, ...]:
    """A conversation of so many questions and answers, each of 200 tokens."""
    pairs = ((Message.user(f"Q{n} {text}"), Message.assistant(f"A{n} {text}")) for n in range(count))
    return tuple(message for pair in pairs for message in pair)


def answers(text: str = "done") -> Function:
    return Function(lambda request: text)


def ask(model: Any, history: Sequence[Message] = (), **options: Any) -> tuple[alloy.Result, list[alloy.Event]]:
    run = alloy.start("And now?", model=model, messages=history, **options)
    result = run.result(check=False)
    events = list(run)
    assert_law_1(result)
    assert_law_3(events)
    return result, events


def told(events: Sequence[alloy.Event], kind: str = "compaction") -> list[Any]:
    return [event.payload for event in events if event.type == kind]


def sent(model: Any, place: int = -1) -> tuple[Message, ...]:
    messages: tuple[Message, ...] = model.requests[place].messages
    assert repair(messages) == messages
    assert not open_calls(messages)
    return messages


# -- when -------------------------------------------------------------------------------------------------------------


def test_what_fits_is_sent_as_it_is() -> None:
    """CMP-1: below the share of the window nothing is done, at it and above it is."""
    history = talk(12)
    size = history_tokens((*history, Message.user("And now?")))
    window = round((size + 100) / 0.9)
    model = answers()
    for spare, compacted in ((0, True), (20, False)):
        result, events = ask(model, history, context_window=window + spare, max_output_tokens=100)
        assert bool(told(events)) == compacted
        assert (sent(model) == result.messages[:-1]) != compacted


def test_the_share_is_the_callers_to_say() -> None:
    """TOK-4"""
    model, history = answers(), talk(12)
    for at, compacted in ((0.3, True), (0.9, False)):
        _, events = ask(model, history, context_window=10_000, compactor=alloy.Compactor(at=at))
        assert bool(told(events)) == compacted


def test_none_turns_it_off() -> None:
    model, history = answers(), talk(40)
    result, events = ask(model, history, context_window=1000, compactor=None)
    assert sent(model) == result.messages[:-1]
    assert not told(events)


def test_system_prompt_tools_and_answer_are_counted() -> None:
    """CMP-w4: each of them alone fills the window that the conversation does not."""

    def tool(text: str) -> str:
        return text

    tool.__doc__ = f"Say it.\n\n{LONG * 15}"
    model, history = answers(), talk(8)
    for options in ({"system_prompt": LONG * 15}, {"tools": [tool]}, {"max_output_tokens": 3000}):
        _, events = ask(model, history, context_window=6500, **options)
        assert told(events), options
    assert not told(ask(model, history, context_window=6500)[1])


def test_what_the_service_reports_corrects_the_estimate() -> None:
    """TOK-w1: a model that counts twice as many tokens is sent half as much."""

    def answer(request: Request) -> Any:
        usage = alloy.Usage(history_tokens(request.messages) * 2, 5)
        return [TextDelta("done"), UsageDelta(usage), Done("end_turn")]

    def until(model: Any) -> int:
        agent = alloy.Agent(model=model, context_window=8000)
        for number in range(1, 40):
            agent.chat(f"Q{number} {LONG}")
            if agent.dialogue.view is not None:
                return number
        raise AssertionError("never")

    assert until(Function(answer)) < 0.7 * until(answers())


def test_it_is_done_before_every_call_also_within_a_turn_of_tools() -> None:
    """CMP-3: old results are cleared while the tools still run."""

    @alloy.tool
    def look(number: int) -> str:
        """Look."""
        return f"result {number} {LONG * 5}"

    calls = [{"tool_calls": [{"name": "look", "input": {"number": number}}]} for number in range(20)]
    model = alloy.Scripted([*calls, "done"])
    result, events = ask(model, tools=[look], context_window=8000, compactor=alloy.Compactor(keep=4))
    assert result.text == "done"
    assert 2 <= len(told(events)) <= 8
    assert all(history_tokens(sent(model, place)) <= 7200 for place in range(21))
    assert [r.text for m in result.messages for r in m.tool_results] == [f"result {n} {LONG * 5}" for n in range(20)]
    last = [r.text for m in sent(model) for r in m.tool_results]
    assert last[-1].startswith("result 19")
    assert last[0].startswith("[result cleared to save room")


def test_it_is_not_done_again_each_turn() -> None:
    """CMP-w2: it ran, and called back, before every call."""
    model = answers(LONG)
    agent = alloy.Agent(model=model, context_window=8000)
    views = []
    for number in range(40):
        agent.chat(f"Q{number} {LONG}")
        views.append(agent.dialogue.view)
    changes = sum(after is not before for before, after in pairwise(views))
    assert 2 <= changes <= 10


# -- what stays -------------------------------------------------------------------------------------------------------


def test_nothing_of_the_conversation_is_lost() -> None:
    """CMP-w1, Law 10: Alloy put what was left in place of the user's own history, in results and exports."""
    model, history = answers(), talk(30)
    agent = alloy.Agent(model=model, messages=history, context_window=4000)
    result = agent.chat("And now?")
    assert result.messages[:60] == history
    assert agent.messages == result.messages
    assert agent.export_session().messages == result.messages
    view = sent(model)
    assert len(view) < 30
    assert view[0] is history[0]
    assert view[-10:-1] == history[-9:]
    assert view[-1].text == "And now?"


def test_signed_thoughts_of_what_was_changed_are_not_sent() -> None:
    """CMP-w3, Law 10: Alloy cut thoughts and kept their signatures."""
    thought = alloy.Thinking("Hm.", "signed", "function")
    history = [*talk(20)]
    history[-1] = Message.assistant([thought, "A19"])
    model = answers()
    result, events = ask(model, history, context_window=4000)
    assert told(events)
    assert not any(message.thinking for message in sent(model))
    assert result.messages[39].parts[0] == thought


def test_what_was_cleared_is_read_again_by_its_handle() -> None:
    @alloy.tool
    def look(number: int) -> str:
        """Look."""
        return f"the secret word of {number} is fox\n" + LONG * 6

    calls = [{"tool_calls": [{"name": "look", "input": {"number": number}}]} for number in range(9)]
    again = {"tool_calls": [{"name": "read", "input": {"file_path": "output:1"}}]}
    model = alloy.Scripted([*calls, again, "done"])
    result, _ = ask(model, tools=[look, "read"], context_window=8000, compactor=alloy.Compactor(keep=4))
    cleared = next(r for m in sent(model) for r in m.tool_results)
    assert 'read it again: file_path="output:1"' in cleared.text
    assert "the secret word of 0 is fox" in result.tool_calls[-1].output


# -- callbacks --------------------------------------------------------------------------------------------------------


def test_the_callback_is_told_before_with_what_is_lost_to_the_model() -> None:
    """CMP-8, CFG-17: with the messages in full, and all that were sent until now; never while it fits."""
    heard: list[tuple[Any, ...]] = []
    model = Function(lambda request: heard.append(("asked",)) or "done")
    compactor = alloy.Compactor(on_compaction=lambda *given: heard.append(given))
    result, events = ask(model, talk(3), context_window=4000, compactor=compactor)
    assert heard == [("asked",)]
    history = talk(30)
    result, events = ask(model, history, context_window=4000, compactor=compactor)
    (messages, before), asked = heard[1:]
    assert asked == ("asked",)
    assert before == result.messages[:-1]
    assert messages == tuple(m for m in before if not any(m is other for other in sent(model)))
    assert len(messages) == told(events)[0]["messages"]
    ask(model, history, context_window=4000, compactor=alloy.Compactor())
    assert len(heard) == 4


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_the_callback_raises_is_logged_and_changes_nothing(
    asynchronous: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """CMP-8, CFG-17: also what would end an interpreter."""

    async def awaited(messages: Any, before: Any) -> None:
        raise SystemExit(3)

    def plain(messages: Any, before: Any) -> None:
        raise ValueError("boom")

    compactor = alloy.Compactor(on_compaction=awaited if asynchronous else plain)
    with caplog.at_level(logging.ERROR, "alloy_nb"):
        result, events = ask(answers(), talk(30), context_window=4000, compactor=compactor)
    assert result.text == "done"
    assert told(events)
    assert "on_compaction raised" in caplog.text
    assert caplog.records[0].exc_info


def test_a_callback_that_hangs_is_ended_by_the_deadline() -> None:
    async def forever(messages: Any, before: Any) -> None:
        await asyncio.Event().wait()

    compactor = alloy.Compactor(on_compaction=forever)
    result, _ = ask(answers(), talk(30), context_window=4000, compactor=compactor, timeout=0.05)
    assert isinstance(result.error, alloy.DeadlineExceeded)


# -- a summary --------------------------------------------------------------------------------------------------------

SUMMED = {"text": "They spoke of words.", "usage": {"input_tokens": 3000, "output_tokens": 7}}


def summed(*lines: Any, **options: Any) -> tuple[alloy.Result, list[alloy.Event], Function, alloy.Scripted]:
    model, other = answers(), alloy.Scripted(list(lines))
    compactor = alloy.Compactor(summarize=other)
    with no_delays():
        result, events = ask(model, talk(40), context_window=6000, compactor=compactor, **options)
    return result, events, model, other


def test_a_summary_takes_the_place_of_what_is_left_out() -> None:
    result, events, model, other = summed(SUMMED)
    (request,) = other.requests
    assert (request.tools, len(request.messages)) == ((), 1)
    assert "as data" in (request.system_prompt or "")
    assert "USER: Q5 word" in request.messages[0].text
    view = sent(model)
    assert view[0] is result.messages[0]
    assert view[1].role == "user"
    assert view[1].text.endswith("They spoke of words.")
    assert "as a record and no request" in view[1].text
    (payload,) = told(events)
    assert payload["kind"] == "summary"
    assert payload["after_tokens"] < payload["before_tokens"]
    assert payload["omitted"] == 81 - 10 - 1
    assert "They spoke" not in "".join(event.payload for event in events if event.type == "text_delta")
    assert result.turns == 1


def test_what_a_summary_used_is_counted_and_debited() -> None:
    budget = alloy.Budget(tokens=100_000)
    result, events, *_ = summed(SUMMED, budget=budget)
    assert result.usage == alloy.Usage(3010, 12)
    assert budget.spent["tokens"] == result.usage.total_tokens == 3022
    assert [payload["output_tokens"] for payload in told(events, "usage")] == [7, 5]


def test_the_next_summary_goes_on_from_the_last_one() -> None:
    other = Function(lambda request: f"Summary {len(other.requests)}.")
    model = answers(LONG)
    agent = alloy.Agent(model=model, context_window=6000, compactor=alloy.Compactor(keep=4, summarize=other))
    for number in range(60):
        agent.chat(f"Q{number} {LONG}")
    assert 3 <= len(other.requests) <= 12
    assert "Summary 1." in other.requests[1].messages[0].text
    assert "Q0 " not in other.requests[1].messages[0].text
    notes = [message.text for message in sent(model) if "What a model noted" in message.text]
    assert len(notes) == 1
    assert notes[0].endswith(f"Summary {len(other.requests)}.")
    assert len(agent.messages) == 120


FAILURES: list[list[Any]] = [
    [{"error": {"type": "AuthError", "message": "wrong key"}}],
    [{"error": {"type": "ServerError", "message": "down"}}] * 4,
    [{"text": "Half a", "error": {"type": "StreamError", "message": "cut"}}],
    ["   "],
    [{"text": "I will not.", "stop_reason": "refusal"}],
    [{"error": {"type": "ContextOverflowError", "message": "too long"}}] * 3,
    [],
]


@pytest.mark.parametrize("lines", FAILURES)
def test_a_summary_that_fails_changes_nothing(lines: list[Any]) -> None:
    """Law 10: the messages are left out without one, and it is said why."""
    result, events, model, other = summed(*lines)
    assert result.text == "done"
    (payload,) = told(events)
    assert payload["kind"] == "left_out"
    assert payload["problem"]
    assert "earlier messages are left out" in sent(model)[1].text
    assert len(other.requests) == max(1, len(lines))
    plain = answers()
    ask(plain, talk(40), context_window=6000)
    assert sent(plain) == sent(model)


def test_a_summary_is_retried_like_every_call_and_asked_with_less_where_it_is_too_much() -> None:
    busy = {"error": {"type": "OverloadedError", "message": "busy"}}
    long = {"error": {"type": "ContextOverflowError", "message": "too long"}}
    _, events, _, other = summed(busy, long, SUMMED)
    assert told(events)[0]["kind"] == "summary"
    assert len(told(events, "retry")) == 1
    sizes = [len(request.messages[0].text) for request in other.requests]
    assert sizes[0] == sizes[1] > sizes[2]


def test_a_summarising_model_with_a_small_window_is_given_what_it_takes() -> None:
    other = Function(lambda request: "Short.")
    other.context_window = 2000  # type: ignore[attr-defined]
    model = answers()
    _, events = ask(model, talk(60), context_window=9000, compactor=alloy.Compactor(summarize=other))
    assert told(events)[0]["kind"] == "summary"
    assert history_tokens(other.requests[0].messages) < 1700


def test_a_run_that_is_stopped_while_it_is_summed_up_is_stopped() -> None:
    asked = threading.Event()

    async def never(request: Request) -> str:
        asked.set()
        await asyncio.Event().wait()
        return ""

    model = answers()
    compactor = alloy.Compactor(summarize=Function(never))
    run = alloy.start("Now?", model=model, messages=talk(40), context_window=6000, compactor=compactor)
    assert asked.wait(30)
    run.cancel()
    result = run.result(check=False)
    assert result.status == "cancelled"
    assert result.messages == talk(40)
    assert model.requests == []
    assert_law_3(list(run))


def test_the_deadline_holds_while_it_is_summed_up() -> None:
    async def never(request: Request) -> str:
        await asyncio.Event().wait()
        return ""

    compactor = alloy.Compactor(summarize=Function(never))
    result, _ = ask(answers(), talk(40), context_window=6000, compactor=compactor, timeout=0.05)
    assert isinstance(result.error, alloy.DeadlineExceeded)


def test_what_is_redacted_is_not_sent_to_the_summarising_model() -> None:
    """Hooks come first, so that it is made of what they leave."""
    history = [Message.user("I am ann@example.com."), *talk(40, f"{LONG} bob@example.com")]
    model, other = answers(), Function(lambda request: "Short.")
    _, events = ask(
        model,
        history,
        context_window=6000,
        compactor=alloy.Compactor(summarize=other),
        middleware=[alloy.Redact("email")],
    )
    assert told(events)[0]["kind"] == "summary"
    assert "@example.com" not in other.requests[0].messages[0].text
    assert not any("@example.com" in message.text for message in sent(model))


# -- a service that says it is too much -------------------------------------------------------------------------------


def strict(limit: int, text: str = "done") -> Function:
    """A service that counts in its own way, and refuses what is more than it takes."""

    def answer(request: Request) -> Any:
        size = sum(len(str(message.to_dict()).encode()) for message in request.messages) // 3
        return ContextOverflowError(f"{size} tokens are too many") if size > limit else text

    return Function(answer)


@pytest.mark.parametrize("limit", [20_000, 8000, 2000, 700])
def test_a_refused_conversation_is_made_shorter_until_it_is_taken(limit: int) -> None:
    """CMP-w4: Alloy did nothing about such an error."""
    model = strict(limit)
    result, events = ask(model, talk(150))
    assert result.text == "done"
    sizes = [history_tokens(request.messages) for request in model.requests]
    assert all(2 * after < before for before, after in pairwise(sizes))
    assert len(told(events)) == len(sizes) - 1 <= 6
    assert result.messages[:300] == talk(150)


def test_one_giant_question_is_cut_until_it_is_taken() -> None:
    model = strict(2000)
    result = alloy.run("begin " + LONG * 200 + " end", model=model)
    assert result.text == "done"
    assert sent(model)[0].text.startswith("begin ")
    assert sent(model)[0].text.endswith(" end")
    assert len(result.messages[0].text) > 100_000


def test_what_it_takes_is_known_from_then_on() -> None:
    model = strict(4000, LONG)
    agent = alloy.Agent(model=model)
    for number in range(80):
        agent.chat(f"Q{number} {LONG}")
    assert len(model.requests) <= 83  # refused now and then at first, not each time


def test_a_service_that_refuses_everything_is_told_as_it_is() -> None:
    result, events = ask(strict(0), talk(100))
    assert isinstance(result.error, ContextOverflowError)
    assert result.messages == talk(100)
    assert len(told(events)) <= 6


def test_without_a_compactor_a_refusal_is_an_error() -> None:
    model = strict(1000)
    result, events = ask(model, talk(100), compactor=None)
    assert isinstance(result.error, ContextOverflowError)
    assert len(model.requests) == 1
    assert not told(events)


def test_nothing_is_asked_again_once_something_was_said() -> None:
    """Law 6"""
    model = Function(lambda request: ["Half ", ContextOverflowError("too long")])
    result, _ = ask(model, talk(20))
    assert isinstance(result.error, ContextOverflowError)
    assert len(model.requests) == 1
    assert result.messages[-1].text == "Half "


def test_a_fallback_has_its_own_window() -> None:
    first, second = Function(lambda request: OverloadedError("busy"), "large"), answers()
    second.context_window = 5000  # type: ignore[attr-defined]
    history = talk(40)
    result, events = ask(first, history, fallback=[second], max_retries=0)
    assert result.text == "done"
    assert sent(first) == (*history, result.messages[-2])
    assert history_tokens(sent(second)) < 4500
    assert [event.type for event in events if event.type in ("fallback", "compaction")] == ["fallback", "compaction"]


def test_a_larger_window_has_the_whole_conversation_again() -> None:
    """What was made for a fallback, or a model that was changed since, is not what the larger one is sent."""
    thought = alloy.Thinking("Hm.", "signed", "function")
    deltas = [WholePart(thought), TextDelta("done"), Done("end_turn")]
    large, small = Function(lambda request: deltas, "large"), Function(lambda request: deltas)
    large.context_window, small.context_window = 100_000, 5000  # type: ignore[attr-defined]
    agent = alloy.Agent(model=large, messages=talk(40))
    agent.chat("First?")
    agent.set_model(small)
    agent.chat("Second?")
    agent.chat("Third?")
    assert len(sent(small)) < 30
    assert agent.context_usage().omitted > 0
    agent.set_model(large)
    result = agent.chat("Fourth?")
    texts = [message.text for message in result.messages[:-1]]
    assert [message.text for message in sent(large)] == texts
    # Thoughts that may have been signed when another beginning was sent are not sent with this one; later ones are.
    assert not any(message.thinking for message in sent(large))
    assert agent.context_usage().omitted == agent.context_usage().condensed == 0
    again = agent.dialogue.view
    agent.chat("Fifth?")
    assert agent.dialogue.view is again
    assert sent(large)[-2].thinking


# -- where it lives ---------------------------------------------------------------------------------------------------


def agent_with_a_view(**options: Any) -> tuple[alloy.Agent, Function]:
    model = answers()
    agent = alloy.Agent(model=model, context_window=4000, **options)
    agent.dialogue.restore(talk(30))
    agent.chat("First?")
    assert agent.dialogue.view is not None
    return agent, model


def test_the_next_question_begins_with_what_was_sent() -> None:
    agent, model = agent_with_a_view()
    view = agent.dialogue.view
    agent.chat("Second?")
    assert agent.dialogue.view is view
    assert sent(model)[: len(sent(model, 0))] == sent(model, 0)
    assert len(agent.messages) == 64


def test_a_fork_begins_with_it_too() -> None:
    agent, model = agent_with_a_view()
    fork = agent.fork()
    fork.chat("Second?")
    assert sent(model)[:-2] == sent(model, 0)
    assert fork.dialogue.view is agent.dialogue.view


def test_an_export_goes_on_with_it() -> None:
    agent, _ = agent_with_a_view()
    session = alloy.Session.from_json(agent.export_session().to_json())
    assert session.messages == agent.messages
    model = answers()
    again = alloy.Agent.from_session(session, model=model, context_window=4000)
    again.chat("Second?")
    assert len(sent(model)) < 30
    assert sent(model)[:-2] == agent.dialogue.view.messages  # type: ignore[union-attr]


def test_undo_and_reset_drop_what_is_no_more() -> None:
    agent, model = agent_with_a_view()
    agent.chat("Second?")
    agent.undo_turn()
    assert agent.dialogue.view is not None
    agent.undo_turn()  # the question before which it was made
    assert agent.dialogue.view is None
    assert agent.messages == talk(30)
    agent, _ = agent_with_a_view()
    agent.reset()
    assert agent.dialogue.view is None
    agent.chat("Again?")
    assert len(sent(model)) > 0


def test_a_prompt_that_is_taken_back_takes_its_view_along() -> None:
    agent, _ = agent_with_a_view()
    view = agent.dialogue.view
    bad = Function(lambda request: ServerError("down"))
    agent.set_model(bad)
    result = agent.chat(LONG * 30, check=False, max_retries=0)
    assert result.status == "error"
    assert len(sent(bad)[-1].text) < len(LONG * 30)
    assert agent.dialogue.view is view
    assert len(agent.messages) == 62


def test_a_hook_that_changes_what_it_stands_for_drops_it() -> None:
    class Rename(alloy.Middleware):
        def before_completion(self, ctx: Any) -> None:
            ctx.messages = (Message.user("Q0, renamed"), *ctx.messages[1:])

    agent, model = agent_with_a_view()
    agent.chat("Second?", middleware=[Rename()])
    assert sent(model)[0].text == "Q0, renamed"
    assert agent.dialogue.view is not None


@pytest.mark.parametrize("alone", [False, True])
def test_a_stored_session_goes_on_with_it(alone: bool) -> None:
    """Law 10: the whole conversation is stored, and what was sent of it, so that nothing is summed up twice."""
    store = alloy.MemoryStore()
    other = Function(lambda request: "Short.")
    options: dict[str, Any] = {"store": store, "session": "s", "context_window": 6000}
    options["compactor"] = alloy.Compactor(summarize=other)
    history = talk(40)

    def chat(text: str, model: Any, **more: Any) -> alloy.Result:
        if alone:
            return alloy.run(text, model=model, **options, **more)
        return alloy.Agent(model=model, **options, **more).chat(text)

    chat("First?", answers(), messages=history)
    kinds = [record["kind"] for record in store.read("s")]
    assert kinds.count("message") == 82
    assert kinds.count("compaction") == 1
    model = answers()
    result = chat("Second?", model)
    assert result.messages[:80] == history
    assert len(sent(model)) < 20
    assert "Short." in sent(model)[1].text
    assert len(other.requests) == 1
    assert [record["kind"] for record in store.read("s")].count("compaction") == 1


def test_it_is_stored_before_the_model_is_asked() -> None:
    """Who dies while it answers has not paid for the summary in vain."""
    store = alloy.MemoryStore()
    seen: list[Any] = []
    model = Function(lambda request: seen.append([record["kind"] for record in store.read("s")]) or "done")
    compactor = alloy.Compactor(summarize=Function(lambda request: "Short."))
    alloy.run("?", model=model, messages=talk(40), context_window=6000, store=store, session="s", compactor=compactor)
    assert seen[0].count("compaction") == 1
    view = fold_records("s", store.read("s")).view
    assert view is not None
    assert view.summary == "Short."


def test_records_of_a_session_say_what_is_sent_as_long_as_it_is_there() -> None:
    def message(text: str) -> dict[str, Any]:
        return {"v": 1, "kind": "message", "message": Message.user(text).to_dict()}

    said = [message("a"), message("b"), message("c")]
    view = {"v": 1, "kind": "compaction", "upto": 2, "messages": [1], "omitted": 1}
    assert fold_records("s", [*said, view]).view == Condensed(2, (Message.user("b"),), 1)
    assert fold_records("s", [*said, view, {"v": 1, "kind": "cut", "to": 2}, message("d")]).view is not None
    assert fold_records("s", [*said, view, {"v": 1, "kind": "cut", "to": 1}, message("d")]).view is None
    assert fold_records("s", [*said, view, {"v": 1, "kind": "compaction", "upto": 0, "messages": []}]).view is None
    for broken in (
        {"upto": "x", "messages": [0]},
        {"messages": [0]},
        {"upto": 1, "messages": [{}]},
        {"upto": 1, "messages": 5},
    ):
        with pytest.raises(alloy.SessionError):
            fold_records("s", [*said, {"v": 1, "kind": "compaction", **broken}])


def test_hooks_of_the_session_keep_it_as_long_as_they_change_nothing_of_it() -> None:
    """A hook that takes something out of messages must not leave it in what is sent in their place."""
    store = alloy.MemoryStore()
    history = talk(30, f"{LONG} ann@example.com")
    options: dict[str, Any] = {"store": store, "session": "s", "context_window": 4000}
    alloy.Agent(model=answers(), messages=history, **options).chat("First?")
    again = alloy.Agent(model=answers(), middleware=[alloy.Logger()], **options)
    assert again.dialogue.view is not None

    class Clean(alloy.Middleware):
        def session_start(self, ctx: Any) -> None:
            ctx.messages = tuple(Message(m.role, (alloy.Text(m.text[:3]),)) for m in ctx.messages)

        session_end = session_start

    ended: list[alloy.Session] = []
    agent = alloy.Agent(model=answers(), middleware=[Clean()], on_shutdown=ended.append, **options)
    assert agent.dialogue.view is None
    agent.dialogue.restore(talk(30))
    agent.chat("Second?")
    assert agent.dialogue.view is not None
    agent.close()
    assert ended[0].view is None


def test_a_cut_below_it_drops_it_in_the_store_too() -> None:
    store = alloy.MemoryStore()
    model = answers()
    agent = alloy.Agent(model=model, messages=talk(30), context_window=4000, store=store, session="s")
    agent.chat("First?")
    agent.chat("Second?")
    agent.undo_turn()
    again = alloy.Agent(model=model, context_window=4000, store=store, session="s")
    assert again.dialogue.view == agent.dialogue.view is not None
    agent = again
    agent.dialogue.restore(agent.messages[:20])
    assert alloy.Agent(model=model, store=store, session="s").dialogue.view is None


def test_law_5_the_result_is_the_same_however_it_is_run() -> None:
    def run(way: Any) -> Any:
        model = strict(3000)
        result = way("And?", model=model, messages=talk(60), context_window=20_000)
        return result, [request.messages for request in model.requests]

    blocking = run(alloy.run)
    assert run(lambda *given, **options: asyncio.run(alloy.arun(*given, **options))) == blocking
    assert run(lambda *given, **options: alloy.start(*given, **options).result()) == blocking
