"""What a call changed or would change, as a unified diff: how much it may cost, and which arguments it tells."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .clean import shorten
from .values import Approval, Tool

__all__ = ["Diff", "asked_diff", "change_asked_for", "diff_of"]

_HALVES = ("old_string", "new_string")
_LONGEST_HALF = 50_000
#: So many unchanged lines stand around a change that was made. Who is asked sees all of them.
_CONTEXT = 2
_ALL = 10**9
#: Lines of the one half times lines of the other: what is beyond is told as all of the one, then all of the other.
#: The smallest change is looked for in quadratic time, and in a worse one where few lines come again and again.
_MOST_PAIRS = 100_000

_Opcode = tuple[str, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Diff:
    """The lines of a unified diff; `told` are the names of the arguments that need not be shown beside it."""

    lines: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


def diff_of(tool: Tool, longest: int) -> Diff:
    """What a call changed, as it says itself or as its arguments do, in about `longest` characters; else no lines."""
    said = tool.data.get("diff") if isinstance(tool.data, Mapping) else None
    halves = _halves(tool.input)
    if isinstance(said, str):
        text = said.removesuffix("\n")
        told = _HALVES if halves is not None and _tells(text, *halves) else ()
    elif halves is not None:
        text, told = "\n".join(_unified(*halves, _CONTEXT)), _HALVES
    else:
        return Diff()
    if not text:
        return Diff()
    return Diff(tuple(shorten(text, longest).split("\n")), told if len(text) <= longest else ())


def asked_diff(question: Approval, longest: int) -> Diff:
    """What a call would change, with every line of both halves; nothing where that takes over `longest` characters.

    >>> asked_diff(Approval(input={"old_string": "a\\nb\\n", "new_string": "a\\nc"}), 1_000).lines
    ('@@ -1,2 +1,2 @@', ' a', '-b', '+c', '\\\\ No newline at end of file')
    """
    return change_asked_for(question.input, longest)


def change_asked_for(input: Any, longest: int) -> Diff:
    """The same of a call's arguments."""
    halves = _halves(input)
    lines = _unified(*halves, _ALL) if halves is not None else ()
    fits = 0 < sum(len(line) + 1 for line in lines) <= longest
    return Diff(lines, _HALVES) if fits else Diff()


def _halves(input: Any) -> tuple[str, str] | None:
    if not isinstance(input, Mapping):
        return None
    old, new = (input.get(name) for name in _HALVES)
    if not isinstance(old, str) or not isinstance(new, str):
        return None
    return (old, new) if max(len(old), len(new)) <= _LONGEST_HALF else None


def _tells(diff: str, old: str, new: str) -> bool:
    """Whether a diff that a tool gave holds all in which the two halves differ."""
    lines = diff.split("\n")
    before, after = old.split("\n"), new.split("\n")
    head, tail = _same_ends(before, after)
    gone, come = before[head : len(before) - tail], after[head : len(after) - tail]
    return "\n".join(gone) in _side(lines, "-") and "\n".join(come) in _side(lines, "+")


def _side(lines: list[str], sign: str) -> str:
    return "\n".join(line[1:] for line in lines if line[:1] in (sign, " "))


# A block is made anew when anything of its call changes, its arguments seldom do: they are known by what they say.
@lru_cache(maxsize=32)
def _unified(old: str, new: str, context: int) -> tuple[str, ...]:
    before, after = _lines(old), _lines(new)
    if _is_complete(old) != _is_complete(new):
        (after if _is_complete(old) else before)[-1] += "\n\\ No newline at end of file"
    matcher = difflib.SequenceMatcher(None, before, after)
    matcher.opcodes = _opcodes(before, after)  # type: ignore[attr-defined]
    told = "\n".join(line for hunk in matcher.get_grouped_opcodes(context) for line in _hunk(hunk, before, after))
    return tuple(told.split("\n")) if told else ()


def _lines(text: str) -> list[str]:
    """Cut at newlines alone: `splitlines` cuts where no program and no file system does."""
    return text.removesuffix("\n").split("\n") if text else []


def _is_complete(text: str) -> bool:
    return not text or text.endswith("\n")


def _same_ends(before: list[str], after: list[str]) -> tuple[int, int]:
    """How many lines at the beginning, and at the end, are the same."""
    most = min(len(before), len(after))
    head = next((place for place in range(most) if before[place] != after[place]), most)
    most -= head
    tail = next((place for place in range(most) if before[-1 - place] != after[-1 - place]), most)
    return head, tail


def _opcodes(before: list[str], after: list[str]) -> list[_Opcode]:
    head, tail = _same_ends(before, after)
    end_before, end_after = len(before) - tail, len(after) - tail
    old, new = before[head:end_before], after[head:end_after]
    inner: list[_Opcode] = [("replace", 0, len(old), 0, len(new))]
    if len(old) * len(new) <= _MOST_PAIRS:
        inner = list(difflib.SequenceMatcher(None, old, new).get_opcodes())
    return [
        *([("equal", 0, head, 0, head)] if head else []),
        *((tag, i1 + head, i2 + head, j1 + head, j2 + head) for tag, i1, i2, j1, j2 in inner),
        *([("equal", end_before, len(before), end_after, len(after))] if tail else []),
    ]


def _hunk(hunk: list[Any], before: list[str], after: list[str]) -> list[str]:
    first, last = hunk[0], hunk[-1]
    lines = [f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@"]
    for tag, i1, i2, j1, j2 in hunk:
        if tag == "equal":
            lines += [f" {line}" for line in before[i1:i2]]
        else:
            lines += [f"-{line}" for line in before[i1:i2]] + [f"+{line}" for line in after[j1:j2]]
    return lines


def _range(start: int, stop: int) -> str:
    """As `diff` counts: from 1, and from 0 where there is nothing."""
    count = stop - start
    return f"{start + 1}" if count == 1 else f"{start + 1 if count else start},{count}"
