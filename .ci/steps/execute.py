"""Runs a notebook in the environment's Python: `python execute.py NOTEBOOK OUT HTML PROGRESS CWD`.

A program of its own, started by demo.py: it needs nbclient and nbconvert, which only the
environment has. What it does goes to PROGRESS as JSON lines, for demo.py to show; a cell that
fails ends it with exit code 3 after the notebook has been saved.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

CELL_FAILED = 3
CELL_SECONDS = 600


class Progress:
    """The file that demo.py follows, in the same form as the agents' events."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def tell(self, event: str, **payload: Any) -> None:
        record = {"event": event, "ts_ms": int(time.time() * 1000), "payload": payload}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def title(source: str) -> str:
    """The first line of a cell that says something."""
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    spoken = [line for line in lines if not line.startswith("#")]
    return (spoken or lines or [""])[0]


def run_cells(notebook: Any, cwd: Path, progress: Progress) -> bool:
    """Execute every cell in order; False when one failed (later cells are not run)."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    numbers = {
        index: number
        for number, index in enumerate((i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"), 1)
    }
    current = [0]

    def starts(cell: Any, cell_index: int) -> None:
        if cell_index in numbers:
            current[0] = numbers[cell_index]
            named = title(cell.source)
            progress.tell("cell", number=current[0], of=len(numbers), title=named)

    client = NotebookClient(
        notebook,
        kernel_name="python3",  # the environment's own, whatever the file names
        timeout=CELL_SECONDS,
        on_cell_start=starts,
        resources={"metadata": {"path": str(cwd)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        progress.tell("failed", number=current[0], message=f"{error.ename}: {error.evalue}")
        return False
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:  # the last: a kernel that never answered
        first = str(error).strip().splitlines()[0]
        progress.tell("failed", number=current[0], message=first)
        return False
    return True


def export_html(notebook: Any, target: Path) -> None:
    """One file that needs no network, neither now nor when it is opened."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(require_js_url="", mathjax_url="", mermaid_js_url="", jquery_url="", embed_images=True)
    body, _ = exporter.from_notebook_node(notebook)
    target.write_text(body, encoding="utf-8")


def main(arguments: list[str]) -> int:
    source, out, html, progress_file, cwd = map(Path, arguments)
    progress = Progress(progress_file)
    import nbformat

    notebook = nbformat.read(source, as_version=4)
    ran = run_cells(notebook, cwd, progress)
    nbformat.write(notebook, out)
    export_html(notebook, html)
    return 0 if ran else CELL_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
