"""What each front end on this machine can show: looked up in files and versions, nothing is started."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

__all__ = ["Check", "check_front_ends"]

#: What JupyterLab needs to show a live cell; the packages that bring it.
_LAB_PARTS = {"@jupyter-widgets/jupyterlab-manager": "jupyterlab_widgets", "anywidget": "anywidget"}
_STATIC = Path(__file__).parent / "notebook" / "static"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: `ok` whether it works as it is meant to, `says` what there is, and what to do."""

    name: str
    ok: bool
    says: str


def check_front_ends() -> tuple[Check, ...]:
    """All of them, in the order in which a reader needs them.

    >>> [check.name for check in check_front_ends()]
    ['terminal', 'kernel', 'live cells', 'JupyterLab']
    """
    return (_terminal(), _kernel(), _cells(), _lab())


def _terminal() -> Check:
    missing = [name for name in ("prompt_toolkit", "rich") if find_spec(name) is None]
    if missing:
        return Check("terminal", False, f"{', '.join(missing)} not installed: pip install {' '.join(missing)}")
    if os.environ.get("TERM", "") in ("", "dumb", "unknown") and sys.platform != "win32":
        return Check("terminal", True, "plain lines: TERM names no terminal that can move its cursor")
    colours = "no colours (NO_COLOR is set)" if os.environ.get("NO_COLOR") else "colours"
    return Check("terminal", True, f"editing, history and {colours}")


def _kernel() -> Check:
    number = _version("ipykernel")
    if number is None:
        return Check("kernel", False, "ipykernel is not installed: pip install ipykernel")
    loses = re.match(r"7\.[0-3](\.|$)", number)
    note = "; it loses requests now and then, which %load_ext alloy_nb mends" if loses else ""
    named = list(_kernels())
    if not named:
        return Check("kernel", False, "no kernel starts this Python: python -m ipykernel install --user")
    return Check("kernel", True, f"ipykernel {number}, as {', '.join(named)}{note}")


def _kernels() -> Iterator[str]:
    """The names of the kernels that start this very Python."""
    seen: set[str] = set()
    for folder in _jupyter_folders("kernels"):
        for file in sorted(folder.glob("*/kernel.json")):
            name = file.parent.name
            if name not in seen and _starts_this_python(file):
                yield name
            seen.add(name)


def _starts_this_python(file: Path) -> bool:
    try:
        program = str(json.loads(file.read_text("utf-8"))["argv"][0])
    except (OSError, ValueError, LookupError, TypeError):
        return False
    # A kernel within an environment says `python`, and is found there first.
    return (program in ("python", "python3") and file.is_relative_to(sys.prefix)) or _same(program, sys.executable)


def _same(one: str, other: str) -> bool:
    # Not resolved: an environment's Python is a link to one that knows nothing of its packages.
    return os.path.normcase(os.path.abspath(one)) == os.path.normcase(os.path.abspath(other))


def _cells() -> Check:
    missing = [name for name in ("anywidget", "ipywidgets") if find_spec(name) is None]
    if missing:
        return Check("live cells", False, f"{', '.join(missing)} not installed: pip install {' '.join(missing)}")
    if not any(_STATIC.glob("*.js")):
        return Check("live cells", False, "the page's part is not in this installation: install alloy-nb again")
    return Check("live cells", True, f"anywidget {_version('anywidget')}, ipywidgets {_version('ipywidgets')}")


def _lab() -> Check:
    number = _version("jupyterlab")
    if number is None:
        return Check("JupyterLab", False, "not in this environment: pip install jupyterlab")
    folders = list(_jupyter_folders("labextensions"))
    missing = [package for part, package in _LAB_PARTS.items() if not any((f / part).is_dir() for f in folders)]
    if missing:
        return Check("JupyterLab", False, f"{number}, without widgets: pip install {' '.join(missing)}")
    return Check("JupyterLab", True, f"{number}, with widgets")


def _jupyter_folders(kind: str) -> Iterator[Path]:
    """Where Jupyter looks for such things, the first one first; its own word where it is installed."""
    if find_spec("jupyter_core") is None:
        yield Path(sys.prefix, "share", "jupyter", kind)
        return
    from jupyter_core.paths import jupyter_path

    yield from map(Path, jupyter_path(kind))


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
