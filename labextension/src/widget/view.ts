/** One run, shown in one place of the page. */
import type { Block, RunState } from "../blocks/block";
import { EMPTY } from "../blocks/reduce";
import { approvalsByCall } from "../blocks/words";
import { WORDS } from "../blocks/catalogue";
import type { Desk } from "./desk";
import { arrange, holdsFocus, make, setText } from "./dom";
import { Focus } from "./focus";
import { cancel, soon } from "./frames";
import { LABELS } from "./labels";
import { ApprovalPart } from "./parts/approval";
import { Footer } from "./parts/footer";
import { ErrorPart, NoticePart } from "./parts/lines";
import type { Around, Part } from "./parts/part";
import { SaidPart, TextPart } from "./parts/text";
import { ThinkingPart } from "./parts/thinking";
import { hasBody, StillPart, ToolPart, VerdictPart } from "./parts/tool";
import { statusWords } from "./status";
import { addStyles } from "./styles";
import { Successor } from "./successor";

const PARTS = {
  thinking: ThinkingPart,
  said: SaidPart,
  text: TextPart,
  still: StillPart,
  tool: ToolPart,
  card: ApprovalPart,
  verdict: VerdictPart,
  notice: NoticePart,
  error: ErrorPart,
} as const;

type Kind = keyof typeof PARTS;

interface Shown {
  readonly kind: Kind;
  readonly part: Part;
  block: Block;
  /** What else the part looks at. */
  beside: unknown;
  /** Where a card stood. */
  spot?: string;
}

/** Whether a run goes on: nothing has said yet how it ended. */
export function isLive(state: RunState): boolean {
  return (state.facts.status ?? "running") === "running";
}

export class View {
  private readonly outer = make("div", "alloy-view jp-RenderedHTMLCommon");
  private readonly root = make("div");
  private readonly status = make("span", "alloy-status");
  private readonly inputs = make("div", "alloy-inputs");
  private readonly focus = new Focus(this.outer, this.root);
  private readonly successor = new Successor(this.outer);
  private readonly footer: Footer;
  private readonly paint = () => this.draw();
  private shown: (Shown | undefined)[] = [];
  private questions: Around["questions"] = new Map();
  private state: RunState = EMPTY;
  private drawn: RunState | undefined;
  private isClosed = false;
  /** Pictures that come, and folds that are opened, move cards too. */
  private readonly sizes = globalThis.ResizeObserver && new ResizeObserver(() => this.tellMoved());

  constructor(
    el: HTMLElement,
    private readonly desk: Desk,
  ) {
    this.footer = new Footer(desk);
    // JupyterLab's shortcuts leave alone what is typed in here; see also ./focus.
    this.outer.dataset["lmSuppressShortcuts"] = "true";
    this.status.setAttribute("role", "status");
    this.status.setAttribute("aria-live", "polite");
    this.root.setAttribute("role", "region");
    this.root.setAttribute("aria-label", LABELS.run);
    this.outer.append(this.status, this.root);
    el.append(this.outer);
    this.sizes?.observe(this.root);
  }

  /** Show this state at one of the next frames. */
  show(state: RunState): void {
    if (this.isClosed) return;
    this.state = state;
    soon(this.paint);
  }

  /** Nothing more comes, and nothing can be pressed. What is shown stays, for whoever still sees it. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    cancel(this.paint);
    this.sizes?.disconnect();
    for (const item of this.shown) item?.part.close?.();
    this.footer.update(this.state.facts, false);
    this.root.setAttribute("aria-busy", "false");
    this.desk.formulas.forget(this.outer);
    this.focus.handOver();
    // A team's is replaced as a whole.
    if (!this.desk.within) this.successor.handOver((frozen) => [[this.outer, frozen]]);
  }

  private draw(): void {
    const { state, drawn, desk } = this;
    if (state === drawn || this.isClosed) return;
    const held = holdsFocus(this.root);
    addStyles(this.outer); // only now, as a view is made before it is put into the page
    const { blocks, facts } = state;
    const live = isLive(state);
    if (drawn && areOnlyWords(drawn, state)) {
      const around: Around = { live, facts, questions: this.questions, desk };
      blocks.forEach((block, place) => {
        const item = this.shown[place];
        if (!item || block === drawn.blocks[place]) return;
        item.part.update(block, around);
        item.block = block;
      });
      this.drawFrame(around);
    } else {
      this.questions = approvalsByCall(blocks);
      const around: Around = { live, facts, questions: this.questions, desk };
      if (live !== this.drawnLive()) this.dress(live);
      const calls = new Set(blocks.map((block) => (block.block === "tool" ? (block.id ?? "") : null)));
      blocks.forEach((block, place) => this.drawBlock(block, place, around, calls));
      for (const left of this.shown.splice(blocks.length)) left?.part.close?.();
      this.drawFrame(around);
      this.arrangeAll();
    }
    // What had the focus is gone: whoever works by keys goes on from here, not from the top of the page.
    if (held && !holdsFocus(this.root)) this.focus.catch();
    this.tellMoved();
    this.successor.settle();
    this.drawn = state;
  }

  private drawBlock(block: Block, place: number, around: Around, calls: ReadonlySet<string | null>): void {
    const known = this.shown[place];
    const kind = kindOf(block, around, calls, known?.kind);
    if (kind === null) {
      known?.part.close?.();
      this.shown[place] = undefined;
      return;
    }
    const beside = besideOf(block, around);
    if (known?.kind === kind) {
      const isSame = known.block === block && known.beside === beside && this.drawnLive() === around.live;
      if (!isSame) known.part.update(block, around);
      known.block = block;
      known.beside = beside;
      return;
    }
    known?.part.close?.();
    const part: Part = new PARTS[kind]();
    part.update(block, around);
    this.shown[place] = { kind, part, block, beside };
  }

  /** Whether the run went on when it was last drawn; undefined before that. */
  private drawnLive(): boolean | undefined {
    return this.drawn && isLive(this.drawn);
  }

  private dress(live: boolean): void {
    this.root.className = `${live ? "alloy-run-live" : "alloy-run"} tex2jax_ignore mathjax_ignore`;
    this.root.setAttribute("aria-busy", String(live));
  }

  /** What stands around the blocks. */
  private drawFrame(around: Around): void {
    const { facts } = around;
    setText(this.inputs, facts.inputs?.length ? WORDS.inputs(facts.inputs) : "");
    this.footer.update(facts, around.live);
    setText(this.status, statusWords(this.state, around.live) ?? this.status.textContent ?? "");
  }

  private arrangeAll(): void {
    const parts = this.shown.flatMap((item) => (item ? itsElements(item.part) : []));
    arrange(this.root, [this.inputs, ...parts, ...this.footer.elements]);
  }

  private tellMoved(): void {
    let above = 0;
    let cards = 0;
    for (const item of this.shown) {
      if (item?.kind === "card") {
        const spot = `${above} ${cards++} ${item.part.element.offsetTop}`;
        if (item.spot !== undefined && item.spot !== spot) item.part.moved?.();
        item.spot = spot;
      }
      if (item) above++;
    }
  }
}

/** Whether no more has changed than words and facts, as a stream does: then every block is shown as it was. */
function areOnlyWords(drawn: RunState, state: RunState): boolean {
  if (drawn.blocks.length !== state.blocks.length || drawn.facts.asks !== state.facts.asks) return false;
  if (isLive(drawn) !== isLive(state)) return false;
  return state.blocks.every((block, place) => {
    const before = drawn.blocks[place]!;
    if (block === before) return true;
    if (block.block === "text") return before.block === "text" && block.by === before.by;
    return block.block === "thinking" && before.block === "thinking";
  });
}

function itsElements({ element, below }: Part): HTMLElement[] {
  return below?.childNodes.length ? [element, below] : [element];
}

/** How a block is shown; null for one that is told elsewhere. */
function kindOf(
  block: Block,
  around: Around,
  calls: ReadonlySet<string | null>,
  known: Kind | undefined,
): Kind | null {
  switch (block.block) {
    case "text":
      return (block.by ?? "model") === "model" ? "text" : "said";
    case "tool":
      // While its question is open, the card says it all.
      if (isPending(around.questions.get(block.id ?? ""))) return null;
      return known === "tool" || hasBody(block) ? "tool" : "still";
    case "approval":
      if (isPending(block)) return "card";
      return calls.has(block.id ?? "") ? null : "verdict";
    default:
      return block.block;
  }
}

function isPending(question: { readonly state?: string } | undefined): boolean {
  return question !== undefined && (question.state ?? "pending") === "pending";
}

function besideOf(block: Block, around: Around): unknown {
  if (block.block === "tool") return around.questions.get(block.id ?? "");
  return block.block === "approval" ? around.facts.asks : undefined;
}
