/** What lies under a call's line, or in a card: arguments, a change, output. First as values, then as nodes. */
import type { Json, Picture, Rich, TableOutput, Tool } from "../../blocks/block";
import { WORDS } from "../../blocks/catalogue";
import { make, setText } from "../dom";
import { highlight } from "../highlight";
import { sanitize } from "../sanitize";

export type Section =
  | { readonly kind: "label"; readonly text: string }
  | { readonly kind: "words"; readonly text: string }
  | { readonly kind: "output"; readonly text: string }
  | { readonly kind: "code"; readonly text: string; readonly language: string }
  | { readonly kind: "diff"; readonly text: string }
  | { readonly kind: "picture"; readonly text: string; readonly mime: string; readonly told: string }
  | { readonly kind: "table"; readonly text: string; readonly table: TableOutput["table"] };

/** Arguments longer than this have a box of their own. */
const SHORT = 120;
const CODE_ARGUMENTS: Readonly<Record<string, string>> = { command: "bash", code: "python" };
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const label = (text: string): Section => ({ kind: "label", text });
const output = (text: string): Section => ({ kind: "output", text });
export const wordsOf = (text: string): Section => ({ kind: "words", text });

export function toolSections(tool: Tool): Section[] {
  const diff = tool.diff ?? [];
  const parts = [...argumentSections(tool.input, tool.key ?? "")];
  if (diff.length) parts.push(...diffSections(diff, tool.state === "done"));
  if (tool.error != null) parts.push(label(WORDS.error), output(tool.error));
  else if (tool.output) parts.push(label(WORDS.output), output(tool.output.trimEnd()));
  else if (tool.progress?.length) parts.push(output(tool.progress.join("\n")));
  return parts;
}

/** Pictures and tables: they are what was asked for, and are not folded. */
export function richSections(tool: Tool): Section[] {
  return (tool.rich ?? []).flatMap((item: Rich) => {
    if ("table" in item) return tableSections(item);
    return "words" in item ? [wordsOf(item.words)] : pictureSections(item, tool.name ?? "");
  });
}

/** The arguments that the line does not show: short ones a line each, long ones in a box of their own, all whole. */
export function argumentSections(input: Json | undefined, key: string): Section[] {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return [];
  const short: string[] = [];
  const long: Section[] = [];
  const told = Object.entries(input).map(([name, value]) => [name, typeof value === "string" ? value : asJson(value)] as const);
  // The line shows one of them; another one that says the same is another one.
  const onLine = told.filter(([, text]) => text === key).length === 1;
  for (const [name, text] of told) {
    if (onLine && text === key) continue;
    if (text.length <= SHORT && !text.includes("\n")) short.push(`${name}: ${text}`);
    else {
      const language = Object.hasOwn(CODE_ARGUMENTS, name) ? CODE_ARGUMENTS[name]! : "";
      long.push(label(name), { kind: "code", text, language });
    }
  }
  return short.length ? [label(WORDS.arguments), output(short.join("\n")), ...long] : long;
}

export function diffSections(diff: readonly string[], made: boolean): Section[] {
  return [label(made ? WORDS.change : WORDS.changeAsked), { kind: "diff", text: diff.join("\n") }];
}

function pictureSections({ image, mime }: Picture, tool: string): Section[] {
  if (!PICTURES.includes(mime) || !BASE64.test(image)) return [];
  return image ? [{ kind: "picture", text: image, mime, told: WORDS.image(tool) }] : [wordsOf(WORDS.imageLeftOut)];
}

function tableSections({ table }: TableOutput): Section[] {
  const shown: Section = { kind: "table", text: JSON.stringify(table), table };
  return table.more ? [shown, wordsOf(WORDS.moreRows(table.more))] : [shown];
}

/** JSON as Python writes it, which is how the frozen form shows it. */
export function asJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(asJson).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${asJson(item)}`).join(", ")}}`;
  }
  return JSON.stringify(value);
}

/** Sections as children of an element. What did not change is not touched: its place scrolled to and selection stay. */
export class Sections {
  private shown: Section[] = [];

  constructor(private readonly element: HTMLElement) {}

  update(sections: Section[]): void {
    sections.forEach((section, place) => {
      const known = this.shown[place];
      const node = this.element.children[place];
      if (known && node && isSame(known, section)) return;
      if (known?.kind === section.kind && node && (section.kind === "output" || section.kind === "label")) {
        setText(node, section.text);
      } else if (node) {
        node.replaceWith(build(section));
      } else {
        this.element.append(build(section));
      }
    });
    while (this.element.children.length > sections.length) this.element.lastElementChild!.remove();
    this.shown = sections;
  }
}

function isSame(one: Section, other: Section): boolean {
  const isPicture = one.kind === "picture" && other.kind === "picture";
  return one.kind === other.kind && one.text === other.text && (!isPicture || one.told === other.told);
}

function build(section: Section): HTMLElement {
  switch (section.kind) {
    case "label":
      return make("div", "alloy-label", section.text);
    case "words":
      return make("div", "alloy-notice", section.text);
    case "output":
      return box("alloy-output", section.text);
    case "code":
      return codeBox(section.text, section.language);
    case "diff":
      return diffBox(section.text);
    case "picture":
      return pictureBox(section.text, section.mime, section.told);
    case "table":
      return tableBox(section.table);
  }
}

/** A box that scrolls can be scrolled by keys. */
function box(name: string, text: string): HTMLPreElement {
  const pre = make("pre", name, text);
  pre.tabIndex = 0;
  return pre;
}

function codeBox(text: string, language: string): HTMLElement {
  const pre = box("alloy-code", "");
  const html = highlight(text, language);
  if (html === null) pre.textContent = text;
  else pre.append(sanitize(html));
  return pre;
}

const DIFF_COLOURS: Readonly<Record<string, string>> = { "+": "green", "-": "red", "@": "blue" };

function diffBox(text: string): HTMLElement {
  const pre = box("alloy-diff", "");
  text.split("\n").forEach((line, place) => {
    if (place) pre.append("\n");
    const colour = DIFF_COLOURS[line.slice(0, 1)];
    pre.append(colour ? make("span", `alloy-${colour}`, line) : line);
  });
  return pre;
}

function pictureBox(image: string, mime: string, told: string): HTMLElement {
  const picture = make("img", "alloy-picture");
  picture.alt = told;
  picture.src = `data:${mime};base64,${image}`;
  return picture;
}

function tableBox(table: TableOutput["table"]): HTMLElement {
  const outer = make("div", "alloy-table");
  const inner = outer.appendChild(make("table"));
  const numeric = table.numeric ?? [];
  const cell = (tag: "th" | "td", text: string, place: number) =>
    make(tag, numeric[place] ? "alloy-right" : "", text);
  const head = inner.appendChild(make("thead")).appendChild(make("tr"));
  head.append(...table.columns.map((text, place) => cell("th", text, place)));
  const body = inner.appendChild(make("tbody"));
  for (const row of table.rows) {
    body.appendChild(make("tr")).append(...row.map((text, place) => cell("td", text, place)));
  }
  return outer;
}
