from __future__ import annotations

from pathlib import Path

from abawbench.base.problems import ProblemError
from abawbench.datasets.manifests.model import Manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.labels import Labels


def write(root: Path, place: str, *lines: str, end: str = "\n") -> Path:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def rows(labels: Labels) -> list[str]:
    return [labels.table.name(row) for row in range(len(labels.table))]


def read_labels(manifest: Manifest, root: Path, which: str | None = None) -> Labels:
    """The labels of a local copy in which no row is at fault. Raises: ProblemError, every problem and note."""
    labels, problems = read_with_problems(manifest, root, which)
    if labels is None or any(not problem.is_note for problem in problems):
        raise ProblemError(*problems)
    return labels
