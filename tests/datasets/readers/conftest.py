from __future__ import annotations

from pathlib import Path

from abawbench.datasets.readers.labels import Labels


def write(root: Path, place: str, *lines: str, end: str = "\n") -> Path:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def rows(labels: Labels) -> list[str]:
    return [labels.table.name(row) for row in range(len(labels.table))]
