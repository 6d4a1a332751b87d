"""`alloy sessions`: the stored conversations."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AlloyError, ConfigError
from ..options import nearest
from ..plain import one_line, printable
from ..redaction import redact, redact_line

if TYPE_CHECKING:
    from ..messages import Message
    from ..session import Session, SessionStore

__all__ = ["add_arguments", "run"]

_EPILOG = """examples:
  alloy --session thesis            begin one, or go on with it
  alloy sessions show thesis
  alloy sessions export thesis --out thesis.json
"""


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `sessions` and its own commands."""
    parser = subparsers.add_parser(
        "sessions",
        description="Stored conversations. They lie in a file in ALLOY_DATA_DIR that only you can read.",
        epilog=_EPILOG,
    )
    actions = parser.add_subparsers(dest="sessions_action", metavar="COMMAND")
    actions.add_parser("list", help="which there are, the newest first (this is what `alloy sessions` does)")
    show = actions.add_parser("show", help="print a conversation")
    show.add_argument("name", metavar="NAME")
    export = actions.add_parser("export", help="print it as JSON, for alloy_nb.Session.from_json")
    export.add_argument("name", metavar="NAME")
    export.add_argument("--out", metavar="FILE", type=Path, help="write it there, readable by you alone")
    delete = actions.add_parser("delete", help="forget a conversation for good")
    delete.add_argument("name", metavar="NAME")


def run(args: argparse.Namespace) -> int:
    """Do what `args` say; a name that is not stored is a `ConfigError`."""
    from ..sinks import resolve

    store: SessionStore = resolve("default_store")()
    action = args.sessions_action or "list"
    if action == "list":
        return _list(store)
    _check(store, args.name)
    if action == "delete":
        store.delete(args.name)
        print(f"deleted {one_line(args.name)}")
        return 0
    from ..recorder import fold_records

    session = fold_records(args.name, store.read(args.name))
    if action == "export":
        return _export(session, args.out)
    print(_told(session))
    return 0


def _check(store: SessionStore, name: str) -> None:
    known = [info.id for info in store.list()]
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else "`alloy sessions` lists those that are stored"
        raise ConfigError(f"no conversation {one_line(name, 60)!r} is stored", hint=hint)


def _list(store: SessionStore) -> int:
    from ..commands import session_line
    from ..session import conversations

    found = conversations(store)
    for info in found:
        print(session_line(info))
    if not found:
        print("none is stored yet: `alloy --session NAME` begins one", file=sys.stderr)
    return 0


def _export(session: Session, out: Path | None) -> int:
    text = session.to_json() + "\n"
    if out is None:
        print(text, end="")
        return 0
    try:
        # Not through a link, and not over a file that may be something else.
        with open(os.open(out, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{out} is there already", hint="name another file, or delete it first") from None
    except OSError as error:
        raise AlloyError(f"{out} cannot be written: {error.strerror}", hint="name another file") from error
    print(f"written to {out}", file=sys.stderr)
    return 0


def _told(session: Session) -> str:
    """The words of a conversation, and a line for each call and its outcome."""
    return "\n\n".join(part for message in session.messages for part in _parts(message))


def _parts(message: Message) -> list[str]:
    text = redact(printable(message.text)).strip()
    said = [f"> {text}".replace("\n", "\n> ") if message.role == "user" else text] if text else []
    lines = [f"● {call.name} {call.input}" for call in message.tool_calls]
    lines += [f"{'✗' if result.is_error else '✓'} {result.name} {result.text}" for result in message.tool_results]
    return said + (["\n".join(redact_line(line) for line in lines)] if lines else [])
