/** What a view of a run may ask for. */
import type { Typesetter } from "./typeset";

export type Remember = "once" | "command" | "tool";

export interface Decision {
  readonly call: string;
  readonly allow: boolean;
  readonly remember: Remember;
  readonly reason: string | null;
}

/** How many seconds of a run the kernel told last, and when that was heard. */
export interface Counted {
  told: number | undefined;
  at: number;
}

export interface Desk {
  /** The run's own: a view that is made later counts on from it. */
  readonly counted: Counted;
  /** True when the kernel has acknowledged it. */
  decide(decision: Decision): Promise<boolean>;
  /** By whatever route; `waited`: a cell waits for the run, so that the kernel's interrupt would stop it. */
  stop(waited: boolean): Promise<"heard" | "interrupted" | "unheard">;
  readonly formulas: Typesetter;
  /** The run is shown within something that is replaced as a whole at its end. */
  readonly within?: boolean;
}
