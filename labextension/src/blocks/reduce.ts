/** A run's state and what changes it: pure, and a block that did not change stays the same object. */
import type { Block, RunState } from "./block";
import { changed, changedFacts, isBag, isSame, readBlock } from "./read";

export const EMPTY: RunState = { blocks: [], facts: {} };

/**
 * The state after the operations of one message. An operation that is out of range or none at all changes nothing.
 *
 * The list of blocks is copied once a message, the blocks themselves never: the cost is that of what changes.
 */
export function reduce(state: RunState, ops: unknown): RunState {
  if (!Array.isArray(ops)) return state;
  const draft = new Draft(state);
  for (const op of ops) if (Array.isArray(op)) draft.apply(op);
  return draft.done();
}

/** The state that a snapshot tells. What is equal to what was known stays the same object. */
export function restored(known: RunState, blocks: unknown, facts: unknown): RunState {
  const told = Array.isArray(blocks) ? blocks.map(readBlock) : [];
  const kept = told.map((block, place) => {
    const before = known.blocks[place];
    return before !== undefined && isSame(before, block) ? before : block;
  });
  const untouched = kept.length === known.blocks.length && kept.every((block, place) => block === known.blocks[place]);
  const read = changedFacts({}, facts);
  const nextFacts = isSame(read, known.facts) ? known.facts : read;
  if (untouched && nextFacts === known.facts) return known;
  return { blocks: untouched ? known.blocks : kept, facts: nextFacts };
}

class Draft {
  private blocks: readonly Block[];
  private copy: Block[] | undefined;
  private facts;

  constructor(private readonly state: RunState) {
    this.blocks = state.blocks;
    this.facts = state.facts;
  }

  done(): RunState {
    const { blocks, facts, state } = this;
    return blocks === state.blocks && facts === state.facts ? state : { blocks, facts };
  }

  apply(op: readonly unknown[]): void {
    const [kind, first, second, third] = op;
    if (kind === "t") this.append(first, second);
    else if (kind === "r") this.replaceWords(first, second, third);
    else if (kind === "b") this.change(first, second);
    else if (kind === "n") this.cut(first);
    else if (kind === "f" && isBag(first)) this.facts = changedFacts(this.facts, first);
  }

  private append(place: unknown, text: unknown): void {
    const block = this.at(place);
    if (block !== undefined && typeof text === "string" && text) this.setWords(place as number, wordsOf(block) + text);
  }

  private replaceWords(place: unknown, keep: unknown, text: unknown): void {
    const block = this.at(place);
    if (block === undefined || typeof text !== "string") return;
    const words = wordsOf(block);
    if (isIndex(keep) && keep <= words.length) this.setWords(place as number, words.slice(0, keep) + text);
  }

  private setWords(place: number, words: string): void {
    const block = this.blocks[place];
    if (block?.block === "thinking") this.set(place, changed(block, { text: words }));
    else if (block?.block === "text") this.set(place, changed(block, { markdown: words }));
  }

  private change(place: unknown, fields: unknown): void {
    if (!isIndex(place) || place > this.blocks.length || !isBag(fields)) return;
    const block = this.blocks[place];
    if (Object.hasOwn(fields, "block")) {
      const made = readBlock(fields);
      this.set(place, block !== undefined && isSame(block, made) ? block : made);
    } else if (block !== undefined) {
      this.set(place, changed(block, fields));
    }
  }

  private cut(count: unknown): void {
    if (isIndex(count) && count < this.blocks.length) this.writable().length = count;
  }

  private at(place: unknown): Block | undefined {
    return isIndex(place) ? this.blocks[place] : undefined;
  }

  private set(place: number, block: Block): void {
    if (this.blocks[place] !== block) this.writable()[place] = block;
  }

  private writable(): Block[] {
    this.copy ??= [...this.blocks];
    this.blocks = this.copy;
    return this.copy;
  }
}

function wordsOf(block: Block): string {
  if (block.block === "thinking") return block.text ?? "";
  return block.block === "text" ? (block.markdown ?? "") : "";
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
