"""`alloy completion`: the scripts, in the shells that are here."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from alloy_nb.cli.main import COMMANDS
from alloy_nb.providers.vendors import VENDORS

from .conftest import Said

Alloy = Callable[..., Said]

_BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=()
_alloy
printf '%s\\n' "${COMPREPLY[@]}"
"""

CASES = [
    (["alloy", "do"], ["doctor"]),
    (["alloy", "--app"], ["--approval"]),
    (["alloy", "--approval", ""], ["ask", "auto", "deny"]),
    (["alloy", "-m", "anth"], ["anthropic"]),
    (["alloy", "-t", "re"], ["read"]),
    (["alloy", "local", ""], ["list", "path", "pull", "remove"]),
    (["alloy", "local", "pull", "--v"], ["--verify"]),
    (["alloy", "sessions", "ex"], ["export"]),
    (["alloy", "completion", ""], ["bash", "fish", "zsh"]),
    (["alloy", "login", ""], sorted(VENDORS)),
    (["alloy", "--dir", ""], []),
]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(("typed", "offered"), CASES, ids=[" ".join(typed) for typed, _ in CASES])
def test_bash_completes(typed: list[str], offered: list[str], alloy: Alloy, tmp_path: Path) -> None:
    said = alloy("completion", "bash")
    assert (said.code, said.err) == (0, "")
    (tmp_path / "completion").write_text(said.out)
    command = ["bash", "--norc", "-c", _BASH, "bash", str(tmp_path / "completion"), *typed]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert done.stderr == ""
    assert sorted(done.stdout.split()) == offered


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
@pytest.mark.parametrize(("typed", "offered"), CASES[:-1], ids=[" ".join(typed) for typed, _ in CASES[:-1]])
def test_fish_completes(typed: list[str], offered: list[str], alloy: Alloy, tmp_path: Path) -> None:
    (tmp_path / "completion").write_text(alloy("completion", "fish").out)
    code = f"source {tmp_path / 'completion'}; complete -C '{' '.join(typed)}'"
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["fish", "-N", "-c", code], capture_output=True, text=True, check=True, timeout=30, env=env)
    assert sorted(line.partition("\t")[0] for line in done.stdout.splitlines()) == offered


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
def test_zsh_takes_it(alloy: Alloy, tmp_path: Path) -> None:
    (tmp_path / "completion").write_text(alloy("completion", "zsh").out)
    code = f"autoload -Uz compinit; compinit -D -u; source {tmp_path / 'completion'}; print $_comps[alloy]"
    done = subprocess.run(["zsh", "-f", "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert (done.stdout, done.stderr) == ("_bash_complete -o default -F _alloy\n", "")


def test_every_command_is_in_each_script(alloy: Alloy) -> None:
    for shell in ("bash", "zsh", "fish"):
        script = alloy("completion", shell).out
        assert all(command in script for command in COMMANDS)
