/** Where growing Markdown can be cut: what lies before can no longer change. As `split_settled` in Python. */

import { isBlank } from "./blank";

/** The part of a token that matters here. */
export interface BlockToken {
  readonly type: string;
  readonly level: number;
  readonly map: readonly [number, number] | number[] | null;
}

/** A markdown-it parser, or one of its blocks only (`core.ruler.enableOnly(["normalize", "block"])`), which is faster. */
export interface BlockParser {
  parse(markdown: string, env: object): readonly BlockToken[];
}

/** Blocks that an empty line ends for good; a list or a fence may go on behind it. */
const CLOSED_BY_BLANK: ReadonlySet<string> = new Set(["paragraph_open", "heading_open", "table_open", "hr"]);

/**
 * Clean Markdown cut into what no further text can change, and the block that still grows.
 *
 * Rendered apart and joined, the two give what the whole gives; only definitions of reference links reach across.
 */
export function splitSettled(markdown: string, parser: BlockParser): [settled: string, growing: string] {
  // The last line may still become anything: a fence, a table, a list.
  const complete = markdown.slice(0, markdown.lastIndexOf("\n") + 1);
  const last = [...parser.parse(complete, {})].reverse().find(isTopBlock);
  const [start, end] = last?.map ?? [];
  if (last === undefined || start === undefined || end === undefined) return ["", markdown];
  const lines = complete.split("\n").slice(0, -1);
  const closed = CLOSED_BY_BLANK.has(last.type) && end < lines.length && isBlank(lines[end] ?? "");
  const place = lines.slice(0, closed ? lines.length : start).reduce((sum, line) => sum + line.length + 1, 0);
  return [markdown.slice(0, place), markdown.slice(place)];
}

/** Not a definition of a link: markdown-it makes a token of it, Python's parser none. */
function isTopBlock(token: BlockToken): boolean {
  return token.level === 0 && token.map !== null && token.type !== "reference_definition";
}
