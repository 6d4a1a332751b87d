"""An environment's folder: made by venv, or by virtualenv where venv cannot."""

import os
import shutil
import subprocess
from pathlib import Path

from . import index, process
from .failure import Failure
from .interpreter import Candidate, dotted
from .places import Places
from .variables import Variables


def create(python: Candidate, places: Places, env: Variables) -> None:
    """Make the environment's folder afresh, with a pip that runs."""
    remove(places.venv)
    log = places.log(places.label)
    try:
        command: process.Command = [python.executable, "-I", "-m", "venv", places.venv]
        process.run_quietly(places.label, command, env, log, places.root)
        has_pip(places, env, log)
    except Failure as failure:
        # Debian without python3-venv, a Python built without ensurepip, a half-removed one.
        with log.open("a") as file:
            file.write(f"venv does not work here ({failure.cause}); trying virtualenv\n")
        remove(places.venv)
        create_otherwise(python, places, env)


def create_otherwise(python: Candidate, places: Places, env: Variables) -> None:
    """virtualenv brings a pip of its own."""
    log = places.log(places.label)
    with_virtualenv(python, places.venv, places, env, log)
    has_pip(places, env, log)


def create_bare(python: Candidate, folder: Path, places: Places, env: Variables, log: Path) -> None:
    """Another environment, without a pip: build/venv's installs into it (`pip --python`)."""
    remove(folder)
    try:
        command: process.Command = [python.executable, "-I", "-m", "venv", "--without-pip", folder]
        process.run_quietly(folder.name, command, env, log, places.root)
    except Failure:
        remove(folder)
        with_virtualenv(python, folder, places, env, log, "--no-seed")


def with_virtualenv(python: Candidate, folder: Path, places: Places, env: Variables, log: Path, *options: str) -> None:
    """virtualenv itself goes to a folder under build/, so a Python that is "externally managed"
    (PEP 668) has nothing against it."""
    target = places.build / "bootstrap"
    pip, pip_env = find_pip(python, places, env)
    install = [*pip, "install", "--target", target, "--upgrade", "virtualenv"]
    process.run_quietly(places.label, install, pip_env, log, places.root)
    make: process.Command = [python.executable, "-s", "-m", "virtualenv", "--no-periodic-update", *options, folder]
    own = env | {"PYTHONPATH": str(target), "VIRTUALENV_OVERRIDE_APP_DATA": str(places.cache / "v")}
    process.run_quietly(places.label, make, own, log, places.root)


def find_pip(python: Candidate, places: Places, env: Variables) -> tuple[list[str | Path], Variables]:
    """A pip command for `python`: its own, else a wheel from the index run in place."""
    own = [python.executable, "-s", "-m", "pip"]
    if subprocess.run([*own, "--version"], env=env, capture_output=True).returncode == 0:
        return list(own), env
    wheel = index.fetch("pip", places.build / "bootstrap-pip", env, places.log(places.label))
    return list(own), env | {"PYTHONPATH": str(wheel)}


def has_pip(places: Places, env: Variables, log: Path) -> None:
    process.run_quietly(places.label, [places.python, "-m", "pip", "--version"], env, log, places.root)


def remove(folder: Path) -> None:
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise Failure.of_os_error(error, f"cannot remove {folder}") from error


def identity(python: Candidate, places: Places) -> list[str]:
    """What a venv depends on. Its own path is in every script that it holds."""
    return [dotted(python.version), python.platform, str(places.root), os.name]
