"""Which layout a file has, as far as its first line tells."""

from __future__ import annotations

from collections.abc import Sequence

from abawbench.base.problems import SHOWN
from abawbench.formats.columns import BLANKS, Role, is_number
from abawbench.formats.layout import Layout, layouts
from abawbench.formats.text import first_line


def choose_layout(candidates: Sequence[Layout], data: bytes | memoryview, *, of_unit: bool) -> Layout:
    """The layout that a file's first line speaks for; where it speaks for none, the first that fits the kind of file.

    Args:
        candidates: the layouts that the file may have, the official one first.
        data: the file's bytes.
        of_unit: True for a file of a folder of per-unit files.
    """
    first = first_line(data)
    header = first.rstrip(", ")
    for layout in candidates:
        if has_header(data, layout):
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
    """The layout with as many fields as the file's first line; the first layout where none has as many."""
    fields = first_line(data).rstrip(",").count(",") + 1
    return next((layout for layout in candidates if layout.width == fields), candidates[0])


def has_header(data: bytes | memoryview, layout: Layout) -> bool:
    """True where the first line is the layout's header, commas and blanks at its end aside."""
    return first_line(data).rstrip(", ") in layout.headers


def is_header(line: str, layout: Layout) -> bool:
    """True where a first line is meant as a header, right or wrong, and not as a row."""
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
    from abawbench.challenges import CHALLENGES

    role: Role = "truth" if layout.role == "list" else layout.role
    return tuple(
        challenge.id
        for challenge in CHALLENGES.values()
        for other in layouts(challenge, role)
        if other.format in {challenge.annotation_format, challenge.prediction_format}
        and header in other.headers
        and (other.format, other.columns) != (layout.format, layout.columns)
    )


def describe_owners(header: str, layout: Layout) -> str:
    """A remark that names the challenges that have this header; empty where none has."""
    ids = owners(header, layout)
    more = " and others" if len(ids) > SHOWN else ""
    return f", the header of {', '.join(ids[:SHOWN])}{more}" if ids else ""


def _is_trial(line: str) -> bool:
    """True for a line of an AH trial: a name, two probabilities and a label."""
    fields = line.split(",")
    try:
        return len(fields) == 4 and abs(float(fields[1]) + float(fields[2]) - 1) < 0.5 and "." in fields[1]
    except ValueError:
        return False
