"""Read by the type checker alone: what a user's editor knows of the public names."""

from __future__ import annotations

from typing import assert_type

import alloy_nb as alloy

model = alloy.Scripted([{"text": "hi"}])

result = alloy.run("hi", model=model)
assert_type(result, alloy.Result)
assert_type(result.text, str)
assert_type(result.messages, tuple[alloy.Message, ...])
assert_type(result.usage, alloy.Usage)
assert_type(result.usage.input_tokens, int)

handle = alloy.start("hi", model=model)
assert_type(handle, alloy.Run)
assert_type(handle.cancel(), bool)
assert_type(handle.result(timeout=1.0), alloy.Result)
for event in handle:
    assert_type(event, alloy.Event)
for chunk in handle.text_stream():
    assert_type(chunk, str)


async def awaited() -> None:
    assert_type(await alloy.arun("hi", model=model), alloy.Result)
    assert_type(await handle, alloy.Result)
    async for chunk in handle.text_stream():
        assert_type(chunk, str)


assert_type(alloy.Message.user("hi").text, str)
error: alloy.ProviderError = alloy.AuthError("no")
assert_type(error.hint, str | None)
assert_type(error.retry_after, float | None)
