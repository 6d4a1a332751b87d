"""IPython in a terminal: text shows as it is written, a question is put in the terminal, Ctrl-C stops."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import PYTHON, environment

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

LONGEST = 60.0
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[=>]|\r")
# The pseudo-terminal is to be its controlling terminal: only then does Ctrl-C become a signal.
IN_FRONT = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from IPython import start_ipython
sys.exit(start_ipython(["--no-banner", "--no-confirm-exit", "--colors=NoColor", "--HistoryManager.enabled=False"]))
"""
SETUP = """
import time
from pathlib import Path
import alloy_nb as alloy
from alloy_nb.providers.base import TextDelta

class Held(alloy.Scripted):
    "Says one half, and the other when the file `go` is there."
    async def stream(self, request):
        import asyncio
        async for delta in super().stream(request):
            if isinstance(delta, TextDelta):
                first, _, second = delta.text.partition("|")
                yield TextDelta(first)
                said.append(first)
                while second and not Path("go").exists():
                    await asyncio.sleep(0.02)
                yield TextDelta(second)
            else:
                yield delta

def watched():
    "Has `waits` come to be as soon as the cell, which has this in it, waits: for its loop, or for a run."
    import sys, threading
    main, started = threading.main_thread().ident, threading.Event()
    def watch():
        started.wait()  # else it might see how the main thread waits for this one to start
        while sys._current_frames()[main].f_code.co_name not in ("select", "wait") or not said:
            time.sleep(0.02)
        Path("waits").touch()
    threading.Thread(target=watch, daemon=True).start()
    started.set()

said = []
call = {"name": "bash", "input": {"command": "touch made"}}
model = Held(["The first half, |the second half.", {"text": "May I? ", "tool_calls": [call]}, "Thank you."])
"""


class Terminal:
    """IPython in a pseudo-terminal, as a person has it."""

    def __init__(self, folder: Path) -> None:
        (folder / "setup.py").write_text(SETUP)
        self._end, child = os.openpty()
        self.process = subprocess.Popen(
            [PYTHON, "-c", IN_FRONT],
            env=environment(TERM="xterm", PROMPT_TOOLKIT_NO_CPR="1", IPYTHONDIR=str(folder / "ipython"), COLUMNS="120"),
            cwd=folder,
            stdin=child,
            stdout=child,
            stderr=child,
            start_new_session=True,
        )
        os.close(child)
        self.screen, self._seen, self._cells = "", 0, 0
        for line in ("%load_ext alloy_nb", "%run -i setup.py", "print('rea' + 'dy')"):
            self.enter(line)
        self.wait_for("ready")

    def enter(self, *lines: str) -> None:
        """Type a cell and run it: pasted as a whole, so that nothing is indented or completed on the way."""
        self._cells += 1
        self.wait_for(f"In [{self._cells}]:")
        pasted = "\n".join(lines)
        self.send(f"\x1b[200~{pasted}\x1b[201~")
        self.send("\x1b\r" if len(lines) > 1 else "\r")  # Escape, Enter: run it whatever it is

    def send(self, text: str) -> None:
        os.write(self._end, text.encode())

    def wait_for(self, text: str) -> str:
        """Read until `text` comes, after what was waited for before; all that came with it."""
        end = time.monotonic() + LONGEST
        while text not in self.screen[self._seen :]:
            ready, _, _ = select.select([self._end], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{text!r} never came: {self.screen!r}"
            self.screen += ESCAPES.sub("", os.read(self._end, 65536).decode("utf-8", "replace"))
        begun, self._seen = self._seen, self.screen.index(text, self._seen) + len(text)
        return self.screen[begun : self._seen]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._end)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def test_ipython_shows_text_as_it_is_written(terminal: Terminal, tmp_path: Path) -> None:
    terminal.enter("%%alloy -m model -o answer", "Go on.")
    said = terminal.wait_for("The first")
    assert "second" not in said
    (tmp_path / "go").touch()
    terminal.wait_for("the second half.")
    terminal.enter("print(answer.status, '-', answer.text)")
    terminal.wait_for("completed - The first half, the second half.")


@pytest.mark.parametrize("cell", ["%alloy -m model Go on.", "alloy.run('Go on.', model=model)", "await asked()"])
def test_nothing_follows_where_the_answer_was_shown(terminal: Terminal, tmp_path: Path, cell: str) -> None:
    """`Out[4]: <Result completed>` stood below each answer."""
    (tmp_path / "go").touch()
    terminal.enter(f"HALF = {HALF!r}; team = {TEAM}; asked = lambda: team.abroadcast('Go on.')")
    terminal.enter(cell)
    screen = terminal.wait_for("second half.")
    terminal.enter("print('kept -', (_['coder'] if isinstance(_, dict) else Out[5]).text)")
    screen += terminal.wait_for("kept - The first half, the second half.")
    assert "Out[" not in screen.replace("Out[5]).text", "")
    terminal.enter("1 + 1")
    terminal.wait_for("Out[7]: 2")


def test_ipython_stops_by_ctrl_c_and_goes_on(terminal: Terminal, tmp_path: Path) -> None:
    terminal.enter("%%alloy -m model -o answer", "Go on.")
    terminal.wait_for("The first")
    terminal.send("\x03")
    terminal.wait_for("stopped")
    (tmp_path / "go").touch()
    terminal.enter("print(answer.status, '-', answer.text)")
    terminal.wait_for("cancelled - The first half,")


HALF = "The first half, |the second half."
TEAM = "alloy.Team({name: {'model': Held([HALF])} for name in ('coder', 'critic')})"


@pytest.mark.parametrize(
    ("setup", "cell", "told", "kept"),
    [
        (
            "agent = alloy.Agent(model=Held([HALF]))",
            "await agent.achat('Go on.')",
            "KeyboardInterrupt: the run was cancelled",
            "agent.messages[-1].text",
        ),
        (
            "agent = alloy.Agent(model=Held([HALF]))",
            "import asyncio; await asyncio.gather(agent.achat('Go on.'), asyncio.sleep(600))",
            "CancelledError",
            "agent.messages[-1].text",
        ),
        (
            f"team = {TEAM}",
            "await team.abroadcast('Go on.')",
            "KeyboardInterrupt: the runs were stopped",
            "team['coder'].messages[-1].text",
        ),
        (
            f"team = {TEAM}",
            "await team.adelegate('coder', 'Go on.')",
            "KeyboardInterrupt: the run was cancelled",
            "team['coder'].messages[-1].text",
        ),
    ],
)
def test_ctrl_c_stops_what_a_cell_awaits(
    terminal: Terminal, tmp_path: Path, setup: str, cell: str, told: str, kept: str
) -> None:
    """IPython's loop was broken off: pages of its own, and the run stayed behind on it, at work and not."""
    terminal.enter(f"HALF = {HALF!r}; {setup}")
    terminal.enter(f"watched(); {cell}")
    _interrupt(terminal, tmp_path)
    screen = terminal.wait_for(told)
    assert "Traceback" not in screen or "gather" in cell
    assert "base_events.py" not in screen
    (tmp_path / "go").touch()
    terminal.enter(f"print('kept', repr({kept}))")
    terminal.wait_for("kept 'The first half, '")
    terminal.enter("await asyncio.sleep(0)" if "asyncio" in cell else "import asyncio; await asyncio.sleep(0)")
    terminal.enter(f"print('still', repr({kept}))")
    terminal.wait_for("still 'The first half, '")  # nothing was left behind on the loop


ONE, SEVERAL = "alloy.start('Go on.', model=Held([HALF]))", f"{TEAM}.start_broadcast('Go on.')"


@pytest.mark.parametrize(
    ("begun", "cell"),
    [
        (ONE, "await run"),
        (ONE, "run.result()"),
        (ONE, "for event in run: pass"),
        (ONE, "async for event in run: pass"),
        (SEVERAL, "run.result()"),
        (SEVERAL, "for event in run: pass"),
        (SEVERAL, "async for event in run: pass"),
    ],
)
def test_ctrl_c_leaves_alone_what_goes_on_in_the_background(
    terminal: Terminal, tmp_path: Path, begun: str, cell: str
) -> None:
    """Who reads the events had pages of the library's own."""
    terminal.enter(f"HALF = {HALF!r}; run = {begun}")
    terminal.enter("watched()", cell)
    _interrupt(terminal, tmp_path)
    screen = terminal.wait_for("Hint: its `cancel()` stops it")
    assert "KeyboardInterrupt: the run goes on, and nobody waits for it" in screen
    assert "Traceback" not in screen
    (tmp_path / "go").touch()
    terminal.enter("done = run.result(); print('then -', getattr(done, 'text', None) or done['coder'].text)")
    terminal.wait_for("then - The first half, the second half.")


def _interrupt(terminal: Terminal, folder: Path) -> None:
    """Ctrl-C once the model has begun to speak, and the cell waits for the rest."""
    end = time.monotonic() + LONGEST
    while not (folder / "waits").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    terminal.send("\x03")


def test_ipython_asks_for_an_approval(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    terminal.enter("%alloy -m model Hello")
    terminal.wait_for("second half.")
    terminal.enter("%%alloy -m model -t bash", "Make a file.")
    asked = terminal.wait_for("say why not: ")
    assert "May I?" in asked
    assert "touch made" in asked
    assert not (tmp_path / "made").exists()
    terminal.send("y\r")
    terminal.wait_for("Thank you.")
    assert (tmp_path / "made").exists()


def test_tab_completes_our_options_in_ipython(terminal: Terminal) -> None:
    terminal.wait_for("In [")
    terminal.send("%alloy --app\t")
    terminal.wait_for("--approval")
    terminal.send(" den\t")
    terminal.wait_for("deny")
