"""The kernel's side of test_xss.py, imported by its notebooks: models and tools that say hostile texts."""

import asyncio
import json
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

from IPython.display import display

import alloy_nb as alloy
from alloy_nb.providers.base import TextDelta

TEXTS, GATE = {}, Path("never")
#: Of a tool that works, its last messages are shown: so many.
MESSAGES = 3
#: Names and ids that mean something to JavaScript, and arguments that would change what every object has.
NATIVE = ("__proto__", "constructor", "hasOwnProperty", "toString", "then")
POLLUTING = {
    "__proto__": {"polluted": "x"},
    "constructor": {"prototype": {"polluted": "x"}},
    "toString": "x",
    "length": -1,
}


def load(name):
    """The texts of one test, by channel; and the file that lets its runs go on, longer by a byte for each step."""
    global GATE
    TEXTS.update(json.loads(Path(f"{name}.json").read_text("utf-8")))
    GATE = Path(f"{name}.gate")


def step():
    return GATE.stat().st_size if GATE.exists() else 0


# -- one run that says everything -------------------------------------------------------------------------------------


def speak(number: int) -> str:
    """Say a text."""
    return TEXTS["output"][number]


def look(file_path: str) -> str:
    """Read a file, as the built-in tools name it."""
    return "done"


def odd(number: int) -> dict:
    """Return a text within data."""
    text = TEXTS["odd"][number]
    return {text: [text, {"deep": text}]}


class Rich:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text

    def _repr_html_(self):
        return self.text

    def _repr_markdown_(self):
        return self.text


def rich(number: int) -> object:
    """Return something that shows itself."""
    return Rich(TEXTS["rich"][number])


def fail(number: int) -> str:
    """Fail with a text."""
    error = alloy.ToolError if number % 2 else ValueError
    raise error(TEXTS["failure"][number])


def edit(old_string: str, new_string: str) -> str:
    """Change a file, as the built-in tool shows it."""
    return "done"


def linger(numbers: list[int], ctx: alloy.ToolContext) -> str:
    """Tell of progress, and wait."""
    for number in numbers:
        ctx.progress(TEXTS["progress"][number], 0.5)
    while step() < 1 and not ctx.cancelled:
        time.sleep(0.02)
    return "done"


class Careful(alloy.Tool):
    """Asks with a text for a reason."""

    name = "careful"
    input_schema: ClassVar = {"type": "object", "properties": {key: {} for key in ("number", "note")}}

    def approval_reason(self, input, ctx):
        return TEXTS["reason"][input["number"]]

    async def execute(self, input, ctx):
        return "done"


def lines(texts):
    """The script: a turn for each vector, in the end a turn of calls that all wait."""
    yield {"tool_calls": [{"id": name, "name": name, "input": POLLUTING} for name in NATIVE]}
    for n in range(len(texts["text"])):
        yield {"error": {"type": "RateLimitError", "message": texts["retry"][n], "retry_after": 0.001}}
        calls = [{"name": name, "input": {"number": n}} for name in ("speak", "odd", "rich", "fail")]
        calls.append({"name": texts["name"][n], "input": {"query": texts["value"][n], texts["key"][n]: 1}})
        calls.append({"name": "look", "id": texts["id"][n], "input": {"file_path": texts["file"][n]}})
        calls.append({"name": "edit", "input": {"old_string": texts["diff"][n], "new_string": "new"}})
        yield {"thinking": texts["thinking"][n], "text": texts["text"][n], "tool_calls": calls}
    numbers = list(range(len(texts["text"])))
    few = [numbers[n : n + MESSAGES] for n in range(0, len(numbers), MESSAGES)]
    yield {"tool_calls": [{"name": "linger", "input": {"numbers": some}} for some in few]}
    yield "The end."


def say_everything():
    """The model that says everything."""
    return alloy.Scripted(list(lines(TEXTS)))


def ask_everything():
    """A model whose calls all ask."""
    numbers = range(len(TEXTS["asked"]))
    calls = [{"name": "careful", "input": {"number": n, "note": TEXTS["asked"][n]}} for n in numbers]
    return alloy.Scripted([{"tool_calls": calls}, "The end."])


# -- many runs --------------------------------------------------------------------------------------------------------


class Patient(alloy.Scripted):
    """Answers when it may; its own name is hostile."""

    def __init__(self, lines, name):
        super().__init__(lines)
        self.model, self.asked, self.may = name, threading.Event(), threading.Event()

    async def stream(self, request):
        self.asked.set()
        while not self.may.is_set():
            await asyncio.sleep(0.005)
        async for delta in super().stream(request):
            yield delta


def failing(n):
    """A run that is spoken to while it works, and fails."""
    said = TEXTS["said"][n]
    error = {"message": TEXTS["error"][n], "hint": TEXTS["hint"][n], "retryable": False}
    model = Patient([{"tool_calls": [{"name": "none", "input": {}}]}, {"error": error}], TEXTS["model"][n])
    run = alloy.start("go", model=model)
    model.asked.wait(5)
    run.steer(said)
    model.may.set()
    return run


def raising():
    """A model that fails with all texts at once."""
    return alloy.Scripted([{"error": {"message": "\n\n".join(TEXTS["raised"]), "retryable": False}}])


class Halting(alloy.Scripted):
    """Says a text piece by piece: the first at once, one more with each further step of the gate."""

    def __init__(self, pieces):
        super().__init__([""])
        self.pieces = pieces

    async def stream(self, request):
        for number, piece in enumerate(self.pieces):
            while number >= max(step(), 1):
                await asyncio.sleep(0.02)
            yield TextDelta(piece)
        async for delta in super().stream(request):
            yield delta


def halting(text, cuts, before=""):
    """A run that stands still at each of `cuts`, which are shares of the text."""
    places = [0, *(round(len(text) * share) for share in cuts), len(text)]
    first, *pieces = [text[start:end] for start, end in pairwise(places)]
    return alloy.start("go", model=Halting([before + first, *pieces]))


def all_halting(cuts):
    """All texts, one that is too long to be rendered while it grows, and one that tells how far the others are."""
    for text in TEXTS["split"]:
        yield halting(text, cuts)
    yield halting("\n\n".join(TEXTS["tail"]), cuts, before="long " * 2_500 + "\n\n")
    yield alloy.start("go", model=Halting([f"piece {number} " for number in range(len(cuts) + 1)]))


def show_markdown(results):
    """What a front end shows that would rather have Markdown."""
    for result in results:
        display({"text/markdown": result._repr_mimebundle_()["text/markdown"]}, raw=True)
