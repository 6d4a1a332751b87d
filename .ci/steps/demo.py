"""make demo: the quickstart, executed on the embedded model while you watch."""

import subprocess
import time
from pathlib import Path

from . import execute, process, venv
from .failure import Failure, diagnose
from .lab import keep_linked, serve
from .lock import exclusive
from .session import Session
from .tail import Record, Tail, in_order
from .transcript import Transcript
from .variables import offline

INTERVAL = 0.03  # seconds between two looks at the events


def demo(session: Session) -> int:
    """Execute a copy of the quickstart; then tell where it lies, or open it."""
    with session.prepared(), exclusive(session.lock("demo"), session.steps.who, "running the demo"):
        with session.steps.timed("demo", "the quickstart on the embedded model, offline"):
            executed = run_notebook(session)
        tell_where(session, executed)
        session.steps.table()
        if session.has_display():
            session.terminal.line("opening it in JupyterLab; Ctrl-C ends that", "dim")
            serve(session, executed)
    return 0


def run_notebook(session: Session) -> Path:
    """The executed copy, in build/demo. Its cells run in build/demo/work, empty each time."""
    places = session.places
    if not places.quickstart.exists():
        raise Failure(f"{places.show(places.quickstart)} is missing", "restore it: git checkout")
    venv.remove(places.demo)
    work = places.demo / "work"
    work.mkdir(parents=True)
    events, progress = places.demo / "events.jsonl", places.demo / "progress.jsonl"
    executed = places.demo / places.quickstart.name
    keep_linked(places.quickstart, places.demo)
    log = places.log("demo")
    log.unlink(missing_ok=True)
    files = [places.quickstart, executed, executed.with_suffix(".html"), progress, work]
    env = offline(session.env(), "local", ALLOY_EVENTS=str(events))
    with process.append(log) as output:
        child = process.begin(
            [places.python, execute.__file__, *files],
            env,
            work,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        failed = follow(child, Tail(events), Tail(progress), Transcript(session.terminal))
    session.terminal.fresh()
    judge(child.returncode, failed, log)
    return executed


def follow(child: "subprocess.Popen[bytes]", events: Tail, progress: Tail, transcript: Transcript) -> Record | None:
    """Show events as they come, until the child has ended; the record of a failed cell."""
    failed = None
    try:
        ended = False
        while not ended:
            ended = child.poll() is not None  # before reading, so that nothing is missed
            # Progress first: what a cell did was written before the next cell is announced.
            told = progress.read()
            for record in in_order(events.read(), told):
                transcript.show(record)
                if record.get("event") == "failed":
                    failed = record
            if not ended:
                time.sleep(INTERVAL)
    finally:
        process.stop(child)
    return failed


def judge(code: int, failed: Record | None, log: Path) -> None:
    """A failed cell is told by its number; anything else by the end of the log."""
    if failed is not None:
        told = failed["payload"]
        raise Failure(
            f"demo: cell {told['number']} failed: {told['message'][:300]}",
            "read the cell's traceback in the log; the notebook up to it is in build/demo/",
            log,
        )
    if code != 0:
        raise diagnose("demo", log.read_text("utf-8", "replace"), log)


def tell_where(session: Session, executed: Path) -> None:
    """Full paths, so that a terminal can open them."""
    session.terminal.line()
    session.terminal.line(f"notebook  {executed}")
    session.terminal.line(f"as HTML   {executed.with_suffix('.html')}")
    session.terminal.line("make lab opens it to play with", "dim")
