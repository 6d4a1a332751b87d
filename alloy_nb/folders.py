"""Where the user's own settings and data lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["CONFIG_VARIABLE", "DATA_VARIABLE", "HOME_VARIABLE", "config_folder", "data_folder", "home_folder"]

CONFIG_VARIABLE = "ALLOY_CONFIG_DIR"
DATA_VARIABLE = "ALLOY_DATA_DIR"
HOME_VARIABLE = "ALLOY_HOME"


def config_folder() -> Path:
    """``ALLOY_CONFIG_DIR``, else the user's folder for settings of this platform; nothing is created."""
    return _folder(CONFIG_VARIABLE, "XDG_CONFIG_HOME", ".config")


def data_folder() -> Path:
    """``ALLOY_DATA_DIR``, else the user's folder for data of this platform; nothing is created."""
    return _folder(DATA_VARIABLE, "XDG_DATA_HOME", ".local/share")


def home_folder() -> Path:
    """``ALLOY_HOME``, else the user's home: ``.alloy`` in it holds their own context files and skills."""
    # Unlike Path.home(), it raises nothing where there is no home.
    return Path(os.path.expanduser(os.environ.get(HOME_VARIABLE, "").strip() or "~")).absolute()


def _folder(variable: str, xdg: str, usual: str) -> Path:
    """The rules of platformdirs, which the base install does not bring."""
    chosen = os.environ.get(variable, "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    # Unlike Path.home(), it raises nothing where there is no home.
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "alloy_nb"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "alloy_nb"
    chosen = os.environ.get(xdg, "").strip()
    # A relative one is to be ignored, says the standard.
    return (Path(chosen) if os.path.isabs(chosen) else home / usual) / "alloy_nb"
