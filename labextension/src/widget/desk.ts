/** What a view of a run may ask for. */
import type { Typesetter } from "./typeset";

export type Remember = "once" | "command" | "tool";

export interface Decision {
  readonly call: string;
  readonly allow: boolean;
  readonly remember: Remember;
  readonly reason: string | null;
}

export interface Desk {
  /** True when the kernel has acknowledged it. */
  decide(decision: Decision): Promise<boolean>;
  /** By whatever route; `waited`: a cell waits for the run, so that the kernel's interrupt would stop it. */
  stop(waited: boolean): Promise<"heard" | "interrupted" | "unheard">;
  readonly formulas: Typesetter;
  /** The run is shown within something that is replaced as a whole at its end. */
  readonly within?: boolean;
}
