"""For code of the user's own that calls `asyncio.run` where a loop runs already."""

from __future__ import annotations

import threading

from ..errors import ConfigError
from ..keywords import keywords_told

__all__ = ["nest"]


@keywords_told
def nest() -> None:
    """Have `asyncio.run` and `run_until_complete` work where a loop runs already, as in a notebook's cell.

    For cells of your own that call them, and tools with ``thread="main"``: in other tools they work without it, and
    nothing here needs it. It changes asyncio itself, by the package nest-asyncio2, for the rest of the process, so
    nothing here does it unasked. Calling it again changes nothing.
    Raises `ConfigError` where that package is missing, and on another thread than the main one.

    ::

        alloy.nest()
        asyncio.run(fetch_all())  # in a cell, which was a RuntimeError
    """
    try:
        import nest_asyncio2
    except ModuleNotFoundError as error:
        raise ConfigError(
            "nest needs nest-asyncio2, which is not installed",
            hint="pip install nest-asyncio2, or alloy-nb with its extra: pip install '.[nest]'",
        ) from error
    if threading.current_thread() is not threading.main_thread():
        raise ConfigError("nest was called on another thread", hint="call it in a cell, or where a script begins")
    nest_asyncio2.apply()
