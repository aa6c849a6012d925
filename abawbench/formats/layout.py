"""What a line of each official text format looks like, as data made from a challenge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from abawbench.challenges.model import Categorical, Challenge, Continuous, FormatId, MultiLabel, Task

Key = Literal["path", "image", "id", "frame", "line", "frame-path"]
Role = Literal["truth", "prediction", "list"]


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a line that carries a value.

    `kind`: number (float in [low, high]), integer (0..high), binary (0 or 1), probability (p0 or p1), text (read over).
    `task` is the task it belongs to, `place` its column within the task.
    """

    name: str
    kind: Literal["number", "integer", "binary", "probability", "text"]
    low: float
    high: float
    sentinel: float | None = None
    task: str | None = None
    place: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is laid out.

    Attributes:
        format: the format's id in `formats.md`, as `unit-txt`.
        role: truth (sentinels allowed), prediction (values only) or list (no values).
        header: the first line, letter for letter; None where the format has none.
        header_aliases: other first lines that mean the same.
        key: how a row is named. path: `<video>/00001.jpg`; frame-path: `<video>/frame-0.jpg`; image: `0.jpg`; id: the
            whole first field; frame: a frame number in a file of one video; line: line i is frame i.
        columns: the fields after the key (all fields where the key is the line).
        per_unit: True for one file for each unit, named `<unit>.<suffix>`.
        suffix: file ending of a per-unit file.
        frame_base: number of the first frame.
        by_name: True when columns are found by the names of the header, others being ignored.
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

    @property
    def width(self) -> int:
        """Number of fields in a line."""
        return len(self.columns) + (self.key != "line")


def task_columns(task: Task, role: Role) -> tuple[Column, ...]:
    """The fields a task takes in a line."""
    sentinel = None if task.sentinel is None or role != "truth" else float(task.sentinel)
    match task:
        case Continuous():
            return tuple(
                Column(name, "number", task.low, task.high, sentinel, task.name, place)
                for place, name in enumerate(task.columns)
            )
        case Categorical():
            return (Column(task.name, "integer", 0, len(task.classes) - 1, sentinel, task.name),)
        case MultiLabel():
            return tuple(
                Column(name, "binary", 0, 1, sentinel, task.name, place) for place, name in enumerate(task.columns)
            )


def names(task: Task) -> tuple[str, ...]:
    """The names a task contributes to a header: classes or columns."""
    return task.classes if isinstance(task, Categorical) else task.columns


def layouts(challenge: Challenge, role: Role) -> tuple[Layout, ...]:
    """The layouts a file of this role may have in a challenge, the official one first.

    Truth may also come in the prediction format: organisers keep the truth of a test set so. A list that carries values
    (the 6th edition's examples) is laid out as a prediction; a bare list has the key alone.
    """
    if role == "truth":
        formats = dict.fromkeys((challenge.annotation_format, challenge.prediction_format, *_kin(challenge)))
    elif role == "prediction":
        formats = dict.fromkeys((challenge.prediction_format, *_kin(challenge)))
    else:
        formats = dict.fromkeys((challenge.list_format,))
    return tuple(layout for name in formats for layout in _make(challenge, name, role))


def _kin(challenge: Challenge) -> tuple[FormatId, ...]:
    # teams keep validation predictions in the form of their edition or of the annotation: both are read
    if {challenge.annotation_format, challenge.prediction_format} & {"unit-txt", "rows"} and len(challenge.tasks) == 1:
        return ("rows", "unit-txt")
    return ()


def _make(challenge: Challenge, name: FormatId, role: Role) -> tuple[Layout, ...]:
    columns = tuple(column for task in challenge.tasks for column in task_columns(task, role)) if role != "list" else ()
    first = challenge.tasks[0]
    base = challenge.frame_base
    match name:
        case "unit-txt":
            return (Layout(name, role, ",".join(names(first)), "line", columns, per_unit=True, frame_base=base),)
        case "units":
            return (Layout(name, role, None, "id", ()),)
        case "rows":
            header = ",".join(("image_location", *names(first)))
            return (Layout(name, role, header, "path", columns, frame_base=base),)
        case "mtl":
            return (Layout(name, role, "image,valence,arousal,expression,aus", "path", columns, frame_base=base),)
        case "lsd":
            return (Layout(name, role, "image,expression", "image", columns),)
        case "eri-csv":
            header = ",".join(("File_ID", *names(first)))
            return (Layout(name, role, header, "id", columns, by_name=role != "prediction"),)
        case "emi-csv":
            header = ",".join(("Filename", *names(first)))
            return (Layout(name, role, header, "id", columns, by_name=role != "prediction"),)
        case "ah-frames":
            return (Layout(name, role, None, "frame-path", columns, frame_base=0),)
        case "ah-split":
            return (Layout(name, role, None, "id", (*columns, Column("transcript", "text", 0, 0))),)
        case "ah-trial":
            probabilities = (Column("p0", "probability", 0, 1), Column("p1", "probability", 0, 1))
            return (
                Layout(name, role, None, "id", (*probabilities, *columns)),
                Layout(name, role, None, "id", columns),
            )
        case "vd-csv":
            headers = [
                f"{frame},{label}" for frame in ("Frame_Number", "Frame_Num") for label in ("Label", "Predicted_Label")
            ]
            return (
                Layout(
                    name,
                    role,
                    headers[0],
                    "frame",
                    columns,
                    per_unit=True,
                    suffix=".csv",
                    frame_base=base,
                    header_aliases=tuple(headers[1:]),
                ),
            )
