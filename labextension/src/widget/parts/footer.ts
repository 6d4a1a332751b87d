/** Under a run: Stop, and its facts. */
import type { Facts } from "../../blocks/block";
import { LOST, WORDS } from "../../blocks/catalogue";
import { durationWords, footerWords } from "../../blocks/words";
import type { Desk } from "../desk";
import { button, holdsFocus, make, setText } from "../dom";
import { LABELS } from "../labels";
import { everyTick } from "../ticker";

/** A run that has not ended so long after Stop can be stopped again. */
const AGAIN_MS = 6_000;
/** An ended run is replaced by its frozen form at once, unless the page was loaded anew meanwhile. */
const FROZEN_MS = 3_000;

export class Footer {
  readonly elements: readonly HTMLElement[];
  private readonly foot = make("div", "alloy-foot");
  private readonly words = make("span");
  private readonly told = make("div", "alloy-told");
  private readonly notice = make("div", "alloy-notice");
  private readonly stop: HTMLButtonElement;
  private facts: Facts = {};
  private stopTicking: (() => void) | undefined;
  private again: ReturnType<typeof setTimeout> | undefined;
  private unkept: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly desk: Desk) {
    this.stop = button("alloy-button alloy-stop", WORDS.stop, () => void this.press());
    this.told.setAttribute("role", "status");
    this.foot.tabIndex = -1;
    this.foot.append(this.stop, " ", this.words);
    this.elements = [this.foot, this.told, this.notice];
  }

  update(facts: Facts, live: boolean): void {
    this.facts = facts;
    if (live) {
      this.stopTicking ??= everyTick(() => this.say(true));
    } else {
      this.stopTicking?.();
      this.stopTicking = undefined;
      this.stop.remove();
      if (this.unkept === undefined) {
        setText(this.told, "");
        const isSaid = facts.status !== LOST && !this.desk.within;
        this.unkept = setTimeout(() => setText(this.told, isSaid ? LABELS.unkept : ""), FROZEN_MS);
      }
    }
    this.say(live);
    setText(this.notice, facts.notice ?? "");
  }

  close(): void {
    this.stopTicking?.();
    this.stopTicking = undefined;
    clearTimeout(this.again);
    clearTimeout(this.unkept);
  }

  private say(live: boolean): void {
    const words = footerWords(this.facts, live);
    if (live) {
      words.shift(); // that it is running, the Stop button says
      const { told, at } = this.desk.counted;
      const seconds = (told ?? 0) + (performance.now() - at) / 1_000;
      words.push(durationWords(seconds * 1_000));
    }
    setText(this.words, words.join(" · "));
  }

  private async press(): Promise<void> {
    // Who works by keys is left where the button is: one that is disabled loses them.
    if (holdsFocus(this.stop)) this.foot.focus({ preventScroll: true });
    this.stop.disabled = true;
    setText(this.stop, LABELS.stopping);
    setText(this.told, "");
    const how = await this.desk.stop(this.facts.waited ?? false);
    if (!this.stop.parentNode) return; // the run has ended, or nobody looks any more
    if (how === "unheard") this.offerAgain();
    else this.again = setTimeout(() => this.offerAgain(), AGAIN_MS);
    if (how === "interrupted") setText(this.told, LABELS.interrupted);
    if (how === "unheard") setText(this.told, LABELS.stopUnheard);
  }

  private offerAgain(): void {
    this.stop.disabled = false;
    setText(this.stop, WORDS.stop);
  }
}
