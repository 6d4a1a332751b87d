"""Events as text in the terminal: in order, complete lines only, and harmless."""

import io
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steps.tail import Tail, in_order
from steps.terminal import Terminal, harmless, one_line
from steps.transcript import Transcript

# A terminal obeys these; nothing a model says may contain one.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


# What a first example draws from is made then: on a cold cache, under load and on another Python that takes seconds,
# which a deadline counts.
patient = settings(deadline=None)


class TTY(io.StringIO):
    def isatty(self):
        return True


def event(kind, payload=None, run="r1", **more):
    return {"v": 1, "seq": 1, "run_id": run, "turn": 1, "ts_ms": 1, "event": kind, "payload": payload, **more}


def shown(*events, stream=None, environ=None):
    stream = io.StringIO() if stream is None else stream
    transcript = Transcript(Terminal(stream, environ or {}))
    for each in events:
        transcript.show(each)
    return stream.getvalue()


def test_a_run_reads_as_prompt_tools_text():
    text = shown(
        event("cell", {"number": 3, "of": 9, "title": "%%alloy -t read"}, run=None),
        event("run_start", {"prompt": "What is in note.txt?", "model": "local"}),
        event("tool_start", {"id": "a", "name": "read", "input": {"path": "note.txt"}}),
        event("tool_end", {"id": "a", "name": "read", "duration_ms": 3.2, "error": None, "output": "48213"}),
        event("text_delta", "It says "),
        event("text_delta", "48213."),
        event("run_end", {"status": "completed"}),
        event("run_start", {"prompt": "Again", "model": "local"}, run="r2"),
    )
    assert text == ("[3/9] %%alloy -t read\n› What is in note.txt?\n✓ read note.txt 3 ms\nIt says 48213.\n\n› Again\n")


def test_a_failed_tool_and_a_failed_run_say_why():
    text = shown(
        event("tool_start", {"id": "a", "name": "bash", "input": {"command": "rm -r x"}}),
        event("tool_end", {"id": "a", "name": "bash", "duration_ms": 0, "error": True, "output": "denied:\nno"}),
        event("run_end", {"status": "error", "error": "no answer"}),
    )
    assert text == "✗ bash rm -r x 0 ms · denied: no\nerror: no answer\n\n"


def test_thinking_is_one_quiet_line():
    thoughts = [event("thinking_delta", "hm"), event("thinking_delta", "hm"), event("text_delta", "Yes")]
    assert shown(*thoughts) == "thinking …\nYes"


def test_two_runs_that_speak_in_turns_are_told_apart():
    text = shown(
        event("run_start", {"prompt": "p"}, run="r1"),
        event("text_delta", "one", run="r1", agent="lead"),
        event("text_delta", "two", run="r2", agent="lead/research"),
    )
    assert text.endswith("one\n[lead/research]\ntwo")


def test_without_a_terminal_or_with_no_color_there_is_no_escape():
    done = event("tool_end", {"id": "a", "name": "read", "duration_ms": 3})
    assert "\x1b" not in shown(done)
    assert "\x1b" not in shown(done, stream=TTY(), environ={"NO_COLOR": "1"})
    assert "\x1b[32m" in shown(done, stream=TTY())


@pytest.mark.parametrize(
    ("hostile", "left"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;ZXZpbA==\x07", ""),
        ("a\x9b2Jb", "ab"),
        ("safe\rrm", "saferm"),
        ("a\x08\x7f\x00b", "ab"),
        ("abc\u202edcba", "abcdcba"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("a\u2028b", "a\nb"),
        ("\u2713 grüße 👩‍👧", "\u2713 grüße 👩‍👧"),
    ],
)
def test_control_characters_of_a_model_never_reach_the_terminal(hostile, left):
    assert harmless(hostile) == left


@patient
@given(st.lists(st.text(max_size=20), max_size=5), st.sampled_from(["text_delta", "run_start", "tool_end"]))
def test_whatever_is_said_nothing_is_obeyed(chunks, kind):
    escapes = ["\x1b", "[31m", "\x9b"]
    events = [
        event(kind, chunk if kind == "text_delta" else {"prompt": chunk, "name": chunk})
        for chunk in [*chunks, *escapes]
    ]
    assert not OBEYED.search(shown(*events))


@patient
@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_a_payload_of_any_shape_is_shown_or_passed_over(payload):
    kinds = ["run_start", "text_delta", "thinking_delta", "tool_start", "tool_end", "run_end", "cell", "what"]
    shown(*(event(kind, payload) for kind in kinds))


def test_one_line_is_one_line_and_short():
    assert one_line("a\nb\x1b[1m c") == "a b c"
    assert one_line("x" * 100, 10) == "x" * 9 + "…"


def test_a_line_is_read_only_when_its_end_is_written(tmp_path):
    path = tmp_path / "events.jsonl"
    tail = Tail(path)
    assert tail.read() == []
    line = json.dumps(event("text_delta", "grüße")).encode() + b"\n"
    with path.open("ab") as file:
        file.write(line + line[:40])
        file.flush()
        assert [record["payload"] for record in tail.read()] == ["grüße"]
        assert tail.read() == []
        file.write(line[40:])
        file.flush()
        assert [record["payload"] for record in tail.read()] == ["grüße"]


@patient
@given(st.lists(st.integers(min_value=1, max_value=30), max_size=20))
def test_however_the_bytes_arrive_every_record_is_read_once(tmp_path_factory, cuts):
    path = tmp_path_factory.mktemp("tail") / "events.jsonl"
    content = b"".join(json.dumps({"n": n, "t": "ü\u2028"}, ensure_ascii=False).encode() + b"\n" for n in range(9))
    tail, seen = Tail(path), []
    with path.open("ab", buffering=0) as file:
        for cut in [*cuts, len(content)]:
            file.write(content[:cut])
            content = content[cut:]
            seen += tail.read()
    assert [record["n"] for record in seen] == list(range(9))


def test_a_line_that_is_no_record_is_passed_over_and_counted(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'nonsense\n[1]\n\n\xff\xfe\n{"event": "x"}\n')
    tail = Tail(path)
    assert tail.read() == [{"event": "x"}]
    assert tail.skipped == 3


def test_records_of_two_files_are_shown_in_the_order_of_their_time():
    events = [{"ts_ms": 1, "n": 1}, {"n": 2}, {"ts_ms": 5, "n": 4}]
    cells = [{"ts_ms": 3, "n": 3}]
    assert [record["n"] for record in in_order(events, cells)] == [1, 2, 3, 4]
