"""What a person does in JupyterLab, as methods; every wait is for a condition that drive.js asks in the page."""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Request, Route, ViewportSize
from playwright.sync_api import Page as RawPage

from .lab import Lab

Theme = Literal["light", "dark"]
THEMES: dict[Theme, str] = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SIZE = (1280, 900)
SCRIPTS = [Path(__file__).with_name(name) for name in ("drive.js", "legible.js")]
PATIENCE = 30.0  # seconds for anything that a cell or the page does
READY = 45.0  # seconds for a page, or a notebook with its kernel, to become ready


class NeverReady(Exception):
    """JupyterLab's page or a notebook's kernel was not there in time."""


class PageRetried(UserWarning):
    """A page never became ready and was opened once more; pytest's summary shows it."""


@dataclass(frozen=True, slots=True)
class Legible:
    """What legible.js says of a part of a page: the texts of least contrast, what is cut off, what can be pressed."""

    words: int
    lowest: list[dict[str, Any]]
    overflowing: list[str]
    pressable: list[str]

    @property
    def contrast(self) -> float:
        """The lowest contrast of any text with what is behind it, by WCAG 2.2: from 1 to 21."""
        return float(self.lowest[0]["contrast"])


class Page:
    """One page of one JupyterLab. Cells are numbered from 0; negative numbers count from the end."""

    def __init__(self, browser: Browser, lab: Lab, screenshots: Path) -> None:
        self.browser, self.lab, self.screenshots = browser, lab, screenshots
        self.console: list[str] = []
        self.foreign: list[str] = []  # requests to anything but this server; none of them gets out
        self._numbers = itertools.count(1)
        self._size: ViewportSize = {"width": SIZE[0], "height": SIZE[1]}
        self.path: Path | None = None
        self.raw = self._fresh()

    # -- the page itself ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Load JupyterLab; once more, in a new page, when it never becomes ready."""
        self._twice("JupyterLab", self._load)

    def renew(self) -> None:
        """Another page in place of one that does not do what it is told."""
        self.raw.context.close()
        self.raw = self._fresh()
        self.path = None
        self._load()
        self.close()  # a kernel that never answered must not be found again

    def _load(self) -> None:
        self.raw.goto(f"{self.lab.url}/lab?token={self.lab.token}&reset")
        self._call("started", READY * 1000)

    def _fresh(self) -> RawPage:
        context = self.browser.new_context(viewport=self._size, reduced_motion="reduce")
        for script in SCRIPTS:
            context.add_init_script(path=script)
        context.route(lambda url: not self._is_ours(url), self._refuse)
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.console.append(f"pageerror: {error}"))
        return page

    def _is_ours(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in ("data", "blob", "about") or url.startswith((self.lab.url, "ws" + self.lab.url[4:]))

    def _refuse(self, route: Route, request: Request) -> None:
        self.foreign.append(request.url)
        route.abort()

    def _heard(self, message: ConsoleMessage) -> None:
        self.console.append(f"{message.type}: {message.text}")

    def _twice(self, what: str, action: Any) -> None:
        try:
            action()
        except Error as first:
            warnings.warn(f"{what} never became ready and was opened again: {first.message}", PageRetried, stacklevel=3)
            try:
                self.renew()
                if action != self._load:
                    action()
            except Error as second:
                raise NeverReady(f"{what}: {second.message}; the server said:\n{self.log}") from second

    @property
    def log(self) -> str:
        return self.lab.log.read_text("utf-8", "replace")[-2000:]

    def _call(self, name: str, *arguments: Any) -> Any:
        script = f"arguments => window.bed[{json.dumps(name)}](...arguments)"
        return self.raw.evaluate(script, list(arguments))

    # -- notebooks ----------------------------------------------------------------------------------------------------

    def open(
        self, *cells: str | Mapping[str, Any], kernel: str = "python3", name: str | None = None, live: bool = True
    ) -> Path:
        """Write a notebook of these cells and open it; with `live=False` without a kernel."""
        path = self.lab.write(name or f"test-{next(self._numbers)}.ipynb", cells, kernel)
        self.open_file(path, live=live)
        return path

    def open_file(self, path: Path, *, live: bool = True) -> None:
        """Open a notebook that lies in the server's folder."""
        relative = path.relative_to(self.lab.root).as_posix()
        self._twice(relative, lambda: self._call("open", relative, live, READY * 1000))
        self.path = path

    def close(self) -> None:
        """Close every document, without saving, and end the kernels."""
        self._call("close")
        self.path = None

    def reopen(self, *, live: bool = False) -> None:
        """The same file, opened anew: without a kernel as somebody who only reads it, or with a new one."""
        path = self._open_path()
        self.close()
        self.open_file(path, live=live)

    def reload(self, *, idle: bool = True) -> None:
        """Load the page again by the notebook's own address, as F5 does; the kernel goes on.

        With `idle=False` nothing is waited for but the notebook: its kernel is at work.
        """
        relative = self._open_path().relative_to(self.lab.root).as_posix()
        self.raw.goto(f"{self.lab.url}/lab/tree/{quote(relative)}?token={self.lab.token}&reset")
        self._call("started", READY * 1000)
        self._call("reopened", relative, idle, READY * 1000)

    def second(self) -> Page:
        """Another tab of the same browser's person, at the same notebook and its kernel. To be closed by `leave`."""
        other = Page(self.browser, self.lab, self.screenshots)
        other.start()
        other.path = self._open_path()
        other._call("open", other.path.relative_to(self.lab.root).as_posix(), True, READY * 1000)
        return other

    def leave(self) -> None:
        """Close the tab; notebooks and kernels stay as they are."""
        self.raw.context.close()

    def save(self) -> dict[str, Any]:
        """Save; the notebook as it lies in the file."""
        self._call("save", PATIENCE * 1000)
        saved: dict[str, Any] = json.loads(self._open_path().read_text("utf-8"))
        return saved

    def trust(self) -> None:
        """Trust the open notebook, answering JupyterLab's question."""
        self._call("trust", PATIENCE * 1000)

    def untrust(self) -> None:
        """Open the saved file as it is in somebody else's home: nothing in it is trusted there, and no kernel runs."""
        path = self._open_path()
        self.close()
        self.lab.forget_trust()
        self.open_file(path, live=False)

    def trusted(self, cell: int) -> bool:
        return bool(self._call("trusted", cell))

    def _open_path(self) -> Path:
        assert self.path is not None, "no notebook is open"
        return self.path

    # -- cells --------------------------------------------------------------------------------------------------------

    def run(self, cell: int, *, wait: bool = True) -> str:
        """Run one cell; its status at the end, or "running" when it is not waited for."""
        self._call("run", cell)
        return self.finish(cell) if wait else "running"

    def run_all(self, *, wait: bool = True) -> list[str]:
        """Run every cell; their statuses: JupyterLab stops at the first error."""
        self._call("runAll")
        cells = range(self._call("count"))
        return [self.finish(cell) for cell in cells] if wait else []

    def finish(self, cell: int, seconds: float = PATIENCE) -> str:
        """Wait for the end of a cell that was run; its status."""
        return str(self._call("finished", cell, seconds * 1000))

    def interrupt(self) -> None:
        """The stop button of the tool bar."""
        self._call("interrupt")

    def await_idle(self) -> None:
        """Wait until the kernel has nothing to do."""
        self._call("connected", READY * 1000)

    def restart(self) -> None:
        self._call("restart", READY * 1000)

    def await_answer(self) -> None:
        """Wait until a cell asks for something."""
        self.raw.locator(".jp-Stdin-input").wait_for()

    def answer(self, text: str) -> None:
        """Type an answer where a cell asks for one."""
        field = self.raw.locator(".jp-Stdin-input")
        field.fill(text)
        field.press("Enter")

    def wait_ms(self, milliseconds: int) -> None:
        """Let some time go by, where the passing of time is what is tried; never to wait for something."""
        self.raw.wait_for_timeout(milliseconds)

    def button(self, name: str, number: int = 0) -> Locator:
        """A button of a live cell by what is written on it; the first one on the page, or a later one."""
        return self.raw.locator(".alloy-run-live").get_by_role("button", name=name).nth(number)

    def press(self, name: str, number: int = 0) -> None:
        self.button(name, number).click()

    def status(self, cell: int) -> str:
        """ "new", "running", "ok" or "error"."""
        return str(self._call("status", cell))

    def await_frames(self) -> None:
        """Wait until the page has found out what has moved."""
        self.raw.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
        )

    def await_text(self, cell: int, text: str, seconds: float = PATIENCE) -> None:
        """Wait until the output of `cell` shows `text`."""
        self._call("untilText", cell, text, seconds * 1000)

    def text(self, cell: int) -> str:
        """The output as a person reads it."""
        return str(self._call("text", cell))

    def html(self, cell: int) -> str:
        """The output as it is in the page, after JupyterLab's sanitiser."""
        return str(self._call("html", cell))

    def outputs(self, cell: int) -> list[dict[str, Any]]:
        """The outputs as they would be saved."""
        return list(self._call("outputs", cell))

    def unfold(self, cell: int) -> None:
        """Open everything that is folded in an output."""
        self._call("unfold", cell)

    def source(self, cell: int) -> str:
        return str(self._call("source", cell))

    def legible(self, cell: int) -> Legible:
        """How well an output can be read, with all that is folded opened."""
        self._call("show", cell, PATIENCE * 1000)
        return Legible(**self._call("legible", cell))

    # -- looks --------------------------------------------------------------------------------------------------------

    def focus(self, cell: int) -> None:
        """Scroll a cell into view, its input at the top."""
        self._call("show", cell, PATIENCE * 1000)
        self._call("settled")

    def theme(self, theme: Theme) -> None:
        self._call("theme", THEMES[theme], theme == "light", PATIENCE * 1000)

    def resize(self, width: int, height: int = SIZE[1]) -> None:
        self._size = {"width": width, "height": height}
        self.raw.set_viewport_size(self._size)
        self._call("settled")

    def screenshot(self, name: str, themes: Sequence[Theme] = ("light", "dark"), cell: int = 0) -> list[Path]:
        """The window with `cell` in view, in each theme: build/screenshots/NAME-THEME.png."""
        paths = []
        for theme in themes:
            self.theme(theme)
            self._call("show", cell, PATIENCE * 1000)
            self._call("settled")
            paths.append(self.screenshots / f"{name}-{theme}.png")
            self.raw.screenshot(path=paths[-1], animations="disabled")
        self.theme("light")
        return paths

    def reset(self) -> None:
        """As it was at the start, for the next test."""
        self.close()
        self.theme("light")
        self.resize(*SIZE)
        self.console.clear()
        self.foreign.clear()
