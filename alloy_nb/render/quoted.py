"""A run as Markdown, for places that show no HTML: the answer as it is, the machinery in quoted lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .clean import shorten
from .values import Approval, Block, Error, Notice, Text, Thinking, Tool
from .wording import (
    MARKS,
    approvals_by_call,
    footer_words,
    notice_words,
    outcome_words,
    question_words,
    verdict_words,
)

if TYPE_CHECKING:
    from .blocks import Transcript

__all__ = ["to_markdown"]

_LONGEST_OUTPUT = 2_000


def to_markdown(transcript: Transcript, *, static: bool = True) -> str:
    """The run as Markdown that runs and loads nothing, whatever renders it.

    Thinking is left out; a tool is a quoted line; raw HTML in the answer is escaped outside code; pictures from
    elsewhere become links.
    """
    blocks = transcript.blocks
    questions = approvals_by_call(blocks)
    calls = {block.id for block in blocks if isinstance(block, Tool)}
    parts: list[str] = []
    for block in blocks:
        if isinstance(block, Approval) and block.id in calls and block.state != "pending":
            continue
        part = _block(block, questions, static)
        if not part:
            continue
        together = isinstance(block, Tool) and parts and parts[-1].startswith("> ")
        if together:
            parts[-1] += "\n>\n" + part
        else:
            parts.append(part)
    foot = footer_words(transcript, static=static)
    if foot:
        parts.append(f"*{_inline(' · '.join(foot))}*")
    if transcript.notice:
        parts.append(f"*{_inline(transcript.notice)}*")
    return "\n\n".join(parts)


def _block(block: Block, questions: dict[str, Approval], static: bool) -> str:
    match block:
        case Thinking():
            return ""
        case Text():
            return disarm(block.markdown.strip("\n")) if block.by == "model" else _quote(_inline(block.markdown))
        case Tool():
            question = questions.get(block.id)
            return "" if question is not None and question.state == "pending" else _tool(block, question, static)
        case Approval():
            words = f"? **{_inline(block.name)}** {question_words(block)} {_code(block.key)}".rstrip()
            return _quote(f"{words} — {_inline(verdict_words(block))}")
        case Notice():
            return _quote(f"*{_inline(notice_words(block, static=static))}*")
        case Error():
            return _error(block)


def _tool(tool: Tool, question: Approval | None, static: bool) -> str:
    words = outcome_words(tool, question, static=static)
    line = f"{MARKS[tool.state]} **{_inline(tool.name)}** {_code(tool.key)}".rstrip()
    return _quote(f"{line} — {_inline(words)}" if words else line)


def _error(error: Error) -> str:
    name = f"**{_inline(error.type)}**: " if error.type else ""
    hint = f"\n\nHint: {_inline(error.hint)}" if error.hint else ""
    return _quote(f"✗ {name}{_inline(shorten(error.message, _LONGEST_OUTPUT))}{hint}")


def _quote(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _code(text: str) -> str:
    """A code span around anything: more backticks than it holds."""
    if not text:
        return ""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    blank = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{fence}{blank}{text}{blank}{fence}"


_SPECIAL = re.compile(r"[\\`*_\[\]|~$<>&]")


def _inline(text: str) -> str:
    """Words that must not be read as Markdown, on one line a paragraph."""
    return _SPECIAL.sub(_escape, " ".join(text.split()))


def _escape(match: re.Match[str]) -> str:
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(match[0], "\\" + match[0])


# -- the answer -------------------------------------------------------------------------------------------------------


def disarm(markdown: str) -> str:
    """Markdown with its raw HTML escaped and its pictures made links, outside code; all else as it was.

    >>> disarm("<b>bold</b> and `<b>` ![x](http://e.org/x.png)")
    '&lt;b>bold&lt;/b> and `<b>` [image: x](http://e.org/x.png)'
    """
    return "".join(piece if code else _disarm_words(piece) for piece, code in _pieces(markdown))


_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_IMAGE = re.compile(r"!\[([^\[\]\n]*)\]\(\s*<?([^\s()<>]*)>?[^()\n]*\)")
_WEB = re.compile(r"https?://", re.IGNORECASE)
# A link's or a definition's address that is neither web nor mail nor a place in the page.
_TARGET = re.compile(r"\](\(|:)(?!\s*<?(?:https?://|mailto:|#))", re.IGNORECASE)
_FORMULA = re.compile(r"\$\$|\\[\[(]|\\begin")
_OPENING = re.compile(r"```+[A-Za-z0-9_+#.-]*\n")
# What may cut a code span in two, in one renderer or another.
_DOUBTFUL = re.compile(r"[|$\\]")
_SPAN = re.compile(r"(?<![\\`])(`+)(?!`)([^\n]*?[^`\n])\1(?!`)")


def _pieces(markdown: str) -> Iterator[tuple[str, bool]]:
    """The text in order, with whether it is code for certain, whatever renderer reads it.

    Renderers differ on what a formula swallows, on fences in lists and on spans over two lines. What is in doubt
    counts as words: better `&lt;` in an odd piece of code than a tag that lives.
    """
    lines = re.findall(r"[^\n]*\n|[^\n]+", markdown)
    fenced = _fenced(markdown, lines)
    words = "".join(line for number, line in enumerate(lines) if number not in fenced)
    spans = not _DOUBTFUL.search(words) and not any("`" in _SPAN.sub("", line) for line in words.split("\n"))
    for number, line in enumerate(lines):
        if number in fenced:
            yield line, True
        elif spans:
            yield from _spans(line)
        else:
            yield line, False


def _fenced(markdown: str, lines: list[str]) -> frozenset[int]:
    """The numbers of the lines within plain fences: at the left edge, with a word at most, closed, set apart."""
    from .markdown import plain_block_parser

    if _FORMULA.search(markdown):
        return frozenset()
    found: set[int] = set()
    for token in plain_block_parser().parse(markdown):
        if token.type == "fence" and token.level == 0:
            first, last = token.map[0], token.map[1] - 1
            apart = first == 0 or not lines[first - 1].strip()
            if apart and _OPENING.fullmatch(lines[first]) and lines[last].rstrip("\n") == token.markup:
                found.update(range(first, last + 1))
    return frozenset(found)


def _spans(line: str) -> Iterator[tuple[str, bool]]:
    place = 0
    for match in _SPAN.finditer(line):
        yield line[place : match.start()], False
        yield match[0], True
        place = match.end()
    yield line[place:], False


def _disarm_words(text: str) -> str:
    text = _IMAGE.sub(_image_link, text).replace("![", "!\\[")
    text = _TARGET.sub(lambda match: "] (" if match[1] == "(" else "]\\:", text)
    return _TAG.sub("&lt;", text)


def _image_link(match: re.Match[str]) -> str:
    alt, url = match[1].strip(), match[2]
    label = f"image: {alt}" if alt else "image"
    return f"[{label}]({url})" if _WEB.match(url) else f"\\[{label}\\]"
