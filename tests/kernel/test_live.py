"""What a live cell costs on the wire, and that its controls reach a kernel at work, by the protocol alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.long_texts import SIZE, TEXTS

from .conftest import PATIENCE, Kernel, Ran, kernel_env

pytestmark = pytest.mark.kernel

KERNELS = ("alloy-6.31", "alloy-7.3", "alloy-newest")
FORMS = {"awaits": "%%alloy {options} -o answer\nGo on.", "blocks": "%%time\n%%alloy {options} -o answer\nGo on."}
#: A model that says a text of a file in so many pieces, with a pause after each.
STREAMING = """
import asyncio
from pathlib import Path
from alloy_nb.providers.base import TextDelta

class Paced(alloy.Scripted):
    pause = 0.004
    async def stream(self, request):
        async for delta in super().stream(request):
            yield delta
            if self.pause and isinstance(delta, TextDelta):
                await asyncio.sleep(self.pause)

text = Path("text.md").read_text("utf-8")
model = Paced([dict(text=text, chunks=2000)])
"""


Payload = dict[str, Any]
Message = dict[str, Any]


def opened(messages: list[Message], trait: str) -> list[dict[str, Any]]:
    """The openings of widgets whose state has this trait."""
    comms = [message["content"] for message in messages if message["msg_type"] == "comm_open"]
    return [content for content in comms if trait in content["data"]["state"]]


def hub_of(messages: list[Message]) -> str:
    (content,) = opened(messages, "routes")
    return str(content["comm_id"])


def payload_of(message: Message, hub: str) -> Payload:
    """What the hub tells the page with this message; {} for any other message."""
    if message["msg_type"] != "comm_msg" or message["content"]["comm_id"] != hub:
        return {}
    payload: Payload = message["content"]["data"].get("content") or {}
    return payload


def payloads(messages: list[Message], hub: str, kind: str) -> list[Payload]:
    return [told for message in messages if (told := payload_of(message, hub)).get("kind") == kind]


def changes_of(messages: list[Message], hub: str) -> list[Payload]:
    """The numbered changes of the one run that these messages tell."""
    return [run for told in payloads(messages, hub, "changes") for run in told["runs"]]


def said(changes: list[Payload]) -> str:
    """The words of the one text that these changes make."""
    ops = [op for run in changes for op in run["ops"]]
    return "".join(op[2] if op[0] == "t" else op[2].get("markdown", "") for op in ops if op[0] in "tb")


def is_over(changes: list[Payload]) -> bool:
    told = [op[1].get("status", "running") for run in changes for op in run["ops"] if op[0] == "f"]
    return any(status != "running" for status in told)


def hear_out(kernel: Kernel, ran: Ran, holds: Callable[[], bool]) -> None:
    """A cell may be over before the last message to the page is sent."""
    while not holds():
        ran.messages.append(kernel.client.get_iopub_msg(timeout=PATIENCE))


# -- what it costs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pause", [0.004, 0.0])
@pytest.mark.parametrize("sort", TEXTS)
def test_a_long_text_costs_little_more_than_itself(kernel: Kernel, tmp_path: Path, sort: str, pause: float) -> None:
    """While it streams, and as what stays."""
    text, size = TEXTS[sort](SIZE), lambda value: len(kernel.client.session.pack(value))
    (tmp_path / "text.md").write_text(text, "utf-8")
    assert kernel.run(f"{STREAMING}\nmodel.pause = {pause}").status == "ok"
    ran = kernel.run("%%alloy -m model -o answer\nGo on.\n", allow_stdin=True)
    assert ran.status == "ok", ran.messages[-1]
    hub = hub_of(ran.messages)
    hear_out(kernel, ran, lambda: is_over(changes_of(ran.messages, hub)))
    assert said(changes_of(ran.messages, hub)) == text

    told = [message for message in ran.messages if payload_of(message, hub).get("kind") == "changes"]
    payload = sum(size(payload_of(message, hub)) for message in told) / len(text.encode())
    parts = ("header", "parent_header", "metadata", "content")
    around = max(sum(size(m[part]) for part in parts) - size(payload_of(m, hub)) for m in told)
    dates = [message["header"]["date"] for message in told]
    seconds = (max(dates) - min(dates)).total_seconds()
    (data,) = [content["data"] for content in ran.of("update_display_data")]
    frozen = size(data) / size(text)
    print(f"{sort}: {len(told)} messages in {seconds:.1f} s, payload {payload:.2f} of the text, {around} B around it,")
    print(f"frozen {frozen:.2f} of the text:", {mime: round(size(form) / size(text), 2) for mime, form in data.items()})
    assert payload <= 1.3
    assert around <= 2_000
    assert len(told) <= 20 * seconds + 3
    assert pause == 0 or len(told) > 50
    assert frozen <= 4


def test_a_run_adds_a_small_widget_and_the_code_is_sent_once(kernel: Kernel) -> None:
    kernel.run("model = alloy.Scripted(['Yes.'] * 30)")
    messages = [m for _ in range(30) for m in kernel.run("%alloy -m model Well?", allow_stdin=True).messages]
    pack = kernel.client.session.pack
    assert sum(len(pack(message["content"])) > 100_000 for message in messages) == 1
    stubs = opened(messages, "snapshot")
    assert len(stubs) == 30
    sizes = [len(pack(content["data"]["state"])) for content in stubs]
    print(f"stub: {max(sizes)} B")
    assert max(sizes) <= 2_500
    assert len(opened(messages, "routes")) == 1


def test_where_nobody_listens_the_run_goes_on(kernel: Kernel, tmp_path: Path) -> None:
    """A closed page, or a server that is gone: nothing is waited for, and nothing piles up."""
    text = TEXTS["mixed"](SIZE)
    (tmp_path / "text.md").write_text(text, "utf-8")
    kernel.run(f"{STREAMING}\nmodel.pause = 0\nfrom alloy_nb.notebook.live.hub import hub_of\n")
    kernel.client.iopub_channel.stop()
    status, told = evaluated(kernel, "%%alloy -m model -o answer\nGo on.\n", "[answer.status, answer.text == text]")
    assert (status, told) == ("ok", ["completed", True])
    left = "[len(run.take()) for run in hub_of(get_ipython()).runs]"
    assert evaluated(kernel, "", left) == ("ok", [0])


def evaluated(kernel: Kernel, code: str, expression: str) -> tuple[str, Any]:
    """Run a cell; how it ended, and an expression's value then. Hears nothing but the replies."""
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": True, "stop_on_error": False}
    told = {"told": f"__import__('json').dumps({expression})"}
    message = kernel.client.session.msg("execute_request", {**content, "user_expressions": told})
    kernel.client.shell_channel.send(message)
    reply = kernel.reply_to(message)
    return reply["status"], json.loads(eval(reply["user_expressions"]["told"]["data"]["text/plain"], {}))  # noqa: S307


# -- what a page asks ----------------------------------------------------------------------------------------------


CONTROLLED = """
import asyncio
from alloy_nb.providers.base import TextDelta

class Endless(alloy.Scripted):
    async def stream(self, request):
        while True:
            yield TextDelta("word ")
            await asyncio.sleep(0.005)

def commands(*names):
    return [dict(name="bash", input=dict(command=f"touch {name}")) for name in names]

endless = Endless([])
asking = alloy.Scripted([dict(text="May I?", tool_calls=commands("one", "two")), "Thanks."])
first = alloy.Scripted(["Hi."])
"""
TOLD = "print(json.dumps([answer.status, [[call.executed, call.error] for call in answer.tool_calls]]))"
IDS = count()
#: What a page does: `yield` lets the cell go on, and comes back after its next message.
Script = Iterator[None]


class Remote:
    """A page's part of a live cell, on the kernel's control channel and nothing else."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        assert kernel.run(f"import json\n{CONTROLLED}").status == "ok"
        self.hub = hub_of(kernel.run("%alloy -m first Hello", allow_stdin=True).messages)
        self.ran, self.run_id, self.sent = Ran(), "", list[str]()

    def ask(self, form: str, options: str, script: Callable[[Remote], Script]) -> list[Any]:
        """Ask a question and do what the script says; how it ended, and what became of its calls."""
        self.sent, acting = [], self._act(script)

        def look(ran: Ran) -> None:
            self.ran = ran
            next(acting, None)

        ran = self.kernel.run(FORMS[form].format(options=options), allow_stdin=True, while_running=look)
        assert (ran.status, ran.questions) == ("ok", []), ran.messages[-1]
        hear_out(self.kernel, ran, lambda: is_over(self.changes()) and self.heard() == self.sent)
        found: list[Any] = json.loads(self.kernel.run(TOLD).stdout)
        return found

    def _act(self, script: Callable[[Remote], Script]) -> Script:
        yield from until(lambda: bool(opened(self.ran.messages, "snapshot")))
        self.run_id = opened(self.ran.messages, "snapshot")[0]["data"]["state"]["run"]
        self.send("hello")
        yield from script(self)

    def send(self, do: str, **more: Any) -> None:
        """As a page: a message of the hub's widget."""
        self.sent.append(f"c{next(IDS)}")
        control = {"id": self.sent[-1], "do": do, "run": self.run_id, **more}
        content = {"comm_id": self.hub, "data": {"method": "custom", "content": control}}
        client = self.kernel.client
        client.control_channel.send(client.session.msg("comm_msg", content))

    def told(self, kind: str) -> list[Payload]:
        return payloads(self.ran.messages, self.hub, kind)

    def heard(self) -> list[str]:
        """The controls that the kernel has acknowledged, of this question."""
        return [name for told in self.told("heard") for name in told["ids"]]

    def changes(self) -> list[Payload]:
        return [run for run in changes_of(self.ran.messages, self.hub) if run["run"] == self.run_id]

    def cards(self) -> list[dict[str, Any]]:
        ops = [op for run in self.changes() for op in run["ops"]]
        return [op[2] for op in ops if op[0] == "b" and op[2].get("block") == "approval"]


def until(holds: Callable[[], bool]) -> Script:
    while not holds():
        yield


@pytest.fixture(scope="module", params=KERNELS)
def remote(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    """One kernel of each ipykernel that the set-up has made."""
    from jupyter_client.kernelspec import KernelSpecManager

    if request.param not in KernelSpecManager().find_kernel_specs():
        pytest.skip(f"no kernel {request.param}; make test makes it")
    kernel = Kernel(kernel_env(), tmp_path_factory.mktemp("remote"), request.param)
    try:
        assert kernel.run("%load_ext alloy_nb\nimport alloy_nb as alloy").status == "ok"
        yield Remote(kernel)
    finally:
        kernel.close()


@pytest.mark.parametrize("form", FORMS)
def test_stop_and_a_snapshot_arrive_by_the_control_channel(remote: Remote, form: str) -> None:
    def script(page: Remote) -> Script:
        yield from until(lambda: "word word word" in said(page.changes()))
        page.send("sync")
        yield from until(lambda: bool(page.told("snapshot")))
        page.send("stop")

    status, calls = remote.ask(form, "-m endless --fresh", script)
    assert (status, calls) == ("cancelled", [])
    changes = remote.changes()
    assert [change["seq"] for change in changes] == list(range(1, len(changes) + 1))
    (snapshot,) = remote.told("snapshot")
    assert snapshot["run"] == remote.run_id
    (text,) = [block for block in snapshot["blocks"] if block["block"] == "text"]
    assert said([change for change in changes if change["seq"] <= snapshot["seq"]]) == text["markdown"]


@pytest.mark.parametrize("form", FORMS)
def test_answers_arrive_by_the_control_channel(remote: Remote, form: str) -> None:
    """One is allowed, one is denied with a reason; what is sent twice is done once."""

    def script(page: Remote) -> Script:
        yield from until(lambda: len(page.cards()) == 2)
        one, two = page.cards()
        page.send("decide", call=one["id"], allow=True, remember="once", reason=None)
        page.send("decide", call=two["id"], allow=False, remember="once", reason="not today")
        page.send("decide", call=two["id"], allow=True, remember="tool", reason=None)

    remote.kernel.run("asking = alloy.Scripted([dict(text='May I?', tool_calls=commands('one', 'two')), 'Thanks.'])")
    status, (one, two) = remote.ask(form, "-m asking -t bash --fresh", script)
    assert status == "completed"
    assert one == [True, None]
    assert two[0] is False
    assert "not today" in two[1]


LOOKING = """
from alloy_nb.notebook.live.hub import find_hub

@alloy.tool(thread="main")
def look() -> str:
    "Takes the main thread, and tells what the page is told meanwhile."
    blocks = find_hub(get_ipython()).runs[-1].snapshot()["blocks"]
    return ", ".join(f"{block['block']} {block.get('state', 'running')}" for block in blocks)

model = alloy.Scripted([{"text": "At once:", "tool_calls": [{"name": "look"}]}, "Done."])
"""


@pytest.mark.parametrize("form", FORMS)
def test_what_led_to_a_tool_that_takes_the_main_thread_is_shown_while_it_works(kernel: Kernel, form: str) -> None:
    """Nobody could show it then: of a short answer nothing was to be seen until the tool had ended."""
    kernel.run(LOOKING)
    assert kernel.run(FORMS[form].format(options="-m model -t look"), allow_stdin=True).status == "ok"
    seen = kernel.run("print(answer.messages[-2].tool_results[0].text)").stdout
    assert seen == "text running, tool running\n"
