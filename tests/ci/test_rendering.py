"""Does a browser count? Only after it has rendered a page: real programs, under the real time limit."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from steps import browser, node, render, sparticuz, variables
from steps.browser import Choice, Missing, Search
from steps.failure import Failure
from steps.interpreter import Candidate
from steps.places import Places
from steps.session import Session
from steps.terminal import Terminal
from steps.timings import Steps

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shell scripts stand for browsers")

ROOT = Path(__file__).resolve().parents[2]
IMPOSTORS = {
    "says nothing": ("exit 0", "closed"),
    "asks for an installation": ("echo 'install me by snap' >&2; exit 1", "install me by snap"),
    "lacks a library": ("echo 'error while loading shared libraries: libnss3.so' >&2; exit 127", "libnss3.so"),
    "is another program": ("exec cat /etc/hostname", ""),
}


@pytest.fixture
def search(tmp_path, places):
    """A search of the browser in an empty tree, with this Python for the environment's."""
    places.python.parent.mkdir(parents=True)
    places.python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    places.python.chmod(0o755)
    return Search(places, variables.clean(os.environ, places), {"PATH": os.environ["PATH"]}, lambda _: None)


@pytest.mark.parametrize("kind", IMPOSTORS)
def test_what_renders_nothing_does_not_count_and_says_why(kind, search, script):
    body, why = IMPOSTORS[kind]
    said = browser.not_rendering(script("chromium", body), search)
    assert said
    assert why in said
    assert "passed over" not in said


def test_what_is_not_there_or_no_program_does_not_count(search, tmp_path):
    assert browser.not_rendering(tmp_path / "none", search) == "not found"
    (tmp_path / "text").write_text("no program")
    assert browser.not_rendering(tmp_path / "text", search)


@pytest.mark.browser
def test_the_browser_of_the_tests_renders(search):
    executable = browser.at_hand(Places(ROOT), os.environ)
    if executable is None:
        pytest.skip("no browser here; make test looks for one")
    assert browser.not_rendering(executable, search) == ""


def test_two_pages_that_look_the_same_are_no_pages(monkeypatch, capsys):
    """A browser that paints nothing answers all the same."""
    monkeypatch.setattr("playwright.sync_api.sync_playwright", MagicMock())
    monkeypatch.setattr(render, "launch", MagicMock())
    pictures = iter([b"\x89PNG same", b"\x89PNG same", b"\x89PNG red", b"\x89PNG blue", b"red", b"blue"])
    monkeypatch.setattr(render, "paint", lambda *_: next(pictures))
    assert [render.main("x"), render.main("x"), render.main("x")] == [1, 0, 1]
    assert "two different pages look the same" in capsys.readouterr().out


# With all others hidden, by what they would be found with. They download: from npm 70 MB, from PyPI 60 MB.


@pytest.fixture
def hidden(places, search, monkeypatch, tmp_path):
    """hidden(*sources, **environ): the search on a machine that has these sources of a browser, and no Node on PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "env", "cat", "tar", "gzip", "uname", "dirname", "mktemp"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)

    def choose(*sources, with_node=False, **environ):
        monkeypatch.setattr(browser, "SOURCES", {name: browser.SOURCES[name] for name in sources})
        monkeypatch.setattr(browser, "APPLICATIONS", ())
        if with_node:
            (programs / "node").symlink_to(os.path.realpath(shutil.which("node") or pytest.skip("no Node here")))
        terminal = Terminal(io.StringIO(), {})
        own = {name: value for name, value in os.environ.items() if name not in ("ALLOY_CHROMIUM", "PATH")}
        environ = {**own, "PATH": str(programs), "NO_APT": "1", **environ}
        python = Candidate(sys.executable, sys.version_info[:3], "x")
        return browser.choose(Session("test", places, python, environ, terminal, Steps(terminal, "make test")))

    return choose


@pytest.mark.slow
@pytest.mark.parametrize("with_node", [True, False])
def test_the_npm_package_renders_a_page_also_with_pypis_node(hidden, places, with_node):
    if not sparticuz.suits():
        pytest.skip("the package is for Linux on x86-64")
    found = hidden(sparticuz.PACKAGE, with_node=with_node)
    log = places.log("browser").read_text()
    if isinstance(found, Missing) and "cannot be reached" in found.because:
        pytest.skip(found.because)
    assert found == Choice(places.browser / "sparticuz" / "chromium.sh", sparticuz.PACKAGE), log
    libraries = places.browser / "sparticuz/al2023/lib"
    linked = subprocess.run(
        ["ldd", places.browser / "sparticuz/chromium"],
        env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(libraries)},
        capture_output=True,
        text=True,
    )
    assert f"=> {libraries}/libnss3.so" in linked.stdout
    assert (places.build / "node").exists() is not with_node


def test_with_all_of_them_hidden_the_reasons_are_told(hidden, places):
    found = hidden("ALLOY_CHROMIUM", "PATH", "apt", ALLOY_CHROMIUM="/nonexistent/chromium")
    assert isinstance(found, Missing)
    line = found.line(3)
    assert line.startswith("NOT RUN: 3 browser tests, because no browser here renders a page (tried ALLOY_CHROMIUM: ")
    assert "ALLOY_CHROMIUM=/path/to/chromium" in line.partition("; do ")[2]


@pytest.mark.slow
def test_pypis_node_runs_where_there_is_none(places, search):
    try:
        found = node.find(places, search.env | {"PATH": "/nonexistent"}, places.log("node"))
    except Failure as failure:
        if "cannot be reached" in failure.cause:
            pytest.skip(failure.cause)
        raise
    assert found.program.is_relative_to(places.build)
    major, minor, _ = output([found.program, "--version"]).strip().lstrip("v").split(".")
    assert (int(major), int(minor)) >= node.OLDEST
    assert output([found.program, found.npm, "--version"])[0].isdigit()


def output(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
