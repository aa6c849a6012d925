"""Tables to and from pandas, Parquet and CSV: the shape in which people hold predictions in memory."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.arrow_input import read_parquet
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Challenge
from abawbench.formats.columns import Role
from abawbench.formats.frame_columns import (
    Selection,
    find_columns,
    has_frames,
    is_table,
    key_of,
    missing_columns,
    with_index,
)
from abawbench.formats.frame_values import (
    Source,
    distinct_cells,
    empty_cells,
    read_numbers,
    read_scores,
    read_task,
    show,
)
from abawbench.formats.keys import Names, example, split_keys
from abawbench.formats.layout import has_header, layouts
from abawbench.formats.lines import table_lines
from abawbench.formats.mending import as_notes
from abawbench.formats.names import LEGIBLE, read_names
from abawbench.formats.text import BOM, first_line, load, quote
from abawbench.formats.value_forms import NEAR_ONE
from abawbench.table import NO_FRAME, Floats, Table, Values

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


def from_frame(
    challenge: Challenge, frame: Any, role: Role, source: str = "DataFrame", lines: NDArray[np.int64] | None = None
) -> Table:
    """A Table from a DataFrame with the columns that `to_frame` gives, or that the challenge's own files have.

    Levels of the index count as columns. Rows are named by the columns video and frame, or by a column of row names
    such as image_location. The case, blanks, hyphens and underscores of the names of columns do not matter. Classes may
    be given by their numbers, their names, or scores in columns named by the classes, of which the greatest counts.

    In a truth a missing value is a missing annotation. In a prediction, a task of which a value is missing in a row, or
    whose values are all sentinels, has no prediction there.

    Args:
        challenge: challenge whose tasks the columns belong to.
        frame: rows of a truth or of a prediction: a DataFrame of pandas, or anything with a method `to_pandas`.
        role: role of the rows.
        source: origin of the rows, for messages.
        lines: shape (rows,), the line of each row in its file; None to count the rows from 1.

    Raises:
        ProblemError: C02 no DataFrame; F04 columns that are missing or there twice; F02 no row; T06 rows without a
            name, or frames that are no numbers; V01 to V08 values that the challenge does not know.
    """
    data = with_index(_as_pandas(frame, source), source)
    found = find_columns(challenge, list(data.columns), role, source)
    if not len(data):
        raise ProblemError(Problem("F02", "no row", "at least one row", "give rows with values", source))
    rows = Source(source, np.arange(1, len(data) + 1) if lines is None else lines)
    names = _read_names(challenge, data, found, role, rows)
    values: dict[str, Values] = {}
    for task in challenge.tasks:
        scores = found.scores.get(task.name)
        if isinstance(task, Categorical) and scores is not None and task.name not in found.values:
            values[task.name] = read_scores(task, [data.iloc[:, place] for place in scores], rows)
        else:
            values[task.name] = read_task(task, [data.iloc[:, found.values[name]] for name in task.labels], role, rows)
    probability = _read_probability(challenge, data, found, rows)
    if found.unread:
        quoted = ", ".join(quote(name) for name in found.unread)
        rows.note("N42", quoted, "columns of rows' names and values", "leave them out", len(found.unread))
    rows.problems.raise_if_any()
    assert names is not None
    videos, video, numbers = names
    table = Table(
        videos=videos,
        video=video,
        frame=numbers,
        values=values,
        probability=probability,
        filled=None if found.filled is None else data.iloc[:, found.filled].to_numpy(bool),
        source=source,
        notes=rows.problems.found,
    )
    return table if role == "truth" else _without_empty_rows(table, data, found)


def _without_empty_rows(table: Table, data: pd.DataFrame, found: Selection) -> Table:
    """The rows that hold a value, and those of a name that is there again: its rows are told apart by their order."""
    import pandas as pd

    places = [*found.values.values(), *(place for columns in found.scores.values() for place in columns)]
    is_empty = np.logical_and.reduce([empty_cells(data.iloc[:, place]) for place in places])
    if not is_empty.any():
        return table
    is_again = pd.DataFrame({"video": table.video, "frame": table.frame}).duplicated(keep=False).to_numpy()
    return table.take(np.flatnonzero(~is_empty | is_again))


def from_file(challenge: Challenge, path: Path, role: Role) -> Table | None:
    """A Table from Parquet, or from a CSV file with named columns; None for a CSV file in a format of the challenge.

    Raises:
        ProblemError: F01 not a Parquet file, F06 rows of another width than the header, and what `from_frame` raises.
    """
    import pyarrow as pa

    lines = None
    mended: tuple[Problem, ...] = ()
    if path.suffix == ".parquet":
        try:
            columns = read_parquet(path)
        except (OSError, ValueError) as error:
            found = str(error).split("\n")[0]
            raise ProblemError(Problem("F01", found, "a Parquet file", "write it again", str(path))) from error
    else:
        data = load(path)
        if any(has_header(data, layout) for layout in layouts(challenge, role)):
            return None
        if not is_table(_header(data), role):
            data, mended = table_lines(data, str(path))
            if not is_table(_header(data), role):
                return None
        columns, lines = _read_csv(data.removeprefix(BOM), path)
    try:
        frame = columns.to_pandas(ignore_metadata=True)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        found, fix = str(error).split("\n")[0], "give the columns plain types: text, numbers"
        raise ProblemError(Problem("F01", found, "columns that pandas can hold", fix, str(path))) from error
    table = from_frame(challenge, frame, role, str(path), lines)
    return replace(table, notes=(*as_notes(mended), *table.notes))


def _header(data: bytes) -> list[str]:
    return [name.strip(' "') for name in first_line(data).split(",")]


def _as_pandas(frame: Any, source: str) -> pd.DataFrame:
    import pandas as pd

    if isinstance(frame, pd.Series):
        return frame.to_frame()
    if not isinstance(frame, pd.DataFrame) and hasattr(frame, "to_pandas"):
        frame = frame.to_pandas()
    if not isinstance(frame, pd.DataFrame):
        found, expected = f"an object of type {type(frame).__name__}", "a path, a Table or a DataFrame"
        raise ProblemError(Problem("C02", found, expected, "make a DataFrame of it", source))
    return frame


def _read_csv(data: bytes, path: Path) -> tuple[Any, NDArray[np.int64] | None]:
    """The columns of a CSV file with a header, and the line of each row."""
    import pyarrow as pa
    from pyarrow import csv

    try:
        table = csv.read_csv(
            io.BytesIO(data), convert_options=csv.ConvertOptions(strings_can_be_null=True, timestamp_parsers=["%Y"])
        )
    except pa.ArrowInvalid as error:
        found, expected = str(error).split("\n")[0], "one field in each row for each column of the header"
        raise ProblemError(Problem("F06", found, expected, "write it again", str(path))) from error
    numbers = [number for number, line in enumerate(data.splitlines(), start=1) if line.strip()][1:]
    return table, np.array(numbers) if len(numbers) == len(table) else None


def _read_names(challenge: Challenge, data: pd.DataFrame, found: Selection, role: Role, rows: Source) -> Names | None:
    """Videos, and the video and frame of each row; None where some rows have none, which go to the problems."""
    import pyarrow as pa

    column = found.names[found.row_name]
    texts = _texts(data.iloc[:, found.row_name])
    is_nameless = np.asarray(texts.to_numpy(zero_copy_only=False) == "", bool)
    rows.report("T06", is_nameless, f"no {column}", "a name in every row", "give these rows their names")
    if is_nameless.any():
        return None
    if not has_frames(challenge):
        return split_keys(pa.chunked_array([texts]), "id")
    key = key_of(challenge)
    names = read_names(pa.chunked_array([texts]), key, role, rows.name) if found.may_name_frames else None
    if names is not None:
        for note in names[1]:
            rows.problems.add(note)
        return names[0]
    if found.frame is None:
        if found.is_video:
            raise ProblemError(missing_columns(challenge, found.names, ["frame"], rows.name))
        pattern, expected = re.compile(LEGIBLE[key]), f"a name like '{example(key)}'"
        wrong = np.array([pattern.match(text) is None for text in texts.to_pylist()])
        fix = "name the rows as the organisers' list does, or give the columns video and frame"
        rows.report("T06", wrong, lambda row: f"{column} = {quote(texts[row].as_py())}", expected, fix)
        return None
    numbers = _read_frames(data.iloc[:, found.frame], found.names[found.frame], lambda row: texts[row].as_py(), rows)
    videos = split_keys(pa.chunked_array([texts]), "id")
    return None if numbers is None or videos is None else (*videos[:2], numbers)


def _read_frames(cells: pd.Series, name: str, video_of: Callable[[int], str], rows: Source) -> NDArray[np.int32] | None:
    """The frame numbers in a column; None where some cells hold none, which go to the problems."""
    numbers, wrong = read_numbers(cells)
    absent = empty_cells(cells)
    with np.errstate(invalid="ignore"):
        wrong |= ~absent & ~((numbers >= 0) & (numbers < np.iinfo(np.int32).max) & (numbers == np.floor(numbers)))
    expected, fix = "a whole number, the frame", "give these rows their frames, or leave them out"
    rows.report("T06", absent, lambda row: f"no {name} for {quote(video_of(row))}", expected, fix)
    rows.report("T06", wrong, lambda row: f"{name} = {quote(str(cells.iloc[row]))}", expected, "correct the column")
    return None if absent.any() or wrong.any() else numbers.astype(np.int32)


def _read_probability(challenge: Challenge, data: pd.DataFrame, found: Selection, rows: Source) -> Floats | None:
    """The probability of class 1, from a column of its own or beside that of class 0; None where there is none."""
    if found.probability is not None:
        column = data.iloc[:, found.probability]
        values, wrong = read_numbers(column)
        with np.errstate(invalid="ignore"):
            wrong |= ~np.isnan(values) & ~((values >= 0) & (values <= 1))
        fix = "give the probability of class 1"
        rows.report("V03", wrong, lambda row: f"probability = {show(column.iloc[row])}", "a number from 0 to 1", fix)
        return values
    for task in challenge.tasks:
        pair = found.scores.get(task.name, ()) if found.has_probability else ()
        if len(pair) == 2:
            parts = [read_numbers(data.iloc[:, place])[0] for place in pair]
            total = parts[0] + parts[1]
            is_share = np.isnan(total) | ((np.abs(total - 1) <= NEAR_ONE) & (parts[0] >= 0) & (parts[1] >= 0))
            # scores of any size decide the class, and give no probability
            return parts[1] if is_share.all() else None
    return None


def _texts(column: pd.Series) -> Any:
    """The names in a column as an Arrow array of text, empty where there is none."""
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    try:
        texts = pa.array(column.astype(object) if column.dtype == "category" else column, pa.string(), from_pandas=True)
    except (pa.ArrowException, UnicodeError):
        codes, cells = distinct_cells(column)
        names = [cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell) for cell in cells]
        texts = pa.array([*names, None], pa.string()).take(pa.array(np.where(codes < 0, len(names), codes)))
    return compute.fill_null(compute.utf8_trim_whitespace(texts), "")
