/** What a run consists of, as the kernel sends it: `alloy_nb/render/values.py` in its JSON form, defaults left out. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface Thinking {
  readonly block: "thinking";
  readonly text?: string;
  readonly seconds?: number | null;
  readonly live?: boolean;
}

export interface Text {
  readonly block: "text";
  readonly markdown?: string;
  readonly live?: boolean;
  /** `"user"` for what was said to the agent while it worked. */
  readonly by?: string;
}

export type ToolState = "waiting" | "running" | "done" | "failed" | "denied";

export interface Picture {
  /** Base64; "" where it was left out. */
  readonly image: string;
  readonly mime: string;
}

export interface TableOutput {
  readonly table: {
    readonly columns: readonly string[];
    readonly rows: readonly (readonly string[])[];
    /** How many rows were left out. */
    readonly more?: number;
    readonly numeric?: readonly boolean[];
  };
}

/** Said in place of something that is not shown. */
export interface WordsOutput {
  readonly words: string;
}

export type Rich = Picture | TableOutput | WordsOutput;

export interface Tool {
  readonly block: "tool";
  readonly id?: string;
  readonly name?: string;
  /** The argument that matters, on one line. */
  readonly key?: string;
  /** Absent while it still arrives, and where it cannot be read. What `diff` tells is not in here. */
  readonly input?: Json;
  readonly output?: string;
  readonly error?: string | null;
  readonly duration_ms?: number | null;
  readonly state?: ToolState;
  readonly progress?: readonly string[];
  /** 0 to 1. */
  readonly fraction?: number | null;
  readonly exit_code?: number | null;
  /** The lines of a unified diff. */
  readonly diff?: readonly string[];
  readonly rich?: readonly Rich[];
}

export type ApprovalState = "pending" | "allowed" | "denied" | "withdrawn";

export interface Approval {
  readonly block: "approval";
  readonly id?: string;
  readonly name?: string;
  readonly key?: string;
  readonly input?: Json;
  readonly reason?: string;
  readonly state?: ApprovalState;
  readonly by?: string;
  readonly answer?: string;
  readonly remember?: string;
  readonly diff?: readonly string[];
  /** Something in `input` lies too deep to be shown. */
  readonly partial?: boolean;
}

export interface Notice {
  readonly block: "notice";
  readonly kind?: string;
  readonly text?: string;
  readonly seconds?: number | null;
}

export interface Failure {
  readonly block: "error";
  readonly type?: string;
  readonly message?: string;
  readonly hint?: string;
}

export type Block = Thinking | Text | Tool | Approval | Notice | Failure;

export interface Facts {
  readonly model?: string;
  /** "running", or how the run ended. */
  readonly status?: string;
  readonly turns?: number;
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  /** US dollars; null for unknown. */
  readonly cost?: number | null;
  readonly notice?: string | null;
  readonly inputs?: readonly string[];
  /** Of the run so far, when this was sent. */
  readonly seconds?: number;
  /** How questions are answered: the card's buttons, or Jupyter's input box. */
  readonly asks?: "page" | "input";
  /** A cell waits for the run, so that interrupting the kernel stops it. */
  readonly waited?: boolean;
}

/** A run as far as the page knows it. */
export interface RunState {
  readonly blocks: readonly Block[];
  readonly facts: Facts;
}

/** An operation on a run's state; see `reduce`. Whatever arrives is checked: none of it is trusted to be one. */
export type Op =
  | readonly ["t", place: number, text: string]
  | readonly ["r", place: number, keep: number, text: string]
  | readonly ["b", place: number, fields: Readonly<Record<string, Json>>]
  | readonly ["n", count: number]
  | readonly ["f", facts: Readonly<Record<string, Json>>];

/** The changes of one run in one message: number `seq` of that run. */
export interface Change {
  readonly run: string;
  readonly seq: number;
  readonly ops: readonly Op[];
}

/** The whole state after change number `seq`. */
export interface Snapshot {
  readonly seq: number;
  readonly blocks: readonly Block[];
  readonly facts: Facts;
}
