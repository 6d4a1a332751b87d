"""The wheel in an environment of its own, used by somebody who has nothing else: no settings, no home, few programs."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from . import first_steps, process, tools, venv
from .failure import Failure, diagnose
from .places import python_in
from .session import Session
from .variables import Variables

PROGRAMS = ("sh", "bash", "true")  # the built-in tool `bash` wants a shell; nothing else is there
MOST_PACKAGES = 30  # in a base install, beyond what JupyterLab brings
MOST_SECONDS = 2.0  # for an import, on a machine that does other things as well
SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Newcomer:
    """`env` is all that their programs are told."""

    session: Session
    folder: Path
    env: Variables
    log: Path

    @property
    def python(self) -> Path:
        return python_in(self.folder / "env")

    def run(self, *command: str | Path, code: int = 0) -> str:
        """One of their programs, in an empty folder; what it said."""
        ended, said = process.run_limited(command, self.env, self.log, self.folder / "work", SECONDS)
        if ended != code:
            raise diagnose(f"newcomer: {' '.join(map(str, command))[:80]}", said, self.log)
        return said

    def expect(self, what: str, said: str) -> None:
        if what not in said:
            raise Failure(f"newcomer: {what!r} was not said", "read what was said in the log", self.log)


def make(session: Session) -> Newcomer:
    """A new environment, an empty home, a PATH of the environment and a few links."""
    folder, log = session.places.build / "newcomer", session.places.log("newcomer")
    log.unlink(missing_ok=True)
    venv.remove(folder)
    for name in ("home", "work", "programs"):
        (folder / name).mkdir(parents=True)
    for name in PROGRAMS:
        found = shutil.which(name)
        if found and os.name == "posix":
            (folder / "programs" / name).symlink_to(found)
    venv.create_bare(session.python, folder / "env", session.places, session.env(), log)
    scripts = python_in(folder / "env").parent
    env = {
        "PATH": os.pathsep.join([str(scripts), str(folder / "programs")]),
        "HOME": str(folder / "home"),
        "LANG": "C.UTF-8",
        "OLLAMA_HOST": "127.0.0.1:1",  # one that runs here is none of theirs
    }
    if os.name == "nt":
        env |= {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if name in os.environ}
        env["USERPROFILE"] = env["HOME"]
    return Newcomer(session, folder, env, log)


def try_out(session: Session, wheel: Path) -> None:
    """Install, ask, look; then the same with JupyterLab."""
    steps = session.steps
    with steps.timed("install", "the wheel in a new environment"):
        one = make(session)
        tools.install(session, one.python, [wheel], one.log)
        tools.check(session, one.python, one.log)
    base = set(one.run(one.python, first_steps.__file__, "packages").split())
    with steps.timed("command line", "alloy doctor, alloy -p, imports, what the package brings"):
        use(one)
    with steps.timed("with lab", "JupyterLab beside it, %load_ext in a kernel"):
        tools.install(session, one.python, [f"{wheel}[lab]"], one.log)
        tools.check(session, one.python, one.log)
        one.expect("a kernel answered: Hello there.", one.run(one.python, first_steps.__file__, "kernel"))
    labs = set(one.run(one.python, first_steps.__file__, "packages", "jupyterlab").split())
    beyond = sorted(base - labs - {"alloy-nb"})
    session.terminal.line(f"a base install has {len(base)} packages, {len(beyond)} beyond JupyterLab's: ", "bold")
    session.terminal.line(f"  {', '.join(beyond)}")
    if len(beyond) > MOST_PACKAGES:
        raise Failure(f"newcomer: {len(beyond)} packages beyond JupyterLab's", f"at most {MOST_PACKAGES}")


def use(one: Newcomer) -> None:
    """What somebody does first. Their doctor has no model to offer, and says what to do."""
    said = one.run("alloy", "doctor", code=1)
    one.expect("alloy local pull smollm2", said)
    work = one.folder / "work"
    (work / "answers.jsonl").write_text('{"text": "Hello there."}\n')
    one.expect("Hello there.", one.run("alloy", "-p", "hi", "-m", "scripted:answers.jsonl"))
    call = '{"text": "I do.", "tool_calls": [{"name": "bash", "input": {"command": "echo made > made"}}]}\n'
    (work / "call.jsonl").write_text(call + '{"text": "Done."}\n')
    if os.name == "posix":
        said = one.run("alloy", "-p", "go", "-t", "bash", "--approval", "auto", "-m", "scripted:call.jsonl")
        one.expect("Done.", said)
        if (work / "made").read_text() != "made\n":
            raise Failure("newcomer: the tool bash did not run its command", log=one.log)
    one.expect("everything is there", one.run(one.python, first_steps.__file__, "data"))
    took = min(seconds(one, "import alloy_nb") - seconds(one, "pass") for _ in range(3))
    one.session.terminal.line(f"import alloy_nb takes {max(took, 0) * 1000:.0f} ms beyond bare Python")
    if took > MOST_SECONDS:
        raise Failure(f"newcomer: import alloy_nb takes {took:.1f} s", "import heavy libraries inside functions")


def seconds(one: Newcomer, code: str) -> float:
    began = time.monotonic()
    one.run(one.python, "-c", code)
    return time.monotonic() - began
