"""A page that notices whatever a hostile text does: calls, dialogs, requests, frames, windows, commands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from playwright.sync_api import Dialog, Frame, WebSocket
from playwright.sync_api import Page as RawPage

from .page import Page

WATCH = Path(__file__).with_name("xss.js")
ARRIVAL = 5.0  # seconds for the last mark to be shown; one that never comes is no error, but told


class WatchedPage(Page):
    """`noticed` holds all that happened and should not have."""

    def _fresh(self) -> RawPage:
        self.fired: list[str] = []
        page = super()._fresh()
        page.context.expose_function("canary", lambda told: self.fired.append(told))
        page.context.add_init_script(path=WATCH)
        self._watch(page)
        return page

    def _load(self) -> None:
        super()._load()
        self.raw.evaluate("hostile.listen()")

    def _watch(self, page: RawPage) -> None:
        page.on("dialog", self._dismiss)
        page.on("popup", lambda window: self.fired.append(f"window: {window.url}"))
        page.on("download", lambda download: self.fired.append(f"download: {download.url}"))
        page.on("websocket", self._connected)
        page.on("framenavigated", self._navigated)

    def _dismiss(self, dialog: Dialog) -> None:
        self.fired.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _connected(self, socket: WebSocket) -> None:
        if not self._is_ours(socket.url):
            self.fired.append(f"socket: {socket.url}")

    def _navigated(self, frame: Frame) -> None:
        if frame.parent_frame is not None or not self._is_ours(frame.url):
            self.fired.append(f"navigation: {frame.url}")

    @property
    def noticed(self) -> list[str]:
        return self.fired + [f"request: {url}" for url in self.foreign]

    def judge(
        self, cells: Mapping[int, Sequence[str]], by_host: Collection[int] = (), seconds: float = ARRIVAL
    ) -> list[str]:
        """Open, read and touch the outputs of cells: which of their marks nobody can read, and what is out of place.

        In the cells `by_host` the front end rendered Markdown itself, and adds some attributes of its own.
        """
        given = [[cell, list(marks), cell in by_host] for cell, marks in cells.items()]
        wrong: list[str] = self.raw.evaluate("([cells, limit]) => hostile.judge(cells, limit)", [given, seconds * 1000])
        return wrong

    def judge_document(self, html: str, marks: Sequence[str]) -> list[str]:
        """The same for every output in an HTML document, which another window loads from our own server's address."""
        address = f"{self.lab.url}/document.html"
        page = self.raw.context.new_page()
        self._watch(page)
        page.route(address, lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
        try:
            page.goto(address)
            wrong: list[str] = page.evaluate("marks => hostile.judgeDocument(marks)", list(marks))
        finally:
            page.close()
        return wrong

    def unguarded(self, documents: Sequence[str]) -> None:
        """Each of these in a frame that keeps nothing from it, and touched."""
        self.raw.evaluate("documents => hostile.unguarded(documents)", list(documents))

    def write(self, cell: int, markdown: str) -> None:
        """Make this the text of a Markdown cell, and render it."""
        self.raw.evaluate("([cell, markdown]) => hostile.write(cell, markdown)", [cell, markdown])

    def contents(self) -> str:
        """What the table of contents says; it is shown and touched."""
        return str(self.raw.evaluate("hostile.contents()"))

    def forget(self) -> None:
        """What was noticed until now is dealt with."""
        self.fired.clear()
        self.foreign.clear()

    def reset(self) -> None:
        super().reset()
        self.forget()
