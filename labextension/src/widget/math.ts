/** KaTeX as a file of its own, sent to the page when a formula is shown for the first time: TeX to MathML, nothing else. */
import katex from "katex";
import { ACTING } from "./formulas";

/** MathML of a formula, or "" for one that is better shown as it was written. */
export function render(tex: string, display: boolean): string {
  if (ACTING.test(tex)) return "";
  const html = katex.renderToString(tex, {
    output: "mathml",
    displayMode: display,
    throwOnError: false,
    trust: false,
    strict: "ignore",
    maxSize: 20,
    maxExpand: 200,
    macros: {},
    globalGroup: false,
  });
  return html.includes("katex-error") ? "" : html;
}
