"""Where a run is shown, how often, and where not."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from alloy_nb import ConfigError, Scripted, run
from alloy_nb.notebook.display import display_kind, result_bundle

from .conftest import Notebook


class FakeKernelShell:
    """A shell in a kernel whose front end does, or does not, let a person be asked."""

    class kernel:
        _allow_stdin = False


@pytest.fixture
def html(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOY_DISPLAY", "html")


@pytest.fixture
def static(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOY_DISPLAY", "static")


def test_a_kernel_without_stdin_is_static_and_one_with_it_a_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    import alloy_nb.notebook.display as display

    for allowed, kind in ((False, "static"), (True, "widget")):
        monkeypatch.setattr(display, "stdin_available", lambda allowed=allowed: allowed)
        assert display_kind("auto", FakeKernelShell()) == kind


def test_the_terminal_is_text_and_plain_python_nothing() -> None:
    assert display_kind("auto", object()) == "text"
    assert display_kind("auto", None) is None
    assert display_kind("text", None) == "text"
    assert display_kind("html", None) is None


@pytest.mark.parametrize(
    ("variable", "asked", "kind"),
    [
        ("static", "auto", "static"),
        ("static", "html", "static"),
        ("none", "text", None),
        ("auto", "html", "html"),
        ("text", None, None),
        ("TEXT ", "auto", "text"),
    ],
)
def test_the_variable_overrides(monkeypatch: pytest.MonkeyPatch, variable: str, asked: str | None, kind: str) -> None:
    monkeypatch.setenv("ALLOY_DISPLAY", variable)
    assert display_kind(asked, object()) == kind


def test_a_wrong_variable_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOY_DISPLAY", "statik")
    with pytest.raises(ConfigError, match="ALLOY_DISPLAY is 'statik'") as caught:
        display_kind("auto", object())
    assert "'static'" in (caught.value.hint or "")


def test_plain_python_prints_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    run("hi", model=Scripted(["spoken"]), display="text")
    assert "spoken" in capsys.readouterr().out
    run("hi", model=Scripted(["silent"]))
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("static")
def test_static_is_shown_once_at_the_end_and_is_the_same_each_time(notebook: Notebook, script: Any) -> None:
    script(*[{"thinking": "hm", "text": "the *answer*"}] * 2)
    notebook.ok("%alloy /reset")
    first, second = (notebook.ok("r = %alloy --fresh -m m hi") for _ in range(2))
    assert [output.get("update") for output in first.outputs] in ([None], [False])
    assert first.outputs[0]["data"] == second.outputs[0]["data"]
    assert sorted(first.outputs[0]["data"]) == ["text/html", "text/markdown", "text/plain"]
    assert notebook.names["r"].run_id not in str(first.outputs)


@pytest.mark.usefixtures("static")
def test_the_record_is_there_when_it_is_asked_for(
    notebook: Notebook, script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    script("answer")
    monkeypatch.setenv("ALLOY_RECORD", "full")
    record = notebook.ok("%alloy -m m hi").outputs[0]["data"]["application/vnd.alloy.run+json"]
    assert record["blocks"]
    monkeypatch.setenv("ALLOY_RECORD", "all")
    assert "ALLOY_RECORD is 'all'" in str(notebook.run("%alloy -m m hi").error)


@pytest.mark.usefixtures("html")
def test_html_is_one_output_that_is_frozen_at_the_end(notebook: Notebook, script: Any) -> None:
    script("the **answer** <script>alert(1)</script>")
    outputs = notebook.ok("%alloy -m m hi").outputs
    ids = {output["transient"]["display_id"] for output in outputs}
    assert len(ids) == 1
    assert [bool(output.get("update")) for output in outputs] == [False] + [True] * (len(outputs) - 1)
    last = outputs[-1]["data"]
    assert "<strong" in last["text/html"]
    assert "application/vnd.alloy.run+json" in last
    assert "did not finish here" not in str(last)
    assert not any("<script" in output["data"]["text/html"] for output in outputs)


@pytest.mark.usefixtures("html")
def test_what_is_shown_first_is_true_of_a_notebook_whose_kernel_died(notebook: Notebook, script: Any) -> None:
    script("answer")
    first = notebook.ok("%alloy -m m hi").outputs[0]["data"]
    assert "this run did not finish here" in first["text/html"]
    assert "did not finish here" in first["text/plain"]


@pytest.mark.usefixtures("html")
def test_a_long_answer_is_not_sent_again_and_again(notebook: Notebook, script: Any) -> None:
    text = "word " * 20_000
    script({"text": text, "chunks": 2_000})
    outputs = notebook.ok("%alloy -m m hi").outputs
    live = [len(output["data"]["text/html"]) for output in outputs[:-1]]
    assert max(live) < 40_000
    assert len(outputs[-1]["data"]["text/html"]) > len(text)


@pytest.mark.usefixtures("static")
def test_after_three_runs_of_one_cell_the_rest_is_one_row(notebook: Notebook, script: Any) -> None:
    notebook.names["lines"] = lines = ["answer"] * 9 + [{"error": "broke"}]
    script(*lines)
    ran = notebook.ok("for i in range(10): r = alloy.run('hi', model=m, check=False)")
    assert len(ran.outputs) == 4
    assert ran.texts[-1] == "… and 7 more runs: 6 ok, 1 failed"
    script("answer")
    assert len(notebook.ok("%alloy -m m hi").outputs) == 1


@pytest.mark.usefixtures("html")
def test_the_row_counts_while_the_cell_runs(notebook: Notebook, script: Any) -> None:
    script(*["answer"] * 5)
    texts = notebook.ok("for i in range(5): alloy.run('hi', model=m)").texts
    assert "… and 1 more run: 1 running" in texts
    assert "… and 2 more runs: 1 ok, 1 running" in texts
    assert texts[-1] == "… and 2 more runs: 2 ok"


@pytest.mark.usefixtures("static")
def test_a_folded_result_can_still_be_shown(notebook: Notebook, script: Any) -> None:
    script(*["answer"] * 3, "the last one")
    ran = notebook.ok("for i in range(4): r = alloy.run('hi', model=m)\nr")
    assert ran.texts[-2].startswith("the last one")


@pytest.mark.usefixtures("static")
def test_only_the_top_level_of_a_cell_shows(notebook: Notebook, script: Any) -> None:
    script(*["hidden"] * 9)
    thread = "import threading\nt = threading.Thread(target=lambda: alloy.run('hi', model=m))\nt.start(); t.join()"
    assert notebook.ok(thread).outputs == []
    task = (
        "import asyncio\nasync def go(): alloy.run('hi', model=m)\n"
        "t = asyncio.ensure_future(go())\nawait asyncio.sleep(0.3)\nt.result()"
    )
    assert notebook.ok(task).outputs == []
    assert notebook.ok("r = await alloy.arun('hi', model=m)").outputs == []
    assert notebook.ok("r = alloy.run('hi', model=m, display=None)").outputs == []
    notebook.ok("def helper(): return alloy.run('hi', model=m)")
    assert len(notebook.ok("helper(); None").outputs) == 1


@pytest.mark.usefixtures("static")
@pytest.mark.parametrize("thread", ["worker", "main"])
def test_a_run_inside_a_tool_is_not_shown(notebook: Notebook, script: Any, thread: str) -> None:
    notebook.names["inner"] = Scripted(["from inside"])
    script({"tool_calls": [{"name": "helper", "input": {}}]}, "outside")
    notebook.ok(
        f"@alloy.tool(thread={thread!r})\ndef helper() -> str:\n"
        "    'Help.'\n    return alloy.run('hi', model=inner).text"
    )
    ran = notebook.ok("r = %alloy -m m -t helper hi")
    assert len(ran.outputs) == 1
    assert notebook.names["r"].tool_calls[0].output == "from inside"


@pytest.mark.usefixtures("static")
def test_a_result_shows_itself_once_a_cell(notebook: Notebook, script: Any) -> None:
    script("answer")
    assert len(notebook.ok("r = alloy.run('hi', model=m, display=None)\nr").outputs) == 1
    assert len(notebook.ok("display(r)\ndisplay(r)\nr").outputs) == 1


@pytest.mark.usefixtures("static")
def test_a_result_without_its_events_shows_its_answer(notebook: Notebook) -> None:
    result = pickle.loads(pickle.dumps(run("hi", model=Scripted(["kept"]))))
    notebook.names["r"] = result
    assert notebook.ok("r").texts[0].startswith("kept")
    assert result_bundle(result)["text/markdown"].startswith("kept")


@pytest.mark.usefixtures("static")
def test_a_run_in_the_background_is_shown_when_it_is_over(notebook: Notebook, script: Any) -> None:
    script({"text": "late", "delay_ms": 100})
    assert notebook.ok("alloy.start('hi', model=m)").texts[0].startswith("late")


@pytest.mark.usefixtures("html")
def test_a_run_in_the_background_does_not_hold_the_cell(notebook: Notebook, script: Any) -> None:
    import threading

    script({"text": "late", "delay_ms": 300})
    outputs = notebook.ok("run = alloy.start('hi', model=m)\nrun").outputs
    assert "did not finish here" in outputs[0]["data"]["text/plain"]
    assert notebook.names["run"].result().text == "late"
    for thread in threading.enumerate():
        if thread.name.startswith("alloy-show"):
            thread.join(10)
            assert not thread.is_alive()


@pytest.mark.usefixtures("html")
def test_a_fault_in_rendering_never_costs_the_answer(
    notebook: Notebook, script: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import alloy_nb.render.html

    def broken(*_: Any, **__: Any) -> str:
        raise RuntimeError("a fault in rendering")

    monkeypatch.setattr(alloy_nb.render.html, "live_html", broken)
    monkeypatch.setattr("alloy_nb.render.bundle.frozen_html", broken)
    script("the answer")
    ran = notebook.ok("r = %alloy -m m hi")
    assert notebook.names["r"].text == "the answer"
    assert ran.texts[-1] == "the answer"
    assert caplog.text.count("could not be shown") == 1


@pytest.mark.usefixtures("static")
def test_a_models_file_is_shown_without_its_folder(notebook: Notebook, tmp_path: Any) -> None:
    """A saved notebook names no folder of the machine it ran on."""
    (tmp_path / "answers.jsonl").write_text('{"text": "hello"}\n', encoding="utf-8")
    shown = str(notebook.ok(f"%alloy -m scripted:{tmp_path}/answers.jsonl hi").outputs)
    assert "answers.jsonl" in shown
    assert str(tmp_path) not in shown


@pytest.mark.thorough
def test_a_run_of_many_calls_is_not_rendered_whole_again_and_again(notebook: Notebook) -> None:
    """What is sent at each update stays small, also when it is tools that say much."""
    notebook.ok("def speak() -> str:\n    'Says much.'\n    return 'word ' * 2000\n")
    calls = [{"name": "speak", "input": {}}]
    lines = [*({"tool_calls": calls, "delay_ms": 130} for _ in range(24)), "done"]
    notebook.names["m"] = Scripted(lines)
    ran = notebook.ok("%alloy -m m -t speak --max-turns 30 --display html go")
    sizes = [len(output["data"]["text/html"]) for output in ran.outputs]
    assert max(sizes[:-1]) < 90_000
    assert sizes[-1] > 90_000
