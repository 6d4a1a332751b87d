/** One block on the page. */
import type { Approval, Block, Facts } from "../../blocks/block";
import type { Desk } from "../desk";
import { make } from "../dom";

/** What blocks of a run know of each other. */
export interface Around {
  /** The run goes on before our eyes. */
  readonly live: boolean;
  readonly facts: Facts;
  readonly questions: ReadonlyMap<string, Approval>;
  readonly desk: Desk;
}

export interface Part {
  readonly element: HTMLElement;
  /** What stands right below it. */
  readonly below?: HTMLElement;
  update(block: Block, around: Around): void;
  /** What is above it has changed its height. */
  moved?(): void;
  close?(): void;
}

/** A sign before a line; colours are classes of the style sheet. */
export function mark(sign: string, colour: string): HTMLElement {
  return make("span", colour ? `alloy-mark alloy-${colour}` : "alloy-mark", sign);
}
