"""A file imports only from its own layer and the ones below."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import alloy_nb

ROOT = Path(alloy_nb.__file__).parent

# Longest prefix wins. What is not listed fails: a new file says where it belongs.
LAYERS = {
    "_version": 0,
    "errors": 0,
    "redaction": 0,
    "articles": 0,
    "plain": 0,
    "counting": 0,
    "wrapping": 0,
    "guests": 0,
    "bell": 0,
    "forks": 0,
    "overrides": 0,
    "messages": 0,
    "events": 0,
    "usage": 0,
    "cost": 0,
    "models": 0,
    "models_table": 0,
    "folders": 0,
    "deadline": 0,
    "result": 0,
    "sinks": 0,  # a protocol, and the table of dotted names
    "keywords": 0,
    "options": 0,
    "prompts": 0,
    "output": 0,
    "json_text": 0,
    "typed_dicts": 0,
    "providers": 1,
    "weights": 1,
    "tools": 1,
    "history": 2,
    "context": 2,
    "context.compactor": 0,  # an option's value
    "middleware": 2,
    "candidates": 3,
    "answering": 3,
    "state": 3,
    "steering": 3,
    "session": 3,
    "completion": 3,
    "attempts": 3,
    "fitting": 3,
    "metering": 3,
    "calls": 3,
    "loop": 3,
    "abandoning": 3,
    "journal": 4,
    "recorder": 4,
    "storing": 4,
    "pace": 4,
    "portal": 4,
    "pump": 4,
    "asking": 4,
    "attendance": 4,
    "execution": 4,
    "waiting": 4,
    "interrupting": 4,
    "handle": 4,
    "runs": 4,
    "leaving": 4,
    "exchanges": 5,
    "dialogue": 5,
    "subscribers": 5,
    "pubsub": 5,
    "scheduling": 5,
    "scheduler": 5,
    "sessions": 5,
    "agent_health": 5,
    "agent_tool": 5,
    "agent": 5,
    "team": 5,
    "teams": 5,
    "testing": 5,
    "render": 6,
    "notebook": 7,
    "diagnosis": 7,
    "checks": 7,
    "login": 7,
    "session_commands": 7,
    "setting_commands": 7,
    "skill_commands": 7,
    "places": 7,
    "brief": 7,
    "commands": 7,
    "cli": 7,
    "__main__": 7,
    "__init__": 8,  # the front door: names only, imported when used
}


def layer_of(module: str) -> int:
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        found = LAYERS.get(".".join(parts[:length]))
        if found is not None:
            return found
    raise AssertionError(f"{module} is in no layer: add it to LAYERS")


def modules() -> list[tuple[str, Path]]:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found.append((name, path))
    return found


def imports(module: str, path: Path) -> set[str]:
    """Modules of the package that a file imports when it runs, also inside functions; not for type checkers."""
    found: set[str] = set()
    package = module.split(".") if path.name == "__init__.py" and module != "__init__" else module.split(".")[:-1]
    for node in _running(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - (node.level - 1)]
            target = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            found |= {target} if target else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("alloy_nb."):
            found.add((node.module or "").removeprefix("alloy_nb."))
    return found


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        # An import is a statement, and no expression has a statement in it.
        waiting += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)]


@pytest.mark.parametrize(("module", "path"), modules(), ids=[name for name, _ in modules()])
def test_a_module_imports_only_from_its_layer_or_below(module: str, path: Path) -> None:
    own = layer_of(module)
    above = {name: layer_of(name) for name in imports(module, path) if layer_of(name) > own}
    assert not above, f"{module} (layer {own}) imports from above: {above}"
