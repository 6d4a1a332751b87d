"""Where the user's own settings lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["CONFIG_VARIABLE", "config_folder"]

CONFIG_VARIABLE = "ALLOY_CONFIG_DIR"


def config_folder() -> Path:
    """``ALLOY_CONFIG_DIR``, else the user's folder for settings of this platform; nothing is created."""
    chosen = os.environ.get(CONFIG_VARIABLE, "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    # Unlike Path.home(), it raises nothing where there is no home.
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "alloy_nb"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "alloy_nb"
    chosen = os.environ.get("XDG_CONFIG_HOME", "").strip()
    # A relative one is to be ignored, says the standard.
    return (Path(chosen) if os.path.isabs(chosen) else home / ".config") / "alloy_nb"
