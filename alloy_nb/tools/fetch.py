"""The `fetch` tool: the text of a page on the web."""

from __future__ import annotations

import asyncio
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import ToolError
from ..messages import Image, ToolResult
from .base import Tool
from .child import run_in_child
from .context import ToolContext
from .hosts import Reach, Resolver, literal_address
from .pages import decode_page
from .results import MAX_TEXT
from .storing import encoding_of

if TYPE_CHECKING:
    import httpx2

    from .guarded import Answer

__all__ = ["Fetch", "to_markdown"]

#: Bytes of an answer, packed or unpacked.
MAX_BYTES = 5_000_000
#: Seconds for a page with all its redirects, and for turning it into Markdown.
MAX_SECONDS = 30.0
MARKDOWN_SECONDS = 10.0
MAX_REDIRECTS = 5
LONGEST_URL = 4000

_ACCEPT = "text/markdown, text/plain, text/html, application/json, */*;q=0.5"
_LONGEST_ERROR = 2000
_REDIRECTS = (301, 302, 303, 307, 308)
_HTML = ("text/html", "application/xhtml+xml")
_TEXT = re.compile(
    r"text/.+|application/(.+\+(json|xml|yaml)|json|json5|ld\+json|x-ndjson|jsonl|xml|rss|atom|javascript|ecmascript"
    r"|x-javascript|typescript|yaml|x-yaml|toml|sql|graphql|x-sh|x-python|x-tex|x-latex|x-httpd-php|xml-dtd)"
    r"|image/svg\+xml|message/.+"
)
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
#: Types that say nothing: the bytes are looked at.
_UNKNOWN = ("", "application/octet-stream", "binary/octet-stream", "application/unknown")
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


class Fetch(Tool):
    """Gets a page by http or https: text as it is, HTML as Markdown, a picture as a picture.

    A person is asked once for each host. Public hosts only: no name, number, redirect or change of an answer of the
    name service leads to this machine, a private network or a cloud's metadata. `allow_private` opens what a user has
    of their own: True for everything, or a list of names, addresses and networks. Proxies of the environment are not
    used: a proxy resolves names itself, so that nothing could be checked. `resolver` finds the addresses of a name in
    the system's place: ``(host, port) -> addresses``.

    >>> Fetch(allow_private=["localhost", "10.0.0.0/8"])
    <Tool fetch>
    """

    name = "fetch"
    description = (
        "Get a page or file from the web by its http or https address. HTML comes as Markdown, other text as it is, "
        "pictures as pictures. Redirects to another host are told, not followed. Nothing is sent but the address."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {"url": {"type": "string", "description": "The address, with http:// or https://"}},
        "required": ["url"],
        "additionalProperties": False,
    }
    idempotent = True
    #: It has a limit of its own, whose message says more.
    timeout = math.inf
    key_argument: ClassVar[str | None] = "url"

    def __init__(self, *, allow_private: bool | Iterable[str] = False, resolver: Resolver | None = None) -> None:
        self._reach = Reach.of(allow_private)
        self._resolver = resolver

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        url = _read_url(input.get("url"))
        seconds = MAX_SECONDS if ctx.time_limit is None else min(MAX_SECONDS, ctx.time_limit * 0.6)
        try:
            async with asyncio.timeout(seconds):
                page = await self._load(url)
        except TimeoutError as error:
            raise ToolError(f"{url} took longer than {seconds:g} s") from error
        except ToolError as error:
            raise _with_proxy(error) from error
        return page if isinstance(page, ToolResult) else await _to_result(page, ctx)

    async def _load(self, url: httpx2.URL) -> _Page | ToolResult:
        """The page, over redirects within its host; or the word of one that leads to another host."""
        from .guarded import get

        place = _place_of(url)
        for _ in range(MAX_REDIRECTS + 1):
            answer = await get(url, _ACCEPT, limit=MAX_BYTES, reach=self._reach, resolver=self._resolver)
            if answer.status not in _REDIRECTS:
                return _Page(url, answer)
            target = _target_of(url, answer)
            if _place_of(target) != place or (url.scheme, target.scheme) == ("https", "http"):
                return ToolResult(
                    f"{url} redirects to another place, which was not fetched: {target}\n"
                    "Fetch that address if it is the right one."
                )
            url = target
        raise ToolError(f"{url} redirects more than {MAX_REDIRECTS} times")

    def approval_reason(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
        url = _read_url(input.get("url"))
        address = literal_address(url.raw_host.decode())
        if address is not None:
            self._reach.check(url.host, address)  # nobody is asked about what would be refused
        return f"fetch wants to get `{input['url']}` (allowed always, it may get anything from {_place_of(url)})"

    def remembered(self, input: Mapping[str, Any], reason: str) -> str:
        """The host and port: one answer for all of its pages."""
        return _place_of(_read_url(input.get("url")))


@dataclass(frozen=True, slots=True)
class _Page:
    url: httpx2.URL
    answer: Answer

    @property
    def kind(self) -> str:
        return str(self.answer.headers.get("content-type", "")).partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        charset = re.search(r"""charset\s*=\s*["']?([\w.:-]+)""", self.answer.headers.get("content-type", "")[:500])
        return decode_page(self.answer.data, charset[1] if charset else None)


def _read_url(value: Any) -> httpx2.URL:
    """The address, checked as far as it can be without asking anybody. Raises `ToolError`."""
    import httpx2

    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_URL:
        raise ToolError("url must be an address such as https://example.org/page")
    try:
        url = httpx2.URL(value.strip())
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise ToolError(f"{value!r} is no address: {error}") from error
    if url.scheme not in ("http", "https"):
        raise ToolError(f"{value!r} is no address of the web", hint="it must begin with http:// or https://")
    if url.userinfo:
        raise ToolError("fetch sends no user name and password: leave out what stands before the @ of the address")
    if not url.host or (url.port is not None and not 0 < url.port < 65536):
        raise ToolError(f"{value!r} names no host and port")
    return url


def _place_of(url: httpx2.URL) -> str:
    """The host as it is resolved, and the port if it is not the usual one: what a person allows."""
    host = url.raw_host.decode("ascii").lower().removesuffix(".")
    host = f"[{host}]" if ":" in host else host
    return host if url.port is None else f"{host}:{url.port}"


def _target_of(url: httpx2.URL, answer: Answer) -> httpx2.URL:
    import httpx2

    location = answer.headers.get("location")
    if not location:
        raise ToolError(f"{url} answers {answer.status} without saying where to go")
    try:
        return _read_url(str(url.join(location)))
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise ToolError(f"{url} redirects to what is no address: {location[:200]!r}") from error


def _with_proxy(error: ToolError) -> ToolError:
    """Who can reach the web through a proxy only must be told why this tool cannot."""
    proxy = next((name for name in _PROXIES if os.environ.get(name)), None)
    if proxy is None or error.hint != ToolError.default_hint:
        return error
    return ToolError(f"{error} (fetch does not use the proxy of {proxy}, which could lead anywhere)", hint=error.hint)


# -- what came --------------------------------------------------------------------------------------------------------


async def _to_result(page: _Page, ctx: ToolContext) -> ToolResult:
    answer = page.answer
    if not 200 <= answer.status < 300:
        raise ToolError(_failure_of(page))
    if page.kind in _IMAGES:
        if answer.cut:
            raise ToolError(f"{page.url} is a picture of more than {MAX_BYTES // 1_000_000} MB")
        image = Image(page.kind, answer.data)
        return ToolResult(f"(image: {page.kind}, {len(answer.data)} bytes)", images=(image,), display=image)
    if not _is_text(page):
        size = answer.headers.get("content-length", "")
        size = f", {size} bytes" if size.isdigit() else ""
        raise ToolError(f"{page.url} is {page.kind or 'a binary file'}{size}: fetch reads text and pictures only")
    body, notes = page.text, []
    if page.kind in _HTML:
        body, note = await _readable(body, ctx)
        notes.append(note)
    if answer.cut:
        notes.append(f"(only its first {MAX_BYTES // 1_000_000} MB were read)")
    head = "\n".join([f"{page.url} ({page.kind or 'text'})", *filter(None, notes)])
    return ToolResult(f"{head}\n\n{body}")


def _is_text(page: _Page) -> bool:
    if page.kind in _HTML or _TEXT.fullmatch(page.kind):
        return True
    return page.kind in _UNKNOWN and encoding_of(page.answer.data[:8192]) is not None


def _failure_of(page: _Page) -> str:
    status = page.answer.status
    try:
        words = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        words = str(status)
    said = page.text[:_LONGEST_ERROR].strip() if _is_text(page) and page.kind not in _HTML else ""
    return f"{page.url} answers {words}" + (f": {said}" if said else "")


async def _readable(html: str, ctx: ToolContext) -> tuple[str, str]:
    """A page as Markdown and "", or as it is and why."""
    from importlib.util import find_spec

    if find_spec("justhtml") is None:
        return html, "(HTML as it is: with the package `justhtml`, pip install 'justhtml<4', it is Markdown)"
    # Parsed in a process that can be killed: a page may be made to keep a parser busy.
    seconds = MARKDOWN_SECONDS if ctx.time_limit is None else min(MARKDOWN_SECONDS, ctx.time_limit * 0.3)
    outcome = await run_in_child(
        "alloy_nb.tools.fetch:to_markdown", {"html": html}, seconds=seconds, cancelled=ctx.cancelled
    )
    if outcome.messages:
        return str(outcome.messages[0]), ""
    return html, f"(HTML as it is: turning it into Markdown took longer than {seconds:g} s)"


def to_markdown(html: str) -> Iterator[str]:
    """A page as Markdown, with its title; once. No script or style is left. It runs in a child process."""
    from justhtml import JustHTML

    page = JustHTML(html)
    titles = page.query("title")
    title = " ".join(titles[0].to_text().split()) if titles else ""
    text = page.to_markdown().strip()
    yield (f"Title: {title}\n\n{text}" if title else text)[: 2 * MAX_TEXT]
