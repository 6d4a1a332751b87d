/** Numbers rounded as Python rounds them, so that page and kernel say the same: what lies halfway goes to the even. */

/** `round(x)` */
export function rounded(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** `f"{x:.{digits}f}"` for numbers below 1e21. */
export function fixed(x: number, digits: number): string {
  const plain = x.toFixed(digits);
  // All digits of the number as it is: halfway is a 5 with nothing behind it.
  const exact = x.toFixed(Math.min(digits + 60, 100));
  const rest = exact.slice(exact.indexOf(".") + 1 + digits);
  if (!/^50*$/.test(rest)) return plain;
  const cut = digits === 0 ? exact.slice(0, exact.indexOf(".")) : exact.slice(0, exact.length - rest.length);
  // toFixed went away from zero; the even neighbour is the one towards zero if its last digit is even.
  return Number(cut.at(-1)) % 2 === 0 ? cut : plain;
}
