"""Reads crowd votes of CREMA-D: the winning class or classes of each clip, with their mean levels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Numbers, Strict
from abawbench.datasets.readers import values
from abawbench.datasets.readers.files import LabelFile, label_files
from abawbench.datasets.readers.labels import Labels, assemble
from abawbench.datasets.readers.rows import CheckedRows, LabelRows, repeated, same_text, text_column
from abawbench.datasets.readers.settings import settings_of
from abawbench.datasets.readers.sheet import SheetFormat, read_sheet
from abawbench.datasets.readers.values import group_column, name_groups
from abawbench.formats.columns import NUMBER
from abawbench.formats.text import quote
from abawbench.table import NO_FRAME, Values

if TYPE_CHECKING:
    import pyarrow as pa

CLIP = "FileName"
TIE = ":"
HIGHEST = 100.0


class VotesSettings(Strict):
    """Settings of the reader `votes`.

    Attributes:
        vote: kind of votes to read: `Voice`, `Face` or `MultiModal`; or `intended` for the emotion that the actor was
            asked to show, which the clip's name holds.
        pattern: regular expression for the clip's name, with groups `subject` and `intended`.
    """

    vote: Literal["Voice", "Face", "MultiModal", "intended"]
    pattern: str


def read_votes(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read labels from a table with columns `FileName`, `FaceVote`, `FaceLevel`, ..., one row for each clip.

    A tie is written `A:F`, its levels `30.67:51.00`. The task of classes is not annotated there; a task of numbers
    `share` gives 1 to a single winner and an equal part to each of several, a task of numbers `level` the mean level
    from 0 to 100 of each winner.

    Problems: F01 to F04, F06, V01, V06, V09, T03 a clip twice, T06 names.
    """
    settings = settings_of(VotesSettings, manifest, label_set)
    facts = _class_task(manifest, label_set, settings)
    files = [
        rows
        for file in label_files(label_set, root, problems)
        if (rows := _read_file(label_set, facts, file, settings, problems)) is not None
    ]
    return assemble(manifest, label_set, root, files, problems)


def _class_task(manifest: Manifest, label_set: LabelSet, settings: VotesSettings) -> Classes:
    """The first task. Raises: ProblemError D01, the tasks are not those of this reader."""
    first, *others = label_set.tasks
    are_known = all(isinstance(facts, Numbers) and facts.name in {"share", "level"} for facts in others)
    if not isinstance(first, Classes) or not are_known or (others and settings.vote == "intended"):
        found = ", ".join(f"{facts.kind} {facts.name}" for facts in label_set.tasks)
        expected = "classes, then numbers 'share' or 'level'"
        raise ProblemError(Problem("D01", f"tasks {found}", expected, "correct the manifest", manifest.id))
    return first


def _read_file(
    label_set: LabelSet, facts: Classes, file: LabelFile, settings: VotesSettings, problems: Problems
) -> LabelRows | None:
    is_intended = settings.vote == "intended"
    wanted = [CLIP] if is_intended else [CLIP, f"{settings.vote}Vote", f"{settings.vote}Level"]
    sheet = read_sheet(file.path, wanted, SheetFormat(), problems)
    if sheet is None:
        return None
    rows = CheckedRows(sheet.file, sheet.line, problems)
    clips = values.trimmed(sheet.columns[CLIP])
    groups = name_groups(clips, settings.pattern, rows)
    unit = text_column(clips)
    rows.refuse("T03", repeated(np.asarray(unit.indices)), lambda row: f"{clips[row].as_py()} again", "each clip once")
    found: dict[str, Values]
    if is_intended:
        found = {facts.name: values.classes(groups["intended"], facts, rows)}
    else:
        found = _votes(label_set, facts, sheet.columns[wanted[1]], sheet.columns[wanted[2]], rows)
    count = len(sheet)
    whole = LabelRows(
        sheet.file,
        sheet.line,
        unit,
        np.full(count, NO_FRAME, np.int32),
        found,
        same_text(file.split, count),
        group_column(groups, "subject", count),
    )
    return whole.take(~rows.faulty)


def _votes(
    label_set: LabelSet, facts: Classes, votes: pa.ChunkedArray, levels: pa.ChunkedArray, rows: CheckedRows
) -> dict[str, Values]:
    """The values of each task: the winner, -1 in a tie, and the share or level of each class."""
    codes = {str(code): number for number, code in enumerate(facts.codes or facts.classes)}
    which, winners = _winners(votes, codes, rows)
    count = np.array([len(classes) for classes in winners], np.int64)
    written = _levels(levels, rows)
    wrong = np.array([len(values_of_row) for values_of_row in written], np.int64) != count[which]
    rows.refuse("F06", wrong, lambda row: f"{votes[row].as_py()} with {levels[row].as_py()}", "a level for each vote")
    single = np.array([classes[0] if len(classes) == 1 else -1 for classes in winners], np.int8)
    share = np.zeros((len(winners), len(codes)))
    for row, classes in enumerate(winners):
        share[row, classes] = 1 / max(len(classes), 1)
    found: dict[str, Values] = {facts.name: single[which]}
    for task in label_set.tasks[1:]:
        if task.name == "share":
            found[task.name] = share[which]
        else:
            good = np.flatnonzero(~rows.faulty)
            level = np.full((len(which), len(codes)), np.nan)
            columns = [column for row in good.tolist() for column in winners[which[row]]]
            level[np.repeat(good, count[which[good]]), np.array(columns, np.int64)] = [
                value for row in good.tolist() for value in written[row]
            ]
            found[task.name] = level
    return found


def _winners(
    votes: pa.ChunkedArray, codes: Mapping[str, int], rows: CheckedRows
) -> tuple[NDArray[np.integer], list[list[int]]]:
    """The number of each row's distinct vote, and the winning classes of each distinct vote, in its order."""
    encoded = text_column(values.trimmed(votes))
    written: list[str] = encoded.dictionary.to_pylist()
    which = np.asarray(encoded.indices)
    winners = [[codes.get(code, -1) for code in text.split(TIE)] for text in written]
    known = np.array([-1 not in classes and len(set(classes)) == len(classes) for classes in winners], np.bool_)
    expected = f"one of {', '.join(codes)}, or some of them as A{TIE}F"
    rows.refuse("V06", ~known[which], lambda row: f"vote {quote(written[which[row]])}", expected)
    return which, winners


def _levels(levels: pa.ChunkedArray, rows: CheckedRows) -> list[list[float]]:
    """The levels of each row's winners."""
    written: list[str] = values.trimmed(levels).to_pylist()
    fields = [text.split(TIE) for text in written]
    is_number = np.array([all(map(NUMBER.fullmatch, parts)) for parts in fields], np.bool_)
    expected = f"a number, or some as 30.67{TIE}51.00"
    rows.refuse("V01", ~is_number, lambda row: f"level {quote(written[row])}", expected)
    plain = [
        [float(field) for field in parts] if good else []
        for parts, good in zip(fields, is_number.tolist(), strict=True)
    ]
    in_range = np.array([all(0 <= value <= HIGHEST for value in parts) for parts in plain], np.bool_)
    rows.refuse("V09", ~in_range, lambda row: f"level {quote(written[row])}", f"levels from 0 to {HIGHEST:g}")
    return plain
