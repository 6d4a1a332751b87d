"""A notebook whose questions wait, in mid-sentence or in a tool, until the test lets them go on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .lab import Lab
from .page import PATIENCE, Page

#: Where a scripted text stands still until `let_go`.
HOLD = "‖"

# Written beside the notebook: a script that waits where it says so, and a tool that does.
BED = '''
import asyncio
import time
from pathlib import Path

from alloy_nb import Scripted
from alloy_nb.providers.base import TextDelta

held = 0
probe = None  # called when a script begins to wait, and when it goes on
probed = []


def gate():
    """A function that is true as soon as the test has let go once more."""
    global held
    held += 1
    number, file = held, Path(__file__).with_suffix(".gate")
    return lambda: file.exists() and file.stat().st_size >= number


class Held(Scripted):
    async def stream(self, request):
        async for delta in super().stream(request):
            text = getattr(delta, "text", None)
            if text is None or "HOLD" not in text:
                yield delta
                continue
            for number, part in enumerate(text.split("HOLD")):
                if number:
                    is_open = gate()
                    probe and probed.append(probe())
                    while not is_open():
                        await asyncio.sleep(0.02)
                    probe and probed.append(probe())
                if part:
                    yield type(delta)(part)


def look_up(city: str) -> str:
    """The weather in a city."""
    is_open = gate()
    while not is_open():
        time.sleep(0.02)
    return f"{city}: 21 degrees, light wind"


def wind(place: str) -> str:
    """The wind at a place."""
    raise LookupError(f"there is no station at {place}")
'''.replace("HOLD", HOLD)

SETUP = """
import os, sys, alloy_nb as alloy
%load_ext alloy_nb
from {bed} import Held, look_up, wind
model = Held("{script}")
os.environ["ALLOY_MODEL"] = "scripted:none"
"""


class Asking:
    """The notebook is open, its first cell has run; the others are `cells`. The model is the variable `model`."""

    def __init__(
        self,
        page: Page,
        lab: Lab,
        name: str,
        lines: Sequence[str | Mapping[str, Any]],
        *cells: str | Mapping[str, Any],
        kernel: str = "python3",
        setup: str = "",
    ) -> None:
        self.page = page
        bed = name.replace("-", "_").replace(".", "_")
        self._gate = lab.root / f"{bed}.gate"
        self._gate.unlink(missing_ok=True)  # of the same notebook before, as a module's that is made twice
        (lab.root / f"{bed}.py").write_text(BED, "utf-8")
        script = lab.root / f"{bed}.jsonl"
        told = [{"text": line} if isinstance(line, str) else line for line in lines]
        script.write_text("".join(json.dumps(line) + "\n" for line in told), "utf-8")
        first = SETUP.format(bed=bed, script=script.name) + setup
        self.path: Path = page.open(first, *cells, kernel=kernel, name=f"{name}.ipynb")
        assert page.run(0) == "ok", page.text(0)

    def let_go(self, times: int = 1) -> None:
        """Whatever waits next, goes on; `times` more things in all."""
        with self._gate.open("a") as file:
            file.write("." * times)


def html_of(output: Mapping[str, Any]) -> str:
    """The HTML of a saved output."""
    html = output["data"]["text/html"]
    return html if isinstance(html, str) else "".join(html)


def convert(notebook: Path, **options: Any) -> str:
    """The HTML document that nbconvert makes of a notebook."""
    from nbconvert import HTMLExporter

    html: str = HTMLExporter(**options).from_filename(str(notebook))[0]
    return html


def await_file(path: Path) -> None:
    """Wait until something has made this file."""
    end = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} was never made"
        time.sleep(0.02)
