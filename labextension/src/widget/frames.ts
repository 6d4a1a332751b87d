/**
 * One animation-frame loop for all views of the page. Whatever a frame costs, the next one waits ten times as long: so
 * all views together keep the page busy for at most about a tenth of the time, however many there are.
 */

const REST = 10;
const LONGEST_REST_MS = 2_000;

export type Paint = () => void;

const waiting = new Set<Paint>();
let asked = false;
let free = 0;

/** Have `paint` called at a coming frame; once, however often it is asked for before. */
export function soon(paint: Paint): void {
  waiting.add(paint);
  if (asked) return;
  asked = true;
  const rest = free - performance.now();
  if (rest > 0) setTimeout(() => requestAnimationFrame(frame), rest);
  else requestAnimationFrame(frame);
}

export function cancel(paint: Paint): void {
  waiting.delete(paint);
}

function frame(): void {
  asked = false;
  const start = performance.now();
  const paints = [...waiting];
  waiting.clear();
  for (const paint of paints) {
    try {
      paint();
    } catch (error) {
      // One view's failure is not the others'.
      console.error(error);
    }
  }
  rest(start);
  // Style and layout come after this callback; a message is handled when they are done.
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    rest(start);
    channel.port1.close();
  };
  channel.port2.postMessage(null);
}

function rest(start: number): void {
  const now = performance.now();
  free = Math.max(free, now + Math.min((now - start) * REST, LONGEST_REST_MS));
}
