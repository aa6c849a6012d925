"""Writing predictions, annotations and lists as the files of a challenge."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abawbench.base.files import check_output, make_folder, write_file, write_folder
from abawbench.base.problems import SHOWN, Problem, ProblemError, Problems
from abawbench.challenges import Challenge
from abawbench.fill import MOST_FILLED, Answers, Policy, count_answers, fill, limit_filled
from abawbench.formats.file_problems import compare_units, file_problems, unit_problems
from abawbench.formats.identity import Identified, identify
from abawbench.formats.keys import example, frame_numbers, row_names, split_keys
from abawbench.formats.layout import Layout, layouts, prediction_layouts
from abawbench.formats.lists import RowList, UnitList, read_list
from abawbench.formats.names import match_units
from abawbench.table import Mask, Table

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of writing predictions.

    Attributes:
        path: the file or folder.
        rows: number of rows in it.
        filled: by fill policy, the number of rows that it filled.
        left_out: number of predicted rows that are not in the list: those of other units, and other frames.
        answers: numbers of rows that are predicted and that a policy filled, here or in `predict`.
        more_units: number of predicted rows in units that are not in the list.
        more_frames: number of predicted rows in listed units whose frames are not in the list.
        notes: what is odd about the predictions, and how they were read.
    """

    path: Path
    rows: int
    filled: Mapping[str, int]
    left_out: int
    answers: Answers
    more_units: int = 0
    more_frames: int = 0
    notes: tuple[Problem, ...] = ()


def write_predictions(
    challenge: Challenge,
    prediction: Table,
    template: Path,
    out: Path,
    policy: Policy = "error",
    allow_filled: float = MOST_FILLED,
) -> Written:
    """Write the challenge's prediction file, or its folder of per-unit files, as `check` accepts it.

    The names, order and repetitions of the rows are those of the organisers' list. Real numbers have six decimals; the
    p0 of AH is made from the rounded p1, so that the two sum to exactly 1; files of VD keep the header of their
    template. A unit is written up to its last predicted frame if the list does not give its length.

    Args:
        challenge: challenge whose format to write.
        prediction: predicted rows in any order.
        template: the organisers' list, in one of the forms that `lists.read_list` names.
        out: the file to write, or a new folder for per-unit formats.
        policy: fill policy for rows without a prediction, as in `fill.fill`.
        allow_filled: greatest share of filled rows, from 0 to 1.

    Raises:
        ProblemError: T01 rows have no prediction and the policy is `error`; T03 or T06 it is not clear which row of the
            list a prediction is, as in `identity.identify`; T12 too many rows are filled; F12 the output would replace
            an input; and the problems that `check` finds in the result. Nothing is written then.
    """
    source = Path(prediction.source) if prediction.source else None
    wanted = read_list(challenge, template, source)
    layout = _layout_for(challenge, prediction)
    check_output(out, template, source, suffix=layout.suffix if layout.per_unit else None)
    unpredicted: tuple[Problem, ...] = ()
    if isinstance(wanted, RowList):
        rows = _row_table(wanted, layout)
    else:
        rows, unpredicted = _unit_table(wanted, layout, prediction)
    known = identify(challenge, prediction, rows)
    if unpredicted:
        raise ProblemError(*unpredicted)
    table, filled = fill(known.table, rows, policy, alignment=known.alignment, option="--fill")
    answers = count_answers(rows, _filled_rows(known, table), filled)
    notes = (*table.notes, *limit_filled(answers, allow_filled, prediction.source))
    columns = [column.predictions(table) for column in layout.columns]
    problems = Problems()
    if isinstance(wanted, RowList):
        data = _text(layout.header, [wanted.keys, *columns])
        problems.extend(file_problems(data, [layout], str(out), wanted))
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
    more = len(known.more_units), len(known.more_frames)
    return Written(out, len(table), filled, sum(more), answers, *more, notes)


def write_annotations(challenge: Challenge, truth: Table, out: Path) -> None:
    """Write a truth in the challenge's annotation format, so that `read_truth` gives it again.

    Numbers have the fewest digits that read back exactly, and a missing annotation is the sentinel. Transcripts, which
    a Table does not hold, are empty.

    Args:
        challenge: challenge whose format to write.
        truth: the annotations.
        out: the file to write, or a new folder for per-unit formats.

    Raises:
        ProblemError: T07 the frames of a unit have gaps, in a format without frame numbers; V09 an annotation is
            missing, in a format without a sentinel.
    """
    layout = layouts(challenge, "truth")[0]
    columns = [column.annotations(truth) for column in layout.columns]
    if not layout.per_unit:
        write_file(out, _text(layout.header, [row_names(truth, layout.key), *columns]))
        return
    if not layout.has_key:
        _require_all_frames(truth, layout)
    write_folder(out, _unit_files(truth, layout, columns, dict.fromkeys(truth.videos, layout.header)))


def write_list(challenge: Challenge, rows: Table, out: Path) -> None:
    """Write a list as the organisers do: names of rows or units to predict, or a folder of templates.

    Args:
        challenge: challenge whose format to write.
        rows: rows of the list, in order and with repetitions; their values are not used.
        out: the file to write, or a new folder for templates.

    Raises:
        ProblemError: F01 or C02, the list cannot be written there.
    """
    layout = layouts(challenge, "list")[0]
    if layout.per_unit:
        templates: dict[str, bytes] = {}
        for place, name in enumerate(rows.videos):
            frames = rows.frame[rows.video == place].tolist()
            lines = [layout.header or "", *(f"{frame}," for frame in frames)]
            templates[f"{name}{layout.suffix}"] = ("\n".join(lines) + "\n").encode()
        write_folder(out, templates)
    elif layout.format == "units":
        seen = np.unique(rows.video, return_index=True)[1]
        names = [rows.videos[rows.video[row]] for row in np.sort(seen)]
        write_file(out, ("\n".join(names) + "\n").encode())
    else:
        write_file(out, _text(layout.header, [row_names(rows, layout.key)]))


def write_all(challenge: Challenge, prediction: Table, folder: Path, allow_filled: float = MOST_FILLED) -> Written:
    """Write the challenge's file, or its folder of files, with all rows of a prediction; an earlier one is replaced.

    Args:
        challenge: challenge whose format to write.
        prediction: rows to write; a unit of a per-unit format needs every frame.
        folder: folder in which the file or folder is made, named after the challenge.
        allow_filled: greatest share of filled rows, from 0 to 1.

    Raises:
        ProblemError: the problems that `write_predictions` raises. Nothing is replaced then.
    """
    layout = layouts(challenge, "prediction")[0]
    place = folder / (challenge.id if layout.per_unit else f"{challenge.id}{layout.suffix}")
    make_folder(folder)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        rows, made = Path(work) / "list", Path(work) / place.name
        write_list(challenge, prediction, rows)
        written = write_predictions(challenge, prediction, rows, made, allow_filled=allow_filled)
        if place.is_dir():
            shutil.rmtree(place)
        made.replace(place)
    return replace(written, path=place)


def _layout_for(challenge: Challenge, prediction: Table) -> Layout:
    """The layout that the prediction can fill: AH has one with and one without probabilities."""
    candidates = prediction_layouts(challenge)
    if prediction.probability is not None:
        return candidates[0]
    return next((layout for layout in candidates if not layout.has_probabilities), candidates[0])


def _row_table(wanted: RowList, layout: Layout) -> Table:
    names = split_keys(wanted.keys, layout.key)
    if names is None:
        found, expected = "names of another form", f"names like '{example(layout.key)}'"
        raise ProblemError(Problem("T06", found, expected, "give the organisers' own list", wanted.source))
    videos, video, frame = names
    return Table(videos, video, frame, {}, source=wanted.source)


def _filled_rows(known: Identified, table: Table) -> Mask:
    """Mask of the rows of a written table that a policy filled, here or before."""
    filled = np.zeros(len(table), bool) if table.filled is None else table.filled.copy()
    if known.table.filled is not None:
        filled |= (known.alignment.rows >= 0) & known.table.filled[known.alignment.rows]
    return filled


def _unit_table(wanted: UnitList, layout: Layout, prediction: Table) -> tuple[Table, tuple[Problem, ...]]:
    """The rows to predict: the frames of the templates, or each unit's frames from the first to the last.

    Returns:
        The rows; and T01 for units without a prediction of which the list gives no length, each with one row.
    """
    last = _last_frames(prediction, tuple(wanted.units), layout.frame_base)
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
            fix = "predict the unit, or give a list with frame counts, 'name,count'"
            problems.add(Problem("T01", f"no prediction for '{name}'", "one for each unit", fix, prediction.source))
            numbers = np.array([layout.frame_base], np.int32)
        frames.append(numbers)
    counts = [len(numbers) for numbers in frames]
    video = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return Table(tuple(wanted.units), video, np.concatenate(frames), {}, source=wanted.source), problems.found


def _last_frames(table: Table, units: tuple[str, ...], base: int) -> dict[str, int]:
    """The last predicted frame of each unit of the list, by the list's way to count; -1 where there is none."""
    unit, _ = match_units(table.videos, units)
    rows = unit[table.video] >= 0
    last = np.full(len(units), -1, np.int64)
    np.maximum.at(last, unit[table.video[rows]], table.frame[rows])
    if base == 1 and bool((table.frame[rows] == 0).any()):
        last[last >= 0] += 1
    return dict(zip(units, last.tolist(), strict=True))


def _unit_files(
    table: Table, layout: Layout, columns: Sequence[pa.Array], headers: Mapping[str, str | None]
) -> dict[str, bytes]:
    """The file of each unit, frames in order."""
    import pyarrow as pa

    order = np.lexsort((table.frame, table.video))
    names = row_names(table, layout.key)
    rows = _arrow_table(columns if names is None else [names, *columns]).take(pa.array(order))
    ends = np.cumsum(np.bincount(table.video, minlength=len(table.videos))).tolist()
    files: dict[str, bytes] = {}
    for name, begin, end in zip(table.videos, [0, *ends], ends, strict=False):
        if end > begin:
            files[f"{name}{layout.suffix}"] = _text(headers[name], rows.slice(begin, end - begin).columns)
    return files


def _text(header: str | None, columns: Sequence[pa.Array]) -> bytes:
    """The file as bytes: the header, then one line for each row."""
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.BufferOutputStream()
    if header is not None:
        sink.write(f"{header}\n".encode())
    csv.write_csv(_arrow_table(columns), sink, csv.WriteOptions(include_header=False, quoting_style="none"))
    return sink.getvalue().to_pybytes()


def _arrow_table(columns: Sequence[pa.Array]) -> pa.Table:
    import pyarrow as pa

    return pa.table(list(columns), names=[str(place) for place in range(len(columns))])


def _require_all_frames(truth: Table, layout: Layout) -> None:
    problems = Problems()
    order = np.lexsort((truth.frame, truth.video))
    counts = np.bincount(truth.video, minlength=len(truth.videos))
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    gaps = truth.frame[order] != np.arange(len(truth)) - starts + layout.frame_base
    for place in np.unique(truth.video[order][gaps])[:SHOWN]:
        found = f"frames of '{truth.videos[place]}' with gaps or repetitions"
        expected = f"every frame from {layout.frame_base}, once"
        fix = "add rows that are not annotated for the missing frames"
        problems.add(Problem("T07", found, expected, fix, truth.source))
    problems.raise_if_any()
