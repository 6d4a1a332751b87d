/** What a screen reader is told of a run: short sentences at its turning points, never the stream itself. */
import type { RunState } from "../blocks/block";
import { LABELS } from "./labels";

const ENDS: Readonly<Record<string, string>> = { completed: LABELS.finished, error: LABELS.failed };

/** The sentence for a state, or null where the last one still holds. */
export function statusWords(state: RunState, live: boolean): string | null {
  if (!live) {
    const status = state.facts.status ?? "";
    return Object.hasOwn(ENDS, status) ? ENDS[status]! : LABELS.stopped;
  }
  for (let place = state.blocks.length - 1; place >= 0; place--) {
    const block = state.blocks[place]!;
    if (block.block === "approval" && (block.state ?? "pending") === "pending") return LABELS.asks(block.name ?? "");
    if (block.block === "tool" && block.state === "running") return LABELS.running(block.name ?? "");
    if (block.block === "thinking" && block.live) return LABELS.thinking;
    if (block.block === "text" && block.live) return LABELS.answering;
  }
  return null;
}
