"""What a module keeps private, no other module uses: a class is known by its public names alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_layers import modules

#: Private names of other people's code, and why there is no way around each.
ALLOWED = {
    "argparse._SubParsersAction": "what `add_subparsers` returns has no public name",
    "parser._actions": "argparse tells its options in no other way",
    "parser._option_string_actions": "as above",
    "sys._getframe": "the call stack; the public `inspect` reads source files for it",
    "sys._current_frames": "where a thread is that does not answer",
    "asyncio._get_running_loop": "the public one raises where no loop runs, on each blocking call",
    "libc._exit": "a function of C",
    "target._replace": "public: a namedtuple's methods begin with _ so as not to meet its fields",
    "event._replace": "as above",
    "kernel._allow_stdin": "whether a front end lets a person be asked; ipykernel tells it in no other way",
    "manager._shell_socket": "where ipykernel 7.0 to 7.3 send replies, and lose requests by it; 7.4 has no such thing",
    "kernel._parent_ident": "whom ipykernel answers just now; only the other half of it, `get_parent`, is public",
    "comm._reply_subshell_for": "ipykernel 7.4 hands a widget's message to a busy thread; no public way around",
    "threading._register_atexit": "the hook before daemon threads die; `atexit` runs after it, and is what is left",
    "ipython._find_assign_op": "how IPython itself finds the magic behind `x =`",
}

BY_NAME = ("getattr", "setattr", "hasattr", "delattr")


def private(name: str) -> bool:
    """Not so are Python's ``__names__`` and IPython's ``_names_``: both are protocols."""
    return name.startswith("_") and not name.endswith("_")


def own_names(tree: ast.AST) -> set[str]:
    """The names that a module makes: classes of one module may know each other."""
    made: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            made.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own(node.value):
            made.add(node.attr)
    return made


def is_own(value: ast.expr) -> bool:
    """``self``, ``cls``, ``super()``."""
    if isinstance(value, ast.Call):
        value = value.func
    return isinstance(value, ast.Name) and value.id in ("self", "cls", "super")


def uses(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Line, words and name of each private name that is taken from something else than `self`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            if private(node.attr) and not is_own(node.value):
                yield node.lineno, ast.unparse(node), node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BY_NAME:
            of, name = node.args[0], node.args[1]
            if isinstance(name, ast.Constant) and private(str(name.value)) and not is_own(of):
                yield node.lineno, f"{ast.unparse(of)}.{name.value}", str(name.value)
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names if private(alias.name)]
            yield from ((node.lineno, f"{node.module}.{name}", name) for name in names)


def foreign_privates(source: str) -> list[tuple[int, str]]:
    tree = ast.parse(source)
    used = list(uses(tree))
    own = own_names(tree) if used else set()
    return [(line, words) for line, words, name in used if name not in own]


@pytest.mark.parametrize(("module", "path"), modules(), ids=[name for name, _ in modules()])
def test_no_module_uses_what_another_keeps_private(module: str, path: Path) -> None:
    found = [use for use in foreign_privates(path.read_text(encoding="utf-8")) if use[1] not in ALLOWED]
    assert not found, f"{module}: give it a public name, or a method: {found}"


@pytest.mark.thorough
def test_nothing_is_allowed_that_nobody_uses() -> None:
    used = {words for _, path in modules() for _, words in foreign_privates(path.read_text(encoding="utf-8"))}
    assert set(ALLOWED) <= used


def test_what_counts_as_private_to_somebody_else() -> None:
    source = """
from .other import _hidden, shown
class One:
    def __init__(self): self._mine = 1
    def same(self, other): return other._mine, self._mine, super()._base, other.__dict__
    def wrong(self, other): return other._theirs, self._run._state, getattr(other, "_there", None)
"""
    assert [words for _, words in foreign_privates(source)] == [
        "other._hidden",
        "other._theirs",
        "self._run._state",
        "other._there",
    ]
