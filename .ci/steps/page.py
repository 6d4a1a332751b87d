"""The browser's code: its packages, its types, its tests, and whether the committed files are what its sources give.

Nothing but the tests and `make static` needs Node: what a browser is sent is committed.
"""

import re
import time
from dataclasses import dataclass
from pathlib import Path

from . import node, process
from .failure import Failure, diagnose
from .lock import queued
from .node import Node
from .session import Session
from .sparticuz import quiet
from .stamps import Stamp, digest
from .variables import Variables

NAME = "browser code"
PACKAGES = "npm packages"
# Two, after 2 and 10 s: npm's own are a minute long where there is no network at all.
RETRIES = ["--fetch-retries=2", "--fetch-retry-mintimeout=2000", "--fetch-retry-factor=5"]
# No script of a package runs: none of them needs one.
INSTALL = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", *RETRIES]
INSTALL_SECONDS = 600.0
CHECKS = {
    "types": (["node_modules/typescript/bin/tsc", "--noEmit"], "correct the types named above"),
    "tests": (["node_modules/vitest/vitest.mjs", "run"], "read the failures above, and correct the code or the test"),
    "files": (["build.mjs", "--check"], "make static; then commit alloy_nb/notebook/static"),
}
BUILD = ["build.mjs"]
COLOUR = re.compile(r"\x1b\[[\d;]*m")
TESTS = re.compile(r"^\s*Tests\s+(.+?)\s*(?:\(\d+\))?\s*$", re.M)
# npm's own codes, and Node's, for a registry that is not reached or gives nothing out.
UNREACHED = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT"
    r"|EIDLETIMEOUT|ENOTCACHED|E40[137]|E50[234]|CERT_\w+|SELF_SIGNED\w*|UNABLE_TO_\w+|network (?:request|error)"
)


@dataclass(frozen=True, slots=True)
class Missing:
    """No Node, or no packages: why, and what to do."""

    because: str
    remedy: str

    def line(self) -> str:
        return f"NOT RUN: the tests of the browser's code, because {self.because}; do {self.remedy}"


def check(session: Session) -> Failure | Missing | None:
    """Types, tests and files; None when all is well. Told in the table as one part."""
    try:
        found = ready(session)
    except Failure as failure:
        session.steps.record(NAME, 0.0, "FAILED")
        return failure
    if isinstance(found, Missing):
        session.steps.record(NAME, 0.0, "NOT RUN")
        return found
    session.terminal.line(NAME, "bold")
    log(session).unlink(missing_ok=True)
    began, counts = time.monotonic(), ""
    failures: dict[str, Failure] = {}
    for part, (arguments, remedy) in CHECKS.items():
        code, said = run(session, found, arguments)
        counts = counts or summary(said)
        if code != 0:
            failures[part] = Failure(f"{NAME}: {cause(part, said)}", remedy, log(session))
    outcome = f"FAILED: {', '.join(failures)}" if failures else ": ".join(filter(None, ("ok", counts)))
    session.steps.record(NAME, time.monotonic() - began, outcome)
    return next(iter(failures.values()), None)


def static(session: Session) -> int:
    """make static: write what the browser is sent anew."""
    with session.prepared(weights=False):
        found = ready(session)
        if isinstance(found, Missing):
            raise Failure(f"{NAME}: {found.because}", found.remedy, log(session))
        log(session).unlink(missing_ok=True)
        code, said = run(session, found, BUILD)
        if code != 0:
            raise Failure(f"{NAME}: {cause('files', said)}", "correct what is named above", log(session))
    session.terminal.line("commit alloy_nb/notebook/static with the change", "dim")
    return 0


def ready(session: Session) -> Node | Missing:
    """Node, with the packages of the lock file installed; a Failure where they do not fit."""
    env = session.env()
    with queued(session.lock("page"), session.steps.who, "fetching the browser code's packages"):
        try:
            found = node.find(session.places, env, session.places.log("node"))
        except Failure as failure:
            return Missing(f"there is no Node ({failure})", failure.remedy)
        stamp = Stamp(session.places.stamps / "page")
        key = packages_key(session, found, env)
        if stamp.holds(key):
            session.steps.unchanged(PACKAGES)
            return found
        stamp.lift()
        began = time.monotonic()
        session.terminal.line(f"{PACKAGES:<12} what the browser's code is built and tested with", "bold")
        missing = install(session, found, env)
        took = time.monotonic() - began
        session.steps.record(PACKAGES, took, "none" if missing else "ok")
        if missing is None:
            stamp.press(key, [folder(session) / "node_modules" / ".package-lock.json"])
            session.terminal.line(f"{PACKAGES:<12} ok ({took:.1f} s)", "green")
        return missing or found


def install(session: Session, found: Node, env: Variables) -> Missing | None:
    """npm's clean installation. A registry out of reach is no failure of the code; anything else is."""
    command: process.Command = [found.program, found.npm, *INSTALL]
    into = session.places.log("npm")
    into.unlink(missing_ok=True)
    code, said = process.run_limited(command, quiet(found.env(env)), into, folder(session), INSTALL_SECONDS)
    if code == 0:
        return None
    shown = session.places.show(into)
    why = UNREACHED.search(said)
    if code is None or why is not None:
        told = why[0] if why else f"no answer within {INSTALL_SECONDS:.0f} s"
        remedy = "connect to the network, or name a mirror (npm_config_registry) or HTTPS_PROXY, and run it again"
        return Missing(f"the npm registry gives no packages ({told}; see {shown})", remedy)
    failure = diagnose(PACKAGES, said, into)
    lines = re.findall(r"^npm (?:error|ERR!) (?!code|A complete log)(\S.*)$", said, re.M)
    raise Failure(f"{PACKAGES}: {lines[0]}" if lines else failure.cause, failure.remedy, into)


def packages_key(session: Session, found: Node, env: Variables) -> str:
    version = process.ask([found.program, "--version"], env, session.places.log("node"), session.places.root)
    files = [folder(session) / name for name in ("package.json", "package-lock.json")]
    return digest(version, str(session.places.root), INSTALL, *files)


def run(session: Session, found: Node, arguments: list[str]) -> tuple[int, str]:
    """One of its programs, in sight of the user."""
    colour = {"FORCE_COLOR": "1"} if session.terminal.color else {"NO_COLOR": "1"}
    env = quiet(found.env(session.env())) | colour
    code, said = process.run_loudly([found.program, *arguments], env, log(session), folder(session))
    return code, COLOUR.sub("", said)


def summary(said: str) -> str:
    """vitest's own count, such as "2 failed, 10 passed"; empty where there is none."""
    counts: list[str] = TESTS.findall(said)
    return counts[-1].replace(" | ", ", ") if counts else ""


def cause(part: str, said: str) -> str:
    """vitest's count, or the first error that a line tells."""
    if part == "tests" and summary(said):
        return summary(said)
    errors = [line.strip() for line in said.splitlines() if re.search(r"\berror TS\d+:|^ERROR: ", line)]
    return errors[0].removeprefix("ERROR: ")[:300] if errors else f"{part}: it failed; its output is above"


def folder(session: Session) -> Path:
    return session.places.root / "labextension"


def log(session: Session) -> Path:
    return session.places.log("browser-code")
