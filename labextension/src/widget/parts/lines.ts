/** Notices and errors. */
import type { Block, Failure, Notice } from "../../blocks/block";
import { noticeWords } from "../../blocks/words";
import { make, setText } from "../dom";
import { mark, type Part } from "./part";

export class NoticePart implements Part {
  readonly element = make("div", "alloy-notice");

  update(block: Block): void {
    setText(this.element, noticeWords(block as Notice));
  }
}

export class ErrorPart implements Part {
  readonly element = make("div", "alloy-error");

  update(block: Block): void {
    const { type = "", message = "", hint = "" } = block as Failure;
    const parts: (Node | string)[] = [mark("✗", "red"), " "];
    if (type) parts.push(make("strong", "", type), " ");
    parts.push(message);
    if (hint) parts.push(make("div", "alloy-hint", hint));
    this.element.replaceChildren(...parts);
  }
}
