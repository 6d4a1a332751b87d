/** Where all runs of a kernel arrive in the page: their states, and the views that show them. */
import type { RunState } from "../blocks/block";
import { LOST } from "../blocks/catalogue";
import { afterChange, afterSnapshot, BEGINNING, type Following, isBehind } from "../blocks/follow";
import { reduce } from "../blocks/reduce";
import { Controls, PATIENCE_MS } from "./controls";
import type { Counted, Decision, Desk } from "./desk";
import { interrupt, type Model, routesOf, watchKernel } from "./transport";
import { type Render, Typesetter } from "./typeset";
import { isLive, View } from "./view";

const SYNC_MS = 2_000;
/** How often a view whose run asks something says that it is there. */
const BEAT_MS = 5_000;
/** A run that ended before anybody saw it is kept so long: its view may still be on the way. */
const KEPT_MS = 60_000;

interface Run {
  following: Following;
  readonly counted: Counted;
  readonly views: Set<View>;
  syncing: ReturnType<typeof setTimeout> | undefined;
  forgetting: ReturnType<typeof setTimeout> | undefined;
}

type Load = (code: string) => Promise<Render>;

export class Home {
  readonly controls: Controls;
  private readonly runs = new Map<string, Run>();
  private readonly formulas = new Typesetter(() => this.wantMath());
  private readonly hear = (content: unknown, buffers?: unknown) => this.heard(content, buffers);
  private modelId = "";
  private isMathWanted = false;
  private readonly stopWatching: () => void;
  private beating: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly model: Model,
    private readonly load: Load = importMath,
  ) {
    this.controls = new Controls(() => namesOf(model.get("routes")), routesOf(model, () => this.modelId));
    model.on("msg:custom", this.hear);
    this.stopWatching = watchKernel(model.widget_manager?.kernel, () => this.lose());
    void this.controls.send({ do: "ready" });
  }

  /** Show the run of a stub's model in `el`; returns what closes the view. */
  show(stub: Model, el: HTMLElement): () => void {
    const id = String(stub.get("run"));
    this.modelId ||= String(stub.get("hub") ?? "");
    const run = this.run(id);
    const view = new View(el, { ...this.desk(id, run.counted), within: !!stub.get("within") });
    run.views.add(view);
    clearTimeout(run.forgetting);
    this.take(run, stub.get("snapshot"));
    view.show(run.following.state);
    this.catchUp(id, run);
    if (isLive(run.following.state)) void this.controls.send({ do: "hello", run: id });
    this.beating ??= setInterval(() => this.beat(), BEAT_MS);
    return () => {
      view.close();
      run.views.delete(view);
      this.tidy(id, run);
    };
  }

  close(): void {
    this.stopWatching();
    clearInterval(this.beating);
    this.model.off("msg:custom", this.hear);
    for (const run of this.runs.values()) {
      clearTimeout(run.syncing);
      clearTimeout(run.forgetting);
      for (const view of run.views) view.close();
    }
    this.runs.clear();
  }

  /** The kernel leaves a question to the card only as long as it hears of a view. */
  private beat(): void {
    const shown = [...this.runs].filter(([, run]) => run.views.size && isLive(run.following.state));
    for (const [id, run] of shown) if (isAsking(run.following.state)) void this.controls.send({ do: "hello", run: id });
    if (shown.length) return;
    clearInterval(this.beating);
    this.beating = undefined;
  }

  /** The kernel is gone, and every run with it that had not ended. */
  private lose(): void {
    for (const [id, run] of this.runs) {
      if (!isLive(run.following.state)) continue;
      const state = reduce(run.following.state, [["f", { status: LOST }]]);
      // What was on its way will never come.
      this.follow(id, run, { ...run.following, state, newest: run.following.seq });
    }
  }

  private heard(content: unknown, buffers: unknown): void {
    if (typeof content !== "object" || content === null) return;
    const message = content as Record<string, unknown>;
    if (message["kind"] === "changes" && Array.isArray(message["runs"])) message["runs"].forEach((item) => this.change(item));
    else if (message["kind"] === "snapshot") this.snapshot(message);
    else if (message["kind"] === "heard") this.controls.heard(message["ids"]);
    else if (message["kind"] === "asset" && message["name"] === "math") void this.asset(buffers);
  }

  private change(item: unknown): void {
    if (typeof item !== "object" || item === null) return;
    const { run: id, seq, ops } = item as Record<string, unknown>;
    if (typeof id !== "string") return;
    const run = this.run(id);
    this.follow(id, run, afterChange(run.following, seq, ops));
  }

  private snapshot(message: Record<string, unknown>): void {
    const { run: id } = message;
    if (typeof id !== "string") return;
    const run = this.run(id);
    this.take(run, message);
    this.follow(id, run, run.following);
  }

  private take(run: Run, snapshot: unknown): void {
    if (typeof snapshot !== "object" || snapshot === null) return;
    const { seq, blocks, facts } = snapshot as Record<string, unknown>;
    if (typeof seq === "number" && seq > 0) run.following = afterSnapshot(run.following, seq, blocks, facts);
    count(run);
  }

  private follow(id: string, run: Run, following: Following): void {
    run.following = following;
    count(run);
    for (const view of run.views) view.show(following.state);
    this.catchUp(id, run);
    this.tidy(id, run);
  }

  /** Ask for a snapshot while something is missing: once, and again for as long as somebody looks. */
  private catchUp(id: string, run: Run): void {
    if (!isBehind(run.following)) {
      clearTimeout(run.syncing);
      run.syncing = undefined;
    } else if (run.syncing === undefined) {
      void this.controls.send({ do: "sync", run: id });
      run.syncing = setTimeout(() => {
        run.syncing = undefined;
        if (run.views.size) this.catchUp(id, run);
      }, SYNC_MS);
    }
  }

  /** An ended run that nobody looks at is forgotten. */
  private tidy(id: string, run: Run): void {
    clearTimeout(run.forgetting);
    if (run.views.size || isLive(run.following.state)) return;
    run.forgetting = setTimeout(() => {
      clearTimeout(run.syncing);
      this.runs.delete(id);
    }, KEPT_MS);
  }

  private run(id: string): Run {
    const known = this.runs.get(id);
    if (known) return known;
    const run: Run = {
      following: BEGINNING,
      counted: { told: undefined, at: performance.now() },
      views: new Set(),
      syncing: undefined,
      forgetting: undefined,
    };
    this.runs.set(id, run);
    return run;
  }

  private desk(run: string, counted: Counted): Desk {
    return {
      counted,
      decide: (decision: Decision) => this.controls.send({ do: "decide", run, ...decision }, PATIENCE_MS),
      stop: (waited) => this.stop(run, waited),
      formulas: this.formulas,
    };
  }

  /** By whatever way; `waited`: a cell waits for it. */
  async stop(run: string, waited: boolean): Promise<"heard" | "interrupted" | "unheard"> {
    if (await this.controls.send({ do: "stop", run }, this.controls.ladderMs)) return "heard";
    const kernel = String(this.model.get("kernel_id") || this.model.widget_manager?.kernel?.id || "");
    try {
      return waited && (await interrupt(kernel)) ? "interrupted" : "unheard";
    } catch (error) {
      console.warn("alloy: the kernel could not be interrupted", error);
      return "unheard";
    }
  }

  private wantMath(): void {
    if (this.isMathWanted) return;
    this.isMathWanted = true;
    void this.controls.send({ do: "want", asset: "math" }).then((heard) => (this.isMathWanted = heard));
  }

  private async asset(buffers: unknown): Promise<void> {
    const code = Array.isArray(buffers) ? textOf(buffers[0]) : null;
    if (code === null) return;
    try {
      this.formulas.loaded(await this.load(code));
    } catch (error) {
      console.warn("alloy: formulas stay as they were written", error);
    }
  }
}

function count({ counted, following }: Run): void {
  const { seconds } = following.state.facts;
  if (seconds !== undefined && seconds !== counted.told) Object.assign(counted, { told: seconds, at: performance.now() });
}

function isAsking(state: RunState): boolean {
  return state.blocks.some((block) => block.block === "approval" && (block.state ?? "pending") === "pending");
}

function namesOf(routes: unknown): readonly string[] {
  return Array.isArray(routes) ? routes.map(String) : ["message"];
}

function textOf(buffer: unknown): string | null {
  if (ArrayBuffer.isView(buffer) || buffer instanceof ArrayBuffer) return new TextDecoder().decode(buffer);
  return null;
}

async function importMath(code: string): Promise<Render> {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return ((await import(url)) as { render: Render }).render;
  } finally {
    URL.revokeObjectURL(url);
  }
}

