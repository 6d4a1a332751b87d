"""make test, check, bench, soak, fuzz: what each runs, and how it is told."""

import re
import shlex
import shutil
import time
from pathlib import Path

from . import browser, page, process, venv
from .again import few_failed
from .browser import Choice, Missing
from .failure import Failure
from .frontends import FrontEnds
from .kernels import Kernels
from .lock import queued
from .session import Session
from .variables import Variables, offline

NO_TESTS = 5  # pytest's exit code when it selected nothing
# Neighbours stay on one worker, for the sake of what they share, until the other has nothing left. nbval is for the
# notebooks, and loading it takes each process two seconds.
PARALLEL = ["-n", "2", "--dist", "worksteal", "-p", "no:nbval"]
QUICK = "not (slow or setup or thorough or kernel or browser or bench or model or fuzz)"
QUICKLY = ["tests", *PARALLEL, "--hypothesis-profile=quick", "-m", QUICK]
USUAL = "not slow and not bench and not fuzz"
IN_BROWSER = f"browser and {USUAL}"
COUNT_SECONDS = 120.0
RAN = ("passed", "failed", "error", "errors", "xfailed", "xpassed")
SUMMARY = re.compile(r"^=*\s*((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s", re.M)


def test(session: Session) -> int:
    """Everything but the slow kinds: the browser's code, the notebooks on the scripted provider, the tests.

    The browser's run is one of its own: what waits for a page does not wait beside tests that take all of the machine.
    """
    with session.prepared():
        kernels, found = bring_kernels(session), browser.choose(session)
        some = bool(session.environ.get("ARGS"))  # which may select from one of the runs only
        runs = [] if some else notebook_runs(session)
        without = ["tests", *PARALLEL, "-m", f"{USUAL} and not browser"]
        runs.append(Run("tests", without, optional=some, variables=kernels, tries=2))
        if isinstance(found, Choice):
            variables = kernels | {"ALLOY_CHROMIUM": str(found.executable)}
            within = ["tests", *PARALLEL, "-m", IN_BROWSER]
            runs.append(Run("browser tests", within, optional=some, variables=variables, tries=2))
        code = None if some else page.check(session)
        failures = [*([code] if isinstance(code, Failure) else []), *run_each(session, runs)]
        missed = count_missed(session, kernels) if isinstance(found, Missing) else 0
        session.steps.table()
        if isinstance(found, Missing) and missed != 0:
            session.terminal.line(found.line(missed), "yellow")
        if isinstance(code, page.Missing):
            session.terminal.line(code.line(), "yellow")
        if failures:
            raise failures[0]
        # Nobody reads those lines in continuous integration: there they are a failure.
        all_run = missed == 0 and not isinstance(code, page.Missing)
        return some_selected(runs) if all_run else int(session.in_ci)


def check(session: Session) -> int:
    """The gate before a commit, under a minute: format, lint, types, quick tests."""
    runs = [
        Run("lint", ["check", "."], "ruff"),
        Run("format", ["format", "--check", "."], "ruff"),
        Run("types", [], "mypy"),
        Run("quick tests", QUICKLY),
    ]
    with session.prepared(weights=False):
        return run_all(session, runs)


def only(session: Session, marker: str) -> int:
    """The tests of one kind, one after the other: they measure, or take all of the machine."""
    with session.prepared():
        return run_all(session, [only_run(marker, {})])


def slow(session: Session) -> list[Failure]:
    """The slow tests, with kernels and a browser."""
    with session.prepared():
        variables, found = bring_kernels(session), browser.choose(session)
        if isinstance(found, Choice):
            variables |= {"ALLOY_CHROMIUM": str(found.executable)}
        return run_each(session, [only_run("slow", variables)])


def only_run(marker: str, variables: Variables) -> "Run":
    """-s: what a benchmark prints is its result."""
    return Run(marker, ["tests", "-m", marker, "-s"], optional=True, variables=variables)


def bring_kernels(session: Session) -> Variables:
    """Make the kernels and the other front ends where they are missing or out of date; how the tests find them."""
    facts = (session.places, session.python, session.env(), session.packages_key())
    found: Variables = {}
    for part in (Kernels(*facts), FrontEnds(*facts)):
        with queued(session.lock(part.name), session.steps.who, f"making the {part.name}"):
            if part.is_fresh():
                session.steps.unchanged(part.name)
            else:
                with session.steps.timed(part.name, part.about):
                    part.make()
        found |= part.variables
    return found


def some_selected(runs: "list[Run]") -> int:
    """ARGS may leave out all of one run, but not of all."""
    if not any(run.selected for run in runs):
        raise Failure("no test was selected", "correct ARGS; one test alone runs by: make test ARGS='-k NAME'")
    return 0


def count_missed(session: Session, variables: Variables) -> int | None:
    """How many of the tests that were asked for need a browser; None where they cannot be counted."""
    began = time.monotonic()
    counting = Run("browser count", ["tests", "-m", IN_BROWSER, "--collect-only", "-q"], variables=variables)
    env = test_env(session, counting)
    log = session.places.log("browser-count")
    _, said = process.run_limited(counting.command(session), env, log, session.places.root, COUNT_SECONDS)
    counts = re.findall(r"^(\d+)(?:/\d+)? tests? collected", said, re.M)
    count = int(counts[-1]) if counts else 0 if "no tests" in said else None
    if count != 0:
        session.steps.record("browser tests", time.monotonic() - began, "NOT RUN")
    return count


class Run:
    """One tool's run: its arguments, and variables beyond those of all tests."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        module: str = "pytest",
        *,
        optional: bool = False,
        variables: Variables | None = None,
        tries: int = 1,
    ) -> None:
        self.name, self.arguments, self.module = name, arguments, module
        self.tries = tries  # 2: of what drives others' programs, the few tests that fail are tried once more
        self.optional = optional  # no test of this kind is not a failure
        self.variables = variables or {}
        self.selected = True  # at least one test, as far as is known
        self.told = ""  # how it went, for the table
        self.count = 0  # of the tests that ran

    def command(self, session: Session) -> list[str | Path]:
        line: list[str | Path] = [session.places.python, "-m", self.module, *self.arguments]
        if self.module == "pytest":
            line += shlex.split(session.environ.get("ARGS", ""))
        if session.terminal.color:
            line += {"pytest": ["--color=yes"], "mypy": ["--color-output"]}.get(self.module, [])
        return line


def notebook_runs(session: Session) -> list[Run]:
    """Strict comparison of each notebook with what it says it prints.

    Copies, since cells write files where they run. A notebook NAME.ipynb answers from
    NAME.jsonl beside it; those without one of their own need no model.
    """
    folder = session.places.build / "test" / "notebooks"
    venv.remove(folder)
    source = session.places.quickstart.parent
    if not source.is_dir():
        return []
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    runs = []
    for notebook in sorted(folder.glob("*.ipynb")):
        script = notebook.with_suffix(".jsonl")
        model = f"scripted:{script}" if script.exists() else ""
        arguments = [str(notebook), "--nbval", "-p", "no:xdist", "-o", "norecursedirs=.*"]
        if (folder / "sanitize.cfg").exists():
            arguments += ["--nbval-sanitize-with", str(folder / "sanitize.cfg")]
        # No settings of whoever runs this.
        extra = {"ALLOY_MODEL": model, "ALLOY_DISPLAY": "static", "ALLOY_CONFIG_DIR": str(folder / "no-settings")}
        runs.append(Run(notebook.stem, arguments, variables=extra))
    return runs


def run_each(session: Session, runs: list[Run]) -> list[Failure]:
    """Every run, whatever becomes of the others."""
    return [failure for run in runs if (failure := run_one(session, run)) is not None]


def run_all(session: Session, runs: list[Run]) -> int:
    """Every run; then the table, then the first failure."""
    failures = run_each(session, runs)
    session.steps.table()
    if failures:
        raise failures[0]
    return 0


def run_one(session: Session, run: Run) -> Failure | None:
    """Run one of them in sight of the user."""
    log = session.places.log(run.name.replace(" ", "-"))
    log.unlink(missing_ok=True)
    session.terminal.line(run.name, "bold")
    began = time.monotonic()
    env = test_env(session, run)
    code, said = process.run_loudly(run.command(session), env, log, session.places.root)
    took = time.monotonic() - began
    none = code == NO_TESTS and run.module == "pytest" and run.optional
    if none:
        run.selected = False
        session.terminal.line("no tests of this kind", "yellow")
    counts = summary(said)
    run.count = sum(int(number) for number, what in re.findall(r"(\d+) ([a-z]+)", counts) if what in RAN)
    failed = few_failed(code, said) if run.tries > 1 else []
    how = "tried again" if failed else "FAILED" if code else "ok"
    run.told = "no tests of this kind" if none else ": ".join(filter(None, (how, counts)))
    session.steps.record(run.name, took, run.told)
    if failed:
        return try_again(session, run, failed)
    return explain(run, code, said, log) if code and not none else None


def try_again(session: Session, run: Run, failed: list[str]) -> Failure | None:
    """The tests that failed, one after the other, with nothing beside them; the table has both tries."""
    again = Run(f"{run.name}, again", ["-p", "no:nbval", *failed], variables=run.variables)
    failure = run_one(session, again)
    if failure is None:
        for test in failed:
            session.terminal.line(f"failed once, passed when tried again: {test}", "yellow")
    return failure


def summary(said: str) -> str:
    """pytest's own count, such as "2 failed, 10 passed"; empty where there is none."""
    counts: list[str] = SUMMARY.findall(re.sub(r"\x1b\[[\d;]*m", "", said))
    return counts[-1] if counts else ""


def test_env(session: Session, run: Run) -> Variables:
    return offline(session.env(), "") | tool_caches(session) | run.variables


def tool_caches(session: Session) -> Variables:
    cache = session.places.cache
    return {"MYPY_CACHE_DIR": str(cache / "mypy"), "RUFF_CACHE_DIR": str(cache / "ruff")}


REMEDIES = {
    "lint": "build/venv/bin/ruff check --fix mends most of it",
    "format": "build/venv/bin/ruff format mends it",
    "types": "correct the types named above",
}


def explain(run: Run, code: int, said: str, log: Path) -> Failure:
    """pytest's own count where there is one."""
    if code == NO_TESTS and run.module == "pytest":
        cause = "no test was selected"
    else:
        cause = summary(said) or f"{run.module} ended with exit code {code}"
    again = "read the failures above; one alone runs by: make test ARGS='-k NAME'"
    return Failure(f"{run.name}: {cause}", REMEDIES.get(run.name, again), log)
