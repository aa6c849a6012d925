"""Lists that accompany predictions: the organisers' rows or units to predict, and the subject of each video."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.base.arrow_input import arrow_reader
from abawbench.base.problems import SHOWN, Problem, ProblemError, not_found
from abawbench.challenges import Challenge
from abawbench.formats.keys import PATTERNS, example
from abawbench.formats.layout import Layout, describe_owners, is_header, owners, prediction_layouts
from abawbench.formats.names import match_units
from abawbench.formats.text import BOM, first_line, load, quote
from abawbench.formats.unit_files import unit_files
from abawbench.table import video_of

if TYPE_CHECKING:
    import pyarrow as pa


# first bytes of a zip
ZIP = b"PK\x03\x04"
ROW_NAME = re.compile(r"/(?:frame-)?\d+\.jpg(?:,|\Z)")
WRONG_LIST = "give the organisers' list for this challenge as --template"


@dataclass(frozen=True, eq=False)
class RowList:
    """The rows to predict, in a format with one file for all units.

    Attributes:
        keys: names of the rows in the order of the list, with repetitions.
        first: line number of the first row in a file of these rows.
        source: path of the list, for messages.
    """

    keys: pa.ChunkedArray
    first: int
    source: str


@dataclass(frozen=True, eq=False)
class ListedUnit:
    """One unit to predict, in a format with a file for each unit.

    Attributes:
        lines: numbers of rows that its file may have; empty where the list gives none.
        header: header of the unit's template; None without a template, or where the format has one header for all.
        keys: first column of the unit's template; None without a template, or where it has no such column.
    """

    lines: tuple[int, ...] = ()
    header: str | None = None
    keys: pa.ChunkedArray | None = None

    @property
    def is_video(self) -> bool:
        """True if the list gives a video's frame count, which its persons share."""
        return len(self.lines) > 1

    def layout(self, layout: Layout) -> Layout:
        """The layout of the unit's file, with the header of its template."""
        return layout if self.header is None else replace(layout, header=self.header, header_aliases=())

    def rows(self, source: str) -> RowList | None:
        """The rows of the unit's template; None where it names no rows."""
        return None if self.keys is None else RowList(self.keys, 2, source)


@dataclass(frozen=True, eq=False)
class UnitList:
    """The units to predict, in a format with a file for each unit.

    Attributes:
        units: units by name, in the order of the list.
        source: path of the list, for messages.
    """

    units: Mapping[str, ListedUnit]
    source: str

    def find(self, name: str) -> ListedUnit | None:
        """The entry for a unit, or for its video if the list gives frame counts of videos; None if there is none."""
        if name in self.units:
            return self.units[name]
        video = self.units.get(video_of(name))
        return video if video is not None and video.is_video else None

    def respelt(self, names: Iterable[str]) -> tuple[Mapping[str, str], tuple[str, ...]]:
        """Find the units of a list under other spellings of their names.

        Args:
            names: all names of units in a folder.

        Returns:
            The right name by the wrong one, where they match one to one; and the causes, each worded as advice.
        """
        given = set(names)
        others = sorted(name for name in given if self.find(name) is None)
        free = [name for name in self.units if name not in given]
        places, causes = match_units(others, free)
        found = [(name, place) for name, place in zip(others, places.tolist(), strict=True) if place >= 0]
        times = Counter(place for _, place in found)
        return {name: free[place] for name, place in found if times[place] == 1}, causes


def read_list(challenge: Challenge, template: Path, prediction: Path | None = None) -> RowList | UnitList:
    """Read the organisers' list for the challenge's prediction format.

    A list of rows holds bare names, names with a trailing comma, or dummy values. Lists of AH are trial or split files,
    those of ERI and EMI tables with the column of ids. A list of units holds a name in each line, or `name,count`, or
    is a folder of templates named after the units.

    Args:
        challenge: challenge to predict for.
        template: the list, a file or a folder.
        prediction: what is compared with the list, which is not the list itself.

    Raises:
        ProblemError: F01 not found, F02 empty, F03 not UTF-8, F04 a list of another challenge, or no list.
    """
    layout = prediction_layouts(challenge)[0]
    if not template.exists():
        raise not_found(template, "the organisers' list")
    if prediction is not None and prediction.exists() and template.samefile(prediction):
        raise ProblemError(Problem("F04", "the prediction itself", "the organisers' list", WRONG_LIST, str(template)))
    if layout.per_unit:
        return _unit_list(layout, template)
    if template.is_dir():
        raise ProblemError(
            Problem("F01", "a folder", "the organisers' list, a file", "name the list itself", str(template))
        )
    keys = _row_keys(_text_bytes(template), layout, str(template))
    _require_row_names(keys, layout, str(template))
    return RowList(keys, layout.first_row, str(template))


def _require_row_names(keys: pa.ChunkedArray, layout: Layout, source: str) -> None:
    """Refuse a list whose rows have names of another form. Raises: ProblemError F04."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    first = keys[0].as_py()
    pattern = PATTERNS.get(layout.key)
    if pattern is None:
        # a whole video or image: no name of a frame
        has_other = any(not compute.all(is_frame).as_py() for is_frame in _matches(keys, r"/\d{5,}\.jpg$"))
        is_wrong = layout.key == "id" and not has_other
    else:
        is_wrong = not any(compute.any(is_right).as_py() for is_right in _matches(keys, pattern))
    if is_wrong:
        expected = "names of whole videos" if pattern is None else f"names like '{example(layout.key)}'"
        raise ProblemError(Problem("F04", f"rows like {quote(first)}", expected, WRONG_LIST, source))


def _matches(keys: pa.ChunkedArray, pattern: str) -> Iterator[pa.Array]:
    """Which names match a pattern, part by part: the first part mostly decides."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    return (compute.match_substring_regex(chunk, pattern) for chunk in keys.chunks if len(chunk))


def read_subjects(path: Path) -> dict[str, str]:
    """Read the subject of each video from a file of lines `video,subject`.

    Raises:
        ProblemError: F01 not readable, F02 empty, F06 a line that is not of this form.
    """
    lines = load(path).decode("utf-8", "replace").splitlines()
    problems = [
        Problem("F06", f"'{line}'", "video,subject", "write one video and its subject", str(path), number)
        for number, line in enumerate(lines, start=1)
        if line.strip() and line.count(",") != 1
    ]
    if problems:
        raise ProblemError(*problems[:SHOWN])
    pairs = [line.strip().split(",") for line in lines if line.strip()]
    return {video: subject for video, subject in pairs if (video, subject) != ("video", "subject")}


def _text_column(body: bytes, place: int) -> pa.ChunkedArray:
    """One field of every line as text, empty where a line does not have it.

    Args:
        body: lines without their header, with any number of fields each.
        place: position of the field, from 0.
    """
    import pyarrow as pa
    from pyarrow import csv

    fields = [f"f{number}" for number in range(body.split(b"\n", 1)[0].count(b",") + 1)]
    if place < len(fields):
        name = fields[place]
        try:
            return csv.read_csv(
                arrow_reader(body),
                read_options=csv.ReadOptions(column_names=fields),
                parse_options=csv.ParseOptions(quote_char=False),
                convert_options=csv.ConvertOptions(include_columns=[name], column_types={name: pa.string()}),
            ).column(0)
        except pa.ArrowInvalid:
            pass
    # transcripts hold commas, so that lines differ in their number of fields
    lines = (line.rstrip("\r").split(",", place + 1) for line in body.decode("utf-8").split("\n") if line.strip())
    return pa.chunked_array([[line[place] if place < len(line) else "" for line in lines]], pa.string())


def _text_bytes(path: Path) -> bytes:
    data = load(path).removeprefix(BOM)
    if data.startswith(ZIP):
        raise ProblemError(
            Problem("F04", "a zip", "a list of rows or units", f"unpack it, and {WRONG_LIST}", str(path))
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProblemError(
            Problem("F03", "bytes that are not UTF-8", "UTF-8 text", "use the organisers' own file", str(path))
        ) from error
    return data.rstrip(b"\r\n \t") + b"\n"


def _row_keys(data: bytes, layout: Layout, source: str) -> pa.ChunkedArray:
    import pyarrow as pa

    head = first_line(data)
    place = 0
    body = data
    if layout.header is not None and is_header(head, layout):
        names = [name.strip() for name in head.split(",")]
        official = layout.header.split(",")
        is_table = layout.key == "id" and official[0] in names
        if head.rstrip(", ") != layout.header and not is_table and not _is_row_name(head):
            raise ProblemError(_wrong_list(head, layout, source))
        if not _is_row_name(head):
            place = names.index(official[0])
            body = data[data.index(b"\n") + 1 :]
        if "Split" in names:
            body = _test_rows(body, names.index("Split"))
    if not body.strip():
        raise ProblemError(Problem("F02", "no row", "the rows asked for", "use the organisers' own file", source))
    if layout.key == "frame-path":
        lines = body.decode("utf-8").replace("\r", "").rstrip("\n").split("\n")
        return pa.chunked_array([[layout.split(line)[0] for line in lines]], pa.string())
    return _text_column(body, place)


def _is_row_name(head: str) -> bool:
    return head.split(",", maxsplit=1)[0].endswith(".jpg")


def _test_rows(body: bytes, place: int) -> bytes:
    """The rows of the test split by the column at `place`, or all rows if there are none."""
    lines = body.decode("utf-8").splitlines()
    test = [line for line in lines if line.split(",")[place : place + 1] == ["Test"]]
    return "\n".join([*(test or lines), ""]).encode()


def _wrong_list(head: str, layout: Layout, source: str) -> Problem:
    return Problem(
        "F04",
        f"{quote(head)}{describe_owners(head.rstrip(', '), layout)}",
        f"'{layout.header}'",
        WRONG_LIST,
        source,
        1,
    )


def _unit_list(layout: Layout, template: Path) -> UnitList:
    if template.is_dir():
        files, _ = unit_files(template, layout.suffix)
        if not files:
            raise ProblemError(
                Problem("F02", "no template", f"files <unit>{layout.suffix}", "name their folder", str(template))
            )
        return UnitList({file.stem: _template(layout, file) for file in files}, str(template))
    head = first_line(_text_bytes(template)).rstrip(", ")
    if head in layout.headers:
        return UnitList({template.stem: _template(layout, template)}, str(template))
    if owners(head, layout):
        raise ProblemError(
            Problem("F04", quote(head), "the name of a unit", "give the list of units", str(template), 1)
        )
    lines = [line.rstrip(", \t\r") for line in _text_bytes(template).decode("utf-8").split("\n")]
    if all(ROW_NAME.search(line) for line in lines if line):
        found = f"rows like {quote(lines[0])}"
        raise ProblemError(Problem("F04", found, "names of units, one a line", WRONG_LIST, str(template), 1))
    units: dict[str, ListedUnit] = {}
    for line in lines:
        name, comma, count = line.partition(",")
        if comma and count.strip().isdecimal():
            # the frame count of the container, or the number of lines: which of the two is not known
            units[name.removesuffix(layout.suffix)] = ListedUnit((int(count), int(count) + 1))
        elif line:
            units[line.removesuffix(layout.suffix)] = ListedUnit()
    return UnitList(units, str(template))


def _template(layout: Layout, file: Path) -> ListedUnit:
    data = _text_bytes(file)
    head = first_line(data)
    body = data[data.index(b"\n") + 1 :]
    count = body.count(b"\n") if body.strip() else 0
    if not layout.has_key:
        return ListedUnit((count,))
    return ListedUnit((count,), head.rstrip(", "), _text_column(body, 0) if count else None)
