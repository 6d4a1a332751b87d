"""The core tests on every supported Python: which ones are found, and what is told of those that are not."""

import io
import json
import os
import re
import sys
from pathlib import Path

import pytest
from steps import suite, versions
from steps.failure import Failure
from steps.interpreter import Candidate
from steps.places import VERSIONS
from steps.session import Session
from steps.terminal import Terminal
from steps.timings import Steps
from steps.versions import Row

posix = pytest.mark.skipif(os.name == "nt", reason="shell scripts stand for interpreters")
ROOT = Path(__file__).resolve().parents[2]
REFUSES = "echo 'pyenv: python{}: command not found' >&2; exit 127"


def answers(*version):
    """The body of a script that says, when it is probed, that it is this Python."""
    return f"""echo '{json.dumps({"executable": "$0", "version": version, "platform": "x"})}' | sed "s#[$]0#$0#" """


@pytest.fixture
def session(tmp_path, places):
    """session(**environ): a call on a machine whose PATH is `bin` and whose chosen Python is 3.14."""

    def make(**environ):
        terminal = Terminal(io.StringIO(), {})
        chosen = Candidate("/nonexistent/python3.14", (3, 14, 0), "x")
        environ = {"PATH": f"{tmp_path}/bin", "HOME": str(tmp_path), **environ}
        return Session("versions", places, chosen, environ, terminal, Steps(terminal, "make versions"))

    (tmp_path / "bin").mkdir()
    return make


def told(session):
    return session.terminal.stream.getvalue().splitlines()


# Finding one


@posix
def test_one_on_path_counts_when_it_is_of_this_version(session, script, tmp_path):
    script("python3.12", answers(3, 12, 7))
    script("python3", answers(3, 13, 1))
    found, why = versions.find("3.12", session())
    assert (found.executable, tuple(found.version), why) == (f"{tmp_path}/bin/python3.12", (3, 12, 7), "")
    found, _ = versions.find("3.13", session())  # by whatever name
    assert found.executable == f"{tmp_path}/bin/python3"


@posix
def test_the_one_that_the_user_names_comes_first(session, script):
    script("python3.12", answers(3, 12, 7))
    mine = script("mine", answers(3, 12, 1), "own")
    assert versions.find("3.12", session(PYTHON=str(mine)))[0].executable == str(mine)
    assert versions.find("3.11", session(PYTHON=str(mine)))[0] is None


@posix
@pytest.mark.parametrize("how", ["home", "PYENV_ROOT", "PATH"])
def test_behind_a_shim_that_refuses_pyenvs_newest_of_the_version_is_taken(session, script, tmp_path, how):
    root = {"home": ".pyenv", "PYENV_ROOT": "py env", "PATH": "elsewhere"}[how]
    (tmp_path / root / "versions").mkdir(parents=True)
    script("python3.12", REFUSES.format("3.12"), f"{root}/shims") if how == "PATH" else script(
        "python3.12", REFUSES.format("3.12")
    )
    for patch in (9, 10):
        (tmp_path / root / "versions" / f"3.12.{patch}").mkdir()
        script("python3.12", answers(3, 12, patch), f"{root}/versions/3.12.{patch}/bin")
    environ = {"PYENV_ROOT": str(tmp_path / root)} if how == "PYENV_ROOT" else {}
    if how == "PATH":
        environ = {"PATH": f"{tmp_path}/{root}/shims:{tmp_path}/bin:/usr/bin:/bin"}
    found, _ = versions.find("3.12", session(**environ))
    assert found.executable == f"{tmp_path}/{root}/versions/3.12.10/bin/python3.12"


@posix
def test_a_shim_with_nothing_behind_it_says_why_there_is_none(session, script, tmp_path):
    script("python3.12", REFUSES.format("3.12"))
    assert versions.find("3.12", session()) == (
        None,
        f"{tmp_path}/bin/python3.12 fails: pyenv: python3.12: command not found",
    )
    assert versions.find("3.13", session()) == (None, "no python3.13 was found")


def test_the_real_pyenv_is_looked_into_though_its_shim_refuses(session, monkeypatch):
    version = VERSIONS[1]
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    if not list(root.glob(f"versions/{version}.*/bin/python{version}")):
        pytest.skip(f"no Python {version} under pyenv")
    monkeypatch.delenv("PYENV_VERSION", raising=False)
    path = f"{root / 'shims'}{os.pathsep}{os.environ['PATH']}"
    found, _ = versions.find(version, session(PATH=path, HOME=str(Path.home())))
    assert found is not None
    assert found.version[:2] == tuple(map(int, version.split(".")))


def test_a_later_release_is_newer_also_with_two_digits():
    names = ["3.12.9", "3.12.10", "3.12.10rc1", "3.12-dev"]
    assert sorted(names, key=versions.patch)[-2:] == ["3.12.9", "3.12.10"]


# Telling it


def test_the_supported_versions_are_those_that_the_package_names():
    project = (ROOT / "pyproject.toml").read_text()
    assert tuple(re.findall(r"Programming Language :: Python :: (3\.\d+)", project)) == VERSIONS


ROWS = [Row("3.11.7", 3300, 61.26, "ok: 3300 passed"), Row("3.12", missing="no python3.12 was found")]


def test_what_ran_is_a_table_and_what_did_not_is_the_last_line(session):
    here = session()
    assert versions.conclude(here, ROWS, []) == 0
    assert told(here) == [
        "",
        "version    tests   seconds  result",
        "3.11.7      3300      61.3  ok: 3300 passed",
        "3.12           0       0.0  NOT RUN",
        "NOT RUN: Python 3.12, because no python3.12 was found; do install python3.12"
        " (https://www.python.org/downloads/), or name one: make versions PYTHON=/path/to/python3.12",
    ]


@pytest.mark.parametrize(("ran", "ci", "code"), [(1, "", 0), (1, "true", 1), (2, "true", 0), (1, "false", 0)])
def test_in_continuous_integration_one_version_alone_is_a_failure(session, ran, ci, code):
    """It says nothing that `make test` did not; here it is told and no more."""
    rows = [Row(f"3.1{n}.0", 1, 1.0, "ok: 1 passed") for n in range(ran)] + [Row("3.13", missing="none")]
    assert versions.conclude(session(CI=ci), rows, []) == code


def test_none_at_all_is_a_failure_everywhere(session):
    with pytest.raises(Failure, match="none of the supported Pythons runs here"):
        versions.conclude(session(), [Row("3.12", missing="none")], [])


def test_a_failure_is_the_end_and_the_missing_are_told_before(session):
    here = session()
    with pytest.raises(Failure, match="1 failed"):
        versions.conclude(here, ROWS, [Failure("Python 3.11.7: 1 failed")])
    assert told(here)[-1].startswith("NOT RUN: Python 3.12")


# Running them


@pytest.fixture
def found(session, monkeypatch):
    """Two versions are found; what would be run is noted. found(broken="3.11"): its environment cannot be made."""
    ran = []

    def make(broken="", failing=""):
        here = session()
        monkeypatch.setattr(versions, "VERSIONS", ("3.11", "3.12"))

        def find(version, _):
            return Candidate(sys.executable, (*map(int, version.split(".")), 5), "x"), ""

        class Prepared:
            def __init__(self, places, *_):
                self.places, self.lock = places, self
                self.release = lambda: None

            def run(self, weights):
                assert not weights
                if self.places.environment == f"versions/{broken}":
                    raise Failure(f"{self.places.label}: no wheel")

        def run_loudly(command, env, log, cwd):
            version = command[0].parents[1].name
            ran.append((version, env))
            bad = version == failing
            return int(bad), f"== {'1 failed, ' if bad else ''}9 passed, 2 skipped in 3.00s =="

        monkeypatch.setattr(versions, "find", find)
        monkeypatch.setattr("steps.session.Preparation", Prepared)
        monkeypatch.setattr(suite.process, "run_loudly", run_loudly)
        return here, ran

    return make


def test_each_runs_in_an_environment_of_its_own(found, places):
    here, ran = found()
    assert versions.versions(here) == 0
    assert [version for version, _ in ran] == ["3.11", "3.12"]
    for version, env in ran:
        assert env["VIRTUAL_ENV"] == str(places.build / "versions" / version)
        assert env["PATH"].startswith(env["VIRTUAL_ENV"])
    assert [line.split()[:2] for line in told(here)[-2:]] == [["3.11.5", "9"], ["3.12.5", "9"]]


def test_the_second_runs_though_the_first_cannot(found):
    here, ran = found(broken="3.11")
    with pytest.raises(Failure, match=r"environment-3\.11: no wheel"):
        versions.versions(here)
    assert [version for version, _ in ran] == ["3.12"]
    assert "FAILED: no environment" in told(here)[-2]


def test_a_test_that_fails_on_one_is_told_with_its_version(found):
    here, _ = found(failing="3.12")
    with pytest.raises(Failure, match=r"Python 3\.12\.5: 1 failed, 9 passed"):
        versions.versions(here)
    assert re.search(r"3\.12\.5 +10 .* FAILED: 1 failed, 9 passed", told(here)[-1])


def test_soak_runs_them_too_though_a_slow_test_failed(found, monkeypatch):
    here, ran = found()
    monkeypatch.setattr(suite, "slow", lambda _: [Failure("slow: 1 failed")])
    with pytest.raises(Failure, match="slow: 1 failed"):
        versions.soak(here)
    assert len(ran) == 2
    assert any(line.startswith("Python 3.12.5 ") for line in told(here))


def test_the_environments_do_not_share_stamps_logs_or_locks(places):
    from dataclasses import replace

    other = replace(places, environment="versions/3.12")
    assert (places.label, other.label) == ("environment", "environment-3.12")
    assert places.stamps != other.stamps
    assert other.python.is_relative_to(places.build / "versions" / "3.12")
    assert (other.data, other.cache) == (places.data, places.cache)
