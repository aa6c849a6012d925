"""The overrides file: corrections by hand of which faces of a video belong to whom."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from abawbench.base.files import read_input
from abawbench.base.problems import Problem, Problems, unreadable

COLUMNS = ("video", "from", "to", "which")
PLACES = ("left", "right", "none")
LAST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Override:
    """One row: in a range of frames, only one face counts.

    Attributes:
        first: first frame of the range.
        last: last frame of the range, included.
        which: track number of the face, or "left" or "right" for the outermost face of each frame, or "none".
    """

    first: int
    last: int
    which: int | str

    def to_json(self) -> list[int | str]:
        """The row without the name of its video."""
        return [self.first, self.last, self.which]


def read_overrides(path: Path) -> Mapping[str, tuple[Override, ...]]:
    """The rows of an overrides file, by video; empty if there is no file.

    An empty `from` means the first frame, an empty `to` the last.

    Raises:
        ProblemError: F01 the file cannot be read, F04 it has another header, D34 for each wrong row.
    """
    try:
        text = read_input(path).decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise unreadable(path, OSError(0, "not UTF-8 text")) from error
    problems = Problems()
    rows = csv.reader(io.StringIO(text))
    header = next(rows, list(COLUMNS))
    if tuple(cell.strip() for cell in header) != COLUMNS:
        expected = ",".join(COLUMNS)
        problems.add(Problem("F04", ",".join(header), expected, f"begin the file with {expected}", str(path), 1))
        problems.raise_if_any()
    by_video: dict[str, list[Override]] = defaultdict(list)
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        override = _parse_row(row)
        if isinstance(override, str):
            fix = "give a frame range and a track number of the audit, left, right or none"
            problems.add(Problem("D34", ",".join(row), override, fix, str(path), rows.line_num))
        else:
            by_video[row[0].strip()].append(override)
    problems.raise_if_any()
    return {video: tuple(found) for video, found in by_video.items()}


def _parse_row(row: list[str]) -> Override | str:
    """The row as an override, or a description of what was expected."""
    cells = [cell.strip() for cell in row]
    if len(cells) != len(COLUMNS):
        return f"{len(COLUMNS)} cells"
    video, first, last, which = cells
    if not video:
        return "the name of a video"
    if not all(cell == "" or (cell.isascii() and cell.isdigit()) for cell in (first, last)):
        return "whole frame numbers"
    begin, end = int(first or 0), min(int(last or LAST), LAST)
    if begin > end:
        return "a first frame that is not after the last"
    if which in PLACES:
        return Override(begin, end, which)
    if which.isascii() and which.isdigit() and int(which) > 0:
        return Override(begin, end, int(which))
    return "a track number, left, right or none"
