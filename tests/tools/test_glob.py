"""The `glob` tool, its patterns and its walk."""

from __future__ import annotations

import asyncio
import os
import tempfile
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alloy_nb as alloy
from alloy_nb.errors import ToolError
from alloy_nb.tools import glob as module
from alloy_nb.tools.context import CancelToken, ToolContext
from alloy_nb.tools.glob import Glob
from alloy_nb.tools.patterns import Pattern
from alloy_nb.tools.results import MAX_TEXT
from alloy_nb.tools.walking import Walk


def glob(directory: Path, pattern: str, **input: Any) -> str:
    tool = Glob()
    checked = tool.validate({"pattern": pattern, **input})
    ctx = ToolContext(directory)
    return asyncio.run(tool.execute(checked, replace(ctx, allowed=tool.approval_reason(checked, ctx))))


def make(directory: Path, *names: str) -> None:
    for name in names:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text("x")


def test_paths_are_sorted_relative_and_with_slashes(tmp_path: Path) -> None:
    make(tmp_path, "b.py", "a/z.py", "a/b/c.py", "a.txt")
    assert glob(tmp_path, "**/*.py").split("\n") == ["a/b/c.py", "a/z.py", "b.py"]
    assert glob(tmp_path, "*.py") == "b.py"
    assert glob(tmp_path, "a/*.py") == "a/z.py"
    assert glob(tmp_path, "*.py", path="a") == "a/z.py"
    assert glob(tmp_path, "**").split("\n") == ["a.txt", "a/b/c.py", "a/z.py", "b.py"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.{py,md}", ["a.py", "b.md"]),
        ("{src,docs}/**/*.{py,md}", ["docs/c.md", "src/d/e.py"]),
        ("?.py", ["a.py"]),
        ("[!b].py", ["a.py"]),
        ("src/**/d/**/e.py", ["src/d/e.py"]),
        ("./a.py", ["a.py"]),
        ("a.py", ["a.py"]),
        ("src//d/*", ["src/d/e.py"]),
        ("src/../*.md", ["b.md"]),
        ("*/", ["docs/", "src/"]),
        ("**/d/", ["src/d/"]),
    ],
)
def test_what_a_pattern_says(tmp_path: Path, pattern: str, found: list[str]) -> None:
    make(tmp_path, "a.py", "b.md", "docs/c.md", "src/d/e.py")
    assert glob(tmp_path, pattern).split("\n") == found


def test_hidden_and_dull_folders_are_left_out_unless_they_are_named(tmp_path: Path) -> None:
    dull = ["node_modules/a.js", "__pycache__/a.js", "lib/site-packages/a.js", "venv/a.js", ".git/a.js", "b/.hidden.js"]
    make(tmp_path, "b/a.js", *dull)
    assert glob(tmp_path, "**/*.js") == "b/a.js"
    assert glob(tmp_path, "*s/*.js") == "No file matches '*s/*.js' in " + f"{tmp_path}."
    assert glob(tmp_path, "node_modules/*.js") == "node_modules/a.js"
    assert glob(tmp_path, "**/site-packages/**") == "lib/site-packages/a.js"
    assert glob(tmp_path, "**/.*.js") == "b/.hidden.js"
    assert glob(tmp_path, ".git/**") == ".git/a.js"
    assert glob(tmp_path, "**/*.js", path="venv") == "venv/a.js"


def test_environments_and_caches_are_known_by_their_marks(tmp_path: Path) -> None:
    make(tmp_path, "env/pyvenv.cfg", "env/a.py", "target/CACHEDIR.TAG", "target/a.py", "src/a.py")
    assert glob(tmp_path, "**/*.py") == "src/a.py"
    assert glob(tmp_path, "{env,target}/*.py").split("\n") == ["env/a.py", "target/a.py"]


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    make(outside, "secret.py")
    make(inside, "a.py")
    (inside / "link").symlink_to(outside)
    (inside / "circle").symlink_to(inside)
    (inside / "b.py").symlink_to(inside / "a.py")
    (inside / "gone.py").symlink_to(inside / "nothing")
    assert glob(inside, "**/*.py").split("\n") == ["a.py", "b.py"]


def test_what_leads_outside_asks_also_within_the_pattern(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    make(inside, "a.py")
    (inside / "link").symlink_to(tmp_path)
    ctx = ToolContext(inside)
    assert Glob().approval_reason({"pattern": "**/*.py"}, ctx) is None
    assert Glob().approval_reason({"pattern": "a/../*"}, ctx) is None
    assert Glob().approval_reason({"pattern": str(inside / "*.py")}, ctx) is None
    for input in (
        {"pattern": "../*"},
        {"pattern": "/*"},
        {"pattern": "~/*"},
        {"pattern": "link/*"},
        {"pattern": "*", "path": ".."},
        {"pattern": "../in2/**", "path": "."},
    ):
        assert "outside the working directory" in str(Glob().approval_reason(input, ctx)), input
    secrets = tmp_path / "my-secrets"  # a project may be called anything
    secrets.mkdir()
    assert Glob().approval_reason({"pattern": "*"}, ToolContext(secrets)) is None
    assert "may hold secrets" in str(Glob().approval_reason({"pattern": ".ssh/*"}, ctx))


def test_always_is_remembered_for_the_folder(tmp_path: Path) -> None:
    """Allowing ``**/*`` in one folder outside says nothing of another."""
    places = [
        Glob().remembered(input, Glob().approval_reason(input, ToolContext(tmp_path)) or "")
        for input in (
            {"pattern": "**/*", "path": "/data"},
            {"pattern": "/data/**/*.csv"},
            {"pattern": "**/*", "path": "/etc"},
            {"pattern": "/etc/*"},
        )
    ]
    assert places[0] == places[1]
    assert places[2] == places[3] != places[0]


def test_a_folder_that_is_swapped_after_the_question_is_not_listed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    make(inside, "sub/a.py")
    make(outside, "b.py")
    tool, ctx = Glob(), ToolContext(inside)
    input = {"pattern": "*.py", "path": "sub"}
    assert tool.approval_reason(input, ctx) is None
    (inside / "sub").rename(inside / "old")
    (inside / "sub").symlink_to(outside)
    with pytest.raises(ToolError, match="has changed since it was allowed"):
        asyncio.run(tool.execute(input, ctx))
    # Nor one that is swapped while the walk is on its way.
    with pytest.raises(ToolError, match="Cannot list"):
        list(Walk(inside / "sub", Pattern("*.py"), seconds=60))
    walk = iter(Walk(inside, Pattern("**/*.py"), seconds=60))
    make(inside, "0.py", "z/c.py")
    assert next(walk) == "0.py"
    (inside / "z").rename(inside / "y")
    (inside / "z").symlink_to(outside)
    assert list(walk) == ["old/a.py"]


def test_allowed_paths_hold(tmp_path: Path) -> None:
    make(tmp_path, "src/a.py", "data/b.py")
    ctx = ToolContext(tmp_path, {"allowed_paths": ["src"]})
    assert asyncio.run(Glob().execute({"pattern": "src/**"}, ctx)) == "src/a.py"
    for pattern in ("**", "data/*", "src/../data/*"):
        with pytest.raises(ToolError, match="outside allowed directories"):
            asyncio.run(Glob().execute({"pattern": pattern}, ctx))


def test_outside_paths_are_absolute(tmp_path: Path) -> None:
    make(tmp_path, "in/x", "out/a.py")
    assert glob(tmp_path / "in", "../out/*.py") == str(tmp_path / "out/a.py")


def test_too_many_are_cut_nearest_first_with_how_many_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PATHS", 3)
    make(tmp_path, "a/b/1.py", "a/2.py", "z.py", "y.py", "a/b/c/3.py")
    lines = glob(tmp_path, "**/*.py").split("\n")
    assert lines == ["a/2.py", "y.py", "z.py", "... (2 more; narrow the pattern, or start from another folder)"]


def test_long_paths_stay_below_the_cap_on_results(tmp_path: Path) -> None:
    make(tmp_path, *[f"{'d' * 200}/{'e' * 200}/{number:04}{'f' * 200}" for number in range(400)])
    text = glob(tmp_path, "**/*")
    assert len(text) <= MAX_TEXT
    shown = text.count("\n")
    assert text.endswith(f"... ({400 - shown} more; narrow the pattern, or start from another folder)")


def test_a_walk_ends_after_so_many_entries_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, *[f"{folder}/{name}" for folder in range(10) for name in range(10)])
    walk = Walk(tmp_path, Pattern("**/*"), seconds=60, entries=50)
    found = list(walk)
    assert 30 <= len(found) <= 50
    assert walk.unfinished == "after 50 entries"
    text = module._collect(Walk(tmp_path, Pattern("**/*"), seconds=60, entries=50), "")
    assert text.endswith("(the search ended after 50 entries: there may be more)")


def test_a_walk_ends_when_it_is_cancelled_or_out_of_time(tmp_path: Path) -> None:
    make(tmp_path, "a/1", "b/2")
    token = CancelToken()
    token.set()
    cancelled = Walk(tmp_path, Pattern("**"), seconds=60, is_cancelled=token.is_set)
    late = Walk(tmp_path, Pattern("**"), seconds=-1)
    assert list(cancelled) == list(late) == []
    assert cancelled.unfinished == "because it was stopped"
    assert late.unfinished == "after -1 s"


def test_a_folder_of_many_files_needs_little_memory(tmp_path: Path) -> None:
    for number in range(6000):
        os.close(os.open(tmp_path / f"a-rather-long-name-of-a-file-{number}", os.O_CREAT | os.O_WRONLY))
    tracemalloc.start()
    text = glob(tmp_path, "**/*")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "... (5500 more;" in text
    assert peak < 4 << 20


def test_patterns_that_backtrack_in_other_hands_do_not_here(tmp_path: Path) -> None:
    """A name of many a against ``*a*a*…b`` takes for ever where each star is tried at each place."""
    make(tmp_path, "a" * 200)
    assert "No file matches" in glob(tmp_path, "*a" * 60 + "*b")
    assert "No file matches" in glob(tmp_path, "**/" * 100 + "x")


@pytest.mark.parametrize("pattern", ["", "/", "///", "*/../x", "x" * 2000, "{a,b}" * 10, "a\0*"])
def test_patterns_that_are_none(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ToolError):
        glob(tmp_path, pattern)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    for path in ("missing", "a.txt"):
        with pytest.raises(ToolError, match="Folder does not exist"):
            glob(tmp_path, "*", path=path)


def test_a_name_with_a_newline_is_one_line(tmp_path: Path) -> None:
    make(tmp_path, "a\nb.py")
    assert glob(tmp_path, "*.py") == "a\\nb.py"


names = st.sampled_from(["a", "b", "ab", "a.py", "b.py", "node_modules", ".h"])


@pytest.mark.thorough
@settings(max_examples=60)
@given(st.lists(st.lists(names, min_size=1, max_size=4), min_size=1, max_size=12), st.data())
def test_the_walk_finds_what_pathlib_finds(paths: list[list[str]], data: st.DataObject) -> None:
    """As a law: the same files as a plain walk whose every path is matched whole, but for hidden and dull folders."""
    segments = st.sampled_from(["*", "**", "a", "*b", "a*", "?", "*.py", "[ab]"])
    pattern = "/".join([*data.draw(st.lists(segments, max_size=3)), data.draw(segments.filter(lambda s: s != "**"))])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path in paths:
            try:
                make(root, "/".join(path))
            except OSError:  # a file stands where a folder should
                continue
        found = set(Walk(root, Pattern(pattern), seconds=60))
        files = (path.relative_to(root) for path in root.glob(pattern) if path.is_file())
        wanted = {
            path.as_posix()
            for path in files
            if not any(part.startswith(".") for part in path.parts) and "node_modules" not in path.parts[:-1]
        }
    assert found == wanted


def test_in_a_run_it_asks_outside_only(tmp_path: Path) -> None:
    make(tmp_path, "in/a.py", "out/b.py")
    calls = [{"name": "glob", "input": {"pattern": pattern}} for pattern in ("*.py", "../out/*.py")]
    model = alloy.Scripted([{"tool_calls": calls}, {"text": "done"}])
    result = alloy.run("x", model=model, tools=["glob"], working_directory=tmp_path / "in")
    inside, outside = (part.text for part in result.messages[2].tool_results)
    assert inside == "a.py"
    assert outside.startswith("Denied: nobody could be asked")
