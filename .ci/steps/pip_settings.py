"""pip's settings: the user's index, proxy and certificates are kept, everything else is left out.

They come from configuration files and from variables. All that is kept goes into variables, and the files are turned
off: a `target`, `prefix` or `user` there would lead packages away from the environment.
"""

import configparser
import os
from collections.abc import Mapping
from pathlib import Path

from .failure import Failure

KEPT = {
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_TRUSTED_HOST", "PIP_CERT",
    "PIP_CLIENT_CERT", "PIP_PROXY", "PIP_CACHE_DIR", "PIP_DEFAULT_TIMEOUT",
    "PIP_TIMEOUT", "PIP_RETRIES", "PIP_KEYRING_PROVIDER", "PIP_USE_FEATURE", "PIP_USE_DEPRECATED",
}  # fmt: skip
SECTIONS = ("global", "install")  # the later one counts
NO_FILES = {"PIP_CONFIG_FILE": os.devnull}


def kept(environ: Mapping[str, str]) -> dict[str, str]:
    """As variables: what the files say of the kept settings, then what variables say; no file for pip to read."""
    found: dict[str, str] = {}
    for file in files(environ):
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(file, "utf-8")  # one that is not there, or may not be read, is passed over
        except (configparser.Error, UnicodeDecodeError) as error:
            raise Failure(f"pip's configuration {file} cannot be read: {error}", "correct it") from error
        for section in SECTIONS:
            if parser.has_section(section):
                found |= {as_variable(name): " ".join(value.split()) for name, value in parser.items(section)}
    found |= {name: value for name, value in environ.items() if value}
    return {name: value for name, value in found.items() if name in KEPT and value} | NO_FILES


def as_variable(name: str) -> str:
    """`--Index_URL` and `index-url` are the same setting."""
    return "PIP_" + name.lower().removeprefix("--").replace("-", "_").upper()


def files(environ: Mapping[str, str]) -> list[Path]:
    """In pip's order: the machine's, the user's, the one that is named."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or os.curdir)
    if os.name == "nt":
        folders = [
            Path(environ.get("PROGRAMDATA", "")) / "pip",
            home / "pip",
            Path(environ.get("APPDATA", "")) / "pip",
        ]
    else:
        everyones = reversed((environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep))
        folders = [*(Path(folder) / "pip" for folder in everyones if folder), Path("/etc"), home / ".pip"]
        folders += [home / "Library/Application Support/pip"] if os.path.isdir("/Library/Application Support") else []
        folders += [Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip"]
    paths = [folder / ("pip.ini" if os.name == "nt" else "pip.conf") for folder in folders]
    return [*paths, Path(named)] if named else paths
