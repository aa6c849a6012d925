"""Tables to and from pandas, Parquet and CSV: the shape in which people hold predictions in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import SHOWN, Problem, ProblemError, Problems
from abawbench.challenges import Challenge, Task
from abawbench.formats.columns import Role
from abawbench.formats.text import quote
from abawbench.table import NO_FRAME, Table, Values

if TYPE_CHECKING:
    import pandas as pd


def to_frame(challenge: Challenge, table: Table) -> pd.DataFrame:
    """A DataFrame with columns video, frame (missing where a row is a whole video) and the labels of each task.

    Missing annotations are NaN for real numbers and `<NA>` for classes and action units.
    """
    import pandas as pd

    data: dict[str, Any] = {"video": pd.Categorical.from_codes(table.video, list(table.videos)).astype(str)}
    data["frame"] = pd.array(np.where(table.frame == NO_FRAME, 0, table.frame), "Int32")
    data["frame"][table.frame == NO_FRAME] = pd.NA
    for task in challenge.tasks:
        values = table.values[task.name]
        for place, name in enumerate(task.labels):
            column = values if values.ndim == 1 else values[:, place]
            if task.is_real:
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

    In a truth a missing value is a missing annotation. In a prediction a row with a missing value is no prediction, and
    is left out.

    Args:
        challenge: challenge whose tasks the columns belong to.
        frame: rows of a truth or of a prediction.
        role: role of the rows.
        source: origin of the rows, for messages.

    Raises:
        ProblemError: F04 missing columns, F02 no row, V03, V06 or V07 values that the challenge does not know.
    """
    import pandas as pd

    wanted = ["video", *(name for task in challenge.tasks for name in task.labels)]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        found = f"no column {', '.join(missing)}"
        raise ProblemError(Problem("F04", found, ", ".join(wanted), "give the columns these names", source, 1))
    if role == "prediction":
        frame = frame.dropna(subset=wanted)
    if not len(frame):
        raise ProblemError(Problem("F02", "no row", "at least one row", "give rows with values", source))
    video, names = pd.factorize(frame["video"].astype(str))
    values: dict[str, Values] = {}
    problems = Problems()
    for task in challenge.tasks:
        blocks = [_numbers(frame, name, task, source, problems) for name in task.labels]
        whole: Any = np.asfortranarray(np.stack(blocks, axis=1)) if task.is_vector else blocks[0]
        values[task.name] = whole
    numbers = _frame_numbers(frame, source, problems)
    problems.raise_if_any()
    return Table(
        videos=tuple(names),
        video=video.astype(np.int32),
        frame=numbers,
        values=values,
        probability=frame["probability"].to_numpy(np.float64) if "probability" in frame.columns else None,
        filled=frame["filled"].to_numpy(bool) if "filled" in frame.columns else None,
        source=source,
    )


def from_file(challenge: Challenge, path: Path, role: Role) -> Table | None:
    """A Table from Parquet, or from a CSV file with the columns video and frame; None for any other CSV file.

    Raises:
        ProblemError: F01 not a Parquet file, F06 rows of another width than the header, and what `from_frame` raises.
    """
    import pandas as pd

    if path.suffix == ".parquet":
        import pyarrow as pa

        try:
            frame = pd.read_parquet(path)
        except (pa.ArrowInvalid, OSError) as error:
            found = str(error).split("\n")[0]
            raise ProblemError(Problem("F01", found, "a Parquet file", "write it again", str(path))) from error
    else:
        with path.open("rb") as file:
            header = file.readline().decode("utf-8", "replace").strip().split(",")
        if not {"video", "frame"} <= set(header):
            return None
        try:
            frame = pd.read_csv(path, dtype={"video": str})
        except (pd.errors.ParserError, UnicodeDecodeError, ValueError) as error:
            found, expected = str(error).split("\n")[0], "one field in each row for each column of the header"
            raise ProblemError(Problem("F06", found, expected, "write it again", str(path))) from error
    return from_frame(challenge, frame, role, str(path))


def _frame_numbers(frame: pd.DataFrame, source: str, problems: Problems) -> NDArray[np.int32]:
    """The frame of each row, NO_FRAME where it is missing; what is no frame number goes to `problems`."""
    import pandas as pd

    if "frame" not in frame.columns:
        return np.full(len(frame), NO_FRAME, np.int32)
    column = pd.Series(pd.to_numeric(frame["frame"], errors="coerce")).to_numpy(np.float64, na_value=np.nan)
    is_absent = np.isnan(column) & frame["frame"].isna().to_numpy()
    is_right = (column >= NO_FRAME) & (column < np.iinfo(np.int32).max) & (column == np.floor(column))
    rows = np.flatnonzero(~is_absent & ~is_right)
    for row in rows[:SHOWN].tolist():
        found = f"frame = {quote(str(frame['frame'].iloc[row]))}"
        problems.add(
            Problem("T06", found, "a whole number, the frame", "correct the column", source, row + 2, len(rows))
        )
    return np.where(is_absent | ~is_right, NO_FRAME, column).astype(np.int32)


def _numbers(
    frame: pd.DataFrame, name: str, task: Task, source: str, problems: Problems
) -> NDArray[np.float64] | NDArray[np.int8]:
    """The values of one column, NaN or -1 where they are missing; values out of range go to `problems`."""
    import pandas as pd

    column = pd.Series(pd.to_numeric(frame[name], errors="coerce")).to_numpy(np.float64, na_value=np.nan)
    is_absent = np.isnan(column) & frame[name].isna().to_numpy()
    is_sentinel = np.zeros(len(column), bool) if task.sentinel is None else column == task.sentinel
    low, high = task.span if task.is_vector else (0, task.width - 1)
    is_wrong = ~is_absent & ~is_sentinel & ~((column >= low) & (column <= high))
    if task.is_real:
        rule, expected = "V03", f"a number from {low:g} to {high:g}"
        column = np.where(is_sentinel, np.nan, column)
    else:
        rule, expected = "V07" if task.is_vector else "V06", f"an integer from 0 to {high:g}"
        is_wrong |= ~is_absent & ~is_sentinel & (column != np.floor(column))
        column = np.where(is_absent | is_wrong | (column < 0), -1, column).astype(np.int8)
    rows = np.flatnonzero(is_wrong)
    for row in rows[:SHOWN].tolist():
        found = f"{name} = {frame[name].iloc[row]}"
        problems.add(Problem(rule, found, expected, "correct the column", source, row + 2, len(rows)))
    return column
