"""No secrets in what goes to disk."""

from __future__ import annotations

import json

import pytest

from alloy_nb.redaction import register_secret
from alloy_nb.testing.scrubbing import scrub_bytes, scrub_headers, scrub_json, scrub_url, secrets_of

SECRET = 'quite "secret" stuff\\'


@pytest.fixture(autouse=True)
def _known() -> None:
    register_secret(SECRET)
    register_secret("9876543210123")


def test_an_address_keeps_what_is_no_secret() -> None:
    url = "https://me:pw@api.test/v1/a%20b?alt=sse&empty=&key=k&sig=1&access_token=t"
    assert scrub_url(url) == (
        "https://api.test/v1/a%20b?alt=sse&empty=&key=%5Bredacted%5D&sig=1&access_token=%5Bredacted%5D"
    )
    register_secret("path secret")
    assert scrub_url("https://x.test/a/path%20secret/b") == "https://x.test/a/%5Bredacted%5D/b"


def test_headers_that_carry_a_secret_or_say_nothing_are_dropped() -> None:
    given = [
        ("Content-Type", "text/plain"),
        ("X-Api-Key", "a"),
        ("Set-Cookie", "b"),
        ("Content-Encoding", "gzip"),
        ("X-RateLimit-Remaining-Tokens", "3"),
        ("X-Said", f"it is {SECRET}"),
    ]
    assert scrub_headers(given) == {
        "content-type": "text/plain",
        "x-ratelimit-remaining-tokens": "3",
        "x-said": "it is [redacted]",
    }


def test_json_in_json_is_scrubbed_and_other_text_stays_as_it_was_written() -> None:
    deep = json.dumps({"a": [json.dumps(SECRET)]})
    assert scrub_json({"x": deep}) == {"x": '{"a": ["\\"[redacted]\\""]}'}
    for same in ('{ "spaced" :1}', "{no json", '{"n": 1.50}', "words", None, True, 1.5, 10**30):
        assert scrub_json([same]) == [same]
    assert scrub_json(9876543210123) == "[redacted]"
    assert scrub_json({SECRET: 1}) == {"[redacted]": 1}


def test_members_that_are_secrets_by_name() -> None:
    assert scrub_json({"api_key": "short", "Password": "p", "token": "word", "max_tokens": 5, "password": None}) == {
        "api_key": "[redacted]",
        "Password": "[redacted]",
        "token": "word",
        "max_tokens": 5,
        "password": None,
    }


@pytest.mark.parametrize("line", ["data: {}", "data:{}", "{}", ": {}", 'data: "{}"'])
def test_a_stream_is_scrubbed_line_by_line(line: str) -> None:
    event = line.replace("{}", json.dumps({"said": SECRET})) if '"' not in line else "data: " + json.dumps(SECRET)
    body = f'data: {{ "kept" : 1 }}\r\n\r\n{event}\n\ndata: [DONE]\n\n'.encode()
    scrubbed = scrub_bytes(body)
    assert b"stuff" not in scrubbed
    assert scrubbed.startswith(b'data: { "kept" : 1 }\r\n\r\n')
    assert scrubbed.endswith(b"data: [DONE]\n\n")


def test_bytes_that_are_no_text_are_scrubbed_too() -> None:
    assert scrub_bytes(b"\xff" + SECRET.encode() + b"\xfe") == b"\xff[redacted]\xfe"


def test_json_without_an_end_to_its_depth() -> None:
    body = b"[" * 100_000 + b'"9876543210123"'
    assert b"9876543210123" not in scrub_bytes(body)


def test_a_secret_of_a_request_is_known_in_each_way_to_write_it() -> None:
    secrets_of(
        "https://bob:pass%2Fword-1@x.test/?key=query-key-1", [("x-api-key", 'head"key-1'), ("accept", "anything")]
    )
    text = b'pass/word-1 pass%2Fword-1 query-key-1 head\\"key-1 head"key-1 head%22key-1 anything'
    assert scrub_bytes(text) == b" ".join([b"[redacted]"] * 6) + b" anything"


@pytest.mark.parametrize("value", ["Basic !!!", "Basic", "basic  "])
def test_a_header_that_is_none_of_its_kind(value: str) -> None:
    secrets_of("https://u:p@x.test/?key=", [("authorization", value)])
