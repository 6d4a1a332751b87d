"""The `scratchpad` tool."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.errors import ToolError
from alloy_nb.tools.context import ToolContext
from alloy_nb.tools.scratchpad import Scratchpad


@pytest.fixture
def ctx() -> ToolContext:
    return ToolContext()


def pad(ctx: ToolContext, action: str, **input: Any) -> str:
    tool = Scratchpad()
    return asyncio.run(tool.execute(tool.validate({"action": action, **input}), ctx))


def test_notes_are_written_read_and_cleared(ctx: ToolContext) -> None:
    """PAD-1."""
    assert pad(ctx, "read") == "(scratchpad is empty)"
    assert pad(ctx, "write", key="plan", value="first this") == "Saved: plan"
    assert pad(ctx, "write", key="b", value="2") == "Saved: b"
    assert pad(ctx, "read") == "plan: first this\nb: 2"
    assert pad(ctx, "clear") == "Scratchpad cleared."
    assert pad(ctx, "read") == "(scratchpad is empty)"


def test_one_note_can_be_read_and_deleted(ctx: ToolContext) -> None:
    """PAD-w1."""
    pad(ctx, "write", key="a", value="1")
    pad(ctx, "write", key="b", value="2")
    assert pad(ctx, "read", key="b") == "2"
    assert pad(ctx, "delete", key="b") == "Deleted: b"
    assert pad(ctx, "read") == "a: 1"


@pytest.mark.parametrize(
    ("input", "message"),
    [
        ({"action": "write", "value": "x"}, "'write' requires a 'key'"),
        ({"action": "write", "key": "x"}, "'write' requires a 'value'"),
        ({"action": "delete"}, "'delete' requires a 'key'"),
        ({"action": "read", "key": "x"}, "There is no note 'x'. Notes: a"),
        ({"action": "delete", "key": "x"}, "There is no note 'x'. Notes: a"),
        ({"action": "shred"}, "Unknown action 'shred'. Use 'read', 'write', 'delete' or 'clear'."),
    ],
)
def test_mistakes_are_named(ctx: ToolContext, input: dict[str, Any], message: str) -> None:
    """PAD-1."""
    pad(ctx, "write", key="a", value="1")
    with pytest.raises(ToolError) as caught:
        asyncio.run(Scratchpad().execute(input, ctx))
    assert str(caught.value) == message


def test_an_empty_note_is_a_note(ctx: ToolContext) -> None:
    pad(ctx, "write", key="done", value="")
    assert pad(ctx, "read") == "done: "


def test_notes_live_in_the_runs_state_and_survive_json(ctx: ToolContext) -> None:
    """PAD-2, PAD-3, PAD-w1: the store is made when needed, and a session can keep it."""
    pad(ctx, "write", key="a", value="1")
    later = ToolContext(state=json.loads(json.dumps(dict(ctx.state))))
    assert pad(later, "read") == "a: 1"
    assert pad(ToolContext(), "read") == "(scratchpad is empty)"


def test_it_never_asks(ctx: ToolContext) -> None:
    assert Scratchpad().approval_reason({"action": "clear"}, ctx) is None


@pytest.mark.parametrize("end", ["done", {"error": {"type": "AuthError", "message": "no"}}])
def test_no_note_outlives_its_run(end: Any) -> None:
    """PAD-2, RUN-6: also when the run fails."""
    write = {"tool_calls": [{"name": "scratchpad", "input": {"action": "write", "key": "a", "value": "1"}}]}
    read = {"tool_calls": [{"name": "scratchpad", "input": {"action": "read"}}]}
    alloy.run("x", model=alloy.Scripted([write, end]), tools=["scratchpad"], check=False)
    result = alloy.run("x", model=alloy.Scripted([write, read, "done"]), tools=["scratchpad"])
    assert result.tool_calls[1].output == "a: 1"
    result = alloy.run("x", model=alloy.Scripted([read, "done"]), tools=["scratchpad"])
    assert result.tool_calls[0].output == "(scratchpad is empty)"
