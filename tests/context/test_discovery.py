"""Context files: where they are looked for, in which order, and how much of them there is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from alloy_nb.context.discovery import MOST_OF_ONE, Found, Section, discover_context, fit, git_root


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A git repository with a folder `src/app` in it."""
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "repo" / "src" / "app").mkdir(parents=True)
    return tmp_path / "repo"


def put(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or f"words of {path.name}")


def names(found: Found) -> list[str]:
    return [section.name for section in found.sections]


def test_the_tiers_come_in_order_the_nearest_last(home: Path, repo: Path) -> None:
    """CTX-1: the home's, the git root's, the working directory's; and AGENTS.md on the way."""
    for folder in (repo, repo / "src", repo / "src" / "app", home / ".alloy"):
        put(folder / "AGENTS.md")
    for folder in (repo, repo / "src", repo / "src" / "app", home):
        put(folder / ".alloy" / "context" / "style.md")
    found = discover_context(repo / "src" / "app", home)
    assert names(found) == [
        "~/.alloy/AGENTS.md",
        "~/.alloy/context/style.md",
        "AGENTS.md",
        ".alloy/context/style.md",
        "src/AGENTS.md",
        "src/app/AGENTS.md",
        "src/app/.alloy/context/style.md",
    ]
    assert [section.origin for section in found.sections] == ["user"] * 2 + ["project"] * 5
    assert found.problems == ()


def test_a_tier_has_its_markdown_in_the_order_of_names(home: Path, repo: Path) -> None:
    """CTX-2: `.md` only, alphabetical."""
    for name in ("b.md", "a.md", "C.md", "notes.txt", "d.markdown", "md"):
        put(repo / ".alloy" / "context" / name)
    put(repo / ".alloy" / "context" / "empty.md", " \n")
    found = discover_context(repo, home)
    assert names(found) == [f".alloy/context/{name}.md" for name in ("C", "a", "b")]
    assert found.sections[1].text == "words of a.md"


def test_the_root_is_the_nearest_folder_with_git_be_it_a_folder_or_a_file(tmp_path: Path, repo: Path) -> None:
    """CTX-3: a worktree and a submodule have a file `.git`; the search ends at the root of the file system."""
    assert git_root(repo / "src" / "app") == repo
    (repo / "src" / ".git").write_text("gitdir: ../.git/modules/src\n")
    assert git_root(repo / "src" / "app") == repo / "src"
    assert git_root(tmp_path) not in (repo, repo / "src")
    assert git_root(Path(tmp_path.anchor)) in (None, Path(tmp_path.anchor))


def test_without_a_repository_no_folder_above_is_looked_into(tmp_path: Path, home: Path) -> None:
    put(tmp_path / "a" / "AGENTS.md")
    put(tmp_path / "a" / "b" / "AGENTS.md")
    assert names(discover_context(tmp_path / "a" / "b", home)) == ["AGENTS.md"]


def test_folders_that_coincide_are_told_once_and_equal_names_twice(home: Path, repo: Path) -> None:
    """CTX-4: the working directory may be the git root, or the home; two files of one name are two."""
    put(repo / ".alloy" / "context" / "a.md")
    put(repo / "AGENTS.md")
    assert names(discover_context(repo, home)) == ["AGENTS.md", ".alloy/context/a.md"]
    put(home / ".alloy" / "context" / "a.md")
    assert names(discover_context(repo, home)) == ["~/.alloy/context/a.md", "AGENTS.md", ".alloy/context/a.md"]
    assert names(discover_context(home, home)) == ["~/.alloy/context/a.md"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_one_file_by_two_names_is_told_once(home: Path, repo: Path) -> None:
    put(repo / "AGENTS.md")
    (repo / "src" / "AGENTS.md").symlink_to("../AGENTS.md")
    link = repo.parent / "link"
    link.symlink_to(repo / "src")
    assert names(discover_context(link, home)) == ["AGENTS.md"]


def test_nothing_there_is_nothing_found(tmp_path: Path) -> None:
    """CTX-5: missing folders."""
    assert discover_context(tmp_path, tmp_path / "no-home") == Found()


def test_what_cannot_be_read_is_told_and_the_rest_is_read(home: Path, repo: Path) -> None:
    """CTX-w1: an unreadable file crashed the configuration."""
    (repo / ".alloy" / "context").mkdir(parents=True)
    (repo / ".alloy" / "context" / "bad.md").write_bytes(b"gr\xfc\xdfe")
    put(repo / ".alloy" / "context" / "good.md")
    found = discover_context(repo, home)
    assert names(found) == [".alloy/context/good.md"]
    assert found.problems == (".alloy/context/bad.md was not read: it is not in UTF-8",)


def test_a_file_and_a_folder_without_end_are_cut(home: Path, repo: Path) -> None:
    """CTX-w1: there was no limit."""
    put(repo / "AGENTS.md", "x" * (MOST_OF_ONE + 1))
    for number in range(120):
        put(repo / ".alloy" / "context" / f"{number:03}.md")
    found = discover_context(repo, home)
    assert (len(found.sections[0].text), found.sections[0].cut) == (MOST_OF_ONE, True)
    assert len(found.sections) == 101
    assert found.problems == (".alloy/context holds 120 files: those after the first 100 were not read",)


def test_what_is_nearest_has_room_first() -> None:
    sections = tuple(Section(name, letter * 500, Path(name), "project") for name, letter in (("a", "a"), ("b", "b")))
    assert fit(Found(sections), 1000) == Found(sections)
    cut = fit(Found(sections), 800)
    assert [(section.name, len(section.text), section.cut) for section in cut.sections] == [
        ("a", 300, True),
        ("b", 500, False),
    ]
    dropped = fit(Found(sections, ("earlier",)), 600)
    assert names(dropped) == ["b"]
    assert dropped.problems == ("earlier", "a was left out: all context files together are too long")


def test_a_folder_name_cannot_look_like_more_than_a_name(home: Path, repo: Path) -> None:
    folder = repo / "a\nb\x1b[2J"
    put(folder / "AGENTS.md")
    assert names(discover_context(folder, home)) == ["a b/AGENTS.md"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to give files away")
def test_a_git_folder_that_somebody_else_has_put_above_counts_for_nothing(tmp_path: Path) -> None:
    """In a folder that all may write to, such as `/tmp`, anybody can put a `.git` and an AGENTS.md."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "mine").mkdir()
    assert git_root(tmp_path / "mine") == tmp_path
    os.chown(tmp_path / ".git", 12345, 12345)
    assert git_root(tmp_path / "mine") is None
    os.chown(tmp_path / "mine", 12345, 12345)  # a folder of theirs that we work in, as in a container
    assert git_root(tmp_path / "mine") == tmp_path
