"""make dist: what an archive must hold and must not, two builds that are the same, and the whole for real."""

import io
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from steps import archives, dist, first_steps
from steps.failure import Failure
from steps.interpreter import Candidate
from steps.session import Session
from steps.terminal import Terminal
from steps.timings import Steps

ROOT = Path(__file__).resolve().parents[2]
WHOLE = dict.fromkeys(archives.NEEDED, b"x") | {"alloy_nb/py.typed": b""}


@pytest.fixture
def archive(tmp_path):
    """archive("a.whl", {name: content}): one of that kind."""

    def make(name, files):
        path = tmp_path / name
        if path.suffix == ".whl":
            with zipfile.ZipFile(path, "w") as wheel:
                for file, content in files.items():
                    wheel.writestr(file, content)
            return path
        with tarfile.open(path, "w:gz") as sdist:
            for file, content in files.items():
                member = tarfile.TarInfo(f"alloy_nb-1.0/{file}")
                member.size = len(content)
                sdist.addfile(member, io.BytesIO(content))
        return path

    return make


@pytest.fixture
def session(places):
    """session(**environ): a call in an empty tree."""

    def make(**environ):
        terminal = Terminal(io.StringIO(), {})
        python = Candidate(sys.executable, sys.version_info[:3], "linux")
        environ = {"PATH": os.environ["PATH"], **environ}
        return Session("dist", places, python, environ, terminal, Steps(terminal, "make dist"))

    return make


@pytest.mark.parametrize("name", ["a.whl", "a.tar.gz"])
def test_an_archive_that_is_whole_has_no_fault(archive, name):
    made = archive(name, WHOLE)
    assert archives.files(made) == WHOLE
    assert archives.faults(made, ["/home/me/work"]) == []


@pytest.mark.parametrize("name", archives.NEEDED)
def test_what_the_package_needs_is_missed(archive, name):
    made = archive("a.whl", {file: content for file, content in WHOLE.items() if file != name})
    assert archives.faults(made, []) == [f"a.whl: {name} is not in it, or empty"]


def test_an_empty_file_of_data_is_missed(archive):
    made = archive("a.whl", WHOLE | {"alloy_nb/models.json": b""})
    assert archives.faults(made, []) == ["a.whl: alloy_nb/models.json is not in it, or empty"]


@pytest.mark.parametrize(
    "name",
    [
        "tests/test_loop.py",
        "tests/notebooks/refresh.py",
        "alloy_nb/test_loop.py",
        "alloy_nb/conftest.py",
        "labextension/node_modules/x/index.js",
        "labextension/src/view.test.ts",
        "corpus/openai.json",
        "alloy_nb/__pycache__/loop.cpython-311.pyc",
        ".env",
    ],
)
def test_what_does_not_belong_into_an_archive_is_told(archive, name):
    assert archives.faults(archive("a.tar.gz", WHOLE | {name: b""}), []) == [
        f"a.tar.gz: {name} does not belong into it"
    ]


def test_the_helpers_for_tests_of_users_do_belong(archive):
    assert archives.faults(archive("a.whl", WHOLE | {"alloy_nb/testing/cassettes.py": b""}), []) == []


def test_a_path_of_the_builders_machine_is_told(archive):
    made = archive("a.whl", WHOLE | {"alloy_nb/_version.py": b"# /home/me/work/alloy_nb"})
    assert archives.faults(made, ["/home/me/work"]) == ["a.whl: alloy_nb/_version.py names /home/me/work"]
    assert archives.faults(made, ["/home"]) == []  # so short a path may stand in any text


def test_an_archive_that_is_too_long_is_told(archive, monkeypatch):
    monkeypatch.setattr(archives, "LONGEST", 100)
    (fault,) = archives.faults(archive("a.whl", WHOLE), [])
    assert "more than 100" in fault


def test_files_have_the_time_that_is_given_else_that_of_the_commit(session):
    assert dist.epoch(session(SOURCE_DATE_EPOCH="1700000000")) == "1700000000"
    assert dist.epoch(session(SOURCE_DATE_EPOCH="today")) == dist.NO_GIT  # no work tree of git
    assert dist.epoch(session(PATH="")) == dist.NO_GIT


def test_two_builds_that_differ_are_a_failure(tmp_path):
    for folder, content in (("one", "1"), ("two", "1"), ("three", "2"), ("four", "1")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / ("b.whl" if folder == "four" else "a.whl")).write_text(content)
    dist.compare(tmp_path / "one", tmp_path / "two")
    with pytest.raises(Failure, match="differs from one build"):
        dist.compare(tmp_path / "one", tmp_path / "three")
    with pytest.raises(Failure, match="different files"):
        dist.compare(tmp_path / "one", tmp_path / "four")


def test_a_package_is_counted_with_what_it_needs(capsys):
    first_steps.packages("nbclient")
    needed = capsys.readouterr().out.split()
    assert {"nbclient", "jupyter-client", "nbformat", "traitlets"} <= set(needed)
    assert "pytest" not in needed  # of its extra
    first_steps.packages()
    assert set(needed) < set(capsys.readouterr().out.split())


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no work tree of git")
def test_the_wheel_and_the_sdist_are_built_alike_installed_and_used(make_target):
    said = make_target("dist")
    assert said.returncode == 0, said.stdout + said.stderr
    assert "beyond JupyterLab's" in said.stdout
    assert len(list((ROOT / "build" / "dist").iterdir())) == 2
