import { describe, expect, test } from "vitest";
import { afterChange, afterSnapshot, BEGINNING, type Following, isBehind } from "../../src/blocks/follow";
import { EMPTY, reduce } from "../../src/blocks/reduce";
import { Source } from "../random";

/** Change number 1 makes a text; number n writes "n,". */
const ops = (seq: number) => (seq === 1 ? [["b", 0, { block: "text", markdown: "1," }]] : [["t", 0, `${seq},`]]);
const hear = (following: Following, ...seqs: number[]) =>
  seqs.reduce((before, seq) => afterChange(before, seq, ops(seq)), following);
const stateAt = (seq: number) => Array.from({ length: seq }, (_, at) => at + 1).reduce((state, at) => reduce(state, ops(at)), EMPTY);
const restore = (following: Following, seq: number) => {
  const { blocks, facts } = JSON.parse(JSON.stringify(stateAt(seq)));
  return afterSnapshot(following, seq, blocks, facts);
};

test("changes in their order are applied at once", () => {
  const after = hear(BEGINNING, 1, 2, 3);
  expect(after.state).toEqual(stateAt(3));
  expect(after.seq).toBe(3);
  expect(isBehind(after)).toBe(false);
});

test("what is known already changes nothing", () => {
  const after = hear(BEGINNING, 1, 2);
  expect(hear(after, 1, 2)).toBe(after);
  expect(afterChange(after, 0, ops(9))).toBe(after);
});

test("behind a gap nothing is applied, and a snapshot is wanted", () => {
  const after = hear(BEGINNING, 1, 3, 4);
  expect(after.state).toEqual(stateAt(1));
  expect(isBehind(after)).toBe(true);
});

test("the missing change closes the gap by itself", () => {
  const after = hear(BEGINNING, 1, 4, 3, 2);
  expect(after.state).toEqual(stateAt(4));
  expect(isBehind(after)).toBe(false);
  expect(after.early.size).toBe(0);
});

test("after a snapshot it goes on with what waited", () => {
  const after = restore(hear(BEGINNING, 1, 3, 4, 6), 4);
  expect(after.state).toEqual(stateAt(4));
  expect(isBehind(after)).toBe(true); // 5 is missing
  const then = hear(after, 5);
  expect(then.state).toEqual(stateAt(6));
  expect(isBehind(then)).toBe(false);
});

test("a snapshot in the middle of what waited", () => {
  const after = restore(hear(BEGINNING, 1, 3, 4, 5), 3);
  expect(after.state).toEqual(stateAt(5));
  expect(isBehind(after)).toBe(false);
});

test("a view that comes late begins with a snapshot", () => {
  const late = hear(BEGINNING, 57);
  expect(isBehind(late)).toBe(true);
  expect(restore(late, 57).state).toEqual(stateAt(57));
  expect(restore(BEGINNING, 40).seq).toBe(40);
});

test("a snapshot that is older than what is known changes nothing", () => {
  const after = hear(BEGINNING, 1, 2, 3);
  expect(restore(after, 2)).toBe(after);
});

test("an equal snapshot keeps every block the same object", () => {
  const after = hear(BEGINNING, 1, 2, 3);
  expect(restore(after, 3).state).toBe(after.state);
});

test("the first of two changes with one number counts", () => {
  const twice = afterChange(hear(BEGINNING, 1, 3), 3, [["n", 0]]);
  expect(hear(twice, 2).state).toEqual(stateAt(3));
});

test("what waits is bounded, and what was dropped is still missed", () => {
  let after = hear(BEGINNING, 1);
  for (let seq = 3; seq < 10_000; seq++) after = afterChange(after, seq, ops(seq));
  expect(after.early.size).toBeLessThanOrEqual(2_400);
  after = restore(after, 5_000);
  expect(isBehind(after)).toBe(true);
  expect(isBehind(restore(after, 9_999))).toBe(false);
});

test("numbers that are none are survived", () => {
  const before = hear(BEGINNING, 1);
  for (const seq of [undefined, null, "2", 1.5, -1, NaN, Infinity, {}, []]) {
    expect(afterChange(before, seq, ops(2))).toBe(before);
    expect(afterSnapshot(before, seq, [], {})).toBe(before);
  }
  expect(afterChange(before, 2, "no operations")).toMatchObject({ seq: 2, state: before.state });
  expect(afterSnapshot(before, 2, "no blocks", null).state).toEqual(EMPTY);
});

describe("laws", () => {
  test.each([...Array(100).keys()])("messages lost, doubled and in any order, then a snapshot: the same state (%d)", (seed) => {
    const source = new Source(seed);
    const count = 30;
    const sent = Array.from({ length: count }, (_, at) => at + 1).filter(() => source.below(5) > 0);
    const heard = source.shuffled([...sent, ...sent.filter(() => source.below(4) === 0)]);
    const snapshotAt = source.below(count + 1);
    let after = BEGINNING;
    heard.forEach((seq, place) => {
      if (place === Math.floor(heard.length / 2)) after = restore(after, snapshotAt);
      after = hear(after, seq);
      // Whatever was heard: the state is one that the run had.
      expect(after.state).toEqual(stateAt(after.seq));
      expect(isBehind(after)).toBe(after.newest > after.seq);
    });
    after = restore(after, count);
    expect(after.state).toEqual(stateAt(count));
    expect([after.seq, isBehind(after), after.early.size]).toEqual([count, false, 0]);
  });
});
