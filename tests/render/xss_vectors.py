"""Hostile texts. Each holds ``MARK`` where a reader must still see it, and tries to do more than be read.

Data only, by theme in the files of the folder ``xss``: (name, text). ``alert(1)``, the host ``evil.example`` and
JupyterLab's command ``canary:command`` are the canaries; the browser's tests add what else a text could do. ``MARK``
stands in the first 190 characters: of a long argument, the line of a call shows no more.
"""

import runpy
from pathlib import Path

#: Theme -> its texts.
THEMES: dict[str, list[tuple[str, str]]] = {
    path.stem: runpy.run_path(str(path))["VECTORS"] for path in sorted(Path(__file__).with_name("xss").glob("*.py"))
}
VECTORS: list[tuple[str, str]] = [vector for vectors in THEMES.values() for vector in vectors]
