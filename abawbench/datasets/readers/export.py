"""Labels as a Parquet file, which every later step reads without the data set's own format."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from abawbench.base.files import write_file
from abawbench.challenges import Categorical, Continuous, Task
from abawbench.datasets.readers.model import Labels
from abawbench.table import NO_FRAME, Table

if TYPE_CHECKING:
    import pyarrow as pa

KEYS = ("video", "frame", "subject", "split", "image")


def write_labels(labels: Labels, table: Table, tasks: Sequence[Task], path: Path) -> None:
    """Write rows and labels as Parquet, in the place of a file that is there.

    Columns: video, frame (missing where a row is a whole video), subject, split, image (missing where not known), then
    those of the tasks. Numbers are float64; a class is its index for an ABAW table, its name for one in the data set's
    own vocabulary; action units and attributes are 0 and 1. "Not annotated" is missing. The classes stand in the file's
    metadata, under `abawbench`.

    Args:
        labels: whose rows they are.
        table: in ABAW vocabularies, or `labels.table`.
        tasks: what the table holds.
        path: the file.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet

    is_own = table is labels.table
    columns: dict[str, Any] = {
        "video": _texts(table.video, table.videos),
        "frame": pa.array(table.frame, mask=table.frame == NO_FRAME),
        "subject": _texts(table.video, labels.subjects),
        "split": _texts(table.video, labels.splits),
        "image": pa.nulls(len(table), pa.string()) if labels.images is None else _images(labels),
    }
    for task in tasks:
        for name, column in _columns(task, table, is_own=is_own).items():
            # two tasks may have columns of one name, as DISFA's action units and their intensities
            columns[name if name not in columns else f"{task.name}.{name}"] = column
    classes = {task.name: task.classes for task in tasks if isinstance(task, Categorical)}
    facts = {"dataset": labels.manifest.id, "vocabulary": "own" if is_own else "abaw", "classes": classes}
    whole = pa.table(columns).replace_schema_metadata({"abawbench": json.dumps(facts)})
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(whole, buffer, compression="zstd")
    write_file(path, buffer.getvalue())


def _texts(codes: Any, names: Sequence[str]) -> pa.Array:
    """The text of each row; missing where it is empty."""
    import pyarrow as pa

    return pa.array([name or None for name in names], pa.string()).take(pa.array(codes))


def _images(labels: Labels) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    images = pa.array(labels.images, pa.string())
    return compute.if_else(compute.equal(images, ""), None, images)


def _columns(task: Task, table: Table, *, is_own: bool) -> Mapping[str, pa.Array]:
    import pyarrow as pa

    if isinstance(task, Continuous):
        values = table.numbers(task.name)
        return {
            name: pa.array(values[:, place], mask=np.isnan(values[:, place])) for place, name in enumerate(task.columns)
        }
    classes = table.classes(task.name)
    if not isinstance(task, Categorical):
        return {
            name: pa.array(classes[:, place], mask=classes[:, place] < 0) for place, name in enumerate(task.columns)
        }
    index = pa.array(classes, mask=classes < 0)
    return {task.name: pa.array(task.classes).take(index) if is_own else index}
