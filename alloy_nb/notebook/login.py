"""``%alloy /login``: the key is asked for by the front end, and stands in no cell."""

from __future__ import annotations

from ..errors import ConfigError
from ..login import log_in, log_out, refuse_words
from ..options import nearest
from ..providers.vendors import VENDORS
from ..redaction import redact_line
from .cell import say

__all__ = ["login"]

_OPTIONS = ("--force", "--remove")


def login(argument: str) -> None:
    """``/login PROVIDER``, with ``--force`` or ``--remove``."""
    words = argument.split()
    names = [word for word in words if not word.startswith("-")]
    options = [word for word in words if word.startswith("-")]
    if len(names) > 1 or any("=" in word for word in words):
        refuse_words(names[1:] + options, "%alloy /login PROVIDER")
    for option in options:
        if option not in _OPTIONS:
            near = nearest(option, _OPTIONS)
            hint = f"did you mean {near}?" if near else f"/login takes {' and '.join(_OPTIONS)}"
            raise ConfigError("/login takes no such option", hint=hint)
    if not names:
        raise ConfigError("no provider is named", hint="name one of " + ", ".join(VENDORS))
    said = log_out(names[0]) if "--remove" in options else log_in(names[0], force="--force" in options)
    for line in said:
        say(redact_line(line, 1000))
