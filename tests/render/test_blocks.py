"""From events to blocks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.events import Event
from alloy_nb.messages import Message, ToolCall
from alloy_nb.redaction import MASK, register_secret
from alloy_nb.render.blocks import Approval, Error, Notice, Text, Thinking, Tool, Transcript
from alloy_nb.render.wording import notice_words


def test_deltas_of_one_kind_are_one_block(tell) -> None:
    tell("thinking_delta", "Hm")("thinking_delta", "m.")("text_delta", "Hel")("text_delta", "lo")
    assert tell.transcript.blocks == [Thinking("Hmm.", 0.02, False), Text("Hello", True)]


def test_thinking_time_comes_from_the_events_and_not_from_a_clock(tell) -> None:
    tell("thinking_delta", "a")("thinking_delta", "b", after=1500)
    assert tell.transcript.blocks == [Thinking("ab", 1.5, True)]
    tell("text_delta", "c", after=600)
    assert tell.transcript.blocks[0] == Thinking("ab", 2.1, False)


def test_a_tool_between_two_texts_keeps_them_apart(tell) -> None:
    tell("text_delta", "a").tool()("text_delta", "b").end()
    assert [type(block) for block in tell.transcript.blocks] == [Text, Tool, Text]
    assert not any(getattr(block, "live", False) for block in tell.transcript.blocks)


def test_a_call_goes_from_waiting_over_running_to_done(tell) -> None:
    seen = lambda: tell.transcript.blocks[-1]  # noqa: E731
    tell("tool_call_delta", {"id": "1", "name": "read", "delta": '{"file_path": "no'})
    assert (seen().state, seen().key, seen().input) == ("waiting", "no", None)
    tell("tool_call_delta", {"id": "1", "name": "read", "delta": 'te.txt"}'})
    assert seen().key == "note.txt"
    tell("tool_start", {"id": "1", "name": "read", "input": {"file_path": "note.txt"}})
    tell("tool_progress", {"id": "1", "message": "half", "fraction": 0.5})
    assert (seen().state, seen().progress, seen().fraction) == ("running", ("half",), 0.5)
    tell(
        "tool_end", {"id": "1", "name": "read", "duration_ms": 3, "error": None, "output": "x", "structured": {"n": 1}}
    )
    assert seen() == Tool("1", "read", "note.txt", {"file_path": "note.txt"}, "x", None, 3, "done", data={"n": 1})


def test_parallel_calls_keep_their_order_and_their_results(tell) -> None:
    for call in "123":
        tell("tool_start", {"id": call, "name": "read", "input": {"path": call}})
    for call in "312":
        tell("tool_end", {"id": call, "name": "read", "duration_ms": 1, "error": None, "output": f"out {call}"})
    assert [(block.key, block.output) for block in tell.transcript.blocks] == [(c, f"out {c}") for c in "123"]


def test_only_the_last_progress_messages_are_kept(tell) -> None:
    tell("tool_start", {"id": "1", "name": "x", "input": {}})
    for number in range(100):
        tell("tool_progress", {"id": "1", "message": str(number), "fraction": None})
    assert tell.transcript.blocks[0].progress == ("97", "98", "99")


def test_an_id_used_again_in_a_later_turn_is_another_call(tell) -> None:
    """Some services count their call ids from 1 in every answer."""
    tell.tool("1", output="first")
    tell("tool_call_delta", {"id": "1", "name": "read", "delta": "{}"}, turn=2).tool("1", output="second")
    assert [block.output for block in tell.transcript.blocks] == ["first", "second"]


def test_a_call_whose_id_comes_late_is_one_call(tell) -> None:
    tell("tool_call_delta", {"id": None, "name": "read", "delta": '{"path"'})
    tell("tool_call_delta", {"id": "7", "name": "read", "delta": ': "a"}'})
    tell("message", Message.assistant([ToolCall("7", "read", {"path": "a"})])).tool("7", input={"path": "a"})
    assert [block.key for block in tell.transcript.blocks] == ["a"]


def test_a_call_cut_short_leaves_no_ghost(tell) -> None:
    tell("text_delta", "Let me see.")("tool_call_delta", {"id": "1", "name": "read", "delta": '{"pa'})
    tell("message", Message.assistant("Let me see.", partial=True))
    assert tell.transcript.blocks == [Text("Let me see.")]


def test_a_denied_call_says_who_and_why(tell) -> None:
    asked = {"id": "1", "name": "bash", "input": {"command": "rm x"}, "reason": "it runs a command"}
    tell("approval_request", asked)
    assert tell.transcript.blocks[0] == Approval("1", "bash", "rm x", {"command": "rm x"}, "it runs a command")
    tell("approval_result", {"id": "1", "allowed": False, "reason": "not here", "by": "user"})
    tell.tool("1", "bash", {"command": "rm x"}, error="Denied: not here")
    question, tool = tell.transcript.blocks
    assert (question.state, question.by, question.answer) == ("denied", "user", "not here")
    assert tool.state == "denied"


def test_a_call_blocked_by_a_middleware_was_not_tried(tell) -> None:
    """EVT-15: a blocked call has its start, its end and the reason."""
    assert tell.tool(error="Blocked: not on Fridays").transcript.blocks[0].state == "denied"


@pytest.mark.parametrize(("status", "state"), [("waiting", "pending"), ("cancelled", "withdrawn")])
def test_an_open_question_stays_open_only_where_it_can_still_be_answered(tell, status, state) -> None:
    tell("approval_request", {"id": "1", "name": "bash", "input": {}, "reason": "r"}).end(status)
    assert tell.transcript.blocks[0].state == state


def test_a_call_without_an_end_was_given_up(tell) -> None:
    tell("tool_start", {"id": "1", "name": "x", "input": {}}).end("cancelled")
    assert tell.transcript.blocks[0].state == "failed"


@pytest.mark.parametrize(
    ("tool", "to", "kinds"),
    [
        ("transfer_to_critic", "critic", ["tool"]),
        ("transfer_to_my_critic", "my critic", ["tool"]),
        ("escalate", "critic", ["tool", "notice"]),  # who took over would not be said
        ("transfer_to_agent", "研究", ["tool", "notice"]),
    ],
)
def test_a_hand_off_is_told_once(tell, tool, to, kinds) -> None:
    """The line of its call told it, and a notice below that once more."""
    tell("tool_start", {"id": "1", "name": tool, "input": {"task": "Judge it."}})
    tell("handoff", {"from": "lead", "to": to})
    tell("tool_end", {"id": "1", "name": tool, "output": "It has answered in your place."}).end()
    assert [type(block).__name__.lower() for block in tell.transcript.blocks] == kinds


@pytest.mark.parametrize(
    ("type", "payload", "word"),
    [
        ("retry", {"attempt": 2, "delay_s": 1.5, "reason": "busy"}, "busy"),
        ("fallback", {"from": "a", "to": "b", "reason": "down"}, "going on with b"),
        ("dropped_option", {"name": "top_p", "model": "m"}, "top_p"),
        ("compaction", {"before_tokens": 900, "after_tokens": 100, "messages": 8}, "900"),
        ("compaction", {"before_tokens": 900, "after_tokens": 100, "kind": "summary"}, "summed up"),
        (
            "compaction",
            {"before_tokens": 9, "after_tokens": 1, "kind": "left_out", "problem": "it is down"},
            "it is down",
        ),
        ("handoff", {"from": "a", "to": "b"}, "handed from a to b"),
    ],
)
def test_what_happens_to_a_run_is_a_notice(tell, type, payload, word) -> None:
    (notice,) = tell(type, payload).transcript.blocks
    assert isinstance(notice, Notice)
    assert notice.kind == type
    assert word in notice.text


def test_an_error_comes_with_its_hint(tell) -> None:
    tell.end("error", error="no key", hint="set one", error_type="AuthError")
    assert tell.transcript.blocks == [Error("AuthError", "no key", "set one")]
    assert tell.transcript.status == "error"


def test_header_and_footer_facts(tell) -> None:
    tell("run_start", {"prompt": "Why?", "model": "m"})("turn_start", {"model": "m-2"})
    tell("usage", {"input_tokens": 10, "output_tokens": 2, "cost": 0.5})
    tell("usage", {"input_tokens": 10, "output_tokens": 2, "cost": 0.25}, after=1000)
    transcript = tell.transcript
    assert (transcript.prompt, transcript.model, transcript.turns, transcript.live) == ("Why?", "m-2", 1, True)
    assert (transcript.usage.total_tokens, transcript.cost, transcript.seconds) == (24, 0.75, 1.02)
    tell.end(turns=2)
    assert (transcript.turns, transcript.usage.input_tokens, transcript.live) == (2, 4100, False)


def test_one_call_without_a_price_makes_the_cost_unknown(tell) -> None:
    """Rather no number than a wrong one."""
    for cost in (0.5, None, 0.5):
        tell("usage", {"input_tokens": 1, "output_tokens": 1, "cost": cost})
    assert tell.transcript.cost is None


def test_words_said_to_a_working_agent_are_told_apart_from_its_own(tell) -> None:
    tell("text_delta", "a")("message", Message.assistant("a"))("message", Message.user("and b?"))
    assert tell.transcript.blocks == [Text("a"), Text("and b?", by="user")]


def test_an_answer_without_deltas_is_shown_from_its_message(tell) -> None:
    tell("turn_start", {"model": "m"})("message", Message.assistant("whole"))
    assert tell.transcript.blocks == [Text("whole")]


def test_the_runs_of_sub_agents_stay_out_but_for_their_questions(tell) -> None:
    tell("text_delta", "mine")
    child = {"run_id": "child", "turn": 1, "ts_ms": 1}
    tell.transcript.feed(Event(9, type="text_delta", payload="theirs", **child))
    tell.transcript.feed(Event(10, type="run_end", payload={"status": "error", "error": "x"}, **child))
    question = {"id": "c1", "name": "bash", "input": {"command": "ls"}, "reason": "r"}
    tell.transcript.feed(Event(11, type="approval_request", payload=question, **child))
    assert [type(block) for block in tell.transcript.blocks] == [Text, Approval]
    assert tell.transcript.live


def test_events_of_an_unknown_kind_or_shape_are_passed_over(tell) -> None:
    tell("telepathy", {"x": 1})("tool_end", "nonsense")("usage", None)("run_end", ["?"])
    assert tell.transcript.status == "completed"


def test_unchanged_blocks_are_the_same_objects(tell) -> None:
    """What shows them may remember what it made of each."""
    tell("text_delta", "a").tool()("text_delta", "b")
    before = tell.transcript.blocks
    tell("text_delta", "c")
    after = tell.transcript.blocks
    assert [new is old for new, old in zip(after, before, strict=True)] == [True, True, False]


def test_an_event_costs_the_same_however_long_the_text_is(tell) -> None:
    """Pieces are joined when somebody looks, never when they come."""
    seen = []

    class Piece(str):
        def __add__(self, other):  # pragma: no cover - the point is that nobody calls it
            seen.append(other)
            return str(self) + other

        __radd__ = __add__

    for _ in range(100):
        tell("text_delta", Piece("x"))
    assert seen == []
    assert tell.transcript.blocks[0].markdown == "x" * 100


def test_keys_are_taken_out_of_everything_that_is_shown(everywhere) -> None:
    register_secret("hunter2-but-longer")
    transcript = everywhere("a hunter2-but-longer b sk-ant-REDACTED-REDACTED c").transcript
    seen = repr([transcript.blocks, transcript.prompt, transcript.model, transcript.inputs, transcript.notice])
    assert "hunter2" not in seen
    assert "REDACTED-REDACTED" not in seen
    assert seen.count(MASK) > 30


def test_a_key_split_over_two_deltas_is_found(tell) -> None:
    tell("text_delta", "sk-proj-aaaabbbb")("text_delta", "ccccddddeeee and on")
    assert tell.transcript.blocks == [Text(f"{MASK} and on", True)]


def test_an_argument_looks_like_what_it_is(tell) -> None:
    """A direction override in a command must not make another command of it to the eye."""
    tell.tool(input={"command": "rm \u202etxt.oof\x1b[8m"})
    assert tell.transcript.blocks[0].key == "rm \\u202etxt.oof\\x1b[8m"


def test_data_that_json_cannot_say_becomes_its_types_name(tell) -> None:
    circle: dict = {}
    circle["self"] = circle
    tell.tool(structured={"frame": object(), "nan": float("nan"), "set": {1}, "circle": circle})
    data = tell.transcript.blocks[0].data
    assert (data["frame"], data["nan"], data["set"]) == ("<object>", "nan", [1])


@given(st.lists(st.tuples(st.booleans(), st.text(alphabet="ab \n*`", min_size=1, max_size=5)), max_size=30))
@settings(deadline=None)
def test_the_deltas_joined_are_the_blocks_joined(pieces) -> None:
    transcript = Transcript()
    for seq, (thinking, text) in enumerate(pieces, 1):
        transcript.feed(Event(seq, "r", "thinking_delta" if thinking else "text_delta", text))
    for kind, thinking in ((Thinking, True), (Text, False)):
        shown = [block.text if thinking else block.markdown for block in transcript.blocks if isinstance(block, kind)]
        assert "".join(shown) == "".join(text for is_thinking, text in pieces if is_thinking == thinking)


def test_the_model_of_a_run_is_the_one_that_answers_after_a_fallback(tell) -> None:
    """The footer named the one that had failed."""
    tell("run_start", {"prompt": "hi", "model": "ill"})("turn_start", {"model": "ill"})
    tell("fallback", {"from": "openai:ill", "to": "openrouter:vendor/well:free", "reason": "down"})
    tell("text_delta", "Hello").end()
    assert tell.transcript.model == "vendor/well:free"


def test_a_pause_before_the_first_attempt_is_no_failed_attempt(tell) -> None:
    """It was told as "attempt 0 failed"."""
    tell("retry", {"attempt": 0, "delay_s": 20.0, "reason": "openai asked for a pause"})
    (notice,) = tell.transcript.blocks
    assert notice == Notice("pause", "openai asked for a pause", 20.0)
    assert notice_words(notice, static=False) == "openai asked for a pause; going on in 20.0 s"


def test_the_beginning_of_a_key_is_not_shown_on_a_calls_line_while_its_arguments_arrive(tell) -> None:
    """Nor where they are cut, which hid the rest of the key from whoever looks for it."""
    key = "S3CRET-of-the-house-0123456789"
    register_secret(key)
    tell("tool_call_delta", {"id": "a", "name": "bash", "delta": '{"command": "curl -H ' + key[:-1]})
    assert tell.transcript.blocks[0].key == f"curl -H {MASK}"
    tell("tool_call_delta", {"id": "a", "name": "bash", "delta": key[-1] + ' https://a"}'})
    assert tell.transcript.blocks[0].key == f"curl -H {MASK} https://a"
    tell("tool_start", {"id": "a", "name": "bash", "input": {"command": "curl" + " " * 780 + key}})
    assert tell.transcript.blocks[0].key == f"curl {MASK}"


def test_the_beginning_of_a_key_does_not_stay_where_a_run_is_stopped(tell) -> None:
    register_secret("S3CRET-of-the-house-0123456789")
    tell("text_delta", "The key is S3CRET-of-the-house-012345678")
    assert tell.transcript.blocks == [Text("The key is ", live=True)]
    tell("run_end", {"status": "cancelled"})
    assert tell.transcript.blocks == [Text(f"The key is {MASK}")]


@pytest.mark.parametrize(
    ("structured", "state"),
    [
        ({"exit_code": 0}, "done"),
        ({"exit_code": 2}, "failed"),
        ({"exit_code": -9}, "failed"),
        ({"exit_code": "2"}, "done"),
    ],
)
def test_a_command_that_failed_is_not_done(tell, structured: dict[str, object], state: str) -> None:
    """Its exit code stood beside a green tick."""
    tell.tool(name="bash", structured=structured)
    block = tell.transcript.tool("1")
    assert (block.state, block.error) == (state, None)
