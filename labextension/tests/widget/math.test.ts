import { describe, expect, it } from "vitest";
import { ACTING, bare } from "../../src/widget/formulas";
import { render } from "../../src/widget/math";

describe("math.js", () => {
  it("makes MathML, in a line and as a block", () => {
    expect(render("e^{i\\pi}", false)).toContain("<msup>");
    expect(render("\\frac{a}{b}", true)).toContain('display="block"');
  });

  it("leaves what it cannot read to be shown as it was written", () => {
    expect(render("\\frac{", false)).toBe("");
    expect(render("\\nosuchmacro x", false)).toBe("");
  });

  it.each(["\\href{javascript:x}{y}", "\\url{https://a}", "\\def\\a{b}\\a", "\\gdef\\a{b}", "\\includegraphics{x}"])(
    "does not touch %s",
    (tex) => expect(render(tex, false)).toBe(""),
  );

  it("ends macros that never end", () => {
    expect(render("\\text{".repeat(2_000), false)).toBe("");
  });

  it("knows no definition of another formula", () => {
    render("\\newcommand{\\own}{1}", false);
    expect(render("\\own", false)).toBe("");
  });
});

describe("The delimiters of a formula", () => {
  it.each([
    ["$a$", "a", false],
    ["$$a$$", "a", true],
    ["\\(a\\)", "a", false],
    ["\\[a\\]", "a", true],
    ["\\begin{align}a\\end{align}", "\\begin{align}a\\end{align}", true],
  ])("%s", (source, tex, display) => expect(bare(source)).toEqual([tex, display]));
});

describe("Acting macros", () => {
  it.each(["\\href{a}{b}", "\\href", "\\class {x}", "\\htmlClass{a}{b}", "\\let\\a=b", "\\newcommand*{\\a}{b}"])(
    "%s is one",
    (tex) => expect(ACTING.test(tex)).toBe(true),
  );
  it.each(["\\hrefs{a}", "C:\\data\\x.csv", "\\letter", "\\definition"])("%s is none", (tex) => {
    expect(ACTING.test(tex)).toBe(false);
  });
});
