"""Who decides whether a call may run."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.asking import read_answer


@alloy.tool(requires_approval=True)
def launch(what: str) -> str:
    """Launch something."""
    return f"launched {what}"


def model(*names: str) -> alloy.Scripted:
    calls = [{"name": "launch", "input": {"what": name}} for name in names or ("it",)]
    return alloy.Scripted([{"tool_calls": calls}, {"text": "done"}])


def outcome(**options: Any) -> str:
    result = alloy.run("x", model=model(), tools=[launch], **options)
    return result.messages[2].tool_results[0].text


def test_headless_a_call_that_asks_is_denied_with_a_reason() -> None:
    text = outcome()
    assert text.startswith("Denied: nobody could be asked")
    assert "approval='auto'" in text


def test_policies() -> None:
    assert outcome(approval="auto") == "launched it"
    assert outcome(approval="deny") == "Denied: the approval policy is 'deny'"


def test_a_function_decides_sync_or_async() -> None:
    async def later(call: alloy.ToolCall, ctx: alloy.ToolContext) -> bool:
        await asyncio.sleep(0)
        return call.input["what"] == "it"

    assert outcome(approval=lambda call, ctx: True) == "launched it"
    assert outcome(approval=later) == "launched it"
    assert outcome(approval=lambda call, ctx: False) == "Denied: the approval function said no"


def test_a_function_that_crashes_denies() -> None:
    def broken(call: Any, ctx: Any) -> bool:
        raise RuntimeError("oops")

    assert "oops" in outcome(approval=broken)


def test_a_reader_of_a_background_run_may_decide() -> None:
    run = alloy.start("x", model=model("one", "two"), tools=[launch])
    asked: list[str] = []
    for event in run:
        if event.type == "approval_request":
            asked.append(event.payload["id"])
        if len(asked) == 2:
            run.approve(asked[0])
            run.deny(asked[1], "not that one")
            asked.append("done")
    texts = [part.text for part in run.result().messages[2].tool_results]
    assert texts == ["launched one", "Denied: not that one"]


@pytest.mark.parametrize(("remember", "others"), [("tool", 2), ("command", 1)])
def test_what_is_allowed_for_good_covers_the_calls_that_wait_already(remember: Any, others: int) -> None:
    """Three cards at once: the answer to one of them answers those that it covers; the others still wait."""
    run = alloy.start("x", model=model("one", "one", "two"), tools=[launch])
    asked: list[str] = []
    decided: dict[str, str] = {}
    for event in run:
        if event.type == "approval_result":
            decided[event.payload["id"]] = event.payload["by"]
        elif event.type == "approval_request":
            asked.append(event.payload["id"])
            if len(asked) == 3:
                run.approve(asked[0], remember=remember)
                assert run.deny(asked[2]) == (others == 1)
    assert [decided[call] for call in asked] == ["user"] + ["remembered"] * others + ["user"] * (2 - others)


def test_a_reader_that_decides_nothing_does_not_wait_for_ever() -> None:
    run = alloy.start("x", model=model(), tools=[launch])
    types = [event.type for event in run]
    assert types.count("approval_request") == types.count("approval_result") == 1
    assert "nobody could be asked" in run.result().messages[2].tool_results[0].text


def test_waiting_for_the_result_decides_nothing_either() -> None:
    run = alloy.start("x", model=model(), tools=[launch])
    assert "nobody could be asked" in run.result().messages[2].tool_results[0].text

    async def main() -> Any:
        return await alloy.start("x", model=model(), tools=[launch])

    assert "nobody could be asked" in asyncio.run(main()).messages[2].tool_results[0].text


def test_what_does_not_wait_cannot_be_decided() -> None:
    run = alloy.start("x", model=alloy.Scripted([{"text": "hi"}]))
    assert not run.approve("call_1")
    run.result()
    assert not run.deny("call_1")


def test_the_runs_clock_stops_while_a_person_is_asked() -> None:
    async def slow(call: Any, ctx: Any) -> bool:
        await asyncio.sleep(0.5)
        return True

    assert outcome(approval=slow, timeout=0.4) == "launched it"


@pytest.mark.parametrize(
    ("typed", "allowed", "remember"),
    [("y", True, "once"), ("YES", True, "once"), ("a", True, "command"), ("t", True, "tool"), ("n", False, "once")],
)
def test_what_a_typed_answer_means(typed: str, allowed: bool, remember: str) -> None:
    decision = read_answer(typed)
    assert (decision.allowed, decision.remember) == (allowed, remember)


def test_anything_else_typed_is_the_reason_why_not() -> None:
    assert read_answer("use another folder").reason == "use another folder"
    assert read_answer("").allowed is False


def question_of(command: str, reason: str | None = None) -> Any:
    from alloy_nb.tools.approval import Question
    from alloy_nb.tools.bash import Bash
    from alloy_nb.tools.toolbox import pattern_of, subject_of

    call = alloy.ToolCall("1", "bash", {"command": command})
    why = f"bash wants to run `{command}`" if reason is None else reason
    return Question(call, why, subject_of(Bash(), call.input), pattern_of(Bash(), call.input, why))


def test_a_question_hides_nothing_of_what_it_asks_about() -> None:
    """The tail of a long command, its second line, and what a terminal would swallow, is where the harm would be."""
    from alloy_nb.asking import whole

    assert "; rm -rf ~`" in whole(question_of("echo " + "x" * 3000 + "; rm -rf ~"))
    assert "one\n        two" in whole(question_of("one\ntwo"))
    assert "MORE CHARACTERS" in whole(question_of("x" * 20_000))
    swallowed = whole(question_of("ls /nope \x1b]0;\ntouch PWNED # \u202e\ud83d"))
    assert "touch PWNED" in swallowed
    assert "\\x1b" in swallowed
    assert "\\u202e" in swallowed
    swallowed.encode()


def test_a_question_shows_the_arguments_that_its_reason_does_not() -> None:
    from alloy_nb.asking import whole

    assert "command: rm -rf ~" in whole(question_of("rm -rf ~", reason="this tool asks first"))


def test_a_question_says_who_asks_and_for_which_tool() -> None:
    """In a broadcast nobody knew whose question it was; "this tool asks first" says no tool."""
    from alloy_nb.asking import whole

    question = replace(question_of("ls", reason="this tool asks first"), agent="team/coder")
    assert whole(question).startswith("team/coder · bash: this tool asks first\n")
    assert whole(question_of("ls")) == "bash wants to run `ls`"


def test_no_text_and_no_name_can_forge_a_line_of_a_question() -> None:
    """A value or a name with a newline read as one more argument; one that the reason holds by chance was gone."""
    from alloy_nb.asking import whole
    from alloy_nb.tools.approval import Question

    input = {"path": "/a\nforce: false", "depth\nforce: false\x0b": 3, "mode": "ask"}
    call = alloy.ToolCall("1", "wipe", input)
    lines = whole(Question(call, "this tool asks always\nforce: false", "", "")).split("\n")
    told = [line for line in lines if line.startswith("    ") and not line.startswith("     ")]
    assert told == ["    path: /a", "    depth\\nforce: false\\x0b: 3", "    mode: ask"]
    assert len(lines) == 6


def test_always_means_this_call_to_the_letter() -> None:
    """Two commands that are shown alike (cut, on one line) are not the same command."""
    from alloy_nb.tools.approval import Decision, Memory

    memory = Memory()
    long = "echo " + "x" * 300
    memory.note(question_of(long), Decision(allowed=True, remember="command"))
    memory.note(question_of("ls a b"), Decision(allowed=True, remember="command"))
    assert memory.knows(question_of(long))
    assert not memory.knows(question_of(long + "; rm -rf ~"))
    assert not memory.knows(question_of("ls a\nb"))


def test_an_edit_is_asked_about_as_a_diff_with_every_line_of_it() -> None:
    """In the terminal the whole of both texts stood one below the other."""
    from alloy_nb.asking import whole
    from alloy_nb.tools.approval import Question

    old = "def f():\n    return 1\n\n\nkept = True\n"
    input = {"path": "a.py", "old_string": old, "new_string": old.replace("1", "2\x1b[2J"), "replace_all": False}
    call = alloy.ToolCall("1", "edit", input)
    lines = whole(Question(call, "edit wants to change `a.py`", "", "")).split("\n")
    assert lines[1:3] == ["    replace_all: false", "    the change:"]
    assert [line[8:] for line in lines[4:]] == [
        " def f():", "-    return 1", "+    return 2\\x1b[2J", " ", " ", " kept = True",
    ]  # fmt: skip
    longer = alloy.ToolCall("1", "edit", {**input, "new_string": "x = 1\n" * 2000})
    assert "old_string: def f():" in whole(Question(longer, "edit", "", ""))


@pytest.mark.parametrize(
    "answer",
    [
        *("Yes please", "yes, but only this", "ok", "Sure!", "yess", "allow", "go ahead", "", " "),
        *("?", "h", "Help", "x", "yy", "nn", "1", "??"),
    ],
)
def test_what_sounds_like_a_yes_is_neither_that_nor_a_no(answer: str) -> None:
    """It was a refusal: `denied: Yes please`. An empty Enter denied, too, and so did `?` and a slip."""
    from alloy_nb.asking import is_unclear

    assert is_unclear(answer)
    assert not read_answer(answer).allowed


@pytest.mark.parametrize(
    "answer",
    [
        *("y", "YES", "a", "always", "t", "n", "no", "deny", "not in this folder", "do not", "use uv", "okra"),
        *("不", "nö", "help me understand it first", "h is not defined", "why?"),
        *("yesterday's file is the right one", "it is fine as it is", "a test is missing"),
    ],
)
def test_keys_and_reasons_are_clear(answer: str) -> None:
    from alloy_nb.asking import is_unclear

    assert not is_unclear(answer)


PROGRAM = """
import alloy_nb as alloy
@alloy.tool(requires_approval=True)
def launch(what: str) -> str:
    "Launch."
    return "launched " + what
calls = [{"name": "launch", "input": {"what": w}} for w in ("it", "it", "that")]
model = alloy.Scripted([*[{"tool_calls": [call]} for call in calls], {"text": "k"}])
result = alloy.run("x", model=model, tools=[launch])
print([r.output for r in result.tool_calls])
"""


@pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal is needed")
def test_in_a_terminal_a_person_is_asked_and_always_is_remembered() -> None:
    """`a` allows the same call again without asking; another one is asked about."""
    output = type_into(PROGRAM, [b"a\n", b"too far\n"])
    assert output.count("y allow once") == 2
    assert "['launched it', 'launched it', 'Denied: too far']" in output


@pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal is needed")
def test_in_a_terminal_it_is_asked_again_what_was_meant() -> None:
    output = type_into(PROGRAM, [b"Yes please\n", b"\n", b"t\n"])
    assert "`Yes please` is neither (? explains): y, a or t allows it" in output
    assert "nothing was answered (? explains): y, a or t allows it" in output
    assert output.count("y allow once") == 1
    assert "['launched it', 'launched it', 'launched that']" in output


@pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal is needed")
def test_a_command_is_no_reason_for_a_denial() -> None:
    """`/undo` denied the call, and went to the model as the reason why."""
    output = type_into(PROGRAM, [b"/undo\n", b"%alloy /usage\n", b"y\n", b"y\n", b"/tmp/that is mine\n"])
    assert output.count("answer the question first: y, a or t allows it") == 2
    assert "['launched it', 'launched it', 'Denied: /tmp/that is mine']" in output


def test_a_question_mark_tells_what_the_answers_mean_and_a_slip_is_no_answer() -> None:
    """`?` denied the call, and went to the model as the reason why."""
    output = type_into(PROGRAM, [b"?\n", b"x\n", b"help\n", b"y\n", b"n\n", b"h\n", b"n\n"])
    assert output.count("y      allows this call, once") == 3
    assert output.count("every other call of launch: none of them is asked about again") == 3
    assert "`x` is neither (? explains): y, a or t allows it" in output
    assert "['launched it', 'Denied: the user said no', 'Denied: the user said no']" in output


@pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal is needed")
def test_ctrl_d_at_a_question_is_a_no_of_who_was_asked() -> None:
    """The model was told that there was nobody to ask, on the line of the question."""
    output = type_into(PROGRAM, [b"\x04", b"y\n", b"y\n"])
    assert "say why not: \r\n? launch" in output
    assert "['Denied: the user said no', 'launched it', 'launched that']" in output


@pytest.mark.parametrize("answer", ["/undo", "?", "x"])
def test_what_is_no_answer_however_often_is_a_plain_no(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from alloy_nb.asking import ask_on_stdin
    from alloy_nb.tools.approval import Question

    monkeypatch.setattr("builtins.input", lambda _: answer)
    question = Question(alloy.ToolCall("1", "launch", {}), "this tool asks first", "", "")
    decision = ask_on_stdin(question)
    assert (decision.allowed, decision.reason) == (False, "the user said no")


def type_into(program: str, answers: list[bytes]) -> str:
    """Run a program on a pseudo-terminal; each prompt gets the next answer."""
    parent, child = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", program], stdin=child, stdout=child, stderr=child)
    os.close(child)
    guard = threading.Timer(60, process.kill)
    guard.start()
    output = b""
    left = list(answers)
    try:
        while True:
            try:
                chunk = os.read(parent, 4096)
            except OSError:
                break
            output += chunk
            if left and output.count(b"say why not: ") > len(answers) - len(left):
                os.write(parent, left.pop(0))
            if not chunk:
                break
        assert process.wait(30) == 0, output.decode()
    finally:
        guard.cancel()
        os.close(parent)
    return output.decode()


def test_a_word_for_how_long_to_remember_that_nobody_knows_is_refused() -> None:
    """``remember="always"`` was taken for "this command"."""
    run = alloy.start("x", model=model(), tools=[launch])
    for event in run:
        if event.type == "approval_request":
            with pytest.raises(alloy.ConfigError, match="remember is 'always'"):
                run.approve(event.payload["id"], remember="always")  # type: ignore[arg-type]
            assert run.deny(event.payload["id"])
    assert run.result().status == "completed"


def test_an_interrupt_within_an_answer_leaves_no_question_that_nobody_can_answer() -> None:
    """The question was taken away first: its run waited for ever."""
    from alloy_nb.tools.approval import ApprovalDesk, Decision, Memory, Question

    class Interrupted(dict[str, Any]):
        def __delitem__(self, key: str) -> None:
            raise KeyboardInterrupt

        def pop(self, key: str, *default: Any) -> Any:
            super().pop(key, *default)
            if answering:
                raise KeyboardInterrupt

    class Person:
        async def ask(self, question: Question, wanted: Any) -> Decision:
            await asyncio.sleep(60)
            raise AssertionError("nobody answered")

    async def told() -> None:
        return None

    async def answered() -> Decision:
        nonlocal answering
        desk = ApprovalDesk("ask", Person(), Memory())
        desk._open = Interrupted()
        asked = asyncio.create_task(desk.ask(question, None, told))  # type: ignore[arg-type]
        while not desk.open_questions:
            await asyncio.sleep(0)
        answering = True
        with pytest.raises(KeyboardInterrupt):
            desk.decide("1", Decision(True, "go"))
        answering = False
        return await asyncio.wait_for(asked, 20)

    answering = False
    question = Question(alloy.ToolCall("1", "launch", {}), "this tool asks first", "", "")
    assert asyncio.run(answered()).reason == "go"
