"""Tests over recorded answers, which are not part of the project: ALLOY_CORPUS names the folder of cases."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("ALLOY_CORPUS") else ["test_*.py"]
