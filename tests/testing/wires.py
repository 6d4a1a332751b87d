"""Answers of each service, written by hand from what is documented of its wire: the cases of the conformance tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from alloy_nb.errors import (
    AuthError,
    BadRequestError,
    ContextOverflowError,
    OverloadedError,
    ProviderError,
    RateLimitError,
    ServerError,
)
from alloy_nb.testing.conformance import Case, Cases, ErrorCase
from alloy_nb.usage import Usage

TEXT = "A fjörd is an inlet\u2028of the sea. 🌊"
PIECES = ["A fj", "örd is an inlet\u2028", "of the ", "sea. 🌊"]
THOUGHT = "Water, I think."
CALLS: list[tuple[str, Mapping[str, Any]]] = [("look_up", {"word": "skjær"}), ("look_up", {"word": "fjord", "n": [1]})]
USAGE = Usage(20, 9)


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def sse(*events: Any, named: bool = False, done: bool = False) -> bytes:
    """Events with their type as a name, if `named`; with ``[DONE]`` at the end, if `done`."""
    name = (lambda event: f"event: {event['type']}\n".encode()) if named else (lambda _: b"")
    end = b"data: [DONE]\n\n" if done else b""
    return b"".join(name(event) + b"data: " + dumped(event) + b"\n\n" for event in events) + end


def halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def failure(status: int, error: type[ProviderError], body: Any, **more: Any) -> ErrorCase:
    return ErrorCase(status, dumped(body), error, **more)


# Chat Completions


class Chat:
    """How one service's Chat Completions look; others give only what differs."""

    def __init__(self, reasoning: str | None = "reasoning_content", errors: Iterable[ErrorCase] = ()) -> None:
        self.reasoning = reasoning
        self.errors = list(errors)

    def cases(self) -> Cases:
        return Cases(
            text=self.case(self.words(), TEXT),
            call=self.case([*self.words()[:1], *self.call(0, *CALLS[0])], PIECES[0], calls=CALLS[:1]),
            calls=self.case([d for i, call in enumerate(CALLS) for d in self.call(i, *call)], calls=CALLS),
            no_arguments=self.case(self.call(0, "now", None), calls=[("now", {})]),
            thinking=None if self.reasoning is None else self.case([*self.thought(), *self.words()], TEXT, THOUGHT),
            more=[self.case(self.words()[:2], "".join(PIECES[:2]), finish="length")],
            errors=[
                *self.errors,
                failure(200, ServerError, {"error": {"message": "upstream broke", "code": 502}}),
            ],
        )

    def words(self) -> list[dict[str, Any]]:
        return [{"role": "assistant", "content": ""}, *({"content": piece} for piece in PIECES)][1:]

    def thought(self) -> list[dict[str, Any]]:
        return [{self.reasoning: piece, "content": None} for piece in halves(THOUGHT)]

    def call(self, index: int, name: str, input: Any) -> list[dict[str, Any]]:
        one, two = halves("" if input is None else json.dumps(input, ensure_ascii=False))
        begun = {
            "index": index,
            "id": f"call_{index}abcdef",
            "type": "function",
            "function": {"name": name, "arguments": one},
        }
        return [{"tool_calls": [begun]}, {"tool_calls": [{"index": index, "function": {"arguments": two}}]}]

    def case(
        self,
        deltas: list[dict[str, Any]],
        text: str = "",
        thinking: str = "",
        calls: Any = (),
        finish: str | None = None,
    ) -> Case:
        finish = finish or ("tool_calls" if calls else "stop")
        counts = {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29}
        stream = sse(
            *(self.chunk(delta) for delta in deltas), self.chunk({}, finish), self.chunk(None, usage=counts), done=True
        )
        made = [
            {"id": f"call_{i}abcdef", "type": "function", "function": {"name": name, "arguments": json.dumps(input)}}
            for i, (name, input) in enumerate(calls)
        ]
        message = {"role": "assistant", "content": text or None, **({"tool_calls": made} if made else {})}
        if thinking and self.reasoning:
            message[self.reasoning] = thinking
        choice = {"index": 0, "message": message, "finish_reason": finish}
        whole = {"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": counts}
        reason: Any = "max_tokens" if finish == "length" else None
        return Case(stream, text, thinking, calls, reason, USAGE, dumped(whole))

    def chunk(self, delta: Any, finish: str | None = None, usage: Any = None) -> dict[str, Any]:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
        return {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": choices, "usage": usage}


def openai_error(message: str, code: Any = None, type: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": type, "param": None, "code": code}}


OPENAI_ERRORS = [
    failure(401, AuthError, openai_error("Incorrect API key provided", "invalid_api_key")),
    failure(404, BadRequestError, openai_error("The model `x` does not exist", "model_not_found")),
    failure(400, ContextOverflowError, openai_error("too long", "context_length_exceeded")),
    failure(429, RateLimitError, openai_error("quota", "insufficient_quota", "insufficient_quota"), retryable=False),
    failure(
        429,
        RateLimitError,
        openai_error("slow down", "rate_limit_exceeded", "requests"),
        retryable=True,
        headers={"retry-after": "2"},
    ),
    failure(200, RateLimitError, openai_error("slow down", "rate_limit_exceeded")),
]
COMPATIBLE = Chat(errors=OPENAI_ERRORS)
OPENAI_CHAT = Chat(reasoning=None, errors=OPENAI_ERRORS)
OPENROUTER = Chat(
    "reasoning",
    errors=[
        failure(401, AuthError, {"error": {"message": "No auth credentials found", "code": 401}, "user_id": "u"}),
        failure(402, RateLimitError, {"error": {"message": "Insufficient credits", "code": 402}}, retryable=False),
        failure(400, BadRequestError, {"error": {"message": "x is not a valid model ID", "code": 400}}),
        failure(503, OverloadedError, {"error": {"message": "no instances", "code": 503}}),
    ],
)
XAI_ERRORS = [
    failure(400, AuthError, {"code": "invalid-argument", "error": "Incorrect API key provided: x."}),
    failure(404, BadRequestError, {"code": "not-found", "error": "The model x does not exist"}),
    failure(429, RateLimitError, {"code": "resource-exhausted", "error": "Too many requests"}),
]
XAI_CHAT = Chat(errors=XAI_ERRORS)
DEEPSEEK = Chat(
    errors=[
        failure(401, AuthError, openai_error("Authentication Fails", "invalid_request_error", "authentication_error")),
        failure(402, RateLimitError, openai_error("Insufficient Balance", type="unknown_error"), retryable=False),
        failure(400, BadRequestError, openai_error("Model Not Exist", "invalid_request_error")),
        failure(503, OverloadedError, openai_error("Service is too busy", type="service_unavailable_error")),
    ]
)


class MistralChat(Chat):
    """Thoughts are a list in `content`, calls come whole and all at once with the reason."""

    def thought(self) -> list[dict[str, Any]]:
        return [
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": piece}]}]}
            for piece in halves(THOUGHT)
        ]

    def call(self, index: int, name: str, input: Any) -> list[dict[str, Any]]:
        text = "" if input is None else json.dumps(input, ensure_ascii=False)
        return [
            {"tool_calls": [{"id": f"aX2gaLIy{index}", "index": index, "function": {"name": name, "arguments": text}}]}
        ]

    def case(self, deltas: list[dict[str, Any]], *args: Any, **kwargs: Any) -> Case:
        case = super().case(deltas, *args, **kwargs)
        if case.thinking:
            content = [
                {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
                {"type": "text", "text": TEXT},
            ]
            message = {"role": "assistant", "content": content}
            body = {"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
            return Case(case.stream, case.text, case.thinking, usage=None, whole=dumped(body))
        return case


MISTRAL = MistralChat(
    errors=[
        failure(401, AuthError, {"detail": "Invalid API Key"}),
        failure(
            422, BadRequestError, {"detail": [{"loc": ["body"], "msg": "Extra inputs", "type": "extra_forbidden"}]}
        ),
        failure(
            400,
            BadRequestError,
            {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"},
        ),
        failure(429, RateLimitError, {"object": "error", "message": "Rate limited", "type": "x", "code": "1300"}),
    ]
)


# Responses


class Responses:
    """A Responses stream: items that begin, go on and are done, and a last event that holds it all."""

    def __init__(self, errors: Iterable[ErrorCase], *, named: bool = True) -> None:
        self.errors = list(errors)
        self.named = named

    def cases(self) -> Cases:
        text, call, calls = [self.message(TEXT, PIECES)], [self.call(*CALLS[0])], [self.call(*call) for call in CALLS]
        failed = {
            "type": "response.failed",
            "response": {"status": "failed", "error": {"code": "server_error", "message": "m"}},
        }
        return Cases(
            text=self.case(text, TEXT),
            call=self.case([self.message(TEXT, PIECES), *call], TEXT, calls=CALLS[:1]),
            calls=self.case(calls, calls=CALLS),
            no_arguments=self.case([self.call("now", {})], calls=[("now", {})]),
            thinking=self.case([self.reasoning(), *text], TEXT, THOUGHT),
            more=[self.case(text, TEXT, status="incomplete")],
            errors=[*self.errors, ErrorCase(200, sse(failed, named=True), ServerError)],
        )

    def message(self, text: str, pieces: list[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        part = {"type": "output_text", "text": text, "annotations": []}
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
        deltas = [{"type": "response.output_text.delta", "content_index": 0, "delta": piece} for piece in pieces]
        return item, [*deltas, {"type": "response.output_text.done", "content_index": 0, "text": text}]

    def reasoning(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        summary = [{"type": "summary_text", "text": THOUGHT}]
        item = {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "gAAA"}
        kind = "response.reasoning_summary_text"
        deltas = [{"type": f"{kind}.delta", "summary_index": 0, "delta": piece} for piece in halves(THOUGHT)]
        return item, [*deltas, {"type": f"{kind}.done", "summary_index": 0, "text": THOUGHT}]

    def call(self, name: str, input: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        text = json.dumps(input, ensure_ascii=False)
        call_id = f"call_{len(text)}"
        item = {"type": "function_call", "id": f"fc_{len(text)}", "call_id": call_id, "name": name, "arguments": text}
        kind = "response.function_call_arguments"
        deltas = [{"type": f"{kind}.delta", "delta": piece} for piece in halves(text)]
        return {**item, "status": "completed"}, [*deltas, {"type": f"{kind}.done", "arguments": text}]

    def case(self, items: Any, text: str = "", thinking: str = "", calls: Any = (), status: str = "completed") -> Case:
        counts = {"input_tokens": 20, "output_tokens": 9, "total_tokens": 29}
        response = {"id": "r", "object": "response", "status": status, "model": "m", "error": None, "usage": counts}
        response |= {"output": [item for item, _ in items], "incomplete_details": None}
        if status == "incomplete":
            response["incomplete_details"] = {"reason": "max_output_tokens"}
        begun = {**response, "status": "in_progress", "output": [], "usage": None}
        events: list[dict[str, Any]] = [
            {"type": "response.created", "response": begun},
            {"type": "response.in_progress", "response": begun},
        ]
        for place, (item, deltas) in enumerate(items):
            empty = {"content": [], "arguments": "", "summary": []}
            added = {**item, **{name: value for name, value in empty.items() if name in item}, "status": "in_progress"}
            around = {"output_index": place, "item_id": item["id"]}
            events.append({"type": "response.output_item.added", "output_index": place, "item": added})
            events += [{**delta, **around} for delta in deltas]
            events.append({"type": "response.output_item.done", "output_index": place, "item": item})
        events.append({"type": f"response.{status}", "response": response})
        numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
        reason: Any = "max_tokens" if status == "incomplete" else None
        return Case(
            sse(*numbered, named=self.named, done=not self.named),
            text,
            thinking,
            calls,
            reason,
            USAGE,
            dumped(response),
        )


RESPONSES = Responses(OPENAI_ERRORS)
XAI_RESPONSES = Responses(XAI_ERRORS)
OPENROUTER_RESPONSES = Responses(OPENROUTER.errors, named=False)
DEEPSEEK_RESPONSES = Responses(DEEPSEEK.errors)


# Anthropic Messages


class Messages:
    def cases(self) -> Cases:
        text = ({"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in PIECES])
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in halves(THOUGHT)]
        thought = (
            {"type": "thinking", "thinking": "", "signature": ""},
            [*deltas, {"type": "signature_delta", "signature": "c2ln"}],
        )
        return Cases(
            text=self.case([text], TEXT),
            call=self.case([text, self.call(*CALLS[0])], TEXT, calls=CALLS[:1]),
            calls=self.case([self.call(*call) for call in CALLS], calls=CALLS),
            no_arguments=self.case([self.call("now", None)], calls=[("now", {})]),
            thinking=self.case([thought, text], TEXT, THOUGHT),
            more=[self.case([text], TEXT, stop="max_tokens"), self.case([], stop="end_turn")],
            errors=[
                self.failure(401, AuthError, "authentication_error", "invalid x-api-key"),
                self.failure(404, BadRequestError, "not_found_error", "model: x"),
                self.failure(400, ContextOverflowError, "invalid_request_error", "prompt is too long: 9 tokens > 8"),
                self.failure(429, RateLimitError, "rate_limit_error", "slow down"),
                self.failure(529, OverloadedError, "overloaded_error", "Overloaded"),
                ErrorCase(
                    200,
                    sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, named=True),
                    OverloadedError,
                ),
            ],
            unknown=[b'event: ping\ndata: {"type": "ping"}\n\n'],
        )

    def failure(self, status: int, error: type[ProviderError], type: str, message: str) -> ErrorCase:
        return failure(status, error, {"type": "error", "error": {"type": type, "message": message}})

    def call(self, name: str, input: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        text = "" if input is None else json.dumps(input, ensure_ascii=False)
        pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *halves(text))]
        return {"type": "tool_use", "id": f"toolu_{len(text)}", "name": name, "input": {}}, pieces

    def case(self, blocks: Any, text: str = "", thinking: str = "", calls: Any = (), stop: str | None = None) -> Case:
        reason = stop or ("tool_use" if calls else "end_turn")
        begun = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
        counts = {"input_tokens": 15, "cache_read_input_tokens": 5, "output_tokens": 1}
        events: list[dict[str, Any]] = [{"type": "message_start", "message": {**begun, "usage": counts}}]
        for index, (block, deltas) in enumerate(blocks):
            events.append({"type": "content_block_start", "index": index, "content_block": block})
            events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
            events.append({"type": "content_block_stop", "index": index})
        events.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 9}})
        events.append({"type": "message_stop"})
        content = [self.whole(*block) for block in blocks]
        whole = {**begun, "content": content, "stop_reason": reason, "usage": {**counts, "output_tokens": 9}}
        given: Any = reason
        return Case(
            sse(*events, named=True), text, thinking, calls, given, Usage(20, 9, cached_tokens=5), dumped(whole)
        )

    def whole(self, block: dict[str, Any], deltas: list[dict[str, Any]]) -> dict[str, Any]:
        joined = {
            name: "".join(delta.get(name, "") for delta in deltas)
            for name in ("text", "thinking", "signature")
            if name in block
        }
        if block["type"] == "tool_use":
            joined["input"] = json.loads("".join(delta["partial_json"] for delta in deltas) or "{}")
        return {**block, **joined}


# Gemini


def gemini() -> Cases:
    counts = {"promptTokenCount": 20, "candidatesTokenCount": 6, "thoughtsTokenCount": 3, "totalTokenCount": 29}

    def chunk(*parts: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        return {"candidates": [candidate], "usageMetadata": counts, "modelVersion": "m", "responseId": "r"}

    def case(
        parts: list[dict[str, Any]], text: str = "", thinking: str = "", calls: Any = (), finish: str = "STOP"
    ) -> Case:
        stream = sse(*(chunk(part) for part in parts), chunk({"text": ""}, finish=finish)).replace(b"\n", b"\r\n")
        reason: Any = "max_tokens" if finish == "MAX_TOKENS" else None
        usage = Usage(20, 9, reasoning_tokens=3)
        return Case(stream, text, thinking, calls, reason, usage, dumped(chunk(*parts, finish=finish)))

    words: list[dict[str, Any]] = [{"text": piece} for piece in PIECES]
    asked: list[dict[str, Any]] = [{"functionCall": {"name": name, "args": input}} for name, input in CALLS]
    asked[0]["thoughtSignature"] = "c2ln"
    thoughts: list[dict[str, Any]] = [{"text": piece, "thought": True} for piece in halves(THOUGHT)]

    def error(status: int, cls: type[ProviderError], word: str, message: str, *details: Any) -> ErrorCase:
        return failure(status, cls, {"error": {"code": status, "message": message, "status": word, "details": details}})

    later = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "48s"}
    wrong_key = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    cut = (
        sse(chunk(words[0]))
        + json.dumps({"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}, indent=1).encode()
    )
    return Cases(
        text=case(words, TEXT),
        call=case([*words[:1], asked[0]], PIECES[0], calls=CALLS[:1]),
        calls=case(asked, calls=CALLS),
        no_arguments=case([{"functionCall": {"name": "now"}}], calls=[("now", {})]),
        thinking=case([*thoughts, *words], TEXT, THOUGHT),
        more=[case(words, TEXT, finish="MAX_TOKENS")],
        errors=[
            error(400, AuthError, "INVALID_ARGUMENT", "API key not valid.", wrong_key),
            error(403, AuthError, "PERMISSION_DENIED", "no"),
            error(404, BadRequestError, "NOT_FOUND", "models/x is not found"),
            error(429, RateLimitError, "RESOURCE_EXHAUSTED", "slow down", later),
            error(503, OverloadedError, "UNAVAILABLE", "The model is overloaded."),
            ErrorCase(200, cut, OverloadedError),
        ],
    )


def interactions() -> Cases:
    counts = {"total_input_tokens": 20, "total_output_tokens": 9, "total_tokens": 29}

    def case(
        steps: list[tuple[dict[str, Any], list[dict[str, Any]]]], *said: Any, status: str = "completed", **more: Any
    ) -> Case:
        about = {"id": "i", "model": "m", "object": "interaction"}
        events: list[dict[str, Any]] = [
            {"event_type": "interaction.created", "interaction": {**about, "status": "in_progress"}}
        ]
        for index, (step, deltas) in enumerate(steps):
            events.append({"event_type": "step.start", "index": index, "step": step})
            events += [{"event_type": "step.delta", "index": index, "delta": delta} for delta in deltas]
            events.append({"event_type": "step.stop", "index": index})
        end = {**about, "status": status, "usage": counts}
        events.append({"event_type": "interaction.completed", "interaction": end})
        stream = b"".join(
            b"event: %s\ndata: %s\n\n" % (event["event_type"].encode(), dumped(event)) for event in events
        )
        return Case(stream + b"data: [DONE]\n\n", *said, **more)

    words = ({"type": "model_output"}, [{"type": "text", "text": piece} for piece in PIECES])
    thought = (
        {"type": "thought"},
        [{"type": "thought_summary", "content": {"type": "text", "text": piece}} for piece in halves(THOUGHT)],
    )

    def call(name: str, input: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        text = json.dumps(input, ensure_ascii=False)
        pieces = [{"type": "arguments_delta", "arguments": piece} for piece in halves(text)]
        return {"type": "function_call", "id": f"fc{len(text)}", "name": name, "arguments": {}}, pieces

    return Cases(
        text=case([words], TEXT),
        call=case([words, call(*CALLS[0])], TEXT, calls=CALLS[:1], status="requires_action"),
        calls=case([call(*each) for each in CALLS], calls=CALLS, status="requires_action"),
        no_arguments=case([call("now", {})], calls=[("now", {})], status="requires_action"),
        thinking=case([thought, words], TEXT, THOUGHT),
        errors=gemini().errors[:5],
    )


# Ollama


def ollama() -> Cases:
    def line(message: dict[str, Any], **end: Any) -> dict[str, Any]:
        return {"model": "m", "message": {"role": "assistant", "content": "", **message}, "done": bool(end), **end}

    def case(
        messages: list[dict[str, Any]], text: str = "", thinking: str = "", calls: Any = (), why: str = "stop"
    ) -> Case:
        end = {"done_reason": why, "prompt_eval_count": 20, "eval_count": 9, "total_duration": 5}
        lines = [*(line(message) for message in messages), line({}, **end)]
        whole: dict[str, Any] = {"content": text}
        if thinking:
            whole["thinking"] = thinking
        if calls:
            whole["tool_calls"] = [call for message in messages for call in message.get("tool_calls", ())]
        reason: Any = "max_tokens" if why == "length" else None
        stream = b"".join(dumped(each) + b"\n" for each in lines)
        return Case(stream, text, thinking, calls, reason, USAGE, dumped(line(whole, **end)))

    words = [{"content": piece} for piece in PIECES]
    asked = [{"tool_calls": [{"function": {"name": name, "arguments": dict(input)}}]} for name, input in CALLS]
    thoughts = [{"thinking": piece} for piece in halves(THOUGHT)]
    return Cases(
        text=case(words, TEXT),
        call=case([words[0], asked[0]], PIECES[0], calls=CALLS[:1]),
        calls=case(asked, calls=CALLS),
        no_arguments=case([{"tool_calls": [{"function": {"name": "now", "arguments": {}}}]}], calls=[("now", {})]),
        thinking=case([*thoughts, *words], TEXT, THOUGHT),
        more=[case(words, TEXT, why="length")],
        errors=[
            failure(404, BadRequestError, {"error": "model 'x' not found"}),
            failure(401, AuthError, {"error": "unauthorized", "signin_url": "https://x.test"}),
            failure(500, ServerError, {"error": "llama runner process has terminated"}),
            ErrorCase(200, dumped(line(words[0])) + b'\n{"error": "out of memory"}\n', ServerError),
        ],
        framing="ndjson",
    )
