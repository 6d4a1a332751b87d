"""Runs as OpenTelemetry's own SDK records them."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import alloy_nb as alloy
from alloy_nb.errors import OverloadedError
from alloy_nb.middleware.conventions import DURATION_BUCKETS, TOKEN_BUCKETS
from alloy_nb.providers.base import Done, TextDelta
from alloy_nb.redaction import register_secret
from alloy_nb.testing import Function, no_delays


@alloy.tool
def double(n: int) -> int:
    """Twice a number."""
    if n < 0:
        raise alloy.ToolError("too small: secret diary")
    return 2 * n


@alloy.tool(requires_approval=True)
def launch() -> str:
    """Launch."""
    return "launched"


def call(name: str, /, **given: Any) -> dict[str, Any]:
    return {"tool_calls": [{"id": f"c-{name}", "name": name, "input": given}]}


class Recorder:
    """The SDK's providers, and what they recorded."""

    def __init__(self) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.traces, self.meters = TracerProvider(), MeterProvider([self._reader])
        self.traces.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.begun: list[str] = []
        self.traces.add_span_processor(self)  # type: ignore[arg-type]

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.begun.append(span.name)

    def on_end(self, span: Any) -> None: ...

    def _on_ending(self, span: Any) -> None: ...

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 0) -> bool:
        return True

    def telemetry(self, **options: Any) -> alloy.Telemetry:
        return alloy.Telemetry(self.traces, self.meters, **options)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Those that ended; all that began did."""
        ended = self._exporter.get_finished_spans()
        assert len(ended) == len(self.begun)
        return ended

    def span(self, name: str) -> ReadableSpan:
        (span,) = (span for span in self.spans if span.name == name)
        return span

    def tree(self) -> dict[str, str | None]:
        """Each span's name, with that of its parent."""
        names = {span.context.span_id: span.name for span in self.spans}
        return {span.name: names.get(span.parent.span_id) if span.parent else None for span in self.spans}

    def points(self, metric: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
        return [point for one in metrics if one.name == metric for point in one.data.data_points]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    made = Recorder()
    yield made
    made.traces.shutdown()
    made.meters.shutdown()


def run(recorder: Recorder, *answers: Any, **options: Any) -> alloy.Result:
    content = options.pop("content", False)
    model = options.pop("model", None) or alloy.Scripted(list(answers))
    settings = {"tools": [double, launch], "check": False, "run_id": "r1", "name": "lead", **options}
    return alloy.run("Twice 21?", model=model, middleware=[recorder.telemetry(content=content)], **settings)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_run_is_a_span_with_one_for_each_answer_and_call(recorder: Recorder) -> None:
    """MW-12, EVT-14: by the names of the semantic conventions."""
    result = run(recorder, call("double", n=21), "42", correlation_id="chat-7")
    assert [span.name for span in recorder.spans] == [
        "chat script",
        "execute_tool double",
        "chat script",
        "invoke_agent lead",
    ]
    assert recorder.tree() == {
        "invoke_agent lead": None,
        "chat script": "invoke_agent lead",
        "execute_tool double": "invoke_agent lead",
    }
    chat, tool, _, agent = recorder.spans
    assert (chat.kind, tool.kind, agent.kind) == (SpanKind.CLIENT, SpanKind.INTERNAL, SpanKind.INTERNAL)
    assert attributes(chat) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "scripted",
        "gen_ai.request.model": "script",
        "gen_ai.response.model": "script",
        "gen_ai.response.finish_reasons": ("tool_call",),
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "gen_ai.conversation.id": "chat-7",
    }
    assert attributes(tool) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "double",
        "gen_ai.tool.call.id": "c-double",
        "gen_ai.tool.type": "function",
        "gen_ai.conversation.id": "chat-7",
    }
    assert attributes(agent) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "scripted",
        "gen_ai.request.model": "script",
        "gen_ai.agent.name": "lead",
        "gen_ai.conversation.id": "chat-7",
        "gen_ai.usage.input_tokens": result.usage.input_tokens,
        "gen_ai.usage.output_tokens": result.usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "alloy.run_id": "r1",
        "alloy.status": "completed",
    }
    assert {span.status.status_code for span in recorder.spans} == {StatusCode.UNSET}
    assert {(span.instrumentation_scope or agent.instrumentation_scope).name for span in recorder.spans} == {"alloy_nb"}  # type: ignore[union-attr]


def test_spans_lie_within_the_one_around_them(recorder: Recorder) -> None:
    result = run(recorder, call("double", n=21), "42")
    *inner, agent = recorder.spans
    assert all(agent.start_time <= span.start_time <= span.end_time <= agent.end_time for span in inner)  # type: ignore[operator]
    tool = recorder.span("execute_tool double")
    assert (tool.end_time or 0) - (tool.start_time or 0) >= int(result.tool_calls[0].duration_ms * 1000) * 1000


def test_the_conversation_is_the_agents_session(recorder: Recorder) -> None:
    model = alloy.Scripted(["one", "two"])
    agent = alloy.Agent(model=model, middleware=[recorder.telemetry()], context={"session_id": "ours"})
    agent.chat("1")
    agent.chat("2", correlation_id="request-5")
    assert [attributes(span)["gen_ai.conversation.id"] for span in recorder.spans] == ["ours"] * 4


def test_an_agent_without_a_name_has_none(recorder: Recorder) -> None:
    run(recorder, "x", name=None)
    assert "gen_ai.agent.name" not in attributes(recorder.span("invoke_agent"))


def test_the_callers_span_is_the_parent_whichever_way_it_runs(recorder: Recorder) -> None:
    """Also on the portal's thread: a run keeps the context that it was made in."""
    tracer, telemetry = recorder.traces.get_tracer("mine"), recorder.telemetry()

    def options(name: str) -> dict[str, Any]:
        return {"model": alloy.Scripted(["x"]), "middleware": [telemetry], "name": name}

    with tracer.start_as_current_span("one"):
        alloy.run("go", **options("run"))
    with tracer.start_as_current_span("two"):
        started = alloy.start("go", **options("start"))
    with tracer.start_as_current_span("three"):
        asyncio.run(alloy.arun("go", **options("arun")))
    started.result()
    tree = recorder.tree()
    assert [tree[f"invoke_agent {name}"] for name in ("run", "start", "arun")] == ["one", "two", "three"]


def test_tools_beside_each_other_are_spans_beside_each_other(recorder: Recorder) -> None:
    meet = threading.Barrier(2, timeout=60)

    @alloy.tool
    def wait(name: str) -> str:
        """Wait for the other one."""
        meet.wait()
        return name

    both = {"tool_calls": [{"id": name, "name": "wait", "input": {"name": name}} for name in "ab"]}
    run(recorder, both, "done", tools=[wait])
    one, two = (span for span in recorder.spans if span.name == "execute_tool wait")
    assert {attributes(span)["gen_ai.tool.call.id"] for span in (one, two)} == {"a", "b"}
    assert one.parent == two.parent
    assert max(one.start_time or 0, two.start_time or 0) <= min(one.end_time or 0, two.end_time or 0)


@pytest.mark.parametrize("both", [True, False])
def test_an_agent_within_a_call_is_a_span_within_that_call(recorder: Recorder, both: bool) -> None:
    """Once, also where both agents have the middleware; two beside each other, each in its own call."""
    telemetry = recorder.telemetry()
    inner: dict[str, Any] = {"middleware": [telemetry]} if both else {}
    scouts = [
        alloy.Agent(name=name, model=alloy.Scripted([call("double", n=1), "found"]), tools=[double], **inner).as_tool(
            name
        )
        for name in ("east", "west")
    ]
    calls = {"tool_calls": [{"id": name, "name": name, "input": {"prompt": "look"}} for name in ("east", "west")]}
    model = alloy.Scripted([calls, "done"])
    alloy.run("go", model=model, tools=scouts, middleware=[telemetry], name="lead")
    tree = recorder.tree()
    for name in ("east", "west"):
        assert tree[f"invoke_agent {name}"] == f"execute_tool {name}"
        assert tree[f"execute_tool {name}"] == "invoke_agent lead"
    assert len(recorder.spans) == 2 + 1 + 2 + 2 * 4
    ids = {span.context.span_id: span for span in recorder.spans}
    for span in recorder.spans:
        if span.name == "execute_tool double":
            around = ids[span.parent.span_id]  # type: ignore[union-attr]
            assert around.name in ("invoke_agent east", "invoke_agent west")


def test_an_inner_agent_that_is_stopped_with_the_run_around_leaves_no_span_open(recorder: Recorder) -> None:
    reached = threading.Event()

    async def never(request: Any) -> Any:
        reached.set()
        await asyncio.Event().wait()

    scout = alloy.Agent(name="scout", model=Function(never)).as_tool("scout")
    model = alloy.Scripted([call("scout", prompt="look"), "done"])
    handle = alloy.start("go", model=model, tools=[scout], middleware=[recorder.telemetry()])
    assert reached.wait(60)
    handle.cancel()
    handle.result(check=False)
    assert len(recorder.spans) == 5
    assert {attributes(span).get("error.type") for span in recorder.spans} == {None, "Cancelled", "ToolError"}


def test_an_inner_run_whose_end_is_not_told_ends_with_the_one_around(recorder: Recorder) -> None:
    """It may be given up with its call, and go on with nobody who forwards what it tells."""
    telemetry = recorder.telemetry()
    start = {"prompt": "", "model": "m", "provider": "p"}
    end = {"status": "completed", "error": None, "error_type": None, "usage": {}, "cost": None}
    parent = {"run_id": "outer", "call_id": "c1"}
    telemetry.on_event(alloy.Event(1, "outer", "run_start", start))
    telemetry.on_event(alloy.Event(2, "outer", "tool_start", {"id": "c1", "name": "scout", "input": {}}))
    inner = alloy.Event(3, "inner", "run_start", {**start, "parent": parent}, agent="scout", origin_seq=1)
    telemetry.on_event(inner)
    telemetry.on_event(inner._replace(seq=4, type="turn_start", origin_seq=2))
    telemetry.on_event(alloy.Event(5, "outer", "run_end", end))
    assert recorder.tree()["invoke_agent scout"] == "execute_tool scout"
    assert len(recorder.spans) == 4


def test_retries_and_fallbacks_are_events_of_the_answers_span(recorder: Recorder) -> None:
    tries: list[Any] = [[OverloadedError("busy")], [OverloadedError("down")]]
    first = Function(lambda request: tries.pop(0))
    with no_delays():
        run(recorder, model=first, fallback=[alloy.Scripted(["ok"])], max_retries=1)
    chat = recorder.span("chat script")
    assert [event.name for event in chat.events] == ["alloy.retry", "alloy.fallback"]
    retry, fallback = (dict(event.attributes or {}) for event in chat.events)
    assert (retry["alloy.attempt"], retry["alloy.reason"]) == (1, "busy")
    assert fallback["alloy.to"] == "scripted:script"
    assert attributes(chat)["gen_ai.provider.name"] == "scripted"
    assert attributes(chat)["gen_ai.request.model"] == "script"
    assert chat.status.status_code is StatusCode.UNSET


def test_questions_are_events_of_the_runs_span(recorder: Recorder) -> None:
    run(recorder, call("launch"), "done", approval=lambda call, ctx: False)
    asked, answered = recorder.span("invoke_agent lead").events
    assert (asked.name, answered.name) == ("alloy.approval_request", "alloy.approval_result")
    assert dict(answered.attributes or {}) == {
        "gen_ai.tool.call.id": "c-launch",
        "gen_ai.tool.name": "launch",
        "alloy.allowed": False,
        "alloy.by": "function",
    }
    assert attributes(recorder.span("execute_tool launch"))["error.type"] == "Refused"


def test_an_error_is_the_status_of_the_answer_and_of_the_run(recorder: Recorder) -> None:
    run(recorder, {"error": {"type": "AuthError", "message": "wrong key"}})
    for name in ("chat script", "invoke_agent lead"):
        span = recorder.span(name)
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "wrong key")
        assert attributes(span)["error.type"] == "AuthError"


def test_an_answer_that_was_cut_has_the_error_and_its_usage(recorder: Recorder) -> None:
    run(recorder, {"text": "half", "error": {"type": "StreamError", "message": "cut"}})
    chat = recorder.span("chat script")
    assert attributes(chat)["error.type"] == "StreamError"
    assert attributes(chat)["gen_ai.response.finish_reasons"] == ("error",)


def test_a_tool_that_failed_is_an_error_of_its_span_alone(recorder: Recorder) -> None:
    run(recorder, call("double", n=-1), "done")
    tool = recorder.span("execute_tool double")
    assert (tool.status.status_code, attributes(tool)["error.type"]) == (StatusCode.ERROR, "ToolError")
    assert tool.status.description is None
    assert recorder.span("invoke_agent lead").status.status_code is StatusCode.UNSET


def test_a_run_that_is_stopped_ends_all_its_spans(recorder: Recorder) -> None:
    started = threading.Event()

    @alloy.tool
    async def hang() -> str:
        """Hang."""
        started.set()
        await asyncio.Event().wait()
        return "never"

    model = alloy.Scripted([call("hang")])
    handle = alloy.start("go", model=model, tools=[hang], middleware=[recorder.telemetry()])
    assert started.wait(60)
    handle.cancel()
    assert handle.result(check=False).status == "cancelled"
    agent = recorder.span("invoke_agent")
    assert (agent.status.status_code, attributes(agent)["error.type"]) == (StatusCode.ERROR, "Cancelled")
    assert recorder.span("execute_tool hang").status.status_code is StatusCode.ERROR


def test_an_answer_that_is_stopped_is_an_error_of_its_span(recorder: Recorder) -> None:
    asked = threading.Event()

    async def never(request: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    handle = alloy.start("go", model=Function(never), middleware=[recorder.telemetry()])
    assert asked.wait(60)
    handle.cancel()
    handle.result(check=False)
    (chat,) = (span for span in recorder.spans if span.name.startswith("chat "))
    assert attributes(chat)["error.type"] == "Cancelled"


def test_a_halt_is_told_as_one(recorder: Recorder) -> None:
    """MW-11"""
    halter = alloy.Middleware()
    halter.before_completion = lambda ctx: alloy.Halt("enough")  # type: ignore[method-assign]
    model = alloy.Scripted(["x"])
    alloy.run("go", model=model, middleware=[halter, recorder.telemetry()], check=False)
    agent = attributes(recorder.span("invoke_agent"))
    assert (agent["error.type"], agent["alloy.status"]) == ("Halted", "halted")


# Content


def test_nothing_that_was_said_is_recorded_unless_asked_for(recorder: Recorder) -> None:
    run(recorder, call("double", n=-1), {"text": "the answer is private"}, output=None)
    said = "".join(span.to_json() for span in recorder.spans)
    assert not {word for word in ("Twice", "diary", "private") if word in said}
    assert not any("messages" in name or "arguments" in name for span in recorder.spans for name in attributes(span))


def test_an_answer_of_the_wrong_shape_is_not_quoted_by_its_error(recorder: Recorder) -> None:
    run(recorder, *["my diary"] * 3, output=int)
    agent = recorder.span("invoke_agent lead")
    assert attributes(agent)["error.type"] == "OutputError"
    assert agent.status.description is None


def test_with_content_messages_have_the_form_of_the_conventions(recorder: Recorder) -> None:
    run(recorder, {"thinking": "Hm", **call("double", n=21)}, "42", content=True)
    first, tool, second, agent = map(attributes, recorder.spans)
    question = {"role": "user", "parts": [{"type": "text", "content": "Twice 21?"}]}
    parts = [
        {"type": "reasoning", "content": "Hm"},
        {"type": "tool_call", "id": "c-double", "name": "double", "arguments": {"n": 21}},
    ]
    given = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c-double", "response": "42"}]}
    answer = {"role": "assistant", "parts": [{"type": "text", "content": "42"}], "finish_reason": "stop"}
    assert json.loads(first["gen_ai.input.messages"]) == [question]
    assert json.loads(first["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": parts, "finish_reason": "tool_call"}
    ]
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == {"n": 21}
    assert tool["gen_ai.tool.call.result"] == "42"
    assert json.loads(second["gen_ai.input.messages"]) == [question, {"role": "assistant", "parts": parts}, given]
    assert json.loads(second["gen_ai.output.messages"]) == [answer]
    assert json.loads(agent["gen_ai.input.messages"]) == [question]
    assert json.loads(agent["gen_ai.output.messages"]) == [answer]


def test_with_content_no_secret_and_no_picture_is_recorded(recorder: Recorder) -> None:
    """Law 14"""
    register_secret("known-secret-of-telemetry")
    key = "sk-ant-api03-" + "x" * 40
    prompt = [f"known-secret-of-telemetry {key}", alloy.Image("image/png", b"0123456789")]
    model = alloy.Scripted([{"text": f"It is {key}"}])
    alloy.run(prompt, model=model, middleware=[recorder.telemetry(content=True)])
    said = "".join(span.to_json() for span in recorder.spans)
    assert "known-secret" not in said
    assert key not in said
    assert "[redacted]" in said


# Metrics


def test_tokens_and_durations_of_each_answer_are_measured(recorder: Recorder) -> None:
    run(recorder, call("double", n=21), "42")
    said = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "scripted", "gen_ai.request.model": "script"}
    said["gen_ai.response.model"] = "script"
    tokens = {point.attributes["gen_ai.token.type"]: point for point in recorder.points("gen_ai.client.token.usage")}
    assert {kind: (point.count, point.sum) for kind, point in tokens.items()} == {"input": (2, 20), "output": (2, 10)}
    assert dict(tokens["input"].attributes) == {**said, "gen_ai.token.type": "input"}
    assert tokens["input"].explicit_bounds == TOKEN_BUCKETS
    (duration,) = recorder.points("gen_ai.client.operation.duration")
    assert duration.count == 2
    assert dict(duration.attributes) == said
    assert duration.explicit_bounds == DURATION_BUCKETS


def test_the_duration_of_a_failed_answer_says_which_error(recorder: Recorder) -> None:
    run(recorder, {"error": {"type": "AuthError", "message": "wrong key"}})
    (duration,) = recorder.points("gen_ai.client.operation.duration")
    assert duration.attributes["error.type"] == "AuthError"
    assert recorder.points("gen_ai.client.token.usage") == []


def test_tokens_of_an_inner_agent_are_counted_once(recorder: Recorder) -> None:
    telemetry = recorder.telemetry()
    scout = alloy.Agent(name="scout", model=alloy.Scripted(["found"]), middleware=[telemetry]).as_tool("scout")
    model = alloy.Scripted([call("scout", prompt="look"), "done"])
    alloy.run("go", model=model, tools=[scout], middleware=[telemetry])
    assert len(recorder.spans) == 6
    points = recorder.points("gen_ai.client.token.usage")
    assert sum(point.sum for point in points if point.attributes["gen_ai.token.type"] == "input") == 30


# The rest


def test_a_run_of_an_id_that_is_used_already_ends_the_spans_of_the_one_before(recorder: Recorder) -> None:
    telemetry = recorder.telemetry()
    start = {"prompt": "", "model": "m", "provider": "p"}
    end = {"status": "completed", "error": None, "error_type": None, "usage": {}, "cost": None}
    for seq, type, payload in ((1, "run_start", start), (1, "run_start", start), (2, "run_end", end)):
        telemetry.on_event(alloy.Event(seq, "same", type, payload))
    assert len(recorder.spans) == 2


def test_what_it_does_not_know_is_passed_over(recorder: Recorder) -> None:
    """MW-12: unknown events, and those of runs that began before it listened."""
    telemetry = recorder.telemetry()
    telemetry.on_event(alloy.Event(1, "r", "telepathy", {"x": 1}))
    telemetry.on_event(alloy.Event(2, "r", "turn_start", {"model": "m", "provider": "p"}))
    assert recorder.spans == ()


def test_providers_are_named_by_the_conventions(recorder: Recorder) -> None:
    telemetry = recorder.telemetry()
    for number, name in enumerate(("google", "xai", "mistral", "anthropic")):
        payload = {"prompt": "", "model": "m", "provider": name}
        end = {"status": "completed", "error": None, "error_type": None, "usage": {}, "cost": None}
        telemetry.on_event(alloy.Event(1, str(number), "run_start", payload))
        telemetry.on_event(alloy.Event(2, str(number), "run_end", end))
    named = [attributes(span)["gen_ai.provider.name"] for span in recorder.spans]
    assert named == ["gcp.gemini", "x_ai", "mistral_ai", "anthropic"]


def test_a_streamed_answer_is_one_span(recorder: Recorder) -> None:
    chunks = [TextDelta("a"), TextDelta("b"), Done("end_turn", "model-2")]
    run(recorder, model=Function(lambda request: chunks))
    (chat,) = (span for span in recorder.spans if span.name.startswith("chat "))
    assert attributes(chat)["gen_ai.response.model"] == "model-2"


def test_without_opentelemetry_it_says_what_to_install() -> None:
    code = """
import sys
sys.modules["opentelemetry"] = None
import alloy_nb as alloy
try:
    alloy.Telemetry()
except alloy.ConfigError as error:
    print(error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "opentelemetry-api" in done.stdout


def test_without_providers_it_does_nothing_and_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "alloy_nb"):
        assert alloy.run("x", model=alloy.Scripted(["y"]), middleware=[alloy.Telemetry()]).text == "y"
    assert caplog.records == []


def test_it_says_what_it_is() -> None:
    assert repr(alloy.Telemetry(content=True)) == "Telemetry(content=True)"
