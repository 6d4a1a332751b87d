"""Prompts reach the magic as they were typed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from alloy_nb.notebook import syntax


class Shell:
    def __init__(self) -> None:
        self.input_transformer_manager: Any = TransformerManager()


def calls(code: str) -> list[tuple[str, ...]]:
    """What the transformed cell asks IPython for."""
    import ast

    shell = Shell()
    syntax.register(shell)
    tree = ast.parse(shell.input_transformer_manager.transform_cell(code))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [
        (node.func.attr, *(argument.value for argument in node.args if isinstance(argument, ast.Constant)))  # type: ignore[attr-defined]
        for node in found
        if node.func.attr.startswith("run_")  # type: ignore[attr-defined]
    ]


@pytest.mark.parametrize(
    "question", ["what is this?", "What's up?", "why??", "is x > 3?", "{n} or {m}?", "why (not?", "Größe?", "a ? b"]
)
def test_a_question_mark_asks_the_model_not_ipythons_help(question: str) -> None:
    """IPython itself reads `%alloy what is this?` as a request for help on `this`."""
    assert calls(f"%alloy {question}") == [("run_line_magic", "alloy", question)]
    assert calls(f"x = %alloy {question}\n") == [("run_line_magic", "alloy", question)]
    assert calls(f"for i in 'ab':\n    %alloy {question}\n") == [("run_line_magic", "alloy", question)]
    assert calls(f"y = 1\n%alloy {question}\nz = 2") == [("run_line_magic", "alloy", question)]


def test_help_on_the_magic_itself_still_works() -> None:
    assert calls("%alloy?") == [("run_line_magic", "pinfo", "%alloy")]
    assert calls("%%alloy?") == [("run_line_magic", "pinfo", "%%alloy")]
    assert calls("len?") == [("run_line_magic", "pinfo", "len")]


def test_other_magics_and_strings_are_left_alone() -> None:
    assert calls("%alloyed what is this") == [("run_line_magic", "alloyed", "what is this")]
    assert calls("%timeit 1") == [("run_line_magic", "timeit", "1")]
    assert calls('s = """\n%alloy what is this?\n"""') == []


@pytest.mark.parametrize(
    "body",
    [
        ">>> f(1)\n2\n",
        "... and so on\n>>> x\n",
        "In [1]: x = 1\n",
        "    indented\n  less\n",
        "what is this?\n",
        "%alloy inside\n!ls\n",
        "trailing  \n \n\ttab\n",
        "\"quotes\" 'and' \\backslashes\\\n",
    ],
)
def test_the_lines_of_a_cell_are_left_as_they_are(body: str) -> None:
    """IPython itself takes `>>>` and `In [1]:` away."""
    assert calls(f"%%alloy -m x\n{body}") == [("run_cell_magic", "alloy", "-m x", body)]
    assert calls(f"\n\n%%alloy\n{body}") == [("run_cell_magic", "alloy", "", body)]


@given(st.text(alphabet="ab{}[]()'\"\\$%?!>.: \n\t#é`", max_size=60))
def test_any_body_arrives_whole(body: str) -> None:
    assert calls(f"%%alloy\n{body}\n") == [("run_cell_magic", "alloy", "", f"{body}\n")]


def test_registering_twice_is_once_and_unregistering_takes_all_back() -> None:
    shell = Shell()
    manager = shell.input_transformer_manager
    before = list(manager.cleanup_transforms), list(manager.token_transformers)
    syntax.register(shell)
    once = list(manager.cleanup_transforms), list(manager.token_transformers)
    syntax.register(shell)
    assert (manager.cleanup_transforms, manager.token_transformers) == once
    syntax.unregister(shell)
    assert (manager.cleanup_transforms, manager.token_transformers) == before
