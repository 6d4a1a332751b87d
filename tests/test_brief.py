"""A message on one line."""

from __future__ import annotations

from alloy_nb.brief import in_brief
from alloy_nb.messages import Image, Message, ToolCall, ToolResult


def test_a_message_on_a_line() -> None:
    """CLI-8: the role, 80 characters and "...", the calls, their results. Of three calls no name was told."""
    assert in_brief(Message.user("x" * 81)) == f"user: {'x' * 80}..."
    calls = [
        ToolCall("1", "bash", {"timeout": 3, "command": "ls\n-la"}),
        ToolCall("2", "pick", {"rows": [1, 2]}),
        ToolCall("3", "look", {}),
        ToolCall("4", "read", {}, raw='{"file_pa'),
    ]
    told = 'bash ls ⏎ -la, pick {"rows": [1, 2]}, look, read {"file_pa'
    assert in_brief(Message.assistant(["I look.", *calls])) == f"assistant: I look. [tool_use: {told}]"
    assert in_brief(Message.assistant(calls + calls[:2])).endswith('read {"file_pa, and 2 more]')
    assert in_brief(Message("user", (ToolResult("ok", call_id="1"),))) == "user: [tool_result]"
    results = ToolResult("ok", call_id="1", name="bash"), ToolResult("no", call_id="2", name="read", is_error=True)
    assert in_brief(Message("user", results)) == "user: [tool_result: bash, read failed]"
    assert in_brief(Message.user([Image("image/png", b"x")])) == "user: [image]"
    assert in_brief(Message("assistant", ())) == "assistant: [...]"


def test_a_message_on_a_line_shows_no_key_and_steers_no_terminal() -> None:
    assert in_brief(Message.user("sk-ant-canary0123456789abcdef\x1b[2J")) == "user: [redacted]"
    call = ToolCall("1", "bash\x1b[2J", {"command": "x=sk-ant-canary0123456789abcdef; \x1b[2J" + "y" * 90})
    told = in_brief(Message.assistant([call]))
    assert "canary" not in told
    assert "\x1b" not in told
    assert len(told) < 90
