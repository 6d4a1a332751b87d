"""A real JupyterLab server with nothing of the person's who runs the tests: no settings, no keys, no other kernels."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps import variables
from steps.places import Places

from . import ROOT

START_SECONDS = 90.0
FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
    "MPLCONFIGDIR": "matplotlib",
}
# No pop-ups, and no save that a test did not ask for.
SETTINGS: dict[str, Any] = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}


@dataclass(frozen=True, slots=True)
class Lab:
    """A running server. `root` is where notebooks lie and kernels run, `state` holds its own folders."""

    url: str
    token: str
    root: Path
    state: Path
    log: Path

    @property
    def kernels(self) -> list[str]:
        """The kernelspecs that the set-up has made: `alloy-6.31`, …"""
        return sorted(spec.parent.name for spec in (self.state / "data" / "kernels").glob("*/kernel.json"))

    def write(self, name: str, cells: Sequence[str | Mapping[str, Any]], kernel: str = "python3") -> Path:
        """A notebook of code cells; a mapping is a whole cell, for one with outputs or of another kind."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        made = [code(cell, number) if isinstance(cell, str) else dict(cell) for number, cell in enumerate(cells)]
        spec = {"name": kernel, "display_name": kernel, "language": "python"}
        notebook = {"cells": made, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}
        path.write_text(json.dumps(notebook, indent=1), "utf-8")
        return path

    def forget_trust(self) -> None:
        """As on another person's machine: no notebook is known here."""
        with contextlib.closing(sqlite3.connect(self.state / "data" / "nbsignatures.db")) as database, database:
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'nbsignatures'").fetchone():
                database.execute("DELETE FROM nbsignatures")


def made_kernels() -> Path | None:
    """The folder of the kernelspecs that the set-up has made."""
    named = [Path(folder) / "kernels" for folder in os.environ.get("JUPYTER_PATH", "").split(os.pathsep) if folder]
    return next((folder for folder in [*named, ROOT / "build/kernels/jupyter/kernels"] if folder.is_dir()), None)


def code(source: str, number: int) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"cell-{number}",
        "metadata": {},
        "source": source,
        "execution_count": None,
        "outputs": [],
    }


OPTIONS = {
    "ServerApp.ip": "127.0.0.1",
    "ServerApp.port_retries": 0,
    "ServerApp.open_browser": False,
    "ServerApp.allow_root": True,
}
LAB = {
    "LabApp.expose_app_in_browser": True,  # window.jupyterapp, which drive.js asks
    "LabApp.news_url": None,
    "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
}


def command(root: Path, port: int) -> list[str]:
    """JupyterLab's command line."""
    return command_of([sys.executable, "-m", "jupyterlab"], LAB, root, port)


def command_of(program: Sequence[str], options: Mapping[str, Any], root: Path, port: int) -> list[str]:
    every = {**OPTIONS, "ServerApp.port": port, "ServerApp.root_dir": root, **options}
    return [*program, *(f"--{name}={value}" for name, value in every.items())]


@contextlib.contextmanager
def serve(
    base: Path,
    kernels: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    command: Callable[[Path, int], list[str]] = command,
) -> Iterator[Lab]:
    """JupyterLab under `base`, on a free port, until the end of the block; `kernels` is a folder of kernelspecs.

    `command` starts another server of Jupyter's in its place.
    """
    root, state, log = base / "notebooks", base / "state", base / "server.log"
    root.mkdir(parents=True)
    for folder in FOLDERS.values():
        (state / folder).mkdir(parents=True, mode=0o700)
    if kernels is not None and kernels.is_dir():
        shutil.copytree(kernels, state / "data" / "kernels")
    write_settings(state / "settings", {**SETTINGS, **(settings or {})})
    token, port = secrets.token_hex(16), free_port()
    with log.open("wb") as output:
        child = subprocess.Popen(
            command(root, port),
            cwd=root,
            env=environment(state, token),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        lab = Lab(f"http://127.0.0.1:{port}", token, root, state, log)
        await_answer(child, lab)
        yield lab
    finally:
        stop(child)


def environment(state: Path, token: str) -> dict[str, str]:
    """What `make` gives to its children, with folders of this server's own; no model, no key, no person's settings."""
    kept = variables.offline(variables.clean(os.environ, Places(ROOT)), "")
    kept.pop("JUPYTER_PATH", None)
    own = {name: str(state / folder) for name, folder in FOLDERS.items()}
    # The checkout, where it is not installed; no complaint of the debugger on every kernel's start.
    extra = {"JUPYTER_TOKEN": token, "PYTHONPATH": str(ROOT), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return {**kept, **own, **extra}


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    for plugin, value in settings.items():
        package, name = plugin.split(":")
        path = folder / package / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value), "utf-8")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_answer(child: subprocess.Popen[bytes], lab: Lab) -> None:
    """Until the server says that it is there. No proxy: this is our own machine."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(f"{lab.url}/api/status", headers={"Authorization": f"token {lab.token}"})
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if child.poll() is not None:
            raise RuntimeError(f"the server ended with code {child.returncode}:\n{tail(lab.log)}")
        with contextlib.suppress(OSError), opener.open(request, timeout=5):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.1)
    raise RuntimeError(f"the server did not answer within {START_SECONDS:.0f} s:\n{tail(lab.log)}")


def tail(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-3000:]


def stop(child: subprocess.Popen[bytes]) -> None:
    """SIGTERM shuts the kernels down with it; what does not end so is killed with its group."""
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(15)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL) if os.name == "posix" else child.kill()
        child.wait()
