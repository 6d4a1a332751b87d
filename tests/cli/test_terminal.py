"""`alloy -p` with a person at a real terminal: what shows, what is asked, what Ctrl-C does."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import environment
from .terminals import LONGEST, Terminal, bash, pid_of, process_is_gone

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

Script = Callable[..., str]


def test_text_shows_before_the_run_is_over_and_a_yes_lets_the_call_run(
    terminal: Callable[..., Terminal], script: Script, tmp_path: Path
) -> None:
    """CLI-w1: no permission prompts, nothing shown of tools."""
    alloy = terminal("-p", "go", "-t", "bash", "-m", script(bash("touch made", "I will make it."), "Made."))
    screen = alloy.wait_for("say why not: ")
    assert screen.startswith("I will make it.\n? bash wants to run `touch made`")
    assert not (tmp_path / "made").exists()
    alloy.send("y\n")
    code, screen = alloy.finish()
    assert code == 0
    assert (tmp_path / "made").exists()
    assert "› bash touch made\nMade.\n" in screen
    assert "2 turns · 20 → 10 tokens" in " ".join(screen.split())  # its line is folded where it is long


def test_a_no_with_words_is_told_to_the_model(
    terminal: Callable[..., Terminal], script: Script, tmp_path: Path
) -> None:
    alloy = terminal("-p", "go", "-t", "bash", "-m", script(bash("touch made"), "All right."))
    alloy.wait_for("say why not: ")
    alloy.send("not in this folder\n")
    code, screen = alloy.finish()
    assert code == 0
    assert "✗ bash: Denied: not in this folder\nAll right.\n" in screen
    assert not (tmp_path / "made").exists()


def test_a_question_is_asked_on_stderr_where_stdout_is_a_file(
    terminal: Callable[..., Terminal], script: Script, tmp_path: Path
) -> None:
    model = script(bash("echo looked"), "It said: looked.")
    with (tmp_path / "answer.txt").open("w") as file:
        alloy = terminal("-p", "go", "-t", "bash", "-m", model, stdout=file)
    alloy.wait_for("say why not: ")
    alloy.send("y\n")
    assert alloy.finish()[0] == 0
    assert (tmp_path / "answer.txt").read_text() == "It said: looked.\n"


def test_piped_stdin_is_context_and_answers_no_question(
    terminal: Callable[..., Terminal], script: Script, tmp_path: Path
) -> None:
    """The `y` in a pipe is data, not a person's word."""
    (tmp_path / "context.txt").write_text("y\n")
    script_of = script({**bash("touch made"), "on": "go\n\n<stdin>\ny\n</stdin>"}, "No.")
    with (tmp_path / "context.txt").open() as context:
        alloy = subprocess.run(
            [sys.executable, "-m", "alloy_nb", "-p", "go", "-t", "bash", "-m", script_of],
            stdin=context,
            env=environment(),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert "Denied: nobody could be asked" in alloy.stderr
    assert not (tmp_path / "made").exists()


def test_what_a_model_writes_cannot_steer_the_terminal(terminal: Callable[..., Terminal], script: Script) -> None:
    """Law 14: escape sequences are taken out, also when a chunk's end cuts them."""
    evil = {"chunks": ["a\x1b", "[2J\x1b]0;ow", "ned\x07b", "\r\x9b31m\u202ec"]}
    code, screen = terminal("-p", "go", "-m", script(evil)).finish()
    assert code == 0
    assert screen.startswith("ab\n31mc\n")


SLEEPS = bash("echo $$ > pid; sleep 600", "I will wait.")


def test_ctrl_c_ends_the_run_with_130_keeps_what_was_said_and_kills_the_command(
    terminal: Callable[..., Terminal], script: Script, tmp_path: Path
) -> None:
    """CLI-w1: no Ctrl-C interrupt of a turn."""
    alloy = terminal("-p", "go", "-t", "bash", "--approval", "auto", "-m", script(SLEEPS, "never"))
    pid = pid_of(tmp_path)
    alloy.send("\x03")
    code, screen = alloy.finish()
    assert code == 130
    assert "I will wait.\n" in screen
    assert "Traceback" not in screen
    assert process_is_gone(pid)


@pytest.mark.thorough
def test_ctrl_c_at_a_question_ends_the_run(terminal: Callable[..., Terminal], script: Script) -> None:
    alloy = terminal("-p", "go", "-t", "bash", "-m", script(bash("echo hi", "Let me."), "never"))
    alloy.wait_for("say why not: ")
    alloy.interrupt()
    code, screen = alloy.finish()
    assert code == 130
    assert "Let me.\n" in screen
    assert "Traceback" not in screen


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["int", "term", "hup"]
)
def test_a_signal_keeps_the_partial_answer_and_leaves_no_process(
    number: signal.Signals, code: int, script: Script, tmp_path: Path
) -> None:
    alloy = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "alloy_nb",
            "-p",
            "go",
            "-t",
            "bash",
            "--approval",
            "auto",
            "-m",
            script(SLEEPS, "never"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=tmp_path,
        text=True,
    )
    pid = pid_of(tmp_path)
    alloy.send_signal(number)
    out, err = alloy.communicate(timeout=LONGEST)
    assert (alloy.returncode, out) == (code, "I will wait.\n")
    assert "Traceback" not in err
    assert process_is_gone(pid)
