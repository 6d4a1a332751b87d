// @vitest-environment jsdom
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { frames, Kernel } from "./page";

beforeAll(() => void vi.useFakeTimers());
afterAll(() => void vi.useRealTimers());
afterEach(() => {
  getSelection()!.removeAllRanges();
  document.body.replaceChildren();
});

const THOUGHT = { block: "thinking", text: "hm", seconds: 2 };
const TEXT = { block: "text", markdown: "See:\n\n- One **two** three\n- four\n\nThe end" };
const FROZEN =
  '<div class="alloy-run"><details><summary>Thought</summary>hm</details><div class="alloy-text"><p>See:</p><ul>' +
  "<li>One <strong>two</strong> three</li><li>four</li></ul><p>The end</p></div></div>";

function child(html = ""): HTMLElement {
  const element = document.createElement("div");
  element.className = "jp-OutputArea-child";
  element.innerHTML = html;
  return element;
}

/** A run in the second of three outputs of a cell. */
async function inOutputs() {
  const kernel = new Kernel();
  kernel.open();
  const { el, close } = await kernel.show("r");
  const [first, own, last] = [child("first"), child(), child("last")];
  own.append(el);
  const area = document.body.appendChild(document.createElement("div"));
  area.append(first, own, last);
  kernel.change("r", ["f", { status: "running" }], ["b", 0, THOUGHT], ["b", 1, TEXT]);
  await frames();
  /** As JupyterLab does it. */
  const freeze = async (html = FROZEN) => {
    const frozen = child(html);
    own.remove();
    area.insertBefore(frozen, last);
    document.dispatchEvent(new Event("selectionchange"));
    close();
    await frames();
    return frozen;
  };
  return { kernel, area, el, first, freeze, close };
}

function nodeOf(parent: Element, words: string): Text {
  const walker = document.createTreeWalker(parent, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) if ((walker.currentNode as Text).data.includes(words)) return walker.currentNode as Text;
  throw new Error(`no ${words} in ${parent.innerHTML}`);
}

/** From before one word to behind another, as hands do. */
function select(parent: Element, from: string, to: string): void {
  const [one, other] = [nodeOf(parent, from), nodeOf(parent, to)];
  getSelection()!.setBaseAndExtent(one, one.data.indexOf(from), other, other.data.indexOf(to) + to.length);
  document.dispatchEvent(new Event("selectionchange"));
}

describe("The frozen form in place of a view", () => {
  it("has open what was unfolded, whatever came before it in the cell meanwhile", async () => {
    const { area, el, first, freeze } = await inOutputs();
    el.querySelector("details")!.open = true;
    await frames();
    first.remove();
    area.prepend(child("new"), child("and newer"));
    const frozen = await freeze();
    expect(frozen.querySelector("details")!.open).toBe(true);
  });

  it("has open what was unfolded, where its cell was moved, or out of sight, meanwhile", async () => {
    const { kernel, area, el, freeze } = await inOutputs();
    const [cell, other] = [document.createElement("div"), child(FROZEN)];
    cell.append(area);
    document.body.append(cell, other);
    cell.remove();
    document.body.append(cell);
    kernel.change("r", ["b", 2, THOUGHT]);
    await frames();
    el.querySelector("details")!.open = true;
    const frozen = await freeze();
    expect(frozen.querySelector("details")!.open).toBe(true);
    expect(other.querySelector("details")!.open).toBe(false);
  });

  it("is sought nowhere else, where its cell is moved at the very end", async () => {
    const { area, el, close } = await inOutputs();
    const [cell, other] = [document.createElement("div"), child(FROZEN)];
    cell.append(area);
    document.body.append(cell);
    el.querySelector("details")!.open = true;
    await frames();
    cell.replaceWith(other);
    document.body.append(cell);
    close();
    await frames();
    expect(other.querySelector("details")!.open).toBe(false);
  });

  it("has marked what was marked, across its blocks", async () => {
    const { el, freeze } = await inOutputs();
    select(el.querySelector(".alloy-text")!, "two", "four");
    const frozen = await freeze();
    const range = getSelection()!.getRangeAt(0);
    expect(frozen.contains(range.startContainer)).toBe(true);
    expect(range.toString()).toBe("two threefour");
  });

  it("has it marked from its end on, when it was", async () => {
    const { el, freeze } = await inOutputs();
    const node = nodeOf(el, "The end");
    getSelection()!.setBaseAndExtent(node, 7, node, 2);
    document.dispatchEvent(new Event("selectionchange"));
    await freeze();
    const selection = getSelection()!;
    expect([selection.toString(), selection.anchorOffset, selection.focusOffset]).toEqual(["e end", 7, 2]);
  });

  it("marks no other words than those", async () => {
    const { el, freeze } = await inOutputs();
    select(el.querySelector(".alloy-text")!, "two", "four");
    await freeze(FROZEN.replace("four", "five"));
    expect(getSelection()!.toString()).toBe("");
  });

  it("leaves alone what was marked elsewhere since", async () => {
    const { area, el, first, freeze } = await inOutputs();
    select(el.querySelector(".alloy-text")!, "two", "four");
    select(first, "first", "first");
    await freeze();
    expect(getSelection()!.toString()).toBe("first");
    expect(area.contains(getSelection()!.anchorNode)).toBe(true);
  });

  it("marks nothing where a person has gone on to since", async () => {
    const { el, freeze } = await inOutputs();
    const editor = document.body.appendChild(document.createElement("p"));
    editor.textContent = "x = 1";
    select(el.querySelector(".alloy-text")!, "two", "four");
    getSelection()!.collapse(editor.firstChild, 2);
    document.dispatchEvent(new Event("selectionchange"));
    await freeze();
    expect([getSelection()!.anchorNode, getSelection()!.isCollapsed]).toEqual([editor.firstChild, true]);
  });
});
