"""Labels of any data set as a Parquet file: `data read` writes it, and every later step reads it.

Columns: video, frame (missing where a row is a whole video), subject, split and image (missing where not known), then
those of the tasks. Numbers are float64. A class is its number for a table in ABAW's vocabularies, its name for one in
the data set's own vocabulary. Action units and attributes are 0 and 1. "Not annotated" is missing. The names of the
classes stand in the file's metadata, under `abawbench`.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from abawbench.base.arrow_input import parquet_metadata, read_parquet
from abawbench.base.files import write_file
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.datasets.readers.rows import arrow_functions
from abawbench.labels import VALENCE_AROUSAL
from abawbench.table import NO_FRAME, Table, Values

if TYPE_CHECKING:
    import pyarrow as pa

    from abawbench.datasets.readers.labels import Labels

# columns that are no labels; predictions add the last two
KEYS = frozenset({"video", "frame", "subject", "split", "image", "probability", "filled"})
METADATA = b"abawbench"
_ACTION_UNIT = re.compile(r"AU\d+\w*")


@dataclass(frozen=True, eq=False)
class LabelFile:
    """The labels of a Parquet file.

    Attributes:
        table: rows of the file.
        tasks: tasks of the values, as far as the columns and the metadata describe them.
        subjects: person of each unit that has one.
    """

    table: Table
    tasks: tuple[Task, ...]
    subjects: dict[str, str]


def write_labels(labels: Labels, table: Table, tasks: Sequence[Task], path: Path) -> None:
    """Write labels as a Parquet file, in place of one that is there.

    Args:
        labels: labels with the subjects, splits and pictures of the rows.
        table: rows in ABAW's vocabularies or in the data set's own (`labels.table`).
        tasks: tasks of the table.
        path: path of the file.

    Raises:
        ProblemError: F01, the file cannot be written.
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
    classes = {task.name: task.outputs for task in tasks if not task.is_vector}
    facts = {"dataset": labels.manifest.id, "vocabulary": "own" if is_own else "abaw", "classes": classes}
    whole = pa.table(columns).replace_schema_metadata({METADATA: json.dumps(facts)})
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(whole, buffer, compression="zstd")
    write_file(path, buffer.getvalue())


def _texts(codes: Any, names: Sequence[str]) -> pa.Array:
    """The text of each row; missing where it is empty."""
    import pyarrow as pa

    return pa.array([name or None for name in names], pa.string()).take(pa.array(codes))


def _images(labels: Labels) -> pa.Array:
    import pyarrow as pa

    compute = arrow_functions()
    images = pa.array(labels.images, pa.string())
    return compute.if_else(compute.equal(images, ""), None, images)


def _columns(task: Task, table: Table, *, is_own: bool) -> Mapping[str, pa.Array]:
    """The columns of a task; classes are names where the table is in the data set's own vocabulary."""
    import pyarrow as pa

    values = table.values[task.name].reshape(len(table), -1)
    columns = {
        name: pa.array(values[:, place], mask=~task.is_annotated(values[:, place]))
        for place, name in enumerate(task.labels)
    }
    if is_own and not task.is_vector:
        return {name: pa.array(task.outputs).take(index) for name, index in columns.items()}
    return columns


def read_label_file(path: Path, split: str | None = None) -> LabelFile:
    """Read the labels of a Parquet file with a column `video`, and optionally `frame`, `subject` and `split`.

    Columns of real numbers are values. Columns of text are classes, and so are those of integers, unless the name is
    `AU...` or the file's own list of classes lacks it: these are labels, 0 or 1. A missing value is "not annotated".

    Args:
        path: path of the file.
        split: name of the split to read; all by default.

    Raises:
        ProblemError: F01 not a Parquet file, F02 no row, F04 no column `video`, or no column `split` to select
            a split by.
    """
    import pandas as pd

    frame, classes = _read_frame(path)
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
    values, tasks = _labels(frame, classes, path)
    numbers = _frame_numbers(frame, path)
    table = Table(
        videos=tuple(map(str, videos)),
        video=video.astype(np.int32),
        frame=numbers,
        values=values,
        source=str(path),
    )
    return LabelFile(table, tasks, _subjects(frame))


def _read_frame(path: Path) -> tuple[Any, Mapping[str, Sequence[str]] | None]:
    """The file as a DataFrame, and the names of the classes of each column that the metadata list."""
    import pandas as pd
    import pyarrow as pa

    try:
        table = read_parquet(path)
        metadata = parquet_metadata(path)
    except (OSError, ValueError) as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else str(error).partition("\n")[0]
        raise ProblemError(Problem("F01", found, "a Parquet file", "write it again", str(path))) from error
    kept = [name for name in table.column_names if not name.startswith("__index_level_")]
    twice = sorted(name for name in set(kept) if kept.count(name) > 1)
    types = pa.types
    plain = (types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string)
    odd = [field for field in table.schema if not any(is_kind(_stored(field.type)) for is_kind in plain)]
    if twice or odd:
        found = f"column {twice[0]} twice" if twice else f"column {odd[0].name} of type {odd[0].type}"
        raise ProblemError(Problem("F04", found, "columns of numbers or texts, each once", "write it again", str(path)))
    # nullable types: an integer with missing values would else become a real number
    nullable = {
        **{getattr(pa, f"int{bits}")(): getattr(pd, f"Int{bits}Dtype")() for bits in (8, 16, 32, 64)},
        **{getattr(pa, f"uint{bits}")(): getattr(pd, f"UInt{bits}Dtype")() for bits in (8, 16, 32, 64)},
        pa.float32(): pd.Float32Dtype(),
        pa.float64(): pd.Float64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
        pa.string(): pd.StringDtype(),
        pa.large_string(): pd.StringDtype(),
    }
    frame = table.select(kept).to_pandas(types_mapper=nullable.get)
    return frame, _classes_in(metadata)


def _stored(kind: Any) -> Any:
    """The type of the values of a column, which may be stored as a dictionary."""
    return getattr(kind, "value_type", kind) if str(kind).startswith("dictionary") else kind


def _classes_in(metadata: Mapping[bytes, bytes]) -> Mapping[str, Sequence[str]] | None:
    """The names of the classes by column; None where the file lists none, or none that can be read."""
    with suppress(KeyError, TypeError, ValueError):
        classes: Any = parse_fields(metadata[METADATA])["classes"]
        if isinstance(classes, dict) and all(
            isinstance(names, list) and all(isinstance(name, str) for name in cast(list[Any], names))
            for names in cast(dict[str, Any], classes).values()
        ):
            return cast(dict[str, list[str]], classes)
    return None


def is_label_file(path: Path) -> bool:
    """True where a file is one that `write_labels` wrote."""
    try:
        return path.suffix == ".parquet" and METADATA in parquet_metadata(path)
    except (OSError, ValueError, ProblemError):
        return False


def subjects_of(paths: Iterable[Path]) -> dict[str, str] | None:
    """The subject of each unit of files of `data read`; None where a file is none, or a unit has no subject.

    Raises:
        ProblemError: as `read_label_file`.
    """
    subjects: dict[str, str] = {}
    for path in paths:
        labels = read_label_file(path) if is_label_file(path) else None
        if labels is None or not set(labels.table.videos) <= labels.subjects.keys():
            return None
        subjects |= labels.subjects
    return subjects or None


def _subjects(frame: Any) -> dict[str, str]:
    if "subject" not in frame.columns:
        return {}
    pairs = frame[["video", "subject"]].dropna().astype(str).drop_duplicates()
    pairs = pairs[pairs["subject"] != ""]
    return dict(zip(pairs["video"], pairs["subject"], strict=True))


def _frame_numbers(frame: Any, path: Path) -> NDArray[np.int32]:
    """The frame of each row, NO_FRAME where it is missing. Raises: ProblemError T06, a frame that is no number."""
    import pandas as pd

    if "frame" not in frame.columns:
        return np.full(len(frame), NO_FRAME, np.int32)
    column = frame["frame"]
    numbers: Any = np.full(len(frame), np.nan)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers = column.to_numpy(np.float64, na_value=np.nan)
    is_absent = column.isna().to_numpy()
    is_right = (numbers >= 0) & (numbers < np.iinfo(np.int32).max) & (numbers == np.floor(numbers))
    wrong = np.flatnonzero(~is_absent & ~is_right)
    if len(wrong):
        found, fix = f"frame = {column.iloc[int(wrong[0])]}", "correct the column"
        line = int(wrong[0]) + 1
        raise ProblemError(Problem("T06", found, "a whole number, the frame", fix, str(path), line, len(wrong)))
    return np.where(is_absent, NO_FRAME, np.nan_to_num(numbers)).astype(np.int32)


def _labels(
    frame: Any, classes: Mapping[str, Sequence[str]] | None, path: Path
) -> tuple[dict[str, Values], tuple[Task, ...]]:
    """Values and tasks of the columns that are labels, by the file's list of classes, else by type and name."""
    import pandas as pd

    numbers: dict[str, dict[str, Any]] = {"va": {}, "values": {}}
    marks: dict[str, dict[str, Any]] = {"action_units": {}, "labels": {}}
    values: dict[str, Any] = {}
    tasks: list[Task] = []
    for name in (name for name in frame.columns if name not in KEYS):
        column = frame[name]
        is_unit = _ACTION_UNIT.fullmatch(name) is not None
        if pd.api.types.is_float_dtype(column) and not is_unit:
            numbers["va" if name in VALENCE_AROUSAL else "values"][name] = column.to_numpy(np.float64, na_value=np.nan)
        elif pd.api.types.is_numeric_dtype(column) and (is_unit or (classes is not None and name not in classes)):
            plain = column.to_numpy(np.float64, na_value=np.nan)
            mark = np.where(np.isnan(plain), -1, plain > 0).astype(np.int8)
            marks["action_units" if is_unit else "labels"][name] = mark
        elif pd.api.types.is_integer_dtype(column) and classes is not None and name in classes:
            codes = column.to_numpy(np.float64, na_value=-1)
            if (codes < -1).any() or (codes >= len(classes[name])).any():
                found, expected = f"{name} = {codes.max():.0f}", f"a number below {len(classes[name])}"
                raise ProblemError(Problem("V06", found, expected, "write it again", str(path)))
            values[name] = codes.astype(np.int32)
            tasks.append(Categorical(name, tuple(classes[name]), None))
        else:
            codes, found = pd.factorize(column, sort=True)
            values[name] = codes.astype(np.int32)
            tasks.append(Categorical(name, tuple(map(str, found)), None))
    tasks += [Continuous(task, tuple(columns), -np.inf, np.inf, None) for task, columns in numbers.items() if columns]
    tasks += [MultiLabel(task, tuple(columns), None) for task, columns in marks.items() if columns]
    for task, columns in (numbers | marks).items():
        if columns:
            values[task] = np.stack(list(columns.values()), axis=1)
    return values, tuple(tasks)
