"""A model hands its conversation over, and another agent answers in its place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.teams.handing_over import MOST_HANDOFFS
from tests.histories import assert_law_1, assert_law_3


def transfer(to: str, task: str = "do it", **more: Any) -> dict[str, Any]:
    return {"tool_calls": [{"name": f"transfer_to_{to}", "input": {"task": task}}], **more}


USAGE = {"input_tokens": 80, "output_tokens": 20}


def test_the_other_one_answers_and_the_run_ends_with_its_words() -> None:
    """TEAM-w4"""
    model = alloy.Scripted(["I have done it."])
    critic = alloy.Agent(name="critic", model=model, system_prompt="You judge.")
    first = alloy.Scripted([transfer("critic", "Judge it.", text="One moment.")])
    lead = alloy.Agent(name="lead", model=first, handoffs=[critic])
    result = lead.chat("Is my text good?")
    assert (result.text, result.status, result.turns) == ("I have done it.", "completed", 1)
    assert [m.text for m in model.requests[0].messages] == ["Is my text good?", "One moment.", "Judge it."]
    assert model.requests[0].system_prompt == "You judge."
    assert [m.role for m in lead.messages] == ["user", "assistant", "user", "assistant"]
    assert critic.messages == ()
    assert_law_1(result)


def test_it_is_one_stream_with_the_others_run_in_it() -> None:
    """Section 2 of the contract, law 4"""
    critic = alloy.Agent(name="critic", model=alloy.Scripted(["Too long."]))
    lead = alloy.Agent(name="lead", model=alloy.Scripted([transfer("critic")]), handoffs=[critic])
    run = lead.send("x")
    events = list(run)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    (told,) = [event for event in events if event.type == "handoff"]
    assert (told.payload, told.agent) == ({"from": "lead", "to": "critic"}, "lead")
    child = [event for event in events if event.run_id != run.run_id]
    assert {event.agent for event in child} == {"lead/critic"}
    assert (child[0].type, child[-1].type) == ("run_start", "run_end")
    assert child[0].payload["parent"]["run_id"] == run.run_id
    assert [event.type for event in events if event.run_id == run.run_id][-3:] == ["text_delta", "message", "run_end"]
    assert "".join(run.text_stream()) == "Too long."


def test_usage_counts_and_a_budget_is_debited_once() -> None:
    """Law 11"""
    critic = alloy.Agent(name="critic", model=alloy.Scripted([{"text": "x", "usage": USAGE}]))
    budget = alloy.Budget(tokens=1000)
    lead = alloy.Agent(model=alloy.Scripted([transfer("critic", usage=USAGE)]), handoffs=[critic])
    assert lead.chat("x", budget=budget).usage == alloy.Usage(160, 40)
    assert budget.spent["tokens"] == 200


def test_the_conversation_goes_on_with_the_first_one() -> None:
    critic = alloy.Agent(name="critic", model=alloy.Scripted(["judged"]))
    model = alloy.Scripted([transfer("critic"), "and I go on"])
    lead = alloy.Agent(model=model, handoffs=[critic])
    lead.chat("one")
    assert lead.chat("two").text == "and I go on"
    assert [m.text for m in model.requests[1].messages if m.text] == ["one", "judged", "two"]


def test_a_filter_says_what_is_handed_over() -> None:
    read = {"tool_calls": [{"name": "scratchpad", "input": {"action": "read"}}]}

    async def last_two(messages: tuple[alloy.Message, ...]) -> list[alloy.Message]:
        await asyncio.sleep(0)
        return list(messages[-2:])

    for handed, texts in [
        (None, ["x", "", "", "go"]),
        (alloy.Handoff.without_tools, ["x", "go"]),
        (last_two, ["", "", "go"]),
    ]:
        model = alloy.Scripted(["done"])
        handoff = alloy.Handoff(alloy.Agent(model=model), name="pass_on", description="Pass it on.", filter=handed)
        call = {"tool_calls": [{"name": "pass_on", "input": {"task": "go"}}]}
        first = alloy.Scripted([read, call])
        lead = alloy.Agent(model=first, tools=["scratchpad"], handoffs=[handoff])
        assert lead.chat("x").text == "done"
        assert [m.text for m in model.requests[0].messages] == texts
        assert first.requests[0].tools[1].description == "Pass it on."


def test_a_filter_that_gives_something_else_is_told_to_the_model() -> None:
    critic = alloy.Agent(name="critic", model=alloy.Scripted(["never"]))
    handoff = alloy.Handoff(critic, filter=lambda messages: ["words"])
    result = alloy.Agent(model=alloy.Scripted([transfer("critic"), "then I do"]), handoffs=[handoff]).chat("x")
    assert result.text == "then I do"
    assert "gave a str" in str(result.tool_calls[0].error)


def test_signed_thoughts_do_not_go_to_somebody_elses_service() -> None:
    model = alloy.Scripted(["done"])
    history = [
        alloy.Message.user("a"),
        alloy.Message.assistant([alloy.Thinking("hm", signature="signed"), alloy.Text("b")]),
    ]
    lead = alloy.Agent(
        model=alloy.Scripted([transfer("critic")]),
        messages=history,
        handoffs=[alloy.Agent(name="critic", model=model)],
    )
    lead.chat("x")
    assert not any(part for m in model.requests[0].messages for part in m.parts if isinstance(part, alloy.Thinking))


def test_one_that_fails_is_told_to_the_model_which_may_answer_itself() -> None:
    critic = alloy.Agent(name="critic", model=alloy.Scripted([alloy.AuthError("no key")]))
    result = alloy.Agent(model=alloy.Scripted([transfer("critic"), "Then I say it."]), handoffs=[critic]).chat("x")
    assert result.text == "Then I say it."
    assert "no key" in str(result.tool_calls[0].error)


def test_it_is_handed_over_alone_or_not_at_all() -> None:
    critic = alloy.Agent(name="critic", model=alloy.Scripted(["never"]))
    both = {"tool_calls": [*transfer("critic")["tool_calls"], *transfer("critic")["tool_calls"]]}
    result = alloy.Agent(model=alloy.Scripted([both, "alone"]), handoffs=[critic]).chat("x")
    assert result.text == "alone"
    assert all("alone, without other tools" in str(record.error) for record in result.tool_calls)
    assert_law_1(result)


def test_an_answer_of_a_type_may_be_the_other_ones() -> None:
    critic = alloy.Agent(name="critic", model=alloy.Scripted(["7"]))
    lead = alloy.Agent(model=alloy.Scripted([transfer("critic")]), handoffs=[critic], output=int)
    assert lead.chat("x").output == 7


def test_a_circle_comes_to_an_end_with_a_clear_word() -> None:
    """Each hands to the other for ever; the one that has it when there were enough must answer."""
    models = {name: alloy.Scripted([{"on": "again", **transfer(other, "again")}, transfer(other, "again")])
              for name, other in (("a", "b"), ("b", "a"))}  # fmt: skip

    class Loops(alloy.Middleware):
        """Says what it was told, once its transfer was refused."""

        def after_tool_execution(self, ctx: Any) -> Any:
            last = ctx.messages[-1].tool_results[-1]
            return alloy.Halt(last.text) if "times already" in last.text else None

    agents = {name: {"model": model, "middleware": [Loops()]} for name, model in models.items()}
    with alloy.Team(agents, handoffs={"a": ["b"], "b": ["a"]}) as team:
        result = team.delegate("a", "x", check=False, max_turns=2)
    assert result.status in ("halted", "max_turns", "error")
    calls = sum(len(model.requests) for model in models.values())
    assert MOST_HANDOFFS < calls <= 3 * (MOST_HANDOFFS + 2)


def test_stopping_the_run_stops_whoever_has_taken_over() -> None:
    """Law 11"""
    entered, ended = asyncio.Event, []

    @alloy.tool
    async def forever() -> str:
        """Never ends."""
        ended.append("entered")
        try:
            await entered().wait()
        finally:
            ended.append("ended")
        return ""

    call = {"tool_calls": [{"name": "forever", "input": {}}]}
    critic = alloy.Agent(name="critic", model=alloy.Scripted([call]), tools=[forever])
    run = alloy.Agent(model=alloy.Scripted([transfer("critic")]), handoffs=[critic]).send("x")
    for event in run:
        if event.type == "tool_start" and event.payload["name"] == "forever":
            run.cancel()
    result = run.result(check=False)
    assert result.status == "cancelled"
    assert ended in ([], ["entered", "ended"])
    assert_law_1(result)
    assert_law_3([e._replace(seq=n) for n, e in enumerate((e for e in run if e.run_id == run.run_id), 1)])
    assert [event.payload["status"] for event in run if event.type == "run_end"] == ["cancelled", "cancelled"]


def test_who_may_hand_over_to_whom_in_a_team_is_said_by_names() -> None:
    """TEAM-w4"""
    coder = alloy.Scripted(["I have coded it."])
    triage = alloy.Scripted([transfer("coder", "Fix the bug")])
    with alloy.Team(
        {"triage": {"model": triage}, "coder": {"model": coder}},
        handoffs={"triage": ["coder"]},
        context={"goal": "ship"},
    ) as team:
        run = team.start_delegate("triage", "It is broken.")
        assert run.result().text == "I have coded it."
        assert {event.agent for event in run} == {"team/triage", "team/triage/coder"}
        rows = team.snapshot()["timeline"]
        assert [(row["kind"], row.get("from"), row.get("to")) for row in rows if row["kind"] == "handoff"] == [
            ("handoff", "triage", "coder")
        ]
    assert [spec.name for spec in triage.requests[0].tools] == ["context", "transfer_to_coder"]
    assert [spec.name for spec in coder.requests[0].tools] == ["context"]
    assert "ship" in str(coder.requests[0].system_prompt)


def test_in_a_team_too_a_filter_says_what_is_handed_over() -> None:
    """Names alone could be given, and an agent's own `handoffs` went to one that knew nothing of its team."""
    scratch = {"text": "Hm.", "tool_calls": [{"name": "scratchpad", "input": {"action": "read"}}]}
    call = {"tool_calls": [{"name": "pass_on", "input": {"task": "go"}}]}
    for by_name in (True, False):
        model, first = alloy.Scripted(["done"]), alloy.Scripted([scratch, call])
        coder = alloy.Agent(model=model)
        handoff = alloy.Handoff("coder" if by_name else coder, "pass_on", "Pass it.", alloy.Handoff.without_tools)
        with alloy.Team(
            {"triage": {"model": first, "tools": ["scratchpad"]}, "coder": coder},
            handoffs={"triage": [handoff]},
            context={"goal": "ship"},
        ) as team:
            assert team.delegate("triage", "x").text == "done"
            assert [row["to"] for row in team.timeline.to_list() if row["kind"] == "handoff"] == ["coder"]
        assert [message.text for message in model.requests[0].messages] == ["x", "Hm.", "go"]
        assert "ship" in str(model.requests[0].system_prompt)
        assert first.requests[0].tools[-1].description == "Pass it."
    with pytest.raises(alloy.ConfigError, match="which is not in the team"):
        alloy.Team({"coder": {"model": model}}, handoffs={"coder": [alloy.Agent(model=model)]})
    with pytest.raises(alloy.ConfigError, match="filter is 5"):
        alloy.Handoff("coder", filter=5)  # type: ignore[arg-type]


def test_a_name_that_was_given_is_no_other_ones() -> None:
    """The one that was called so by its agent made every run fail: two tools were called the same."""
    others = {name: {"model": alloy.Scripted(["x"])} for name in ("coder", "critic")}
    model = alloy.Scripted(["x"])
    given = ["critic", alloy.Handoff("coder", "transfer_to_critic")]
    with alloy.Team({"triage": {"model": model}, **others}, handoffs={"triage": given}) as team:
        team.delegate("triage", "x")
        assert [tool.name for tool in model.requests[-1].tools][1:] == ["transfer_to_critic_2", "transfer_to_critic"]


def test_names_that_are_the_same_in_ascii_make_tools_of_two_names() -> None:
    """Of names in other scripts nothing is left there."""
    others = {name: {"model": alloy.Scripted([f"I am {name}."])} for name in ("研究", "翻译")}
    triage = alloy.Scripted([{"tool_calls": [{"name": "transfer_to_agent_2", "input": {"task": "x"}}]}])
    with alloy.Team({"triage": {"model": triage}, **others}, handoffs={"triage": ["研究", "翻译"]}) as team:
        assert team.delegate("triage", "x").text == "I am 翻译."
        team.remove("研究")
        triage.requests.clear()
        team.delegate("triage", "x", check=False)
        tools = triage.requests[0].tools
        assert [(tool.name, "`翻译`" in tool.description) for tool in tools[1:]] == [("transfer_to_agent_2", True)]
    agents = [alloy.Agent(name=name, model=alloy.Scripted(["x"])) for name in ("研究", "翻译")]
    triage = alloy.Scripted([{"tool_calls": [{"name": "transfer_to_agent", "input": {"task": "x"}}]}])
    assert alloy.Agent(model=triage, handoffs=agents).chat("x").text == "x"


def test_what_is_no_agent_is_refused() -> None:
    with pytest.raises(alloy.ConfigError, match="handoffs holds a str"):
        alloy.Agent(model=alloy.Scripted(["x"]), handoffs=["critic"])  # type: ignore[list-item]
