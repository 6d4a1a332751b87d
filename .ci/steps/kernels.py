"""Three kernels of different ages in environments of their own, for the tests: what a cell hears differs between them.

Each is a bare virtual environment that holds its own ipykernel and sees everything else, the checkout too, in
build/venv behind it: two seconds and some hundred kilobytes each.
"""

import json
from pathlib import Path

from . import process, venv
from .interpreter import Candidate
from .places import Places, python_in
from .stamps import Stamp, digest
from .variables import Variables

# The oldest that is supported, the last before replies were routed to subshells, and today's.
KERNELS = {"alloy-6.31": "ipykernel==6.31.*", "alloy-7.3": "ipykernel==7.3.*", "alloy-newest": "ipykernel>=7,<8"}
BEHIND = "alloy-environment.pth"
SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"


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

    def key(self) -> str:
        return digest(self.environment, KERNELS, str(self.places.kernels), Path(__file__))

    def is_fresh(self) -> bool:
        return self.stamp.holds(self.key())

    def make(self) -> None:
        self.stamp.lift()
        self.places.log(self.name).unlink(missing_ok=True)
        venv.remove(self.places.kernels)
        behind = self.site_packages(self.places.python)
        made = [file for name in KERNELS for file in self.make_one(name, behind)]
        self.stamp.press(self.key(), made)

    def make_one(self, name: str, behind: str) -> list[Path]:
        """One environment and its kernelspec; files that show they are whole."""
        log, folder = self.places.log(self.name), self.places.kernels / name
        venv.create_bare(self.python, folder, self.places, self.env, log)
        python = python_in(folder)
        link = Path(self.site_packages(python)) / BEHIND
        # addsitedir appends, so what is installed here comes first; it reads the .pth files
        # there too, one of which is the checkout's.
        link.write_text(f"import site; site.addsitedir({behind!r})\n", "utf-8")
        pip: process.Command = [self.places.python, "-m", "pip", "--python", python]
        install = [*pip, "install", "--progress-bar", "off", "--upgrade", KERNELS[name]]
        process.run_quietly(self.name, install, self.env, log, self.places.root)
        process.run_quietly(self.name, [python, "-c", "import ipykernel, alloy_nb"], self.env, log, self.places.root)
        return [link, self.register(name, python)]

    def register(self, name: str, python: Path) -> Path:
        spec = self.jupyter / "kernels" / name / "kernel.json"
        spec.parent.mkdir(parents=True)
        argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec.write_text(json.dumps({"argv": argv, "display_name": name, "language": "python"}, indent=1) + "\n")
        return spec

    def site_packages(self, python: Path) -> str:
        return process.ask([python, "-I", "-c", SITE], self.env, self.places.log(self.name), self.places.root)
