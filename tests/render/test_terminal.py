"""A run in a terminal: Markdown by finished blocks, one line for what grows, nothing that steers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from alloy_nb.events import Event
from alloy_nb.redaction import register_secret
from alloy_nb.render.terminal import TerminalWriter, to_terminal
from alloy_nb.render.text import whole_words

ANSWER = """# Title

Hello **bold** and `code`, with <b>raw</b> and [a link](https://example.org).

- one
- two

```python
def f():

    return "s"
```

| a | b |
|---|--:|
| 1 | 22 |

Done."""

SEQUENCE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


def words(text: str) -> str:
    return SEQUENCE.sub("", text)


def run_of(pieces: list[str]) -> list[Event]:
    said = [Event(place, "r", "text_delta", piece) for place, piece in enumerate(pieces, 2)]
    start, end = (
        Event(1, "r", "run_start", {"prompt": "p"}),
        Event(len(pieces) + 2, "r", "run_end", {"status": "completed"}),
    )
    return [start, *said, end]


def written(events: list[Event], width: int = 60, **settings) -> list[str]:
    pieces: list[str] = []
    writer = TerminalWriter(pieces.append, width=lambda: width, tail=False, **settings)
    for event in events:
        writer.feed(event)
    return pieces


def without_line(pieces: list[str]) -> str:
    """What stays: the line that grows is taken away."""
    return re.sub(r"\x1b\[2m[^\x1b]*\x1b\[0m\r\x1b\[K", "", "".join(pieces))


def test_markdown_is_set_for_a_terminal() -> None:
    assert words(to_terminal(ANSWER, 80)) == (
        "Title\n\n"
        "Hello bold and code, with <b>raw</b> and a link (https://example.org).\n\n"
        " • one\n • two\n\n"
        '  def f():\n\n      return "s"\n\n'
        "a   b\n─────\n1  22\n\n"
        "Done.\n"
    )


def test_nothing_of_a_text_is_lost() -> None:
    """rich leaves out raw HTML, and where a picture is."""
    text = words(to_terminal("<div>block</div>\n\n<i>in a line</i> ![chart](https://example.org/c.png)", 80))
    assert text == "<div>block</div>\n\n<i>in a line</i> [image: chart] (https://example.org/c.png)\n"


def test_no_colours_where_none_are_wanted_and_no_background_ever() -> None:
    plain = to_terminal(ANSWER, 80, color=False)
    assert not re.search(r"\x1b\[(?:\d+;)*(?:3|4|9|10)[0-7](?:;|m)", plain)
    assert not re.search(r"\x1b\[(?:\d+;)*(?:4|10)[0-7](?:;|m)", to_terminal(ANSWER, 80))


@pytest.mark.parametrize("width", [20, 40, 100])
def test_lines_keep_to_the_width(width: int) -> None:
    prose = to_terminal("word " * 60 + "\n\n- " + "item " * 30, width)
    assert all(len(line) <= width for line in words(prose).splitlines())


def test_a_line_of_code_is_left_whole_to_be_copied() -> None:
    line = "x = " + "1 + " * 40 + "1"
    assert f"  {line}\n" in words(to_terminal(f"```\n{line}\n```", 40))


@given(st.lists(st.integers(1, 40), max_size=40))
def test_however_it_is_cut_it_is_set_as_the_whole(cuts: list[int]) -> None:
    pieces, rest = [], ANSWER
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    events = run_of([*filter(None, pieces), *([rest] if rest else [])])
    assert without_line(written(events)) == to_terminal(ANSWER, 60, color=False)


#: What prose is made of, and what may look like more than that until its end has come.
BITS = (
    *("word ", "some ", "text, ", "of ", "it.\n", "so  \n", "and\\\n", "next.\n\n", "漢字かな", "x" * 70 + " "),
    *("**bold** ", "**bo ", "ld** ", "*", "* ", "2*3 ", "_em_ ", "snake_case ", "`code` ", "`", "~~no~~ ", "~~ "),
    *(
        "[a](http://x.y/z) ",
        "[a b](u) ",
        "[a] ",
        "[open ",
        "](u) ",
        "![p](q) ",
        "a|b ",
        "\\* ",
        "<b> ",
        "&lt ",
        "wow! ",
    ),
    *("\n- ", "\n1. ", "\n# ", "\n===\n", "\n---\n", "\n> ", "\n```\n", "\n| a | b |\n|---|---|\n"),
)


@given(
    st.sampled_from(["", "", "```py\n"]),
    st.lists(st.one_of(st.sampled_from(BITS[:6]), st.sampled_from(BITS)), min_size=5, max_size=60),
    st.sampled_from([20, 30, 60]),
)
def test_what_grows_before_its_end_is_set_as_it_would_be_at_its_end(begin: str, bits: list[str], width: int) -> None:
    """Each line that was written early is the one of the whole; a line may have missed that it is of a title."""
    events = run_of([begin, *bits])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("alloy_nb.render.terminal._CALM", 0.0)
        early = words(without_line(written(events, width)))
    late = words(without_line(written(events, width, grows=False)))
    assert [line.rstrip() for line in early.split("\n")] == [line.rstrip() for line in late.split("\n")]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("Some *words* of a sentence, " * 20, 9, id="prose"),
        pytest.param("```py\n" + "x = 1  # one\n" * 20, 15, id="code"),
    ],
)
def test_a_long_block_grows_line_by_line(text: str, lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a paragraph its last line alone was seen, however long it was, until it was finished."""
    monkeypatch.setattr("alloy_nb.render.terminal._CALM", 0.0)
    events = run_of(re.findall(r"(?s).{1,5}", text))
    seen = without_line(written(events[:-1])).rpartition("\x1b[2m")[0]  # but for the line that grows
    whole = to_terminal(text, 60, color=False)
    assert seen.count("\n") >= lines
    assert whole.startswith(seen)
    assert without_line(written(events)) == whole


def test_below_what_is_written_only_what_comes_after_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloy_nb.render.terminal._CALM", 0.0)
    pieces = written(run_of([*(f"number{place} " for place in range(90)), "*and one "])[:-1])
    assert words(pieces[-1]).endswith("number89 *and one")
    shown = words(without_line(pieces).replace("\r\x1b[K", ""))
    assert re.findall(r"number\d+", shown) == [f"number{place}" for place in range(90)]


def test_where_a_named_link_leads_takes_no_lines() -> None:
    """Each stood there as two empty ones."""
    events = run_of(["See [it].\n\n", "[it]: http://x.y\n", "[no]: http://x.z\n\n", "The end.\n"])
    assert without_line(written(events, grows=False)) == "See [it].\n\nThe end.\n"


def test_a_word_without_an_end_costs_no_look_at_all_of_it_for_each_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 200,000 letters it took nine seconds."""
    looks: list[int] = []
    monkeypatch.setattr(
        "alloy_nb.render.terminal.whole_words", lambda text: looks.append(len(text)) or whole_words(text)
    )
    written(run_of(["AbCdE"] * 500))
    assert len(looks) < 5


def test_a_window_that_changes_while_a_paragraph_grows_changes_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloy_nb.render.terminal._CALM", 0.0)
    pieces: list[str] = []
    widths = [60]
    writer = TerminalWriter(pieces.append, width=lambda: widths[-1], tail=False)
    text = "Some words of a sentence. " * 20
    for place, event in enumerate(run_of(re.findall(r"(?s).{1,9}", text))):
        widths.append(60 if place < 30 else 33)
        writer.feed(event)
    assert without_line(pieces) == to_terminal(text, 60, color=False)


def test_a_block_is_written_when_it_is_finished_and_not_before() -> None:
    events = run_of(["One.\n", "\n", "Two", " three.\n"])
    assert without_line(written(events[:2], grows=False)) == ""
    assert without_line(written(events[:3], grows=False)) == "One.\n"
    assert without_line(written(events[:5], grows=False)) == "One.\n"
    assert without_line(written(events, grows=False)) == "One.\n\nTwo three.\n"


@pytest.mark.parametrize("calm", [0.0, 0.1])
def test_what_was_written_is_never_touched_again(calm: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing flickers: but for the one line that grows, the cursor only goes forward."""
    monkeypatch.setattr("alloy_nb.render.terminal._CALM", calm)
    moved = [
        sequence for piece in written(run_of(re.findall(r"(?s).{1,5}", ANSWER))) for sequence in SEQUENCE.findall(piece)
    ]
    assert {sequence for sequence in moved if not sequence.endswith("m")} <= {"\x1b[K"}


def test_the_line_that_grows_is_one_line_however_long_its_words() -> None:
    for text in (
        "日本語" * 50,
        "一" * 50 + "*" + "日本語" * 50,
        "word " * 50,
        "*so " + "👨\u200d👩\u200d👧 " * 30 + "日",
    ):
        grows = [piece for piece in written(run_of([text]), width=30) if piece.startswith("\x1b[2m")]
        assert grows
        for piece in grows:
            assert words(piece).endswith(text.strip()[-1])
            assert "\n" not in piece
            assert sum(map(cell_len, words(piece))) <= 30 - 8


def test_a_growing_line_can_be_left_out() -> None:
    assert "\r" not in "".join(written(run_of(["One ", "two ", "three."]), grows=False))


def test_a_long_block_is_not_looked_at_for_each_of_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of a long piece of code grew with the square of its length."""
    looks: list[int] = []
    import alloy_nb.render.terminal as module

    real = module.split_settled
    monkeypatch.setattr(module, "split_settled", lambda text: looks.append(len(text)) or real(text))
    written(run_of(["```\n", *["x = 1\n"] * 5_000]), grows=False)
    assert sum(looks) < 10 * 30_000


def test_law_14_nothing_steers_the_terminal_and_no_key_is_shown(vector: str) -> None:
    """Law 14: whatever a model writes, the only sequences are our own."""
    register_secret("hunter2-in-a-terminal")
    text = f"{vector}\n\nhunter2-in-a-terminal \x1b]0;owned\x07\x1b[2Jend\n"
    shown = "".join(written(run_of([text[:7], text[7:]])))
    assert "hunter2" not in shown
    assert not re.search(r"\x1b(?!\[(?:[\d;]*m|K))", shown)
    assert "\x07" not in shown
    assert "end" in shown


@pytest.mark.parametrize("size", [1, 3, 50])
def test_the_line_that_grows_shows_no_part_of_a_key(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but its last character was to be read while it came, and of a long one its end."""
    monkeypatch.setattr("alloy_nb.render.terminal._CALM", 0.0)
    short, long, spaced = "grows-canary-0123456789", "lc" * 400, "canaryhorse battery staple"
    for secret in (short, long, spaced):
        register_secret(secret)
    text = f"one {short} two {long} three {spaced} four sk-ant-canary0123456789abcdef end of it"
    shown = words("".join(written(run_of([text[at : at + size] for at in range(0, len(text), size)]))))
    assert "canary" not in shown
    assert "lclclclc" not in shown
    assert "end of it" in shown


@pytest.mark.parametrize("width", [20, 40, 100])
@pytest.mark.parametrize(
    "markdown",
    [
        pytest.param("> " * 18 + "w1 w2", id="quotes"),
        pytest.param("".join(f"{'  ' * deep}- w{deep}\n" for deep in range(18)), id="lists"),
        pytest.param(
            "|" + "|".join(f"w{n}" for n in range(30)) + "|\n|" + "-|" * 30 + "\n|" + "v |" * 30, id="columns"
        ),
        pytest.param(f"| a | b |\n|---|---|\n| {'w' * 90}END | {'v' * 90}END |", id="cells"),
        pytest.param(f"1. Run:\n\n   ```sh\n   echo {'w' * 90} {'v ' * 90}END\n   ```", id="code in a list"),
        pytest.param(f"> ```\n> {'w' * 190}END\n> ```", id="code in a quote"),
    ],
)
def test_where_there_is_no_room_nothing_is_hidden(markdown: str, width: int) -> None:
    """Cells and deep quotes vanished, and a command in a list ended at the edge."""
    told = "".join(words(to_terminal(markdown, width)).split())
    for sign in ("w", "v", "END"):
        assert told.count(sign) >= markdown.count(sign)


def test_a_table_of_many_columns_is_told_row_by_row() -> None:
    table = "| name | size | age | town |\n|---|---|---|---|\n| Ann | 170 | 31 | Rome |\n| Bob | 180 | 32 | Oslo |\n"
    assert words(to_terminal(table, 30)) == (
        "name: Ann\nsize: 170\nage: 31\ntown: Rome\n\nname: Bob\nsize: 180\nage: 32\ntown: Oslo\n"
    )
    assert "│" in words(to_terminal(table, 60)) or "Ann" in words(to_terminal(table, 60)).splitlines()[2]


def test_lines_of_tools_and_facts_break_at_blanks(tell) -> None:
    tell("run_start", {"prompt": "p", "model": "model-of-a-long-name"})
    tell.tool(name="bash", input={"command": "some words of a command that goes on"}, output="").end()
    pieces: list[str] = []
    writer = TerminalWriter(pieces.append, width=lambda: 30)
    for event in tell.events:
        writer.feed(event)
    lines = words("".join(pieces)).splitlines()
    assert all(len(line) <= 30 for line in lines)
    assert "── model-of-a-long-name ·" in lines
