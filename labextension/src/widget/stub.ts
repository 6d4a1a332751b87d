// The view of one run, sent once a run and so kept small: it finds the hub's home, which does the rest.
export default {
  async render({ model, el }: any) {
    const homes = ((globalThis as any)[Symbol.for("alloy_nb.homes")] ??= new Map());
    const key = model.get("key");
    let entry = homes.get(key);
    if (!entry) {
      homes.set(key, (entry = {}));
      entry.ready = new Promise((resolve) => (entry.resolve = resolve));
    }
    const lost = () => {
      el.textContent = `this run did not finish here; %alloy /attach ${model.get("run")}`;
    };
    const timer = setTimeout(lost, 9e3);
    let gone = false;
    let close: any;
    // Not awaited: a view that waits for its hub can still be closed.
    model.widget_manager.get_model(model.get("hub")).then(
      async () => {
        const home = await entry.ready;
        clearTimeout(timer);
        if (gone) return;
        el.textContent = "";
        close = home.show(model, el);
      },
      () => (clearTimeout(timer), lost()),
    );
    return () => {
      gone = true;
      clearTimeout(timer);
      close?.();
    };
  },
};
