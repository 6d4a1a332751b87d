"""binder/, and the link that opens it."""

import io
import os
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from steps import binder
from steps.failure import Failure
from steps.interpreter import Candidate
from steps.session import Session
from steps.terminal import Terminal
from steps.timings import Steps

ROOT = Path(__file__).resolve().parents[2]
BINDER = ROOT / "binder"


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_the_scripts_can_be_run_and_end_at_the_first_error(name):
    lines = (BINDER / name).read_text("utf-8").splitlines()
    assert lines[0] == "#!/bin/bash"
    assert "set -e" in lines
    assert os.access(BINDER / name, os.X_OK) or os.name == "nt"


def test_start_hands_over_to_what_binder_runs():
    assert (BINDER / "start").read_text("utf-8").splitlines()[-1] == 'exec "$@"'


def test_weights_are_fetched_when_the_image_is_built_and_no_key_is_needed():
    assert "alloy local pull smollm2" in (BINDER / "postBuild").read_text("utf-8")
    assert 'ALLOY_MODEL="${ALLOY_MODEL:-local}"' in (BINDER / "start").read_text("utf-8")


def test_the_link_opens_a_notebook_that_is_there():
    assert (ROOT / binder.OPENS.removeprefix("lab/tree/")).is_file()
    parts = urlsplit(binder.link("https://github.com/owner/name", "HEAD"))
    assert parts.path == "/v2/gh/owner/name/HEAD"
    assert parse_qs(parts.query) == {"urlpath": [binder.OPENS]}


@pytest.mark.parametrize(
    ("repository", "ref", "path"),
    [
        ("https://github.com/owner/name.git", "main", "gh/owner/name/main"),
        ("https://github.com/owner/name/", "a/branch", "gh/owner/name/a%2Fbranch"),
        ("https://gitlab.com/group/sub/name", "HEAD", "gl/group%2Fsub%2Fname/HEAD"),
        ("https://codeberg.org/owner/name", "v1", "git/https%3A%2F%2Fcodeberg.org%2Fowner%2Fname/v1"),
    ],
)
def test_a_link_for_each_kind_of_host(repository, ref, path):
    assert f"/v2/{path}?" in binder.link(repository, ref)


@pytest.mark.parametrize(
    "repository",
    [
        "",
        "owner/name",
        "git@github.com:owner/name",
        "https://github.com/owner",
        "https://github.com/a/b/c",
        "https://key@github.com/owner/name",
        "http://github.com/owner/name",
        "https://github.com/owner/na me",
    ],
)
def test_what_is_no_repository_is_told_with_an_example(repository):
    with pytest.raises(Failure, match="REPO") as failed:
        binder.link(repository, "HEAD")
    assert "make binder-url REPO=https://" in failed.value.remedy
    assert failed.value.code == 2


def test_the_link_alone_is_printed(places):
    stream = io.StringIO()
    terminal = Terminal(stream, {})
    environ = {"REPO": "https://github.com/owner/name"}
    python = Candidate(sys.executable, sys.version_info[:3], "linux")
    assert binder.url(Session("binder-url", places, python, environ, terminal, Steps(terminal, "make"))) == 0
    assert stream.getvalue() == binder.link(environ["REPO"], "HEAD") + "\n"


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no work tree of git")
@pytest.mark.skipif(os.name == "nt", reason="shell scripts")
def test_binder_builds_its_environment_and_runs_the_quickstart(make_target):
    said = make_target("binder")
    assert said.returncode == 0, said.stdout + said.stderr
