"""Which browser: the first that renders a page here. None is no failure: the rest of the tests run."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import debian, node, process, render, sparticuz
from .failure import Failure
from .lock import queued
from .places import Places
from .session import Session
from .stamps import Stamp, digest
from .variables import Variables

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
RENDER_SECONDS = 60.0
DOWNLOAD_SECONDS = 600.0
OWN = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
SHELL = "chrome-headless-shell*/*headless[-_]shell*"  # of `playwright install --only-shell`, in any of its layouts


@dataclass(frozen=True, slots=True)
class Choice:
    """A browser that has rendered a page; `source` says where it comes from."""

    executable: Path
    source: str


@dataclass(frozen=True, slots=True)
class Missing:
    """No browser: why, and what to do."""

    because: str
    remedy: str

    def line(self, count: int | None) -> str:
        """`count` tests were not run; None where they could not be counted."""
        tests = {None: "the browser tests", 1: "1 browser test"}.get(count, f"{count} browser tests")
        return f"NOT RUN: {tests}, because {self.because}; do {self.remedy}"


@dataclass(slots=True)
class Search:
    """What the sources are given, and what was passed over so far."""

    places: Places
    env: Variables
    environ: Mapping[str, str]
    say: Callable[[str], None]
    refused: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.places.log("browser")


def choose(session: Session) -> Choice | Missing:
    """The browser of the last time while nothing has changed, else the first that renders."""
    search = Search(session.places, session.env(), session.environ, session.terminal.line)
    with queued(session.lock("browser"), session.steps.who, "looking for a browser"):
        kept = remembered(search)
        if kept is not None:
            session.steps.unchanged("browser")
            return kept
        session.terminal.line("browser      one that renders a page", "bold")
        began = time.monotonic()
        found = look(search)
        took = time.monotonic() - began
    if isinstance(found, Missing):
        session.terminal.line(f"browser      none ({took:.1f} s)", "yellow")
        session.steps.record("browser", took, "none")
        return found
    session.terminal.line(f"browser      {found.executable} ({found.source}, {took:.1f} s)", "green")
    session.steps.record("browser", took, "ok")
    return found


def look(search: Search) -> Choice | Missing:
    """Try every source in order. What the user named and is not used is told at once."""
    stamp(search.places).lift()
    search.log.unlink(missing_ok=True)
    for source, find in SOURCES.items():
        try:
            for executable in find(search):
                why = not_rendering(executable, search)
                if not why:
                    return remember(Choice(executable, source), search)
                refuse(search, source, f"{executable}: {why}")
        except (Failure, OSError) as failure:
            refuse(search, source, str(failure))
    return missing(search)


def refuse(search: Search, source: str, why: str) -> None:
    search.refused.append(f"{source}: {why}")
    with process.append(search.log) as file:
        file.write(f"passed over {search.refused[-1]}\n\n".encode())
    if source == "ALLOY_CHROMIUM":
        search.say(f"note: passed over {search.refused[-1]}")


def not_rendering(executable: Path, search: Search) -> str:
    """Why this one does not count; empty when it has rendered a page."""
    if not executable.is_file():
        return "not found"
    command: process.Command = [search.places.python, "-I", render.__file__, executable]
    code, said = process.run_limited(command, search.env, search.log, search.places.root, RENDER_SECONDS)
    if code == 0:
        return ""
    if code is None:
        return f"rendered no page within {RENDER_SECONDS:.0f} s"
    lines = [line for line in said.splitlines() if line.startswith("ERROR: ")] or said.strip().splitlines()
    return lines[-1].removeprefix("ERROR: ") if lines else f"exit code {code}"


# The sources, in the order in which they are tried. Each gives executables, the next only when the last one failed.


def named(search: Search) -> Iterator[Path]:
    wish = search.environ.get("ALLOY_CHROMIUM")
    if wish:
        yield Path(shutil.which(wish) or wish).absolute()


def on_path(search: Search) -> Iterator[Path]:
    """Every file of these names: behind a stub that only says "install me" there may be a real one."""
    folders = [folder for folder in search.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    found = [shutil.which(name, path=folder) for name in NAMES for folder in folders]
    seen: set[Path] = set()
    for path in [Path(path) for path in found if path] + [Path(path) for path in APPLICATIONS]:
        if path.is_file() and path.resolve() not in seen:
            seen.add(path.resolve())
            yield path


def playwrights(search: Search) -> Iterator[Path]:
    """Where Playwright's own lies, if a person has installed it; else it is downloaded under build/browser."""
    installed = Path(process.ask([search.places.python, "-I", "-c", OWN], search.env, search.log, search.places.root))
    if installed.is_file():
        yield installed
    folder = search.places.browser / "playwright"
    made = sorted(folder.glob(f"*/{SHELL}"))
    if not made:
        search.say("browser      downloading Playwright's own (100 MB)")
        command: process.Command = [search.places.python, "-m", "playwright", "install", "--only-shell", "chromium"]
        env = search.env | {"PLAYWRIGHT_BROWSERS_PATH": str(folder)}
        code, _ = process.run_limited(command, env, search.log, search.places.root, DOWNLOAD_SECONDS)
        if code != 0:
            raise Failure("its download failed" if code is not None else "its download took too long")
        made = sorted(folder.glob(f"*/{SHELL}"))
    yield from (path for path in made if os.access(path, os.X_OK))


def npms(search: Search) -> Iterator[Path]:
    if not sparticuz.suits():
        raise Failure("is for Linux on x86-64 only")
    unpacked = search.places.browser / "sparticuz" / sparticuz.LAUNCHER_NAME
    if unpacked.exists():
        yield unpacked
    search.say("browser      downloading the npm package @sparticuz/chromium (70 MB)")
    found = node.find(search.places, search.env, search.log)
    yield sparticuz.fetch(search.places, found, search.env, search.log)


def debians(search: Search) -> Iterator[Path]:
    why_not = debian.why_not(search.environ)
    if why_not:
        raise Failure(why_not)
    search.say("browser      installing Debian's chromium by apt-get (NO_APT=1 turns this off)")
    debian.install(search.places, search.env)
    yield from on_path(search)


SOURCES: dict[str, Callable[[Search], Iterator[Path]]] = {
    "ALLOY_CHROMIUM": named,
    "PATH": on_path,
    "Playwright": playwrights,
    sparticuz.PACKAGE: npms,
    "apt": debians,
}


def missing(search: Search) -> Missing:
    """One line that a person can act on; the whole story is in the log."""
    last = {line.partition(": ")[0]: line for line in search.refused}
    told = "; ".join(line for line in last.values())[:400] or "nothing was there to try"
    log = search.places.show(search.log)
    ways = "install Chromium or Chrome, or name one: make test ALLOY_CHROMIUM=/path/to/chromium"
    if search.environ.get("NO_APT") and not debian.why_not({**search.environ, "NO_APT": ""}):
        ways += ", or leave NO_APT out"
    return Missing(f"no browser here renders a page (tried {told}; see {log})", ways)


# The choice is kept, so that the next `make test` need not try again.


def stamp(places: Places) -> Stamp:
    return Stamp(places.stamps / "browser")


def choice_file(places: Places) -> Path:
    return places.browser / "choice.json"


def key(search: Search) -> str:
    """Not PATH: a browser that rendered stays the choice when PATH changes and it is still there."""
    code = [Path(__file__).with_name(name) for name in ("browser.py", "render.py", "sparticuz.py")]
    return digest(search.environ.get("ALLOY_CHROMIUM", ""), str(search.places.browser), *code)


def remember(choice: Choice, search: Search) -> Choice:
    file = choice_file(search.places)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"executable": str(choice.executable), "source": choice.source}) + "\n", "utf-8")
    stamp(search.places).press(key(search), [choice.executable, file])
    return choice


def remembered(search: Search) -> Choice | None:
    return read_choice(search.places) if stamp(search.places).holds(key(search)) else None


def read_choice(places: Places) -> Choice | None:
    """The last choice, whether or not it still holds."""
    try:
        kept = json.loads(choice_file(places).read_text("utf-8"))
        return Choice(Path(kept["executable"]), kept["source"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def at_hand(places: Places, environ: Mapping[str, str]) -> Path | None:
    """For tests that are run without make: what is there, untried."""
    search = Search(places, {}, environ, lambda _: None)
    kept = read_choice(places)
    for path in [*named(search), *([kept.executable] if kept else []), *on_path(search)]:
        if os.path.isfile(path):
            return path
    return None
