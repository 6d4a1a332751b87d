/**
 * What a person has unfolded stays so when the frozen form takes the place of a view: it would fall shut, and what is
 * read below it would jump away.
 */

/** The frozen form is there at once, or the view was taken away for another reason. */
const FRAMES = 10;

export class Folds {
  private area: Element | null = null;
  private place = 0;

  constructor(private readonly view: HTMLElement) {}

  /** The view is in the page: JupyterLab's outputs of a cell lie one below another. */
  settle(): void {
    const child = this.view.closest(".jp-OutputArea-child");
    this.area = child?.parentElement ?? null;
    if (child && this.area) this.place = [...this.area.children].indexOf(child);
  }

  /** The view was taken away. */
  handOver(): void {
    const { area, place } = this;
    const open = [...this.view.querySelectorAll("details")].map((fold) => fold.open);
    let left = open.includes(true) ? FRAMES : 0;
    const reopen = () => {
      const folds = area?.children[place]?.querySelectorAll<HTMLDetailsElement>(".alloy-run:not(.alloy-view *) details");
      if (folds?.length) open.forEach((isOpen, number) => folds[number]?.toggleAttribute("open", isOpen));
      else if (left--) requestAnimationFrame(reopen);
    };
    if (left) requestAnimationFrame(reopen); // before it is painted
  }
}
