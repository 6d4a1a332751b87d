"""Where things lie. Everything that the steps make is under build/, which git ignores."""

import os
from dataclasses import dataclass
from pathlib import Path

from .failure import Failure

VERSIONS = ("3.11", "3.12", "3.13")  # the supported Pythons
MAIN = "venv"  # beside it, others in versions/3.12 and so on


@dataclass(frozen=True, slots=True)
class Places:
    """The folders and files of one work tree. `environment` is the environment's folder under build/."""

    root: Path
    environment: str = MAIN

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def venv(self) -> Path:
        return self.build / self.environment

    @property
    def label(self) -> str:
        """The environment's name in tables, logs and locks."""
        return "environment" if self.environment == MAIN else f"environment-{Path(self.environment).name}"

    @property
    def python(self) -> Path:
        """The environment's Python."""
        return python_in(self.venv)

    @property
    def data(self) -> Path:
        return self.build / "data"

    @property
    def demo(self) -> Path:
        return self.build / "demo"

    @property
    def cache(self) -> Path:
        return self.build / "cache"

    @property
    def home(self) -> Path:
        """Stands in for a home folder that cannot be written."""
        return self.build / "home"

    @property
    def jupyter(self) -> Path:
        return self.build / "jupyter"

    @property
    def kernels(self) -> Path:
        """Environments that differ in their ipykernel only."""
        return self.build / "kernels"

    @property
    def browser(self) -> Path:
        return self.build / "browser"

    @property
    def stamps(self) -> Path:
        everyones = self.build / "stamps"
        return everyones if self.environment == MAIN else everyones / self.environment

    @property
    def quickstart(self) -> Path:
        return self.root / "notebooks" / "01-quickstart.ipynb"

    def log(self, step: str) -> Path:
        return self.build / "logs" / f"{step}.log"

    def show(self, path: Path) -> str:
        """A path as a person in this tree would type it."""
        try:
            return str(path.relative_to(self.root))
        except ValueError:
            return str(path)

    def make(self) -> None:
        """Make build/ and what every step needs in it."""
        try:
            for folder in (self.build, self.stamps, self.cache, self.log("x").parent):
                folder.mkdir(parents=True, exist_ok=True)
            probe = self.build / f".writable-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise Failure.of_os_error(error, f"cannot write {self.show(self.build)}/") from error


def python_in(venv: Path) -> Path:
    """The Python of a virtual environment."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def writable(folder: str | Path | None) -> bool:
    """Whether files can be made in `folder`, or in the nearest of its parents that exists."""
    if not folder:
        return False
    path = Path(folder)
    # Unlike Path.exists, these raise nothing where a folder above may not be looked into.
    while not os.path.exists(path):
        if path.parent == path:
            return False
        path = path.parent
    return os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK)
