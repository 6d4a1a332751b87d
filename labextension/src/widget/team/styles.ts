/** What a team's view needs beside the sheet of all views. */
import { addSheet } from "../styles";

const LINE = "rgba(127,127,127,.35)";
const BLUE = "var(--jp-brand-color1,#1979df)";
const SCOPE = ".alloy-view.alloy-team";

const RULES: readonly (readonly [selector: string, style: string])[] = [
  // One rail for all: what is within has none, and no margin for a scroll bar of its own.
  [".alloy-view", "padding:0"],
  [".alloy-view :is(.alloy-run,.alloy-run-live)", "border-left:0;padding:0"],
  [
    ".alloy-tabs",
    `display:flex;flex-wrap:wrap;gap:0 4px;margin:0 0 8px 0;border-bottom:1px solid ${LINE};font-size:12px`,
  ],
  [
    ".alloy-tab",
    "appearance:none;background:none;border:0;border-bottom:2px solid transparent;border-radius:0;margin:0 0 -1px 0;" +
      "padding:4px 10px 5px 10px;color:inherit;font:inherit;line-height:1.5;cursor:pointer;display:flex;gap:0 6px;" +
      "align-items:baseline;max-width:100%;min-width:0",
  ],
  [".alloy-tab:hover", "background:rgba(127,127,127,.12)"],
  [".alloy-tab[aria-selected=true]", `border-bottom-color:${BLUE}`],
  [".alloy-tab-name", "overflow:hidden;text-overflow:ellipsis;white-space:nowrap;max-width:22em"],
  [".alloy-tab:not([aria-selected=true]) .alloy-tab-name", "opacity:.78"],
  [".alloy-tab .alloy-tab-words", "opacity:.68;white-space:nowrap;max-width:18em;overflow:hidden;text-overflow:ellipsis"],
  [".alloy-tab .alloy-tab-words:empty", "display:none"],
  [".alloy-tab.alloy-unread .alloy-tab-name", "opacity:1"],
  [".alloy-tab .alloy-new", `align-self:center;flex:none;width:6px;height:6px;border-radius:50%;background:${BLUE}`],
  // It keeps its place: nothing moves when it comes.
  [".alloy-tab:not(.alloy-unread) .alloy-new", "visibility:hidden"],
  [".alloy-tab-timeline", "margin-left:auto"],
  [".alloy-tab-timeline :is(.alloy-new,.alloy-tab-words)", "display:none"],
  [".alloy-hidden", "position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"],
  [".alloy-panel[hidden]", "display:none"],
  [":is(.alloy-tab,.alloy-panel):focus-visible", `outline:2px solid ${BLUE};outline-offset:-2px;border-radius:3px`],
  [".alloy-panel:focus-visible", "outline-offset:2px"],
  [".alloy-panel>.alloy-said", "font-size:12px;opacity:.85;margin:4px 0 6px 0"],
  // It scrolls by itself: its table makes nothing around it wider than the window.
  [".alloy-timeline", "overflow-x:auto;contain:inline-size;margin:4px 0"],
  [".alloy-timeline>div", "width:max-content;min-width:100%"],
  [".alloy-timeline table", "border-collapse:collapse;font-size:12px;margin:0;color:inherit;width:100%;table-layout:auto"],
  [
    ".alloy-timeline :is(th,td)",
    `padding:3px 10px 3px 0;border:0;border-bottom:1px solid ${LINE};text-align:left;font-weight:400;background:none;` +
      "color:inherit;white-space:nowrap;vertical-align:middle;max-width:20em;overflow:hidden;text-overflow:ellipsis",
  ],
  [".alloy-timeline tbody tr,.alloy-timeline thead tr", "background:none"],
  [".alloy-timeline thead th", "opacity:.68;font-size:11.5px"],
  [".alloy-timeline .alloy-number", "text-align:right;font-variant-numeric:tabular-nums"],
  [".alloy-timeline .alloy-when", "width:40%;min-width:90px"],
  [".alloy-bar", "height:8px;border-radius:4px;background:currentColor;min-width:3px;box-sizing:border-box"],
  [".alloy-track", "width:100%;overflow:hidden"],
  [".alloy-arrow", "line-height:1;white-space:nowrap"],
];

const SHEET = [
  ...RULES.map(([selector, style]) => `${scoped(selector)}{${style}}`),
  "@media (forced-colors:active){",
  `${scoped(".alloy-tab")}{border-bottom-color:Canvas}`,
  `${scoped(".alloy-tab[aria-selected=true]")}{border-bottom-color:Highlight}`,
  `${scoped(".alloy-new,.alloy-bar")}{forced-color-adjust:none;background:CanvasText}`,
  `${scoped(".alloy-tab-name,.alloy-tab-words,thead th")}{opacity:1!important}`,
  "}",
].join("\n");

function scoped(selector: string): string {
  return selector
    .split(/,(?![^(]*\))/)
    .map((part) => `${SCOPE} ${part}`)
    .join(",");
}

export function addTeamStyles(element: Element): void {
  addSheet(element, "alloy-team-styles", SHEET);
}
