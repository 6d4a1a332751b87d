"""Ids and names of calls that another service, or the model, made: as the service that is asked now takes them."""

from __future__ import annotations

import re
import string
from hashlib import sha256

__all__ = ["FUNCTION_NAME", "fit_id", "fit_name"]

#: What OpenAI, and those who follow it, take for the name of a function.
FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_ALPHABET = string.digits + string.ascii_letters
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64


def fit_id(call_id: str, taken: re.Pattern[str], length: int = 32) -> str:
    """The id itself where `taken` fits it, else always the same other one: `length` letters and digits.

    >>> fit_id("call_1", re.compile("[a-z0-9_]+")), len(fit_id("call:1", re.compile("[a-z0-9_]+")))
    ('call_1', 32)
    """
    if taken.fullmatch(call_id):
        return call_id
    # Half characters are told apart, too.
    number = int.from_bytes(sha256(call_id.encode("utf-8", "surrogatepass")).digest())
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def fit_name(name: str, taken: re.Pattern[str] = FUNCTION_NAME) -> str:
    """The name itself where `taken` fits it, else what is left of it: models make up names that no service takes.

    >>> fit_name("read"), fit_name("default_api:read"), fit_name("")
    ('read', 'default_api_read', '_')
    """
    if taken.fullmatch(name):
        return name
    fit = _UNFIT.sub("_", name)[:_LONGEST_NAME]
    return fit if taken.fullmatch(fit) else ("_" + fit)[:_LONGEST_NAME]
