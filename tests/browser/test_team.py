"""A team in tabs: four stream at once and none starves, each is stopped or asked on its own, and it is frozen whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from .asking import Asking, convert, html_of
from .conftest import SCREENSHOTS
from .lab import Lab
from .page import SCRIPTS, Page, Theme
from .test_live_access import RULES

NAMES = ("researcher", "coder", "critic", "writer")
LIVE = ".alloy-team .alloy-run-live"
#: Members that speak until the test lets go of them, or they are stopped.
SETUP = """
import asyncio, json
from {bed} import gate
from alloy_nb.providers.base import TextDelta

names = ("researcher", "coder", "critic", "writer")

class Endless(alloy.Scripted):
    def __init__(self, name, *lines, pause=0.01):
        super().__init__(list(lines) or ["The end."])
        self.word, self.pause, self.open = name, pause, gate()

    async def stream(self, request):
        number = 0
        while not self.open():
            yield TextDelta(f"{{self.word}}-{{number}} ")
            number += 1
            await asyncio.sleep(self.pause)
        async for delta in super().stream(request):
            yield delta
"""
CREW = "team = alloy.Team({n: {'model': Endless(n)} for n in names}, name='crew')\n"
#: How many characters each agent is seen to have said; a panel that nobody looked at yet has none.
SAID = """() => [...document.querySelectorAll('.alloy-team .alloy-panel')].map(
  panel => (panel.querySelector('.alloy-text')?.textContent ?? '').length)"""
GROWN = f"before => ({SAID})().slice(0, 4).every((length, place) => length > before[place])"


def prepared(page: Page, lab: Lab, name: str, *cells: str, lines: Any = ("x",), setup: str = "") -> Asking:
    return Asking(page, lab, name, lines, *cells, setup=SETUP.format(bed=name.replace("-", "_")) + setup)


def tab(page: Page, name: str) -> Any:
    return page.raw.locator(".alloy-team").get_by_role("tab", name=name)


def open_all(page: Page) -> None:
    for name in NAMES:
        tab(page, name).click()


def said(page: Page) -> list[int]:
    return list(page.raw.evaluate(SAID))[: len(NAMES)]


def test_four_stream_at_once_and_none_starves(page: Page, lab: Lab) -> None:
    """Each grows between two looks, one of them though it floods; and no more is sent than for one run."""
    cells = [
        "from alloy_nb.notebook.live import hub as hubs\nimport time\n"
        "courier, sent = hubs.hub_of(get_ipython()).courier, []\n"
        "send = courier._send\n"
        "courier._send = lambda content, buffers: (sent.append(time.monotonic()), send(content, buffers))",
        "models = {n: Endless(n, pause=0.0002 if n == 'critic' else 0.01) for n in names}\n"
        "team = alloy.Team({n: {'model': m} for n, m in models.items()}, name='crew')\n"
        "results = team.broadcast('Who are you?')",
        "print(json.dumps([[r.status, r.text.split()[:2], r.text.endswith('The end.')] for r in results.values()]))\n"
        "print(max(sum(1 for t in sent if s <= t < s + 2) for s in sent))",
    ]
    asking = prepared(page, lab, "team-four", *cells)
    assert page.run(1) == "ok", page.text(1)
    page.run(2, wait=False)
    page.await_text(2, "researcher-3")
    open_all(page)
    for _ in range(3):
        before = said(page)
        page.raw.wait_for_function(GROWN, arg=before)
    assert all(said(page))
    asking.let_go(4)
    assert page.finish(2) == "ok", page.text(2)
    page.raw.locator(".alloy-run details").first.wait_for()
    assert page.raw.locator(LIVE).count() == 0
    assert page.run(3) == "ok"
    told, most = page.text(3).strip().splitlines()
    assert json.loads(told) == [["completed", [f"{name}-0", f"{name}-1"], True] for name in NAMES]
    assert int(most) <= 2 * 20 + 4  # what the page asks for meanwhile is answered beside it
    frozen = html_of(page.outputs(2)[0])
    assert frozen.count("<details") == 4
    assert all(f"{name}-3" in frozen for name in NAMES)
    assert page.foreign == []


def test_one_is_stopped_and_then_all(page: Page, lab: Lab) -> None:
    cells = [CREW + "results = team.broadcast('Go on.')", "print([r.status for r in results.values()])"]
    prepared(page, lab, "team-stop", *cells)
    page.run(1, wait=False)
    page.await_text(1, "researcher-3")
    open_all(page)
    tab(page, "coder").click()
    panel = page.raw.locator(".alloy-team .alloy-panel:not([hidden])")
    panel.get_by_role("button", name="Stop", exact=False).click()
    tab(page, "coder · stopped").wait_for()
    page.raw.wait_for_function(
        f"before => ({SAID})().filter((length, place) => place !== 1 && length > before[place]).length === 3",
        arg=said(page),
    )
    page.press("Stop all")
    assert page.finish(1) == "ok", page.text(1)
    page.await_text(1, "stopped; what was said so far is kept")
    assert page.run(2) == "ok"
    assert page.text(2).strip() == str(["cancelled"] * 4)


@pytest.mark.parametrize("asked", ["team.broadcast", "await team.abroadcast"])
def test_a_question_waits_in_its_tab_while_the_others_go_on(page: Page, lab: Lab, asked: str) -> None:
    """What was awaited was not shown, and its question came in Jupyter's own box."""
    ask = {"text": "May I?", "tool_calls": [{"name": "bash", "input": {"command": "echo hi"}}]}
    cells = [
        f"asks = alloy.Scripted([{ask!r}, 'Thanks.'])\n"
        "team = alloy.Team({'talker': {'model': Endless('talker')}, 'asker': {'model': asks, 'tools': ['bash']}})\n"
        f"results = {asked}('Go on.')",
        "print([[c.name, c.error] for c in results['asker'].tool_calls])",
    ]
    asking = prepared(page, lab, f"team-card-{asked[:2]}", *cells)
    page.run(1, wait=False)
    tab(page, "asker · waiting for approval").wait_for()
    page.raw.wait_for_function(
        "document.querySelector('.alloy-team .alloy-status').textContent === 'asker asks for approval'"
    )
    page.await_text(1, "talker-30")
    tab(page, "asker").click()
    page.press("Allow once")
    tab(page, "asker done").wait_for()
    asking.let_go()
    assert page.finish(1) == "ok", page.text(1)
    assert page.run(2) == "ok"
    assert page.text(2).strip() == "[['bash', None]]"


def test_who_takes_over_by_a_models_choice_has_its_own_tab_and_card(page: Page, lab: Lab) -> None:
    """It works within the first one's run, and is shown, asked and frozen as the one that it is."""
    hand = {"text": "Not mine.", "tool_calls": [{"name": "transfer_to_coder", "input": {"task": "Fix it."}}]}
    ask = {"text": "May I?", "tool_calls": [{"name": "bash", "input": {"command": "echo hi"}}]}
    cells = [
        f"team = alloy.Team({{'triage': {{'model': alloy.Scripted([{hand!r}])}}, 'coder': {{'model': "
        f"alloy.Scripted([{ask!r}, 'Fixed.']), 'tools': ['bash']}}}}, handoffs={{'triage': ['coder']}})\n"
        "answer = team.delegate('triage', 'It broke.')",
        "print(answer.text)",
    ]
    prepared(page, lab, "team-chosen", *cells)
    page.run(1, wait=False)
    tab(page, "coder · waiting for approval").click()
    page.await_text(1, "Fix it.")
    page.press("Allow once")
    assert page.finish(1) == "ok", page.text(1)
    assert page.run(2) == "ok"
    assert page.text(2).strip() == "Fixed."
    page.raw.locator(".alloy-run > details").nth(1).wait_for()
    page.unfold(1)
    assert "allowed once by you" in page.text(1)
    assert "triage → coder" in page.text(1)


@pytest.mark.parametrize("asked", ["team.broadcast", "await team.abroadcast"])
def test_an_interrupt_of_the_kernel_stops_all_and_keeps_what_was_said(page: Page, lab: Lab, asked: str) -> None:
    prepared(page, lab, f"team-interrupt-{asked[:2]}", CREW + f"{asked}('Go on.')")
    page.run(1, wait=False)
    page.await_text(1, "researcher-3")
    page.interrupt()
    assert page.finish(1) == "error"
    page.raw.locator(".alloy-run > details").nth(3).wait_for()
    page.unfold(1)
    text = page.text(1)
    assert text.count("stopped; what was said so far is kept") == 4
    assert all(f"{name}-3" in text for name in NAMES)


def test_a_reload_in_mid_run_brings_the_tabs_back(page: Page, lab: Lab) -> None:
    cells = [CREW + "run = team.start_broadcast('Go on.')\nteam", "%alloy /team team", "print(run.result().ok)"]
    asking = prepared(page, lab, "team-reload", *cells)
    assert page.run(1) == "ok", page.text(1)
    page.await_text(1, "researcher-3")
    page.save()
    page.reload()
    page.await_text(1, "researcher-3")
    open_all(page)
    page.raw.wait_for_function(GROWN, arg=said(page))
    assert page.run(2) == "ok"
    page.await_text(2, "researcher-3")
    asking.let_go(4)
    for cell in (1, 2):
        page.await_text(cell, "The end.")
    assert page.run(3) == "ok"
    assert page.text(3).strip() == "True"
    page.raw.wait_for_function("!document.querySelector('.alloy-run-live')")


def test_all_of_it_is_done_with_the_keys_and_no_rule_of_wcag_is_broken(page: Page, lab: Lab) -> None:
    asking = prepared(page, lab, "team-keys", CREW + "team.broadcast('Go on.')")
    page.run(1, wait=False)
    page.await_text(1, "researcher-3")
    cells = page.raw.locator(".jp-Cell").count()
    tab(page, "researcher").focus()
    seen = []
    for key in ("ArrowRight", "ArrowRight", "Home", "ArrowLeft", "End", "ArrowRight"):
        page.raw.keyboard.press(key)
        seen.append(page.raw.evaluate("document.activeElement.querySelector('.alloy-tab-name').textContent"))
    assert seen == ["coder", "critic", "researcher", "Timeline", "Timeline", "researcher"]
    assert page.raw.locator(".alloy-team [role=tab][tabindex='0']").count() == 1
    for theme in ("light", "dark"):
        page.theme(theme)  # type: ignore[arg-type]
        for name in ("coder", "Timeline"):
            tab(page, name).click()
            told = Axe().run(page.raw, LIVE, {"runOnly": {"type": "tag", "values": RULES}}).response
            assert len(told["passes"]) > 3, told
            broken = [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in told["violations"]]
            assert broken == []
            assert page.legible(1).contrast >= 4.5, page.legible(1).lowest
    page.theme("light")
    page.raw.get_by_role("button", name="Stop all").focus()
    page.raw.keyboard.press("Enter")
    assert page.finish(1) == "ok"
    assert page.raw.locator(".jp-Cell").count() == cells
    asking.let_go(4)


HOSTILE = ["<img src=x onerror=told.push(1)>", "</script><script>told.push(2)</script>", "[x](javascript:told.push(3))"]


def test_hostile_names_and_texts_do_nothing_but_be_read(page: Page, lab: Lab) -> None:
    """Live and frozen; a name may hold no slash."""
    name, *_ = names = ["<img src=x onerror=told.push(1)>", '"><svg onload=told.push(2)>']
    text = f"{' '.join(HOSTILE)} ‖ the end."
    cells = [
        f"team = alloy.Team({{n: {{'model': Held([dict(text={text!r})])}} for n in {names!r}}},"
        f" name='<b onclick=x>crew')\n"
        f"team.handoff({names!r}, {HOSTILE[0]!r})"
    ]
    asking = prepared(page, lab, "team-hostile", *cells)
    page.raw.evaluate("window.told = []")
    page.run(1, wait=False)
    page.await_text(1, HOSTILE[0])
    tab(page, "Timeline").click()
    asking.let_go()
    page.await_text(1, "handed over")
    tab(page, names[1]).click()
    page.await_text(1, HOSTILE[1])
    assert page.raw.locator(".alloy-team :is(script, img, svg, b, [onclick], [onerror])").count() == 0
    asking.let_go()
    assert page.finish(1) == "ok", page.text(1)
    page.raw.locator(".alloy-run details").first.wait_for()
    page.unfold(1)
    assert page.raw.locator(".alloy-run :is(script, img, svg, b, [onclick], [onerror])").count() == 0
    assert name in page.text(1)
    assert page.raw.evaluate("window.told") == []
    assert page.foreign == []


# -- how it looks --------------------------------------------------------------------------------------------------

FOUND = """The North feed stopped on **9 March at 04:12**:

| region | before | after |
|---|---:|---:|
| North | 14 200 | 0 |
| South | 29 015 | 29 015 |
"""
FIX = """I start the feed again, and fill in what is missing.

```python
feed.restart(since="2026-03-09T04:12")
assert feed.gap().empty
```
"""
LOOKS = f"""
class Paced(Held):
    '''Speaks slowly enough to be looked at.'''

    async def stream(self, request):
        async for delta in super().stream(request):
            yield delta
            await asyncio.sleep(0.02)

look = dict(name="look_up", input=dict(city="Graz"))
found = dict(thinking="Where does it stop?", text={FOUND!r}, tool_calls=[look])
team = alloy.Team(dict(
    researcher=dict(model=Paced([found, "It was the **North feed** ‖and nothing else."]), tools=[look_up],
                    approval="auto"),
    coder=dict(model=Paced([dict(text={FIX!r} + "‖ Done.")])),
    reviewer=dict(model=Paced(["Good."])),
), name="crew")
"""


@pytest.fixture(scope="module")
def saved(only_page: Page, lab: Lab) -> Path:
    """A notebook with a hand-off that was looked at while it went on, and a broadcast of which one failed."""
    page = only_page
    broken = "boom = alloy.Scripted([dict(text='Half', error=dict(type='ServerError', message='it broke'))])"
    cells = [
        "team.handoff(['researcher', 'coder'], 'Find the outage and write the fix.')",
        f"{broken}\nalloy.Team({{'one': {{'model': alloy.Scripted(['Fine, thank you.'])}}, 'two': {{'model': boom}},\n"
        "            'three': {'model': alloy.Scripted(['x'])}}).broadcast('How are you?')",
    ]
    asking = prepared(page, lab, "team-looks", *cells, setup=LOOKS)
    asking.let_go()  # the tool
    page.run(1, wait=False)
    page.await_text(1, "It was the North feed")
    for width in (1280, 480):
        page.resize(width)
        page.screenshot(f"team-live-{width}", cell=1)
    asking.let_go()
    tab(page, "coder · writing").wait_for()
    tab(page, "coder").click()
    page.await_text(1, "I start the feed again")
    tab(page, "Timeline").click()
    for width in (1280, 480):
        page.resize(width)
        assert page.legible(1).overflowing == []
        page.screenshot(f"team-timeline-{width}", cell=1)
    page.resize(1280)
    page.raw.emulate_media(forced_colors="active", reduced_motion="reduce")
    page.screenshot("team-forced-colors", ["light"], cell=1)
    page.raw.emulate_media(forced_colors="none")
    asking.let_go()
    assert page.finish(1) == "ok", page.text(1)
    assert page.run(2) == "ok", page.text(2)
    page.save()
    page.close()
    return asking.path


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 480])
@pytest.mark.parametrize("trusted", [True, False])
def test_the_frozen_form_is_read(page: Page, saved: Path, trusted: bool, theme: Theme, width: int) -> None:
    """build/screenshots/team-frozen-*.png, team-untrusted-*.png"""
    page.resize(width)
    page.open_file(saved, live=False)
    if not trusted:
        page.untrust()
    elif not page.trusted(1):
        page.trust()
    page.theme(theme)
    for cell in (1, 2):
        page.screenshot(f"team-{'frozen' if trusted else 'untrusted'}-{cell}-{width}", [theme], cell=cell)
        page.theme(theme)
        seen = page.legible(cell)
        # Where the mixed colours are stripped, none reaches more on both a white and a black page.
        assert seen.contrast >= (4.5 if trusted else 4.3), seen.lowest
        assert seen.overflowing == []
        assert seen.pressable == []
    text = page.text(1) + page.text(2)
    assert all(word in text for word in ("researcher → coder", "handed over", "North feed", "it broke", "3 agents"))
    assert page.foreign == []


def test_the_frozen_form_is_read_as_a_document_and_unstyled(only_page: Page, saved: Path, tmp_path: Path) -> None:
    context = only_page.browser.new_context(viewport={"width": 1000, "height": 900}, reduced_motion="reduce")
    for script in SCRIPTS:
        context.add_init_script(path=script)
    context.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
    document = context.new_page()
    try:
        for name, options in (("lab", {"template_name": "lab"}), ("sanitized", {"sanitize_html": True})):
            file = tmp_path / f"{name}.html"
            file.write_text(convert(saved, **options), "utf-8")
            document.goto(file.as_uri())
            # The sanitiser of nbconvert shows folds as text.
            assert document.locator("div.alloy-run > details").count() == (5 if name == "lab" else 0)
            assert "researcher → coder" in document.locator("body").inner_text()
            document.screenshot(path=SCREENSHOTS / f"team-nbconvert-{name}.png", full_page=True)
        cells = json.loads(saved.read_text("utf-8"))["cells"]
        html = "".join("".join(cells[cell]["outputs"][0]["data"]["text/html"]) for cell in (1, 2))
        document.set_content(f"<body>{html}</body>")
        document.evaluate(
            "document.querySelectorAll('body *').forEach(one => { one.removeAttribute('style'); "
            "one.removeAttribute('class'); })"
        )
        document.screenshot(path=SCREENSHOTS / "team-stripped.png", full_page=True)
        text = document.locator("body").inner_text()
        assert "researcher → coder" in text
        assert "✓ researcher It was the North feed and nothing else." in text
    finally:
        context.close()


def test_in_a_narrow_window_the_timeline_scrolls_and_its_tabs_stay(page: Page, lab: Lab) -> None:
    """It made the whole view wider than the window, and its own tab with it."""
    setup = (
        "team = alloy.Team({name: {'model': Held([dict(text='Hm. ‖Yes.')])} "
        "for name in ('researcher', 'coder', 'proof-reader')}, name='crew')\n"
    )
    asking = prepared(page, lab, "team-narrow", "_r = await team.abroadcast('What do you know?')", setup=setup)
    page.resize(500)
    page.run(1, wait=False)
    tab(page, "proof-reader · writing").wait_for()
    tab(page, "Timeline").click()
    page.await_frames()
    right = "elements => Math.max(...elements.map(element => element.getBoundingClientRect().right))"
    assert page.raw.locator(".alloy-team .alloy-tab").evaluate_all(right) < 460
    page.screenshot("team-narrow", cell=1)
    scrolls = page.raw.locator(".alloy-team .alloy-timeline").evaluate("it => it.scrollWidth > it.clientWidth")
    assert scrolls
    asking.let_go(3)
    assert page.finish(1) == "ok"
