"""make dist: the wheel and the sdist, checked, and the wheel used where there is nothing else."""

import os
import shutil
import subprocess
from pathlib import Path

from . import archives, newcomer, process, tools, venv
from .failure import Failure
from .lock import exclusive
from .session import Session
from .variables import Variables

TOOLS = ["build>=1.2", "hatchling>=1.27", "twine>=6"]
NO_GIT = "1767225600"  # 2026-01-01, where there is no commit to take the time of


def dist(session: Session) -> int:
    """Build twice, look into what came out, install it and use it."""
    with session.prepared(weights=False), exclusive(session.lock("dist"), session.steps.who, "building"):
        python = tools.bring(session, "dist", TOOLS)
        folder = session.places.build / "dist"
        log = session.places.log("dist")
        log.unlink(missing_ok=True)
        with session.steps.timed("build", "wheel and sdist, and both once more"):
            build(session, python, folder, log)
            again = session.places.build / "dist-again"
            build(session, python, again, log)
            compare(folder, again)
            venv.remove(again)
        made = sorted(folder.iterdir())
        with session.steps.timed("archives", "what is in them, what must not be"):
            examine(session, made)
            line: process.Command = [python, "-m", "twine", "check", "--strict", *made]
            process.run_quietly("archives", line, session.env(), log, session.places.root)
        (wheel,) = [path for path in made if path.suffix == ".whl"]
        newcomer.try_out(session, wheel)
        session.terminal.line()
        for path in made:
            session.terminal.line(f"{path.stat().st_size:>9,} bytes  {session.places.show(path)}")
        session.steps.table()
    return 0


def build(session: Session, python: Path, folder: Path, log: Path) -> None:
    """The sdist from the tree, the wheel from the sdist: what somebody makes of the sdist is what we give out."""
    venv.remove(folder)
    env = session.env() | {"SOURCE_DATE_EPOCH": epoch(session)}
    line: process.Command = [python, "-m", "build", "--no-isolation", "--outdir", folder, session.places.root]
    process.run_quietly("build", line, env, log, session.places.root)


def epoch(session: Session) -> str:
    """The time that every file in the archives has: given, or that of the last commit."""
    given = session.environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdigit():
        return given
    git = shutil.which("git", path=session.environ.get("PATH"))
    if git is None:
        return NO_GIT
    line = [git, "-C", str(session.places.root), "log", "-1", "--format=%ct"]
    said = subprocess.run(line, env=clean_git(session.env()), capture_output=True, text=True)
    return said.stdout.strip() if said.returncode == 0 and said.stdout.strip().isdigit() else NO_GIT


def clean_git(env: Variables) -> Variables:
    return {**env, "GIT_OPTIONAL_LOCKS": "0"}


def compare(first: Path, second: Path) -> None:
    names = sorted(path.name for path in first.iterdir())
    if names != sorted(path.name for path in second.iterdir()):
        raise Failure("build: two builds made different files", "see the log")
    for name in names:
        if (first / name).read_bytes() != (second / name).read_bytes():
            raise Failure(f"build: {name} differs from one build to the next", "see whether something notes the time")


def examine(session: Session, made: list[Path]) -> None:
    paths = {str(session.places.root), os.path.expanduser("~"), str(session.places.venv)}
    faults = [fault for archive in made for fault in archives.faults(archive, paths)]
    if faults:
        raise Failure(f"archives: {'; '.join(faults[:5])}", "correct [tool.hatch.build] in pyproject.toml")
