"""What demo, lab and the tests' targets decide, without running any of them."""

import contextlib
import io
import re
import socket
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest
from steps import command, demo, execute, lab, suite
from steps.browser import Choice, Missing
from steps.failure import Failure
from steps.interpreter import Candidate
from steps.lock import Lock
from steps.session import Session
from steps.terminal import Terminal
from steps.timings import Steps


@pytest.fixture
def session(places):
    """session(PORT="80"): a call in an empty tree with these variables."""

    def make(tty=False, **environ):
        stream = io.StringIO()
        stream.isatty = lambda: tty
        terminal = Terminal(stream, environ)
        python = Candidate(sys.executable, sys.version_info[:3], "linux")
        return Session("lab", places, python, environ, terminal, Steps(terminal, "make lab"))

    return make


def test_jupyterlab_opens_only_for_somebody_who_watches(session, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(isatty=lambda: True))
    assert session(tty=True, DISPLAY=":0").has_display()
    assert session(tty=True, WAYLAND_DISPLAY="wayland-0").has_display()
    assert not session(tty=True).has_display()
    assert not session(tty=False, DISPLAY=":0").has_display()
    assert not session(tty=True, DISPLAY=":0", CI="true").has_display()


@pytest.mark.parametrize(
    ("host", "used"),
    [
        ("", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("localhost", "localhost"),
        ("::1", "::1"),
        ("my-laptop", "127.0.0.1"),  # tcsh sets HOST so
        ("x86_64-conda-linux-gnu", "127.0.0.1"),  # and conda so
    ],
)
def test_jupyterlab_listens_on_this_machine_unless_an_address_is_named(session, host, used):
    assert lab.address(session(HOST=host)) == (used, None)


def test_a_port_that_is_taken_or_none_is_told(session):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Failure, match=f"port {port} on 127.0.0.1 is taken"):
            lab.address(session(PORT=str(port)))
    for wrong in ("http", "0", "70000", "-1"):
        with pytest.raises(Failure, match="is no port"):
            lab.address(session(PORT=wrong))


def test_the_token_is_on_no_command_line(session, places):
    here = session()
    env = lab.variables(here, "s3cret")
    assert env["JUPYTER_TOKEN"] == "s3cret"
    line = lab.command(here, places.root / "a b.ipynb", "127.0.0.1", None)
    assert not any("s3cret" in str(word) for word in line)
    assert "--ServerApp.ip=127.0.0.1" in line
    assert "--LabApp.default_url=/lab/tree/a%20b.ipynb" in line
    assert "--no-browser" in line


def test_the_whole_address_is_on_one_line(session, places):
    here = session()
    lab.show(here, places.root / "a b.ipynb", "::1", {"port": 8890}, "t0ken")
    first = here.terminal.stream.getvalue().splitlines()[0]
    assert first == "JupyterLab  http://[::1]:8890/lab/tree/a%20b.ipynb?token=t0ken"


def test_in_jupyterlab_the_users_model_counts_else_the_embedded_one(session):
    assert lab.variables(session(), "t")["ALLOY_MODEL"] == "local"
    mine = lab.variables(session(ALLOY_MODEL="openai:gpt-5.2", OPENAI_API_KEY="k"), "t")
    assert (mine["ALLOY_MODEL"], mine["OPENAI_API_KEY"]) == ("openai:gpt-5.2", "k")


def test_a_copy_that_the_user_changed_is_kept_and_another_renewed(tmp_path):
    source, target = tmp_path / "a.ipynb", tmp_path / "lab" / "a.ipynb"
    source.write_text("1")
    lab.keep_copy(source, target)
    source.write_text("2")
    assert lab.keep_copy(source, target).read_text() == "2"
    target.write_text("mine")
    source.write_text("3")
    assert lab.keep_copy(source, target).read_text() == "mine"


def test_the_links_of_the_quickstart_lead_somewhere_in_the_copy_too(tmp_path):
    """`make lab` copied the quickstart alone, and each link in it was dead."""
    quickstart = Path(__file__).parents[2] / "notebooks" / "01-quickstart.ipynb"
    lab.keep_linked(quickstart, tmp_path / "lab")
    links = set(re.findall(r"\]\(([\w-]+\.ipynb)\)", quickstart.read_text()))
    assert links
    assert links <= {file.name for file in (tmp_path / "lab").iterdir()}
    assert not (tmp_path / "lab" / quickstart.name).exists()


def test_a_failed_cell_is_told_by_its_number(tmp_path):
    failed = {"event": "failed", "payload": {"number": 3, "message": "ValueError: no"}}
    with pytest.raises(Failure, match="demo: cell 3 failed: ValueError: no"):
        demo.judge(execute.CELL_FAILED, failed, tmp_path / "log")


def test_a_cell_is_announced_by_its_first_line_that_says_something():
    assert execute.title("\n# Ask\n%%alloy -t read\nWhat?") == "%%alloy -t read"
    assert execute.title("# only this") == "# only this"
    assert execute.title("") == ""


@pytest.mark.parametrize(
    ("code", "said", "cause"),
    [
        (1, "==== 2 failed, 10 passed, 1 skipped in 3.01s ====", "tests: 2 failed, 10 passed, 1 skipped"),
        (1, "\x1b[31m==== \x1b[31m\x1b[1m1 failed\x1b[0m in 62.10s (0:01:02) ====", "tests: 1 failed"),
        (5, "no tests ran in 0.01s", "tests: no test was selected"),
        (3, "INTERNALERROR", "tests: pytest ended with exit code 3"),
    ],
)
def test_a_failed_part_is_told_by_pytests_own_count(code, said, cause, tmp_path):
    failure = suite.explain(suite.Run("tests", []), code, said, tmp_path / "log")
    assert failure.cause == cause


@pytest.mark.parametrize(("optional", "fails"), [(True, False), (False, True)])
def test_no_test_of_an_optional_kind_is_said_and_no_failure(session, monkeypatch, optional, fails):
    monkeypatch.setattr(suite.process, "run_loudly", lambda *args: (suite.NO_TESTS, "1 deselected in 0.1s"))
    here = session()
    run = suite.Run("bench", ["tests", "-m", "bench"], optional=optional)
    assert (suite.run_one(here, run) is not None) is fails
    assert ("no tests of this kind" in here.terminal.stream.getvalue()) is optional


def test_all_parts_run_and_are_timed_though_one_fails(session, monkeypatch):
    codes = iter([1, 0])
    monkeypatch.setattr(suite.process, "run_loudly", lambda *args: (next(codes), ""))
    here = session()
    with pytest.raises(Failure, match="lint"):
        suite.run_all(here, [suite.Run("lint", [], "ruff"), suite.Run("types", [], "mypy")])
    table = here.terminal.stream.getvalue()
    assert re.search(r"lint +\d+\.\d  FAILED", table)
    assert re.search(r"types +\d+\.\d  ok", table)


CHROMIUM = Choice(Path("/usr/bin/chromium"), "PATH")


def test_the_gate_is_lint_format_types_and_tests(session, monkeypatch):
    """APP-3: and a warning that hides a mistake is an error."""
    ran = []
    monkeypatch.setattr(Session, "prepared", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(suite, "run_all", lambda _, runs: ran.extend(runs) or 0)
    assert suite.check(session()) == 0
    assert [(run.module, *run.arguments[:2]) for run in ran[:3]] == [
        ("ruff", "check", "."),
        ("ruff", "format", "--check"),
        ("mypy",),
    ]
    assert (ran[3].module, ran[3].arguments) == ("pytest", suite.QUICKLY)
    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["tool"]
    assert settings["mypy"]["strict"]
    assert {"error::RuntimeWarning"} <= set(settings["pytest"]["ini_options"]["filterwarnings"])


def collected(*arguments):
    """The cases that pytest makes, and those of them that it would run."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:nbval", *arguments]
    said = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True).stdout
    chosen, made = re.findall(r"(\d+)(?:/(\d+))? tests collected", said)[-1]
    return int(made or chosen), int(chosen)


def test_cases_that_would_only_be_left_out_are_not_made():
    """Each worker made 10,000 slow cases to pass them over: a tenth of the time of `make check`."""
    family = "tests/render/test_bundle.py"
    quick_made, quick = collected(family, "-m", suite.QUICK)
    usual_made, usual = collected(family, "-m", suite.USUAL)
    slow_made, slow = collected(family, "-m", "slow")
    assert quick < usual == usual_made == quick_made < slow_made == usual + slow


NONE = Missing("none renders", "install one")


@pytest.fixture
def testing(session, monkeypatch):
    """testing(found, codes): make test on a prepared machine with this browser; pytest's runs end with these codes."""
    monkeypatch.setattr(Session, "prepared", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(suite, "bring_kernels", lambda _: {"JUPYTER_PATH": "/kernels"})
    monkeypatch.setattr(suite, "notebook_runs", lambda _: [])
    monkeypatch.setattr(suite.page, "check", lambda _: None)

    def make(found, codes=(0, 0), collected="7/90 tests collected (83 deselected) in 1.2s", **environ):
        here, left, ran = session(**environ), iter(codes), []

        def pytest_run(command, env, *_):
            ran.append((" ".join(map(str, command)), env))
            return next(left), "1 failed in 1.0s"

        monkeypatch.setattr(suite.browser, "choose", lambda _: found)
        monkeypatch.setattr(suite.process, "run_loudly", pytest_run)
        monkeypatch.setattr(suite.process, "run_limited", lambda *_: (0, collected))
        return here, ran

    return make


def test_the_browser_tests_are_a_run_of_their_own_with_the_chosen_browser(testing):
    here, ran = testing(CHROMIUM)
    assert suite.test(here) == 0
    (first, env), (second, browser_env) = ran
    assert "not browser" in first
    assert "ALLOY_CHROMIUM" not in env
    assert f"-m {suite.IN_BROWSER}" in second
    assert browser_env["ALLOY_CHROMIUM"] == "/usr/bin/chromium"
    assert env["JUPYTER_PATH"] == browser_env["JUPYTER_PATH"] == "/kernels"
    assert re.search(r"browser tests +\d+\.\d  ok", here.terminal.stream.getvalue())


FAILED_ONCE = """
FAILED tests/browser/test_live.py::test_a_stop[alloy-7.3] - Error: never: cell 0 ends
ERROR tests/browser/test_team.py::test_a_lane
\x1b[31m==== \x1b[31m\x1b[1m1 failed\x1b[0m, 1 error, 90 passed in 62.10s ====
"""


@pytest.mark.parametrize("second", [0, 1])
def test_a_browser_test_that_fails_is_tried_once_more_and_both_is_told(testing, monkeypatch, second):
    here, _ = testing(CHROMIUM)
    told, ran = iter([(0, "9 passed in 1s"), (1, FAILED_ONCE), (second, "2 tried in 3s"), (0, "never asked for")]), []
    monkeypatch.setattr(suite.process, "run_loudly", lambda line, *_: ran.append(line) or next(told))
    if second:
        with pytest.raises(Failure, match=r"browser tests, again: 2 tried"):
            suite.test(here)
    else:
        assert suite.test(here) == 0
    assert len(ran) == 3
    assert ran[2][-2:] == [
        "tests/browser/test_live.py::test_a_stop[alloy-7.3]",
        "tests/browser/test_team.py::test_a_lane",
    ]
    said = here.terminal.stream.getvalue()
    assert re.search(r"browser tests +\d+\.\d  tried again: 1 failed, 1 error, 90 passed", said)
    assert re.search(r"browser tests, again +\d+\.\d  " + ("FAILED" if second else "ok"), said)
    once = "failed once, passed when tried again: tests/browser/test_team.py::test_a_lane"
    assert (once in said) is not bool(second)


@pytest.mark.parametrize("code", [1, 2])
def test_many_that_fail_or_a_run_that_breaks_off_are_not_tried_again(testing, monkeypatch, code):
    here, _ = testing(CHROMIUM)
    many = "".join(f"FAILED tests/browser/test_live.py::test_{i}\n" for i in range(4 if code == 1 else 1))
    told = iter([(0, "9 passed in 1s"), (code, many + "4 failed in 9.0s")])
    monkeypatch.setattr(suite.process, "run_loudly", lambda *_: next(told))
    with pytest.raises(Failure, match="browser tests: 4 failed"):
        suite.test(here)


KERNEL = "FAILED tests/kernel/test_cells.py::test_one\n"


def test_a_kernels_test_is_tried_again_too(testing, monkeypatch):
    here, _ = testing(CHROMIUM)
    told = iter([(1, KERNEL + "1 failed in 9.0s"), (0, "1 passed in 1s"), (0, "9 passed in 1s")])
    monkeypatch.setattr(suite.process, "run_loudly", lambda *_: next(told))
    assert suite.test(here) == 0
    assert (
        "failed once, passed when tried again: tests/kernel/test_cells.py::test_one" in here.terminal.stream.getvalue()
    )


@pytest.mark.parametrize("beside", ["", KERNEL])
def test_what_fails_of_our_own_code_is_not_tried_again(testing, monkeypatch, beside):
    here, _ = testing(CHROMIUM)
    told = iter([(1, f"FAILED tests/test_loop.py::test_one\n{beside}1 failed in 9.0s"), (0, "9 passed in 1s")])
    monkeypatch.setattr(suite.process, "run_loudly", lambda *_: next(told))
    with pytest.raises(Failure, match="tests: 1 failed"):
        suite.test(here)


def test_without_a_browser_the_rest_runs_and_the_last_line_tells_what_did_not(testing):
    here, ran = testing(NONE)
    assert suite.test(here) == 0
    assert len(ran) == 1
    last = here.terminal.stream.getvalue().splitlines()[-1]
    assert last == "NOT RUN: 7 browser tests, because none renders; do install one"


@pytest.mark.parametrize(("value", "code"), [("true", 1), ("1", 1), ("false", 0), ("", 0)])
def test_in_continuous_integration_a_missing_browser_is_a_failure(testing, value, code):
    here, _ = testing(NONE, CI=value)
    assert suite.test(here) == code
    assert here.terminal.stream.getvalue().splitlines()[-1].startswith("NOT RUN: 7 browser tests")


def test_a_missing_browser_is_told_beside_a_failure_of_the_rest(testing):
    here, _ = testing(NONE, codes=(1,))
    with pytest.raises(Failure, match="tests: 1 failed"):
        suite.test(here)
    assert here.terminal.stream.getvalue().splitlines()[-1].startswith("NOT RUN: ")


def test_a_test_that_needs_the_missing_browser_and_is_the_only_one_selected(testing):
    here, _ = testing(NONE, codes=(5,), collected="1/90 tests collected (89 deselected) in 1.2s", ARGS="-k one")
    assert suite.test(here) == 0
    assert here.terminal.stream.getvalue().splitlines()[-1].startswith("NOT RUN: 1 browser test, ")


def test_where_they_cannot_be_counted_their_absence_is_told_all_the_same(testing):
    here, _ = testing(NONE, collected="ERROR: a file cannot be imported", CI="true")
    assert suite.test(here) == 1
    assert here.terminal.stream.getvalue().splitlines()[-1].startswith("NOT RUN: the browser tests, because")


def test_the_table_tells_of_the_missing_browser_too(testing):
    here, _ = testing(NONE)
    suite.test(here)
    assert re.search(r"browser tests +\d+\.\d  NOT RUN", here.terminal.stream.getvalue())


def test_where_args_select_no_browser_test_its_absence_is_not_told(testing):
    here, _ = testing(NONE, collected="no tests collected (90 deselected) in 1.2s", ARGS="-k loop", CI="true")
    assert suite.test(here) == 0
    assert "NOT RUN" not in here.terminal.stream.getvalue()


@pytest.mark.parametrize(("codes", "fails"), [((0, 5), False), ((5, 0), False), ((5, 5), True)])
def test_args_may_select_from_one_run_only_but_not_from_none(testing, codes, fails):
    here, _ = testing(CHROMIUM, codes=codes, ARGS="-k name")
    if fails:
        with pytest.raises(Failure, match="no test was selected"):
            suite.test(here)
    else:
        assert suite.test(here) == 0


def test_the_browsers_code_is_checked_and_its_failure_stops_no_test(testing, monkeypatch):
    here, ran = testing(CHROMIUM)
    monkeypatch.setattr(suite.page, "check", lambda _: Failure("browser code: 2 failed"))
    with pytest.raises(Failure, match="browser code: 2 failed"):
        suite.test(here)
    assert len(ran) == 2


@pytest.mark.parametrize(("value", "code"), [("true", 1), ("", 0)])
def test_without_node_the_rest_runs_and_the_last_line_tells_what_did_not(testing, monkeypatch, value, code):
    here, ran = testing(CHROMIUM, CI=value)
    monkeypatch.setattr(suite.page, "check", lambda _: suite.page.Missing("npm is away", "connect"))
    assert suite.test(here) == code
    assert len(ran) == 2
    last = here.terminal.stream.getvalue().splitlines()[-1]
    assert last == "NOT RUN: the tests of the browser's code, because npm is away; do connect"


def test_args_select_tests_of_python_so_the_browsers_code_is_left_alone(testing, monkeypatch):
    here, _ = testing(CHROMIUM, ARGS="-k one")
    monkeypatch.setattr(suite.page, "check", lambda _: pytest.fail("it was checked"))
    assert suite.test(here) == 0


def test_a_notebook_answers_from_the_script_beside_it(session, places):
    source = places.root / "notebooks"
    source.mkdir()
    for name in ("01-quickstart.ipynb", "01-quickstart.jsonl", "02-plain.ipynb"):
        (source / name).write_text("")
    first, second = suite.notebook_runs(session())
    copied = places.build / "test" / "notebooks"
    assert first.variables["ALLOY_MODEL"] == f"scripted:{copied / '01-quickstart.jsonl'}"
    assert second.variables["ALLOY_MODEL"] == ""
    assert first.arguments[0] == str(copied / "01-quickstart.ipynb")


def test_clean_keeps_the_weights_unless_all_is_asked_for(session, places):
    for name in ("venv/bin/python", "data/m.gguf", "logs/x.log", "stamps/weights", "stamps/venv"):
        path = places.build / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (places.root / "labextension" / "node_modules" / "esbuild").mkdir(parents=True)
    command.clean(session())
    assert not (places.root / "labextension" / "node_modules").exists()
    left = {str(p.relative_to(places.build)) for p in places.build.rglob("*") if p.is_file()}
    assert {name for name in left if not name.startswith("locks")} == {"data/m.gguf", "stamps/weights"}
    command.clean(session(ALL="1"))
    assert not places.data.exists()


def test_clean_removes_the_environments_of_the_versions_with_their_stamps(session, places):
    for name in ("versions/3.12/bin/python", "stamps/versions/3.12/venv", "stamps/weights"):
        path = places.build / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    command.clean(session())
    left = {str(p.relative_to(places.build)) for p in places.build.rglob("*") if p.is_file()}
    assert {name for name in left if not name.startswith("locks")} == {"stamps/weights"}


def test_clean_waits_for_nobody_who_uses_the_environment_of_a_version(session, places):
    reader = Lock(places.build / "locks" / "environment-3.12", "make versions (process 9)")
    assert reader.acquire(shared=True)
    with pytest.raises(Failure, match=r"make versions \(process 9\)|another make"):
        command.clean(session())
    reader.release()
