"""Child processes: quiet ones that write a log, loud ones that a person watches."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from .failure import Failure, diagnose
from .variables import Variables

Command = Sequence[str | Path]


def run_quietly(step: str, command: Command, env: Variables, log: Path, cwd: Path) -> None:
    """Run `command`, its output going to the end of `log`; a failure is explained from there."""
    with append(log) as file:
        file.write(f"$ {' '.join(map(str, command))}\n".encode())
        file.flush()
        began = file.tell()
        child = begin(command, env, cwd, stdout=file, stderr=subprocess.STDOUT)
        with Watching(log, began):
            code = wait(child)
    if code != 0:
        text = log.read_bytes()[began:].decode("utf-8", "replace")
        raise diagnose(step, text, log)


def ask(command: Command, env: Variables, log: Path, cwd: Path) -> str:
    """The last line that a quick `command` prints."""
    code, said = run_limited(command, env, log, cwd, 60.0)
    lines = said.strip().splitlines()
    if code != 0 or not lines:
        raise diagnose(log.stem, said, log)
    return lines[-1].strip()


def run_loudly(command: Command, env: Variables, log: Path, cwd: Path) -> tuple[int, str]:
    """Run `command` for a person to watch, with a copy in `log`: (exit code, its output)."""
    kept = bytearray()
    with append(log) as file:
        child = begin(command, env, cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert child.stdout is not None
        copier = threading.Thread(target=copy, args=(child.stdout, file, kept), daemon=True)
        copier.start()
        code = wait(child)
        copier.join(5)  # a grandchild may hold the pipe open for ever
    return code, kept.decode("utf-8", "replace")


def run_limited(command: Command, env: Variables, log: Path, cwd: Path, seconds: float) -> tuple[int | None, str]:
    """Run `command` quietly for at most `seconds`: (exit code or None when it was stopped, its output).

    It has a process group of its own, which is ended with it: a browser that hangs leaves children behind.
    """
    with append(log) as file:
        file.write(f"$ {' '.join(map(str, command))}\n".encode())
        file.flush()
        began = file.tell()
        child = begin(command, env, cwd, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
        code: int | None = None
        try:
            with Watching(log, began), suppress(subprocess.TimeoutExpired):
                code = child.wait(seconds)
        finally:
            end_group(child)
        if code is None:
            file.write(f"stopped after {seconds:.0f} s\n".encode())
    return code, log.read_bytes()[began:].decode("utf-8", "replace")


def end_group(child: "subprocess.Popen[bytes]") -> None:
    """End a child that leads a process group, and what is left of the group."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()


def copy(source: IO[bytes], log: IO[bytes], kept: bytearray) -> None:
    """As it comes, not by the line: a progress line has no end until it is done."""
    while chunk := os.read(source.fileno(), 65536):
        log.write(chunk)
        log.flush()
        kept += chunk
        sys.stdout.flush()
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


def append(log: Path) -> IO[bytes]:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("ab")
    except OSError as error:
        raise Failure.of_os_error(error, f"cannot write {log}") from error


def begin(command: Command, env: Variables, cwd: Path, **options: Any) -> "subprocess.Popen[bytes]":
    """Start a child without our standard input: none of them may stop to ask."""
    try:
        return subprocess.Popen(
            [str(part) for part in command],
            env=env,
            cwd=str(cwd),
            stdin=subprocess.DEVNULL,
            **options,
        )
    except OSError as error:
        raise Failure.of_os_error(error, f"cannot start {command[0]}") from error


def wait(child: "subprocess.Popen[bytes]", patience: float = 10.0) -> int:
    """Its exit code. Whatever ends the wait early ends the child too, gently first."""
    try:
        return child.wait()
    except KeyboardInterrupt:
        # The terminal has told the child as well; give it time to tidy up.
        with suppress(subprocess.TimeoutExpired):
            child.wait(patience / 2)
        raise
    finally:
        stop(child, patience / 2)


def stop(child: "subprocess.Popen[bytes]", patience: float = 10.0) -> None:
    """End a child that may still run."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class Watching:
    """While a quiet step runs, a terminal shows the last line of its log, over and over."""

    def __init__(self, log: Path, began: int) -> None:
        self.log, self.began = log, began
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.show, daemon=True)

    def __enter__(self) -> None:
        if sys.stdout.isatty():
            self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.done.set()
        if self.thread.ident is not None:
            self.thread.join()
            print("\r\x1b[K", end="", flush=True)

    def show(self) -> None:
        began = time.monotonic()
        while not self.done.wait(0.5):
            width = shutil.get_terminal_size().columns - 12
            line = "".join(c for c in self.last_line() if c.isprintable())[: max(width, 10)]
            print(f"\r\x1b[K{time.monotonic() - began:5.0f} s  {line}", end="", flush=True)

    def last_line(self) -> str:
        with self.log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(self.began, end - 2000))
            lines = file.read().decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
