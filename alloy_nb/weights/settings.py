"""Which package indexes the user has chosen: pip's and uv's variables, then pip's files, then PyPI."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["IndexSettings", "read_settings"]

PYPI = "https://pypi.org/simple/"
_SECTIONS = ("global", "install", "download")


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """`indexes` are URLs of simple indexes, `find_links` folders or pages; both in the order to ask them.

    `indexes` may hold passwords: show them only through `without_credentials`.
    """

    indexes: tuple[str, ...]
    find_links: tuple[str, ...] = ()
    certificates: str | None = None
    proxy: str | None = None

    def __repr__(self) -> str:
        return f"<IndexSettings of {len(self.indexes)} indexes, {len(self.find_links)} find-links>"


def read_settings(environment: Mapping[str, str] | None = None) -> IndexSettings:
    """The settings that pip and uv would go by here; a file that cannot be read or parsed counts for nothing."""
    env = os.environ if environment is None else environment
    pip = _read_pip_files(env)

    def first(*names: str, key: str) -> str | None:
        found = (env[name].strip() for name in names if env.get(name, "").strip())
        return next(found, None) or pip.get(key)

    index = first("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", key="index-url") or PYPI
    extra = first("PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX", key="extra-index-url") or ""
    links = first("PIP_FIND_LINKS", "UV_FIND_LINKS", key="find-links") or ""
    no_index = (first("PIP_NO_INDEX", "UV_NO_INDEX", key="no-index") or "").lower() in ("1", "true", "yes", "on")
    urls = () if no_index else (index, *extra.split())
    return IndexSettings(
        indexes=tuple(dict.fromkeys(_without_label(url) for url in urls)),
        find_links=tuple(links.replace(",", " ").split()),
        certificates=first("PIP_CERT", "REQUESTS_CA_BUNDLE", key="cert"),
        proxy=first("PIP_PROXY", key="proxy"),
    )


def _without_label(url: str) -> str:
    """uv lets an index be written ``name=https://...``."""
    label, equals, rest = url.partition("=")
    return rest if equals and label.replace("-", "").replace("_", "").isalnum() else url


def _read_pip_files(env: Mapping[str, str]) -> dict[str, str]:
    """Keys of the files' sections, later files and more special sections winning, as in pip."""
    values: dict[str, str] = {}
    for path in _pip_files(env):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError, OSError):
            continue
        for section in _SECTIONS:
            if parser.has_section(section):
                values.update({key.replace("_", "-"): value.strip() for key, value in parser.items(section)})
    return {key: value for key, value in values.items() if value}


def _pip_files(env: Mapping[str, str]) -> list[Path]:
    """pip's standard places, the strongest last. ``PIP_CONFIG_FILE=/dev/null`` turns them all off."""
    named = env.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    # Unlike Path.home(), it raises nothing where there is no home.
    home = Path(os.path.expanduser("~"))
    own = [Path(named)] if named else []
    if sys.platform == "win32":
        common = [Path(env.get("PROGRAMDATA", "C:/ProgramData")) / "pip/pip.ini"]
        user = [home / "pip/pip.ini", Path(env.get("APPDATA", home / "AppData/Roaming")) / "pip/pip.ini"]
        return [*common, *user, Path(sys.prefix) / "pip.ini", *own]
    if sys.platform == "darwin":
        common = [Path("/Library/Application Support/pip/pip.conf")]
        modern = home / "Library/Application Support/pip/pip.conf"
        user = [home / ".pip/pip.conf", modern if modern.parent.is_dir() else home / ".config/pip/pip.conf"]
        return [*common, *user, Path(sys.prefix) / "pip.conf", *own]
    folders = reversed((env.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"))
    common = [*(Path(folder) / "pip/pip.conf" for folder in folders), Path("/etc/pip.conf")]
    config = Path(env.get("XDG_CONFIG_HOME") or home / ".config")
    return [*common, home / ".pip/pip.conf", config / "pip/pip.conf", Path(sys.prefix) / "pip.conf", *own]
