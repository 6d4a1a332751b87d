/** The words of a team that the frozen form says too: `alloy_nb/render/team_wording.py`. */
import type { Member, Row, State } from "./team";
import { costWords, durationWords, tokenWords } from "./words";

/** The mark of a state, and its colour's class; "" for the text's own, quiet. */
export const STATE_MARKS: Readonly<Record<State, readonly [sign: string, colour: string]>> = {
  idle: ["○", ""],
  queued: ["○", "blue"],
  working: ["●", "blue"],
  asking: ["?", "orange"],
  done: ["✓", "green"],
  stopped: ["■", "orange"],
  failed: ["✗", "red"],
  down: ["✗", "red"],
};

const STATE_WORDS: Readonly<Record<State, string>> = {
  idle: "idle",
  queued: "waiting its turn",
  working: "working",
  asking: "waiting for approval",
  done: "done",
  stopped: "stopped",
  failed: "failed",
  down: "down",
};

const ROW_WORDS: Readonly<Record<string, string>> = {
  handoff: "handed over",
  member_added: "joined",
  member_removed: "left",
  crash: "crashed",
  restart: "started again",
  down: "stays down",
  abandoned: "given up: it did not answer",
};

const ROW_STATES: Readonly<Record<string, State>> = {
  completed: "done",
  running: "working",
  error: "failed",
  halted: "failed",
  waiting: "asking",
};

/** Below a head that says "cost". */
const UNKNOWN = "unknown";

export const HEADS = ["agent", "status", "began after", "took", "tokens", "cost"] as const;

/** How a member stands, or what it does just now. */
export function stateWords(member: Pick<Member, "state" | "doing">): string {
  return (member.state === "working" && member.doing) || STATE_WORDS[member.state];
}

/** How the run of a row stands, as a member's state. */
export function rowState(row: Row): State {
  return Object.hasOwn(ROW_STATES, row.status) ? ROW_STATES[row.status]! : "stopped";
}

export function usedWords(tokens: number, cost: number | null): string[] {
  return tokens ? [`${tokenWords(tokens)} tokens`, costWords(cost)] : [];
}

export function agentsWords(count: number): string {
  return `${count} agent${count === 1 ? "" : "s"}`;
}

/** A row of the timeline: who, how it went, when it began, how long it took, tokens, cost. */
export function rowCells(row: Row, began: number, now = row.end): string[] {
  const who = row.kind === "handoff" ? `${row.agent} → ${row.to}` : row.agent;
  const happened = Object.hasOwn(ROW_WORDS, row.kind) ? ROW_WORDS[row.kind]! : row.kind;
  const end = row.end ?? now;
  return [
    who,
    row.kind === "run" ? STATE_WORDS[rowState(row)] : happened,
    row.start - began >= 1 ? durationWords(row.start - began) : "0 s",
    row.kind === "run" && end !== null ? durationWords(Math.max(0, end - row.start)) : "",
    row.tokens ? tokenWords(row.tokens) : "",
    row.tokens ? (row.cost === null ? UNKNOWN : costWords(row.cost)) : "",
  ];
}
