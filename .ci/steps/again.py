"""Tests that failed, to be tried once more: what drives a browser, a kernel or another front end, programs of others.

On a busy machine one of them may do what nobody asked of it. A test of our own code alone is never tried again.
"""

import re

FEW = 3  # more of them at once are no accident
DRIVING = ("tests/browser/", "tests/kernel/", "tests/frontends/")
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?\.py::.+?)(?: - .*)?$", re.M)


def few_failed(code: int, said: str) -> list[str]:
    """The ids of the tests that failed, by pytest's summary; none where there are many, or others among them."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", said)
    failed = list(dict.fromkeys(FAILED.findall(plain)))
    return failed if code == 1 and len(failed) <= FEW and all(test.startswith(DRIVING) for test in failed) else []
