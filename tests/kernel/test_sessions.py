"""A notebook's conversation that outlives its kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

import alloy_nb as alloy

from .conftest import PATIENCE, Kernel, kernel_env

pytestmark = pytest.mark.kernel

_MODEL = """
import os, signal, time, alloy_nb as alloy
seen = []

def answer(request):
    seen[:] = [result.text for message in request.messages for result in message.tool_results]
    if request.messages[-1].text == "Do both":
        return {"tool_calls": [{"id": "1", "name": "pay", "input": {}}, {"id": "2", "name": "die", "input": {}}]}
    return "I know: " + request.messages[0].text

m = alloy.testing.Function(answer)

def pay():
    "Pay."
    open("paid", "a").write("once\\n")
    return "paid"

def die():
    "The kernel dies while this runs, when what was paid is stored."
    for _ in range(3000):
        if any(record["kind"] == "result" for record in alloy.SQLiteStore().read("my analysis")):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)
"""


def test_a_notebook_goes_on_where_its_kernel_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    first = Kernel(kernel_env(), tmp_path)
    try:
        assert first.run("%load_ext alloy_nb\n" + _MODEL).status == "ok"
        assert first.run("%alloy -m m The fox is red").status == "ok"
        assert "Stored as my analysis" in first.run("%alloy /save my analysis").stdout
        first.send("%%alloy -m m -t pay,die\nDo both")
        assert first.manager.provisioner is not None
        first.manager.provisioner.process.wait(PATIENCE)
    finally:
        first.close()
    second = Kernel(kernel_env(), tmp_path)
    try:
        assert second.run("%load_ext alloy_nb\n" + _MODEL).status == "ok"
        assert "session my analysis: " in second.run("%alloy /resume my analysis").stdout
        assert second.run("%alloy -m m And now?").status == "ok"
        seen = second.run("print(seen)").stdout
    finally:
        second.close()
    assert seen.startswith("['paid', ")
    assert "outcome is unknown" in seen
    assert (tmp_path / "paid").read_text() == "once\n"
    words = [message.text for message in alloy.Sessions().get("my analysis").messages if message.text]
    assert words == ["The fox is red", "I know: The fox is red", "Do both", "And now?", "I know: The fox is red"]
