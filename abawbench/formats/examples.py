"""Examples of the lines of the official formats, with invented values, for help and documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from abawbench.challenges import Challenge
from abawbench.formats.columns import Column, Role
from abawbench.formats.layout import Key, Layout, layouts

# the names of the first rows of a file
KEYS: Mapping[Key, tuple[str, ...]] = {
    "path": ("video/00001.jpg", "video/00002.jpg"),
    "frame-path": ("99001/Visite_1/video.mp4/frame-0.jpg", "99001/Visite_1/video.mp4/frame-1.jpg"),
    "image": ("0.jpg", "1.jpg"),
    "frame": ("1", "2"),
    "line": ("", ""),
}
IDS: Mapping[str, tuple[str, ...]] = {
    "units": ("6-30-1920x1080_left", "6-30-1920x1080_right"),
    "eri-csv": ("00001", "00002"),
    "emi-csv": ("00021", "00022"),
}
VIDEO_IDS = ("Videos/99001/Visite_1/video.mp4", "Videos/99002/Visite_1/video.mp4")
PROBABILITIES = {"p0": "0.3837", "p1": "0.6163"}


def examples(challenge: Challenge, role: Role) -> Iterator[dict[str, str | None]]:
    """The official layouts of a role: format, files, first line, and a row with invented values."""
    official = {
        "truth": challenge.annotation_format,
        "list": challenge.list_format,
        "prediction": challenge.prediction_format,
    }
    seen: list[dict[str, str | None]] = []
    for layout in layouts(challenge, role):
        example = {
            "format": layout.format,
            "files": f"one file <unit>{layout.suffix} for each unit" if layout.per_unit else "one file",
            "header": layout.header,
            "row": example_row(layout),
        }
        if layout.format == official[role] and example not in seen:
            seen.append(example)
            yield example


def example_row(layout: Layout, place: int = 0) -> str:
    """A correct row of a file.

    Args:
        layout: the layout of the file.
        place: 0 for the first row, 1 for the second.
    """
    key = (IDS.get(layout.format, VIDEO_IDS) if layout.key == "id" else KEYS[layout.key])[place]
    # a list has names of rows; what follows a name differs between releases
    columns = () if layout.role == "list" else layout.columns
    values = [PROBABILITIES.get(column.name) or _example_value(column) for column in columns]
    return ",".join(([key] if key else []) + values)


def _example_value(column: Column) -> str:
    """The usual example of the kind of column, or the least value where the example is out of the column's range."""
    is_number = column.low < column.high
    return f"{column.low:g}" if is_number and not column.low <= float(column.example) <= column.high else column.example
