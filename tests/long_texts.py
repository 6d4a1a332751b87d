"""Long answers of each sort, the same every time; with letters that take more than one byte."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

WORDS = (
    "the revenue of each region fell in März by a third because its feed stopped and nobody asked why until "
    "somebody looked at what the table says – for café and hotel alike the same days are missing"
).split()
SIZE = 100_000


def prose(size: int = SIZE) -> str:
    """Paragraphs of plain sentences."""
    return _filled(size, _paragraph)


def mixed(size: int = SIZE) -> str:
    """What a model writes: headings, emphasis, lists, tables and short code."""
    parts = [_heading, _paragraph, _list, _paragraph, _table, _code_block]
    numbers = iter(range(10**9))
    return _filled(size, lambda random_: parts[next(numbers) % len(parts)](random_))


def code(size: int = SIZE) -> str:
    """One block of code, and a line before it."""
    body = _filled(size - 40, lambda random_: _function(random_))
    return f"Here is the file:\n\n```python\n{body}\n```\n"


TEXTS: dict[str, Callable[[int], str]] = {"prose": prose, "mixed": mixed, "code": code}


def _filled(size: int, make: Callable[[random.Random], str]) -> str:
    def parts() -> Iterator[str]:
        random_, length = random.Random(1), 0
        while length < size:
            part = make(random_)
            length += len(part) + 2
            yield part

    return "\n\n".join(parts())[:size]


def _sentence(random_: random.Random) -> str:
    words = " ".join(random_.choices(WORDS, k=random_.randrange(6, 16)))
    return f"{words[0].upper()}{words[1:]}."


def _paragraph(random_: random.Random) -> str:
    return " ".join(_sentence(random_) for _ in range(5))


def _heading(random_: random.Random) -> str:
    return f"{'#' * random_.randrange(1, 4)} {_sentence(random_)[:-1]}"


def _list(random_: random.Random) -> str:
    return "\n".join(f"- **{random_.choice(WORDS)}**: {_sentence(random_)}" for _ in range(4))


def _table(random_: random.Random) -> str:
    rows = [f"| {random_.choice(WORDS)} | {random_.randrange(10**5)} | `{random_.choice(WORDS)}` |" for _ in range(6)]
    return "\n".join(["| region | revenue | column |", "|:--|--:|---|", *rows])


def _function(random_: random.Random) -> str:
    name, other = random_.sample([word for word in WORDS if word.isalpha()], 2)
    return (
        f"def {name}(rows, limit={random_.randrange(100)}):\n"
        f'    """{_sentence(random_)}"""\n'
        f"    found = [row for row in rows if row['{other}'] > limit]  # {other}\n"
        f"    return sum(row.{name} for row in found) / len(found) if found else None\n"
    )


def _code_block(random_: random.Random) -> str:
    return f"```python\n{_function(random_)}```"
