/**
 * A model's Markdown as nodes that are safe anywhere: no raw HTML, nothing loaded, no link but web and mail; the rules
 * of `alloy_nb/render/markdown.py`, so that the frozen form looks the same.
 */
import createParser, { type MarkdownIt, type StateCore, type Token } from "markdown-it";
import { addFormulas } from "./formulas";
import { highlight } from "./highlight";
import { LANGUAGE, LINK, sanitize } from "./sanitize";

/** How deep quotes and lists may lie in each other. */
const DEEPEST = 60;
const LONGEST_SHOWN_URL = 100;

export function newParser(): MarkdownIt {
  const parser = new createParser("commonmark", { html: false, linkify: false, maxNesting: DEEPEST });
  parser.enable(["table", "strikethrough"]);
  parser.disable(["html_block", "html_inline"]);
  // Links are judged below, where a refused one can still be shown as text.
  parser.validateLink = () => true;
  addFormulas(parser);
  return parser;
}

let parser: MarkdownIt | undefined;

function theParser(): MarkdownIt {
  if (parser) return parser;
  parser = newParser();
  parser.core.ruler.push("dress", dress);
  const rules = parser.renderer.rules;
  rules["fence"] = rules["code_block"] = (tokens, index) => code(tokens[index]!);
  rules["table_open"] = () => '<div class="alloy-table"><table>\n';
  rules["table_close"] = () => "</table></div>\n";
  return parser;
}

/** Markdown as nodes. */
export function render(markdown: string): DocumentFragment {
  const made = theParser();
  const env = {};
  const tokens = made.parse(markdown, env);
  if (tokens.some((token) => token.level >= DEEPEST - 1)) {
    // The parser drops what is nested deeper; nobody writes that, but it must not hide anything.
    return sanitize(`<pre class="alloy-plain">${made.utils.escapeHtml(markdown)}</pre>`);
  }
  return sanitize(made.renderer.render(tokens, made.options, env));
}

/** The language that a fence's first line names, or "". */
export function languageOf(info: string): string {
  const word = info.trim().split(/\s+/, 1)[0] ?? "";
  return LANGUAGE.test(word) ? word : "";
}

function code(token: Token): string {
  const language = languageOf(token.info);
  const text = token.content.replace(/\n+$/, "");
  const named = language ? ` class="language-${theParser().utils.escapeHtml(language)}"` : "";
  return `<pre><code${named}>${highlight(text, language) ?? theParser().utils.escapeHtml(text)}</code></pre>\n`;
}

/** Make text of images and of links that are not allowed, and classes of the parser's styles. */
function dress(state: StateCore): void {
  for (const token of state.tokens) {
    if (token.type === "th_open" || token.type === "td_open") align(token);
    if (token.children) token.children = [...inline(state, token.children)];
  }
}

function align(token: Token): void {
  const style = String(token.attrGet("style") ?? "");
  token.attrs = null;
  if (style.endsWith("right")) token.attrSet("class", "alloy-right");
  if (style.endsWith("center")) token.attrSet("class", "alloy-center");
}

function* inline(state: StateCore, tokens: readonly Token[]): Generator<Token> {
  const links: (string | null)[] = []; // one a link that is open: what to write behind it, null for one that stays
  for (const token of tokens) {
    if (token.type === "link_open") {
      const url = String(token.attrGet("href") ?? "");
      links.push(LINK.test(url) ? null : url);
      if (links.at(-1) !== null) continue;
      token.attrs = [["href", url]];
    } else if (token.type === "link_close" && links.length) {
      const refused = links.pop();
      if (refused != null) {
        yield words(state, refused ? ` (${shortUrl(refused)})` : "");
        continue;
      }
    } else if (token.type === "image") {
      yield* image(state, token, links.includes(null));
      continue;
    }
    yield token;
  }
}

/** Nothing is loaded: a picture's address may carry data out. Where it lies on the web, a link stays. */
function* image(state: StateCore, token: Token, inside: boolean): Generator<Token> {
  const url = String(token.attrGet("src") ?? "");
  const alt = plain(token.children ?? []);
  const label = words(state, alt ? `[image: ${alt}]` : "[image]");
  if (inside || !/^https?:/i.test(url) || !LINK.test(url)) {
    yield label;
    return;
  }
  const opening = new state.Token("link_open", "a", 1);
  opening.attrs = [["href", url]];
  yield opening;
  yield label;
  yield new state.Token("link_close", "a", -1);
}

/** The words of inline tokens. */
function plain(tokens: readonly Token[]): string {
  return tokens.map((token) => (token.children?.length ? plain(token.children) : token.content)).join("");
}

function shortUrl(url: string): string {
  return url.length <= LONGEST_SHOWN_URL ? url : `${url.slice(0, LONGEST_SHOWN_URL)}…`;
}

function words(state: StateCore, text: string): Token {
  const token = new state.Token("text", "", 0);
  token.content = text;
  return token;
}
