"""pip's settings: the user's index, proxy and certificates are kept, everything else is left out.

They come from configuration files and from variables. All that is kept goes into variables, and the files are turned
off: a `target`, `prefix` or `user` there would lead packages away from the environment.
"""

import configparser
import os
import sys
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
        parser = read(file)
        for section in SECTIONS:
            if parser.has_section(section):
                found |= {as_variable(name): " ".join(value.split()) for name, value in parser.items(section)}
    found |= {name: value for name, value in environ.items() if value}
    return {name: value for name, value in found.items() if name in KEPT and value} | NO_FILES


def read(file: Path) -> configparser.RawConfigParser:
    """One that is not there, or may not be read, holds nothing. A fault is told without its line: keys stand there."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(file.read_bytes().decode("utf-8"))
        return parser
    except OSError:
        return parser
    except UnicodeDecodeError as error:
        line, fault = error.object.count(b"\n", 0, error.start) + 1, "it is not UTF-8"
    except configparser.MissingSectionHeaderError as error:
        line, fault = error.lineno, "it stands in no [section]"
    except configparser.ParsingError as error:
        line, fault = error.errors[0][0], "it is no `name = value`"
    raise Failure(f"pip's configuration {file} cannot be read: line {line}: {fault}", "correct it")


def as_variable(name: str) -> str:
    """`--Index_URL` and `index-url` are the same setting."""
    return "PIP_" + name.lower().removeprefix("--").replace("-", "_").upper()


def files(environ: Mapping[str, str], platform: str = sys.platform) -> list[Path]:
    """In pip's order: the machine's, the user's, the one that is named."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    folders = {"win32": of_windows, "darwin": of_macos}.get(platform, of_unix)(environ)
    paths = [folder / ("pip.ini" if platform == "win32" else "pip.conf") for folder in folders]
    return [*paths, Path(named)] if named else paths


def of_windows(environ: Mapping[str, str]) -> list[Path]:
    home = Path(environ.get("USERPROFILE") or environ.get("HOME") or os.curdir)
    return [Path(environ.get("PROGRAMDATA", "")) / "pip", home / "pip", Path(environ.get("APPDATA", "")) / "pip"]


def of_macos(environ: Mapping[str, str]) -> list[Path]:
    home, support = Path(environ.get("HOME") or os.curdir), "Library/Application Support/pip"
    users = home / support
    return [Path("/") / support, home / ".pip", users if users.is_dir() else home / ".config/pip"]


def of_unix(environ: Mapping[str, str]) -> list[Path]:
    home = Path(environ.get("HOME") or os.curdir)
    everyones = reversed((environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"))
    machines = [*(Path(folder) / "pip" for folder in everyones if folder), Path("/etc")]
    return [*machines, home / ".pip", Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip"]
