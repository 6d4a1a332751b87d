import createParser, { type MarkdownIt } from "markdown-it";
import { describe, expect, test } from "vitest";
import fixtures from "../../fixtures/settle.json";
import { splitSettled } from "../../src/blocks/settle";
import { addFormulas } from "../../src/widget/formulas";

/** As `_new_parser(formulas=False)` in Python. */
function newParser(): MarkdownIt {
  const parser = new createParser("commonmark", { html: false, linkify: false, maxNesting: 60 });
  return parser.enable(["table", "strikethrough"]).disable(["html_block", "html_inline"]);
}

function blocksOnly(parser: MarkdownIt): MarkdownIt {
  parser.core.ruler.enableOnly(["normalize", "block"]);
  return parser;
}

function withFormulas(): MarkdownIt {
  const parser = newParser();
  addFormulas(parser);
  return parser;
}

const blocks = blocksOnly(newParser());
const named = (cases: typeof fixtures.plain) => cases.map((item) => [JSON.stringify(item.text).slice(0, 60), item] as const);

describe.each([
  ["plain", fixtures.plain, blocks],
  ["with formulas", fixtures.formulas, blocksOnly(withFormulas())],
] as const)("growing Markdown is cut where Python cuts it: %s", (_, cases, parser) => {
  test.each(named([...cases]))("%s", (_, item) => {
    for (const [cut, settled] of item.cuts) {
      const [before, after] = splitSettled(item.text.slice(0, cut), parser);
      expect([cut, before.length]).toEqual([cut, settled]);
      expect(before + after).toBe(item.text.slice(0, cut));
    }
  });
});

test("rendered apart and joined, the two parts give what the whole gives", () => {
  const whole = newParser();
  for (const { text } of fixtures.plain.filter((item) => !item.text.includes("]: /") && !item.text.includes("[ref]"))) {
    for (let cut = 0; cut <= text.length; cut++) {
      const [settled, growing] = splitSettled(text.slice(0, cut), blocks);
      expect(whole.render(settled) + whole.render(growing)).toBe(whole.render(text.slice(0, cut)));
      // What was settled stays so: later text begins with it.
      expect(whole.render(text)).toSatisfy((html: string) => html.startsWith(whole.render(settled)));
    }
  }
});
