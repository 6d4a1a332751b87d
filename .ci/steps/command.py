"""The targets, and what happens around every one of them."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

from . import binder, demo, dist, lab, page, suite, venv, versions
from .failure import Failure, report
from .interpreter import Candidate
from .lock import exclusive
from .places import VERSIONS, Places
from .session import Session
from .terminal import standard
from .timings import Steps


def clean(session: Session) -> int:
    """Remove everything but the weights (ALL=1: those too), once nobody uses it."""
    places = session.places
    who, doing = session.steps.who, "at work"
    used = ["preparing", "environment", *(f"environment-{version}" for version in VERSIONS)]
    with ExitStack() as alone:
        for name in used:
            alone.enter_context(exclusive(session.lock(name), who, doing))
        everything = bool(session.environ.get("ALL"))
        keep = {"locks"} if everything else {"locks", places.data.name, places.stamps.name}
        for entry in places.build.iterdir():
            if entry.name not in keep:
                venv.remove(entry) if entry.is_dir() else entry.unlink()
        for name in (".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"):
            shutil.rmtree(places.root / name, ignore_errors=True)
        shutil.rmtree(places.root / "labextension" / "node_modules", ignore_errors=True)
        for stamp in () if everything else ("venv", "packages"):
            (places.stamps / stamp).unlink(missing_ok=True)
        shutil.rmtree(places.stamps / "versions", ignore_errors=True)
    if not everything and places.data.exists():
        session.terminal.line("kept the weights in build/data; make clean ALL=1 removes them")
    return 0


def help_(session: Session) -> int:
    """The targets, a line each."""
    session.terminal.line("make TARGET, or without make: python .ci/make.py TARGET", "bold")
    for name, (about, _) in TARGETS.items():
        session.terminal.line(f"  {name:<10} {about}")
    session.terminal.line()
    session.terminal.line("  PYTHON=/path/to/python   HOST= PORT= (lab)   ARGS='-k name' (tests)")
    session.terminal.line("  ALLOY_CHROMIUM=/path/to/chromium   NO_APT=1 (never install a browser by apt)")
    return 0


TARGETS: dict[str, tuple[str, Callable[[Session], int]]] = {
    "demo": ("the quickstart notebook, executed on an embedded model while you watch", demo.demo),
    "test": ("all tests and documented notebooks", suite.test),
    "check": ("format, lint, types and quick tests, in under a minute", suite.check),
    "lab": ("the quickstart in JupyterLab (your provider keys are available there)", lab.lab),
    "bench": ("the benchmarks", lambda session: suite.only(session, "bench")),
    "soak": ("the slow tests, then versions", versions.soak),
    "versions": ("the core tests on Python 3.11, 3.12 and 3.13, as far as they are here", versions.versions),
    "fuzz": ("the fuzzers", lambda session: suite.only(session, "fuzz")),
    "static": ("what the browser is sent, built anew from labextension/ (needs Node)", page.static),
    "dist": ("the wheel and the sdist in build/dist, checked, installed and used", dist.dist),
    "binder": ("what Binder does with binder/, as far as it goes without Docker", binder.binder),
    "binder-url": ("the link that opens REPO=https://github.com/OWNER/NAME on Binder (REF=BRANCH)", binder.url),
    "clean": ("remove what the others made, except the weights", clean),
    "help": ("this", help_),
}


def main(root: str, facts: str, arguments: list[str]) -> int:
    """Run one target in the chosen Python; the exit code."""
    terminal = standard()
    target = arguments[0] if arguments else "help"
    who = f"make {target} (process {os.getpid()})"
    places = Places(Path(root))
    python = Candidate(**json.loads(facts))
    session = Session(target, places, python, os.environ, terminal, Steps(terminal, who))
    for name in ("SIGTERM", "SIGHUP"):  # a closed terminal too; Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end)
    try:
        return run(session, arguments)
    except Failure as failure:
        terminal.fresh()
        report(failure)
        return failure.code
    except KeyboardInterrupt:
        terminal.fresh()
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Nobody reads any more (make demo | head): nothing is left to be said.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        terminal.fresh()
        report(Failure.of_os_error(error, target))
        return 1


def run(session: Session, arguments: list[str]) -> int:
    if session.target not in TARGETS or len(arguments) > 1:
        said = " ".join(arguments)
        raise Failure(f"there is no target {said!r}", f"use one of: {', '.join(TARGETS)}", code=2)
    if session.target != "help":
        session.places.make()
    return TARGETS[session.target][1](session)


def end(number: int, _frame: FrameType | None) -> None:
    """As an exception, so that every child is stopped on the way out, as by Ctrl-C."""
    sys.exit(128 + number)
