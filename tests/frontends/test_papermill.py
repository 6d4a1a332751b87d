"""papermill: its parameters go into questions, the notebook that it writes has the answers."""

from __future__ import annotations

from pathlib import Path

from .conftest import APPROVE, MODEL, front_ends, outputs, run, text_of, write

FIRST = "element = 'helium'"
ASK = "%%alloy -m model -o answer\nName {element} and two like it."


def test_papermill_puts_its_parameters_into_a_question(tmp_path: Path) -> None:
    told = "print(model.requests[0].messages[0].text, '->', answer.text)"
    path = write(tmp_path / "in.ipynb", [FIRST, MODEL, ASK, told], tags=["parameters"])
    run(front_ends(), "-m", "papermill", path, "out.ipynb", "-p", "element", "krypton", cwd=tmp_path)
    *_, shown, printed = outputs(tmp_path / "out.ipynb")
    assert [output["output_type"] for output in shown] == ["display_data"]
    assert "<strong" in text_of(shown[0]["data"]["text/html"])
    assert text_of(printed[0]["text"]) == "Name krypton and two like it. -> Helium, **neon** and argon.\n"


def test_papermill_denies_what_nobody_can_allow(tmp_path: Path) -> None:
    path = write(tmp_path / "in.ipynb", [MODEL, "%alloy -m model Hello", APPROVE, "print(denied.tool_calls[0].error)"])
    run(front_ends(), "-m", "papermill", path, "out.ipynb", cwd=tmp_path)
    assert "nobody could be asked" in text_of(outputs(tmp_path / "out.ipynb")[-1][0]["text"])
    assert not (tmp_path / "made").exists()


def test_papermill_fails_where_a_question_fails(tmp_path: Path) -> None:
    path = write(tmp_path / "in.ipynb", [MODEL, "model = alloy.Scripted([])", "%alloy -m model Hello"])
    said = run("sh", "-c", f'"{front_ends()}" -m papermill {path} out.ipynb; echo "exit code $?"', cwd=tmp_path)
    assert said.rstrip().endswith("exit code 1")
    assert "no more scripted answers" in said
