/** Tabs by the keys that people know: arrows, Home and End move, and what is moved to is shown. */
import { holdsFocus, make, onlyByKeys, onPress, setText } from "../dom";
import { uuid } from "../transport";
import { LABELS } from "./labels";

export interface Face {
  readonly sign: string;
  readonly colour: string;
  readonly name: string;
  /** Shown behind the name. */
  readonly words: string;
  /** Said, and not shown. */
  readonly said: string;
}

const MOVES: Readonly<Record<string, (place: number, count: number) => number>> = {
  ArrowRight: (place, count) => (place + 1) % count,
  ArrowLeft: (place, count) => (place + count - 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

export class Tab {
  readonly button = make("button", "alloy-tab");
  readonly panel = make("div", "alloy-panel");
  private readonly sign = make("span");
  private readonly name = make("span", "alloy-tab-name");
  private readonly words = make("span", "alloy-tab-words");
  private readonly said = make("span", "alloy-hidden");
  private readonly dot = make("span", "alloy-new");
  private isUnread = false;

  constructor(name: string) {
    const id = `alloy-${uuid()}`;
    this.button.type = "button";
    this.button.id = `${id}-tab`;
    this.button.setAttribute("role", "tab");
    this.button.setAttribute("aria-controls", id);
    this.panel.id = id;
    this.panel.setAttribute("role", "tabpanel");
    this.panel.setAttribute("aria-labelledby", this.button.id);
    this.panel.tabIndex = 0;
    onlyByKeys(this.panel);
    this.sign.setAttribute("aria-hidden", "true");
    this.dot.setAttribute("aria-hidden", "true");
    this.button.append(this.sign, this.name, this.words, this.said, this.dot);
    setText(this.name, name);
    this.select(false);
  }

  draw(face: Face): void {
    setText(this.sign, face.sign);
    this.sign.className = face.colour ? `alloy-${face.colour}` : "alloy-quiet";
    this.sign.hidden = !face.sign;
    setText(this.name, face.name);
    this.name.title = face.name;
    setText(this.words, face.words ? `· ${face.words}` : "");
    setText(this.said, [face.said, this.isUnread ? LABELS.unread : ""].join(" ").trim());
  }

  get unread(): boolean {
    return this.isUnread;
  }

  set unread(unread: boolean) {
    this.isUnread = unread;
    this.button.classList.toggle("alloy-unread", unread);
  }

  select(selected: boolean): void {
    this.button.setAttribute("aria-selected", String(selected));
    this.button.tabIndex = selected ? 0 : -1;
    this.panel.hidden = !selected;
  }
}

export class Tabs {
  readonly element = make("div", "alloy-tabs");
  private tabs: readonly Tab[] = [];
  private chosen: Tab | undefined;

  /** `shown` is called with what is shown from now on, and whether a person chose it. */
  constructor(private readonly shown: (tab: Tab, byHand: boolean) => void) {
    this.element.setAttribute("role", "tablist");
    this.element.addEventListener("keydown", (event) => this.pressed(event));
  }

  get current(): Tab | undefined {
    return this.chosen;
  }

  set(tabs: readonly Tab[]): void {
    if (tabs.length === this.tabs.length && tabs.every((tab, place) => tab === this.tabs[place])) return;
    for (const tab of tabs) if (!this.tabs.includes(tab)) this.insert(tab, tabs);
    this.tabs = tabs;
  }

  /** Before the one that comes behind it, which is there already or comes next. */
  private insert(tab: Tab, tabs: readonly Tab[]): void {
    onPress(tab.button, () => this.choose(tab, true));
    const next = tabs.slice(tabs.indexOf(tab) + 1).find(({ button }) => button.parentNode === this.element);
    this.element.insertBefore(tab.button, next?.button ?? null);
  }

  choose(tab: Tab, byHand = false): void {
    if (this.chosen !== tab) {
      const held = this.chosen ? holdsFocus(this.chosen.button) : false;
      this.chosen?.select(false);
      this.chosen = tab;
      tab.select(true);
      if (held) tab.button.focus({ preventScroll: true });
    }
    this.shown(tab, byHand);
  }

  private pressed(event: KeyboardEvent): void {
    const move = Object.hasOwn(MOVES, event.key) ? MOVES[event.key] : undefined;
    if (!move || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !this.chosen) return;
    event.preventDefault();
    event.stopPropagation();
    const tab = this.tabs[move(this.tabs.indexOf(this.chosen), this.tabs.length)];
    if (!tab) return;
    this.choose(tab, true);
    tab.button.focus({ preventScroll: true });
  }
}
