"""Law 10: whatever becomes of a conversation, no maker is sent a thought that it signed within another one."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.context.estimate import history_tokens
from alloy_nb.errors import ConfigError, ContextOverflowError, ServerError
from alloy_nb.history import open_calls, repair
from alloy_nb.messages import Message, Thinking
from alloy_nb.notebook.conversation import Conversation
from alloy_nb.providers.base import Delta, Done, Request, TextDelta, ThinkingDelta, ToolCallDelta, UsageDelta
from alloy_nb.testing import Function

pytestmark = pytest.mark.thorough


def digest(messages: Sequence[Message]) -> str:
    told = json.dumps([message.to_dict()["parts"] for message in messages], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def big(size: int) -> str:
    """Give much."""
    return "x y " * size


class Signers:
    """Models that sign what they think within what they were sent, and look at their own marks; one of each window."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.wrong: list[str] = []
        self.signed = 0
        self.all = [self._model("small", 3000), self._model("unknown", None, limit=1500), self._model("large", 200_000)]

    def one(self) -> Function:
        return self.chance.choice(self.all)

    def question(self) -> str:
        return "Q" + " word" * self.chance.choice([1, 50, 800, 3000])

    def _model(self, name: str, window: int | None, limit: int = 10**9) -> Function:
        def answer(request: Request) -> list[Delta]:
            self._check(name, request.messages)
            if history_tokens(request.messages) > limit:
                raise ContextOverflowError("too long")
            return list(self._answer(name, request))

        made = Function(answer, name)
        if window is not None:
            made.context_window = window  # type: ignore[attr-defined]
        return made

    def _check(self, name: str, messages: Sequence[Message]) -> None:
        if repair(messages) != messages or open_calls(messages) or messages[-1].role != "user":
            self.wrong.append("it cannot be sent")
        for place, message in enumerate(messages):
            for part in message.parts:
                if isinstance(part, Thinking) and part.signature and part.signature.startswith(f"{name}:"):
                    self.signed += 1
                    if part.signature != f"{name}:{digest(messages[:place])}":
                        self.wrong.append(f"message {place} of {len(messages)} was signed within another history")

    def _answer(self, name: str, request: Request) -> Iterator[Delta]:
        yield ThinkingDelta("Hm.", f"{name}:{digest(request.messages)}")
        if request.tools and self.chance.random() < 0.4:
            for key in range(self.chance.randint(1, 3)):
                size = json.dumps({"size": self.chance.choice([5, 200, 3000])})
                yield ToolCallDelta(key, f"c{self.chance.randrange(10**9)}", "big", size)
            yield Done("tool_use")
            return
        yield TextDelta("word " * self.chance.choice([3, 100, 400]))
        yield UsageDelta(alloy.Usage(int(history_tokens(request.messages) * 1.3) + 50, 5))
        yield Done("end_turn")


class Rewrites(alloy.Middleware):
    """Changes what somebody said, now and then: at the beginning of a session, or before a model is asked."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def session_start(self, ctx: Any) -> None:
        self.before_completion(ctx)

    def before_completion(self, ctx: Any) -> None:
        if self._chance.random() < 0.05:
            said = [place for place, message in enumerate(ctx.messages) if message.role == "user" and message.text]
            if said:
                messages = list(ctx.messages)
                messages[self._chance.choice(said)] = Message.user("Something else.")
                ctx.messages = tuple(messages)


def take(steps: dict[str, Callable[[], Any]], signers: Signers) -> list[str]:
    """Some of the steps, in any order; what was wrong, and what had been done by then."""
    done: list[str] = []
    for _ in range(signers.chance.randint(5, 30)):
        done.append(signers.chance.choice(list(steps)))
        try:
            steps[done[-1]]()
        except ConfigError:  # there is nothing to take back yet
            continue
        if signers.wrong:
            return [*signers.wrong, *done[-8:]]
    return []


@pytest.mark.parametrize("seed", range(36))
def test_an_agents_conversation(seed: int) -> None:
    signers = Signers(random.Random(seed))
    chance, stored = signers.chance, bool(seed % 2)
    sessions = alloy.Sessions(alloy.MemoryStore())
    names = ["s"]

    def make(model: Any = None) -> alloy.Agent:
        options: dict[str, Any] = {"session": names[-1], "store": sessions.store} if stored else {}
        brief = Function(lambda _: chance.choice(["In brief: words.", "", "words " * 3000]))
        compactor = alloy.Compactor(keep=chance.choice([1, 4, 10]), summarize=chance.choice([None, brief]))
        hooks = [Rewrites(chance)] if seed % 3 == 0 else []
        return alloy.Agent(
            model=model or signers.one(), tools=[big], middleware=hooks, compactor=compactor, display=None, **options
        )

    agents = [make()]

    def chat(**options: Any) -> None:
        agents[-1].chat(signers.question(), **options)

    def pass_on() -> None:
        session = alloy.Session.from_json(agents[-1].export_session().to_json())
        if stored:
            agents.append(make())
        else:
            agents.append(alloy.Agent.from_session(session, model=signers.one(), tools=[big], display=None))

    def fork() -> None:
        if not stored:
            agents.append(agents[-1].fork())
            return
        upto = chance.randint(0, len(agents[-1].messages))
        names.append(f"s{len(names)}")
        sessions.fork(names[-2], names[-1], upto=upto)
        agents.append(make())

    def rewind() -> None:
        if stored:
            sessions.rewind(names[-1], upto=chance.randint(0, len(agents[-1].messages)))
            agents.append(make())

    steps = {
        **{f"chat {n}": chat for n in range(5)},
        "fall back": lambda: chat(fallback=[signers.one()]),
        "undo": lambda: agents[-1].undo_turn(),
        "another model": lambda: agents[-1].set_model(signers.one()),
        "pass on": pass_on,
        "fork": fork,
        "rewind": rewind,
    }
    assert take(steps, signers) == []
    assert signers.signed or len(agents[-1].messages) < 20


@pytest.mark.parametrize("seed", range(24))
def test_the_notebooks_conversation(seed: int) -> None:
    """A cell that runs again is taken out of the conversation, wherever it stood."""
    signers = Signers(random.Random(seed))
    chance, store = signers.chance, alloy.MemoryStore()
    held = [Conversation()]
    if seed % 2:
        held[0].save("s", store)
    runs: list[int] = []

    def run(cell: str, model: Any = None) -> None:
        place = (cell, len(runs))
        runs.append(1)
        given = {"model": model or signers.one(), "tools": [big], "approval": "auto", "max_retries": 0, "display": None}
        execution = held[-1].begin(place, signers.question(), given, None)
        asyncio.run(execution.drive())
        before = held[-1].messages
        if not held[-1].end(place, execution, execution.result):
            assert held[-1].messages == before

    def resume() -> None:
        if seed % 2:
            messages = held[-1].messages
            held.append(Conversation.resumed("s", store))
            assert held[-1].messages == messages

    def fail(request: Request) -> str:
        raise ServerError("down")

    def cells() -> list[str]:
        return [exchange.cell for exchange in held[-1].exchanges if exchange.cell] or ["first"]

    steps = {
        **{f"new cell {n}": lambda: run(f"cell {len(runs)}") for n in range(4)},
        "the last again": lambda: run(cells()[-1]),
        "an earlier one again": lambda: run(chance.choice(cells())),
        "one that fails": lambda: run(cells()[0], Function(fail)),
        "rewind": lambda: held[-1].rewind(chance.randint(1, 3)),
        "resume": resume,
    }
    assert take(steps, signers) == []


def test_a_rewind_in_the_notebook_pays_for_no_other_summary() -> None:
    signers, summaries = Signers(random.Random(1)), list[Request]()

    def sum_up(request: Request) -> str:
        summaries.append(request)
        return "In brief: words."

    conversation = Conversation()
    compactor = alloy.Compactor(keep=4, summarize=Function(sum_up))
    given = {"model": signers.all[0], "compactor": compactor, "display": None}
    place = 0
    while not summaries or conversation.view_of(conversation.messages[:-4]) is None:
        place += 1
        execution = conversation.begin((f"cell {place}", place), "word " * 300, given, None)
        asyncio.run(execution.drive())
        assert conversation.end((f"cell {place}", place), execution, execution.result)
    before = len(summaries)
    assert conversation.rewind(1)
    view = conversation.view_of(conversation.messages)
    assert view is not None
    execution = conversation.begin(("again", place), "Short?", given, None)
    asyncio.run(execution.drive())
    assert len(summaries) == before
    assert signers.wrong == []
