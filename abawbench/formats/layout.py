"""The layouts of the official text formats, made from a challenge, and recognition of a file's layout."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from abawbench.base.problems import SHOWN
from abawbench.challenges.model import Challenge, FormatId
from abawbench.formats.columns import BLANKS, Column, Probability, Role, Text, is_number, task_columns
from abawbench.formats.text import first_line

Key = Literal["path", "image", "id", "frame", "line", "frame-path"]


@dataclass(frozen=True)
class Layout:
    """The layout of a file.

    Attributes:
        format: id of the format, such as `unit-txt`.
        role: role of the file: truth (sentinels allowed), prediction (values only) or list (no values).
        header: the first line, letter for letter; None where the format has no header.
        key: form of the names of rows. path: `<video>/00001.jpg`; frame-path: `<video>/frame-0.jpg`; image: `0.jpg`;
            id: the whole first field; frame: a frame number in a file of one video; line: line i is frame i.
        columns: the fields after the key (all fields where the key is the line).
        per_unit: True where each unit has a file of its own, named `<unit><suffix>`.
        suffix: ending of the name of the file, or of each unit's file.
        frame_base: number of the first frame.
        header_aliases: other first lines with the same meaning.
        by_name: True where columns are found by their names in the header and other columns are ignored.
        takes_blanks: True where the organisers' reader accepts blanks beside values.
    """

    format: FormatId
    role: Role
    header: str | None
    key: Key
    columns: tuple[Column, ...]
    per_unit: bool = False
    suffix: str = ".txt"
    frame_base: int = 1
    header_aliases: tuple[str, ...] = ()
    by_name: bool = False
    takes_blanks: bool = False

    @property
    def headers(self) -> tuple[str, ...]:
        """All correct first lines; empty if the format has no header."""
        return () if self.header is None else (self.header, *self.header_aliases)

    @cached_property
    def has_key(self) -> bool:
        """True if the first field of a row is its name."""
        return self.key != "line"

    @cached_property
    def has_text(self) -> bool:
        """True if rows end with text, which may hold commas, quotes and blanks."""
        return bool(self.columns) and isinstance(self.columns[-1], Text)

    @property
    def has_probabilities(self) -> bool:
        """True if rows hold the probabilities of two classes."""
        return any(isinstance(column, Probability) for column in self.columns)

    @cached_property
    def width(self) -> int:
        """Number of fields in a line."""
        return len(self.columns) + self.has_key

    @property
    def widths_with_scores(self) -> tuple[int, ...]:
        """Numbers of fields in lines that have the scores of all classes in the place of a class."""
        return tuple(self.width - 1 + len(column.classes) for column in self.columns if column.classes)

    @property
    def first_row(self) -> int:
        """Line number of the first row."""
        return 1 if self.header is None else 2

    def with_sentinels(self) -> Layout:
        """The layout of a prediction whose rows may hold sentinels, which stand for no prediction."""
        if self.role != "prediction":
            return self
        return replace(self, columns=tuple(replace(column, sentinel=column.no_prediction) for column in self.columns))

    def split(self, line: str) -> list[str]:
        """The fields of a line without its line end.

        A line with too many fields gives one field too many, which may hold commas.
        """
        if self.has_text:
            return line.split(",", self.width - 1)
        if self.key == "frame-path":
            return line.rsplit(",", 1)
        return line.split(",", self.width + 1)

    def row_name(self, line: str) -> str:
        """The text in the place of a row's name, whatever follows it."""
        return line.rpartition(",")[0] if self.key == "frame-path" else line.partition(",")[0]

    @cached_property
    def faultless_row(self) -> re.Pattern[str] | None:
        """A pattern that only faultless lines match, without their line end, though not all of them; else None."""
        # visible ASCII but for the comma and the quote
        parts = {"line": [], "frame": ["[0-9]+"]}.get(self.key, ["[!#-+\\--~]+"])
        values = [part for column in self.columns if (part := column.pattern(self.role)) is not None]
        if not values or len(values) < len(self.columns):
            return None
        return re.compile(",".join([*parts, *values]), re.ASCII)


def layouts(challenge: Challenge, role: Role) -> tuple[Layout, ...]:
    """The layouts that a file of this role may have in a challenge, the official one first.

    A truth may also come in the prediction format, in which organisers keep the truth of a test set. A list with values
    (the examples of the 6th edition) is laid out as a prediction; a bare list has the key alone.
    """
    if role == "truth":
        formats = dict.fromkeys((challenge.annotation_format, challenge.prediction_format, *_kin(challenge)))
    elif role == "prediction":
        formats = dict.fromkeys((challenge.prediction_format, *_kin(challenge)))
    else:
        formats = dict.fromkeys((challenge.list_format,))
    return tuple(layout for name in formats for layout in _make(challenge, name, role))


def prediction_layouts(challenge: Challenge) -> tuple[Layout, ...]:
    """The layouts of the challenge's own prediction format; AH has one with and one without probabilities."""
    return tuple(layout for layout in layouts(challenge, "prediction") if layout.format == challenge.prediction_format)


def choose_layout(candidates: Sequence[Layout], data: bytes | memoryview, *, of_unit: bool) -> Layout:
    """Choose the layout that the first line of a file's bytes indicates, as `layout_of` does."""
    return layout_of(candidates, first_line(data), of_unit=of_unit)


def layout_of(candidates: Sequence[Layout], first: str, *, of_unit: bool) -> Layout:
    """Choose the layout that a file's first line indicates, or else the first that fits the kind of file.

    Args:
        candidates: the layouts that the file may have, the official one first.
        first: the first line.
        of_unit: True for a file of a folder of per-unit files.
    """
    header = first.rstrip(", ")
    for layout in candidates:
        if header in layout.headers:
            return layout
    fields = first.count(",") + 1
    for layout in candidates:
        if layout.by_name and layout.header is not None and layout.header.split(",")[0] in header.split(","):
            return layout
        if layout.header is not None:
            continue
        if layout.key == "frame-path" and "/frame-" in first:
            return layout
        if layout.has_text:
            # text may hold any number of commas; a line of a trial holds none
            if fields >= layout.width and not _is_trial(first):
                return layout
        elif layout.key == "id" and fields == layout.width:
            return layout
    fitting = [layout for layout in candidates if layout.per_unit == of_unit]
    return (fitting or list(candidates))[0]


def choose_by_width(candidates: Sequence[Layout], data: bytes) -> Layout:
    """Choose the layout with as many fields as the file's first line, or else the first layout."""
    fields = first_line(data).rstrip(",").count(",") + 1
    return next((layout for layout in candidates if layout.width == fields), candidates[0])


def has_header(data: bytes | memoryview, layout: Layout) -> bool:
    """True if the first line, without commas and blanks at its end, is the layout's header."""
    return first_line(data).rstrip(", ") in layout.headers


def is_header(line: str, layout: Layout) -> bool:
    """True if a first line is meant as a header, right or wrong, and not as a row."""
    fields = line.replace('"', "").rstrip(", \t\r").split(",")
    if layout.header is None:
        values = fields[1 : 1 + max(1, len(layout.columns))]
        names = [field.strip(BLANKS).replace("_", "").replace(" ", "") for field in values]
        return (
            bool(layout.columns and names)
            and fields[0].strip(BLANKS)[-4:] not in {".jpg", ".mp4"}
            and all(name.isalnum() and not name.isdigit() for name in names)
        )
    if line.rstrip(", ") in layout.headers:
        return True
    values = fields[1:] if layout.has_key else fields
    return not (len(fields) == layout.width and all(is_number(field) for field in values))


def owners(header: str, layout: Layout) -> tuple[str, ...]:
    """Ids of the challenges that have this header in another format than the layout's."""
    from abawbench.challenges import known

    role: Role = "truth" if layout.role == "list" else layout.role
    return tuple(
        challenge.id
        for challenge in known().values()
        for other in layouts(challenge, role)
        if other.format in {challenge.annotation_format, challenge.prediction_format}
        and header in other.headers
        and (other.format, other.columns) != (layout.format, layout.columns)
    )


def describe_owners(header: str, layout: Layout) -> str:
    """Name the challenges that have this header, for messages; empty if none has."""
    ids = owners(header, layout)
    more = " and others" if len(ids) > SHOWN else ""
    return f", the header of {', '.join(ids[:SHOWN])}{more}" if ids else ""


def _kin(challenge: Challenge) -> tuple[FormatId, ...]:
    # teams keep validation predictions in the form of their edition or of the annotation: both are read
    if {challenge.annotation_format, challenge.prediction_format} & {"unit-txt", "rows"} and len(challenge.tasks) == 1:
        return ("rows", "unit-txt")
    return ()


def _make(challenge: Challenge, name: FormatId, role: Role) -> tuple[Layout, ...]:
    columns = tuple(column for task in challenge.tasks for column in task_columns(task, role)) if role != "list" else ()
    outputs = challenge.tasks[0].outputs
    base = challenge.frame_base
    match name:
        case "unit-txt":
            return (Layout(name, role, ",".join(outputs), "line", columns, per_unit=True, frame_base=base),)
        case "units":
            return (Layout(name, role, None, "id", ()),)
        case "rows":
            return (Layout(name, role, ",".join(("image_location", *outputs)), "path", columns, frame_base=base),)
        case "mtl":
            return (Layout(name, role, "image,valence,arousal,expression,aus", "path", columns, frame_base=base),)
        case "labels":
            names = [name for task in challenge.tasks for name in task.labels]
            return (Layout(name, role, ",".join(("image", *names)), "path", columns, frame_base=base),)
        case "lsd":
            return (Layout(name, role, f"image,{challenge.tasks[0].name}", "image", columns),)
        case "eri-csv":
            return (_named(name, role, ",".join(("File_ID", *outputs)), columns),)
        case "emi-csv":
            return (_named(name, role, ",".join(("Filename", *outputs)), columns),)
        case "ah-frames":
            return (Layout(name, role, None, "frame-path", columns, frame_base=0),)
        case "ah-split":
            return (Layout(name, role, None, "id", (*columns, Text("transcript"))),)
        case "ah-trial":
            probabilities = (Probability("p0", of_class=0), Probability("p1", of_class=1))
            return (
                Layout(name, role, None, "id", (*probabilities, *columns), takes_blanks=True),
                Layout(name, role, None, "id", columns, takes_blanks=True),
            )
        case "vd-csv":
            header, *aliases = [
                f"{frame},{label}" for frame in ("Frame_Number", "Frame_Num") for label in ("Label", "Predicted_Label")
            ]
            return (
                Layout(
                    name,
                    role,
                    header,
                    "frame",
                    columns,
                    per_unit=True,
                    suffix=".csv",
                    frame_base=base,
                    header_aliases=tuple(aliases),
                ),
            )


def _named(name: FormatId, role: Role, header: str, columns: tuple[Column, ...]) -> Layout:
    return Layout(name, role, header, "id", columns, suffix=".csv", by_name=role != "prediction")


def _is_trial(line: str) -> bool:
    """True for a line of an AH trial: a name, two probabilities and a label."""
    fields = line.split(",")
    try:
        return len(fields) == 4 and abs(float(fields[1]) + float(fields[2]) - 1) < 0.5 and "." in fields[1]
    except ValueError:
        return False
