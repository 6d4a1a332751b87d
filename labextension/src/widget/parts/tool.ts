/** A tool call: one quiet line, and folded under it what went in and came out. */
import type { Approval, Block, Tool, ToolState } from "../../blocks/block";
import { MARKS, outcomeWords, verdictWords } from "../../blocks/words";
import { make, setText } from "../dom";
import { Fold } from "./fold";
import { type Around, mark, type Part } from "./part";
import { richSections, Sections, toolSections } from "./sections";

const STATE_COLOURS: Readonly<Record<string, string>> = { running: "blue", done: "green", failed: "red", denied: "red" };

/** Mark, name, the argument that matters, and at the right how it went. */
class Line {
  readonly element = make("span", "alloy-line");
  private readonly mark = mark("", "");
  private readonly name = make("span", "alloy-quiet");
  private readonly key = make("code", "alloy-key");
  private readonly words = make("span", "alloy-right-end");

  constructor() {
    // The blanks are for who copies the line.
    this.element.append(this.mark, " ", this.name, " ", this.key, " ", this.words);
  }

  say(state: ToolState, name: string, key: string, words: string): void {
    const colour = STATE_COLOURS[state];
    const style = colour ? `alloy-mark alloy-${colour}` : "alloy-mark";
    if (this.mark.className !== style) this.mark.className = style;
    setText(this.mark, MARKS[state]);
    setText(this.name, name);
    setText(this.key, key);
    setText(this.words, words);
  }
}

function sayTool(line: Line, tool: Tool, question: Approval | undefined): void {
  line.say(tool.state ?? "waiting", tool.name ?? "", tool.key ?? "", outcomeWords(tool, question));
}

/** A call with nothing to unfold. */
export class StillPart implements Part {
  readonly element = make("div", "alloy-tool");
  readonly below = make("div", "alloy-rich");
  private readonly line = new Line();
  private readonly rich = new Sections(this.below);

  constructor() {
    this.element.append(this.line.element);
  }

  update(block: Block, around: Around): void {
    const tool = block as Tool;
    sayTool(this.line, tool, around.questions.get(tool.id ?? ""));
    this.rich.update(richSections(tool));
  }
}

export class ToolPart implements Part {
  readonly element: HTMLElement;
  readonly below = make("div", "alloy-rich");
  private readonly line = new Line();
  private readonly body = make("div", "alloy-body");
  private readonly sections = new Sections(this.body);
  private readonly fold = new Fold(this.body, () => this.fill());
  private readonly rich = new Sections(this.below);
  private tool: Tool = { block: "tool" };

  constructor() {
    this.element = this.fold.element;
    this.fold.summary.append(this.line.element);
  }

  update(block: Block, around: Around): void {
    this.tool = block as Tool;
    sayTool(this.line, this.tool, around.questions.get(this.tool.id ?? ""));
    this.rich.update(richSections(this.tool));
    if (this.fold.filled) this.fill();
  }

  private fill(): void {
    this.sections.update(toolSections(this.tool));
  }
}

/** An answered question whose call is not shown. */
export class VerdictPart implements Part {
  readonly element = make("div", "alloy-tool");
  private readonly line = new Line();

  constructor() {
    this.element.append(this.line.element);
  }

  update(block: Block): void {
    const question = block as Approval;
    const state = question.state === "allowed" ? "done" : question.state === "denied" ? "denied" : "waiting";
    this.line.say(state, question.name ?? "", question.key ?? "", verdictWords(question));
  }
}

export function hasBody(tool: Tool): boolean {
  return toolSections(tool).length > 0;
}
