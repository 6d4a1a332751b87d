"""A model's Markdown as HTML that is safe anywhere: no raw HTML, nothing loaded, no link but web and mail.

Two walls: the parser makes no HTML of the model's own, and what it makes passes an allow-list of tags, attributes
and whole style values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from html import escape
from typing import Any

from .clean import clean
from .formulas import UNTOUCHED, add_formulas, apart
from .palette import CODE_COLOURS, COLOURS, STYLES, mark

__all__ = [
    "ALLOWED_ATTRIBUTES",
    "ALLOWED_TAGS",
    "PICTURE_ATTRIBUTES",
    "is_certain",
    "is_too_deep",
    "plain_block_parser",
    "plain_parser",
    "sanitize",
    "split_settled",
    "to_html",
]

#: Each tag that the static form is made of.
ALLOWED_TAGS = frozenset(
    {
        "a",
        "blockquote",
        "br",
        "code",
        "details",
        "div",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "span",
        "strong",
        "summary",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    }
)

ALLOWED_ATTRIBUTES = {
    "*": frozenset({"class", "style"}),
    "a": frozenset({"href"}),
    "details": frozenset({"open"}),
    "ol": frozenset({"start"}),
}

#: Only the pictures of tools are shown, and only what lies within the page itself.
PICTURE_ATTRIBUTES = frozenset({"src", "alt"})
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")

_LINK = re.compile(r"(?:https?://|mailto:)[^\s<>\"]+", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,40}")
_CLASS = re.compile(rf"language-{_LANGUAGE.pattern}|alloy-[a-z-]{{1,30}}|{UNTOUCHED}|alloy-[a-z-]{{1,30}} {UNTOUCHED}")

#: How deep quotes and lists may lie in each other.
_DEEPEST = 60

_LONGEST_SHOWN_URL = 100

#: Token type -> style.
_TOKEN_STYLES = {
    "paragraph_open": "p",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "list_item_open": "item",
    "blockquote_open": "quote",
    "hr": "rule",
    "code_inline": "code",
    "table_open": "table",
    "strong_open": "strong",
    "link_open": "link",
}
#: Blocks that an empty line ends for good; a list or a fence may go on behind it.
_CLOSED_BY_BLANK = frozenset({"paragraph_open", "heading_open", "table_open", "hr"})
_HEADING_STYLES = {"h1": "h1", "h2": "h2", "h3": "h3"}
_CELL_STYLES = {"text-align:right": "cell-right", "text-align:center": "cell-center"}


def to_html(markdown: str, *, lean: bool = False) -> str:
    """Markdown as a safe HTML fragment, the same one every time.

    A `lean` one leaves looks to the page: it is about as long as the text, where styles may make five times of it.

    >>> to_html("<b onclick=x>hi</b>")
    '<p style="margin:8px 0">&lt;b onclick=x&gt;hi&lt;/b&gt;</p>\\n'
    """
    parser, markdown = _parser(), clean(markdown)
    env = {"lean": lean}
    tokens = parser.parse(markdown, env)
    if is_too_deep(tokens):
        # Nobody writes that, but it must not hide anything.
        text = escape(markdown.lstrip("\n"), quote=False)
        return sanitize(f'<pre style="{STYLES["output"]}">{text}</pre>')
    return sanitize(parser.renderer.render(tokens, parser.options, env))


def sanitize(html: str, *, pictures: bool = False) -> str:
    """`html` with nothing in it but the tags, attributes, links and styles of the static form.

    With `pictures`, which a model's own words never have, also `img` of a PNG, JPEG, GIF or WebP as data.
    """
    import nh3

    images = {"img": set(PICTURE_ATTRIBUTES)} if pictures else {}
    return clean(
        nh3.clean(
            html,
            tags={*ALLOWED_TAGS, *images},
            attributes={tag: set(names) for tag, names in ALLOWED_ATTRIBUTES.items()} | images,
            attribute_filter=_keep_attribute,
            clean_content_tags={"script", "style"},
            url_schemes={"http", "https", "mailto", *(["data"] if pictures else [])},
            link_rel="noopener noreferrer nofollow",
            set_tag_attribute_values={"a": {"target": "_blank"}},
        )
    )


def split_settled(markdown: str) -> tuple[str, str]:
    """Cut clean Markdown into what no further text can change, and the block that still grows.

    Rendered apart and joined, the two give what the whole gives; only definitions of reference links reach across.

    >>> split_settled("# Title\\n\\nHello wor")
    ('# Title\\n\\n', 'Hello wor')
    """
    # The last line may still become anything: a fence, a table, a list.
    complete = markdown[: markdown.rfind("\n") + 1]
    tokens = _block_parser().parse(complete)
    last = next((token for token in reversed(tokens) if token.level == 0 and token.map), None)
    if last is None:
        return "", markdown
    lines = [line + "\n" for line in complete.split("\n")[:-1]]
    start, end = last.map
    closed = last.type in _CLOSED_BY_BLANK and end < len(lines) and not lines[end].strip()
    place = sum(map(len, lines[: len(lines) if closed else start]))
    return markdown[:place], markdown[place:]


def is_certain(markdown: str) -> bool:
    """Whether no further text can change how clean Markdown, one block of whole words, is read.

    That is prose in which every emphasis and link is closed, and code.

    >>> is_certain("So *it* is,"), is_certain("So *it is,")
    (True, False)
    """
    tokens = plain_parser().parse(markdown)
    if [token.type for token in tokens] == ["fence"]:
        return True
    kinds = [token.type for token in tokens]
    if kinds != ["paragraph_open", "inline", "paragraph_close"] or _MAY_BE_NEW.search(markdown):
        return False
    words = "".join(_IN_LINE.get(part.type, ".") or part.content for part in tokens[1].children)
    return _OPENS.search(words) is None and not _opens_a_bracket(words)


def _opens_a_bracket(words: str) -> bool:
    depth = 0
    for sign in _BRACKET.findall(words):
        depth = depth + 1 if sign == "[" else max(0, depth - 1)
    return depth > 0


#: A last line that may turn out to be no more prose (a title, a list, a quote, a fence), or a break at its end.
_MAY_BE_NEW = re.compile(
    r"(?:\A|\n)[ \t]*(?:(?:[-+*]|#{1,6}|\d+[.)])(?:[ \t][^\n]*)?|>[^\n]*|(?:```|~~~)[^\n]*|[-=*_`~][-=*_`~ \t]*)\Z"
    r"|\\\Z"
)
#: Kinds of parts that are told by their words, or as a blank; others are a sign, neither letter nor blank.
_IN_LINE = {"text": "", "softbreak": " "}
_BRACKET = re.compile(r"[\[\]]")
#: What may begin something whose end is still to come, or, as `|`, be the head of a table.
_OPENS = re.compile(r"(?<!\s)\*|\*(?!\s)|(?<!\w)_|_(?!\w)|~~|\]\(|[`|]")


def _keep_attribute(_tag: str, name: str, value: str) -> str | None:
    if name == "style":
        return value if value in _styles() else None
    if name == "class":
        return value if _CLASS.fullmatch(value) else None
    if name == "open":
        return ""
    if name == "href":
        return value if _LINK.fullmatch(value) else None
    if name == "src":
        return value if _PICTURE.fullmatch(value) else None
    return value if name != "start" or (value.isdecimal() and len(value) < 10) else None


@lru_cache(maxsize=1)
def _styles() -> frozenset[str]:
    marks = {mark(colour) for colour in (*COLOURS, *CODE_COLOURS.values())}
    return frozenset((*STYLES.values(), *_CELL_STYLES)) | marks | {f"{STYLES['strong']};{item}" for item in marks}


# -- the parser -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _parser() -> Any:
    parser = _new_parser()
    parser.core.ruler.push("dress", _dress)
    for name in ("fence", "code_block"):
        parser.add_render_rule(name, _render_code)
    parser.add_render_rule("table_open", _render_table_open)
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser


@lru_cache(maxsize=1)
def _block_parser() -> Any:
    parser = _new_parser()
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


@lru_cache(maxsize=1)
def plain_block_parser() -> Any:
    """A parser that finds blocks only and knows no formulas, as most renderers elsewhere."""
    parser = _new_parser(formulas=False)
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def is_too_deep(tokens: Iterable[Any]) -> bool:
    """Whether quotes and lists lie so deep in each other that the parser may have dropped some of what is in them."""
    return any(token.level >= _DEEPEST - 1 for token in tokens)


@lru_cache(maxsize=1)
def plain_parser() -> Any:
    """A parser for renderers elsewhere: raw HTML is text, and it knows no formulas."""
    return _new_parser(formulas=False)


def _new_parser(*, formulas: bool = True) -> Any:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": _DEEPEST})
    parser.enable(["table", "strikethrough"])
    parser.disable(["html_block", "html_inline"])
    # Links are judged below, where a refused one can still be shown as text.
    parser.validateLink = _take_link  # type: ignore[method-assign]
    if formulas:
        add_formulas(parser)
    return parser


def _take_link(url: str) -> bool:  # noqa: ARG001 - the parser's own signature
    return True


def _dress(state: Any) -> None:
    """Give every token its inline style, and make text of images and of links that are not allowed."""
    style = _leave if state.env.get("lean") else _style
    for token in state.tokens:
        style(token)
        if token.children:
            token.children = list(_set_apart(_inline(token.children, style)))


def _leave(token: Any) -> None:
    """No style; but a table's columns stay aligned by the parser's own."""


def _style(token: Any) -> None:
    if token.type == "heading_open":
        token.attrSet("style", STYLES[_HEADING_STYLES.get(token.tag, "h4")])
    elif token.type in ("th_open", "td_open"):
        token.attrSet("style", STYLES[_CELL_STYLES.get(str(token.attrGet("style")), "cell")])
    elif token.type in _TOKEN_STYLES:
        token.attrSet("style", STYLES[_TOKEN_STYLES[token.type]])


def _inline(tokens: list[Any], style: Callable[[Any], None]) -> Iterator[Any]:
    links: list[str | None] = []  # one a link that is open: what to write behind it, None for a link that stays
    for token in tokens:
        if token.type == "link_open":
            url = str(token.attrGet("href") or "")
            links.append(None if _LINK.fullmatch(url) else url)
            if links[-1] is not None:
                continue
            token.attrs = {"href": url}
        elif token.type == "link_close" and links:
            refused = links.pop()
            if refused is not None:
                yield _text_token(f" ({_short_url(refused)})" if refused else "")
                continue
        elif token.type == "image":
            yield from _image(token, inside=None in links)
            continue
        style(token)
        yield token


def _set_apart(tokens: Iterator[Any]) -> Iterator[Any]:
    """The same tokens, with macros that a page could act upon in elements of their own."""
    for token in tokens:
        if token.type != "text":
            yield token
            continue
        for piece, acting in apart(token.content):
            made = _text_token(piece)
            made.type = "untouched" if acting else "text"
            yield made


def _image(token: Any, *, inside: bool) -> Iterator[Any]:
    """Nothing is loaded: a picture's address may carry data out. Where it lies on the web, a link stays."""
    url, alt = str(token.attrGet("src") or ""), _plain(token.children or ())
    label = _text_token(f"[image: {alt}]" if alt else "[image]")
    if inside or not re.match("https?:", url, re.IGNORECASE) or not _LINK.fullmatch(url):
        yield label
        return
    opening = _token("link_open", "a", 1)
    opening.attrs = {"href": url, "style": STYLES["link"]}
    yield opening
    yield label
    yield _token("link_close", "a", -1)


def _plain(tokens: Any) -> str:
    """The words of inline tokens."""
    return "".join(_plain(token.children) if token.children else token.content for token in tokens)


def _short_url(url: str) -> str:
    return url if len(url) <= _LONGEST_SHOWN_URL else url[:_LONGEST_SHOWN_URL] + "…"


def _token(type: str, tag: str, nesting: Any) -> Any:
    from markdown_it.token import Token

    return Token(type, tag, nesting)


def _text_token(text: str) -> Any:
    token = _token("text", "", 0)
    token.content = text
    return token


def _render_code(_self: Any, tokens: Any, index: int, _options: Any, env: Any) -> str:
    from .highlight import highlight

    token = tokens[index]
    words = token.info.split(maxsplit=1)
    language = words[0] if words and _LANGUAGE.fullmatch(words[0]) else ""
    named = f' class="language-{escape(language)}"' if language else ""
    text = token.content.rstrip("\n")
    if env.get("lean"):
        return f"<pre><code{named}>{escape(text, quote=False)}</code></pre>\n"
    code = highlight(text, language)
    return f'<pre style="{STYLES["pre"]}"><code{named} style="{STYLES["pre-code"]}">{code}</code></pre>\n'


def _render_table_open(_self: Any, _tokens: Any, _index: int, _options: Any, env: Any) -> str:
    style = "" if env.get("lean") else f' style="{STYLES["table"]}"'
    return f'<div style="{STYLES["table-box"]}"><table{style}>'
