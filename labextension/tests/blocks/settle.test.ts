import MarkdownIt from "markdown-it";
import { describe, expect, test } from "vitest";
import fixtures from "../../fixtures/settle.json";
import { splitSettled } from "../../src/blocks/settle";

/** As `_new_parser(formulas=False)` in Python. */
function newParser(): InstanceType<typeof MarkdownIt> {
  const parser = new MarkdownIt("commonmark", { html: false, linkify: false, maxNesting: 60 } as object);
  return parser.enable(["table", "strikethrough"]).disable(["html_block", "html_inline"]);
}

const blocks = newParser();
blocks.core.ruler.enableOnly(["normalize", "block"]);

describe("growing Markdown is cut where Python cuts it", () => {
  test.each(fixtures.plain.map((item) => [JSON.stringify(item.text).slice(0, 60), item] as const))("%s", (_, item) => {
    for (const [cut, settled] of item.cuts) {
      const [before, after] = splitSettled(item.text.slice(0, cut), blocks);
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
