"""The embedded model: what needs no weights first, then (marked `model`) what is tried with the real ones."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import textwrap
from contextlib import aclosing
from dataclasses import replace

import pytest

from alloy_nb.errors import ConfigError, ContextOverflowError
from alloy_nb.messages import Message, ToolCall, ToolResult
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Provider, Request, TextDelta, ToolSpec
from alloy_nb.providers.local import Local, is_installed
from alloy_nb.weights.catalogue import DEFAULT
from alloy_nb.weights.store import is_present
from tests.weights.gguf_file import gguf_bytes, write_gguf

FILES = ["README.md", "data.csv", "note.txt", "report.txt", "secret.txt"]
READ = ToolSpec(
    "read",
    "Read a file. Returns its lines with their numbers.",
    {
        "type": "object",
        "properties": {
            "file_path": {"type": "string"},
            "offset": {"type": "integer"},
            "limit": {"type": "integer"},
        },
        "required": ["file_path"],
    },
    {"file_path": FILES},
)


def ask(*texts: str, **fields) -> Request:
    return Request(tuple(Message.user(text) for text in texts), **fields)


# Without weights


@pytest.fixture
def library(monkeypatch):
    monkeypatch.setattr("alloy_nb.providers.local.find_spec", lambda name: object())


def test_without_the_library_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr("alloy_nb.providers.local.find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        Local()
    assert "xllamacpp" in caught.value.hint
    assert not is_installed()


@pytest.mark.usefixtures("library")
class TestWithoutWeights:
    def test_missing_weights_name_the_command_that_fetches_them(self, monkeypatch, tmp_path):
        monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path))
        with pytest.raises(ConfigError) as caught:
            Local()
        assert "alloy local pull smollm2" in caught.value.hint
        assert not is_installed()

    @pytest.mark.parametrize("size", [0, 3, 60, 1000])
    def test_weights_cut_short_are_an_error_with_a_hint(self, tmp_path, size):
        path = tmp_path / "cut.gguf"
        path.write_bytes(gguf_bytes()[:size])
        with pytest.raises(ConfigError) as caught:
            Local(path)
        assert "alloy local pull" in caught.value.hint

    def test_it_is_a_provider(self, tmp_path):
        local = Local(write_gguf(tmp_path / "m.gguf"))
        assert isinstance(local, Provider)
        assert (local.name, local.model, repr(local)) == ("local", "m", "Local('m')")

    def test_the_window_is_the_model_s_own_but_at_most_8192(self, tmp_path):
        def window(length, **options):
            local = Local(write_gguf(tmp_path / "m.gguf", context=length), **options)
            assert local.context_window == local._settings().context
            return local.context_window

        assert (window(2048), window(131072), window(131072, context=16384)) == (2048, 8192, 16384)

    def test_one_processor_thread_is_left_to_others(self, tmp_path, monkeypatch):
        monkeypatch.setattr("alloy_nb.providers.local._cores", lambda: 8)
        path = write_gguf(tmp_path / "m.gguf")
        assert Local(path)._settings().threads == 7
        monkeypatch.setattr("alloy_nb.providers.local._cores", lambda: 1)
        assert Local(path)._settings().threads == 1

    def test_a_model_with_a_template_for_tools_is_shown_them(self, tmp_path):
        request = ask("q", tools=(READ,))
        knowing = Local(write_gguf(tmp_path / "a.gguf", template="{% for t in tools %}{% endfor %}"))
        assert [tool["function"]["name"] for tool in knowing.encode(request)["tools"]] == ["read"]
        assert "tools" not in knowing.encode(replace(request, tool_choice="none"))
        plain = Local(write_gguf(tmp_path / "b.gguf", template="{{ messages }}"))
        assert "tools" not in plain.encode(request)

    def test_a_forced_call_is_a_schema_and_not_the_service_s_choice(self, tmp_path):
        body = Local(write_gguf(tmp_path / "m.gguf")).encode(ask("q", tools=(READ,), tool_choice="read"))
        assert "tool_choice" not in body
        schema = body["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["arguments"]["properties"]["file_path"] == {"enum": FILES}
        assert "- read: Read a file." in body["messages"][0]["content"]

    def test_weights_of_no_catalogue_carry_no_notice(self, tmp_path):
        assert Local(write_gguf(tmp_path / "m.gguf")).notice is None


# With the real ones


@pytest.fixture(scope="module")
def weights():
    if is_present(DEFAULT) and is_installed():
        return
    how = f'needs `pip install -e ".[local]"` and `alloy local pull {DEFAULT}`'
    if os.environ.get("CI"):
        pytest.fail(how)
    pytest.skip(how)


@pytest.fixture
def local(weights):
    return Local()


def collect(local: Local, request: Request) -> Answer:
    async def run() -> Answer:
        answer = Answer("local")
        async for delta in local.stream(request):
            answer.feed(delta)
        return answer

    return asyncio.run(run())


def read_and_tell(local: Local, question: str, content: str) -> tuple[ToolCall, str]:
    """A forced call, its result, and the answer in words."""
    history = (Message.user(question),)
    call = collect(local, Request(history, tools=(READ,), tool_choice="required")).message()
    numbered = "".join(f"{n:>6}\t{line}\n" for n, line in enumerate(content.splitlines(), 1))
    result = Message.user(ToolResult(numbered, call_id=call.tool_calls[0].id, name="read"))
    answer = collect(local, Request((*history, call, result), tools=(READ,)))
    return call.tool_calls[0], answer.message().text


QUESTIONS = [
    ("Read the file note.txt and tell me the number in it.", "note.txt", "{n}\n"),
    ("What number is in secret.txt?", "secret.txt", "The secret number is {n}.\n"),
    ("Which number does report.txt contain? Use the read tool.", "report.txt", "number: {n}"),
    ("Read note.txt. What is the magic number?", "note.txt", "The magic number is {n}.\n"),
]


def right(local: Local, runs: int, seed: int) -> list[bool]:
    dice = random.Random(seed)
    outcomes = []
    for run in range(runs):
        question, path, content = QUESTIONS[run % len(QUESTIONS)]
        number = str(dice.randint(10_000, 99_999))
        call, text = read_and_tell(local, question, content.format(n=number))
        outcomes.append(call.input == {"file_path": path} and number in text)
        if not outcomes[-1]:
            print(question, number, dict(call.input), repr(text[:100]))
    return outcomes


@pytest.mark.model
def test_a_forced_call_reads_the_file_and_the_answer_quotes_it(local):
    assert all(right(local, 4, seed=1))


@pytest.mark.model
@pytest.mark.slow
def test_twenty_fresh_numbers_are_quoted(local):
    assert sum(right(local, 20, seed=random.SystemRandom().randrange(1 << 30))) >= 18


@pytest.mark.model
def test_an_answer_streams_in_pieces_with_its_usage(local):
    async def pieces():
        return [delta async for delta in local.stream(ask("Name three colours."))]

    deltas = asyncio.run(pieces())
    answer = collect(local, ask("Name three colours."))
    assert sum(isinstance(delta, TextDelta) for delta in deltas) > 3
    assert answer.stop_reason == "end_turn"
    assert answer.message().model == "smollm2"
    assert answer.usage.input_tokens > 10
    assert answer.usage.output_tokens > 3


@pytest.mark.model
def test_temperature_is_0_unless_asked_for(local):
    texts = {collect(local, ask("Tell me something.", max_output_tokens=12)).message().text for _ in range(3)}
    assert len(texts) == 1


@pytest.mark.model
def test_structured_output_has_the_form_that_was_asked_for(local):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    text = collect(local, ask("Ada is 36 years old. Give her name and age.", output_schema=schema)).message().text
    assert json.loads(text) == {"name": "Ada", "age": 36}


@pytest.mark.model
def test_a_schema_that_no_grammar_can_be_made_of_is_a_bad_request(local):
    from alloy_nb.errors import BadRequestError

    with pytest.raises(BadRequestError) as caught:
        collect(local, ask("x", output_schema={"type": "nonsense"}))
    assert caught.value.hint


@pytest.mark.model
def test_a_named_tool_among_several_is_the_one_that_is_called(local):
    clock = ToolSpec("clock", "Tell the time.", {"type": "object", "properties": {}})
    request = ask("Read note.txt", tools=(READ, clock), tool_choice="clock")
    (call,) = collect(local, request).message().tool_calls
    assert (call.name, dict(call.input)) == ("clock", {})


@pytest.mark.model
def test_required_among_several_tools_calls_one_of_them(local):
    clock = ToolSpec("clock", "Tell the time.", {"type": "object", "properties": {}})
    answer = collect(local, ask("Read note.txt", tools=(READ, clock), tool_choice="required"))
    assert answer.stop_reason == "tool_use"
    (call,) = answer.message().tool_calls
    assert call.name in ("read", "clock")
    assert call.raw is None
    assert answer.message().text == ""


@pytest.mark.model
@pytest.mark.parametrize("choice", [None, "auto", "none"])
def test_with_a_free_choice_it_answers_in_words(local, choice):
    answer = collect(local, ask("Say hello.", tools=(READ,), tool_choice=choice, max_output_tokens=16))
    assert answer.message().text
    assert not answer.message().tool_calls


@pytest.mark.model
def test_a_conversation_longer_than_the_window_is_an_overflow(weights):
    with pytest.raises(ContextOverflowError) as caught:
        collect(Local(context=256), ask("word " * 600))
    assert caught.value.hint


@pytest.mark.model
def test_an_answer_cut_by_its_cap_says_so(local):
    assert collect(local, ask("Count to fifty.", max_output_tokens=5)).stop_reason == "max_tokens"


@pytest.mark.model
def test_an_iterator_closed_early_lets_the_next_question_through_at_once(local):
    async def first_word():
        async with aclosing(local.stream(ask("Write a long story.", max_output_tokens=700))) as deltas:
            async for delta in deltas:
                if isinstance(delta, TextDelta):
                    return

    asyncio.run(first_word())
    engine = local._engine()
    collect(local, ask("Hi", max_output_tokens=1))
    assert engine._current is None


@pytest.mark.model
def test_the_library_s_own_server_gives_the_same_text_over_http(weights):
    """An independent peer on a real socket, asked by the Chat wire, agrees at temperature 0."""
    import xllamacpp

    from alloy_nb.providers.local_layout import CHATML
    from alloy_nb.providers.openai_compatible import OpenAICompatible

    local = Local()
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(local.path)
    parameters.verbosity = -1
    parameters.n_ctx = 2048
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 1
    parameters.chat_template = CHATML
    parameters.api_keys = ["key-of-the-peer"]
    peer = xllamacpp.Server(parameters)
    wire = OpenAICompatible(local.model, base_url=peer.listening_address, api_key="key-of-the-peer")

    async def over_http(request: Request) -> str:
        answer = Answer("peer")
        async for delta in wire.stream(request):
            answer.feed(delta)
        return answer.message().text

    system = "You are a helpful assistant."
    for prompt in ("Say hi in three words.", "What is the capital of France?", 'Explain {"a": 1} and $x_1^2$.'):
        request = ask(prompt, system_prompt=system, temperature=0.0, max_output_tokens=40)
        assert asyncio.run(over_http(request)) == collect(local, request).message().text


@pytest.mark.model
def test_its_port_answers_nobody_without_the_key_and_no_origin_ever(weights):
    import httpx2
    import xllamacpp

    from alloy_nb.providers.local_load import make_parameters

    parameters = make_parameters(Local()._settings())
    parameters.n_ctx = 256
    server = xllamacpp.Server(parameters)
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    chat = server.listening_address + "/v1/chat/completions"
    evil = {"Origin": "https://evil.example"}
    assert re.match(r"http://127\.0\.0\.1:\d+", server.listening_address)
    with httpx2.Client(trust_env=False) as client:
        for path in ("/v1/models", "/props", "/slots", "/metrics"):
            assert client.get(server.listening_address + path, headers=evil).status_code in (401, 403, 404, 501)
        answers = [client.post(chat, json=body, headers=headers) for headers in ({}, evil)]
        asked_first = {**evil, "Access-Control-Request-Method": "POST"}
        answers.append(client.options(chat, headers=asked_first))
        answers.append(client.get(server.listening_address + "/health", headers=evil))
        key = {"Authorization": f"Bearer {parameters.api_keys[0]}", **evil}
        answers.append(client.post(chat, json=body, headers=key))
    assert [answer.status_code for answer in answers[:2]] == [401, 401]
    assert answers[-1].status_code == 200
    for answer in answers:
        assert answer.headers.get("Access-Control-Allow-Origin") not in ("*", "https://evil.example", "null")


@pytest.mark.model
def test_nothing_of_llama_cpp_is_printed(weights):
    assert run_script("say('Hi', 3); print('done')") == (0, "done\n", "")


# Ending the process in mid-generation

SCRIPT = """
import asyncio, os, sys, threading
from alloy_nb.messages import Message
from alloy_nb.providers.base import Request, TextDelta
from alloy_nb.providers.local import Local

local, begun = Local(), threading.Event()

async def answer(prompt, cap):
    async for delta in local.stream(Request((Message.user(prompt),), max_output_tokens=cap)):
        if isinstance(delta, TextDelta):
            begun.set()

def say(prompt, cap):
    asyncio.run(answer(prompt, cap))

def start():
    threading.Thread(target=say, args=("Write a very long story.", 700), daemon=True).start()
    assert begun.wait(60)

"""


def run_script(body: str, timeout: float = 120) -> tuple[int, str, str]:
    code = SCRIPT + textwrap.dedent(body)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout, check=False)
    return done.returncode, done.stdout, done.stderr


ENDINGS = {
    "sys.exit": ("start(); sys.exit(7)", 7),
    "an exception": ("start(); raise KeyError('ours')", 1),
    "the last line": ("start()", 0),
    "in the middle of a long prompt": (
        "threading.Thread(target=say, args=('word ' * 3000, 5), daemon=True).start()\n"
        "import time; time.sleep(2); sys.exit(7)",
        7,
    ),
}


@pytest.mark.model
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_process_that_ends_in_mid_generation_ends_well(weights, ending):
    body, expected = ENDINGS[ending]
    code, _, err = run_script(body)
    assert code == expected, err
    assert "Fatal" not in err
    assert ("KeyError" in err) == (ending == "an exception")


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize("run", range(20))
def test_twenty_processes_end_well(weights, run):
    body, expected = list(ENDINGS.values())[run % 3]
    assert run_script(body)[0] == expected


@pytest.mark.model
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_loads_its_own(weights):
    code, out, err = run_script(
        """
        say("Hi", 2)
        child = os.fork()
        if child == 0:
            say("Hi", 2)
            sys.exit(5)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
    )
    assert (code, out) == (0, "5\n"), err


@pytest.mark.model
@pytest.mark.kernel
def test_a_kernel_shut_down_in_mid_generation_ends_well(weights):
    manager_module = pytest.importorskip("jupyter_client.manager", reason="needs the extra [lab]")
    manager, client = manager_module.start_new_kernel(kernel_name="python3")
    try:
        reply = client.execute_interactive(SCRIPT + "start()", timeout=120, output_hook=lambda message: None)
        assert reply["content"]["status"] == "ok"
        process = manager.provisioner.process
        client.shutdown()
        assert process.wait(60) == 0
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("spec", [3, b"smollm2"])
def test_a_model_that_is_no_name_and_no_path_is_told(spec: int | bytes) -> None:
    with pytest.raises(ConfigError, match="the model is a") as caught:
        Local(spec)
    assert "smollm2" in (caught.value.hint or "")
