from __future__ import annotations

from pathlib import Path

import pytest

import alloy_nb as alloy
from alloy_nb.prompts import to_message

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def test_a_string_and_a_message_are_prompts() -> None:
    assert to_message("hi") == alloy.Message.user("hi")
    message = alloy.Message.user("there")
    assert to_message(message) is message


def test_a_sequence_mixes_text_files_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "b.txt").write_text("words", encoding="utf-8")
    parts = to_message(["see", tmp_path / "a.png", PNG, tmp_path / "b.txt", b"%PDF-1.7"]).parts
    assert [type(part).__name__ for part in parts] == ["Text", "Image", "Image", "Text", "Document"]
    assert "words" in parts[3].text  # type: ignore[union-attr]


def test_a_figure_becomes_a_picture() -> None:
    from matplotlib.figure import Figure

    (part,) = to_message([Figure()]).parts
    assert isinstance(part, alloy.Image)
    assert part.data.startswith(b"\x89PNG")


@pytest.mark.parametrize("wrong", ["", " \n", [], 5, b"????", [object()], Path("/no/such/file.txt")])
def test_what_is_no_prompt_is_a_config_error_with_a_hint(wrong: object) -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        to_message(wrong)
    assert caught.value.hint


def test_a_mapping_is_no_prompt() -> None:
    """Its keys were sent as the question."""
    with pytest.raises(alloy.ConfigError, match="cannot send a dict"):
        to_message({"question": "Why?"})


def test_a_pdf_is_a_document_also_where_it_is_plain_text(tmp_path: Path) -> None:
    """A PDF of ASCII alone was sent as its source code."""
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF-1.4\n1 0 obj << >> endobj")
    assert to_message(["Sum up", path]).parts[1] == alloy.Document(
        "application/pdf", path.read_bytes(), name="report.pdf"
    )
