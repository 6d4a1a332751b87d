"""What is tried in a newcomer's environment, by its Python: `python first_steps.py data|kernel|packages [OF]`."""

import importlib.metadata
import re
import sys
from pathlib import Path

SETUP = """
%load_ext alloy_nb
import alloy_nb as alloy
model = alloy.Scripted(["Hello there."])
"""
CELLS = (SETUP, "%%alloy -m model -o answer\nHi.", "print('a kernel answered:', answer.text)")
DATA = ("models.json", "py.typed", *(f"notebook/static/{name}.js" for name in ("widget", "stub", "math")))


def data() -> None:
    """The package's files, and that they are the installed ones."""
    import alloy_nb

    folder = Path(alloy_nb.__file__).parent
    lost = [name for name in DATA if not (folder / name).is_file()]
    if lost or not folder.is_relative_to(sys.prefix):
        raise SystemExit(f"lost: {lost} in {folder}")
    print("everything is there")


def kernel() -> None:
    """Run the cells in a kernel of this environment, and say what it printed."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel()
    try:
        for cell in CELLS:
            reply = client.execute_interactive(cell, timeout=60, allow_stdin=False)
            if reply["content"]["status"] != "ok":
                raise SystemExit(f"the cell failed: {cell}")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def packages(of: str = "") -> None:
    """The installed packages' names; with `of`, only that package and what it needs."""
    installed = {canonical(found.metadata["Name"]): found for found in importlib.metadata.distributions()}
    if not of:
        print(*sorted(installed))
        return
    needed, left = set(), [canonical(of)]
    while left:
        name = left.pop()
        if name in installed and name not in needed:
            needed.add(name)
            left += requirements(installed[name])
    print(*sorted(needed))


def requirements(found: importlib.metadata.Distribution) -> list[str]:
    """Without those of extras. Those for other systems do no harm: they are not installed."""
    lines = [line for line in found.requires or [] if "extra ==" not in line]
    return [canonical(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in lines]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    {"data": data, "kernel": kernel, "packages": packages}[sys.argv[1]](*sys.argv[2:])
