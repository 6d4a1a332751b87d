"""The conversation in a real terminal: what is typed, shown, asked, stopped and kept."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from ..conftest import Said, environment
from ..terminals import LONGEST, Terminal, bash, pid_of, process_is_gone
from .conftest import QUESTION, READY

pytestmark = pytest.mark.thorough  # each starts a terminal, and waits for it

Talk = Callable[..., Terminal]
Script = Callable[..., str]
Alloy = Callable[..., Said]


def words(screen: str) -> str:
    """Without what moves the cursor or paints."""
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", screen)


def leave(alloy: Terminal) -> str:
    """Ctrl-D; all that was shown."""
    alloy.send("\x04")
    code, screen = alloy.finish()
    assert code == 0
    assert "Traceback" not in screen
    return screen


def test_an_answer_is_set_as_markdown_and_followed_by_what_it_took(talk: Talk, script: Script) -> None:
    """CLI-10: after each answer its turns and tokens; CLI-4: it streams where a person reads."""
    alloy = talk("-m", script({"text": "Say **bold** and:\n\n- one\n- two\n", "on": "Hello"}))
    alloy.send("Hello\r")
    said = alloy.expect(READY)
    assert "Say \x1b[1mbold\x1b[0m and:" in said
    assert "**" not in said.partition("Say ")[2]
    assert "1 turn · 10 → 5 tokens" in said
    assert "Goodbye!" in leave(alloy)


def test_the_tokens_told_are_those_of_the_answer_and_usage_tells_all(talk: Talk, script: Script) -> None:
    """CLI-8, CLI-w1: the tokens shown were cumulative."""
    alloy = talk("-m", script("One.", "Two."))
    for _ in range(2):
        alloy.send("Count\r")
        assert "10 → 5 tokens" in alloy.expect(READY)
    alloy.send("/usage\r")
    used = alloy.expect(READY).replace(",", "")
    assert [line.split()[-1] for line in used.splitlines() if ": " in line][:5] == ["20", "10", "0", "0", "30"]


def test_the_opening_words_are_asked_first(talk: Talk, script: Script) -> None:
    """CLI-3: the words are the first message, and the conversation goes on."""
    alloy = talk("what", "is", "it", "-m", script({"text": "Forty-two.", "on": "what is it"}, "More."))
    assert "Forty-two." in alloy.screen
    alloy.send("and then?\r")
    assert "More." in alloy.expect(READY)


def test_a_call_is_asked_about_with_all_it_would_do_and_a_yes_lets_it_run(
    talk: Talk, script: Script, tmp_path: Path
) -> None:
    """CLI-w1: no tool display, no permission prompts."""
    alloy = talk("-m", script(bash("touch made; " + "true; " * 60 + "echo end", "I will."), "Made."))
    alloy.send("go\r")
    asked = alloy.expect(QUESTION)
    assert "I will.\n" in asked
    assert "echo end`" in asked
    assert not (tmp_path / "made").exists()
    alloy.send("y\n")
    said = alloy.expect(READY)
    assert "✓ bash touch made" in said
    assert "allowed once by you" in said
    assert "Made." in said
    assert (tmp_path / "made").exists()


def test_what_is_allowed_always_is_not_asked_again_in_this_conversation(talk: Talk, script: Script) -> None:
    alloy = talk("-m", script(bash("echo a"), "One.", bash("echo b"), "Two."))
    alloy.send("go\r")
    alloy.expect(QUESTION)
    alloy.send("t\n")
    alloy.expect(READY)
    alloy.send("go\r")
    said = alloy.expect(READY)
    assert "Two." in said
    assert QUESTION not in said


def test_words_at_a_question_are_the_reason_why_not(talk: Talk, script: Script, tmp_path: Path) -> None:
    alloy = talk("-m", script(bash("touch made"), "All right."))
    alloy.send("go\r")
    alloy.expect(QUESTION)
    alloy.send("not in this folder\n")
    assert "denied: not in this folder" in alloy.expect(READY)
    assert not (tmp_path / "made").exists()


def test_what_was_typed_before_a_question_is_no_answer_to_it(talk: Talk, script: Script, tmp_path: Path) -> None:
    """A `y` and Enter while an answer came would have allowed whatever came next."""
    os.mkfifo(tmp_path / "gate")
    alloy = talk("-m", script(bash("echo began; cat gate"), bash("touch made"), "Done."))
    alloy.send("go\r")
    alloy.expect(QUESTION)
    alloy.send("y\n")
    alloy.expect("● bash")
    alloy.send("y\n")
    alloy.expect("y\n")  # the terminal has it
    (tmp_path / "gate").write_text("open\n")
    alloy.expect("touch made")
    alloy.expect(QUESTION)
    alloy.send("n\n")
    assert "Done." in alloy.expect(READY)
    assert not (tmp_path / "made").exists()


SLOW = """
import asyncio
from alloy_nb.providers.base import TextDelta


class Slow:
    name, model, options, constrains_arguments, output_forms = "slow", "slow", frozenset(), False, None

    def __init__(self):
        self.asked = 0

    async def stream(self, request):
        self.asked += 1
        yield TextDelta("Half an answer.\\n\\n" if self.asked == 1 else "A whole one.")
        if self.asked == 1:
            await asyncio.Event().wait()
        from alloy_nb.providers.base import Done
        yield Done("end_turn")

    complete = models = None


def make(model):
    return Slow()
"""


@pytest.fixture
def slow(tmp_path: Path) -> dict[str, str]:
    """An environment with a model that begins its first answer and never ends it."""
    facts = tmp_path / "site" / "slow_model-1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-model\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[alloy_nb.providers]\nslow = slow_model:make\n")
    (tmp_path / "site" / "slow_model.py").write_text(SLOW)
    return {"PYTHONPATH": f"{environment()['PYTHONPATH']}{os.pathsep}{tmp_path / 'site'}"}


def test_ctrl_c_stops_the_answer_keeps_what_was_said_and_the_conversation_goes_on(
    talk: Talk, slow: dict[str, str]
) -> None:
    """CLI-w1: no Ctrl-C interrupt of a turn."""
    alloy = talk("-m", "slow:slow", env=slow)
    alloy.send("go\r")
    alloy.expect("Half an answer.\n")
    alloy.send("\x03")
    assert "stopped; what was said so far is kept" in alloy.expect(READY)
    alloy.send("again\r")
    assert "A whole one." in alloy.expect(READY)
    alloy.send("/history\r")
    assert "assistant: Half an answer." in alloy.expect(READY)
    leave(alloy)


def test_ctrl_c_in_a_tool_kills_its_children_and_the_conversation_goes_on(
    talk: Talk, script: Script, tmp_path: Path
) -> None:
    alloy = talk("--approval", "auto", "-m", script(bash("echo $$ > pid; sleep 600"), "Here I am."))
    alloy.send("go\r")
    pid = pid_of(tmp_path)
    for _ in range(3):  # a person who does not wait to see what the first one does
        alloy.send("\x03")
    alloy.expect(READY)
    assert process_is_gone(pid)
    alloy.send("are you there?\r")
    alloy.expect("Here I am.")
    alloy.expect(READY)
    leave(alloy)


def ask_until_answered(alloy: Terminal) -> None:
    """Whatever still stands on the line is asked of nobody; what was begun meanwhile is stopped."""
    end = time.monotonic() + LONGEST
    answered = alloy.screen.count("Yes, I am.")
    while alloy.screen.count("Yes, I am.") == answered:
        alloy.send("\x15alive?\r")
        alloy.look(2.0, "Yes, I am.")
        assert alloy.process.poll() is None, alloy.screen[-2000:]
        assert time.monotonic() < end, alloy.screen[-2000:]
        if alloy.screen.count("Yes, I am.") == answered:
            alloy.send("\x03")


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(3))
def test_however_often_and_whenever_ctrl_c_is_pressed_the_conversation_goes_on(
    seed: int, talk: Talk, script: Script
) -> None:
    """The second one fell between an answer and the next prompt, and ended all."""
    chance = random.Random(seed)
    waits = [bash("sleep 60", "Wait.")] * 40
    alloy = talk("--approval", "auto", "-m", script({"on": "alive?", "text": "Yes, I am."}, *waits))
    for _ in range(10):
        alloy.send("go\r")
        alloy.look(chance.random() * 0.3)
        for _ in range(chance.randint(1, 6)):
            alloy.send("\x03")
            alloy.look(chance.random() * 0.05)
        ask_until_answered(alloy)
    place = alloy.screen.find("Traceback")
    assert place < 0, alloy.screen[max(0, place - 500) : place + 3000]


def test_ctrl_c_at_a_question_ends_the_answer_alone(talk: Talk, script: Script) -> None:
    alloy = talk("-m", script({"text": "Yes, I am.", "on": "alive?"}, bash("touch made")))
    alloy.send("go\r")
    alloy.expect(QUESTION)
    while READY not in alloy.screen[alloy.screen.rindex(QUESTION) :]:
        alloy.send("\x03")
        alloy.look(1.0, READY)
    ask_until_answered(alloy)


def test_ctrl_c_at_an_empty_prompt_says_how_to_leave(talk: Talk, script: Script) -> None:
    alloy = talk("-m", script("Here I am."))
    alloy.send("\x03")
    assert "Ctrl-D or /exit leaves" in alloy.expect(READY)
    alloy.send("are you there?\r")
    assert "Here I am." in alloy.expect(READY)


@pytest.mark.parametrize("word", ["exit", "quit", "bye", "q", "/exit", "/quit", "Exit "])
def test_words_that_leave(word: str, talk: Talk, script: Script) -> None:
    """CLI-7: exit, quit, bye, q; a blank line is no question."""
    alloy = talk("-m", script("never"))
    alloy.send("  \r")
    alloy.expect(READY)
    alloy.send(f"{word}\r")
    code, screen = alloy.finish()
    assert (code, "Goodbye!" in screen, "never" in screen) == (0, True, False)


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("\x1b[200~one\r\n  two\nthree\x1b[201~\r", "one\n  two\nthree"),
        ("one\rtwo\rthree\r", "one\ntwo\nthree"),
        ("one\x1b\rtwo\r", "one\ntwo"),
    ],
    ids=["bracketed", "typed at once", "Alt-Enter"],
)
def test_lines_that_belong_together_are_one_question(typed: str, asked: str, talk: Talk, script: Script) -> None:
    """CLI-7: a paste of several lines is one message."""
    alloy = talk("-m", script({"text": "As one.", "on": asked}))
    alloy.send(typed)
    said = alloy.expect("tokens")
    assert "As one." in said
    alloy.expect(READY)


def test_a_terminal_that_only_knows_lines_gets_nothing_else(talk: Talk, script: Script) -> None:
    """CLI-7: a paste is one message there, too; no escape sequence is written."""
    alloy = talk("-m", script({"text": "As **one**.", "on": "one\ntwo"}), dumb=True)
    alloy.send("one\ntwo\n")
    alloy.expect("As **one**.\n")
    alloy.expect("> ")
    alloy.send("\x03")
    alloy.expect("Ctrl-D or /exit leaves")
    assert "\x1b" not in leave(alloy)


def test_without_colour_nothing_is_coloured(talk: Talk, script: Script) -> None:
    alloy = talk("-m", script(bash("true", "A `word`.\n"), "End."), "--approval", "auto", env={"NO_COLOR": "1"})
    alloy.send("go\r")
    said = alloy.expect("End.")
    assert "A word." in said
    assert not any(f"\x1b[{code}m" in said for code in range(30, 38))
    assert "\x1b[36" not in said


def test_an_answer_into_a_file_is_the_words_as_they_are(talk: Talk, script: Script, tmp_path: Path) -> None:
    with (tmp_path / "out.txt").open("w") as file:
        alloy = talk("-m", script("As **it** is."), dumb=False, ready=False, stdout=file)
    alloy.expect("> ")
    alloy.send("go\n")
    alloy.expect("> ")
    alloy.send("\x04")
    assert alloy.finish()[0] == 0
    assert (tmp_path / "out.txt").read_text().startswith("As **it** is.\n\n── ")


def test_no_stream_shows_the_answer_when_it_is_whole(talk: Talk, script: Script) -> None:
    alloy = talk("-m", script({"chunks": ["One ", "two ", "three."]}), "--no-stream")
    alloy.send("go\r")
    said = alloy.expect(READY)
    assert "One two three.\n" in said
    assert said.count("One") == 1


def test_errors_do_not_end_the_conversation(talk: Talk, script: Script) -> None:
    """CLI-10: a failed answer, an unknown command, a wrong model: each is told, and the next question is answered."""
    alloy = talk("-m", script({"error": {"type": "BadRequestError", "message": "no"}}, "Here I am."))
    alloy.send("go\r")
    assert "BadRequestError: no" in alloy.expect(READY)
    for typed, told in (
        ("/histry", "did you mean /history?"),
        ("/model opnai", "did you mean"),
        ("/tools raed", "did you mean 'read'?"),
        ("/resume nobody", "no conversation 'nobody' is stored"),
        ("/models acme", "unknown provider `acme`"),
    ):
        alloy.send(f"{typed}\r")
        assert told in alloy.expect(READY)
    alloy.send("are you there?\r")
    assert "Here I am." in alloy.expect(READY)
    leave(alloy)


def test_another_model_answers_from_now_on(talk: Talk, script: Script, tmp_path: Path) -> None:
    """CLI-8: /model shows the model, and takes another one when its provider and key are there."""
    (tmp_path / "other.jsonl").write_text('{"text": "I am the other one."}\n')
    alloy = talk("-m", script("I am the first."))
    alloy.send("go\r")
    alloy.expect(READY)
    alloy.send("/model openai\r")
    assert "OPENAI_API_KEY" in alloy.expect(READY)
    alloy.send("/model\r")
    assert "script.jsonl (as you asked)" in alloy.expect(READY)
    alloy.send("/model scripted:other.jsonl\r")
    assert "other.jsonl (as you asked)" in alloy.expect(READY)
    alloy.send("go\r")
    assert "I am the other one." in alloy.expect(READY)
    alloy.send("/history\r")
    assert alloy.expect(READY).count("user: go") == 2


def test_a_question_is_taken_back_asked_again_and_forgotten(talk: Talk, script: Script) -> None:
    """CLI-8: /undo, /retry, /reset."""
    alloy = talk("-m", script({"text": "One.", "on": "first"}, "Two.", "Three."))
    for typed, told in (
        ("first", "One."),
        ("second", "Two."),
        ("/retry", "Three."),
        ("/undo", "Taken back, with all that came of it: user: second"),
        ("/history", "assistant: One."),
        ("/reset", "The conversation starts over."),
        ("/undo", "There is nothing to take back."),
        ("/retry", "there is no question to ask again"),
        ("/history", "There is no conversation yet."),
    ):
        alloy.send(f"{typed}\r")
        assert told in alloy.expect(READY)


def test_what_is_set_is_told_and_tools_are_changed(talk: Talk, script: Script) -> None:
    alloy = talk("-m", script("One.", "never"), "-t", "read")
    assert "tools: read" in alloy.screen
    alloy.send("/tools bash, read\r")
    assert "tools: bash, read\n" in alloy.expect(READY)
    alloy.send("/config\r")
    told = alloy.expect(READY)
    assert "approval:" in told
    assert "not stored" in told
    alloy.send("/tools none\r")
    assert "tools: none\n" in alloy.expect(READY)
    alloy.send("/help\r")
    assert "/sessions" in alloy.expect(READY)


def test_without_any_model_it_begins_all_the_same_and_says_the_way_on(talk: Talk) -> None:
    """CLI-6; a newcomer can /login from there."""
    alloy = talk()
    assert "Hint: " in alloy.screen
    alloy.send("hello\r")
    assert "Error: " in alloy.expect(READY)
    assert "/login PROVIDER" in alloy.screen
    alloy.send("/doctor\r")
    assert "next: " in alloy.expect(READY)
    alloy.send("/login openai\r")
    alloy.expect("(it is not shown): ")
    alloy.send("\x03")
    assert "\ninterrupted: no key for openai was stored" in words(alloy.expect(READY))
    leave(alloy)


def test_a_model_that_cannot_be_had_is_wrong_usage(talk: Talk) -> None:
    """CLI-6: an unknown provider ends it before it begins."""
    code, screen = talk("-m", "opnai:gpt", ready=False).finish()
    assert code == 2
    assert "Error: " in screen


def test_a_conversation_goes_on_by_its_name(talk: Talk, script: Script, alloy: Alloy, data: Path) -> None:
    """CLI-w1: no session save and resume."""
    first = talk("--session", "fox", "-m", script("Hello, Ann."))
    first.send("I am Ann.\r")
    first.expect(READY)
    assert "alloy --session fox" in leave(first)
    second = talk("--session", "fox", "-m", script("You are Ann."))
    assert "session fox: 2 messages" in second.screen
    assert "user: I am Ann." in second.screen
    second.send("Who am I?\r")
    second.expect(READY)
    second.send("/history\r")
    told = second.expect(READY).rpartition("\x1b[?2004l")[2]
    assert [line[:20] for line in told.splitlines() if ": " in line] == [
        "user: I am Ann.",
        "assistant: Hello, An",
        "user: Who am I?",
        "assistant: You are A",
    ]
    leave(second)


def test_what_was_not_stored_is_saved_and_resumed(talk: Talk, script: Script) -> None:
    first = talk("-m", script("Hello, Ann.", "Again."))
    first.send("I am Ann.\r")
    first.expect(READY)
    first.send("/save fox\r")
    assert "Stored as fox" in first.expect(READY)
    first.send("And now?\r")
    first.expect(READY)
    leave(first)
    second = talk("-m", script("You are Ann."))
    second.send("/sessions\r")
    assert "  fox\n" in second.expect(READY)
    second.send("/resume\r")
    assert "session fox: 4 messages" in second.expect(READY)
    second.send("/save fox\r")
    assert "It is stored as fox" in second.expect(READY)
    leave(second)


def test_what_was_typed_is_kept_privately_and_no_key_in_it(talk: Talk, script: Script, data: Path) -> None:
    alloy = talk("-m", script("One."))
    for typed in ("the key is sk-ant-canary0123456789abcdef", "/login openai canary-in-the-wrong-place"):
        alloy.send(f"{typed}\r")
        alloy.expect(READY)
    leave(alloy)
    kept = (data / "history").read_text()
    assert "the key is [redacted]" in kept
    assert "canary" not in kept
    assert (data / "history").stat().st_mode & 0o777 == 0o600


def test_tab_completes_commands_and_files(talk: Talk, script: Script, tmp_path: Path) -> None:
    (tmp_path / "report-of-march.txt").touch()
    alloy = talk("-m", script({"text": "Read.", "on": "Read report-of-march.txt"}))
    alloy.send("/hist\t\r")
    assert "There is no conversation yet." in alloy.expect(READY)
    alloy.send("Read report\t\r")
    assert "Read." in alloy.expect("tokens")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["term", "hup"])
def test_a_signal_ends_it_and_leaves_the_terminal_as_it_was(number: signal.Signals, talk: Talk, script: Script) -> None:
    alloy = talk("-m", script("never"))
    assert not alloy.echoes
    alloy.process.send_signal(number)
    assert alloy.process.wait(LONGEST) == 128 + number
    assert alloy.echoes


def test_json_belongs_to_one_answer(talk: Talk, script: Script) -> None:
    code, screen = talk("--json", "-m", script("never"), ready=False).finish()
    assert code == 2
    assert "--json prints one answer" in screen


def test_a_word_that_is_nearly_a_command_is_not_asked_of_a_model(talk: Talk, script: Script) -> None:
    code, screen = talk("docter", "-m", script("never"), ready=False).finish()
    assert code == 2
    assert "did you mean `alloy doctor`?" in screen


def test_a_one_shot_answer_is_stored_by_its_name_too(alloy: Alloy, script: Script, data: Path, monkeypatch) -> None:
    monkeypatch.setenv("ALLOY_DATA_DIR", str(data))
    assert alloy("-p", "I am Ann.", "--session", "fox", "-m", script("Hello, Ann.")).code == 0
    model = script({"text": "Ann.", "on": "Who am I?"})
    assert alloy("-p", "Who am I?", "--session", "fox", "-m", model).out == "Ann.\n"
    stored = json.loads(alloy("sessions", "export", "fox").out)
    assert [message["role"] for message in stored["messages"]] == ["user", "assistant"] * 2


def test_starting_a_one_shot_brings_in_nothing_of_the_conversation(tmp_path: Path) -> None:
    (tmp_path / "script.jsonl").write_text('{"text": "yes"}\n')
    code = """
import sys
from alloy_nb.cli.main import main
assert main(["-p", "go", "-m", "scripted:script.jsonl"]) == 0
assert not {"prompt_toolkit", "rich", "pygments"} & set(sys.modules)
"""
    subprocess.run(
        [sys.executable, "-c", code], env=environment(), stdin=subprocess.DEVNULL, cwd=tmp_path, check=True, timeout=60
    )


def test_a_skill_is_asked_by_its_name(talk: Talk, script: Script, tmp_path: Path) -> None:
    """CLI-9: startup lists skills; `/NAME text` expands one and sends it, a command's own name comes first, an unknown
    one is an error that lists them. CLI-4: context files are on by default."""
    skills = tmp_path / ".alloy" / "skills"
    skills.mkdir(parents=True)
    (skills / "review.md").write_text("---\ndescription: Looks hard\n---\nReview {{input}} with care.")
    (skills / "help.md").write_text("Help me with {{input}}.")
    (tmp_path / "AGENTS.md").write_text("Use tabs.")
    answers = [
        {"text": "All is well.", "on": "Review setup.py with care."},
        {"text": "Here I am.", "on": "Help me with this."},
    ]
    alloy = talk("-m", script(*answers))
    assert "with AGENTS.md: 9 characters · skills: help, review" in words(alloy.screen)
    alloy.send("/review setup.py\r")
    said = words(alloy.expect(READY))
    assert "skill review: 26 characters from " in said
    assert "All is well." in said
    assert "with care" not in said
    alloy.send("/help\r")
    assert "/review [TEXT]" in alloy.expect(READY)
    alloy.send("/skill help this\r")
    assert "Here I am." in alloy.expect(READY)
    alloy.send("/skills\r")
    assert "/review: Looks hard" in alloy.expect(READY)
    alloy.send("/revew x\r")
    assert "did you mean /review?" in alloy.expect(READY)
    leave(alloy)


def test_without_context_there_are_no_skills_and_a_change_is_told(talk: Talk, script: Script, tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("Use tabs.")
    alloy = talk("-m", script("One.", "Two.", "Three."))
    alloy.send("1\r")
    assert "with AGENTS.md" not in words(alloy.expect(READY))
    (tmp_path / "AGENTS.md").write_text("Use blanks.")
    alloy.send("2\r")
    assert "with AGENTS.md: 11 characters" in words(alloy.expect(READY))
    (tmp_path / "AGENTS.md").unlink()
    alloy.send("3\r")
    assert "without context files" in words(alloy.expect(READY))
    leave(alloy)
    (tmp_path / "AGENTS.md").write_text("Use tabs.")
    alloy = talk("-m", script("One."), "--no-context")
    assert "AGENTS.md" not in words(alloy.screen)
    leave(alloy)
