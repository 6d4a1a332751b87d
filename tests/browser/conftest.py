"""One JupyterLab and one page for many browser tests: those of a worker share them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error, sync_playwright
from steps import browser as browsers
from steps import render
from steps.places import Places

from . import ROOT
from .lab import Lab, made_kernels, serve
from .page import Page

HERE = Path(__file__).parent
SCREENSHOTS = ROOT / "build" / "screenshots"
KERNELS = ("alloy-6.31", "alloy-7.3", "alloy-newest")
STATIC = ROOT / "alloy_nb/notebook/static"
LIVE_PAGE = HERE / "live_page.html"
LIVE_SERVED = {
    "/": "text/html",
    "/widget.js": "text/javascript",
    "/stub.js": "text/javascript",
    "/math.js": "text/javascript",
}
SECONDS = 300  # a first test also starts the server, and a page may be opened twice


#: Half a minute each: were one of these the last, the other worker would wait for it.
LONG = ("test_xss.py", "test_live_xss.py")


@pytest.hookimpl(tryfirst=True)  # before tests are selected by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.parent != HERE or item.path.name not in LONG)
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("browser")
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The server, with the kernels that the set-up has made."""
    with serve(tmp_path_factory.mktemp("lab"), made_kernels()) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The browser that the set-up has chosen; without make, the first that is at hand."""
    executable = browsers.at_hand(Places(ROOT), os.environ)
    if executable is None:
        pytest.skip("no browser here; make test looks for one, or name one: ALLOY_CHROMIUM=/path/to/chromium")
    with sync_playwright() as playwright:
        opened = render.launch(playwright, str(executable))
        yield opened
        opened.close()


@pytest.fixture
def bare(browser: Any) -> Iterator[tuple[Any, list[str]]]:
    """Live cells without JupyterLab: the page, and what it asked for that it has no business with."""
    context = browser.new_context()
    page, foreign = context.new_page(), []

    def serve(route: Any) -> None:
        url = urlsplit(route.request.url)
        if url.hostname != "localhost" or url.path not in LIVE_SERVED:
            foreign.append(route.request.url)
            route.abort()
            return
        body = LIVE_PAGE if url.path == "/" else STATIC / url.path[1:]
        route.fulfill(body=body.read_text("utf-8"), content_type=LIVE_SERVED[url.path])

    page.route("**/*", serve)
    page.goto("http://localhost/")
    page.wait_for_function("window.ready")
    page.on("framenavigated", lambda frame: foreign.append(frame.url))
    yield page, foreign
    context.close()


@pytest.fixture(scope="session")
def only_page(browser: Any, lab: Lab) -> Page:
    """The page, loaded once."""
    shutil.rmtree(SCREENSHOTS / "failed", ignore_errors=True)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page = Page(browser, lab, SCREENSHOTS)
    page.start()
    return page


@pytest.fixture
def page(only_page: Page, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page with nothing open, in the light theme. Of a test that fails, what was last to be seen is kept."""
    yield only_page
    report = request.node.stash.get(FAILED, None)
    if report is not None:
        picture = SCREENSHOTS / "failed" / f"{request.node.name}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        only_page.raw.screenshot(path=picture)
        report.sections.append(("browser", "\n".join([f"screenshot: {picture}", *only_page.console[-20:]])))
    try:
        only_page.reset()
    except Error:
        only_page.renew()  # an error of this test, and of no other
        raise


FAILED = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if call.when == "call" and report.failed:
        item.stash[FAILED] = report
    return report


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest, lab: Lab) -> str:
    """Each kernelspec in turn, with another ipykernel."""
    if request.param not in lab.kernels:
        pytest.skip(f"no kernel {request.param}; make test makes it")
    return str(request.param)
