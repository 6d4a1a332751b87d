"""Ready-made patterns of what `Redact` takes out: where in a text addresses, numbers and keys stand.

Each looks at every character a bounded number of times, whatever the text is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from ..redaction import MASK, redact

__all__ = ["READY_MADE", "Change"]

#: Takes something out of a text, and puts the replacement there.
Change = Callable[[str, str], str]
Spans = Iterator[tuple[int, int]]


def _emails(text: str) -> Spans:
    """From each @ to both sides: a search for the name alone would begin anew at every letter."""
    for place in (found.start() for found in re.finditer("@", text)):
        name = _NAME.search(text, max(0, place - 64), place)
        host = _HOST.match(text, place + 1)
        if name and host:
            yield name.start(), host.end()


_NAME = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}\Z")
_HOST = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}")

#: International numbers, and national ones in the groups in which they are usually written.
_PHONE = re.compile(
    r"""(?x)(?<![\w.+-])(?:
      (?:\+|00)[1-9](?:[ ().\-/]{0,2}\d){6,14}
    | \(\d{3}\)[ ]?\d{3}[\-. ]\d{4}
    | \d{3}[\-. ]\d{3}[\-. ]\d{4}
    | \(?0\d{2,4}\)?[ /\-]{1,2}\d(?:[ \-]?\d){4,9}
    )(?![\w])"""
)


def _phones(text: str) -> Spans:
    return (found.span() for found in _PHONE.finditer(text))


def _ibans(text: str) -> Spans:
    """Two letters that are a country, as many characters as it has, and the right remainder."""
    for found in _COUNTRY.finditer(text):
        length = _IBAN_LENGTHS.get(found[0][:2].upper())
        places = [] if length is None else _taken(text, found.start(), length)
        if len(places) == length and not _goes_on(text, places[-1] + 1):
            account = "".join(text[place] for place in places).upper()
            if int("".join(str(int(sign, 36)) for sign in account[4:] + account[:4])) % 97 == 1:
                yield found.start(), places[-1] + 1


_COUNTRY = re.compile(r"(?<![^\W_])[A-Za-z]{2}\d{2}", re.ASCII)


def _taken(text: str, start: int, count: int) -> list[int]:
    """The places of the next letters and digits; single spaces and hyphens may stand between them."""
    places: list[int] = []
    place = start
    while len(places) < count and place < len(text):
        sign = text[place]
        if sign.isascii() and sign.isalnum():
            places.append(place)
        elif sign not in " -" or text[place - 1] in " -":
            break
        place += 1
    return places


def _goes_on(text: str, place: int) -> bool:
    return place < len(text) and text[place].isalnum()


_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def _cards(text: str) -> Spans:
    """Groups of digits that make up 13 to 19, begin as cards do and have the right check digit."""
    for run in _DIGITS.finditer(text):
        groups = [group.span() for group in re.finditer(r"\d+", text[run.start() : run.end()])]
        first = 0
        while first < len(groups):
            last = _card_end(text, run.start(), groups, first)
            if last is not None:
                yield run.start() + groups[first][0], run.start() + groups[last][1]
                first = last
            first += 1


_DIGITS = re.compile(r"(?<![\w.])\d+(?:[ -]\d+)*", re.ASCII)


def _card_end(text: str, offset: int, groups: list[tuple[int, int]], first: int) -> int | None:
    """The last group of the longest number of a card that begins with the `first` one."""
    number, found = "", None
    for last in range(first, len(groups)):
        start, end = groups[last]
        if len(number) + end - start > 19:
            break
        number += text[offset + start : offset + end]
        if len(number) >= 13 and number[0] in "23456" and _luhn(number):
            found = last
    return found


def _luhn(number: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _without(spans: Callable[[str], Iterable[tuple[int, int]]]) -> Change:
    def change(text: str, replacement: str) -> str:
        kept, place = [], 0
        for start, end in spans(text):
            if start < place:  # reaches into the one before: that one is gone, and so is what is left of this
                start = place
            if start < end:
                kept += [text[place:start], replacement]
                place = end
        return "".join([*kept, text[place:]]) if kept else text

    return change


def _keys(text: str, replacement: str) -> str:
    changed = redact(text)
    return text if changed == text else changed.replace(MASK, replacement)


READY_MADE: dict[str, Change] = {
    "email": _without(_emails),
    "phone": _without(_phones),
    "iban": _without(_ibans),
    "credit-card": _without(_cards),
    "keys": _keys,
}
