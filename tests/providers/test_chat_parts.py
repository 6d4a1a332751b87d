"""Parts of messages in the words of Chat Completions."""

from __future__ import annotations

from typing import Any

import pytest

from alloy_nb.messages import Audio, Document, Image, Part, Text, ToolCall
from alloy_nb.providers.chat_parts import FORMS, arguments_text, content_part, in_words, joined, noted, readable

PDF = Document("application/pdf", b"%PDF", name="a.pdf")


def test_a_service_has_forms_of_its_own() -> None:
    forms = {"document": lambda part: {"type": "own", "name": part.name}}
    assert content_part(PDF, forms) == {"type": "own", "name": "a.pdf"}
    assert content_part(Image("image/png", b"x"), forms)["type"] == "text"


@pytest.mark.parametrize(
    "part", [Audio("audio/ogg", url="https://x.test/a"), Document("application/pdf", url="https://x.test/a")]
)
def test_what_has_no_form_is_named(part: Part) -> None:
    """OAI-3: never dropped in silence."""
    assert "https://x.test/a" in content_part(part, FORMS)["text"]


def test_a_document_that_is_text_is_told_to_everybody() -> None:
    """Also to services that take no files: there is nothing in it that they cannot be given."""
    document = Document("text/csv", b"a,b\xff", name="a.csv")
    assert content_part(document, {}) == {"type": "text", "text": "a.csv:\na,b\ufffd"}
    assert readable(Document("application/ld+json", b"{}")) == "document:\n{}"
    assert readable(PDF) is readable(Text("x")) is None
    assert readable(Document("text/csv", url="https://x.test/a.csv")) is None


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (PDF, "[document that this service cannot be given: a.pdf, application/pdf]"),
        (Image("image/png", b"x"), "[image that this service cannot be given: image/png]"),
    ],
)
def test_the_words_for_a_part(part: Any, words: str) -> None:
    assert in_words(part) == words


def test_texts_are_lines() -> None:
    assert joined([Text("a"), Text(""), PDF, Text("b")]) == "a\nb"
    assert noted(PDF) == Text("[document]")
    assert noted(Text("x")) == Text("x")


def test_arguments_that_json_does_not_know() -> None:
    assert arguments_text(ToolCall("c", "f", {"when": {1}})) == '{"when": "{1}"}'
    assert arguments_text(ToolCall("c", "f", {}, raw="[1")) == "{}"
