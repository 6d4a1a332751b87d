/** The words of a run, in one place: what `alloy_nb/render` says too is the same here. */
export const WORDS = {
  unknownPart: "a part that this version cannot show",
  running: "running",
  waiting: "waiting",
  arriving: "…",

  status: {
    max_turns: "stopped: it reached max_turns",
    waiting: "waiting for a decision",
    error: "ended in an error",
    halted: "halted",
    cancelled: "stopped; what was said so far is kept",
    running: "this run did not finish here",
    lost: "the kernel is gone: this run did not finish here",
  },
  turn: (count: number) => `turn ${count}`,
  turns: (count: number) => `${count} turn${count === 1 ? "" : "s"}`,
  tokens: (input: string, output: string) => `${input} → ${output} tokens`,
  costUnknown: "cost unknown",
  inputs: (names: readonly string[]) => `with ${names.join(" · ")}`,

  thinking: "Thinking…",
  thought: "Thought",
  thoughtFor: (took: string) => `Thought for ${took}`,

  tryingAgain: (took: string) => `trying again in ${took}`,
  goingOn: (took: string) => `going on in ${took}`,

  wantsTo: (verb: string) => `wants to ${verb}`,
  verbs: { read: "read", write: "write", edit: "change", fetch: "fetch", glob: "list", grep: "search" },
  run: "run",
  answerInBox: "answer in the input box",
  stop: "■ Stop",
  allowOnce: "Allow once",
  deny: "Deny…",

  allowed: "allowed",
  allowedFor: { once: "allowed once", tool: "allowed for this tool" },
  allowedForThis: (what: string) => `allowed for this ${what}`,
  remembered: { read: "file", write: "file", edit: "file", fetch: "host" },
  asBefore: (verdict: string) => `${verdict}, as before`,
  by: (verdict: string, whom: string) => `${verdict} by ${whom}`,
  whom: { user: "you", function: "the approval function" },
  denied: (why: string) => `denied: ${why}`,
  saidNo: (whom: string) => `${whom} said no`,
  answerWasNo: "the answer was no",
  neverAnswered: "never answered",
  pending: "waiting for a decision",

  exitCode: (code: number) => `exit code ${code}`,
  arguments: "arguments",
  output: "output",
  error: "error",
  change: "change",
  changeAsked: "change that was asked for",
  moreRows: (count: number) => `… ${grouped(count)} more row${count === 1 ? "" : "s"}`,
  image: (tool: string) => `image made by ${tool}`,
  imageLeftOut: "image left out",
} as const;

/** "1,200", as Python writes it, whatever the page's language. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** How a run stands whose kernel ended before it did. Only a page can say so. */
export const LOST = "lost";
