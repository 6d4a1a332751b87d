"""What no model is to see is taken out before it is sent."""

from __future__ import annotations

import gc
import re
import weakref
from queue import Queue
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import alloy_nb as alloy
from alloy_nb.middleware.patterns import READY_MADE
from alloy_nb.redaction import register_secret
from tests.histories import assert_law_1


@alloy.tool
def look_up(who: str) -> str:
    """Look somebody up."""
    return f"{who}: ada@example.org, +49 30 1234567"


CALL = {"tool_calls": [{"name": "look_up", "input": {"who": "Ada"}}]}


def sent(model: alloy.Scripted) -> str:
    """All that was sent, in all requests."""
    return "\n".join(repr((request.messages, request.system_prompt)) for request in model.requests)


def test_it_is_taken_out_of_prompts_results_and_the_system_prompt() -> None:
    """MW-w2: what matches reaches no model, in no message."""
    model = alloy.Scripted([CALL, "done"])
    result = alloy.run(
        "I am bob@example.org",
        model=model,
        system_prompt="Ask eve@example.org",
        messages=[alloy.Message.user("Write to kim@example.org"), alloy.Message.assistant("To kim@example.org?")],
        tools=[look_up],
        middleware=[alloy.Redact("email")],
    )
    assert "example.org" not in sent(model)
    assert [request.system_prompt for request in model.requests] == ["Ask [redacted]"] * 2
    assert model.requests[1].messages[-1].tool_results[0].text == "Ada: [redacted], +49 30 1234567"
    assert result.messages[:-1] == model.requests[1].messages
    assert_law_1(result)


def test_a_run_that_ends_with_its_tools_hands_on_a_clean_conversation() -> None:
    model = alloy.Scripted([CALL])
    result = alloy.run("go", model=model, tools=[look_up], middleware=[alloy.Redact("email")], max_turns=1)
    assert result.status == "max_turns"
    assert "ada@" not in repr(result.messages)


def test_what_was_steered_in_is_looked_at_too() -> None:
    model = alloy.Scripted(["one", "two"])
    started: Queue[alloy.Run] = Queue()

    class Late(alloy.Middleware):
        def after_completion(self, ctx: Any) -> None:
            if ctx.turn == 1:
                started.get(timeout=60).steer("my address is ada@example.org")

    run = alloy.start("go", model=model, middleware=[Late(), alloy.Redact("email")])
    started.put(run)
    run.result()
    assert model.requests[1].messages[-1].text == "my address is [redacted]"


def test_nothing_is_replaced_where_nothing_matches() -> None:
    """Law 15: an unchanged message stays the same object, so that its encoding is made once."""
    before = [alloy.Message.user("Hi"), alloy.Message.assistant([alloy.Thinking("Hm", "sig"), alloy.Text("Hello")])]
    result = alloy.run("And?", model=alloy.Scripted(["x"]), messages=before, middleware=[alloy.Redact("email")])
    assert all(ours is theirs for ours, theirs in zip(result.messages, before, strict=False))


def test_a_message_is_looked_at_once_in_however_many_runs() -> None:
    """Law 15: the cost of one more turn, or run, does not grow with what was looked at before."""
    looked: list[str] = []

    def note(text: str) -> str:
        looked.append(text)
        return text

    redact = alloy.Redact(note)
    messages: tuple[alloy.Message, ...] = ()
    for number in range(5):
        model = alloy.Scripted([CALL, f"answer {number}"])
        result = alloy.run(f"go {number}", model=model, messages=messages, tools=[look_up], middleware=[redact])
        messages = result.messages
    assert looked.count("go 0") == 1
    assert looked.count("answer 0") == 1
    # A prompt, a call's argument by name and value, a result and an answer a run; the newest answer was not sent.
    assert len(looked) == 5 * 5 - 1


def test_what_it_has_looked_at_is_not_kept_alive() -> None:
    redact = alloy.Redact("email")
    result = alloy.run("I am ada@example.org", model=alloy.Scripted(["x"]), middleware=[redact])
    alive = weakref.ref(result.messages[0])
    assert alive() is not None
    del result
    gc.collect()
    assert alive() is None


def test_thoughts_signed_before_what_was_never_sent_are_kept() -> None:
    """A result is cleaned before its first sending: the thought that led to the call is as good as it was."""
    thought = alloy.Thinking("Look her up", "signature", "anthropic")
    call = alloy.ToolCall("c1", "look_up", {"who": "Ada"})
    before = [alloy.Message.user("Who is Ada?"), alloy.Message.assistant([thought, call])]
    model = alloy.Scripted(["Her."])
    alloy.run(None, model=model, messages=before, tools=[look_up], middleware=[alloy.Redact("email")])
    (request,) = model.requests
    assert request.messages[1].parts[0] is thought
    assert "ada@" not in request.messages[2].tool_results[0].text


def test_thoughts_signed_after_what_is_changed_now_are_dropped() -> None:
    thought = alloy.Thinking("Hm", "signature", "anthropic")
    before = [alloy.Message.user("ada@example.org"), alloy.Message.assistant([thought, alloy.Text("Yes?")])]
    model = alloy.Scripted(["x"])
    alloy.run("And?", model=model, messages=before, middleware=[alloy.Redact("email")])
    assert model.requests[0].messages[1].parts == (alloy.Text("Yes?"),)


def test_every_part_in_which_words_are_sent_is_looked_at() -> None:
    parts: list[Any] = [
        alloy.Text("hunter2"),
        alloy.Document("text/plain", b"a hunter2 b", name="hunter2.txt"),
        alloy.Document.from_url("data:text/plain,a%20hunter2"),
        alloy.Image("image/png", b"hunter2"),
    ]
    history = [
        alloy.Message.user("go"),
        alloy.Message.assistant(
            [
                alloy.Thinking("hunter2"),
                alloy.ToolCall("c1", "look_up", {"who": ["hunter2", {"hunter2": 1}]}),
                alloy.ToolCall("c2", "look_up", {}, raw="{hunter2"),
            ]
        ),
        alloy.Message.user([alloy.ToolResult("hunter2", call_id="c1"), alloy.ToolResult("x", call_id="c2")]),
        alloy.Message.assistant("hunter2"),
    ]
    model = alloy.Scripted(["ok"])
    alloy.run(alloy.Message.user(parts), model=model, messages=history, middleware=[alloy.Redact("hunter2")])
    (request,) = model.requests
    text, document, address, picture = request.messages[-1].parts
    assert text == alloy.Text("[redacted]")
    assert document == alloy.Document("text/plain", b"a [redacted] b", name="[redacted].txt")
    assert address == alloy.Document("text/plain", b"a [redacted]")
    assert picture is parts[-1]
    assert "hunter2" not in repr(request.messages[:-1])
    assert request.messages[1].parts[1].input == {"who": ["[redacted]", {"[redacted]": 1}]}  # type: ignore[union-attr]


def test_a_document_that_is_no_text_keeps_its_bytes() -> None:
    pdf = alloy.Document("application/pdf", b"%PDF hunter2")
    model = alloy.Scripted(["ok"])
    alloy.run(alloy.Message.user([pdf]), model=model, middleware=[alloy.Redact("hunter2")])
    assert model.requests[0].messages[0].parts[0] is pdf


def test_patterns_are_texts_expressions_and_functions() -> None:
    redact = alloy.Redact("4711", re.compile(r"\bproject \w+", re.IGNORECASE), lambda text: text.replace("Ada", "A."))
    assert redact.text("Ada leads Project Apollo, room 4711") == "A. leads [redacted], room [redacted]"


def test_the_replacement_is_the_callers() -> None:
    assert alloy.Redact("email", "keys", replacement="<…>").text("a@b.de sk-ant-" + "x" * 30) == "<…> <…>"
    assert alloy.Redact(re.compile("a"), replacement=r"\1").text("bab") == r"b\1b"


def test_known_secrets_are_keys() -> None:
    register_secret("known-secret-of-the-redact-test")
    assert alloy.Redact("keys").text("it is known-secret-of-the-redact-test!") == "it is [redacted]!"


def test_an_expression_that_matches_nothing_at_all_inserts_nothing() -> None:
    assert alloy.Redact(re.compile("x*")).text("axxb") == "a[redacted]b"


def test_a_function_that_fails_ends_the_run_and_nothing_is_sent() -> None:
    def broken(text: str) -> str:
        raise ValueError("no")

    def wordless(text: str) -> Any:
        return None

    for function in (broken, wordless):
        model = alloy.Scripted(["x"])
        result = alloy.run("go", model=model, middleware=[alloy.Redact(function)], check=False)
        assert result.status == "error"
        assert model.requests == []
    assert isinstance(result.error, alloy.ConfigError)


@pytest.mark.parametrize(
    ("patterns", "options", "said"),
    [
        ((), {}, "without a pattern"),
        (("",), {}, "is empty"),
        (("emial",), {}, "did you mean 'email'"),
        (("creditcard",), {}, "did you mean 'credit-card'"),
        ((5,), {}, "5 is no pattern"),
        (("red",), {}, "is itself taken out"),
        (("email",), {"replacement": "nobody@example.org"}, "is itself taken out"),
    ],
)
def test_what_would_not_protect_is_said_at_once(patterns: Any, options: Any, said: str) -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        alloy.Redact(*patterns, **options)
    assert said in f"{caught.value} {caught.value.hint}"


def test_it_says_what_it_is() -> None:
    assert repr(alloy.Redact("email")) == "Redact('email', replacement='[redacted]')"


# The ready-made patterns

GONE = {
    "email": """ada@example.org first.last+tag@mail.example.co.uk müller@exämple.de a_b@sub-domain.example.museum
        <ada@example.org> mailto:ada@example.org 'o'neil@example.ie'""",
    "phone": """+49 30 1234567|+1 (415) 555-2671|+442079460958|0049 30 1234567|(415) 555-2671|415-555-2671
        |030 1234567|0171-1234567|020 7946 0958|030/1234567""",
    "iban": """DE89370400440532013000|DE89 3704 0044 0532 0130 00|GB82 WEST 1234 5698 7654 32|gb82west12345698765432
        |NO93 8601 1117 947|MT84 MALT 0110 0001 2345 MTLC AST0 01S|IBAN:DE89370400440532013000""",
    "credit-card": """4111111111111111|4111 1111 1111 1111|5500-0055-5555-5559|378282246310005|3782 822463 10005
        |6011111111111117|4111 1111 1111 1111 123""",
}
KEPT = {
    "email": "@ada|ada@|a @ b|@@@@|x@localhost|decorators: @alloy.tool|3@4.5",
    "phone": "2026-11-29|192.168.100.17|1234567|3.14159265|12:30:45|01-02-2026|v1.22.333|0000123456|room 4711",
    "iban": "DE88370400440532013000|DE8937040044053201300|XX89370400440532013000|AB12|DE89 3704 0044 0532 0130 00X",
    "credit-card": "4111111111111112|1234567890123456|411111111111|41111111111111111111111|3.4111111111111111",
}


def pieces(cases: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (name, piece.strip())
        for name, text in cases.items()
        for piece in (text.split("|") if "|" in text else text.split())
    ]


@pytest.mark.parametrize(("name", "text"), pieces(GONE))
def test_a_ready_made_pattern_takes_out(name: str, text: str) -> None:
    redacted = alloy.Redact(name).text(f"so {text}, yes")
    assert "[redacted]" in redacted
    assert sum(c.isdigit() for c in redacted) <= 3  # what follows a card
    assert "@" not in redacted


@pytest.mark.parametrize(("name", "text"), pieces(KEPT))
def test_a_ready_made_pattern_leaves(name: str, text: str) -> None:
    assert alloy.Redact(name).text(f"so {text}, yes") == f"so {text}, yes"


def test_words_beside_a_number_stay_and_the_next_number_goes() -> None:
    iban = "DE89 3704 0044 0532 0130 00"
    assert alloy.Redact("iban").text(f"{iban} IS MINE {iban} {iban}") == "[redacted] IS MINE [redacted] [redacted]"
    card = "4111 1111 1111 1111"
    assert alloy.Redact("credit-card").text(f"1 {card} {card} 9") == "1 [redacted] [redacted] 9"


@given(st.text(alphabet="a1@. -+DE89()0437é", max_size=80))
def test_a_second_look_finds_nothing_new_to_break(text: str) -> None:
    """Whatever the text: no crash, and what was clean stays as it is."""
    for name, change in READY_MADE.items():
        once = change(text, "[x]")
        assert once == text or "[x]" in once, name


@pytest.mark.thorough
@pytest.mark.parametrize("name", READY_MADE)
def test_no_text_takes_quadratic_time(name: str) -> None:
    """It ends: where each character was looked at as often as there are characters, this would take hours."""
    for piece in ("a", "@", "a@", "a.", "a@a.", "1", "1 ", "1-", "+1", "0", "DE89", "DE89 ", "("):
        assert len(READY_MADE[name](piece * (300_000 // len(piece)), "")) <= 300_000
