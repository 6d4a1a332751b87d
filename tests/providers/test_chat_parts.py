"""Parts of messages in the forms of Chat Completions."""

from __future__ import annotations

import pytest

from alloy_nb.messages import Audio, Document, Image, Part
from alloy_nb.providers.chat_parts import FORMS, content_part

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


def test_what_holds_nothing_is_named() -> None:
    broken = Image.from_url("data:image/png;base64,?")
    assert content_part(broken, FORMS)["text"] == "[image that this service cannot be given: image/png]"


def test_bytes_within_an_address_are_bytes() -> None:
    (data,) = {content_part(Image.from_url("data:image/PNG;base64,AA%3D%3D"), FORMS)["image_url"]["url"]}
    assert data == "data:image/png;base64,AA=="
    assert content_part(Document.from_url("data:text/csv,a%2Cb"), FORMS)["text"] == "document:\na,b"
    sound = content_part(Audio.from_url("data:audio/wav;base64,UklGRg=="), FORMS)
    assert sound["input_audio"] == {"data": "UklGRg==", "format": "wav"}
