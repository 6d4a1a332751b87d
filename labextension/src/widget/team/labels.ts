/** The words of a live team that only the page says; those that the frozen form says too are in ../../blocks. */
export const LABELS = {
  team: (name: string) => `Alloy team ${name}`,
  tabs: (name: string) => `Agents of ${name}`,
  timeline: "Timeline",
  unread: "new",
  nothing: "It has not been asked anything yet.",
  queued: "It works on something else first.",
  handedOver: (to: string, after: string) => `→ handed over to ${to} after ${after}`,
  nobody: "Nobody has worked yet.",
  stopAll: "■ Stop all",
  asks: (name: string) => `${name} asks for approval`,
  told: (name: string, words: string) => `${name}: ${words}`,
  lost: "the kernel is gone: these agents did not finish here",
  bar: "when",
  unkept: (name: string) => `Only this view has the end of it: %alloy /team ${name} in a cell keeps it in the notebook.`,
} as const;
