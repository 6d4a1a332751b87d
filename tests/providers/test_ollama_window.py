"""How much of a conversation an Ollama model would read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.messages import Image, Message, ToolResult
from alloy_nb.providers.base import Request, ToolSpec
from alloy_nb.providers.ollama_messages import encode
from alloy_nb.providers.ollama_window import Window, needed_tokens, read_window


def needed(*messages: Message, **fields: Any) -> int:
    request = Request(messages, **fields)
    return needed_tokens(request, encode(request, "llama4", key=object()))


@pytest.mark.parametrize(
    ("shown", "window"),
    [
        ({}, Window(4096, None)),
        ({"parameters": None, "model_info": None}, Window(4096, None)),
        ({"parameters": 'stop "<num_ctx 7>"\nnum_ctx    8192\ntop_k 3'}, Window(8192, None)),
        ({"model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40960}}, Window(4096, 40960)),
        ({"model_info": {"qwen3.context_length": "big"}}, Window(4096, None)),
    ],
)
def test_what_a_server_says_of_a_model(shown: dict[str, Any], window: Window) -> None:
    assert read_window(shown) == window


@given(st.integers(1, 10**7), st.integers(1, 10**6), st.none() | st.integers(1, 10**6))
def test_a_window_that_is_asked_for_is_larger_and_holds_it_or_is_the_largest(
    tokens: int, used: int, largest: int | None
) -> None:
    asked = Window(used, largest).for_tokens(tokens)
    if asked is None:
        assert tokens <= used or (largest is not None and largest <= used)
    else:
        assert asked > used
        assert asked >= tokens or asked == largest
        assert asked == largest or asked.bit_count() == 1


def test_the_need_is_the_prompts_and_the_answers() -> None:
    short = needed(Message.user("Hi"), max_output_tokens=10)
    assert 10 < short < 60
    assert needed(Message.user("Hi")) == short - 10 + 2048
    assert needed(Message.user("x" * 35_000), max_output_tokens=10) == pytest.approx(10_000, rel=0.01)
    # A letter of three bytes is about a token.
    assert needed(Message.user("語" * 10_000), max_output_tokens=0) == pytest.approx(8_571, rel=0.01)
    tool = ToolSpec("read", "x" * 3500, {"type": "object"})
    assert needed(Message.user("Hi"), max_output_tokens=10, tools=(tool,)) > 1000


def test_a_picture_counts_as_one_whatever_its_size() -> None:
    image = Image("image/png", b"\0" * 300_000)
    message = Message.user(["See", image, Image("image/png", url="https://x.test/a.png")])
    assert needed(message, max_output_tokens=0) == pytest.approx(1000, abs=100)
    result = Message.user([ToolResult("plot", images=(image, image), call_id="c", name="plot")])
    assert needed(result, max_output_tokens=0) == pytest.approx(2000, abs=100)
