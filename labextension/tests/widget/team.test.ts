// @vitest-environment jsdom
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import stub from "../../src/widget/stub";
import team from "../../src/widget/team";
import { buttonNamed, buttonNames, FakeModel, find, frames, Kernel } from "./page";

beforeAll(() => void vi.useFakeTimers());
afterAll(() => void vi.useRealTimers());
afterEach(() => document.body.replaceChildren());

const CODER = { name: "coder", state: "working", doing: "writing", runs: [{ run: "r1", prompt: "Go <b>on</b>." }] };
const CRITIC = { name: "critic", state: "idle" };
const START = { seq: 1, now_ms: 1_000, facts: { name: "crew", live: true, began_ms: 1_000 }, members: [[0, CODER], [1, CRITIC]] };

async function shown(snapshot: object = START) {
  const kernel = new Kernel();
  kernel.open();
  const key = `${kernel.key}-team`;
  const close = team.initialize({
    model: new FakeModel({ key, hub: "hub-id", hub_key: kernel.key }, kernel.manager),
  });
  const el = document.createElement("div");
  el.className = "jp-OutputArea-child";
  document.body.append(el);
  const leave = await stub.render({ model: new FakeModel({ hub: "team-id", key, run: "team-1", snapshot }, kernel.manager), el });
  await frames();
  let seq = START.seq;
  const change = async (told: object) => {
    kernel.hub.tell({ kind: "changes", runs: [{ team: "team-1", seq: ++seq, now_ms: 2_000, ...told }] });
    await frames();
  };
  return { kernel, el, close, leave, change };
}

const tabs = (el: Element) => [...el.querySelectorAll<HTMLElement>("[role=tab]")];
const names = (el: Element) => tabs(el).map((tab) => tab.textContent);
const panel = (el: Element) => find(el, ".alloy-panel:not([hidden])");

const AGENT = '<div class="alloy-agent"><details><summary>Thought</summary>hm</details></div>';

/** The frozen form of two agents takes its place: which folds are open then, each agent's and the one in it. */
async function openFolds(el: HTMLElement, leave: () => void, opened: readonly boolean[]): Promise<boolean[]> {
  const folds = opened.map((open) => `<details${open ? " open" : ""}><summary>it</summary>${AGENT}</details>`);
  const frozen = document.createElement("div");
  frozen.innerHTML = `<div class="alloy-run">${folds.join("")}</div>`;
  el.replaceWith(frozen);
  leave();
  await frames();
  return [...frozen.querySelectorAll("details")].map(({ open }) => open);
}

describe("A team's view", () => {
  it("has a tab an agent, and shows the run of the one that works", async () => {
    const { kernel, el } = await shown();
    kernel.change("r1", ["b", 0, { block: "text", markdown: "an *answer*", live: true }]);
    await frames();
    expect(names(el)).toEqual(["●coder· writing", "○critic· idle", "Timeline"]);
    expect(find(panel(el), ".alloy-said").textContent).toBe("Go <b>on</b>.");
    expect(find(panel(el), ".alloy-text em").textContent).toBe("answer");
    expect(el.querySelector("b")).toBeNull();
    expect(buttonNames(el)).toEqual(expect.arrayContaining(["■ Stop", "■ Stop all"]));
  });

  it("marks a tab as unread until it is looked at, without a run's view of its own", async () => {
    const { kernel, el, change } = await shown();
    await change({ members: [[1, { name: "critic", state: "working", runs: [{ run: "r2", prompt: "" }] }]] });
    kernel.change("r2", ["b", 0, { block: "text", markdown: "Well." }]);
    await frames();
    const critic = tabs(el)[1]!;
    expect(critic.classList.contains("alloy-unread")).toBe(true);
    expect(critic.textContent).toContain("new");
    expect(el.querySelectorAll(".alloy-view .alloy-view")).toHaveLength(1);
    critic.click();
    await frames();
    expect(critic.classList.contains("alloy-unread")).toBe(false);
    expect(panel(el).textContent).toContain("Well.");
    expect(kernel.controls("sync").map(({ run }) => run)).toContain("r2");
  });

  it("goes by the keys of tabs, and keeps one of them in the order of Tab", async () => {
    const { el } = await shown();
    tabs(el)[0]!.focus();
    for (const [key, place] of [["ArrowRight", 1], ["End", 2], ["ArrowRight", 0], ["ArrowLeft", 2], ["Home", 0]] as const) {
      document.activeElement!.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      expect([key, tabs(el).indexOf(document.activeElement as HTMLElement)]).toEqual([key, place]);
      expect(tabs(el).map((tab) => [tab.tabIndex, tab.getAttribute("aria-selected")])[place]).toEqual([0, "true"]);
      expect(tabs(el).filter((tab) => tab.tabIndex === 0)).toHaveLength(1);
      expect(el.querySelectorAll(".alloy-panel:not([hidden])")).toHaveLength(1);
    }
    expect(find(el, `#${tabs(el)[0]!.getAttribute("aria-controls")}`).getAttribute("aria-labelledby")).toBe(tabs(el)[0]!.id);
  });

  it("stays where a person is, whoever works", async () => {
    const { el, change } = await shown();
    tabs(el)[1]!.click();
    await change({ members: [[0, { ...CODER, state: "done" }]] });
    expect(tabs(el)[1]!.getAttribute("aria-selected")).toBe("true");
    expect(panel(el).textContent).toBe("It has not been asked anything yet.");
  });

  it("tells who ran when, with hand-offs as arrows", async () => {
    const { el, change } = await shown();
    await change({
      rows: [
        [0, { kind: "run", agent: "coder", start_ms: 1_000, end_ms: 2_000, status: "completed", tokens: 312, cost: 0.002 }],
        [1, { kind: "handoff", agent: "coder", to: "critic", start_ms: 2_000 }],
        [2, { kind: "run", agent: "critic", start_ms: 2_000, status: "running" }],
      ],
      facts: { tokens: 312, cost: 0.002 },
    });
    expect(panel(el).textContent).toContain("→ handed over to critic after 1.0 s");
    tabs(el)[2]!.click();
    await frames();
    const rows = [...el.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent));
    expect(rows[0]).toEqual(["✓ coder", "done", "", "0 s", "1.0 s", "312", "$0.0020"]);
    expect(rows[1]).toEqual(["↳ coder → critic", "handed over", "↓", "1.0 s", "", "", ""]);
    expect(rows[2]!.slice(0, 2)).toEqual(["● critic", "working"]);
    expect(find(el, ".alloy-team>div>.alloy-foot").textContent).toContain("crew · 2 agents · 312 tokens · $0.0020");
  });

  it("stops all by one request, and says when nobody heard it", async () => {
    const { kernel, el } = await shown();
    buttonNamed(el, "■ Stop all").click();
    await frames();
    expect(kernel.controls("stop").map(({ run }) => run)).toEqual(["team-1"]);
    await vi.advanceTimersByTimeAsync(7_000);
    kernel.deafen();
    buttonNamed(el, "■ Stop all").click();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(el.textContent).toContain("The kernel did not answer.");
  });

  it("asks for what it missed, and says that it is there while somebody asks", async () => {
    const { kernel, el } = await shown();
    kernel.hub.tell({ kind: "changes", runs: [{ team: "team-1", seq: 9, now_ms: 3_000, facts: { live: false } }] });
    await frames();
    expect(kernel.controls("sync").filter(({ run }) => run === "team-1").length).toBeGreaterThan(0);
    const asking = [[0, { ...CODER, state: "asking" }], [1, CRITIC]];
    kernel.hub.tell({ kind: "snapshot", team: "team-1", ...START, seq: 8, members: asking });
    await frames();
    expect(names(el)[0]).toContain("waiting for approval");
    expect(find(el, ".alloy-status").textContent).toBe("coder asks for approval");
    expect(buttonNames(el)).not.toContain("■ Stop all"); // number 9 said that it is over
  });

  it("keeps saying that it is there only while a member asks", async () => {
    const { kernel, change } = await shown();
    const before = kernel.controls("hello").filter(({ run }) => run === "team-1").length;
    await vi.advanceTimersByTimeAsync(11_000);
    expect(kernel.controls("hello").filter(({ run }) => run === "team-1")).toHaveLength(before);
    await change({ members: [[0, { ...CODER, state: "asking" }]] });
    await vi.advanceTimersByTimeAsync(11_000);
    expect(kernel.controls("hello").filter(({ run }) => run === "team-1").length).toBeGreaterThanOrEqual(before + 2);
  });

  it("shows names and prompts as text, whatever they hold", async () => {
    const name = "<img src=x onerror=alert(1)>";
    const { el } = await shown({
      ...START,
      facts: { name, live: true },
      members: [[0, { name, state: "working", doing: name, model: name, runs: [{ run: "r1", prompt: name }] }]],
      rows: [[0, { kind: name, agent: name, to: name, status: name }]],
    });
    tabs(el)[1]!.click();
    await frames();
    expect(el.querySelector("img")).toBeNull();
    expect(el.textContent).toContain(name);
  });

  it("says that the kernel is gone, and is closed with it", async () => {
    const slots: ((sender: unknown, told: unknown) => void)[] = [];
    const signal = { connect: (slot: (typeof slots)[0]) => slots.push(slot), disconnect: () => true };
    const kernel = new Kernel({}, { kernel: { statusChanged: signal } as never });
    kernel.open();
    const close = team.initialize({ model: new FakeModel({ key: "k-t", hub: "h", hub_key: kernel.key }, kernel.manager) });
    const el = document.createElement("div");
    document.body.append(el);
    await stub.render({ model: new FakeModel({ hub: "t", key: "k-t", run: "team-1", snapshot: START }, kernel.manager), el });
    await frames();
    for (const slot of slots) slot(null, "dead");
    await frames();
    expect(el.textContent).toContain("the kernel is gone");
    expect(el.querySelector(".alloy-stop")).toBeNull();
    close();
    expect(find(el, ".alloy-team>div").getAttribute("aria-busy")).toBe("false");
  });

  it("has its frozen form unfolded where somebody has chosen a tab, and in it what they have unfolded", async () => {
    const { kernel, el, change, leave } = await shown();
    await change({ members: [[1, { name: "critic", state: "working", runs: [{ run: "r2", prompt: "" }] }]] });
    for (const run of ["r1", "r2"]) {
      kernel.change(run, ["b", 0, { block: "thinking", text: "hm" }], ["b", 1, { block: "text", markdown: "Well." }]);
    }
    await frames();
    tabs(el)[1]!.click();
    await frames();
    find<HTMLDetailsElement>(panel(el), "details").open = true;
    await frames();
    expect(await openFolds(el, leave, [true, false])).toEqual([true, false, true, true]);
  });

  it("has its frozen form unfolded where it was looked at, unless that says itself who answered", async () => {
    for (const [opened, expected] of [
      [[false, false], [true, false, false, false]],
      [[false, true], [false, false, true, false]],
    ] as const) {
      const { el, change, leave } = await shown();
      await change({ members: [[1, { name: "critic", state: "done", runs: [{ run: "r2", prompt: "" }] }]] });
      expect(await openFolds(el, leave, opened)).toEqual(expected);
    }
  });

  it("leaves nothing behind when it is closed", async () => {
    const { leave, close, kernel } = await shown();
    leave();
    close();
    expect(kernel.hub.listeners.size).toBe(1); // the hub's own
  });
});
