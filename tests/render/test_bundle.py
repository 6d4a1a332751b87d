"""A run in every form at once."""

from __future__ import annotations

import json

import pytest

from alloy_nb.errors import ConfigError
from alloy_nb.messages import Message
from alloy_nb.render.blocks import Transcript
from alloy_nb.render.bundle import RECORD_MIME, bundle, record_kept
from alloy_nb.render.record import size_of


def test_every_form_tells_the_answer(tell) -> None:
    data = bundle(tell("text_delta", "It is 12345.").end().transcript, record="full")
    assert list(data) == ["text/html", "text/markdown", "text/plain", "application/vnd.alloy.run+json"]
    assert all("It is 12345." in json.dumps(form) for form in data.values())


def test_no_record_unless_asked_for(tell) -> None:
    assert RECORD_MIME not in bundle(tell.end().transcript)


def test_a_summary_holds_no_messages_and_is_small(tell) -> None:
    tell.tool(output="x" * 50_000)("message", Message.assistant("y" * 50_000)).end()
    record = bundle(tell.transcript, record="summary")[RECORD_MIME]
    assert "messages" not in record
    assert size_of(record) <= 16_000
    assert Transcript.from_record(record).blocks[0].name == "read"


def test_a_static_bundle_is_the_same_for_the_same_run(new_telling) -> None:
    def told(pace: int):
        tell = new_telling(run_id=f"run-{pace}")
        tell("run_start", {"prompt": "p", "model": "m"}, after=pace)("thinking_delta", "a", after=pace)
        tell("text_delta", "b", after=pace).tool(duration_ms=pace)
        return bundle(tell.end().transcript, static=True)

    assert told(3) == told(4_000)


def test_a_bundle_is_json(vector, everywhere) -> None:
    """A notebook file is JSON in UTF-8: no half characters, nothing that is no value."""
    data = bundle(everywhere(vector).transcript, record="full")
    assert json.loads(json.dumps(data, ensure_ascii=False, allow_nan=False).encode()) == data


def test_the_environment_says_what_is_kept_then_the_option_then_the_display(monkeypatch) -> None:
    assert record_kept(None, "off") == "off"
    assert record_kept("summary", "off") == "summary"
    monkeypatch.setenv("ALLOY_RECORD", " Full ")
    assert record_kept("off", "off") == "full"
    monkeypatch.setenv("ALLOY_RECORD", "ful")
    with pytest.raises(ConfigError, match="ALLOY_RECORD is 'ful'") as caught:
        record_kept(None, "off")
    assert caught.value.hint == "did you mean 'full'?"
