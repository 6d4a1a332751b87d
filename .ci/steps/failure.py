"""A step that failed: one cause, one remedy, the log. Known causes are a table."""

import errno
import re
import sys
from dataclasses import dataclass
from pathlib import Path

READ_THE_LOG = "read the end of the log; then run the same command again"
FREE_SPACE = "free some space (the whole needs about 2 GB), then run the same command again"


@dataclass(eq=False)
class Failure(Exception):
    """Ends the program with exit code `code`; shown by `report`."""

    cause: str
    remedy: str = READ_THE_LOG
    log: Path | None = None
    code: int = 1

    def __str__(self) -> str:
        return self.cause

    @classmethod
    def of_os_error(cls, error: OSError, doing: str) -> "Failure":
        """The same for anything the operating system refused."""
        if error.errno == errno.ENOSPC or error.errno == errno.EDQUOT:
            return cls(f"{doing}: the disk is full", FREE_SPACE)
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            remedy = "give this user the right to write there, or work in a copy of the tree"
            return cls(f"{doing}: {error.strerror}", remedy)
        return cls(f"{doing}: {error}")


def report(failure: Failure) -> None:
    """The last three lines that the user sees."""
    log = str(failure.log) if failure.log else "none was begun"
    for name, value in (("cause", failure.cause), ("remedy", failure.remedy), ("log", log)):
        print(f"{name}: {' '.join(value.split())}", file=sys.stderr)
    sys.stderr.flush()


# Order matters: a refused proxy also reads like a missing network, and both end in pip's
# "No matching distribution found".
KNOWN: list[tuple[str, str, str]] = [
    (r"No space left on device|Errno 28|Disk quota exceeded", "the disk is full", FREE_SPACE),
    (
        r"check proxy URL|Proxy URL had unsupported scheme|InvalidURL: Failed to parse",
        "the proxy's address is malformed",
        "correct or unset HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and PIP_PROXY: http://HOST:PORT",
    ),
    (
        r"Cannot connect to proxy|ProxyError|Tunnel connection failed|407 Proxy",
        "the proxy refused or cannot be reached",
        "correct or unset HTTPS_PROXY, HTTP_PROXY and PIP_PROXY, then run the same command again",
    ),
    (
        r"Missing dependencies for SOCKS support",
        "the proxy speaks SOCKS, which pip cannot use",
        "name an HTTP proxy in HTTPS_PROXY, or connect without one",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|SSLError|TLS CA certificate bundle",
        "the package index's certificate was not accepted",
        "point SSL_CERT_FILE, PIP_CERT and REQUESTS_CA_BUNDLE at your organisation's CA bundle, or correct them",
    ),
    (
        r"40[13] (Client Error|Forbidden|Unauthorized)|HTTP error 40[13]|HTTP Error 40[13]",
        "the package index refused access",
        "check the user name and password in PIP_INDEX_URL or in pip's configuration",
    ),
    (
        r"name resolution|Name or service not known|nodename nor servname|getaddrinfo failed"
        r"|NewConnectionError|Network is unreachable|No route to host|ConnectTimeout"
        r"|Connection refused|Read timed out|timed out|RemoteDisconnected|Connection reset"
        r"|ConnectError|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT",
        "the package index cannot be reached",
        "connect to the network, or set PIP_INDEX_URL (a mirror) or HTTPS_PROXY; then run the same command again",
    ),
    (
        r"No matching distribution found|ResolutionImpossible",
        "",
        "see whether the index (PIP_INDEX_URL) carries this package for this Python and"
        " platform, or name another Python: PYTHON=/path/to/python",
    ),
    (
        r"Failed building wheel|subprocess-exited-with-error|metadata-generation-failed",
        "",
        "a package has no ready build for this Python and platform: try PYTHON=python3.12",
    ),
    (
        r"Permission denied|Read-only file system|Errno 13|Errno 30",
        "",
        "give this user the right to write there, or work in a copy of the tree",
    ),
]


def diagnose(step: str, text: str, log: Path | None) -> Failure:
    """The likeliest cause in a step's output, and what to do about it."""
    detail = last_informative(text)
    for pattern, cause, remedy in KNOWN:
        found = re.search(pattern, text)
        if found:
            shown = f"{cause} ({found.group(0)})" if cause else detail
            return Failure(f"{step}: {shown}", remedy, log)
    return Failure(f"{step}: {detail}", log=log)


NOISE = re.compile(r"^\s*(\[notice\]|note:|hint:|WARNING:|\[end of output\]|[╰─│×>^~]+)", re.I)


def last_informative(text: str) -> str:
    """pip's last ERROR line, else the last line that says anything."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # "ERROR: Exception:" is only the head of a traceback.
    errors = [line for line in lines if re.match(r"(ERROR|error|Error):(?! Exception:$)", line)]
    spoken = [line for line in lines if not NOISE.match(line)]
    chosen = (errors or spoken or ["it failed and said nothing"])[-1]
    return re.sub(r"^(ERROR|error|Error):\s*", "", chosen)[:300]
