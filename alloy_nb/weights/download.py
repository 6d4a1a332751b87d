"""Fetching one file: resumed where it stopped, verified before anybody may use it."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AlloyError
from .progress import Progress
from .store import check_room, digest, folder_error, full_disk
from .web import network_error, refusal, without_credentials

if TYPE_CHECKING:
    import httpx2

__all__ = ["Expected", "download", "writing"]

_ATTEMPTS = 4
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file must amount to; None where its source does not tell."""

    size: int | None = None
    sha256: str | None = None


def download(
    client: httpx2.Client,
    url: str,
    part: Path,
    expected: Expected,
    progress: Progress,
    *,
    headers: dict[str, str] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Fetch `url` into `part` and return its SHA-256, which is the expected one.

    A `part` left by an earlier try is continued. One that turns out wrong is fetched once more from the start; wrong
    again, or cut too often, is an `AlloyError`. Ctrl-C leaves what came so far.
    """
    for clean in (False, True):
        resumed = size_of(part) > 0
        _Transfer(client, url, part, expected, progress, headers or {}, sleep).run()
        actual = digest(part)
        if expected.sha256 in (None, actual) and expected.size in (None, size_of(part)):
            return actual
        discard(part)
        if not resumed or clean:
            break
        progress.say("the part that an earlier try left is not right: starting again")
    raise AlloyError(
        f"{without_credentials(url)} is not the file that was expected (wrong SHA-256)",
        hint="a proxy or mirror may have changed it: try another network or index, or `--from FILE`",
    )


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _etag_path(part).unlink(missing_ok=True)


def _etag_path(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


class writing:  # noqa: N801 - reads as a word in `with writing(part, needed):`
    """Turns a failure to write into an `AlloyError`; on a full disk the part is deleted, to give the room back."""

    def __init__(self, part: Path, needed: int | None) -> None:
        self.part = part
        self.needed = needed

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError):
            return
        if error.errno in _FULL:
            needed = self.needed or size_of(self.part)
            discard(self.part)
            raise full_disk(self.part.parent, needed) from error
        raise folder_error(self.part.parent, error) from error


class _Again(Exception):
    """The server was busy, or our range was of no use to it."""


class _Transfer:
    """The requests that it takes to bring the whole of `url` into `part`."""

    def __init__(
        self,
        client: httpx2.Client,
        url: str,
        part: Path,
        expected: Expected,
        progress: Progress,
        headers: dict[str, str],
        sleep: Callable[[float], None],
    ) -> None:
        self.client, self.url, self.part, self.expected = client, url, part, expected
        self.progress, self.headers, self.sleep = progress, headers, sleep

    def run(self) -> None:
        """Ask until all is there: a cut that brought something forward does not count as a failed attempt."""
        import httpx2

        failures = 0
        while True:
            before = size_of(self.part)
            try:
                self._request()
            except (httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.TooManyRedirects) as error:
                raise network_error(self.url, error) from error
            except (httpx2.RequestError, _Again) as error:
                failures = 1 if size_of(self.part) > before else failures + 1
                if failures >= _ATTEMPTS:
                    raise network_error(self.url, error) from error
                self.sleep(0.5 * 2 ** (failures - 1))
                continue
            self.progress.finish()
            return

    def _request(self) -> None:
        have = self._usable()
        if have and have == self.expected.size:
            return
        headers = dict(self.headers)
        if have:
            headers["Range"] = f"bytes={have}-"
            if etag := self._etag():
                headers["If-Range"] = etag
        with self.client.stream("GET", self.url, headers=headers) as response:
            self._receive(response, have)

    def _usable(self) -> int:
        """How much of the part may be continued: none that is too long, or that nothing could ever prove right."""
        have = size_of(self.part)
        too_long = self.expected.size is not None and have > self.expected.size
        unprovable = self.expected.sha256 is None and self._etag() is None
        if have and (too_long or unprovable):
            discard(self.part)
            return 0
        return have

    def _receive(self, response: httpx2.Response, have: int) -> None:
        status = response.status_code
        if status == 416:
            discard(self.part)
            raise _Again("the server has no bytes behind those we have")
        if status >= 500 or status == 429:
            raise _Again(f"HTTP {status}")
        if status not in (200, 206):
            raise refusal(self.url, status)
        if status == 206 and _range_start(response) != have:
            discard(self.part)
            raise _Again("the server sent another range than the one asked for")
        start = have if status == 206 else 0
        self._remember_etag(response)
        self._write(response, start)

    def _write(self, response: httpx2.Response, done: int) -> None:
        length = response.headers.get("Content-Length", "")
        total = self.expected.size or (done + int(length) if length.isdigit() else None)
        self.progress.total = total
        self.progress.start_at(done)
        if total:
            check_room(self.part.parent, total - done)
        with writing(self.part, total), self.part.open("ab" if done else "wb") as file:
            # As they come: gathered to a size of our own, a cut would lose what was gathered.
            for chunk in response.iter_bytes():
                file.write(chunk)
                done += len(chunk)
                if total is not None and done > total:
                    return
                self.progress(done)
        if total is not None and done < total:
            raise _Again(f"the connection ended after {done:,} of {total:,} bytes")

    def _etag(self) -> str | None:
        try:
            return _etag_path(self.part).read_text("utf-8") or None
        except (OSError, UnicodeDecodeError):
            return None

    def _remember_etag(self, response: httpx2.Response) -> None:
        """Only a strong one says that the bytes are the same."""
        etag = response.headers.get("ETag", "")
        with writing(self.part, self.expected.size):
            if etag.startswith('"'):
                _etag_path(self.part).write_text(etag, "utf-8")
            else:
                _etag_path(self.part).unlink(missing_ok=True)


def _range_start(response: httpx2.Response) -> int | None:
    first = response.headers.get("Content-Range", "").removeprefix("bytes").strip().partition("-")[0]
    return int(first) if first.isdigit() else None
