"""The static form of a run, and the live one."""

from __future__ import annotations

import re

import pytest

from alloy_nb.messages import Message
from alloy_nb.render import html as html_module
from alloy_nb.render.blocks import Transcript
from alloy_nb.render.html import frozen_html, live_html
from alloy_nb.render.markdown import sanitize


def words(judge, html: str) -> str:
    return " ".join(judge(html).text.split())


def test_one_root_one_rail_inline_styles_only(tell, judge) -> None:
    html = frozen_html(tell("text_delta", "Hello").tool().end().transcript)
    assert html.startswith('<div class="alloy-run" style="border-left:2px solid ')
    assert html.endswith("</div>")
    assert judge(html).faults == []
    assert not re.search(r"<style|<svg|<script|var\(|<button| id=", html)


def test_thinking_is_folded_with_its_time(tell, judge) -> None:
    tell("thinking_delta", "Let me <b>see</b>.")("text_delta", "Yes.", after=2_100).end()
    html = frozen_html(tell.transcript)
    assert "<details" in html
    assert " open" not in html
    assert words(judge, html).startswith("Thought for 2.1 s Let me <b>see</b>. Yes.")


def test_a_tool_is_one_quiet_line(tell, judge) -> None:
    html = frozen_html(tell.tool(output="12345").end().transcript)
    summary = re.search(r"<summary.*?</summary>", html, re.DOTALL)
    assert words(judge, summary[0]) == "✓ read note.txt 3 ms"
    assert "12345" in words(judge, html)


def test_a_failed_tool_says_why_on_its_line(tell, judge) -> None:
    html = frozen_html(tell.tool(error="not found\nat all", output="not found").end().transcript)
    assert "✗ read note.txt 3 ms · not found at all" in words(judge, html)


def test_arguments_that_the_line_does_not_show_are_in_the_fold(tell, judge) -> None:
    tell.tool("1", "bash", {"command": "ls\nls -a", "timeout": 5, "env": {"A": [1]}}, output="x")
    text = words(judge, frozen_html(tell.transcript))
    assert 'arguments timeout: 5 env: {"A": [1]} command ls ls -a output x' in text


def test_an_argument_that_says_the_same_as_the_line_is_shown_beside_it(tell, judge) -> None:
    tell.tool("1", "move", {"path": "/etc", "remove": "/etc", "n": 1}, output="x")
    assert "arguments path: /etc remove: /etc n: 1 output" in words(judge, frozen_html(tell.transcript))


def test_a_change_is_shown_as_a_coloured_diff(tell, judge) -> None:
    tell.tool("1", "edit", {"file_path": "a", "old_string": "x = 1\ny", "new_string": "x = 2\ny"}, output="ok")
    tell.tool("2", "write", {"file_path": "b", "content": "new"}, structured={"diff": "@@ -1 +1 @@\n-old\n+new"})
    html = frozen_html(tell.transcript)
    assert re.search(
        r'<span style="color:#dc403a[^"]*">-x = 1</span>\s*<span style="color:#218b3b[^"]*">\+x = 2</span>', html
    )
    assert "-old" in words(judge, html)
    assert "old_string" not in html
    assert "content: new" in words(judge, html)


def test_an_approval_is_told_on_the_line_of_its_call(tell, judge) -> None:
    asked = {"id": "1", "name": "bash", "input": {"command": "ls"}, "reason": "it runs a command"}
    tell("approval_request", asked)("approval_result", {"id": "1", "allowed": True, "reason": None, "by": "user"})
    tell.tool("1", "bash", {"command": "ls"}, output="x").end()
    text = words(judge, frozen_html(tell.transcript))
    assert text.startswith("✓ bash ls allowed once by you · 3 ms")
    assert text.count("bash") == 1


def test_a_denial_is_told_with_its_reason(tell, judge) -> None:
    asked = {"id": "1", "name": "bash", "input": {"command": "ls"}, "reason": "it runs a command"}
    tell("approval_request", asked)("approval_result", {"id": "1", "allowed": False, "reason": "no", "by": "policy"})
    tell.tool("1", "bash", {"command": "ls"}, error="Denied: no").end()
    assert "✗ bash ls denied: no" in words(judge, frozen_html(tell.transcript))


def test_an_open_question_is_a_card_without_dead_buttons(tell, judge) -> None:
    tell("tool_call_delta", {"id": "1", "name": "bash", "delta": '{"command": "ls"}'})
    tell("approval_request", {"id": "1", "name": "bash", "input": {"command": "ls"}, "reason": "it runs a command"})
    for html in (live_html(tell.transcript), frozen_html(tell.end("waiting").transcript)):
        assert "? bash wants to run ls it runs a command" in words(judge, html)
        assert words(judge, html).count("bash") == 1
        assert "button" not in html
    assert "waiting for a decision" in words(judge, frozen_html(tell.transcript))


def test_an_error_comes_with_its_hint(tell, judge) -> None:
    tell.end("error", error="no key", hint="run `alloy doctor`", error_type="AuthError")
    assert "✗ AuthError no key run `alloy doctor`" in words(judge, frozen_html(tell.transcript))


def test_the_footer_tells_model_turns_tokens_cost_and_time(tell, judge) -> None:
    tell("run_start", {"prompt": "p", "model": "m-1"})("text_delta", "x", after=8_390)
    tell.end(turns=3, cost=0.0171)
    assert words(judge, frozen_html(tell.transcript)).endswith("m-1 · 3 turns · 4.1 k → 312 tokens · $0.017 · 8.4 s")


def test_an_unknown_cost_is_called_unknown(tell, judge) -> None:
    assert "cost unknown" in words(judge, frozen_html(tell.end().transcript))


def test_what_is_kept_of_a_stopped_run_is_told_only_where_something_is(tell, judge) -> None:
    """It said "what was said so far is kept" where nothing was said, too."""
    for before in (lambda: None, lambda: tell("thinking_delta", "Hm"), lambda: tell("text_delta", " \n")):
        before()
        page = words(judge, frozen_html(tell.end("cancelled").transcript))
        assert "stopped" in page
        assert "is kept" not in page
    tell("text_delta", "Half an")
    assert "stopped; what was said so far is kept" in words(judge, frozen_html(tell.end("cancelled").transcript))


def test_of_a_run_that_called_a_tool_something_is_kept(tell, judge) -> None:
    tell("tool_start", {"id": "1", "name": "x", "input": {}})
    assert "what was said so far is kept" in words(judge, frozen_html(tell.end("cancelled").transcript))


@pytest.mark.parametrize(
    ("status", "said"), [("cancelled", "stopped"), ("max_turns", "it reached max_turns"), ("halted", "halted")]
)
def test_a_run_that_ended_otherwise_says_how(tell, judge, status, said) -> None:
    assert said in words(judge, frozen_html(tell.end(status).transcript))


def test_a_run_without_an_end_says_that_it_did_not_finish_here(tell, judge) -> None:
    tell("text_delta", "half an ans")
    assert "this run did not finish here" in words(judge, frozen_html(tell.transcript))
    assert "in a saved notebook: this run did not finish here" in words(judge, live_html(tell.transcript))


def test_the_static_form_holds_no_times(new_telling, judge) -> None:
    forms = []
    for pace in (1, 977):
        tell = new_telling(run_id=f"run-{pace}")
        tell("thinking_delta", "a", after=pace)("text_delta", "b", after=pace)
        tell("retry", {"attempt": 1, "delay_s": pace, "reason": "busy"}).tool(duration_ms=pace, output="x")
        forms.append(frozen_html(tell.end().transcript, static=True))
    assert forms[0] == forms[1]
    assert not re.search(r"\d ms|\d s\b", words(judge, forms[0]))


def test_what_went_in_and_what_to_know_of_the_model_are_said(judge) -> None:
    transcript = Transcript(inputs=["sales · 3 × 2", "notes.txt"], notice="small demo model")
    text = words(judge, frozen_html(transcript))
    assert text.startswith("with sales · 3 × 2 · notes.txt")
    assert text.endswith("small demo model")


def test_dollars_outside_the_answer_are_never_set_as_formulas(tell) -> None:
    """Each block of machinery lies in an element that MathJax passes over."""
    tell("thinking_delta", "$a$").tool(output="$b$").tool("2", error="$c$")
    tell("retry", {"reason": "$d$"})("message", Message.user("$e$")).end("error", error="$f$", hint="$g$")
    blocks = re.split(r'(?<=</div>|tails>)(?=<(?:div|details) class="alloy-)', frozen_html(tell.transcript))
    assert sum("$" in block for block in blocks) >= 6
    for block in blocks:
        opening = block.removeprefix(re.match(r'(<div class="alloy-run"[^>]*>)?', block)[0]).split(">")[0]
        assert "$" not in block or "tex2jax_ignore mathjax_ignore" in opening or "alloy-hint" in opening


def test_a_long_output_is_shown_by_its_two_ends(tell) -> None:
    html = frozen_html(tell.tool(output="begin" + "x" * 100_000 + "end").transcript)
    assert len(html) < 12_000
    assert "begin" in html
    assert "end</pre>" in html


def test_many_long_outputs_do_not_make_a_notebook_that_nobody_can_open(tell) -> None:
    for number in range(400):
        tell.tool(str(number), output="x" * 10_000)
    assert len(frozen_html(tell.transcript)) < 1_000_000


# -- live -------------------------------------------------------------------------------------------------------------


def test_the_live_form_has_the_blue_rail_and_a_caret(tell) -> None:
    tell("text_delta", "Hel")
    assert "2px solid #1979df" in live_html(tell.transcript)
    assert live_html(tell.transcript).count("▍") == 1
    tell.end()
    assert "▍" not in live_html(tell.transcript)
    assert "2px solid #1979df" not in live_html(tell.transcript)


def test_live_states_are_told(tell, judge) -> None:
    tell("turn_start", {"model": "m"}, turn=3)("thinking_delta", "a")("thinking_delta", "b", after=2_100)
    assert "Thinking… 2.1 s" in words(judge, live_html(tell.transcript))
    tell("tool_call_delta", {"id": "1", "name": "read", "delta": '{"path": "a.t'})
    assert "○ read a.t" in words(judge, live_html(tell.transcript))
    tell("tool_start", {"id": "1", "name": "read", "input": {"path": "a.txt"}})
    assert "● read a.txt running" in words(judge, live_html(tell.transcript))
    tell("tool_progress", {"id": "1", "message": "reading", "fraction": 0.25})
    assert "25% reading" in words(judge, live_html(tell.transcript))
    # No time: it would stand still while a tool runs.
    assert "running · m · turn 3 interrupt" in words(judge, live_html(tell.transcript))


def test_a_growing_answer_looks_as_the_whole_one_would(tell) -> None:
    """Rendering only what changed shows what rendering all shows."""
    text = "# T\n\nOne *two*.\n\n- a\n- b\n\n```py\nx = 1\n\ny\n```\n\n| a |\n|---|\n| 1 |\n\nend $x$ and so"
    for char in text:
        tell("text_delta", char)
        grown = live_html(tell.transcript)
        html_module._LIVE_VIEWS.clear()
        assert live_html(tell.transcript).replace("\n", "") == grown.replace("\n", "")


def test_a_growing_answer_is_parsed_once_and_not_again_with_every_word(tell, monkeypatch) -> None:
    parsed = []
    real = html_module.to_html
    monkeypatch.setattr(html_module, "to_html", lambda text: parsed.append(len(text)) or real(text))
    paragraph = "Some words that make a paragraph of this.\n\n"
    for _ in range(100):
        tell("text_delta", paragraph)
        live_html(tell.transcript)
    assert sum(parsed) <= 2 * 100 * len(paragraph)


def test_finished_blocks_are_rendered_once(tell, monkeypatch) -> None:
    made = []
    real = html_module.tool_body
    monkeypatch.setattr(html_module, "tool_body", lambda tool, longest: made.append(tool.id) or real(tool, longest))
    for number in range(20):
        tell.tool(str(number))
        live_html(tell.transcript)
    assert sorted(made, key=int) == [str(number) for number in range(20)]


def test_a_key_that_is_only_recognised_when_whole_is_taken_back(tell) -> None:
    tell("text_delta", "one\n\nkey sk-proj-aaaa")
    live_html(tell.transcript)
    tell("text_delta", "bbbbccccddddeeee\n\nmore")
    assert "sk-proj" not in live_html(tell.transcript)


@pytest.mark.parametrize(
    ("reason", "shown"), [("bash wants to run `ls`", False), ("bash wants to run `ls`, which is a risk", True)]
)
def test_a_card_repeats_no_words_and_leaves_out_no_risk(tell, judge, reason: str, shown: bool) -> None:
    tell("tool_start", {"id": "1", "name": "bash", "input": {"command": "ls"}})
    tell("approval_request", {"id": "1", "name": "bash", "input": {"command": "ls"}, "reason": reason})
    said = words(judge, live_html(tell.transcript))
    assert "? bash wants to run ls" in said
    assert ("a risk" in said) is shown
    assert said.count("wants to run") == 1
    assert "answer in the input box" in said
    assert "answer in the input box" not in words(judge, frozen_html(tell.transcript))


def test_a_card_says_once_which_file_is_meant(tell, judge) -> None:
    """The card of `write` named its file on its line and in the reason below it."""
    call = {"id": "1", "name": "write", "input": {"file_path": "a.txt", "content": "x"}}
    tell("tool_start", call)("approval_request", {**call, "reason": "write wants to create `a.txt`, which is outside"})
    said = words(judge, live_html(tell.transcript))
    assert "? write wants to create a.txt which is outside" in said
    assert said.count("a.txt") == 1


def test_a_command_that_failed_has_no_tick(tell, judge) -> None:
    tell.tool(name="bash", input={"command": "make"}, structured={"exit_code": 2}).end()
    said = words(judge, frozen_html(tell.transcript, static=True))
    assert "✗ bash make exit code 2" in said
    assert "✓" not in said


def test_an_answer_of_a_type_has_the_colours_of_json(tell) -> None:
    tell("text_delta", '{"n":1}').end(output={"type": "N", "json": '{\n  "n": 1\n}'})
    html = frozen_html(tell.transcript)
    assert '<code class="language-json"' in html
    assert "#c15d05" in html  # of a number


def test_blank_lines_before_an_output_do_not_vanish_one_a_parser(tell) -> None:
    """A parser drops a line end right behind <pre>; what one wrote, the next one changed."""
    html = frozen_html(tell.tool(output="\n\n\nwords").end().transcript)
    assert sanitize(html) == html
    assert ">words</pre>" in html
