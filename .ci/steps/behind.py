"""A bare virtual environment with packages of its own; all else, the checkout too, is in build/venv behind it."""

from collections.abc import Sequence
from pathlib import Path

from . import process, venv
from .interpreter import Candidate
from .places import Places, python_in
from .variables import Variables

LINK = "alloy-environment.pth"
SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"


def make(name: str, folder: Path, places: Places, python: Candidate, env: Variables) -> Path:
    """The environment, without packages; the link that shows it is whole. `name` is that of its log."""
    log = places.log(name)
    venv.create_bare(python, folder, places, env, log)
    link = site_packages(name, python_in(folder), places, env) / LINK
    # addsitedir appends, so what is installed here comes first; it reads the .pth files
    # there too, one of which is the checkout's.
    link.write_text(
        f"import site; site.addsitedir({str(site_packages(name, places.python, places, env))!r})\n", "utf-8"
    )
    return link


def install(name: str, folder: Path, places: Places, env: Variables, arguments: Sequence[str]) -> None:
    """What is behind it already is not installed, unless `arguments` say so."""
    pip: process.Command = [places.python, "-m", "pip", "--python", python_in(folder)]
    process.run_quietly(
        name, [*pip, "install", "--progress-bar", "off", *arguments], env, places.log(name), places.root
    )


def site_packages(name: str, python: Path, places: Places, env: Variables) -> Path:
    return Path(process.ask([python, "-I", "-c", SITE], env, places.log(name), places.root))
