/** Bare addresses stay text, as in the frozen form; so markdown-it gets this in the place of its finder of links. */
export class LinkifyIt {}
