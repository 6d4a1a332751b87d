"""make lab: the quickstart in JupyterLab, on a free port, until Ctrl-C."""

import contextlib
import ipaddress
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import process
from .failure import Failure, diagnose
from .places import Places
from .session import Session
from .variables import Variables, private

START_SECONDS = 90.0
EVERYWHERE = ("0.0.0.0", "::", "*")


def lab(session: Session) -> int:
    """Open the user's copy of the quickstart: one that was changed is kept."""
    source, folder = session.places.quickstart, session.places.build / "lab"
    with session.prepared():
        keep_linked(source, folder)
        serve(session, keep_copy(source, folder / source.name))
    return 0


def keep_linked(notebook: Path, folder: Path) -> None:
    """Copies of the notebooks beside this one, to which it has links."""
    for other in sorted(notebook.parent.glob("*.ipynb")):
        if other != notebook:
            keep_copy(other, folder / other.name)


def keep_copy(source: Path, target: Path) -> Path:
    """A copy to play with, renewed only while it is as it was made."""
    made = target.parent / ".copied" / target.name
    if target.exists() and made.exists() and target.read_bytes() != made.read_bytes():
        return target
    made.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    shutil.copyfile(source, made)
    return target


def serve(session: Session, notebook: Path) -> None:
    """Run JupyterLab on `notebook` until it ends or the user presses Ctrl-C."""
    host, port = address(session)
    log = session.places.log("lab")
    log.unlink(missing_ok=True)
    token = secrets.token_urlsafe(24)
    env = variables(session, token)
    with process.append(log) as output:
        child = process.begin(
            command(session, notebook, host, port),
            env,
            notebook.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for us: Jupyter would ask whether it is meant.
            start_new_session=True,
        )
        try:
            found = await_server(child, session.places, token, log)
            show(session, notebook, host, found, token)
            child.wait()
        except KeyboardInterrupt:
            session.terminal.line("stopping JupyterLab")
        finally:
            process.stop(child)


def variables(session: Session, token: str) -> Variables:
    """This is the user's own session: their keys and their model work; else the local one."""
    env = session.env(keep_keys=True)
    quiet_news(session.places)
    model = session.environ.get("ALLOY_MODEL") or "local"
    # By environment, since every user of the machine can read a command line.
    return env | {"ALLOY_MODEL": model, "JUPYTER_TOKEN": token}


def quiet_news(places: Places) -> None:
    """No pop-up that asks to fetch news, and no request to look for a newer version."""
    folder = private(places.jupyter / "settings" / "@jupyterlab" / "apputils-extension")
    setting = {"fetchNews": "false", "checkForUpdates": False}
    (folder / "notification.jupyterlab-settings").write_text(json.dumps(setting))


def command(session: Session, notebook: Path, host: str, port: int | None) -> list[str | Path]:
    """JupyterLab's command line."""
    options = [
        f"--ServerApp.ip={host}",
        f"--ServerApp.port={port or free_port(host)}",
        f"--ServerApp.root_dir={notebook.parent}",
        f"--LabApp.default_url=/lab/tree/{quote(notebook.name)}",
    ]
    if port:
        options.append("--ServerApp.port_retries=0")  # this one or none
    if not session.has_display():
        options.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    return [session.places.python, "-m", "jupyter", "lab", *options]


def address(session: Session) -> tuple[str, int | None]:
    """HOST and PORT, checked. Some shells and conda set HOST to a name: only an address counts."""
    host, wish = session.environ.get("HOST", ""), session.environ.get("PORT", "")
    with contextlib.suppress(ValueError):
        host = str(ipaddress.ip_address(host))
    if not host or not (host == "localhost" or host[0].isdigit() or ":" in host):
        if host:
            session.terminal.line(f"HOST={host} is no address; listening on 127.0.0.1", "dim")
        host = "127.0.0.1"
    if not wish:
        return host, None
    if not wish.isdigit() or not 0 < int(wish) < 65536:
        raise Failure(f"PORT={wish} is no port", "name a number from 1 to 65535, or leave it out")
    if not is_free(host, int(wish)):
        raise Failure(f"port {wish} on {host} is taken or not allowed", "name another PORT, or leave it out")
    return host, int(wish)


def family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def is_free(host: str, port: int) -> bool:
    with socket.socket(family(host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str) -> int:
    """A port that was free a moment ago; Jupyter tries the next ones if it no longer is."""
    with socket.socket(family(host)) as probe:
        try:
            probe.bind((host, 0))
        except OSError as error:
            raise Failure.of_os_error(error, f"cannot listen on {host}") from error
        return int(probe.getsockname()[1])


def await_server(child: "subprocess.Popen[bytes]", places: Places, token: str, log: Path) -> dict[str, Any]:
    """What the server says of itself, once it answers."""
    file = places.jupyter / "runtime" / f"jpserver-{child.pid}.json"
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if child.poll() is not None:
            raise diagnose("lab", log.read_text("utf-8", "replace"), log)
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads(file.read_text())
            host = found["hostname"] if found["hostname"] not in EVERYWHERE else "127.0.0.1"
            if answers(f"http://{bracket(host)}:{found['port']}/api/status", token):
                return found
        time.sleep(0.1)
    raise Failure(f"lab: JupyterLab did not answer within {START_SECONDS:.0f} s", log=log)


def answers(url: str, token: str) -> bool:
    """No proxy: this is our own machine."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}"})
    try:
        with opener.open(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.URLError:
        return False


def bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def show(session: Session, notebook: Path, host: str, found: dict[str, Any], token: str) -> None:
    """The whole address on one line, to be clicked or copied."""
    name = socket.gethostname() if host in EVERYWHERE else host
    base = f"http://{bracket(name)}:{found['port']}"
    session.terminal.line(f"JupyterLab  {base}/lab/tree/{quote(notebook.name)}?token={token}")
    if host in EVERYWHERE:
        session.terminal.line("It listens on every address of this machine.", "yellow")
    session.terminal.line("Ctrl-C stops it", "dim")
