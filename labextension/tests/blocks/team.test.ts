import { describe, expect, it } from "vitest";
import fixtures from "../../fixtures/team.json";
import {
  afterTeamChange,
  afterTeamSnapshot,
  isTeamBehind,
  NO_TEAM,
  type Row,
  type State,
  STATES,
  TEAM_BEGINNING,
  type TeamFollowing,
  type Told,
} from "../../src/blocks/team";
import { HEADS, rowCells, STATE_MARKS, stateWords } from "../../src/blocks/team_words";
import { Source } from "../random";

describe("what the page says of a team is what Python says", () => {
  it("marks and heads", () => {
    expect(STATE_MARKS).toEqual(fixtures.marks);
    expect(HEADS).toEqual(fixtures.heads);
    expect(Object.keys(fixtures.marks)).toEqual([...STATES]);
  });

  it("members", () => {
    for (const { state, doing, words } of fixtures.members) expect(stateWords({ state: state as State, doing })).toBe(words);
  });

  it("rows", () => {
    expect(fixtures.rows.length).toBeGreaterThan(10);
    for (const { row, cells } of fixtures.rows) {
      const { start_ms: start, end_ms: end, ...others } = row;
      expect([row, rowCells({ ...others, start, end } as Row, 1_000)]).toEqual([row, cells]);
    }
  });
});

const change = (seq: number, told: object = {}): Told => ({ seq, now_ms: seq, ...told });
const apply = (following: TeamFollowing, ...changes: Told[]) => changes.reduce(afterTeamChange, following);

describe("a team that is followed", () => {
  it("takes what it is told as it is now", () => {
    const { state } = apply(
      TEAM_BEGINNING,
      change(1, { facts: { name: "crew", live: true }, members: [[0, { name: "a", state: "working", runs: [{ run: "r" }] }]] }),
      change(2, { members: [[1, { name: "b" }]], rows: [[7, { kind: "run", agent: "a", start_ms: 5 }]] }),
      change(3, { facts: { live: false, cost: null }, members: [[0, { name: "a", state: "done", tokens: 3, cost: 0.5 }]] }),
    );
    expect(state.members.map(({ name, state }) => [name, state])).toEqual([["a", "done"], ["b", "idle"]]);
    expect(state.members[0]).toMatchObject({ tokens: 3, cost: 0.5, runs: [] });
    expect(state.facts).toMatchObject({ name: "crew", live: false, cost: null });
    expect([...state.rows]).toEqual([
      [7, { kind: "run", agent: "a", to: "", start: 5, end: null, status: "", tokens: 0, cost: null }],
    ]);
    expect(state.now).toBe(3);
  });

  it("waits for what is missing, and goes on from a snapshot with what came early", () => {
    const first = apply(TEAM_BEGINNING, change(1, { members: [[0, { name: "a" }]] }));
    const behind = apply(first, change(4, { members: [[0, { name: "a", state: "done" }]] }), change(3));
    expect(isTeamBehind(behind)).toBe(true);
    expect(behind.state).toBe(first.state);
    const whole = afterTeamSnapshot(behind, { ...change(3), members: [[0, { name: "a", state: "working" }]], facts: {} });
    expect(isTeamBehind(whole)).toBe(false);
    expect([whole.seq, whole.state.members[0]?.state]).toEqual([4, "done"]);
    expect(afterTeamSnapshot(whole, change(2))).toBe(whole);
    expect(apply(whole, change(4), change(1))).toBe(whole);
  });

  it("has the same in the end, whatever is lost on the way", () => {
    const source = new Source(7);
    const next = () => source.below(1_000) / 1_000;
    for (let round = 0; round < 50; round++) {
      const changes = Array.from({ length: 20 }, (_, place) =>
        change(place + 1, {
          members: [[Math.min(place, Math.floor(next() * 3)), { name: `m${place}`, tokens: place }]],
          rows: [[Math.floor(next() * 9), { kind: "run", agent: `a${place}` }]],
        }),
      );
      const whole = apply(TEAM_BEGINNING, ...changes);
      let seen = TEAM_BEGINNING;
      for (const one of changes) {
        if (next() < 0.6) seen = afterTeamChange(seen, one);
        if (next() < 0.2) seen = afterTeamSnapshot(seen, snapshotOf(apply(TEAM_BEGINNING, ...changes.slice(0, Number(one["seq"])))));
      }
      if (seen.seq < whole.seq) seen = afterTeamSnapshot(seen, snapshotOf(whole));
      expect(seen).toEqual(whole);
    }
  });

  it.each([
    [null], [[]], [{ seq: "1" }], [{ seq: 1, members: [[-1, {}], [5, { name: "far" }], ["0", {}], [0], 3] }],
    [{ seq: 1, members: { __proto__: [] }, rows: [[1e300, {}], [0.5, {}]], facts: [] }],
  ])("is not moved by what is none: %j", (told) => {
    expect(afterTeamSnapshot(TEAM_BEGINNING, told).state).toEqual({ ...NO_TEAM, now: expect.anything() });
    if (told && !Array.isArray(told)) expect(afterTeamChange(TEAM_BEGINNING, told as Told).state.members).toEqual([]);
  });

  it("believes no value of a wrong kind", () => {
    const odd = { name: 3, state: "constructor", doing: {}, tokens: -1, cost: "1", runs: [{ run: 1 }, null, { run: "r", prompt: 2 }] };
    const { state } = apply(TEAM_BEGINNING, change(1, { members: [[0, odd]], rows: [[0, { kind: 1, tokens: 1.5, cost: NaN }]] }));
    expect(state.members[0]).toEqual({
      name: "", state: "idle", doing: "", model: "", tokens: 0, cost: null, runs: [{ run: "r", prompt: "" }],
    });
    expect(state.rows.get(0)).toMatchObject({ kind: "", tokens: 0, cost: null });
  });

  it("keeps the newest rows", () => {
    const rows = Array.from({ length: 700 }, (_, number) => [number, { kind: "run", agent: `${number}` }]);
    const { state } = apply(TEAM_BEGINNING, change(1, { rows }));
    expect(state.rows.size).toBe(500);
    expect([...state.rows.keys()][0]).toBe(200);
  });
});

/** As the kernel tells of all of it. */
function snapshotOf({ state, seq }: TeamFollowing): Told {
  const { began, ...facts } = state.facts;
  const rows = [...state.rows].map(([number, { start, end, ...row }]) => [number, { ...row, start_ms: start, end_ms: end }]);
  return { seq, now_ms: state.now, facts: { ...facts, began_ms: began }, members: state.members.map((one, place) => [place, one]), rows };
}
