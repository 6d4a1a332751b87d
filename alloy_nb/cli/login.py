"""`alloy login`: store the key of a provider, without showing it to anybody."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from ..errors import Cancelled, ConfigError
from .console import Notes
from .failure import INTERRUPTED
from .parser import refuse_unknown as refuse_unknown_options

__all__ = ["add_arguments", "refuse_unknown", "run"]

_DESCRIPTION = """Asks for the key of a provider, tries it by one call, and stores it: in the keyring (pip install
keyring), else in a file that only you can read. A key in the environment or in .env goes before it."""


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("login", description=_DESCRIPTION)
    parser.add_argument("provider", nargs="?", metavar="PROVIDER", help="anthropic, openai, google, …")
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--remove", action="store_true", help="delete the stored key")
    parser.add_argument("--force", action="store_true", help="store it also when it cannot be tried")


def refuse_unknown(extra: Sequence[str], parser: Any) -> None:
    """Any word too many may be a key: it is not repeated."""
    if any(not word.startswith("-") for word in extra):
        _refuse(extra)
    refuse_unknown_options(extra, parser)


def run(args: argparse.Namespace) -> int:
    """Do it, and say where the key is: 0 when it is stored, or deleted, 130 after Ctrl-C."""
    from ..login import log_in, log_out
    from ..providers.vendors import VENDORS

    if args.words:
        _refuse(args.words)
    if args.provider is None:
        raise ConfigError("no provider is named", hint="name one of " + ", ".join(VENDORS))
    said = log_out(args.provider) if args.remove else log_in(args.provider, force=args.force)
    notes = Notes(sys.stdout)
    try:
        for line in said:
            notes.line(line, "dim", 1000)
    except Cancelled as error:
        # The question stands on a line that nobody ended.
        print(file=sys.stderr)
        Notes(sys.stderr).line(error.message, "dim")
        return INTERRUPTED
    return 0


def _refuse(words: Sequence[str]) -> None:
    from ..login import refuse_words

    refuse_words(words, "alloy login PROVIDER")
