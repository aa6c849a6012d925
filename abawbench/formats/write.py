"""Predictions and annotations to the challenges' files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abawbench.base.files import write_file, write_folder
from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.challenges import Challenge
from abawbench.fill import Policy, fill
from abawbench.formats.check import compare_units, unit_problems
from abawbench.formats.format import annotation_columns, prediction_columns, row_names, text
from abawbench.formats.keys import frame_numbers, split_keys
from abawbench.formats.layout import Layout, layouts
from abawbench.formats.lists import RowList, UnitList, prediction_layouts, read_list
from abawbench.formats.single import file_problems
from abawbench.table import Table, align

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes:
        path: the file or folder.
        rows: rows written.
        filled: rows without prediction, by the policy that gave them a value.
        left_out: predicted rows that the list does not ask for.
    """

    path: Path
    rows: int
    filled: Mapping[str, int]
    left_out: int


def write_predictions(
    challenge: Challenge, prediction: Table, template: Path, out: Path, policy: Policy = "error"
) -> Written:
    """Write the challenge's prediction file, or its folder of per-unit files, as `check` accepts it.

    Row order, names and repetitions are those of the organisers' list. Numbers have six decimals; AH's p0 is printed
    from the rounded p1, so that both sum to exactly 1; VD files keep the template's header. A unit whose length no
    list tells is written up to its last predicted frame.

    Args:
        challenge: whose format to write.
        prediction: the rows there are, in any order.
        template: the organisers' list, see `files.lists.read_list`.
        out: the file to write, or a new folder for per-unit formats.
        policy: how rows without prediction are filled, see `fill.fill`.

    Raises:
        ProblemError: T01 when rows have no prediction and the policy is `error`; whatever `check` finds in the
            result. Nothing is written then.
    """
    wanted = read_list(challenge, template)
    layout = _layout(challenge, prediction)
    asked = _row_table(wanted, layout) if isinstance(wanted, RowList) else _unit_table(wanted, layout, prediction)
    left_out = len(align(asked, prediction).surplus)
    table, filled = fill(prediction, asked, policy)
    columns = prediction_columns(table, layout)
    problems = Problems()
    if isinstance(wanted, RowList):
        data = text(layout.header, [wanted.keys, *columns])
        problems.extend(file_problems(data, layout, str(out), wanted))
        problems.raise_if_any()
        write_file(out, data)
    else:
        headers = {name: unit.header or layout.header for name, unit in wanted.units.items()}
        files = _unit_files(table, layout, columns, headers)
        for name, data in files.items():
            problems.extend(unit_problems(data, layout, Path(name).stem, str(out / name), wanted))
        problems.extend(compare_units(list(files), wanted, layout, str(out)))
        problems.raise_if_any()
        write_folder(out, files)
    return Written(out, len(table), filled, left_out)


def write_annotations(challenge: Challenge, truth: Table, out: Path) -> None:
    """Write a truth in the challenge's annotation format, so that `read_truth` gives it again.

    Values are written with the fewest digits that read back exactly, what is not annotated as the sentinel;
    transcripts, which a Table does not hold, as empty text.

    Args:
        challenge: whose format to write.
        truth: the annotations.
        out: the file to write, or a new folder for per-unit formats.

    Raises:
        ProblemError: T07 where frames of a format without frame numbers have gaps, V09 where a format without
            sentinel is to hold a missing annotation.
    """
    layout = layouts(challenge, "truth")[0]
    columns = annotation_columns(truth, layout)
    if not layout.per_unit:
        names = row_names(truth, layout.key)
        write_file(out, text(layout.header, [names, *columns]))
        return
    if layout.key == "line":
        _demand_all_frames(truth, layout)
    write_folder(out, _unit_files(truth, layout, columns, dict.fromkeys(truth.videos, layout.header)))


def _layout(challenge: Challenge, prediction: Table) -> Layout:
    """AH has a format with and one without probabilities: the one that the prediction can fill."""
    for layout in prediction_layouts(challenge):
        if prediction.probability is not None or all(column.kind != "probability" for column in layout.columns):
            return layout
    return prediction_layouts(challenge)[0]


def _row_table(wanted: RowList, layout: Layout) -> Table:
    names = split_keys(wanted.keys, layout.key)
    if names is None:
        raise ProblemError(
            Problem(
                "T06",
                "names that are none of the challenge's",
                "names like 'video/frame-0.jpg'" if layout.key == "frame-path" else "names like 'video/00001.jpg'",
                "give the organisers' own list",
                wanted.source,
            )
        )
    videos, video, frame = names
    return Table(videos, video, frame, {}, source=wanted.source)


def _unit_table(wanted: UnitList, layout: Layout, prediction: Table) -> Table:
    """The frames asked for: those of the templates, or from the first to the last."""
    last = _last_frames(prediction)
    frames: list[NDArray[np.int32]] = []
    problems = Problems()
    for name, unit in wanted.units.items():
        numbers = None if unit.keys is None else frame_numbers(unit.keys)
        if numbers is None:
            count = last.get(name, -1) + 1 - layout.frame_base
            if unit.lines:
                # where the list leaves open whether the last line counts, a predicted frame decides
                count = max(min(unit.lines), min(count, max(unit.lines)))
            numbers = np.arange(layout.frame_base, layout.frame_base + max(count, 0), dtype=np.int32)
        if not len(numbers):
            fix = "predict it, or give a list with frame counts, 'name,count'"
            problems.add(Problem("T01", f"no prediction for '{name}'", "one for each unit", fix, prediction.source))
        frames.append(numbers)
    problems.raise_if_any()
    counts = [len(numbers) for numbers in frames]
    video = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return Table(tuple(wanted.units), video, np.concatenate(frames), {}, source=wanted.source)


def _last_frames(table: Table) -> dict[str, int]:
    last = np.full(len(table.videos), -1, np.int64)
    np.maximum.at(last, table.video, table.frame)
    return dict(zip(table.videos, last.tolist(), strict=True))


def _unit_files(
    table: Table, layout: Layout, columns: list[pa.Array], headers: Mapping[str, str | None]
) -> dict[str, bytes]:
    """The file of each unit, frames in order."""
    import pyarrow as pa

    order = np.lexsort((table.frame, table.video))
    names = row_names(table, layout.key)
    rows = pa.table([*([] if names is None else [names]), *columns], names=_numbers(len(columns) + (names is not None)))
    rows = rows.take(pa.array(order))
    ends = np.cumsum(np.bincount(table.video, minlength=len(table.videos))).tolist()
    files: dict[str, bytes] = {}
    for name, begin, end in zip(table.videos, [0, *ends], ends, strict=False):
        if end > begin:
            files[f"{name}{layout.suffix}"] = text(headers[name], rows.slice(begin, end - begin).columns)
    return files


def _numbers(count: int) -> list[str]:
    return [str(place) for place in range(count)]


def _demand_all_frames(truth: Table, layout: Layout) -> None:
    problems = Problems()
    order = np.lexsort((truth.frame, truth.video))
    counts = np.bincount(truth.video, minlength=len(truth.videos))
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    gaps = truth.frame[order] != np.arange(len(truth)) - starts + layout.frame_base
    for place in np.unique(truth.video[order][gaps])[:3]:
        problems.add(
            Problem(
                "T07",
                f"frames of '{truth.videos[place]}' with gaps or repetitions",
                f"every frame from {layout.frame_base}, once",
                "add rows that are not annotated for the missing frames",
                truth.source,
            )
        )
    problems.raise_if_any()
