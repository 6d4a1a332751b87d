"""Hostile texts in live cells: every vector in every place of a block, streamed in pieces, in a page of its own."""

from __future__ import annotations

import runpy
from typing import Any

from . import ROOT

VECTORS: list[tuple[str, str]] = runpy.run_path(str(ROOT / "tests/render/xss_vectors.py"))["VECTORS"]
# Whatever is in a live cell and was not put there by it.
FAULTS = r"""() => {
  const tags = new Set(("a blockquote br button code details div em h1 h2 h3 h4 h5 h6 hr input li ol p pre s span " +
    "strong summary table tbody td th thead tr ul math semantics annotation mrow mi mo mn ms mtext mspace msup msub " +
    "msubsup mfrac msqrt mroot mover munder munderover mmultiscripts mtable mtr mtd mstyle mpadded mphantom menclose"
  ).split(" "));
  const names = new Set(("class href rel target start open role aria-label aria-busy aria-live tabindex type " +
    "placeholder disabled data-lm-suppress-shortcuts").split(" "));
  const found = [];
  for (const one of document.querySelectorAll(".alloy-view, .alloy-view *")) {
    const formula = one.closest("math") !== null;
    if (!tags.has(one.localName)) found.push(`<${one.localName}>`);
    for (const { name, value } of one.attributes) {
      const fine = formula
        ? /^[\w#.,%+\- :/]*$/.test(value) && !/^(href|style|src|on|xlink|actiontype|id|class)/.test(name)
        : names.has(name) && (name !== "href" || /^(https?:\/\/|mailto:)/i.test(value));
      if (!fine) found.push(`${one.localName}[${name}=${value}]`);
    }
    const style = getComputedStyle(one);
    if (/url\(/.test(style.backgroundImage + style.content + style.cursor)) found.push(`style of ${one.localName}`);
  }
  for (const one of document.querySelectorAll(".alloy-view :is(a, summary)")) {
    one.addEventListener("click", event => event.preventDefault());
    one.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    one.focus();
    one.click();
  }
  return found;
}"""


def ops_of(vector: str) -> list[list[Any]]:
    """The vector in every field of every block."""
    call = {
        "name": vector,
        "key": vector,
        "input": {vector: vector, "code": vector + "\n"},
        "diff": [vector, f"+{vector}"],
    }
    rich = [
        {"table": {"columns": [vector], "rows": [[vector]], "more": 2}},
        {"image": vector, "mime": vector},
        {"words": vector},
    ]
    done = {"state": "done", "output": vector, "progress": [vector], "rich": rich}
    return [
        ["f", {"model": vector, "inputs": [vector], "notice": vector, "asks": "page"}],
        ["b", 0, {"block": "thinking", "text": vector}],
        ["b", 1, {"block": "text", "markdown": vector, "by": "user"}],
        ["b", 2, {"block": "tool", "id": "t", **call, **done}],
        ["b", 3, {"block": "tool", "id": "u", **call, "state": "failed", "error": vector}],
        ["b", 4, {"block": "approval", "id": "a", **call, "reason": vector}],
        ["b", 5, {"block": "approval", "id": "b", **call, "state": "denied", "answer": vector, "by": vector}],
        ["b", 6, {"block": "notice", "kind": vector, "text": vector}],
        ["b", 7, {"block": "error", "type": vector, "message": vector, "hint": vector}],
        ["b", 8, {"block": "text", "markdown": "", "live": True}],
    ]


def test_no_vector_does_anything_but_be_read(bare: tuple[Any, list[str]]) -> None:
    page, foreign = bare
    for start in range(0, len(VECTORS), 40):
        part = VECTORS[start : start + 40]
        for number, (_, vector) in enumerate(part, start):
            page.evaluate("run => show(run)", f"r{number}")
            page.evaluate("([run, ops]) => change(run, ops)", [f"r{number}", ops_of(vector)])
        # The answer grows, piece by piece, with a frame between.
        for cut in range(3):
            for number, (_, vector) in enumerate(part, start):
                size = -(-len(vector) // 3)
                piece = vector[cut * size : (cut + 1) * size]
                page.evaluate("([run, ops]) => change(run, ops)", [f"r{number}", [["t", 8, piece]]])
            page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 60)))")
        for number in range(start, start + len(part)):
            ended = [["b", 8, {"live": False}], ["f", {"status": "completed"}]]
            page.evaluate("([run, ops]) => change(run, ops)", [f"r{number}", ended])
        last = f"#r{start + len(part) - 1} .alloy-run"
        page.locator(last).wait_for()
        page.evaluate("document.querySelectorAll('.alloy-view details').forEach(one => { one.open = true; })")
        page.evaluate("new Promise(done => setTimeout(done, 100))")
        assert page.evaluate(FAULTS) == []
        assert page.evaluate("window.told") == []
        assert foreign == []
        assert page.locator(".alloy-view").count() == len(part)
        page.evaluate("document.querySelectorAll('body > div').forEach(one => one.remove())")
