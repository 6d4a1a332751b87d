/** The kernel's one widget in the page: no view of its own, but the home of every run's. */
import { Home } from "./home";
import type { Model } from "./transport";

const HOMES = Symbol.for("alloy_nb.homes");

/** A view that came first waits for `ready`. */
interface Entry {
  ready?: Promise<Home>;
  resolve?: (home: Home) => void;
}

function initialize({ model }: { model: Model }): () => void {
  const shared = globalThis as { [HOMES]?: Map<string, Entry> };
  const homes = (shared[HOMES] ??= new Map());
  const key = String(model.get("key"));
  const home = new Home(model);
  const entry = homes.get(key);
  if (entry?.resolve) entry.resolve(home);
  homes.set(key, { ready: Promise.resolve(home) });
  return () => {
    home.close();
    homes.delete(key);
  };
}

export default { initialize };
