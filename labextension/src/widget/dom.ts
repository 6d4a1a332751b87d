/** Making nodes. Text goes in as text, always. */

export function make<K extends keyof HTMLElementTagNameMap>(tag: K, name = "", text = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

/** A pointer's click follows it within so long, and so does the second half of a double click. */
const CLICK_MS = 350;
/** Both halves of a double click are so near to each other. */
const NEAR_PX = 10;

/** How a pointer last went up from what can be pressed. */
let last: PointerEvent | undefined;

/** A button that no form submits. */
export function button(name: string, text: string, pressed: () => void): HTMLButtonElement {
  const element = make("button", name, text);
  element.type = "button";
  onPress(element, pressed);
  return element;
}

/**
 * What can be clicked is pressed where the pointer went down on it and up within its edges, also when it has moved away
 * from under the pointer meanwhile, as below a text that grows: the browser calls that no click. What the first half of
 * a double click has brought under the pointer is not pressed by the second.
 */
export function onPress(element: HTMLElement, pressed: () => void): void {
  let down: DOMRect | undefined;
  const forget = () => (down = undefined);
  const up = (event: PointerEvent) => {
    last = event;
    const isIn = down && [down, element.getBoundingClientRect()].some((box) => holds(box, event));
    forget();
    if (isIn && element.isConnected && !element.matches(":disabled")) pressed();
  };
  element.addEventListener("pointerdown", (event) => {
    const again = isSoon(event) && Math.hypot(event.clientX - last!.clientX, event.clientY - last!.clientY) < NEAR_PX;
    down = event.button || again || element.matches(":disabled") ? undefined : element.getBoundingClientRect();
    // Heard by the page, and not captured: who marks text from here on goes on beyond these edges.
    for (const [what, heard] of [["pointerup", up], ["pointercancel", forget]] as const) {
      document.addEventListener(what, heard, { once: true, capture: true });
    }
  });
  // The menu of a long touch, or of Control and a click.
  element.addEventListener("contextmenu", forget);
  element.addEventListener("keydown", (event) => {
    // A key that is held down presses once.
    if (event.repeat && event.key === "Enter") event.preventDefault();
  });
  element.addEventListener("click", (event) => {
    event.preventDefault();
    // By the keys, or by what helps to read the page; a pointer's was heard already.
    if (!event.detail || !isSoon(event)) pressed();
  });
}

function isSoon(event: Event): boolean {
  return last !== undefined && event.timeStamp - last.timeStamp < CLICK_MS;
}

function holds(box: DOMRect, { clientX, clientY }: PointerEvent): boolean {
  return clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
}

/** The text of an element that holds nothing else; one that only grew keeps its node, and so what is selected in it. */
export function setText(element: Element, text: string): void {
  const node = element.firstChild;
  if (!(node instanceof CharacterData) || node.nextSibling) {
    if (element.textContent !== text) element.textContent = text;
    return;
  }
  growText(node, text);
}

export function growText(node: CharacterData, text: string): void {
  const known = node.data;
  if (text === known) return;
  if (text.length > known.length && text.startsWith(known)) node.appendData(text.slice(known.length));
  else node.data = text;
}

/** Whether what is typed goes into this element, or one in it. */
export function holdsFocus(element: Element): boolean {
  const root = element.getRootNode();
  const active = root instanceof Document || root instanceof ShadowRoot ? root.activeElement : null;
  return active !== null && element.contains(active);
}

/**
 * The focus comes to this element by the keys alone: who clicks at the text in it is in the cell, as with any output,
 * where the notebook's shortcuts are.
 */
export function onlyByKeys(element: HTMLElement): void {
  element.addEventListener("mousedown", () => {
    const place = element.getAttribute("tabindex");
    if (place === null) return;
    element.removeAttribute("tabindex");
    setTimeout(() => element.setAttribute("tabindex", place));
  });
}

/** `nodes` in this order as children of `parent`, moving none that is in its place. */
export function arrange(parent: Element, nodes: readonly Node[]): void {
  let place: ChildNode | null = parent.firstChild;
  let wanted: ReadonlySet<Node> | undefined;
  for (const node of nodes) {
    // What goes, goes first: else what is behind it would be moved, and lose the keys.
    while (place && place !== node && !(wanted ??= new Set(nodes)).has(place)) {
      const next: ChildNode | null = place.nextSibling;
      place.remove();
      place = next;
    }
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
  while (place) {
    const next: ChildNode | null = place.nextSibling;
    place.remove();
    place = next;
  }
}

/**
 * Children of `parent` from `start` on become `fresh`. What looks the same stays, and text that only grew is added to,
 * so that a selection in a growing paragraph survives its next word.
 */
export function morph(parent: Node, start: number, fresh: readonly Node[]): void {
  const old = [...parent.childNodes].slice(start);
  fresh.forEach((node, place) => {
    const known = old[place];
    if (!known) parent.appendChild(node);
    else if (known.isEqualNode(node)) return;
    else if (known instanceof CharacterData && node instanceof CharacterData) growText(known, node.data);
    else if (isAlike(known, node)) morph(known, 0, [...node.childNodes]);
    else parent.replaceChild(node, known);
  });
  for (const left of old.slice(fresh.length)) parent.removeChild(left);
}

function isAlike(one: Node, other: Node): boolean {
  return one instanceof Element && other instanceof Element && one.cloneNode(false).isEqualNode(other.cloneNode(false));
}
