"""Skills: read, filled, found."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb import ConfigError, Skill, discover_skills
from alloy_nb.context.skills import MOST, find_skills, named_skills


def put(path: Path, text: str = "Do it.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_a_name_that_is_a_list_without_an_end_is_the_files_own(tmp_path: Path) -> None:
    """It became a skill called "[bad"."""
    (tmp_path / "tidy.md").write_text("---\nname: [bad\n---\nSweep.")
    skill = Skill.from_path(tmp_path / "tidy.md")
    assert (skill.name, skill.body) == ("tidy", "Sweep.")


def test_a_file_is_a_skill(tmp_path: Path) -> None:
    """SKL-1: name, description, body, path; the name falls back to the file's, the body has no blank edges."""
    path = put(tmp_path / "review.md", "---\nname: look\ndescription: Looks: hard\n---\n\nLook at {{input}}.\n\n")
    assert Skill.from_path(path) == Skill("look", "Looks: hard", "Look at {{input}}.", path)
    assert Skill.from_path(put(tmp_path / "plain.md", "Be plain.\n")).name == "plain"
    folder = put(tmp_path / "tidy" / "SKILL.md", "---\ndescription: Tidies\n---\n").parent
    assert Skill.from_path(folder) == Skill("tidy", "Tidies", "", folder / "SKILL.md")
    with pytest.raises(ConfigError, match="there is no skill"):
        Skill.from_path(tmp_path / "none.md")
    (tmp_path / "bad.md").write_bytes(b"\0\1\2")
    with pytest.raises(ConfigError, match="it is no text"):
        Skill.from_path(tmp_path / "bad.md")


def test_placeholders_are_filled() -> None:
    """SKL-2: a string is `{{input}}`, a mapping fills each `{{key}}`; what is unknown stays."""
    skill = Skill("s", body="{{input}} and {{ input }}, {{who}}, {{a.b}}, {{}} {input}")
    assert skill.apply("x") == "x and x, {{who}}, {{a.b}}, {{}} {input}"
    assert skill.apply({"who": 1, "a.b": None}) == "{{input}} and {{ input }}, 1, None, {{}} {input}"
    assert skill.apply({}) == skill.body


KEYS = st.sampled_from(["a", "b", "input", "other"])
PIECES = st.one_of(st.text("ab{} \n"), KEYS.map("{{{{{0}}}}}".format))


@given(st.lists(PIECES), st.dictionaries(KEYS, st.one_of(st.text(), KEYS.map("{{{{{0}}}}}".format))))
def test_they_are_filled_in_one_pass(pieces: list[str], values: dict[str, str]) -> None:
    """SKL-w2: a value that holds `{{other}}` was expanded again."""
    body = "".join(pieces)
    parts = re.split(r"\{\{([^{}\n]+)\}\}", body)
    expected = parts[0]
    for key, after in zip(parts[1::2], parts[2::2], strict=True):
        found = key if key in values else key.strip()
        expected += (values[found] if found in values else "{{" + key + "}}") + after
    assert Skill("s", body=body).apply(values) == expected


def test_what_is_typed_goes_where_it_is_asked_for_or_to_the_end() -> None:
    assert Skill("s", body="Look at {{input}}!").prompt("x") == "Look at x!"
    assert Skill("s", body="Look at {{ input }}!").prompt("") == "Look at !"
    assert Skill("s", body="Look.").prompt("x") == "Look.\n\nx"
    assert Skill("s", body="Look.").prompt(" ") == "Look."
    assert Skill("s", body="{{who}}").prompt("{{who}}") == "{{who}}\n\n{{who}}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "repo" / "src").mkdir()
    return tmp_path / "repo"


def test_they_are_found_by_where_they_lie(home: Path, repo: Path) -> None:
    """SKL-3: the home's, the project's; sorted by name; other files and missing folders are nothing."""
    assert discover_skills(repo, home=home) == ()
    put(home / ".alloy" / "skills" / "zeta.md")
    put(home / ".alloy" / "skills" / "notes.txt")
    put(repo / ".alloy" / "skills" / "alpha.md")
    put(repo / ".alloy" / "skills" / "mid" / "SKILL.md")
    put(repo / ".alloy" / "skills" / "mid" / "more.md")
    put(repo / ".alloy" / "skills" / "empty" / "more.md")
    put(repo / "src" / ".alloy" / "skills" / "near.md")
    assert [skill.name for skill in discover_skills(repo / "src", home=home)] == ["alpha", "mid", "near", "zeta"]
    assert [skill.name for skill in discover_skills(repo, home=str(home))] == ["alpha", "mid", "zeta"]


def test_of_one_name_the_nearest_wins(home: Path, repo: Path) -> None:
    """SKL-3, SKL-w2: it went by the file's name, so that two skills of one name were offered."""
    put(home / ".alloy" / "skills" / "mine.md", "---\nname: review\n---\nMine")
    put(repo / ".alloy" / "skills" / "theirs.md", "---\nname: review\n---\nTheirs")
    assert [skill.body for skill in discover_skills(repo, home=home)] == ["Theirs"]
    put(repo / "src" / ".alloy" / "skills" / "near" / "SKILL.md", "---\nname: review\n---\nNear")
    assert [skill.body for skill in discover_skills(repo / "src", home=home)] == ["Near"]
    put(repo / ".alloy" / "skills" / "zz.md", "---\nname: review\n---\nSecond")
    found, problems = find_skills(repo, home)
    assert [skill.body for skill in found] == ["Theirs"]
    assert problems == (".alloy/skills/zz.md was left out: another skill there is called review, too",)


def test_one_that_cannot_be_read_is_told_and_the_others_are_found(
    home: Path, repo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(repo / ".alloy" / "skills" / "good.md")
    put(repo / ".alloy" / "skills" / "long.md", "x" * (MOST + 1))
    (repo / ".alloy" / "skills" / "bad.md").write_bytes(b"\xff")
    assert [skill.name for skill in discover_skills(repo, home=home)] == ["good"]
    assert caplog.messages == [
        ".alloy/skills/bad.md was not read: it is not in UTF-8",
        ".alloy/skills/long.md was not read: it is longer than 90,000 characters",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_no_link_leads_out_of_the_project(tmp_path: Path, home: Path, repo: Path) -> None:
    put(tmp_path / "elsewhere" / "SKILL.md", "not yours")
    skills = repo / ".alloy" / "skills"
    skills.mkdir(parents=True)
    (skills / "a").symlink_to(tmp_path / "elsewhere")
    (skills / "b.md").symlink_to(tmp_path / "elsewhere" / "SKILL.md")
    found, problems = find_skills(repo, home)
    assert found == ()
    assert len(problems) == 2
    assert all("leads out of" in problem for problem in problems)


def test_they_may_be_named_one_by_one(tmp_path: Path) -> None:
    put(tmp_path / "a.md")
    put(tmp_path / "b" / "SKILL.md")
    put(tmp_path / "many" / "c.md")
    put(tmp_path / "many" / "d" / "SKILL.md")
    given = ["a.md", Path("b"), str(tmp_path / "many"), Skill("e")]
    assert [skill.name for skill in named_skills(given, tmp_path)] == ["a", "b", "c", "d", "e"]
    for wrong, what in (([1], "holds an int"), (["none"], "there is no skill"), (["a.md", Skill("a")], "two skills")):
        with pytest.raises(ConfigError, match=what):
            named_skills(wrong, tmp_path)


def test_what_nobody_sees_is_taken_out_of_its_facts_however_it_is_spelt() -> None:
    """Words for the model alone, as escapes of YAML: no hidden character stands in the file itself."""
    tags = "".join(f"\\U{0xE0000 + ord(letter):08x}" for letter in "obey")
    skill = Skill.from_text(f'---\nname: "re\\u200bview"\ndescription: "Looks{tags} \\u202eat it\\e[2J"\n---\nBody')
    assert (skill.name, skill.description) == ("review", "Looks at it")
