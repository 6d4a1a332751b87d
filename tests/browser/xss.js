// The page's side of test_xss.py. Runs in every document and frame before anything else: what a vector could call is
// wrapped, so that it is told by `canary`, a function of the test's. A person's hands and eyes are here too: `judge`
// reads an output, looks for what has no business there, and touches everything.
(() => {
  const tell = (kind, detail) => window.canary(`${kind}: ${String(detail).slice(0, 200)}`).catch(() => null);
  for (const name of ["alert", "confirm", "prompt", "print", "open"]) {
    window[name] = (...given) => void tell(name, given[0]);
  }
  for (const name of ["WebSocket", "EventSource", "RTCPeerConnection", "SharedWorker"]) {
    const real = window[name];
    window[name] = new Proxy(real, {
      construct(target, given) {
        const host = name === "RTCPeerConnection" ? "" : new URL(given[0], document.baseURI).host;
        if (host !== location.host) tell(name, JSON.stringify(given[0]));
        return Reflect.construct(target, given);
      },
    });
  }

  const TAGS = new Set(("a blockquote br code details div em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong summary " +
    "table tbody td th thead tr ul").split(" "));
  const ATTRIBUTES = new Set(["class", "style", "href", "rel", "target", "start", "open"]);
  // What JupyterLab and nbconvert themselves make of a heading, a link or a piece of code.
  const HOSTS_OWN = new Set(["id", "data-jupyter-id", "data-mime-type", "data-lm", "tabindex", "title"]);
  const TASK = "input[type=checkbox][disabled]", TASK_ATTRIBUTES = new Set(["type", "disabled", "checked", "class"]);
  const HOSTS_TAGS = new Set(["del", "dl", "dt", "dd", "section", "sup"]); // footnotes and the like
  const LINK = /^(https?:\/\/|mailto:|#)/i;
  // A tool's picture, which lies in the page itself; its words stay where the data is dropped.
  const PICTURE = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+\/]+=*$/;
  const STYLE = /url\s*\(|image\s*\(|expression|@import|behavior|binding|position:\s*(fixed|absolute|sticky)/i;

  // Plain text is JupyterLab's to show, and it makes links of addresses of any kind there, as of a person's own output.
  // A script's opens an empty window that has no opener, where nothing runs.
  const TEXT = ".jp-RenderedText", SCRIPT = /^\s*(java|vb)script:/i;
  const isHarmless = link => !SCRIPT.test(link.getAttribute("href")) || (link.target === "_blank" && link.rel === "noopener");

  // A live cell has buttons and a field of its own, says more to a screen reader, and shows formulas as MathML.
  const VIEW = ".alloy-view", VIEWS_OWN = ".alloy-view button.alloy-button, .alloy-view input.alloy-field";
  const VIEW_ATTRIBUTES = /^(role|type|placeholder|disabled|data-lm-suppress-shortcuts|tabindex|aria-(label|live|busy|expanded))$/;
  const MATH = "http://www.w3.org/1998/Math/MathML";
  const MATH_ATTRIBUTES = /^(?!(id|name|style|actiontype|selection|data-.*|xml.*)$)/;

  // What an argument may have given to every object.
  const polluted = () => [{}, [], () => 0, "", document.body].some(one => one.polluted !== undefined);

  // `byHost`: the host rendered Markdown itself, and its own attributes are no fault.
  function faultsOf(element, byHost) {
    const tag = element.localName, found = [];
    if (element.matches(".jp-Stdin-input")) return found; // where a person answers
    if (byHost && element.matches(TASK) && [...element.attributes].every(one => TASK_ATTRIBUTES.has(one.name))) return found;
    const picture = tag === "img" && PICTURE.test(element.getAttribute("src") ?? "data:image/png;base64,A");
    const formula = element.closest("mjx-container") !== null;
    const view = element.closest(VIEW) !== null, math = view && element.namespaceURI === MATH;
    const known = math ? !/^(maction|mglyph|annotation-xml|a|script|style)$/.test(tag) : TAGS.has(tag) || picture ||
      element.matches(VIEWS_OWN) || (byHost && HOSTS_TAGS.has(tag));
    if (!known && !(formula && (tag.startsWith("mjx-") || !/^(script|a|img|iframe|maction)$/.test(tag)))) {
      found.push(`<${tag}>`);
    }
    for (const { name, value } of element.attributes) {
      if (picture && (name === "src" || name === "alt")) continue;
      if (name === "style" && STYLE.test(value)) found.push(`<${tag} style=${value}>`);
      else if (name === "href" && !(element.closest(TEXT) ? isHarmless(element) : LINK.test(value))) found.push(`<${tag} href=${value}>`);
      else if (/^on|command|^(src|srcset|srcdoc|action|formaction|ping|xlink:href|background)$/i.test(name)) {
        found.push(`<${tag} ${name}=${value}>`);
      } else if (math ? MATH_ATTRIBUTES.test(name) : view && VIEW_ATTRIBUTES.test(name)) {
        continue;
      } else if (!formula && !ATTRIBUTES.has(name) && !(byHost && HOSTS_OWN.has(name))) {
        found.push(`<${tag} ${name}=${value}>`);
      }
    }
    return found;
  }

  // The words as they are read, with the element each character stands in. A formula's letters are its glyphs.
  function read(roots) {
    const places = [];
    let text = "";
    const take = (words, place) => {
      for (const character of words.normalize("NFKC")) {
        for (let i = 0; i < character.length; i++) places.push(place);
        text += character;
      }
    };
    const walk = node => {
      if (node.nodeType === Node.TEXT_NODE) return take(node.data, node);
      if (node.localName === "mjx-assistive-mml") return null;
      const glyph = node.localName === "mjx-c" && /mjx-c([0-9A-F]+)/.exec(node.className);
      if (glyph) return take(String.fromCodePoint(parseInt(glyph[1], 16)), node);
      for (const child of node.childNodes) walk(child);
      return null;
    };
    roots.forEach(walk);
    return { text, places };
  }

  function isSeen(node) {
    const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    const range = document.createRange();
    range.selectNodeContents(node.nodeType === Node.TEXT_NODE ? node : element.closest("mjx-container"));
    return (
      [...range.getClientRects()].some(box => box.width > 0 && box.height > 0) &&
      element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    );
  }

  const EVENTS = ("mouseover mouseenter mousemove pointerdown mousedown focus keydown click toggle load error wheel " +
    "animationend").split(" ");
  const QUIET = new Set(["class", "style", "open"]), LOUD = /^on|href|src|command|action|^(id|name)$/i;
  const PLAIN_LINK = new Set(["href", "rel", "target"]);

  function openAll(root) {
    root.querySelectorAll("details").forEach(details => (details.open = true));
  }

  // Whatever a hand can do to the elements. Only links to the web are held back: to follow one is the reader's will.
  function poke(root) {
    const hold = event => {
      const link = event.target.closest?.("a[href]");
      if (link && LINK.test(link.getAttribute("href"))) event.preventDefault();
    };
    document.addEventListener("click", hold, true);
    try {
      for (const element of [...root.querySelectorAll(`*:not(${VIEWS_OWN})`)]) {
        // A handler in an attribute hears what is sent to its element, and JupyterLab's own know theirs by one. The rest,
        // thousands of letters of formulas, is left in peace: JupyterLab lays out the page anew at each press. So are
        // its own links in plain text: to one that names a file it would offer its debugger.
        const names = Element.prototype.getAttributeNames.call(element).filter(name => !QUIET.has(name));
        const formula = element.closest("mjx-container") !== null;
        const isQuiet = !names.some(name => !formula || LOUD.test(name));
        if (isQuiet || element.localName === "summary" || element.matches(`${TEXT} a`)) continue;
        const press = element.click ?? (() => element.dispatchEvent(new MouseEvent("click", { bubbles: true })));
        if (names.every(name => PLAIN_LINK.has(name))) {
          press.call(element);
          continue;
        }
        for (const type of EVENTS) element.dispatchEvent(new Event(type, { bubbles: false }));
        if (element.tabIndex >= 0) element.focus?.({ preventScroll: true });
        press.call(element);
        element.form?.requestSubmit?.();
      }
    } finally {
      document.removeEventListener("click", hold, true);
    }
  }

  const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
  const notebook = () => window.jupyterapp.shell.currentWidget.content;
  const outputsOf = i => [...notebook().widgets.at(i).node.querySelectorAll(".jp-OutputArea-output, .jp-MarkdownOutput")];

  function judged(roots, marks, byHost) {
    roots.forEach(openAll);
    const { text, places } = read(roots);
    const unseen = marks.filter(mark => {
      for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) {
        if (isSeen(places[at]) && isSeen(places[at + mark.length - 1])) return false;
      }
      return true;
    });
    const faults = roots.flatMap(root => [...root.querySelectorAll("*")]).flatMap(one => faultsOf(one, byHost));
    roots.forEach(poke);
    if (polluted()) faults.push("every object is polluted");
    return [...unseen.map(mark => `unseen: ${mark}`), ...faults];
  }

  window.hostile = {
    // The outputs of cells: wait a while for their marks, then say which nobody can read, and which elements and
    // attributes should not be there. Everything is touched, and time is left for what is loaded or runs later.
    async judge(cells, limit) {
      const wrong = [];
      for (const [i, marks, byHost] of cells) {
        await notebook().scrollToItem(i, "start");
        const end = performance.now() + limit;
        while (performance.now() < end) {
          outputsOf(i).forEach(openAll); // a live cell fills what is folded when it is opened
          const { text } = read(outputsOf(i));
          if (marks.every(mark => text.includes(mark))) break;
          await pause(50);
        }
        wrong.push(...judged(outputsOf(i), marks, byHost).map(what => `cell ${i}: ${what}`));
      }
      await pause(60);
      cells.forEach(([i]) => outputsOf(i).forEach(openAll));
      return wrong;
    },
    // The same for a document that is no notebook any more.
    async judgeDocument(marks) {
      const wrong = judged([...document.querySelectorAll(".jp-OutputArea-output, .jp-MarkdownOutput")], marks, true);
      await pause(60);
      return wrong;
    },
    // Each text as a document of its own, in a frame that keeps nothing from it.
    async unguarded(texts) {
      const frames = texts.map(text => {
        const frame = document.createElement("iframe");
        frame.srcdoc = `<!doctype html><body>${text}</body>`;
        return frame;
      });
      const loaded = frames.map(frame => new Promise(resolve => (frame.onload = resolve)));
      document.body.append(...frames);
      await Promise.all(loaded);
      for (const { contentWindow, contentDocument } of frames) {
        if (contentDocument) contentWindow.hostile?.poke(contentDocument.documentElement); // it may have gone elsewhere
      }
      await pause(100);
      frames.forEach(frame => frame.remove());
    },
    poke,
    write(i, markdown) {
      notebook().widgets.at(i).model.sharedModel.setSource(markdown);
      notebook().widgets.at(i).rendered = true;
    },
    // The table of contents repeats the headings of outputs.
    async contents() {
      const shell = window.jupyterapp.shell;
      shell.activateById("table-of-contents");
      await pause(200);
      const panel = document.querySelector("#table-of-contents");
      const text = panel.textContent;
      poke(panel);
      await pause(60);
      shell.collapseLeft();
      return text;
    },
    // JupyterLab runs a command when an element that names one is clicked.
    listen() {
      const commands = window.jupyterapp.commands;
      commands.addCommand("canary:command", { execute: () => void tell("command", "canary:command") });
      commands.commandExecuted.connect((_, { id }) => id === "terminal:create-new" && tell("command", id));
    },
  };
})();
