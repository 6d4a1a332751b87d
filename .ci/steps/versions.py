"""make versions: the core tests on every Python that is supported and can be found here."""

import glob
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from . import suite
from .failure import Failure
from .interpreter import Candidate, dotted, on_path, probe
from .places import VERSIONS
from .session import Session
from .suite import Run

INSTALL = "https://www.python.org/downloads/"


@dataclass(slots=True)
class Row:
    """What became of one version. `tests` were run; `missing` says why none could be."""

    version: str
    tests: int = 0
    took: float = 0.0
    result: str = ""
    missing: str = ""

    def line(self) -> str:
        name = f"python{self.version}"
        return (
            f"NOT RUN: Python {self.version}, because {self.missing};"
            f" do install {name} ({INSTALL}), or name one: make versions PYTHON=/path/to/{name}"
        )


def versions(session: Session) -> int:
    """The core tests on each version in an environment of its own, a table, and what was not run and why."""
    rows, failures = run(session)
    return conclude(session, rows, failures)


def soak(session: Session) -> int:
    """The slow tests, then every version, whatever becomes of the first."""
    failures = suite.slow(session)
    rows, more = run(session)
    session.steps.table()
    return conclude(session, rows, failures + more)


def run(session: Session) -> tuple[list[Row], list[Failure]]:
    """Every version, whatever becomes of the others."""
    rows: list[Row] = []
    failures: list[Failure] = []
    for version in VERSIONS:
        python, why = find(version, session)
        row = Row(version, missing=why)
        rows.append(row)
        failure = run_one(session, python, row) if python else None
        if failure is not None:
            failures.append(failure)
    return rows, failures


def run_one(session: Session, python: Candidate, row: Row) -> Failure | None:
    """Bring its environment up to date, and run the tests in it."""
    began = time.monotonic()
    row.version = dotted(python.version)
    places = replace(session.places, environment=folder(python))
    here = replace(session, places=places, python=python)
    tests = Run(f"Python {row.version}", suite.QUICKLY)
    try:
        with here.prepared(weights=False):
            failure = suite.run_one(here, tests)
        row.tests = tests.count
        row.result = tests.told
    except Failure as unprepared:
        failure = unprepared
        row.result = "FAILED: no environment"
    row.took = time.monotonic() - began
    return failure


def folder(python: Candidate) -> str:
    return f"versions/{dotted(python.version[:2])}"


def conclude(session: Session, rows: list[Row], failures: list[Failure]) -> int:
    """Tell it all; the exit code.

    Here a missing version is told and no more: few machines have all three. In continuous integration nobody reads
    that line, so there it is a failure when fewer than two ran: one alone says nothing that `make test` did not.
    """
    table(session, rows)
    missing = [row for row in rows if row.missing]
    for row in missing:
        session.terminal.line(row.line(), "yellow")
    if failures:
        raise failures[0]
    ran = len(rows) - len(missing)
    if ran == 0:
        raise Failure("versions: none of the supported Pythons runs here", f"install one: {INSTALL}")
    return int(ran < 2 and session.in_ci)


def table(session: Session, rows: list[Row]) -> None:
    """Each version's line; the seconds are those of its environment too."""
    session.terminal.line()
    session.terminal.line(f"{'version':<8}  {'tests':>6}  {'seconds':>8}  result", "bold")
    for row in rows:
        style = ("red",) if "FAILED" in row.result else ("yellow",) if row.missing else ()
        session.terminal.line(f"{row.version:<8}  {row.tests:>6}  {row.took:>8.1f}  {row.result or 'NOT RUN'}", *style)


def find(version: str, session: Session) -> tuple[Candidate | None, str]:
    """A Python of this version that runs, or why there is none."""
    refused: list[str] = []
    for command in candidates(version, session):
        found, why = probe(command)
        if found is not None and dotted(found.version[:2]) == version:
            return found, ""
        if found is None and Path(command).name == f"python{version}":
            refused.append(f"{command} {why}")
    return None, "; ".join(refused)[:300] or f"no python{version} was found"


def candidates(version: str, session: Session) -> list[str]:
    """What the user names, what runs this, what PATH holds, what pyenv has (its shims run only one of each kind)."""
    environ = dict(session.environ)
    named = [environ["PYTHON"]] if environ.get("PYTHON") else []
    found = [*named, session.python.executable, *on_path(environ, [f"python{version}", "python3", "python"])]
    return list(dict.fromkeys([*found, *pyenvs(version, environ)]))


def pyenvs(version: str, environ: Mapping[str, str]) -> Iterator[str]:
    """pyenv's own of this version, the newest first; its shim may refuse to run them."""
    shims = [Path(entry).parent for entry in environ.get("PATH", "").split(os.pathsep) if Path(entry).name == "shims"]
    home = Path(environ.get("HOME") or os.curdir)
    for root in dict.fromkeys([Path(environ.get("PYENV_ROOT") or home / ".pyenv"), *shims]):
        found = glob.glob(str(root / "versions" / f"{version}.*" / "bin" / f"python{version}"))
        yield from sorted(found, key=lambda path: patch(Path(path).parents[1].name), reverse=True)


def patch(name: str) -> tuple[int, str]:
    """3.12.10 is newer than 3.12.9, and than 3.12.10rc1."""
    last = name.rpartition(".")[2]
    return (int(last), "") if last.isdigit() else (-1, last)
