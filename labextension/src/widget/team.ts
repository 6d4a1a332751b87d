/** The kernel's widget for teams, made with its first one: to the small view of a team it is what the hub is to a run's. */
import type { Home } from "./home";
import { type Hub, TeamHome } from "./team/home";
import type { Model } from "./transport";

const HOMES = Symbol.for("alloy_nb.homes");

/** As `hub.ts` keeps them; whoever comes first waits for `ready`. */
interface Entry {
  ready?: Promise<unknown>;
  resolve?: (home: unknown) => void;
}

function homes(): Map<string, Entry> {
  const shared = globalThis as { [HOMES]?: Map<string, Entry> };
  return (shared[HOMES] ??= new Map());
}

async function findHub(model: Model): Promise<Hub> {
  const id = String(model.get("hub"));
  const key = String(model.get("hub_key"));
  let entry = homes().get(key);
  if (!entry) {
    const made: Entry = (entry = {});
    made.ready = new Promise((resolve) => (made.resolve = resolve));
    homes().set(key, made);
  }
  const hub = (await model.widget_manager.get_model?.(id)) as Model;
  return { home: (await entry.ready) as Home, model: hub, id };
}

function initialize({ model }: { model: Model }): () => void {
  const key = String(model.get("key"));
  const home = new TeamHome(model, findHub(model));
  homes().get(key)?.resolve?.(home);
  const own: Entry = { ready: Promise.resolve(home) };
  homes().set(key, own);
  return () => {
    home.close();
    if (homes().get(key) === own) homes().delete(key);
  };
}

export default { initialize };
