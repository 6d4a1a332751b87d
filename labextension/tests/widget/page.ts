/** A page with a kernel that is played by the test: models, a comm, frames that come when they are asked for. */
import { vi } from "vitest";
import hub from "../../src/widget/hub";
import stub from "../../src/widget/stub";
import type { Manager, Model } from "../../src/widget/transport";

type Control = { id: string; do: string; [field: string]: unknown };
type Listener = (content: unknown, buffers?: unknown) => void;

export const HOMES = Symbol.for("alloy_nb.homes");

export class FakeModel implements Model {
  readonly sent: Control[] = [];
  readonly listeners = new Set<Listener>();
  onSend: (control: Control) => void = () => {};

  constructor(
    private readonly traits: Record<string, unknown>,
    readonly widget_manager: Manager,
  ) {}

  get(name: string): unknown {
    return this.traits[name];
  }

  on(name: string, callback: (...args: never[]) => void): void {
    if (name === "msg:custom") this.listeners.add(callback as unknown as Listener);
  }

  off(_name?: string | null, callback?: ((...args: never[]) => void) | null): void {
    this.listeners.delete(callback as unknown as Listener);
  }

  send(content: unknown): void {
    this.sent.push(content as Control);
    this.onSend(content as Control);
  }

  tell(content: unknown, buffers: unknown[] = []): void {
    for (const listener of [...this.listeners]) listener(content, buffers);
  }
}

let number = 0;

/** A kernel's side of one hub, and the page's. */
export class Kernel {
  readonly key = `key-${number++}`;
  readonly manager: Manager = { get_model: async () => this.hub };
  readonly hub: FakeModel;
  private readonly seqs = new Map<string, number>();

  constructor(traits: Record<string, unknown> = {}, manager: Partial<Manager> = {}) {
    Object.assign(this.manager, manager);
    this.hub = new FakeModel({ key: this.key, kernel_id: "k-1", routes: ["message"], ...traits }, this.manager);
    // A kernel that hears everything, as long as a test does not say otherwise.
    this.hub.onSend = (control) => this.hub.tell({ kind: "heard", ids: [control.id] });
  }

  deafen(): void {
    this.hub.onSend = () => {};
  }

  /** Makes the page's home of this kernel; returns what closes it. */
  open(): () => void {
    return hub.initialize({ model: this.hub });
  }

  /** One message of changes. */
  change(run: string, ...ops: unknown[]): void {
    const seq = (this.seqs.get(run) ?? 0) + 1;
    this.seqs.set(run, seq);
    this.hub.tell({ kind: "changes", runs: [{ run, seq, ops }] });
  }

  /** As if this many messages had been lost. */
  lose(run: string, count: number): void {
    this.seqs.set(run, (this.seqs.get(run) ?? 0) + count);
  }

  async show(run: string, snapshot: unknown = { seq: 0, blocks: [], facts: {} }): Promise<Shown> {
    const el = document.createElement("div");
    document.body.append(el);
    const model = new FakeModel({ hub: "hub-id", key: this.key, run, snapshot }, this.manager);
    const close = await stub.render({ model, el });
    await vi.advanceTimersByTimeAsync(0);
    return { el, close };
  }

  controls(kind: string): Control[] {
    return this.hub.sent.filter((control) => control.do === kind);
  }
}

export interface Shown {
  readonly el: HTMLElement;
  readonly close: () => void;
}

/** Until the next frames have been drawn. */
export async function frames(): Promise<void> {
  await vi.advanceTimersByTimeAsync(3_000);
}

export function find<T extends Element = HTMLElement>(el: Element, selector: string): T {
  const found = el.querySelector<T>(selector);
  if (!found) throw new Error(`no ${selector} in ${el.innerHTML}`);
  return found;
}

export function buttonNamed(el: Element, text: string): HTMLButtonElement {
  const found = [...el.querySelectorAll("button")].find((item) => item.textContent === text);
  if (!found) throw new Error(`no button "${text}" in ${el.innerHTML}`);
  return found;
}

export function buttonNames(el: Element): string[] {
  return [...el.querySelectorAll("button")].map((item) => item.textContent ?? "");
}
