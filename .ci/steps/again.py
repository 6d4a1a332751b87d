"""Tests that failed, to be tried once more: of a browser, which on a busy machine may do what nobody asked of it."""

import re

FEW = 3  # more of them at once are no accident
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?\.py::.+?)(?: - .*)?$", re.M)


def few_failed(code: int, said: str) -> list[str]:
    """The ids of the tests that failed, by pytest's summary; none where there are many, or something else is amiss."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", said)
    failed = list(dict.fromkeys(FAILED.findall(plain)))
    return failed if code == 1 and len(failed) <= FEW else []
