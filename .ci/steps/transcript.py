"""Agent events and the notebook's progress as a running text in the terminal."""

from typing import Any

from .tail import Record
from .terminal import Terminal, harmless, one_line

# Of a tool's arguments, the one that tells a reader most.
TELLING = ("path", "file_path", "command", "pattern", "query", "url", "name", "code")


class Transcript:
    """Shows each record as it comes. Whatever a record holds, showing it never raises."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.run: object = None
        self.tools: dict[object, str] = {}
        self.thinking = False
        self.texts = 0  # chunks shown, for the summary

    def show(self, record: Record) -> None:
        kind = str(record.get("event", ""))
        handler = getattr(self, f"on_{kind}", None)
        if handler is None:
            return
        if kind != "thinking_delta":
            self.thinking = False
        if kind.startswith(("text", "thinking", "tool")):
            self.follow(record)
        handler(record.get("payload"))
        if kind == "run_start":
            self.run = record.get("run_id")

    def follow(self, record: Record) -> None:
        """Several runs may speak in turns: name the one that goes on."""
        if self.run is not None and record.get("run_id") != self.run:
            name = one_line(record.get("agent") or "another run", 30)
            self.terminal.line(f"[{name}]", "dim")
        self.run = record.get("run_id")

    # The notebook's own progress, written by execute.py.

    def on_cell(self, payload: Any) -> None:
        cell = field(payload, "number"), field(payload, "of")
        self.terminal.line(f"[{cell[0]}/{cell[1]}] {one_line(field(payload, 'title'))}", "cyan")

    # A run's events.

    def on_run_start(self, payload: Any) -> None:
        self.terminal.fresh()
        prompt = one_line(field(payload, "prompt") or "", 400)
        self.terminal.line(f"› {prompt}", "bold")

    def on_text_delta(self, payload: Any) -> None:
        self.texts += 1
        self.terminal.write(harmless(payload if isinstance(payload, str) else ""))

    def on_thinking_delta(self, payload: Any) -> None:
        if not self.thinking:
            self.terminal.line("thinking …", "dim")
        self.thinking = True

    def on_tool_start(self, payload: Any) -> None:
        self.terminal.fresh()
        self.tools[str(field(payload, "id"))] = argument(field(payload, "input"))

    def on_tool_end(self, payload: Any) -> None:
        name = one_line(field(payload, "name") or "tool", 30)
        told = self.tools.pop(str(field(payload, "id")), "")
        took = field(payload, "duration_ms")
        time = f"{took:.0f} ms" if isinstance(took, int | float) else ""
        words = [name, told, time]
        error = field(payload, "error")
        if not error:
            self.terminal.line(" ".join(word for word in ["✓", *words] if word), "green")
            return
        why = field(payload, "output") if error is True else error
        line = " ".join(word for word in ["✗", *words] if word)
        self.terminal.line(f"{line} · {one_line(why)}", "red")

    def on_run_end(self, payload: Any) -> None:
        status, error = field(payload, "status"), field(payload, "error")
        if status not in (None, "completed"):
            said = f": {one_line(error, 200)}" if error else ""
            self.terminal.line(f"{one_line(status, 30)}{said}", "yellow")
        self.terminal.line()


def field(payload: Any, name: str) -> Any:
    return payload.get(name) if isinstance(payload, dict) else None


def argument(given: Any) -> str:
    """The telling argument of a tool call, short."""
    if not isinstance(given, dict):
        return ""
    ordered = [given.get(name) for name in TELLING] + list(given.values())
    text = next((value for value in ordered if isinstance(value, str) and value.strip()), "")
    return one_line(text, 48)
