// The page's side of page.py: everything is asked of JupyterLab's own objects, and every wait is for a condition of
// theirs. Cells are read through their widgets, so that it does not matter whether one is scrolled into view.
(() => {
  const app = () => window.jupyterapp;
  let opened = null; // the notebook's panel: the test's own, whatever else JupyterLab may bring to the front
  function panel() {
    if (!opened || opened.isDisposed) throw new Error("no notebook is open");
    return opened;
  }
  const notebook = () => panel().content;
  const session = () => panel().context.sessionContext;
  const kernel = () => session().session?.kernel;
  const command = (name, args) => app().commands.execute(name, args ?? {});
  const frame = () => new Promise(resolve => setTimeout(resolve, 20));

  const HEARD = 10000; // milliseconds for a new kernel to say what it is asked

  // `what` may be a function, to tell in the end how things stood.
  async function until(what, limit, probe) {
    const end = performance.now() + limit;
    for (;;) {
      const found = await probe();
      if (found) return found;
      if (performance.now() > end) throw new Error(`never: ${typeof what === "function" ? what() : what}`);
      await frame();
    }
  }

  // A promise of JupyterLab's own may never come: a wait for it has a limit too.
  const within = (what, limit, promise) =>
    Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new Error(`never: ${what}`)), limit))]);

  function cell(i) {
    const found = notebook().widgets.at(i);
    if (!found) throw new Error(`there is no cell ${i}`);
    return found;
  }

  const runs = new Map(); // cell -> the promise of its last run: true when it ended well

  // JupyterLab's commands act on what is in front.
  function select(i) {
    if (app().shell.currentWidget !== panel()) throw new Error("another document is in front");
    const book = notebook();
    book.activeCellIndex = i < 0 ? book.widgets.length + i : i;
    book.deselectAll();
  }

  const own = i => cell(i).model.sharedModel;
  const outputs = i => (cell(i).outputArea ? cell(i).outputArea.model.toJSON() : []);

  function status(i) {
    const model = cell(i).model;
    if (model.executionState === "running" || own(i).executionState === "running") return "running";
    if (outputs(i).some(output => output.output_type === "error")) return "error";
    return own(i).execution_count === null ? "new" : "ok";
  }

  const ended = () => notebook().widgets.filter((one, i) => status(i) !== "running" && own(i).execution_count !== null);

  // `_futures` alone tells what has no answer yet; cells that were run stay in it.
  const asked = () => [...(kernel()?._futures.values() ?? [])].map(future => future.msg.header.msg_type)
    .filter(type => type.endsWith("_request"));

  // Until %load_ext has mended it, ipykernel 7.0 to 7.3 may leave unread what comes in while it replies, and all that
  // follows, until somebody connects anew, see alloy_nb/notebook/replies.py: the README tells a person to do so.
  async function reconnect() {
    console.warn("the kernel did not read what it was asked, and is reconnected");
    await kernel().reconnect();
  }

  // The limit is one cell's: it begins anew with each that ends, since a cell may wait for all that run before it.
  async function whileCellsEnd(what, limit, promise) {
    let over = false;
    const settle = () => { over = true; };
    promise.then(settle, settle);
    const unread = setTimeout(() => { if (!ended().length && kernel()?.status !== "busy") reconnect().catch(() => null); }, HEARD);
    promise.finally(() => clearTimeout(unread)).catch(() => null);
    for (let count = -1, end = 0; !over; await frame()) {
      const now = ended().length;
      if (now !== count) [count, end] = [now, performance.now() + limit];
      if (performance.now() > end) {
        const all = notebook().widgets;
        const left = all.flatMap((one, i) => (ended().includes(one) ? [] : [`${i} is ${status(i)}`]));
        const stand = `the kernel is ${kernel()?.connectionStatus} and ${kernel()?.status}, and has not answered ${asked()}`;
        throw new Error(`never: ${what}; ${count} of ${all.length} have, ${left.join(", ")}; ${stand}`);
      }
    }
    return promise;
  }

  window.bed = {
    async started(limit) {
      await until("JupyterLab has started", limit, () => window.jupyterapp);
      await within("JupyterLab is restored", limit, app().restored);
      app().shell.collapseLeft();
      app().shell.collapseRight();
    },

    // `live` false: no kernel is started, as when a file is only looked at.
    async open(path, live, limit) {
      const kernelPreference = live ? undefined : { shouldStart: false, canStart: false, autoStartDefault: false };
      opened = await within(`${path} opens`, limit,
        command("docmanager:open", { path, factory: "Notebook", kernelPreference }));
      await this.shown(path, limit);
      if (live) await this.begun(limit);
    },
    // After a reload it is JupyterLab that opens the notebook its address names: a second opening would race with it.
    async reopened(path, idle, limit) {
      opened = await until(`${path} opens by itself`, limit, () =>
        [...app().shell.widgets("main")].find(widget => widget.context?.path === path));
      await this.shown(path, limit);
      if (idle) await this.connected(limit);
    },
    async shown(path, limit) {
      app().shell.activateById(opened.id);
      await until(`${path} is in front`, limit, () => app().shell.currentWidget === opened);
      await within(`${path} is read`, limit, opened.context.ready);
      await within(`${path} is revealed`, limit, opened.revealed);
    },

    // A new kernel is asked by JupyterLab for what it is, its history and its comms, and may leave that unread.
    async begun(limit) {
      const heard = await this.connected(HEARD).then(() => true, () => false);
      if (heard) return;
      await within("the kernel has a session", limit, session().ready);
      await within("the kernel is reconnected", limit, reconnect());
      await this.connected(limit);
    },

    // Not by the indicator in the tool bar, which says "idle" before there is a kernel.
    async connected(limit) {
      await within("the session is ready", limit, session().ready);
      const stand = () => `the kernel is idle, but ${kernel()?.connectionStatus} and ${kernel()?.status}`;
      await until(stand, limit, () => kernel()?.connectionStatus === "connected" && kernel().status === "idle");
      await within("the kernel has said what it is", limit, kernel().info);
      await this.quiet(limit);
    },
    // A person is too slow to run a cell before JupyterLab has its answers. It is asked only before any cell was run.
    async quiet(limit) {
      await until(() => `the kernel has answered ${asked()}`, limit, () => !asked().length);
    },

    async close() {
      for (const widget of [...app().shell.widgets("main")]) {
        const context = widget.context;
        if (context?.sessionContext) await context.sessionContext.shutdown().catch(() => null);
        widget.dispose();
      }
      runs.clear();
      opened = null;
      await app().serviceManager.sessions.shutdownAll();
      document.querySelectorAll(".jp-Dialog .jp-mod-reject").forEach(button => button.click());
    },

    // A run is begun here and awaited by `finished`: what happens between the two is the test's.
    run(i) {
      select(i);
      runs.set(cell(i), command("notebook:run-cell"));
    },
    async finished(i, limit) {
      const run = runs.get(cell(i));
      if (!run) throw new Error(`cell ${i} was not run`);
      await whileCellsEnd(`cell ${i} ends`, limit, run);
      await until(`cell ${i} is idle`, limit, () => status(i) !== "running");
      return status(i);
    },
    runAll() {
      const all = command("notebook:run-all-cells");
      for (const one of notebook().widgets) runs.set(one, all);
    },
    interrupt: () => command("notebook:interrupt-kernel").then(() => null),
    restart: async limit => {
      await within("the kernel restarts", limit, session().restartKernel());
      await window.bed.connected(limit);
    },

    status,
    outputs,
    source: i => own(i).getSource(),
    count: () => notebook().widgets.length,
    html: i => cell(i).outputArea.node.innerHTML,
    text: i => {
      const node = cell(i).outputArea.node;
      return node.isConnected ? node.innerText : node.textContent;
    },
    unfold: i => cell(i).outputArea.node.querySelectorAll("details").forEach(one => { one.open = true; }),
    legible: i => window.legible(cell(i).outputArea.node),
    trusted: i => cell(i).model.trusted,
    untilText: (i, text, limit) => until(`cell ${i} shows ${JSON.stringify(text)}`, limit, () => {
      const node = cell(i).outputArea.node;
      return (node.innerText ?? "").includes(text) || node.textContent.includes(text);
    }),

    async show(i, limit) {
      await notebook().scrollToItem(i < 0 ? notebook().widgets.length + i : i, "start");
      await until(`cell ${i} is in view`, limit, () => cell(i).node.isConnected);
    },

    async theme(name, light, limit) {
      if (document.body.dataset.jpThemeName !== name) await command("apputils:change-theme", { theme: name });
      await until(`the theme is ${name}`, limit, () =>
        document.body.dataset.jpThemeName === name && document.body.dataset.jpThemeLight === String(light));
      await this.settled();
    },
    // What was changed is painted: fonts are there, and two frames have gone by.
    async settled() {
      await document.fonts.ready;
      for (let i = 0; i < 2; i++) await new Promise(resolve => requestAnimationFrame(resolve));
    },

    async save(limit) {
      await within("the notebook is saved", limit, command("docmanager:save"));
      await until("nothing is unsaved", limit, () => !panel().context.model.dirty);
    },

    // As a person does it: the command asks, and the question is answered.
    async trust(limit) {
      const asked = command("notebook:trust");
      const accept = await until("the question about trust", limit, () =>
        document.querySelector(".jp-Dialog .jp-mod-accept"));
      accept.click();
      await within("the notebook is trusted", limit, asked);
    },
  };
})();
