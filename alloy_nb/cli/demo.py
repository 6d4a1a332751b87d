"""`alloy demo`: the embedded model reads a file and says what is in it."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["add_arguments", "run"]

QUESTION = "Read note.txt and tell me the number in it."


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    subparsers.add_parser(
        "demo",
        description="The embedded model reads a file that was just written and says what is in it, on this machine.",
    )


def run(_: argparse.Namespace) -> int:
    """Run it in a folder of its own; the exit code."""
    from ..providers.local import Local
    from ..tools.toolbox import collect_tools
    from .prompt import show_run
    from .transcript import Transcript

    model = Local()
    tools = collect_tools(["read"])
    transcript = Transcript(tools, live=True)
    number = 10_000 + secrets.randbelow(90_000)
    with TemporaryDirectory(prefix="alloy-demo-") as folder:
        Path(folder, "note.txt").write_text(f"The number is {number}.\n", "utf-8")
        say = transcript.notes.line
        say(f"note.txt was just written; it says: The number is {number}.")
        say(f"> {QUESTION}")
        options = {"model": model, "tools": list(tools.values()), "tool_choice": "read", "working_directory": folder}
        return show_run(QUESTION, options, transcript)
