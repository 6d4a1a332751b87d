"""One wheel from the package index without pip: for a Python that has none."""

import base64
import hashlib
import html.parser
import json
import re
import ssl
import urllib.parse
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

from .failure import diagnose
from .variables import Variables

PYPI = "https://pypi.org/simple"
ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.2"
NEWEST_FIRST = re.compile(r"-(\d+(?:\.\d+)*)-py3-none-any\.whl$")
MINUTE = 60.0


def fetch(package: str, folder: Path, env: Variables, log: Path) -> Path:
    """The newest pure wheel of `package` in `folder`, its SHA-256 checked against the index."""
    page = f"{env.get('PIP_INDEX_URL', PYPI).rstrip('/')}/{package}/"
    try:
        with get(page, env, ACCEPT) as answer:
            files = listing(answer.read(), answer.headers.get("Content-Type", ""), answer.url)
        name, url, sha256 = newest(files)
        with get(url, env) as answer:
            content = answer.read()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(f"{name} is not what the index says: its SHA-256 differs")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        return folder / name
    except (OSError, ValueError, LookupError, HTTPException) as error:
        text = f"ERROR: {package}: {error}\n"
        with log.open("a") as file:
            file.write(f"fetching {page}\n{text}")
        raise diagnose("environment", text, log) from error


def get(url: str, env: Variables, accept: str = "*/*") -> Any:
    """Open `url` with the user's proxy, certificates and password, as pip would."""
    proxy = env.get("PIP_PROXY")
    handlers: list[urllib.request.BaseHandler] = []
    if proxy:
        handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
    handlers.append(urllib.request.HTTPSHandler(context=trust(env.get("PIP_CERT") or env.get("SSL_CERT_FILE"))))
    headers = {"Accept": accept}
    parts = urllib.parse.urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if at:
        token = base64.b64encode(urllib.parse.unquote(user).encode()).decode()
        headers["Authorization"] = f"Basic {token}"
        url = parts._replace(netloc=host).geturl()
    request = urllib.request.Request(url, headers=headers)
    return urllib.request.build_opener(*handlers).open(request, timeout=MINUTE)


def trust(bundle: str | None) -> ssl.SSLContext:
    """The certificates in a file or folder, else the system's."""
    is_folder = bundle is not None and Path(bundle).is_dir()
    try:
        return ssl.create_default_context(capath=bundle) if is_folder else ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise OSError(f"no TLS CA certificate bundle can be read from {bundle}: {error}") from error


def listing(body: bytes, kind: str, base: str) -> list[tuple[str, str, str]]:
    """(file name, address, SHA-256) of every file of a project page, in JSON or HTML."""
    if "json" in kind:
        return [
            (file["filename"], urllib.parse.urljoin(base, file["url"]), file["hashes"]["sha256"])
            for file in json.loads(body)["files"]
            if not file.get("yanked") and "sha256" in file["hashes"]
        ]
    page = Links(base)
    page.feed(body.decode("utf-8", "replace"))
    return page.files


class Links(html.parser.HTMLParser):
    """The older form of a project page: anchors, the digest in the fragment."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.files: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag != "a" or not found.get("href") or "data-yanked" in found:
            return
        url, _, fragment = urllib.parse.urljoin(self.base, found["href"] or "").partition("#")
        if fragment.startswith("sha256="):
            name = urllib.parse.unquote(url.rpartition("/")[2])
            self.files.append((name, url, fragment.removeprefix("sha256=")))


def newest(files: list[tuple[str, str, str]]) -> tuple[str, str, str]:
    """The wheel of the highest released version."""
    ranked = []
    for file in files:
        found = NEWEST_FIRST.search(file[0])
        if found:
            ranked.append((tuple(int(part) for part in found.group(1).split(".")), file))
    if not ranked:
        raise LookupError("the index lists no wheel of it")
    return max(ranked)[1]
