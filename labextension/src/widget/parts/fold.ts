/** A line with something folded under it, which is made only when somebody opens it. */
import { make, onPress } from "../dom";

export class Fold {
  readonly element = make("details", "alloy-fold");
  readonly summary = make("summary");
  private made = false;

  /** `fill` makes the body; it is called once, at the first opening. */
  constructor(
    private readonly body: HTMLElement,
    private readonly fill: () => void,
  ) {
    this.element.append(this.summary);
    onPress(this.summary, () => this.element.toggleAttribute("open"));
    this.element.addEventListener("toggle", () => this.open());
  }

  /** Whether the body was ever opened, and is kept up to date from now on. */
  get filled(): boolean {
    return this.made;
  }

  private open(): void {
    if (this.made || !this.element.open) return;
    this.made = true;
    this.fill();
    this.element.append(this.body);
  }
}
