/** Folded thinking: "Thinking… 2.1 s" while it goes on. */
import type { Block, Thinking } from "../../blocks/block";
import { thinkingWords } from "../../blocks/words";
import { make, setText } from "../dom";
import { everyTick } from "../ticker";
import { Fold } from "./fold";
import type { Around, Part } from "./part";

export class ThinkingPart implements Part {
  readonly element: HTMLElement;
  private readonly words = make("span", "alloy-quiet");
  private readonly body = make("div", "alloy-thinking");
  private readonly fold = new Fold(this.body, () => this.fill());
  private readonly since = performance.now();
  private block: Thinking = { block: "thinking" };
  private stopTicking: (() => void) | undefined;

  constructor() {
    this.element = this.fold.element;
    this.fold.summary.append(this.words);
  }

  update(block: Block, around: Around): void {
    this.block = block as Thinking;
    const live = Boolean(this.block.live) && around.live;
    if (live) this.stopTicking ??= everyTick(() => this.say(true));
    else this.close();
    this.say(live);
    if (this.fold.filled) this.fill();
  }

  close(): void {
    this.stopTicking?.();
    this.stopTicking = undefined;
  }

  private say(live: boolean): void {
    const told = this.block.seconds ?? null;
    const seconds = live && told === null ? (performance.now() - this.since) / 1_000 : told;
    setText(this.words, thinkingWords(seconds, live));
  }

  private fill(): void {
    setText(this.body, (this.block.text ?? "").trim());
  }
}
