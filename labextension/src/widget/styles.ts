/**
 * The one style sheet of all views: the measures of the frozen form (`STYLES` in `alloy_nb/render/palette.py`), so that
 * nothing moves when that takes the place of a view, and the colours of the page's theme.
 */

// Mixed with the colour of the text, so that each can be read on a light and on a dark ground, whatever the theme.
const mixed = (colour: string, share = 70) => `color-mix(in srgb,${colour} ${share}%,currentColor)`;
const BLUE = mixed("var(--jp-brand-color1,#1979df)");
const GREEN = mixed("var(--jp-success-color1,#218b3b)");
const RED = mixed("var(--jp-error-color1,#dc403a)");
const ORANGE = mixed("var(--jp-warn-color1,#c15d05)", 60);
const PURPLE = mixed("var(--alloy-purple,#9e57db)");
const TEAL = mixed("var(--alloy-teal,#0b878b)");
const PINK = mixed("var(--alloy-pink,#cf4194)");
const CODE_BLUE = mixed("#1979df");
const CODE_GREEN = mixed("#218b3b");
const CODE_RED = mixed("#dc403a");
const CODE_ORANGE = mixed("#c15d05");

const LINE = "rgba(127,127,127,.35)";
const SOFT = "rgba(127,127,127,.09)";
const GROUND = "var(--jp-layout-color0,var(--vscode-editor-background,Canvas))";
const EDGE = `var(--jp-border-color2,${LINE})`;
const MONO = "font-family:Menlo,Consolas,'DejaVu Sans Mono',monospace";
const UI = "font-family:var(--jp-ui-font-family,system-ui,sans-serif)";
const BOX = `${MONO};font-size:12px;line-height:1.45;border-radius:4px;padding:6px 10px;margin:0`;
const SCROLLED = "max-height:360px;overflow:auto";
const WRAPPED = "white-space:pre-wrap;overflow-wrap:break-word;word-break:normal";
const HIDDEN =
  "position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap";

// Each selector is put under the view's own class, twice: the theme's rules for HTML in outputs weigh less.
const RULES: readonly (readonly [selector: string, style: string])[] = [
  [".alloy-run-live,.alloy-run", "border-left:2px solid;padding:1px 0 1px 12px;overflow-wrap:break-word;line-height:1.5"],
  [".alloy-run", `border-left-color:${LINE}`],
  [".alloy-run-live", "border-left-color:var(--jp-brand-color1,#1979df)"],
  [":is(.alloy-run,.alloy-run-live):focus", "outline:none"],
  [".alloy-status", HIDDEN],
  [".alloy-quiet", "opacity:.68"],
  [".alloy-blue", `color:${BLUE}`],
  [".alloy-green", `color:${GREEN}`],
  [".alloy-red", `color:${RED}`],
  [".alloy-orange", `color:${ORANGE}`],
  ["strong", "font-weight:600"],
  ["em", "font-style:italic"],

  [".alloy-fold", "margin:5px 0"],
  ["summary", "cursor:pointer;font-size:12px"],
  [
    "summary .alloy-line",
    "display:inline-flex;flex-wrap:wrap;gap:0 8px;align-items:baseline;width:calc(100% - 18px);vertical-align:top",
  ],
  [".alloy-tool", "font-size:12px;margin:5px 0;padding:0 5px 0 13px"],
  [".alloy-tool .alloy-line", "display:flex;flex-wrap:wrap;gap:0 8px;align-items:baseline"],
  [".alloy-right-end", "opacity:.68;margin-left:auto;font-variant-numeric:tabular-nums"],
  [
    "code.alloy-key",
    `${MONO};font-size:12px;line-height:inherit;color:inherit;background:none;border:0;padding:0;min-width:0;` +
      "white-space:pre-wrap;overflow-wrap:break-word",
  ],
  [".alloy-body", "margin:4px 0 8px 18px"],
  [".alloy-label", "opacity:.68;font-size:11.5px;margin:6px 0 2px 0"],
  ["pre.alloy-output", `${BOX};color:inherit;border:0;background:${SOFT};${WRAPPED};${SCROLLED}`],
  ["pre.alloy-code", `${BOX};color:inherit;border:1px solid ${LINE};background:none;${WRAPPED};${SCROLLED}`],
  ["pre.alloy-diff", `${BOX};color:inherit;border:1px solid ${LINE};background:none;white-space:pre;${SCROLLED}`],
  ["pre.alloy-plain", `${BOX};color:inherit;border:0;background:${SOFT};${WRAPPED};${SCROLLED}`],
  // Who is asked must not have to look for the end of a line.
  [".alloy-approval pre.alloy-diff", WRAPPED],
  [".alloy-rich", "margin:4px 0 8px 18px"],
  [".alloy-picture", `display:block;max-width:100%;height:auto;margin:6px 0;border:1px solid ${LINE};border-radius:4px`],
  [
    ".alloy-thinking",
    "margin:4px 0 8px 18px;font-size:12px;font-style:italic;opacity:.78;white-space:pre-wrap;overflow-wrap:break-word",
  ],
  [".alloy-said", `margin:8px 0;padding:2px 10px;border-radius:6px;background:${SOFT};white-space:pre-wrap`],
  [".alloy-inputs,.alloy-notice", "font-size:12px;margin:5px 0;opacity:.68"],
  [".alloy-error,.alloy-approval", "margin:8px 0;padding:8px 10px;border:1px solid;border-radius:6px"],
  [".alloy-error", "border-color:var(--jp-error-color1,#dc403a)"],
  [".alloy-approval", "border-color:var(--jp-warn-color1,#c15d05)"],
  [".alloy-hint,.alloy-reason", "margin-top:4px;opacity:.78"],
  [".alloy-question .alloy-mark", "font-weight:600"],
  [".alloy-actions", "display:flex;flex-wrap:wrap;gap:6px;margin-top:6px;align-items:center"],
  [".alloy-told", "font-size:11.5px;margin-top:4px;opacity:.78"],
  [":is(.alloy-told,.alloy-notice,.alloy-inputs,.alloy-key,.alloy-right-end):empty", "display:none"],
  [".alloy-foot", "display:flex;gap:0 12px;align-items:center;font-size:11.5px;margin-top:8px"],
  // Stop is in reach of who reads the beginning of a long answer. Only the outermost: a team's runs are in its own.
  [
    ".alloy-run-live:not(.alloy-run-live *)>.alloy-foot",
    // It covers more than it takes: there it has the place that it has without, and in the frozen form.
    `position:sticky;bottom:4px;z-index:1;background:${GROUND};box-shadow:0 -4px ${GROUND},0 4px ${GROUND}`,
  ],
  [".alloy-foot>span", "flex:1 1 0;min-width:0;opacity:.68;font-variant-numeric:tabular-nums"],

  // What the keys come to is not left under what sticks.
  [".alloy-run-live :is(summary,pre,input,a,.alloy-actions button)", "scroll-margin-bottom:40px"],

  [
    ".alloy-button",
    `appearance:none;border:1px solid ${EDGE};background:transparent;color:inherit;border-radius:4px;padding:1px 9px;` +
      `margin:0;min-height:20px;${UI};font-size:12px;line-height:1.4;cursor:pointer;max-width:100%;overflow-wrap:anywhere`,
  ],
  [".alloy-button:hover:enabled", "background:rgba(127,127,127,.15)"],
  [".alloy-button:disabled", "cursor:default"],
  [":is(.alloy-sent .alloy-button,.alloy-foot .alloy-stop:disabled)", "opacity:.6"],
  [
    ".alloy-primary,.alloy-primary:hover:enabled",
    "background:var(--jp-brand-color1,#1565c0);color:var(--jp-layout-color0,#fff);border-color:transparent",
  ],
  [".alloy-primary:hover:enabled", "filter:brightness(1.08)"],
  [".alloy-quiet-button", "border-color:transparent"],
  // As high as its line: without it the frozen form's footer has the same height.
  [".alloy-stop", "flex:none;margin:-2px 0;opacity:.85"],
  [
    ".alloy-field",
    `flex:1 1 12em;min-width:0;border:1px solid ${EDGE};border-radius:4px;padding:1px 8px;min-height:20px;${UI};` +
      "font-size:12px;line-height:1.4;color:inherit;background:var(--jp-layout-color1,transparent)",
  ],
  [".alloy-field::placeholder", "color:inherit;opacity:.68"],
  [
    ":is(button,summary,pre,input,a,.alloy-approval):focus-visible",
    "outline:2px solid var(--jp-brand-color1,#1979df);outline-offset:2px;border-radius:3px",
  ],

  [".alloy-text p", "margin:8px 0"],
  [".alloy-text :is(ul,ol)", "margin:6px 0;padding-left:24px"],
  [".alloy-text li", "margin:2px 0"],
  [".alloy-text :is(h1,h2,h3,h4,h5,h6)", "font-weight:600;line-height:1.3;font-style:normal"],
  [".alloy-text h1", "margin:14px 0 6px 0;font-size:1.35em"],
  [".alloy-text h2", "margin:12px 0 6px 0;font-size:1.2em"],
  [".alloy-text h3", "margin:10px 0 4px 0;font-size:1.08em"],
  [".alloy-text :is(h4,h5,h6)", "margin:8px 0 4px 0;font-size:1em"],
  [".alloy-text blockquote", `margin:8px 0;padding:0 12px;border-left:3px solid ${LINE}`],
  [".alloy-text hr", `margin:10px 0;border:0;border-top:1px solid ${LINE};height:0;background:none`],
  [
    ".alloy-text code",
    `${MONO};font-size:.92em;line-height:inherit;color:inherit;border:0;padding:1px 4px;border-radius:3px;` +
      `background:${SOFT};white-space:pre-wrap`,
  ],
  [
    ".alloy-text pre:not(.alloy-plain)",
    `${MONO};font-size:12px;line-height:1.45;color:inherit;white-space:pre;overflow-x:auto;background:none;margin:6px 0;` +
      `padding:6px 10px;border:1px solid ${LINE};border-radius:4px`,
  ],
  [".alloy-text pre code", `${MONO};font-size:12px;line-height:1.45;background:none;padding:0;white-space:pre`],
  [".alloy-table", "overflow-x:auto;margin:8px 0"],
  [".alloy-table table", "border-collapse:collapse;font-size:12px;margin:0;color:inherit;table-layout:auto"],
  [".alloy-table :is(th,td)", `padding:3px 10px;border-bottom:1px solid ${LINE};text-align:left`],
  [".alloy-table .alloy-right", "text-align:right;font-variant-numeric:tabular-nums"],
  [".alloy-table .alloy-center", "text-align:center"],
  // As MathJax sets it in the frozen form: its letters as high as those around it, and so far from what is above.
  [".alloy-text .alloy-math", "font-size-adjust:from-font"],
  [".alloy-text p.alloy-math", "margin:2.262ex 0"],
  [".alloy-text a", `color:${mixed("var(--jp-content-link-color,#1979df)")};text-decoration:underline`],
  // The caret takes no place, so that no line breaks because of it.
  [
    ".alloy-growing>p:last-child::after",
    `content:'▍';color:${BLUE};display:inline-block;width:0;white-space:nowrap`,
  ],

  [".hljs-keyword,.hljs-literal,.hljs-doctag", `color:${PURPLE}`],
  [".hljs-built_in,.hljs-type,.hljs-attr,.hljs-attribute,.class_", `color:${TEAL}`],
  [".hljs-title,.hljs-section,.hljs-name,.hljs-tag,.hljs-selector-tag,.function_", `color:${CODE_BLUE}`],
  [".hljs-string,.hljs-regexp,.hljs-addition", `color:${CODE_GREEN}`],
  [".hljs-number,.hljs-symbol", `color:${CODE_ORANGE}`],
  [".hljs-deletion", `color:${CODE_RED}`],
  [".hljs-meta", `color:${PINK}`],
  [".hljs-comment,.hljs-quote", "opacity:.72;font-style:italic"],
];

const SCOPE = ".alloy-view.alloy-view ";

function scoped(selector: string): string {
  // A comma inside brackets is not between two selectors.
  return selector
    .split(/,(?![^(]*\))/)
    .map((part) => SCOPE + part)
    .join(",");
}

const SHEET = [
  ".alloy-view.alloy-view{position:relative;padding:0 20px 0 0;margin:0;color:var(--jp-content-font-color1,inherit);" +
    "font-family:var(--jp-content-font-family,system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif);" +
    "font-size:var(--jp-content-font-size1,14px);line-height:var(--jp-content-line-height,1.6)}",
  ...RULES.map(([selector, style]) => `${scoped(selector)}{${style}}`),
  // Whatever scrolls by itself takes in what sticks; what is wide in a run scrolls on its own.
  ":is(.jp-OutputArea-output,.jp-OutputArea-child,.jp-Cell-outputArea):has(.alloy-run-live){overflow:visible}",
  "@media (prefers-reduced-motion:reduce){.alloy-view *{transition:none!important;animation:none!important}}",
  "@media (forced-colors:active){",
  `${scoped(".alloy-run-live,.alloy-run,.alloy-button,.alloy-approval,.alloy-error")}{border-color:CanvasText}`,
  `${scoped(".alloy-run-live")}{border-left-color:Highlight}`,
  `${scoped(".alloy-quiet,.alloy-label,.alloy-told,.alloy-notice,.alloy-foot>span,.alloy-right-end")}{opacity:1}`,
  `${scoped(".alloy-primary")}{forced-color-adjust:none;background:Highlight;color:HighlightText}`,
  "}",
].join("\n");

/** Put the sheet where `element` is: once a document, or once a shadow root. */
export function addStyles(element: Element): void {
  addSheet(element, "alloy-view-styles", SHEET);
}

export function addSheet(element: Element, id: string, sheet: string): void {
  const node = element.getRootNode();
  const root: Document | ShadowRoot =
    node instanceof Document || node instanceof ShadowRoot ? node : element.ownerDocument;
  if (root.querySelector(`style[data-name="${id}"]`)) return;
  const style = element.ownerDocument.createElement("style");
  style.dataset["name"] = id;
  style.textContent = sheet;
  (root instanceof Document ? root.head : root).append(style);
}
