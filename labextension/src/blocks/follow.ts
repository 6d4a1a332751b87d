/** One run's changes in their order: what comes early waits, and a gap is closed by a snapshot. Pure. */
import type { RunState } from "./block";
import { EMPTY, reduce, restored } from "./reduce";

export interface Following {
  readonly state: RunState;
  /** The number of the last change that is part of `state`. */
  readonly seq: number;
  /** The highest number heard of. */
  readonly newest: number;
  /** Changes that came before one that is missing, by their number. */
  readonly early: ReadonlyMap<number, unknown>;
}

export const BEGINNING: Following = { state: EMPTY, seq: 0, newest: 0, early: new Map() };

/** Two minutes of messages. Where a snapshot takes longer, it has to hold what they said. */
const MOST_EARLY = 2_400;

/** Whether something is missing, so that a snapshot ("sync") is wanted. */
export function isBehind(following: Following): boolean {
  return following.newest > following.seq;
}

/** After change number `seq`; one that is known already, or is none, changes nothing. */
export function afterChange(following: Following, seq: unknown, ops: unknown): Following {
  if (!isCount(seq) || seq <= following.seq) return following;
  if (seq === following.seq + 1) return caughtUp(following, reduce(following.state, ops), seq);
  const newest = Math.max(seq, following.newest);
  if (following.early.has(seq)) return following;
  const early = following.early.size < MOST_EARLY ? new Map(following.early) : new Map<number, unknown>();
  return { ...following, newest, early: early.set(seq, ops) };
}

/** After a snapshot of the state as change number `seq` left it; one that is older than what is known changes nothing. */
export function afterSnapshot(following: Following, seq: unknown, blocks: unknown, facts: unknown): Following {
  if (!isCount(seq) || seq < following.seq) return following;
  return caughtUp(following, restored(following.state, blocks, facts), seq);
}

/** `state` is that after change number `seq`; then whatever waited for it. */
function caughtUp(following: Following, state: RunState, seq: number): Following {
  let next = seq + 1;
  for (; following.early.has(next); next++) state = reduce(state, following.early.get(next));
  const last = next - 1;
  const left = [...following.early].filter(([number]) => number > last);
  const early = following.early.size > 0 ? new Map(left) : following.early;
  return { state, seq: last, newest: Math.max(last, following.newest), early };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
