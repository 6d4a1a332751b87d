"""Cassettes: what a service answered, recorded once and played back."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import alloy_nb as alloy
from alloy_nb import ConfigError, OpenAICompatible, RateLimitError, StreamError
from alloy_nb.redaction import MASK
from alloy_nb.testing import CassetteError, cassette, no_delays
from alloy_nb.testing.loopback import Loopback, Reply
from tests.testing import test_conformance as conformance

KEY = "sk-cassette-0123456789abcdef"


def said(text: str) -> bytes:
    chunk = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


END = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


def answer(*texts: str, **reply: Any) -> Reply:
    return Reply([*map(said, texts), END], **reply)


@pytest.fixture
def service() -> Iterator[Loopback]:
    with Loopback(answer("Hel", "lo")) as made:
        yield made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tapes" / "talk.json"


#: Nobody is there: who asks this one has not been played to.
NOWHERE = "http://127.0.0.1:9"


def model(service: Loopback | None, **settings: Any) -> OpenAICompatible:
    return OpenAICompatible("m", **{"base_url": service.url if service else NOWHERE, "api_key": KEY, **settings})


def exchanges(path: Path) -> list[dict[str, Any]]:
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["alloy_cassette"] == 1
    found: list[dict[str, Any]] = data["exchanges"]
    return found


def chunks(result: alloy.Result) -> list[str]:
    return [event.payload for event in result.events if event.type == "text_delta"]


def test_recorded_once_then_played_without_the_service(service: Loopback, path: Path) -> None:
    """TH-w2"""
    with cassette(path) as tape:
        first = alloy.run("Hi", model=model(service))
    assert tape.requests[0]["messages"] == [{"role": "user", "content": "Hi"}]
    with cassette(path):
        second = alloy.run("Hi", model=model(None))
    assert first == second
    assert second.text == "Hello"
    assert len(service.received) == 1
    assert [path.name for path in path.parent.iterdir()] == ["talk.json"]


def test_playing_needs_no_key(service: Loopback, path: Path) -> None:
    """On another machine, as CI's, nobody has one."""
    with cassette(path):
        alloy.run("Hi", model=alloy.OpenAI("gpt-5.2", api="chat", api_key="k", base_url=service.url))
    with cassette(path):
        assert alloy.run("Hi", model=alloy.OpenAI("gpt-5.2", api="chat")).text == "Hello"
        with pytest.raises(CassetteError):
            alloy.run("Hi", model="openai:gpt-5.2")
    with pytest.raises(alloy.AuthError, match="no key"):
        alloy.run("Hi", model="openai:gpt-5.2")


@pytest.mark.parametrize("recorded", ["run", "arun", "start"])
@pytest.mark.parametrize("played", ["run", "arun", "start"])
def test_it_works_for_each_way_to_run(service: Loopback, path: Path, recorded: str, played: str) -> None:
    """On the caller's loop and on the portal's."""

    def ask(way: str, provider: OpenAICompatible) -> str:
        with cassette(path):
            if way == "run":
                return alloy.run("Hi", model=provider).text
            if way == "arun":
                return asyncio.run(alloy.arun("Hi", model=provider)).text
            return alloy.start("Hi", model=provider).result().text

    assert ask(recorded, model(service)) == ask(played, model(None)) == "Hello"
    assert len(service.received) == 1


def test_it_is_a_decorator_too(service: Loopback, path: Path) -> None:
    asked = model(service)

    @cassette(path)
    def test_something(word: str) -> str:
        """What it says."""
        return alloy.run(word, model=asked).text

    @cassette(path)
    async def test_async(word: str) -> str:
        return (await alloy.arun(word, model=asked)).text

    assert test_something.__doc__ == "What it says."
    assert test_something("Hi") == asyncio.run(test_async("Hi")) == test_something("Hi") == "Hello"
    assert len(service.received) == 1


@pytest.fixture
def tape(path: Path, service: Loopback) -> Iterator[Any]:
    with cassette(path) as tape:
        yield tape


def test_it_is_a_fixture(tape: Any, service: Loopback) -> None:
    assert alloy.run("Hi", model=model(service)).text == "Hello"
    assert len(tape.requests) == 1


def test_pieces_are_played_as_they_came(service: Loopback, path: Path) -> None:
    whole = answer("Grüße", " 😀").body
    assert isinstance(whole, list)
    body = b"".join(whole)
    pieces = [body[i : i + 7] for i in range(0, len(body), 7)]
    service.answer(Reply(pieces))
    with cassette(path):
        first = alloy.run("Hi", model=model(service))
    with cassette(path):
        second = alloy.run("Hi", model=model(None))
    assert first.text == "Grüße 😀"
    assert chunks(first) == chunks(second)
    (exchange,) = exchanges(path)
    assert len(exchange["response"]["pieces"]) == len(pieces)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    pieces=st.lists(st.binary(min_size=1, max_size=12), max_size=6),
    kind=st.sampled_from(["text/x", "application/json"]),
)
def test_any_bytes_come_back_as_they_were(tmp_path: Path, pieces: list[bytes], kind: str) -> None:
    from alloy_nb.testing.tape import Answered, Asked, Exchange, read_tape, write_tape

    exchange = Exchange(
        Asked("POST", "http://x.test/a", b"".join(pieces)), Answered(200, {"content-type": kind}, pieces)
    )
    write_tape(tmp_path / "t.json", [exchange])
    (read,) = read_tape(tmp_path / "t.json")
    if kind == "text/x":
        assert read.answered.pieces == pieces
    try:
        assert json.loads(b"".join(read.answered.pieces)) == json.loads(b"".join(pieces))
    except ValueError:
        assert b"".join(read.answered.pieces) == b"".join(pieces)
        assert read.asked.body == b"".join(pieces)


def test_compressed_answers_are_stored_as_what_they_say(service: Loopback, path: Path) -> None:
    body = b"".join(answer("Hello").body)  # type: ignore[arg-type]
    headers = {"content-type": "text/event-stream", "content-encoding": "gzip"}
    service.answer(Reply(gzip.compress(body), headers=headers))
    for provider in (model(service), model(None)):
        with cassette(path):
            assert alloy.run("Hi", model=provider).text == "Hello"
    assert '"content": "Hello"' in "".join(exchanges(path)[0]["response"]["pieces"]).replace('\\"', '"')


def test_a_whole_answer_is_readable_json(service: Loopback, path: Path) -> None:
    body = {"choices": [{"message": {"content": "Half \ud83d"}, "finish_reason": "stop"}], "n": 1e300}
    text = json.dumps(body).encode()
    service.answer(Reply([text[:9], text[9:]], headers={"content-type": "application/json"}))
    for provider in (model(service), model(None)):
        with cassette(path):
            assert alloy.run("Hi", model=provider, stream=False).text.startswith("Half ")
    assert exchanges(path)[0]["response"]["json"]["n"] == 1e300


def test_equal_requests_are_played_in_their_order_errors_too(service: Loopback, path: Path) -> None:
    busy = Reply(b'{"error": {"message": "busy"}}', 429, {"content-type": "application/json", "retry-after": "9"})
    service.answer(busy, answer("at last"))
    # A pause that a service asks for holds for all with the same key: these have one of their own.
    for provider in (model(service, api_key="busy-key-1"), model(None, api_key="busy-key-2")):
        with cassette(path), no_delays() as delays:
            assert alloy.run("Hi", model=provider).text == "at last"
        assert delays[-1] == 9
    assert [exchange["response"]["status"] for exchange in exchanges(path)] == [429, 200]


def test_a_request_counts_by_what_it_says(service: Loopback, path: Path) -> None:
    """Neither headers, nor host, nor how the JSON is written."""
    with cassette(path):
        alloy.run("Hi", model=model(service), extra_body={"a": 1, "b": 2})
    text = path.read_text()
    other = OpenAICompatible("m", base_url=NOWHERE, api_key="another-key-entirely", headers={"x-title": "t"})
    with cassette(path, record="none"):
        assert alloy.run("Hi", model=other, extra_body={"b": 2, "a": 1}).text == "Hello"
    assert path.read_text() == text


def test_what_is_not_there_says_what_differs(service: Loopback, path: Path) -> None:
    with cassette(path):
        alloy.run("How is the weather?", model=model(service))
    with cassette(path), pytest.raises(CassetteError) as caught:
        alloy.run("How is the water?", model=model(None), temperature=1)
    error = caught.value
    assert isinstance(error, AssertionError)
    assert "POST /v1/chat/completions is not on the cassette" in error.message
    assert "messages[0].content: recorded 'How is the weather?', asked 'How is the water?'" in error.message
    assert "temperature: not recorded, asked 1" in error.message
    assert 'record="new"' in str(error.hint)


def test_what_differs_in_a_long_text_is_the_part_that_is_shown(service: Loopback, path: Path) -> None:
    with cassette(path):
        alloy.run("x" * 5000 + "This way", model=model(service))
    with cassette(path), pytest.raises(CassetteError, match=r"asked …'x+That way'") as caught:
        alloy.run("x" * 5000 + "That way", model=model(None))
    assert len(caught.value.message) < 600


def test_asked_once_more_than_recorded(service: Loopback, path: Path) -> None:
    with cassette(path):
        alloy.run("Hi", model=model(service))
    with cassette(path):
        alloy.run("Hi", model=model(None))
        with pytest.raises(CassetteError, match="recorded 1 times, and asked once more"):
            alloy.run("Hi", model=model(None))


@pytest.mark.thorough
def test_another_place_is_answered_with_those_there_are(service: Loopback, path: Path) -> None:
    with cassette(path):
        alloy.run("Hi", model=model(service))
    with cassette(path), pytest.raises(CassetteError, match=r"GET /v1/models is not on .* it has POST /v1/chat/comp"):
        asyncio.run(model(None).models())


def test_modes(service: Loopback, path: Path) -> None:
    """ "new" adds, "all" begins anew, "none" and "once" leave the file as it is."""

    def ask(record: Any, *prompts: str) -> list[str]:
        with cassette(path, record):
            return [alloy.run(prompt, model=model(service)).text for prompt in prompts]

    with pytest.raises(ConfigError, match="there is no cassette"):
        ask("none", "a")
    assert ask("once", "a") == ["Hello"]
    service.answer(answer("other"))
    assert ask("new", "a", "b") == ["Hello", "other"]
    assert ask("none", "b", "a") == ask("once", "b", "a") == ["other", "Hello"]
    assert len(exchanges(path)) == 2
    assert ask("all", "a") == ["other"]
    assert len(exchanges(path)) == 1
    with pytest.raises(ConfigError, match="record is 'onec'") as caught:
        ask("onec", "a")
    assert caught.value.hint == "did you mean 'once'?"


def test_nothing_is_written_when_nothing_was_asked_or_the_block_failed(service: Loopback, path: Path) -> None:
    """A recording that was broken off must not be what is played ever after."""
    with cassette(path):
        pass

    def stopped() -> None:
        with cassette(path):
            alloy.run("Hi", model=model(service))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert not path.exists()


def test_a_cut_answer_is_cut_when_it_is_played(service: Loopback, path: Path) -> None:
    service.answer(Reply([said("Hel")], end="cut"))
    for provider in (model(service), model(None)):
        with cassette(path), pytest.raises(StreamError) as caught:
            alloy.run("Hi", model=provider)
        if not path.exists():  # it was not to be kept: the block ended in the error
            with cassette(path):
                alloy.run("Hi", model=provider, check=False)
        assert caught.value.result is not None
        assert caught.value.result.text == "Hel"
    assert exchanges(path)[0]["response"]["cut"] is True


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "no cassette"),
        ("[]", "no cassette"),
        ('{"alloy_cassette": 2}', "newer"),
        ('{"alloy_cassette": 1, "exchanges": [{}]}', "KeyError"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=why), cassette(path):
        pass
    assert path.read_text() == text


def test_a_folder_is_no_cassette(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"), cassette(tmp_path):
        pass


def test_ids_that_were_made_up_here_do_not_count(service: Loopback, path: Path) -> None:
    """A service that gives its calls no ids is sent ours, other ones in each run."""
    call = {"index": 0, "function": {"name": "add", "arguments": '{"a": 1}'}}
    chunk = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    called = Reply(b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n")
    service.answer(called, answer("two"))

    def add(a: int) -> int:
        return a + 1

    for provider in (model(service), model(None)):
        with cassette(path):
            assert alloy.run("1 + 1?", model=provider, tools=[add]).text == "two"
    assert len(service.received) == 2


def test_normalize_takes_out_what_differs_each_time(service: Loopback, path: Path) -> None:
    def without_dates(body: Any) -> Any:
        return {**body, "messages": [m for m in body["messages"] if m["role"] != "system"]}

    for day, provider in (("Monday", model(service)), ("Tuesday", model(None))):
        with cassette(path, normalize=without_dates) as tape:
            assert alloy.run("Hi", model=provider, system_prompt=f"Today is {day}.").text == "Hello"
        assert tape.requests[0]["messages"][0]["content"] == f"Today is {day}."


def test_a_client_of_the_users_own_is_asked_when_recording(service: Loopback, path: Path) -> None:
    def client() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(params={"team": "red"}, auth=("bob", "hunter2-hunter2"), trust_env=False)

    for provider in (model(service, http_client=client), model(None, http_client=client)):
        with cassette(path):
            assert alloy.run("Hi", model=provider).text == "Hello"
    assert service.received[0].target == "/v1/chat/completions?team=red"
    assert service.received[0].headers["authorization"].startswith("Basic ")
    assert exchanges(path)[0]["request"]["url"].endswith("?team=red")


def test_several_runs_at_once_record_and_play(service: Loopback, path: Path) -> None:
    def ask_all(provider: OpenAICompatible) -> list[str]:
        runs = [alloy.start(f"number {i}", model=provider) for i in range(8)]
        return [run.result().text for run in runs]

    for provider in (model(service), model(None)):
        with cassette(path):
            assert ask_all(provider) == ["Hello"] * 8
    assert len(exchanges(path)) == 8


def test_outside_of_it_requests_go_where_they_always_go(service: Loopback, path: Path) -> None:
    with cassette(path):
        alloy.run("Hi", model=model(service))
    alloy.run("Hi", model=model(service))
    assert len(service.received) == 2
    with cassette(path), cassette(path.with_name("inner.json")):
        alloy.run("Something else", model=model(service))
    assert len(service.received) == 3


def test_an_answer_that_comes_while_the_block_ends_is_not_half_kept(path: Path) -> None:
    """What goes on in the background after the end is not on the tape as if it were whole."""
    with Loopback(Reply([said("Hel")], end="hang")) as service:
        with cassette(path):
            run = alloy.start("Hi", model=model(service))
            next(iter(run.text_stream()))
        run.cancel()
        run.result(check=False)
    assert exchanges(path)[0]["response"].get("cut") is True


# Secrets

secret = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=9, max_size=24).filter(
    lambda text: text not in MASK and not text.startswith("/") and not text.endswith("/")
)


@pytest.mark.thorough
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    key=secret, cut=st.integers(0, 400), kind=st.sampled_from(["text/event-stream", "application/json", "text/plain"])
)
def test_law_14_no_secret_is_on_disk(tmp_path: Path, key: str, cut: int, kind: str) -> None:
    """Law 14: whatever echoes it, in whatever piece: a prompt, a call's arguments, an answer, a header, the address."""
    quoted = json.dumps(key)
    call = {"id": "c", "function": {"name": "f", "arguments": json.dumps({"k": key, "deep": json.dumps([key])})}}
    message = {"content": f"it is {key}!", "tool_calls": [call]}
    body = json.dumps(
        {"choices": [{"delta": message, "message": message, "finish_reason": "stop"}], "x": f"Bearer {key}"}
    )
    if kind == "text/event-stream":
        body = f": {key}\n\ndata: {body}\n\ndata: [DONE]\n\n"
    elif kind == "text/plain":
        body = f"wrong key {key} or {quoted}"
    data = body.encode()

    def reply(request: httpx2.Request) -> httpx2.Response:
        async def pieces() -> Any:
            for piece in (data[:cut], data[cut:]):
                yield piece

        headers = {"content-type": kind, "x-echo": f"you sent {key}", "set-cookie": key, "x-api-key": key}
        return httpx2.Response(200, headers=headers, content=pieces())

    def client() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(reply), params={"key": key}, trust_env=False)

    path = tmp_path / f"{threading.get_ident()}.json"
    provider = OpenAICompatible("m", base_url="https://x.test", api_key=key, http_client=client)
    options: Any = {
        "check": False,
        "max_retries": 0,
        "max_turns": 1,
        "system_prompt": quoted,
        "extra_body": {"password": "pw"},
    }
    with cassette(path, "all"):
        alloy.run(f"my key is {key}", model=provider, **options)
    text = path.read_text(encoding="utf-8")
    for form in (key, quoted[1:-1], json.dumps(quoted)[1:-1]):
        assert form not in text
    assert '"password": "[redacted]"' in text
    with cassette(path, "none"):
        alloy.run(f"my key is {key}", model=provider, **options)


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "x-goog-api-key", "cookie", "proxy-authorization"])
def test_what_a_header_of_the_request_held_is_no_where_in_the_answer(tmp_path: Path, name: str) -> None:
    held = {"cookie": "a=b; session=hidden-value-1", "proxy-authorization": "Basic Ym9iOmhpZGRlbi12YWx1ZS0x"}
    value = held.get(name, "Bearer hidden-value-1")

    def client() -> httpx2.AsyncClient:
        reply = httpx2.Response(401, text="not welcome: hidden-value-1")
        return httpx2.AsyncClient(
            transport=httpx2.MockTransport(lambda _: reply), headers={name: value}, trust_env=False
        )

    path = tmp_path / "t.json"
    with cassette(path):
        alloy.run("x", model=OpenAICompatible("m", base_url="https://x.test", http_client=client), check=False)
    assert "not welcome: [redacted]" in path.read_text()


def test_an_error_that_is_not_found_shows_no_secret(service: Loopback, path: Path) -> None:
    with cassette(path):
        alloy.run("Hi", model=model(service))
    with cassette(path), pytest.raises(CassetteError) as caught:
        alloy.run(f"Hi {KEY}", model=model(None))
    assert KEY not in str(caught.value)


def test_a_limit_of_the_service_is_played_with_its_headers(service: Loopback, path: Path) -> None:
    headers = {
        "content-type": "application/json",
        "retry-after": "3",
        "x-request-id": "r1",
        "x-ratelimit-remaining-tokens": "0",
    }
    service.answer(Reply(b"{}", 429, headers))
    for provider in (model(service, api_key="limited-1"), model(None, api_key="limited-2")):
        with cassette(path):
            error = alloy.run("Hi", model=provider, max_retries=0, check=False).error
        assert isinstance(error, RateLimitError)
        assert (error.retry_after, error.request_id) == (3, "r1")
    assert exchanges(path)[0]["response"]["headers"]["x-ratelimit-remaining-tokens"] == "0"


@pytest.mark.parametrize("name", [name for name in dir(conformance) if name.startswith("Test")])
def test_every_provider_of_ours_is_recorded_and_played(path: Path, name: str) -> None:
    """Whatever its wire, and whether its service gives calls ids or not."""
    suite = getattr(conformance, name)()
    cases = suite.cases

    def look_up(word: str) -> str:
        return f"{word} is an inlet"

    texts = []
    for up in (True, False):
        with Loopback(*(cases.reply(case.stream) for case in (cases.call, cases.text))) as service:
            provider = suite.make(service.url if up else NOWHERE, KEY)
            with cassette(path):
                texts.append(alloy.run("What is it?", model=provider, tools=[look_up]).text)
            assert len(service.received) == (2 if up else 0)
    assert texts == [cases.text.text] * 2
    assert KEY not in path.read_text(encoding="utf-8")


def test_cassettes_whose_lifetimes_overlap_close_each_their_own(service: Loopback, tmp_path: Path) -> None:
    """The newest open one counts; one that ends takes away itself alone."""
    first, second = cassette(tmp_path / "first.json"), cassette(tmp_path / "second.json")
    older = first.__enter__()
    newer = second.__enter__()
    first.__exit__(None, None, None)
    assert alloy.run("Hi", model=model(service)).text == "Hello"
    second.__exit__(None, None, None)
    assert (len(older.requests), len(newer.requests)) == (0, 1)
    alloy.run("Hi", model=model(service))
    assert len(newer.requests) == 1


def test_one_cassette_open_in_two_threads_is_closed_by_each_for_itself(service: Loopback, path: Path) -> None:
    both = cassette(path)
    opened, leave = threading.Event(), threading.Event()
    tapes: list[Any] = []

    def other() -> None:
        with both as tape:
            tapes.append(tape)
            opened.set()
            leave.wait(60)
            alloy.run("Hi", model=model(service))

    thread = threading.Thread(target=other)
    with both as mine:
        thread.start()
        assert opened.wait(60)
    leave.set()
    thread.join(60)
    assert (len(mine.requests), len(tapes[0].requests)) == (0, 1)
    assert len(exchanges(path)) == 1
