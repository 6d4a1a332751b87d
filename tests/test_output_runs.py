"""Runs that ask for an answer of a type: in the three forms, with repairs, and beside other tools."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

import alloy_nb as alloy
from alloy_nb.messages import Text, ToolCall
from alloy_nb.providers.base import Done, OutputForms, TextDelta, ToolCallDelta
from alloy_nb.render.blocks import Transcript
from alloy_nb.testing import Function
from tests.histories import assert_law_1, assert_law_3


class City(BaseModel):
    name: str
    people: int


OSLO = City(name="Oslo", people=7)
OSLO_TEXT = '{"name": "Oslo", "people": 7}'
BY_TOOL = OutputForms("tool", "tool")
FORMS = {"native": OutputForms(), "tool": BY_TOOL, "words": OutputForms("words", "words")}


@alloy.tool
def population(city: str) -> int:
    """How many live there."""
    return 7


def call(name: str, /, **input: Any) -> dict[str, Any]:
    return {"name": name, "input": input}


ANSWER = {"tool_calls": [call("answer", name="Oslo", people=7)]}
LOOK_UP = {"tool_calls": [call("population", city="Oslo")]}


def scripted(*lines: Any, forms: OutputForms | None = BY_TOOL) -> alloy.Scripted:
    model = alloy.Scripted(list(lines))
    model.output_forms = forms
    return model


def checked(result: alloy.Result) -> alloy.Result:
    assert_law_1(result)
    assert_law_3(list(result.events))
    told = [event.payload for event in result.events if event.type == "message"]
    assert list(result.messages)[1:] == told
    return result


# The forms


def test_a_native_schema_is_the_requests_alone() -> None:
    model = scripted(OSLO_TEXT, forms=OutputForms())
    result = checked(alloy.run("Which?", model=model, output=City))
    (request,) = model.requests
    assert (result.output, result.text) == (OSLO, OSLO_TEXT)
    assert request.output_schema is not None
    assert request.output_schema["required"] == ["name", "people"]
    assert (request.system_prompt, request.tools) == (None, ())


def test_an_answer_by_a_tool_is_forced_where_there_is_no_other() -> None:
    model = scripted(ANSWER)
    result = checked(alloy.run("Which?", model=model, output=City))
    (request,) = model.requests
    assert result.output == OSLO
    assert (request.tool_choice, [tool.name for tool in request.tools]) == ("answer", ["answer"])
    assert (request.output_schema, request.system_prompt) == (None, None)
    assert request.tools[0].input_schema["required"] == ["name", "people"]
    assert (result.status, result.turns, result.tool_calls) == ("completed", 1, ())
    assert [message.role for message in result.messages] == ["user", "assistant", "user"]


def test_in_words_the_schema_is_in_the_system_prompt() -> None:
    model = scripted(f"Sure! {OSLO_TEXT}", forms=FORMS["words"])
    result = checked(alloy.run("Which?", model=model, output=City, system_prompt="Be brief."))
    (request,) = model.requests
    assert result.output == OSLO
    assert request.output_schema is None
    assert request.system_prompt is not None
    assert request.system_prompt.startswith("Be brief.\n\nAnswer with one JSON")
    assert '"people"' in request.system_prompt


def test_a_provider_that_does_not_say_how_is_told_in_words_and_given_the_schema() -> None:
    model = scripted(OSLO_TEXT, forms=None)
    assert alloy.run("Which?", model=model, output=City).output == OSLO
    assert model.requests[0].output_schema is not None
    assert '"people"' in (model.requests[0].system_prompt or "")


def test_what_has_no_room_in_a_native_schema_is_asked_for_by_a_tool() -> None:
    model = scripted(
        {"tool_calls": [call("answer", a=1)]}, forms=OutputForms(fits=lambda schema: "properties" in schema)
    )
    assert alloy.run("Which?", model=model, output=dict[str, int]).output == {"a": 1}
    assert model.requests[0].tool_choice == "answer"


def test_a_plain_text_is_asked_for_as_nothing_else_is() -> None:
    model = scripted("Oslo.")
    result = alloy.run("Which?", model=model, output=str)
    assert result.output == result.text == "Oslo."
    assert (model.requests[0].tools, model.requests[0].output_schema, model.requests[0].system_prompt) == (
        (),
        None,
        None,
    )


@pytest.mark.parametrize("options", [{"thinking": "low"}, {"extra_body": {"a": 1}}])
def test_a_model_that_may_think_is_not_forced_but_told(options: dict[str, Any]) -> None:
    model = scripted(ANSWER)
    assert alloy.run("Which?", model=model, output=City, **options).output == OSLO
    assert model.requests[0].tool_choice is None
    assert "tool `answer`" in (model.requests[0].system_prompt or "")


def test_the_tool_has_a_name_that_no_other_tool_has() -> None:
    def answer(n: int) -> int:
        """Another one."""
        return n

    model = scripted(
        {"tool_calls": [call("answer", n=1)]}, {"tool_calls": [call("final_answer", name="Oslo", people=7)]}
    )
    result = checked(alloy.run("Which?", model=model, output=City, tools=[answer]))
    assert result.output == OSLO
    assert [record.output for record in result.tool_calls] == ["1"]


# Beside other tools


def test_other_tools_are_called_first_and_nothing_is_forced() -> None:
    model = scripted(LOOK_UP, ANSWER)
    result = checked(alloy.run("Which?", model=model, output=City, tools=[population]))
    assert result.output == OSLO
    assert [record.name for record in result.tool_calls] == ["population"]
    for request in model.requests:
        assert [tool.name for tool in request.tools] == ["population", "answer"]
        assert request.tool_choice is None
        assert "`answer`" in (request.system_prompt or "")


@pytest.mark.parametrize("choice", ["required", "population"])
def test_a_tool_that_must_be_called_is_not_the_answer(choice: str) -> None:
    model = scripted(LOOK_UP, ANSWER)
    assert alloy.run("Which?", model=model, output=City, tools=[population], tool_choice=choice).output == OSLO
    assert [[tool.name for tool in request.tools] for request in model.requests] == [
        ["population"],
        ["population", "answer"],
    ]


def test_where_no_tool_may_be_called_the_wire_is_asked_for_the_schema() -> None:
    model = scripted(OSLO_TEXT)
    assert alloy.run("Which?", model=model, output=City, tools=[population], tool_choice="none").output == OSLO
    assert model.requests[0].output_schema is not None
    assert [tool.name for tool in model.requests[0].tools] == ["population"]


def test_an_answer_beside_other_calls_is_asked_for_again() -> None:
    """It was given before their results were known; what was called runs."""
    both = {"tool_calls": [call("answer", name="Oslo", people=0), call("population", city="Oslo")]}
    model = scripted(both, ANSWER)
    result = checked(alloy.run("Which?", model=model, output=City, tools=[population]))
    assert result.output == OSLO
    first, second = result.messages[2].tool_results
    assert (first.name, first.is_error, second.text) == ("answer", True, "7")
    assert first.text.startswith("Not taken yet")


def test_a_run_that_waits_leaves_the_answer_closed() -> None:
    @alloy.tool(requires_approval=True)
    def pay() -> str:
        """Pay."""
        return "paid"

    both = {"tool_calls": [call("pay"), call("answer", name="Oslo", people=0)]}
    model = scripted(both, ANSWER)
    waiting = alloy.run("Which?", model=model, output=City, tools=[pay], approval="pause")
    assert [one.name for one in waiting.pending] == ["pay"]
    assert_law_1(waiting)
    decisions = {waiting.pending[0].id: True}
    result = alloy.run(None, model=model, output=City, tools=[pay], messages=waiting.messages, decisions=decisions)
    assert result.output == OSLO
    assert_law_1(result)


def test_a_halt_at_an_answer_leaves_no_call_open() -> None:
    halter = alloy.Middleware()
    halter.after_completion = lambda ctx: alloy.Halt("stop")  # type: ignore[method-assign]
    result = alloy.run("Which?", model=scripted(ANSWER), output=City, middleware=[halter], check=False)
    assert (result.status, result.output) == ("halted", None)
    checked(result)


def test_hooks_of_tools_are_not_called_for_an_answer() -> None:
    heard: list[str] = []
    hook = alloy.Middleware()
    hook.after_tool_request = lambda ctx: heard.append("request")  # type: ignore[method-assign]
    hook.before_tool_call = lambda ctx, call: heard.append(call.name)  # type: ignore[method-assign]
    assert alloy.run("Which?", model=scripted(ANSWER), output=City, middleware=[hook]).output == OSLO
    assert heard == []


def test_a_call_of_the_answer_costs_no_budget_of_calls() -> None:
    budget = alloy.Budget(tool_calls=1)
    model = scripted(LOOK_UP, ANSWER)
    assert alloy.run("Which?", model=model, output=City, tools=[population], budget=budget).output == OSLO


def test_the_same_answer_given_twice_is_one_and_two_others_are_none() -> None:
    oslo, bergen = call("answer", name="Oslo", people=7), call("answer", name="Bergen", people=3)
    assert checked(alloy.run("x", model=scripted({"tool_calls": [oslo, oslo]}), output=City)).output == OSLO
    model = scripted({"tool_calls": [oslo, bergen]}, ANSWER)
    result = checked(alloy.run("x", model=model, output=City))
    assert result.output == OSLO
    assert "given 2 times" in result.messages[2].tool_results[0].text


def test_what_is_steered_in_goes_before_the_end() -> None:
    class Interrupted(alloy.Scripted):
        async def stream(self, request: Any) -> Any:
            async for delta in super().stream(request):
                if isinstance(delta, Done) and len(self.requests) == 1:
                    while not runs:
                        await asyncio.sleep(0.001)
                    assert runs[0].steer("And in winter?")
                yield delta

    model = Interrupted([{"tool_calls": [call("answer", name="Oslo", people=0)]}, ANSWER])
    model.output_forms = BY_TOOL
    runs: list[alloy.Run] = []
    runs.append(alloy.start("Which?", model=model, output=City))
    result = checked(runs[0].result())
    assert result.output == OSLO
    assert [message.text for message in result.messages if message.role == "user"] == [
        "Which?",
        "",
        "And in winter?",
        "",
    ]


# What is told


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_by_a_tool_is_told_as_its_text(stream: bool) -> None:
    heard: list[str] = []
    result = alloy.run("Which?", model=scripted(ANSWER), output=City, on_chunk=heard.append, stream=stream)
    assert "".join(heard) == result.text == OSLO_TEXT
    kinds = {event.type for event in result.events}
    assert not kinds & {"tool_call_delta", "tool_start", "tool_end"}


def test_a_transcript_shows_words_the_answer_and_what_was_wrong_with_it() -> None:
    wrong = {"text": "Let me see.", "tool_calls": [call("answer", name="Oslo", people="many")]}
    result = alloy.run("Which?", model=scripted(wrong, ANSWER), output=City)
    transcript = Transcript()
    for event in result.events:
        transcript.feed(event)
    shown = [(block.by, block.markdown) for block in transcript.blocks if hasattr(block, "markdown")]
    assert len(shown) == len(transcript.blocks) == 3
    assert shown[0] == ("model", 'Let me see.\n\n{"name": "Oslo", "people": "many"}')
    assert shown[1][0] == "user"
    assert "people: Input should be a valid integer" in shown[1][1]
    assert shown[2] == ("model", OSLO_CODE)
    assert result.text == OSLO_TEXT


# Repairs


@pytest.mark.parametrize("form", ["native", "words"])
def test_what_is_wrong_with_a_text_is_said_by_the_user_with_the_schema(form: str) -> None:
    model = scripted("Oslo has many.", '{"name": "Oslo"}', OSLO_TEXT, forms=FORMS[form])
    result = checked(alloy.run("Which?", model=model, output=City))
    assert (result.output, result.turns, result.usage.output_tokens) == (OSLO, 3, 15)
    first, second = (request.messages[-1] for request in model.requests[1:])
    assert "no JSON" in first.text
    assert '"people"' in first.text
    assert "people: Field required" in second.text


def test_what_is_wrong_with_a_call_is_its_result() -> None:
    model = scripted({"tool_calls": [call("answer", name="Oslo")]}, ANSWER)
    result = checked(alloy.run("Which?", model=model, output=City))
    assert result.output == OSLO
    (told,) = model.requests[1].messages[-1].tool_results
    assert told.is_error
    assert "people: Field required" in told.text
    assert "`answer`" in told.text
    assert model.requests[1].tool_choice == "answer"


def test_a_text_in_place_of_the_call_counts_when_it_matches() -> None:
    model = scripted("I do not know.", f"```json\n{OSLO_TEXT}\n```")
    assert checked(alloy.run("Which?", model=model, output=City)).output == OSLO


def test_arguments_that_are_no_json_go_back() -> None:
    plan: list[Any] = [
        [ToolCallDelta(0, "c", "answer", '{"name": "Oslo", "people": 7'), Done("tool_use")],
        [ToolCallDelta(0, "c", "answer", OSLO_TEXT), Done("tool_use")],
    ]
    model = Function(lambda request: plan.pop(0))
    model.output_forms = BY_TOOL
    assert checked(alloy.run("Which?", model=model, output=City)).output == OSLO


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("retries", [0, 1, 2])
def test_after_the_last_repair_the_last_error_ends_the_run(form: str, retries: int) -> None:
    wrong: Any = {"tool_calls": [call("answer", name="Oslo")]} if form == "tool" else '{"name": "Oslo"}'
    model = scripted(*[wrong] * 4, forms=FORMS[form])
    result = alloy.run("Which?", model=model, output=City, output_retries=retries, check=False)
    assert isinstance(result.error, alloy.OutputError)
    assert "people: Field required" in result.error.message
    assert result.error.hint
    assert type(result.error.__cause__).__name__ == "ValidationError"
    assert (len(model.requests), result.turns, result.output) == (retries + 1, retries + 1, None)
    checked(result)


@pytest.mark.parametrize("form", FORMS)
def test_without_a_turn_for_a_repair_the_error_says_so(form: str) -> None:
    """The run ended as `max_turns`, without a word on why there is no output."""
    wrong: Any = {"tool_calls": [call("answer", name="Oslo")]} if form == "tool" else '{"name": "Oslo"}'
    result = alloy.run("x", model=scripted(wrong, forms=FORMS[form]), output=City, max_turns=1, check=False)
    assert isinstance(result.error, alloy.OutputError)
    assert "max_turns" in (result.error.hint or "")
    checked(result)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("reason", "said"), [("refusal", "refused"), ("content_filter", "content filter")])
def test_a_refusal_is_told_as_one(form: str, reason: str, said: str) -> None:
    model = scripted(*[{"text": "I cannot help with that.", "stop_reason": reason}] * 2, forms=FORMS[form])
    with pytest.raises(alloy.OutputError, match=f"{said}.*: I cannot help with that") as caught:
        alloy.run("x", model=model, output=City)
    assert caught.value.hint
    assert len(model.requests) == 1


def test_a_call_that_was_cut_is_told_as_cut() -> None:
    cut = [ToolCallDelta(0, "c", "answer", '{"name": "Os'), Done("max_tokens")]
    model = Function(lambda request: cut)
    model.output_forms = BY_TOOL
    result = alloy.run("x", model=model, output=City, check=False)
    assert isinstance(result.error, alloy.OutputError)
    assert "cut at the output limit" in result.error.message
    assert len(model.requests) == 1
    checked(result)


def test_steering_is_taken_while_an_answer_is_mended() -> None:
    """Once an answer had been looked at, `steer` said that the run was over."""
    plan: list[Any] = [[TextDelta("no"), Done("end_turn")], [TextDelta(OSLO_TEXT), Done("end_turn")]]
    taken: list[bool] = []

    def say(request: Any) -> Any:
        if len(plan) == 1:
            taken.append(runs[0].steer("Hurry."))
        elif not plan:
            return OSLO_TEXT
        return plan.pop(0)

    runs: list[alloy.Run] = []

    async def waiting(request: Any) -> Any:
        while not runs:
            await asyncio.sleep(0.001)
        return say(request)

    runs.append(alloy.start("x", model=Function(waiting), output=City))
    assert runs[0].result().output == OSLO
    assert taken == [True]


@pytest.mark.parametrize("given", [-1, True, "2"])
def test_a_number_of_repairs_that_is_none_is_refused(given: Any) -> None:
    with pytest.raises(alloy.ConfigError, match="output_retries"):
        alloy.run("x", model=scripted("x"), output=City, output_retries=given)


# Going on


@pytest.mark.parametrize("first", FORMS)
@pytest.mark.parametrize("second", FORMS)
def test_a_conversation_goes_on_from_one_form_to_another(first: str, second: str) -> None:
    def line(form: str) -> Any:
        return ANSWER if form == "tool" else OSLO_TEXT

    before = alloy.run("Which?", model=scripted(line(first), forms=FORMS[first]), output=City)
    after = alloy.run(
        "And now?", model=scripted(line(second), forms=FORMS[second]), output=City, messages=before.messages
    )
    assert after.output == OSLO
    assert_law_1(after)


def test_a_fallback_is_asked_in_its_own_form() -> None:
    failing = scripted({"error": {"type": "ServerError", "message": "no"}}, forms=OutputForms())
    other = scripted(ANSWER)
    assert alloy.run("x", model=failing, fallback=[other], output=City, max_retries=0).output == OSLO
    assert other.requests[0].tool_choice == "answer"


def test_the_history_of_an_answer_is_a_call_and_its_result() -> None:
    result = alloy.run("Which?", model=scripted({**ANSWER, "text": "Found."}), output=City)
    said_first, given = result.messages[1].parts
    assert said_first == Text("Found.")
    assert isinstance(given, ToolCall)
    assert dict(given.input) == OSLO.model_dump()
    (taken,) = result.messages[2].tool_results
    assert (taken.call_id, taken.name, taken.is_error) == (given.id, "answer", False)


OSLO_CODE = '```json\n{\n  "name": "Oslo",\n  "people": 7\n}\n```'


def blocks_of(run: Any) -> list[Any]:
    transcript = Transcript()
    for event in run:
        transcript.feed(event)
    return transcript.blocks


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_an_answer_of_a_type_is_shown_as_code_in_each_form(form: str, stream: bool) -> None:
    lines = [ANSWER if form == "tool" else {"text": OSLO_TEXT}]
    model = alloy.Scripted(lines)
    model.output_forms = FORMS[form]  # type: ignore[attr-defined]
    run = alloy.start("x", model=model, output=City, stream=stream)
    (block,) = blocks_of(run)
    assert block.markdown == OSLO_CODE
    end = list(run)[-1]
    assert end.payload["output"] == {"type": "City", "json": OSLO_CODE[8:-4]}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"Gladly: {OSLO_TEXT}", [f"Gladly: {OSLO_TEXT}", OSLO_CODE]),
        (f"```json\n{OSLO_TEXT}\n```", [OSLO_CODE]),
        (f"Here:\n\n```json\n{OSLO_TEXT}\n```", [f"Here:\n\n```json\n{OSLO_TEXT}\n```"]),
    ],
)
def test_words_around_an_answer_stay(said: str, shown: list[str]) -> None:
    assert [block.markdown for block in blocks_of(alloy.start("x", model=alloy.Scripted([said]), output=City))] == shown


def test_a_value_that_is_no_object_is_shown_without_what_it_travelled_in() -> None:
    run = alloy.start("x", model=alloy.Scripted(['{"value": [1.10]}']), output=list[float])
    (block,) = blocks_of(run)
    assert block.markdown == "```json\n[\n  1.10\n]\n```"


def test_only_the_answer_that_was_taken_is_shown_as_code() -> None:
    run = alloy.start("x", model=alloy.Scripted(['{"name": "Oslo"}', OSLO_TEXT]), output=City)
    first, complaint, last = blocks_of(run)
    assert (first.markdown, complaint.by, last.markdown) == ('{"name": "Oslo"}', "user", OSLO_CODE)


def test_a_text_and_a_failure_have_no_output() -> None:
    for lines, options in ((["hi"], {"output": str}), (["hi"], {}), (["{}"], {"output": City, "output_retries": 0})):
        run = alloy.start("x", model=alloy.Scripted(lines), **options)
        assert "output" not in list(run)[-1].payload
        assert blocks_of(run)[0].markdown == lines[0]
