"""What a notebook's file holds of a live run until it is over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.execution import Execution
from alloy_nb.notebook.conversation import AgentConversation, Conversation
from alloy_nb.notebook.live.display import display_live
from alloy_nb.notebook.live.run import LiveRun
from alloy_nb.render.blocks import Transcript


def held(execution: Execution) -> dict[str, Any]:
    from IPython.utils.capture import capture_output

    hub: Any = SimpleNamespace(view=lambda live: {})
    live = LiveRun(execution, Transcript(execution.run_id), lambda _: None, waited=True)
    with capture_output() as captured:
        display_live(hub, live)
    return dict(captured._outputs[0]["data"])


def begun(conversation: Conversation | AgentConversation) -> Execution:
    return conversation.begin((None, 1), "Hi", {"model": alloy.Scripted(["x"])}, None)


def test_a_killed_cell_tells_how_to_go_on_where_its_conversation_is_stored(notebook: Any) -> None:
    """It named `/attach` alone, which finds nothing when the kernel is dead."""
    conversation = Conversation()
    assert "/resume" not in held(begun(conversation))["text/plain"]
    conversation.save("my <thesis>", alloy.MemoryStore())
    data = held(begun(conversation))
    assert "`%alloy /resume my <thesis>` goes on with what is stored" in data["text/plain"]
    assert "`%alloy /resume my &lt;thesis&gt;` goes on" in data["text/html"]


@pytest.mark.parametrize(("store", "told"), [(None, True), (alloy.MemoryStore(), False)])
def test_an_agents_session_is_named_only_where_resume_looks(
    store: Any, told: bool, notebook: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path))
    model = alloy.Scripted(["x"])
    for agent, named in (
        (alloy.Agent(model=model, session="fox", store=store), told),
        (alloy.Agent(model=model), False),
    ):
        conversation = AgentConversation(agent.dialogue)
        execution = begun(conversation)
        assert ("/resume fox" in held(execution)["text/plain"]) == named
        conversation.end((None, 1), execution, None)
