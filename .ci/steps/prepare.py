"""The two steps before any other: the environment and the demo model's weights."""

import tomllib
from pathlib import Path

from . import process, venv
from .failure import Failure, diagnose
from .interpreter import Candidate
from .lock import Lock, queued
from .places import Places
from .stamps import Stamp, digest
from .timings import Steps
from .variables import Variables

EXTRAS = "lab,local,dev"
WEIGHTS = "smollm2"


class Preparation:
    """Makes what is missing or out of date. While it is held, nobody changes it under us."""

    def __init__(self, places: Places, python: Candidate, env: Variables, steps: Steps) -> None:
        self.places, self.python, self.env, self.steps = places, python, env, steps
        self.name = places.label
        self.lock = Lock(places.build / "locks" / self.name, steps.who)
        self.venv = Stamp(places.stamps / "venv")
        self.packages = Stamp(places.stamps / "packages")
        self.weights = Stamp(places.stamps / "weights")

    def run(self, *, weights: bool) -> None:
        """Bring the environment up to date, and the weights when they are wanted."""
        wanted = [self.name, "weights"] if weights else [self.name]
        gate = self.places.build / "locks" / "preparing"
        with queued(gate, self.steps.who, "preparing the environment"):
            stale = [name for name in wanted if not self.is_fresh(name)]
            if stale:
                self.take_alone(stale[0])
            for name in wanted:
                if name in stale:
                    with self.steps.timed(name, self.describe(name)):
                        self.make(name)
                else:
                    self.steps.unchanged(name)
            self.lock.acquire(shared=True)

    def take_alone(self, what: str) -> None:
        """Packages are not changed under a program that uses them, such as an open JupyterLab."""
        if not self.lock.acquire():
            raise Failure(
                f"the {what} must be changed, but {self.lock.holder()} is using it",
                "end that one, then run the same command again",
            )

    def describe(self, name: str) -> str:
        if name == self.name:
            return f"Python {'.'.join(map(str, self.python.version))}, {EXTRAS} (a few minutes)"
        return "the embedded demo model"

    def is_fresh(self, name: str) -> bool:
        if name == "weights":
            return self.weights.holds(self.weights_key())
        return self.packages.holds(self.packages_key()) and self.has_venv()

    def make(self, name: str) -> None:
        if name == "weights":
            self.pull_weights()
        else:
            self.make_environment()

    def has_venv(self) -> bool:
        return self.venv.holds(self.venv_key()) and self.places.python.exists()

    def venv_key(self) -> str:
        return digest(venv.identity(self.python, self.places), Path(venv.__file__))

    def packages_key(self) -> str:
        """Only what an installation reads: settings of ruff or pytest change nothing here."""
        try:
            project = tomllib.loads((self.places.root / "pyproject.toml").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise Failure(f"pyproject.toml cannot be read: {error}", "correct it") from error
        hatch = project.get("tool", {}).get("hatch", {})
        version = hatch.get("version", {}).get("path")  # an installation says which it is
        text = (self.places.root / version).read_text("utf-8") if version else ""
        return digest(self.venv_key(), project.get("build-system"), project.get("project"), hatch, text, EXTRAS)

    def weights_key(self) -> str:
        return digest(WEIGHTS, str(self.places.data))

    def make_environment(self) -> None:
        self.packages.lift()
        log = self.places.log(self.name)
        log.unlink(missing_ok=True)
        if not self.has_venv():
            self.venv.lift()
            venv.create(self.python, self.places, self.env)
            self.venv.press(self.venv_key())
        pip: process.Command = [self.places.python, "-m", "pip", "install", "--progress-bar", "off"]
        command = [*pip, "--editable", f".[{EXTRAS}]"]
        process.run_quietly(self.name, command, self.env, log, self.places.root)
        self.packages.press(self.packages_key())

    def pull_weights(self) -> None:
        """The library's own command: it resumes, verifies, and tells size and rate."""
        self.weights.lift()
        log = self.places.log("weights")
        log.unlink(missing_ok=True)
        self.places.data.mkdir(parents=True, exist_ok=True)
        command: process.Command = [self.places.python, "-m", "alloy_nb", "local", "pull", WEIGHTS]
        code, said = process.run_loudly(command, self.env, log, self.places.root)
        if code != 0:
            raise diagnose("weights", said, log)
        made = sorted(self.places.data.rglob("*.gguf"))
        if not made:
            raise Failure(f"weights: no file of weights in {self.places.data}", log=log)
        self.weights.press(self.weights_key(), made)
