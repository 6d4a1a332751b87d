"""Loading weights into this process, after a child process has shown that it survives that."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..errors import ProviderError
from ..redaction import register_secret
from ..weights.store import models_folder

__all__ = ["Settings", "load", "make_parameters"]

_PROBE_SECONDS = 180
_ANOTHER_MODEL = "`alloy doctor` shows how to get another model"
_ILLEGAL = {-getattr(signal, "SIGILL", 4), 0xC000001D}
_KILLED = {-getattr(signal, "SIGKILL", 9)}

# In a child: what a crash would take along is only that child. The parent's search path comes as an argument.
_PROBE = """
import json, sys
sys.path[:] = json.loads(sys.argv[2])
from alloy_nb.providers.local_load import Settings, try_out
try_out(Settings(**json.loads(sys.argv[1])))
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """How weights are loaded; `context` and `threads` are counts, `template` None takes the model's own."""

    path: str
    context: int
    threads: int
    template: str | None = None


def load(settings: Settings) -> Any:
    """An `xllamacpp.Server`. Takes about a second; `ProviderError` when it cannot be."""
    _try_in_child(settings)
    import xllamacpp

    try:
        return xllamacpp.Server(make_parameters(settings))
    except (RuntimeError, ValueError) as error:
        raise _unloadable(settings.path, str(error)) from error


def make_parameters(settings: Settings) -> Any:
    """llama.cpp's parameters: quiet, one conversation at a time, and a port that is of no use to anybody else."""
    import xllamacpp

    key = secrets.token_urlsafe(32)
    register_secret(key)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = settings.path
    parameters.verbosity = -1  # its log would land in the user's cell
    parameters.n_ctx = settings.context
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = settings.threads
    parameters.warmup = False
    parameters.use_jinja = True
    parameters.chat_template = settings.template or ""
    # Between two batches of a prompt it calls back: that is when a stop is noticed. 64 tokens take a fraction of a
    # second on a busy core, where 256 take three, and a prompt is read as fast.
    parameters.n_batch = 64
    parameters.cache_ram_mib = 0
    # Every Server listens on a loopback port, whether one wants it or not.
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.cors_origins = "https://nobody.invalid"
    parameters.cors_origins_explicit = True
    parameters.cors_credentials = False
    parameters.cors_methods = ""
    parameters.cors_headers = ""
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.endpoint_props = False
    parameters.endpoint_metrics = False
    return parameters


def try_out(settings: Settings) -> None:
    """Load and say one word: every instruction that an answer takes has then run once. Exits with 3 on an error."""
    import xllamacpp

    try:
        server = xllamacpp.Server(make_parameters(settings))
        body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
        server.handle_chat_completions(body)
    except (RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - read by the parent
        sys.exit(3)


def _try_in_child(settings: Settings) -> None:
    """The prebuilt llama.cpp assumes a modern processor: on an older one it kills its process."""
    stamp, key = _stamp(Path(settings.path)), _stamp_key(Path(settings.path))
    if key in _survived or _read(stamp) == key or not sys.executable:
        return
    small = {"path": settings.path, "context": 256, "threads": settings.threads, "template": settings.template}
    command = [sys.executable, "-P", "-c", _PROBE, json.dumps(small), json.dumps(sys.path)]
    try:
        child = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _unloadable(settings.path, f"nothing happened within {_PROBE_SECONDS} s") from error
    except OSError:
        return  # no child processes here (a sandbox): go on without
    if child.returncode != 0:
        raise _explain(settings.path, child.returncode, child.stderr.decode("utf-8", "replace"))
    _survived.add(key)
    _write(stamp, key)


_survived: set[str] = set()


def _explain(path: str, code: int, said: str) -> ProviderError:
    if code in _ILLEGAL:
        return ProviderError(
            "the prebuilt llama.cpp uses instructions that this processor does not have (AVX2)",
            hint="build it here: `pip install --force-reinstall --no-binary xllamacpp xllamacpp`; " + _ANOTHER_MODEL,
        )
    if code in _KILLED:
        return ProviderError(
            f"the system stopped llama.cpp while it loaded {Path(path).name}: too little memory",
            hint=f"close other programs or take a smaller model; {_ANOTHER_MODEL}",
        )
    last = said.strip().splitlines()[-1:] or [f"exit code {code}"]
    return _unloadable(path, last[0])


def _unloadable(path: str, said: str) -> ProviderError:
    return ProviderError(
        f"llama.cpp cannot load {path}: {said}",
        hint="the file may be broken or of a kind that this xllamacpp does not know: "
        f"`alloy local pull NAME --verify`, or `pip install -U xllamacpp`; {_ANOTHER_MODEL}",
    )


def _stamp(path: Path) -> Path:
    folder = models_folder()
    if path.parent == folder:
        return path.with_name(path.name + ".tried")
    return folder / f".{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.tried"


def _stamp_key(path: Path) -> str:
    stat = path.stat()
    facts = (_library_version(), _processor(), str(path), stat.st_size, stat.st_mtime_ns)
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _library_version() -> str:
    try:
        return version("xllamacpp")
    except PackageNotFoundError:
        return "unknown"


@cache
def _processor() -> str:
    """What tells one kind of processor from another: the store may be shared by several machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
        return next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        return f"{platform.machine()} {platform.processor()}"


def _read(stamp: Path) -> str | None:
    try:
        return stamp.read_text("utf-8").strip()
    except OSError:
        return None


def _write(stamp: Path, key: str) -> None:
    """A stamp only saves time: where none can be written, the next process tries again."""
    try:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(key + "\n", "utf-8")
    except OSError:
        return
