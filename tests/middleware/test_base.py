"""Hooks: what they may change, what they may answer, and who only listens."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.middleware.base import HookContext
from tests.histories import assert_law_1


@alloy.tool
def shout(text: str) -> str:
    """Say it louder."""
    return text.upper()


def ask_shout(text: str = "hello") -> dict[str, Any]:
    return {"tool_calls": [{"name": "shout", "input": {"text": text}}]}


def test_a_hook_may_change_what_a_call_is_given() -> None:
    """MW-w2: the tool gets the changed input; the history keeps what the model asked for."""

    class Louder(alloy.Middleware):
        def before_tool_call(self, ctx: HookContext, call: alloy.ToolCall) -> alloy.ToolCall:
            return replace(call, input={"text": call.input["text"] + "!"})

    model = alloy.Scripted([ask_shout(), "done"])
    result = alloy.run("go", model=model, tools=[shout], middleware=[Louder(), Louder()])
    assert result.tool_calls[0].output == "HELLO!!"
    assert result.messages[1].tool_calls[0].input == {"text": "hello"}


def test_a_hook_may_not_put_another_call_in_the_place_of_one() -> None:
    class Swap(alloy.Middleware):
        def before_tool_call(self, ctx: HookContext, call: alloy.ToolCall) -> alloy.ToolCall:
            return replace(call, id="other")

    model = alloy.Scripted([ask_shout(), "done"])
    result = alloy.run("go", model=model, tools=[shout], middleware=[Swap()], check=False)
    assert isinstance(result.error, alloy.ConfigError)
    assert "another call" in str(result.error)
    assert_law_1(result)


def test_a_hook_may_change_the_conversation_and_signed_thoughts_go() -> None:
    """MW-w2: what a hook puts into `ctx.messages` is sent and kept; a thought signed in another history is not."""

    class Veil(alloy.Middleware):
        def before_completion(self, ctx: HookContext) -> None:
            ctx.messages = tuple(m.with_parts(map(self._veil, m.parts)) for m in ctx.messages)

        def _veil(self, part: Any) -> Any:
            return alloy.Text(part.text.replace("4711", "****")) if isinstance(part, alloy.Text) else part

    before = [
        alloy.Message.user("My number is 4711."),
        alloy.Message.assistant([alloy.Thinking("Hm", "signature", "anthropic"), alloy.Text("Noted.")]),
    ]
    model = alloy.Scripted(["Yours."])
    result = alloy.run("Whose is 4711?", model=model, messages=before, middleware=[Veil()])
    sent = model.requests[0].messages
    assert [m.text for m in sent] == ["My number is ****.", "Noted.", "Whose is ****?"]
    assert sent[1].parts == (alloy.Text("Noted."),)
    assert result.messages[:3] == sent
    assert result.text == "Yours."


def test_a_hook_that_changes_nothing_leaves_signed_thoughts_alone() -> None:
    class Look(alloy.Middleware):
        def before_completion(self, ctx: HookContext) -> None:
            ctx.messages = tuple(ctx.messages)

    signed = alloy.Thinking("Hm", "signature", "anthropic")
    before = [alloy.Message.user("Hi"), alloy.Message.assistant([signed, alloy.Text("Hello.")])]
    result = alloy.run("And?", model=alloy.Scripted(["x"]), messages=before, middleware=[Look()])
    assert result.messages[1].parts[0] is signed


def test_a_hook_may_not_take_away_calls_that_are_about_to_run() -> None:
    class Forget(alloy.Middleware):
        def after_completion(self, ctx: HookContext) -> None:
            ctx.messages = ctx.messages[:1]

    model = alloy.Scripted([ask_shout(), "done"])
    result = alloy.run("go", model=model, tools=[shout], middleware=[Forget()], check=False)
    assert isinstance(result.error, alloy.ConfigError)
    assert_law_1(result)


def test_a_hook_may_have_another_model_asked_from_then_on() -> None:
    """TURN-4"""
    other = alloy.Scripted(["from the other", "again"])

    class Swap(alloy.Middleware):
        def before_completion(self, ctx: HookContext) -> None:
            if ctx.turn == 1:
                ctx.model = other

    model = alloy.Scripted([ask_shout()])
    result = alloy.run("go", model=model, tools=[shout], middleware=[Swap()])
    assert result.text == "from the other"
    assert len(model.requests) == len(other.requests) == 1


def test_middleware_hears_every_event_in_order() -> None:
    """MW-w2: what is told is what a reader of the run sees."""

    class Ear(alloy.Middleware):
        def __init__(self) -> None:
            self.heard: list[alloy.Event] = []

        def on_event(self, event: alloy.Event) -> None:
            self.heard.append(event)

    ear = Ear()
    run = alloy.start("go", model=alloy.Scripted([ask_shout(), "done"]), tools=[shout], middleware=[ear])
    assert list(run) == ear.heard
    assert ear.heard[-1].type == "run_end"


def test_what_a_listener_raises_is_logged_once_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(alloy.Middleware):
        def on_event(self, event: alloy.Event) -> None:
            raise ValueError("broken ear")

    with caplog.at_level(logging.ERROR, "alloy_nb"):
        result = alloy.run("go", model=alloy.Scripted(["fine"]), middleware=[Broken()])
    assert result.text == "fine"
    assert [record.getMessage() for record in caplog.records] == ["Broken.on_event raised; the run goes on"]
