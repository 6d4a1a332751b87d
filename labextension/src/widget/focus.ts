/**
 * For who works by keys: nothing that they press in a view is a shortcut of the notebook, and when the view is taken
 * away, they go on from the cell.
 */
import { holdsFocus, onlyByKeys } from "./dom";

export class Focus {
  /** What holds the view and can have the focus: the cell. Null while nobody is in the view. */
  private around: HTMLElement | null = null;
  private isTyping = false;

  constructor(
    private readonly view: HTMLElement,
    /** Has the focus when what had it in the view is gone. */
    private readonly root: HTMLElement,
  ) {
    onlyByKeys(root);
    view.addEventListener("focusin", (event) => this.came(event.target));
    // An element that is taken away loses the focus first: whether it was, shows a moment later.
    view.addEventListener("focusout", () => queueMicrotask(() => this.left()));
  }

  /** What had the focus is gone: the next question is at hand, and one more key away from being answered. */
  catch(): void {
    this.root.tabIndex = -1;
    (this.root.querySelector<HTMLElement>(".alloy-approval") ?? this.root).focus({ preventScroll: true });
  }

  /** The view was taken away. */
  handOver(): void {
    const { around } = this;
    this.around = null;
    // What somebody still types at a field that is gone must be no shortcut of the notebook.
    if (!around?.isConnected || this.isTyping) return;
    if (around.ownerDocument.activeElement === around.ownerDocument.body) around.focus({ preventScroll: true });
  }

  private came(target: EventTarget | null): void {
    // JupyterLab looks for this from the focused element upwards, but its shortcuts match that element first.
    if (target instanceof HTMLElement) target.dataset["lmSuppressShortcuts"] = "true";
    this.around = this.view.parentElement?.closest<HTMLElement>("[tabindex]") ?? null;
    if (target !== this.root) this.isTyping = target instanceof HTMLInputElement;
  }

  private left(): void {
    if (this.view.isConnected && !holdsFocus(this.view)) this.around = null;
  }
}
