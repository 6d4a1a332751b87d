"""A run as plain text, whole and as it happens."""

from __future__ import annotations

import html

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import alloy_nb as alloy
from alloy_nb.events import Event
from alloy_nb.messages import Message
from alloy_nb.messages import Text as Said
from alloy_nb.redaction import register_secret
from alloy_nb.render.blocks import Transcript
from alloy_nb.render.clean import shown
from alloy_nb.render.html import frozen_html
from alloy_nb.render.quoted import to_markdown
from alloy_nb.render.text import TextWriter, to_text

SECRET = "hunter2-and-a-half"


def written(events, **options) -> str:
    pieces: list[str] = []
    writer = TextWriter(pieces.append, **options)
    for event in events:
        writer.feed(event)
    return "".join(pieces)


def test_a_run_as_it_happens(tell) -> None:
    tell("run_start", {"prompt": "p", "model": "m"})("thinking_delta", "Hm")("thinking_delta", "m", after=2_000)
    tell.tool().tool("2", input={"file_path": "no.txt"}, error="not found")("text_delta", "It is 12345.").end()
    assert written(tell.events) == (
        "· Thought for 2.0 s\n"
        "● read note.txt\n"
        "✓ read note.txt 3 ms\n"
        "  12345\n"
        "● read no.txt\n"
        "✗ read no.txt … 3 ms · not found\n"
        "\n"
        "It is 12345.\n"
        "\n"
        "── m · 1 turn · 4.1 k → 312 tokens · cost unknown · 2.1 s\n"
    )


def test_the_whole_run_as_text(tell) -> None:
    tell("run_start", {"prompt": "p", "model": "m"})("thinking_delta", "Hm").tool()("text_delta", "It is 12345.\n")
    tell.end("error", error="cut", hint="try again", error_type="StreamError")
    assert to_text(tell.transcript) == (
        "· Thought\n"
        "✓ read note.txt\n"
        "\n"
        "It is 12345.\n"
        "\n"
        "✗ StreamError: cut\n"
        "  Hint: try again\n"
        "\n"
        "── ended in an error · m · 1 turn · 4.1 k → 312 tokens · cost unknown"
    )


def test_a_question_and_its_answer(tell) -> None:
    asked = {"id": "1", "name": "bash", "input": {"command": "ls"}, "reason": "it runs a command"}
    tell("approval_request", asked)("approval_result", {"id": "1", "allowed": False, "reason": "no", "by": "user"})
    tell.tool("1", "bash", {"command": "ls"}, error="Denied: no")
    told = "✗ bash ls … denied: no"
    # The question itself is put by whoever asks: written here too, it would stand there twice.
    assert written(tell.events, tail=False).splitlines() == [told]
    assert to_text(tell.transcript).splitlines()[0] == told


def test_words_come_as_they_are_said(tell) -> None:
    pieces: list[str] = []
    writer = TextWriter(pieces.append)
    seen = []
    for piece in ("One", " two", " three"):
        tell("text_delta", piece)
        writer.feed(tell.events[-1])
        seen.append("".join(pieces))
    assert seen == ["", "One ", "One two "]


def test_words_without_blanks_come_at_once(tell) -> None:
    assert written(tell("text_delta", "日本語の文章").events) == "日本語の文章"


def test_no_colour_unless_told(tell) -> None:
    events = tell.tool().tool("2", error="x").events
    assert "\x1b" not in written(events)
    assert "\x1b[32m✓ read note.txt\x1b[0m" in written(events, color=True)


def test_steps_beside_the_answer_are_told(tell) -> None:
    tell("retry", {"attempt": 1, "delay_s": 2.0, "reason": "busy"})("message", Message.user("and b?"))
    assert written(tell.events) == "· attempt 1 failed: busy; trying again in 2.0 s\n> and b?\n"


def test_other_agents_runs_stay_out(tell) -> None:
    tell("text_delta", "mine ")
    other = Event(9, "child", "text_delta", "theirs ", 1, 1)
    assert written([*tell.events, other]) == "mine "


def test_a_call_taken_back_hides_no_later_thinking(tell) -> None:
    tell("tool_call_delta", {"id": "1", "name": "x", "delta": "{"})("message", Message.assistant("", partial=True))
    tell("thinking_delta", "a")("text_delta", "b c")
    assert written(tell.events, static=True) == "· Thought\n\nb "


def test_an_escape_sequence_in_halves_is_taken_out(tell) -> None:
    tell("text_delta", "a\x1b[3")("text_delta", "1mb c ")
    assert written(tell.events) == "ab c "


HALVES = st.sampled_from([SECRET[:7], SECRET[7:], "Bearer ", "sk-", "a1b2c3d4e5f6g7h8", "\x1b[31m"])


@given(st.lists(st.text(alphabet="ab1-\n\r .—", max_size=6) | HALVES, max_size=25))
@example(["Bearer ", "1hunter2" + SECRET[:8], "\r"])  # a token that ends as a key begins
@settings(max_examples=3 * settings().max_examples, deadline=None)
def test_however_the_words_are_split_the_same_is_written_and_no_key(pieces) -> None:
    """Law 4 at the terminal: a key that comes in halves is still taken out."""
    register_secret(SECRET)
    events = [Event(seq, "r", "text_delta", piece) for seq, piece in enumerate(pieces, 1)]
    events.append(Event(len(events) + 1, "r", "message", Message.assistant("".join(pieces))))
    if pieces:
        assert written(events) == shown("".join(pieces))


@given(st.lists(st.sampled_from("run_start turn_start text_delta thinking_delta tool_call_delta tool_start tool_end "
    "tool_progress approval_request approval_result retry usage message run_end".split()), max_size=20))  # fmt: skip
@settings(deadline=None)
def test_no_order_of_events_breaks_the_writer(types) -> None:
    payloads = {"text_delta": "a b", "thinking_delta": "c", "message": Message.assistant("a")}
    call = {"id": "1", "name": "read", "input": {}, "status": "error", "error": "x"}
    events = [Event(seq, "r", type, payloads.get(type, call)) for seq, type in enumerate(types, 1)]
    assert written(events).count("✗ read") == types.count("tool_end")


def test_a_failed_command_is_no_success_and_its_end_is_shown(tell) -> None:
    """A green tick stood before a command that had failed, and nothing of what it said."""
    output = "\n".join(map(str, range(40))) + "\nexit code: 3"
    tell("run_start", {"prompt": "p"}).tool(
        name="bash", input={"command": "make"}, output=output, structured={"exit_code": 3}
    )
    lines = written(tell.events).splitlines()
    assert lines[1] == "✗ bash make 3 ms · exit code 3"
    assert lines[2:4] == ["  … 25 more lines", "  25"]
    assert lines[-1] == "  39"


def test_of_an_output_its_beginning_is_shown(tell) -> None:
    output = "\n".join(map(str, range(40))) + "\nexit code: 0"
    tell("run_start", {"prompt": "p"}).tool(
        name="bash", input={"command": "ls"}, output=output, structured={"exit_code": 0}
    )
    assert written(tell.events).splitlines()[1:] == [
        "✓ bash ls 3 ms",
        "  0",
        "  1",
        "  2",
        "  3",
        "  4",
        "  … 35 more lines",
    ]


def test_a_call_that_was_stopped_at_its_question_is_not_told_as_begun(tell) -> None:
    """After Ctrl-C there stood `^C● bash sleep 100`, though nothing had run."""
    call = {"id": "1", "name": "bash", "input": {"command": "ls"}}
    tell("run_start", {"prompt": "p", "model": "m"})("approval_request", {**call, "reason": "bash wants to run `ls`"})
    tell("tool_start", call)("tool_end", {**call, "error": "Cancelled: stopped", "output": "", "executed": False})
    assert written(tell.events).startswith("\n✗ bash ls … ")


def test_nothing_is_shown_below_a_call_that_was_denied_or_said_nothing(tell) -> None:
    tell("run_start", {"prompt": "p"}).tool(error="Denied: no", output="").tool("2", output="\n \n")
    assert [line[:1] for line in written(tell.events).splitlines()] == ["●", "✗", "●", "✓"]


def test_an_error_of_many_lines_is_shown_and_no_key_or_escape_in_it(tell) -> None:
    error = "Tool crashed: ValueError\n  at line 1\n  sk-ant-canary0123456789abcdef\x1b[2J"
    tell("run_start", {"prompt": "p"}).tool(error=error, output="")
    said = written(tell.events)
    assert "  at line 1" in said
    assert "canary" not in said
    assert "\x1b" not in said


def test_a_key_with_a_blank_in_it_is_held_back_until_it_is_known() -> None:
    register_secret("correct horse battery")
    pieces: list[str] = []
    writer = TextWriter(pieces.append)
    for place, word in enumerate(["the key correct ", "horse ", "battery ", "ends\n"]):
        writer.feed(Event(place, "r", "text_delta", word))
    assert "".join(pieces) == "the key [redacted] ends\n"


@pytest.mark.parametrize(("reason", "told"), [("max_tokens", 1), ("end_turn", 0)])
def test_an_answer_that_was_cut_is_told_once_by_every_form(tell, reason: str, told: int) -> None:
    """It ended in the middle of a sentence, in a cell and in the terminal, and nobody was told why."""
    words = "the answer was cut at the model's limit of tokens"
    tell("text_delta", "Once upon a")("message", Message("assistant", (Said("Once upon a"),), stop_reason=reason))
    tell.end()
    run = tell.transcript
    saved = Transcript.from_record(run.record())
    forms = (written(tell.events), to_text(run), to_text(saved), to_markdown(run), html.unescape(frozen_html(run)))
    assert [form.count(words) for form in forms] == [told] * len(forms)


def test_a_turn_that_was_cut_before_its_calls_is_no_cut_answer(tell) -> None:
    tell("message", Message("assistant", (Said("I read"),), stop_reason="max_tokens")).tool()
    tell("message", Message("assistant", (Said("Done."),), stop_reason="end_turn")).end("completed")
    assert "cut" not in to_text(tell.transcript)


def test_a_hand_off_is_told_once() -> None:
    """While it streams and when it is shown again: by the line of the call, and no other."""
    critic = alloy.Agent(name="critic", model=alloy.Scripted(["It is too long."]))
    call = {"tool_calls": [{"name": "transfer_to_critic", "input": {"task": "Judge it."}}]}
    written: list[str] = []
    writer = TextWriter(written.append, static=True)
    lead = alloy.Agent(name="lead", model=alloy.Scripted([call]), handoffs=[critic])
    lead.chat("Is my text good?", display=None, on_event=writer.feed)
    assert "".join(written).startswith(
        "● transfer_to_critic Judge it.\n✓ transfer_to_critic Judge it.\n  critic has answered in your place.\n\n"
    )
    assert to_text(writer.transcript).startswith("✓ transfer_to_critic Judge it.\n\nIt is too long.\n")
