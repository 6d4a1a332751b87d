// @vitest-environment jsdom
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { buttonNamed, buttonNames, find, frames, Kernel } from "./page";

// One clock for all tests: the page's frames go by it.
beforeAll(() => void vi.useFakeTimers());
afterAll(() => void vi.useRealTimers());
afterEach(() => {
  document.body.replaceChildren();
});

const CARD = { block: "approval", id: "a", name: "bash", key: "ls", input: { command: "ls", cwd: "/srv" }, reason: "new" };

async function asked(card: object = CARD, facts: object = {}) {
  const kernel = new Kernel();
  kernel.open();
  const { el } = await kernel.show("r");
  kernel.change("r", ["f", { status: "running", asks: "page", ...facts }], ["b", 0, card]);
  await frames();
  return { kernel, el, card: find(el, ".alloy-approval") };
}

describe("The card of a question", () => {
  it("shows the question and all of its arguments to their last character", async () => {
    const long = `${"x".repeat(50_000)}END`;
    const { card } = await asked({ ...CARD, input: { command: "ls", content: long, n: { a: [1, true, null] } } });
    expect(card.textContent).toContain("? bash wants to run ls");
    expect(find(card, ".alloy-reason").textContent).toBe("new");
    expect(find(card, ".alloy-code").textContent).toBe(long);
    expect(card.textContent).toContain('n: {"a": [1, true, null]}');
    expect(card.getAttribute("role")).toBe("group");
    expect(card.getAttribute("aria-label")).toBe("bash wants to run ls");
  });

  it("names a file once, in the verb of the reason, and leaves out no risk", async () => {
    const reason = "write wants to create `a.py`, which is outside";
    const { card } = await asked({ ...CARD, name: "write", key: "a.py", input: { path: "a.py" }, reason });
    expect(card.textContent).toContain("? write wants to create a.py");
    expect(find(card, ".alloy-reason").textContent).toBe("which is outside");
  });

  it("shows a change as a diff in the place of its two halves", async () => {
    const input = { path: "a.py", content: "evil()" }; // the kernel leaves out what the diff tells
    const { card } = await asked({ ...CARD, name: "edit", key: "a.py", input, diff: ["@@ -1 +1 @@", "-two", "+2"] });
    expect([...card.querySelectorAll(".alloy-diff span")].map((line) => line.className)).toEqual([
      "alloy-blue", "alloy-red", "alloy-green",
    ]);
    expect(card.textContent).toContain("content: evil()");
  });

  it("shows an argument that says the same as the one on its line", async () => {
    const { card } = await asked({ ...CARD, key: "/etc", input: { path: "/etc", remove: "/etc" } });
    expect(find(card, ".alloy-output").textContent).toBe("path: /etc\nremove: /etc");
  });

  it.each([
    ["a number that it cannot read", '{"command":"echo hi","timeout":1e999}', {}],
    ["a number that lost its last digits", '{"cents":9007199254740993}', {}],
    ["something deeper than is shown", '{"arg":{"k":"… deeper than is shown here"}}', { partial: true }],
    ["no arguments at all", "null", {}],
    ["arguments without names", '["rm -rf /"]', {}],
  ])("can only deny %s", async (_name, input, more) => {
    const { kernel, card } = await asked({ ...CARD, ...more, input: JSON.parse(input) });
    expect(card.textContent).toContain("The arguments cannot be shown in full");
    expect(buttonNames(card)).toEqual(["Deny…"]);
    buttonNamed(card, "Deny…").click();
    expect(buttonNames(card)).toEqual(["Deny", "Back"]);
    buttonNamed(card, "Deny").click();
    await vi.advanceTimersByTimeAsync(10);
    expect(kernel.controls("decide")).toMatchObject([{ allow: false }]);
  });

  it("shows none of the arguments that it had when it cannot show the new ones", async () => {
    const { kernel, card } = await asked();
    kernel.change("r", ["b", 0, { input: JSON.parse('{"command":"rm -rf /","timeout":1e999}') }]);
    await frames();
    expect(card.textContent).not.toContain("/srv");
    expect(buttonNames(card)).toEqual(["Deny…"]);
  });

  it.each([
    ["bash", ["Allow once", "Always for this command", "Always for bash", "Deny…"]],
    ["edit", ["Allow once", "Always for this file", "Always for edit", "Deny…"]],
    ["fetch", ["Allow once", "Always for this host", "Always for fetch", "Deny…"]],
    ["constructor", ["Allow once", "Always for this command", "Always for constructor", "Deny…"]],
  ])("names what %s would be allowed for", async (name, names) => {
    const { card } = await asked({ ...CARD, name });
    expect(buttonNames(card)).toEqual(names);
  });

  it("draws the buttons that allow alike, but for the first one", async () => {
    const { card } = await asked();
    const classes = buttonNames(card).map((name) => buttonNamed(card, name).className.trim());
    expect(classes).toEqual(["alloy-button alloy-primary", ...Array<string>(3).fill("alloy-button")]);
  });

  it.each([
    ["Allow once", { allow: true, remember: "once", reason: null }],
    ["Always for this command", { allow: true, remember: "command", reason: null }],
    ["Always for bash", { allow: true, remember: "tool", reason: null }],
  ])("%s", async (name, decision) => {
    const { kernel, card } = await asked();
    buttonNamed(card, name).click();
    await vi.advanceTimersByTimeAsync(10);
    expect(kernel.controls("decide")).toEqual([{ id: expect.any(String), do: "decide", run: "r", call: "a", via: "message", ...decision }]);
    expect(find(card, ".alloy-told").textContent).toMatch(/^Sent: /);
  });

  it("sends one decision for two presses, and none while it waits for the answer", async () => {
    const { kernel, card } = await asked();
    const button = buttonNamed(card, "Allow once");
    button.click();
    button.click();
    buttonNamed(card, "Always for bash").click();
    buttonNamed(card, "Deny…").click();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(kernel.controls("decide")).toHaveLength(1);
    expect([...card.querySelectorAll("button")].every((item) => item.disabled)).toBe(true);
  });

  it("says that nothing was heard after 3 s, and can be pressed again", async () => {
    const { kernel, card } = await asked();
    kernel.deafen();
    buttonNamed(card, "Allow once").click();
    await vi.advanceTimersByTimeAsync(2_900);
    expect(buttonNamed(card, "Allow once").disabled).toBe(true);
    await vi.advanceTimersByTimeAsync(200);
    expect(buttonNamed(card, "Allow once").disabled).toBe(false);
    expect(find(card, ".alloy-told").textContent).toMatch(/did not answer/);
    buttonNamed(card, "Allow once").click();
    await vi.advanceTimersByTimeAsync(10);
    expect(new Set(kernel.controls("decide").map(({ id }) => id)).size).toBe(2);
  });

  it("denies with a reason by Enter, and goes back by Escape", async () => {
    const { kernel, card } = await asked();
    buttonNamed(card, "Deny…").click();
    const field = find<HTMLInputElement>(card, "input");
    expect(document.activeElement).toBe(field);
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    expect(buttonNames(card)).toContain("Allow once");
    expect(document.activeElement).toBe(buttonNamed(card, "Deny…"));
    buttonNamed(card, "Deny…").click();
    field.value = "not on my machine ";
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true }));
    expect(kernel.controls("decide")).toHaveLength(0);
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
    await vi.advanceTimersByTimeAsync(10);
    expect(kernel.controls("decide")).toMatchObject([{ allow: false, remember: "once", reason: "not on my machine" }]);
  });

  it("denies without a reason by the button beside the field", async () => {
    const { kernel, card } = await asked();
    buttonNamed(card, "Deny…").click();
    buttonNamed(card, "Deny").click();
    await vi.advanceTimersByTimeAsync(10);
    expect(kernel.controls("decide")).toMatchObject([{ allow: false, reason: null }]);
  });

  it("leaves who works by keys where the card was, and presses nothing for them", async () => {
    const { kernel, el, card } = await asked();
    buttonNamed(card, "Allow once").focus();
    buttonNamed(card, "Allow once").click();
    await vi.advanceTimersByTimeAsync(10);
    expect(document.activeElement).toBe(card);
    kernel.change("r", ["b", 0, { state: "allowed" }]);
    await frames();
    expect(document.activeElement).toBe(find(el, "[role=region]"));
  });

  it("takes no press in the moment in which it appears, nor the keys", async () => {
    const kernel = new Kernel();
    kernel.open();
    const { el } = await kernel.show("r");
    await frames();
    kernel.change("r", ["f", { asks: "page" }], ["b", 0, CARD]);
    await vi.advanceTimersByTimeAsync(60);
    const button = buttonNamed(el, "Allow once");
    expect(button.disabled).toBe(true);
    expect(el.contains(document.activeElement)).toBe(false);
    button.click();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(kernel.controls("decide")).toHaveLength(0);
    expect(button.disabled).toBe(false);
  });

  describe("that moves under the pointer", () => {
    const two = async () => {
      const shown = await asked();
      shown.kernel.change("r", ["b", 1, { ...CARD, id: "b", key: "rm -rf ~", input: { command: "rm -rf ~" } }]);
      await frames();
      const below = [...shown.el.querySelectorAll<HTMLElement>(".alloy-approval")].at(-1)!;
      return { ...shown, below };
    };
    const settled = async (card: HTMLElement) => {
      await vi.advanceTimersByTimeAsync(400);
      return !buttonNamed(card, "Allow once").disabled;
    };

    it("takes no press for a moment when the card above it goes", async () => {
      const { kernel, card, below } = await two();
      const button = buttonNamed(below, "Allow once");
      expect(button.disabled).toBe(false);
      buttonNamed(card, "Allow once").click();
      kernel.change("r", ["b", 0, { state: "allowed", by: "user" }]);
      await vi.advanceTimersByTimeAsync(200);
      expect(card.isConnected).toBe(false);
      button.click();
      expect(button.disabled).toBe(true);
      expect(kernel.controls("decide")).toMatchObject([{ call: "a" }]);
      expect(await settled(below)).toBe(true);
    });

    it("takes none when what is above it grows, by a change or by itself", async () => {
      let resized = () => {};
      vi.stubGlobal("ResizeObserver", class {
        constructor(callback: () => void) { resized = callback; }
        observe() {}
        disconnect() {}
      });
      const { kernel, below } = await two();
      vi.unstubAllGlobals();
      let top = 100;
      Object.defineProperty(below, "offsetTop", { get: () => top });
      resized();
      expect(await settled(below)).toBe(true);
      resized();
      expect(buttonNamed(below, "Allow once").disabled).toBe(false);
      top = 120;
      resized();
      expect(buttonNamed(below, "Allow once").disabled).toBe(true);
      expect(await settled(below)).toBe(true);
      top = 90;
      kernel.change("r", ["f", { turns: 9 }]);
      await vi.advanceTimersByTimeAsync(50);
      expect(buttonNamed(below, "Allow once").disabled).toBe(true);
      expect(await settled(below)).toBe(true);
    });

    it("gives the keys back, and leaves the field for a reason alone", async () => {
      const { kernel, below } = await two();
      const button = buttonNamed(below, "Always for bash");
      button.focus();
      kernel.change("r", ["b", 0, { state: "allowed" }]);
      await vi.advanceTimersByTimeAsync(100);
      expect(button.disabled).toBe(true);
      expect(document.activeElement).toBe(below);
      await vi.advanceTimersByTimeAsync(400);
      expect(document.activeElement).toBe(button);
      buttonNamed(below, "Deny…").click();
      kernel.change("r", ["b", 0, { state: "pending" }]);
      await vi.advanceTimersByTimeAsync(100);
      const field = find<HTMLInputElement>(below, "input");
      expect([field.disabled, document.activeElement]).toEqual([false, field]);
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
      await vi.advanceTimersByTimeAsync(400);
      expect(document.activeElement).toBe(buttonNamed(below, "Deny…"));
    });

    it("takes no press that could be one on the card before, and no second one after it was sent", async () => {
      const { kernel, below } = await two();
      buttonNamed(below, "Allow once").click();
      kernel.change("r", ["b", 0, { state: "denied" }]);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(buttonNamed(below, "Allow once").disabled).toBe(true);
      expect(kernel.controls("decide")).toHaveLength(1);
    });
  });

  it("is another card when the question changes, and takes no press for the old one", async () => {
    const { kernel, card } = await asked();
    const old = buttonNamed(card, "Allow once");
    kernel.change("r", ["b", 0, { ...CARD, key: "rm -rf /", input: { command: "rm -rf /" } }]);
    await vi.advanceTimersByTimeAsync(100);
    old.click();
    await frames();
    expect(kernel.controls("decide")).toHaveLength(0);
    expect(find(card, ".alloy-key").textContent).toBe("rm -rf /");
  });

  it("keeps its field, its words and its buttons while other blocks change", async () => {
    const { kernel, card } = await asked();
    buttonNamed(card, "Deny…").click();
    const field = find<HTMLInputElement>(card, "input");
    field.value = "because";
    kernel.change("r", ["b", 1, { block: "text", markdown: "more", live: true }], ["f", { turns: 4, seconds: 9 }]);
    await frames();
    expect(find(card, "input")).toBe(field);
    expect(field.value).toBe("because");
    expect(document.activeElement).toBe(field);
  });

  it.each([
    ["where the input box asks", CARD, { asks: "input" }, "answer in the input box"],
    ["of no call", { ...CARD, id: "" }, {}, "cannot be answered"],
    ["of a run that has ended", CARD, { status: "cancelled" }, ""],
  ])("has no buttons %s", async (_name, block, facts, words) => {
    const { card } = await asked(block, facts);
    expect(buttonNames(card)).toEqual([]);
    expect(card.textContent).toContain(words);
  });

  it("loses its buttons when the input box takes over", async () => {
    const { kernel, card } = await asked();
    kernel.change("r", ["f", { asks: "input" }]);
    await frames();
    expect(buttonNames(card)).toEqual([]);
    expect(card.textContent).toContain("answer in the input box");
  });
});
