"""What the file tools changed, taken back."""

from __future__ import annotations

import asyncio
import copy
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alloy_nb as alloy
from alloy_nb.tools import changes as module
from alloy_nb.tools.changes import UndoneFile, undo_changes
from alloy_nb.tools.context import ToolContext
from alloy_nb.tools.edit import Edit
from alloy_nb.tools.read import Read
from alloy_nb.tools.write import Write


class Project:
    """A folder, a state, and the tools by short names; `run` says whose run the calls are from."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.realpath(folder))
        self.state: dict[str, Any] = {}
        self.run = "run-1"

    def ctx(self) -> ToolContext:
        return ToolContext(self.folder, run_id=self.run, call_id="call_1", state=self.state)

    def write(self, name: str, content: str) -> None:
        asyncio.run(Write().execute({"file_path": name, "content": content}, self.ctx()))

    def edit(self, name: str, old: str, new: str) -> None:
        asyncio.run(Edit().execute({"file_path": name, "old_string": old, "new_string": new}, self.ctx()))

    def undo(self, run_id: str | None = None) -> dict[str, str]:
        undone = undo_changes(self.state, run_id)
        return {str(file.path.relative_to(self.folder)): file.outcome for file in undone}

    def path(self, name: str) -> Path:
        return self.folder / name

    def files(self) -> dict[str, bytes]:
        found = self.folder.rglob("*")
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found if path.is_file()}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_changed_files_are_restored_to_the_byte(project: Project) -> None:
    before = "größe\r\nzwei\r\n".encode("utf-16")
    project.path("a.txt").write_bytes(before)
    project.path("a.txt").chmod(0o640)
    project.edit("a.txt", "zwei", "2")
    project.write("a.txt", "all new")
    assert project.undo() == {"a.txt": "restored"}
    assert project.path("a.txt").read_bytes() == before
    assert project.path("a.txt").stat().st_mode & 0o777 == 0o640


def test_created_files_and_the_folders_made_for_them_go(project: Project) -> None:
    project.path("kept").mkdir()
    project.write("kept/a/b/c.txt", "x")
    project.write("kept/a/d.txt", "y")
    assert project.undo() == {"kept/a/d.txt": "removed", "kept/a/b/c.txt": "removed"}
    assert os.listdir(project.folder) == ["kept"]
    assert os.listdir(project.path("kept")) == []


def test_a_folder_that_somebody_uses_by_now_stays(project: Project) -> None:
    project.write("new/a.txt", "x")
    project.path("new/theirs.txt").write_text("precious")
    assert project.undo() == {"new/a.txt": "removed"}
    assert project.files() == {"new/theirs.txt": b"precious"}


def test_what_somebody_changed_since_is_left_alone_and_told(project: Project) -> None:
    project.path("a.txt").write_text("one")
    project.edit("a.txt", "one", "two")
    project.path("a.txt").write_text("two, and mine")
    project.write("b.txt", "new")
    project.path("b.txt").write_text("new, and mine")
    before = project.files()
    assert project.undo() == {"b.txt": "changed since", "a.txt": "changed since"}
    assert project.files() == before


def test_a_conflict_that_was_cleared_can_be_undone_later(project: Project) -> None:
    project.path("a.txt").write_text("one")
    project.edit("a.txt", "one", "two")
    project.path("a.txt").write_text("mine")
    assert project.undo() == {"a.txt": "changed since"}
    project.path("a.txt").write_text("two")
    assert project.undo() == {"a.txt": "restored"}
    assert project.path("a.txt").read_text() == "one"


def test_a_missing_file_is_not_made_anew(project: Project) -> None:
    project.path("sub").mkdir()
    for name in ("a.txt", "sub/b.txt"):
        project.path(name).write_text("one")
        project.edit(name, "one", "two")
        project.path(name).unlink()
    project.path("sub").rmdir()
    assert project.undo() == {"sub/b.txt": "missing", "a.txt": "missing"}
    assert project.files() == {}


def test_a_change_of_somebody_else_in_between_is_kept(project: Project) -> None:
    """What came after it is taken back, what came before it cannot be."""
    project.path("a.txt").write_text("one")
    project.edit("a.txt", "one", "two")
    project.path("a.txt").write_text("two, theirs")
    project.edit("a.txt", "two", "three")
    assert project.undo() == {"a.txt": "partly restored"}
    assert project.path("a.txt").read_text() == "two, theirs"


def test_only_the_changes_of_one_run_are_undone(project: Project) -> None:
    project.path("a.txt").write_text("one")
    project.write("mine.txt", "1")
    project.run = "run-2"
    project.edit("a.txt", "one", "two")
    project.write("other.txt", "2")
    assert project.undo("run-2") == {"other.txt": "removed", "a.txt": "restored"}
    assert project.files() == {"a.txt": b"one", "mine.txt": b"1"}
    assert project.undo("run-2") == {}
    assert project.undo("run-1") == {"mine.txt": "removed"}


def test_a_run_whose_file_another_run_changed_is_not_undone_before_that_one(project: Project) -> None:
    project.path("a.txt").write_text("one")
    project.edit("a.txt", "one", "two")
    project.run = "run-2"
    project.edit("a.txt", "two", "three")
    assert project.undo("run-1") == {"a.txt": "changed since"}
    assert project.path("a.txt").read_text() == "three"
    assert project.undo("run-2") == {"a.txt": "restored"}
    assert project.undo("run-1") == {"a.txt": "restored"}
    assert project.path("a.txt").read_text() == "one"


def test_what_was_undone_is_not_undone_twice(project: Project) -> None:
    project.path("a.txt").write_text("one")
    project.edit("a.txt", "one", "two")
    project.undo()
    project.path("a.txt").write_text("two")  # as the tool had left it
    assert project.undo() == {}
    assert project.path("a.txt").read_text() == "two"


def test_a_link_stays_a_link_and_what_it_leads_to_is_restored(project: Project) -> None:
    project.path("a.txt").write_text("one")
    project.path("link").symlink_to("a.txt")
    project.edit("link", "one", "two")
    assert project.undo() == {"a.txt": "restored"}
    assert project.path("link").is_symlink()
    assert project.path("a.txt").read_text() == "one"


def test_a_link_that_came_since_is_never_followed(project: Project) -> None:
    project.path("sub").mkdir()
    project.path("outside").mkdir()
    for name in ("a.txt", "sub/b.txt"):
        project.path(name).write_text("one")
        project.edit(name, "one", "two")
    project.path("outside/b.txt").write_text("two")
    project.path("a.txt").unlink()
    project.path("a.txt").symlink_to("outside/b.txt")
    project.path("sub").rename(project.path("aside"))
    project.path("sub").symlink_to("outside")
    assert project.undo() == {"sub/b.txt": "changed since", "a.txt": "changed since"}
    assert project.path("outside/b.txt").read_text() == "two"


def test_a_folder_in_the_files_place_is_left_alone(project: Project) -> None:
    project.write("a.txt", "x")
    project.path("a.txt").unlink()
    project.path("a.txt").mkdir()
    assert project.undo() == {"a.txt": "changed since"}
    assert project.path("a.txt").is_dir()


def test_a_failure_is_told_with_its_reason_and_the_others_go_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.txt", "b.txt"):
        project.path(name).write_text("one")
        project.edit(name, "one", "two")
    real_fsync = os.fsync

    def full(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", real_fsync)
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    first, second = undo_changes(project.state)
    assert repr(first) == f"<UndoneFile {project.path('b.txt')}: failed (No space left on device)>"
    assert not first.done
    assert (second.path.name, second.outcome, second.done) == ("a.txt", "restored", True)
    assert project.files() == {"a.txt": b"one", "b.txt": b"two"}
    assert project.undo() == {"b.txt": "restored"}


def test_what_is_too_large_is_not_kept_and_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEPT_FILE", 10)
    project.path("big.txt").write_text("x" * 11)
    project.write("big.txt", "new")
    project.path("fits.txt").write_text("x" * 10)
    project.write("fits.txt", "new")
    assert project.undo() == {"fits.txt": "restored", "big.txt": "not kept"}
    assert project.files() == {"fits.txt": b"x" * 10, "big.txt": b"new"}


def test_the_oldest_contents_are_dropped_when_all_is_too_much(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_KEPT", 25)
    for number in range(5):
        project.path(f"{number}.txt").write_text("x" * 10)
        project.write(f"{number}.txt", "new")
    project.write("created.txt", "new")
    assert project.undo() == {
        "created.txt": "removed",
        "4.txt": "restored",
        "3.txt": "restored",
        "2.txt": "not kept",
        "1.txt": "not kept",
        "0.txt": "not kept",
    }


def test_a_file_that_may_be_written_but_not_read_is_written_and_not_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.path("a.txt").write_text("one")
    real_open = os.open

    def closed(path: str, flags: int, *rest: int, **more: int | None) -> int:
        if str(path).endswith("a.txt"):
            raise PermissionError(13, os.strerror(13))
        return real_open(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", closed)
    project.write("a.txt", "two")
    monkeypatch.setattr(os, "open", real_open)
    assert project.undo() == {"a.txt": "not kept"}


def test_after_an_undo_the_model_must_read_the_file_again(project: Project) -> None:
    """What it knows of the file is no longer true."""
    project.path("a.txt").write_text("one")
    project.write("a.txt", "two, much longer")
    project.undo()
    with pytest.raises(alloy.ToolError, match="has changed since it was last read"):
        project.write("a.txt", "three")
    asyncio.run(Read().execute({"file_path": "a.txt"}, project.ctx()))
    project.write("a.txt", "three")


def test_a_call_that_fails_is_no_change(project: Project) -> None:
    project.path("a.txt").write_text("one")
    with pytest.raises(alloy.ToolError):
        project.edit("a.txt", "no such text", "x")
    with pytest.raises(alloy.ToolError):
        project.write("a.txt/b", "x")
    assert project.undo() == {}


def test_a_run_notes_which_run_changed_a_file(project: Project) -> None:
    project.path("a.txt").write_text("one")
    calls = [
        {"name": "edit", "input": {"file_path": "a.txt", "old_string": "one", "new_string": "two"}},
        {"name": "write", "input": {"file_path": "new/b.txt", "content": "x"}},
    ]
    seen: list[ToolContext] = []

    def allow(call: alloy.ToolCall, ctx: ToolContext) -> bool:
        seen.append(ctx)
        return True

    alloy.run(
        "x",
        model=alloy.Scripted([{"tool_calls": calls}, {"text": "done"}]),
        tools=["edit", "write"],
        approval=allow,
        working_directory=project.folder,
    )
    project.state = dict(seen[0].state)
    assert project.undo("another run") == {}
    assert project.undo(seen[0].run_id) == {"new/b.txt": "removed", "a.txt": "restored"}
    assert project.files() == {"a.txt": b"one"}


def test_a_copy_of_the_state_is_undone_by_itself(project: Project) -> None:
    project.write("a.txt", "x")
    other = copy.deepcopy(project.state)
    assert project.undo() == {"a.txt": "removed"}
    assert [file.outcome for file in undo_changes(other)] == ["missing"]


def test_nothing_to_undo() -> None:
    assert undo_changes({}) == []


def test_an_undone_file_reads_well() -> None:
    assert repr(UndoneFile(Path("/p/a.txt"), "changed since")) == "<UndoneFile /p/a.txt: changed since>"


names = st.sampled_from(["a", "b", "sub/c", "sub/deep/d"])
steps = st.lists(st.tuples(names, st.sampled_from(["", "x", "y\n", "z\r\n"])), max_size=12)


@pytest.mark.thorough
@settings(deadline=None, max_examples=60)
@given(steps)
def test_undoing_everything_is_as_if_nothing_had_been(tmp_path_factory: pytest.TempPathFactory, steps: Any) -> None:
    project = Project(tmp_path_factory.mktemp("law"))
    project.path("a").write_bytes(b"\xef\xbb\xbfone\r\n")
    (project.path("sub")).mkdir()
    before = project.files()
    for name, content in steps:
        project.write(name, content)
    assert set(project.undo().values()) <= {"restored", "removed"}
    assert project.files() == before
    assert not project.path("sub/deep").exists()
