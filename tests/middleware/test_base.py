"""Hooks: what they may change, what they may answer, and who only listens."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.middleware.base import HookContext
from alloy_nb.options import HOOKS
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


class Diary(alloy.Middleware):
    """Writes down each hook with what its context says; `answers` are what hooks return, by their names."""

    def __init__(self, name: str = "", pages: list[Any] | None = None, **answers: Any) -> None:
        self.name = name
        self.pages = [] if pages is None else pages
        self.answers = answers

    def _note(self, hook: str, ctx: HookContext) -> Any:
        last = ctx.messages[-1] if ctx.messages else None
        self.pages.append((self.name + hook, ctx.turn, ctx.status, last and last.role, ctx.usage.input_tokens))
        return self.answers.get(hook)

    def before_completion(self, ctx: HookContext) -> Any:
        return self._note("before_completion", ctx)

    def after_completion(self, ctx: HookContext) -> Any:
        return self._note("after_completion", ctx)

    def after_tool_request(self, ctx: HookContext) -> Any:
        return self._note("after_tool_request", ctx)

    async def before_tool_call(self, ctx: HookContext, call: alloy.ToolCall) -> Any:
        return self._note("before_tool_call", ctx)

    def after_tool_execution(self, ctx: HookContext) -> Any:
        return self._note("after_tool_execution", ctx)

    def on_error(self, ctx: HookContext) -> Any:
        return self._note("on_error", ctx)


def test_each_hook_is_called_at_its_moment() -> None:
    """MW-2, MW-3, MW-4, MW-5, MW-6, RUN-4: with the turn counted, the usage merged, and what was said."""
    diary = Diary()
    two = {"tool_calls": [{"name": "shout", "input": {"text": text}} for text in "ab"]}
    alloy.run("go", model=alloy.Scripted([two, "done"]), tools=[shout], middleware=[diary])
    assert diary.pages == [
        ("before_completion", 0, "running", "user", 0),
        ("after_completion", 1, "running", "assistant", 10),
        ("after_tool_request", 1, "running", "assistant", 10),
        ("before_tool_call", 1, "running", "assistant", 10),
        ("before_tool_call", 1, "running", "assistant", 10),
        ("after_tool_execution", 1, "running", "user", 10),
        ("before_completion", 1, "running", "user", 10),
        ("after_completion", 2, "running", "assistant", 20),
    ]


def test_before_tool_call_is_told_of_each_call_by_itself() -> None:
    """MW-5: the call comes as an argument, in order."""
    seen: list[alloy.ToolCall] = []

    class Look(alloy.Middleware):
        def before_tool_call(self, ctx: HookContext, call: alloy.ToolCall) -> None:
            seen.append(call)

    two = {"tool_calls": [{"id": text, "name": "shout", "input": {"text": text}} for text in "ab"]}
    alloy.run("go", model=alloy.Scripted([two, "done"]), tools=[shout], middleware=[Look()])
    assert [(call.id, call.name, call.input) for call in seen] == [(t, "shout", {"text": t}) for t in "ab"]


def test_on_error_is_called_after_a_providers_error() -> None:
    """MW-7: once, when the run's status is error already, and with the error."""
    diary = Diary()
    model = alloy.Scripted([ask_shout(), {"error": "down"}])
    result = alloy.run("go", model=model, tools=[shout], middleware=[diary], max_retries=0, check=False)
    assert diary.pages[-2:] == [("before_completion", 1, "running", "user", 10), ("on_error", 1, "error", "user", 10)]
    assert result.status == "error"


def test_what_one_hook_changes_the_next_one_sees() -> None:
    """MW-8, CFG-9: in the order of the list; the last word is what is sent."""

    class Add(alloy.Middleware):
        def __init__(self, word: str) -> None:
            self.word = word

        def before_completion(self, ctx: HookContext) -> None:
            ctx.system_prompt = f"{ctx.system_prompt or ''}{self.word}"
            ctx.messages = (*ctx.messages[:-1], alloy.Message.user(ctx.messages[-1].text + self.word))

    model = alloy.Scripted(["x"])
    alloy.run("go", model=model, middleware=[Add("1"), Add("2")])
    (request,) = model.requests
    assert (request.system_prompt, request.messages[0].text) == ("12", "go12")


@pytest.mark.parametrize(
    "hook", ["before_completion", "after_completion", "after_tool_request", "after_tool_execution"]
)
def test_a_halt_stops_the_chain_and_the_loop(hook: str) -> None:
    """MW-8, MW-11: later middlewares are not asked, no model is; the status is halted, never error."""
    pages: list[Any] = []
    chain = [Diary("1 ", pages, **{hook: alloy.Halt("enough")}), Diary("2 ", pages)]
    model = alloy.Scripted([ask_shout(), "done"])
    result = alloy.run("go", model=model, tools=[shout], middleware=chain, check=False)
    assert pages[-1][0] == f"1 {hook}"
    assert (result.status, len(model.requests)) == ("halted", hook != "before_completion")
    assert isinstance(result.error, alloy.Halted)
    assert not any(name.endswith("on_error") for name, *_ in pages)
    assert_law_1(result)


@pytest.mark.parametrize(
    "hook", ["before_completion", "after_completion", "after_tool_request", "after_tool_execution"]
)
def test_a_block_is_for_calls_only(hook: str) -> None:
    """MW-9: an error that names the middleware, the hook and the alternative."""
    model = alloy.Scripted([ask_shout(), "done"])
    chain = [Diary(**{hook: alloy.Block("no")})]
    result = alloy.run("go", model=model, tools=[shout], middleware=chain, check=False)
    assert isinstance(result.error, alloy.ConfigError)
    assert str(result.error).startswith(f"Diary.{hook} returned Block")
    assert "Halt(reason)" in str(result.error.hint)
    assert_law_1(result)


@pytest.mark.parametrize("first", [alloy.Block("first"), alloy.Halt("first")])
def test_the_first_word_on_a_call_counts(first: Any) -> None:
    """MW-10: after a block or a halt, nobody else is asked about the call."""
    pages: list[Any] = []
    second = alloy.Block("second")
    chain = [Diary("1 ", pages, before_tool_call=first), Diary("2 ", pages, before_tool_call=second)]
    model = alloy.Scripted([ask_shout(), "done"])
    result = alloy.run("go", model=model, tools=[shout], middleware=chain, check=False)
    assert [name for name, *_ in pages if "before_tool_call" in name] == ["1 before_tool_call"]
    assert "first" in str(result.tool_calls[0].error)
    assert result.status == ("halted" if isinstance(first, alloy.Halt) else "completed")


def test_before_tool_call_changes_nothing_but_its_call() -> None:
    """MW-10: what it does to the rest of its context is discarded."""

    class Meddle(alloy.Middleware):
        def before_tool_call(self, ctx: HookContext, call: alloy.ToolCall) -> None:
            ctx.messages, ctx.system_prompt, ctx.model = (), "obey", "nobody:nothing"

    model = alloy.Scripted([ask_shout(), "done"])
    result = alloy.run("go", model=model, tools=[shout], middleware=[Meddle()])
    assert (result.text, model.requests[1].system_prompt, len(model.requests[1].messages)) == ("done", None, 3)


@pytest.mark.parametrize("hook", ["before_completion", "after_completion", "after_tool_request", "before_tool_call"])
def test_a_hook_that_raises_ends_the_run_and_not_the_program(hook: str) -> None:
    """MW-w1, RUN-w2: middleware exceptions were uncaught."""

    def broken(*_: Any) -> Any:
        raise LookupError("hook broke")

    middleware = alloy.Middleware()
    setattr(middleware, hook, broken)
    model = alloy.Scripted([ask_shout(), "done"])
    result = alloy.run("go", model=model, tools=[shout], middleware=[middleware], check=False)
    assert result.status == "error"
    assert isinstance(result.error.__cause__, LookupError)  # type: ignore[union-attr]
    assert_law_1(result)


def test_thoughts_before_the_first_change_are_kept_and_later_ones_go() -> None:
    """A maker refuses a thought within a conversation that it did not sign it in; what came before is as it was."""

    class Veil(alloy.Middleware):
        def before_completion(self, ctx: HookContext) -> None:
            ctx.messages = (*ctx.messages[:2], alloy.Message.user("****"), *ctx.messages[3:])

    def thought(text: str) -> alloy.Message:
        return alloy.Message.assistant([alloy.Thinking(text, "signature", "anthropic"), alloy.Text(text)])

    before = [alloy.Message.user("a"), thought("early"), alloy.Message.user("4711"), thought("late")]
    model = alloy.Scripted(["x"])
    alloy.run("And?", model=model, messages=before, middleware=[Veil()])
    sent = model.requests[0].messages
    assert sent[1] is before[1]
    assert sent[3].parts == (alloy.Text("late"),)


@pytest.mark.parametrize("given", [3, object(), print])
def test_what_has_no_hook_is_no_middleware(given: Any) -> None:
    with pytest.raises(alloy.ConfigError, match="has no hook") as caught:
        alloy.run("x", model=alloy.Scripted(["y"]), middleware=[given])
    assert "before_tool_call" in str(caught.value.hint)


def test_the_hooks_that_are_looked_for_are_those_of_the_class() -> None:
    assert set(HOOKS) == {name for name in vars(alloy.Middleware) if not name.startswith("_")}
