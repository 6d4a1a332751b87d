// @vitest-environment jsdom
import { describe, expect, it, vi } from "vitest";
import { GrowingMarkdown } from "../../src/widget/parts/text";
import { render } from "../../src/widget/markdown";
import { Source } from "../random";

const nodes = (markdown: string): Node[] => [...render(markdown).childNodes];

function whole(markdown: string): string {
  const div = document.createElement("div");
  div.append(render(markdown));
  return div.innerHTML;
}

function growing(): { element: HTMLElement; grow: (markdown: string, live?: boolean) => void; made: ReturnType<typeof vi.fn> } {
  const element = document.createElement("div");
  const text = new GrowingMarkdown(element);
  const made = vi.fn(nodes);
  return { element, made, grow: (markdown, live = true) => text.update(markdown, live, made as unknown as typeof nodes) };
}

const SAMPLE = `# Title

A paragraph with **bold** and \`code\`,
on two lines.

- one
- two
  - three

    still three

| a | b |
|--|--:|
| 1 | 2 |

\`\`\`python
def f(x):

    return "\`\`"
\`\`\`
Text right below, with $a_1$.

~~~
tilde
~~~

> quoted
> words

$$
x^2
$$

1. first

\`\`\`\`
\`\`\`
inner
\`\`\`
\`\`\`\`

The end`;

describe("Growing Markdown", () => {
  it("gives in the end what the whole gives, however it was cut", () => {
    const source = new Source(7);
    for (let round = 0; round < 40; round++) {
      const { element, grow } = growing();
      for (let end = 0; end < SAMPLE.length; end += 1 + source.below(40)) grow(SAMPLE.slice(0, end));
      grow(SAMPLE);
      grow(SAMPLE, false);
      expect(element.innerHTML.replace(/\n/g, "")).toBe(whole(SAMPLE).replace(/\n/g, ""));
    }
  });

  it("never parses a settled block again, nor makes its nodes anew", () => {
    const { element, grow, made } = growing();
    grow("# Title\n\nFirst paragraph.\n\nSecond");
    const settled = [...element.children].slice(0, 2);
    made.mockClear();
    for (let count = 1; count < 50; count++) grow(`# Title\n\nFirst paragraph.\n\nSecond${" word".repeat(count)}`);
    expect([...element.children].slice(0, 2)).toEqual(settled);
    expect(settled.every((node) => node.isConnected || element.contains(node))).toBe(true);
    for (const [markdown] of made.mock.calls) expect(markdown).not.toContain("First");
  });

  it("adds to the text node of a growing paragraph, so that a selection in it stays", () => {
    const { element, grow } = growing();
    grow("some");
    const node = element.querySelector("p")?.firstChild;
    grow("some words");
    expect(element.querySelector("p")?.firstChild).toBe(node);
    expect(node?.textContent).toBe("some words");
  });

  it("only adds text to an open block of code, and colours it when it is closed", () => {
    const { element, grow, made } = growing();
    grow("```python\ndef f():\n");
    const code = element.querySelector("code");
    const node = code?.firstChild;
    for (let count = 1; count < 30; count++) grow(`\`\`\`python\ndef f():\n${"    x = 1\n".repeat(count)}`);
    expect(element.querySelector("code")).toBe(code);
    expect(code?.firstChild).toBe(node);
    expect(code?.className).toBe("language-python");
    expect(code?.textContent).toBe(`def f():\n${"    x = 1\n".repeat(29)}`.trimEnd());
    expect(made).not.toHaveBeenCalled();
    grow(`\`\`\`python\ndef f():\n${"    x = 1\n".repeat(29)}\`\`\`\n`);
    expect(element.querySelector(".hljs-keyword")?.textContent).toBe("def");
  });

  it("does not show the beginning of a closing fence as code", () => {
    const { element, grow } = growing();
    grow("```\nx\n``");
    expect(element.querySelector("code")?.textContent).toBe("x");
    grow("```\nx\n``y\n");
    expect(element.querySelector("code")?.textContent).toBe("x\n``y");
  });

  it("begins anew where words that were shown are taken back", () => {
    const { element, grow } = growing();
    grow("The key is sk-abc.\n\nMore");
    grow("The key is [redacted].\n\nMore");
    expect(element.textContent).not.toContain("sk-abc");
    expect(element.querySelectorAll("p")).toHaveLength(2);
  });

  it("finds the definition of a link that came last", () => {
    const { element, grow } = growing();
    grow("See [docs].\n\nMore.\n\n[docs]: https://example.com\n");
    grow("See [docs].\n\nMore.\n\n[docs]: https://example.com\n", false);
    expect(element.querySelector("a")?.getAttribute("href")).toBe("https://example.com");
  });
});
