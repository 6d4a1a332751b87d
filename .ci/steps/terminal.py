"""What the user sees: colours only where they help, and nothing a model says can harm."""

import io
import os
import re
import sys
from collections.abc import Mapping
from typing import IO

CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
PLAIN = str.maketrans({"›": ">", "✓": "+", "✗": "x", "…": "...", "·": "-"})

# Whole escape sequences first, so that their letters do not stay behind as text.
ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # OSC, DCS, ...: titles, links, clipboard
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]",
    re.DOTALL,
)
# Then every control character that is left (an escape may be cut in two by a chunk's end),
# and those that reorder or hide text: bidirectional marks, the tag block.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


def harmless(text: object) -> str:
    """Text of a model or a tool, fit for a terminal: no escapes, no control characters."""
    clean = ESCAPES.sub("", str(text).replace("\r\n", "\n"))
    clean = clean.replace("\u2028", "\n").replace("\u2029", "\n")
    return CONTROLS.sub("", clean)


def one_line(text: object, width: int = 72) -> str:
    """The same on one line, cut to `width`."""
    flat = " ".join(harmless(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


class Terminal:
    """Writes to a stream at once; plain where that is no terminal or NO_COLOR is set."""

    def __init__(self, stream: IO[str], environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self.stream = stream
        self.interactive = stream.isatty()
        self.color = self.interactive and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self.unicode = "utf" in (getattr(stream, "encoding", None) or "utf-8").lower()
        self.at_start = True  # of a line

    def style(self, text: str, *names: str) -> str:
        if not self.color or not names:
            return text
        return f"\x1b[{';'.join(CODES[name] for name in names)}m{text}\x1b[0m"

    def write(self, text: str, *names: str) -> None:
        """Text as it is, without a line's end, in a style."""
        if not text:
            return
        self.at_start = text.endswith("\n")
        shown = text if self.unicode else text.translate(PLAIN)
        self.stream.write(self.style(shown, *names))
        self.stream.flush()

    def line(self, text: str = "", *names: str) -> None:
        """A line of its own, whatever was written before."""
        self.fresh()
        self.write(text, *names)
        self.stream.write("\n")
        self.stream.flush()
        self.at_start = True

    def fresh(self) -> None:
        """Begin a new line unless one has just begun."""
        if not self.at_start:
            self.stream.write("\n")
            self.at_start = True


def standard() -> Terminal:
    """Standard output. A character that it cannot show must not end the program."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="replace")
    if os.name == "nt":
        os.system("")  # turns on escape sequences in older consoles
    return Terminal(sys.stdout)
