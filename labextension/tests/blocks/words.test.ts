import { describe, expect, test } from "vitest";
import fixtures from "../../fixtures/words.json";
import type { Approval, Facts, Notice, Tool } from "../../src/blocks/block";
import { fixed, rounded } from "../../src/blocks/numbers";
import * as words from "../../src/blocks/words";

/** JSON's types are wider than those of the blocks that it holds. */
const as = <T>(value: unknown) => value as T;

describe("what the page says is what Python says", () => {
  test("marks", () => expect(words.MARKS).toEqual(fixtures.marks));

  test.each([
    ["durations", fixtures.durations, words.durationWords],
    ["tokens", fixtures.tokens, words.tokenWords],
    ["costs", fixtures.costs, words.costWords],
  ] as const)("%s", (_, cases, say) => {
    expect(cases.length).toBeGreaterThan(50);
    for (const [value, said] of cases) expect([value, (say as (value: unknown) => string)(value)]).toEqual([value, said]);
  });

  test("thinking", () => {
    for (const { seconds, live, words: said } of fixtures.thinking) {
      expect([seconds, words.thinkingWords(seconds, live)]).toEqual([seconds, said]);
    }
  });

  test("notices", () => {
    for (const { notice, words: said } of fixtures.notices) expect(words.noticeWords(as<Notice>(notice))).toBe(said);
  });

  test("footers", () => {
    for (const { facts, live, words: said } of fixtures.footers) {
      expect([facts, words.footerWords(as<Facts>(facts), live)]).toEqual([facts, said]);
    }
  });

  test("questions and verdicts", () => {
    for (const { question, asks, reason, verdict } of fixtures.questions) {
      const asked = as<Approval>(question);
      const said = [words.questionWords(asked), words.reasonWords(asked), words.verdictWords(asked)];
      expect([question, ...said]).toEqual([question, asks, reason, verdict]);
    }
  });

  test("outcomes", () => {
    expect(fixtures.outcomes.length).toBeGreaterThan(100);
    for (const { tool, question, words: said } of fixtures.outcomes) {
      const outcome = words.outcomeWords(as<Tool>(tool), as<Approval | undefined>(question ?? undefined));
      expect([tool, outcome]).toEqual([tool, said]);
    }
  });
});

describe("rounding", () => {
  test.each([
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [2.4999, 2],
    [38.51, 39],
  ])("%d is rounded to %d", (x, whole) => expect(rounded(x)).toBe(whole));

  test.each([
    [0.25, 1, "0.2"],
    [0.75, 1, "0.8"],
    [0.15, 1, "0.1"], // a little below
    [0.35, 1, "0.3"],
    [1.005, 2, "1.00"],
    [0.0625, 3, "0.062"],
    [12.5, 0, "12"],
    [9.96, 1, "10.0"],
    [0, 2, "0.00"],
  ])("%d with %d digits is %s", (x, digits, said) => expect(fixed(x, digits)).toBe(said));
});

test("the newest question of a call counts", () => {
  const first: Approval = { block: "approval", id: "a", reason: "1" };
  const second: Approval = { block: "approval", id: "a", reason: "2" };
  const found = words.approvalsByCall([first, { block: "tool", id: "a" }, { block: "approval", id: "__proto__" }, second]);
  expect(found.get("a")).toBe(second);
  expect([...found.keys()]).toEqual(["a", "__proto__"]);
});
