"""`alloy doctor`: what is here, which model would be used and why, what to do next."""

from __future__ import annotations

import argparse
import json
import sys

from .console import shown_on
from .failure import RUN_FAILED

__all__ = ["add_arguments", "run"]


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "doctor",
        description="What is installed, which model would be used and why, what to do next. Sends nothing; it only "
        "looks whether an Ollama runs.",
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(args: argparse.Namespace) -> int:
    """Print it: 0 when there is a model to use, else 1."""
    from ..diagnosis import doctor

    found = doctor()
    print(json.dumps(found.to_dict(), indent=2) if args.json else shown_on(sys.stdout, str(found)))
    return 0 if found.ok else RUN_FAILED
