/**
 * The card of a question. Its laws: what is decided is what is shown; one press sends one decision; nothing but a press
 * on a button that says "allow" ever allows; and a press that led nowhere is said to have led nowhere.
 */
import type { Approval, Block } from "../../blocks/block";
import { WORDS } from "../../blocks/catalogue";
import { isBag, isSame } from "../../blocks/read";
import { questionWords, reasonWords, remembered } from "../../blocks/words";
import type { Decision, Desk, Remember } from "../desk";
import { button, holdsFocus, make, setText } from "../dom";
import { LABELS } from "../labels";
import { type Around, mark, type Part } from "./part";
import { argumentSections, diffSections, type Section, Sections, wordsOf } from "./sections";

/** A card that has just come under somebody's pointer takes no press yet. */
const SETTLE_MS = 350;

export class ApprovalPart implements Part {
  readonly element = make("div", "alloy-approval");
  private readonly head = make("div", "alloy-question");
  private readonly reason = make("div", "alloy-reason");
  private readonly details = make("div", "alloy-arguments");
  private readonly sections = new Sections(this.details);
  private readonly actions = make("div", "alloy-actions");
  private readonly told = make("div", "alloy-told");
  private shown: Approval | undefined;
  private buttons: Buttons | undefined;

  constructor() {
    this.element.setAttribute("role", "group");
    this.element.tabIndex = -1;
    this.told.setAttribute("role", "status");
  }

  update(block: Block, around: Around): void {
    const question = block as Approval;
    const asks = around.live ? (around.facts.asks ?? "page") : "none";
    if (this.shown === undefined || !isSame(this.shown, question)) this.ask(question);
    this.answer(question, asks, around.desk);
    this.shown = question;
  }

  /** It stands elsewhere than before, perhaps where another card was about to be pressed. */
  moved(): void {
    this.buttons?.rest();
  }

  close(): void {
    this.buttons?.close();
    this.buttons = undefined;
  }

  private ask(question: Approval): void {
    const name = question.name ?? "";
    const key = question.key ?? "";
    const words = questionWords(question);
    this.element.setAttribute("aria-label", `${name} ${words} ${key}`.trim());
    this.head.replaceChildren(mark("?", "orange"), " ", make("strong", "", name), ` ${words}`);
    if (key) this.head.append(" ", make("code", "alloy-key", key));
    setText(this.reason, reasonWords(question));
    this.sections.update(cardSections(question));
    this.close(); // whatever was pressed was pressed on another question
    this.arrange();
  }

  private answer(question: Approval, asks: string, desk: Desk): void {
    const id = question.id ?? "";
    if (asks !== "page" || !id || (question.state ?? "pending") !== "pending") {
      this.close();
      const words = asks === "input" ? WORDS.answerInBox : asks === "page" ? LABELS.noId : "";
      this.actions.replaceChildren(...(words ? [make("div", "alloy-reason", words)] : []));
    } else if (!this.buttons) {
      this.buttons = new Buttons(question, this.actions, this.told, (decision) => {
        // Who works by keys is left where the buttons were: a button that is disabled loses them.
        if (holdsFocus(this.actions)) this.element.focus({ preventScroll: true });
        return desk.decide({ call: id, ...decision });
      });
    }
    this.arrange();
  }

  private arrange(): void {
    const parts = [this.head, this.reason, this.details, this.actions, this.told];
    const shown = parts.filter((part) => part === this.told || part.childNodes.length > 0);
    for (const part of parts) if (!shown.includes(part)) part.remove();
    shown.forEach((part, place) => {
      if (this.element.children[place] !== part) this.element.insertBefore(part, this.element.children[place] ?? null);
    });
  }
}

/** Whether the card holds all that would be allowed. */
function isShown(question: Approval): boolean {
  return isBag(question.input) && !question.partial;
}

/** All of the arguments, to their last character. */
function cardSections(question: Approval): Section[] {
  const diff = question.diff ?? [];
  const parts = argumentSections(question.input, question.key ?? "");
  if (!isShown(question)) parts.push(wordsOf(LABELS.notShown));
  return diff.length ? [...parts, ...diffSections(diff, false)] : parts;
}

type Send = (decision: Omit<Decision, "call">) => Promise<boolean>;

/** The row of buttons, and the field for a reason. */
class Buttons {
  private readonly all: HTMLButtonElement[];
  private readonly denying: HTMLButtonElement;
  private readonly field = make("input", "alloy-field");
  private readonly form: readonly HTMLElement[];
  private readonly row: readonly HTMLElement[];
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** The button that has the keys again after a rest: one that is disabled loses them. */
  private held: HTMLElement | undefined;
  private isSent = false;
  private isClosed = false;

  constructor(
    question: Approval,
    private readonly place: HTMLElement,
    private readonly told: HTMLElement,
    private readonly send: Send,
  ) {
    const name = question.name ?? "";
    const what = remembered(name);
    const allow = (style: string, text: string, remember: Remember, sent: string) =>
      button(`alloy-button ${style}`, text, () => void this.decide(true, remember, null, sent));
    this.denying = button("alloy-button", WORDS.deny, () => this.openField());
    const allowing = [
      allow("alloy-primary", WORDS.allowOnce, "once", LABELS.sent.once),
      allow("", LABELS.always(what), "command", LABELS.sent.command(what)),
      allow("", LABELS.alwaysTool(name), "tool", LABELS.sent.tool(name)),
    ];
    this.row = [...(isShown(question) ? allowing : []), this.denying];
    const deny = button("alloy-button", LABELS.deny, () => this.deny());
    const back = button("alloy-button alloy-quiet-button", LABELS.back, () => this.closeField());
    this.field.type = "text";
    this.field.placeholder = LABELS.reason;
    this.field.setAttribute("aria-label", LABELS.reason);
    this.field.addEventListener("keydown", (event) => this.typed(event));
    this.form = [this.field, deny, back];
    this.all = [...this.row, deny, back].filter((item) => item instanceof HTMLButtonElement);
    this.place.replaceChildren(...this.row);
    setText(this.told, "");
    this.rest();
  }

  /** Take no press for a moment. What is typed goes on. */
  rest(): void {
    clearTimeout(this.timer);
    const card = this.place.parentElement;
    const held = this.all.find((item) => item.matches(":focus"));
    if (held) card?.focus({ preventScroll: true });
    this.held = held ?? this.held;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.enable();
      if (card?.matches(":focus")) this.held?.focus({ preventScroll: true });
      this.held = undefined;
    }, SETTLE_MS);
    this.enable();
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.place.classList.remove("alloy-sent");
    this.place.replaceChildren();
    setText(this.told, "");
  }

  private enable(): void {
    this.place.classList.toggle("alloy-sent", this.isSent);
    for (const item of this.all) item.disabled = this.isSent || this.timer !== undefined;
    this.field.disabled = this.isSent;
  }

  private openField(): void {
    this.place.replaceChildren(...this.form);
    this.field.focus();
  }

  private closeField(): void {
    this.place.replaceChildren(...this.row);
    this.held = this.denying;
    if (this.timer === undefined) this.denying.focus();
    else this.place.parentElement?.focus({ preventScroll: true });
  }

  private typed(event: KeyboardEvent): void {
    event.stopPropagation(); // nothing that is typed here is a shortcut of the notebook
    // The key that ends a composition is none of the field's; Safari tells it by its code alone.
    if (event.isComposing || event.keyCode === 229 || event.repeat) return;
    if (event.key === "Enter") this.deny();
    else if (event.key === "Escape") this.closeField();
    else return;
    event.preventDefault();
  }

  private deny(): void {
    void this.decide(false, "once", this.field.value.trim() || null, LABELS.sent.deny);
  }

  private async decide(allow: boolean, remember: Remember, reason: string | null, sent: string): Promise<void> {
    if (this.isSent || this.isClosed) return;
    this.isSent = true;
    const answer = this.send({ allow, remember, reason });
    this.held = undefined;
    this.enable();
    setText(this.told, sent);
    const heard = await answer;
    if (heard || this.isClosed) return;
    this.isSent = false;
    this.enable();
    setText(this.told, LABELS.unheard);
  }
}
