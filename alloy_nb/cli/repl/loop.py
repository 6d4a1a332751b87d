"""The loop of reading and answering. Errors do not end it, nor does Ctrl-C; Ctrl-D does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection
from contextlib import nullcontext, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._version import __version__
from ...errors import AlloyError, Cancelled
from ..console import Notes, OutputGone
from ..failure import INTERRUPTED, READER_GONE, is_no_model, report
from ..prompt import ending_signals
from ..spelling import on_a_line
from .ahead import unseen
from .interrupts import Interrupts
from .reading import LineReader, Reader, can_edit, terminal_as_it_was
from .screen import Screen
from .talk import Talk

if TYPE_CHECKING:
    from ...events import Event

__all__ = ["converse"]

#: Asked for where none are named; whatever changes something asks first.
TOOLS = ("read", "glob", "grep", "write", "edit", "bash")


def converse(options: dict[str, Any], opening: str, named: Collection[str] = ()) -> int:
    """Talk until the person leaves; the exit code. `opening` is asked first; `named` are options of the line."""
    screen, notes = Screen(sys.stdout), Notes(sys.stderr)
    interrupts = Interrupts()
    hear = partial(_hear, screen, interrupts, editable := can_edit(), stream=options["stream"])
    talk = Talk(options, hear, screen.say, unseen if editable else nullcontext, named)
    with terminal_as_it_was(editable), ending_signals() as came:
        try:
            interrupts.install()
            interrupts.insist()
            _greet(talk, notes, must_have_model=options["model"] is not None)
            reader = _make_reader(talk, Path(options["working_directory"])) if editable else LineReader(_prompt)
            work: Callable[[], Any] | None = partial(talk.ask, opening) if opening else lambda: None
            while work is not None:
                if not _attend(work, talk, interrupts, came, notes, screen) and reader.forget():
                    notes.line("what was typed ahead is left out")
                work = None if talk.left else _next(reader, talk, interrupts, came, notes)
        except OutputGone:
            return READER_GONE
        except KeyboardInterrupt:
            return 128 + came[0] if came else INTERRUPTED
        finally:
            interrupts.rest()
        _part(talk, screen.say)
    return 0


def _next(
    reader: Reader, talk: Talk, interrupts: Interrupts, came: list[int], notes: Notes
) -> Callable[[], Any] | None:
    """What a person wants next; None when they leave."""
    try:
        if came:  # whatever it fell into, it is not lost
            raise KeyboardInterrupt
        try:
            # To an editor Ctrl-C is a key.
            interrupts.heard = isinstance(reader, LineReader)
            interrupts.idle = True
            text = reader.read()
        finally:
            interrupts.idle = interrupts.heard = False
    except EOFError:
        return None
    except KeyboardInterrupt:
        if came:
            raise
        notes.line("Ctrl-D or /exit leaves")
        text = ""
    return partial(talk.take, text)


def _attend(
    work: Callable[[], Any], talk: Talk, interrupts: Interrupts, came: list[int], notes: Notes, screen: Screen
) -> bool:
    """Do it; whatever becomes of it is told, and the conversation goes on. False when it was stopped."""
    with redirect_stdout(sys.stderr):  # what a tool's code prints is no answer
        try:
            try:
                interrupts.heard = True
                value = work()
            finally:
                interrupts.heard = False
            if value is not None:
                talk.say(str(value))
        except KeyboardInterrupt:
            if screen.gone:
                raise OutputGone from None
            if came:
                raise
            talk.settle()
            return False
        except Cancelled as error:  # a question, such as that of /login, stands on a line that nobody ended
            print(file=sys.stderr)
            notes.line(error.message)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told in two lines
            _tell(error, notes)
    return True


def _tell(error: Exception, notes: Notes) -> None:
    """The ways to a model were told at the beginning."""
    if is_no_model(error):
        notes.line("there is no model yet: /login PROVIDER asks for a key, /doctor shows all ways", "yellow")
    else:
        report(error, notes)


def _hear(screen: Screen, interrupts: Interrupts, editable: bool, *, stream: bool) -> Callable[[Event], None]:
    """What shows a run: set as Markdown where the cursor can be moved, else the words as they come."""
    feed = _feed(screen, editable, stream=stream)

    def hear(event: Event) -> None:
        with interrupts.held():  # what came is written whole
            feed(_on_a_line(event))

    return hear


def _on_a_line(event: Event) -> Event:
    """What a run failed of is told as everything else here."""
    if event.type != "run_end" or not event.payload.get("error"):
        return event
    said = event.payload
    message, hint = on_a_line(said.get("error_type") or "", said["error"], said.get("hint") or "")
    return event._replace(payload={**said, "error": message, "hint": hint or None})


def _feed(screen: Screen, editable: bool, *, stream: bool) -> Callable[[Event], None]:
    if editable:
        from ...render.terminal import TerminalWriter

        color = not os.environ.get("NO_COLOR")
        return TerminalWriter(screen.write, width=screen.width, color=color, grows=stream).feed
    from ...render.text import TextWriter

    return TextWriter(screen.write).feed


def _make_reader(talk: Talk, directory: Path) -> Reader:
    from ...folders import data_folder
    from .completing import offers
    from .editor import Editor

    return Editor(lambda text: offers(text, talk.commands, directory, talk.store), data_folder() / "history", talk.say)


def _greet(talk: Talk, notes: Notes, *, must_have_model: bool) -> None:
    notes.line(f"alloy_nb {__version__} · /help lists the commands · Ctrl-C stops an answer · Ctrl-D leaves")
    try:
        label, why = talk.model_and_why()
        notes.line(f"{label} ({why}) · tools: {', '.join(talk.tool_names()) or 'none'}")
        if around := talk.told_around() or talk.left_out():
            notes.line(around)
        talk.tell_of_session()
    except AlloyError as error:
        if must_have_model:
            raise
        report(error, notes)
        notes.line("/login PROVIDER asks for a key and keeps it; /doctor tells what is here")


def _part(talk: Talk, say: Callable[[str], None]) -> None:
    if talk.session is not None and talk.messages():
        say(f"Goodbye! `alloy --session {talk.session}` goes on with this conversation.")
    else:
        say("Goodbye!")


def _prompt(mark: str) -> None:
    print(mark, end="", file=sys.stderr, flush=True)
