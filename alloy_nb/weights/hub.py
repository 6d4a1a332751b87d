"""A file of a model hub: ``hf:ORG/REPO:FILE``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from ..errors import AlloyError, ConfigError
from ..redaction import register_secret
from .download import Expected
from .web import network_error, refusal, without_credentials

if TYPE_CHECKING:
    import httpx2

__all__ = ["HubFile", "describe", "parse"]

_SPEC = re.compile(r"hf:([\w.-]+/[\w.-]+):([^\\:]+\.gguf)", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of one repository, at the newest state of its main branch."""

    repository: str
    file: str

    @property
    def name(self) -> str:
        """What it is called in the store: the file's name without its folder and ending."""
        return self.file.rpartition("/")[2][: -len(".gguf")]

    @property
    def source(self) -> str:
        return f"hf:{self.repository}:{self.file}"

    @property
    def url(self) -> str:
        endpoint = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
        return f"{endpoint}/{self.repository}/resolve/main/{quote(self.file)}"


def parse(spec: str) -> HubFile:
    """Read ``hf:ORG/REPO:FILE``; `ConfigError` for anything else.

    >>> parse("hf:org/repo:model-Q4_0.gguf").name
    'model-Q4_0'
    """
    match = _SPEC.fullmatch(spec)
    if match is None or ".." in spec:
        raise ConfigError(f"{spec!r} names no file of a hub", hint="write hf:ORG/REPO:FILE.gguf")
    return HubFile(match[1], match[2].strip("/"))


def token_headers() -> dict[str, str]:
    """The user's token as a header, for the hub's own host only: httpx2 drops it on a redirect to another one."""
    token = (os.environ.get("HF_TOKEN") or "").strip()
    if not token:
        return {}
    register_secret(token)
    return {"Authorization": f"Bearer {token}"}


def describe(client: httpx2.Client, file: HubFile) -> Expected:
    """Ask the hub for size and SHA-256. A hub that tells neither gives an empty `Expected`."""
    import httpx2

    url = file.url
    try:
        response = client.head(url, headers=token_headers(), follow_redirects=False)
        while response.is_redirect and _stays(response):
            response = client.head(str(response.next_request.url), headers=token_headers(), follow_redirects=False)  # type: ignore[union-attr]
    except (httpx2.RequestError, httpx2.InvalidURL) as error:
        raise network_error(url, error) from error
    status = response.status_code
    if status in (405, 501):
        return Expected()
    if status in (401, 403):
        raise AlloyError(
            f"{without_credentials(url)} answered with HTTP {status}",
            hint="check the name, or set HF_TOKEN to a token of an account that may have this model "
            "(some want their licence accepted on the hub first)",
        )
    if status == 404:
        raise AlloyError(
            f"the hub has no file {file.file} in {file.repository}",
            hint="check the names on the hub's page of the model: write hf:ORG/REPO:FILE.gguf",
        )
    if status >= 400:
        raise refusal(url, status)
    return _expected(response)


def _stays(response: httpx2.Response) -> bool:
    """A renamed repository redirects within the hub; the file itself usually lies on another host."""
    if "X-Linked-Etag" in response.headers or response.next_request is None:
        return False
    return urlsplit(str(response.next_request.url)).netloc == urlsplit(str(response.request.url)).netloc


def _expected(response: httpx2.Response) -> Expected:
    """Large files have the SHA-256 as their linked ETag; small ones another digest, which is of no use here."""
    headers = response.headers
    etag = headers.get("X-Linked-Etag", headers.get("ETag", "")).removeprefix("W/").strip('"').lower()
    size = headers.get("X-Linked-Size") or (None if response.is_redirect else headers.get("Content-Length"))
    return Expected(
        size=int(size) if size and size.isdigit() else None,
        sha256=etag if _SHA256.fullmatch(etag) else None,
    )
