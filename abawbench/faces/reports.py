"""The tables and the page beside the crops."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from abawbench.base.problems import Problem
from abawbench.clips.crop_index import index_files, read_index
from abawbench.faces.audit import Row, left_out, rows_of
from abawbench.faces.page import page, sheet
from abawbench.faces.store import put

TABLE, PAGE, LEFT_OUT = "audit.csv", "audit.html", "left_out.csv"


def write_reports(out: Path, problems: Sequence[Problem]) -> None:
    """Write `audit.csv`, `audit.html` and `left_out.csv` from the indexes of a folder.

    Args:
        out: the folder.
        problems: what a run left out.

    Raises:
        ProblemError: F01, an index cannot be read or the folder not be written.
    """
    rows: list[Row] = []
    sheets: list[Mapping[str, Any]] = []
    lacking: list[tuple[object, ...]] = []
    for path in index_files(out):
        index = read_index(path)
        own = tuple(rows_of(index))
        rows += own
        lacking += left_out(index)
        sheets.append(sheet(index, own))
    files = [(problem.file or "", "", "", "", "", f"{problem.rule} {problem.found}") for problem in problems]
    put(out, TABLE, _csv([field.name for field in fields(Row)], (asdict(row).values() for row in rows)))
    put(out, LEFT_OUT, _csv(["what", "unit", "from", "to", "frames", "why"], [*files, *lacking]))
    put(out, PAGE, page(rows, sheets, problems))


def _csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
