"""Recorded answers, played back through a whole provider, cut into pieces in several ways."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2

from alloy_nb.errors import ProviderError
from alloy_nb.messages import Message
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Request
from alloy_nb.providers.http import HTTPProvider

FOLDER = Path(os.environ["ALLOY_CORPUS"])
REQUEST = Request((Message.user("x"),))
#: Bodies up to this are also played byte by byte.
SMALL = 20_000
CUTS = 200

Case = dict[str, Any]
#: Makes the provider for a case, given its `http_client`.
Make = Callable[..., HTTPProvider]


def load(path: Path) -> Case:
    case: Case = json.loads(path.read_text(encoding="utf-8"))
    return case


#: Path of each case by its name, as in ``openai/chat-…``.
PATHS = {str(path.relative_to(FOLDER).with_suffix("")): path for path in sorted(FOLDER.glob("[!_]*/*.json"))}
_KINDS = {name: (case["api"], case["kind"]) for name, path in PATHS.items() for case in [load(path)]}


def names(api: str, *kinds: str) -> list[str]:
    """The cases of an api (``"anthropic-messages"``) and of these kinds (``"stream"``, ``"complete"``, ``"error"``)."""
    return [name for name, (own, kind) in _KINDS.items() if own == api and kind in kinds]


def play(case: Case, make: Make) -> Answer:
    """The answer of a case: the same one, or the same error, however its bytes are cut."""
    outcomes = [_outcome(case, make, cut) for cut in _ways(_body(case))]
    first = outcomes[0]
    for other in outcomes[1:]:
        assert _comparable(other) == _comparable(first)
    if isinstance(first, ProviderError):
        raise first
    return first


def used(answer: Answer) -> tuple[int, int]:
    return answer.usage.input_tokens, answer.usage.output_tokens


def calls(answer: Answer) -> list[dict[str, Any]]:
    """The tool calls, in the form in which cases expect them."""
    return [
        {
            "id": call.id,
            "name": call.name,
            "input": dict(call.input) if call.raw is None else {"__invalid_json__": call.raw},
        }
        for call in answer.message().tool_calls
    ]


def _ways(body: bytes) -> list[list[bytes]]:
    rng = random.Random(len(body))
    cuts = sorted(rng.randrange(len(body) + 1) for _ in range(CUTS))
    ways = [[body], [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]]
    if len(body) <= SMALL:
        ways.append([body[i : i + 1] for i in range(len(body))])
    return ways


def _outcome(case: Case, make: Make, pieces: list[bytes]) -> Answer | ProviderError:
    answer_of = case["response"]

    async def content() -> AsyncIterator[bytes]:
        for piece in pieces:
            if piece:
                yield piece

    def reply(_: httpx2.Request) -> httpx2.Response:
        drop = ("content-encoding", "content-length", "transfer-encoding")
        headers = {name: value for name, value in answer_of["headers"].items() if name.lower() not in drop}
        return httpx2.Response(answer_of["status"], headers=headers, content=content())

    provider = make(http_client=lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(reply)))
    try:
        return asyncio.run(_ask(case, provider))
    except ProviderError as error:
        return error


async def _ask(case: Case, provider: HTTPProvider) -> Answer:
    answer = Answer(provider.own)
    if case["kind"] == "complete" or case["framing"] == "json":
        for delta in await provider.complete(REQUEST):
            answer.feed(delta)
    else:
        async for delta in provider.stream(REQUEST):
            answer.feed(delta)
    return answer


def _body(case: Case) -> bytes:
    body = case["response"]["body"]
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _comparable(outcome: Answer | ProviderError) -> Any:
    if isinstance(outcome, ProviderError):
        return type(outcome), outcome.message, outcome.status, outcome.retryable
    message = outcome.message()
    # Ids that were made up here differ each time.
    parts = [getattr(part, "name", None) or part for part in message.parts]
    return parts, outcome.stop_reason, outcome.usage, outcome.model
