"""The README promises nothing that does not work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import alloy_nb as alloy
from alloy_nb.cli import prompt
from alloy_nb.cli.main import COMMANDS
from alloy_nb.cli.parser import Parser, split_words

ROOT = Path(alloy.__file__).parents[1]
README = ROOT / "README.md"

if not README.exists():
    pytest.skip("needs the work tree", allow_module_level=True)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)


ANSWERS = """\
{"on": "Name three noble gases.", "text": "Helium, neon, argon."}
{"on": "Tell me a story.", "text": "Once upon a time."}
{"on": "Name a noble gas and its atomic number.", "text": "{\\"name\\": \\"neon\\", \\"number\\": 10}"}
{"on": "And another one?", "text": "{\\"name\\": \\"argon\\", \\"number\\": 18}"}
{"on": "Count the words of 'to be or not to be'.", "tool_calls": [{"name": "count_words", "input": {"text": "to be"}}]}
{"text": "Two."}
"""


def test_the_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "answers.jsonl").write_text(ANSWERS)
    monkeypatch.setenv("ALLOY_MODEL", f"scripted:{tmp_path / 'answers.jsonl'}")
    monkeypatch.chdir(tmp_path)
    # The first block looks at what a cell bound.
    names: dict[str, object] = {"__name__": "readme", "answer": alloy.run("Name three noble gases.")}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec", dont_inherit=True), names)
    assert capsys.readouterr().out.startswith("Helium, neon, argon.\nOnce upon a time.")
    result = names["result"]
    assert isinstance(result, alloy.Result)
    assert [(call.name, call.output) for call in result.tool_calls] == [("count_words", "2")]
    assert isinstance(names["gas"], names["Gas"])  # type: ignore[arg-type]


def test_the_cells_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    (tmp_path / "answers.jsonl").write_text(ANSWERS)
    monkeypatch.setenv("ALLOY_MODEL", f"scripted:{tmp_path / 'answers.jsonl'}")
    monkeypatch.setenv("ALLOY_DISPLAY", "none")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shell = InteractiveShell()
    shell.history_manager.enabled = False
    for cell in blocks("text"):
        shell.run_cell(cell, store_history=False).raise_error()
    assert shell.user_ns["answer"].text == "Helium, neon, argon."


def commands() -> list[list[str]]:
    """Every `alloy` command line of the shell blocks."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    parts = [shlex.split(part, comments=True) for line in lines for part in line.split("|")]
    return [part[1:] for part in parts if part and part[0] == "alloy"]


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_the_command_lines_of_the_readme_are_understood(arguments: list[str]) -> None:
    from importlib import import_module

    if arguments[0] in COMMANDS:
        parser = Parser(prog="alloy")
        import_module(f"alloy_nb.cli.{arguments[0]}").add_arguments(parser.add_subparsers())
        parser.parse_args(arguments)
        return
    parser = Parser(prog="alloy")
    prompt.add_arguments(parser)
    parsed, _ = split_words(parser, arguments)
    assert parsed.prompt


def test_every_variable_that_the_readme_names_is_read_somewhere() -> None:
    named = set(re.findall(r"\bALLOY_[A-Z_]+\b", README.read_text("utf-8")))
    code = "".join(path.read_text("utf-8") for path in (ROOT / "alloy_nb").rglob("*.py"))
    assert named
    assert {name for name in named if name not in code} == set()


def test_every_target_and_file_that_the_readme_names_is_there() -> None:
    text = README.read_text("utf-8")
    targets = set(re.findall(r"\bmake ([a-z]+)\b", text)) - {"an"}
    known = set(re.search(r"^TARGETS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split())  # type: ignore[index]
    assert {"demo", "test", "lab"} <= targets
    assert {target for target in targets if target in known} >= {"demo", "test", "lab"}
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / link).exists(), link


def test_every_alloy_name_of_the_readme_is_public() -> None:
    names = set(re.findall(r"\balloy\.([A-Za-z_]+)", README.read_text("utf-8")))
    assert names <= set(alloy.__all__)
