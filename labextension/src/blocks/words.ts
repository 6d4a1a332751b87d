/** Durations, counts and sentences of a run: `alloy_nb/render/wording.py` for the page, the same to the letter. */
import { spaced } from "./blank";
import type { Approval, Block, Facts, Notice, Tool, ToolState } from "./block";
import { WORDS } from "./catalogue";
import { fixed, rounded } from "./numbers";
import { isBag } from "./read";

/** The mark of a tool's state. */
export const MARKS: Readonly<Record<ToolState, string>> = {
  waiting: "○",
  running: "●",
  done: "✓",
  failed: "✗",
  denied: "✗",
};

const LONGEST_OUTCOME = 90;
/** Below this many seconds a duration of thought says more of the machine than of the thought. */
const MOMENT = 0.1;

/** Milliseconds as a person says them: "38 ms", "2.1 s", "1 min 12 s". */
export function durationWords(ms: number): string {
  if (ms < 1_000) return `${Math.max(rounded(ms), 1)} ms`;
  if (ms < 60_000) return `${fixed(ms / 1_000, 1)} s`;
  const seconds = rounded(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A number of tokens, short: "312", "4.1 k", "1.2 M". */
export function tokenWords(count: number): string {
  if (count < 1_000) return String(count);
  return count < 999_950 ? `${fixed(count / 1_000, 1)} k` : `${fixed(count / 1_000_000, 1)} M`;
}

/** US dollars; rather "unknown" than a wrong number. */
export function costWords(cost: number | null): string {
  if (cost === null) return WORDS.costUnknown;
  if (cost === 0) return "$0";
  if (cost < 0.0001) return "< $0.0001";
  return `$${fixed(cost, cost >= 1 ? 2 : cost >= 0.01 ? 3 : 4)}`;
}

/** The line above folded thinking. */
export function thinkingWords(seconds: number | null, live: boolean): string {
  const took = seconds === null || seconds < MOMENT ? "" : durationWords(seconds * 1_000);
  if (live) return took ? `${WORDS.thinking} ${took}` : WORDS.thinking;
  return took ? WORDS.thoughtFor(took) : WORDS.thought;
}

/** A notice on one line. */
export function noticeWords(notice: Notice): string {
  const text = notice.text ?? "";
  if (notice.seconds === undefined || notice.seconds === null) return text;
  const took = durationWords(notice.seconds * 1_000);
  return `${text}; ${notice.kind === "pause" ? WORDS.goingOn(took) : WORDS.tryingAgain(took)}`;
}

/** The facts under a run: how it stands, model, turns, tokens, cost, time; while it is live without the time. */
export function footerWords(facts: Facts, live: boolean): string[] {
  const { model, status = "running", turns = 0, input_tokens = 0, output_tokens = 0, cost = null, seconds } = facts;
  const words: string[] = live ? [WORDS.running] : [];
  if (status !== "completed" && !live) words.push(entry(WORDS.status, status) ?? status);
  if (model) words.push(model);
  if (turns) words.push(live ? WORDS.turn(turns) : WORDS.turns(turns));
  if (input_tokens + output_tokens) {
    words.push(WORDS.tokens(tokenWords(input_tokens), tokenWords(output_tokens)), costWords(cost));
  }
  if (!live && seconds) words.push(durationWords(seconds * 1_000));
  return words;
}

/** What a call wants to do, after its name and before its key argument; in the verb of its reason, if that has one. */
export function questionWords(question: Approval): string {
  const { name = "", reason = "" } = question;
  const named = WANTS.exec(reason.startsWith(name) ? reason.slice(name.length) : reason);
  return WORDS.wantsTo(named?.[1] ?? entry(WORDS.verbs, name) ?? WORDS.run);
}

const WANTS = /^ wants to ([a-z]+) `/;

/** What the reason says beyond the line that `questionWords` begins. */
export function reasonWords(question: Approval): string {
  const { input, name = "", reason = "" } = question;
  for (const value of isBag(input) ? Object.values(input) : []) {
    const line = `${name} ${questionWords(question)} \`${String(value)}\``;
    if (typeof value === "string" && reason.startsWith(line)) return reason.slice(line.length).replace(/^,/, "").trim();
  }
  return reason;
}

/** What is remembered of a call of this tool: its file, its host, else its command. */
export function remembered(name = ""): string {
  return entry(WORDS.remembered, name) ?? "command";
}

/** How a question was answered. */
export function verdictWords(question: Approval): string {
  const { state = "pending", by: answerer = "", remember = "once", answer = "" } = question;
  const by = entry(WORDS.whom, answerer) ?? answerer;
  if (state === "allowed") {
    if (answerer === "remembered") return WORDS.asBefore(WORDS.allowed);
    const words =
      remember === "command"
        ? WORDS.allowedForThis(remembered(question.name))
        : (entry(WORDS.allowedFor, remember) ?? WORDS.allowed);
    return by ? WORDS.by(words, by) : words;
  }
  if (state === "denied") return WORDS.denied(answer || (by ? WORDS.saidNo(by) : WORDS.answerWasNo));
  return state === "withdrawn" ? WORDS.neverAnswered : WORDS.pending;
}

/** The right end of a tool's line: time taken, and what went wrong or was allowed. */
export function outcomeWords(tool: Tool, question: Approval | undefined): string {
  const { state = "waiting", duration_ms: took = null, error = null, exit_code: code = null } = tool;
  const words: string[] = [];
  // That a policy allowed it goes without saying: nobody was asked.
  if (question?.state === "allowed" && question.by !== "policy") words.push(verdictWords(question));
  if ((state === "done" || state === "failed") && took !== null) words.push(durationWords(took));
  if (code && error === null) words.push(WORDS.exitCode(code));
  if (error !== null) words.push(oneLine(brief(error)));
  else if (state === "running") words.push(progressWords(tool) || WORDS.running);
  else if (state === "waiting") words.push((tool.input ?? null) !== null ? WORDS.waiting : WORDS.arriving);
  return words.join(" · ");
}

/** The newest question of each call. */
export function approvalsByCall(blocks: readonly Block[]): ReadonlyMap<string, Approval> {
  const questions = new Map<string, Approval>();
  for (const block of blocks) if (block.block === "approval") questions.set(block.id ?? "", block);
  return questions;
}

function progressWords(tool: Tool): string {
  const share = typeof tool.fraction === "number" ? `${fixed(tool.fraction * 100, 0)}%` : "";
  return [share, oneLine(tool.progress?.at(-1) ?? "")].filter(Boolean).join(" ");
}

/** What a quiet line says: `denied: no`, and of a tool that crashed what it said itself. */
function brief(error: string): string {
  const crash = "Tool crashed: ";
  if (error.startsWith(crash)) error = error.slice(crash.length);
  for (const word of ["Denied", "Blocked"]) {
    if (error.startsWith(`${word}: `)) return word.toLowerCase() + error.slice(word.length);
  }
  return error;
}

function oneLine(text: string): string {
  const line = spaced(text);
  const characters = line.length <= LONGEST_OUTCOME ? [] : Array.from(line);
  return characters.length <= LONGEST_OUTCOME ? line : `${characters.slice(0, LONGEST_OUTCOME - 1).join("")}…`;
}

/** What a table says for a key that came from elsewhere, and may be `constructor`. */
function entry(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
