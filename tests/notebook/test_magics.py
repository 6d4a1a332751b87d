"""`%alloy` and `%%alloy` in IPython."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from alloy_nb.errors import AuthError, ConfigError, ServerError
from alloy_nb.execution import Execution
from alloy_nb.providers.base import TextDelta
from alloy_nb.providers.scripted import Scripted

from .conftest import Notebook


def prompts(model: Any) -> list[str]:
    return [request.messages[-1].text for request in model.requests]


def history(model: Any) -> list[str]:
    return [message.text for message in model.requests[-1].messages]


def test_a_cell_asks_and_shows_the_answer(notebook: Notebook, script: Any) -> None:
    model = script("Good **morning**")
    ran = notebook.ok("%%alloy -m m\nHello\nthere\n")
    assert prompts(model) == ["Hello\nthere"]
    assert "Good **morning**" in ran.stdout


def test_a_line_asks_and_returns_the_result(notebook: Notebook, script: Any) -> None:
    script("four")
    notebook.ok('x = %alloy -m m What\'s two and "two"?')
    assert notebook.names["x"].text == "four"


def test_a_result_is_shown_once_in_the_cell_of_its_run(notebook: Notebook, script: Any) -> None:
    script("only once", "again")
    assert notebook.ok("%%alloy -m m -o r\nhi\n").stdout.count("only once") == 1
    assert notebook.ok("x = %alloy -m m hi\nx").stdout.count("again") == 1
    assert notebook.ok("r").stdout.count("only once") == 1


def test_out_binds_the_result_and_nothing_else_is_bound(notebook: Notebook, script: Any) -> None:
    script("one", "two")
    before = set(notebook.names)
    notebook.ok("%%alloy -m m -o answer\nhi\n")
    assert notebook.names["answer"].text == "one"
    new = {name for name in set(notebook.names) - before if not name.startswith("_")}
    assert new == {"answer"}


def test_another_model_answers_and_thinking_and_timeout_reach_the_run(notebook: Notebook, script: Any) -> None:
    model = script({"error": {"type": "RateLimitError", "message": "spent", "retryable": False}})
    notebook.names["other"] = other = Scripted(["Good morning"])
    ran = notebook.ok("%%alloy -m m --fallback other --thinking high --timeout 60\nHello\n")
    assert "Good morning" in ran.stdout
    assert [request.thinking for request in (*model.requests, *other.requests)] == ["high", "high"]


@pytest.mark.parametrize(
    ("option", "words"), [("--thinking hihg", "thinking is 'hihg'"), ("--timeout -1", "timeout is -1")]
)
def test_a_wrong_value_is_told_before_anything_is_asked(
    notebook: Notebook, script: Any, option: str, words: str
) -> None:
    model = script("never")
    error = notebook.run(f"%%alloy -m m {option}\nHello\n").error
    assert isinstance(error, ConfigError)
    assert words in error.message
    assert model.requests == []


BRACES = [
    '{"a": 1, "key": {"x": [1, {"n": null}]}}',
    r"$\frac{a}{b}$, \frac{a}{b}, x_{n}, $$\sum_{n}^{x} {a}$$",
    "{a, b, n} and {x: 1, key: 2}",
    "d = {a: b}; f'{a!r}'; {{n}}; ${key}; $a; %s",
]


@pytest.mark.parametrize("prompt", BRACES)
def test_prompts_with_braces_reach_the_model_unchanged(notebook: Notebook, script: Any, prompt: str) -> None:
    """IPython itself would expand `$a` and `{a}`; the library only `{name}` that cannot be anything else."""
    model = script("ok", "ok")
    notebook.ok("a, b, n, x, key = 1, 'two', 3, [4], 'K'")
    notebook.ok(f"%%alloy -m m\n{prompt}\n")
    notebook.ok(f"%alloy -m m {prompt}")
    assert prompts(model) == [prompt, prompt]


def test_variables_go_in_and_are_listed(notebook: Notebook, script: Any) -> None:
    model = script("ok")
    notebook.ok("city = 'Oslo'")
    ran = notebook.ok("%%alloy -m m\nTell of {city}\n")
    assert prompts(model) == ["Tell of Oslo"]
    assert "city: str, 4 characters" in ran.stdout


def test_a_variable_that_is_gone_is_told_of_above_the_answer_and_in_what_would_be_sent(
    notebook: Notebook, script: Any
) -> None:
    """After a restart `{df}` was sent as these very letters, without a word."""
    model = script("ok")
    told = "{df} as typed: no such variable"
    assert told in notebook.ok("%%alloy -m m\nSummarise {df}\n").stdout
    assert prompts(model) == ["Summarise {df}"]
    assert told in notebook.ok("%alloy -m m --show Summarise {df}").stdout


def test_local_variables_of_a_function_go_in(notebook: Notebook, script: Any) -> None:
    model = script("ok")
    notebook.ok("def ask(place):\n    %alloy -m m Tell of {place}\nask('Bergen')")
    assert prompts(model) == ["Tell of Bergen"]


def test_names_of_ipython_itself_do_not_go_in(notebook: Notebook, script: Any) -> None:
    model = script("ok")
    notebook.ok("%alloy -m m The set {In}, {exit}, {quit}, {get_ipython}")
    assert prompts(model) == ["The set {In}, {exit}, {quit}, {get_ipython}"]


def test_the_conversation_goes_on_until_fresh_or_reset(notebook: Notebook, script: Any) -> None:
    model = script("a1", "a2", "a3", "a4", "a5")
    notebook.ok("%alloy -m m q1")
    notebook.ok("%alloy -m m q2")
    assert history(model) == ["q1", "a1", "q2"]
    notebook.ok("%alloy -m m --fresh q3")
    assert history(model) == ["q3"]
    notebook.ok("%alloy -m m q4")
    assert history(model) == ["q3", "a3", "q4"]
    assert "starts over" in notebook.ok("%alloy /reset").stdout
    notebook.ok("%alloy -m m q5")
    assert history(model) == ["q5"]


def test_a_cell_run_again_does_not_pile_up(notebook: Notebook, script: Any) -> None:
    model = script("a1", "b", "a2")
    notebook.ok("%alloy -m m first", cell="A")
    notebook.ok("%alloy -m m second", cell="B")
    notebook.ok("%alloy -m m first", cell="A")
    assert history(model) == ["second", "b", "first"]
    assert [message.text for message in notebook.conversation.messages] == ["second", "b", "first", "a2"]


def test_a_failed_fresh_start_loses_nothing(notebook: Notebook, script: Any) -> None:
    script("a1", {"error": {"type": "AuthError", "message": "bad key"}})
    notebook.ok("%alloy -m m q1")
    assert isinstance(notebook.run("%alloy -m m --fresh q2").error, AuthError)
    assert [message.text for message in notebook.conversation.messages] == ["q1", "a1"]


def test_options_hold_for_one_run_only(notebook: Notebook, script: Any) -> None:
    model = script("a", "b")
    notebook.ok("%alloy -m m -t read --tool-choice none --system 'Be brief' --temperature 0.5 hi")
    notebook.ok("%alloy -m m hi")
    first, second = model.requests
    assert ([tool.name for tool in first.tools], first.tool_choice) == (["read"], "none")
    assert (first.system_prompt, first.temperature) == ("Be brief", 0.5)
    assert (second.tools, second.tool_choice, second.system_prompt, second.temperature) == ((), None, None, None)


def test_own_functions_are_tools(notebook: Notebook, script: Any) -> None:
    script({"tool_calls": [{"name": "double", "input": {"n": 4}}]}, "eight")
    notebook.ok('def double(n: int) -> int:\n    """Twice n."""\n    return 2 * n')
    notebook.ok("r = %alloy -m m -t double twice 4?")
    assert notebook.names["r"].tool_calls[0].output == "8"


def test_a_typed_answer(notebook: Notebook, script: Any) -> None:
    script('{"value": [1, 2]}', '{"name": "Oslo"}')
    notebook.ok("r = %alloy -m m --output list[int] numbers")
    assert notebook.names["r"].output == [1, 2]
    notebook.ok("from pydantic import BaseModel\nclass City(BaseModel):\n    name: str")
    notebook.ok("r = %alloy -m m --output City which")
    assert notebook.names["r"].output == notebook.names["City"](name="Oslo")


def test_show_sends_nothing_and_tells_all(notebook: Notebook, script: Any) -> None:
    model = script()
    notebook.ok("rows = list(range(10_000))")
    told = notebook.ok("%alloy -m m -t read --show How many of {rows}?").stdout
    assert model.requests == []
    assert "rows: list of 10,000 items (int)" in told
    assert "rows: list, described in" in told
    assert "tools: read" in told
    assert "Nothing was sent." in told
    assert notebook.conversation.messages == ()


def test_an_error_ends_the_cell_and_binds_what_there_is(notebook: Notebook, script: Any) -> None:
    script({"text": "half an ", "error": {"type": "ServerError", "message": "broke"}}, "fine")
    ran = notebook.run("%%alloy -m m -o r\nhi\n")
    assert isinstance(ran.error, ServerError)
    assert (notebook.names["r"].status, notebook.names["r"].text) == ("error", "half an ")
    assert "Traceback" not in ran.stdout
    assert "ServerError: broke" in ran.stdout
    notebook.ok("%alloy -m m go on")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("%alloy -m nowhere:x hi", "unknown provider"),
        ("%alloy -m openai:gpt-5.2 hi", "no key for openai"),
        ("%alloy -modle x hi", "unknown option -modle"),
        ("%alloy -m m -t reed hi", "there is no tool `reed`"),
        ("%alloy -m m -t m hi", "is a Scripted, no tool"),
        ("%alloy -m m --output Cty hi", "no type `Cty`"),
        ("%alloy -m m --approval maybe hi", "--approval is 'maybe'"),
        ("%alloy -m m --approval pause hi", "--approval is 'pause'"),
        ("%alloy -m m --display loud hi", "display is 'loud'"),
        ("%alloy -m m --tool-choice read hi", "there are no tools"),
        ("%alloy", "there is no question"),
        ("%%alloy\n\n", "there is no question"),
        ("%alloy /fix", "there is no command /fix"),
        ("%alloy /reset everything", "/reset takes no argument"),
        ("%alloy /model nowhere:x", "unknown provider"),
        ("%alloy -m m see {m.nothing}", "has no `.nothing`"),
    ],
)
def test_bad_input_is_a_clear_error_with_a_hint(notebook: Notebook, script: Any, code: str, words: str) -> None:
    model = script("never said")
    ran = notebook.run(code)
    assert isinstance(ran.error, ConfigError | AuthError)
    assert words in str(ran.error)
    assert "Hint: " in ran.stdout
    assert "Traceback" not in ran.stdout
    assert ".py" not in ran.stdout.partition("Hint")[0]
    assert model.requests == []


def test_the_model_of_the_process_is_shown_and_set(notebook: Notebook, script: Any) -> None:
    import alloy_nb

    script("yes")
    try:
        assert "model: scripted:script" in notebook.ok("%alloy /model m").stdout
        notebook.ok("r = %alloy are you there?")
        assert notebook.names["r"].text == "yes"
        assert "(by /model)" in notebook.ok("%%alloy\n/model\n").stdout
    finally:
        alloy_nb.set_default_model(None)


def test_doctor_shows_itself(notebook: Notebook) -> None:
    ran = notebook.ok("%alloy /doctor")
    assert type(ran.value).__name__ == "Diagnosis"


def test_a_path_is_no_command(notebook: Notebook, script: Any) -> None:
    model = script("ok")
    notebook.ok("%alloy -m m /usr/bin/python is what?")
    assert prompts(model) == ["/usr/bin/python is what?"]


def test_the_scratchpad_lives_as_long_as_the_conversation(notebook: Notebook, script: Any) -> None:
    write = {"name": "scratchpad", "input": {"action": "write", "key": "k", "content": "kept", "value": "kept"}}
    script({"tool_calls": [write]}, "a", "b")
    notebook.ok("%alloy -m m -t scratchpad note it")
    state = notebook.conversation.tool_state
    notebook.ok("%alloy -m m go on")
    assert notebook.conversation.tool_state is state
    notebook.ok("%alloy /reset")
    assert notebook.conversation.tool_state is not state


def test_a_question_in_a_running_loop_works_too(notebook: Notebook, script: Any) -> None:
    script("inside")
    notebook.ok(
        "import asyncio\nasync def ask():\n    return get_ipython().run_line_magic('alloy', '-m m hi')\nr = await ask()"
    )
    assert notebook.names["r"].text == "inside"


def test_help_prints_the_options(notebook: Notebook) -> None:
    assert "--max-turns" in notebook.ok("%alloy --help").stdout
    assert "--max-turns" in notebook.ok("%%alloy -h\n\n").stdout


@pytest.mark.parametrize("shown", ["static", "none"])
def test_a_failure_tells_its_hint_once(notebook: Notebook, monkeypatch: pytest.MonkeyPatch, shown: str) -> None:
    monkeypatch.setenv("ALLOY_DISPLAY", shown)
    notebook.ok("m = alloy.Scripted([{'error': {'message': 'it broke', 'hint': 'mend it'}}])")
    ran = notebook.run("%alloy -m m hi")
    told = [*(output["data"]["text/plain"] for output in ran.outputs), *ran.error._render_traceback_()]
    assert sum(text.count("mend it") for text in told) == 1
    assert ran.error._render_traceback_()[0] == "ProviderError: it broke"


def test_a_run_that_somebody_stopped_is_an_answer_and_the_cell_ends_well(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopping(Scripted):
        async def stream(self, request: Any) -> Any:
            yield TextDelta("half an answer")
            runs[0].cancel()
            await asyncio.sleep(60)

    runs: list[Execution] = []
    launch = Execution.launch
    monkeypatch.setattr(Execution, "launch", lambda run: (runs.append(run), launch(run))[1])
    notebook.names["m"] = Stopping([])
    ran = notebook.ok("%%alloy -m m -o r\nhi\n")
    assert "half an answer" in ran.stdout
    assert "stopped; what was said so far is kept" in ran.stdout
    result = notebook.names["r"]
    assert (result.status, result.text) == ("cancelled", "half an answer")


# -- an agent of the user's -------------------------------------------------------------------------------------------


def test_an_agent_is_asked_by_its_name_and_remembers(notebook: Notebook, script: Any) -> None:
    model = script("Hello, Ann.", "Ann.", "42")
    notebook.ok("helper = alloy.Agent(model=m, system_prompt='Be kind.')\nother = alloy.Agent(model=m)")
    notebook.ok("%%alloy -a helper\nI am Ann.\n", cell="one")
    assert "Ann." in notebook.ok("%%alloy -a helper -o r\nWho am I?\n", cell="two").stdout
    assert history(model) == ["I am Ann.", "Hello, Ann.", "Who am I?"]
    assert model.requests[-1].system_prompt == "Be kind."
    assert notebook.names["r"].text == "Ann."
    assert len(notebook.names["helper"].messages) == 4
    notebook.ok("%alloy -a other What is it?")
    assert history(model) == ["What is it?"]
    assert notebook.conversation.exchanges == ()


def test_a_cell_of_an_agent_goes_on_with_what_plain_python_asked_it(notebook: Notebook, script: Any) -> None:
    model = script("a", "b")
    notebook.ok("helper = alloy.Agent(model=m)\nhelper.chat('x')")
    notebook.ok("%%alloy -a helper\ny\n")
    assert history(model) == ["x", "a", "y"]


def test_fresh_has_an_agent_start_over(notebook: Notebook, script: Any) -> None:
    model = script("a", "b")
    notebook.ok("helper = alloy.Agent(model=m)")
    notebook.ok("%%alloy -a helper\nx\n")
    notebook.ok("%%alloy -a helper --fresh\ny\n")
    assert history(model) == ["y"]


def test_a_failed_question_leaves_an_agent_free(notebook: Notebook, script: Any) -> None:
    script({"error": {"type": "AuthError", "message": "wrong key"}}, "fine")
    notebook.ok("helper = alloy.Agent(model=m)")
    assert isinstance(notebook.run("%%alloy -a helper\nx\n").error, AuthError)
    assert "fine" in notebook.ok("%%alloy -a helper\ny\n").stdout
    assert isinstance(notebook.run("%%alloy -a helper --output nosuchtype\nx\n").error, ConfigError)
    assert not notebook.names["helper"].health().busy


def test_what_is_no_agent_names_the_nearest(notebook: Notebook, script: Any) -> None:
    script("a")
    notebook.ok("helper = alloy.Agent(model=m)\nthing = 3")
    error = notebook.run("%alloy -a helpr hi").error
    assert isinstance(error, ConfigError)
    assert (error.message, error.hint) == ("--agent: there is no agent `helpr`", "did you mean `helper`?")
    error = notebook.run("%alloy -a thing hi").error
    assert isinstance(error, ConfigError)
    assert "is an int, no agent" in error.message


def test_show_tells_what_an_agent_would_be_sent(notebook: Notebook, script: Any) -> None:
    script("a", "b")
    notebook.ok("helper = alloy.Agent(model=m, tools=['read'], system_prompt='Be kind.')\nhelper.chat('x')")
    said = notebook.ok("%alloy -a helper --show hello").stdout
    assert "tools: read" in said
    assert "system_prompt: Be kind." in said
    assert "2 messages" in said
    assert len(notebook.names["helper"].messages) == 2


def test_a_budget_is_dollars_or_a_variable(notebook: Notebook, script: Any) -> None:
    model = script("a", "b")
    notebook.ok("b = alloy.Budget(tokens=1)")
    notebook.ok("%%alloy -m m --budget b\nx\n")
    error = notebook.run("%%alloy -m m --budget b\ny\n").error
    assert type(error).__name__ == "BudgetExceeded"
    assert len(model.requests) == 1
    error = notebook.run("%%alloy -m m --budget 0.50\ny\n").error
    assert isinstance(error, ConfigError)
    assert "price" in error.message
    assert isinstance(notebook.run("%%alloy -m m --budget much\ny\n").error, ConfigError)
