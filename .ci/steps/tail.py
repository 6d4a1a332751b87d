"""Follows a file of JSON lines while another process appends to it."""

import json
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Tail:
    """Each call of `read` gives the records that have been completed since the last one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.rest = b""  # a line whose end is not written yet
        self.skipped = 0

    def read(self) -> list[Record]:
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                new = file.read()
        except FileNotFoundError:
            return []
        self.offset += len(new)
        *lines, self.rest = (self.rest + new).split(b"\n")
        return [record for record in map(self.parse, lines) if record is not None]

    def parse(self, line: bytes) -> Record | None:
        """A line that is no record is passed over: the display must outlive a bad one."""
        if not line.strip():
            return None
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            self.skipped += 1
            return None
        return record


def in_order(*readings: list[Record]) -> list[Record]:
    """Records of several files by their time; those of one file stay in their own order."""
    keyed: list[tuple[float, Record]] = []
    for records in readings:
        latest = 0.0
        for record in records:
            stamp = record.get("ts_ms")
            latest = max(latest, float(stamp) if isinstance(stamp, int | float) else latest)
            keyed.append((latest, record))
    return [record for _, record in sorted(keyed, key=lambda pair: pair[0])]
