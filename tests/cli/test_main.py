"""The front door of the command line."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from alloy_nb import __version__
from alloy_nb.cli.failure import EXIT_CODES
from alloy_nb.cli.main import COMMANDS, main

from .conftest import Said, environment
from .terminals import Terminal

Alloy = Callable[..., Said]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_goes_to_stdout(option: str, alloy: Alloy) -> None:
    assert alloy(option) == Said(0, f"alloy_nb {__version__}\n", "")


def test_the_version_is_told_without_importing_the_library() -> None:
    """Starting must not feel slow: no argparse, no regular expressions, nothing of the agent."""
    code = """
import sys
before = set(sys.modules)
from alloy_nb.cli.main import main
assert main(["--version"]) == 0
ours = {name for name in set(sys.modules) - before if name.startswith("alloy_nb")}
assert ours == {"alloy_nb", "alloy_nb._version", "alloy_nb.cli", "alloy_nb.cli.main"}, ours
assert "argparse" not in sys.modules
"""
    subprocess.run([sys.executable, "-I", "-c", _at_root(code)], env=environment(), check=True, timeout=60)


def test_a_one_shot_brings_in_neither_notebook_nor_http(tmp_path: Path) -> None:
    (tmp_path / "script.jsonl").write_text('{"text": "yes"}\n')
    code = """
import sys
from alloy_nb.cli.main import main
assert main(["-p", "go", "-m", "scripted:script.jsonl"]) == 0
heavy = {"IPython", "httpx2", "pydantic", "ipywidgets", "markdown_it", "nh3", "xllamacpp"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run(
        [sys.executable, "-I", "-c", _at_root(code)], stdin=subprocess.DEVNULL, cwd=tmp_path, check=True, timeout=60
    )


def _at_root(code: str) -> str:
    return f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"


def test_without_arguments_it_says_what_there_is(alloy: Alloy) -> None:
    said = alloy()
    assert (said.code, said.out) == (2, "")
    assert 'alloy -p "' in said.err
    for command in COMMANDS:
        assert f"\n  {command} " in said.err


def test_help_goes_to_stdout_and_names_every_option(alloy: Alloy) -> None:
    """CLI-1."""
    said = alloy("--help")
    assert (said.code, said.err) == (0, "")
    options = (
        "-p -m -t -s --provider --model --tools --system --max-turns --dir --no-stream --approval --json --session"
    )
    for option in [*options.split(), "--tool-choice", "--timeout", "--budget", "--temperature", "--version"]:
        assert option in said.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, alloy: Alloy) -> None:
    said = alloy(command, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"usage: alloy {command}")


@pytest.mark.parametrize(
    "arguments", [("-t", "read", "bash"), ("-t", "read,", "bash"), ("--tools", "read", "bash", "--max-turns", "3")]
)
def test_tools_without_a_comma_deserve_a_hint(
    arguments: tuple[str, ...], alloy: Alloy, script: Callable[..., str]
) -> None:
    said = alloy("-p", "go", "-m", script({"text": "fine", "on": "go bash"}), *arguments)
    assert (said.code, said.out) == (0, "fine\n")
    assert "`bash` is taken as a word of the question; for a tool more write -t read,bash" in said.err
    assert alloy("-p", "go", "-t", "read,bash", "bashful", "-m", script("fine")).err == ""


def test_both_names_are_the_same_program() -> None:
    """`alloy`, `alloy-nb` and `python -m alloy_nb`."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"alloy": "alloy_nb.cli.main:main", "alloy-nb": "alloy_nb.cli.main:main"}
    said = subprocess.run(
        [sys.executable, "-m", "alloy_nb", "--version"], env=environment(), capture_output=True, text=True, check=True
    )
    assert said.stdout == f"alloy_nb {__version__}\n"


def test_an_interrupt_before_anything_ran_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("alloy_nb.cli.doctor.run", interrupted)
    assert main(["doctor"]) == 130


def test_help_and_readme_tell_every_exit_code(alloy: Alloy) -> None:
    """That of a pipe whose reader left was in neither."""
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    told = " ".join(alloy("--help").out.split())
    for code, means in EXIT_CODES.items():
        assert f"{code} {means}" in told
        assert f"{code} {means}" in readme


def test_help_and_version_are_told_without_a_dash(alloy: Alloy) -> None:
    """They were asked of a model."""
    assert alloy("help") == alloy("--help")
    assert alloy("help").out.startswith("usage: alloy")
    assert alloy("version") == alloy("--version")
    assert alloy("help", "local") == alloy("local", "--help")


def test_a_lone_word_begins_no_conversation(terminal: Callable[..., Terminal]) -> None:
    """It is a command that is not there, more likely than a question."""
    asked = terminal("jobs")
    code, said = asked.finish()
    assert code == 2
    assert "`jobs` is no command" in said
    assert "`alloy -p jobs` asks it" in said
