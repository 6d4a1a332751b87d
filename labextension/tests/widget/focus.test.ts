// @vitest-environment jsdom
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { buttonNamed, find, frames, Kernel } from "./page";

beforeAll(() => void vi.useFakeTimers());
afterAll(() => void vi.useRealTimers());
afterEach(() => {
  document.body.replaceChildren();
});

const CARD = { block: "approval", id: "a", name: "bash", key: "ls" };

/** A run with a question, in an output of a cell that can have the focus. */
async function inCell() {
  const kernel = new Kernel();
  kernel.open();
  const { el, close } = await kernel.show("r");
  const cell = document.createElement("div");
  cell.tabIndex = 0;
  document.body.append(cell);
  const output = cell.appendChild(document.createElement("div"));
  output.append(el);
  kernel.change("r", ["f", { status: "running", asks: "page" }], ["b", 0, CARD]);
  await frames();
  await vi.advanceTimersByTimeAsync(1_000);
  /** The frozen form takes the place of the view: JupyterLab takes it away, then closes it. */
  const freeze = async () => {
    output.remove();
    await Promise.resolve();
    close();
  };
  return { kernel, el, cell, freeze };
}

describe("Who works by keys", () => {
  it("presses no shortcut of the notebook: what has the focus says so itself", async () => {
    const { el } = await inCell();
    for (const element of el.querySelectorAll<HTMLElement>("button")) {
      element.focus();
      expect(element.dataset["lmSuppressShortcuts"]).toBe("true");
    }
  });

  it("stays in the run when the button goes that they were on", async () => {
    const { kernel, el } = await inCell();
    buttonNamed(el, "Deny…").focus();
    kernel.change("r", ["b", 0, { state: "withdrawn" }]);
    await frames();
    expect(document.activeElement).toBe(find(el, "[role=region]"));
    find<HTMLButtonElement>(el, ".alloy-stop").focus();
    kernel.change("r", ["f", { status: "completed" }]);
    await frames();
    expect(document.activeElement).toBe(find(el, "[role=region]"));
  });

  it("stays at Stop after a press of it", async () => {
    const { el } = await inCell();
    const stop = find<HTMLButtonElement>(el, ".alloy-stop");
    stop.focus();
    stop.click();
    expect(stop.disabled).toBe(true);
    expect(document.activeElement).toBe(find(el, ".alloy-foot"));
  });

  it("goes on from the cell when the view is taken away", async () => {
    const { el, cell, freeze } = await inCell();
    find<HTMLButtonElement>(el, ".alloy-stop").focus();
    await freeze();
    expect(document.activeElement).toBe(cell);
  });

  it("is not called back from elsewhere", async () => {
    const { el, freeze } = await inCell();
    const elsewhere = document.body.appendChild(document.createElement("input"));
    find<HTMLButtonElement>(el, ".alloy-stop").focus();
    elsewhere.focus();
    await freeze();
    expect(document.activeElement).toBe(elsewhere);
    elsewhere.blur();
    await freeze();
    expect(document.activeElement).toBe(document.body);
  });

  it("types into nothing when the field is taken away: not into the cell, where letters are commands", async () => {
    const { kernel, el, freeze } = await inCell();
    buttonNamed(el, "Deny…").click();
    expect(document.activeElement).toBe(find(el, "input"));
    kernel.change("r", ["b", 0, { state: "withdrawn" }], ["f", { status: "completed" }]);
    await frames();
    await freeze();
    expect(document.activeElement).toBe(document.body);
  });
});
