// How well a part of a page can be read: the contrast of each text in it as it is painted, what does not fit, what can
// be pressed. Works in any page; nothing of JupyterLab is asked.
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();

  // Any CSS colour as [red, green, blue, alpha], 0 to 255 and 0 to 1.
  function rgba(css) {
    if (!known.has(css)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = css;
      canvas.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(css, [red, green, blue, alpha / 255]);
    }
    return known.get(css);
  }

  const over = ([r, g, b, a], [r2, g2, b2]) => [r * a + r2 * (1 - a), g * a + g2 * (1 - a), b * a + b2 * (1 - a), 1];

  function ancestors(element) {
    const found = [];
    for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) found.push(at);
    return found;
  }

  function background(element) {
    const layers = [];
    for (const at of ancestors(element)) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255, 1]);
  }

  function luminance([red, green, blue]) {
    const [r, g, b] = [red, green, blue].map(part => part / 255).map(part =>
      part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function contrast(element) {
    const behind = background(element);
    const colour = [...rgba(getComputedStyle(element).color)];
    for (const at of ancestors(element)) colour[3] *= Number(getComputedStyle(at).opacity);
    const [light, dark] = [luminance(over(colour, behind)), luminance(behind)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  }

  const shown = element => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";

  function texts(root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const text = walker.currentNode.data.trim();
      // The copy of a formula for screen readers is clipped away.
      if (text && shown(element) && !element.closest("mjx-assistive-mml, script, style")) found.push([text, element]);
    }
    return found;
  }

  window.legible = root => {
    root.querySelectorAll("details").forEach(one => { one.open = true; });
    const found = texts(root).map(([text, element]) => ({ text: text.slice(0, 60), contrast: contrast(element) }));
    const wide = [...root.querySelectorAll("*")].filter(element => {
      const style = getComputedStyle(element);
      return element.scrollWidth > element.clientWidth + 1 && style.display !== "inline" && element.clientWidth > 0
        && style.overflowX === "visible" && !element.closest("mjx-container");
    });
    return {
      words: found.map(one => one.text).length,
      lowest: found.sort((a, b) => a.contrast - b.contrast).slice(0, 5),
      overflowing: wide.map(element => element.outerHTML.slice(0, 120)),
      pressable: [...root.querySelectorAll("button, input, select, textarea, form, [onclick], [role=button]")]
        .map(element => element.outerHTML.slice(0, 120)),
    };
  };
})();
