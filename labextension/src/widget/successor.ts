/**
 * The frozen form that takes the place of a view. What a person has unfolded stays so: it would fall shut, and what is
 * read below it would jump away. What they have marked stays marked.
 */
import { remark, watchMarks } from "./marks";

/** The frozen form is there at once, or the view was taken away for another reason. */
const FRAMES = 10;

/** A part of the view, and the same part of the frozen form. */
export type Pair = readonly [live: Element, frozen: Element];

export class Successor {
  /**
   * Its end is behind what the view is in, and once that is taken away it is where that was, whatever else has come or
   * gone: the browser sees to it.
   */
  private place: Range | undefined;
  private area: Node | null = null;

  constructor(private readonly view: HTMLElement) {
    watchMarks();
  }

  /** The view is in the page: JupyterLab's outputs of a cell lie one below another. */
  settle(): void {
    const child = this.view.closest(".jp-OutputArea-child");
    if (!child?.parentNode || (this.isThere() && this.area === child.parentNode)) return;
    this.area = child.parentNode;
    this.place = document.createRange();
    this.place.selectNode(child);
  }

  /** The view was taken away. `pairs` may prepare the frozen form. */
  handOver(pairs: (frozen: Element) => readonly Pair[]): void {
    let left = FRAMES;
    const look = () => {
      if (!this.isThere()) return;
      const area = this.area!;
      const child = area.childNodes[this.place!.endOffset];
      const frozen = child instanceof Element && child.querySelector(".alloy-run:not(.alloy-view *)");
      if (!frozen) return void (left-- && requestAnimationFrame(look));
      for (const [live, other] of pairs(frozen)) {
        reopen(live, other);
        remark(live, other, area);
      }
    };
    requestAnimationFrame(look); // before it is painted
  }

  /** Of a cell that is moved, or scrolled out of sight, the browser takes the place for where the cell was. */
  private isThere(): boolean {
    return !!this.place && this.place.endContainer === this.area;
  }
}

function reopen(live: Element, frozen: Element): void {
  const folds = frozen.querySelectorAll("details");
  live.querySelectorAll("details").forEach(({ open }, number) => folds[number]?.toggleAttribute("open", open));
}
