import { describe, expect, test } from "vitest";
import fixtures from "../../fixtures/runs.json";
import type { Block, RunState } from "../../src/blocks/block";
import { EMPTY, reduce, restored } from "../../src/blocks/reduce";
import { Source } from "../random";

const state = (...blocks: Block[]): RunState => ({ blocks, facts: {} });
const TEXT: Block = { block: "text", markdown: "Hello", live: true };
const TOOL: Block = { block: "tool", id: "1", name: "bash", state: "running", progress: ["one"] };

describe("operations", () => {
  test("words are added to the words of a block", () => {
    const before = state({ block: "thinking" }, TEXT);
    const after = reduce(before, [["t", 0, "hm"], ["t", 1, ", world"], ["t", 0, "…"]]);
    expect(after.blocks).toEqual([{ block: "thinking", text: "hm…" }, { ...TEXT, markdown: "Hello, world" }]);
  });

  test("the end of words is replaced, counted in UTF-16 code units", () => {
    expect(reduce(state({ block: "text", markdown: "😀 sk-1" }), [["r", 0, 3, "***"]]).blocks).toEqual([
      { block: "text", markdown: "😀 ***" },
    ]);
    expect(reduce(state(TEXT), [["r", 0, 0, ""]]).blocks).toEqual([{ block: "text", live: true }]);
    expect(reduce(state(TEXT), [["r", 0, 5, "!"]]).blocks).toEqual([{ ...TEXT, markdown: "Hello!" }]);
  });

  test("fields change; one that becomes its default is left out, as in a snapshot", () => {
    const after = reduce(state(TOOL), [["b", 0, { state: "done", progress: [], duration_ms: 5, error: null }]]);
    expect(after.blocks).toEqual([{ block: "tool", id: "1", name: "bash", state: "done", duration_ms: 5 }]);
    expect(reduce(after, [["b", 0, { duration_ms: null }]]).blocks[0]).not.toHaveProperty("duration_ms");
    expect(reduce(state(TOOL), [["b", 0, { progress: null, state: null }]]).blocks).toEqual([
      { block: "tool", id: "1", name: "bash" },
    ]);
  });

  test("a new block comes to the end, or in the place of another", () => {
    const after = reduce(state(TEXT), [["b", 1, TOOL], ["b", 0, { block: "notice", kind: "retry", text: "again" }]]);
    expect(after.blocks).toEqual([{ block: "notice", kind: "retry", text: "again" }, TOOL]);
  });

  test("a block of a kind that is not known keeps its place, and says so", () => {
    for (const block of ["chart", "constructor", "__proto__", 3, null]) {
      const after = reduce(state(TEXT), [["b", 1, { block, text: "x" }], ["b", 2, TOOL]]);
      expect(after.blocks[1]).toEqual({ block: "notice", kind: "unknown", text: "a part that this version cannot show" });
      expect(after.blocks).toHaveLength(3);
    }
  });

  test("only the first blocks stay", () => {
    expect(reduce(state(TEXT, TOOL, TEXT), [["n", 1]]).blocks).toEqual([TEXT]);
    expect(reduce(state(TEXT), [["n", 0]]).blocks).toEqual([]);
  });

  test("facts change, and null is a cost that is not known", () => {
    const after = reduce(EMPTY, [["f", { model: "m", cost: 1 }], ["f", { cost: null, turns: 2 }]]);
    expect(after.facts).toEqual({ model: "m", cost: null, turns: 2 });
  });
});

describe("what did not change is the same object", () => {
  test("other blocks, and the whole where nothing changed", () => {
    const before: RunState = { blocks: [TEXT, TOOL], facts: { model: "m", inputs: ["a"] } };
    const after = reduce(before, [["t", 0, "!"]]);
    expect(after.blocks[1]).toBe(TOOL);
    expect(after.facts).toBe(before.facts);
    const nothing = [["t", 0, ""], ["b", 1, { state: "running", progress: ["one"] }], ["n", 2], ["b", 1, { ...TOOL }]];
    expect(reduce(before, [...nothing, ["f", { model: "m", inputs: ["a"] }], ["r", 0, 5, ""]])).toBe(before);
  });

  test("the state before is not touched", () => {
    const before = Object.freeze(state(Object.freeze({ ...TEXT }), Object.freeze({ ...TOOL })));
    Object.freeze(before.blocks);
    reduce(before, [["t", 0, "!"], ["n", 1], ["b", 1, TOOL], ["b", 0, { live: false }], ["f", { turns: 1 }]]);
    expect(before).toEqual(state(TEXT, TOOL));
  });

  test("a snapshot keeps blocks and facts that are equal", () => {
    const before: RunState = { blocks: [TEXT, TOOL], facts: { model: "m" } };
    const copy = JSON.parse(JSON.stringify(before));
    expect(restored(before, copy.blocks, copy.facts)).toBe(before);
    const grown = restored(before, [...copy.blocks, { block: "error", message: "no" }], { model: "m", turns: 1 });
    expect(grown.blocks[0]).toBe(TEXT);
    expect(grown.blocks[1]).toBe(TOOL);
    expect(grown.facts).toEqual({ model: "m", turns: 1 });
    expect(restored(before, [copy.blocks[1]], copy.facts).blocks).toEqual([TOOL]);
  });
});

const HOSTILE: readonly unknown[] = [
  undefined, null, true, 0, -1, 1.5, NaN, Infinity, 2 ** 53, "", "0", "t", "length", [], {}, [[]], ["t"],
  JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}'),
  { block: {}, text: {}, state: "toString", live: "yes", progress: [1, null], seconds: "1", input: () => 1 },
  { table: { columns: "no", rows: [[1]] }, image: 3 }, { toString: null, valueOf: null }, Object.create(null), Symbol("x"), 10n,
]; // prettier-ignore

describe("hostile input", () => {
  test("nothing of a wrong type or out of range changes anything, whatever the operation", () => {
    const before = state(TEXT, TOOL, { block: "thinking", text: "hm" });
    const wrong = [
      ["t", 3, "x"], ["t", -1, "x"], ["t", 1, "x"], ["t", "0", "x"], ["t", 0.5, "x"], ["t", 0, 5], ["t", "length", "x"],
      ["r", 0, 6, "x"], ["r", 0, -1, "x"], ["r", 0, 1.5, "x"], ["r", 0, 1], ["r", 1, 0, "x"], ["r", 9, 0, "x"],
      ["b", 4, { block: "text" }], ["b", 3, { state: "done" }], ["b", 1, { state: "gone", name: 3, progress: "x" }],
      ["b", 0, { name: "x", output: "x" }], ["b", 0, null], ["b", 0, []], ["b", "__proto__", { block: "text" }],
      ["n", 4], ["n", -1], ["n", "1"], ["n"], ["f", null], ["f", []], ["f", { turns: "3", asks: "nobody", other: 1 }],
      ["constructor", 0, "x"], ["__proto__"], [], "t", null, 5, { 0: "t", 1: 0, 2: "x" },
    ]; // prettier-ignore
    for (const op of wrong) expect([op, reduce(before, [op])]).toEqual([op, before]);
    expect(reduce(before, wrong)).toBe(before);
    for (const ops of [null, undefined, "t", 5, { length: 1, 0: ["n", 0] }]) expect(reduce(before, ops)).toBe(before);
  });

  test("anything anywhere is survived, and pollutes nothing", () => {
    const before = state(TEXT, TOOL);
    for (const kind of ["t", "r", "b", "n", "f"]) {
      for (const first of HOSTILE) {
        for (const second of HOSTILE) {
          for (const third of HOSTILE) reduce(before, [[kind, first, second, third], [kind, 0, second, third]]);
          restored(before, first, second);
          restored(before, [first, second], { model: first });
        }
      }
    }
    for (const key of Object.keys({ ...TOOL, input: 1, rich: 1, diff: 1, error: 1, fraction: 1 })) {
      for (const value of HOSTILE) {
        const [, block] = reduce(before, [["b", 1, { [key]: value, block: "tool" }]]).blocks;
        expect(Object.getPrototypeOf(block)).toBe(Object.prototype);
      }
    }
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("keys such as __proto__ do nothing to a block", () => {
    const fields = JSON.parse('{"__proto__": {"name": "evil"}, "constructor": 1, "hasOwnProperty": 1, "name": "ls"}');
    const [block] = reduce(state(TOOL), [["b", 0, fields]]).blocks;
    expect(block).toEqual({ ...TOOL, name: "ls" });
    expect(Object.getPrototypeOf(block)).toBe(Object.prototype);
    expect(Object.keys(reduce(EMPTY, [["f", fields]]).facts)).toEqual([]);
  });

  test("arguments that are deeper than any are left out instead of overflowing the stack", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(reduce(state(TOOL), [["b", 0, { input: deep, name: "x" }]]).blocks).toEqual([{ ...TOOL, name: "x" }]);
  });
});

describe("rich output", () => {
  test("pictures of known types and tables of strings are kept, the rest is left out", () => {
    const table = { columns: ["a"], rows: [["1"]], more: 2, numeric: [true] };
    const rich = [
      { image: "AAAA", mime: "image/png" },
      { image: "AAAA", mime: "image/svg+xml" },
      { image: "AAAA", mime: "text/html" },
      { image: 5, mime: "image/png" },
      { table },
      { table: { columns: ["a"], rows: [["1"]], extra: "<b>" } },
      { table: { columns: [1], rows: [] } },
      { html: "<script>" },
      null,
    ];
    const [block] = reduce(state(TOOL), [["b", 0, { rich }]]).blocks;
    expect(block).toHaveProperty("rich", [
      { image: "AAAA", mime: "image/png" },
      { table },
      { table: { columns: ["a"], rows: [["1"]], more: 0, numeric: [] } },
    ]);
  });
});

/** Operations that a kernel could send, each one right for what the ones before made. */
function randomOps(source: Source, count: number): unknown[][] {
  const kinds: { block: Block["block"]; words: string }[] = [];
  const text = () => source.pick(["a", "Hello ", "\n\n", "😀", "", "**x**"]);
  const fields = {
    thinking: () => source.pick([{ live: true }, { live: false, seconds: 1.5 }, { seconds: null }]),
    text: () => source.pick([{ live: true }, { live: false }, { by: "user" }, { by: "model" }]),
    tool: () => source.pick([{ state: "done", duration_ms: 3 }, { progress: ["x"] }, { input: { a: [1] } }, { error: "no" }, { error: null }]),
    approval: () => source.pick([{ state: "allowed", by: "user" }, { state: "pending" }, { answer: "" }]),
    notice: () => source.pick([{ text: "x" }, { text: "" }]),
    error: () => source.pick([{ hint: "do" }, { message: "" }]),
  };
  const ops: unknown[][] = [];
  while (ops.length < count) {
    const place = source.below(kinds.length + 1);
    const kind = kinds[place];
    const choice = source.below(10);
    if (choice === 0 && kinds.length > 3) {
      kinds.length = source.below(kinds.length);
      ops.push(["n", kinds.length]);
    } else if (choice === 1) {
      ops.push(["f", source.pick<object>([{ turns: source.below(9) }, { cost: null }, { cost: 0.1 }, { status: "running" }])]);
    } else if (kind === undefined || choice === 2) {
      const block = source.pick(Object.keys(fields) as Block["block"][]);
      kinds[place] = { block, words: "" };
      ops.push(["b", place, { block, ...fields[block]() }]);
    } else if (choice < 8 && (kind.block === "text" || kind.block === "thinking")) {
      const keep = source.below(kind.words.length + 1);
      const added = text();
      kind.words = choice === 3 ? kind.words.slice(0, keep) + added : kind.words + added;
      ops.push(choice === 3 ? ["r", place, keep, added] : ["t", place, added]);
    } else {
      ops.push(["b", place, fields[kind.block]()]);
    }
  }
  return ops;
}

test.each(fixtures.runs.map((run, number) => [number, run] as const))("what the kernel tells of a run makes the run (%d)", (_, run) => {
  const after = run.changes.reduce<RunState>(reduce, EMPTY);
  expect(after.blocks).toEqual(restored(EMPTY, run.blocks, {}).blocks);
  // Every field is one that the page knows: nothing was passed over.
  after.blocks.forEach((block, place) => expect(block).toEqual(run.blocks[place]));
  expect(after.facts).toEqual({ ...run.facts, seconds: expect.any(Number) });
});

describe("laws", () => {
  test.each([...Array(100).keys()])("one by one, all at once, cut anywhere, or by snapshots: the same state (%d)", (seed) => {
    const source = new Source(seed);
    const ops = randomOps(source, 60);
    const atOnce = reduce(EMPTY, ops);
    let oneByOne = EMPTY;
    for (const op of ops) {
      oneByOne = reduce(oneByOne, [op]);
      const sent = JSON.parse(JSON.stringify(oneByOne));
      expect(restored(EMPTY, sent.blocks, sent.facts)).toEqual(oneByOne);
    }
    expect(oneByOne).toEqual(atOnce);
    const cut = source.below(ops.length);
    expect(reduce(reduce(EMPTY, ops.slice(0, cut)), ops.slice(cut))).toEqual(atOnce);
  });

  test("a text is the same however it is split", () => {
    const whole = "Some 😀 words,\n\nand **more** of them. ".repeat(20);
    for (let seed = 0; seed < 50; seed++) {
      const source = new Source(seed);
      let after = reduce(EMPTY, [["b", 0, { block: "text" }]]);
      for (let place = 0; place < whole.length; ) {
        const next = place + 1 + source.below(40);
        after = reduce(after, [["t", 0, whole.slice(place, next)]]);
        place = next;
      }
      expect(after.blocks).toEqual([{ block: "text", markdown: whole }]);
    }
  });

  test("a delta to a long text touches no other block", () => {
    const others: Block[] = Array.from({ length: 500 }, (_, id) => ({ block: "tool", id: String(id), output: "x".repeat(1000) }));
    let after = state(...others, { block: "text", markdown: "y".repeat(100_000) });
    for (let count = 0; count < 2_000; count++) after = reduce(after, [["t", 500, "z".repeat(50)]]);
    expect(after.blocks.slice(0, 500).every((block, place) => block === others[place])).toBe(true);
    expect(after.blocks[500]).toHaveProperty("markdown.length", 200_000);
  });
});
