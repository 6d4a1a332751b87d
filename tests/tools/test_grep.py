"""The `grep` tool: what it finds, what it passes over, and that no pattern holds it up."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.errors import ToolError
from alloy_nb.tools import child, searching
from alloy_nb.tools import grep as module
from alloy_nb.tools.child import run_in_child
from alloy_nb.tools.context import CancelToken, ToolContext
from alloy_nb.tools.grep import Grep
from alloy_nb.tools.results import MAX_TEXT


def grep(directory: Path, pattern: str, time_limit: float | None = None, **input: Any) -> str:
    tool = Grep()
    ctx = ToolContext(directory, time_limit=time_limit)
    checked = tool.validate({"pattern": pattern, **input})
    return asyncio.run(tool.execute(checked, replace(ctx, allowed=tool.approval_reason(checked, ctx))))


def write(directory: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = directory / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")


def test_lines_come_with_path_and_number(tmp_path: Path) -> None:
    write(tmp_path, a_py="import re\nx = 1\nimport os\n", b__c_txt="no import\r\nimport")
    text = grep(tmp_path, "^import")
    assert text.split("\n") == ["a.py:1:import re", "a.py:3:import os", "b/c.txt:2:import"]
    assert grep(tmp_path, "import$").split("\n") == ["b/c.txt:1:no import", "b/c.txt:2:import"]


def test_other_outputs(tmp_path: Path) -> None:
    write(tmp_path, a_py="x\nx\n", b_py="x", c_py="y")
    assert grep(tmp_path, "x", output="files").split("\n") == ["a.py", "b.py"]
    assert grep(tmp_path, "x", output="count").split("\n") == ["a.py:2", "b.py:1"]


def test_case_and_glob_narrow_or_widen(tmp_path: Path) -> None:
    write(tmp_path, a_py="Word", b__a_py="word", b__c_js="word")
    assert grep(tmp_path, "WORD", ignore_case=True, output="files").split("\n") == ["a.py", "b/a.py", "b/c.js"]
    assert grep(tmp_path, "word", glob="*.py") == "b/a.py:1:word"
    assert grep(tmp_path, "word", glob="b/*.{js,ts}") == "b/c.js:1:word"
    assert grep(tmp_path, "word", path="b", glob="*.js") == "b/c.js:1:word"
    assert grep(tmp_path, "word", path="b/c.js") == "b/c.js:1:word"


def test_lines_around_a_match(tmp_path: Path) -> None:
    write(tmp_path, a_txt="1\n2\nhit\n4\n5\n6\n7\nhit\nhit\n10\n")
    lines = grep(tmp_path, "hit", context=1).split("\n")
    assert lines == [
        "a.txt-2-2", "a.txt:3:hit", "a.txt-4-4", "--",
        "a.txt-7-7", "a.txt:8:hit", "a.txt:9:hit", "a.txt-10-10", "--",
    ]  # fmt: skip


def test_nothing_found_says_how_much_was_searched(tmp_path: Path) -> None:
    write(tmp_path, a_txt="x", b_txt="x")
    assert grep(tmp_path, "nothing") == "No line matches 'nothing' (2 files searched)."


def test_what_is_no_regular_expression_is_told(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no regular expression: missing") as caught:
        grep(tmp_path, "foo(")
    assert "Python's syntax" in str(caught.value.hint)


@pytest.mark.thorough
def test_a_pattern_that_backtracks_without_end_is_killed_and_what_was_found_is_kept(tmp_path: Path) -> None:
    write(tmp_path, a_txt="aab\n", b_txt="a" * 64 + "\n")
    text = grep(tmp_path, "^(a+)+b", time_limit=8)
    assert text.startswith("a.txt:1:aab\n(the search was ended after")
    assert "without nested repeats" in text


def test_a_search_that_is_given_up_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, a_txt="a" * 64)
    started: list[Any] = []
    start = child._start
    monkeypatch.setattr(child, "_start", lambda: started.append(start()) or started[-1])
    token = CancelToken()

    async def stopped(how: str) -> str:
        ctx = ToolContext(tmp_path, cancelled=token)
        task = asyncio.create_task(Grep().execute({"pattern": "^(a+)+b"}, ctx))
        while not started:
            await asyncio.sleep(0.01)
        if how == "token":
            token.set()
            return await task
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return "cancelled"

    assert asyncio.run(stopped("cancel")) == "cancelled"
    assert started.pop().wait(30) != 0
    assert asyncio.run(stopped("token")) == "(the search was stopped)"
    assert started.pop().wait(30) != 0


def test_a_child_whose_parent_died_ends_itself() -> None:
    """The system's clock ends it, also within a regular expression."""
    import signal
    import subprocess
    import sys

    code = "import re; from alloy_nb.tools.child_main import _end_when_orphaned as end; end(0.2); "
    code += "re.match('(a+)+b', 'a' * 64)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == -signal.SIGALRM


def test_what_a_child_raises_is_told_in_its_words() -> None:
    def run(target: str, **job: Any) -> Any:
        return asyncio.run(run_in_child(target, job, seconds=30, cancelled=CancelToken()))

    with pytest.raises(ToolError, match="JSONDecodeError: Expecting property name"):
        run("json:loads", s="{")
    with pytest.raises(ToolError, match="ended with code 3"):
        run("os:_exit", status=3)
    assert run("builtins:list").messages == []


def test_long_lines_are_cut_around_the_match(tmp_path: Path) -> None:
    write(tmp_path, a_js="x" * 5000 + "needle" + "y" * 5000)
    text = grep(tmp_path, "needle")
    assert "needle" in text
    assert len(text) < 600
    assert text.startswith("a.js:1:…xxx")
    assert text.endswith("yyy… (10006 characters)")


def test_a_line_without_end_is_searched_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x" * (3 << 20) + "needle\nneedle\n")
    assert [line.split(":")[1] for line in grep(tmp_path, "needle").split("\n")] == ["1", "2"]


def test_too_many_matches_are_counted(tmp_path: Path) -> None:
    write(tmp_path, a_txt="hit\n" * 10, b_txt="hit\n" * 5)
    lines = grep(tmp_path, "hit", limit=3).split("\n")
    assert lines[:3] == ["a.txt:1:hit", "a.txt:2:hit", "a.txt:3:hit"]
    assert lines[3:] == ["... (12 more lines match; narrow the pattern, the path or the glob)"]
    assert grep(tmp_path, "hit", limit=1, output="files").startswith("a.txt\n... (1 more files match; narrow")
    assert grep(tmp_path, "hit", limit=1, output="count").startswith("a.txt:10\n... (1 more files match")


def test_the_answer_stays_below_the_cap_on_results(tmp_path: Path) -> None:
    write(tmp_path, a_txt=("hit" + "x" * 390 + "\n") * 2000)
    text = grep(tmp_path, "hit", limit=2000, context=5)
    assert len(text) <= MAX_TEXT
    assert "more lines match" in text


def test_binary_and_huge_files_are_passed_over_with_a_notice(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"hit\0\1\2")
    (tmp_path / "data.csv").write_bytes((b"hit" + b"x" * 4996 + b"\n") * 4500)
    write(tmp_path, c_txt="hit")
    lines = grep(tmp_path, "hit").split("\n")
    assert lines == [
        "c.txt:1:hit",
        "(not searched: 1 binary file)",
        "(not searched, since larger than 20 MB: data.csv; name one as path to search it)",
    ]
    assert grep(tmp_path, "hit", path="data.csv", limit=1).startswith("data.csv:1:hit")


def test_secrets_are_searched_only_when_they_are_named_and_that_asks(tmp_path: Path) -> None:
    write(tmp_path, a_txt="KEY=1")
    (tmp_path / "my.pem").write_text("KEY=2")
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text("KEY=3")
    notice = "(not searched, since they may hold secrets: my.pem; name one as path, and the user is asked)"
    assert grep(tmp_path, "KEY").split("\n") == ["a.txt:1:KEY=1", notice]
    assert notice in grep(tmp_path, "KEY", glob="*.pem")
    assert grep(tmp_path, "KEY", path="my.pem") == "my.pem:1:KEY=2"
    assert grep(tmp_path, "KEY", path=".ssh") == ".ssh/config:1:KEY=3"
    ctx = ToolContext(tmp_path)
    for path in ("my.pem", ".ssh", ".ssh/config"):
        assert Grep().approval_reason({"pattern": "x", "path": path}, ctx) == (
            f"grep wants to search `{path}`, which may hold secrets"
        )
    assert Grep().approval_reason({"pattern": "x"}, ctx) is None
    assert "outside" in str(Grep().approval_reason({"pattern": "x", "path": ".."}, ctx))


def test_a_project_may_be_called_anything(tmp_path: Path) -> None:
    """The working directory's own name must not make everything in it a secret."""
    write(tmp_path, my_secrets__a_txt="x", my_secrets__k_pem="x")
    folder = tmp_path / "my.secrets"
    assert Grep().approval_reason({"pattern": "x"}, ToolContext(folder)) is None
    assert "k.pem" in grep(folder, "x")
    assert "k.pem:" not in grep(folder, "x")


def test_links_are_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    write(tmp_path, in__a_txt="hit", out_txt="hit")
    (inside / "b.txt").symlink_to(tmp_path / "out.txt")
    (inside / "up").symlink_to(tmp_path)
    assert grep(inside, "hit") == "a.txt:1:hit"
    assert "outside" in str(Grep().approval_reason({"pattern": "x", "path": "b.txt"}, ToolContext(inside)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_encodings_as_read_knows_them(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("eins\ngröße\n".encode(encoding))
    assert grep(tmp_path, "größe$") == "a.txt:2:größe"


def test_a_pipe_does_not_hang_and_what_is_not_there_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    write(tmp_path, a_txt="x")
    assert grep(tmp_path, "x") == "a.txt:1:x"
    for path in ("pipe", "missing"):
        with pytest.raises(ToolError, match="does not exist"):
            grep(tmp_path, "x", path=path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_files_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    write(tmp_path, a_txt="x")
    (tmp_path / "a.txt").chmod(0)
    assert "(could not be read: 1 file)" in grep(tmp_path, "x")


def test_time_that_is_up_between_lines_is_told(tmp_path: Path) -> None:
    write(tmp_path, a_txt="x\n" * 5000)
    messages = list(searching.search(root=str(tmp_path), prefix="", pattern="x", seconds=-1.0))
    assert messages[-1]["unfinished"] == "after -1 s"
    messages = list(searching.search(root=str(tmp_path / "a.txt"), prefix="a.txt", pattern="y", seconds=-1.0))
    assert messages[-1]["unfinished"] == "after -1 s"
    end = {**messages[-1], "left_out": 0}
    notes = list(module._notes(end, searching.Search("", "", "y"), found=True))
    assert notes == ["(the search ended after -1 s: there may be more)"]


def test_always_is_remembered_for_the_path(tmp_path: Path) -> None:
    """Allowing a word to be searched in one folder outside says nothing of another."""

    def remembered(pattern: str, path: str) -> Any:
        input = {"pattern": pattern, "path": path}
        return Grep().remembered(input, str(Grep().approval_reason(input, ToolContext(tmp_path))))

    assert remembered("x", "/usr") == remembered("y", "/usr") != remembered("x", "/etc")


def test_what_is_swapped_after_the_question_is_not_searched(tmp_path: Path) -> None:
    write(tmp_path, in__a_txt="hit", out_txt="hit")
    inside = tmp_path / "in"
    ctx = ToolContext(inside)
    input = {"pattern": "hit", "path": "a.txt"}
    assert Grep().approval_reason(input, ctx) is None
    (inside / "a.txt").unlink()
    (inside / "a.txt").symlink_to(tmp_path / "out.txt")
    with pytest.raises(ToolError, match="has changed since it was allowed"):
        asyncio.run(Grep().execute(input, ctx))
    # Nor when it happens after that, in the child.
    job = {"root": str(inside / "a.txt"), "prefix": "a.txt", "pattern": "hit"}
    assert [message.get("unreadable") for message in searching.search(**job)] == [1]


def test_allowed_paths_hold(tmp_path: Path) -> None:
    write(tmp_path, src__a_txt="hit", data__b_txt="hit")
    ctx = ToolContext(tmp_path, {"allowed_paths": ["src"]})
    assert asyncio.run(Grep().execute({"pattern": "hit", "path": "src"}, ctx)) == "src/a.txt:1:hit"
    for path in (".", "data", "src/../data/b.txt"):
        with pytest.raises(ToolError, match="outside allowed directories"):
            asyncio.run(Grep().execute({"pattern": "hit", "path": path}, ctx))


def test_in_a_run_it_asks_for_secrets_and_outside_only(tmp_path: Path) -> None:
    write(tmp_path, in__a_txt="KEY", in__k_pem="KEY", out_txt="KEY")
    calls = [{"name": "grep", "input": {"pattern": "KEY", "path": path}} for path in ("a.txt", "k.pem", "../out.txt")]

    def run(approval: Any) -> list[str]:
        model = alloy.Scripted([{"tool_calls": calls}, {"text": "done"}])
        result = alloy.run("x", model=model, tools=["grep"], working_directory=tmp_path / "in", approval=approval)
        return [part.text for part in result.messages[2].tool_results]

    free, secret, outside = run("deny")
    assert free == "a.txt:1:KEY"
    assert secret == outside == "Denied: the approval policy is 'deny'"
    assert run("auto") == ["a.txt:1:KEY", "k.pem:1:KEY", f"{tmp_path / 'out.txt'}:1:KEY"]
