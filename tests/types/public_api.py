"""Read by the type checker alone: what a user's editor knows of the public names."""

from __future__ import annotations

import re
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

assert_type(alloy.Message("user", "hi").text, str)
assert_type(alloy.Message("user", ["see", alloy.Text("this")]).text, str)

team = alloy.Team({"coder": alloy.Agent(model=model), "critic": {"model": model}})
assert_type(team.delegate("coder", "hi"), alloy.Result)
assert_type(team.broadcast("hi"), alloy.TeamResults)
assert_type(team.broadcast("hi")["coder"], alloy.Result)
assert_type(team.start_broadcast("hi").result(), alloy.TeamResults)
assert_type(team.start_handoff(["coder"], "hi").result(), alloy.Result)
assert_type(team["coder"], alloy.Agent)


async def awaited() -> None:
    assert_type(await alloy.arun("hi", model=model), alloy.Result)
    assert_type(await handle, alloy.Result)
    async for chunk in handle.text_stream():
        assert_type(chunk, str)


assert_type(alloy.Message.user("hi").text, str)
error: alloy.ProviderError = alloy.AuthError("no")
assert_type(error.hint, str | None)
assert_type(error.retry_after, float | None)

providers: list[alloy.Provider] = [
    alloy.Anthropic("claude-sonnet-4-6", api_key="k", base_url="http://localhost:8080", cache=False),
    alloy.OpenAI("gpt-5.2", api_key="k", api="chat"),
    alloy.Google("gemini-3.6-flash", api_key="k"),
    alloy.Ollama("llama4", base_url="http://localhost:11434"),
    alloy.OpenRouter("anthropic/claude-sonnet-4.6", api_key="k", app_name=None),
    alloy.XAI("grok-4.3", api_key="k"),
    alloy.DeepSeek("deepseek-chat", api_key="k"),
    alloy.Mistral("mistral-large-latest", api_key="k"),
    alloy.OpenAICompatible("llama-4", base_url="http://localhost:8000", api="responses"),
]
middleware: list[alloy.Middleware] = [
    alloy.Logger("mine", "DEBUG", content=True),
    alloy.Redact("email", re.compile("x"), str.upper, replacement="[x]"),
    alloy.Audit("audit.jsonl", chain=True, required=True),
    alloy.Telemetry(content=True),
]
assert_type(alloy.Audit.verify("audit.jsonl"), int | None)
http: type[alloy.HTTPProvider] = alloy.Anthropic
assert_type(alloy.run("hi", model=providers[0], fallback=[model, "ollama:llama4"]), alloy.Result)
alloy.set_default_model(alloy.Mistral("mistral-large-latest", api_key="k"))
alloy.set_default_model(None)
