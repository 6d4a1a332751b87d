/** Colours for code: highlight.js with the languages that a notebook meets; anything else stays plain. */
import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import cpp from "highlight.js/lib/languages/cpp";
import diff from "highlight.js/lib/languages/diff";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import julia from "highlight.js/lib/languages/julia";
import markdown from "highlight.js/lib/languages/markdown";
import python from "highlight.js/lib/languages/python";
import r from "highlight.js/lib/languages/r";
import shell from "highlight.js/lib/languages/shell";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";

const LANGUAGES = {
  bash, cpp, diff, ini, java, javascript, json, julia, markdown, python, r, shell, sql, typescript, xml, yaml,
};
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);
hljs.registerAliases(["python3", "ipython", "ipython3", "pycon"], { languageName: "python" });
hljs.registerAliases(["postgresql", "sqlite", "mysql"], { languageName: "sql" });
hljs.registerAliases(["jsonc", "json5", "ndjson"], { languageName: "json" });

/** Longer code is shown plain: a span a word makes ten bytes of one. */
const LONGEST = 20_000;

/** The classes that the style sheet knows; the sanitizer lets no other through. */
export const CODE_CLASSES: ReadonlySet<string> = new Set(
  (
    "keyword literal built_in type title function_ class_ string regexp number comment quote meta name tag attr attribute " +
    "addition deletion section symbol selector-tag doctag"
  )
    .split(" ")
    .map((name) => (name.endsWith("_") ? name : `hljs-${name}`)),
);

/** `code` as escaped HTML with spans around what has a colour, or null where the language is not known. */
export function highlight(code: string, language: string): string | null {
  const name = language.toLowerCase();
  if (!name || code.length > LONGEST || !hljs.getLanguage(name)) return null;
  return hljs.highlight(code, { language: name, ignoreIllegals: true }).value;
}
