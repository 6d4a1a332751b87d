/** Formulas as MathML, once math.js is there; until then, and where it fails, they stand as they were written. */
import { bare, TEX, TEX_BLOCK } from "./formulas";
import { sanitizeMath } from "./sanitize";

export type Render = (tex: string, display: boolean) => string;

/** So many formulas are kept: those in a growing paragraph are needed at each of its words. */
const KEPT = 300;
const SOURCES = `.${TEX}, .${TEX_BLOCK}`;

export class Typesetter {
  private render: Render | undefined;
  private readonly roots = new Set<Element>();
  private readonly known = new Map<string, DocumentFragment | null>();

  /** `want` asks for math.js; it may be called again while nothing comes. */
  constructor(private readonly want: () => void) {}

  /** Typeset what is in a fragment, or ask for the means to. `root` is where it will be shown. */
  typeset(fragment: ParentNode, root: Element): void {
    const found = fragment.querySelectorAll(SOURCES);
    if (!found.length) return;
    if (this.render) {
      found.forEach((element) => this.set(element));
      return;
    }
    this.roots.add(root);
    this.want();
  }

  loaded(render: Render): void {
    this.render = render;
    for (const root of this.roots) root.querySelectorAll(SOURCES).forEach((element) => this.set(element));
    this.roots.clear();
  }

  /** A view is closed. */
  forget(root: Element): void {
    for (const known of this.roots) if (root.contains(known)) this.roots.delete(known);
  }

  private set(element: Element): void {
    const source = element.textContent ?? "";
    element.classList.remove(TEX, TEX_BLOCK);
    const made = this.made(source);
    if (!made) return;
    element.classList.add("alloy-math");
    element.replaceChildren(made.cloneNode(true));
  }

  private made(source: string): DocumentFragment | null {
    const known = this.known.get(source);
    if (known !== undefined) return known;
    const [tex, display] = bare(source);
    let made: DocumentFragment | null = null;
    try {
      const html = this.render?.(tex, display);
      made = html ? sanitizeMath(html) : null;
    } catch (error) {
      console.warn("alloy: a formula could not be typeset", error);
    }
    if (this.known.size >= KEPT) this.known.delete(this.known.keys().next().value!);
    this.known.set(source, made);
    return made;
  }
}
