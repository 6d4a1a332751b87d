"""What `--show` prints."""

from __future__ import annotations

from typing import Any

from alloy_nb import Message, Scripted, ToolCall, ToolResult
from alloy_nb.context.estimate import AROUND, text_tokens
from alloy_nb.notebook.interpolation import Insertion
from alloy_nb.notebook.preview import list_insertions, preview
from alloy_nb.redaction import register_secret


def test_it_shows_the_prompt_as_it_would_be_sent() -> None:
    text = 'line one\n  {"a": 1}\n\n  end'
    told = preview(text, (), {}, ())
    assert "\n".join(f"  {line}" for line in text.split("\n")) in told
    assert f"About {text_tokens(text) + AROUND} tokens" in told


def test_history_and_system_prompt_are_counted() -> None:
    call = ToolCall("c", "read", {"file_path": "x" * 40})
    history = (Message.user("q" * 40), Message("assistant", (call,)), Message("user", (ToolResult("r" * 400),)))
    told = preview("hi", (), {"system_prompt": "s" * 40}, history)
    assert "3 messages, about 1" in told
    assert int(told.split("About ")[1].split()[0]) >= 120


def test_it_counts_as_the_meter_does(notebook: Any) -> None:
    """`--show` and `/context` told of the same conversation as 429 and as 564 tokens."""
    usage = {"input_tokens": 400, "output_tokens": 1}
    notebook.names["m"] = Scripted([{"text": "x" * 300, "usage": usage}])
    notebook.ok("%%alloy -m m\n" + "word " * 160)
    told = notebook.ok("%alloy --show -m m Hi").stdout
    meter = notebook.ok("%alloy /context").value
    assert meter.calibrated
    assert f"Earlier in this conversation: 2 messages, about {meter.prompts + meter.answers} tokens" in told


def test_what_went_in_and_options_are_listed_without_keys() -> None:
    register_secret("canary-9876543210-canary")
    told = preview(
        "see canary-9876543210-canary",
        list_insertions([Insertion("df", "DataFrame", 1234, card=True)]),
        {"system_prompt": "canary-9876543210-canary", "tools": ["read"], "output": int},
        (),
    )
    assert "df: DataFrame, described in 1,234 characters" in told
    assert "output: int" in told
    assert "canary" not in told
