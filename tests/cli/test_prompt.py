"""`alloy -p`: one question, one answer on stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alloy_nb.cli.prompt import compose
from alloy_nb.errors import ConfigError
from alloy_nb.redaction import register_secret

from .conftest import Said, alloy_process, environment

Alloy = Callable[..., Said]
Script = Callable[..., str]

LOOKS = {"text": "I will look.", "tool_calls": [{"name": "bash", "input": {"command": "echo looked"}}]}


def test_the_answer_goes_to_stdout_and_nothing_else(alloy: Alloy, script: Script) -> None:
    """CLI-5, CLI-w1: -p printed decoration on stdout."""
    said = alloy("-p", "Hello", "-m", script({"text": "Good morning", "on": "Hello"}))
    assert said == Said(0, "Good morning\n", "")


@pytest.mark.parametrize("engine", [True, False])
def test_without_a_model_the_next_step_is_told_in_words_for_a_shell(
    engine: bool, alloy: Alloy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was seven lines in Python's terms, and said to install what was there."""
    import importlib.util

    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: engine or None)
    said = alloy("-p", "Hello")
    first, second = said.err.splitlines()
    assert (said.code, said.out, first) == (2, "", "Error: no model is named, and none is found")
    assert second.startswith(f"Hint: `alloy {'local pull smollm2' if engine else 'login PROVIDER'}`")
    assert second.endswith("`alloy doctor` shows all ways")
    assert ("pip install" in second) is not engine
    assert len(second) < 250


def test_words_are_the_prompt(alloy: Alloy, script: Script) -> None:
    """CLI-3: positional words joined are the prompt."""
    model = script({"text": "42", "on": "what is it"})
    assert alloy("-p", "what", "-m", model, "is", "it").out == "42\n"


def test_alloys_own_name_for_a_single_question_is_taken(alloy: Alloy, script: Script) -> None:
    """CLI-1: `--programmatic`, before and behind the words."""
    model = script(*[{"text": "42", "on": "what is it"}] * 2)
    assert alloy("--programmatic", "what is it", "-m", model).out == "42\n"
    assert alloy("-m", model, "what", "is", "it", "--programmatic").out == "42\n"
    assert "programmatic" not in alloy("--help").out + alloy("completion", "bash").out


def test_stdin_goes_along_marked_as_such(alloy: Alloy, script: Script) -> None:
    model = script({"text": "fine", "on": "Review it\n\n<stdin>\n+ x = 1\n</stdin>"})
    assert alloy("-p", "Review it", "-m", model, stdin="+ x = 1\n").out == "fine\n"


def test_stdin_alone_is_the_prompt(alloy: Alloy, script: Script) -> None:
    for dash in ([], ["-"]):
        said = alloy("-p", *dash, "-m", script({"text": "fine", "on": "Hello"}), stdin="Hello\n")
        assert said.out == "fine\n"


def test_an_empty_prompt_is_wrong_usage(alloy: Alloy, script: Script) -> None:
    """CLI-5: an empty prompt shows the usage."""
    said = alloy("-p", "  ", "-m", script("never"), stdin="\n")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Error: the prompt is empty\nHint: ask something")


def test_stdin_that_is_no_text_is_read_as_far_as_it_is(script: Script, tmp_path: Path) -> None:
    model = script({"text": "fine", "on": "what\n\n<stdin>\na\ufffdb\n</stdin>"})
    said = subprocess.run(
        [sys.executable, "-m", "alloy_nb", "-p", "what", "-m", model],
        input=b"a\xffb",
        capture_output=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert (said.returncode, said.stdout) == (0, b"fine\n")


def test_too_much_on_stdin_is_refused(alloy: Alloy, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloy_nb.cli.prompt._LARGEST_INPUT", 10)
    said = alloy("-p", "what", "-m", script("never"), stdin="x" * 11)
    assert said.code == 2
    assert "more than 10 MB" in said.err


def test_a_question_without_words_or_stdin_is_refused() -> None:
    with pytest.raises(ConfigError):
        compose("", "")


def test_only_the_last_answer_is_piped_on(alloy: Alloy, script: Script) -> None:
    said = alloy("-p", "go", "-t", "bash", "--approval", "auto", "-m", script(LOOKS, "It said: looked."))
    assert said == Said(0, "It said: looked.\n", "› bash echo looked\n")


def test_without_a_person_a_call_is_denied_and_the_reason_is_on_stderr(alloy: Alloy, script: Script) -> None:
    """CLI-w1: no permission prompts."""
    command = {"command": "touch made"}
    model = script({"tool_calls": [{"name": "bash", "input": command}]}, "I was not allowed to.")
    said = alloy("-p", "go", "-t", "bash", "-m", model)
    assert (said.code, said.out) == (0, "I was not allowed to.\n")
    assert "✗ bash: Denied: nobody could be asked" in said.err
    assert "--approval auto" in said.err
    assert not Path("made").exists()


def test_approval_deny_denies_even_in_a_terminal(alloy: Alloy, script: Script) -> None:
    said = alloy("-p", "go", "-t", "bash", "--approval", "deny", "-m", script(LOOKS, "No."))
    assert "Denied: the approval policy is 'deny'" in said.err


def test_no_tools_by_default_and_none_for_an_empty_list(alloy: Alloy, script: Script) -> None:
    """CLI-1: `--tools ""` is none."""
    said = alloy("-p", "go", "-t", "", "-m", script(LOOKS, "There is none."))
    assert "✗ bash: Unknown tool: bash" in said.err


def test_an_unknown_tool_is_named_with_the_nearest(alloy: Alloy, script: Script) -> None:
    """CLI-6: an unknown tool is told with the choices."""
    said = alloy("-p", "go", "-t", "raed", "-m", script("never"))
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == ["Error: --tools: there is no built-in tool `raed`", "Hint: did you mean 'read'?"]


def test_tools_work_in_dir(alloy: Alloy, script: Script, tmp_path: Path) -> None:
    """CLI-1: --dir."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "note.txt").write_text("the number is 4711")
    read = {"tool_calls": [{"name": "read", "input": {"file_path": "note.txt"}}]}
    said = alloy("-p", "go", "--dir", "inner", "-t", "read", "--json", "-m", script(read, "done"))
    assert "4711" in json.loads(said.out)["tool_calls"][0]["output"]


def test_a_folder_that_is_none_is_wrong_usage(alloy: Alloy, script: Script) -> None:
    said = alloy("-p", "go", "--dir", "nowhere", "-m", script("never"))
    assert said.code == 2
    assert "is no folder" in said.err


def test_json_is_the_whole_result_and_nothing_else(alloy: Alloy, script: Script) -> None:
    model = script(LOOKS, {"text": "It said: \x1b[31mlooked ö."})
    said = alloy("-p", "go", "-t", "bash", "--approval", "auto", "--json", "-m", model)
    assert said.code == 0
    assert said.out.isascii()
    assert said.out.count("\n") == 1
    told = json.loads(said.out)
    assert told["text"] == "It said: \x1b[31mlooked ö."
    assert (told["status"], told["turns"], told["error"]) == ("completed", 2, None)
    assert told["usage"]["input_tokens"] == 20
    assert told["model"].endswith("script.jsonl")
    assert told["run_id"].startswith("run-")
    (call,) = told["tool_calls"]
    assert (call["name"], call["input"]) == ("bash", {"command": "echo looked"})
    assert "looked" in call["output"]


FAILS = {
    "text": "The first half",
    "error": {"type": "ServerError", "message": "it broke", "hint": "try later", "retryable": False},
}


def test_a_failed_run_keeps_what_came_and_says_why_in_two_lines(alloy: Alloy, script: Script) -> None:
    """CLI-5: an agent's error is exit code 1."""
    said = alloy("-p", "go", "-m", script(FAILS))
    assert said == Said(1, "The first half\n", "Error: it broke\nHint: try later\n")


def test_json_of_a_failed_run_says_what_failed(alloy: Alloy, script: Script) -> None:
    said = alloy("-p", "go", "--json", "-m", script(FAILS))
    told = json.loads(said.out)
    assert (said.code, told["status"]) == (1, "error")
    assert told["error"] == {"type": "ServerError", "message": "it broke", "hint": "try later"}


def test_running_out_of_turns_is_a_failure(alloy: Alloy, script: Script) -> None:
    said = alloy("-p", "go", "--max-turns", "1", "-t", "bash", "--approval", "auto", "-m", script(LOOKS))
    assert said.code == 1
    assert "stopped after 1 turn without" in said.err


def test_an_answer_without_text_is_said(alloy: Alloy, script: Script) -> None:
    """CLI-5: "(no text response)", on stderr."""
    assert alloy("-p", "go", "-m", script({"text": ""})) == Said(0, "", "the model gave no text\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-m", "nobody:model"], "unknown provider 'nobody'"),
        (["--provider", "nobody"], "unknown provider 'nobody'"),
        (["-m", "openai:gpt-5.2"], "no key for openai"),
        (["--provider", "openai"], "no key for openai"),
        (["-m", "scripted:nowhere.jsonl"], "nowhere.jsonl"),
        (["-m", "scripted:x.jsonl", "--tool-choice", "read"], "--tool-choice"),
        (["-m", "scripted:x.jsonl", "--max-turns", "-1"], "--max-turns"),
    ],
)
def test_what_cannot_begin_is_exit_code_2(arguments: list[str], message: str, alloy: Alloy, tmp_path: Path) -> None:
    """CLI-6: unknown provider, missing key: two lines, never a traceback."""
    (tmp_path / "x.jsonl").write_text('{"text": "never"}\n')
    said = alloy("-p", "go", *arguments)
    assert (said.code, said.out) == (2, "")
    first, second = said.err.splitlines()
    assert first.startswith("Error: ")
    assert message in first
    assert second.startswith("Hint: ")


def test_a_bug_is_told_without_a_traceback(alloy: Alloy, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloy_nb.cli.prompt.show_run", lambda *_args, **_options: 1 // 0)
    said = alloy("-p", "go", "-m", script("never"))
    assert said.code == 1
    assert said.err.splitlines()[0] == "Error: ZeroDivisionError: integer division or modulo by zero"
    assert len(said.err.splitlines()) == 2


def test_law_14_keys_are_in_no_output(alloy: Alloy, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 14: neither in an answer, a tool's line, an error nor the JSON form."""
    canary = "sk-canary0123456789abcdef"
    monkeypatch.setenv("OPENAI_API_KEY", canary)
    looks = {"tool_calls": [{"name": "bash", "input": {"command": f"echo {canary}"}}]}
    fails = {"text": f"it is {canary}", "error": {"message": f"bad key {canary}", "hint": f"not {canary}"}}
    for arguments in (["--json"], []):
        said = alloy("-p", "go", "-t", "bash", "--approval", "auto", *arguments, "-m", script(looks, fails))
        assert said.code == 1
        assert canary not in said.out + said.err
        assert "[redacted]" in said.out


def test_options_reach_the_run(alloy: Alloy, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLI-1: each flag is an option of the run."""
    taken: dict[str, Any] = {}
    path = script("never").removeprefix("scripted:")
    monkeypatch.setattr("alloy_nb.runs.run", lambda prompt, **options: taken.update(options) or _raise())
    alloy(
        *("-p", "go", "--provider", "scripted", "-m", path, "-s", "Be brief", "--max-turns", "3"),
        *("--timeout", "1.5", "--tool-choice", "required", "--no-stream", "--approval", "deny", "--dir", "d"),
        *("--thinking", "2000", "--fallback", f"scripted:{path}, ollama:m"),
        *("--temperature", "0.2", "--budget", "$0.50"),
    )
    wanted = {
        "system_prompt": "Be brief",
        "max_turns": 3,
        "timeout": 1.5,
        "tool_choice": "required",
        "stream": False,
        "approval": "deny",
        "working_directory": "d",
        "thinking": 2000,
        "temperature": 0.2,
    }
    assert taken["budget"].limits == {"usd": 0.5}
    assert wanted.items() <= taken.items()
    assert (taken["model"].name, taken["model"].model) == ("scripted", path)
    assert [model.name for model in taken["fallback"]] == ["scripted", "ollama"]


def test_another_model_answers_when_the_first_one_fails(alloy: Alloy, script: Script, tmp_path: Path) -> None:
    failing = script({"error": {"type": "RateLimitError", "message": "spent", "retryable": False}})
    other = tmp_path / "other.jsonl"
    other.write_text('"Good morning"\n')
    said = alloy("-p", "Hello", "-m", failing, "--fallback", f"scripted:{other}", "--json")
    assert said.code == 0
    assert "going on with scripted:" in said.err
    told = json.loads(said.out)
    assert (told["text"], told["model"]) == ("Good morning", str(other))


@pytest.mark.parametrize(
    ("given", "error", "hint"),
    [
        ("--thinking hihg", "--thinking is `hihg`", "did you mean --thinking high?"),
        (
            "--thinking nope",
            "--thinking is `nope`",
            "give on, off, none, minimal, low, medium, high, xhigh, max or a number of tokens",
        ),
        (
            "--thinking=-3",
            "--thinking is `-3`",
            "give on, off, none, minimal, low, medium, high, xhigh, max or a number of tokens",
        ),
        ("--timeout nope", "--timeout is `nope`", "give seconds, as in --timeout 60; leave it out for no limit"),
        ("--timeout=-3", "--timeout is `-3`", "give seconds, as in --timeout 60; leave it out for no limit"),
        ("--timeout nan", "--timeout is `nan`", "give seconds, as in --timeout 60; leave it out for no limit"),
        ("--budget much", "--budget is 'much'", "give dollars, as in --budget 0.50; leave it out for no limit"),
        ("--budget=-1", "--budget is '-1'", "give dollars, as in --budget 0.50; leave it out for no limit"),
        ("--temperature hot", "--temperature is `hot`", "give a number, 0 for the most likely words"),
        ("--temperature inf", "--temperature is `inf`", "give a number, 0 for the most likely words"),
        ("--max-turns few", "--max-turns is `few`", "give a whole number, 1 or more, as in --max-turns 25"),
        ("--max-turns 0", "--max-turns is `0`", "give a whole number, 1 or more, as in --max-turns 25"),
        ("--max-turns=-1", "--max-turns is `-1`", "give a whole number, 1 or more, as in --max-turns 25"),
        ("--approval aks", "--approval is `aks`", "did you mean --approval ask?"),
        ("--approval yes", "--approval is `yes`", "give ask, auto or deny"),
        ("--session=", "--session is empty", "give a name, as in --session my-analysis"),
    ],
)
def test_a_wrong_value_is_wrong_usage_told_in_the_words_of_a_shell(
    alloy: Alloy, script: Script, given: str, error: str, hint: str
) -> None:
    """They were told as in Python: quotes, None, `session='my-analysis'`."""
    said = alloy("-p", "Hello", "-m", script("never"), *given.split())
    assert said.code == 2
    assert said.err.splitlines() == [f"Error: {error}", f"Hint: {hint}"]


def test_an_errors_hint_is_told_once(alloy: Alloy, script: Script) -> None:
    said = alloy("-p", "Hello", "-m", script(FAILS))
    assert said.err.count("try later") == 1


@pytest.mark.parametrize("kind", ["ProviderError", "OverloadedError"])
def test_of_a_service_that_is_overloaded_it_says_to_try_again(kind: str, alloy: Alloy, script: Script) -> None:
    """It sent to `alloy doctor`, which knows nothing of it."""
    said = alloy("-p", "Hello", "-m", script({"error": {"type": kind, "message": "overloaded", "retryable": False}}))
    assert (said.code, said.err.splitlines()[0]) == (1, "Error: overloaded")
    assert "try again" in said.err
    assert "doctor" not in said.err


def _raise() -> None:
    raise ConfigError("enough")


def test_what_a_tool_prints_does_not_reach_stdout(
    alloy: Alloy, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alloy_nb.tools.read import Read

    monkeypatch.setattr(Read, "approval_reason", lambda *_: print("chatter"))
    read = {"tool_calls": [{"name": "read", "input": {"file_path": "x"}}]}
    said = alloy("-p", "go", "-t", "read", "-m", script(read, "done"))
    assert said.out == "done\n"
    assert "chatter" in said.err


# -- as a process -----------------------------------------------------------------------------------------------------


def test_a_reader_that_has_had_enough_is_no_error(script: Script) -> None:
    """``| head -1`` ends it quietly."""
    long = {"text": "\n".join(f"line {number}" for number in range(200_000)), "chunks": 1}
    command = f"{sys.executable} -m alloy_nb -p go -m {script(long)} < /dev/null | head -1"
    said = subprocess.run(
        ["bash", "-c", command + "; echo ${PIPESTATUS[0]}"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.stdout == "line 0\n141\n"
    assert said.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_answer_that_cannot_be_written_is_an_error(script: Script) -> None:
    with open("/dev/full", "w") as full:
        said = subprocess.run(
            [sys.executable, "-m", "alloy_nb", "-p", "go", "-m", script("an answer")],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert said.returncode == 1
    assert said.stderr.startswith("Error: the output could not be written: No space left on device\nHint: ")
    assert len(said.stderr.splitlines()) == 2


def test_an_encoding_that_lacks_a_character_ends_nothing(script: Script) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "alloy_nb", "-p", "go", "-m", script("10 € → ö")],
        env=environment(PYTHONIOENCODING="latin-1", PYTHONUTF8="0"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (said.returncode, said.stdout) == (0, "10 ? -> ö\n".encode("latin-1"))


def test_without_stdin_and_stdout_it_still_runs(script: Script) -> None:
    command = f"{sys.executable} -m alloy_nb -p go -m {script('an answer')} <&- >&-"
    said = subprocess.run(
        ["bash", "-c", command], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert (said.returncode, said.stderr) == (0, "")


def test_the_process_says_what_main_says(script: Script) -> None:
    said = alloy_process("-p", "go", "-m", script("an answer"), input="some context")
    assert (said.returncode, said.stdout, said.stderr) == (0, "an answer\n", "")


def test_a_question_that_begins_with_a_skills_word_asks_by_it(alloy: Alloy, script: Script, tmp_path: Path) -> None:
    """The slash was sent as text, below a line that lists the skill."""
    skills = tmp_path / ".alloy" / "skills"
    skills.mkdir(parents=True)
    (skills / "review.md").write_text("Review {{input}}: names first.")
    model = script({"text": "Fine.", "on": "Review my commit: names first."})
    said = alloy("-p", "/review", "my", "commit", "-m", model)
    assert (said.code, said.out) == (0, "Fine.\n")
    assert "skill review: 30 characters from " in said.err
    model = script({"text": "Fine.", "on": "Review it: names first.\n\n<stdin>\n+ x\n</stdin>"})
    assert alloy("-p", "/review it", "-m", model, stdin="+ x\n").out == "Fine.\n"
    model = script({"text": "Fine.", "on": "Review my commit: names first."})
    assert alloy("-p", "/review\nmy commit", "-m", model).out == "Fine.\n"
    typed = "/usr/bin/env is a path"
    assert alloy("-p", typed, "-m", script({"text": "As typed.", "on": typed})).out == "As typed.\n"


def test_a_skill_whose_name_is_no_word_or_a_commands_is_asked_by_too(
    alloy: Alloy, script: Script, tmp_path: Path
) -> None:
    """`/skill NAME`, which is how `/skills` writes it."""
    skills = tmp_path / ".alloy" / "skills"
    skills.mkdir(parents=True)
    (skills / "help.md").write_text("Help with {{input}}.")
    (skills / "two.md").write_text("---\nname: Two Words\n---\nSay {{input}}.")
    lines = ({"text": "Helped.", "on": "Help with it."}, {"text": "Said.", "on": "Say it."})
    assert alloy("-p", "/skill help it", "-m", script(*lines)).out == "Helped.\n"
    assert alloy("-p", "/skill Two Words it", "-m", script(*lines)).out == "Said.\n"
    said = alloy("-p", "/skill hepl it", "-m", script(*lines))
    assert (said.code, "did you mean help?" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [
        (["/reviw it"], "there is no command /reviw", "did you mean /review?"),
        (["/nosuch"], "there is no command /nosuch", "a question does not begin with a slash"),
        (["/usage"], "/usage is a command of a conversation", "`alloy` begins one"),
        (["/help"], "/help is a command of a conversation", "`alloy` begins one"),
        (["/review it", "--no-context"], "there is no command /review", "does not begin with a slash"),
    ],
)
def test_a_word_with_a_slash_is_sent_to_no_model(
    typed: list[str], message: str, hint: str, alloy: Alloy, script: Script, tmp_path: Path
) -> None:
    """In a cell it was an error, and here a question."""
    skills = tmp_path / ".alloy" / "skills"
    skills.mkdir(parents=True)
    (skills / "review.md").write_text("Review it.")
    said = alloy("-p", *typed, "-m", script("never said"))
    assert (said.code, said.out) == (2, "")
    assert f"Error: {message}" in said.err
    assert hint in said.err


def test_context_files_and_skills_go_in_unless_told(alloy: Alloy, script: Script, tmp_path: Path) -> None:
    """CLI-4: on by default; what went in is told, and the answer stays alone on stdout."""
    skills = tmp_path / ".alloy" / "skills"
    skills.mkdir(parents=True)
    (skills / "tidy.md").write_text("Sweep.")
    (tmp_path / "AGENTS.md").write_text("Use tabs.")
    load = {"tool_calls": [{"name": "skill", "input": {"name": "tidy"}}]}
    said = alloy("-m", script(load, "Swept."), "-p", "Tidy up")
    assert said.out == "Swept.\n"
    assert "with AGENTS.md · skills: tidy\n" in said.err
    assert "› skill tidy\n" in said.err
    said = alloy("-m", script(load, "No."), "-p", "Tidy up", "--no-context")
    assert "AGENTS.md" not in said.err
    assert "Unknown tool: skill" in said.err


def test_a_context_file_that_is_not_read_is_told(alloy_script: str, tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").symlink_to("/etc/passwd")
    done = alloy_process("-m", alloy_script, "-p", "Hi", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "Hello.\n")
    assert f"AGENTS.md was not read: it is a link that leads out of {tmp_path}" in done.stderr


@pytest.fixture
def alloy_script(script: Script) -> str:
    return script("Hello.")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("word", ["doctor", "models", "--version", "--help"])
def test_output_that_cannot_be_written_is_no_bug_of_ours(word: str) -> None:
    with open("/dev/full", "w") as full:
        said = subprocess.run(
            [sys.executable, "-m", "alloy_nb", word],
            env=environment(PYTHONUNBUFFERED=""),  # as a shell has it: then it is written at the end
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert said.returncode == 1
    assert said.stderr.startswith("Error: the output could not be written: No space left on device\nHint: ")
    assert len(said.stderr.splitlines()) == 2


def test_where_only_ascii_is_known_our_marks_are_spelt(script: Script) -> None:
    """Notes held `\\xb7`, and every mark was a question mark."""
    said = subprocess.run(
        [sys.executable, "-m", "alloy_nb", "-p", "go", "-t", "bash", "-m", script(LOOKS, "1 → 2 …")],
        env=environment(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert said.stdout == b"1 -> 2 ...\n"
    assert b"> bash echo looked\nx bash: " in said.stderr


def test_json_hides_a_key_that_json_spells_otherwise_and_stays_json(alloy: Alloy, script: Script) -> None:
    """A quote is `\\"` in JSON, and the key behind it was not known any more; digits were taken out of numbers."""
    register_secret('canary"of\\strange-ö-signs')
    register_secret("8472915063")
    answer = {"text": 'It is canary"of\\strange-ö-signs.', "usage": {"input_tokens": 8472915063}}
    said = alloy("-p", "go", "--json", "-m", script(answer))
    told = json.loads(said.out)
    assert told["text"] == "It is [redacted]."
    assert "canary" not in said.out
