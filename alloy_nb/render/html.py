"""A run as HTML that needs nothing: no script, no style sheet, no theme; inline styles on an allow-list."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from .formulas import UNTOUCHED
from .html_parts import (
    arguments,
    box,
    div,
    error_card,
    escaped,
    fold,
    key_argument,
    line_of_call,
    picture,
    sign,
    strong,
    table,
    tool_body,
)
from .markdown import sanitize, split_settled, to_html
from .palette import STYLES, mark
from .rich import ALL_PICTURES, Picture, Rich, Table, Words
from .text import end_of_text
from .values import Approval, Block, Error, Notice, Text, Thinking, Tool
from .wording import (
    UNFINISHED,
    approvals_by_call,
    footer_words,
    notice_words,
    outcome_words,
    question_words,
    reason_words,
    thinking_words,
    unfinished_words,
    verdict_words,
)

if TYPE_CHECKING:
    from .blocks import Transcript

__all__ = ["LiveView", "frozen_html", "live_html", "run_html", "tail_html", "unfinished_html"]

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

_CARET = f'<span style="{mark("blue")}">▍</span>'


def frozen_html(transcript: Transcript, *, static: bool = False) -> str:
    """The run as it ended, for the notebook file. `static` leaves out what differs from run to run: times.

    A run that has no end yet says so.
    """
    return sanitize(run_html(transcript, static=static, style="run"), pictures=True)


def run_html(transcript: Transcript, *, static: bool, style: str = "run-within", among: int = 1) -> str:
    """The same, not sanitised yet, for a part of something larger: of so many runs that share its size."""
    view = _View(transcript, static=static, among=among)
    blocks = [view.block(block) for block in transcript.blocks]
    return view.root([*blocks, view.footer()], style)


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
    head = div("alloy-notice", "notice", escaped(f"{size:,} characters so far; the end of them:"), quiet=True)
    return sanitize(view.root([head, box(escaped(end_of_text(transcript, _TAIL)), "tail"), view.footer(stop)]))


def unfinished_html(run_id: str, session: str | None = None) -> str:
    """What a notebook holds of a run until it is over: for who opens it after its kernel was gone before."""
    words = div("alloy-notice", "notice", escaped(unfinished_words(run_id, session)), quiet=True)
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
        return div("alloy-text", "", "".join(self._html) + _with_caret(to_html(tail)))


def _with_caret(html: str) -> str:
    if html.endswith("</p>\n"):
        return html[: -len("</p>\n")] + _CARET + "</p>\n"
    return html + _CARET


class _View:
    """One look at a transcript: what goes around its blocks, and what they know of each other."""

    def __init__(self, transcript: Transcript, *, static: bool = False, live: bool = False, among: int = 1) -> None:
        self._transcript = transcript
        self._static = static
        self._live = live and transcript.live
        self._lean = (
            sum(len(block.markdown) for block in transcript.blocks if isinstance(block, Text))
            > _LONGEST_STYLED // among
        )
        blocks = transcript.blocks
        self._questions = approvals_by_call(blocks)
        self._calls = {block.id for block in blocks if isinstance(block, Tool)}
        self._pictures_left = ALL_PICTURES // among
        self._longest = max(_LEAST_SHOWN, min(_LONGEST_SHOWN, _ALL_SHOWN // among // (len(self._calls) or 1)))

    def root(self, parts: list[str], style: str = "") -> str:
        style = style or ("run-live" if self._live else "run")
        inputs = self._transcript.inputs
        head = div("alloy-inputs", "notice", escaped(f"with {' · '.join(inputs)}"), quiet=True) if inputs else ""
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
                return div("alloy-notice", "notice", escaped(words), quiet=True)
            case Error():
                return error_card(block)

    def _thinking(self, block: Thinking) -> str:
        words = thinking_words(block.seconds, live=block.live, static=self._static)
        body = div("alloy-thinking", "thinking", escaped(block.text.strip()), quiet=True)
        return fold(f'<span style="{STYLES["quiet"]}">{escaped(words)}</span>', body)

    def _text(self, block: Text) -> str:
        if block.by != "model":
            return div("alloy-said", "said", escaped(block.markdown), quiet=True)
        return div("alloy-text", "", to_html(block.markdown, lean=self._lean))

    def _tool(self, tool: Tool, question: Approval | None) -> str:
        if question is not None and question.state == "pending":
            return ""  # the card says it all
        words = outcome_words(tool, question, static=self._static)
        line = line_of_call(tool.state, tool.name, tool.key, words)
        body = tool_body(tool, self._longest)
        rich = self._rich(tool)
        if not body:
            return f'<div class="alloy-tool {UNTOUCHED}" style="{STYLES["still"]}">{line}</div>{rich}'
        body = div("alloy-body", "body", body, quiet=True)
        return fold(f'<span style="{STYLES["line"]}">{line}</span>', body) + rich

    def _rich(self, tool: Tool) -> str:
        """Pictures and tables, below the line and not folded: they are what was asked for."""
        if not tool.rich:
            return ""
        return div("alloy-rich", "rich", "".join(self._look(item, tool.name) for item in tool.rich), quiet=True)

    def _look(self, item: Rich, name: str) -> str:
        match item:
            case Table():
                return table(item)
            case Words():
                return div("alloy-notice", "notice", escaped(item.text))
            case Picture() if self._live and len(item.data) > _LIVE_PICTURE:
                return div("alloy-notice", "notice", "image: shown when the run is over")
            case Picture():
                fits = 0 < len(item.data) <= self._pictures_left
                self._pictures_left -= len(item.data) if fits else 0
                return picture(item, name) if fits else div("alloy-notice", "notice", "image left out")

    def _approval(self, question: Approval) -> str:
        if question.state != "pending":
            # Told on the line of the call, where there is one.
            if question.id in self._calls:
                return ""
            state = {"allowed": "done", "denied": "denied"}.get(question.state, "waiting")
            line = line_of_call(state, question.name, question.key, verdict_words(question))
            return f'<div class="alloy-tool {UNTOUCHED}" style="{STYLES["still"]}">{line}</div>'
        key = f" {key_argument(question.key)}" if question.key else ""
        words = f"{sign('?', 'orange')} {strong(question.name)} {escaped(question_words(question))}{key}"
        # What it adds to the line above, and where a live question is answered.
        # (The key argument may be cut on that line; the whole of it is shown below.)
        hints = [reason_words(question), "answer in the input box" if self._live else ""]
        reason = "".join(div("alloy-reason", "hint", escaped(hint), quiet=True) for hint in hints if hint)
        return div(
            "alloy-approval",
            "card",
            words + reason + arguments(question.input, question.key, _LONGEST_SHOWN),
            quiet=True,
        )

    def footer(self, stop: str = "") -> str:
        transcript = self._transcript
        words = footer_words(transcript, static=self._static, live=self._live)
        foot = div("alloy-foot", "foot", escaped(" · ".join(words)), quiet=True) if words else ""
        if self._live:
            foot += div("alloy-going-on", "going-on", escaped(f"{stop} · {_GOING_ON}"), quiet=True)
        if transcript.notice:
            foot += div("alloy-notice", "notice", escaped(transcript.notice), quiet=True)
        return foot
