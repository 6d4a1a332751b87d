"""Cells in a real kernel: what reaches the model, what reaches the page, what does not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Kernel, Ran, kernel_env

pytestmark = pytest.mark.kernel

CANARY = "sk-canary-7f3a9b2c8d1e4f5a6b7c"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel whose environment holds keys, all the same recognisable one, and no way to anywhere."""
    keys = {f"{name}_API_KEY": CANARY for name in ("OPENAI", "ANTHROPIC", "GEMINI", "OPENROUTER", "MISTRAL")}
    env = kernel_env(**keys, OPENAI_BASE_URL="http://127.0.0.1:9/v1", ALLOY_RECORD="full")
    env["ALLOY_EVENTS"] = str(tmp_path / "events.jsonl")
    started = Kernel(env, tmp_path)
    try:
        started.run("%load_ext alloy_nb\nimport alloy_nb as alloy, os")
        yield started
    finally:
        started.close()


ERRORS = [
    "%alloy -m openai:gpt-5.2 hi",
    "alloy.run('hi', model='openai:gpt-5.2', max_retries=0)",
    "alloy.run('hi', model='anthropic:claude-sonnet-4-6')",
    "%alloy -m {os.environ['OPENAI_API_KEY']} hi",
    "alloy.run('hi', model=os.environ['OPENAI_API_KEY'])",
    "%alloy -m m -t leak tell",
    "%alloy -m m -t crash tell",
    "%alloy -m m I know {secret}",
    "%alloy -m m And {os.environ}",
    "%alloy --show -m m I know {secret}, {os.environ}",
    "%alloy -m failing hi",
    "alloy.OpenAICompatible('x', base_url='http://127.0.0.1:9/v1', api_key=os.environ['OPENAI_API_KEY'])",
    "%alloy /doctor",
    "r",
]


def test_keys_are_in_no_output_no_error_no_record_and_no_saved_notebook(guarded: Kernel, tmp_path: Path) -> None:
    """Law 14: whatever a model or a tool says, no key is shown."""
    guarded.run(
        "secret = os.environ['OPENAI_API_KEY']\n"
        "def leak() -> str:\n    'Leak.'\n    return 'it is ' + secret\n"
        "def crash() -> str:\n    'Crash.'\n    raise ValueError('key ' + secret)\n"
        "call = lambda name: {'tool_calls': [{'name': name, 'input': {'why': secret}}]}\n"
        "plain = lambda name: {'tool_calls': [{'name': name, 'input': {}}]}\n"
        "m = alloy.Scripted([plain('leak'), 'So ' + secret, plain('crash'), call('crash'), 'Oh ' + secret, 'x', 'y'])\n"
        "failing = alloy.Scripted([{'error': {'type': 'AuthError', 'message': 'wrong key ' + secret}}])"
    )
    seen: list[Any] = []
    for code in ERRORS:
        for allow_stdin in (False, True):
            ran = guarded.run(code, allow_stdin=allow_stdin)
            told = [message["content"] for message in ran.messages if message["msg_type"] != "execute_input"]
            assert CANARY not in json.dumps(told), f"{code}: {json.dumps(told)}"
            seen.append(told)
    assert CANARY not in json.dumps(seen)
    assert "redacted" in json.dumps(seen)
    events = (tmp_path / "events.jsonl").read_text(encoding="utf-8")
    assert "leak" in events
    assert CANARY not in events


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("%alloy -m openai:gpt-5.2 hi", "no key for openai"),
        ("%alloy -m nowhere:x hi", "unknown provider"),
        ("%alloy --modle x hi", "did you mean --model?"),
        ("alloy.run('hi', modle='x')", "did you mean `model`?"),
        ("%alloy -m scripted:absent.jsonl hi", "cannot read the script"),
        ("%alloy hi", "no model is named"),
        ("%alloy /nothing", "there is no command /nothing"),
    ],
)
def test_bad_input_ends_the_cell_with_message_and_hint(kernel: Kernel, code: str, words: str) -> None:
    kernel.run("import os\nos.environ['ALLOY_DATA_DIR'] = os.path.abspath('no-weights-here')")
    error = kernel.run(code).error
    told = "\n".join(error["traceback"])
    assert words in told
    assert "Hint: " in told
    assert "Traceback" not in told
    assert "alloy_nb/" not in told


def test_a_tool_that_raises_is_told_to_the_model_and_ends_nothing(kernel: Kernel) -> None:
    kernel.run(
        "def broken() -> str:\n    'Break.'\n    raise ValueError('out of paper')\n"
        "m = alloy.Scripted([{'tool_calls': [{'name': 'broken', 'input': {}}]}, 'It failed.'])"
    )
    ran = kernel.run("%%alloy -m m -t broken -o r\nhi\n")
    assert ran.status == "ok"
    assert "out of paper" in ran.shown[0]["text/html"]
    assert "It failed." in ran.shown[0]["text/markdown"]


PROMPTS = [
    '{"a": 1, "key": {"x": [1, 2], "n": null}}',
    r"$\frac{a}{b}$ and \frac{a}{b}, x_{n}^{n}, $$\{a, b\}$$",
    "{a, b, n}, {x: 1, key: 2}, {{n}}, d = {key: [x for x in n]}, f'{a!r} {n:.2f}'",
    "$a ${key} %s %(n)s !ls {unbound}\n>>> f(x)\n... {\n  'n': n}\n",
]


def test_braces_reach_the_model_unchanged(kernel: Kernel) -> None:
    kernel.run("a, b, n, x, key = 1, 'two', 3, [4], 'K'\nm = alloy.Scripted(['ok'] * 9)")
    for prompt in PROMPTS:
        kernel.run(f"%%alloy -m m\n{prompt}")
    told = kernel.run("import json\nprint(json.dumps([r.messages[-1].text for r in m.requests]))").stdout
    assert json.loads(told) == [prompt.strip("\n") for prompt in PROMPTS]


def test_a_cell_that_is_run_again_does_not_pile_up(kernel: Kernel) -> None:
    kernel.run("m = alloy.Scripted(['one', 'two', 'three'])")
    for cell in ("A", "B", "A"):
        kernel.run("%%alloy -m m\nhi\n", cell_id=cell)
    assert kernel.run("print(len(m.requests[-1].messages))").stdout == "3\n"


def test_events_are_written_before_the_cell_ends(guarded: Kernel, tmp_path: Path) -> None:
    """`ALLOY_EVENTS` grows while the model speaks; each line has the time it was said at."""
    guarded.run("m = alloy.Scripted([{'text': 'first', 'tool_calls': [{'name': 'wait', 'input': {}}]}, 'last'])")
    guarded.run(
        "import time, pathlib\ndef wait() -> str:\n    'Wait until the test has looked.'\n"
        "    while not pathlib.Path('looked').exists(): time.sleep(0.02)\n    return 'seen'"
    )
    during: list[str] = []

    def look(_: Ran) -> None:
        path = tmp_path / "events.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        if not during and any('"tool_start"' in line for line in lines):
            during.extend(lines)
            (tmp_path / "looked").touch()

    started = time.time() * 1000
    assert guarded.run("%%alloy -m m -t wait\nhi\n", while_running=look).status == "ok"
    kinds = [json.loads(line)["event"] for line in during]
    assert "text_delta" in kinds
    assert "run_end" not in kinds
    stamps = [json.loads(line)["ts_ms"] for line in during]
    assert stamps == sorted(stamps)
    assert stamps[0] >= started - 1000
    assert json.loads((tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()[-1])["event"] == "run_end"


def test_a_live_cell_is_one_output_and_freezes_into_all_forms(kernel: Kernel) -> None:
    kernel.run("m = alloy.Scripted([{'text': 'The **end**.', 'delay_ms': 300}])")
    ran = kernel.run("%%alloy -m m\nhi\n", allow_stdin=True)
    kinds = [message["msg_type"] for message in ran.messages if "display" in message["msg_type"]]
    assert kinds[0] == "display_data"
    assert set(kinds[1:]) == {"update_display_data"}
    assert len(ran.shown) == 1
    assert set(ran.shown[0]) == {"text/html", "text/markdown", "text/plain", "application/vnd.alloy.run+json"}


def test_without_stdin_it_is_shown_once_and_alike(kernel: Kernel) -> None:
    kernel.run("m = alloy.Scripted(['The **end**.'] * 2)")
    first, second = (kernel.run("%%alloy -m m --fresh\nhi\n") for _ in range(2))
    assert [message["msg_type"] for message in first.messages if "display" in message["msg_type"]] == ["display_data"]
    assert first.shown == second.shown


WAITING = """
import threading
go = threading.Event()

@alloy.tool
def wait() -> str:
    "Wait for the test."
    return str(go.wait(60))

m = alloy.Scripted([{"tool_calls": [{"name": "wait"}]}, "late words"])
"""


def test_a_background_run_shows_itself_in_its_own_cell(kernel: Kernel) -> None:
    kernel.run(WAITING)
    first = kernel.run("run = alloy.start('hi', model=m, tools=[wait])\nrun", allow_stdin=True)
    name = first.of("display_data")[0]["transient"]["display_id"]
    assert "late words" not in str(first.shown)
    kernel.send("go.set()")  # and read what comes of any cell
    deadline = time.monotonic() + 30
    updates: list[Any] = []
    while not any("late words" in str(update["data"]) for update in updates):
        assert time.monotonic() < deadline
        message = kernel.client.get_iopub_msg(timeout=30)
        if message["msg_type"] == "update_display_data":
            updates.append(message["content"])
    assert {update["transient"]["display_id"] for update in updates} == {name}


def test_the_main_thread_tool_runs_while_the_cell_waits(kernel: Kernel) -> None:
    kernel.run(
        "import threading\n@alloy.tool(thread='main')\ndef where() -> str:\n    'Say where.'\n"
        "    return threading.current_thread().name\n"
        "m = alloy.Scripted([{'tool_calls': [{'name': 'where', 'input': {}}]}, 'ok'])"
    )
    kernel.run("r = %alloy -m m -t where hi")
    assert kernel.run("print(r.tool_calls[0].output)").stdout == "MainThread\n"
