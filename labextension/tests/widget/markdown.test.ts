// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { render } from "../../src/widget/markdown";
import { sanitize, sanitizeMath } from "../../src/widget/sanitize";

function shown(markdown: string): HTMLElement {
  const div = document.createElement("div");
  div.append(render(markdown));
  return div;
}

const ATTRIBUTES = new Set(["class", "href", "rel", "start", "target"]);

/** Whatever the Markdown was: nothing but what is on the list, and no address but web and mail. */
function expectHarmless(element: Element): void {
  for (const item of element.querySelectorAll("*")) {
    expect(["SCRIPT", "STYLE", "IMG", "IFRAME", "SVG", "FORM", "INPUT", "OBJECT", "VIDEO", "LINK", "BASE"]).not.toContain(
      item.tagName.toUpperCase(),
    );
    for (const { name, value } of item.attributes) {
      expect(ATTRIBUTES).toContain(name);
      if (name === "href") expect(value).toMatch(/^(https?:\/\/|mailto:)/i);
      if (name === "class") expect(value).toMatch(/^[\w+#. -]+$/);
    }
  }
}

const HOSTILE = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg/onload=alert(1)>",
  "text <b onclick=alert(1)>x</b>",
  "[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,<script>alert(1)</script>)",
  "[a](vbscript:x) [b](file:///etc/passwd) [c](//evil.example/x) [d](https&colon;x)",
  "[a](&#x6A;avascript:alert(1)) <javascript:alert(1)> <https://ok.example>",
  "![beacon](https://evil.example/?secret) ![x](data:image/svg+xml,<svg onload=alert(1)>)",
  "[![i](https://evil.example/a.png)](https://evil.example)",
  "[x]: javascript:alert(1)\n\n[x]",
  "```<img src=x onerror=alert(1)>\n</code></pre><script>alert(1)</script>\n```",
  '```python" onmouseover="alert(1)\n"</span><script>"\n```',
  "| a | b |\n|--|--|\n| <img src=x onerror=alert(1)> | `<script>` |",
  "$\\href{javascript:alert(1)}{x}$ and $$\\htmlData{x=1}{y}$$",
  "[x](https://a.example/\" onmouseover=\"alert(1))",
  "[x](https://a.example 'title\" onmouseover=alert(1)')",
  "# <style>*{background:url(https://evil.example)}</style>",
  "<https://a.example/<script>>",
  "&lt;script&gt;alert(1)&lt;/script&gt;",
];

describe("Markdown", () => {
  it.each(HOSTILE)("makes nothing that acts or loads of %j", (markdown) => {
    const element = shown(markdown);
    expectHarmless(element);
    expect(element.textContent?.trim()).not.toBe("");
  });

  it("writes the address of a refused link behind its words", () => {
    expect(shown("[press](javascript:alert(1))").textContent?.trim()).toBe("press (javascript:alert(1))");
  });

  it("opens an allowed link elsewhere, and tells nobody where it came from", () => {
    const link = shown("[docs](https://example.com/a)").querySelector("a");
    expect(link?.getAttribute("href")).toBe("https://example.com/a");
    expect(link?.getAttribute("target")).toBe("_blank");
    expect(link?.getAttribute("rel")).toBe("noopener noreferrer nofollow");
  });

  it("makes a link of a picture on the web and text of any other", () => {
    expect(shown("![plot](https://example.com/a.png)").innerHTML).toContain(">[image: plot]</a>");
    expect(shown("![plot](a.png)").innerHTML).toBe("<p>[image: plot]</p>\n");
  });

  it("takes out a direction override that a character reference made", () => {
    expect(shown("safe&#x202e;exe.txt").textContent?.trim()).toBe("safeexe.txt");
  });

  it("shows what is nested deeper than anybody writes as it is", () => {
    const deep = `${">".repeat(200)} end`;
    const element = shown(deep);
    expect(element.querySelector("pre")?.textContent).toBe(deep);
  });

  it("aligns the columns of a table, and strikes through", () => {
    const element = shown("| a | b |\n|:--|--:|\n| 1 | ~~2~~ |");
    expect([...element.querySelectorAll("td")].map((cell) => cell.className)).toEqual(["", "alloy-right"]);
    expect(element.querySelector("s")?.textContent).toBe("2");
  });

  it("colours code of a known language and leaves any other plain", () => {
    expect(shown("```python\ndef f(): pass\n```").querySelector(".hljs-keyword")?.textContent).toBe("def");
    expect(shown("```nonsense\ndef f(): pass\n```").querySelector("code")?.innerHTML).toBe("def f(): pass");
  });

  it("keeps a formula letter for letter, and a price for a price", () => {
    expect(shown("$a_1 \\times b_2$").querySelector(".alloy-tex")?.textContent).toBe("$a_1 \\times b_2$");
    expect(shown("$$\na_1\n$$").querySelector(".alloy-tex-block")?.textContent).toBe("$$\na_1\n$$");
    expect(shown("\\begin{align}\na &= b\n\\end{align}").querySelector(".alloy-tex-block")).not.toBeNull();
    expect(shown("from $5 to $7").querySelector(".alloy-tex")).toBeNull();
    expect(shown("`$a$`").querySelector(".alloy-tex")).toBeNull();
  });

  it.each(["\\href{https://a.example}{x}", "\\def\\x{y}", "\\includegraphics{a}", "\\style{a}{b}", "\\htmlId{a}{b}"])(
    "never hands %s to the typesetter",
    (macro) => {
      const element = shown(`$${macro}$`);
      expect(element.querySelector(".alloy-tex")).toBeNull();
      expect(element.textContent?.trim()).toBe(`$${macro}$`);
    },
  );

  it("reads many openers without a closer in a bearable time", () => {
    const start = performance.now();
    shown("\\( ".repeat(20_000));
    shown("$a ".repeat(20_000));
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe("The second wall", () => {
  it("holds by itself when the parser lets everything through", () => {
    const div = document.createElement("div");
    div.append(
      sanitize(
        '<p id="x" style="background:url(//e)" onclick="x" class="alloy-tex evil">a</p><img src="//e"><a href="javascript:x">b</a>' +
          '<form action="//e"><input name="body"></form><style>*{}</style><script>x</script><a href="https://ok" target="_top">c</a>',
      ),
    );
    expectHarmless(div);
    expect(div.querySelector("p")?.className).toBe("alloy-tex");
    expect(div.innerHTML).toContain('<a href="https://ok" target="_blank" rel="noopener noreferrer nofollow">c</a>');
  });

  it("lets MathML through, and nothing that a formula could carry", () => {
    const div = document.createElement("div");
    div.append(
      sanitizeMath(
        '<math display="block"><mi mathcolor="#ff0000" style="x" href="javascript:x">x</mi><mtext><img src=x onerror=y></mtext>' +
          '<maction actiontype="statusline" xlink:href="javascript:x"><mi>y</mi></maction></math>',
      ),
    );
    expect(div.innerHTML).not.toMatch(/href|style|img|maction|javascript/);
    expect(div.querySelector("mi")?.getAttribute("mathcolor")).toBe("#ff0000");
  });
});
