"""What Python says in cases that the page must say the same: `python tests/render/page_fixtures.py` writes them anew.

The page's own tests (`labextension/tests/blocks/`) read the files and compare.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alloy_nb.events import Event
from alloy_nb.notebook.live.changes import Changes, facts_of, wire_block
from alloy_nb.redaction import register_secret
from alloy_nb.render.blocks import Transcript
from alloy_nb.render.markdown import split_settled
from alloy_nb.render.team_html import timeline_heads
from alloy_nb.render.team_values import KINDS, STATES, MemberTold, Row
from alloy_nb.render.team_wording import STATE_MARKS, row_cells, state_words
from alloy_nb.render.values import Approval, Notice, Text, Tool, block_from_dict
from alloy_nb.render.wording import (
    MARKS,
    cost_words,
    duration_words,
    footer_words,
    notice_words,
    outcome_words,
    question_words,
    reason_words,
    thinking_words,
    token_words,
    verdict_words,
)
from alloy_nb.usage import Usage

FOLDER = Path(__file__).parents[2] / "labextension" / "fixtures"


def files() -> dict[str, str]:
    """Name -> content of every fixture."""
    return {
        "words.json": _json(words()),
        "settle.json": _json(settled()),
        "runs.json": _json(runs()),
        "team.json": _json(team()),
    }


def _json(cases: dict[str, Any]) -> str:
    """A case a line, so that a difference can be read."""
    parts = []
    for name, values in cases.items():
        if isinstance(values, list):
            lines = ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)
            parts.append(f"{json.dumps(name)}: [\n{lines}\n]")
        else:
            parts.append(f"{json.dumps(name)}: {json.dumps(values, ensure_ascii=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


# -- a team -----------------------------------------------------------------------------------------------------------


def team() -> dict[str, Any]:
    """What is said of members and rows."""
    members = [MemberTold("a", state, doing) for state in STATES for doing in ("", "running bash")]
    statuses = ("completed", "running", "error", "halted", "waiting", "cancelled", "max_turns", "constructor")
    rows = [Row("run", "a", 2_000, 4_100, status, 312, 0.002) for status in statuses]
    rows += [Row(kind, "a", 72_000, to="b") for kind in (*KINDS, "constructor") if kind != "run"]
    rows += [Row("run", "a", 1_000, 1_000, "completed"), Row("run", "a", 1_000, 2_000, "completed", 5, None)]
    return {
        "marks": {state: [sign, colour or ""] for state, (sign, colour) in STATE_MARKS.items()},
        "heads": timeline_heads(static=False),
        "members": [{"state": one.state, "doing": one.doing, "words": state_words(one)} for one in members],
        "rows": [{"row": asdict(row), "cells": row_cells(row, 1_000, static=False)} for row in rows],
    }


# -- words ------------------------------------------------------------------------------------------------------------


def words() -> dict[str, Any]:
    return {
        "marks": dict(MARKS),
        "durations": [[ms, duration_words(ms)] for ms in _durations()],
        "tokens": [[count, token_words(count)] for count in _counts()],
        "costs": [[cost, cost_words(cost)] for cost in _costs()],
        "thinking": [
            {"seconds": seconds, "live": live, "words": thinking_words(seconds, live=live, static=False)}
            for seconds in (None, 0, 0.002, 0.0999, 0.1, 0.25, 2.14, 59.96, 72, 3601.5)
            for live in (False, True)
        ],
        "notices": [{"notice": page, "words": notice_words(_notice(page), static=False)} for page in _notices()],
        "footers": [
            {"facts": facts, "live": live, "words": footer_words(_transcript(facts), static=False, live=live)}
            for facts in _facts()
            for live in (False, True)
        ],
        "questions": [
            {
                "question": page,
                "asks": question_words(_question(page)),
                "reason": reason_words(_question(page)),
                "verdict": verdict_words(_question(page)),
            }
            for page in _questions()
        ],
        "outcomes": [
            {"tool": tool, "question": question, "words": _outcome(tool, question)} for tool, question in _outcomes()
        ],
    }


def _durations() -> list[float]:
    halves = [0.5, 1.5, 2.5, 37.5, 38.5, 1_250, 1_350, 1_050.0, 1_150, 2_250, 60_500, 61_500, 62_500, 119_500]
    edges = [0, 0.2, 1, 38.2, 999.4, 999.5, 999.6, 1000, 2_140, 59_949, 59_950, 59_999, 60_000, 72_000, 3_600_000, 1e9]
    source = random.Random(1)
    return [*edges, *halves, *(round(10 ** source.uniform(-1, 7), 3) for _ in range(200))]


def _counts() -> list[int]:
    edges = [0, 1, 312, 999, 1_000, 1_049, 1_050, 1_150, 1_250, 4_120, 99_949, 99_950, 999_949, 999_950, 1_250_000]
    source = random.Random(2)
    return [*edges, *(round(10 ** source.uniform(0, 9)) for _ in range(100))]


def _costs() -> list[float | None]:
    edges = [None, 0, 0.0, 0.00009, 0.0001, 0.00005, 0.0005, 0.00125, 0.0099999, 0.01, 0.0171, 0.0625, 0.9995, 0.99951]
    more = [1, 1.005, 1.125, 1.375, 2.5, 99.995, 1234.5, 123_456.789]
    source = random.Random(3)
    return [*edges, *more, *(10 ** source.uniform(-5, 3) for _ in range(100))]


def _notices() -> list[dict[str, Any]]:
    return [
        {"block": "notice", "kind": "retry", "text": "attempt 1 failed: busy", "seconds": 2.0},
        {"block": "notice", "kind": "pause", "text": "openai asked for a pause", "seconds": 20.0},
        {"block": "notice", "kind": "compaction", "text": "older turns were shortened"},
        {"block": "notice", "kind": "retry", "text": "again", "seconds": 0.25},
        {"block": "notice", "kind": "retry", "seconds": 0},
        {"block": "notice"},
    ]


def _facts() -> list[dict[str, Any]]:
    used = {"model": "claude-sonnet-4-6", "turns": 3, "input_tokens": 4_120, "output_tokens": 312, "cost": 0.0171}
    statuses = "completed max_turns waiting error halted cancelled stopped running constructor".split()
    return [
        {},
        *({"status": status} for status in statuses),
        *({**used, "status": status, "seconds": 8.44} for status in ("completed", "cancelled", "running")),
        {"status": "completed", "turns": 1, "input_tokens": 0, "output_tokens": 7, "cost": None, "seconds": 0},
        {"status": "completed", "model": "m", "turns": 0, "input_tokens": 0, "output_tokens": 0, "cost": 0.5},
    ]


def _questions() -> list[dict[str, Any]]:
    names = ("read", "write", "edit", "fetch", "glob", "grep", "bash", "python", "constructor", "")
    asked: list[dict[str, Any]] = [{"block": "approval", "name": name} for name in names]
    for state, by, remember, answer in itertools.product(
        ("pending", "allowed", "denied", "withdrawn"),
        ("", "user", "function", "remembered", "policy", "__proto__"),
        ("once", "command", "tool", "toString"),
        ("", "not in my folder"),
    ):
        asked.append({"block": "approval", "state": state, "by": by, "remember": remember, "answer": answer})
    told = {"state": "allowed", "by": "user", "remember": "command"}
    asked += [{"block": "approval", "name": name, **told} for name in names]
    for reason in (
        "write wants to create `a.txt`",
        "write wants to create `a.txt`, which is outside",
        "write wants to create `b.txt`",
        "write wants to Create `a.txt`",
        "read wants to open `a.txt`",
        "it runs a command",
        "write wants to create `a.txt`,, x",
    ):
        asked.append({"block": "approval", "name": "write", "input": {"n": 1, "path": "a.txt"}, "reason": reason})
        asked.append({"block": "approval", "name": "write", "input": ["a.txt"], "reason": reason})
    return asked


def _outcomes() -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    told = {"block": "approval", "state": "allowed", "by": "user"}
    for state, took in itertools.product(("waiting", "running", "done", "failed", "denied"), (None, 0, 38.2, 2_140)):
        yield {"block": "tool", "state": state, "duration_ms": took}, None
        yield {"block": "tool", "state": state, "duration_ms": took, "input": {}}, told
    for question in ({**told, "by": "policy"}, {**told, "remember": "command"}, {"block": "approval"}):
        yield {"block": "tool", "state": "done", "duration_ms": 5}, question
    for code in (0, 1, 127, -9):
        yield {"block": "tool", "state": "done", "duration_ms": 5, "exit_code": code}, None
        yield {"block": "tool", "state": "failed", "error": "it failed", "exit_code": code}, None
        yield {"block": "tool", "state": "failed", "exit_code": code}, None
    for error in _errors():
        yield {"block": "tool", "state": "failed", "duration_ms": 1, "error": error}, None
    for fraction in (None, 0, 0.004, 0.005, 0.125, 0.145, 0.5, 0.625, 0.995, 1):
        for progress in ([], ["one"], ["one", "  two\n words  "], [" "], ["a" * 91]):
            yield {"block": "tool", "state": "running", "fraction": fraction, "progress": progress}, None


def _errors() -> list[str]:
    long = "word " * 40
    return [
        "",
        "not found",
        "Tool crashed: ValueError: no",
        "Tool crashed: Denied: both",
        "Denied: not in my folder",
        "Blocked: by a hook",
        "Denied",
        "line one\n\tline two\r\n  three",
        "blank\u2003kinds\u00a0here\u3000and\u202fthere",
        long,
        "x" * 90,
        "x" * 91,
        "😀" * 90,
        "😀" * 91,
        "😀" * 45 + "x",
    ]


def _outcome(tool: dict[str, Any], question: dict[str, Any] | None) -> str:
    """A page's tool carries its exit code beside its other fields; here it is part of what the tool returned."""
    code = {"data": {"exit_code": tool["exit_code"]}} if "exit_code" in tool else {}
    block = block_from_dict({**tool, **code})
    assert isinstance(block, Tool)
    return outcome_words(block, _question(question) if question is not None else None, static=False)


def _question(page: dict[str, Any]) -> Approval:
    block = block_from_dict(page)
    assert isinstance(block, Approval)
    return block


def _notice(page: dict[str, Any]) -> Notice:
    block = block_from_dict(page)
    assert isinstance(block, Notice)
    return block


def _transcript(facts: dict[str, Any]) -> Transcript:
    transcript = Transcript()
    transcript.usage = Usage(facts.get("input_tokens", 0), facts.get("output_tokens", 0))
    for name in ("model", "status", "turns", "cost", "seconds"):
        setattr(transcript, name, facts.get(name, getattr(transcript, name)))
    transcript.restore([Text("Foxes")])  # of one that was stopped before that, the page is told another status
    return transcript


# -- settled Markdown -------------------------------------------------------------------------------------------------


def settled() -> dict[str, Any]:
    """Texts, with the length (in UTF-16 code units, as the page counts) of what is settled after each cut.

    Those under "formulas" hold some; a parser without rules for them reads them as other text.
    """
    return {"plain": [_cuts(text) for text in _plain()], "formulas": [_cuts(text) for text in _formulas()]}


def _cuts(text: str) -> dict[str, Any]:
    """A case a line's end and one within each line: [the cut, what is settled then]."""
    ends = [place + 1 for place, letter in enumerate(text) if letter == "\n"]
    cuts = sorted({*ends, *(min(end + 3, len(text)) for end in ends), len(text)})
    return {"text": text, "cuts": [[_units(text[:cut]), _units(split_settled(text[:cut])[0])] for cut in cuts]}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _plain() -> list[str]:
    return [
        "",
        "one line",
        "# Title\n\nHello wor",
        "para\nmore\n\nnext para\n\nlast",
        "Heading\n=====\n\ntext\n---\n\nmore",
        "- a\n- b\n\n- c\n\n  deeper\n\nafter\n\n",
        "1. a\n   1. b\n\n      c\n2. d\n\n\nend\n",
        "> quote\n> more\n\n> again\n\nout\n",
        "```python\na = 1\n\n\nb = 2\n```\n\nafter\n\n",
        "```\nnever closed\n\n\nstill code\n",
        "~~~~\n```\n~~~\n\n~~~~\ntext\n",
        "    indented\n\n    more\n\nplain\n\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n\nafter\n\n",
        "| a | b |\n|---|\nno table\n\n",
        "***\n\n---\n\n* * *\n",
        "[ref]: https://example.org\n\n[ref] is used\n\n",
        "[ref]:\n\nno definition\n\n",
        "<div>\n\nno html here\n\n</div>\n\n",
        "a  \nb\\\nc\n \t\nafter blanks\n\u00a0\nno blank line for Markdown\n\n",
        "\n\n\n",
        "\n\ntext after blank lines\n\n\n\nmore\n",
        "emoji 😀\n\n# 😀😀\n\n- 😀\n\n",
        "- list\n\n\n- far\n# Title\ntext\n\n```\ncode\n```\n> q\n\n",
        "> - a\n>\n> - b\n\n- ```\n  code\n\n  more\n  ```\n\nend\n\n",
        *_random(7, 60, _PIECES),
    ]


def _formulas() -> list[str]:
    return [
        "$$\na\n\nb\n$$\n\nafter\n\n",
        "$$ x $$\n\ntext\n\n",
        "\\[\nx\n\ny\n\\]\ntext\n\n",
        "\\begin{align}\na &= b\n\n\\end{align}\n\nafter\n\n",
        "$$\nnever closed\n\nmore\n\n",
        "- $$\n  a\n\n  b\n  $$\n\nout\n\n",
        "> $$\n> a\n\nout\n\n",
        "costs $5 and $6\n\nthen $x$\n\n",
        *_random(8, 60, [*_PIECES, "$$\n", "$$ x $$\n", "\\[\n", "\\]\n", "\\begin{a}\n", "\\end{a}\n", "$x$ y\n"]),
    ]


_LINES = """
text
# T
- a
  - b
1. x
> q
>
```
```py
~~~
    code
---
===
| a | b |
|---|---|
😀
[r]: /u
<b>
**
\t- c
""".splitlines(keepends=True)
_PIECES = [*_LINES, "\n", "\n", "\n", " \n", "more text"]


def _random(seed: int, count: int, pieces: list[str]) -> list[str]:
    source = random.Random(seed)
    return ["".join(source.choices(pieces, k=source.randrange(3, 16))) for _ in range(count)]


# -- runs -------------------------------------------------------------------------------------------------------------


def runs() -> dict[str, Any]:
    """Runs as the kernel tells them: `changes`, the operations of each message, make `blocks` and `facts`."""
    register_secret(_SECRET)
    return {"runs": [_run(random.Random(seed)) for seed in range(25)]}


_SECRET = "no-key-but-a-word-that-is-taken-out"


def _run(source: random.Random) -> dict[str, Any]:
    transcript = Transcript(inputs=["sales"])
    changes, told = Changes(transcript), []
    for number, (kind, payload) in enumerate(_events(source)):
        transcript.feed(Event(number + 1, "r", kind, payload, turn=1, ts_ms=10 * number))
        if source.random() < 0.6:
            told.append(changes.take())
    told.append(changes.take())
    blocks = [wire_block(block) for block in transcript.blocks]
    return {"changes": told, "blocks": blocks, "facts": facts_of(transcript)}


def _events(source: random.Random) -> Iterator[tuple[str, Any]]:
    """Turns of words and calls, as a run tells them."""
    seen = 5  # a longer beginning is not shown until the rest is there
    yield "run_start", {"prompt": "Look", "model": "m"}
    for turn in range(source.randrange(1, 4)):
        yield "turn_start", {"model": "m"}
        if turn and source.random() < 0.3:
            yield "retry", {"attempt": 1, "delay_s": 1.0, "reason": "busy"}
        for kind in ("thinking_delta", "text_delta"):
            for _ in range(source.randrange(5)):
                yield kind, source.choice(["Hello ", "wor", "ld\n\n", "😀", "# T\n", _SECRET[:seen], _SECRET[seen:]])
        for call in range(source.randrange(3)):
            yield from _call(source, f"{turn}-{call}")
        yield "usage", {"input_tokens": 5, "output_tokens": 2, "cost": 0.1}
    if source.random() < 0.8:
        failed = source.random() < 0.3
        yield (
            "run_end",
            {"status": "error" if failed else "completed", "error": "broken" if failed else None, "turns": 1},
        )


def _call(source: random.Random, id: str) -> Iterator[tuple[str, Any]]:
    name = source.choice(["bash", "edit"])
    input = {"command": "ls"} if name == "bash" else {"file_path": "a", "old_string": "x\ny", "new_string": "x\nz"}
    for piece in ('{"com', 'mand": "ls"}'):
        yield "tool_call_delta", {"id": id, "name": name, "delta": piece}
    if source.random() < 0.5:
        allowed = source.random() < 0.5
        yield "approval_request", {"id": id, "name": name, "input": input, "reason": "it changes something"}
        answer = {"allowed": allowed, "by": "user", "remember": "once", "reason": "" if allowed else "not here"}
        yield "approval_result", {"id": id, "name": name, **answer}
    yield "tool_start", {"id": id, "name": name, "input": input}
    for _ in range(source.randrange(3)):
        yield "tool_progress", {"id": id, "message": source.choice(["one", "two"]), "fraction": source.random()}
    error = source.choice([None, None, "not found"])
    data = {"exit_code": source.randrange(2)} if name == "bash" else None
    end = {"duration_ms": source.choice([3, 2_140]), "error": error, "output": "" if error else "out\n"}
    yield "tool_end", {"id": id, "name": name, "structured": data, **end}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_text(content, "utf-8", newline="\n")
