"""Predictions that are checked and read in one pass: many files of the same rows, as the submissions of a challenge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.challenges import Challenge
from abawbench.formats.check import check, check_listed, is_accepted
from abawbench.formats.file_problems import parse_once, parsed_problems
from abawbench.formats.keys import Names, split_keys
from abawbench.formats.layout import choose_by_width, choose_layout, layouts, prediction_layouts
from abawbench.formats.lists import RowList, read_list
from abawbench.formats.mending import notes_of
from abawbench.formats.read import read_predictions
from abawbench.formats.text import load
from abawbench.formats.text_table import TextColumns, rows_table
from abawbench.table import Table

if TYPE_CHECKING:
    import pyarrow as pa

# endings of files that may be tables with the columns video and frame
TABLES = {".csv", ".parquet"}


class CheckedReader:
    """Reads predictions as `read_predictions` does and, where there is a list, checks them as `check` does.

    A file without a fault is parsed once for both. The names of its rows are remembered, since the next file mostly has
    the same.

    Args:
        challenge: challenge of the predictions.
        template: the organisers' list; None for predictions that are read without being checked.

    Raises:
        ProblemError: the problems of the list, as `lists.read_list` raises them.
    """

    def __init__(self, challenge: Challenge, template: Path | None) -> None:
        self._challenge = challenge
        self._template = template
        self._list = None if template is None else read_list(challenge, template)
        self._keys: pa.ChunkedArray | None = None
        self._names: Names | None = None

    def read(self, path: Path) -> tuple[Table, tuple[Problem, ...]]:
        """Read a file or folder; also return the notes of the check.

        Raises:
            ProblemError: every problem of the check, or of reading what the check accepts.
        """
        return self._read_flawless(path) or self._read_any(path)

    def _read_any(self, path: Path) -> tuple[Table, tuple[Problem, ...]]:
        problems: tuple[Problem, ...] = ()
        if self._template is not None:
            is_list = path.exists() and path.samefile(self._template)
            # a list that is handed in as a prediction is told by name
            problems = check(self._challenge, path, self._template) if is_list else self._check(path)
            if not is_accepted(problems):
                raise ProblemError(*problems)
        return read_predictions(self._challenge, path), problems

    def _check(self, path: Path) -> tuple[Problem, ...]:
        return check_listed(self._challenge, path, self._list)

    def _read_flawless(self, path: Path) -> tuple[Table, tuple[Problem, ...]] | None:
        """Read a file of all rows that has no fault of its own; None for all others."""
        candidates = prediction_layouts(self._challenge)
        if candidates[0].per_unit or path.suffix in TABLES or not path.is_file():
            return None
        if self._template is not None and path.samefile(self._template):
            return None
        data = load(path)
        layout = choose_by_width(candidates, data)
        if choose_layout(layouts(self._challenge, "prediction"), data, of_unit=False) != layout or layout.by_name:
            return None
        rows = self._list if isinstance(self._list, RowList) else None
        parsed = parse_once(data, layout, rows)
        if parsed is None or parsed.keys is None:
            return None
        problems = Problems()
        if self._list is not None:
            problems.extend(parsed_problems(parsed, layout, str(path), rows))
            problems.raise_if_any()
        if self._keys is None or not parsed.keys.equals(self._keys):
            self._keys, self._names = parsed.keys, split_keys(parsed.keys, layout.key)
        columns = TextColumns(parsed, layout, notes_of(data, str(path), layout))
        return rows_table(self._challenge, columns, str(path), self._names), problems.found
