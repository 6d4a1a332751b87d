"""What a tool gave back, in the few lines that a terminal shows below its call."""

from __future__ import annotations

__all__ = ["output_lines", "told_code"]

_LINES, _CHARACTERS = 5, 400
#: Of a call that failed more is of interest, and rather its end.
_FAILED_LINES, _FAILED_CHARACTERS = 15, 1500


def told_code(output: str, code: int | None) -> str:
    """The output of a command without the line that tells its exit code, which stands in the line above.

    >>> told_code("a\\nexit code: 0", 0)
    'a'
    """
    return output if code is None else output.removesuffix(f"exit code: {code}").rstrip("\n")


def output_lines(text: str, width: int, *, failed: bool = False) -> list[str]:
    """The beginning of `text` (of what failed the end), lines cut at `width` characters, and how many more there are.

    >>> output_lines("\\n".join("abcdefg"), 80)
    ['a', 'b', 'c', 'd', 'e', '… 2 more lines']
    >>> output_lines("x\\n" * 17, 80, failed=True)[0]
    '… 2 more lines'
    """
    lines = [line.expandtabs(4).rstrip() for line in text.rstrip().split("\n")] if text.strip() else []
    kept = _last(lines, width) if failed else _first(lines, width, _LINES, _CHARACTERS)
    left = len(lines) - len(kept)
    more = [f"… {left:,} more line{'s' if left != 1 else ''}"] if left else []
    return [*more, *kept] if failed else [*kept, *more]


def _last(lines: list[str], width: int) -> list[str]:
    return _first(lines[::-1], width, _FAILED_LINES, _FAILED_CHARACTERS)[::-1]


def _first(lines: list[str], width: int, most: int, characters: int) -> list[str]:
    """As many as there is room for; one at least, where there is any."""
    kept: list[str] = []
    for line in lines[:most]:
        cut = line if len(line) <= width else line[: max(width - 1, 0)] + "…"
        characters -= len(cut)
        if kept and characters < 0:
            break
        kept.append(cut)
    return kept
