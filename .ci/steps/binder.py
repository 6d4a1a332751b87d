"""make binder and make binder-url: what Binder makes of binder/, tried without Docker; the link that opens it."""

import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote, urlsplit

from . import execute, process, tools, venv
from .failure import Failure
from .lock import exclusive
from .places import python_in
from .session import Session
from .variables import Variables

TOOLS = ["jupyter-repo2docker>=2025.2"]
HOSTS = {"github.com": "gh", "gitlab.com": "gl"}
SERVICE = "https://mybinder.org/v2"
OPENS = "lab/tree/notebooks/01-quickstart.ipynb"
#: What the image is made by, in this order.
IN_DOCKERFILE = ("pip install --no-cache-dir -r", "./binder/postBuild", "/binder/start")
FOUND = "The answer has the number: True"  # said by the quickstart when the model has read the file
SECONDS = 900.0


def url(session: Session) -> int:
    """The link alone, so that it can be copied or piped."""
    session.terminal.line(link(session.environ.get("REPO", ""), session.environ.get("REF") or "HEAD"))
    return 0


def link(repository: str, ref: str) -> str:
    """Where Binder opens the quickstart of this repository."""
    example = "name the repository: make binder-url REPO=https://github.com/OWNER/NAME"
    parts = urlsplit(repository.strip())
    path = parts.path.strip("/").removesuffix(".git")
    plain = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc
    if not plain or not re.fullmatch(r"[\w./-]+/[\w.-]+", path):
        wrong = f"REPO={repository} is no address of a repository" if repository else "REPO is not set"
        raise Failure(wrong, example, code=2)
    host = HOSTS.get(parts.hostname)
    if host == "gh" and path.count("/") != 1:
        raise Failure(f"REPO={repository} is no repository of GitHub", example, code=2)
    name = {"gh": path, "gl": quote(path, safe="")}.get(host or "", quote(f"https://{parts.netloc}/{path}", safe=""))
    return f"{SERVICE}/{host or 'git'}/{name}/{quote(ref, safe='')}?urlpath={quote(OPENS, safe='')}"


def binder(session: Session) -> int:
    """The Dockerfile as repo2docker writes it; then its steps in a clean environment, with an empty home."""
    with session.prepared(weights=False), exclusive(session.lock("binder"), session.steps.who, "trying Binder"):
        python = tools.bring(session, "binder", TOOLS)
        log = session.places.log("binder")
        log.unlink(missing_ok=True)
        with session.steps.timed("repo2docker", "the Dockerfile, nothing is built"):
            read_dockerfile(session, python, log)
        try_steps(session, log)
        session.steps.table()
    return 0


def read_dockerfile(session: Session, python: Path, log: Path) -> None:
    program = python.parent / "jupyter-repo2docker"
    line: process.Command = [program, "--no-build", "--debug", session.places.root]
    code, said = process.run_limited(line, session.env(), log, session.places.root, SECONDS)
    places = [said.find(part) for part in IN_DOCKERFILE]
    if code != 0 or -1 in places or places != sorted(places):
        raise Failure("repo2docker: the Dockerfile is not what binder/ should give", "read it in the log", log)


def try_steps(session: Session, log: Path) -> None:
    folder = session.places.build / "binder"
    venv.remove(folder)
    (folder / "home").mkdir(parents=True)
    repository, home = folder / "repository", folder / "home"
    copy(session, repository)
    env = variables(session, folder / "env", home)

    def run(name: str, *line: str | Path) -> None:
        process.run_quietly(name, line, env, log, repository)

    with session.steps.timed("requirements", "binder/requirements.txt in a new environment"):
        run("requirements", session.python.executable, "-I", "-m", "venv", folder / "env")
        run("requirements", "pip", "install", "--progress-bar", "off", "-r", "binder/requirements.txt")
        run("requirements", "pip", "check")
    with session.steps.timed("postBuild", "the weights, as once an image"):
        run("postBuild", "./binder/postBuild")
    with session.steps.timed("start", "jupyter lab --version"):
        run("start", "./binder/start", "jupyter", "lab", "--version")
    with session.steps.timed("quickstart", "executed there on the embedded model"):
        notebook, made = repository / "notebooks" / "01-quickstart.ipynb", folder / "executed.ipynb"
        files = [notebook, made, made.with_suffix(".html"), folder / "progress.jsonl", notebook.parent]
        run("quickstart", "./binder/start", "python", execute.__file__, *files)
        if FOUND not in made.read_text("utf-8"):
            raise Failure(f"quickstart: it does not say {FOUND!r}", f"read {session.places.show(made)}", log)


def copy(session: Session, folder: Path) -> None:
    """What a clone would have, with what is not committed yet."""
    root = session.places.root
    listed = [shutil.which("git") or "git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    said = subprocess.run(listed, cwd=root, env=session.env(), capture_output=True)
    if said.returncode != 0:
        raise Failure("binder: this is no work tree of git", "run it in a clone", code=2)
    for name in filter(None, said.stdout.decode().split("\0")):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)


def variables(session: Session, environment: Path, home: Path) -> Variables:
    """The image's: its environment first on PATH, an empty home, no key; pip's settings for this machine's network."""
    env = session.env()
    network = ("PIP_", "SSL_", "REQUESTS_")
    kept = {name: value for name, value in env.items() if name.startswith(network) or "proxy" in name.lower()}
    path = f"{python_in(environment).parent}:/usr/bin:/bin"
    return {**kept, "PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "VIRTUAL_ENV": str(environment)}
