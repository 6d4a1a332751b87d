"""Which browser the tests get. Fake ones are shell scripts; a fake Python starts them where the real one renders."""

import io
import os
import platform
import select
import stat
import subprocess
import sys

import pytest
from steps import browser, debian, sparticuz
from steps.browser import Choice, Missing
from steps.failure import Failure
from steps.interpreter import Candidate
from steps.session import Session
from steps.terminal import Terminal
from steps.timings import Steps

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shell scripts stand for browsers")

WORKS = "exit 0"
STUB = "echo 'ERROR: install me by snap'; exit 1"
HANGS = "sleep 60 3> {pipe} & wait"
# The environment's Python: what it is asked is in its arguments.
PYTHON = r"""
case "$*" in
  *render.py*) for last; do :; done; exec "$last" ;;
  *executable_path*) echo "{own}" ;;
  *"playwright install"*) {install} ;;
esac
"""


@pytest.fixture
def machine(tmp_path, script, places, monkeypatch):
    """A machine with nothing on it: machine(**environ) is a call there; what sources find is put there by a test."""
    monkeypatch.setattr(browser, "APPLICATIONS", ())
    monkeypatch.setattr(debian, "install", lambda *_: pytest.fail("apt was called"))
    monkeypatch.setattr(sparticuz, "fetch", lambda *_: pytest.fail("npm was called"))
    monkeypatch.setattr(browser.node, "find", lambda *_: None)
    monkeypatch.setattr(sparticuz, "suits", lambda: False)
    (tmp_path / "bin").mkdir()

    class Machine:
        own, install = "/nowhere/chrome", "exit 1"

        def session(self, **environ):
            script("python", PYTHON.format(own=self.own, install=self.install), "build/venv/bin")
            environ = {"PATH": f"{tmp_path}/bin", "NO_APT": "1", "HOME": str(tmp_path), **environ}
            terminal = Terminal(io.StringIO(), {})
            python = Candidate(sys.executable, sys.version_info[:3], "linux")
            return Session("test", places, python, environ, terminal, Steps(terminal, "make test"))

        def choose(self, **environ):
            self.last = self.session(**environ)
            # The children need sleep and sh, the search must not see the machine's own browsers.
            monkeypatch.setattr(
                Session, "env", lambda _, keep_keys=False: {**os.environ, "ALLOY_DATA_DIR": str(places.data)}
            )
            return browser.choose(self.last)

        @property
        def said(self):
            return self.last.terminal.stream.getvalue()

    (tmp_path / "build" / "venv" / "bin").mkdir(parents=True)
    return Machine()


def test_the_first_on_path_that_renders_is_chosen(machine, script, tmp_path):
    script("chromium", WORKS)
    script("google-chrome", STUB)
    assert machine.choose() == Choice(tmp_path / "bin" / "chromium", "PATH")


def test_one_that_is_there_but_renders_nothing_is_passed_over(machine, script, tmp_path, places):
    script("chromium-browser", STUB)
    script("google-chrome", WORKS)
    assert machine.choose().executable == tmp_path / "bin" / "google-chrome"
    assert "chromium-browser: install me by snap" in places.log("browser").read_text()


def test_behind_a_stub_the_next_folder_of_path_is_tried(machine, script, tmp_path):
    script("chromium", STUB)
    (tmp_path / "more").mkdir()
    script("chromium", WORKS, "more")
    found = machine.choose(PATH=f"{tmp_path}/bin{os.pathsep}{tmp_path}/more")
    assert found.executable == tmp_path / "more" / "chromium"


def test_one_that_hangs_is_stopped_with_its_children_and_passed_over(machine, script, tmp_path, monkeypatch):
    monkeypatch.setattr(browser, "RENDER_SECONDS", 0.5)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    script("chromium", HANGS.format(pipe=tmp_path / "pipe"))
    script("chrome", WORKS)
    assert machine.choose().executable == tmp_path / "bin" / "chrome"
    assert select.select([reader], [], [], 5)[0]  # the end of the pipe: its only writer, the child's child, is gone
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_the_one_that_the_user_names_comes_first(machine, script, tmp_path):
    script("chromium", WORKS)
    mine = script("mine", WORKS)
    assert machine.choose(ALLOY_CHROMIUM=str(mine)) == Choice(tmp_path / "bin" / "mine", "ALLOY_CHROMIUM")


@pytest.mark.parametrize("body", [None, STUB])
def test_a_wrong_one_of_the_user_is_told_and_the_next_taken(machine, script, tmp_path, body):
    script("chromium", WORKS)
    wrong = tmp_path / "wrong" if body is None else script("wrong", body)
    assert machine.choose(ALLOY_CHROMIUM=str(wrong)).source == "PATH"
    assert f"note: passed over ALLOY_CHROMIUM: {wrong}: " in machine.said


def test_playwrights_own_is_taken_where_it_is_installed(machine, script, tmp_path):
    machine.own = script("own", WORKS)
    assert machine.choose() == Choice(tmp_path / "bin" / "own", "Playwright")
    assert "downloading" not in machine.said


def test_playwrights_own_is_downloaded_and_announced(machine, places):
    folder = places.browser / "playwright" / "chromium_headless_shell-1" / "chrome-headless-shell-linux64"
    program = folder / "chrome-headless-shell"
    machine.install = f"mkdir -p {folder} && printf '#!/bin/sh\\n' > {program} && chmod +x {program}"
    assert machine.choose() == Choice(program, "Playwright")
    assert "downloading Playwright's own" in machine.said


def test_where_playwright_downloads_nothing_the_npm_package_is_taken(machine, script, tmp_path, monkeypatch):
    monkeypatch.setattr(sparticuz, "suits", lambda: True)
    monkeypatch.setattr(sparticuz, "fetch", lambda *_: script("unpacked", WORKS))
    assert machine.choose() == Choice(tmp_path / "bin" / "unpacked", "@sparticuz/chromium")
    assert "downloading the npm package" in machine.said


def test_the_npm_package_is_downloaded_once(machine, script, places, monkeypatch):
    monkeypatch.setattr(sparticuz, "suits", lambda: True)
    (places.browser / "sparticuz").mkdir(parents=True)
    unpacked = script(sparticuz.LAUNCHER_NAME, WORKS, "build/browser/sparticuz")
    assert machine.choose() == Choice(unpacked, "@sparticuz/chromium")


def test_apt_comes_last_is_announced_and_what_it_installs_must_render_too(machine, script, tmp_path, monkeypatch):
    monkeypatch.setattr(debian, "why_not", lambda _: "")
    monkeypatch.setattr(debian, "install", lambda *_: script("chromium", WORKS))
    assert machine.choose() == Choice(tmp_path / "bin" / "chromium", "apt")
    assert "installing Debian's chromium by apt-get" in machine.said


def test_a_source_that_fails_is_passed_over(machine, script, monkeypatch):
    monkeypatch.setattr(sparticuz, "suits", lambda: True)

    def offline(*_):
        raise Failure("the network cannot be reached")

    monkeypatch.setattr(sparticuz, "fetch", offline)
    found = machine.choose()
    assert isinstance(found, Missing)
    assert "@sparticuz/chromium: the network cannot be reached" in found.because


def test_without_any_the_reasons_and_the_ways_out_are_told(machine, script, monkeypatch):
    monkeypatch.setattr(debian.shutil, "which", lambda *_, **__: "/usr/bin/apt-get")
    monkeypatch.setattr(debian.os, "geteuid", lambda: 0)
    script("chromium", STUB)
    found = machine.choose()
    line = found.line(12)
    assert line.startswith("NOT RUN: 12 browser tests, because no browser here renders a page (tried PATH: ")
    assert "; do install Chromium or Chrome, or name one: make test ALLOY_CHROMIUM=/path/to/chromium" in line
    assert "leave NO_APT out" in line
    assert "\n" not in line
    assert found.line(1).startswith("NOT RUN: 1 browser test, ")
    assert "none" in machine.said


def test_the_choice_is_kept_until_it_is_gone_or_another_is_named(machine, script, tmp_path):
    first, second = script("chromium", WORKS), script("chrome", WORKS)
    machine.choose()
    first.write_text(first.read_text().replace("exit 0", "exit 1"))
    assert machine.choose().executable == first  # of the same size, so not tried again
    assert ("browser", 0.0, "unchanged") in machine.last.steps.rows
    assert machine.choose(ALLOY_CHROMIUM=str(second)).executable == second
    assert machine.choose().executable == second
    second.unlink()
    assert isinstance(machine.choose(), Missing)
    assert isinstance(machine.choose(), Missing)


@pytest.mark.parametrize(
    ("environ", "root", "why"),
    [
        ({"NO_APT": "1"}, True, "NO_APT is set"),
        ({}, False, "not root"),
        ({"PATH": "/nowhere"}, True, "no apt-get here"),
        ({}, True, ""),
    ],
)
def test_apt_is_only_for_root_where_it_is_and_is_not_turned_off(script, tmp_path, monkeypatch, environ, root, why):
    script("apt-get", "exit 0")
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    assert debian.why_not({"PATH": f"{tmp_path}/bin", **environ}) == why


def test_apt_updates_then_installs_and_tells_its_own_error(script, tmp_path, places):
    script("apt-get", f'echo "$@" >> {tmp_path}/calls; case "$*" in *install*) echo "E: no room"; exit 100;; esac')
    env = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    with pytest.raises(Failure, match="apt-get install: no room"):
        debian.install(places, env)
    first, second = (tmp_path / "calls").read_text().splitlines()
    assert first == "-q update"
    assert second.endswith(" ".join(debian.PACKAGES))


def test_without_make_the_last_choice_or_one_on_path_is_at_hand(machine, script, places, tmp_path):
    environ = {"PATH": f"{tmp_path}/bin"}
    assert browser.at_hand(places, environ) is None
    chosen = script("chromium", WORKS)
    assert browser.at_hand(places, environ) == chosen
    kept = script("kept", WORKS)
    machine.choose(ALLOY_CHROMIUM=str(kept))
    assert browser.at_hand(places, environ) == kept
    named = script("named", WORKS)
    assert browser.at_hand(places, environ | {"ALLOY_CHROMIUM": str(named)}) == named


def test_the_npm_package_is_for_one_kind_of_machine(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert sparticuz.suits()
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert not sparticuz.suits()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not sparticuz.suits()


def test_a_launcher_starts_the_unpacked_browser_with_its_libraries(tmp_path, places):
    folder = tmp_path / "with a 'quote' and $HOME"
    folder.mkdir()
    program = folder / "chromium"
    program.write_text('#!/bin/sh\necho "$LD_LIBRARY_PATH|$1"\n')
    started = sparticuz.launcher(folder, places.log("x"))
    assert program.stat().st_mode & stat.S_IXUSR
    done = subprocess.run([started, "a b"], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    assert done.stdout == f"{folder}/al2023/lib|a b\n"
    done = subprocess.run([started, ""], env={"LD_LIBRARY_PATH": "/mine"}, capture_output=True, text=True)
    assert done.stdout == f"{folder}/al2023/lib:/mine|\n"


def test_an_unpacked_package_without_a_browser_is_a_failure(tmp_path, places):
    with pytest.raises(Failure, match=r"holds no chromium\.br"):
        sparticuz.launcher(tmp_path, places.log("x"))
