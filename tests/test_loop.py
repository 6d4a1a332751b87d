"""The loop, behaviour by behaviour."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.errors import OverloadedError
from alloy_nb.providers.base import Done, TextDelta, ToolCallDelta, UsageDelta
from alloy_nb.testing import Function
from tests.histories import assert_law_1, assert_law_3


@alloy.tool
def double(n: int) -> int:
    """Twice a number."""
    return 2 * n


CALL = {"tool_calls": [{"name": "double", "input": {"n": 21}}]}


def scripted(*lines: dict[str, Any]) -> alloy.Scripted:
    return alloy.Scripted(list(lines))


def test_a_tool_call_and_its_answer() -> None:
    """TURN-1, TURN-5: provider, tools, provider; the results are one user message after the call."""
    result = alloy.run("Twice 21?", model=scripted(CALL, {"text": "42"}), tools=[double])
    assert result.text == "42"
    assert [message.role for message in result.messages] == ["user", "assistant", "user", "assistant"]
    assert result.messages[2].tool_results[0].text == "42"
    assert result.turns == 2


def test_usage_adds_up_over_the_turns() -> None:
    """RUN-7: two calls of 10 and 5 tokens are 20 and 10."""
    result = alloy.run("x", model=scripted(CALL, {"text": "42"}), tools=[double])
    assert (result.usage.input_tokens, result.usage.output_tokens) == (20, 10)


def test_the_last_turns_tools_still_run() -> None:
    """TURN-2, RUN-3: three turns are three provider calls, the third one's tools run, and that is no error."""
    model = scripted(*[CALL] * 5)
    result = alloy.run("x", model=model, tools=[double], max_turns=3)
    assert result.status == "max_turns"
    assert len(model.requests) == 3
    assert len(result.tool_calls) == 3
    assert_law_1(result)


def test_no_turns_means_no_call() -> None:
    """TURN-2: max_turns=0."""
    model = scripted({"text": "x"})
    assert alloy.run("x", model=model, max_turns=0).status == "max_turns"
    assert model.requests == []


def test_history_goes_before_the_prompt() -> None:
    """RUN-2, RUN-5: a string is appended to `messages`; the result's messages continue the chat."""
    first = alloy.run("one", model=scripted({"text": "1"}))
    model = scripted({"text": "2"})
    second = alloy.run("two", model=model, messages=first.messages)
    assert [message.text for message in second.messages] == ["one", "1", "two", "2"]
    assert [message.text for message in model.requests[0].messages] == ["one", "1", "two"]


def test_no_prompt_uses_the_history_as_it_is() -> None:
    """RUN-2: None sends `messages` alone."""
    model = scripted({"text": "2"})
    alloy.run(None, model=model, messages=[alloy.Message.user("one")])
    assert [message.text for message in model.requests[0].messages] == ["one"]


def test_nothing_to_send_is_a_config_error() -> None:
    """RUN-w3: an empty conversation was sent."""
    with pytest.raises(alloy.ConfigError, match="no prompt"):
        alloy.run(None, model=scripted({"text": "x"}))
    with pytest.raises(alloy.ConfigError, match="empty"):
        alloy.run("  \n", model=scripted({"text": "x"}))


def test_an_error_before_anything_was_said_takes_the_prompt_back() -> None:
    """SRV-w3: a failed turn left the user's message in the history."""
    earlier = [alloy.Message.user("a"), alloy.Message.assistant("b")]
    model = scripted({"error": {"type": "AuthError", "message": "bad key"}})
    with pytest.raises(alloy.AuthError, match="bad key") as caught:
        alloy.run("x", model=model, messages=earlier)
    result = caught.value.result
    assert result is not None
    assert list(result.messages) == earlier
    assert result.status == "error"


def test_what_was_said_before_an_error_is_kept_and_marked() -> None:
    """SRV-w3: partial work, and its usage, was lost."""

    def cut(request: Any) -> Any:
        return [TextDelta("half an ans"), UsageDelta(alloy.Usage(7, 3)), alloy.ServerError("gone")]

    result = alloy.run("x", model=Function(cut), check=False)
    assert result.status == "error"
    assert result.text == "half an ans"
    assert result.messages[-1].partial
    assert result.usage.output_tokens == 3


def test_an_error_results_text_is_this_runs() -> None:
    """SRV-w4: the text of an error result was the previous answer."""
    earlier = [alloy.Message.user("a"), alloy.Message.assistant("OLD")]
    result = alloy.run("x", model=scripted({"error": "broken"}), messages=earlier, check=False)
    assert result.text == ""


def test_a_stream_that_ends_early_is_an_error_never_a_success() -> None:
    """PRV-w2: text without a finish was reported as success."""
    with pytest.raises(alloy.StreamError) as caught:
        alloy.run("x", model=Function(lambda request: [TextDelta("half")]))
    assert caught.value.result is not None
    assert caught.value.result.messages[-1].partial


def test_arguments_that_are_no_json_go_back_to_the_model() -> None:
    """PRV-7, ANT-w2: broken arguments never run a tool with {}."""
    plan = [
        [ToolCallDelta(0, "c1", "double", '{"n": 2'), Done("max_tokens")],
        [TextDelta("sorry"), Done("end_turn")],
    ]
    result = alloy.run("x", model=Function(lambda request: plan.pop(0)), tools=[double])
    assert "no JSON object" in result.messages[2].tool_results[0].text
    assert result.text == "sorry"


def test_arguments_that_do_not_fit_go_back_to_the_model() -> None:
    """TOOL-w2: inputs were never checked against the schema."""
    wrong = {"tool_calls": [{"name": "double", "input": {"n": "many"}}]}
    result = alloy.run("x", model=scripted(wrong, {"text": "ok"}), tools=[double])
    (part,) = result.messages[2].tool_results
    assert part.is_error
    assert "n" in part.text


def test_stop_reasons_are_told_apart() -> None:
    """TURN-w1: everything but a tool call became `end_turn`."""
    result = alloy.run("x", model=scripted({"text": "I will not", "stop_reason": "refusal"}))
    assert (result.status, result.stop_reason) == ("completed", "refusal")


def test_a_paused_turn_is_sent_again() -> None:
    model = scripted({"text": "a", "stop_reason": "pause_turn"}, {"text": "b"})
    assert alloy.run("x", model=model).turns == 2


@pytest.mark.parametrize(
    "hook", ["before_completion", "after_completion", "after_tool_request", "after_tool_execution"]
)
def test_a_halt_at_any_hook_leaves_a_valid_history(hook: str) -> None:
    """TURN-8, TURN-w2: halted, by whom, and no call without a result."""
    halter = alloy.Middleware()
    setattr(halter, hook, lambda ctx: alloy.Halt("stop here"))
    with pytest.raises(alloy.Halted, match="Halted by middleware: stop here") as caught:
        alloy.run("x", model=scripted(CALL, {"text": "42"}), tools=[double], middleware=[halter])
    result = caught.value.result
    assert result is not None
    assert result.status == "halted"
    assert_law_1(result)


def test_a_halt_on_one_call_means_that_none_ran() -> None:
    """EXE-3, EXE-4: all hooks come first; a halt at the third call means that the first two never ran."""
    ran: list[int] = []

    @alloy.tool
    def note(n: int) -> str:
        """Take note."""
        ran.append(n)
        return "noted"

    class Gate(alloy.Middleware):
        def before_tool_call(self, ctx: Any, call: alloy.ToolCall) -> Any:
            return alloy.Halt("three is too many") if call.input["n"] == 3 else None

    calls = {"tool_calls": [{"name": "note", "input": {"n": n}} for n in (1, 2, 3)]}
    result = alloy.run("x", model=scripted(calls), tools=[note], middleware=[Gate()], check=False)
    assert ran == []
    assert result.status == "halted"
    assert_law_1(result)


def test_a_block_stops_one_call_and_says_why() -> None:
    """EXE-5, EVT-15: the others run; the blocked one still has start, end and a result."""

    class Gate(alloy.Middleware):
        def before_tool_call(self, ctx: Any, call: alloy.ToolCall) -> Any:
            return alloy.Block("odd numbers only") if call.input["n"] == 2 else None

    calls = {"tool_calls": [{"name": "double", "input": {"n": n}} for n in (1, 2, 3)]}
    run = alloy.start("x", model=scripted(calls, {"text": "ok"}), tools=[double], middleware=[Gate()])
    texts = [part.text for part in run.result().messages[2].tool_results]
    assert texts == ["2", "Blocked: odd numbers only", "6"]
    assert sum(event.type == "tool_start" for event in run) == 3


def test_block_outside_before_tool_call_is_a_config_error() -> None:
    """MW-9: it names the middleware, the hook and the way out."""

    class Wrong(alloy.Middleware):
        def before_completion(self, ctx: Any) -> Any:
            return alloy.Block("x")

    with pytest.raises(alloy.ConfigError, match=r"Wrong\.before_completion"):
        alloy.run("x", model=scripted({"text": "x"}), middleware=[Wrong()])


def test_on_error_may_make_a_halt_of_an_error() -> None:
    """TURN-7: the hook sees the error."""
    seen: list[Any] = []

    class Soft(alloy.Middleware):
        async def on_error(self, ctx: Any) -> Any:
            seen.append(ctx.error)
            return alloy.Halt("gave up")

    result = alloy.run("x", model=scripted({"error": "bad"}), middleware=[Soft()], max_retries=0, check=False)
    assert result.status == "halted"
    assert isinstance(seen[0], alloy.ProviderError)


def test_a_hook_that_crashes_ends_the_run_as_an_error() -> None:
    """MW-w1: middleware exceptions were uncaught."""

    class Bad(alloy.Middleware):
        def after_completion(self, ctx: Any) -> Any:
            raise RuntimeError("hook broke")

    result = alloy.run("x", model=scripted(CALL), tools=[double], middleware=[Bad()], check=False)
    assert result.status == "error"
    assert "hook broke" in str(result.error)
    assert isinstance(result.error.__cause__, RuntimeError)  # type: ignore[union-attr]
    assert_law_1(result)


def test_a_provider_that_breaks_the_contract_ends_the_run_as_an_error() -> None:
    """TURN-w5, RUN-w2: exceptions of providers were uncaught."""

    def broken(request: Any) -> Any:
        raise KeyError("oops")

    result = alloy.run("x", model=Function(broken), check=False)
    assert result.status == "error"
    assert "KeyError" in str(result.error)


def test_passing_errors_are_tried_again_and_told() -> None:
    """RTY-1, RTY-8, RTY-w2: each retry is an event."""
    answers: list[Any] = [[OverloadedError("busy", retry_after=0.0)], [TextDelta("ok"), Done("end_turn")]]
    run = alloy.start("x", model=Function(lambda request: answers.pop(0)))
    assert run.result().text == "ok"
    assert [event.payload["attempt"] for event in run if event.type == "retry"] == [1]


def test_nothing_is_tried_again_after_something_was_emitted() -> None:
    """RTY-7: not even after thinking."""
    model = Function(lambda request: [TextDelta("a"), OverloadedError("busy", retry_after=0.0)])
    with pytest.raises(OverloadedError):
        alloy.run("x", model=model)
    assert len(model.requests) == 1


def test_forced_tools_are_forced_once() -> None:
    """A forced call in every turn would never end."""
    model = scripted(CALL, {"text": "42"})
    alloy.run("x", model=model, tools=[double], tool_choice="double")
    assert [request.tool_choice for request in model.requests] == ["double", None]


def test_a_forced_tool_that_is_not_there_is_a_config_error() -> None:
    with pytest.raises(alloy.ConfigError, match="tool_choice names `read`"):
        alloy.run("x", model=scripted({"text": "x"}), tools=[double], tool_choice="read")


def test_steering_reaches_the_next_turn() -> None:
    """A message sent while tools run is seen before the next provider call."""
    started = asyncio.Event

    @alloy.tool
    async def wait(ctx: alloy.ToolContext) -> str:
        """Wait for the word."""
        ctx.progress("waiting")
        while not ctx.context["steered"]:
            await asyncio.sleep(0.001)
        return "waited"

    flags: dict[str, Any] = {"steered": False}
    model = scripted({"tool_calls": [{"name": "wait", "input": {}}]}, {"text": "ok"})
    run = alloy.start("x", model=model, tools=[wait], context=flags)
    for event in run:
        if event.type == "tool_progress":
            assert run.steer("and be brief")
            flags["steered"] = True
    assert started
    assert model.requests[1].messages[-1].text == "and be brief"
    assert not run.steer("too late")


def test_steering_at_the_end_of_a_turn_continues_the_loop() -> None:
    seen: list[str] = []

    class Late(alloy.Middleware):
        def after_completion(self, ctx: Any) -> None:
            if ctx.turn == 1:
                run_box[0].steer("one more thing")

    run_box: list[alloy.Run] = []
    model = alloy.Scripted([{"text": "first", "delay_ms": 50}, {"text": "second"}])
    run_box.append(alloy.start("x", model=model, middleware=[Late()]))
    assert run_box[0].result().text == "second"
    seen += [message.text for message in model.requests[1].messages]
    assert seen == ["x", "first", "one more thing"]


def test_all_calls_of_an_answer_are_run() -> None:
    """TURN-6: wherever they stand in it, with words between them or not."""
    plan = [
        [
            ToolCallDelta(0, "c1", "double", '{"n": 1}'),
            TextDelta("and"),
            ToolCallDelta(1, "c2", "double", '{"n": 2}'),
            Done("tool_use"),
        ],
        [TextDelta("ok"), Done("end_turn")],
    ]
    result = alloy.run("x", model=Function(lambda request: plan.pop(0)), tools=[double])
    assert [record.output for record in result.tool_calls] == ["2", "4"]


def test_an_answer_that_promises_calls_and_has_none_ends_the_run() -> None:
    """TURN-w3: an empty user message was added, and the model was asked again and again."""
    model = scripted({"text": "Let me look.", "stop_reason": "tool_use"}, {"text": "never"})
    result = alloy.run("x", model=model, tools=[double])
    assert (result.status, result.text, result.turns) == ("completed", "Let me look.", 1)
    assert [message.role for message in result.messages] == ["user", "assistant"]


def test_a_halt_waits_for_what_is_under_way() -> None:
    """TURN-15: it counts when a hook is asked: an answer that came and tools that ran are whole."""

    class Enough(alloy.Middleware):
        def after_tool_execution(self, ctx: Any) -> alloy.Halt:
            return alloy.Halt("enough")

    calls = {"text": "Doubling.", "tool_calls": [{"name": "double", "input": {"n": n}} for n in (1, 2)]}
    result = alloy.run("x", model=scripted(calls), tools=[double], middleware=[Enough()], check=False)
    assert (result.status, result.text, result.messages[1].partial) == ("halted", "Doubling.", False)
    assert [(record.executed, record.output) for record in result.tool_calls] == [(True, "2"), (True, "4")]


def test_a_deadline_ends_a_slow_answer() -> None:
    """TURN-w4, CFG-7, RTY-5: the run's limit is a hard one."""
    with pytest.raises(alloy.DeadlineExceeded) as caught:
        alloy.run("x", model=scripted({"text": "late", "delay_ms": 60_000}), timeout=0.05)
    assert caught.value.result is not None
    assert caught.value.result.messages == ()


def test_a_deadline_ends_a_slow_tool_and_the_history_is_whole() -> None:
    @alloy.tool
    async def nap() -> str:
        """Sleep."""
        await asyncio.sleep(60)
        return "rested"

    result = alloy.run(
        "x", model=scripted({"tool_calls": [{"name": "nap", "input": {}}]}), tools=[nap], timeout=0.1, check=False
    )
    assert isinstance(result.error, alloy.DeadlineExceeded)
    assert_law_1(result)


def test_silence_longer_than_request_timeout_is_a_provider_timeout() -> None:
    with pytest.raises(alloy.ProviderTimeout):
        alloy.run("x", model=scripted({"text": "late", "delay_ms": 60_000}), request_timeout=0.05, max_retries=0)


def test_whole_answers_and_streams_are_alike() -> None:
    """TURN-9: streaming or not, the result is the same."""
    lines = ({"thinking": "hm", "text": "", **CALL}, {"text": "It is 42."})
    streamed = alloy.run("x", model=scripted(*lines), tools=[double])
    whole = alloy.run("x", model=scripted(*lines), tools=[double], stream=False)
    assert streamed == whole


def test_output_is_an_instance_of_the_type() -> None:
    result = alloy.run("x", model=scripted({"text": '{"value": [1, 2]}'}), output=list[int])
    assert result.output == [1, 2]


def test_an_answer_of_the_wrong_shape_is_sent_back_and_then_given_up() -> None:
    model = scripted({"text": "no"}, {"text": '{"value": 5}'})
    assert alloy.run("x", model=model, output=int).output == 5
    assert "no JSON" in model.requests[1].messages[-1].text
    with pytest.raises(alloy.OutputError):
        alloy.run("x", model=scripted(*[{"text": "no"}] * 3), output=int)


def test_paused_calls_wait_and_run_when_allowed() -> None:
    """`pause`: the free calls are done, the others wait in `pending`, and a later run goes on with them."""

    @alloy.tool(requires_approval=True)
    def launch(n: int) -> str:
        """Launch."""
        return f"launched {n}"

    calls = [{"name": "launch", "input": {"n": 1}}, {"name": "double", "input": {"n": 2}}]
    calls.append({"name": "launch", "input": {"n": 3}})
    model = scripted({"tool_calls": calls}, {"text": "done"})
    first = alloy.run("x", model=model, tools=[launch, double], approval="pause")
    assert first.status == "waiting"
    assert [call.input["n"] for call in first.pending] == [1, 3]
    assert_law_1(first)
    decisions = {first.pending[0].id: True, first.pending[1].id: False}
    second = alloy.run(None, model=model, tools=[launch, double], messages=first.messages, decisions=decisions)
    assert [part.text for part in second.messages[2].tool_results] == [
        "launched 1",
        "4",
        "Denied: the user said no",
    ]
    assert second.text == "done"
    assert_law_1(second)


def test_a_resumed_run_that_fails_keeps_what_ran_and_runs_nothing_twice() -> None:
    """Laws 1 and 12: a length told "nothing was produced", and the result of a call that had run was thrown away."""
    ran: list[int] = []

    @alloy.tool(requires_approval=True)
    def pay() -> str:
        """Pay."""
        ran.append(1)
        return "paid"

    calls = {"tool_calls": [{"name": "double", "input": {"n": 1}}, {"name": "pay", "input": {}}]}
    tools = [double, pay]
    first = alloy.run("x", model=scripted(calls), tools=tools, approval="pause")
    failing = scripted({"error": {"type": "AuthError", "message": "no"}})
    decisions = {first.pending[0].id: True}
    second = alloy.run(None, model=failing, tools=tools, messages=first.messages, decisions=decisions, check=False)
    assert_law_1(second)
    third = alloy.run(None, model=scripted({"text": "ok"}), tools=tools, messages=second.messages, decisions=decisions)
    assert third.text == "ok"
    assert ran == [1]


def test_going_on_without_deciding_gives_the_open_calls_a_result() -> None:
    """Laws 1 and 2: a new prompt on a waiting history sent an open call."""

    @alloy.tool(requires_approval=True)
    def pay() -> str:
        """Pay."""
        return "paid"

    calls = {"tool_calls": [{"name": "pay", "input": {}}]}
    first = alloy.run("x", model=scripted(calls), tools=[pay], approval="pause")
    second = alloy.run("never mind", model=scripted({"text": "ok"}), messages=first.messages)
    assert_law_1(second)
    assert second.messages[2].tool_results[0].text.startswith("Not run")


def test_an_on_error_hook_that_raises_does_not_hide_the_error(caplog: pytest.LogCaptureFixture) -> None:
    """Law 3: the run had no end, and the hook's error came out in place of the provider's."""

    class Bad(alloy.Middleware):
        def on_error(self, ctx: Any) -> Any:
            raise ValueError("hook")

    model = scripted({"error": {"type": "AuthError", "message": "no"}})
    with pytest.raises(alloy.AuthError):
        alloy.run("x", model=model, middleware=[Bad()])
    assert "on_error hook raised" in caplog.text


def test_a_hook_is_bound_by_the_deadline() -> None:
    class Slow(alloy.Middleware):
        async def before_completion(self, ctx: Any) -> None:
            await asyncio.sleep(60)

    with pytest.raises(alloy.DeadlineExceeded):
        alloy.run("x", model=scripted({"text": "x"}), middleware=[Slow()], timeout=0.05)


def test_events_of_calls_given_up_at_a_hook_are_told() -> None:
    """Law 3: they took numbers, and were never seen."""
    halter = alloy.Middleware()
    halter.after_completion = lambda ctx: alloy.Halt("stop")  # type: ignore[method-assign]
    run = alloy.start("x", model=scripted(CALL), tools=[double], middleware=[halter])
    assert_law_3(list(run))


def test_an_answer_that_was_cut_is_not_asked_for_again_and_again() -> None:
    model = scripted(*[{"text": '{"value": [1, 2', "stop_reason": "max_tokens"}] * 3)
    with pytest.raises(alloy.OutputError, match="cut at the output limit"):
        alloy.run("x", model=model, output=list[int])
    assert len(model.requests) == 1


def test_repeated_ids_in_one_answer_become_calls_of_their_own() -> None:
    plan = [
        [ToolCallDelta(n, "same", "double", f'{{"n": {n}}}') for n in (1, 2)] + [Done("tool_use")],
        [TextDelta("ok"), Done("end_turn")],
    ]
    result = alloy.run("x", model=Function(lambda request: plan.pop(0)), tools=[double])
    assert_law_1(result)
    assert [record.output for record in result.tool_calls] == ["2", "4"]


@pytest.mark.parametrize("option", ["tools", "messages", "context", "working_directory", "middleware", "max_turns"])
def test_none_means_the_default(option: str) -> None:
    assert alloy.run("x", model=scripted({"text": "ok"}), **{option: None}).text == "ok"


def test_what_is_steered_in_at_the_very_end_is_told_as_a_message() -> None:
    """The history and the events hold the same messages."""

    class Interrupted(alloy.Scripted):
        async def stream(self, request: Any) -> Any:
            async for delta in super().stream(request):
                if isinstance(delta, Done) and len(self.requests) == 1:
                    while not runs:
                        await asyncio.sleep(0.001)
                    assert runs[0].steer("And another?")
                yield delta

    runs: list[alloy.Run] = []
    runs.append(alloy.start("Name one.", model=Interrupted(["Argon.", "Neon."])))
    result = runs[0].result()
    told = [event.payload for event in result.events if event.type == "message"]
    assert [message.text for message in result.messages] == ["Name one.", "Argon.", "And another?", "Neon."]
    assert list(result.messages)[1:] == told


def test_an_answer_that_has_to_be_mended_is_told_so_in_the_events() -> None:
    result = alloy.run("How many?", model=alloy.Scripted(["many", "7"]), output=int)
    told = [event.payload for event in result.events if event.type == "message"]
    assert result.output == 7
    assert list(result.messages)[1:] == told


def test_a_call_that_was_cut_before_its_arguments_does_not_run() -> None:
    """At the output limit, a call whose arguments never came looks like one without any."""
    ran: list[str] = []

    def wipe(path: str = "everything") -> str:
        """Delete a file."""
        ran.append(path)
        return "deleted"

    calls = [{"name": "wipe", "input": {"path": "a"}}, {"name": "wipe", "input": {}}]
    model = alloy.Scripted([{"tool_calls": calls, "stop_reason": "max_tokens"}, "done"])
    result = alloy.run("go", model=model, tools=[wipe], approval="auto")
    assert ran == ["a"]
    assert [record.error is None for record in result.tool_calls] == [True, False]
    assert "cut" in result.tool_calls[1].output
