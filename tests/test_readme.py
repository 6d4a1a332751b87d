"""The README promises nothing that does not work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.cli import prompt
from alloy_nb.cli.main import COMMANDS
from alloy_nb.cli.parser import Parser, split_words
from alloy_nb.models_table import our_table
from alloy_nb.providers._payload import to_json
from alloy_nb.providers.base import Request
from alloy_nb.providers.vendors import VENDORS
from alloy_nb.testing import no_delays
from tests.providers.conftest import Reply, Service

ROOT = Path(alloy.__file__).parents[1]
README = ROOT / "README.md"

if not README.exists():
    pytest.skip("needs the work tree", allow_module_level=True)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)


ANSWERS = """\
{"on": "Name three noble gases.", "text": "Helium, neon, argon."}
{"on": "Why is revenue down in March? Look at {'Jan': 41200, 'Feb': 43870, 'Mar': 29015}.", "text": "The feed."}
{"on": "Tell me a story.", "text": "Once upon a time."}
{"on": "Name a noble gas and its atomic number.", "text": "{\\"name\\": \\"neon\\", \\"number\\": 10}"}
{"on": "And another one?", "text": "{\\"name\\": \\"argon\\", \\"number\\": 18}"}
{"on": "Count the words of 'to be or not to be'.", "tool_calls": [{"name": "count_words", "input": {"text": "to be"}}]}
{"on": "My name is Ann.", "text": "Hello, Ann."}
{"on": "What is my name?", "text": "Ann."}
{"on": "Who are you?", "text": "The lead."}
{"on": "Find the release notes.", "text": "They are in CHANGELOG.md."}
{"on": "What do you know?", "text": "Little."}
{"on": "Find and implement.", "text": "It is a release."}
{"on": "It is a release.", "text": "Released."}
{"text": "Two."}
{"on": "My address is [redacted]. Which room is mine?", "text": "The third."}
"""


#: What the services say that the README asks: Anthropic is overloaded, then not.
OVERLOADED = Reply('{"error": {"type": "overloaded_error", "message": "Overloaded"}}', 529)
FROM_OPENAI = Reply(
    '{"object": "response", "status": "completed", "model": "gpt-5.2", "output": [{"type": "message", "role": '
    '"assistant", "content": [{"type": "output_text", "text": "Helium, neon, argon."}]}], "usage": {}}'
)
FROM_ANTHROPIC = Reply(
    '{"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Paris."}], "stop_reason": '
    '"end_turn", "usage": {"input_tokens": 9, "output_tokens": 2}}'
)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service().answers(*[OVERLOADED] * 4, FROM_OPENAI, FROM_ANTHROPIC)
    for reply in made.replies:
        reply.headers["content-type"] = "application/json"
    for name in ("ANTHROPIC", "OPENAI"):
        monkeypatch.setenv(f"{name}_BASE_URL", made.url)
        monkeypatch.setenv(f"{name}_API_KEY", "sk-canary0123456789abcdef")
    return made


def test_the_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], services: Service
) -> None:
    (tmp_path / "answers.jsonl").write_text(ANSWERS)
    monkeypatch.setenv("ALLOY_MODEL", f"scripted:{tmp_path / 'answers.jsonl'}")
    monkeypatch.chdir(tmp_path)
    # The first block looks at what a cell bound.
    names: dict[str, object] = {"__name__": "readme", "answer": alloy.run("Name three noble gases.")}
    with no_delays():
        for block in blocks("python"):
            exec(compile(block, "README.md", "exec", dont_inherit=True), names)
    assert capsys.readouterr().out.startswith("Helium, neon, argon.\nOnce upon a time.")
    result = names["result"]
    assert isinstance(result, alloy.Result)
    assert [(call.name, call.output) for call in result.tool_calls] == [("count_words", "2")]
    assert isinstance(names["noted"], alloy.Result)
    assert names["noted"].text == "The third."
    assert isinstance(names["done"], alloy.Result)
    assert names["done"].text == "Released."
    assert isinstance(names["gas"], names["Gas"])  # type: ignore[arg-type]
    assert [request.target for request in services.received] == ["/v1/messages"] * 4 + ["/v1/responses", "/v1/messages"]
    assert isinstance(names["answer"], alloy.Result)
    assert names["answer"].text == "Paris."
    assert "canary" not in (tmp_path / "france.json").read_text("utf-8")
    services.close()
    exec(compile(blocks("python")[-1], "README.md", "exec", dont_inherit=True), names)
    assert names["answer"].text == "Paris."


def test_the_cells_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    (tmp_path / "answers.jsonl").write_text(ANSWERS)
    monkeypatch.setenv("ALLOY_MODEL", f"scripted:{tmp_path / 'answers.jsonl'}")
    monkeypatch.setenv("ALLOY_DISPLAY", "none")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shell = InteractiveShell()
    shell.history_manager.enabled = False
    for cell in blocks("text"):
        shell.run_cell(cell, store_history=False).raise_error()
    assert shell.user_ns["answer"].text == "Helium, neon, argon."


def commands() -> list[list[str]]:
    """Every `alloy` command line of the shell blocks."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    parts = [shlex.split(part, comments=True) for line in lines for part in line.split("|")]
    return [part[1:] for part in parts if part and part[0] == "alloy"]


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_the_command_lines_of_the_readme_are_understood(arguments: list[str]) -> None:
    from importlib import import_module

    if arguments and arguments[0] in COMMANDS:
        parser = Parser(prog="alloy")
        import_module(f"alloy_nb.cli.{arguments[0]}").add_arguments(parser.add_subparsers())
        parser.parse_args(arguments)
        return
    parser = Parser(prog="alloy")
    prompt.add_arguments(parser)
    parsed, words = split_words(parser, arguments)
    assert parsed.prompt or ("-p" not in arguments and not words)


def test_every_variable_that_the_readme_names_is_read_somewhere() -> None:
    named = set(re.findall(r"\bALLOY_[A-Z_]+\b", README.read_text("utf-8")))
    code = "".join(path.read_text("utf-8") for path in (ROOT / "alloy_nb").rglob("*.py"))
    assert named
    assert {name for name in named if name not in code} == set()


def test_every_target_and_file_that_the_readme_names_is_there() -> None:
    text = README.read_text("utf-8")
    targets = set(re.findall(r"\bmake ([a-z]+)\b", text)) - {"an"}
    known = set(re.search(r"^TARGETS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split())  # type: ignore[index]
    assert {"demo", "test", "lab"} <= targets
    assert {target for target in targets if target in known} >= {"demo", "test", "lab"}
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / link).exists(), link


def test_nobody_is_sent_to_an_index_that_does_not_have_it() -> None:
    """Hints and the README said `pip install "alloy-nb[sql]"`: it is on no index, so that somebody else could be."""
    texts = {path.name: path.read_text("utf-8") for path in (*ROOT.glob("*.md"), *(ROOT / "alloy_nb").rglob("*.py"))}
    assert [name for name, text in texts.items() if re.search(r"""pip install\s+["']?alloy[-_]?nb""", text)] == []


def test_every_alloy_name_of_the_readme_is_public() -> None:
    names = set(re.findall(r"\balloy\.([A-Za-z_]+)", README.read_text("utf-8")))
    assert names <= set(alloy.__all__)


# The table of providers

MEDIA = {
    "images": alloy.Image("image/png", b"abcdefghi" * 9),
    "PDF": alloy.Document("application/pdf", b"abcdefghi" * 9),
    "audio": alloy.Audio("audio/wav", b"abcdefghi" * 9),
}


def rows() -> dict[str, dict[str, str]]:
    """The cells of each provider, by the names of the columns."""
    (table,) = re.findall(r"^\| provider \|.*\n(?:\|.*\n)+", README.read_text("utf-8"), re.MULTILINE)
    head, _, *lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.strip().splitlines()]
    found = [dict(zip(head, cells, strict=True)) for cells in lines]
    return {row["provider"].strip("`"): row for row in found}


def make(name: str, model: str | None = None, **settings: Any) -> Any:
    default = our_table()[name].default if name in our_table() else None
    classes = {vendor: entry.provider.rpartition(":")[2] for vendor, entry in VENDORS.items()}
    return getattr(alloy, classes[name])(model or default or "any", api_key="k", **settings)


def test_the_table_lists_the_providers_in_the_order_in_which_keys_are_looked_for() -> None:
    assert list(rows()) == list(VENDORS)
    for name, row in rows().items():
        assert tuple(re.findall(r"`(\w+)`", row["key"])) == VENDORS[name].keys
        default = our_table()[name].default if name in our_table() else None
        assert row["default model"] == (f"`{default}`" if default else "the server's newest")


@pytest.mark.parametrize("kind", MEDIA)
@pytest.mark.parametrize("name", VENDORS)
def test_the_table_says_what_goes_along_natively(name: str, kind: str) -> None:
    part: Any = MEDIA[kind]
    said = rows()[name][kind]

    def goes(**settings: Any) -> bool:
        return part.base64.encode() in to_json(make(name, **settings).encode(Request((alloy.Message.user(part),)))[2])

    assert goes() == (said == "yes")
    if said == '`api="chat"`':
        assert goes(api="chat")
    elif said == "`-vision-` models":
        assert goes(model="deepseek-v4-flash-vision-exp")
    else:
        assert said in ("yes", "no")


@pytest.mark.parametrize("name", VENDORS)
def test_the_table_says_how_types_are_asked_for(name: str) -> None:
    schema = {"type": "object", "properties": {"zebra": {"type": "string"}}, "required": ["zebra"]}
    body = make(name).encode(Request((alloy.Message.user("x"),), output_schema=schema))[2]
    settings = to_json({key: value for key, value in body.items() if key not in ("messages", "input", "contents")})
    assert (b"zebra" in settings) == (rows()[name]["typed answers"] == "schema")
    assert rows()[name]["typed answers"] in ("schema", "JSON")


@pytest.mark.parametrize("name", VENDORS)
def test_the_table_says_whose_prompts_are_marked_for_the_cache(name: str) -> None:
    request = Request((alloy.Message.user("x"),), system_prompt="Be brief.")
    marked = b"cache_control" in to_json(make(name).encode(request)[2])
    assert marked == rows()[name]["prompt cache"].startswith("marked")


@pytest.mark.parametrize("thinking", [True, False, "low", "medium", "high", 2000])
@pytest.mark.parametrize("name", VENDORS)
def test_all_take_every_way_to_say_thinking(name: str, thinking: bool | str | int) -> None:
    request = Request((alloy.Message.user("x"),), thinking=thinking, max_output_tokens=8000)
    assert make(name).encode(request)[2] is not None
