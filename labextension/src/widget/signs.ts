/** Punctuation and symbols as the browser knows them: so markdown-it's own table of them need not be sent. */
export const P = /\p{P}/u;
export const S = /\p{S}/u;
