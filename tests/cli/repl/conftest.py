"""A conversation in a real terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..terminals import Terminal

#: What a terminal that can edit is told whenever a prompt is drawn.
READY = "\x1b[?7l\x1b[0m\x1b[J"
QUESTION = "say why not: "


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The user's data folder."""
    return tmp_path / "data"


@pytest.fixture
def talk(terminal: Callable[..., Terminal], data: Path) -> Callable[..., Terminal]:
    """Opens a conversation on a terminal that can edit, or with `dumb`, on one that cannot; when it can be typed in."""

    def begin(*arguments: str, dumb: bool = False, ready: bool = True, **settings: Any) -> Terminal:
        env = {
            "TERM": "dumb" if dumb else "xterm-256color",
            "NO_COLOR": "",
            "ALLOY_DATA_DIR": str(data),
            "PROMPT_TOOLKIT_NO_CPR": "1",  # nobody here answers where the cursor is
            **settings.pop("env", {}),
        }
        opened = terminal(*arguments, env=env, **settings)
        if ready:
            opened.expect("> " if dumb else READY)
        return opened

    return begin


def words(screen: str) -> str:
    """Without what moves the cursor or paints."""
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", screen)


def leave(alloy: Terminal) -> str:
    """Ctrl-D; all that was shown."""
    alloy.send("\x04")
    code, screen = alloy.finish()
    assert code == 0
    assert "Traceback" not in screen
    return screen
