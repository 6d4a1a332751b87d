import asyncio
import os
import threading
from contextlib import aclosing

import pytest

from alloy_nb.errors import BadRequestError, ProviderError
from alloy_nb.providers.local_engine import Engine, Job
from alloy_nb.providers.local_load import Settings

SETTINGS = Settings("/nowhere.gguf", 512, 1)
PATIENCE = 20


class Server:
    """Answers with numbers until it is stopped or has said `length`; `gate` holds it back before the second."""

    def __init__(self, length=3, gate=None):
        self.length = length
        self.gate = gate
        self.said = []
        self.bodies = []
        self.at_once = 0
        self.most_at_once = 0

    def handle_chat_completions(self, body, callback):
        self.bodies.append(body)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            for number in range(self.length):
                if number == 1 and self.gate is not None:
                    assert self.gate.wait(PATIENCE)
                self.said.append(number)
                if callback({"number": number}):
                    return
        finally:
            self.at_once -= 1


class Listener:
    """Keeps what a job delivers; `end` is set with the last."""

    def __init__(self, engine, body=None):
        self.got = []
        self.first = threading.Event()
        self.end = threading.Event()
        self.error = None
        self.job = Job(body or {}, self.deliver)
        engine.submit(self.job)

    def deliver(self, chunk):
        if chunk is None or isinstance(chunk, BaseException):
            self.error = chunk
            self.end.set()
        else:
            self.got.append(chunk["number"])
            self.first.set()
        return True


def engine_of(server):
    return Engine(SETTINGS, lambda settings: server)


def test_jobs_from_many_threads_run_one_at_a_time_and_in_order():
    server = Server()
    engine = engine_of(server)
    listeners = [Listener(engine, {"n": n}) for n in range(5)]
    threads = [threading.Thread(target=Listener, args=(engine, {"n": "thread"})) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = Listener(engine)
    assert last.end.wait(PATIENCE)
    engine.close()
    assert [body["n"] for body in server.bodies[:5]] == [0, 1, 2, 3, 4]
    assert all(listener.got == [0, 1, 2] and listener.error is None for listener in listeners)
    assert server.most_at_once == 1


def test_the_model_is_loaded_once_and_by_the_first_job():
    loads = []
    engine = Engine(SETTINGS, lambda settings: loads.append(settings) or Server())
    assert loads == []
    for _ in range(3):
        assert Listener(engine).end.wait(PATIENCE)
    engine.close()
    assert loads == [SETTINGS]


def test_a_load_that_failed_is_tried_again():
    tries = []

    def load(settings):
        tries.append(settings)
        if len(tries) == 1:
            raise ProviderError("no room", hint="make some")
        return Server()

    engine = Engine(SETTINGS, load)
    first, second = Listener(engine), Listener(engine)
    assert second.end.wait(PATIENCE)
    engine.close()
    assert str(first.error) == "no room"
    assert second.error is None


def test_stopping_a_job_stops_the_model_with_its_next_word():
    gate = threading.Event()
    server = Server(length=1000, gate=gate)
    engine = engine_of(server)
    listener = Listener(engine)
    assert listener.first.wait(PATIENCE)
    listener.job.stop()
    gate.set()
    assert listener.end.wait(PATIENCE)
    engine.close()
    assert server.said == [0, 1]


def test_a_stopped_job_that_waits_never_runs():
    gate = threading.Event()
    server = Server(gate=gate)
    engine = engine_of(server)
    running, waiting = Listener(engine), Listener(engine, {"n": "waiting"})
    assert running.first.wait(PATIENCE)
    waiting.job.stop()
    gate.set()
    assert waiting.end.wait(PATIENCE)
    engine.close()
    assert {"n": "waiting"} not in server.bodies


def test_a_loop_that_was_closed_stops_the_model():
    gate = threading.Event()
    server = Server(length=1000, gate=gate)
    engine = engine_of(server)
    loop = asyncio.new_event_loop()
    said = threading.Event()

    def deliver(chunk):
        if isinstance(chunk, dict):
            said.set()
        try:
            loop.call_soon_threadsafe(int)
        except RuntimeError:
            return False
        return True

    engine.submit(Job({}, deliver))
    assert said.wait(PATIENCE)
    loop.close()
    gate.set()
    assert Listener(engine).end.wait(PATIENCE)
    engine.close()
    assert server.said[:2] == [0, 1]
    assert len(server.said) == 2 + 1000


def test_closing_refuses_what_waits_and_what_comes():
    gate = threading.Event()
    engine = engine_of(Server(length=1000, gate=gate))
    running, waiting = Listener(engine), Listener(engine)
    assert running.first.wait(PATIENCE)
    closer = threading.Thread(target=engine.close)
    closer.start()
    gate.set()
    closer.join(PATIENCE)
    assert running.end.is_set()
    assert "the process is ending" in str(waiting.error)
    with pytest.raises(ProviderError, match="the process is ending"):
        engine.submit(Job({}, lambda chunk: True))


@pytest.mark.parametrize(
    ("raised", "expected"),
    [(ValueError("bad schema"), BadRequestError), (MemoryError("no memory"), ProviderError)],
)
def test_whatever_llama_cpp_raises_is_a_provider_error_with_a_hint(raised, expected):
    """Law 8."""

    class Broken:
        def handle_chat_completions(self, body, callback):
            raise raised

    engine = engine_of(Broken())
    listener = Listener(engine)
    assert listener.end.wait(PATIENCE)
    engine.close()
    assert type(listener.error) is expected
    assert listener.error.hint
    assert str(raised) in str(listener.error)


@pytest.fixture
def local(monkeypatch, tmp_path):
    """A `Local` on a fake server, and that server."""
    from alloy_nb.providers.local import Local
    from tests.weights.gguf_file import write_gguf

    monkeypatch.setattr("alloy_nb.providers.local.find_spec", lambda name: object())
    local = Local(write_gguf(tmp_path / "tiny.gguf"))
    engines = []

    def use(server):
        engine = engine_of(server)
        engines.append(engine)
        monkeypatch.setattr(type(local), "_engine", lambda self: engine)
        return local

    yield use
    for engine in engines:
        engine.close()


class Talker(Server):
    """Says words in llama.cpp's form."""

    def handle_chat_completions(self, body, callback):
        def say(chunk):
            return callback({"choices": [{"index": 0, **chunk}]})

        for number in range(self.length):
            if number == 1 and self.gate is not None:
                assert self.gate.wait(PATIENCE)
            self.said.append(number)
            if say({"delta": {"content": f"{number} "}, "finish_reason": None}):
                return
        say({"delta": {}, "finish_reason": "stop"})


def ask():
    from alloy_nb.messages import Message
    from alloy_nb.providers.base import Request

    return Request((Message.user("Count"),))


async def text_of(local):
    from alloy_nb.providers.base import TextDelta

    return "".join([delta.text async for delta in local.stream(ask()) if isinstance(delta, TextDelta)])


def test_an_iterator_closed_early_stops_the_model(local):
    gate = threading.Event()
    server = Talker(length=1000, gate=gate)
    provider = local(server)

    async def first_only():
        async with aclosing(provider.stream(ask())) as deltas:
            async for _ in deltas:
                break
        gate.set()

    asyncio.run(first_only())
    server.length = 2
    assert asyncio.run(text_of(provider)) == "0 1 "
    # Of the first answer one word, and one more at most before the stop was noticed.
    assert server.said in ([0, 1, 0, 1], [0, 0, 1])


def test_one_model_serves_several_loops_at_a_time(local):
    provider = local(Talker(length=5))
    texts = []
    threads = [threading.Thread(target=lambda: texts.append(asyncio.run(text_of(provider)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert texts == ["0 1 2 3 4 "] * 4


def test_silence_longer_than_allowed_is_a_timeout(local):
    from alloy_nb.errors import ProviderTimeout

    gate = threading.Event()
    provider = local(Talker(gate=gate))

    async def wait():
        from dataclasses import replace

        async for _ in provider.stream(replace(ask(), request_timeout=0.05)):
            pass

    try:
        with pytest.raises(ProviderTimeout):
            asyncio.run(wait())
    finally:
        gate.set()


def test_an_answer_cut_short_is_an_error_and_no_success(local):
    """Law 8."""
    from alloy_nb.errors import StreamError

    class Cut(Server):
        def handle_chat_completions(self, body, callback):
            callback({"choices": [{"index": 0, "delta": {"content": "half"}, "finish_reason": None}]})

    with pytest.raises(StreamError):
        asyncio.run(text_of(local(Cut())))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_starts_with_no_engine_of_its_parent(monkeypatch):
    from alloy_nb.providers import local_engine

    monkeypatch.setattr(local_engine, "_engines", {SETTINGS: engine_of(Server())})
    monkeypatch.setattr(local_engine, "_prepared", False)
    local_engine.engine_for(SETTINGS)
    child = os.fork()
    if child == 0:
        os._exit(len(local_engine._engines))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    local_engine.close_all()
