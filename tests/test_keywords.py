"""Arguments that are misspelt, told as every other mistake."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import alloy_nb as alloy

ANY: Any = alloy
#: Values that records are read into, protocols and bases without arguments, errors, and what only we make.
UNTOLD = {
    *(name for name in alloy.__all__ if name.startswith("_") or name.endswith(("Error", "Timeout", "Exceeded"))),
    *("Busy", "Cancelled", "Crashed", "Halted", "QueueFull", "SessionConflict"),
    *("Audio", "Document", "Event", "Image", "Message", "Opaque", "Text", "Thinking", "ToolCall", "ToolResult"),
    *("ContextUsage", "Job", "JobRun", "Result", "Run", "Session", "TeamResults", "TeamRun", "ToolContext", "Usage"),
    *("Middleware", "Provider", "SessionStore", "Tool"),
    "arun",  # when it is awaited, as `run`
    *("load_ipython_extension", "set_default_model", "show"),  # one argument, which nobody names
}
NEEDED: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("run", "start"), ("Hello",)),
    "tool": (len,),
}


@pytest.mark.parametrize(
    ("make", "told", "near"),
    [
        (lambda: ANY.Compactor(keeps=3), "Compactor takes no `keeps`", "did you mean `keep`?"),
        (lambda: ANY.SQLStore("sqlite:///x.db", tabel=1), "SQLStore takes no `tabel`", "it takes url"),
        (lambda: ANY.SQLiteStore(pat="x"), "SQLiteStore takes no `pat`", "did you mean `path`?"),
        (
            lambda: ANY.Sessions(alloy.MemoryStore()).add({}, as_="x"),
            "Sessions.add takes no `as_`",
            "it takes session, name, replace",
        ),
        (lambda: ANY.Budget(something=1), "Budget takes no `something`", "it takes usd, tokens, tool_calls"),
        (lambda: ANY.Budget(dollars=1), "Budget takes no `dollars`", "did you mean `usd`?"),
        (lambda: ANY.Budget(dolars=1), "Budget takes no `dolars`", "did you mean `usd`?"),
        (lambda: ANY.Budget(token=1), "Budget takes no `token`", "did you mean `tokens`?"),
        (lambda: ANY.Team(agnets={}), "Team takes no `agnets`", "did you mean `agents`?"),
        (lambda: ANY.Scheduler(nmae="x"), "Scheduler takes no `nmae`", "did you mean `name`?"),
        (lambda: ANY.Redact(replacment="x"), "Redact takes no `replacment`", "did you mean `replacement`?"),
        (lambda: ANY.Redact(patern=[]), "Redact takes no `patern`", "give `patterns` without a name: Redact(...)"),
        (lambda: ANY.Redact(patterns=[]), "Redact takes no `patterns`", "give `patterns` without a name: Redact(...)"),
        (lambda: ANY.PubSub(x=1), "PubSub takes no `x`", "it takes no arguments"),
        (lambda: ANY.Handoff(agnt=None), "Handoff takes no `agnt`", "did you mean `agent`?"),
        (lambda: ANY.Block(reson="x"), "Block takes no `reson`", "did you mean `reason`?"),
        (lambda: ANY.doctor(working_dir="."), "doctor takes no `working_dir`", "did you mean `working_directory`?"),
        # What hands its settings on to its bases takes theirs.
        (lambda: ANY.OpenAI("m", base_ulr="x"), "OpenAI takes no `base_ulr`", "did you mean `base_url`?"),
        (lambda: ANY.OpenAI("m", apikey="x"), "OpenAI takes no `apikey`", "did you mean `api_key`?"),
        (lambda: ANY.OpenRouter("m", modles=[]), "OpenRouter takes no `modles`", "did you mean `models`?"),
    ],
)
def test_a_misspelt_argument_is_told_with_what_was_meant(make: Callable[[], Any], told: str, near: str) -> None:
    """They were bare TypeErrors, which say no more than what Python knows."""
    with pytest.raises(alloy.ConfigError) as caught:
        make()
    assert (caught.value.message, caught.value.hint) == (told, near)


def test_what_is_told_so_is_otherwise_as_it_was() -> None:
    compactor = alloy.Compactor(0.5, keep=3)
    assert pickle.loads(pickle.dumps(compactor)) == copy.copy(compactor) == compactor
    assert list(inspect.signature(alloy.Compactor).parameters) == ["at", "keep", "summarize", "on_compaction"]
    assert alloy.Sessions.add.__doc__


def test_a_class_that_hands_its_settings_on_takes_those_of_all_its_bases() -> None:
    model = alloy.OpenAI("m", api="chat", api_key="none", base_url="http://127.0.0.1:1/v1", headers={"X-A": "b"})
    assert (model.model, model.base_url) == ("m", "http://127.0.0.1:1/v1")


def test_who_builds_on_one_takes_arguments_of_its_own() -> None:
    """What the heir of a user's hands to a base beside ours is none of our business."""

    class Labelled:
        def __init__(self, model: str, *, label: str = "", **settings: Any) -> None:
            self.label = label

    class Theirs(alloy.Scripted):
        def __init__(self, *lines: str, name: str) -> None:
            super().__init__(lines)
            self.name = name

    class Ours(alloy.DeepSeek):
        def __init__(self, model: str, *, label: str, **settings: Any) -> None:
            super().__init__(model, **settings)
            self.label = label

    class Both(alloy.HTTPProvider, Labelled):
        pass

    assert Theirs("hi", name="mine").name == "mine"
    assert Ours("m", label="x", api_key="none").label == "x"
    with pytest.raises(alloy.ConfigError, match="DeepSeek takes no `lable`"):
        Ours("m", label="x", lable="y")
    with pytest.raises(alloy.ConfigError, match="HTTPProvider takes no `label`"):
        Both("m", base_url="http://127.0.0.1:1", label="x")  # type: ignore[call-arg]


@pytest.mark.parametrize("name", sorted(set(alloy.__all__) - UNTOLD))
def test_every_public_class_and_function_that_users_make_things_with_tells(name: str) -> None:
    made = getattr(alloy, name)
    with pytest.raises(alloy.ConfigError, match="`no_such_word`"):
        made(*NEEDED.get(name, ()), no_such_word=1)
