"""A run as the terminal tells it."""

from __future__ import annotations

import pytest

import alloy_nb as alloy
from alloy_nb.cli.transcript import Transcript
from alloy_nb.errors import RateLimitError
from alloy_nb.providers import retry
from alloy_nb.providers.health import health_of
from alloy_nb.tools.toolbox import collect_tools


def told(model: alloy.Scripted, capsys: pytest.CaptureFixture[str], *fallback: alloy.Scripted) -> str:
    transcript = Transcript({}, live=False)
    transcript.decorated = True
    result = alloy.run(
        "hi", model=model, fallback=fallback, max_retries=0, display=None, on_event=transcript.hear, check=False
    )
    transcript.show_footer(result)
    return capsys.readouterr().err


def test_a_fallback_is_told_and_the_footer_names_the_model_that_answered(capsys: pytest.CaptureFixture[str]) -> None:
    ill, well = alloy.Scripted([{"error": {"type": "ServerError", "message": "down"}}]), alloy.Scripted(["Hello"])
    ill.model, well.model = "ill", "well"
    first, last = told(ill, capsys, well).splitlines()
    assert first == "going on with scripted:well instead of scripted:ill: down"
    assert last.startswith("well · 1 turn · ")
    assert " tokens · cost unknown · " in last


def test_a_pause_that_was_asked_for_before_is_not_told_as_another_try(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleep(seconds: float) -> None:
        assert seconds > 0

    monkeypatch.setattr(retry, "sleep", sleep)
    model = alloy.Scripted(["Hello"])
    health_of(model).failed(RateLimitError("slow down", retry_after=20))
    assert told(model, capsys).splitlines()[0].startswith("going on in ")


def test_what_a_command_said_is_shown_to_a_person_and_its_failure_to_everybody(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call = {"tool_calls": [{"name": "bash", "input": {"command": "echo out; printf '\\033[2Jx'; exit 3"}}]}
    for decorated, expected in ((True, ["✗ bash: exit code 3", "  out", "  x"]), (False, ["✗ bash: exit code 3"])):
        transcript = Transcript({}, live=False)
        transcript.decorated = decorated
        model = alloy.Scripted([call, "Done."])
        alloy.run("hi", model=model, tools=["bash"], approval="auto", display=None, on_event=transcript.hear)
        assert capsys.readouterr().err.splitlines()[1:] == expected


def test_of_several_calls_at_once_it_is_told_whose_output_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ("sleep 0.5; echo a", "sleep 0.1; echo b")
    calls = [{"name": "bash", "input": {"command": command}} for command in commands]
    transcript = Transcript(collect_tools(["bash"]), live=False)
    transcript.decorated = True
    model = alloy.Scripted([{"tool_calls": calls}, "Done."])
    alloy.run("hi", model=model, tools=["bash"], approval="auto", display=None, on_event=transcript.hear)
    lines = capsys.readouterr().err.splitlines()
    for output in ("a", "b"):
        place = lines.index(f"  {output}")
        assert lines[place - 1].endswith(f"echo {output}")
