"""A conversation's calls and their results: which are open, where a result belongs, and making good what is off.

Every provider refuses a history in which a call has no result, or a result no call. Pure functions, without a clock.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from .messages import Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult

__all__ = [
    "UNKNOWN",
    "close_open_calls",
    "end_open_calls",
    "open_calls",
    "repair",
    "unknown_result",
    "with_results",
    "without_signed_thoughts",
]

#: What a model is told of a call that was never ended.
UNKNOWN = "Interrupted: this call had begun when the process ended; its outcome is unknown"


def open_calls(messages: Sequence[Message]) -> tuple[ToolCall, ...]:
    """The calls at the end of a history that have no result yet."""
    if not messages:
        return ()
    answered = messages[-1].tool_results if messages[-1].role == "user" else ()
    request = messages[-2] if answered and len(messages) > 1 else messages[-1]
    done = {result.call_id for result in answered}
    return tuple(call for call in request.tool_calls if call.id not in done)


def with_results(messages: Sequence[Message], results: Iterable[ToolResult]) -> tuple[Message, ...]:
    """The history with results of its last calls, in the order of the calls.

    They are a user message of their own, or go into the one that an earlier, paused part of the turn began.
    """
    last = messages[-1]
    if last.role != "user" or not last.tool_results:
        return (*messages, Message("user", tuple(results)))
    by_id = {result.call_id: result for result in (*last.tool_results, *results)}
    ordered = [by_id[call.id] for call in messages[-2].tool_calls if call.id in by_id]
    others = [part for part in last.parts if not isinstance(part, ToolResult)]
    return (*messages[:-1], last.with_parts((*ordered, *others)))


def unknown_result(call: ToolCall) -> ToolResult:
    """That of a call which had begun, and of which nothing more is known."""
    return ToolResult(UNKNOWN, call_id=call.id, name=call.name, is_error=True)


def end_open_calls(messages: tuple[Message, ...], but: Container[str] = ()) -> tuple[Message, ...]:
    """The history of a run at work as others may go on with it: its calls, all `but` these, are not run again."""
    results = [unknown_result(call) for call in open_calls(messages) if call.id not in but]
    return with_results(messages, results) if results else messages


def close_open_calls(messages: tuple[Message, ...], begun: Container[str] = ()) -> tuple[Message, ...]:
    """A history that waits for decisions, when the user goes on without deciding: those calls get a result.

    Of one that had `begun`, by its id, when a process ended, it cannot be said that it was not run.
    """
    waiting = open_calls(messages)
    if not waiting:
        return messages
    results = []
    for call in waiting:
        why = "Not run: the user went on without deciding"
        not_run = ToolResult(why, call_id=call.id, name=call.name, is_error=True)
        results.append(unknown_result(call) if call.id in begun else not_run)
    return with_results(messages, results)


def without_signed_thoughts(messages: Iterable[Message]) -> tuple[Message, ...]:
    """A history that was changed: providers refuse a thought that they signed within another one.

    >>> [m.parts for m in without_signed_thoughts([Message.assistant([Thinking("Hm", "sig"), Text("Hi")])])]
    [(Text(text='Hi'),)]
    """
    kept = (_with_parts(m, (part for part in m.parts if not _is_signed(part))) for m in messages)
    return tuple(message for message in kept if message.parts)


def _is_signed(part: Part) -> bool:
    """A thought with its maker's mark, in each of the forms in which providers send one."""
    if not isinstance(part, Opaque):
        return isinstance(part, Thinking) and part.signature is not None
    own = next((inner for key in ("part", "step") if isinstance(inner := part.data.get(key), Mapping)), part.data)
    return own.get("type") in _THOUGHTS or (bool(own) and _MARKS.issuperset(own))


#: A provider's own parts that are thoughts: by their kind (Anthropic's hidden ones, OpenAI's, Google's Interactions'),
#: or by having nothing but marks (Gemini's, OpenRouter's).
_THOUGHTS = frozenset({"redacted_thinking", "reasoning", "thought"})
_MARKS = frozenset({"thoughtSignature", "thought", "text", "reasoning_details", "reasoning", "reasoning_content"})


def repair(messages: Sequence[Message]) -> tuple[Message, ...]:
    """A history that any provider takes: each call has an id of its own and exactly one result, right behind it.

    A result that is missing says so, one without a call becomes words, one too many is left out. The calls at the very
    end may stay open. What needs no repair stays the same object.

    >>> history = [Message.assistant(ToolCall("c1", "read")), Message.user("And now?")]
    >>> [result.call_id for result in repair(history)[1].tool_results]
    ['c1']
    """
    repaired: list[Message] = []
    taken: dict[str, int] = {}
    place = 0
    while place < len(messages):
        request = messages[place]
        end = place + 1
        if request.role == "assistant" and request.tool_calls:
            while end < len(messages) and messages[end].role != "assistant":
                end += 1
            repaired += _repaired_turn(request, messages[place + 1 : end], taken, last=end == len(messages))
        else:
            repaired.append(_with_parts(request, _in_words(request.parts)))
        place = end
    return tuple(repaired)


def _repaired_turn(
    request: Message, following: Sequence[Message], taken: dict[str, int], *, last: bool
) -> Iterator[Message]:
    """An answer that calls tools, and what was said until the next answer."""
    given: dict[str, list[ToolResult]] = {call.id: [] for call in request.tool_calls}
    for result in (result for message in following for result in message.tool_results):
        if result.call_id in given:
            given[result.call_id].append(result)
    rest = list(following)
    hosted = bool(rest) and rest[0].role == "user" and any(one.call_id in given for one in rest[0].tool_results)
    may_wait = last and not rest[hosted:]  # nothing was said after the results, if there are any
    results: list[Part] = []
    asked: list[Part] = []
    for part in request.parts:
        if isinstance(part, ToolCall):
            own_id = _free_id(part.id, taken)
            found = given[part.id].pop(0) if given[part.id] else None
            if found is None and not may_wait:
                found = ToolResult("No result of this call was recorded", call_id=own_id, name=part.name, is_error=True)
            if found is not None:
                fits = (found.call_id, found.name) == (own_id, part.name)  # some providers pair them by name
                results.append(found if fits else replace(found, call_id=own_id, name=part.name))
            part = part if part.id == own_id else replace(part, id=own_id)
        asked.append(part)
    yield _with_parts(request, _in_words(asked, calls=True))
    if hosted:
        host = rest.pop(0)
        yield _with_parts(host, (*results, *_in_words(host.parts, given)))
    elif results:
        yield Message("user", tuple(results))
    for message in rest:
        left = _with_parts(message, _in_words(message.parts, given))
        if left.parts or not message.parts:
            yield left


def _in_words(parts: Iterable[Part], known: Container[str] = (), *, calls: bool = False) -> Iterator[Part]:
    """Parts as they are, but results: those of `known` calls stand elsewhere, and one without a call becomes words.

    So does a call where none can stand, unless `calls`.
    """
    for part in parts:
        if isinstance(part, ToolResult):
            if part.call_id not in known:
                yield Text(f"[result of {part.name or 'a tool'}: {part.text}]")
        elif isinstance(part, ToolCall) and not calls:
            yield Text(f"[call of {part.name}]")
        else:
            yield part


def _free_id(call_id: str, taken: dict[str, int]) -> str:
    """The id, or one made of it where another call has it already; then that is taken too.

    `taken` holds the number that the next call of an id may try, so that many of one id are no more work than few.
    """
    own, count = call_id, taken.get(call_id, 2)
    while own in taken:
        own, count = f"{call_id}_{count}", count + 1
    taken[call_id] = count
    taken.setdefault(own, 2)
    return own


def _with_parts(message: Message, parts: Iterable[Part]) -> Message:
    changed = tuple(parts)
    return message if changed == message.parts else message.with_parts(changed)
