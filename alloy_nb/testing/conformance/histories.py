"""Conversations that a provider may be handed in the middle, begun with another one."""

from __future__ import annotations

from ...messages import Audio, Document, Image, Message, Opaque, Text, Thinking, ToolCall, ToolResult
from ...providers.base import ToolSpec

__all__ = ["FOREIGN", "TOOL", "UNSENT", "WORDS", "foreign_history"]

TOOL = ToolSpec(
    "look_up",
    "Look a word up in the dictionary.",
    {"type": "object", "properties": {"word": {"type": "string", "description": "The word."}}, "required": ["word"]},
)
FOREIGN = "another-provider"
#: What must be sent in some form …
WORDS = (
    "What is this?",
    "I will look it up.",
    "an inlet of the sea",
    "the dictionary is closed",
    "Half an ans",
    "Go on.",
)
#: … and what must not: it is another provider's own.
UNSENT = ("foreign-signature", "foreign-item", "a foreign thought", FOREIGN)

_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc33"
    "0000000049454e44ae426082"
)


def foreign_history(*, failed: bool = True) -> tuple[Message, ...]:
    """A conversation with every kind of part, and calls with ids in nobody's form; `failed`: one result is an error."""
    first, second = "toolu_01/Ü weird:id-" + "x" * 80, "2"
    return (
        Message.user(
            [
                "What is this?",
                Image("image/png", _PIXEL),
                Document("application/pdf", b"%PDF-1.4 tiny", name="tiny.pdf"),
                Audio("audio/wav", b"RIFF----WAVE"),
            ]
        ),
        Message.assistant(
            [
                Thinking("a foreign thought", "foreign-signature", FOREIGN),
                Text("I will look it up."),
                ToolCall(first, "look_up", {"word": "fjord"}),
                Opaque(FOREIGN, {"type": "item", "data": "foreign-item"}),
                ToolCall(second, "look_up", {}, raw='{"word": "fj'),
            ],
            model="another-model",
            stop_reason="tool_use",
        ),
        Message(
            "user",
            (
                ToolResult("an inlet of the sea", images=(Image("image/png", _PIXEL),), call_id=first, name="look_up"),
                ToolResult("the dictionary is closed", call_id=second, name="look_up", is_error=failed),
            ),
        ),
        Message.assistant("Half an ans", partial=True),
        Message.user("Go on."),
    )
