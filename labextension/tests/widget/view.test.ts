// @vitest-environment jsdom
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { buttonNames, find, frames, Kernel } from "./page";

// One clock for all tests: the page's frames go by it.
beforeAll(() => void vi.useFakeTimers());
afterAll(() => void vi.useRealTimers());
afterEach(() => {
  document.body.replaceChildren();
});

const TOOL = {
  block: "tool", id: "t", name: "python", key: "f()", input: { code: "f()" }, output: "1", duration_ms: 38, state: "done",
};

async function shown(...ops: unknown[]) {
  const kernel = new Kernel();
  kernel.open();
  const { el, close } = await kernel.show("r");
  kernel.change("r", ["f", { status: "running", asks: "page" }], ...ops);
  await frames();
  return { kernel, el, close, root: find(el, ".alloy-run-live") };
}

describe("A view", () => {
  it("shows each kind of block by the classes of the frozen form", async () => {
    const { root, kernel, el } = await shown(
      ["f", { inputs: ["sales", "notes"], notice: "of the model" }],
      ["b", 0, { block: "thinking", text: "hm", seconds: 2.1 }],
      ["b", 1, { block: "text", markdown: "an *answer*" }],
      ["b", 2, { block: "text", markdown: "*said*", by: "user" }],
      ["b", 3, TOOL],
      ["b", 4, { block: "tool", id: "u", name: "ls", duration_ms: 1, state: "done" }],
      ["b", 5, { block: "approval", id: "a", name: "bash", key: "ls" }],
      ["b", 6, { block: "notice", kind: "retry", text: "busy", seconds: 2 }],
      ["b", 7, { block: "error", type: "E", message: "m", hint: "h" }],
    );
    expect([...root.children].map((child) => child.className.split(" ")[0])).toEqual([
      "alloy-inputs", "alloy-fold", "alloy-text", "alloy-said", "alloy-fold", "alloy-tool", "alloy-approval", "alloy-notice",
      "alloy-error", "alloy-foot", "alloy-told", "alloy-notice",
    ]);
    expect(find(root, ".alloy-inputs").textContent).toBe("with sales · notes");
    expect(find(root, ".alloy-said").textContent).toBe("*said*");
    expect(find(root, ".alloy-text em").textContent).toBe("answer");
    expect(root.children[4]?.textContent).toBe("✓ python f() 38 ms");
    expect(find(root, ".alloy-error").textContent).toBe("✗ E mh");
    kernel.change("r", ["f", { status: "completed", model: "m", turns: 1, seconds: 3 }]);
    await frames();
    expect(find(el, ".alloy-run").classList.contains("alloy-run-live")).toBe(false);
    expect(find(el, ".alloy-foot").textContent?.trim()).toBe("m · 1 turn · 3.0 s");
    expect(buttonNames(el)).toEqual([]);
  });

  it("touches only the node of the block that changed", async () => {
    const { kernel, root } = await shown(["b", 0, TOOL], ["b", 1, { block: "text", markdown: "words", live: true }]);
    const before = [...root.children];
    const changed = new Set<Node>();
    const observer = new MutationObserver((records) => records.forEach((record) => changed.add(record.target)));
    observer.observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
    kernel.change("r", ["t", 1, " and more"]);
    await frames();
    observer.takeRecords().forEach((record) => changed.add(record.target));
    expect([...root.children]).toEqual(before);
    const places = [...changed].filter((node) => !find(root, ".alloy-foot").contains(node));
    expect(places.every((node) => find(root, ".alloy-text").contains(node))).toBe(true);
    expect(find(root, ".alloy-text").textContent?.trim()).toBe("words and more");
  });

  it("makes another part of a block that turns out to be somebody else's words", async () => {
    const { kernel, root } = await shown(["b", 0, { block: "text", markdown: "a", live: true }], ["b", 1, TOOL]);
    kernel.change("r", ["t", 0, " b"]);
    await frames();
    kernel.change("r", ["b", 0, { by: "user" }], ["t", 0, " c"]);
    await frames();
    expect(root.querySelector(".alloy-text")).toBeNull();
    expect(find(root, ".alloy-said").textContent).toBe("a b c");
    kernel.change("r", ["b", 0, { live: false }], ["b", 1, { output: "2" }], ["f", { turns: 2 }]);
    await frames();
    expect(root.children[1]?.className).toBe("alloy-said");
  });

  it("fills what is folded only when it is opened, keeps it open, and then keeps it up to date", async () => {
    const { kernel, root } = await shown(["b", 0, TOOL], ["b", 1, { block: "thinking", text: "one", live: true }]);
    const folds = [...root.querySelectorAll("details")];
    expect(root.querySelector(".alloy-body, .alloy-thinking")).toBeNull();
    for (const fold of folds) fold.open = true;
    await frames();
    expect(find(root, ".alloy-body").textContent).toContain("1");
    const thinking = find(root, ".alloy-thinking");
    const node = thinking.firstChild;
    kernel.change("r", ["t", 1, " two"], ["b", 0, { output: "1\n2" }]);
    await frames();
    expect([...root.querySelectorAll("details")]).toEqual(folds);
    expect(folds.every((fold) => fold.open)).toBe(true);
    expect(thinking.firstChild).toBe(node);
    expect(thinking.textContent).toBe("one two");
    expect(find(root, ".alloy-output").textContent).toBe("1\n2");
    folds[0]!.open = false;
    kernel.change("r", ["b", 0, { output: "1\n2\n3" }]);
    await frames();
    expect(folds[0]!.open).toBe(false);
  });

  it("shows pictures and tables below the line of their call, unfolded", async () => {
    const table = { columns: ["month", "n"], rows: [["Jan", "1"]], more: 1_200, numeric: [false, true] };
    const { root } = await shown([
      "b", 0,
      { ...TOOL, rich: [{ image: "iVBORw0KGgo=", mime: "image/png" }, { table }, { image: "", mime: "image/png" }, { words: "w" }] },
    ]);
    const rich = find(root, ".alloy-fold + .alloy-rich");
    const picture = find<HTMLImageElement>(rich, "img");
    expect(picture.getAttribute("src")).toBe("data:image/png;base64,iVBORw0KGgo=");
    expect(picture.alt).toBe("image made by python");
    expect([...rich.querySelectorAll("td")].map((cell) => cell.className)).toEqual(["", "alloy-right"]);
    expect([...rich.querySelectorAll(".alloy-notice")].map((words) => words.textContent)).toEqual([
      "… 1,200 more rows", "image left out", "w",
    ]);
  });

  it.each([
    [{ image: "x\" onerror=alert(1)", mime: "image/png" }],
    [{ image: "PHN2Zz4=", mime: "image/svg+xml" }],
    [{ image: "//evil.example/a.png", mime: "image/png" }],
  ])("makes no picture of %j", async (item) => {
    const { root } = await shown(["b", 0, { ...TOOL, rich: [item] }]);
    expect(root.querySelector("img")).toBeNull();
  });

  it("takes text for text wherever it stands, and formulas of quiet parts for text", async () => {
    const evil = "<img src=x onerror=alert(1)>$x$";
    const { root } = await shown(
      ["f", { model: evil, inputs: [evil], notice: evil }],
      ["b", 0, { block: "thinking", text: evil }],
      ["b", 1, { block: "text", markdown: evil, by: "user" }],
      ["b", 2, { ...TOOL, name: evil, key: evil, output: evil, input: { a: evil, code: evil.repeat(9) }, diff: [`+${evil}`] }],
      ["b", 3, { block: "approval", id: "a", name: evil, key: evil, reason: evil, input: { command: evil }, diff: [evil] }],
      ["b", 4, { block: "notice", text: evil }],
      ["b", 5, { block: "error", type: evil, message: evil, hint: evil }],
      ["b", 6, { ...TOOL, id: "v", rich: [{ table: { columns: [evil], rows: [[evil]], more: 1, numeric: [] } }] }],
    );
    for (const fold of root.querySelectorAll("details")) fold.open = true;
    await frames();
    expect(root.querySelector("img, .alloy-tex, .alloy-math")).toBeNull();
    expect(root.textContent?.split(evil).length).toBeGreaterThan(15);
  });

  it("hides a call while its question is open, and tells the answer on its line", async () => {
    const { kernel, root } = await shown(
      ["b", 0, { block: "tool", id: "c", name: "bash", key: "ls", input: { command: "ls" } }],
      ["b", 1, { block: "approval", id: "c", name: "bash", key: "ls", input: { command: "ls" } }],
    );
    expect(root.querySelectorAll(".alloy-tool, .alloy-fold")).toHaveLength(0);
    kernel.change("r", ["b", 1, { state: "allowed", by: "user", remember: "once" }], ["b", 0, { state: "done", duration_ms: 5 }]);
    await frames();
    expect(root.querySelector(".alloy-approval")).toBeNull();
    expect(find(root, ".alloy-tool").textContent).toBe("✓ bash ls allowed once by you · 5 ms");
  });

  it("counts the seconds of a run while it goes on, and no longer", async () => {
    const { kernel, el } = await shown(["f", { seconds: 10 }], ["b", 0, { block: "thinking", live: true }]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(find(el, ".alloy-foot").textContent).toMatch(/1[2-5]\.\d s/);
    expect(find(el, "summary").textContent).toMatch(/^Thinking… [2-5]\.\d s$/);
    kernel.change("r", ["b", 0, { live: false, seconds: 4 }], ["f", { status: "completed", seconds: 12 }]);
    await frames();
    const told = find(el, ".alloy-foot").textContent;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(find(el, ".alloy-foot").textContent).toBe(told);
  });

  it("says that the end is in no file where the frozen form does not come, as after a reload", async () => {
    const { kernel, el, close } = await shown(["b", 0, { block: "text", markdown: "words" }]);
    kernel.change("r", ["f", { status: "completed" }]);
    await frames();
    expect(find(el, ".alloy-told").textContent).toBe("");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(find(el, ".alloy-told").textContent).toContain("%alloy /attach");
    close();
  });

  it("tells a screen reader its turning points, and never the stream", async () => {
    const { kernel, el } = await shown(["b", 0, { block: "thinking", live: true }]);
    const status = find(el, ".alloy-status");
    const said: (string | null)[] = [status.textContent];
    const say = async (...ops: unknown[]) => {
      kernel.change("r", ...ops);
      await frames();
      said.push(status.textContent);
    };
    await say(["b", 0, { live: false }], ["b", 1, { ...TOOL, state: "running" }]);
    await say(["b", 2, { block: "approval", id: "a", name: "bash" }]);
    await say(["n", 2], ["b", 2, { block: "text", markdown: "secret stream", live: true }]);
    await say(["f", { status: "completed" }]);
    expect(said).toEqual(["Thinking", "Running python", "bash asks for approval", "Answering", "Finished"]);
    expect(status.getAttribute("aria-live")).toBe("polite");
    expect(find(el, "[role=region]").getAttribute("aria-busy")).toBe("false");
    expect(find(el, "[data-lm-suppress-shortcuts=true]").contains(status)).toBe(true);
  });

  it("puts one style sheet into the page, and one into a shadow root", async () => {
    const { kernel } = await shown();
    await kernel.show("s");
    await frames();
    expect(document.querySelectorAll("style[data-name=alloy-view-styles]")).toHaveLength(1);
    const host = document.body.appendChild(document.createElement("div")).attachShadow({ mode: "open" });
    const { el } = await kernel.show("t");
    host.append(el);
    kernel.change("t", ["b", 0, { block: "text", markdown: "x" }]);
    await frames();
    expect(host.querySelectorAll("style[data-name=alloy-view-styles]")).toHaveLength(1);
  });

  it("asks for no address: its style sheet loads nothing", async () => {
    await shown();
    const sheet = find(document.head, "style").textContent ?? "";
    expect(sheet).not.toMatch(/url\(|@import|expression|https?:/);
    expect(sheet.match(/var\(--jp-[a-z0-9-]+\)/g)).toBeNull(); // each with a fallback
  });

  it("keeps what it showed when it is closed, with nothing left to press", async () => {
    const { el, close } = await shown(["b", 0, { block: "approval", id: "a", name: "bash", key: "ls" }]);
    await frames();
    close();
    expect(find(el, ".alloy-approval").textContent).toContain("bash");
    expect(buttonNames(el)).toEqual([]);
  });
});

describe("Frames", () => {
  it("are shared by ten views, and wait for ten times as long as the last one took", async () => {
    const kernel = new Kernel();
    kernel.open();
    for (let run = 0; run < 10; run++) await kernel.show(`r${run}`);
    await frames();
    const asked = vi.spyOn(globalThis, "requestAnimationFrame");
    for (let run = 0; run < 10; run++) kernel.change(`r${run}`, ["b", 0, { block: "text", markdown: "x" }]);
    await frames();
    expect(asked).toHaveBeenCalledTimes(1);
    expect(document.querySelectorAll(".alloy-text")).toHaveLength(10);
    asked.mockRestore();
  });
});
