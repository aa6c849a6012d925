"""What a reader gives: a Table in the data set's own vocabulary, and who and what its rows are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problems
from abawbench.challenges import Task
from abawbench.datasets.manifests.model import LabelSet, Manifest
from abawbench.table import Table


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of a local copy of a data set.

    Attributes:
        manifest: facts of the data set.
        tasks: what the values are, in the data set's own order of classes and columns.
        table: one row for each label; its `videos` are units (videos, sequences, or single pictures).
        subjects: for each of `table.videos` the person, empty where not known.
        splits: for each of `table.videos` the split, empty where not known.
        images: for each row the path of its picture below the root, or None where rows have no picture of their own.
    """

    manifest: Manifest
    tasks: tuple[Task, ...]
    table: Table
    subjects: tuple[str, ...]
    splits: tuple[str, ...]
    images: NDArray[np.object_] | None


Reader = Callable[[Manifest, LabelSet, Path, Problems], Labels]
"""(manifest, label set, root, problems) -> labels. Adds a Problem for each fault and leaves the row out."""
