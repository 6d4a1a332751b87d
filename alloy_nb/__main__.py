"""``python -m alloy_nb`` is the `alloy` command."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
