/** Nothing in shown text may turn the direction of reading or hide: `alloy_nb/render/clean.py`, for what HTML adds. */

// The kernel has cleaned what it sends; a character reference in Markdown (`&#x202e;`) makes such a character anew.
const UNFIT =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

export function clean(text: string): string {
  return text.replace(UNFIT, "");
}
