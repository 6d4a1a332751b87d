"""The conversation in a real terminal: what is typed and shown, commands, errors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from alloy_nb.commands import commands_of

from ..conftest import environment
from ..terminals import Terminal, bash
from .conftest import QUESTION, READY, leave, words

pytestmark = pytest.mark.thorough  # each starts a terminal, and waits for it

Talk = Callable[..., Terminal]
Script = Callable[..., str]


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


def test_what_fills_the_window_is_told(talk: Talk, script: Script) -> None:
    alloy = talk("-m", script("One."))
    alloy.send("Count\r")
    alloy.expect(READY)
    alloy.send("/context\r")
    told = words(alloy.expect(READY))
    assert "of 200,000 tokens" in " ".join(told.split())  # its line is folded where the path is long
    assert "what you said " in told
    assert "free " in told
    leave(alloy)


def test_the_opening_words_are_asked_first(talk: Talk, script: Script) -> None:
    """CLI-3: the words are the first message, and the conversation goes on."""
    alloy = talk("what", "is", "it", "-m", script({"text": "Forty-two.", "on": "what is it"}, "More."))
    assert "Forty-two." in alloy.screen
    alloy.send("and then?\r")
    assert "More." in alloy.expect(READY)


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


def test_what_a_run_failed_of_is_told_by_the_names_of_the_options(talk: Talk, script: Script) -> None:
    failure = {"error": {"type": "ProviderTimeout", "message": "silent", "retryable": False}}
    alloy = talk("-m", script(failure))
    alloy.send("go\r")
    assert "Hint: try again, or a faster model" in alloy.expect(READY)


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
    assert "script.jsonl (as you asked)" in " ".join(alloy.expect(READY).split())
    alloy.send("/model scripted:other.jsonl\r")
    assert "other.jsonl (by /model)" in " ".join(alloy.expect(READY).split())
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
    alloy.send("/approval auto\r")
    assert "approval: auto (every call is allowed" in alloy.expect(READY)
    alloy.send("/budget much\r")
    assert "give dollars, as in /budget 0.50" in words(alloy.expect(READY))
    alloy.send("/help\r")
    told = alloy.expect(READY)
    assert all(f"/{command.name}" in told for command in commands_of("terminal"))


def test_where_settings_come_from_is_told_and_so_is_what_the_line_has_set(
    talk: Talk, script: Script, tmp_path: Path
) -> None:
    """`--timeout 3` was not among them, nor where tools, approval and budget come from; the folder was `.`."""
    given = ("-t", "read", "--timeout", "3", "--thinking", "off", "--tool-choice", "none")
    alloy = talk("-m", script("One."), *given, columns=300)  # room for the folder, wherever the test runs
    alloy.send("/budget none\r")
    alloy.expect(READY)
    alloy.send("/config\r")
    told = alloy.expect(READY)
    rows = {
        name.strip(): " ".join(value.split()) for name, _, value in (row.partition(":") for row in told.split("\n"))
    }
    assert rows["tools"] == "read (by --tools)"
    assert rows["approval"] == "ask (by default)"
    assert rows["budget"] == "none (by /budget)"
    assert rows["max turns"] == "25 (by default)"
    assert (rows["timeout"], rows["thinking"], rows["tool choice"]) == ("3 s", "off", "none")
    assert rows["working directory"].startswith("/")
    leave(alloy)


def test_it_is_told_that_context_files_are_left_out(talk: Talk, script: Script, tmp_path: Path) -> None:
    """`--no-context` was told neither at the beginning nor by `/config`."""
    (tmp_path / "AGENTS.md").write_text("Be brief.")
    alloy = talk("-m", script("Here."), "--no-context")
    assert "without context files and skills (--no-context)" in alloy.screen
    alloy.send("/config\r")
    assert "(--no-context)" in alloy.expect(READY)
    leave(alloy)


def test_without_any_model_it_begins_all_the_same_and_says_the_way_on(talk: Talk) -> None:
    """CLI-6; a newcomer can /login from there."""
    alloy = talk()
    assert "Hint: " in alloy.screen
    assert "/login PROVIDER" in alloy.screen
    alloy.send("hello\r")
    told = alloy.expect(READY)
    assert "there is no model yet: /login PROVIDER" in told
    assert "Hint: " not in told  # it was a wall of text, at each question again
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


def test_tab_completes_commands_and_files(talk: Talk, script: Script, tmp_path: Path) -> None:
    (tmp_path / "report-of-march.txt").touch()
    alloy = talk("-m", script({"text": "Read.", "on": "Read report-of-march.txt"}))
    alloy.send("/hist\t\r")
    assert "There is no conversation yet." in alloy.expect(READY)
    alloy.send("Read report\t\r")
    assert "Read." in alloy.expect("tokens")


def test_json_belongs_to_one_answer(talk: Talk, script: Script) -> None:
    code, screen = talk("--json", "-m", script("never"), ready=False).finish()
    assert code == 2
    assert "--json prints one answer" in screen


def test_a_word_that_is_nearly_a_command_is_not_asked_of_a_model(talk: Talk, script: Script) -> None:
    code, screen = talk("docter", "-m", script("never"), ready=False).finish()
    assert code == 2
    assert "did you mean `alloy doctor`?" in screen


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


def test_in_a_narrow_terminal_words_stay_whole(talk: Talk, script: Script) -> None:
    """Hints, facts and lists broke in the middle of a word at 40 columns."""
    alloy = talk("-m", script(bash("seq 9"), "Done."), columns=40)
    shown = alloy.screen
    alloy.send("go\r")
    shown += alloy.expect(QUESTION).rpartition("\x1b[?2004h")[2]
    alloy.send("y\n")
    shown += alloy.expect(READY)
    alloy.send("/help\r")
    shown += alloy.expect(READY).rpartition("\x1b[?2004l")[2]
    alloy.send("/usage now\r")
    shown += alloy.expect(READY).rpartition("\x1b[?2004l")[2]
    lines = [line.rpartition("\r")[2] for line in words(shown).splitlines()]
    too_long = [line for line in lines if len(line) > 40 and len(line.split()) > 2]
    assert not too_long
    assert "  9" not in lines
    assert "  … 4 more lines" in lines


def test_a_reader_that_has_had_enough_ends_it(talk: Talk, script: Script) -> None:
    """The interrupt by which the run ended did not say why, and it went on, unseen."""
    reader, writer = os.pipe()
    alloy = talk("-m", script("One.", "Two."), ready=False, stdout=writer)
    os.close(writer)
    alloy.expect("> ")
    os.close(reader)
    alloy.send("go\n")
    assert alloy.finish()[0] == 141


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
    assert "skill review: 26 characters from " in " ".join(said.split())
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
