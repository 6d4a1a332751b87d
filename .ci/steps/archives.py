"""What a wheel and an sdist hold, and what they must not."""

import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

LONGEST = 3_000_000  # bytes, of each archive
NEEDED = (
    "alloy_nb/models.json",
    "alloy_nb/notebook/static/LICENSES.txt",
    "alloy_nb/notebook/static/math.js",
    "alloy_nb/notebook/static/stub.js",
    "alloy_nb/notebook/static/widget.js",
    "alloy_nb/py.typed",
)
#: Folders and files that are for who works on the project.
FOREIGN = {"tests", "corpus", "node_modules", "__pycache__", "build", "dist", ".ipynb_checkpoints", ".env", ".git"}
TEST = re.compile(r"^(test_.*|.*_test|conftest)\.py$|\.test\.[jt]sx?$|\.py[co]$")


def files(archive: Path) -> dict[str, bytes]:
    """Its files by their names; in an sdist without the folder that all of them lie in."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("/")}
    found = {}
    with tarfile.open(archive) as sdist:
        for member in sdist:
            content = sdist.extractfile(member) if member.isfile() else None
            if content is not None:
                found[member.name.partition("/")[2]] = content.read()
    return found


def faults(archive: Path, paths: Iterable[str]) -> list[str]:
    """Everything that is wrong with it, a line each; `paths` are of this machine and must not stand in it."""
    size = archive.stat().st_size
    found = [f"{archive.name} has {size:,} bytes, more than {LONGEST:,}"] if size > LONGEST else []
    held = files(archive)
    return [f"{archive.name}: {fault}" for fault in [*missing(held), *foreign(held), *named(held, paths)]] + found


def missing(held: Mapping[str, bytes]) -> list[str]:
    """py.typed alone is empty by its nature."""
    names = [name for name in NEEDED if not (held.get(name) or (name in held and name.endswith("py.typed")))]
    return [f"{name} is not in it, or empty" for name in names]


def foreign(held: Mapping[str, bytes]) -> list[str]:
    return [
        f"{name} does not belong into it"
        for name in held
        if FOREIGN & set(PurePosixPath(name).parts) or TEST.search(PurePosixPath(name).name)
    ]


def named(held: Mapping[str, bytes], paths: Iterable[str]) -> list[str]:
    wanted = [path for path in paths if len(PurePosixPath(path).parts) > 2]  # `/root` may stand in any text
    return [f"{name} names {path}" for name, content in held.items() for path in wanted if path.encode() in content]
