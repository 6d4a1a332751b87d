from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.errors import OverloadedError
from alloy_nb.options import make_options, nearest
from alloy_nb.testing import Function, no_delays
from alloy_nb.tools.context import ToolContext


async def is_awaited(_: object) -> None:
    """What is only called does nothing when it is async."""


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("nope", None),  # was `openai`, where a provider was asked for, and `none`, where a way to think was
        ("raed", "read"),
        ("raedd", "read"),
        ("ope", None),
        ("opnai", "openai"),
        ("non", "none"),
        ("", None),
    ],
)
def test_a_word_is_near_when_hardly_anything_else_could_be_meant(word: str, near: str | None) -> None:
    assert nearest(word, ["openai", "none", "read", "edit"]) == near


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("modle", "model"),
        ("tool", "tools"),
        ("max_turn", "max_turns"),
        ("system", "system_prompt"),
        ("max_tokens", "max_output_tokens"),
    ],
)
def test_an_unknown_option_names_the_nearest_known_one(wrong: str, right: str) -> None:
    """RUN-w3: unknown options were silently ignored."""
    with pytest.raises(alloy.ConfigError) as caught:
        alloy.run("hi", **{wrong: 1})
    assert caught.value.message == f"unknown option `{wrong}`"
    assert right in (caught.value.hint or "")


def test_an_option_like_nothing_lists_what_there_is() -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        make_options({"zzzzzz": 1})
    assert "max_turns" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "options",
    [
        {"name": 3},
        {"system_prompt": ["Be brief."]},
        {"stream": "yes"},
        {"temperature": "hot"},
        {"top_p": -1},
        {"max_output_tokens": 0},
        {"max_output_tokens": 1e3},
        {"working_directory": 3},
        {"max_turns": -1},
        {"max_turns": "3"},
        {"timeout": -1},
        {"tool_timeout": "soon"},
        {"approval": "maybe"},
        {"on_event": 5},
        {"on_event": is_awaited},
        {"on_chunk": is_awaited},
        {"tools": "read"},
        {"messages": ["hi"]},
        {"stop_sequences": "END"},
        {"extra_body": 3},
        {"extra_body": "x"},
        {"thinking": -5},
        {"thinking": 1.5},
        {"thinking": []},
    ],
)
def test_a_wrong_value_is_said_before_anything_runs(options: dict) -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        make_options(options)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("given", "meant"),
    [(0.5, "usd=0.5"), (1, "usd=1"), (50_000, "tokens=50_000"), ("x", "tokens=100_000"), (-1, "tokens=100_000")],
)
def test_a_budget_that_is_a_number_is_offered_as_what_was_meant(given: object, meant: str) -> None:
    """Of half a dollar a budget of tokens was made."""
    with pytest.raises(alloy.ConfigError, match="budget is") as caught:
        make_options({"budget": given})
    assert caught.value.hint == f"give a Budget: budget=alloy.Budget({meant})"


@pytest.mark.parametrize(
    ("given", "word"),
    [("2000", "thinking=2000"), ("hihg", "'high'"), ("High", "'high'"), ("zzz", "medium"), (-5, "a number of tokens")],
)
def test_a_wrong_thinking_names_what_is_right(given: object, word: str) -> None:
    """Each wire made its own of it: some sent it, some turned thinking off."""
    with pytest.raises(alloy.ConfigError, match="thinking is") as caught:
        make_options({"thinking": given})
    assert word in (caught.value.hint or "")


@pytest.mark.parametrize("given", [None, True, False, 0, 2000, "none", "minimal", "low", "medium", "high", "max"])
def test_every_way_to_say_thinking_is_taken(given: object) -> None:
    assert make_options({"thinking": given}).thinking == given


def test_request_id_is_another_word_for_run_id() -> None:
    assert make_options({"request_id": "r1"}).run_id == "r1"


def test_a_working_directory_that_is_none_is_a_config_error(tmp_path) -> None:
    with pytest.raises(alloy.ConfigError, match="is no folder"):
        alloy.run("hi", model=alloy.Scripted([{"text": "x"}]), working_directory=tmp_path / "none")


# -- what each one does -----------------------------------------------------------------------------------------------


@alloy.tool
def look(ctx: ToolContext) -> str:
    """Tell the context."""
    return f"{ctx.context.get('user')}, {ctx.time_limit:g} s"


LOOK = {"tool_calls": [{"name": "look", "input": {}}]}


def test_what_is_not_said_has_its_default() -> None:
    """CFG-2, CFG-3, CFG-4, CFG-6, CFG-7, CFG-8, CFG-9, CFG-10, CFG-11, CFG-15, CFG-16"""
    options = make_options({})
    assert (options.tools, options.middleware, options.fallback, options.messages) == ((), (), (), ())
    assert (options.system_prompt, options.working_directory, options.context) == (None, ".", {})
    assert (options.max_turns, options.max_retries, options.max_pending) == (25, 3, 0)
    assert (options.timeout, options.request_timeout, options.tool_timeout) == (None, 120, 120)


def test_the_model_is_told_of_the_tools_in_order() -> None:
    """CFG-2, TOOL-5: without the option there are none."""
    model = alloy.Scripted(["a", "b"])
    alloy.run("x", model=model, tools=["read", look, "bash"])
    alloy.run("x", model=model)
    assert [[spec.name for spec in request.tools] for request in model.requests] == [["read", "look", "bash"], []]


def test_the_system_prompt_goes_with_every_call() -> None:
    """CFG-3"""
    model = alloy.Scripted([LOOK, LOOK, "done"])
    alloy.run("x", model=model, tools=[look], system_prompt="Be brief.")
    assert [request.system_prompt for request in model.requests] == ["Be brief."] * 3


def test_a_run_has_twenty_five_turns_unless_told() -> None:
    """CFG-4: a turn is one provider call."""
    model = alloy.Scripted([LOOK] * 30)
    assert alloy.run("x", model=model, tools=[look]).status == "max_turns"
    assert len(model.requests) == 25


def test_three_retries_unless_told() -> None:
    """CFG-6, RTY-1: 0 turns them off."""

    def busy(request: Any) -> Any:
        raise OverloadedError("busy")

    for options, calls in (({}, 4), ({"max_retries": 1}, 2), ({"max_retries": 0}, 1)):
        model = Function(busy)
        with no_delays(), pytest.raises(OverloadedError):
            alloy.run("x", model=model, **options)
        assert len(model.requests) == calls


def test_a_tool_has_the_time_that_the_run_gives_it() -> None:
    """CFG-8: for each call; two minutes unless told."""

    @alloy.tool
    async def nap() -> str:
        """Sleep."""
        await asyncio.sleep(60)
        return "rested"

    result = alloy.run("x", model=alloy.Scripted([LOOK, "done"]), tools=[look])
    assert result.tool_calls[0].output == "None, 120 s"
    calls = [{"name": "nap", "input": {}}, {"name": "look", "input": {}}]
    model = alloy.Scripted([{"tool_calls": calls}, "done"])
    result = alloy.run("x", model=model, tools=[nap, look], tool_timeout=0.25)
    assert [record.output for record in result.tool_calls] == ["Tool timed out after 0.25 s", "None, 0.25 s"]
    assert result.text == "done"


def test_the_context_reaches_tools_and_hooks_as_it_is() -> None:
    """CFG-11"""
    seen: list[Any] = []

    class Look(alloy.Middleware):
        def before_completion(self, ctx: Any) -> None:
            seen.append(ctx.context)

    context = {"user": "ada", "deep": {"list": [1]}}
    result = alloy.run("x", model=alloy.Scripted([LOOK, "done"]), tools=[look], context=context, middleware=[Look()])
    assert seen == [context, context]
    assert result.tool_calls[0].output.startswith("ada")


def test_the_limit_of_an_answer_is_not_the_window() -> None:
    """CFG-w2: `max_tokens` meant both; each has a name of its own."""
    model = alloy.Scripted(["x"])
    agent = alloy.Agent(model=model, max_output_tokens=7, context_window=50_000)
    agent.chat("hi")
    assert (model.requests[0].max_output_tokens, agent.context_window) == (7, 50_000)
    with pytest.raises(alloy.ConfigError) as caught:
        make_options({"max_tokens": 100})
    assert caught.value.hint == "did you mean `max_output_tokens`?"


@pytest.mark.parametrize("given", ["of the run", None])
def test_there_is_one_place_for_the_system_prompt(given: str | None) -> None:
    """CFG-w4: a provider took one too, and what it was given was overwritten without a word."""
    with pytest.raises(alloy.ConfigError, match="system_prompt"):
        alloy.Anthropic("claude-sonnet-4-6", api_key="k", system_prompt="of the provider")  # type: ignore[call-arg]
    model = alloy.Scripted(["x"])
    alloy.run("hi", model=model, system_prompt=given)
    assert model.requests[0].system_prompt == given


@pytest.mark.skipif(sys.platform == "win32", reason="no bash on Windows")
def test_file_tools_and_bash_work_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CFG-10: by default where Python was started."""
    (tmp_path / "a.txt").write_text("from the folder\n")
    calls = [{"name": "read", "input": {"file_path": "a.txt"}}, {"name": "bash", "input": {"command": "cat a.txt"}}]

    def outputs(**options: Any) -> list[str]:
        model = alloy.Scripted([{"tool_calls": calls}, "done"])
        result = alloy.run("x", model=model, tools=["read", "bash"], approval="auto", **options)
        return [record.output for record in result.tool_calls]

    assert all("from the folder" in output for output in outputs(working_directory=tmp_path))
    monkeypatch.chdir(tmp_path)
    assert all("from the folder" in output for output in outputs())


def test_what_is_kept_of_a_run_is_one_of_three_words() -> None:
    assert make_options({}).record is None
    assert make_options({"record": "summary"}).override(record="off").record == "off"
    with pytest.raises(alloy.ConfigError, match="record is 'ful'") as caught:
        alloy.run("hi", model=alloy.Scripted(["x"]), record="ful")
    assert caught.value.hint == "did you mean 'full'?"
    assert alloy.Agent(model=alloy.Scripted(["x"]), record="off").chat("hi", record="full").text == "x"


def test_context_discovery_is_an_option_and_off() -> None:
    """CFG-12: and so are skills."""
    options = make_options({})
    assert (options.context_discovery, options.skills) == (False, False)
    assert make_options({"context_discovery": True, "skills": ["a.md"]}).skills == ["a.md"]
    for wrong in ({"context_discovery": 1}, {"context_discovery": "yes"}, {"skills": "a.md"}, {"skills": 3}):
        with pytest.raises(alloy.ConfigError) as caught:
            make_options(wrong)
        assert caught.value.hint
