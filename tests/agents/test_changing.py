"""An agent that is changed between two runs: reset, another model, a fork, a turn taken back."""

from __future__ import annotations

from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.models import model_info

from .making import agent_of


def test_reset_forgets_the_conversation_and_keeps_the_rest() -> None:
    """SRV-29, PAD-w1"""
    usage = {"input_tokens": 10, "output_tokens": 5}
    note = {"name": "scratchpad", "input": {"action": "write", "key": "k", "value": "v"}}
    model = alloy.Scripted([{"tool_calls": [note], "usage": usage}, {"text": "a", "usage": usage}, "b"])
    agent = alloy.Agent(model=model, system_prompt="Be kind.", tools=["scratchpad"])
    agent.chat("x")
    assert agent.export_session().notes == {"k": "v"}
    agent.reset()
    assert (agent.messages, agent.export_session().notes) == ((), {})
    assert agent.usage == alloy.Usage(20, 10)
    agent.chat("y")
    assert [m.text for m in model.requests[-1].messages] == ["y"]
    assert model.requests[-1].system_prompt == "Be kind."


def test_set_model_keeps_the_conversation_and_asks_another_one() -> None:
    """SRV-30"""
    other = alloy.Scripted(["b"])
    agent = agent_of("a", system_prompt="Be kind.")
    agent.chat("x")
    agent.set_model(other)
    agent.chat("y")
    assert [m.text for m in other.requests[0].messages] == ["x", "a", "y"]
    assert other.requests[0].system_prompt == "Be kind."


def test_set_model_refuses_a_wrong_one_and_changes_nothing() -> None:
    """SRV-w9"""
    agent = agent_of("a")
    with pytest.raises(alloy.ConfigError):
        agent.set_model("nosuchprovider:x")
    assert agent.chat("x").text == "a"


def test_another_model_has_another_window_unless_one_was_given() -> None:
    """CFG-20, CFG-5"""
    agent = alloy.Agent(model=alloy.Anthropic("claude-sonnet-4-6", api_key="k"))
    assert agent.context_window == model_info("claude-sonnet-4-6", "anthropic").window
    agent.set_model(alloy.OpenAI("gpt-5.2", api_key="k"))
    assert agent.context_window == model_info("gpt-5.2", "openai").window != model_info("claude-sonnet-4-6").window
    agent = alloy.Agent(model=alloy.Anthropic("claude-sonnet-4-6", api_key="k"), context_window=50_000)
    agent.set_model(alloy.OpenAI("gpt-5.2", api_key="k"))
    assert agent.context_window == 50_000
    with pytest.raises(alloy.ConfigError, match="context_window"):
        alloy.Agent(context_window=0)


def test_a_fork_begins_with_the_conversation_and_goes_its_own_way() -> None:
    agent = agent_of("a", "b", "c")
    agent.chat("x")
    fork = agent.fork(system_prompt="Be brief.")
    fork.chat("y")
    assert [m.text for m in agent.messages] == ["x", "a"]
    assert [m.text for m in fork.messages] == ["x", "a", "y", "b"]
    assert fork.session_id != agent.session_id
    agent.chat("z")
    assert [m.text for m in agent.messages] == ["x", "a", "z", "c"]


def test_undo_takes_the_last_prompt_back_with_all_that_came_of_it() -> None:
    call = {"tool_calls": [{"name": "scratchpad", "input": {"action": "read"}}]}
    agent = agent_of("a", call, "b", "c", tools=["scratchpad"])
    agent.chat("x")
    agent.chat("y")
    taken = agent.undo_turn()
    assert [m.text for m in taken if m.text] == ["y", "b"]
    assert [m.text for m in agent.messages] == ["x", "a"]
    assert agent.chat("z").text == "c"
    agent.undo_turn()
    agent.undo_turn()
    assert (agent.messages, agent.undo_turn()) == ((), ())


def test_undo_drops_thoughts_that_were_signed_in_the_history_it_changes() -> None:
    thought = alloy.Thinking("Hm", "signature", "anthropic")
    before = [alloy.Message.user("x"), alloy.Message.assistant([thought, alloy.Text("a")]), alloy.Message.user("y")]
    agent = agent_of("b", messages=[*before, alloy.Message.assistant("b")])
    agent.undo_turn()
    assert agent.messages == (alloy.Message.user("x"), alloy.Message.assistant("a"))


def test_undo_takes_one_exchange_back_also_when_a_hook_changed_its_prompt() -> None:
    class Veil(alloy.Middleware):
        def before_completion(self, ctx: Any) -> None:
            last = ctx.messages[-1]
            if "secret" in last.text:
                ctx.messages = (*ctx.messages[:-1], alloy.Message.user("hidden"))

    agent = agent_of("a", "b", middleware=[Veil()])
    agent.chat("x")
    agent.chat("my secret")
    assert [m.text for m in agent.undo_turn()] == ["hidden", "b"]
    assert [m.text for m in agent.messages] == ["x", "a"]
