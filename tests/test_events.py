from __future__ import annotations

import json
from typing import Any

import alloy_nb as alloy


@alloy.tool
def hello(name: str) -> str:
    """Greet."""
    return f"Hello {name}"


def events_of(*lines: dict[str, Any], **options: Any) -> list[alloy.Event]:
    run = alloy.start("hi", model=alloy.Scripted(list(lines)), tools=[hello], **options)
    run.result(check=False)
    return list(run)


CALL = {"text": "Let me", "tool_calls": [{"name": "hello", "input": {"name": "Ada"}}]}


def test_the_envelope_is_versioned_json() -> None:
    """EVT-1: v, seq, correlation_id, turn, ts_ms, event, payload; read back as it was."""
    for event in events_of(CALL, {"text": "done"}):
        data = json.loads(json.dumps(event.to_dict()))
        assert data["v"] == 1
        assert {"seq", "correlation_id", "turn", "ts_ms", "event", "payload", "run_id", "agent"} <= set(data)
        assert alloy.Event.from_dict(data) == event


def test_tool_events_carry_what_is_shown() -> None:
    """EVT-4, EVT-5, EVT-8, EVT-w1, MSG-9: id, name, input; duration, error and the output itself."""
    events = events_of(CALL, {"text": "done"})
    start = next(event for event in events if event.type == "tool_start")
    end = next(event for event in events if event.type == "tool_end")
    assert start.payload == {"id": start.payload["id"], "name": "hello", "input": {"name": "Ada"}}
    assert end.payload["output"] == "Hello Ada"
    assert end.payload["error"] is None
    assert end.payload["duration_ms"] >= 0
    # Number and ids of an event stand on its envelope alone.
    assert not {"seq", "event_seq", "correlation_id", "run_id", "turn"} & (set(start.payload) | set(end.payload))


def test_words_and_thoughts_are_told_as_they_come() -> None:
    """EVT-2, EVT-3: each piece is an event whose payload is the piece itself."""
    events = events_of({"thinking": "Hm.", "text": "one two", "chunks": ["one ", "two"]})
    told = [(event.type, event.payload) for event in events if event.type.endswith("_delta")]
    assert told == [("thinking_delta", "Hm."), ("text_delta", "one "), ("text_delta", "two")]


def test_a_chunk_is_given_out_before_its_event() -> None:
    """EVT-2"""
    heard: list[Any] = []
    model = alloy.Scripted([{"text": "one two", "chunks": ["one ", "two"]}])
    alloy.run("hi", model=model, on_chunk=heard.append, on_event=lambda event: heard.append(event.type))
    pieces = [item for item in heard if item in ("one ", "two", "text_delta")]
    assert pieces == ["one ", "text_delta", "two", "text_delta"]


def test_one_row_of_numbers_for_words_thoughts_and_tools_beside_each_other() -> None:
    """EVT-7: from 1, without a gap."""
    calls = [{"name": "hello", "input": {"name": name}} for name in ("Ada", "Bea", "Cyd")]
    events = events_of({"thinking": "Hm.", "text": "Let me", "tool_calls": calls}, {"text": "done"})
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    kinds = {"thinking_delta", "text_delta", "tool_start", "tool_end"}
    assert kinds <= {event.type for event in events}


def test_tools_are_told_of_also_when_answers_come_whole() -> None:
    """EVT-13: in a chat too."""
    heard: list[str] = []
    agent = alloy.Agent(model=alloy.Scripted([CALL, "done"]), tools=[hello], stream=False)
    agent.chat("hi", on_event=lambda event: heard.append(event.type))
    assert heard.count("tool_start") == heard.count("tool_end") == 1


def test_turns_count_from_one_and_agree_for_provider_and_tools() -> None:
    """EVT-10: an answer's deltas and its tools have the same turn."""
    events = events_of(CALL, {"text": "done"})
    first = {event.type for event in events if event.turn == 1}
    assert {"turn_start", "text_delta", "usage", "tool_start", "tool_end"} <= first
    assert {event.turn for event in events if event.type.startswith("tool_")} == {1}


def test_the_correlation_id_is_the_callers_own() -> None:
    """EVT-11: the option, else the context's request_id, else its correlation_id, else the run's id."""

    def of(**options: Any) -> Any:
        return events_of({"text": "x"}, **options)[0].correlation_id

    context = {"request_id": "from-request", "correlation_id": "from-context"}
    assert of(correlation_id="given", context=context) == "given"
    assert of(context=context) == "from-request"
    assert of(context={"correlation_id": "from-context", "request_id": 5}) == "from-context"
    assert of(run_id="r1") == "r1"


def test_run_and_turn_and_usage_are_told() -> None:
    """EVT-w1: there were no events for run and turn, usage, the message and the end."""
    types = [event.type for event in events_of({"text": "x"})]
    assert types == ["run_start", "turn_start", "text_delta", "usage", "message", "run_end"]


def test_who_is_asked_and_what_it_cost_are_told() -> None:
    """EVT-w1: the provider's name beside the model's, and the run's cost beside its usage."""
    events = {event.type: event.payload for event in events_of({"text": "x"})}
    assert events["run_start"]["provider"] == events["turn_start"]["provider"] == "scripted"
    assert "cost" in events["run_end"]


def test_a_call_that_never_ran_says_so() -> None:
    """EVT-15: it has its start and end like the others."""
    events = events_of(CALL, {"tool_calls": [{"name": "nothing", "input": {}}]}, {"text": "done"})
    assert [event.payload["executed"] for event in events if event.type == "tool_end"] == [True, False]


def test_a_failed_run_says_so_at_its_end() -> None:
    end = events_of({"error": "broken pipe dream"}, max_retries=0)[-1]
    assert end.payload["status"] == "error"
    assert "broken pipe dream" in end.payload["error"]


def test_no_key_is_shown_in_an_error() -> None:
    key = "sk-ant-api03-" + "x" * 30
    end = events_of({"error": f"wrong key {key}"}, max_retries=0)[-1]
    assert key not in json.dumps(end.to_dict())


def test_the_agents_name_is_in_every_event() -> None:
    assert {event.agent for event in events_of({"text": "x"}, name="lead")} == {"lead"}
