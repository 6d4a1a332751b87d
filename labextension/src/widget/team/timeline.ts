/** Who ran when: a row a run, hand-offs as arrows; bars show the time, words say it. */
import type { Row, TeamState } from "../../blocks/team";
import { HEADS, rowCells, rowState, STATE_MARKS } from "../../blocks/team_words";
import { arrange, make, setText } from "../dom";
import { LABELS } from "./labels";

interface Line {
  readonly element: HTMLTableRowElement;
  readonly cells: readonly HTMLElement[];
  readonly bar: HTMLElement;
  readonly sign: HTMLElement;
  readonly who: HTMLElement;
}

const BAR_PLACE = 2;
const FIRST_NUMBER = 2;

export class Timeline {
  readonly element = make("div");
  private readonly table = make("table");
  private readonly body = make("tbody");
  private readonly nobody = make("div", "alloy-notice", LABELS.nobody);
  private readonly lines = new Map<number, Line>();

  constructor() {
    const head = make("thead");
    const line = make("tr");
    const cells = HEADS.map((text, place) => {
      const cell = make("th", place >= FIRST_NUMBER ? "alloy-number" : "", text);
      cell.scope = "col";
      return cell;
    });
    const when = make("th", "alloy-when", LABELS.bar);
    when.scope = "col";
    line.append(...cells.slice(0, BAR_PLACE), when, ...cells.slice(BAR_PLACE));
    head.append(line);
    this.table.append(head, this.body);
    this.element.append(this.nobody);
  }

  /** `now` is the kernel's time at this moment. */
  update(state: TeamState, now: number): void {
    const { rows, facts } = state;
    arrange(this.element, [rows.size ? this.table : this.nobody]);
    const began = Math.min(facts.began || Infinity, ...[...rows.values()].map((row) => row.start));
    const last = Math.max(...[...rows.values()].map((row) => row.end ?? (facts.live ? now : row.start)), began + 1);
    for (const number of this.lines.keys()) if (!rows.has(number)) this.lines.delete(number);
    const elements = [...rows].map(([number, row]) => {
      const line = this.line(number);
      draw(line, row, began, last, facts.live ? now : row.end);
      return line.element;
    });
    arrange(this.body, elements);
  }

  private line(number: number): Line {
    const known = this.lines.get(number);
    if (known) return known;
    const element = make("tr");
    const cells = HEADS.map((_, place) => make("td", place >= FIRST_NUMBER ? "alloy-number" : ""));
    const when = make("td", "alloy-when");
    const track = make("div", "alloy-track");
    const bar = make("div");
    track.append(bar);
    when.append(track);
    const sign = make("span");
    const who = make("span");
    cells[0]!.append(sign, " ", who);
    element.append(...cells.slice(0, BAR_PLACE), when, ...cells.slice(BAR_PLACE));
    const line = { element, cells, bar, sign, who };
    this.lines.set(number, line);
    return line;
  }
}

function draw(line: Line, row: Row, began: number, last: number, now: number | null): void {
  const isRun = row.kind === "run";
  const [sign, colour] = isRun ? STATE_MARKS[rowState(row)] : [row.kind === "handoff" ? "↳" : "·", ""];
  setText(line.sign, sign);
  line.sign.className = colour ? `alloy-${colour}` : "alloy-quiet";
  const [who, ...others] = rowCells(row, began, now);
  setText(line.who, who!);
  line.cells[0]!.title = who!;
  others.forEach((text, place) => setText(line.cells[place + 1]!, text));
  const share = (time: number) => (100 * Math.min(Math.max(time - began, 0), last - began)) / (last - began);
  const from = share(row.start);
  line.bar.className = isRun ? `alloy-bar alloy-${colour}` : "alloy-arrow alloy-quiet";
  line.bar.style.marginLeft = `${from.toFixed(2)}%`;
  line.bar.style.width = isRun ? `${Math.max(share(row.end ?? now ?? row.start) - from, 0).toFixed(2)}%` : "";
  setText(line.bar, isRun ? "" : row.kind === "handoff" ? "↓" : "·");
  line.bar.setAttribute("aria-hidden", "true");
}
