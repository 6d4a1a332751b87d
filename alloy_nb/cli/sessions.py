"""`alloy sessions`: the stored conversations."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..counting import counted
from ..errors import AlloyError, ConfigError, SessionError
from ..plain import one_line, printable, visible
from ..redaction import redact, redact_line
from .failure import RUN_FAILED

if TYPE_CHECKING:
    from ..messages import Message
    from ..session import Session
    from ..sessions.library import Sessions

__all__ = ["add_arguments", "run"]

_EPILOG = """examples:
  alloy --session thesis            begin one, or go on with it
  alloy sessions search "second law"
  alloy sessions show thesis --numbers
  alloy sessions fork thesis another-way --upto 4
  alloy sessions export thesis --out thesis.json
"""
_DESCRIPTION = (
    "Stored conversations. They lie in a file in ALLOY_DATA_DIR that only you can read. Names with blanks are to be "
    "quoted for the shell."
)


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `sessions` and its own commands."""
    parser = subparsers.add_parser("sessions", description=_DESCRIPTION, epilog=_EPILOG)
    actions = parser.add_subparsers(dest="sessions_action", metavar="COMMAND")
    listed = actions.add_parser("list", help="which there are, the newest first (this is what `alloy sessions` does)")
    listed.add_argument("--names", action="store_true", help="their names alone, one a line, for scripts")
    show = _named(actions, "show", "print a conversation")
    show.add_argument("--numbers", action="store_true", help="with the number of each message")
    search = actions.add_parser(
        "search",
        help="where words were said, in whatever case",
        description="Where words were said, in whatever case. The exit code is 1 where they never were.",
    )
    search.add_argument("words", metavar="WORDS", nargs="+")
    fork = _named(actions, "fork", "a new conversation that begins as another one, which stays as it is")
    fork.add_argument("new", metavar="NEW")
    fork.add_argument("--upto", metavar="N", type=int, help="with its first N messages; all of them without it")
    rewind = _named(actions, "rewind", "take the last questions back, with all that came of them")
    rewind.add_argument("questions", metavar="N", type=int, nargs="?", default=1, help="how many; 1 without it")
    rewind.add_argument("--upto", metavar="N", type=int, help="instead: all but the first N messages")
    export = _named(actions, "export", "print it as JSON, for `import` and alloy_nb.Session.from_json")
    export.add_argument("--markdown", action="store_true", help="as Markdown, to be read; so is a FILE.md")
    export.add_argument("--out", metavar="FILE", type=Path, help="write it there, readable by you alone")
    add = actions.add_parser("import", help="store what `export` wrote")
    add.add_argument("file", metavar="FILE", type=Path, help="- for standard input")
    add.add_argument("--as", dest="new", metavar="NAME", help="under this name; its own without it")
    add.add_argument("--replace", action="store_true", help="in place of the conversation of that name")
    _named(actions, "delete", "forget a conversation for good")


def _named(actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help: str) -> Any:
    parser = actions.add_parser(name, help=help)
    parser.add_argument("name", metavar="NAME")
    return parser


def run(args: argparse.Namespace) -> int:
    """Do what `args` say; a name that is not stored is a `ConfigError`."""
    from ..sessions.library import Sessions

    sessions = Sessions()
    return _ACTIONS[args.sessions_action or "list"](sessions, args)


def _list(sessions: Sessions, args: argparse.Namespace) -> int:
    from ..session_commands import session_line

    found = sessions.list()
    if getattr(args, "names", False):  # not of `alloy sessions` alone
        # One that is no line of plain text cannot be typed from what is shown of it.
        names = [info.id for info in found if info.id == redact(visible(" ".join(info.id.split())))]
        print("".join(f"{name}\n" for name in names), end="")
        return 0
    for info in found:
        print(session_line(info))
    if not found:
        print("none is stored yet: `alloy --session NAME` begins one", file=sys.stderr)
    return 0


def _show(sessions: Sessions, args: argparse.Namespace) -> int:
    print(_told(sessions.get(args.name), numbers=args.numbers))
    return 0


def _search(sessions: Sessions, args: argparse.Namespace) -> int:
    """Exit code 1 when it is nowhere, as of grep; a person is told."""
    from ..session_commands import found_line

    words = " ".join(args.words)
    found = sessions.search(words)
    for hit in found:
        print(found_line(hit))
    if not found:
        print(f"`{redact_line(words, 60)}` is in no stored conversation", file=sys.stderr)
    return 0 if found else RUN_FAILED


def _fork(sessions: Sessions, args: argparse.Namespace) -> int:
    made = sessions.fork(args.name, args.new, upto=args.upto)
    print(f"{one_line(args.new)} begins with {_messages(made.messages)} of {one_line(args.name)}")
    return 0


def _rewind(sessions: Sessions, args: argparse.Namespace) -> int:
    taken = sessions.rewind(args.name, args.questions, upto=args.upto)
    print(f"{_messages(taken)} of {one_line(args.name)} {'was' if len(taken) == 1 else 'were'} taken back")
    return 0


def _export(sessions: Sessions, args: argparse.Namespace) -> int:
    markdown = args.markdown or (args.out is not None and args.out.suffix.lower() in (".md", ".markdown"))
    text = sessions.export(args.name, "markdown").rstrip("\n") if markdown else sessions.export(args.name)
    if args.out is None:
        print(text)
        return 0
    out: Path = args.out
    try:
        # Not through a link, and not over a file that may be something else.
        with open(os.open(out, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except FileExistsError:
        raise ConfigError(f"{out} is there already", hint="name another file, or delete it first") from None
    except OSError as error:
        raise AlloyError(f"{out} cannot be written: {error.strerror}", hint="name another file") from error
    print(f"written to {out}", file=sys.stderr)
    return 0


def _import(sessions: Sessions, args: argparse.Namespace) -> int:
    from ..session import Session

    try:
        text = sys.stdin.buffer.read() if str(args.file) == "-" else args.file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{args.file} cannot be read: {error.strerror}", hint="name another file") from error
    try:
        given = Session.from_json(text)
    except SessionError as error:
        raise ConfigError(
            f"{args.file} holds no conversation: {error.message}",
            hint="give a file that `alloy sessions export NAME --out FILE` wrote, in this version or an earlier one",
        ) from error
    name = given.id if args.new is None else args.new
    if not args.replace and sessions.store.read(name):
        raise ConfigError(
            f"there is a conversation {one_line(name, 60)!r} already",
            hint="`--as NAME` stores it under another name, `--replace` in its place",
        )
    made = sessions.add(text, name, replace=args.replace)
    print(f"stored as {one_line(made.id)}, {_messages(made.messages)}")
    return 0


def _delete(sessions: Sessions, args: argparse.Namespace) -> int:
    sessions.get(args.name)
    sessions.delete(args.name)
    print(f"deleted {one_line(args.name)}")
    return 0


_ACTIONS: dict[str, Callable[[Sessions, argparse.Namespace], int]] = {
    "list": _list,
    "show": _show,
    "search": _search,
    "fork": _fork,
    "rewind": _rewind,
    "export": _export,
    "import": _import,
    "delete": _delete,
}


def _messages(messages: Sequence[Message]) -> str:
    return counted(len(messages), "message")


def _told(session: Session, *, numbers: bool) -> str:
    """The words of a conversation, and a line for each call and its outcome."""
    told = []
    for place, message in enumerate(session.messages, 1):
        parts = _parts(message)
        told += [f"[{place}]", *parts] if numbers else parts
    return "\n\n".join(told)


def _parts(message: Message) -> list[str]:
    text = redact(printable(message.text)).strip()
    said = [f"> {text}".replace("\n", "\n> ") if message.role == "user" else text] if text else []
    lines = [f"● {call.name} {call.input}" for call in message.tool_calls]
    lines += [f"{'✗' if result.is_error else '✓'} {result.name} {result.text}" for result in message.tool_results]
    return said + (["\n".join(redact_line(line) for line in lines)] if lines else [])
