"""Three kernels of different ages in environments of their own, for the tests: what a cell hears differs between them.

Each holds its own ipykernel, with build/venv behind it: two seconds and some hundred kilobytes each.
"""

import json
from pathlib import Path

from . import behind, process, venv
from .interpreter import Candidate
from .places import Places, python_in
from .stamps import Stamp, digest
from .variables import Variables

# The oldest that is supported, the last before replies were routed to subshells, and today's.
KERNELS = {"alloy-6.31": "ipykernel==6.31.*", "alloy-7.3": "ipykernel==7.3.*", "alloy-newest": "ipykernel>=7,<8"}


class Kernels:
    """The part "kernels" of a preparation. `jupyter` is the folder for JUPYTER_PATH once it is made."""

    name = "kernels"
    about = "ipykernel 6.31, 7.3 and the newest"

    def __init__(self, places: Places, python: Candidate, env: Variables, environment: str) -> None:
        self.places, self.python, self.env = places, python, env
        self.environment = environment  # the key of what lies behind them
        self.stamp = Stamp(places.stamps / self.name)

    @property
    def jupyter(self) -> Path:
        return self.places.kernels / "jupyter"

    @property
    def variables(self) -> Variables:
        """How the tests find them."""
        return {"JUPYTER_PATH": str(self.jupyter)}

    def key(self) -> str:
        return digest(self.environment, KERNELS, str(self.places.kernels), Path(__file__), Path(behind.__file__))

    def is_fresh(self) -> bool:
        return self.stamp.holds(self.key())

    def make(self) -> None:
        self.stamp.lift()
        self.places.log(self.name).unlink(missing_ok=True)
        venv.remove(self.places.kernels)
        made = [file for name in KERNELS for file in self.make_one(name)]
        self.stamp.press(self.key(), made)

    def make_one(self, name: str) -> list[Path]:
        """One environment and its kernelspec; files that show they are whole."""
        folder = self.places.kernels / name
        link = behind.make(self.name, folder, self.places, self.python, self.env)
        behind.install(self.name, folder, self.places, self.env, ["--upgrade", KERNELS[name]])
        python, log = python_in(folder), self.places.log(self.name)
        process.run_quietly(self.name, [python, "-c", "import ipykernel, alloy_nb"], self.env, log, self.places.root)
        return [link, self.register(name, python)]

    def register(self, name: str, python: Path) -> Path:
        spec = self.jupyter / "kernels" / name / "kernel.json"
        spec.parent.mkdir(parents=True)
        argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec.write_text(json.dumps({"argv": argv, "display_name": name, "language": "python"}, indent=1) + "\n")
        return spec
