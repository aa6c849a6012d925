"""Labels of any data set from the Parquet file that `abawbench data read` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.labels import VALENCE_AROUSAL
from abawbench.table import NO_FRAME, Table, Values

# columns that say what a row is; every other one is a label
KEYS = frozenset({"video", "frame", "subject", "split", "image", "probability", "filled"})
# where the file says which columns are classes, and which classes there are
FACTS = b"abawbench"
_ACTION_UNIT = re.compile(r"AU\d+\w*")


@dataclass(frozen=True, eq=False)
class LabelFile:
    """The labels of a Parquet file.

    Attributes:
        table: its rows.
        tasks: what the values are, as far as the columns tell.
        subjects: of each unit that has one.
    """

    table: Table
    tasks: tuple[Task, ...]
    subjects: dict[str, str]


def read_label_file(path: Path, split: str | None = None) -> LabelFile:
    """The labels of a Parquet file with a column `video`, and `frame`, `subject`, `split` where the data set has them.

    Real numbers are values. Text is a class; so is an integer, unless its name is `AU...` or the file's own list of
    classes does not have it: then it is a label, 0 or 1. A missing value is "not annotated".

    Args:
        path: the file.
        split: keep only this split.

    Raises:
        ProblemError: F01 not a Parquet file, F02 no row, F04 no column `video`, or none `split` where one is asked for.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet

    try:
        # nullable types: an integer with missing values would else become a real number
        frame: Any = pd.read_parquet(path, dtype_backend="numpy_nullable")
        metadata = pyarrow.parquet.read_schema(path).metadata or {}
    except (pa.ArrowInvalid, OSError) as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else str(error).partition("\n")[0]
        raise ProblemError(Problem("F01", found, "a Parquet file", "write it again", str(path))) from error
    classes: Any = None
    with suppress(KeyError, TypeError, ValueError):
        classes = json.loads(metadata[FACTS])["classes"]
    wanted = ["video"] if split is None else ["video", "split"]
    if absent := [name for name in wanted if name not in frame.columns]:
        fix = "write it with abawbench data read"
        raise ProblemError(Problem("F04", f"no column {', '.join(absent)}", ", ".join(wanted), fix, str(path)))
    if split is not None:
        known = sorted(frame["split"].dropna().astype(str).unique())
        frame = frame[frame["split"].astype(str) == split]
        if not len(frame):
            found = f"no row of split '{split}'"
            raise ProblemError(Problem("F02", found, f"one of {', '.join(known)}", "name another", str(path)))
    if not len(frame):
        raise ProblemError(Problem("F02", "no row", "at least one row", "write it again", str(path)))
    video, videos = pd.factorize(frame["video"].astype(str))
    values, tasks = _labels(frame, classes)
    numbers: Any = frame["frame"] if "frame" in frame.columns else pd.Series(NO_FRAME, frame.index)
    table = Table(
        videos=tuple(map(str, videos)),
        video=video.astype(np.int32),
        frame=numbers.fillna(NO_FRAME).to_numpy(np.int32),
        values=values,
        source=str(path),
    )
    return LabelFile(table, tasks, _subjects(frame))


def _subjects(frame: Any) -> dict[str, str]:
    if "subject" not in frame.columns:
        return {}
    pairs = frame[["video", "subject"]].dropna().astype(str).drop_duplicates()
    pairs = pairs[pairs["subject"] != ""]
    return dict(zip(pairs["video"], pairs["subject"], strict=True))


def _labels(frame: Any, classes: Mapping[str, Sequence[str]] | None) -> tuple[dict[str, Values], tuple[Task, ...]]:
    """Values and tasks of the columns that are labels, by what the file says of its classes, else by type and name."""
    import pandas as pd

    blocks: dict[str, dict[str, Any]] = {"va": {}, "values": {}, "action_units": {}, "labels": {}}
    values: dict[str, Any] = {}
    tasks: list[Task] = []
    for name in (name for name in frame.columns if name not in KEYS):
        column = frame[name]
        is_unit = _ACTION_UNIT.fullmatch(name) is not None
        if pd.api.types.is_float_dtype(column) and not is_unit:
            block = "va" if name in VALENCE_AROUSAL else "values"
            blocks[block][name] = column.to_numpy(np.float64, na_value=np.nan)
        elif pd.api.types.is_numeric_dtype(column) and (is_unit or (classes is not None and name not in classes)):
            numbers = column.to_numpy(np.float64, na_value=np.nan)
            label = np.where(np.isnan(numbers), -1, numbers > 0).astype(np.int8)
            blocks["action_units" if is_unit else "labels"][name] = label
        elif pd.api.types.is_integer_dtype(column) and classes is not None and name in classes:
            values[name] = column.to_numpy(np.int32, na_value=-1)
            tasks.append(Categorical(name, tuple(classes[name]), None))
        else:
            codes, found = pd.factorize(column, sort=True)
            values[name] = codes.astype(np.int32)
            tasks.append(Categorical(name, tuple(map(str, found)), None))
    for task, columns in blocks.items():
        if columns:
            values[task] = np.stack(list(columns.values()), axis=1)
            names = tuple(columns)
            is_number = task in {"va", "values"}
            tasks.append(Continuous(task, names, -np.inf, np.inf, None) if is_number else MultiLabel(task, names, None))
    return values, tuple(tasks)
