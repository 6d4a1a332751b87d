"""The pictures of the README: one answer from the question to its end, as JupyterLab shows it.

`ALLOY_PICTURES=1` has them saved where the README takes them from, `notebooks/images`; without it they are made, looked
at, and left in build/screenshots.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from PIL import Image

from . import ROOT
from .lab import Lab
from .page import Page

#: Beside the notebook, so that its first cell is short.
TOOLS = '''
import asyncio, time
import alloy_nb as alloy
import matplotlib.pyplot as plt, pandas as pd

sales = pd.DataFrame({"month": ["Jan", "Feb", "Mar"], "revenue": [41_200, 43_870, 29_015]})

def by_month(column: str) -> pd.DataFrame:
    """Sum a column of the sales by month."""
    time.sleep(1.2)
    return sales.groupby("month", sort=False)[column].sum().to_frame()

@alloy.tool(thread="main")
def plot(x: str, y: str):
    """Plot two columns of the sales as bars."""
    figure, axes = plt.subplots(figsize=(3.2, 1.5), dpi=80)
    axes.bar(sales[x], sales[y], color="#4a90d9")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    plt.close(figure)
    return figure


class Model(alloy.Scripted):
    """Speaks as fast as a person reads."""

    async def stream(self, request):
        async for delta in super().stream(request):
            await asyncio.sleep(0.15)
            yield delta


model = Model("picture.jsonl")
model.model = "a scripted model"
alloy.set_default_model(model)
'''
#: What is seen is what a reader would type: nothing of the test's.
SETUP = "%load_ext alloy_nb\nfrom sales_report import by_month, plot, sales"
QUESTION = "%%alloy -o answer -t by_month,plot,bash\nWhy is revenue down in March? Look at {sales} and plot it."
ANSWER = (
    "Revenue fell **34 %** in March, and **all of it is the North region**: its 11 accounts stop on 9 March.\n\n"
    "1. The feed from North stopped that day.\n2. Nothing else changed: $\\Delta r = r_3 - r_2$ says as much.\n\n"
    "To test whether the trend is significant I need a package."
)
END = "The drop is significant, `p = 0.003`: ask the North team for the missing days."
LINES = [
    {
        "thinking": "The frame has three months. First the sums, then a plot.",
        "tool_calls": [
            {"name": "by_month", "input": {"column": "revenue"}},
            {"name": "plot", "input": {"x": "month", "y": "revenue"}},
        ],
        "chunks": 12,
    },
    {
        "text": ANSWER,
        "tool_calls": [{"name": "bash", "input": {"command": "echo pip install statsmodels"}}],
        "chunks": 40,
    },
    {"text": END, "chunks": 12},
]
WIDTH, HEIGHT = 960, 900
#: How long each is shown.
FRAME_MS = 250
MOST_FRAMES = 400
#: Colours of the recording, and how large it may be: it is fetched by everybody who opens the README.
COLOURS, LARGEST = 48, 900_000


@pytest.mark.slow
def test_the_recording_and_the_picture_of_the_readme(page: Page, lab: Lab) -> None:
    page.resize(WIDTH, HEIGHT)
    (lab.root / "sales_report.py").write_text(TOOLS, "utf-8")
    (lab.root / "picture.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES), "utf-8")
    page.open(SETUP, QUESTION, name="picture.ipynb")
    assert page.run(0) == "ok", page.text(0)
    page.focus(1)
    frames, asking = record(page)
    assert page.finish(1) == "ok"
    frames += [shot(page)] * 10
    still = page.screenshot("readme", cell=1)
    recording = animated(frames, asking)
    assert len(recording) < LARGEST
    (ROOT / "build" / "screenshots" / "readme.gif").write_bytes(recording)
    if os.environ.get("ALLOY_PICTURES"):
        keep(recording, still)


def record(page: Page) -> tuple[list[Image.Image], Image.Image]:
    """One frame after the other, until the cell is over, and that with the card, which is answered once it was seen."""
    frames, seen, answered = [shot(page)] * 4, 0, False
    asking = frames[0]
    page.run(1, wait=False)
    while page.status(1) == "running" or page.text(1) == "":
        frames.append(shot(page))
        seen += page.button("Allow once").count()
        # Its buttons take no press for a moment, so that nobody hits one by chance.
        if seen >= 4 and not answered and page.button("Allow once").is_enabled():
            asking = shot(page)
            page.press("Allow once")
            answered = True
        assert len(frames) < MOST_FRAMES, "it never ended"
    return frames, asking


def shot(page: Page) -> Image.Image:
    page.focus(1)
    box = page.raw.locator(".jp-NotebookPanel-notebook").bounding_box()
    return Image.open(io.BytesIO(page.raw.screenshot(clip=box))).convert("RGB")


def animated(frames: list[Image.Image], asking: Image.Image) -> bytes:
    """A GIF: frames that show the same are one that lasts longer."""
    kept: list[Image.Image] = []
    lasts: list[int] = []
    for frame in frames:
        if kept and kept[-1].tobytes() == frame.tobytes():
            lasts[-1] += FRAME_MS
        else:
            kept.append(frame)
            lasts.append(FRAME_MS)
    # By the end alone the card has no colour of its own.
    both = Image.new("RGB", (asking.width, asking.height + kept[-1].height))
    both.paste(asking)
    both.paste(kept[-1], (0, asking.height))
    palette = both.quantize(COLOURS, dither=Image.Dither.NONE)
    drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in kept]
    file = io.BytesIO()
    drawn[0].save(file, "GIF", save_all=True, append_images=drawn[1:], duration=lasts, loop=0, optimize=True)
    return file.getvalue()


def keep(recording: bytes, still: list[Path]) -> None:
    folder = ROOT / "notebooks" / "images"
    folder.mkdir(exist_ok=True)
    (folder / "live.gif").write_bytes(recording)
    for path in still:
        theme = path.stem.rpartition("-")[2]
        Image.open(path).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(
            folder / f"answer-{theme}.png", optimize=True
        )
