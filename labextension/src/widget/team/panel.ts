/** What one agent said and did: its runs one below another, each the live view that it would have in a cell. */
import type { Member, TeamState } from "../../blocks/team";
import { durationWords } from "../../blocks/words";
import { arrange, make, setText } from "../dom";
import { LABELS } from "./labels";

/** Shows a run in an element; returns what closes it. */
export type ShowRun = (run: string, el: HTMLElement) => () => void;

interface Mounted {
  readonly asked: HTMLElement;
  readonly view: HTMLElement;
  readonly close: () => void;
}

export class Panel {
  private readonly nothing = make("div", "alloy-notice", LABELS.nothing);
  private readonly handed = make("div", "alloy-notice");
  private readonly mounted = new Map<string, Mounted>();

  constructor(
    private readonly element: HTMLElement,
    private readonly showRun: ShowRun,
  ) {}

  /** As somebody looks at it: a view is made no sooner, and kept. */
  draw(member: Member, state: TeamState): void {
    for (const { run, prompt } of member.runs) {
      const known = this.mounted.get(run) ?? this.mount(run);
      setText(known.asked, prompt);
    }
    const words = [...state.rows.values()]
      .filter((row) => row.kind === "handoff" && row.agent === member.name)
      .map((row) => LABELS.handedOver(row.to, durationWords(Math.max(0, row.start - state.facts.began))));
    setText(this.handed, words.join(" · "));
    setText(this.nothing, member.state === "queued" ? LABELS.queued : LABELS.nothing);
    const runs = [...this.mounted.values()].flatMap(({ asked, view }) => (asked.textContent ? [asked, view] : [view]));
    arrange(this.element, runs.length ? [...runs, ...(words.length ? [this.handed] : [])] : [this.nothing]);
  }

  close(): void {
    for (const { close } of this.mounted.values()) close();
  }

  private mount(run: string): Mounted {
    const view = make("div");
    const mounted = { asked: make("div", "alloy-said"), view, close: this.showRun(run, view) };
    this.mounted.set(run, mounted);
    return mounted;
  }
}
