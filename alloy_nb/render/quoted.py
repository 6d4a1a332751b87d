"""A run as Markdown, for places that show no HTML: the answer as it is, the machinery in quoted lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import TYPE_CHECKING

from .clean import shorten
from .formulas import ACTING
from .rich import Rich, Table, Words, table_rows
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

__all__ = ["continued", "inline", "to_markdown"]

_LONGEST_OUTPUT = 2_000


def to_markdown(transcript: Transcript, *, static: bool = True) -> str:
    """The run as Markdown that runs and loads nothing, whatever renders it.

    Thinking is left out; a tool is a quoted line; raw HTML in the answer is escaped outside code; pictures from
    elsewhere become links.
    """
    return continued(transcript, static=static)[0]


def continued(transcript: Transcript, *, static: bool, doubtful: bool = False) -> tuple[str, bool]:
    """The same for a part of something larger, `doubtful` as what is above it left it; and how it leaves that."""
    blocks = transcript.blocks
    questions = approvals_by_call(blocks)
    calls = {block.id for block in blocks if isinstance(block, Tool)}
    parts: list[str] = []
    for block in blocks:
        if isinstance(block, Approval) and block.id in calls and block.state != "pending":
            continue
        if isinstance(block, Text) and block.by == "model":
            part = disarm(block.markdown.strip("\n"), doubtful=doubtful)
            doubtful = doubtful or _leaves_open(block.markdown)
        else:
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
        parts.append(f"*{inline(' · '.join(foot))}*")
    if transcript.notice:
        parts.append(f"*{inline(transcript.notice)}*")
    return "\n\n".join(parts), doubtful


def _block(block: Block, questions: dict[str, Approval], static: bool) -> str:
    match block:
        case Thinking():
            return ""
        case Text():
            return _quote(inline(block.markdown))
        case Tool():
            question = questions.get(block.id)
            return "" if question is not None and question.state == "pending" else _tool(block, question, static)
        case Approval():
            words = f"? **{inline(block.name)}** {question_words(block)} {_code(block.key)}".rstrip()
            return _quote(f"{words} — {inline(verdict_words(block))}")
        case Notice():
            return _quote(f"*{inline(notice_words(block, static=static))}*")
        case Error():
            return _error(block)


def _tool(tool: Tool, question: Approval | None, static: bool) -> str:
    words = outcome_words(tool, question, static=static)
    line = f"{MARKS[tool.state]} **{inline(tool.name)}** {_code(tool.key)}".rstrip()
    line = f"{line} — {inline(words)}" if words else line
    return _quote("\n\n".join([line, *map(_rich, tool.rich)]))


def _rich(item: Rich) -> str:
    """A table as a table; a picture as a word: where it could be shown there is the HTML form."""
    if isinstance(item, Words):
        return f"*{inline(item.text)}*"
    if not isinstance(item, Table):
        return "*image*"
    rule = ["---:" if numeric else "---" for numeric in item.numeric]
    rows = [[inline(cell) for cell in row] for row in (item.columns, *item.rows)]
    lines = ["| " + " | ".join(row) + " |" for row in (rows[0], rule, *rows[1:])] if item.columns else []
    more = table_rows(item)
    return "\n".join(lines) + (f"\n\n*{more}*" if more else "")


def _error(error: Error) -> str:
    name = f"**{inline(error.type)}**: " if error.type else ""
    hint = f"\n\nHint: {inline(error.hint)}" if error.hint else ""
    return _quote(f"✗ {name}{inline(shorten(error.message, _LONGEST_OUTPUT))}{hint}")


def _quote(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _code(text: str) -> str:
    """A code span, with more backticks than it holds; words where it matters that every renderer sees a span."""
    if not text or _ACTIVE.search(text) or ACTING.search(text):
        return inline(text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    blank = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{fence}{blank}{text}{blank}{fence}"


# What may open or close a formula, and what else means something.
_SPECIAL = re.compile(r"(?P<formula>(?:\\*\$+|\\+(?=[()\[\]]|begin|end))+)|[\\`*_\[\]|~<>&]")
# One price, which no other sign makes a formula of.
_PRICE = re.compile(r"([^$\\]*)\$(\d[^$\\]*)")


def inline(text: str) -> str:
    """Words that must not be read as Markdown, on one line a paragraph.

    Nor as a formula, which may hide what it holds: a page finds one in what was escaped, but none over an element.
    """
    line = _tame(" ".join(text.split()))
    price = _PRICE.fullmatch(line)
    if price is not None:
        return "\\$".join(_SPECIAL.sub(_escape, part) for part in price.groups())
    return _SPECIAL.sub(_escape, line)


def _escape(match: re.Match[str]) -> str:
    if match["formula"]:
        return f"`{match[0]}`"
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(match[0], "\\" + match[0])


# -- the answer -------------------------------------------------------------------------------------------------------


def disarm(markdown: str, *, doubtful: bool = False) -> str:
    """Markdown with its raw HTML escaped and its pictures made links, outside code; all else as it was.

    Diagrams stay code, and macros in formulas that do more than draw are cut in two. `doubtful`: something above may
    still be open, so that nothing here is code for certain.

    >>> disarm("<b>bold</b> and `<b>` ![x](http://e.org/x.png)")
    '&lt;b>bold&lt;/b> and `<b>` [image: x](http://e.org/x.png)'
    """
    formulas = doubtful or _DELIMITER.search(markdown) is not None
    pieces = [(markdown, False)] if doubtful else _pieces(markdown)
    return "".join(piece if code else _disarm_words(piece, formulas) for piece, code in pieces)


_TAG = re.compile(r"<(?=[A-Za-z/!?])")
# Possessive, as below: a picture cut off in the middle must not cost its length squared.
_IMAGE = re.compile(r"!\[([^\[\]\n]*+)\]\(\s*+<?+([^\s()<>]*+)>?+[^()\n]*+\)")
_WEB = re.compile(r"https?://", re.IGNORECASE)
# A link's or a definition's address that is neither web nor mail nor a place in the page.
_TARGET = re.compile(r"\](\(|:)(?!\s*<?(?:https?://|mailto:|#))", re.IGNORECASE)
# Where none of these is, no backslash means anything to a page.
_DELIMITER = re.compile(r"\$|\\[\[(]|\\begin|&[#A-Za-z]")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ACTIVE = re.compile(r"<[A-Za-z/!?]|\]\(|\]:|!\[")
_FORMULA = re.compile(r"\$\$|\\[\[(]|\\begin")
_OPENING = re.compile(r"```+[A-Za-z0-9_+#.-]*\n")
_FENCE = re.compile(r"^([\s>*+\-.)0-9]*)(`{3,}|~{3,})(.*)$")
# Renderers draw such a block, and some put its text into the page as HTML.
_DIAGRAM = re.compile(r"((?:(?<!`)`{3,}+|(?<!~)~{3,}+)[ \t]*+\{?+)(?:mermaid|geojson|topojson|stl)\b", re.IGNORECASE)
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
            yield (line if number - 1 in fenced else _DIAGRAM.sub(r"\1text", line)), True
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


def _leaves_open(markdown: str) -> bool:
    """Whether some renderer may find a fence or a formula in this that goes on behind it.

    Sure are only fences that stand apart, whose two ends have the same indent and that no line between ends earlier.
    """
    if _FORMULA.search(markdown):
        return True
    opening: tuple[str, str] | None = None
    above = ""
    for line in markdown.split("\n"):
        match = _FENCE.search(line)
        if opening is not None:
            indent, marks = opening
            if match and match[2].startswith(marks) and not match[3].strip():
                if match[1] != indent:
                    return True
                opening = None
            elif line.strip() and not line.startswith(indent):
                return True
        elif match:
            if match[1].strip(" ") or above.strip() or "`" in match[3]:
                return True
            opening = match[1], match[2]
        above = line
    return opening is not None


def _spans(line: str) -> Iterator[tuple[str, bool]]:
    place = 0
    for match in _SPAN.finditer(line):
        yield line[place : match.start()], False
        yield match[0], True
        place = match.end()
    yield line[place:], False


def _disarm_words(text: str, formulas: bool) -> str:
    text = _IMAGE.sub(_image_link, text).replace("![", "!\\[")
    text = _TARGET.sub(lambda match: "] (" if match[1] == "(" else "]\\:", text)
    if formulas:
        text = _tame(_ENTITY.sub(_keep_spelt, text))
    return _TAG.sub("&lt;", _DIAGRAM.sub(r"\1text", text))


def _tame(text: str) -> str:
    """Cut acting macros in two: a page may find a formula even between dollars that Markdown has escaped."""
    return ACTING.sub(lambda match: "\\ " + match[0][1:], text)


def _keep_spelt(match: re.Match[str]) -> str:
    """An entity that stands for a part of a macro stays as it is spelt."""
    character = unescape(match[0])
    return "&amp;" + match[0][1:] if character == "\\" or (character.isascii() and character.isalpha()) else match[0]


def _image_link(match: re.Match[str]) -> str:
    alt, url = match[1].strip(), match[2]
    label = f"image: {alt}" if alt else "image"
    return f"[{label}]({url})" if _WEB.match(url) else f"\\[{label}\\]"
