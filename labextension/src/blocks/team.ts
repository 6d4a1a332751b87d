/** A team as the page knows it, and what changes it: `alloy_nb/notebook/live/team.py`. Pure; nothing is trusted. */

export const STATES = ["idle", "queued", "working", "asking", "done", "stopped", "failed", "down"] as const;
export type State = (typeof STATES)[number];

export interface MemberRun {
  readonly run: string;
  readonly prompt: string;
}

export interface Member {
  readonly name: string;
  readonly state: State;
  /** What it does at this moment. */
  readonly doing: string;
  readonly model: string;
  readonly tokens: number;
  readonly cost: number | null;
  readonly runs: readonly MemberRun[];
}

/** A run, or something that happened; times are the kernel's. */
export interface Row {
  readonly kind: string;
  readonly agent: string;
  readonly to: string;
  readonly start: number;
  /** Null while it runs. */
  readonly end: number | null;
  readonly status: string;
  readonly tokens: number;
  readonly cost: number | null;
}

export interface TeamFacts {
  readonly name: string;
  readonly kind: string;
  readonly live: boolean;
  readonly waited: boolean;
  readonly tokens: number;
  readonly cost: number | null;
  readonly began: number;
}

export interface TeamState {
  readonly facts: TeamFacts;
  readonly members: readonly Member[];
  /** By number, lowest first. */
  readonly rows: ReadonlyMap<number, Row>;
  /** The kernel's time when this was sent. */
  readonly now: number;
}

export interface TeamFollowing {
  readonly state: TeamState;
  /** The number of the last change that is part of `state`. */
  readonly seq: number;
  /** Changes that came before one that is missing. */
  readonly early: ReadonlyMap<number, Told>;
}

export type Told = Readonly<Record<string, unknown>>;

const NOBODY: Member = { name: "", state: "idle", doing: "", model: "", tokens: 0, cost: null, runs: [] };
const NO_FACTS: TeamFacts = { name: "", kind: "team", live: true, waited: false, tokens: 0, cost: null, began: 0 };
export const NO_TEAM: TeamState = { facts: NO_FACTS, members: [], rows: new Map(), now: 0 };
export const TEAM_BEGINNING: TeamFollowing = { state: NO_TEAM, seq: 0, early: new Map() };

const MOST_ROWS = 500;
const MOST_MEMBERS = 1_000;
const MOST_EARLY = 2_400;

/** Whether something is missing, so that a snapshot is wanted. */
export function isTeamBehind(following: TeamFollowing): boolean {
  return following.early.size > 0;
}

/** After a change; one that is known already, or is none, changes nothing. */
export function afterTeamChange(following: TeamFollowing, change: Told): TeamFollowing {
  const seq = count(change["seq"], -1);
  if (seq <= following.seq || following.early.has(seq)) return following;
  if (seq === following.seq + 1) return caughtUp(following, changed(following.state, change), seq);
  const early = following.early.size < MOST_EARLY ? new Map(following.early) : new Map<number, Told>();
  return { ...following, early: early.set(seq, change) };
}

/** After a snapshot; one that is older than what is known changes nothing. */
export function afterTeamSnapshot(following: TeamFollowing, snapshot: unknown): TeamFollowing {
  if (!isTold(snapshot)) return following;
  const seq = count(snapshot["seq"], -1);
  if (seq < 1 || seq < following.seq) return following;
  return caughtUp(following, changed(NO_TEAM, snapshot), seq);
}

function caughtUp(following: TeamFollowing, state: TeamState, seq: number): TeamFollowing {
  for (let next = seq + 1; following.early.has(next); next++) {
    state = changed(state, following.early.get(next)!);
    seq = next;
  }
  return { state, seq, early: new Map([...following.early].filter(([number]) => number > seq)) };
}

/** Each thing that is told of stands for what was there. */
function changed(state: TeamState, told: Told): TeamState {
  const members = [...state.members];
  for (const [place, item] of entries(told["members"])) {
    if (place > members.length || place >= MOST_MEMBERS) continue;
    members[place] = memberOf(item);
  }
  const fresh = entries(told["rows"]);
  let rows = state.rows;
  if (fresh.length) {
    const all = new Map(rows);
    for (const [number, item] of fresh) all.set(number, rowOf(item));
    rows = new Map([...all].sort(([one], [other]) => one - other).slice(-MOST_ROWS));
  }
  const facts = isTold(told["facts"]) ? factsOf(state.facts, told["facts"]) : state.facts;
  return { facts, members, rows, now: count(told["now_ms"], state.now) };
}

function factsOf(before: TeamFacts, told: Told): TeamFacts {
  return {
    name: word(told["name"]) || before.name,
    kind: word(told["kind"]) || before.kind,
    live: typeof told["live"] === "boolean" ? told["live"] : before.live,
    waited: typeof told["waited"] === "boolean" ? told["waited"] : before.waited,
    tokens: count(told["tokens"], before.tokens),
    cost: "cost" in told ? price(told["cost"]) : before.cost,
    began: count(told["began_ms"], before.began),
  };
}

function memberOf(told: Told): Member {
  const runs = Array.isArray(told["runs"]) ? told["runs"].filter(isTold) : [];
  const state = STATES.find((known) => known === told["state"]) ?? "idle";
  return {
    ...NOBODY,
    name: word(told["name"]),
    state,
    doing: word(told["doing"]),
    model: word(told["model"]),
    tokens: count(told["tokens"], 0),
    cost: price(told["cost"]),
    runs: runs.map((item) => ({ run: word(item["run"]), prompt: word(item["prompt"]) })).filter(({ run }) => run),
  };
}

function rowOf(told: Told): Row {
  return {
    kind: word(told["kind"]),
    agent: word(told["agent"]),
    to: word(told["to"]),
    start: count(told["start_ms"], 0),
    end: typeof told["end_ms"] === "number" ? count(told["end_ms"], 0) : null,
    status: word(told["status"]),
    tokens: count(told["tokens"], 0),
    cost: price(told["cost"]),
  };
}

function entries(told: unknown): (readonly [number, Told])[] {
  if (!Array.isArray(told)) return [];
  return told
    .filter((item): item is [number, Told] => Array.isArray(item) && count(item[0], -1) >= 0 && isTold(item[1]))
    .map(([key, value]) => [key, value] as const);
}

function isTold(value: unknown): value is Told {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function word(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function count(value: unknown, otherwise: number): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : otherwise;
}

function price(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
