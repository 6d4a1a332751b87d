/** The second wall: of HTML that the Markdown parser made, only tags, attributes, links and classes on a list stay. */
import DOMPurify, { type Config, type DOMPurify as Purifier } from "dompurify";
import { clean } from "./clean";
import { TEX, TEX_BLOCK } from "./formulas";
import { CODE_CLASSES } from "./highlight";

/** The only addresses that a link may have. */
export const LINK = /^(?:https?:\/\/|mailto:)[^\s<>"]+$/i;
export const LANGUAGE = /^[A-Za-z0-9_+#.-]{1,40}$/;

const TAGS = (
  "a blockquote br code div em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong table tbody td th thead tr ul"
).split(" ");
const OWN_CLASSES: ReadonlySet<string> = new Set([
  ...CODE_CLASSES, TEX, TEX_BLOCK, "alloy-table", "alloy-right", "alloy-center", "alloy-plain",
]);

const MATH_TAGS = (
  "math semantics annotation mrow mi mo mn ms mtext mspace msup msub msubsup mfrac msqrt mroot mover munder munderover " +
  "mmultiscripts mprescripts none mtable mtr mtd mlabeledtr mstyle mpadded mphantom menclose merror span"
).split(" ");
const MATH_ATTRIBUTES = (
  "encoding mathvariant mathcolor mathbackground displaystyle scriptlevel columnalign columnspacing columnlines rowspacing " +
  "rowlines rowalign width height depth lspace rspace minsize maxsize voffset accent accentunder linethickness fence " +
  "separator form largeop movablelimits symmetric stretchy notation display side linebreak align"
).split(" ");
// Numbers with units, words, colours: nothing that could name a place.
const MATH_VALUE = /^[\w#.,%+\- ]{0,80}$/;

const HTML: Config = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ["class", "href", "start", "rel", "target"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: LINK,
  RETURN_DOM_FRAGMENT: true,
};
const MATH: Config = {
  ALLOWED_TAGS: MATH_TAGS,
  ALLOWED_ATTR: MATH_ATTRIBUTES,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

let html: Purifier | undefined;
let math: Purifier | undefined;

/** Each has an instance of its own: hooks belong to an instance, and the page may have others. */
function forHtml(): Purifier {
  if (html) return html;
  html = DOMPurify(window);
  html.addHook("uponSanitizeAttribute", (_node, data) => {
    if (data.attrName === "class") {
      data.attrValue = data.attrValue.split(/\s+/).filter(known).join(" ");
      data.keepAttr = data.attrValue !== "";
    } else if (data.attrName === "start") {
      data.keepAttr = /^\d{1,9}$/.test(data.attrValue);
    } else if (data.attrName === "href") {
      data.keepAttr = LINK.test(data.attrValue);
    }
  });
  html.addHook("afterSanitizeAttributes", (node) => {
    node.removeAttribute("target");
    node.removeAttribute("rel");
    if (node.nodeName !== "A") return;
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  });
  return html;
}

function forMath(): Purifier {
  if (math) return math;
  math = DOMPurify(window);
  math.addHook("uponSanitizeAttribute", (_node, data) => {
    data.keepAttr = MATH_VALUE.test(data.attrValue);
  });
  return math;
}

function known(name: string): boolean {
  return OWN_CLASSES.has(name) || (name.startsWith("language-") && LANGUAGE.test(name.slice("language-".length)));
}

/** HTML of the Markdown renderer as nodes. */
export function sanitize(source: string): DocumentFragment {
  const fragment = forHtml().sanitize(source, HTML) as unknown as DocumentFragment;
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode as globalThis.Text;
    const text = clean(node.data);
    if (text !== node.data) node.data = text;
  }
  return fragment;
}

/** MathML of math.js as nodes. */
export function sanitizeMath(source: string): DocumentFragment {
  return forMath().sanitize(source, MATH) as unknown as DocumentFragment;
}
