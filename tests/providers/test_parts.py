"""What all wires do alike with parts of messages."""

from __future__ import annotations

from typing import Any

import pytest

from alloy_nb.messages import Audio, Document, Image, Part, Text, ToolCall, ToolResult
from alloy_nb.providers._parts import (
    arguments_text,
    in_words,
    joined,
    noted,
    readable,
    said,
    schema_in_words,
    unpacked,
)

PDF = Document("application/pdf", b"%PDF", name="a.pdf")


@pytest.mark.parametrize(
    ("url", "mime_type", "data"),
    [
        ("data:image/png;base64,cG5n", "image/png", b"png"),
        ("DATA:Image/PNG;x=1;Base64,cG 5n\n", "image/png", b"png"),
        ("data:text/plain;charset=utf-8,a%20b", "text/plain", b"a b"),
        ("data:,a", "text/plain", b"a"),
        ("data:image/png;base64,?", "image/png", b""),
        ("data:image/png", "image/png", b""),
    ],
)
def test_bytes_within_an_address(url: str, mime_type: str, data: bytes) -> None:
    """No service fetches such an address, and few read it."""
    part = unpacked(Document("application/octet-stream", url=url))
    assert (part.mime_type, part.data, part.url) == (mime_type, data, None)


def test_a_type_that_the_address_does_not_tell_is_the_parts() -> None:
    assert unpacked(Image("image/webp", url="data:;base64,cG5n")) == Image("image/webp", b"png")


@pytest.mark.parametrize("part", [Text("x"), PDF, Image("image/png", url="https://x.test/a.png"), ToolResult("x")])
def test_every_other_part_is_left_as_it_is(part: Part) -> None:
    assert unpacked(part) is part


def test_what_can_be_read() -> None:
    assert readable(Document("application/ld+json", b"{}")) == "document:\n{}"
    assert readable(PDF) is readable(Text("x")) is None
    assert readable(Document("text/csv", url="https://x.test/a.csv")) is None


def test_what_is_said_where_only_words_may_stand() -> None:
    assert said(Text("x")) == "x"
    assert said(ToolResult("x")) == ""
    assert said(Document.from_url("data:text/plain,x")) == "document:\nx"
    assert said(PDF) == in_words(PDF)


def test_a_schema_in_words() -> None:
    assert schema_in_words(None, {"type": "object"}).endswith('{"type": "object"}')
    assert schema_in_words("Be brief.", {}).startswith("Be brief.\n\n")


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (PDF, "[document that this service cannot be given: a.pdf, application/pdf]"),
        (Image("image/png", b"x"), "[image that this service cannot be given: image/png]"),
        (Audio.from_url("data:audio/wav;base64,AAAA"), "[audio that this service cannot be given: audio/wav]"),
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
