"""The option: its values are looked at when it is made, and it says what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.options import make_options
from alloy_nb.providers.base import Delta, Done, Request, TextDelta


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"at": 0}, "share"),
        ({"at": 1.5}, "share"),
        ({"at": True}, "share"),
        ({"at": "most"}, "share"),
        ({"keep": 0}, "number of messages"),
        ({"keep": 2.5}, "number of messages"),
        ({"summarize": 5}, "a model"),
        ({"on_compaction": "print"}, "two arguments"),
    ],
)
def test_a_wrong_value_is_said_at_once(given: dict[str, Any], word: str) -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        alloy.Compactor(**given)
    assert word in (caught.value.hint or "")


def test_it_says_what_it_is() -> None:
    assert repr(alloy.Compactor()) == "Compactor()"
    assert repr(alloy.Compactor(0.5, summarize="openai:gpt-5.2")) == "Compactor(at=0.5, summarize='openai:gpt-5.2')"


def test_every_run_has_one_unless_told_otherwise() -> None:
    assert make_options({}).compactor == alloy.Compactor()
    assert make_options({"compactor": None}).compactor is None
    assert make_options({}).override(compactor=None).compactor is None
    with pytest.raises(alloy.ConfigError) as caught:
        make_options({"compactor": True})
    assert "alloy.Compactor(" in (caught.value.hint or "")


def test_a_summarising_model_that_is_none_is_said_before_anything_runs() -> None:
    with pytest.raises(alloy.ConfigError, match="nosuch"):
        alloy.run("x", model=alloy.Scripted(["y"]), compactor=alloy.Compactor(summarize="nosuch:model"))


def test_a_model_for_summaries_that_nobody_knows_is_said_when_the_agent_is_made() -> None:
    """It was found out when the window was full."""
    compactor = alloy.Compactor(summarize="antropic:claude-haiku-4-5")
    with pytest.raises(alloy.ConfigError, match="unknown provider 'antropic'"):
        alloy.Agent(model=alloy.Scripted(["x"]), compactor=compactor)
    models: list[Any] = [alloy.Scripted(["brief"]), _Completes()]
    for model in models:
        agent = alloy.Agent(model=alloy.Scripted(["x"]), compactor=alloy.Compactor(summarize=model))
        assert agent.chat("Hi").text == "x"


class _Completes:
    """All that a provider needs."""

    async def complete(self, request: Request) -> Sequence[Delta]:
        return [TextDelta("brief"), Done("end_turn")]
