/** A scheduler's jobs while its kernel is there: what each does next and did last, and its buttons in its row. */
import { arrange, button, holdsFocus, make, setText } from "./dom";
import { Focus } from "./focus";
import { addSheet, addStyles } from "./styles";
import type { Model } from "./transport";

/** What `alloy_nb/notebook/live/jobs.py` says of a job. All of it is somebody else's text. */
interface Told {
  job: string;
  cells: string[];
  paused: boolean;
}

const ACTIONS = "what to do";
const LINE = "1px solid rgba(127,127,127,.35)";
const TABLE = ".alloy-view.alloy-view .alloy-jobs-live";
const SHEET = `
${TABLE}{container-type:inline-size;border-left:2px solid var(--jp-brand-color1,#1979df);padding:1px 0 1px 12px}
${TABLE} table{width:100%;table-layout:fixed;border-collapse:collapse;margin:0;font-size:12px;line-height:1.45}
${TABLE} :is(th,td){text-align:left;vertical-align:top;padding:5px 8px 5px 0;border-bottom:${LINE};overflow-wrap:anywhere}
${TABLE} th{font-weight:600}
${TABLE} :is(th,td):nth-child(1){width:11%}
${TABLE} :is(th,td):nth-child(2){width:18%}
${TABLE} :is(th,td):nth-child(3){width:16%}
${TABLE} :is(th,td):nth-child(4){width:12%}
${TABLE} th:nth-child(6){width:230px}
${TABLE} .alloy-actions{margin:0;gap:4px}
@container (max-width:860px){
${TABLE} :is(table,tbody,tr,td){display:block;width:auto!important}
${TABLE} thead{display:none}
${TABLE} tr{border-bottom:${LINE};padding:5px 0}
${TABLE} td{border:0;padding:1px 0}
${TABLE} td:first-child{font-weight:600}
${TABLE} td:nth-child(n+2):not(:last-child)::before{content:attr(data-label)": ";opacity:.68}
}`;

class Row {
  readonly element = make("tr");
  private readonly cells: HTMLElement[] = [];
  private readonly run: HTMLButtonElement;
  private readonly hold: HTMLButtonElement;
  private readonly remove: HTMLButtonElement;
  private paused = false;
  private asked = false;

  constructor(
    columns: readonly string[],
    private readonly name: string,
    act: (action: string) => void,
  ) {
    this.run = button("alloy-button", "", () => act("trigger"));
    this.hold = button("alloy-button", "", () => act(this.paused ? "resume" : "pause"));
    // The first press asks, the second one does it; who goes elsewhere has not meant it.
    this.remove = button("alloy-button", "", () => {
      if (this.asked) act("remove");
      else this.remove.focus();
      this.ask(!this.asked);
    });
    this.remove.addEventListener("blur", () => this.ask(false));
    const actions = make("div", "alloy-actions");
    actions.append(this.run, this.hold, this.remove);
    this.element.setAttribute("role", "row");
    for (const label of [...columns, ACTIONS]) {
      const cell = make("td");
      cell.setAttribute("role", "cell");
      cell.dataset["label"] = label;
      this.cells.push(cell);
    }
    this.cells.at(-1)?.append(actions);
    this.element.append(...this.cells);
    this.ask(false);
  }

  show(told: Told): void {
    this.paused = told.paused;
    told.cells.forEach((text, place) => setText(this.cells[place] as HTMLElement, text));
    this.label(this.run, "Run now");
    this.label(this.hold, told.paused ? "Resume" : "Pause");
  }

  private ask(asked: boolean): void {
    this.asked = asked;
    this.label(this.remove, asked ? "Sure?" : "Remove");
  }

  /** Many rows have the same words: who hears them alone hears whose they are. */
  private label(element: HTMLElement, words: string): void {
    setText(element, words);
    element.setAttribute("aria-label", `${words} ${words === "Sure?" ? "Remove " : ""}${this.name}`);
  }
}

class JobsView {
  // Nothing in it is a formula.
  private readonly outer = make("div", "alloy-view tex2jax_ignore mathjax_ignore");
  private readonly root = make("div", "alloy-jobs-live");
  private readonly table = make("table");
  private readonly body = make("tbody");
  private readonly none = make("div", "alloy-notice", "no job yet");
  private readonly told = make("div", "alloy-told");
  private readonly words = make("span");
  private readonly focus = new Focus(this.outer, this.root);
  private readonly rows = new Map<string, Row>();
  private readonly columns: string[];
  private readonly draw = () => this.show();
  private readonly leave = () => this.close();

  constructor(
    private readonly model: Model,
    el: HTMLElement,
  ) {
    this.columns = model.get("columns") as string[];
    this.outer.dataset["lmSuppressShortcuts"] = "true";
    this.root.setAttribute("role", "region");
    this.root.tabIndex = -1;
    this.told.setAttribute("role", "status");
    this.table.setAttribute("role", "table");
    const foot = make("div", "alloy-foot");
    foot.append(this.words);
    this.table.append(this.head(), this.body);
    this.root.append(this.table, this.none, this.told, foot);
    // The same table for pages without a kernel is the output before this one: it shows again when this is gone.
    const instead = make("style");
    const mark = String(model.get("mark"));
    instead.textContent = `.${mark}{display:none}.jp-OutputArea-child:has(.${mark}){display:none}`;
    this.outer.append(instead, this.root);
    el.append(this.outer);
    addStyles(el);
    addSheet(el, "alloy-jobs-styles", SHEET);
    model.on("change", this.draw);
    model.on("comm_live_update", this.leave); // the kernel was restarted, or is gone
    this.show();
  }

  private head(): HTMLElement {
    const [head, row] = [make("thead"), make("tr")];
    row.setAttribute("role", "row");
    for (const label of [...this.columns, ACTIONS]) {
      const cell = make("th", "", label);
      cell.setAttribute("role", "columnheader");
      row.append(cell);
    }
    head.append(row);
    return head;
  }

  private show(): void {
    const told = this.model.get("rows") as Told[];
    const names = new Set(told.map((one) => one.job));
    for (const name of this.rows.keys()) if (!names.has(name)) this.rows.delete(name);
    for (const one of told) {
      let row = this.rows.get(one.job);
      if (!row) this.rows.set(one.job, (row = new Row(this.columns, one.job, (action) => this.act(action, one.job))));
      row.show(one);
    }
    const held = holdsFocus(this.body);
    arrange(this.body, told.map((one) => (this.rows.get(one.job) as Row).element));
    if (held && !holdsFocus(this.body)) this.root.focus({ preventScroll: true });
    this.table.hidden = told.length === 0;
    this.none.hidden = told.length > 0;
    const words = String(this.model.get("words"));
    setText(this.words, words);
    this.root.setAttribute("aria-label", words);
    this.table.setAttribute("aria-label", `jobs of ${words}`);
    setText(this.told, String(this.model.get("told")));
  }

  private act(action: string, job: string): void {
    this.model.send({ do: action, job });
  }

  close(): void {
    this.model.off("change", this.draw);
    this.model.off("comm_live_update", this.leave);
    this.outer.remove();
    this.focus.handOver();
  }
}

export default {
  render({ model, el }: { model: Model; el: HTMLElement }): () => void {
    const view = new JobsView(model, el);
    return () => view.close();
  },
};
