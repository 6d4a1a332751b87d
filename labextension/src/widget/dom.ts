/** Making nodes. Text goes in as text, always. */

export function make<K extends keyof HTMLElementTagNameMap>(tag: K, name = "", text = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

/** So far a pointer may slip off a button, as a finger does; one that has gone farther has changed its mind. */
const SLIP_PX = 15;
/** The click that follows a pointer comes within so long. */
const CLICK_MS = 500;
/** When a pointer left a button last. The click after a finger falls on what is there by then, such as another button. */
let up = -CLICK_MS;

/**
 * A button that no form submits. It is pressed where the pointer went down on it, also when it has moved away from
 * under the pointer until that goes up, as below a text that grows: the browser calls that no click.
 */
export function button(name: string, text: string, pressed: () => void): HTMLButtonElement {
  const element = make("button", name, text);
  element.type = "button";
  let down: PointerEvent | undefined;
  element.onpointerdown = (event) => {
    down = event.button || element.disabled ? undefined : event;
    if (down) element.setPointerCapture(event.pointerId);
  };
  element.onpointercancel = () => (down = undefined); // a finger that scrolls does not go up
  element.onpointerup = (event) => {
    up = event.timeStamp;
    const { clientX, clientY, offsetX: x, offsetY: y } = event;
    const isOver = x >= 0 && y >= 0 && x <= element.offsetWidth && y <= element.offsetHeight;
    const hasSlipped = down && Math.hypot(clientX - down.clientX, clientY - down.clientY) > SLIP_PX;
    if (down && !element.disabled && (isOver || !hasSlipped)) pressed();
    down = undefined;
  };
  element.onclick = (event) => {
    // By the keys, or by what helps to read the page; a pointer's was heard already.
    if (!event.detail || event.timeStamp - up > CLICK_MS) pressed();
  };
  return element;
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
