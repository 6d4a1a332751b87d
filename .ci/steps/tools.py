"""Tools that only one target needs, each in a small environment of its own under build/tools."""

from collections.abc import Sequence
from pathlib import Path

from . import process, venv
from .lock import queued
from .places import python_in
from .session import Session
from .stamps import Stamp, digest


def bring(session: Session, name: str, packages: Sequence[str]) -> Path:
    """The Python of the environment `name`, with these packages; made where it is missing or out of date."""
    places, env = session.places, session.env()
    folder, log = places.build / "tools" / name, places.log(f"tools-{name}")
    stamp = Stamp(places.stamps / f"tools-{name}")
    key = digest(venv.identity(session.python, places), list(packages))
    with queued(session.lock(f"tools-{name}"), session.steps.who, f"fetching the tools of make {name}"):
        if stamp.holds(key):
            session.steps.unchanged("tools")
            return python_in(folder)
        stamp.lift()
        log.unlink(missing_ok=True)
        with session.steps.timed("tools", ", ".join(packages)):
            venv.create_bare(session.python, folder, places, env, log)
            install(session, python_in(folder), packages, log)
        stamp.press(key, [folder / "pyvenv.cfg"])
    return python_in(folder)


def install(session: Session, python: Path, arguments: Sequence[str | Path], log: Path) -> None:
    """By the pip of build/venv: an environment under build/ need not have one."""
    pip: process.Command = [session.places.python, "-m", "pip", "--python", python]
    command = [*pip, "install", "--progress-bar", "off", *arguments]
    process.run_quietly(log.stem, command, session.env(), log, session.places.root)


def check(session: Session, python: Path, log: Path) -> None:
    """pip's own word that everything fits together."""
    command = [session.places.python, "-m", "pip", "--python", python, "check"]
    process.run_quietly(log.stem, command, session.env(), log, session.places.root)
