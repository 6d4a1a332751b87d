"""`Team`: asking its members, who is in it, what they share, and how it is told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.testing import Function
from tests.histories import assert_law_1
from tests.teams.models import FREE, Model, blocks, breaks, until, waits_for_ever


@pytest.fixture(autouse=True)
def freed() -> Iterator[None]:
    """What a test had hanging comes back when it is over."""
    FREE.clear()
    yield
    FREE.set()


USAGE = {"input_tokens": 80, "output_tokens": 20}


def says(*lines: Any) -> dict[str, Any]:
    return {"model": alloy.Scripted(list(lines) * 9)}


def pair(**options: Any) -> alloy.Team:
    return alloy.Team({"coder": says("I code."), "critic": says("I judge.")}, **options)


# -- making it --------------------------------------------------------------------------------------------------------


def test_it_is_made_of_agents_and_of_options() -> None:
    """TEAM-1"""
    agent = alloy.Agent(**says("hi"))
    with alloy.Team({"made": says("ho"), "given": agent}) as team:
        assert list(team) == ["made", "given"]
        assert team["given"] is agent
        assert team["made"].name == "made"
        assert (len(team), "made" in team, "other" in team) == (2, True, False)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"modell": "x"}, "agent 'bad' could not be made: unknown option `modell`"),
        ({"model": "nobody:nothing"}, "agent 'bad' could not be made"),
        ({1: "x"}, "agent 'bad' could not be made"),
        ("coder", "agent 'bad' is a str"),
    ],
)
def test_one_that_cannot_be_made_fails_the_whole_by_its_name_and_leaves_nothing_behind(given: Any, words: str) -> None:
    """TEAM-1, TEAM-w3"""
    agent = alloy.Agent(**says("hi"))
    before = set(threading.enumerate())
    with pytest.raises(alloy.ConfigError, match=words):
        alloy.Team({"given": agent, "made": says("x"), "bad": given})
    assert set(threading.enumerate()) <= before
    alloy.Team({"given": agent}).stop()  # it is in no team, and not closed by the one that failed


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"context": 3}, "context is 3"),
        ({"budget": 3}, "budget is 3"),
        ({"timeout": -1}, "timeout is -1"),
        ({"name": "a/b"}, "name is 'a/b'"),
        ({"handoffs": {"coder": ["nobody"]}}, "no agent 'nobody'"),
        ({"handoffs": {"coder": "critic"}}, "is a string"),
        ({"handoffs": ["coder"]}, "handoffs is a list"),
        ({"handoffs": {"coder": None}}, "handoffs of 'coder' is None"),
        ({"handoffs": {"coder": [alloy.Handoff(name, "go") for name in ("coder", "critic")]}}, "called `go`"),
    ],
)
def test_wrong_options_are_said_clearly(options: dict[str, Any], words: str) -> None:
    with pytest.raises(alloy.ConfigError, match=words):
        pair(**options)


def test_names_and_members_are_checked() -> None:
    agent = alloy.Agent(**says("hi"))
    with pytest.raises(alloy.ConfigError, match="is no name"):
        alloy.Team({"a/b": agent})
    with pytest.raises(alloy.ConfigError, match="agents is a list"):
        alloy.Team([agent])  # type: ignore[arg-type]
    with pytest.raises(alloy.ConfigError, match="works in a team already"):
        alloy.Team({"one": agent, "two": agent})


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31m", "a\u202eb", "a\x00", "\ud800", " ", ""])
def test_a_name_hides_nothing_and_steers_no_terminal(name: str) -> None:
    with pytest.raises(alloy.ConfigError, match="is no name"):
        alloy.Team({name: says("hi")})
    with pytest.raises(alloy.ConfigError, match="name is"):
        alloy.Team({}, name=name)


# -- one of them ------------------------------------------------------------------------------------------------------


def test_delegate_asks_one_and_its_conversation_goes_on() -> None:
    """TEAM-2"""
    with pair() as team:
        assert team.delegate("coder", "Who are you?").text == "I code."
        team.delegate("coder", "And now?")
        assert len(team["coder"].messages) == 4
        assert team["critic"].messages == ()


def test_an_unknown_name_is_an_error_that_names_the_nearest() -> None:
    """TEAM-2"""
    with pair() as team:
        with pytest.raises(alloy.ConfigError, match="no agent 'codr'") as caught:
            team.delegate("codr", "hi")
        assert caught.value.hint == "did you mean 'coder'?"
        assert team.delegate("codr", "hi", check=False).status == "error"
        with pytest.raises(alloy.ConfigError, match="no agent 'x'"):
            team["x"]


def test_what_a_run_ends_in_is_raised_or_returned() -> None:
    with alloy.Team({"coder": says(alloy.AuthError("no key"))}) as team:
        with pytest.raises(alloy.AuthError):
            team.delegate("coder", "hi")
        result = team.delegate("coder", "hi", check=False)
        assert (result.status, type(result.error)) == ("error", alloy.AuthError)


def test_options_given_to_a_call_hold_for_it_alone() -> None:
    model = alloy.Scripted(["a", "b"])
    with alloy.Team({"coder": {"model": model, "system_prompt": "Always."}}) as team:
        team.delegate("coder", "x", system_prompt="Once.")
        team.delegate("coder", "x")
    assert [request.system_prompt for request in model.requests] == ["Once.", "Always."]


def test_two_members_work_at_the_same_time_and_nobody_waits_for_the_team() -> None:
    """TEAM-3"""
    both = threading.Barrier(2, timeout=20)

    def answer(request: Any) -> str:
        both.wait()
        return "met"

    with alloy.Team({name: {"model": Function(answer)} for name in ("a", "b")}) as team:
        first, second = team.start_delegate("a", "x"), team.start_delegate("b", "x")
        assert (first.result().text, second.result().text) == ("met", "met")


def test_a_member_at_work_is_busy_or_queues_as_any_agent() -> None:
    with alloy.Team(
        {"one": {"model": Model(blocks)}, "queues": {"model": Model(blocks), "max_pending": 1}}, timeout=None
    ) as team:
        first = team.start_delegate("one", "x")
        with pytest.raises(alloy.Busy):
            team.start_delegate("one", "y")
        team.start_delegate("queues", "x")
        waiting = team.start_delegate("queues", "y")
        assert team.health()["queues"].pending_count == 1
        with pytest.raises(alloy.QueueFull):
            team.start_delegate("queues", "z")
        with pytest.raises(alloy.Busy):
            team.delegate("queues", "z")
        refused = team.delegate("queues", "z", check=False)
        assert (refused.status, type(refused.error)) == ("error", alloy.Busy)
        FREE.set()
        assert first.result().ok
        assert waiting.result().text == "late"


@pytest.mark.parametrize("form", ["adelegate", "abroadcast", "ahandoff"])
def test_awaited_forms_leave_the_callers_loop_free(form: str) -> None:
    """Its agents wait for what comes from that loop alone."""

    async def main() -> Any:
        async with alloy.Team({name: {"model": Model(blocks)} for name in ("a", "b")}, timeout=None) as team:
            asked = {
                "adelegate": lambda: team.adelegate("a", "x"),
                "abroadcast": lambda: team.abroadcast("x"),
                "ahandoff": lambda: team.ahandoff(["a", "b"], "x"),
            }

            async def free() -> None:
                while not any(health.busy for health in team.health().values()):
                    await asyncio.sleep(0.01)
                FREE.set()

            freeing = asyncio.create_task(free())
            said = await asked[form]()  # type: ignore[no-untyped-call]
            await freeing
            return [result.text for result in said.values()] if form == "abroadcast" else said.text

    assert asyncio.run(main()) == (["late", "late"] if form == "abroadcast" else "late")


@pytest.mark.parametrize("form", ["adelegate", "abroadcast", "ahandoff"])
def test_cancelling_an_awaited_form_stops_its_runs(form: str) -> None:
    """Law 11"""

    async def main() -> None:
        async with alloy.Team({"a": {"model": Model(waits_for_ever)}}) as team:
            asked = {
                "adelegate": lambda: team.adelegate("a", "x"),
                "abroadcast": lambda: team.abroadcast("x"),
                "ahandoff": lambda: team.ahandoff(["a"], "x"),
            }
            task = asyncio.create_task(asked[form]())  # type: ignore[arg-type]
            while not team.health()["a"].busy:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not team.health()["a"].busy
            run = team.run_of("a")
            assert run is not None
            assert run.status == "cancelled"

    asyncio.run(main())


def test_a_blocking_form_is_refused_where_it_would_hold_up_a_lane() -> None:
    said: list[str] = []

    @alloy.tool
    async def ask() -> str:
        """Ask the team, as an async tool must not."""
        try:
            team.delegate("critic", "x")
        except alloy.AlloyError as error:
            said.append(error.message)
        return (await team.adelegate("critic", "x")).text

    call = {"tool_calls": [{"name": "ask", "input": {}}]}
    team = alloy.Team({"coder": {**says(call, "done"), "tools": [ask]}, "critic": says("I judge.")})
    with team:
        result = team.delegate("coder", "go")
    assert "own event loop" in said[0]
    assert result.tool_calls[0].output == "I judge."


# -- all of them ------------------------------------------------------------------------------------------------------


def test_broadcast_gives_each_ones_result_in_the_order_of_the_members() -> None:
    """TEAM-4"""
    with pair() as team:
        results = team.broadcast("Who are you?")
        assert {name: result.text for name, result in results.items()} == {"coder": "I code.", "critic": "I judge."}
        assert list(results) == ["coder", "critic"]
        assert results.ok
        assert results.usage.total_tokens == 30
    with alloy.Team({}) as empty:
        assert empty.broadcast("anybody?") == {}


def test_whoever_crashes_is_busy_or_down_is_there_with_an_error() -> None:
    """TEAM-5"""
    with alloy.Team(
        {"ok": says("fine"), "crashes": {"model": Model(breaks)}, "busy": {"model": Model(blocks)}}, timeout=None
    ) as team:
        team.start_delegate("busy", "x")
        results = team.broadcast("hi")
        assert list(results) == ["ok", "crashes", "busy"]
        kinds = {name: type(result.error) for name, result in results.items()}
        assert kinds == {"ok": type(None), "crashes": alloy.Crashed, "busy": alloy.Busy}
        for _ in range(3):
            team.delegate("crashes", "x", check=False)
        assert "is down" in str(team.broadcast("again")["crashes"].error)
        FREE.set()


def test_a_broadcast_in_the_background_can_be_stopped() -> None:
    """Law 11"""
    with alloy.Team({name: {"model": Model(waits_for_ever)} for name in "abc"}) as team:
        run = team.start_broadcast("x")
        until(lambda: all(health.busy for health in team.health().values()))
        assert run.status == "running"
        assert run.cancel()
        results = run.result()
        assert {result.status for result in results.values()} == {"cancelled"}
        assert run.status == "cancelled"
        assert not run.cancel()


def test_the_results_are_shown_as_a_table_in_which_nothing_runs() -> None:
    with alloy.Team({"coder": says("<script>alert(1)</script>\n\x1b[2Jsecond line")}) as team:
        results = team.broadcast("x")
    assert repr(results) == "coder  completed  <script>alert(1)</script> second line"
    html = results._repr_mimebundle_()["text/html"]
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    nobody = alloy.Team({}).broadcast("x")
    assert repr(nobody) == "(nobody was asked)"
    assert nobody._repr_mimebundle_()["text/html"] == "<p>(nobody was asked)</p>"


# -- one after another ------------------------------------------------------------------------------------------------


def test_each_ones_text_is_the_next_ones_prompt_and_the_task_is_not_lost() -> None:
    """TEAM-6, TEAM-w3"""
    models = [alloy.Scripted([{"text": f"step {n}", "usage": USAGE}]) for n in range(3)]
    team = alloy.Team({f"a{n}": {"model": model} for n, model in enumerate(models)})
    with team:
        result = team.handoff(["a0", "a1", "a2"], "Find and implement")
    assert result.text == "step 2"
    assert [model.requests[0].messages[-1].text for model in models] == ["Find and implement", "step 0", "step 1"]
    assert models[0].requests[0].system_prompt is None
    assert '"Find and implement"' in (models[2].requests[0].system_prompt or "")
    assert result.usage == alloy.Usage(240, 60)


def test_a_chain_of_nobody_is_an_empty_completed_result() -> None:
    """TEAM-6"""
    with pair() as team:
        result = team.handoff([], "x")
        assert (result.status, result.text, result.messages) == ("completed", "", ())


@pytest.mark.parametrize("second", ["fails", "max"])
def test_a_chain_stops_at_the_first_that_does_not_complete_with_what_came_so_far(second: str) -> None:
    """TEAM-6, TEAM-w3"""
    call = {"tool_calls": [{"name": "scratchpad", "input": {"action": "read"}}]}
    agents = {
        "first": says("so far"),
        "fails": says(alloy.AuthError("no key")),
        "max": {**says(call), "tools": ["scratchpad"], "max_turns": 1},
        "last": says("never"),
    }
    with alloy.Team(agents) as team:
        result = team.handoff(["first", second, "last"], "x", check=False)
        assert team["last"].messages == ()
        assert result.status == ("max_turns" if second == "max" else "error")
        if second != "max":
            assert result.text == "so far"
            with pytest.raises(alloy.AlloyError) as caught:
                team.handoff(["first", second, "last"], "x")
            assert caught.value.result is not None
            assert caught.value.result.text == "so far"


def test_an_answer_without_words_is_no_empty_prompt() -> None:
    """TEAM-6, TEAM-w3"""
    silent, next_one = alloy.Scripted([""]), alloy.Scripted(["ok"])
    with alloy.Team({"silent": {"model": silent}, "next": {"model": next_one}}) as team:
        team.handoff(["silent", "next"], "x")
    assert next_one.requests[0].messages[-1].text == "(no response)"


def test_a_chain_can_be_stopped_and_told_step_by_step() -> None:
    """Law 11"""
    with alloy.Team({"a": says("one"), "b": {"model": Model(waits_for_ever)}, "c": says("never")}) as team:
        run = team.start_handoff(["a", "b", "c"], "x")
        until(lambda: team.health()["b"].busy)
        run.cancel()
        with pytest.raises(alloy.Cancelled):
            run.result()
        assert [(name, result.status) for name, result in run.steps] == [  # type: ignore[attr-defined]
            ("a", "completed"),
            ("b", "cancelled"),
        ]
        told = [event.payload for event in run if event.type == "handoff"]
        assert told == [{"from": "a", "to": "b"}]


def test_a_string_is_no_list_of_names() -> None:
    with pair() as team:
        with pytest.raises(alloy.ConfigError, match="names is the string"):
            team.handoff("coder", "x")
        with pytest.raises(alloy.ConfigError, match="names is 3"):
            team.handoff(3, "x")  # type: ignore[arg-type]


# -- time -------------------------------------------------------------------------------------------------------------


def test_a_timeout_ends_the_run_and_leaves_no_ghost() -> None:
    """TEAM-7, TEAM-w3"""
    with alloy.Team({"a": {"model": Model(waits_for_ever)}}, timeout=0.1) as team:
        with pytest.raises(alloy.DeadlineExceeded):
            team.delegate("a", "x")
        health = team.health()["a"]
        assert (health.busy, health.abandoned) == (False, 0)
        team["a"].set_model(alloy.Scripted(["here"]))
        assert team.delegate("a", "y").text == "here"
        assert len(team["a"].messages) == 2


def test_a_timeout_of_nothing_fails_at_once_and_one_of_none_never() -> None:
    """TEAM-7"""
    model = alloy.Scripted(["x"] * 9)
    with alloy.Team({"a": {"model": model}}, timeout=0) as team:
        with pytest.raises(alloy.DeadlineExceeded):
            team.delegate("a", "x")
        assert team.delegate("a", "x", timeout=None).text == "x"
        assert team.delegate("a", "x", timeout=60).text == "x"
    with alloy.Team({"a": {"model": model, "timeout": 50.0}}, timeout=0) as team:
        assert team.delegate("a", "x").text == "x"  # the agent's own


def test_every_member_of_a_chain_has_the_whole_time() -> None:
    """TEAM-7: the time of a chain is that of each one in it."""
    seen: list[float | None] = []

    class Sees(alloy.Middleware):
        def on_event(self, event: alloy.Event) -> None:
            return

    with alloy.Team({name: {**says("x"), "middleware": [Sees()]} for name in "ab"}, timeout=33.0) as team:
        run = team.start_handoff(["a", "b"], "x")
        run.result()
        seen = [execution.options.timeout for _, execution in run.executions]
    assert seen == [33.0, 33.0]


# -- who is in it -----------------------------------------------------------------------------------------------------


def test_members_come_and_go() -> None:
    """TEAM-8"""
    with pair() as team:
        added = team.add("tester", says("I test."))
        assert team["tester"] is added
        assert team.delegate("tester", "x").text == "I test."
        with pytest.raises(alloy.ConfigError, match="'coder' already"):
            team.add("coder", says("x"))
        team.remove("tester")
        assert list(team) == ["coder", "critic"]
        assert added.health().status == "closed"
        with pytest.raises(alloy.ConfigError, match="no agent 'tester'"):
            team.remove("tester")
        assert team.usage.total_tokens == 15  # what it used stays counted


def test_hooks_of_one_that_is_taken_in_may_look_at_the_team() -> None:
    """Its session begins while it is made, which was done under the lock that whoever looks needs."""
    seen: list[list[str]] = []

    class Looks(alloy.Middleware):
        def session_start(self, ctx: Any) -> None:
            seen.append(list(team.health()))

    with pair() as team:
        adding = threading.Thread(target=team.add, args=("third", {**says("hi"), "middleware": [Looks()]}), daemon=True)
        adding.start()
        adding.join(30)
        assert seen == [["coder", "critic"]]
        assert list(team) == ["coder", "critic", "third"]


def test_removing_a_busy_one_stops_it_and_holds_up_no_other() -> None:
    """TEAM-w2"""
    model = Model(blocks)
    with alloy.Team({"busy": {"model": model}, "other": says("I work.")}) as team:
        run = team.start_delegate("busy", "x")
        until(lambda: model.requests)
        removing = threading.Thread(target=team.remove, args=("busy",))
        removing.start()
        until(lambda: "busy" not in team)
        assert team.delegate("other", "x").text == "I work."
        removing.join(30)
        assert not removing.is_alive()
        assert not FREE.is_set()  # it never came back: it was given up
        assert run.result(check=False).status == "error"


def test_a_member_is_an_agent_of_its_own() -> None:
    """TEAM-11"""
    with pair() as team:
        agent = team.get("coder")
        assert agent is team.agents["coder"]
        assert agent is not None
        assert agent.chat("directly").text == "I code."
        assert team.get("nobody") is None
        assert list(team.agents) == ["coder", "critic"]
        row = team.snapshot()["timeline"][-1]
        assert (row["agent"], row["prompt"]) == ("coder", "directly")


def test_stopping_it_stops_and_closes_all() -> None:
    """TEAM-12"""
    team = alloy.Team({"a": {"model": Model(waits_for_ever)}, "b": says("x")})
    run = team.start_delegate("a", "x")
    team.stop()
    assert run.result(check=False).status == "cancelled"
    assert {health.status for health in team.health().values()} == {"closed"}
    with pytest.raises(alloy.AlloyError, match="the team is stopped"):
        team.delegate("b", "x")
    with pytest.raises(alloy.AlloyError, match="the team is stopped"):
        team.start_broadcast("x")
    team.stop()
    until(lambda: not [t for t in threading.enumerate() if t.name.startswith("alloy-lane-team/")])


def test_an_idle_team_has_no_thread() -> None:
    before = set(threading.enumerate())
    team = alloy.Team({f"a{n}": says("x") for n in range(30)})
    assert set(threading.enumerate()) <= before
    team.stop()


# -- what they share --------------------------------------------------------------------------------------------------


def test_one_budget_is_spent_by_all_and_debited_once() -> None:
    """Law 11, TEAM-w4"""
    budget = alloy.Budget(tokens=250)
    with alloy.Team({name: says({"text": "x", "usage": USAGE}) for name in "abc"}, budget=budget) as team:
        team.delegate("a", "x")
        team.delegate("b", "x")
        assert budget.spent["tokens"] == 200
        team.delegate("c", "x")
        with pytest.raises(alloy.BudgetExceeded):
            team.delegate("a", "x")
        assert budget.spent["tokens"] == 300


def test_a_pause_that_one_was_asked_for_is_kept_by_all_with_that_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """TEAM-w4"""
    from alloy_nb.providers import retry

    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(retry, "sleep", sleep)

    class Keyed(alloy.Scripted):
        account = ("the same service", "the same key")

    limited = alloy.RateLimitError("slow down", retry_after=7.0)
    with alloy.Team({"a": {"model": Keyed([limited, "a"])}, "b": {"model": Keyed(["b"])}}) as team:
        assert team.delegate("a", "x").text == "a"
        run = team.start_delegate("b", "x")
        assert run.result().text == "b"
        (pause,) = [event.payload for event in run if event.type == "retry"]
    assert pause["attempt"] == 0
    assert 5 < pause["delay_s"] <= 7
    assert len(slept) == 2


# -- how it is told ---------------------------------------------------------------------------------------------------


def test_subscribers_hear_all_members_as_one_stream_and_what_happens_to_the_team() -> None:
    """TEAM-w3, TEAM-w4"""
    heard: list[alloy.Event] = []
    with pair() as team:
        subscription = team.subscribe(heard.append)
        team.broadcast("x")
        team.add("tester", {"model": Model(breaks)})
        team.delegate("tester", "x", check=False)
        team.remove("tester")
        until(lambda: [event for event in heard if event.type == "member_removed"])
        until(lambda: sum(event.type == "run_end" for event in heard) == 3)
        subscription.cancel()
        team.delegate("coder", "unheard")
    assert [event.seq for event in heard] == list(range(1, len(heard) + 1))
    assert {event.agent for event in heard if event.run_id} == {"team/coder", "team/critic", "team/tester"}
    own = [(event.type, event.payload["name"]) for event in heard if not event.run_id]
    assert own == [(kind, "tester") for kind in ("member_added", "crash", "restart", "member_removed")]
    for run_id in {event.run_id for event in heard if event.run_id}:
        events = [event for event in heard if event.run_id == run_id]
        assert [event.origin_seq for event in events] == list(range(1, len(events) + 1))
        assert (events[0].type, events[-1].type) == ("run_start", "run_end")


def test_who_subscribes_late_hears_what_goes_on_from_its_beginning() -> None:
    heard: list[alloy.Event] = []
    with alloy.Team({"a": {"model": Model(blocks)}}) as team:
        run = team.start_delegate("a", "x")
        until(lambda: len(team["a"].messages) == 1)
        team.subscribe(heard.append)
        FREE.set()
        run.result()
        until(lambda: heard and heard[-1].type == "run_end")
    assert heard[0].type == "run_start"


def test_a_subscriber_that_raises_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[alloy.Event] = []

    def raises(event: alloy.Event) -> None:
        raise ValueError("my own")

    with pair() as team:
        team.subscribe(raises)
        team.subscribe(heard.append)
        assert team.delegate("coder", "x").text == "I code."
        until(lambda: heard and heard[-1].type == "run_end")
        with pytest.raises(alloy.ConfigError):
            team.subscribe(3)  # type: ignore[arg-type]
    assert caplog.text.count("a subscriber of team raised") == 1


def test_a_snapshot_is_plain_data_and_tells_what_a_view_begins_with() -> None:
    with pair(context={"goal": "ship"}) as team:
        team.handoff(["coder", "critic"], "Do it")
        shot = team.snapshot()
        assert json.loads(json.dumps(shot)) == shot
        assert [row["name"] for row in shot["members"]] == ["coder", "critic"]
        assert [row["kind"] for row in shot["timeline"]] == ["run", "handoff", "run"]
        run = team.run_of("coder")
        assert run is not None
        assert (shot["members"][0]["run_id"], shot["timeline"][0]["run_id"]) == (run.run_id, run.run_id)
        assert shot["timeline"][0]["status"] == "completed"
        assert shot["context"] == {"goal": {"value": '"ship"', "by": ""}}
        assert shot["usage"]["input_tokens"] == 20


def test_a_team_is_shown_as_a_table() -> None:
    with pair() as team:
        team.delegate("coder", "x")
        assert repr(team).splitlines()[0] == "Team team: 2 agents"
        assert "coder" in repr(team)
        assert "<td" in team._repr_mimebundle_()["text/html"]


def test_the_histories_of_all_can_be_sent_on() -> None:
    """Law 1"""
    with alloy.Team({"a": says("x"), "b": {"model": Model(waits_for_ever)}, "c": {"model": Model(breaks)}}) as team:
        run = team.start_broadcast("x")
        until(lambda: team.health()["b"].busy and team.health()["c"].crashes)
        run.cancel()
        for result in run.result().values():
            assert_law_1(result)


# -- whoever waits ----------------------------------------------------------------------------------------------------


@alloy.tool(requires_approval=True)
def launch() -> str:
    """Launch."""
    return "launched"


LAUNCH = {"tool_calls": [{"name": "launch", "input": {}}]}


def asking() -> alloy.Team:
    return alloy.Team({name: {"model": alloy.Scripted([LAUNCH, "done"]), "tools": [launch]} for name in "ab"})


@pytest.mark.parametrize("form", ["broadcast", "abroadcast", "iterating", "async iterating"])
def test_without_a_person_what_asks_is_refused_at_once(form: str) -> None:
    async def iterate(run: Any) -> None:
        async for _ in run:
            pass

    with asking() as team:
        if form == "broadcast":
            results = team.broadcast("x")
        elif form == "abroadcast":
            results = asyncio.run(team.abroadcast("x"))
        else:
            run = team.start_broadcast("x")
            if form == "iterating":
                list(run)
            else:
                asyncio.run(iterate(run))
            results = run.result()
    for result in results.values():
        assert result.ok
        assert "Denied" in result.messages[2].tool_results[0].text


def test_a_reader_may_answer_what_is_asked() -> None:
    with asking() as team:
        run = team.start_broadcast("x")
        for event in run:
            if event.type == "approval_request" and event.agent == "team/a":
                assert team["a"].approve(event.payload["id"])
        results = run.result()
    assert results["a"].messages[2].tool_results[0].text == "launched"
    assert results["b"].messages[2].tool_results[0].is_error


def test_a_decision_is_on_one_members_call_though_others_have_the_same_id() -> None:
    """Ids are those of a conversation: whoever allows a call of one member must not allow another one's by it."""
    with asking() as team:
        run = team.start_broadcast("x")
        until(lambda: [len(execution.questions) for _, execution in run.executions] == [1, 1])
        (call_id,) = {execution.questions[0].call.id for _, execution in run.executions}
        for decide in (run.approve, run.deny):
            with pytest.raises(alloy.ConfigError, match="of a, b wait") as caught:
                decide(call_id)
            assert "agent=event.agent" in str(caught.value.hint)
        assert not run.approve(call_id, agent="team/nobody")
        assert run.approve(call_id, agent="team/b")
        until(lambda: not dict(run.executions)["b"].questions)
        assert run.deny(call_id, "not today", agent="a")
        results = run.result()
    assert results["b"].messages[2].tool_results[0].text == "launched"
    assert "not today" in results["a"].messages[2].tool_results[0].text


def test_a_run_that_was_let_go_before_it_began_is_over() -> None:
    """Its member was told that it began: it was looked after for ever, and ran on in the timeline."""
    with pair() as team:
        with pytest.raises(alloy.ConfigError, match="display"):
            team.delegate("coder", "x", display="bogus")
        assert not team.health()["coder"].busy
        assert [row["status"] for row in team.snapshot()["timeline"]] == ["error"]
        until(lambda: not any(thread.name == "alloy-watch-team" for thread in threading.enumerate()))
        assert team.delegate("coder", "x").text == "I code."
        assert len(team["coder"].messages) == 2


def test_the_error_of_a_chain_says_whose_it_is() -> None:
    """Of several that were asked one after another nobody could tell which one failed."""
    broken = alloy.AuthError("no key", hint="sign in")
    with alloy.Team({"a": {"model": alloy.Scripted(["A."])}, "b": says(broken)}) as team:
        with pytest.raises(alloy.AuthError, match="b: no key") as caught:
            team.handoff(["a", "b"], "x")
        assert caught.value.hint == "sign in"
        failed = team.handoff(["nobody", "a"], "x", check=False).error
        assert isinstance(failed, alloy.ConfigError)
        assert failed.message == "no agent 'nobody' is in the team"


def every_way(team: alloy.Team, *args: Any, **given: Any) -> Iterator[Callable[[], Any]]:
    """The ways to have a chain, each of which would ask."""
    yield lambda: team.handoff(*args, **given)
    yield lambda: team.start_handoff(*args, **given)
    yield lambda: asyncio.run(team.ahandoff(*args, **given))


def test_no_one_of_a_chain_is_asked_when_a_later_ones_name_is_wrong() -> None:
    """The first ones were asked, and paid for, before the typing error of the last was told."""
    with pair() as team:
        for ask in every_way(team, ["coder", "critc"], "x"):
            with pytest.raises(alloy.ConfigError, match="no agent 'critc'") as caught:
                ask()
            assert caught.value.hint == "did you mean 'critic'?"
        assert team.handoff(["coder", "critc"], "x", check=False).status == "error"
        assert asyncio.run(team.ahandoff(["coder", "critc"], "x", check=False)).status == "error"
        assert team["coder"].messages == ()


def test_a_word_that_was_meant_otherwise_is_told_once_and_nobody_is_asked() -> None:
    """`name=` for `names=` was an error of each member; `chek=` was told with all options and without `check`."""
    with pair() as team:
        for call, given, meant in (
            (team.broadcast, {"name": ["coder"]}, "names"),
            (team.broadcast, {"nmaes": ["coder"]}, "names"),
            (team.broadcast, {"displya": None}, "display"),
            (lambda *a, **k: team.handoff(["coder"], *a, **k), {"chek": False}, "check"),
            (lambda *a, **k: team.delegate("coder", *a, **k), {"chek": False}, "check"),
            (team["coder"].chat, {"chek": False}, "check"),
            (alloy.run, {"chek": False}, "check"),
        ):
            with pytest.raises(alloy.ConfigError) as caught:
                call("x", **given)
            assert caught.value.hint == f"did you mean `{meant}`?"
        assert team["coder"].messages == ()


def test_a_wrong_option_of_a_broadcast_is_said_at_once() -> None:
    """Each one had a result with the error, and no hint was shown."""
    with pair() as team:
        for call in (team.broadcast, team.start_broadcast, lambda *a, **k: asyncio.run(team.abroadcast(*a, **k))):
            with pytest.raises(alloy.ConfigError, match="unknown option `timeot`") as caught:
                call("x", timeot=3)
            assert caught.value.hint == "did you mean `timeout`?"


def test_a_broadcast_to_some_of_them() -> None:
    with alloy.Team({name: {"model": alloy.Scripted([name.upper()])} for name in "abc"}) as team:
        results = team.broadcast("x", names=["c", "a", "c"])
        assert [(name, result.text) for name, result in results.items()] == [("c", "C"), ("a", "A")]
        assert team.broadcast("x", names=[]) == {}
        for names, words in ((["nobody"], "no agent 'nobody'"), ("a", "names is the string 'a'")):
            with pytest.raises(alloy.ConfigError, match=words):
                team.broadcast("x", names=names)


def test_one_that_waits_for_a_decision_says_so_wherever_a_team_is_looked_at() -> None:
    """Health, text, snapshot and timeline said that it runs."""
    with asking() as team:
        seen = {}
        for event in team.start_delegate("a", "x"):
            if event.type == "approval_request":
                seen = {
                    "health": team.health()["a"].status,
                    "text": str(team).splitlines()[1].split()[1],
                    "timeline": team.timeline.to_list()[-1]["status"],
                    "member": team.snapshot()["members"][0]["status"],
                    "agent": team["a"].health().status,
                }
                assert team["a"].approve(event.payload["id"])
        assert set(seen.values()) == {"waiting"}, seen
        assert team.timeline.to_list()[-1]["status"] == "completed"


@pytest.mark.parametrize("form", ["delegate", "broadcast", "handoff"])
def test_an_interrupt_stops_what_is_waited_for(form: str) -> None:
    """Law 11"""
    import signal

    model = Model(waits_for_ever)
    with alloy.Team({"a": {"model": model}}) as team:

        def interrupt() -> None:
            until(lambda: model.requests)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

        threading.Thread(target=interrupt).start()
        asked = {
            "delegate": lambda: team.delegate("a", "x"),
            "broadcast": lambda: team.broadcast("x"),
            "handoff": lambda: team.handoff(["a"], "x"),
        }
        with pytest.raises(KeyboardInterrupt):
            asked[form]()
        # It may land before anybody waits: the run is stopped all the same.
        until(lambda: not team.health()["a"].busy)
