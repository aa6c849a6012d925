"""A table of labels, one row for each: CSV, other delimited text, or Parquet, with a map of its columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from abawbench.base.problems import Problem, Problems
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Marks, Numbers
from abawbench.datasets.readers import values
from abawbench.datasets.readers.assemble import Part, always, assemble, texts
from abawbench.datasets.readers.finding import LabelFile, label_files
from abawbench.datasets.readers.model import Labels
from abawbench.datasets.readers.naming import groups
from abawbench.datasets.readers.options import (
    check_options,
    columns_of,
    pairs_option,
    text_option,
    texts_option,
    wrong_option,
)
from abawbench.datasets.readers.sheet import BLANKS, Form, Sheet, read_sheet
from abawbench.datasets.readers.values import Rows, trimmed
from abawbench.formats.diagnose import shown
from abawbench.table import NO_FRAME, Integers, Values

if TYPE_CHECKING:
    import pyarrow as pa

# a label file is not to name files elsewhere on the disk
_OUTSIDE = r"^/|(?:^|[/\\])\.\.(?:[/\\]|$)"
ROLES = ("path", "video", "frame", "subject", "split")
OPTIONS = (
    *ROLES,
    "delimiter",
    "header",
    "names",
    "quote",
    "splits",
    "pattern",
    "row_name",
    "listed",
    "highest",
    "gaps",
)


def read_table(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Labels from tables whose columns the manifest names.

    A row is a picture (`path`), a frame (`video` and `frame`) or a whole video (`video`). Where neither is named, a
    file is a video and its line i frame i, counted from `frame_base`. A task's column has the name that the manifest's
    task gives it (for classes the task's own), unless an option of that name says another. An empty field is "not
    annotated".

    Options, columns by name or by place from 0:
        path, video, frame, subject, split: columns that say what a row is of.
        <column of a task>: its name in the file.
        delimiter: one character, or `blanks` for any run of blanks; a comma, a tabulator in .tsv files.
        header: false where the first line is a row already, `detect` where only some copies have it; true.
        names: of the columns in order, where no header names them.
        quote: character around texts; `"`, empty for none.
        splits: values of the split column and what they become, as `Training=train`.
        pattern: regular expression over the path (or video), whose named groups video, frame, subject and split say
            what a row is of.
        row_name: names rows without path or video, as `{row:05d}`, by their number in the file from 0.
        listed: column that lists the marks that are present, as `1+4+L12`.
        highest: largest value of a mark.
        gaps: true where missing pictures are normal.

    Problems: F01 to F06, F10, V01, V06, V09, T06 a name that does not fit the pattern or leaves the root, D10, D11,
    D12 two files for one video.

    Raises:
        ProblemError: D01, an option is unknown, or its value is none.
    """
    check_options(label_set, (*OPTIONS, *columns_of(label_set)))
    parts: list[Part] = []
    for file in label_files(label_set, root, problems):
        part = _read_file(label_set, root, file, problems)
        if part is not None:
            parts.append(part)
    if _is_file_a_video(label_set):
        parts = without_second_files(parts, problems)
    return assemble(manifest, label_set, root, parts, problems)


def without_second_files(parts: list[Part], problems: Problems) -> list[Part]:
    """The parts but for those whose only unit an earlier part of the same split has: D12."""
    seen: dict[tuple[str, str], str] = {}
    kept: list[Part] = []
    for part in parts:
        key = (part.split[0].as_py(), part.unit[0].as_py()) if len(part) else ("", part.file)
        if key in seen:
            fix = "remove one of them: the first is kept"
            problems.add(Problem("D12", f"labels of '{key[1]}' again", f"only {seen[key]}", fix, part.file))
        else:
            seen[key] = part.file
            kept.append(part)
    return kept


def _is_file_a_video(label_set: LabelSet) -> bool:
    return not {"path", "video", "row_name"} & label_set.options.keys()


def form_of(label_set: LabelSet, path: Path) -> Form:
    """How a file is written, by the options and its ending.

    Raises:
        ProblemError: D01, an option is none.
    """
    delimiter = text_option(label_set, "delimiter", "\t" if path.suffix == ".tsv" else ",")
    if delimiter != BLANKS and len(delimiter) != 1:
        raise wrong_option(label_set, "delimiter", f"one character, or '{BLANKS}'")
    quote = text_option(label_set, "quote", '"')
    if len(quote) > 1:
        raise wrong_option(label_set, "quote", "one character or none")
    header = label_set.options.get("header", True)
    if header != "detect" and not isinstance(header, bool):
        raise wrong_option(label_set, "header", "true, false or 'detect'")
    is_detected = header == "detect"
    return Form(delimiter, "detect" if is_detected else bool(header), texts_option(label_set, "names"), quote)


def _column(label_set: LabelSet, name: str) -> str | int:
    chosen = label_set.options.get(name, name)
    return chosen if isinstance(chosen, int) else str(chosen)


def _task_columns(label_set: LabelSet) -> list[str | int]:
    wanted: list[str | int] = []
    for facts in label_set.tasks:
        if isinstance(facts, Classes):
            wanted.append(_column(label_set, facts.name))
        elif isinstance(facts, Marks) and "listed" in label_set.options:
            wanted.append(_column(label_set, "listed"))
        else:
            wanted.extend(_column(label_set, name) for name in facts.columns)
    return wanted


def _read_file(label_set: LabelSet, root: Path, file: LabelFile, problems: Problems) -> Part | None:
    wanted = list(dict.fromkeys([*role_columns(label_set).values(), *_task_columns(label_set)]))
    sheet = read_sheet(file.path, wanted, form_of(label_set, file.path), problems)
    return None if sheet is None else part_of(label_set, root, file, sheet, _values, problems)


def role_columns(label_set: LabelSet) -> dict[str, str | int]:
    """The columns that say what a row is of, by role."""
    return {role: _column(label_set, role) for role in ROLES if role in label_set.options}


def part_of(
    label_set: LabelSet,
    root: Path,
    file: LabelFile,
    sheet: Sheet,
    values_of: Callable[[LabelSet, Sheet, Rows], dict[str, Values]],
    problems: Problems,
) -> Part:
    """The sound rows of a sheet; its columns of `role_columns` say what each is of."""
    rows = Rows(sheet.file, sheet.line, problems)
    who = _Who(label_set, file, sheet, rows)
    part = Part(
        sheet.file,
        sheet.line,
        who.unit(),
        who.frame(),
        values_of(label_set, sheet, rows),
        who.split(),
        who.subject(),
        who.image,
        file.path.parent.relative_to(root).as_posix(),
    )
    return part.take(~rows.faulty)


def _values(label_set: LabelSet, sheet: Sheet, rows: Rows) -> dict[str, Values]:
    found: dict[str, Values] = {}
    for facts in label_set.tasks:
        match facts:
            case Classes():
                column = sheet.columns[str(_column(label_set, facts.name))]
                found[facts.name] = values.classes(column, facts, rows)
            case Marks() if "listed" in label_set.options:
                column = sheet.columns[str(_column(label_set, "listed"))]
                found[facts.name] = values.listed_marks(column, facts, rows)
            case Marks():
                highest = label_set.options.get("highest")
                top = float(highest) if isinstance(highest, int | float) else None
                found[facts.name] = values.marks(_columns(label_set, sheet, facts), facts, rows, top)
            case Numbers():
                found[facts.name] = values.numbers(_columns(label_set, sheet, facts), facts, rows)
    return found


def _columns(label_set: LabelSet, sheet: Sheet, facts: Numbers | Marks) -> list[pa.ChunkedArray]:
    return [sheet.columns[str(_column(label_set, name))] for name in facts.columns]


class _Who:
    """Who and what the rows of a file are of."""

    def __init__(self, label_set: LabelSet, file: LabelFile, sheet: Sheet, rows: Rows) -> None:
        self._label_set = label_set
        self._file = file
        self._sheet = sheet
        self._rows = rows
        roles = role_columns(label_set)
        self._columns = {role: trimmed(sheet.columns[str(name)]) for role, name in roles.items()}
        self._names = self._columns.get("path", self._columns.get("video", self._row_names()))
        if self._names is not None:
            empty = np.asarray(_compute().equal(self._names, "").to_numpy())
            rows.refuse("T06", empty, lambda _: "no name", "the name of a picture or video", "name what the row is of")
            outside = np.asarray(_compute().match_substring_regex(self._names, _OUTSIDE).to_numpy())
            names = self._names
            rows.refuse("T06", outside, lambda row: shown(names[row].as_py()), "a place below the root", "correct it")
            self._columns |= self._groups(self._names)
        self.image: pa.Array | None = None
        if "path" in roles and self._names is not None:
            self.image = self._names.combine_chunks()

    def _row_names(self) -> pa.ChunkedArray | None:
        import pyarrow as pa

        template = self._label_set.options.get("row_name")
        if template is None:
            return None
        numbers = (self._sheet.line - self._sheet.first).tolist()
        try:
            names = [str(template).format(row=number) for number in numbers]
        except (LookupError, ValueError) as error:
            raise wrong_option(self._label_set, "row_name", "a text as '{row:05d}'") from error
        return pa.chunked_array([pa.array(names, pa.string())])

    def _groups(self, names: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
        pattern = text_option(self._label_set, "pattern")
        return groups(names, pattern, self._rows) if pattern else {}

    def unit(self) -> pa.DictionaryArray:
        if "video" in self._columns:
            return texts(self._columns["video"])
        return always(self._file.path.stem, len(self._sheet)) if self._names is None else texts(self._names)

    def frame(self) -> Integers:
        if "frame" in self._columns:
            return self._frame_numbers(self._columns["frame"])
        if self._names is not None:
            return np.full(len(self._sheet), NO_FRAME, np.int32)
        return (self._sheet.line - self._sheet.first + self._label_set.frame_base).astype(np.int32)

    def _frame_numbers(self, column: pa.ChunkedArray) -> Integers:
        import pyarrow as pa

        is_number = np.asarray(_compute().match_substring_regex(column, r"^\d{1,9}(\.0*)?$").to_numpy())
        self._rows.refuse(
            "T06", ~is_number, lambda row: f"frame {shown(column[row].as_py())}", "a frame number", "write a number"
        )
        whole = _compute().if_else(pa.array(is_number), column, "0").cast(pa.float64())
        return whole.to_numpy().astype(np.int32)

    def split(self) -> pa.DictionaryArray:
        if "split" not in self._columns:
            return always(self._file.split, len(self._sheet))
        import pyarrow as pa

        given = texts(self._columns["split"])
        names = pairs_option(self._label_set, "splits")
        plain = pa.array([names.get(name, name) for name in given.dictionary.to_pylist()], pa.string())
        # two values may become one split
        return texts(plain.take(given.indices))

    def subject(self) -> pa.DictionaryArray:
        if "subject" not in self._columns:
            return always("", len(self._sheet))
        return texts(self._columns["subject"])


def _compute() -> Any:
    import pyarrow.compute

    return pyarrow.compute
