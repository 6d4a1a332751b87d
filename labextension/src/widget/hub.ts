/** The kernel's one widget in the page: no view of its own, but the home of every run's. */
import { Home } from "./home";
import type { Model } from "./transport";

const HOMES = Symbol.for("alloy_nb.homes");

/** A view that came first waits for `ready`. Two pages of one kernel in one window make two homes for a key. */
interface Entry {
  ready?: Promise<Home>;
  resolve?: (home: Home) => void;
  before?: Entry | undefined;
  gone?: boolean;
}

function initialize({ model }: { model: Model }): () => void {
  const shared = globalThis as { [HOMES]?: Map<string, Entry> };
  const homes = (shared[HOMES] ??= new Map());
  const key = String(model.get("key"));
  const home = new Home(model);
  const before = homes.get(key);
  before?.resolve?.(home);
  const own: Entry = { ready: Promise.resolve(home), before: before?.resolve ? undefined : before };
  homes.set(key, own);
  return () => {
    home.close();
    own.gone = true;
    if (homes.get(key) !== own) return;
    let left: Entry | undefined = own;
    while (left?.gone) left = left.before;
    if (left) homes.set(key, left);
    else homes.delete(key);
  };
}

export default { initialize };
