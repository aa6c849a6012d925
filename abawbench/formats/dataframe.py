"""Table to and from pandas and Parquet: the shape in which people hold predictions in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.challenges import Categorical, Challenge, Continuous, Task
from abawbench.table import NO_FRAME, Table, Values

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["truth", "prediction", "list"]


def columns_of(task: Task) -> tuple[str, ...]:
    """Names of a task's columns in a DataFrame: the task's own name where it is one class."""
    return (task.name,) if isinstance(task, Categorical) else task.columns


def to_frame(challenge: Challenge, table: Table) -> pd.DataFrame:
    """A DataFrame with columns video, frame (missing where a row is a whole video) and the challenge's columns.

    Not annotated is NaN for numbers and `<NA>` for classes and action units.
    """
    import pandas as pd

    data: dict[str, Any] = {"video": pd.Categorical.from_codes(table.video, list(table.videos)).astype(str)}
    data["frame"] = pd.array(np.where(table.frame == NO_FRAME, 0, table.frame), "Int32")
    data["frame"][table.frame == NO_FRAME] = pd.NA
    for task in challenge.tasks:
        values = table.values[task.name]
        for place, name in enumerate(columns_of(task)):
            column = values if values.ndim == 1 else values[:, place]
            if isinstance(task, Continuous):
                data[name] = column
            else:
                data[name] = pd.arrays.IntegerArray(np.maximum(column, 0).astype(np.int8), column < 0)
    if table.probability is not None:
        data["probability"] = table.probability
    if table.filled is not None:
        data["filled"] = table.filled
    return pd.DataFrame(data)


def from_frame(challenge: Challenge, frame: pd.DataFrame, role: Role, source: str = "DataFrame") -> Table:
    """A Table from a DataFrame with the columns that `to_frame` gives.

    In a truth a missing value is "not annotated"; in a prediction a row with a missing value is no prediction and is
    left out.

    Raises:
        ProblemError: F04 for missing columns, V... for values that the challenge does not know.
    """
    import pandas as pd

    wanted = ["video", *(name for task in challenge.tasks for name in columns_of(task))]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise ProblemError(
            Problem(
                "F04", f"no column {', '.join(missing)}", ", ".join(wanted), "give the columns these names", source, 1
            )
        )
    if role == "prediction":
        frame = frame.dropna(subset=wanted)
    if not len(frame):
        raise ProblemError(Problem("F02", "no row", "at least one row", "give rows with values", source))
    video, names = pd.factorize(frame["video"].astype(str))
    values: dict[str, Values] = {}
    problems = Problems()
    for task in challenge.tasks:
        blocks = [_numbers(frame, name, task, source, problems) for name in columns_of(task)]
        whole: Any = blocks[0] if isinstance(task, Categorical) else np.asfortranarray(np.stack(blocks, axis=1))
        values[task.name] = whole
    problems.raise_if_any()
    numbers = frame["frame"] if "frame" in frame.columns else pd.Series(NO_FRAME, frame.index)
    return Table(
        videos=tuple(names),
        video=video.astype(np.int32),
        frame=numbers.fillna(NO_FRAME).to_numpy(np.int32),
        values=values,
        probability=frame["probability"].to_numpy(np.float64) if "probability" in frame.columns else None,
        filled=frame["filled"].to_numpy(bool) if "filled" in frame.columns else None,
        source=source,
    )


def from_file(challenge: Challenge, path: Path, role: Role) -> Table | None:
    """A Table from Parquet, or from a CSV file whose header has video and frame; None for any other CSV file."""
    import pandas as pd

    if path.suffix == ".parquet":
        import pyarrow as pa

        try:
            frame = pd.read_parquet(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise ProblemError(
                Problem("F01", str(error).split("\n")[0], "a Parquet file", "write it again", str(path))
            ) from error
    else:
        with path.open("rb") as file:
            header = file.readline().decode("utf-8", "replace").strip().split(",")
        if not {"video", "frame"} <= set(header):
            return None
        try:
            frame = pd.read_csv(path, dtype={"video": str})
        except (pd.errors.ParserError, UnicodeDecodeError, ValueError) as error:
            raise ProblemError(
                Problem(
                    "F06", str(error).split("\n")[0], "one row of the header's columns", "write it again", str(path)
                )
            ) from error
    return from_frame(challenge, frame, role, str(path))


def _numbers(
    frame: pd.DataFrame, name: str, task: Task, source: str, problems: Problems
) -> NDArray[np.float64] | NDArray[np.int8]:
    import pandas as pd

    column = pd.Series(pd.to_numeric(frame[name], errors="coerce")).to_numpy(np.float64, na_value=np.nan)
    sentinel = np.nan if task.sentinel is None else float(task.sentinel)
    absent = np.isnan(column) & frame[name].isna().to_numpy()
    if isinstance(task, Continuous):
        low, high = task.low, task.high
        wrong = ~absent & ~((column >= low) & (column <= high))
        rule, expected = "V03", f"a number from {low:g} to {high:g}"
        if task.sentinel is not None:
            wrong &= column != sentinel
            column = np.where(column == sentinel, np.nan, column)
    else:
        last = len(task.classes) - 1 if isinstance(task, Categorical) else 1
        rule = "V06" if isinstance(task, Categorical) else "V07"
        expected = f"an integer from 0 to {last}"
        wrong = ~absent & ~((column >= 0) & (column <= last) & (column == np.floor(column))) & (column != sentinel)
        column = np.where(absent | wrong | (column < 0), -1, column).astype(np.int8)
    rows = np.flatnonzero(wrong)
    for row in rows[:3]:
        problems.add(
            Problem(
                rule,
                f"{name} = {frame[name].iloc[row]}",
                expected,
                "correct the column",
                source,
                int(row) + 2,
                len(rows),
            )
        )
    return column
