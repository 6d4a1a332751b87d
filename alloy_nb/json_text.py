"""JSON in what a model said: the whole text, a fenced block, or among words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

__all__ = ["find_json", "is_json", "is_json_alone", "pretty_json"]

_FENCE = re.compile(r"[ \t]*```[ \t]*(json)?[ \t]*\Z", re.IGNORECASE)
_MARKS = re.compile(r'[{}\[\]"\\]')
_FENCED = re.compile(r"\s*```(?:json)?[ \t]*\n(.*)\n[ \t]*```\s*", re.DOTALL | re.IGNORECASE)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_CLOSING = {"}": "{", "]": "["}
#: Candidates that are tried, at most: nobody means an answer to be one of so many.
_MOST = 20


def find_json(text: str, *, among_words: bool = True) -> list[str]:
    """The JSON texts that may be the answer; several only where none of them is the one.

    What the model said as a whole comes first, then what it put in fences, then the objects and arrays among its
    words, unless `among_words` is off, as for a text that was cut.

    >>> find_json('Here it is:\\n```json\\n{"n": 1}\\n```\\nAnything else?')
    ['{"n": 1}']
    >>> find_json('The set {a, b} has the size {"n": 2}.')
    ['{"n": 2}']
    """
    whole = text.strip()
    if is_json(whole):
        return [whole]
    if fenced := _distinct(_fenced(text)):
        return fenced
    return _distinct(text[start:end] for start, end in _outermost(text)) if among_words else []


def pretty_json(text: str) -> str:
    """JSON with a line for each value; numbers keep the digits they came with, letters are letters.

    >>> print(pretty_json('{"n":1.10,"of":[],"name":"\\\\u00c5sa"}'))
    {
      "n": 1.10,
      "of": [],
      "name": "Åsa"
    }
    """
    parts: list[str] = []
    depth, before = 0, ""
    for token in _TOKEN.findall(text):
        if token in _CLOSING:
            depth -= 1
        if before and (before in "{[," or token in "}]") and before + token not in ("{}", "[]"):
            parts.append("\n" + "  " * depth)
        if token in "{[":
            depth += 1
        if token[0] == '"':
            token = json.dumps(json.loads(token, strict=False), ensure_ascii=False)
        parts.append(": " if token == ":" else token)
        before = token
    return "".join(parts)


def is_json(text: str) -> bool:
    """Whether the whole is JSON."""
    from pydantic_core import from_json

    try:
        from_json(text)
    except ValueError:
        return False
    return True


def is_json_alone(text: str) -> bool:
    """Whether the text is JSON with nothing beside it, perhaps in a fence."""
    fenced = _FENCED.fullmatch(text)
    return is_json((fenced[1] if fenced else text).strip())


def _distinct(texts: Iterator[str]) -> list[str]:
    """Those that are JSON, each once."""
    found: dict[str, None] = {}
    for tried, text in enumerate(texts):
        if tried == _MOST:
            break
        if is_json(text):
            found[text] = None
    return list(found)


def _fenced(text: str) -> Iterator[str]:
    """What stands in blocks that are marked as JSON, or as nothing."""
    block: list[str] | None = None
    for line in text.split("\n"):
        fence = _FENCE.match(line.rstrip("\r"))
        if fence is None:
            if block is not None:
                block.append(line)
        elif block is None or fence[1]:
            block = []
        else:
            yield "\n".join(block).strip()
            block = None


def _outermost(text: str) -> Iterator[tuple[int, int]]:
    """Where brackets open and close that are within no others, in one pass; one that is never closed is a word."""
    opened: list[tuple[str, int]] = []
    closed: list[tuple[int, int]] = []
    quoted, letter = False, -1
    for match in _MARKS.finditer(text):
        mark, place = match[0], match.start()
        if place == letter:
            continue
        if quoted:
            quoted = mark != '"'
            letter = place + 1 if mark == "\\" else letter
        elif mark == '"':
            quoted = bool(opened)  # quotes among words stand for nothing
        elif mark in _CLOSING.values():
            opened.append((mark, place))
        elif opened and _CLOSING.get(mark) == opened[-1][0]:
            start = opened.pop()[1]
            while closed and closed[-1][0] > start:
                closed.pop()
            closed.append((start, place + 1))
    yield from closed
