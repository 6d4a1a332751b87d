/**
 * LaTeX in Markdown, by the rules of `alloy_nb/render/formulas.py`: kept letter for letter, typeset later by math.js.
 * A formula with a macro that does more than draw is shown as it was written.
 */
import type { MarkdownIt, StateBlock, StateInline } from "markdown-it";

/** Class of what can be typeset: in a line, and as a block. */
export const TEX = "alloy-tex";
export const TEX_BLOCK = "alloy-tex-block";

/**
 * Macros that make links, styles and attributes, load something, change what other macros mean, or show something else
 * when they are pressed or pointed at.
 */
export const ACTING = new RegExp(
  String.raw`\\(?:(?:href|url)(?![A-Za-z])|(?:style|class|cssId|data|html[A-Z][a-z]+|bbox|unicode|mmlToken|includegraphics|require` +
    String.raw`|definecolor|mathtoolsset|setOptions|toggle|texttip|mathtip)(?=\s*(?:\\?[{[%]|&|$))` +
    String.raw`|(?:[egx]?def|let|futurelet|global|(?:new|renew|provide)command|(?:re)?newenvironment` +
    String.raw`|Declare[A-Za-z]+|Newextarrow|(?:re)?newtagform|newcolumntype)(?=\*?\s*(?:[\\{[%&]|$)))`,
);

/** No formula in a line of text is longer; the bound keeps hostile text from costing its length squared. */
const LONGEST = 2_000;

// Dollars as Pandoc reads them: no blank inside the marks, no digit behind, no code within.
const INLINE =
  /\$\$(?!\$)(?:\\[^]|[^\\$`])+?\$\$|\$(?=[^\s$])(?:\\[^]|[^\\$`])*?(?<=[^\s$])\$(?![0-9$])/y;
// What follows `\(` and `\[`: their closer, and all that a formula up to it may hold.
const BRACKETS: Readonly<Record<string, readonly [string, RegExp]>> = {
  "\\(": ["\\)", /(?:[^\\`]|\\(?!\))[^])*/y],
  "\\[": ["\\]", /(?:[^\\`]|\\(?!\])[^])*/y],
};
const OPENER = /(\$\$|\\\[|\\begin\{([A-Za-z*]{1,20})\})(.*)$/;

/** Teach a parser formulas: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and environments. */
export function addFormulas(parser: MarkdownIt): void {
  parser.block.ruler.before("fence", "formula_block", block, {
    alt: ["paragraph", "reference", "blockquote", "list"],
  });
  parser.inline.ruler.before("escape", "formula", inline);
  const escape = parser.utils.escapeHtml;
  parser.renderer.rules["formula_block"] = (tokens, index) => {
    const text = tokens[index]!.content;
    return ACTING.test(text) ? `<p>${escape(text)}</p>\n` : `<p class="${TEX_BLOCK}">${escape(text)}</p>\n`;
  };
  parser.renderer.rules["formula"] = (tokens, index) => `<span class="${TEX}">${escape(tokens[index]!.content)}</span>`;
}

function inline(state: StateInline, silent: boolean): boolean {
  const start = state.pos;
  const opener = state.src.slice(start, start + 2);
  const dollar = opener[0] === "$";
  let end: number | null = null;
  if (dollar) end = matchEnd(INLINE, state.src, start, Math.min(state.posMax, start + LONGEST));
  else if (Object.hasOwn(BRACKETS, opener)) end = bracketEnd(state, opener);
  else return false;
  if (end === null && !dollar) return false;
  const text = end === null ? "$" : state.src.slice(start, end);
  if (!silent) {
    const token = state.push(end === null || ACTING.test(text) ? "text" : "formula", "", 0);
    token.content = text;
  }
  state.pos = start + text.length;
  return true;
}

function matchEnd(pattern: RegExp, text: string, start: number, end: number): number | null {
  pattern.lastIndex = 0;
  const match = pattern.exec(text.slice(start, end));
  return match ? start + match[0].length : null;
}

/**
 * The place behind the formula that begins here, or null. Whatever opener a search has passed, a search from there
 * ends where that one did; so the place is kept, and a thousand openers without a closer cost one search.
 */
function bracketEnd(state: StateInline, opener: string): number | null {
  const [closer, inside] = BRACKETS[opener]!;
  const start = state.pos;
  const content = start + opener.length;
  const env = state.env as { alloySearched?: Map<string, [string, number, number, number]> };
  const searched = (env.alloySearched ??= new Map());
  let known = searched.get(opener);
  if (!known || known[0] !== state.src || known[1] !== state.posMax || content < known[2] || content > known[3]) {
    const place = matchEnd(inside, state.src, content, state.posMax) ?? content;
    known = [state.src, state.posMax, content, place];
    searched.set(opener, known);
  }
  const place = known[3];
  const end = place + closer.length;
  const found = place > content && end <= Math.min(state.posMax, start + LONGEST) && state.src.startsWith(closer, place);
  return found ? end : null;
}

/** Lines from an opener to its closer; without a closer to the end, as a fence. */
function block(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if (state.sCount[startLine]! - state.blkIndent >= 4) return false;
  const match = OPENER.exec(lineOf(state, startLine));
  if (!match || match.index !== 0) return false;
  const environment = match[2];
  const rest = match[3]!.trimEnd();
  const closer = environment ? `\\end{${environment}}` : match[1] === "$$" ? "$$" : "\\]";
  // A formula inside a paragraph, or none.
  if (rest && !rest.endsWith(closer) && !environment) return false;
  if (silent) return true;
  let last = startLine + 1;
  if (!rest.endsWith(closer)) last = lineAfter(state, last, endLine, closer);
  const token = state.push("formula_block", "", 0);
  token.content = state.getLines(startLine, last, state.blkIndent, false).replace(/^\n+|\n+$/g, "");
  token.map = [startLine, last];
  token.block = true;
  state.line = last;
  return true;
}

/** The line behind the closer, or behind the end of the list or quote around it. */
function lineAfter(state: StateBlock, line: number, endLine: number, closer: string): number {
  while (line < endLine) {
    const text = lineOf(state, line);
    if (text && state.sCount[line]! < state.blkIndent) return line;
    line += 1;
    if (text.trimEnd().endsWith(closer)) return line;
  }
  return endLine;
}

function lineOf(state: StateBlock, line: number): string {
  return state.src.slice(state.bMarks[line]! + state.tShift[line]!, state.eMarks[line]!);
}

/** A formula without its delimiters, and whether it stands by itself. */
export function bare(source: string): readonly [tex: string, display: boolean] {
  const text = source.trim();
  for (const [opener, closer, display] of DELIMITERS) {
    if (text.startsWith(opener) && text.endsWith(closer) && text.length >= opener.length + closer.length) {
      return [text.slice(opener.length, text.length - closer.length), display];
    }
  }
  return [text, true];
}

const DELIMITERS: readonly (readonly [string, string, boolean])[] = [
  ["$$", "$$", true],
  ["\\[", "\\]", true],
  ["\\(", "\\)", false],
  ["$", "$", false],
];
