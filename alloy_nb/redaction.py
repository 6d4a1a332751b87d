"""Keeping keys out of everything that is shown: secrets seen so far, and shapes that look like one."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from .forks import renewed_in_child
from .plain import one_line, printable

__all__ = [
    "DECIDED",
    "MASK",
    "SHAPES",
    "Redactor",
    "change_strings",
    "known_secrets",
    "redact",
    "redact_data",
    "redact_known",
    "redact_line",
    "register_environment",
    "register_secret",
    "secret_begins",
    "without_beginning",
]

MASK = "[redacted]"

# Shorter strings would blank out ordinary words ("test", "none") wherever they occur.
_SHORTEST_SECRET = 8

_SECRET_NAMES = ("_API_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_ACCESS_KEY")

# Shapes of keys published by the vendors themselves, bearer tokens in echoed headers, and web tokens. None holds a
# blank or a line's end: behind one, a mark could hide a command from whoever is asked about it. Their words
# are those of ASCII: a text in Chinese has no blank before a key.
SHAPES = re.compile(
    r"""(?xa)
      \b(?:sk|pk|rk)-(?:ant-|proj-|or-v1-|live-|test-)?[A-Za-z0-9_\-]{16,}
    | \b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}
    | \bxai-[A-Za-z0-9]{20,}
    | \b(?:gsk|r8)_[A-Za-z0-9]{30,}
    | \bpplx-[A-Za-z0-9]{30,}
    | \bAIza[0-9A-Za-z_\-]{30,}
    | \bya29\.[0-9A-Za-z_\-]{30,}
    | \bgh[pousr]_[A-Za-z0-9]{30,}
    | \bgithub_pat_[A-Za-z0-9_]{30,}
    | \bglpat-[A-Za-z0-9_\-]{20,}
    | \bhf_[A-Za-z0-9]{30,}
    | \b(?:npm_|pypi-)[A-Za-z0-9_\-]{30,}
    | \bA(?:KIA|SIA)[0-9A-Z]{16}\b
    | \bxox[abprs]-[A-Za-z0-9\-]{10,}
    | \bey(?:JhbGci|J0eXAi|JraWQi)Oi[A-Za-z0-9_\-]{10,}[A-Za-z0-9_.\-]*
    | (?<=[Bb]earer\ )[A-Za-z0-9._~+/\-]{16,}=*
    """
)
#: So many characters from where a shape may begin, it is known whether it is one, and which; it may be longer.
DECIDED = 64

_lock = renewed_in_child(threading.Lock)
_known: tuple[str, ...] = ()


def register_secret(value: str) -> None:
    """Remember a secret, so that `redact` takes it out wherever it turns up.

    >>> register_secret("not-a-shape-anyone-knows")
    >>> redact("key=not-a-shape-anyone-knows")
    'key=[redacted]'
    """
    global _known
    if len(value) < _SHORTEST_SECRET:
        return
    with _lock():
        if value not in _known:
            # Longest first: a secret that contains another one must go as a whole.
            _known = tuple(sorted((*_known, value), key=len, reverse=True))


def register_environment(environment: Mapping[str, str]) -> None:
    """Remember the values of every variable whose name says that it holds a secret."""
    for name, value in environment.items():
        if name.endswith(_SECRET_NAMES):
            register_secret(value)


def redact_known(text: str) -> str:
    """`text` without the secrets seen so far. What only looks like a key stays: it may be the user's own data."""
    parts = [text]
    for secret in _known:
        if secret in text:
            # In the parts, so that the mark of one secret is never read as a piece of another.
            parts = [piece for part in parts for piece in part.split(secret)]
    return MASK.join(parts)


def known_secrets() -> tuple[str, ...]:
    """The secrets seen so far, the longest first; the same object until there is a new one."""
    return _known


def redact_data(data: Any) -> Any:
    """`data` with the secrets seen so far taken out of every string in it; other values stay as they are."""
    return change_strings(data, redact_known)


def change_strings(data: Any, change: Callable[[str], str]) -> Any:
    """`data` with every string in it changed, keys included; other values stay as they are.

    >>> change_strings({"a": ["b", 1]}, str.upper)
    {'A': ['B', 1]}
    """
    if isinstance(data, str):
        return change(data)
    if isinstance(data, dict):
        return {change_strings(key, change): change_strings(value, change) for key, value in data.items()}
    if isinstance(data, list):
        return [change_strings(item, change) for item in data]
    if type(data) is tuple:
        return tuple(change_strings(item, change) for item in data)
    return data


def secret_begins(text: str, secrets: tuple[str, ...] | None = None, shortest: int = _SHORTEST_SECRET) -> int:
    """Where an end of `text` begins with which a secret seen so far may begin; ``len(text)`` where there is none.

    It is a part of that secret, not all of it, and has at least `shortest` characters.

    >>> register_secret("not-a-shape-anyone-knows")
    >>> secret_begins("key=not-a-sha"), secret_begins("key=not"), secret_begins("key=not-a-shape-anyone-knows")
    (4, 7, 28)
    """
    first = len(text)
    for secret in _known if secrets is None else secrets:
        head = secret[:shortest]
        place = text.find(head, max(0, len(text) - len(secret) + 1))
        while 0 <= place < first and not secret.startswith(text[place:]):
            place = text.find(head, place + 1)
        if place >= 0:
            first = min(first, place)
    return first


def without_beginning(text: str) -> str:
    """`text`, with a mark for an end that is the beginning of a secret: for what was cut, or may be.

    >>> register_secret("not-a-shape-anyone-knows")
    >>> without_beginning("key=not-a-sha")
    'key=[redacted]'
    """
    text = redact_known(text)
    place = secret_begins(text)
    return text if place == len(text) else text[:place] + MASK


def redact(text: str) -> str:
    """`text` with every known secret, and everything shaped like a vendor's key, replaced by a mark."""
    return SHAPES.sub(MASK, redact_known(text))


def redact_line(text: str, longest: int = 200) -> str:
    """`redact`, on one line that is safe to print and cut where it is longer: what hides or is cut is no key's part.

    >>> register_secret("not-a-shape-anyone-knows")
    >>> redact_line("key: not-a-" + chr(27) + "[0mshape-anyone-knows", 12)
    'key: [redac…'
    """
    return one_line(redact(printable(text)), longest)


class Redactor:
    """`redact_known` for a text that comes in pieces: a secret is found also where it is cut between two of them.

    >>> register_secret("not-a-shape-anyone-knows")
    >>> redactor = Redactor()
    >>> redactor.feed("key=not-a-sha") + redactor.feed("pe-anyone-knows!") + redactor.feed("", last=True)
    'key=[redacted]!'
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str, *, last: bool = False) -> str:
        """What is sure by now: all but an end that may be the beginning of a secret."""
        text, secrets = self._held + text, _known
        end = len(text) if last else secret_begins(text, secrets, 1)
        told, place = [], 0
        if any(secret in text for secret in secrets):
            for found in re.finditer("|".join(map(re.escape, secrets)), text):
                if found.start() >= end:
                    break
                told += [text[place : found.start()], MASK]
                place = found.end()
        end = max(place, end)
        self._held = text[end:]
        return "".join([*told, text[place:end]])
