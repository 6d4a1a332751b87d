// @vitest-environment jsdom
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { Home } from "../../src/widget/home";
import stub from "../../src/widget/stub";
import { buttonNamed, FakeModel, find, frames, HOMES, Kernel } from "./page";

// One clock for all tests: the page's frames go by it.
beforeAll(() => void vi.useFakeTimers());
afterAll(() => void vi.useRealTimers());
afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

const say = (markdown: string) => ["b", 0, { block: "text", markdown, live: true }];

describe("The hub", () => {
  it("says that it is there, and that a view of a going run is shown", async () => {
    const kernel = new Kernel();
    kernel.open();
    await kernel.show("r");
    expect(kernel.hub.sent.map((control) => [control.do, control["run"]])).toEqual([["ready", undefined], ["hello", "r"]]);
  });

  it("keeps what it hears of a run until a view comes", async () => {
    const kernel = new Kernel();
    kernel.open();
    kernel.change("r", say("before"));
    const { el } = await kernel.show("r");
    await frames();
    expect(find(el, ".alloy-text").textContent).toContain("before");
  });

  it("shows one run in two places", async () => {
    const kernel = new Kernel();
    kernel.open();
    const first = await kernel.show("r");
    const second = await kernel.show("r");
    kernel.change("r", say("words"));
    await frames();
    first.close();
    kernel.change("r", ["t", 0, " more"]);
    await frames();
    expect(find(second.el, ".alloy-text").textContent).toContain("words more");
    expect(find(first.el, ".alloy-text").textContent).not.toContain("more");
  });

  it("counts the seconds on in a view that is made later", async () => {
    const kernel = new Kernel();
    kernel.open();
    await kernel.show("r");
    kernel.change("r", say("words"), ["f", { seconds: 10 }]);
    await vi.advanceTimersByTimeAsync(50_000);
    const { el } = await kernel.show("r");
    await frames();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(find(el, ".alloy-foot").textContent).toMatch(/1 min/);
  });

  it("goes on from a stub's snapshot after a reload", async () => {
    const kernel = new Kernel();
    kernel.open();
    kernel.lose("r", 57);
    const { el } = await kernel.show("r", { seq: 57, blocks: [{ block: "text", markdown: "half", live: true }], facts: {} });
    kernel.change("r", ["t", 0, " an hour"]);
    await frames();
    expect(find(el, ".alloy-text").textContent).toContain("half an hour");
    expect(kernel.controls("sync")).toHaveLength(0);
  });

  it("says again that a view is there while a question waits, and only then", async () => {
    const kernel = new Kernel();
    kernel.open();
    await kernel.show("r");
    const hellos = () => kernel.controls("hello").length;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(hellos()).toBe(1);
    kernel.change("r", ["b", 0, { block: "approval", id: "c", name: "bash", key: "ls" }]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(hellos()).toBeGreaterThanOrEqual(4);
    kernel.change("r", ["b", 0, { state: "allowed" }]);
    await frames();
    const before = hellos();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(hellos()).toBe(before);
  });

  it("says of a run that its kernel is gone, and of one that had ended how it ended", async () => {
    const slots = new Set<(sender: unknown, told: unknown) => void>();
    const signal = { connect: (slot: (s: unknown, t: unknown) => void) => slots.add(slot), disconnect: () => true };
    const kernel = new Kernel({}, { kernel: { statusChanged: signal } });
    kernel.open();
    const going = await kernel.show("going");
    const ended = await kernel.show("ended");
    kernel.change("going", say("half"));
    kernel.change("ended", say("whole"), ["f", { status: "completed" }]);
    for (const status of ["busy", "idle", "autorestarting"]) for (const slot of slots) slot(null, status);
    await frames();
    expect(find(going.el, ".alloy-foot").textContent).toContain("the kernel is gone: this run did not finish here");
    expect(find(going.el, ".alloy-text").textContent).toContain("half");
    expect(going.el.querySelectorAll("button")).toHaveLength(0);
    expect(find(ended.el, ".alloy-foot").textContent).not.toContain("gone");
  });

  it("has no Stop and asks for nothing where the snapshot is of a run that has ended", async () => {
    const kernel = new Kernel();
    kernel.open();
    const facts = { status: "completed", model: "m", turns: 2, seconds: 3 };
    const { el } = await kernel.show("r", { seq: 9, blocks: [{ block: "text", markdown: "done" }], facts });
    await frames();
    expect(el.querySelector("button")).toBeNull();
    expect(find(el, ".alloy-foot").textContent).toContain("m · 2 turns · 3.0 s");
    expect(kernel.controls("hello")).toHaveLength(0);
  });

  it("asks once for a snapshot when a message is missing, again every 2 s, and goes on from it", async () => {
    const kernel = new Kernel();
    kernel.open();
    const { el } = await kernel.show("r");
    kernel.change("r", say("one"));
    kernel.lose("r", 1);
    kernel.change("r", ["t", 0, " three"]);
    kernel.change("r", ["t", 0, " four"]);
    await vi.advanceTimersByTimeAsync(1_900);
    expect(find(el, ".alloy-text").textContent?.trim()).toBe("one");
    expect(kernel.controls("sync")).toMatchObject([{ run: "r" }]);
    await vi.advanceTimersByTimeAsync(2_200);
    expect(kernel.controls("sync")).toHaveLength(3);
    const blocks = [{ block: "text", markdown: "one two three", live: true }];
    kernel.hub.tell({ kind: "snapshot", run: "r", seq: 3, blocks, facts: {} });
    await frames();
    expect(find(el, ".alloy-text").textContent?.trim()).toBe("one two three four");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(kernel.controls("sync")).toHaveLength(3);
  });

  it("takes messages of any form for what they are", async () => {
    const kernel = new Kernel();
    kernel.open();
    const { el } = await kernel.show("r");
    const nonsense = [
      null, 7, "x", [], {}, { kind: "changes" }, { kind: "changes", runs: [null, 1, {}, { run: 3 }, { run: "r", seq: "x" }] },
      { kind: "snapshot" }, { kind: "snapshot", run: "__proto__", seq: 1, blocks: 3 }, { kind: "heard", ids: {} },
      { kind: "asset", name: "math" }, { kind: "constructor" },
      JSON.parse('{"kind":"changes","runs":[{"run":"__proto__","seq":1,"ops":[["b",0,{"__proto__":{"polluted":1},"block":"text"}]]}]}'),
    ];
    for (const message of nonsense) kernel.hub.tell(message);
    kernel.change("r", say("still"));
    await frames();
    expect(find(el, ".alloy-text").textContent).toContain("still");
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it("forgets an ended run that nobody looks at, but not before its view could come", async () => {
    const kernel = new Kernel();
    kernel.open();
    kernel.change("r", say("short"), ["f", { status: "completed" }]);
    await vi.advanceTimersByTimeAsync(10_000);
    const { el, close } = await kernel.show("r");
    await frames();
    expect(el.textContent).toContain("short");
    close();
    await vi.advanceTimersByTimeAsync(70_000);
    const later = await kernel.show("r");
    await frames();
    expect(later.el.textContent).not.toContain("short");
  });
});

describe("Stop", () => {
  async function running(facts: object = {}) {
    const kernel = new Kernel();
    kernel.open();
    const { el } = await kernel.show("r");
    kernel.change("r", ["f", { status: "running", ...facts }]);
    await frames();
    return { kernel, el };
  }

  function server(ok = true) {
    const script = document.createElement("script");
    script.id = "jupyter-config-data";
    script.textContent = '{"baseUrl": "/"}';
    script.type = "application/json";
    document.body.append(script);
    const asked = vi.fn(async () => ({ ok }));
    vi.stubGlobal("fetch", asked);
    return asked;
  }

  it("is sent once, says so, and interrupts nothing when it is heard", async () => {
    const { kernel, el } = await running({ waited: true });
    const asked = server();
    const stop = buttonNamed(el, "■ Stop");
    stop.click();
    stop.click();
    expect(stop.textContent).toBe("Stopping…");
    expect(stop.disabled).toBe(true);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(kernel.controls("stop")).toMatchObject([{ run: "r" }]);
    expect(asked).not.toHaveBeenCalled();
  });

  it("interrupts the kernel of a cell that waits, when no route was heard", async () => {
    const { kernel, el } = await running({ waited: true });
    const asked = server();
    kernel.deafen();
    buttonNamed(el, "■ Stop").click();
    await vi.advanceTimersByTimeAsync(1_300);
    expect(asked).toHaveBeenCalledTimes(1);
    expect(el.textContent).toContain("interrupted");
  });

  it("has no clock left when the run ends before its answer comes", async () => {
    const { kernel, el } = await running();
    kernel.deafen();
    buttonNamed(el, "■ Stop").click();
    kernel.change("r", ["f", { status: "cancelled" }]);
    await vi.advanceTimersByTimeAsync(300);
    const [stop] = kernel.controls("stop");
    await vi.advanceTimersByTimeAsync(60_000); // what waits for lost controls is over
    const before = vi.getTimerCount();
    kernel.hub.tell({ kind: "heard", ids: [stop!.id] });
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(before);
    expect(el.textContent).not.toContain("did not answer");
  });

  it("never interrupts the kernel for a run in the background; it says that it was not heard", async () => {
    const { kernel, el } = await running({ waited: false });
    const asked = server();
    kernel.deafen();
    buttonNamed(el, "■ Stop").click();
    await vi.advanceTimersByTimeAsync(1_300);
    expect(asked).not.toHaveBeenCalled();
    expect(find(el, ".alloy-told").textContent).toMatch(/did not answer/);
    expect(buttonNamed(el, "■ Stop").disabled).toBe(false);
  });
});

describe("Formulas", () => {
  it("stand as they were written until math.js has come, which is asked for once", async () => {
    const kernel = new Kernel();
    const code = new TextEncoder().encode("// math.js");
    const load = vi.fn(async () => (tex: string) => `<math><mi>${tex}</mi></math>`);
    const home = new Home(kernel.hub, load);
    const el = document.body.appendChild(document.createElement("div"));
    home.show(new FakeModel({ hub: "h", run: "r" }, kernel.manager), el);
    kernel.change("r", say("first $a$, then $b$\n\nand $c$"));
    await frames();
    expect(el.textContent).toContain("$a$");
    expect(kernel.controls("want")).toMatchObject([{ asset: "math" }]);
    kernel.hub.tell({ kind: "asset", name: "math" }, [new DataView(code.buffer)]);
    await frames();
    expect(load).toHaveBeenCalledWith("// math.js");
    expect([...el.querySelectorAll("mi")].map((item) => item.textContent)).toEqual(["a", "b", "c"]);
    kernel.change("r", ["t", 0, " with $d$ in it"]);
    await frames();
    expect(el.querySelectorAll("mi")).toHaveLength(4);
  });

  it("are what they were where math.js makes something else of them", async () => {
    const kernel = new Kernel();
    const load = async () => (tex: string) => (tex === "a" ? "" : "<img src=x onerror=alert(1)><script>x</script>");
    const home = new Home(kernel.hub, load);
    const el = document.body.appendChild(document.createElement("div"));
    home.show(new FakeModel({ hub: "h", run: "r" }, kernel.manager), el);
    kernel.hub.tell({ kind: "asset", name: "math" }, [new ArrayBuffer(1)]);
    await frames();
    kernel.change("r", say("$a$ $b$"));
    await frames();
    expect(el.textContent).toContain("$a$");
    expect(el.querySelector("img, script")).toBeNull();
  });
});

describe("A stub", () => {
  const words = "this run did not finish here; %alloy /attach r";

  it("waits for the hub's home", async () => {
    const kernel = new Kernel();
    const { el } = await kernel.show("r");
    expect(el.textContent).toBe("");
    kernel.open();
    kernel.change("r", say("hello"));
    await frames();
    expect(find(el, ".alloy-text").textContent).toContain("hello");
  });

  it("says how to come back to the run where there is no hub", async () => {
    const kernel = new Kernel({}, { get_model: () => Promise.reject(new Error("gone")) });
    const { el } = await kernel.show("r");
    expect(el.textContent).toBe(words);
  });

  it("says so too where the hub's code never comes, and still shows the run if it comes late", async () => {
    const kernel = new Kernel();
    const { el } = await kernel.show("r");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(el.textContent).toBe(words);
    kernel.open();
    kernel.change("r", say("late"));
    await frames();
    expect(el.textContent).toContain("late");
    expect(el.textContent).not.toContain("did not finish");
  });

  it("that was closed while it waited shows nothing", async () => {
    const kernel = new Kernel();
    const { el, close } = await kernel.show("r");
    close();
    kernel.open();
    await frames();
    expect(el.innerHTML).toBe("");
  });

  it.each([["the later", 1, 0], ["the earlier", 0, 1]])(
    "keeps a home when %s one of the same key is closed",
    async (_name, first, second) => {
      const kernel = new Kernel();
      const closers = [kernel.open(), kernel.open()];
      closers[first]!();
      kernel.change("r", say("still here"));
      const { el } = await kernel.show("r");
      await vi.advanceTimersByTimeAsync(10_000);
      expect(find(el, ".alloy-text").textContent).toContain("still here");
      closers[second]!();
      const { el: left } = await kernel.show("r");
      await vi.advanceTimersByTimeAsync(10_000);
      expect(left.textContent).toBe(words);
    },
  );

  it("shares the homes of the page under one symbol", async () => {
    const kernel = new Kernel();
    kernel.open();
    const homes = (globalThis as { [HOMES]?: Map<string, unknown> })[HOMES];
    expect(homes?.has(kernel.key)).toBe(true);
    const close = await stub.render({
      model: new FakeModel({ hub: "h", key: kernel.key, run: "x" }, kernel.manager),
      el: document.createElement("div"),
    });
    expect(close).toBeTypeOf("function");
  });
});
