"""`alloy completion`: the scripts, in the shells that are here."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from alloy_nb.cli.main import COMMANDS
from alloy_nb.providers.vendors import VENDORS
from alloy_nb.session import Session
from alloy_nb.sessions.library import Sessions

from .conftest import Said, environment

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
    (["alloy", "--thinking", "hi"], ["high"]),
    (["alloy", "--tool-choice", "re"], ["read", "required"]),
    (["alloy", "-t", "read,gr"], ["read,grep"]),
    (["alloy", "--fallback", "mistral,opena"], ["mistral,openai"]),
    (["alloy", "-m", "sc"], ["scripted:"]),
    (["alloy", "-m", "local", "se"], []),  # the second word is the question's
    (["alloy", "what", "do"], []),
    (["alloy", "local", "pull", "smol"], ["smollm2"]),
    (["alloy", "--dir", ""], []),
]

#: As bash cuts it, what is offered for the last piece, and what the whole word becomes elsewhere.
CUT = [
    (["alloy", "--model", "=", "opena"], ["openai"], ["--model=openai"]),
    (["alloy", "--model", "="], sorted([*VENDORS, "local", "scripted:"]), None),
    (["alloy", "-m", "anthropic", ":", "claude-haiku-4"], ["claude-haiku-4-5"], ["anthropic:claude-haiku-4-5"]),
    (["alloy", "--model", "=", "anthropic", ":", "claude-haiku-4"], ["claude-haiku-4-5"], None),
    (["alloy", "-m", "scripted", ":", "s"], ["s1.jsonl", "s2.jsonl"], ["scripted:s1.jsonl", "scripted:s2.jsonl"]),
    (["alloy", "-m", "scripted", ":"], ["completion", "s1.jsonl", "s2.jsonl"], None),
    (["alloy", "--tools", "=", "read,gr"], ["read,grep"], None),
    (["alloy", "--approval", "=", "d"], ["deny"], ["--approval=deny"]),
    (["alloy", "--fallback", "local,anthropic", ":", "claude-haiku-4"], ["claude-haiku-4-5"], None),
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


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(("typed", "offered", "_"), CUT, ids=["".join(typed[1:]) for typed, _, _ in CUT])
def test_bash_completes_what_it_cuts(
    typed: list[str], offered: list[str], _: object, alloy: Alloy, tmp_path: Path
) -> None:
    """`-m scripted:s` became the command `sessions`."""
    (tmp_path / "completion").write_text(alloy("completion", "bash").out)
    for name in ("s1.jsonl", "s2.jsonl"):
        (tmp_path / name).touch()
    command = ["bash", "--norc", "-c", _BASH, "bash", "completion", *typed]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, cwd=tmp_path)
    assert done.stderr == ""
    assert sorted(word for word in done.stdout.split() if word != "data") == offered


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
@pytest.mark.parametrize(("typed", "offered", "becomes"), CUT, ids=["".join(typed[1:]) for typed, _, _ in CUT])
def test_fish_completes_behind_colon_and_equals(
    typed: list[str], offered: list[str], becomes: list[str] | None, alloy: Alloy, tmp_path: Path
) -> None:
    if becomes is None:
        pytest.skip("bash's alone")
    (tmp_path / "completion").write_text(alloy("completion", "fish").out)
    for name in ("s1.jsonl", "s2.jsonl"):
        (tmp_path / name).touch()
    line = " ".join(typed).replace(" : ", ":").replace(" = ", "=")
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    code = f"source completion; complete -C '{line}'"
    command = ["fish", "-N", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, env=env, cwd=tmp_path)
    assert sorted(line.partition("\t")[0] for line in done.stdout.splitlines()) == becomes


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
@pytest.mark.parametrize(("typed", "offered"), CASES[:-1], ids=[" ".join(typed) for typed, _ in CASES[:-1]])
def test_fish_completes(typed: list[str], offered: list[str], alloy: Alloy, tmp_path: Path) -> None:
    (tmp_path / "completion").write_text(alloy("completion", "fish").out)
    code = f"source {tmp_path / 'completion'}; complete -C '{' '.join(typed)}'"
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["fish", "-N", "-c", code], capture_output=True, text=True, check=True, timeout=30, env=env)
    assert sorted(line.partition("\t")[0] for line in done.stdout.splitlines()) == offered


#: What is typed, and what it becomes: names of conversations, the newest first.
STORED = ["thesis", "the second law", "it's $HOME", "notes", "one\\two"]
OF_STORED = [
    (["alloy", "--session", ""], ["it\\'s\\ \\$HOME", "notes", "one\\\\two", "the\\ second\\ law", "thesis"]),
    (["alloy", "--session", '"'], ["notes", "the second law", "thesis"]),  # of the others the shell would make others
    (["alloy", "--session", "'it"], []),
    (["alloy", "--session", "the"], ["the\\ second\\ law", "thesis"]),
    (["alloy", "sessions", "show", "the\\ s"], ["the\\ second\\ law"]),
    (["alloy", "sessions", "delete", '"the s'], ["the second law"]),
    (["alloy", "sessions", "fork", "no"], ["notes"]),
    (["alloy", "sessions", "export", "--out", "no"], []),
    (["alloy", "sessions", "show", "--n"], ["--numbers"]),
    (["alloy", "sessions", "search", "no"], []),
]


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Conversations of the user's, and an environment in which their shell finds `alloy`."""
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    sessions = Sessions()
    for name in [*STORED, "two\nlines", "\x1b[31mred", "notes\u200b"]:
        sessions.add(Session(name), name)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "alloy"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m alloy_nb "$@"\n')
    program.chmod(0o755)
    return environment(
        HOME=str(tmp_path), PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin", ALLOY_DATA_DIR=str(tmp_path / "data")
    )


def test_the_names_alone_are_listed_for_scripts(alloy: Alloy, stored: dict[str, str]) -> None:
    assert sorted(alloy("sessions", "list", "--names").out.splitlines()) == sorted(STORED)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(("typed", "offered"), OF_STORED, ids=[" ".join(typed) for typed, _ in OF_STORED])
def test_bash_completes_names_of_conversations(
    typed: list[str], offered: list[str], alloy: Alloy, stored: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "completion").write_text(alloy("completion", "bash").out)
    command = ["bash", "--norc", "-c", _BASH, "bash", str(tmp_path / "completion"), *typed]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, env=stored)
    assert (sorted(done.stdout.split("\n")), done.stderr) == (["", *offered] if offered else ["", ""], "")


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
@pytest.mark.parametrize("typed", ["alloy --session ", "alloy sessions show ", "alloy sessions delete "])
def test_fish_completes_names_of_conversations(
    typed: str, alloy: Alloy, stored: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "completion").write_text(alloy("completion", "fish").out)
    code = f"source {tmp_path / 'completion'}; complete -C '{typed}'"
    done = subprocess.run(
        ["fish", "-N", "-c", code], capture_output=True, text=True, check=True, timeout=30, env=stored
    )
    assert sorted(line.partition("\t")[0] for line in done.stdout.splitlines()) == sorted(STORED)


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
def test_zsh_takes_it(alloy: Alloy, tmp_path: Path) -> None:
    (tmp_path / "completion").write_text(alloy("completion", "zsh").out)
    code = f"autoload -Uz compinit; compinit -D -u; source {tmp_path / 'completion'}; print $_comps[alloy]"
    done = subprocess.run(["zsh", "-f", "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert (done.stdout, done.stderr) == ("_bash_complete -o default -F _alloy\n", "")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("alloy loc", "alloy local "),
        ("alloy -t rea", "alloy -t read "),
        ("alloy --session no", "alloy --session notes "),
        ("alloy -t read,gr", "alloy -t read,grep "),
        ("alloy -m anthropic:claude-haiku-4", "alloy -m anthropic:claude-haiku-4-5 "),
        ("alloy --model=opena", "alloy --model=openai "),
        ("alloy -m scripted:comp", "alloy -m scripted:completion "),
        ("alloy sessions show the\\ ", "alloy sessions show the\\ second\\ law "),
        ('alloy sessions delete "the ', 'alloy sessions delete "the second law" '),
        ('alloy sessions delete "it', 'alloy sessions delete "it\'s \\$HOME" '),
        ('alloy --session "one', 'alloy --session "one\\\\two" '),
        ("alloy --session on", "alloy --session one\\\\two "),
    ],
)
def test_zsh_completes_what_is_typed(
    typed: str, becomes: str, alloy: Alloy, stored: dict[str, str], tmp_path: Path
) -> None:
    """It took the script, and said `unrecognized modifier` to every Tab."""
    (tmp_path / "completion").write_text(alloy("completion", "zsh").out)
    first = "autoload -Uz compinit; compinit -D -u; source completion"
    assert _typed(["zsh", "-f", "-i"], first, typed, becomes, stored, tmp_path).endswith(becomes)


def _typed(command: list[str], first: str, typed: str, becomes: str, env: Mapping[str, str], folder: Path) -> str:
    """What a shell shows behind what is typed and Tab, until it is what is awaited; `first` is run before."""
    ours, theirs = os.openpty()
    shell = subprocess.Popen(
        command,
        **dict.fromkeys(("stdin", "stdout", "stderr"), theirs),
        env={**env, "TERM": "dumb"},
        cwd=folder,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        os.write(ours, f"PS1='re''ady> '; {first}\n".encode())
        _read_until(ours, "ready> ")
        os.write(ours, f"{typed}\t".encode())
        return _read_until(ours, becomes)
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)


def _read_until(terminal: int, text: str) -> str:
    came, end = "", time.monotonic() + 30
    while text not in came:
        ready, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
        assert ready, f"{text!r} never came: {came!r}"
        came += os.read(terminal, 65536).decode("utf-8", "replace").replace("\a", "")
    return came


def test_every_command_is_in_each_script(alloy: Alloy) -> None:
    for shell in ("bash", "zsh", "fish"):
        script = alloy("completion", shell).out
        assert all(command in script for command in COMMANDS)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("alloy local remove sm", "alloy local remove small"),  # and not the file `smell`
        ("alloy -m scripted:sm", "alloy -m scripted:smell "),
        ("alloy --model=anthropic:claude-haiku-4", "alloy --model=anthropic:claude-haiku-4-5 "),
        ("alloy -t read,gr", "alloy -t read,grep "),
        ("alloy look into sm", "alloy look into smell "),
    ],
)
def test_bash_at_work(typed: str, becomes: str, alloy: Alloy, stored: dict[str, str], tmp_path: Path) -> None:
    """Where a name of ours is wanted, files were offered."""
    (tmp_path / "completion").write_text(alloy("completion", "bash").out)
    (tmp_path / "smell").touch()
    (tmp_path / "data" / "models").mkdir()
    for name in ("small", "smaller"):
        (tmp_path / "data" / "models" / f"{name}.gguf").write_bytes(b"GGUF")
    assert alloy("local", "list", "--names").out == "small\nsmaller\n"
    assert _typed(["bash", "--norc", "-i"], "source completion", typed, becomes, stored, tmp_path).endswith(becomes)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_nothing_of_a_files_name_is_code(alloy: Alloy, tmp_path: Path) -> None:
    (tmp_path / "completion").write_text(alloy("completion", "bash").out)
    (tmp_path / "a $(touch made)").touch()
    command = ["bash", "--norc", "-c", _BASH, "bash", "completion", "alloy", "-m", "scripted", ":", "a"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, cwd=tmp_path)
    assert done.stdout == "a\\ \\$\\(touch\\ made\\)\n"
    assert not (tmp_path / "made").exists()
