"""A run as HTML that needs nothing: no script, no style sheet, no theme; inline styles on an allow-list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .clean import shorten
from .diffs import diff_of
from .formulas import UNTOUCHED
from .markdown import sanitize, split_settled, to_html
from .palette import STYLES, mark
from .rich import ALL_PICTURES, Picture, Rich, Table, Words, table_rows
from .text import end_of_text
from .values import Approval, Block, Error, Notice, Text, Thinking, Tool
from .wording import (
    MARKS,
    UNFINISHED,
    approvals_by_call,
    footer_words,
    notice_words,
    outcome_words,
    question_words,
    thinking_words,
    unfinished_words,
    verdict_words,
)

if TYPE_CHECKING:
    from .blocks import Transcript

__all__ = ["LiveView", "frozen_html", "live_html", "tail_html", "unfinished_html"]

#: Longer outputs and arguments are shown by their beginning and end; the record holds more. With many calls the
#: longest is less, so that the whole stays about as large as `_ALL_SHOWN`.
_LONGEST_SHOWN = 8_000
_LEAST_SHOWN = 400
_ALL_SHOWN = 160_000

#: A larger picture waits for the end, since all is sent again at each look.
_LIVE_PICTURE = 20_000

#: Beyond so many characters of text in a run its Markdown is left to the page's own style: see `to_html`.
_LONGEST_STYLED = 20_000

#: So many characters of a long run are shown while it goes on.
_TAIL = 3_000

#: What a run that goes on says below its facts; the last words are for whoever opens a notebook saved just then.
_GOING_ON = f"in a saved notebook: {UNFINISHED}"

#: Arguments longer than this have a box of their own.
_SHORT = 120

_STATE_COLOURS = {"running": "blue", "done": "green", "failed": "red", "denied": "red"}
_CODE_ARGUMENTS = {"command": "bash", "code": "python"}
_CARET = f'<span style="{mark("blue")}">▍</span>'


def frozen_html(transcript: Transcript, *, static: bool = False) -> str:
    """The run as it ended, for the notebook file. `static` leaves out what differs from run to run: times.

    A run that has no end yet says so.
    """
    view = _View(transcript, static=static)
    blocks = [view.block(block) for block in transcript.blocks]
    return sanitize(view.root([*blocks, view.footer()]), pictures=True)


def live_html(transcript: Transcript, stop: str = "interrupt the kernel to stop it") -> str:
    """The run as it stands, with the live rail. Finished blocks are rendered once and remembered.

    `stop` tells how it is stopped.
    """
    view = _LIVE_VIEWS.get(transcript)
    if view is None:
        view = _LIVE_VIEWS[transcript] = LiveView()
    return view.render(transcript, stop)


def tail_html(transcript: Transcript, size: int, stop: str = "interrupt the kernel to stop it") -> str:
    """The end of a run that has become too long to be rendered anew and anew: plain text, `size` characters so far."""
    view = _View(transcript, live=True)
    head = _div("alloy-notice", "notice", _text(f"{size:,} characters so far; the end of them:"), quiet=True)
    return sanitize(view.root([head, _box(_text(end_of_text(transcript, _TAIL)), "tail"), view.footer(stop)]))


def unfinished_html(run_id: str) -> str:
    """What a notebook holds of a run until it is over: for who opens it after its kernel was gone before."""
    words = _div("alloy-notice", "notice", _text(unfinished_words(run_id)), quiet=True)
    return sanitize(f'<div class="alloy-run" style="{STYLES["run"]}">{words}</div>')


class LiveView:
    """Renders a growing run again and again, at the cost of what changed since."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[Block, Approval | None, str]] = {}
        self._growing: tuple[int, _GrowingText] | None = None

    def render(self, transcript: Transcript, stop: str) -> str:
        view = _View(transcript, live=True)
        parts = [self._part(view, place, block) for place, block in enumerate(transcript.blocks)]
        return view.root([*parts, sanitize(view.footer(stop))])

    def _part(self, view: _View, place: int, block: Block) -> str:
        if isinstance(block, Text) and block.live:
            if self._growing is None or self._growing[0] != place:
                self._growing = (place, _GrowingText())
            return self._growing[1].render(block.markdown)
        question = view.question_of(block)
        known = self._done.get(place)
        if known is None or known[0] is not block or known[1] is not question:
            known = self._done[place] = (block, question, sanitize(view.block(block), pictures=True))
        return known[2]


_LIVE_VIEWS: WeakKeyDictionary[Transcript, LiveView] = WeakKeyDictionary()


class _GrowingText:
    """Markdown that is added to: only its last block is parsed again."""

    def __init__(self) -> None:
        self._settled = ""
        self._html: list[str] = []

    def render(self, markdown: str) -> str:
        if not markdown.startswith(self._settled):
            # A key was recognised only now, and taken out.
            self._settled, self._html = "", []
        settled, tail = split_settled(markdown[len(self._settled) :])
        if settled:
            self._settled += settled
            self._html.append(to_html(settled))
        return _div("alloy-text", "", "".join(self._html) + _with_caret(to_html(tail)))


def _with_caret(html: str) -> str:
    if html.endswith("</p>\n"):
        return html[: -len("</p>\n")] + _CARET + "</p>\n"
    return html + _CARET


class _View:
    """One look at a transcript: what goes around its blocks, and what they know of each other."""

    def __init__(self, transcript: Transcript, *, static: bool = False, live: bool = False) -> None:
        self._transcript = transcript
        self._static = static
        self._live = live and transcript.live
        self._lean = (
            sum(len(block.markdown) for block in transcript.blocks if isinstance(block, Text)) > _LONGEST_STYLED
        )
        blocks = transcript.blocks
        self._questions = approvals_by_call(blocks)
        self._calls = {block.id for block in blocks if isinstance(block, Tool)}
        self._pictures_left = ALL_PICTURES
        self._longest = max(_LEAST_SHOWN, min(_LONGEST_SHOWN, _ALL_SHOWN // (len(self._calls) or 1)))

    def root(self, parts: list[str]) -> str:
        style = "run-live" if self._live else "run"
        inputs = self._transcript.inputs
        head = _div("alloy-inputs", "notice", _text(f"with {' · '.join(inputs)}"), quiet=True) if inputs else ""
        return f'<div class="alloy-{style}" style="{STYLES[style]}">{head}{"".join(parts)}</div>'

    def question_of(self, block: Block) -> Approval | None:
        return self._questions.get(block.id) if isinstance(block, Tool) else None

    def block(self, block: Block) -> str:
        match block:
            case Thinking():
                return self._thinking(block)
            case Text():
                return self._text(block)
            case Tool():
                return self._tool(block, self.question_of(block))
            case Approval():
                return self._approval(block)
            case Notice():
                words = notice_words(block, static=self._static)
                return _div("alloy-notice", "notice", _text(words), quiet=True)
            case Error():
                return _error(block)

    def _thinking(self, block: Thinking) -> str:
        words = thinking_words(block.seconds, live=block.live, static=self._static)
        body = _div("alloy-thinking", "thinking", _text(block.text.strip()), quiet=True)
        return _fold(f'<span style="{STYLES["quiet"]}">{_text(words)}</span>', body)

    def _text(self, block: Text) -> str:
        if block.by != "model":
            return _div("alloy-said", "said", _text(block.markdown), quiet=True)
        return _div("alloy-text", "", to_html(block.markdown, lean=self._lean))

    def _tool(self, tool: Tool, question: Approval | None) -> str:
        if question is not None and question.state == "pending":
            return ""  # the card says it all
        words = outcome_words(tool, question, static=self._static)
        line = _line(tool.state, tool.name, tool.key, words)
        body = _tool_body(tool, self._longest)
        rich = self._rich(tool)
        if not body:
            return f'<div class="alloy-tool {UNTOUCHED}" style="{STYLES["still"]}">{line}</div>{rich}'
        body = _div("alloy-body", "body", body, quiet=True)
        return _fold(f'<span style="{STYLES["line"]}">{line}</span>', body) + rich

    def _rich(self, tool: Tool) -> str:
        """Pictures and tables, below the line and not folded: they are what was asked for."""
        if not tool.rich:
            return ""
        return _div("alloy-rich", "rich", "".join(self._look(item, tool.name) for item in tool.rich), quiet=True)

    def _look(self, item: Rich, name: str) -> str:
        match item:
            case Table():
                return _table(item)
            case Words():
                return _div("alloy-notice", "notice", _text(item.text))
            case Picture() if self._live and len(item.data) > _LIVE_PICTURE:
                return _div("alloy-notice", "notice", "image: shown when the run is over")
            case Picture():
                fits = 0 < len(item.data) <= self._pictures_left
                self._pictures_left -= len(item.data) if fits else 0
                return _picture(item, name) if fits else _div("alloy-notice", "notice", "image left out")

    def _approval(self, question: Approval) -> str:
        if question.state != "pending":
            # Told on the line of the call, where there is one.
            if question.id in self._calls:
                return ""
            state = {"allowed": "done", "denied": "denied"}.get(question.state, "waiting")
            line = _line(state, question.name, question.key, verdict_words(question))
            return f'<div class="alloy-tool {UNTOUCHED}" style="{STYLES["still"]}">{line}</div>'
        key = f" {_key(question.key)}" if question.key else ""
        words = f"{_mark('?', 'orange')} {_strong(question.name)} {_text(question_words(question))}{key}"
        # What it adds to the line above, and where a live question is answered.
        # (The key argument may be cut on that line; the whole of it is shown below.)
        arguments = question.input.values() if isinstance(question.input, Mapping) else ()
        told = question.reason in [f"{question.name} {question_words(question)} `{value}`" for value in arguments]
        hints = ["" if told else question.reason, "answer in the input box" if self._live else ""]
        reason = "".join(_div("alloy-reason", "hint", _text(hint), quiet=True) for hint in hints if hint)
        return _div(
            "alloy-approval",
            "card",
            words + reason + _arguments(question.input, question.key, _LONGEST_SHOWN),
            quiet=True,
        )

    def footer(self, stop: str = "") -> str:
        transcript = self._transcript
        words = footer_words(transcript, static=self._static, live=self._live)
        foot = _div("alloy-foot", "foot", _text(" · ".join(words)), quiet=True) if words else ""
        if self._live:
            foot += _div("alloy-going-on", "going-on", _text(f"{stop} · {_GOING_ON}"), quiet=True)
        if transcript.notice:
            foot += _div("alloy-notice", "notice", _text(transcript.notice), quiet=True)
        return foot


# -- the parts of a block ---------------------------------------------------------------------------------------------


def _text(text: str) -> str:
    return escape(text, quote=False)


def _div(name: str, style: str, inner: str, *, quiet: bool = False) -> str:
    """A box of ours; `quiet` ones hold no formulas, whatever dollars are in them."""
    styled = f' style="{STYLES[style]}"' if style else ""
    return f'<div class="{name}{" " + UNTOUCHED if quiet else ""}"{styled}>{inner}</div>'


def _fold(summary: str, body: str) -> str:
    return (
        f'<details class="alloy-fold {UNTOUCHED}" style="{STYLES["fold"]}">'
        f'<summary style="{STYLES["summary"]}">{summary}</summary>{body}</details>'
    )


def _mark(sign: str, colour: str | None) -> str:
    return f'<span style="{mark(colour)}">{sign}</span>' if colour else f"<span>{sign}</span>"


def _strong(text: str) -> str:
    return f'<strong style="{STYLES["strong"]}">{_text(text)}</strong>'


def _key(text: str) -> str:
    return f'<code style="{STYLES["key"]}">{_text(text)}</code>'


def _line(state: str, name: str, key: str, words: str) -> str:
    """One quiet line: mark, name, the argument that matters, and at the right how it went."""
    parts = [
        _mark(MARKS[state], _STATE_COLOURS.get(state)),
        f'<span style="{STYLES["quiet"]}">{_text(name)}</span>',
    ]
    if key:
        parts.append(_key(key))
    if words:
        parts.append(f'<span style="{STYLES["right"]}">{_text(words)}</span>')
    # The blanks are for places that drop the styles.
    return " ".join(parts)


def _label(text: str) -> str:
    return _div("alloy-label", "label", _text(text))


def _box(html: str, style: str = "output") -> str:
    # A parser takes a line end right behind <pre> for none, and each further parser one more.
    inner = html.lstrip("\n")
    return f'<pre style="{STYLES[style]}">{inner}</pre>'


def _tool_body(tool: Tool, longest: int) -> str:
    """What lies under a call's line: arguments, the change it made, its output or error."""
    diff = diff_of(tool, longest)
    parts = [_arguments(tool.input, tool.key, longest, diff.told)]
    if diff.lines:
        parts.append(_diff(diff.lines, made=tool.state == "done"))
    if tool.error is not None:
        parts.append(_label("error") + _box(_text(shorten(tool.error, longest))))
    elif tool.output:
        parts.append(_label("output") + _box(_text(shorten(tool.output.rstrip(), longest))))
    elif tool.progress:
        parts.append(_box(_text("\n".join(tool.progress))))
    return "".join(parts)


def _table(table: Table) -> str:
    """In JupyterLab every table is striped and right-aligned; each cell says for itself how it stands."""
    sides = ["cell-right" if numeric else "cell" for numeric in table.numeric]

    def row(tag: str, cells: tuple[str, ...]) -> str:
        inner = "".join(
            f'<{tag} style="{STYLES[side]}">{_text(cell)}</{tag}>' for side, cell in zip(sides, cells, strict=True)
        )
        return f"<tr>{inner}</tr>"

    head, body = row("th", table.columns), "".join(row("td", cells) for cells in table.rows)
    more = _div("alloy-notice", "notice", _text(table_rows(table))) if table.more else ""
    return (
        f'<div style="{STYLES["table-box"]}"><table style="{STYLES["table"]}">'
        f"<thead>{head}</thead><tbody>{body}</tbody></table></div>{more}"
    )


def _picture(picture: Picture, name: str) -> str:
    """Where data is not trusted, the picture is dropped and these words stand in its place."""
    words = escape(f"image made by {name} (to see it, trust this notebook)", quote=True)
    return f'<img src="data:{picture.mime};base64,{picture.data}" alt="{words}" style="{STYLES["picture"]}">'


def _arguments(input: Any, key: str, longest: int, skipped: tuple[str, ...] = ()) -> str:
    """The arguments that the line does not show: short ones a line each, long ones in a box of their own."""
    if not isinstance(input, Mapping):
        return ""
    short, long = [], []
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in input.items()
        if name not in skipped
    }
    # The line shows one of them; another one that says the same is another one.
    on_line = list(texts.values()).count(key) == 1
    for name, text in texts.items():
        if on_line and text == key:
            continue
        if len(text) <= _SHORT and "\n" not in text:
            short.append(f"{name}: {text}")
        else:
            long.append(_label(name) + _box(_argument(name, shorten(text, longest)), "code-box"))
    lines = _label("arguments") + _box(_text("\n".join(short))) if short else ""
    return lines + "".join(long)


def _argument(name: str, text: str) -> str:
    from .highlight import highlight

    return highlight(text, _CODE_ARGUMENTS.get(name, ""))


def _diff(lines: tuple[str, ...], *, made: bool) -> str:
    colours = {"+": "green", "-": "red", "@": "blue"}
    rows = []
    for line in lines:
        colour = colours.get(line[:1])
        rows.append(f'<span style="{mark(colour)}">{_text(line)}</span>' if colour else _text(line))
    return _label("change" if made else "change that was asked for") + _box("\n".join(rows), "diff")


def _error(error: Error) -> str:
    name = f"{_strong(error.type)} " if error.type else ""
    words = f"{_mark('✗', 'red')} {name}{_text(error.message)}"
    hint = _div("alloy-hint", "hint", _text(error.hint)) if error.hint else ""
    return _div("alloy-error", "card-error", words + hint, quiet=True)
