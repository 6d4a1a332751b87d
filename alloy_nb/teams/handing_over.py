"""Handing a conversation over: a tool by which a model lets another agent answer in its place.

It is a tool whose result ends the run, not a loop of its own: the other agent works within the call, as any agent that
is a tool does, and the run that handed over ends with what was said there.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..agent_tool import AgentTool
from ..articles import a_kind
from ..dialogue import Dialogue
from ..errors import AlloyError, ConfigError, ToolError
from ..guests import call_guest
from ..history import without_signed_thoughts
from ..keywords import keywords_told
from ..messages import Message, ToolCall, ToolResult
from ..result import Result
from ..tools.base import Tool
from ..tools.context import Succession, ToolContext

if TYPE_CHECKING:
    from ..agent import Agent

__all__ = ["MOST_HANDOFFS", "Handoff", "HandoffTool", "handoff_tools", "transfer_names"]

#: How often one conversation may be handed on before whoever has it must answer.
MOST_HANDOFFS = 5

Filter = Callable[[tuple[Message, ...]], Any]


@keywords_told
@dataclass(frozen=True, slots=True)
class Handoff:
    """An agent to hand over to, and how: `Agent(handoffs=[Handoff(agent, filter=Handoff.without_tools)])`.

    `name` and `description` are the tool's (``transfer_to_NAME``). `filter`, sync or async, is given the conversation
    without the call that hands it over, and returns the messages that the other one begins with, in place of its own.
    What a `Team` has as `handoffs` may name a member: ``Handoff("critic", filter=...)``.

    >>> import alloy_nb as alloy
    >>> critic = alloy.Agent(name="critic", model=alloy.Scripted(["It is too long."]))
    >>> call = {"tool_calls": [{"name": "transfer_to_critic", "input": {"task": "Judge it."}}]}
    >>> alloy.Agent(model=alloy.Scripted([call]), handoffs=[alloy.Handoff(critic)]).chat("Is my text good?").text
    'It is too long.'
    """

    agent: Agent | str
    name: str | None = None
    description: str | None = None
    filter: Filter | None = None

    def __post_init__(self) -> None:
        if self.filter is not None and not callable(self.filter):
            raise ConfigError(
                f"filter is {self.filter!r}", hint="give a function of messages, such as alloy.Handoff.without_tools"
            )

    @staticmethod
    def without_tools(messages: Sequence[Message]) -> tuple[Message, ...]:
        """A filter: only what was said, no calls of tools and no results."""
        kinds = (ToolCall, ToolResult)
        said = (message.with_parts([p for p in message.parts if not isinstance(p, kinds)]) for message in messages)
        return tuple(message for message in said if message.parts)


def handoff_tools(given: Sequence[Agent | Handoff]) -> Iterator[Tool]:
    """The tools for what `Agent(handoffs=...)` lists."""
    handoffs = [item if isinstance(item, Handoff) else Handoff(item) for item in given]
    found: list[tuple[str, Dialogue]] = []
    for handoff in handoffs:
        dialogue = getattr(handoff.agent, "dialogue", None)
        if not isinstance(dialogue, Dialogue):
            raise ConfigError(
                f"handoffs holds {a_kind(handoff.agent)}",
                hint="give agents: handoffs=[alloy.Agent(name='critic', ...)], or alloy.Handoff(agent, ...)",
            )
        found.append((dialogue.options.name or "agent", dialogue))
    tools = transfer_names([name for name, _ in found], [handoff.name for handoff in handoffs])
    for (name, dialogue), tool, handoff in zip(found, tools, handoffs, strict=True):
        yield HandoffTool(name, dialogue.fork, tool, handoff)


def transfer_names(names: Iterable[str], given: Sequence[str | None]) -> Sequence[str]:
    """What the tools are called that hand over to agents of these names, no two the same; what was `given` stays.

    Raises `ConfigError` where that is the same for two.

    >>> transfer_names(["coder", "研究", "翻译", "a b", "a_b"], [None, None, None, None, "transfer_to_a_b"])
    ['transfer_to_coder', 'transfer_to_agent', 'transfer_to_agent_2', 'transfer_to_a_b_2', 'transfer_to_a_b']
    """
    taken = [name for name in given if name]
    if twice := next((name for name in taken if taken.count(name) > 1), None):
        raise ConfigError(
            f"two handoffs are called `{twice}`", hint="give one of them another name: alloy.Handoff(..., 'ask_coder')"
        )
    found = []
    for to, name in zip(names, given, strict=True):
        found.append(name or _transfer_name(to, taken))
        taken.append(found[-1])
    return found


def _transfer_name(to: str, taken: Collection[str]) -> str:
    """Tools are called in ASCII: of two agents whose names say the same in it, or nothing, the later is numbered."""
    said = re.sub(r"[^A-Za-z0-9_-]+", "_", to)[:45]
    name = "transfer_to_" + (said if said.strip("_") else "agent")
    numbers = (f"{name}_{number}" for number in itertools.count(2))
    return name if name not in taken else next(other for other in numbers if other not in taken)


class HandoffTool(AgentTool):
    """Has the agent that `successor` gives, a fork of one, take over.

    `handed` is told from whom to whom, and `over` what came of it.
    """

    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "task": {"type": "string", "description": "What is to be done, with what the other one needs to know"}
        },
        "required": ["task"],
        "additionalProperties": False,
    }
    key_argument = "task"

    def __init__(
        self,
        to: str,
        successor: Callable[[], Dialogue],
        name: str,
        handoff: Handoff | None = None,
        handed: Callable[[str, str], None] | None = None,
        over: Callable[[Result], None] | None = None,
    ) -> None:
        self._to = to
        self._successor = successor
        self._filter = handoff.filter if handoff is not None else None
        self._handed = handed
        self._over = over
        self.name = name
        said = handoff.description if handoff is not None else None
        self.description = said or (
            f"Hand the conversation over to the agent `{to}`, which answers in your place. Call it alone."
        )

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        parent = ctx.parent
        succession = parent.succession if parent is not None else None
        if parent is None or succession is None:
            raise ToolError("a conversation can be handed over within a run only")
        conversation = succession.conversation()
        self._check(conversation, succession)
        giver = (ctx.agent or "agent").rpartition("/")[2]
        try:
            dialogue = self._successor()
        except AlloyError as error:  # it went down since the run began
            raise ToolError(f"Not handed over: {error.message}. Answer yourself") from error
        dialogue.restore(await self._filtered(conversation))
        succession.to = self._to
        succession.tell("handoff", {"from": giver, "to": self._to})
        if self._handed is not None:
            self._handed(giver, self._to)
        inner = replace(parent, succession=replace(succession, passed=(*succession.passed, giver), to=None))
        result = await self._run(dialogue, str(input["task"]), ctx, inner)
        if self._over is not None:
            self._over(result)
        succession.answer = self._text(result)
        return ToolResult(f"{self._to} has answered in your place.")

    def _check(self, conversation: Sequence[Message], succession: Succession) -> None:
        asked = next((message for message in reversed(conversation) if message.tool_calls), None)
        if asked is not None and len(asked.tool_calls) > 1:
            raise ToolError(f"Not handed over: call `{self.name}` alone, without other tools beside it")
        if len(succession.passed) >= MOST_HANDOFFS:
            chain = " → ".join(succession.passed)
            raise ToolError(
                f"Not handed over: it was handed on {MOST_HANDOFFS} times already ({chain}). Answer yourself"
            )

    async def _filtered(self, conversation: tuple[Message, ...]) -> tuple[Message, ...]:
        """What the other one begins with: thoughts that its service did not sign would be refused there."""
        last = conversation[-1]
        rest = last.with_parts([part for part in last.parts if not isinstance(part, ToolCall)])
        messages: Any = (*conversation[:-1], *((rest,) if rest.parts else ()))
        if self._filter is not None:
            messages = tuple(await call_guest(self._filter, messages))
            for message in messages:
                if not isinstance(message, Message):
                    raise ToolError(f"the filter of `{self.name}` gave {a_kind(message)}, where messages belong")
        return without_signed_thoughts(messages)
