"""Saves the outputs of the notebooks anew, from their scripts: `python tests/notebooks/refresh.py`.

To be run when the look of an answer has changed on purpose; then read the difference before you commit it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def refresh(path: Path) -> None:
    """Execute one notebook in a folder of its own and save it where it was, with nothing of this machine in it."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    metadata = dict(notebook.metadata)
    with tempfile.TemporaryDirectory() as folder:
        where: dict[str, Any] = {"metadata": {"path": folder}}
        NotebookClient(
            notebook, kernel_name="python3", record_timing=False, coalesce_streams=True, resources=where
        ).execute()
    notebook.metadata.clear()
    notebook.metadata.update(metadata)
    nbformat.write(notebook, path)


def main() -> None:
    os.environ.update(ALLOY_DISPLAY="static", ALLOY_DOTENV="0", PYTHONPATH=str(ROOT))
    os.environ.setdefault("ALLOY_DATA_DIR", str(ROOT / "build" / "data"))  # the weights that `make test` brings
    for name in ("ALLOY_RECORD", "ALLOY_EVENTS"):
        os.environ.pop(name, None)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        script = path.with_suffix(".jsonl")
        os.environ["ALLOY_MODEL"] = f"scripted:{script}" if script.exists() else ""
        refresh(path)
        print(path.relative_to(ROOT), file=sys.stderr)


if __name__ == "__main__":
    main()
