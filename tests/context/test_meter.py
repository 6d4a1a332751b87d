"""The meter: what fills the window, kind by kind."""

from __future__ import annotations

from alloy_nb import ContextUsage, Image, Message, Thinking, ToolCall, ToolResult
from alloy_nb.context.condensed import Condensed
from alloy_nb.context.estimate import history_tokens
from alloy_nb.context.meter import measure
from alloy_nb.providers.base import ToolSpec

HISTORY = (
    Message.user(["a" * 400, Image("image/png", b"x")]),
    Message.assistant([Thinking("b" * 800), "c" * 1200, ToolCall("c1", "read", {"file_path": "d" * 1600})]),
    Message("user", (ToolResult("e" * 2000, images=(Image("image/png", b"x"),), call_id="c1", name="read"),)),
)


def test_each_kind_is_counted_and_all_of_it_is_the_sum() -> None:
    spec = ToolSpec("read", "f" * 2400, {})
    usage = measure("m", 100_000, HISTORY, system_prompt="g" * 2800, tools=[spec])
    assert (usage.system, usage.media) == (700, 2000)
    assert (usage.prompts, usage.answers, usage.results) == (104, 300, 504)
    assert 200 <= usage.thinking <= 204
    assert 400 <= usage.calls < 420
    assert 600 <= usage.tools < 620
    assert usage.used == history_tokens(HISTORY) + usage.system + usage.tools
    assert usage.used + usage.free == 100_000
    assert usage.share == usage.used / 100_000


def test_what_is_sent_in_brief_is_counted_as_it_is_sent() -> None:
    view = Condensed(3, (HISTORY[0], Message.user("a note of words")), omitted=2, note=1)
    usage = measure("m", 1000, (*HISTORY, Message.user("More.")), view=view)
    assert (usage.messages, usage.condensed, usage.omitted) == (4, 3, 2)
    assert usage.notes == 4 + 3
    assert usage.results == usage.answers == 0
    assert usage.free == 0
    assert "4 messages: 2 left out" in str(usage)


def test_reports_of_the_service_correct_it() -> None:
    plain, corrected = measure("m", 9000, HISTORY), measure("m", 9000, HISTORY, factor=1.5)
    assert corrected.results == round(plain.results * 1.5)
    assert (plain.calibrated, corrected.calibrated) == (False, True)
    assert "estimated before" in str(plain)
    assert "estimated before" not in str(corrected)


def test_it_shows_itself() -> None:
    usage = ContextUsage("openai:gpt-5.2", 400_000, system=1000, prompts=39_000, messages=2)
    assert str(usage).splitlines() == [
        "openai:gpt-5.2: about 40,000 of 400,000 tokens (10%)",
        "  [##......................]",
        "  system prompt       1,000",
        "  what you said      39,000",
        "  free              360,000",
        "  2 messages; estimated before the service has counted any",
    ]
    assert "| what you said | 39,000 |" in usage._repr_markdown_()
    assert repr(usage) == str(usage)


def test_no_name_of_a_model_breaks_the_table() -> None:
    usage = ContextUsage("x`<img src=x>\n| a |", 10)
    assert usage._repr_markdown_().splitlines()[0].startswith("`x'<img src=x>")
    assert len(usage._repr_markdown_().splitlines()) == 7
