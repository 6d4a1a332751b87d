"""A picture of every state that a person sees, light and dark: build/screenshots/state-*.png."""

from __future__ import annotations

import pytest

from .asking import Asking
from .lab import Lab
from .page import Page

QUESTION = "%%alloy -m model -t look_up,wind --approval auto -o answer\nIs it going to rain in Graz? Look at {sales}."
SALES = """
import pandas as pd
sales = pd.DataFrame({"month": ["Jan", "Feb", "Mar"], "revenue": [41200, 43870, 29015]})
"""
THINKING = (
    "Rain is told by the weather of the place, so look_up comes first. The wind matters too: a westerly brings clouds "
    "over the Alps.\n\nThen the revenue: March fell, and somebody will ask why."
)
ANSWER = """Revenue fell **34 %** in March, and *all of it* is the North region: see `sales.groupby("region")`.

| month | revenue | change |
|:------|--------:|-------:|
| Jan | 41 200 | |
| Feb | 43 870 | +6 % |
| Mar | 29 015 | −34 % |

```python
drop = sales.revenue.pct_change().min()  # where it fell most
print(f"{drop:.0%} in {sales.month[2]!r}")
```

1. The North feed stopped on 9 March.
2. Nothing else changed, $\\Delta r = r_3 - r_2$ says as much: [the log](https://example.org/log).

> Ask the North team for the missing days."""
CALLS = [{"name": "look_up", "input": {"city": "Graz"}}, {"name": "wind", "input": {"place": "Schöckl"}}]
LINES = [
    {"thinking": THINKING, "text": "I look at the weather first.", "tool_calls": CALLS},
    {"text": ANSWER.replace("North region", "North ‖region")},
]


@pytest.fixture(params=[1280, 480])
def width(request: pytest.FixtureRequest, page: Page) -> int:
    page.resize(request.param)
    return int(request.param)


def test_from_the_question_to_the_frozen_answer(page: Page, lab: Lab, width: int) -> None:
    asking = Asking(page, lab, f"states-{width}", LINES, QUESTION, setup=SALES)
    page.run(1, wait=False)
    page.await_text(1, "no station at")
    page.screenshot(f"state-tool-running-{width}", cell=1)
    asking.let_go()
    page.await_text(1, "all of it")
    page.screenshot(f"state-streaming-{width}", cell=1)
    asking.let_go()
    assert page.finish(1) == "ok"
    page.screenshot(f"state-done-{width}", cell=1)
    page.unfold(1)
    page.screenshot(f"state-unfolded-{width}", cell=1)
    page.save()
    page.reopen()
    page.screenshot(f"state-reopened-{width}", cell=1)
    page.untrust()
    page.unfold(1)
    page.screenshot(f"state-untrusted-{width}", cell=1)
    assert "34 %" in page.text(1)


def test_while_it_thinks(page: Page, lab: Lab) -> None:
    lines = [{"thinking": "First the weather. ‖Then the wind.", "text": "It stays dry."}]
    asking = Asking(page, lab, "states-thinking", lines, QUESTION, setup=SALES)
    page.run(1, wait=False)
    page.await_text(1, "Thinking")
    page.screenshot("state-thinking", cell=1)
    page.unfold(1)
    page.await_text(1, "First the weather.")
    page.screenshot("state-thinking-open", cell=1)
    asking.let_go()
    assert page.finish(1) == "ok"


def test_asked_by_a_card(page: Page, lab: Lab) -> None:
    call = {"name": "bash", "input": {"command": "echo pip install statsmodels"}}
    lines = [{"text": "I need a package.", "tool_calls": [call]}, "It is installed."]
    Asking(page, lab, "states-approval", lines, "%%alloy -m model -t bash\nIs the trend significant?")
    page.run(1, wait=False)
    page.button("Allow once").wait_for()
    page.screenshot("state-approval", cell=1)
    page.press("Deny…")
    page.screenshot("state-approval-denying", cell=1)
    page.raw.locator(".alloy-run-live input").press("Escape")  # JupyterLab takes the focus as it changes its theme
    page.press("Allow once")
    assert page.finish(1) == "ok"
    page.screenshot("state-approved", cell=1)


def test_denied(page: Page, lab: Lab) -> None:
    call = {"name": "bash", "input": {"command": "rm -rf build"}}
    lines = [{"tool_calls": [call]}, "Then I leave it as it is."]
    Asking(page, lab, "states-denied", lines, "%%alloy -m model -t bash\nTidy up.")
    page.run(1, wait=False)
    page.press("Deny…")
    page.raw.keyboard.type("not without a backup")
    page.raw.keyboard.press("Enter")
    assert page.finish(1) == "ok"
    page.unfold(1)
    page.screenshot("state-denied", cell=1)


def test_failed(page: Page, lab: Lab) -> None:
    error = {
        "type": "RateLimitError",
        "message": "the service has had too many requests of this key",
        "hint": "wait a minute, or use another model: %%alloy -m local",
        "status": 429,
        "retryable": False,
    }
    lines = [{"text": "The first half is easy:", "error": error}]
    Asking(page, lab, "states-failed", lines, QUESTION, setup=SALES)
    assert page.run(1) == "error"
    page.screenshot("state-failed", cell=1)


def test_stopped(page: Page, lab: Lab) -> None:
    lines = [{"text": "The first half is easy, ‖the second is not."}]
    Asking(page, lab, "states-stopped", lines, QUESTION, setup=SALES)
    page.run(1, wait=False)
    page.await_text(1, "easy,")
    page.interrupt()
    assert page.finish(1) == "error"
    page.screenshot("state-stopped", cell=1)


def test_a_mistake_in_the_cell(page: Page, lab: Lab) -> None:
    Asking(page, lab, "states-mistake", ["never"], "%%alloy -m model --aproval auto\nHello")
    assert page.run(1) == "error"
    page.screenshot("state-mistake", cell=1)


def test_long(page: Page, lab: Lab) -> None:
    text = "\n\n".join(f"Paragraph {number}: " + "nothing is lost. " * 12 for number in range(60))
    asking = Asking(page, lab, "states-long", [{"text": text + " ‖The end."}], QUESTION, setup=SALES)
    page.run(1, wait=False)
    page.await_text(1, "Paragraph 59")
    page.screenshot("state-long", cell=1)
    asking.let_go()
    assert page.finish(1) == "ok"
    assert "Paragraph 0:" in page.text(1)
