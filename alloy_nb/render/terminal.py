"""A run in a terminal: finished blocks of Markdown set as such, tools as lines, and one line for what still grows."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, ClassVar

from pygments.token import Token
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, TableElement
from rich.segment import Segment
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from ..redaction import known_secrets
from ..wrapping import fold
from .clean import shown
from .markdown import is_certain, is_too_deep, plain_parser, split_settled
from .text import BREAK, TextWriter, next_word, whole_words

if TYPE_CHECKING:
    from ..events import Event

__all__ = ["TerminalWriter", "to_terminal"]

#: Longer lines are hard to read.
_WIDEST = 100
#: Columns that words need, within quotes and lists, and in a table: where there are less, they are shown otherwise.
_ROOM = 10
_CELL = 8
#: Seconds between two looks of the line that grows.
_CALM = 0.1
#: Up to so many characters of a block it is looked at after each empty line; of a longer one when it has grown.
_SHORT = 4_000
_GROWN = 1.2
#: Columns left free, for the `^C^C` that a terminal echoes: a line that wraps could not be taken away.
_ECHOED = 8
_ERASE = "\r\x1b[K"
#: Up to so many characters of a block it is set anew at each of these looks; of a longer one when it has grown.
_BRIEF = 1_000
_SEEN = 1.05
_STYLE = re.compile(r"\x1b\[[\d;]*m")
_DIM = "\x1b[2m{}\x1b[0m"


def to_terminal(markdown: str, width: int, *, color: bool = True) -> str:
    """Markdown, clean already, as lines for a terminal of `width` columns, the last one ended.

    >>> to_terminal("Good *morning*", 40, color=False)
    'Good \\x1b[3mmorning\\x1b[0m\\n'
    """
    console = Console(
        file=io.StringIO(),
        force_terminal=True,
        force_jupyter=False,  # in a kernel rich would display an empty output besides
        color_system="standard",
        no_color=not color,
        width=width,
        legacy_windows=False,
        highlight=False,
        emoji=False,
        markup=False,
        theme=_LOOK,
        _environ={},
    )
    set_text = _Set(markdown)
    # The parser drops what is nested deeper, and rich what has no room; nothing must be hidden.
    if is_too_deep(set_text.parsed) or _deepest(set_text.parsed) > width - _ROOM:
        return markdown.rstrip("\n") + "\n"
    with console.capture() as capture:
        console.print(set_text, crop=False)
    lines = [_PADDING.sub(r"\1", line) for line in capture.get().strip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def _deepest(tokens: Iterable[Any]) -> int:
    """Columns that quotes and lists take before the words that lie deepest."""
    depth = deepest = 0
    for token in tokens:
        depth += token.nesting * _SET_IN.get(token.type.removesuffix("_open").removesuffix("_close"), 0)
        deepest = max(deepest, depth)
    return deepest


#: As rich does: of a quote it leaves two columns at the right, too.
_SET_IN = {"blockquote": 4, "list_item": 4}

#: Spaces up to the right edge, which would only be copied along.
_PADDING = re.compile(r" +((?:\x1b\[[\d;]*m)*)$")

#: The terminal's own sixteen colours, on its own ground: light or dark.
_LOOK = Theme(
    {
        "markdown.code": "cyan",
        "markdown.block_quote": "dim",
        "markdown.link": "underline",
        "markdown.link_url": "dim",
        "markdown.item.number": "bold",
        "markdown.table.border": "dim",
        "markdown.table.header": "bold",
    }
)
_CODE_LOOK = ANSISyntaxTheme(
    {
        Token.Comment: Style(dim=True),
        Token.Keyword: Style(color="magenta"),
        Token.Literal.String: Style(color="green"),
        Token.Literal.Number: Style(color="cyan"),
    }
)


class _Heading(Heading):
    """At the left, where reading goes on."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        self.text.stylize("bold underline" if self.tag == "h1" else "bold")
        yield self.text


class _Code(CodeBlock):
    """Set in by two columns; a line that is too long is the terminal's to wrap, so that it can be copied."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = str(self.text).rstrip("\n").expandtabs(4)
        text = Syntax(code, self.lexer_name, theme=_CODE_LOOK, background_color="default").highlight(code)
        for line in text.split("\n", allow_blank=False):
            for part in self._parts(line, console, options):
                yield Segment("  ")
                yield from part.render(console)
                yield Segment.line()

    def _parts(self, line: Text, console: Console, options: ConsoleOptions) -> Iterable[Text]:
        """Within a list or a quote rich cuts a line at the edge: there it is wrapped here."""
        room = options.max_width - 2
        inside = options.max_width < console.width and line.cell_len > room
        return line.wrap(console, room, overflow="fold") if inside else [line]


class _Table(TableElement):
    """Without the empty lines that rich puts around it; and where it is too narrow for columns, row by row."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        heads = self.header.row.cells if self.header is not None and self.header.row is not None else []
        if len(heads) * _CELL > options.max_width:
            yield from self._records([head.content for head in heads])
            return
        for table in super().__rich_console__(console, options):
            assert isinstance(table, Table)
            table.show_edge = False
            for column in table.columns:
                column.overflow = "fold"
            yield table

    def _records(self, heads: list[Text]) -> Iterable[Text]:
        """A line a cell, after the name of its column."""
        rows = self.body.rows if self.body is not None else []
        yield from [] if rows else [Text.assemble((head.plain, "bold")) for head in heads]
        for place, row in enumerate(rows):
            yield from [Text("")] if place else []
            for head, cell in zip(heads, row.cells, strict=False):
                yield Text.assemble((head.plain, "bold"), ": ", Text(end="").append_text(cell.content))


class _Set(Markdown):
    """Markdown by our own parser: raw HTML is text, and nothing of it is lost."""

    elements: ClassVar[Any] = {
        **Markdown.elements,
        "heading_open": _Heading,
        "fence": _Code,
        "code_block": _Code,
        "table_open": _Table,
    }

    def __init__(self, markdown: str) -> None:
        super().__init__("", hyperlinks=False)
        self.markup = markdown
        self.parsed = plain_parser().parse(markdown)
        for token in self.parsed:
            for child in token.children or ():
                if child.type == "image":
                    _name(child)


def _name(picture: Any) -> None:
    """Nothing is loaded: in its place its words, and where it is."""
    words = f"[image: {picture.content}]" if picture.content else "[image]"
    picture.type, picture.tag = "text", ""
    picture.content, picture.children = f"{words} ({picture.attrGet('src')})", None


class TerminalWriter(TextWriter):
    """A `TextWriter` for a terminal that can move its cursor: the words are set as Markdown, block by block.

    What was written stays as it is. With `grows`, lines of prose and code are written before their block is finished,
    once nothing can change them; below, one line shows the end of what is being written, and is taken away again.
    `width` is asked for at each block.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        width: Callable[[], int],
        color: bool = False,
        grows: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(write, color=color, **settings)
        self._width = width
        self._color = color
        self._grows = grows
        self._line_shown = ""
        self._next_line = 0.0
        self._next_look = 0
        self._set_before = False
        #: Lines of the block that grows, which are written, and the columns that they were set for.
        self._lines: list[str] = []
        self._set_for = 0
        #: The last line as it was set then, how far the block was looked at, and its size at the next look.
        self._last = ""
        self._looked_until = self._next_size = 0

    def feed(self, event: Event) -> None:
        """Take in one event and write what it adds."""
        super().feed(event)
        if event.type == "turn_start":
            self._show_line("…")
        elif event.type == "thinking_delta":
            self._show_line("Thinking…")

    def _say(self, piece: str) -> None:
        if self._before != "text":
            self._thought()
            self._gap("text")
            self._set_before = False
        self._held.append(piece)
        if "\n" in piece and self._is_worth_a_look():
            self._settle()
        if BREAK.search(piece) and self._is_due():  # else it ends no word, and there is nothing new to show
            self._show_growth()

    def _is_worth_a_look(self) -> bool:
        self._held = ["".join(self._held)]
        size = len(self._held[0])
        return size >= self._next_look or (size < _SHORT and "\n\n" in self._held[0])

    def _settle(self) -> None:
        """Write the blocks that are finished; the last line may still be cut anywhere."""
        whole, _, last = self._held[0].rpartition("\n")
        settled, grows = split_settled(shown(whole) + "\n")
        self._held = [grows + last]
        self._next_look = 0 if settled else int(len(grows) * _GROWN)
        self._set(settled)

    def _flush(self) -> None:
        text = shown("".join(self._held))
        self._held, self._next_look = [], 0
        self._set(text)
        self._clear_line()

    def _set(self, markdown: str) -> None:
        if not markdown.strip():
            return
        lines = to_terminal(markdown, self._room(), color=self._color).split("\n")[:-1]
        if any(lines):  # of where a named link leads there is nothing to see
            self._put_lines(lines[_alike(self._lines, lines) :])
            self._set_before = True
        self._lines, self._next_size = [], 0

    def _put_lines(self, lines: Sequence[str]) -> None:
        gap = "\n" if self._set_before and not self._lines else ""
        self._put(gap + "".join(f"{line}\n" for line in lines) if lines else "")

    def _room(self) -> int:
        """Lines of one block are set for the same width, whatever becomes of the window."""
        if not self._lines:
            self._set_for = max(20, min(self._width(), _WIDEST))
        return self._set_for

    def _line(self, text: str) -> None:
        super()._line(fold(text, max(20, self._width())))

    def _put(self, text: str) -> None:
        if text:
            self._clear_line()
        super()._put(text)

    # -- the block that grows, and the line that shows its end -------------------------------------------------------

    def _show_growth(self) -> None:
        """Write the lines that are certain, and show what comes after them."""
        self._held = ["".join(self._held)]
        text = shown(whole_words(self._held[0]).rstrip())
        if text and len(text) >= self._next_size:
            self._set_growing(text)
        after = self._last + text[self._looked_until :] if self._lines else self._end_of_held()
        self._show_line(after.rpartition("\n")[2])

    def _set_growing(self, text: str) -> None:
        size = self._looked_until = len(text)
        self._next_size = int(size * _SEEN) if size > _BRIEF else 0
        certain = is_certain(text)
        if not certain and not self._lines:
            return
        lines = to_terminal(text, self._room(), color=self._color).split("\n")[:-1]
        self._last = _words_of(lines[-1])
        if certain:
            new = lines[len(self._lines) : -1]
            self._put_lines(new)
            self._lines += new

    def _end_of_held(self) -> str:
        """The last line, in words that are whole and no part of a key: neither where it ends nor where it was cut."""
        room = 4 * _WIDEST + max(map(len, known_secrets()), default=0)
        pieces: list[str] = []
        for piece in reversed(self._held):
            pieces.append(piece[-room:])
            room -= len(piece)
            if room <= 0:
                break
        end = "".join(reversed(pieces))
        if room <= 0:
            end = next_word(end)
        return shown(whole_words(end).rstrip()).rpartition("\n")[2]

    def _is_due(self) -> bool:
        return self._grows and (not self._line_shown or time.monotonic() >= self._next_line)

    def _show_line(self, text: str) -> None:
        """Not more often than an eye follows; the line is one line whatever it says."""
        if not text or not self._is_due():
            return
        now = time.monotonic()
        text = _end_that_fits(text, max(10, self._width() - _ECHOED))
        self._next_line = now + _CALM
        if text != self._line_shown:
            self._write(f"{_ERASE if self._line_shown else ''}{_DIM.format(text)}")
            self._line_shown = text

    def _clear_line(self) -> None:
        if self._line_shown:
            self._write(_ERASE)
            self._line_shown = ""


def _words_of(line: str) -> str:
    return _STYLE.sub("", line).rstrip()


def _alike(written: Sequence[str], lines: Sequence[str]) -> int:
    """How many lines are written already; in another style they are the same: what was prose may become a title."""
    same = takewhile(lambda pair: _words_of(pair[0]) == _words_of(pair[1]), zip(written, lines, strict=False))
    return sum(1 for _ in same)


def _end_that_fits(text: str, room: int) -> str:
    """The end of a line, at most `room` columns wide.

    >>> _end_that_fits("one two three", 6)
    '…three'
    """
    if _most_columns(text) <= room:
        return text
    while _most_columns(text) >= room:
        text = text[1:]
    return "…" + text


def _most_columns(text: str) -> int:
    """What is joined to one sign, as a family is, many terminals set sign by sign."""
    return max(cell_len(text), sum(map(cell_len, text)))
