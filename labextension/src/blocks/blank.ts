/** What Python takes for a blank: its `str.split` and `str.strip` cut here, and so must the page. */
export const BLANK = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** The words of `text` on one line, a single blank between them. */
export function spaced(text: string): string {
  return text.split(BLANK).filter(Boolean).join(" ");
}

export function isBlank(text: string): boolean {
  return spaced(text) === "";
}
