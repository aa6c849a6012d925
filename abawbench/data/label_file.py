"""Labels of any data set from the Parquet file that `abawbench data read` writes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.errors import Problem, ProblemError
from abawbench.labels import VALENCE_AROUSAL
from abawbench.table import NO_FRAME, Table, Values

# columns that say what a row is; every other one is a label
KEYS = frozenset({"video", "frame", "subject", "split", "image", "probability", "filled"})
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

    Text and integers are classes, real numbers values, integers named `AU...` action units; a missing value is "not
    annotated".

    Args:
        path: the file.
        split: keep only this split.

    Raises:
        ProblemError: F01 not a Parquet file, F02 no row, F04 no column `video`, or none `split` where one is asked for.
    """
    import pandas as pd
    import pyarrow as pa

    try:
        frame: Any = pd.read_parquet(path)
    except (pa.ArrowInvalid, OSError) as error:
        found = str(error).partition("\n")[0]
        raise ProblemError(Problem("F01", found, "a Parquet file", "write it again", str(path))) from error
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
    values, tasks = _labels(frame)
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


def _labels(frame: Any) -> tuple[dict[str, Values], tuple[Task, ...]]:
    import pandas as pd

    numbers: dict[str, Any] = {}
    units: dict[str, Any] = {}
    values: dict[str, Any] = {}
    tasks: list[Task] = []
    for name in (name for name in frame.columns if name not in KEYS):
        column = frame[name]
        if _ACTION_UNIT.fullmatch(name) and pd.api.types.is_numeric_dtype(column):
            units[name] = column.to_numpy(np.float64, na_value=np.nan)
        elif pd.api.types.is_float_dtype(column):
            numbers[name] = column.to_numpy(np.float64, na_value=np.nan)
        else:
            codes, classes = pd.factorize(column, sort=True)
            values[name] = codes.astype(np.int32)
            tasks.append(Categorical(name, tuple(map(str, classes)), None))
    blocks = {"va": [name for name in numbers if name in VALENCE_AROUSAL]}
    blocks["values"] = [name for name in numbers if name not in VALENCE_AROUSAL]
    for task, names in blocks.items():
        if names:
            values[task] = np.stack([numbers[name] for name in names], axis=1)
            tasks.append(Continuous(task, tuple(names), -np.inf, np.inf, None))
    if units:
        columns = np.stack(list(units.values()), axis=1)
        values["action_units"] = np.where(np.isnan(columns), -1, columns > 0).astype(np.int8)
        tasks.append(MultiLabel("action_units", tuple(units), None))
    return values, tuple(tasks)
