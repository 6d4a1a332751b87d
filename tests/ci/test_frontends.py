"""The environment of other front ends, with a Python that only notes what it is asked."""

import os

import pytest
from steps.frontends import PAGES, FrontEnds
from steps.interpreter import Candidate

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shell scripts stand for interpreters")
# `-m venv --without-pip DIR` makes a copy of itself; asked for its site-packages, it tells a folder of its own.
ABLE = r"""
echo "$@" >> {calls}
case "$*" in
  *"-m venv"*) for last; do :; done; mkdir -p "$last/bin" "$last/site" && cp "$0" "$last/bin/python" ;;
  *sysconfig*) here=${{0%/bin/*}}; mkdir -p $here/site; echo $here/site ;;
esac
"""
PROJECT = '[project.optional-dependencies]\nfrontends = ["notebook>=7", "marimo"]\n'


@pytest.fixture
def frontends(tmp_path, places, script):
    (tmp_path / "calls").write_text("")
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    body = ABLE.format(calls=tmp_path / "calls")
    (tmp_path / "build" / "venv").mkdir()
    script("python", body, "build/venv/bin")
    base = Candidate(str(script("python3.13", body)), (3, 13, 0), "linux CPython")
    return lambda environment="key": FrontEnds(places, base, {"PATH": os.environ["PATH"]}, environment)


def test_it_has_the_packages_of_the_project_and_jupyters_pages(frontends, places, tmp_path):
    made = frontends()
    made.make()
    python = places.build / "frontends" / "bin" / "python"
    assert made.variables == {"ALLOY_FRONTENDS": str(python)}
    start = f"-m pip --python {python} install --progress-bar off"
    assert [line for line in (tmp_path / "calls").read_text().splitlines() if "install" in line] == [
        f"{start} notebook>=7 marimo",
        f"{start} --ignore-installed --no-deps {' '.join(PAGES)}",
    ]


def test_it_is_made_anew_when_the_packages_or_what_is_behind_it_change(frontends, tmp_path):
    assert not frontends().is_fresh()
    frontends().make()
    assert frontends().is_fresh()
    assert not frontends("another").is_fresh()
    (tmp_path / "pyproject.toml").write_text(PROJECT.replace("marimo", "marimo>=1"))
    assert not frontends().is_fresh()
