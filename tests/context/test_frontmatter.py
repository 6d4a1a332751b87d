"""The facts at the head of a skill's file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.context.frontmatter import split_frontmatter


@pytest.mark.parametrize(
    ("text", "facts", "body"),
    [
        ("---\nname: a\ndescription: b: c\n---\n\nBody\n", {"name": "a", "description": "b: c"}, "Body"),
        ("---\n---\nBody", {}, "Body"),
        ("---\n\n# only a comment\n---\nBody", {}, "Body"),
        ("---\nname: a\n---", {"name": "a"}, ""),
        ("---\r\nname: a\r\n---\r\nOne\r\nTwo\r\n", {"name": "a"}, "One\nTwo"),
        ("\ufeff---\nname: a\n---\nBody", {"name": "a"}, "Body"),
        ("--- \nname: a\n---\t\nBody", {"name": "a"}, "Body"),
        ('---\nname: "a: b"\n---\nBody', {"name": "a: b"}, "Body"),
        ("---\nname: 'it''s'\n---\nBody", {"name": "it's"}, "Body"),
        ("---\ndescription: >\n  one\n  two\nname: a\n---\nBody", {"description": "one two", "name": "a"}, "Body"),
        ("---\nname: 007\nflag: yes\n---\nBody", {"name": "007", "flag": "yes"}, "Body"),
        ("---\nname: a\nallowed-tools: [bash, read]\n---\nBody", {"name": "a"}, "Body"),
        ("---\nname: a\nempty:\n---\nBody", {"name": "a", "empty": ""}, "Body"),
        # No YAML: read line by line.
        ("---\nname: a\ndescription: x: [y\n  - z\n---\nBody", {"name": "a", "description": "x: [y"}, "Body"),
        ("---\nname: @a\n---\nBody", {"name": "@a"}, "Body"),
        ("---\nname: [bad\n---\nBody", {}, "Body"),
        ("---\nname: {bad\ndescription: b\n---\nBody", {"description": "b"}, "Body"),
        ("Body\n---\nname: a\n---", {}, "Body\n---\nname: a\n---"),
        ("---\nname: a\nBody", {}, "---\nname: a\nBody"),
        ("---\nA rule, some words\n---\nBody", {}, "---\nA rule, some words\n---\nBody"),
        ("", {}, ""),
    ],
)
def test_facts_and_body(text: str, facts: dict[str, str], body: str) -> None:
    """SKL-1, SKL-w1: empty frontmatter, CRLF and a closing line at the end of the file leaked their dashes; quotes,
    lists and values of several lines were not understood."""
    assert split_frontmatter(text) == (facts, body)


@given(st.text())
def test_no_text_is_wrong(text: str) -> None:
    facts, body = split_frontmatter(text)
    assert all(isinstance(word, str) for item in facts.items() for word in item)
    assert body == body.strip()


SAFE = st.text(st.characters(exclude_characters="\r\ufeff", exclude_categories=["Cs"]))


@given(SAFE.filter(lambda text: not text.startswith("---")), st.text("abc: -[]{}&*!|>'\"%@`#\n\t"))
def test_whatever_the_facts_are_the_body_is_kept(body: str, facts: str) -> None:
    """SKL-w1: no character of the body is lost to its head."""
    assert split_frontmatter(f"---\n{facts}\n---\n{body}")[1].endswith(body.strip())
    assert split_frontmatter(body) == ({}, body.strip())


def test_yaml_that_grows_or_nests_does_no_harm() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"k{n}: &k{n} [*k{n - 1}, *k{n - 1}]\n" for n in range(1, 30)).replace(
        "*k0", "*a"
    )
    assert split_frontmatter(f"---\nname: ok\n{bomb}---\nBody") == ({"name": "ok"}, "Body")
    assert split_frontmatter(f"---\nname: ok\nx: {'[' * 5000}\n---\nBody")[0]["name"] == "ok"
    made = "!!python/object/apply:os.system [echo]"
    assert split_frontmatter(f"---\nname: ok\nx: {made}\n---\nBody")[0]["name"] == "ok"


def test_brackets_within_brackets_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred such files in a repository held up each command for a minute: they are read line by line."""
    import yaml

    def load(*_: object, **__: object) -> None:
        raise AssertionError("it was read as YAML")

    monkeypatch.setattr(yaml, "load", load)
    for bracket in "[{":
        text = f"---\nname: deep\nmore: {bracket * 7000}\n---\nBody"
        assert split_frontmatter(text) == ({"name": "deep"}, "Body")
