/** KaTeX as a file of its own, sent to the page when a formula is shown for the first time: TeX to MathML, nothing else. */
import katex from "katex";
import { ACTING } from "./formulas";

/** MathML of a formula, or "" for one that is better shown as it was written. */
export function render(tex: string, display: boolean): string {
  if (ACTING.test(tex)) return "";
  try {
    return katex.renderToString(tex, {
      output: "mathml",
      displayMode: display,
      throwOnError: true, // it would be shown in red, and in part
      trust: false,
      strict: "ignore",
      maxSize: 20,
      maxExpand: 200,
      globalGroup: false,
    });
  } catch (error) {
    if (error instanceof katex.ParseError || error instanceof RangeError) return "";
    throw error;
  }
}
