/** Words of the answer: Markdown that grows. What no further text can change is rendered once and left alone. */
import type { Block, Text } from "../../blocks/block";
import { splitSettled } from "../../blocks/settle";
import { growText, make, morph, setText } from "../dom";
import { languageOf, newParser, render } from "../markdown";
import type { Around, Part } from "./part";

/** What was said to the agent while it worked. */
export class SaidPart implements Part {
  readonly element = make("div", "alloy-said");

  update(block: Block): void {
    setText(this.element, (block as Text).markdown ?? "");
  }
}

export class TextPart implements Part {
  readonly element = make("div", "alloy-text");
  private readonly growing = new GrowingMarkdown(this.element);

  update(block: Block, around: Around): void {
    const live = Boolean((block as Text).live) && around.live;
    this.element.classList.toggle("alloy-growing", live);
    const render = (markdown: string) => this.made(markdown, around);
    this.growing.update((block as Text).markdown ?? "", live, render);
  }

  private made(markdown: string, around: Around): Node[] {
    const fragment = render(markdown);
    around.desk.formulas.typeset(fragment, this.element);
    return [...fragment.childNodes];
  }
}

type MakeNodes = (markdown: string) => Node[];

/** A block of code from its first line on. Indented ones are left to the parser. */
const OPEN_FENCE = /^(`{3,}(?=[^`\n]*\n)|~{3,})([^\n]*)\n/;
const BLANK_LINES = /^(?:[ \t]*\n)+/;
/** A last line that may still become the end of a fence. */
const MAYBE_CLOSER = /(?:^|\n) {0,3}(?:`+|~+)?[ \t]*$/;
const DEFINITION = /^ {0,3}\[[^\]\n]+\]:/m;

let blocks: ReturnType<typeof newParser> | undefined;

function blockParser(): ReturnType<typeof newParser> {
  if (!blocks) {
    blocks = newParser();
    blocks.core.ruler.enableOnly(["normalize", "block"]);
  }
  return blocks;
}

export class GrowingMarkdown {
  private settled = "";
  /** So many children of the element are settled. */
  private count = 0;
  private code: { readonly node: CharacterData; readonly opener: string; scanned: number } | undefined;
  private whole: string | undefined;

  constructor(private readonly element: HTMLElement) {}

  update(markdown: string, live: boolean, make: MakeNodes): void {
    if (markdown === this.whole) return;
    if (!markdown.startsWith(this.settled)) this.restart(); // a key was recognised only now, and taken out
    if (live) return this.grow(markdown, make);
    this.whole = markdown;
    this.code = undefined;
    // Definitions of links reach across blocks.
    if (DEFINITION.test(markdown)) morph(this.element, 0, make(markdown));
    else morph(this.element, this.count, make(markdown.slice(this.settled.length)));
  }

  private grow(markdown: string, make: MakeNodes): void {
    this.whole = undefined;
    for (;;) {
      const rest = markdown.slice(this.settled.length);
      const blank = BLANK_LINES.exec(rest)?.[0];
      const settled = blank ?? this.settledPart(rest);
      if (settled === null) return;
      if (!settled) {
        morph(this.element, this.count, make(rest));
        return;
      }
      this.code = undefined;
      if (!blank) morph(this.element, this.count, make(settled));
      this.settled += settled;
      this.count = blank ? this.count : this.element.childNodes.length;
    }
  }

  /** What of `rest` can no longer change; null when its fence, which is still open, was shown here. */
  private settledPart(rest: string): string | null {
    const fence = OPEN_FENCE.exec(rest);
    if (!fence) return splitSettled(rest, blockParser())[0];
    const [opener, marks, info] = fence as unknown as [string, string, string];
    if (this.code?.opener !== opener) this.code = { node: this.newCode(info), opener, scanned: opener.length };
    const closer = new RegExp(`^ {0,3}${marks[0]}{${marks.length},}[ \\t]*(?:\\n|$)`, "gm");
    closer.lastIndex = this.code.scanned;
    const end = closer.exec(rest);
    if (end?.[0].endsWith("\n")) return rest.slice(0, end.index + end[0].length);
    this.code.scanned = Math.max(opener.length, rest.lastIndexOf("\n") + 1);
    const shown = end ? rest.slice(0, end.index) : rest.replace(MAYBE_CLOSER, "");
    growText(this.code.node, shown.slice(opener.length).replace(/\n+$/, ""));
    return null;
  }

  private newCode(info: string): CharacterData {
    const language = languageOf(info);
    const pre = make("pre");
    const code = pre.appendChild(make("code", language ? `language-${language}` : ""));
    const node = code.appendChild(document.createTextNode(""));
    while (this.element.childNodes.length > this.count) this.element.lastChild!.remove();
    this.element.append(pre);
    return node;
  }

  private restart(): void {
    this.settled = "";
    this.count = 0;
    this.code = undefined;
    this.element.replaceChildren();
  }
}
