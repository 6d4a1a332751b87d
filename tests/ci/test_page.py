"""The browser's code: installed once, checked in three parts, and told as missing only where npm is out of reach."""

import io
import os
import re
import shutil
import sys

import pytest
from steps import page
from steps.failure import Failure
from steps.interpreter import Candidate
from steps.session import Session
from steps.terminal import Terminal
from steps.timings import Steps

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shell scripts stand for programs")

# Pretends to be Node, and by what it is asked to run also npm, tsc, vitest and the build.
NODE = """
[ "$1" = --version ] && echo {version} && exit 0
echo "$@" >> {calls}
case "$1" in
  *npm.js) mkdir -p node_modules && echo '{{}}' > node_modules/.package-lock.json; {npm} ;;
  *tsc) {types} ;;
  *vitest.mjs) {tests} ;;
  build.mjs) {files} ;;
esac
"""
PASSED = "printf ' Test Files  4 passed (4)\\n      Tests  338 passed (338)\\n'"
FAILED = "printf '      Tests  2 failed | 336 passed (338)\\n'; exit 1"


@pytest.fixture
def session(tmp_path, places, script):
    """session(tests="exit 1"): a call on a machine whose Node does that; `said` is what the user sees."""
    folder = tmp_path / "labextension"
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_text("{}")
    for name in ("mkdir", "sh", "sleep"):
        (tmp_path / "tools").mkdir(exist_ok=True)
        (tmp_path / "tools" / name).symlink_to(shutil.which(name))
    places.python.parent.mkdir(parents=True, exist_ok=True)
    script("python", "echo 'ERROR: No matching distribution'; exit 1", "build/venv/bin")

    def make(version="v22.1.0", npm=":", types=":", tests=PASSED, files=":", **environ):
        body = NODE.format(calls=tmp_path / "calls", version=version, npm=npm, types=types, tests=tests, files=files)
        script("node", body)
        (tmp_path / "bin" / "npm.js").write_text("")
        (tmp_path / "bin" / "npm").unlink(missing_ok=True)
        (tmp_path / "bin" / "npm").symlink_to(tmp_path / "bin" / "npm.js")
        (tmp_path / "calls").write_text("")
        terminal = Terminal(io.StringIO(), environ)
        python = Candidate(sys.executable, sys.version_info[:3], "linux")
        environ = {"PATH": f"{tmp_path}/bin:{tmp_path}/tools", **environ}
        return Session("test", places, python, environ, terminal, Steps(terminal, "make test"))

    return make


def asked(tmp_path):
    """The last word but options of each call."""
    return [line.removeprefix(f"{tmp_path}/bin/") for line in (tmp_path / "calls").read_text().splitlines()]


def table(session):
    session.steps.table()
    return session.terminal.stream.getvalue()


def test_packages_then_types_tests_and_the_committed_files(session, tmp_path):
    here = session()
    assert page.check(here) is None
    assert asked(tmp_path) == [
        f"npm.js ci --ignore-scripts --no-audit --no-fund {' '.join(page.RETRIES)}",
        "node_modules/typescript/bin/tsc --noEmit",
        "node_modules/vitest/vitest.mjs run",
        "build.mjs --check",
    ]
    assert re.search(r"browser code +\d+\.\d  ok: 338 passed\n", table(here))


def test_packages_are_installed_once_and_again_for_another_lock_or_node(session, tmp_path):
    page.check(session())

    def installs(**machine):
        page.check(session(**machine))
        return sum(line.startswith("npm.js ci") for line in asked(tmp_path))

    assert installs() == 0
    assert installs(version="v24.0.0") == 1
    (tmp_path / "labextension" / "package-lock.json").write_text('{"lockfileVersion": 3}')
    assert installs(version="v24.0.0") == 1
    assert installs(version="v24.0.0") == 0
    shutil.rmtree(tmp_path / "labextension" / "node_modules")
    assert installs(version="v24.0.0") == 1


def test_an_installation_that_failed_is_tried_again(session, tmp_path):
    page.check(session(npm="exit 1"))
    assert page.check(session()) is None
    assert asked(tmp_path)[0].startswith("npm.js ci")


@pytest.mark.parametrize(
    ("machine", "cause", "remedy"),
    [
        (
            {"types": "echo 'src/a.ts(1,2): error TS2304: no name'; exit 2"},
            "error TS2304: no name",
            "correct the types",
        ),
        ({"tests": FAILED}, "2 failed, 336 passed", "read the failures"),
        ({"files": "echo 'ERROR: not what labextension/ gives: stub.js' >&2; exit 1"}, "gives: stub.js", "make static"),
        ({"tests": "exit 3"}, "tests: it failed", "read the failures"),
    ],
)
def test_a_part_that_fails_is_told_with_its_remedy_and_the_others_run(session, tmp_path, machine, cause, remedy):
    here = session(**machine)
    failure = page.check(here)
    assert isinstance(failure, Failure)
    assert failure.cause.startswith("browser code: ")
    assert cause in failure.cause
    assert failure.remedy.startswith(remedy)
    assert len(asked(tmp_path)) == 4
    assert re.search(r"browser code +\d+\.\d  FAILED: (types|tests|files)\n", table(here))


@pytest.mark.parametrize("code", ["ENOTFOUND", "ECONNREFUSED", "E403", "SELF_SIGNED_CERT_IN_CHAIN"])
def test_where_the_registry_is_out_of_reach_nothing_is_checked_and_that_is_said(session, tmp_path, code):
    here = session(npm=f"echo 'npm error code {code}'; exit 1")
    missing = page.check(here)
    assert isinstance(missing, page.Missing)
    assert f"the npm registry gives no packages ({code}; see build/logs/npm.log)" in missing.line()
    assert "npm_config_registry" in missing.line()
    assert len(asked(tmp_path)) == 1
    assert re.search(r"browser code +0\.0  NOT RUN", table(here))


def test_a_registry_that_never_answers_is_out_of_reach_too(session, monkeypatch):
    monkeypatch.setattr(page, "INSTALL_SECONDS", 0.2)
    assert "no answer within" in page.check(session(npm="sleep 60")).line()


def test_a_lock_file_that_does_not_fit_is_a_failure_not_a_missing_registry(session):
    said = "npm error code EUSAGE\\nnpm error\\nnpm error `npm ci` can only install when in sync\\n"
    failure = page.check(session(npm=f"printf '{said}'; exit 1"))
    assert isinstance(failure, Failure)
    assert failure.cause == "npm packages: `npm ci` can only install when in sync"


def test_without_any_node_nothing_is_checked_and_that_is_said(session, tmp_path):
    missing = page.check(session(version="v18.0.0"))
    assert isinstance(missing, page.Missing)
    assert missing.because.startswith("there is no Node (")
    assert asked(tmp_path) == []


def test_make_static_builds_and_nothing_else(session, tmp_path, monkeypatch):
    from contextlib import nullcontext

    monkeypatch.setattr(Session, "prepared", lambda *_, **__: nullcontext())
    assert page.static(session()) == 0
    assert asked(tmp_path)[1:] == ["build.mjs"]
    with pytest.raises(Failure, match=r"widget\.js has 300000 bytes"):
        page.static(session(files="echo 'ERROR: widget.js has 300000 bytes' >&2; exit 1"))
    shutil.rmtree(tmp_path / "labextension" / "node_modules")
    with pytest.raises(Failure, match="gives no packages"):
        page.static(session(npm="echo ENOTFOUND; exit 1"))
