/**
 * Blocks and facts out of what a message holds. Nothing of a message is trusted to have the form it should: a value of
 * a wrong type is passed over, an unknown key is not looked at, and so `__proto__` is only a key that nobody asks for.
 */
import type { Block, Facts, Json, Rich } from "./block";
import { WORDS } from "./catalogue";

/** A field's value as it is kept, or undefined where `value` is none for it. */
type Read = (value: unknown) => unknown;

interface Field {
  readonly read: Read;
  /** What the field is where it is left out; a block never holds it, so that equal blocks look equal. */
  readonly default: unknown;
}

type Fields = Readonly<Record<string, Field>>;

const STATES = {
  tool: ["waiting", "running", "done", "failed", "denied"],
  approval: ["pending", "allowed", "denied", "withdrawn"],
};
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** Deeper values than any that the kernel sends. */
const DEEPEST = 64;

const is = (type: string): Read => (value) => (typeof value === type ? value : undefined);
const string = is("string");
const boolean = is("boolean");
const number: Read = (value) => (Number.isFinite(value) ? value : undefined);
const oneOf = (values: readonly string[]): Read => (value) => values.find((item) => item === value);
const listOf = (read: Read): Read => (value) =>
  Array.isArray(value) ? value.map(read).filter((item) => item !== undefined) : undefined;
const strings = listOf(string);
const orNull = (read: Read): Read => (value) => (value === null ? null : read(value));

const text: Field = { read: string, default: "" };
const lines: Field = { read: strings, default: [] };
const maybeNumber: Field = { read: number, default: null };
const flag: Field = { read: boolean, default: false };
/** None for what cannot be shown as it is: what was there before would be the arguments of another call. */
const json: Field = { read: (value) => (isJson(value, 0) ? value : null), default: null };

const BLOCKS: Readonly<Record<Block["block"], Fields>> = {
  thinking: { text, seconds: maybeNumber, live: flag },
  text: { markdown: text, live: flag, by: { read: string, default: "model" } },
  tool: {
    id: text,
    name: text,
    key: text,
    input: json,
    output: text,
    error: { read: string, default: null },
    duration_ms: maybeNumber,
    state: { read: oneOf(STATES.tool), default: "waiting" },
    progress: lines,
    fraction: maybeNumber,
    exit_code: maybeNumber,
    diff: lines,
    rich: { read: listOf(readRich), default: [] },
  },
  approval: {
    id: text,
    name: text,
    key: text,
    input: json,
    reason: text,
    state: { read: oneOf(STATES.approval), default: "pending" },
    by: text,
    answer: text,
    remember: { read: string, default: "once" },
    diff: lines,
    partial: flag,
  },
  notice: { kind: text, text, seconds: maybeNumber },
  error: { type: text, message: text, hint: text },
};

const FACTS: Readonly<Record<keyof Facts, Read>> = {
  model: string,
  status: string,
  turns: number,
  input_tokens: number,
  output_tokens: number,
  cost: orNull(number),
  notice: orNull(string),
  inputs: strings,
  seconds: number,
  asks: oneOf(["page", "input"]),
  waited: boolean,
};

const UNKNOWN: Block = { block: "notice", kind: "unknown", text: WORDS.unknownPart };

type Bag = Readonly<Record<string, unknown>>;

export function isBag(value: unknown): value is Bag {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A new block. What is of no kind that this version knows becomes a notice, so that every place stays its own. */
export function readBlock(value: unknown): Block {
  const kind = own(value, "block");
  if (typeof kind !== "string" || !Object.hasOwn(BLOCKS, kind)) return UNKNOWN;
  return changed({ block: kind } as Block, value);
}

/** `block` with the fields that `value` holds; the same object where that changes nothing. */
export function changed(block: Block, value: unknown): Block {
  let next: Record<string, unknown> | undefined;
  for (const [name, field] of Object.entries(BLOCKS[block.block])) {
    // null: as if it were left out.
    const read = own(value, name) === null ? field.default : readField(field.read, value, name);
    if (read === undefined) continue;
    const kept = own(block, name);
    if (isSame(read, kept === undefined ? field.default : kept)) continue;
    next ??= { ...block };
    if (isSame(read, field.default)) delete next[name];
    else next[name] = read;
  }
  return next === undefined ? block : (next as unknown as Block);
}

/** `facts` with those that `value` holds; the same object where that changes nothing. */
export function changedFacts(facts: Facts, value: unknown): Facts {
  let next: Record<string, unknown> | undefined;
  for (const [name, read] of Object.entries(FACTS)) {
    const fact = readField(read, value, name);
    if (fact === undefined || isSame(fact, own(facts, name))) continue;
    next ??= { ...facts };
    next[name] = fact;
  }
  return next ?? facts;
}

/** Whether two values out of messages are equal, however deep. */
export function isSame(one: unknown, other: unknown, depth = 0): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other || depth > DEEPEST) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => Object.hasOwn(other, name) && isSame(own(one, name), own(other, name), depth + 1));
}

function own(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Bag)[name];
}

function readField(read: Read, value: unknown, name: string): unknown {
  const given = own(value, name);
  return given === undefined ? undefined : read(given);
}

function readRich(value: unknown): Rich | undefined {
  const image = own(value, "image");
  if (typeof image === "string") {
    const mime = oneOf(PICTURES)(own(value, "mime"));
    return typeof mime === "string" ? { image, mime } : undefined;
  }
  const words = own(value, "words");
  if (typeof words === "string") return { words };
  const table = own(value, "table");
  const columns = own(table, "columns");
  const rows = own(table, "rows");
  if (!isStrings(columns) || !Array.isArray(rows) || !rows.every(isStrings)) return undefined;
  const more = own(table, "more");
  const numeric = own(table, "numeric");
  return {
    table: {
      columns,
      rows,
      more: Number.isSafeInteger(more) ? (more as number) : 0,
      numeric: Array.isArray(numeric) ? numeric.map((item) => item === true) : [],
    },
  };
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isJson(value: unknown, depth: number): value is Json {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  // A larger number has lost its last digits, if it had any.
  if (typeof value === "number") return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  if (typeof value !== "object" || depth > DEEPEST) return false;
  return Object.values(value).every((item) => isJson(item, depth + 1));
}
