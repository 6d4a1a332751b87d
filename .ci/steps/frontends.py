"""Other front ends than JupyterLab in an environment of their own, for the tests: Notebook 7, papermill and marimo.

It has build/venv behind it, so that JupyterLab's own tests see nothing of them.
"""

import tomllib
from pathlib import Path

from . import behind, process
from .interpreter import Candidate
from .places import Places, python_in
from .stamps import Stamp, digest
from .variables import Variables

# Jupyter looks for what a page needs in the folders of the environment that it runs in.
PAGES = ["jupyterlab", "jupyterlab_widgets", "anywidget"]
IMPORTS = "import notebook, papermill, marimo, alloy_nb"


class FrontEnds:
    """The part "frontends" of a preparation."""

    name = "frontends"
    about = "Notebook 7, papermill, marimo"

    def __init__(self, places: Places, python: Candidate, env: Variables, environment: str) -> None:
        self.places, self.python, self.env = places, python, env
        self.environment = environment  # the key of what lies behind it
        self.stamp = Stamp(places.stamps / self.name)

    @property
    def folder(self) -> Path:
        return self.places.build / self.name

    @property
    def variables(self) -> Variables:
        """How the tests find it."""
        return {"ALLOY_FRONTENDS": str(python_in(self.folder))}

    def packages(self) -> list[str]:
        """As pyproject.toml names them."""
        project = tomllib.loads((self.places.root / "pyproject.toml").read_text("utf-8"))["project"]
        return list(project["optional-dependencies"]["frontends"])

    def key(self) -> str:
        return digest(self.environment, self.packages(), str(self.folder), Path(__file__), Path(behind.__file__))

    def is_fresh(self) -> bool:
        return self.stamp.holds(self.key())

    def make(self) -> None:
        self.stamp.lift()
        log = self.places.log(self.name)
        log.unlink(missing_ok=True)
        link = behind.make(self.name, self.folder, self.places, self.python, self.env)
        behind.install(self.name, self.folder, self.places, self.env, self.packages())
        behind.install(self.name, self.folder, self.places, self.env, ["--ignore-installed", "--no-deps", *PAGES])
        process.run_quietly(self.name, [python_in(self.folder), "-c", IMPORTS], self.env, log, self.places.root)
        self.stamp.press(self.key(), [link])
