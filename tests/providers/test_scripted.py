"""The model that answers from a script."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import ConfigError, ProviderError, RateLimitError, StreamError
from alloy_nb.messages import Message, ToolCall, ToolResult
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Done, Provider, Request, TextDelta, ThinkingDelta, UsageDelta
from alloy_nb.providers.scripted import Scripted
from alloy_nb.usage import Usage


def request(*texts: str) -> Request:
    return Request(tuple(Message.user(text) for text in texts))


async def streamed(model: Scripted, asked: Request) -> list[Any]:
    return [delta async for delta in model.stream(asked)]


def ask(model: Scripted, prompt: str = "x", *, whole: bool = False) -> Answer:
    answer = Answer("scripted")
    deltas = model.complete(request(prompt)) if whole else streamed(model, request(prompt))
    for delta in asyncio.run(deltas):  # type: ignore[arg-type]
        answer.feed(delta)
    return answer


def text_of(model: Scripted, prompt: str = "x", *, whole: bool = False) -> str:
    return ask(model, prompt, whole=whole).message().text


def test_answers_come_in_order_streamed_or_whole() -> None:
    """TP-1: one queue for both."""
    model = Scripted(["one", {"text": "two"}, {"text": "three"}])
    assert [text_of(model), text_of(model, whole=True), text_of(model)] == ["one", "two", "three"]


def test_a_script_that_is_used_up_says_so() -> None:
    """TP-1"""
    model = Scripted.text("only")
    text_of(model)
    for whole in (False, True):
        with pytest.raises(StreamError, match="no more scripted answers") as caught:
            ask(model, whole=whole)
        assert not caught.value.retryable
        assert caught.value.hint


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        ([{"on": "Hi", "text": "x"}], "no line is `on` this message: those are on 'Hi'; one without `on` answers"),
        (["one", {"on": "Hi", "text": "x"}], "has 1 answer in order, and all were given: add a line; no line is `on`"),
        (["one", "two"], "has 2 answers in order, and all were given: add a line"),
        ([], "the script is empty"),
    ],
)
def test_a_message_that_no_line_is_on_is_told_with_those_that_are(lines: list[Any], hint: str) -> None:
    """It said that the script has 0 answers in order."""
    model = Scripted(lines)
    for _ in range(sum(isinstance(line, str) for line in lines)):
        text_of(model, "Hello")
    with pytest.raises(StreamError) as caught:
        text_of(model, "Hello")
    assert hint in str(caught.value.hint)


def test_it_is_a_provider() -> None:
    model = Scripted(["x"])
    assert isinstance(model, Provider)
    assert repr(model) == "Scripted('script')"
    assert asyncio.run(model.models()) == ["script"]


def test_the_defaults_of_an_answer() -> None:
    """TP-2"""
    answer = ask(Scripted(["hi"]))
    assert answer.usage == Usage(10, 5)
    assert answer.stop_reason == "end_turn"


def test_everything_that_a_line_can_say() -> None:
    line = {
        "thinking": "hm",
        "text": "Let me see.",
        "tool_calls": [{"name": "read", "input": {"path": "é"}}, {"name": "clock", "id": "mine"}],
        "usage": {"input_tokens": 3},
        "stop_reason": "max_tokens",
    }
    for whole in (False, True):
        answer = ask(Scripted([line]), whole=whole)
        message = answer.message()
        assert (message.thinking, message.text) == ("hm", "Let me see.")
        assert message.tool_calls == (ToolCall("call_1", "read", {"path": "é"}), ToolCall("mine", "clock"))
        assert answer.usage == Usage(3, 0)
        assert answer.stop_reason == "max_tokens"


def test_calls_end_in_tool_use_with_deterministic_ids() -> None:
    """TP-3, bettered: text beside calls streams too."""
    call = {"tool_calls": [{"name": "a"}, {"name": "b"}]}
    model = Scripted([call, call])
    ids = [call.id for _ in range(2) for call in ask(model).message().tool_calls]
    assert ids == ["call_1", "call_2", "call_3", "call_4"]
    assert ask(Scripted([call])).stop_reason == "tool_use"


def test_an_id_that_the_conversation_has_is_not_given_again() -> None:
    history = (
        Message.user("x"),
        Message.assistant([ToolCall("call_1", "a")]),
        Message.user([ToolResult("r", call_id="call_1")]),
    )
    deltas = asyncio.run(Scripted([{"tool_calls": [{"name": "a"}]}]).complete(Request(history)))
    assert deltas[0].id == "call_2"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ({"text": "one two  three\n"}, ["one ", "two  ", "three\n"]),
        ({"text": "abcdefg", "chunks": 3}, ["abc", "def", "g"]),
        ({"text": "ab", "chunks": 5}, ["a", "b"]),
        ({"text": "ab", "chunks": 1}, ["ab"]),
        ({"chunks": ["a", "", "b"]}, ["a", "b"]),
        ({"text": "ab", "chunks": ["a", "b"]}, ["a", "b"]),
        ({"text": ""}, []),
        ({"chunks": 2}, []),
    ],
)
def test_the_pieces_of_a_text(line: dict[str, Any], pieces: list[str]) -> None:
    """TP-3"""
    deltas = asyncio.run(streamed(Scripted([line]), request("x")))
    assert [delta.text for delta in deltas if isinstance(delta, TextDelta)] == pieces
    assert text_of(Scripted([line]), whole=True) == "".join(pieces)


@given(st.text(max_size=40), st.none() | st.integers(1, 9))
def test_the_pieces_are_the_text(text: str, chunks: int | None) -> None:
    line: dict[str, Any] = {"text": text} if chunks is None else {"text": text, "chunks": chunks}
    assert text_of(Scripted([line])) == text


def test_a_line_that_waits_for_its_prompt() -> None:
    """A line with `on` answers that prompt alone, the others in order."""
    model = Scripted([{"on": "B", "text": "b"}, "one", {"on": " A ", "text": "a"}, "two"])
    assert [text_of(model, prompt) for prompt in ("A", "x", "B\n", "y")] == ["a", "one", "b", "two"]


def test_several_lines_for_one_prompt_take_turns_and_the_last_stays() -> None:
    """A cell that is run again finds its answer again."""
    model = Scripted([{"on": "A", "text": "first"}, {"on": "A", "text": "second"}])
    assert [text_of(model, "A") for _ in range(3)] == ["first", "second", "second"]


def test_after_a_tools_result_the_next_line_answers() -> None:
    """The last user message is the result then, not the prompt."""
    model = Scripted([{"on": "A", "tool_calls": [{"name": "f"}]}, "done"])
    call = ask(model, "A").message()
    history = (Message.user("A"), call, Message.user([ToolResult("r", call_id="call_1")]))
    assert asyncio.run(model.complete(Request(history)))[0] == TextDelta("done")


def test_what_was_asked_is_kept() -> None:
    """TH-w2: a test can look at what was sent."""
    model = Scripted(["a", "b"])
    ask(model, "first")
    ask(model, "second")
    assert [asked.messages[0].text for asked in model.requests] == ["first", "second"]


def test_an_error_in_words() -> None:
    """TP-2"""
    with pytest.raises(ProviderError, match="boom") as caught:
        ask(Scripted([{"error": "boom"}]))
    assert type(caught.value) is ProviderError
    assert not caught.value.retryable


def test_an_error_with_everything() -> None:
    error = {"type": "RateLimitError", "message": "slow", "status": 429, "retry_after": 2, "hint": "wait"}
    for whole in (False, True):
        with pytest.raises(RateLimitError, match="slow") as caught:
            ask(Scripted([{"error": error}]), whole=whole)
        assert (caught.value.status, caught.value.retry_after, caught.value.hint) == (429, 2, "wait")
        assert caught.value.retryable
    with pytest.raises(ProviderError, match="scripted error"):
        ask(Scripted([{"error": {}}]))


def test_an_error_in_the_middle_of_an_answer() -> None:
    """TP-2: what the line has else comes before it."""
    model = Scripted([{"thinking": "hm", "text": "half", "error": "cut"}])

    async def collect() -> list[Any]:
        deltas: list[Any] = []
        try:
            async for delta in model.stream(request("x")):
                deltas.append(delta)
        except ProviderError as error:
            deltas.append(error.message)
        return deltas

    assert asyncio.run(collect()) == [ThinkingDelta("hm"), TextDelta("half"), "cut"]


def test_a_delay_waits_without_blocking(monkeypatch: pytest.MonkeyPatch) -> None:
    """TP-4"""
    waited: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await real(0)

    monkeypatch.setattr("alloy_nb.providers.scripted.asyncio.sleep", sleep)
    asyncio.run(Scripted([{"text": "x", "delay_ms": 1500}]).complete(request("x")))
    asyncio.run(Scripted(["x"]).complete(request("x")))
    assert waited == [1.5]


def test_a_stream_can_be_cancelled_between_any_two_pieces() -> None:
    model = Scripted([{"text": "x " * 1000}])

    async def cancelled() -> int:
        count = 0

        async def read() -> None:
            nonlocal count
            async for _ in model.stream(request("x")):
                count += 1
                if count == 3:
                    task.cancel()

        task = asyncio.create_task(read())
        with pytest.raises(asyncio.CancelledError):
            await task
        return count

    assert asyncio.run(cancelled()) == 3


def test_many_threads_get_each_answer_once() -> None:
    model = Scripted([{"text": str(n), "tool_calls": [{"name": "f"}]} for n in range(80)])
    messages: list[Message] = []

    def work() -> None:
        for _ in range(10):
            messages.append(ask(model).message())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(int(message.text) for message in messages) == list(range(80))
    assert len({message.tool_calls[0].id for message in messages}) == 80


# Files and mistakes


def test_a_file_is_a_script(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('\ufeff{"text": "é\u2028!"}\r\n\n"two"\n', encoding="utf-8")
    for given_path in (path, str(path)):
        model = Scripted(given_path)
        assert [text_of(model), text_of(model)] == ["é\u2028!", "two"]
        assert model.model == str(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"text": "a"}\n\n{"text": ', "line 3: no valid JSON"),
        ('{"text": "a"}\n{"txet": "b"}', "line 2: unknown key `txet`"),
        ("7", "line 1"),
    ],
)
def test_a_mistake_in_a_file_is_named_by_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        Scripted(path)
    assert str(path) in caught.value.message


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.jsonl"):
        Scripted(tmp_path / "missing.jsonl")
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="UTF-8"):
        Scripted(tmp_path / "binary")


@pytest.mark.parametrize(
    ("line", "words", "hint"),
    [
        ({"tool_call": []}, "unknown key `tool_call`", "`tool_calls`"),
        ({"zzz": 1}, "unknown key `zzz`", "known are"),
        ({"text": 7}, "`text` is 7", "a text"),
        ({"tool_calls": {"name": "f"}}, "tool_calls", "a list"),
        ({"tool_calls": ["f"]}, "a tool call is 'f'", "a list"),
        ({"tool_calls": [{"input": {}}]}, "a tool call", "name"),
        ({"tool_calls": [{"name": "f", "args": {}}]}, "unknown key `args`", "known are: name, input, id"),
        ({"tool_calls": [{"name": "f", "input": "x"}]}, "a tool call", "name"),
        ({"error": 7}, "`error` is 7", "words"),
        ({"error": {"type": "RatelimitError"}}, "unknown error type", "`RateLimitError`"),
        ({"error": {"type": "ToolError"}}, "unknown error type", "known are|did you mean"),
        ({"error": {"mesage": "x"}}, "unknown key `mesage`", "`message`"),
        ({"delay_ms": "1"}, "`delay_ms` is '1'", "milliseconds"),
        ({"delay_ms": -1}, "`delay_ms` is -1", "milliseconds"),
        ({"chunks": 0}, "`chunks` is 0", "1 or more"),
        ({"chunks": True}, "`chunks` is True", "1 or more"),
        ({"chunks": [1]}, "`chunks` is", "texts"),
        ({"text": "ab", "chunks": ["a"]}, "not the pieces", "leave out"),
        ({"usage": {"tokens": 1}}, "unknown key `tokens`", "token"),
        ({"stop_reason": "endturn"}, "unknown stop_reason `endturn`", "`end_turn`"),
        ({"on": 7}, "`on` is 7", "last user message"),
        (None, "None", "object or a text"),
    ],
)
def test_a_mistake_in_a_line_is_said(line: Any, words: str, hint: str) -> None:
    import re

    with pytest.raises(ConfigError) as caught:
        Scripted(["fine", line])
    assert "answer 2" in caught.value.message
    assert words in caught.value.message
    assert re.search(hint, str(caught.value.hint))


def test_a_script_in_json_is_the_same_script(tmp_path: Path) -> None:
    lines: list[Any] = [{"text": "a", "tool_calls": [{"name": "f", "input": {"x": 1}}]}, {"on": "q", "text": "b"}]
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    direct, file = Scripted(lines), Scripted(path)
    for prompt in ("x", "q"):
        assert ask(direct, prompt).message() == ask(file, prompt).message()


def test_the_last_deltas_are_usage_and_done() -> None:
    deltas = asyncio.run(streamed(Scripted(["x"]), request("x")))
    assert deltas[-2:] == [UsageDelta(Usage(10, 5)), Done("end_turn")]


def test_an_error_is_a_line_each_time_a_fresh_one() -> None:
    """TP-2"""
    error = RateLimitError("slow down", retry_after=7, hint="wait")
    model = Scripted([error, {"text": "half", "error": error}])
    with pytest.raises(RateLimitError, match="slow down") as first:
        ask(model)
    with pytest.raises(RateLimitError) as second:
        ask(model)
    assert first.value is not error
    assert first.value is not second.value
    assert (second.value.retry_after, second.value.hint, second.value.retryable) == (7, "wait", True)


@pytest.mark.parametrize("lines", [3, None])
def test_what_is_no_script_is_told(lines: Any) -> None:
    with pytest.raises(ConfigError, match=r"a script is (an int|None)") as caught:
        Scripted(lines)
    assert "a list of answers" in (caught.value.hint or "")
