"""A scheduler's table in JupyterLab: it follows, its buttons are in the rows, and what is saved of it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from .asking import Asking, convert, html_of
from .conftest import SCREENSHOTS
from .lab import Lab
from .page import Page, Theme
from .test_live_access import RULES

LIVE = ".alloy-jobs-live"
JOBS = """
says = alloy.Scripted([{"text": "Nothing new since yesterday.", "on": "What is new?"}] * 9)
scheduler = alloy.Scheduler()
scheduler.cron("0 9 * * 1-5", {"model": says}, "What is new?", name="news", timezone="Europe/Berlin")
scheduler.every("1h", {"model": model}, "Tell me slowly.", name="slow one")
scheduler.at("2999-12-24 18:00", {"model": says}, "Once: " + "a long prompt " * 20, name="xmas", timezone="UTC")
"""
#: Two clicks that lie so far apart, in milliseconds, are no double click.
DOUBLE = 400
HOSTILE = "<img src=x onerror=told.push(1)>"


def prepared(page: Page, lab: Lab, name: str, *cells: str, setup: str = "") -> Asking:
    return Asking(page, lab, name, ["Slowly.‖ Done."] * 9, *cells, setup=setup or JOBS)


def row(page: Page, name: str, nth: int = 0) -> Any:
    return page.raw.locator(LIVE).nth(nth).get_by_role("row").filter(has_text=name)


def test_the_buttons_are_in_the_rows_and_the_table_follows(page: Page, lab: Lab) -> None:
    asking = prepared(page, lab, "jobs-press", "scheduler", "print([j.status for j in scheduler.jobs()])")
    assert page.run(1) == "ok", page.text(1)
    row(page, "news").get_by_role("button", name="Run now news").click()
    row(page, "news").get_by_text("Nothing new since yesterday.").wait_for()
    row(page, "slow one").get_by_role("button", name="Run now slow one").click()
    row(page, "slow one").get_by_text("at work now").wait_for()
    widths = "() => [...document.querySelectorAll('.alloy-jobs-live th')].map(one => one.offsetWidth)"
    before = page.raw.evaluate(widths)
    page.wait_ms(DOUBLE)
    row(page, "slow one").get_by_role("button", name="Run now slow one").click()
    page.await_text(1, "the job 'slow one' is at work")
    asking.let_go()
    row(page, "slow one").get_by_text("Slowly. Done.").wait_for()
    assert page.raw.evaluate(widths) == before
    row(page, "news").get_by_role("button", name="Pause news").click()
    row(page, "news").get_by_role("button", name="Resume news").wait_for()
    assert page.run(2) == "ok"
    assert page.text(2).strip() == "['paused', 'due', 'due']"
    remove = row(page, "xmas").get_by_role("button", name="Remove xmas")
    remove.click()
    assert remove.inner_text() == "Sure?"
    page.raw.get_by_role("button", name="Resume news").focus()  # who goes elsewhere has not meant it
    assert remove.inner_text() == "Remove"
    page.wait_ms(DOUBLE)
    remove.dblclick()  # asks, and does not answer
    assert remove.inner_text() == "Sure?"
    page.wait_ms(DOUBLE)
    remove.click()
    row(page, "xmas").wait_for(state="detached")
    assert page.run(2) == "ok"
    assert page.text(2).strip() == "['paused', 'due']"
    assert page.foreign == []


def test_there_is_one_table_to_see_and_no_blank_before_it(page: Page, lab: Lab) -> None:
    prepared(page, lab, "jobs-one", "scheduler", "scheduler.stop()", "scheduler")
    assert page.run(1) == "ok", page.text(1)
    live = page.raw.locator(LIVE)
    live.wait_for()
    assert page.raw.locator("table:visible").count() == 1
    outer = page.raw.locator(".jp-OutputArea").filter(has=live).first.bounding_box()
    inner = live.bounding_box()
    assert inner["y"] - outer["y"] < 16
    assert page.run(2) == "ok"
    live.wait_for(state="detached")
    page.await_text(1, "stopped: nothing fires any more")
    assert page.raw.locator("table:visible").count() == 1
    areas = page.raw.locator(".jp-OutputArea").filter(has_text="stopped: nothing").first
    outer, table = areas.bounding_box(), page.raw.locator("[class^=alloy-jobs-]").first.bounding_box()
    assert outer["y"] + outer["height"] - table["y"] - table["height"] < 16
    assert page.run(3) == "ok"
    assert page.raw.locator("table:visible").count() == 2


def test_tables_in_two_cells_both_follow_and_both_have_buttons(page: Page, lab: Lab) -> None:
    """The first one became a table of how it was. A cell that is run again has one table."""
    prepared(page, lab, "jobs-two", "scheduler", "scheduler")
    for cell in (1, 2, 2):
        assert page.run(cell) == "ok", page.text(cell)
    page.raw.locator(LIVE).nth(1).wait_for()
    for pressed in (0, 1):
        row(page, "news", pressed).get_by_role("button", name=("Pause news", "Resume news")[pressed]).click()
        for shown in (0, 1):
            row(page, "news", shown).get_by_role("button", name=("Resume news", "Pause news")[pressed]).wait_for()
    assert page.raw.locator("table:visible").count() == 2


def test_a_reload_brings_the_buttons_back_and_without_the_kernel_the_table_is_read(page: Page, lab: Lab) -> None:
    prepared(page, lab, "jobs-reload", "scheduler")
    assert page.run(1) == "ok", page.text(1)
    row(page, "news").wait_for()
    page.save()
    page.reload()
    row(page, "news").get_by_role("button", name="Run now news").click()
    row(page, "news").get_by_text("Nothing new since yesterday.").wait_for()
    assert page.raw.locator("table:visible").count() == 1
    page.restart()
    page.raw.locator(LIVE).wait_for(state="detached")
    assert page.raw.locator("table:visible").count() == 1
    page.await_text(1, "none yet")  # as it was when the notebook was saved


def test_all_of_it_is_done_with_the_keys_and_no_rule_of_wcag_is_broken(page: Page, lab: Lab) -> None:
    prepared(page, lab, "jobs-keys", "scheduler", "print([j.name for j in scheduler.jobs()])")
    assert page.run(1) == "ok", page.text(1)
    cells = page.raw.locator(".jp-Cell").count()
    row(page, "news").get_by_role("button", name="Run now news").focus()
    page.raw.keyboard.press("Enter")
    row(page, "news").get_by_text("Nothing new since yesterday.").wait_for()
    page.raw.keyboard.press("Tab")
    page.raw.keyboard.press("Space")
    row(page, "news").get_by_role("button", name="Resume news").wait_for()
    focused = "document.activeElement.ariaLabel"
    assert page.raw.evaluate(focused) == "Resume news"
    for width in (1280, 480):
        page.resize(width)
        for theme in ("light", "dark"):
            page.theme(theme)  # type: ignore[arg-type]
            told = Axe().run(page.raw, LIVE, {"runOnly": {"type": "tag", "values": RULES}}).response
            assert len(told["passes"]) > 3, told
            broken = [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in told["violations"]]
            assert broken == []
            seen = page.legible(1)
            assert seen.contrast >= 4.5, seen.lowest
            assert seen.overflowing == []
    page.theme("light")
    page.resize(1280)
    page.raw.get_by_role("button", name="Remove news").focus()
    page.raw.keyboard.press("Enter")
    page.raw.keyboard.press("Enter")
    row(page, "news").wait_for(state="detached")
    assert page.raw.evaluate("document.activeElement.className") == "alloy-jobs-live"
    assert page.run(2) == "ok"
    assert page.text(2).strip() == "['slow one', 'xmas']"
    assert page.raw.locator(".jp-Cell").count() == cells


def test_hostile_names_prompts_and_answers_do_nothing_but_be_read(page: Page, lab: Lab) -> None:
    cells = [
        f"bad = {HOSTILE!r}\n"
        "scheduler = alloy.Scheduler(name=bad)\n"
        "model = alloy.Scripted([{'text': '</script><script>told.push(2)'}])\n"
        "job = scheduler.every('1h', {'model': model}, bad + ' $x^2$', name=bad)\n"
        "scheduler"
    ]
    prepared(page, lab, "jobs-hostile", *cells, setup="\n")
    page.raw.evaluate("window.told = []")
    assert page.run(1) == "ok", page.text(1)
    page.raw.get_by_role("button", name="Run now").click()
    page.await_text(1, "</script><script>told.push(2)")
    assert page.raw.get_by_role("button", name=f"Pause {HOSTILE}").count() == 1
    assert "$x^2$" in page.text(1)
    assert page.raw.locator(f"{LIVE} :is(script, img, [onclick], [onerror], mjx-container)").count() == 0
    for _ in range(2):
        page.raw.get_by_role("button", name="Remove").click()
        page.wait_ms(DOUBLE)
    page.await_text(1, "no job yet")
    assert page.raw.evaluate("window.told") == []
    assert page.foreign == []


def test_the_command_shows_the_same_table(page: Page, lab: Lab) -> None:
    prepared(page, lab, "jobs-command", "%alloy /jobs")
    assert page.run(1) == "ok", page.text(1)
    assert page.raw.locator("table:visible").count() == 1
    assert "At 09:00 on Monday through Friday (Europe/Berlin)" in page.text(1)
    assert page.legible(1).overflowing == []


# -- how it looks --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(only_page: Page, lab: Lab) -> Path:
    """A notebook whose scheduler was at work when it was saved."""
    page = only_page
    asking = prepared(page, lab, "jobs-looks", "scheduler")
    assert page.run(1) == "ok", page.text(1)
    for name in ("news", "slow one"):
        row(page, name).get_by_role("button", name="Run now").click()
    row(page, "news").get_by_text("Nothing new since yesterday.").wait_for()
    row(page, "slow one").get_by_text("at work now").wait_for()
    row(page, "xmas").get_by_role("button", name="Pause").click()
    row(page, "xmas").get_by_role("button", name="Resume").wait_for()
    for width in (1280, 480):
        page.resize(width)
        page.screenshot(f"jobs-live-{width}", cell=1)
    page.raw.emulate_media(forced_colors="active", reduced_motion="reduce")
    page.screenshot("jobs-forced-colors", ["light"], cell=1)
    page.raw.emulate_media(forced_colors="none")
    page.resize(1280)
    page.save()
    page.close()
    return asking.path


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 480])
def test_what_is_saved_is_read_without_a_kernel(page: Page, saved: Path, theme: Theme, width: int) -> None:
    """build/screenshots/jobs-saved-*.png"""
    page.resize(width)
    page.open_file(saved, live=False)
    if not page.trusted(1):
        page.trust()
    page.screenshot(f"jobs-saved-{width}", [theme], cell=1)
    assert page.raw.locator("table:visible").count() == 1
    text = page.text(1)
    assert all(word in text for word in ("news", "slow one", "Nothing new since yesterday.", "at work now", "paused"))


def test_what_is_saved_is_read_as_a_document(only_page: Page, saved: Path, tmp_path: Path) -> None:
    outputs = json.loads(saved.read_text("utf-8"))["cells"][1]["outputs"]
    assert "<table" in html_of(outputs[0])
    assert sorted(outputs[1]["data"]) == ["application/vnd.jupyter.widget-view+json", "text/plain"]
    context = only_page.browser.new_context(viewport={"width": 1000, "height": 500})
    context.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
    try:
        document, file = context.new_page(), tmp_path / "jobs.html"
        file.write_text(convert(saved), "utf-8")
        document.goto(file.as_uri())
        assert document.locator("table:visible").count() == 1
        document.screenshot(path=SCREENSHOTS / "jobs-nbconvert.png", full_page=True)
    finally:
        context.close()
