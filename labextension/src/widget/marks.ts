/** What a person has marked of an answer's text is marked in its frozen form, too. */

/** Counted in signs without the blanks: the two forms have other blanks between their blocks. */
interface Mark {
  /** A view of a run, or an agent's part of a team's. */
  readonly part: Element;
  readonly start: number;
  readonly end: number;
  readonly isBackward: boolean;
  readonly text: string;
}

let mark: Mark | undefined;
let isWatched = false;

export function watchMarks(): void {
  if (!isWatched) document.addEventListener("selectionchange", note);
  isWatched = true;
}

/** Mark in `frozen` what was marked in `live`, unless there is another selection than what is left at `place`. */
export function remark(live: Element, frozen: Element, place: Node): void {
  const selection = getSelection();
  if (mark?.part !== live || !selection || (selection.rangeCount && selection.anchorNode !== place)) return;
  const { start, end, text, isBackward } = mark;
  mark = undefined;
  const from = pointAt(frozen, start);
  const to = pointAt(frozen, end - 1);
  if (!from || !to || textOf(frozen).slice(start, end) !== text) return;
  to[1] += 1;
  const [anchor, focus] = isBackward ? [to, from] : [from, to];
  selection.setBaseAndExtent(...anchor, ...focus);
}

function note(): void {
  const fresh = read();
  // The browser unmarks what is taken away, and says so.
  if (fresh || mark?.part.isConnected) mark = fresh;
}

function read(): Mark | undefined {
  const selection = getSelection();
  if (!selection?.rangeCount || selection.isCollapsed) return;
  const range = selection.getRangeAt(0);
  const part = partOf(range.startContainer);
  if (!part || part !== partOf(range.endContainer)) return;
  const start = textOf(part, range.startContainer, range.startOffset).length;
  const text = textOf(part, range.endContainer, range.endOffset).slice(start);
  const isBackward = selection.anchorNode !== range.startContainer || selection.anchorOffset !== range.startOffset;
  return text ? { part, start, end: start + text.length, text, isBackward } : undefined;
}

function partOf(node: Node): Element | null {
  const element = node instanceof Element ? node : node.parentElement;
  return element?.closest(".alloy-panel") ?? element?.closest(".alloy-view") ?? null;
}

function textsOf(part: Element): Element[] {
  return [...part.querySelectorAll(".alloy-text")];
}

/** The answer's signs in `part`, up to a place in it. */
function textOf(part: Element, node?: Node, offset = 0): string {
  let text = "";
  for (const element of textsOf(part)) {
    const range = document.createRange();
    range.selectNodeContents(element);
    const side = node ? range.comparePoint(node, offset) : 1;
    if (side < 0) break;
    if (node && !side) range.setEnd(node, offset);
    text += range.toString().replace(/\s/g, "");
  }
  return text;
}

/** Before the sign with this number. */
function pointAt(part: Element, number: number): [Node, number] | undefined {
  for (const element of textsOf(part)) {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode() as Text | null; node; node = walker.nextNode() as Text | null) {
      for (const { index } of node.data.matchAll(/\S/g)) if (!number--) return [node, index];
    }
  }
  return undefined;
}
