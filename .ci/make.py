#!/usr/bin/env python3
"""The one entry of every build step: `python .ci/make.py TARGET`; `help` lists the targets.

This file and steps/interpreter.py must start on old Pythons, to say so clearly:
nothing here is newer than Python 2.7, nothing there newer than 3.6.
"""

import os
import sys


def forget_python_path():
    """A PYTHONPATH of the user may hold modules that shadow the standard library."""
    hostile = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    if not sys.flags.ignore_environment:
        sys.path[:] = [p for p in sys.path if p not in hostile]


def main():
    if sys.version_info < (3, 6):
        version = ".".join(str(n) for n in sys.version_info[:3])
        sys.stderr.write("cause: Python %s is too old to start this script\n" % version)
        sys.stderr.write("remedy: call it with Python 3.11 or newer: python3 .ci/make.py\n")
        sys.stderr.write("log: none was begun\n")
        return 1
    forget_python_path()
    sys.dont_write_bytecode = True
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    from steps import interpreter

    return interpreter.start(os.path.dirname(here), sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
