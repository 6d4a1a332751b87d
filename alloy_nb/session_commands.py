"""The words with a slash that are about stored conversations; see `commands`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .brief import in_brief
from .counting import counted
from .errors import ConfigError
from .plain import one_line
from .recorder import unknown_calls
from .redaction import redact_line
from .session import conversations

if TYPE_CHECKING:
    from .messages import Message
    from .places import Place
    from .session import SessionInfo
    from .sessions.library import Found

__all__ = ["fork", "found_line", "list_sessions", "resume", "rewind", "save", "session_line", "told_session"]


#: How a conversation is called that nobody has named.
_OWN_NAME = "%Y-%m-%d-%H%M%S"


def list_sessions(place: Place, argument: str) -> None:
    from .sessions.library import Sessions

    sessions = Sessions(place.store())
    if argument:
        hits = sessions.search(_name(argument))
        place.say("\n".join(map(found_line, hits)) if hits else "It is in no stored conversation.")
        return
    found = sessions.list()
    place.say("\n".join(map(session_line, found)) if found else "No conversation is stored yet.")


def session_line(info: SessionInfo) -> str:
    """A stored conversation on one line: when it was gone on with last, its name, how long it is, how it begins.

    >>> from alloy_nb.session import SessionInfo
    >>> now = datetime.now().astimezone()
    >>> session_line(SessionInfo("fox", now, now, 3, "Where do foxes live?", "acme", 2))[16:]
    '  fox  2 messages  Where do foxes live?'
    """
    count = "" if info.messages is None else counted(info.messages, "message")
    words = (
        f"{info.updated_at.astimezone():%Y-%m-%d %H:%M}",
        one_line(info.id, 80),
        count,
        redact_line(info.title or ""),
    )
    return "  ".join(filter(None, words))


def found_line(found: Found) -> str:
    """A message that was searched for: in which conversation, its number there, the words around."""
    return f"{one_line(found.session, 80)}  {found.place}  {found.role}: {redact_line(found.excerpt, 300)}"


def save(place: Place, argument: str) -> None:
    name = _name(argument)
    if place.session is not None and name in ("", place.session):
        place.say(f"It is stored as {one_line(place.session, 80)}, as it grows.")
        return
    before = place.session
    name = name or f"{datetime.now():{_OWN_NAME}}"
    if place.store().read(name):
        raise ConfigError(
            f"there is a conversation {one_line(name, 40)!r} already",
            hint="save it under another name; /resume goes on with that one",
        )
    how = place.save(name)
    left = _left_behind(place, before)
    if not place.messages():
        place.say(f"Nothing is said yet; from the first question on it is stored as {one_line(name, 80)}{left}.")
        return
    place.say(f"Stored as {one_line(name, 80)}{left}; `{one_line(how)}` goes on with it.")


def _left_behind(place: Place, before: str | None) -> str:
    """What becomes of the name that it had: one that it got by itself is gone, one that a person gave stays."""
    if before is None or not place.store().read(before):
        return ""
    if not _is_own_name(before):
        return f"; what is stored as {one_line(before, 80)} stays as it is"
    place.store().delete(before)
    return f", no longer as {before}"


def _is_own_name(name: str) -> bool:
    try:
        return f"{datetime.strptime(name, _OWN_NAME):{_OWN_NAME}}" == name
    except ValueError:
        return False


def resume(place: Place, argument: str) -> None:
    from .sessions.library import Sessions

    sessions = Sessions(place.store())
    name = _name(argument)
    if not name:
        others = (info for info in conversations(sessions.store) if info.id != place.session and info.messages != 0)
        name = next((info.id for info in others), "")
        if not name and place.session is not None:
            hint = f"{place.prefix}/resume {one_line(place.session, 80)} opens this one anew"
            raise ConfigError("no other conversation is stored", hint=hint)
        if not name:
            raise ConfigError("no conversation is stored yet", hint="/save stores this one")
    sessions.get(name)  # what is wrong with it is said before anything changes
    place.resume(name)
    for line in told_session(name, place.messages()):
        place.say(line)


def told_session(name: str, messages: Sequence[Message]) -> Iterator[str]:
    """Where a stored conversation stands."""
    name = one_line(name, 80)
    if not messages:
        yield f"session {name}: new"
        return
    yield f"session {name}: {counted(len(messages), 'message')}; at last"
    for message in [message for message in messages if message.text][-2:]:
        yield f"  {in_brief(message)}"
    if calls := unknown_calls(messages):
        count = counted(len(calls), "call")
        told = ", ".join(redact_line(f"{call.name} {_first(call.input)}".rstrip(), 100) for call in calls)
        yield f"  {count} had begun when it was broken off, and the outcome is unknown: {told}"


def _first(input: Mapping[str, Any]) -> str:
    """What a call is about, as far as that is a text."""
    return next((f"`{value}`" for value in input.values() if isinstance(value, str)), "")


def rewind(place: Place, argument: str) -> None:
    count = argument or "1"
    if not count.isascii() or not count.isdecimal() or not 0 < int(count) < 10_000:
        raise ConfigError(f"{one_line(argument, 40)!r} is no number of questions", hint="as in /rewind 2")
    failed = place.unanswered()
    asked = len(_questions(place.messages())) + (failed is not None)
    if int(count) > asked > 0:
        raise ConfigError(
            f"{int(count)} questions cannot be taken back: the conversation has {asked}",
            hint=f"{place.prefix}/rewind {asked} takes all of them back; {place.prefix}/reset starts over",
        )
    lines = [f"  {in_brief(message)}" for message in _questions(place.rewind(int(count) - (failed is not None)))]
    if failed is not None:
        lines.append(f"  {in_brief(failed)} (it got no answer, and was not in the conversation)")
    place.say(
        "\n".join(["Taken back, with all that came of it:", *lines]) if lines else "There is nothing to take back."
    )


def _questions(messages: Sequence[Message]) -> Sequence[Message]:
    return [message for message in messages if message.role == "user" and not message.tool_results]


def fork(place: Place, argument: str) -> None:
    from .sessions.library import Sessions

    name = _name(argument)
    if not name:
        raise ConfigError("the copy needs a name", hint="as in /fork another-way")
    if place.session is None or not place.messages():
        save(place, name)
        return
    before = place.session
    Sessions(place.store()).fork(before, name)
    place.resume(name)
    place.say(f"From here on it is {one_line(name, 80)}; {one_line(before, 80)} stays as it is.")


def _name(argument: str) -> str:
    """All that follows the command: a name may hold blanks, and may be in quotes."""
    text = argument.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
