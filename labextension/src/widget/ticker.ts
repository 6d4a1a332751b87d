/** One slow clock for the seconds that are shown: at most twice a second, and not while nobody looks. */

const TICK_MS = 500;
/** Numbers that move draw the eye; who asked for less motion gets less of it. */
const CALM_TICK_MS = 5_000;

const ticked = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let listening = false;

/** Call `tick` until the returned function is called. */
export function everyTick(tick: () => void): () => void {
  ticked.add(tick);
  if (!listening) {
    listening = true;
    document.addEventListener("visibilitychange", restart);
  }
  if (timer === undefined) restart();
  return () => {
    ticked.delete(tick);
    if (!ticked.size) restart();
  };
}

function restart(): void {
  clearInterval(timer);
  timer = undefined;
  if (!ticked.size || document.hidden) return;
  const calm = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches;
  timer = setInterval(() => ticked.forEach((tick) => tick()), calm ? CALM_TICK_MS : TICK_MS);
}
