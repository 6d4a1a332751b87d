/**
 * What the page tells the kernel. Which way gets through depends on the kernel and on what its cell does, so the same
 * control goes over one route after another until it is acknowledged; the kernel drops those that it has heard.
 */
import { type Route, uuid } from "./transport";

/** A route that was not acknowledged for so long is not waited for any more. */
export const STEP_MS = 400;

/** Whoever pressed a button is told after so long that nothing was heard. */
export const PATIENCE_MS = 3_000;

/** Controls that were not heard are still known for so long. */
const FORGET_MS = 60_000;

interface Pending {
  readonly heard: () => void;
  route: number;
  /** Whether a route before this one was taken, and led nowhere. */
  climbed: boolean;
}

export class Controls {
  private readonly pending = new Map<string, Pending>();
  private best = 0;

  constructor(
    private readonly names: () => readonly string[],
    private readonly routes: Readonly<Record<string, Route>>,
  ) {}

  /** Send a control; true when the kernel has acknowledged it, false when no route was heard within `patience`. */
  send(control: object, patience = PATIENCE_MS): Promise<boolean> {
    const id = uuid();
    const told = { id, ...control };
    return new Promise((resolve) => {
      const heard = () => {
        this.pending.delete(id);
        resolve(true);
      };
      const pending: Pending = { heard, route: this.best, climbed: false };
      this.pending.set(id, pending);
      setTimeout(() => resolve(false), patience);
      setTimeout(() => this.pending.delete(id), FORGET_MS);
      void this.climb(id, told, pending, 0);
    });
  }

  /** How long it takes until every route was tried. */
  get ladderMs(): number {
    return STEP_MS * Math.max(this.names().length, 1);
  }

  /** The kernel has acknowledged these: each an id and the route by which it came, with a blank between. */
  heard(acknowledged: unknown): void {
    if (!Array.isArray(acknowledged)) return;
    for (const item of acknowledged) {
      const [id, via] = String(item).split(" ") as [string, string?];
      const pending = this.pending.get(id);
      if (!pending) continue;
      // A route that was merely slow is not a worse one: what counts is which was heard, not which was tried last.
      const place = via ? this.names().indexOf(via) : -1;
      // Where the first routes are missing, that is seen at once each time; they may be there later.
      if (pending.climbed && place >= 0) this.best = place;
      pending.heard();
    }
  }

  private async climb(id: string, control: object, pending: Pending, tried: number): Promise<void> {
    const names = this.names();
    if (tried >= names.length || !this.pending.has(id)) return;
    const place = (pending.route + (tried ? 1 : 0)) % names.length;
    pending.route = place;
    const taken = await this.try(names[place] ?? "", { ...control, via: names[place] });
    setTimeout(() => {
      if (!this.pending.has(id)) return;
      pending.climbed ||= taken;
      void this.climb(id, control, pending, tried + 1);
    }, taken ? STEP_MS : 0);
  }

  private async try(name: string, control: object): Promise<boolean> {
    const route = Object.hasOwn(this.routes, name) ? this.routes[name] : undefined;
    try {
      // A comm that never opens must not hold up the routes below it.
      return route ? await Promise.race([route(control), later(STEP_MS)]) : false;
    } catch (error) {
      console.warn(`alloy: the ${name} route failed`, error);
      return false;
    }
  }
}

function later(ms: number): Promise<boolean> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms));
}
