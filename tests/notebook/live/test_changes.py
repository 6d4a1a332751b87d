"""What the page is told of a run: changes that, one after the other, make what the run is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.events import Event
from alloy_nb.messages import Message
from alloy_nb.notebook.live.changes import Change, Changes, facts_of, wire_block, wire_blocks
from alloy_nb.redaction import register_secret
from alloy_nb.render.blocks import Transcript
from alloy_nb.render.drafts import Draft, WordsDraft

SECRET = "a-secret-of-this-test-0123456789"
WORDS = {"thinking": "text", "text": "markdown"}


class Page:
    """The page's reducer, as the papers of the wire say it."""

    def __init__(self) -> None:
        self.blocks: list[dict[str, Any]] = []
        self.facts: dict[str, Any] = {}

    def take(self, changes: list[Change]) -> None:
        for kind, *rest in json.loads(json.dumps(changes)):
            getattr(self, f"_{kind}")(*rest)

    def _t(self, place: int, text: str) -> None:
        block = self.blocks[place]
        name = WORDS[block["block"]]
        self.blocks[place] = {**block, name: block.get(name, "") + text}

    def _r(self, place: int, keep: int, text: str) -> None:
        block = self.blocks[place]
        name = WORDS[block["block"]]
        kept = block.get(name, "").encode("utf-16-le")[: 2 * keep].decode("utf-16-le")
        self.blocks[place] = {**block, name: kept + text}

    def _b(self, place: int, fields: dict[str, Any]) -> None:
        if "block" in fields:
            self.blocks[place : place + 1] = [fields]
        else:
            self.blocks[place] = {**self.blocks[place], **fields}

    def _n(self, count: int) -> None:
        del self.blocks[count:]

    def _f(self, facts: dict[str, Any]) -> None:
        self.facts.update(facts)


def full(block: dict[str, Any]) -> dict[str, Any]:
    """A block without what says nothing, so that a default that was told equals one that was left out."""
    return {name: value for name, value in block.items() if value not in (None, "", False, [])}


ASKED = {"name": "bash", "input": {"command": "ls"}, "reason": "?"}
CALLS = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["Hello ", "wor", "ld\n\n", "𝄞", "# T\n", SECRET[:10], SECRET[10:], "\x1b[3", "1mred", "‮x"])
EVENTS = st.one_of(
    TEXTS.map(lambda text: ("text_delta", text)),
    TEXTS.map(lambda text: ("thinking_delta", text)),
    st.tuples(CALLS, TEXTS).map(lambda p: ("tool_call_delta", {"id": p[0], "name": "bash", "delta": p[1]})),
    CALLS.map(lambda call: ("tool_start", {"id": call, "name": "bash", "input": {"command": "ls"}})),
    st.tuples(CALLS, TEXTS).map(lambda p: ("tool_progress", {"id": p[0], "message": p[1], "fraction": 0.5})),
    st.tuples(CALLS, TEXTS).map(
        lambda p: ("tool_end", {"id": p[0], "name": "bash", "duration_ms": 3, "error": None, "output": p[1]})
    ),
    CALLS.map(
        lambda call: ("approval_request", {"id": call, "name": "bash", "input": {"command": "ls"}, "reason": "?"})
    ),
    st.tuples(CALLS, st.booleans()).map(
        lambda p: ("approval_result", {"id": p[0], "name": "bash", "allowed": p[1], "by": "user", "remember": "once"})
    ),
    st.just(("turn_start", {"model": "m"})),
    st.just(("retry", {"attempt": 1, "delay_s": 1.0, "reason": "busy"})),
    st.just(("usage", {"input_tokens": 5, "output_tokens": 2, "cost": 0.1})),
    st.just(("run_end", {"status": "error", "error": "broken", "turns": 1})),
)


class Lawful:
    """Passes over what no run tells: the end of a call that does not run, the answer to what was not asked."""

    def __init__(self) -> None:
        self.open: set[tuple[str, str]] = set()
        self.over = False

    def takes(self, kind: str, payload: Any) -> bool:
        over, self.over = self.over, self.over or kind == "run_end"
        if over:
            return False
        what, _, end = kind.partition("_")
        if what not in ("tool", "approval") or end not in ("start", "end", "request", "result"):
            return True
        key = (what, payload["id"])
        if end in ("start", "request"):
            self.open.add(key)
            return True
        lawful = key in self.open
        self.open.discard(key)
        return lawful


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(EVENTS, max_size=4), max_size=25))
def test_the_changes_make_what_the_run_is(bursts: list[list[tuple[str, Any]]]) -> None:
    register_secret(SECRET)
    transcript, page = Transcript(inputs=["sales"]), Page()
    changes = Changes(transcript)
    seq, lawful = 0, Lawful()
    for burst in bursts:
        for kind, payload in burst:
            if not lawful.takes(kind, payload):
                continue
            seq += 1
            transcript.feed(Event(seq, "r", kind, payload, turn=1, ts_ms=seq))
        page.take(changes.take())
        assert [full(b) for b in page.blocks] == [full(wire_block(block)) for block in transcript.blocks]
        assert {k: v for k, v in page.facts.items() if k != "seconds"} == facts_of(transcript)
        assert SECRET not in json.dumps(page.blocks)
        assert changes.take() == []


def test_streaming_costs_what_is_new() -> None:
    """100 kB in 2,000 pieces: what is told is not much more than the text, and finished blocks are told once."""
    transcript = Transcript()
    changes = Changes(transcript)
    piece = "nothing is lost here, and so it goes on for fifty."
    told = 0
    for number in range(2_000):
        transcript.feed(Event(number + 1, "r", "text_delta", piece, ts_ms=number))
        told += len(json.dumps(changes.take()))
    assert told < 1.3 * 2_000 * len(piece)


def test_blocks_that_are_settled_are_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor those behind a call that waits."""
    transcript = Transcript()
    changes = Changes(transcript)
    transcript.feed(Event(1, "r", "tool_call_delta", {"id": "a", "name": "bash", "delta": "{}"}))
    for number in range(100):
        transcript.feed(Event(2 * number, "r", "text_delta", "text", ts_ms=number))
        transcript.feed(Event(2 * number + 1, "r", "turn_start", {"model": "m"}, turn=number, ts_ms=number))
    changes.take()
    looked: list[Draft] = []
    for name in ("block", "frame", "since"):
        plain = getattr(WordsDraft, name)
        monkeypatch.setattr(
            WordsDraft, name, lambda self, *rest, plain=plain: looked.append(self) or plain(self, *rest)
        )
    transcript.feed(Event(900, "r", "text_delta", "more", ts_ms=900))
    assert changes.take() == [["b", 101, {"block": "text", "markdown": "more", "live": True}]]
    assert set(looked) == {transcript.drafts[101]}


@pytest.mark.parametrize("piece", ["hello ", "sk-ant-"])
def test_a_look_at_a_long_answer_reads_what_is_new(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole of it was joined and compared with every look."""
    transcript = Transcript()
    changes = Changes(transcript)
    transcript.feed(Event(1, "r", "text_delta", "word " * 20_000))
    changes.take()
    monkeypatch.setattr(WordsDraft, "block", None)
    transcript.feed(Event(2, "r", "text_delta", piece))
    assert changes.take() == [["t", 0, piece]]


def test_an_answer_of_a_type_is_told_though_its_words_had_settled() -> None:
    """What it stands in place of had been left behind, and only a page that was reloaded saw it."""
    transcript, page = Transcript(), Page()
    changes = Changes(transcript)
    output = {"type": "N", "json": '{\n  "n": 1\n}'}
    events: list[tuple[str, Any]] = [
        ("text_delta", '{"n":1}'),
        ("message", Message.assistant('{"n":1}')),
        ("run_end", {"status": "completed", "output": output}),
    ]
    for seq, (kind, payload) in enumerate(events, 1):
        transcript.feed(Event(seq, "r", kind, payload))
        page.take(changes.take())
    assert page.blocks == [wire_block(block) for block in transcript.blocks]
    assert page.blocks[0]["markdown"].startswith("```json")


def test_a_call_that_is_dropped_takes_its_place_from_those_behind() -> None:
    transcript, page = Transcript(), Page()
    changes = Changes(transcript)
    events: list[tuple[str, Any]] = [
        ("tool_call_delta", {"id": "a", "name": "bash", "delta": "{"}),
        ("retry", {"attempt": 1, "reason": "busy"}),
        ("thinking_delta", "Hm"),
        ("message", Message.assistant("Done.")),
        ("text_delta", "More"),
    ]
    for seq, (kind, payload) in enumerate(events, 1):
        transcript.feed(Event(seq, "r", kind, payload))
        page.take(changes.take())
        assert [full(b) for b in page.blocks] == [full(wire_block(block)) for block in transcript.blocks]
    assert [block["block"] for block in page.blocks] == ["notice", "thinking", "text"]


def test_long_outputs_and_data_stay_in_the_kernel() -> None:
    transcript = Transcript()
    end = {
        "id": "a",
        "name": "bash",
        "duration_ms": 1,
        "error": None,
        "output": "x" * 50_000,
        "structured": {"exit_code": 3},
    }
    transcript.feed(Event(1, "r", "tool_start", {"id": "a", "name": "bash", "input": {"command": "y" * 50_000}}))
    transcript.feed(Event(2, "r", "tool_end", end))
    (block,) = [wire_block(block) for block in transcript.blocks]
    assert len(json.dumps(block)) < 20_000
    assert block["exit_code"] == 3
    assert "data" not in block


def test_a_question_tells_its_arguments_to_the_end_or_says_what_is_missing() -> None:
    for size in (50_000, 150_000):
        transcript = Transcript()
        asked = {"id": "a", "name": "bash", "input": {"command": "x" * size + "rm -rf /"}, "reason": "?"}
        transcript.feed(Event(1, "r", "approval_request", asked))
        told = wire_block(transcript.blocks[0])["input"]["command"]
        assert told.endswith("rm -rf /" if size < 100_000 else "AND 50,008 MORE CHARACTERS THAT ARE NOT SHOWN HERE")


def question(**input: Any) -> dict[str, Any]:
    transcript = Transcript()
    transcript.feed(Event(1, "r", "approval_request", {"id": "a", "name": "t", "input": input, "reason": "?"}))
    return wire_block(transcript.blocks[0])


def test_a_number_that_a_page_cannot_read_is_told_in_words() -> None:
    """One of them hid all arguments, or lost its last digits."""
    told = question(command="x", big=10**320, odd=[2**53 + 1, -(2**53)], kept=[2**53 - 1, -7, 0.5, True], far=1e300)
    assert told["input"] == {
        "command": "x",
        "big": "1" + "0" * 320,
        "odd": ["9007199254740993", "-9007199254740992"],
        "kept": [2**53 - 1, -7, 0.5, True],
        "far": "1e+300",
    }
    transcript = Transcript()
    transcript.feed(Event(1, "r", "tool_start", {"id": "a", "name": "t", "input": {"n": 2**60}}))
    transcript.feed(Event(2, "r", "tool_progress", {"id": "a", "message": "", "fraction": float("inf")}))
    wire = wire_block(transcript.blocks[0])
    assert wire["input"] == {"n": str(2**60)}
    json.dumps(wire, allow_nan=False)


def test_a_question_that_is_too_deep_to_be_shown_says_so() -> None:
    deep: Any = "rm -rf /"
    for _ in range(30):
        deep = {"k": deep}
    told = question(arg=deep)
    assert told["partial"] is True
    assert "deeper than is shown here" in json.dumps(told["input"], ensure_ascii=False)
    assert "partial" not in question(arg={"k": "v"})


def test_the_diff_of_a_question_takes_the_place_of_its_two_halves_alone() -> None:
    told = question(file_path="a.py", old_string="a", new_string="b", content="evil()")
    assert told["diff"] == ["@@ -1 +1 @@", "-a", "+b"]
    assert told["input"] == {"file_path": "a.py", "content": "evil()"}


def test_a_diff_that_is_too_long_for_a_question_is_not_told_and_its_halves_are() -> None:
    old, new = "\n".join("a" * 9 for _ in range(4_900)), "\n".join("b" * 9 for _ in range(4_900))
    assert len("\n".join(question(old_string=old[:20_000], new_string=new[:20_000])["diff"])) > 40_000
    told = question(old_string=old, new_string=new + "evil()")
    assert "diff" not in told
    assert told["input"] == {"old_string": old, "new_string": new + "evil()"}


def test_pictures_of_a_run_are_told_up_to_the_same_size_as_are_kept() -> None:
    picture = "iVBORw0KGgoA" + "A" * 1_499_988
    transcript = Transcript()
    changes = Changes(transcript)
    for number in range(4):
        rich = [{"image": picture, "mime": "image/png"}]
        end = {"id": str(number), "name": "plot", "duration_ms": 1, "error": None, "output": "", "rich": rich}
        transcript.feed(Event(2 * number, "r", "tool_start", {"id": str(number), "name": "plot", "input": {}}))
        transcript.feed(Event(2 * number + 1, "r", "tool_end", end))
    left = [True, True, False, False]
    told = [op[2] for op in changes.take() if op[0] == "b"]
    assert [bool(block["rich"][0]["image"]) for block in told] == left
    for _ in range(2):
        assert [bool(block["rich"][0]["image"]) for block in wire_blocks(transcript.blocks)] == left
