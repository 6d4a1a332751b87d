"""The two streams of a terminal: the answer goes to stdout, everything else to stderr; neither can be steered."""

from __future__ import annotations

import codecs
import os
import re
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import TextIO

from ..plain import printable
from ..redaction import redact_known, redact_line, secret_begins
from ..wrapping import fold, is_terminal, width_of

__all__ = ["Answer", "Notes", "OutputGone", "is_terminal", "prepare_streams", "shown_on", "silence_stdout"]

# What may be the beginning of an escape sequence or of a line end: its rest may come with the next chunk.
_OPEN_SEQUENCE = re.compile(r"(?:\x1b(?:\[[0-?]*[ -/]*)?|\x1b\][^\x07\x1b]*\x1b?|\r)\Z")
# What may be the beginning of a key, however short; it holds back no more than a word.
_LAST_WORD = re.compile(r"[!-~]{1,256}\Z")

_STYLES = {"dim": "\x1b[2m", "red": "\x1b[31m", "yellow": "\x1b[33m"}


class OutputGone(KeyboardInterrupt):
    """Stdout takes no more, because its reader has had enough (``| head -1``) or the disk is full.

    An interrupt, so that the run ends as by Ctrl-C: nobody will see the rest.
    """


class Answer:
    """The answer, as it comes. Wherever the chunks are cut, what is written equals the whole text made safe.

    Escape sequences, control characters and known keys are taken out.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._raw = ""
        self._word = ""
        self._last = "\n"
        self.failure: OSError | None = None

    def write(self, chunk: str) -> None:
        """Show what is certain by now. Raises `OutputGone`, once, when stdout takes no more."""
        raw = self._raw + chunk
        cut = _start_of(_OPEN_SEQUENCE, raw)
        self._raw = raw[cut:]
        word = redact_known(self._word + printable(raw[:cut]))
        cut = _start_of(_LAST_WORD, word)
        # A key may be longer than that, or have blanks in it.
        cut = min(cut, secret_begins(word), secret_begins(word[:cut]))
        self._word = word[cut:]
        self._put(word[:cut])

    def write_safe(self, text: str) -> None:
        """Show what is safe already, as it is: in JSON a key is spelt otherwise, and a number may look like one."""
        self.flush()
        self._put(text)

    def flush(self) -> None:
        """Show what was held back: no more belongs to it."""
        text = redact_known(self._word + printable(self._raw))
        self._raw = self._word = ""
        self._put(text)

    def end_line(self) -> None:
        """Flush, and be at the start of a line."""
        self.flush()
        if self._last != "\n":
            self._put("\n")

    def _put(self, text: str) -> None:
        if not text or self.failure is not None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            self.failure = error
            raise OutputGone from error
        self._last = text[-1]


def _start_of(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return len(text) if found is None else found.start()


class Notes:
    """What is said beside the answer, on stderr: a line each, whatever it is made of."""

    def __init__(self, stream: TextIO, before: Callable[[], None] = lambda: None) -> None:
        self._stream = stream
        self._before = before
        self._colour = is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def line(self, text: str, style: str = "dim", longest: int = 300, indent: str = "") -> None:
        self._before()
        text = shown_on(self._stream, indent + redact_line(text, longest))
        if self._colour:
            text = f"{_STYLES[style]}{text}\x1b[0m"
        try:
            print(text, file=self._stream, flush=True)
        except OSError:  # a closed stderr is no reason to lose the answer
            return


def shown_on(stream: TextIO, text: str) -> str:
    """`text` with its lines broken at blanks where the stream is a terminal; elsewhere as it is."""
    width = width_of(stream)
    return text if width is None else fold(text, width)


def prepare_streams() -> None:
    """Missing streams swallow what they get, and a character that an encoding lacks ends nothing."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    codecs.register_error(_NEAREST, _nearest)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_NEAREST)


#: What our own lines are made of, where the locale knows nothing but ASCII.
_PLAIN = {"·": "-", "…": "...", "→": "->", "─": "-", "—": "-", "✓": "+", "✗": "x", "●": "*", "○": "o", "›": ">"}
_NEAREST = "alloy-nearest"


def _nearest(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(sign, "?") for sign in lacking), error.end


def silence_stdout() -> None:
    """Let what is buffered go nowhere: flushed into a closed pipe at exit, Python would complain of it."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # a stream without a file behind it
        return
