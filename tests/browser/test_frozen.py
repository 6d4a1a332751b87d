"""A frozen answer is read where nothing of it runs: reopened, by a stranger, as a document, as plain Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page as RawPage

from .asking import Asking, convert
from .conftest import SCREENSHOTS
from .lab import Lab, serve
from .page import SCRIPTS, Legible, Page, Theme
from .test_states import ANSWER, CALLS, THINKING

#: WCAG 2.2 AA asks for this of text. Where a place strips the mixed colours, a literal stands alone, and no colour
#: reaches it on both a white and a black page: `alloy_nb.render.palette` tells how near it can come.
READABLE, LITERAL = 4.5, 4.3
CODE = """Every kind of token:

```python
@decorator
class Thing(Exception):
    '''A docstring.'''
    async def run(self, n: int = 0x1F) -> None:  # a comment
        return await f"{n!r}" if n is not None and True else raise_(ValueError(b"x", 1.5))
```

```diff
- before
+ after
```

```json
{"key": [1, 2.5, null, true, "text"]}
```

```bash
for x in *.csv; do echo "$x" | sed 's/a/b/'; done
```

# One
## Two
### Three
#### Four

***

Inline $a^2+b^2$ and display:

$$\\int_0^1 x\\,dx$$

- [x] done
- [ ] open
"""
EDIT = {"file_path": "a.txt", "old_string": "one", "new_string": "two"}
LINES: list[dict[str, Any]] = [
    {"thinking": THINKING, "text": "I look at the weather first.", "tool_calls": CALLS},
    {"text": ANSWER},
    {"text": CODE},
    {"tool_calls": [{"name": "edit", "input": EDIT}, {"name": "bash", "input": {"command": "false"}}]},
    {"text": "Half an answer", "error": {"type": "ServerError", "message": "it broke", "hint": "mend it"}},
]
CELLS = [
    "%%alloy -m model -t look_up,wind --approval auto\nWhat of {sales}?",
    "%%alloy -m model\nCode?",
    "open('a.txt', 'w').write('one\\n')",
    "%%alloy -m model -t edit,bash --approval auto\nChange it.",
]
SHOWN = (1, 2, 4)  # the cells that show a run
WORDS = ["34 %", "Thought", "look_up", "no station at", "North team", "it broke", "mend it", "21 degrees"]


@pytest.fixture(scope="module")
def saved(only_page: Page, lab: Lab) -> Path:
    """A saved notebook with a whole, a colourful and a failed answer."""
    asking = Asking(only_page, lab, "frozen", LINES, *CELLS, setup="sales = [41200, 43870, 29015]\n")
    asking.let_go()
    ends = [only_page.run(cell) for cell in (1, 2, 3, 4)]
    assert ends == ["ok", "ok", "ok", "error"], [only_page.text(cell) for cell in (1, 2, 3, 4)]
    only_page.save()
    only_page.close()
    return asking.path


@pytest.fixture(scope="module")
def elsewhere(only_page: Page, saved: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """JupyterLab of somebody else, in a home of its own, with the notebook of ours."""
    with serve(tmp_path_factory.mktemp("elsewhere")) as theirs:
        (theirs.root / "theirs.ipynb").write_bytes(saved.read_bytes())
        page = Page(only_page.browser, theirs, SCREENSHOTS)
        page.start()
        page.open_file(theirs.root / "theirs.ipynb", live=False)
        yield page
        page.raw.context.close()


def check(found: Legible, least: float) -> None:
    assert found.words > 5
    assert found.contrast >= least, found.lowest
    assert found.overflowing == []
    assert found.pressable == []


def words_of(page: Page) -> str:
    return "\n".join(page.text(cell) for cell in SHOWN)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 480])
def test_reopened_without_a_kernel(page: Page, saved: Path, theme: Theme, width: int) -> None:
    page.resize(width)
    page.open_file(saved, live=False)
    page.theme(theme)
    assert page.trusted(1)
    for cell in SHOWN:
        check(page.legible(cell), READABLE)
        page.screenshot(f"frozen-{cell}-{width}", [theme], cell=cell)
    assert all(word in words_of(page) for word in WORDS)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 480])
def test_in_another_home_where_it_is_not_trusted(elsewhere: Page, theme: Theme, width: int) -> None:
    elsewhere.resize(width)
    elsewhere.theme(theme)
    assert not elsewhere.trusted(1)
    for cell in SHOWN:
        check(elsewhere.legible(cell), LITERAL)
        elsewhere.screenshot(f"elsewhere-{cell}-{width}", [theme], cell=cell)
        elsewhere.theme(theme)
    html = "".join(elsewhere.html(cell) for cell in SHOWN)
    assert "color-mix" not in html  # it is stripped indeed
    assert "<details" in html
    assert all(word in words_of(elsewhere) for word in WORDS)
    assert elsewhere.foreign == []


@pytest.fixture
def document(only_page: Page) -> Iterator[RawPage]:
    """A page for a document of its own, which reaches nobody."""
    context = only_page.browser.new_context(viewport={"width": 1000, "height": 900}, reduced_motion="reduce")
    for script in SCRIPTS:
        context.add_init_script(path=script)
    context.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
    yield context.new_page()
    context.close()


TEMPLATES = [
    ("lab", {"template_name": "lab", "theme": "light"}),
    ("lab-dark", {"template_name": "lab", "theme": "dark"}),
    ("classic", {"template_name": "classic"}),
    ("sanitized", {"template_name": "lab", "sanitize_html": True}),
]


@pytest.mark.parametrize(("name", "options"), TEMPLATES)
def test_as_a_document_of_nbconvert(
    document: RawPage, saved: Path, tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    converted = tmp_path / "converted.html"
    converted.write_text(convert(saved, **options), "utf-8")
    document.goto(converted.as_uri())
    runs = document.locator("div.alloy-run")
    assert runs.count() == len(SHOWN)
    for number in range(len(SHOWN)):
        found = Legible(**runs.nth(number).evaluate("node => window.legible(node)"))
        check(found, LITERAL if name == "sanitized" else READABLE)
    text = document.locator("body").inner_text()
    assert all(word in text for word in WORDS)
    document.screenshot(path=SCREENSHOTS / f"nbconvert-{name}.png", full_page=True)


@pytest.mark.parametrize("dark", [False, True])
def test_where_every_style_is_stripped(document: RawPage, saved: Path, dark: bool) -> None:
    """GitHub's page keeps tags and no styles at all."""
    outputs = [cell["outputs"] for cell in json.loads(saved.read_text("utf-8"))["cells"]]
    html = "".join("".join(outputs[cell][0]["data"]["text/html"]) for cell in SHOWN)
    colours = "background:#0d1117;color:#e6edf3" if dark else "background:#fff;color:#1f2328"
    document.set_content(f'<body style="{colours};font-family:sans-serif">{html}</body>')
    document.evaluate(
        "document.querySelectorAll('body *').forEach(node => { node.removeAttribute('style'); "
        "node.removeAttribute('class'); })"
    )
    found = Legible(**document.locator("body").evaluate("node => window.legible(node)"))
    assert [one for one in found.lowest if one["contrast"] < READABLE and "log" not in one["text"]] == []
    text = document.locator("body").inner_text()
    assert all(word in text for word in WORDS)
    # What stood apart by its style only still does.
    assert "look_up Graz" in text
    document.screenshot(path=SCREENSHOTS / f"stripped-{'dark' if dark else 'light'}.png", full_page=True)


def test_as_plain_markdown(page: Page, saved: Path) -> None:
    """As a front end shows it that prefers text/markdown: in a Markdown cell of JupyterLab."""
    outputs = [cell["outputs"] for cell in json.loads(saved.read_text("utf-8"))["cells"]]
    texts = ["".join(outputs[cell][0]["data"]["text/markdown"]) for cell in SHOWN]
    page.open(*({"cell_type": "markdown", "id": f"m{n}", "metadata": {}, "source": t} for n, t in enumerate(texts)))
    shown = page.raw.locator(".jp-Notebook .jp-RenderedMarkdown")
    shown.nth(2).wait_for()
    page.screenshot("markdown")
    text = "\n".join(shown.all_inner_texts())
    assert all(word in text for word in WORDS if word not in ("Thought", "21 degrees"))
    assert "✓ look_up Graz" in text
    assert "<div" not in text


def test_what_git_shows_of_it_is_the_text(saved: Path) -> None:
    """The saved form holds the answer as it was written, line by line."""
    source = saved.read_text("utf-8")
    assert '"1. The North feed stopped on 9 March.\\n",' in source
