"""Finding a wheel in the user's package indexes (the simple API: PEP 691's JSON, PEP 503's HTML)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import url2pathname

from ..errors import AlloyError
from .settings import IndexSettings
from .web import inherit_credentials, network_error, refusal, without_credentials

if TYPE_CHECKING:
    import httpx2

__all__ = ["Link", "find_file", "local_path"]

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


@dataclass(frozen=True, slots=True)
class Link:
    """A file somewhere: its URL may hold a password, so the repr shows it without."""

    filename: str
    url: str

    def __repr__(self) -> str:
        return f"<Link {without_credentials(self.url)}>"


def find_file(client: httpx2.Client, settings: IndexSettings, project: str, filename: str) -> Link:
    """The first place that has the file: find-links first, then the indexes in their order.

    Raises an `AlloyError` that tells what each of them said.
    """
    said: list[str] = []
    pages = [*settings.find_links, *(f"{index.rstrip('/')}/{project}/" for index in settings.indexes)]
    for page in pages:
        try:
            for link in _links(client, page):
                if link.filename == filename:
                    return link
            said.append(f"{without_credentials(page)} does not list it")
        except AlloyError as error:
            said.append(error.message)
    told = "; ".join(said) or "pip's settings forbid an index and name no folder"
    raise AlloyError(
        f"no package index gave {filename}: {told}",
        hint="check the network and pip's `index-url` (PIP_INDEX_URL), "
        f"or fetch {filename} elsewhere and run `alloy local pull` with `--from FILE`",
    )


def local_path(url: str) -> Path | None:
    """The path that a ``file:`` URL or a plain path means; None for a URL of the web."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    # A scheme of one letter is a Windows drive.
    return Path(url).expanduser() if len(parts.scheme) < 2 else None


def _links(client: httpx2.Client, page: str) -> Iterator[Link]:
    path = local_path(page)
    if path is None:
        yield from _web_links(client, page)
    else:
        yield from _folder_links(path)


def _folder_links(path: Path) -> Iterator[Link]:
    try:
        for entry in sorted(path.iterdir()) if path.is_dir() else ():
            yield Link(entry.name, entry.absolute().as_uri())
        index = path / "index.html" if path.is_dir() else path
        if index.is_file():
            yield from _html_links(index.read_text("utf-8", "replace"), index.absolute().as_uri())
    except OSError as error:
        raise AlloyError(f"cannot read {path}: {error.strerror}", hint="check pip's `find-links`") from error


def _web_links(client: httpx2.Client, page: str) -> Iterator[Link]:
    import httpx2

    try:
        response = client.get(page, headers={"Accept": _ACCEPT})
    except (httpx2.RequestError, httpx2.InvalidURL) as error:
        raise network_error(page, error) from error
    if response.status_code != 200:
        raise refusal(page, response.status_code)
    # Redirects lose the credentials in `response.url`; the page's own URL still has them.
    base = inherit_credentials(str(response.url), page)
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
    links = _json_links(response.text, base) if kind.endswith("json") else _html_links(response.text, base)
    for link in links:
        yield Link(link.filename, inherit_credentials(link.url, base))


def _json_links(text: str, base: str) -> Iterator[Link]:
    try:
        for file in json.loads(text)["files"]:
            yield Link(file["filename"], urljoin(base, file["url"]))
    except (ValueError, KeyError, TypeError) as error:
        raise AlloyError(
            f"{without_credentials(base)} sent a broken index page", hint="try another package index"
        ) from error


def _html_links(text: str, base: str) -> Iterator[Link]:
    parser = _Anchors()
    parser.feed(text)
    for href in parser.found:
        url = urljoin(base, href).partition("#")[0]
        yield Link(unquote(urlsplit(url).path.rpartition("/")[2]), url)


class _Anchors(HTMLParser):
    """Collects where the anchors of a page lead."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]
