"""Which Python: the first that runs and is new enough. Syntax of Python 3.6: see make.py."""

import json
import os
import shutil
import subprocess
import sys
from collections import OrderedDict
from typing import Dict, List, NamedTuple, Optional, Tuple

OLDEST = (3, 11)
NAMES = ["python3.13", "python3.12", "python3.11", "python3", "python"]
CHOSEN = "--chosen"  # the first argument once the right Python runs this script

# The base executable: a candidate may itself lie in a virtual environment, even in ours.
PROBE = (
    "import json, platform, sys, sysconfig\n"
    "print(json.dumps({'executable': getattr(sys, '_base_executable', '') or sys.executable,"
    " 'version': list(sys.version_info[:3]),"
    " 'platform': sysconfig.get_platform() + ' ' + platform.python_implementation()}))"
)

Candidate = NamedTuple("Candidate", [("executable", str), ("version", Tuple[int, int, int]), ("platform", str)])


def probe(command: str, timeout: float = 20.0) -> Tuple[Optional[Candidate], str]:
    """What `command` really is: (candidate, "") or (None, why it does not count)."""
    try:
        done = subprocess.run(
            [command, "-I", "-S", "-c", PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=timeout,
        )
    except FileNotFoundError:
        return None, "not found"
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, "does not run: {}".format(error)
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return None, "fails: {}".format(lines[0] if lines else "exit %d" % done.returncode)
    try:
        facts = json.loads(done.stdout.decode("utf-8", "replace").strip().splitlines()[-1])
        found = Candidate(facts["executable"], tuple(facts["version"]), facts["platform"])
    except (ValueError, LookupError, TypeError):
        return None, "is no Python"
    if found.version[:2] < OLDEST:
        return None, "is too old: Python {}".format(dotted(found.version))
    return found, ""


def dotted(version: Tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def candidates(root: str, environ: Dict[str, str]) -> List[str]:
    """In order: what the user names, what build/venv was made with, then the usual names.

    Keeping to the venv's own Python spares a new environment (and a download) when PATH
    changes between two calls. This script's own Python comes last: on Windows none of the
    names may be on PATH.
    """
    named = [environ["PYTHON"]] if environ.get("PYTHON") else []
    made = [
        path
        for path in (venv_python(root, "bin", "python"), venv_python(root, "Scripts", "python.exe"))
        if os.path.exists(path)
    ]
    return named + made + on_path(environ) + [sys.executable]


def on_path(environ: Dict[str, str], names: List[str] = NAMES) -> List[str]:
    """Every file of these names: behind a shim that fails there may be one that runs."""
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    found = [shutil.which(name, path=folder) for name in names for folder in folders if folder]
    return list(OrderedDict.fromkeys(path for path in found if path))


def venv_python(root: str, folder: str, name: str) -> str:
    return os.path.join(root, "build", "venv", folder, name)


def choose(root: str, environ: Dict[str, str]) -> Tuple[Optional[Candidate], List[str]]:
    """The Python to use, and one line for each candidate passed over before it."""
    refused = []  # type: List[str]
    for command in candidates(root, environ):
        found, why = probe(command)
        if found is not None:
            return found, refused
        refused.append("{}: {}".format(command, why))
    return None, refused


def explain_none(root: str, refused: List[str]) -> None:
    """Nothing suits: cause, remedy, log."""
    log = os.path.join(root, "build", "logs", "python.log")
    try:
        os.makedirs(os.path.dirname(log), exist_ok=True)
        with open(log, "w") as file:
            file.write("\n".join(refused) + "\n")
    except OSError:
        log = "none could be written"
    seen = "; ".join(refused[:3])
    wanted = dotted(OLDEST)
    sys.stderr.write("cause: no Python {} or newer was found ({})\n".format(wanted, seen))
    sys.stderr.write(
        "remedy: install Python {} or newer (https://www.python.org/downloads/),"
        " or name one: PYTHON=/path/to/python\n".format(wanted)
    )
    sys.stderr.write("log: {}\n".format(log))


def start(root: str, arguments: List[str]) -> int:
    """Run the target in the chosen Python: here when this is it, else in its own process."""
    if arguments[:1] == [CHOSEN]:
        from . import command

        return command.main(root, arguments[1], arguments[2:])
    found, refused = choose(root, dict(os.environ))
    if found is None:
        explain_none(root, refused)
        return 1
    if os.environ.get("PYTHON") and refused:
        sys.stderr.write("note: passed over {}\n".format(refused[0]))
    facts = json.dumps(found._asdict())
    script = os.path.join(root, ".ci", "make.py")
    line = [found.executable, "-I", script, CHOSEN, facts, *arguments]
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(found.executable, line)
    return subprocess.call(line)  # Windows: execv would return to the shell at once
