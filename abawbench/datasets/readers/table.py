"""Reads tables with a row for each label: CSV, other delimited text or Parquet, with a map of their columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, StrictBool

from abawbench.base.problems import Problem, Problems
from abawbench.datasets.manifests.model import LabelSet, Manifest, Marks, Strict, TaskFacts
from abawbench.datasets.readers.files import LabelFile, label_files
from abawbench.datasets.readers.labels import Labels, assemble
from abawbench.datasets.readers.rows import CheckedRows, LabelRows, arrow_functions, same_text, text_column
from abawbench.datasets.readers.settings import (
    Pairs,
    Texts,
    columns_in_file,
    pairs,
    settings_of,
    wrong_option,
)
from abawbench.datasets.readers.sheet import BLANKS, Sheet, SheetFormat, read_sheet
from abawbench.datasets.readers.values import group_column, listed_marks, name_groups, task_values, trimmed
from abawbench.formats.text import quote
from abawbench.table import NO_FRAME, Integers

if TYPE_CHECKING:
    import pyarrow as pa

# a label file is not to name files elsewhere on the disk
_OUTSIDE = r"^/|(?:^|[/\\])\.\.(?:[/\\]|$)"

Column = str | int
"""Name of a column in the file, or its place from 0."""


class SheetSettings(Strict):
    """Settings of every reader of tables: the format of a file, and the columns that name unit, frame and split.

    A row is a picture (`path`), a frame (`video` and `frame`) or a whole video (`video`). Where neither is named, a
    file is a video and its line i is frame i, counted from the label set's `frame_base`.

    Attributes:
        path: column with the path of the picture.
        video: column with the name of the video.
        frame: column with the number of the frame.
        subject: column with the person.
        split: column with the split.
        splits: values of the split column and the names they become, as `Training=train`.
        pattern: regular expression for the path (or video), whose named groups video, frame, subject and split say what
            a row is a label of; empty for none.
        row_name: name of each row where no column has one, as `{row:05d}`, from its number in the file, from 0.
        delimiter: one character, or `blanks` for any run of blanks; by default a comma, and a tabulator in .tsv files.
        header: false where the first line is a row already, `detect` where only some copies have a header.
        names: names of the columns in order, where no header names them.
        quote: character around texts; empty for none.
    """

    path: Column | None = None
    video: Column | None = None
    frame: Column | None = None
    subject: Column | None = None
    split: Column | None = None
    splits: Pairs = ()
    pattern: str = ""
    row_name: str | None = None
    delimiter: str | None = Field(None, pattern=f"^(.|\\t|{BLANKS})$")
    header: StrictBool | Literal["detect"] = True
    names: Texts = ()
    quote: str = Field('"', max_length=1)

    @property
    def roles(self) -> dict[str, Column]:
        """The columns that say what a row is a label of, by what they say."""
        named = {role: getattr(self, role) for role in ("path", "video", "frame", "subject", "split")}
        return {role: column for role, column in named.items() if column is not None}

    def format_of(self, path: Path) -> SheetFormat:
        """How a file is written, by the settings and the ending of its name."""
        delimiter = self.delimiter or ("\t" if path.suffix == ".tsv" else ",")
        return SheetFormat(delimiter, self.header, self.names, self.quote)


class TableSettings(SheetSettings):
    """Settings of the reader `table`.

    The column of a task has the name that the manifest gives it (for classes the name of the task), unless an option of
    that name gives another name, or a place from 0.

    Attributes:
        listed: column that lists the marks that are present, as `1+4+L12`.
        highest: largest value of a mark.
        gaps: true where missing pictures are normal.
    """

    listed: Column | None = None
    highest: float | None = None
    gaps: bool = False


@dataclass(frozen=True, eq=False)
class RowKeys:
    """The units, frames, splits and persons of the rows of a sheet; every attribute is as in `LabelRows`."""

    unit: pa.DictionaryArray
    frame: Integers
    split: pa.DictionaryArray
    subject: pa.DictionaryArray
    image: pa.Array | None


def read_table(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read labels from tables whose columns the manifest names; an empty field is "not annotated".

    Problems: F01 to F06, F10, V01, V06, V09, T06 a name that does not fit the pattern or leads out of the root, D10,
    D11, D12 two files for one video.

    Raises:
        ProblemError: D01, an option is unknown, or its value cannot be used.
    """
    columns = columns_in_file(label_set)
    settings = settings_of(TableSettings, manifest, label_set, tuple(columns))
    listed = settings.listed
    in_file = {facts.name: _columns_of_task(facts, columns, listed) for facts in label_set.tasks}
    wanted = [*settings.roles.values(), *(column for task in in_file.values() for column in task)]
    files: list[LabelRows] = []
    refused: list[str] = []
    for file in label_files(label_set, root, problems):
        sheet = read_sheet(file.path, list(dict.fromkeys(wanted)), settings.format_of(file.path), problems)
        if sheet is None:
            continue
        rows = CheckedRows(sheet.file, sheet.line, problems)
        keys = row_keys(label_set, settings, file, sheet, rows)
        values: dict[str, Any] = {}
        for facts in label_set.tasks:
            own = [sheet.columns[str(column)] for column in in_file[facts.name]]
            if listed is not None and isinstance(facts, Marks):
                values[facts.name] = listed_marks(own[0], facts, rows)
            else:
                values[facts.name] = task_values(own, facts, rows, settings.highest)
        files.append(sheet_rows(sheet, keys, values, file.path.parent.relative_to(root), rows))
        if rows.is_refused:
            refused.append(sheet.file)
    if refused:
        files = _without_companions(files, refused, problems)
    if settings.path is settings.video is settings.row_name is None:
        files = _without_second_files(files, problems)
    return assemble(manifest, label_set, root, files, problems)


def _without_companions(files: list[LabelRows], refused: Sequence[str], problems: Problems) -> list[LabelRows]:
    """No file at all: where the labels of one are one class off, those of the others are not believed."""
    for rows in files:
        if rows.file not in refused and len(rows):
            found = f"{len(rows):,} rows beside {refused[0]}"
            fix = "see the fault of that file; this one is left out too"
            problems.add(Problem("V06", found, "labels that count alike in all files", fix, rows.file, 1, len(rows)))
    return []


def _columns_of_task(facts: TaskFacts, columns: dict[str, Column], listed: Column | None) -> list[Column]:
    if listed is not None and isinstance(facts, Marks):
        return [listed]
    return [columns[name] for name in facts.task.labels]


def _without_second_files(files: list[LabelRows], problems: Problems) -> list[LabelRows]:
    """The files without those whose only unit an earlier file of the same split has: D12."""
    seen: dict[tuple[str, str], str] = {}
    kept: list[LabelRows] = []
    for rows in files:
        key = (rows.split[0].as_py(), rows.unit[0].as_py()) if len(rows) else ("", rows.file)
        if key in seen:
            fix = "remove one of them: the first is kept"
            problems.add(Problem("D12", f"labels of '{key[1]}' again", f"only {seen[key]}", fix, rows.file))
        else:
            seen[key] = rows.file
            kept.append(rows)
    return kept


def sheet_rows(sheet: Sheet, keys: RowKeys, values: dict[str, Any], folder: Path, rows: CheckedRows) -> LabelRows:
    """The sound rows of a sheet.

    Args:
        sheet: sheet with the rows.
        keys: units, frames, splits and persons of the rows.
        values: values by task name.
        folder: folder of the file, below the root.
        rows: rows after every check.
    """
    whole = LabelRows(
        sheet.file,
        sheet.line,
        keys.unit,
        keys.frame,
        values,
        keys.split,
        keys.subject,
        keys.image,
        folder.as_posix(),
    )
    return whole.take(~rows.faulty)


def row_keys(label_set: LabelSet, settings: SheetSettings, file: LabelFile, sheet: Sheet, rows: CheckedRows) -> RowKeys:
    """Find the units, frames, splits and persons of the rows of a sheet.

    Args:
        label_set: label set; its `frame_base` is the frame of the first row where rows have no names.
        settings: settings that name the columns.
        file: file of the sheet, which may have a split.
        sheet: sheet with the columns that the settings name.
        rows: rows that are checked.

    Problems: T06 no name, a name that leads out of the root or does not fit the pattern, no number of a frame.
    """
    count = len(sheet)
    columns = {role: trimmed(sheet.columns[str(column)]) for role, column in settings.roles.items()}
    names = columns.get("path", columns.get("video", _row_names(label_set, settings, sheet)))
    image = None
    if names is not None:
        _check_names(names, rows)
        if settings.pattern:
            columns |= name_groups(names, settings.pattern, rows)
        if settings.path is not None:
            image = names.combine_chunks()
    unit = columns.get("video", names)
    if "frame" in columns:
        frame = _frame_numbers(columns["frame"], rows)
    elif names is not None:
        frame = np.full(count, NO_FRAME, np.int32)
    else:
        frame = (sheet.line - sheet.first + label_set.frame_base).astype(np.int32)
    split = _splits(columns["split"], settings) if "split" in columns else same_text(file.split, count)
    return RowKeys(
        same_text(file.path.stem, count) if unit is None else text_column(unit),
        frame,
        split,
        group_column(columns, "subject", count),
        image,
    )


def _row_names(label_set: LabelSet, settings: SheetSettings, sheet: Sheet) -> pa.ChunkedArray | None:
    import pyarrow as pa

    if settings.row_name is None:
        return None
    numbers = (sheet.line - sheet.first).tolist()
    try:
        names = [settings.row_name.format(row=number) for number in numbers]
    except (LookupError, ValueError) as error:
        raise wrong_option(label_set, "row_name", "a text as '{row:05d}'") from error
    return pa.chunked_array([pa.array(names, pa.string())])


def _check_names(names: pa.ChunkedArray, rows: CheckedRows) -> None:
    compute = arrow_functions()
    empty = np.asarray(compute.equal(names, "").to_numpy())
    rows.refuse("T06", empty, lambda _: "no name", "the name of a picture or video", "name what the row is of")
    outside = np.asarray(compute.match_substring_regex(names, _OUTSIDE).to_numpy())
    rows.refuse("T06", outside, lambda row: quote(names[row].as_py()), "a place below the root", "correct it")


def _frame_numbers(column: pa.ChunkedArray, rows: CheckedRows) -> Integers:
    import pyarrow as pa

    compute = arrow_functions()
    is_number = np.asarray(compute.match_substring_regex(column, r"^\d{1,9}(\.0*)?$").to_numpy())
    rows.refuse(
        "T06", ~is_number, lambda row: f"frame {quote(column[row].as_py())}", "a frame number", "write a number"
    )
    whole = compute.if_else(pa.array(is_number), column, "0").cast(pa.float64())
    return whole.to_numpy().astype(np.int32)


def _splits(column: pa.ChunkedArray, settings: SheetSettings) -> pa.DictionaryArray:
    import pyarrow as pa

    written = text_column(column)
    names = pairs(settings.splits)
    plain = pa.array([names.get(name, name) for name in written.dictionary.to_pylist()], pa.string())
    # two values may become one split
    return text_column(plain.take(written.indices))
