"""A conversation in a process that is made to be killed, and the one that makes such processes.

``python -m tests.sessions.mortal KIND WHERE FOLDER`` has all it needs imported, and forks a new process for each line
that it reads, so that a life begins within milliseconds. A life opens the session anew and goes on with the
conversation: a task after the other, each with calls of tools, until it is killed, or until the task of the number in
the line is done.

On standard output a life says its pid, then a letter at each thing it does, so that it can be killed in the middle of
any; when it is over, the other process says how it ended. What must outlive it goes to files in FOLDER, synchronised:
``committed`` (each append that the store has confirmed), ``marks`` (each time a tool really did something), ``unknown``
(each call of which the model was told that nobody knows how it ended).
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import alloy_nb as alloy
from alloy_nb.providers.base import Request
from alloy_nb.testing import Function

#: What each task has done: by a tool that may not run twice, one that may, and the first one again.
CALLS = (("act", "a"), ("look", "b"), ("act", "c"))
UNKNOWN = "outcome is unknown"


def make_store(kind: str, where: str) -> Any:
    return alloy.SQLiteStore(where) if kind == "sqlite" else alloy.SQLStore(where)


class Life:
    def __init__(self, store: Any, folder: Path, last: int) -> None:
        self._store = store
        self._folder = folder
        self._last = last

    def live(self) -> None:
        agent = alloy.Agent(
            model=Function(self._answer),
            tools=[self._tool("act"), self._tool("look", idempotent=True)],
            session="s",
            store=self,
            display=None,
        )
        while True:
            messages = agent.messages
            if agent.pending:
                agent.resume({})
            elif messages and messages[-1].role == "user":
                agent.chat(None)
            else:
                task = sum(message.text.startswith("task ") for message in messages)
                if task == self._last:
                    return
                agent.chat(f"task {task}")

    # -- the store, with a word at each step ----------------------------------------------------------------------

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
        self._say("s")
        self._store.append(session_id, records, after=after)
        self._note("committed", [after, list(records)])
        self._say("c")

    def read(self, session_id: str) -> Any:
        return self._store.read(session_id)

    def list(self) -> Any:
        return self._store.list()

    def delete(self, session_id: str) -> bool:
        raise AssertionError("nothing is deleted")

    # -- the model and its tools ----------------------------------------------------------------------------------

    def _answer(self, request: Request) -> Any:
        self._say("m")
        last = request.messages[-1]
        for result in last.tool_results:
            if UNKNOWN in result.text:
                self._note("unknown", result.call_id)
        task = max(int(m.text.split()[1]) for m in request.messages if m.role == "user" and m.text.startswith("task "))
        if last.tool_results:
            return ["done ", str(task)]
        calls = [{"id": f"{task}{key}", "name": name, "input": {"what": f"{task}{key}"}} for name, key in CALLS]
        return {"text": "I will.", "tool_calls": calls}

    def _tool(self, name: str, **options: Any) -> Any:
        def act(what: str, ctx: alloy.ToolContext) -> str:
            """Do it."""
            self._say("t")
            self._note("marks", [ctx.call_id, what])
            self._say("d")
            return f"did {what}"

        return alloy.tool(name=name, requires_approval=False, **options)(act)

    # -- what outlives it -----------------------------------------------------------------------------------------

    def _note(self, name: str, value: Any) -> None:
        # A kill may cut a line: the next one does not go on with it, and a list that is cut is none.
        line = b"\n" + json.dumps([value]).encode() + b"\n"
        file = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, line)
            os.fsync(file)
        finally:
            os.close(file)

    def _say(self, letter: str) -> None:
        os.write(1, letter.encode())


def main() -> None:
    kind, where, folder = sys.argv[1:]
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                os.write(1, f"{os.getpid()}\n".encode())
                Life(make_store(kind, where), Path(folder), int(line)).live()
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        os.write(1, f"\n{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    if "sqlite" not in sys.argv[1]:
        import psycopg  # noqa: F401 - before the first life
        import sqlalchemy  # noqa: F401
    main()
