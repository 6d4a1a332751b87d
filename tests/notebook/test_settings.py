"""`/tools`, `/approval`, `/budget`, `/usage`, `/config` and `/agents` in a cell."""

from __future__ import annotations

from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb import Scripted
from alloy_nb.errors import BudgetExceeded, ConfigError
from alloy_nb.testing import Function

KEY = "sk-ant-canary0123456789abcdef"
LOOK = "def look() -> str:\n    'Look.'\n    return {!r}"


def hint_of(ran: Any) -> str:
    assert isinstance(ran.error, ConfigError)
    return f"{ran.error.message}: {ran.error.hint}"


def tools_of(model: Any) -> list[str]:
    return [tool.name for tool in model.requests[-1].tools]


def test_tools_are_set_from_now_on(notebook: Any, script: Any) -> None:
    model = script("1", "2", "none", "3", "4")
    assert notebook.ok("%alloy /tools").stdout == "tools: none\n"
    assert notebook.ok("%alloy /tools read, bash").stdout == "tools: read, bash\n"
    notebook.ok("%alloy -m m one")
    assert tools_of(model) == ["read", "bash"]
    notebook.ok("%alloy -m m -t grep two")
    assert tools_of(model) == ["grep"]
    notebook.ok("%alloy -m m -t none none")
    assert tools_of(model) == []
    notebook.ok("%alloy /reset")
    notebook.ok("%reload_ext alloy_nb")
    notebook.ok("%%alloy -m m\nthree")
    assert tools_of(model) == ["read", "bash"]
    assert notebook.ok("%alloy /tools none").stdout == "tools: none\n"
    notebook.ok("%alloy -m m four")
    assert tools_of(model) == []


def test_a_function_is_a_tool_and_is_meant_as_it_is_written_last(notebook: Any, script: Any) -> None:
    call = {"tool_calls": [{"name": "look", "input": {}}]}
    script(call, "1", call, "2", "3")
    for seen in ("a fox", "a badger"):
        notebook.ok(LOOK.format(seen))
        notebook.ok("%alloy /tools look")
        notebook.ok(LOOK.format(seen + " indeed"))
        assert notebook.ok("%alloy -m m -o r Look").value.tool_calls[0].output == seen + " indeed"
    notebook.ok("del look")
    told = hint_of(notebook.run("%alloy -m m Look"))
    assert "`look`" in told
    assert "%alloy /tools NAMES" in told
    assert notebook.ok("%alloy -m m -t read Look").value.text == "3"
    notebook.ok("%alloy /tools none")


def test_an_unknown_tool_is_told_at_once_and_changes_nothing(notebook: Any) -> None:
    notebook.ok("%alloy /tools read")
    assert "did you mean `bash`?" in hint_of(notebook.run("%alloy /tools read,bsh"))
    assert notebook.ok("%alloy /tools").stdout == "tools: read\n"


def test_who_decides_on_calls_is_set_from_now_on(notebook: Any, script: Any) -> None:
    call = {"tool_calls": [{"name": "bash", "input": {"command": "true"}}]}
    script(call, "1", call, "2", call, "3")
    assert notebook.ok("%alloy /approval").stdout.startswith("approval: ask (you are asked")
    assert notebook.ok("%alloy /approval deny").stdout.startswith("approval: deny (")
    assert notebook.ok("%alloy -m m -t bash go").value.tool_calls[0].error is not None
    assert (
        notebook.ok("%alloy /approval auto").stdout == "approval: auto (every call is allowed, and nobody is asked)\n"
    )
    assert notebook.ok("%alloy -m m -t bash go").value.tool_calls[0].error is None
    notebook.ok("asked = []\ndef decide(call, ctx):\n    asked.append(call.name)\n    return True")
    assert notebook.ok("%alloy /approval decide").stdout == "approval: decide (decides on each call)\n"
    assert notebook.ok("%alloy -m m -t bash go").value.tool_calls[0].error is None
    assert notebook.names["asked"] == ["bash"]


def test_a_wrong_policy_names_the_right_ones(notebook: Any) -> None:
    notebook.ok("number, word = 3, 'auto'")
    for wrong, told in (("atuo", "did you mean auto?"), ("pause", "ask, auto, deny"), ("number", "is an int")):
        assert told in hint_of(notebook.run(f"%alloy /approval {wrong}"))
    assert "ask, auto, deny, or the name of a function" in hint_of(notebook.run("%alloy /approval word"))
    assert notebook.ok("%alloy /approval").stdout.startswith("approval: ask ")


def test_a_budget_is_spent_by_all_questions_from_now_on(notebook: Any, script: Any) -> None:
    script("1", "2", "3", "4")
    assert notebook.ok("%alloy /budget").stdout == "budget: none\n"
    notebook.ok("mine = alloy.Budget(tokens=20)")
    notebook.ok("%alloy -m m before")
    assert notebook.ok("%alloy /budget mine").stdout == "budget: 0 of 20 tokens spent\n"
    notebook.ok("%alloy -m m one")
    assert notebook.ok("%alloy /budget").stdout == "budget: 15 of 20 tokens spent\n"
    notebook.ok("%alloy -m m two")
    assert isinstance(notebook.run("%alloy -m m three").error, BudgetExceeded)
    assert notebook.ok("%alloy /budget 0.5").stdout.splitlines()[0] == "budget: $0 of $0.50 spent"
    assert notebook.ok("%alloy /budget none").stdout == "budget: none\n"
    notebook.ok("%alloy -m m three")


def test_that_dollars_cannot_be_counted_is_said_at_once_and_how_the_budget_goes(notebook: Any, script: Any) -> None:
    """The next question told it, and not how the budget is taken away."""
    model = script("1")
    label = f"{model.name}:{model.model}"
    alloy.set_default_model(model)
    try:
        told = notebook.ok("%alloy /budget 3").stdout
        error = notebook.run("%alloy hi").error
    finally:
        alloy.set_default_model(None)
    assert told.startswith(f"budget: $0 of $3 spent\nThe price of {label} is not known: it is not asked")
    assert "`/budget none`" in told
    assert isinstance(error, ConfigError)
    assert "`/budget none`" in (error.hint or "")
    assert "not known" not in notebook.ok("%alloy /budget").stdout
    assert "not known" not in notebook.ok("%alloy /budget none").stdout


def test_a_budget_for_a_model_with_a_price_needs_no_more_words(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOY_MODEL", "anthropic:claude-sonnet-4-6")
    assert notebook.ok("%alloy /budget 3").stdout == "budget: $0 of $3 spent\n"


def test_a_cost_that_is_unknown_is_called_so_once(notebook: Any, script: Any) -> None:
    """`cost:           cost unknown`"""
    script("1")
    notebook.ok("%alloy -m m hi")
    assert notebook.ok("%alloy /usage").stdout.splitlines()[-1].split() == ["cost:", "unknown"]


def test_a_tool_that_is_named_twice_is_had_once(notebook: Any, script: Any) -> None:
    """It told to rename one of them."""
    model = script("1")
    assert notebook.ok("%alloy /tools read,read").stdout == "tools: read\n"
    notebook.ok("%alloy -m m -t bash,bash hi")
    assert tools_of(model) == ["bash"]


def test_a_wrong_budget_says_what_to_give(notebook: Any) -> None:
    for wrong in ("much", "-1", "nan"):
        told = hint_of(notebook.run(f"%alloy /budget {wrong}"))
        assert "give dollars, as in /budget 0.50, or a variable that holds an alloy.Budget; none takes it away" in told
    assert "--budget 0.50" in hint_of(notebook.run("%alloy --budget much hi"))


def test_what_was_used_is_told_also_of_what_was_taken_back(notebook: Any, script: Any) -> None:
    """CLI-8, in a cell."""

    def used() -> list[str]:
        return [line.split()[-1] for line in notebook.ok("%alloy /usage").stdout.splitlines()]

    script("1", "2", "3", {"error": {"type": "BadRequestError", "message": "no"}})
    assert used() == ["0", "0", "0", "0", "0", "$0"]
    notebook.ok("%alloy -m m one", cell="a")
    notebook.ok("%alloy -m m one, again", cell="a")
    assert used()[:5] == ["20", "10", "0", "0", "30"]
    notebook.ok("%alloy /undo")
    assert used()[4] == "30"
    notebook.ok("%alloy -m m three")
    assert notebook.run("%alloy -m m four").error is not None
    assert notebook.ok("%alloy /cost").stdout == notebook.ok("%alloy /usage").stdout
    assert used()[4] == "45"
    notebook.ok("%alloy /reset")
    assert used()[4] == "0"


def test_a_stored_conversation_knows_what_it_used(
    notebook: Any, script: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    script("1", "2", "3")
    notebook.ok("%alloy -m m one")
    notebook.ok("%alloy /save fox")
    notebook.ok("%alloy -m m two")
    notebook.ok("%alloy /retry")
    assert alloy.Sessions().get("fox").usage.total_tokens == 45
    before = notebook.ok("%alloy /usage").stdout
    notebook.ok("%alloy /reset")
    notebook.ok("%alloy /resume fox")
    assert notebook.ok("%alloy /usage").stdout == before


def test_what_is_set_is_told_with_where_from_and_without_keys(
    notebook: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ALLOY_DISPLAY", "html")
    notebook.ok("%alloy /tools read,bash")
    notebook.ok("%alloy /budget 2")
    told = notebook.ok("%alloy /config").stdout
    rows = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in told.splitlines())}
    assert rows["model"].startswith("anthropic:")
    assert "environment variable ANTHROPIC_API_KEY" in rows["model"]
    assert rows["tools"] == "read, bash (by /tools)"
    assert rows["approval"] == "ask (by default)"
    assert rows["budget"] == "$0 of $2 spent (by /budget)"
    assert rows["display"] == "html (environment variable ALLOY_DISPLAY)"
    assert rows["data folder"].endswith("data (environment variable ALLOY_DATA_DIR)")
    assert rows["session"] == "not stored"
    assert KEY not in told


def test_a_model_that_a_command_has_set_is_told_to_be_by_that(notebook: Any, script: Any) -> None:
    """It was "set by set_default_model in this process"."""
    script("1")
    try:
        assert notebook.ok("%alloy /model m").stdout == "model: scripted:script (by /model)\n"
        assert "scripted:script (by /model)" in notebook.ok("%alloy /config").stdout
        notebook.ok("alloy.set_default_model(m)")
        assert notebook.ok("%alloy /model").stdout == (
            "model: scripted:script (set by set_default_model in this process)\n"
        )
    finally:
        alloy.set_default_model(None)


def test_without_a_model_the_rest_is_told_all_the_same(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_: Any) -> Any:
        raise ConfigError("there is no model yet", hint="/login PROVIDER")

    monkeypatch.setattr("alloy_nb.providers.registry.choose_model", none)
    told = notebook.ok("%alloy /config").stdout
    assert "none: there is no model yet" in told
    assert "approval:" in told


def test_agents_and_teams_are_listed_a_line_each(notebook: Any) -> None:
    assert notebook.ok("%alloy /agents").stdout == "No variable holds an agent or a team yet.\n"
    notebook.names["m"] = Function(lambda request: "Yes.")
    notebook.ok("anna = alloy.Agent(model=m, name='Ann\x1b[2J')\nanna.chat('Hi', display=None)")
    notebook.ok("broken = alloy.Agent(model=m)\nbroken.close()")
    notebook.ok("crew = alloy.Team({'coder': {'model': m}, 'critic': {'model': m}}, name='the crew')")
    notebook.ok(f"secret = alloy.Team({{'a': {{'model': m}}}}, name='{KEY}')")
    try:
        lines = notebook.ok("%alloy /agents").stdout.splitlines()
    finally:
        notebook.ok("crew.stop()\nsecret.stop()")
    assert [line.split()[0] for line in lines] == ["anna", "broken", "crew", "secret"]
    assert KEY not in "".join(lines)
    assert "Ann" in lines[0]
    assert "\x1b" not in lines[0]
    assert lines[0].endswith(" tokens")
    assert "idle, 2 messages, " in lines[0]
    assert "closed, 0 messages" in lines[1]
    assert "team the crew of 2  " in lines[2]
    assert lines[2].endswith("coder idle, critic idle")


def test_an_agent_whose_model_cannot_be_had_any_more_is_listed(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary0123456789abcdef")
    notebook.ok("anna = alloy.Agent(model='openai:gpt-5.2')")
    monkeypatch.delenv("OPENAI_API_KEY")
    told = notebook.ok("%alloy /agents").stdout
    assert "anna" in told
    assert "idle, 0 messages" in told


def test_a_settings_command_leaves_agents_of_the_users_alone(notebook: Any) -> None:
    model = notebook.names["m"] = Scripted(["One."])
    notebook.ok("%alloy /tools read")
    notebook.ok("anna = alloy.Agent(model=m)")
    notebook.ok("%alloy -a anna Hi")
    assert tools_of(model) == []
