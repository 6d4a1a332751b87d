"""What the browser is sent: committed, so that nobody needs Node, and made from the sources beside it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import alloy_nb

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "labextension"
STATIC = Path(alloy_nb.__file__).parent / "notebook" / "static"
#: Bytes: a page loads the first once a kernel, the second once a run; the third once a kernel, with its first team,
#: the fourth once a table of jobs, and the fifth with its first formula.
LARGEST = {"widget.js": 250_000, "stub.js": 1_000, "team.js": 60_000, "jobs.js": 20_000, "math.js": 400_000}
ALSO = ("package.json", "package-lock.json", "tsconfig.json", "build.mjs")
ANEW = "after a change in labextension/: make static"


def sources_hash(folder: Path) -> str:
    """As `sourcesHash` in build.mjs: the same whatever line ends a checkout has."""
    found = [path for path in (folder / "src").rglob("*") if path.is_file()]
    paths = sorted(path.relative_to(folder).as_posix() for path in [*found, *(folder / name for name in ALSO)])
    state = hashlib.sha256()
    for path in paths:
        content = (folder / path).read_bytes().replace(b"\r\n", b"\n")
        state.update(path.encode() + b"\0" + content + b"\0")
    return state.hexdigest()


def stamp() -> dict[str, object]:
    read: dict[str, object] = json.loads((STATIC / "stamp.json").read_text("utf-8"))
    return read


def test_the_committed_files_were_made_from_the_sources_beside_them() -> None:
    assert stamp()["sources"] == sources_hash(SOURCES), ANEW


def test_no_committed_file_was_changed_by_hand() -> None:
    made = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.name != "stamp.json"}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in made.items()} == stamp()["files"], ANEW


@pytest.mark.parametrize("name", LARGEST)
def test_a_file_says_that_it_is_generated_and_from_what(name: str) -> None:
    first = (STATIC / name).read_text("utf-8").split("\n", 1)[0]
    assert first == f"// Generated from labextension/ by build.mjs; do not edit. {sources_hash(SOURCES)[:16]}"


@pytest.mark.parametrize("name", LARGEST)
def test_no_page_waits_long_for_a_file(name: str) -> None:
    assert 200 < (STATIC / name).stat().st_size <= LARGEST[name]


def test_the_licence_of_each_bundled_package_is_beside_the_files() -> None:
    text = (STATIC / "LICENSES.txt").read_text("utf-8")
    named = json.loads((SOURCES / "package.json").read_text("utf-8"))["dependencies"]
    for name in named:
        assert f"\n{name} " in text
    assert text.lower().count("copyright") >= len(named)


def test_nothing_of_a_build_machine_is_in_a_file() -> None:
    for name in LARGEST:
        text = (STATIC / name).read_text("utf-8")
        assert "node_modules" not in text
        assert "sourceMappingURL" not in text
        assert str(ROOT) not in text


def test_the_hash_is_the_same_in_a_checkout_with_other_line_ends(tmp_path: Path) -> None:
    kept = {"src/a.ts": b"a\nb\n", **dict.fromkeys(ALSO, b"x\n")}
    for name, end in (("unix", b"\n"), ("windows", b"\r\n")):
        for path, content in kept.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.replace(b"\n", end))
    assert sources_hash(tmp_path / "unix") == sources_hash(tmp_path / "windows")
    (tmp_path / "unix/src/b.ts").write_text("")
    assert sources_hash(tmp_path / "unix") != sources_hash(tmp_path / "windows")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no work tree of git")
def test_the_wheel_holds_them_since_git_does_not_ignore_them() -> None:
    """What git ignores, hatch leaves out."""
    names = ["LICENSES.txt", "jobs.js", "math.js", "stamp.json", "stub.js", "team.js", "widget.js"]
    assert sorted(path.name for path in STATIC.iterdir()) == names
    paths = [f"alloy_nb/notebook/static/{name}" for name in names]
    said = subprocess.run(["git", "check-ignore", *paths], cwd=ROOT, capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (1, "")
    attributes = subprocess.run(
        ["git", "check-attr", "text", *paths], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert attributes.stdout.count("text: unset") == len(paths)


def test_importing_the_widgets_reads_no_file_of_the_page() -> None:
    code = """
import sys
import anywidget
opened = []
sys.addaudithook(lambda name, args: opened.append(str(args[0])) if name == "open" else None)
import alloy_nb.notebook.live.hub
assert not [path for path in opened if path.endswith((".js", ".json", ".css"))], opened
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)
