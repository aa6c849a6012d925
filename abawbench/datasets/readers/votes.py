"""Crowd votes of CREMA-D: the winning class or classes of each clip, with their mean level."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Numbers, Strict
from abawbench.datasets.readers import values
from abawbench.datasets.readers.assemble import Part, always, assemble, texts
from abawbench.datasets.readers.finding import LabelFile, label_files
from abawbench.datasets.readers.model import Labels
from abawbench.datasets.readers.naming import groups
from abawbench.datasets.readers.sheet import Form, read_sheet, repeated
from abawbench.datasets.readers.units import settings_of
from abawbench.formats.diagnose import shown
from abawbench.formats.fields import NUMBER
from abawbench.table import NO_FRAME, Values

if TYPE_CHECKING:
    import pyarrow as pa

CLIP = "FileName"
TIE = ":"
HIGHEST = 100.0


class Settings(Strict):
    """Options of the reader; see `read_votes`."""

    vote: Literal["Voice", "Face", "MultiModal", "intended"]
    pattern: str


def read_votes(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """One row for each clip, from a table with columns `FileName`, `FaceVote`, `FaceLevel`, ...

    A tie is written `A:F`, its levels `30.67:51.00`. The task of classes is not annotated there; a task of numbers
    `share` gives 1 to a single winner and an equal part to each of several, a task of numbers `level` the mean level
    from 0 to 100 of each winner.

    Options:
        vote: `Voice`, `Face` or `MultiModal`; or `intended`, what the actor was to show, as the clip's name says.
        pattern: regular expression over the clip's name, with groups `subject` and `intended`.

    Problems: F01 to F04, F06, V01, V06, V09, T03 a clip twice, T06 names.
    """
    settings = _checked(manifest, label_set)
    parts = [
        part
        for file in label_files(label_set, root, problems)
        if (part := _part(label_set, file, settings, problems)) is not None
    ]
    return assemble(manifest, label_set, root, parts, problems)


def _checked(manifest: Manifest, label_set: LabelSet) -> Settings:
    """The options of the label set.

    Raises:
        ProblemError: D01, options or tasks are not those of this reader.
    """
    settings = settings_of(Settings, manifest, label_set)
    first, *others = label_set.tasks
    is_soft = all(isinstance(facts, Numbers) and facts.name in {"share", "level"} for facts in others)
    if not isinstance(first, Classes) or not is_soft or (others and settings.vote == "intended"):
        found = ", ".join(f"{facts.kind} {facts.name}" for facts in label_set.tasks)
        expected = "classes, then numbers 'share' or 'level'"
        raise ProblemError(Problem("D01", f"tasks {found}", expected, "correct the manifest", manifest.id))
    return settings


def _part(label_set: LabelSet, file: LabelFile, settings: Settings, problems: Problems) -> Part | None:
    is_intended = settings.vote == "intended"
    wanted = [CLIP] if is_intended else [CLIP, f"{settings.vote}Vote", f"{settings.vote}Level"]
    sheet = read_sheet(file.path, wanted, Form(), problems)
    if sheet is None:
        return None
    rows = values.Rows(sheet.file, sheet.line, problems)
    clips = values.trimmed(sheet.columns[CLIP])
    said = groups(clips, settings.pattern, rows)
    unit = texts(clips)
    rows.refuse("T03", repeated(np.asarray(unit.indices)), lambda row: f"{clips[row].as_py()} again", "each clip once")
    facts = label_set.tasks[0]
    assert isinstance(facts, Classes)
    found: dict[str, Values]
    if is_intended:
        found = {facts.name: values.classes(said["intended"], facts, rows)}
    else:
        found = _votes(label_set, facts, sheet.columns[wanted[1]], sheet.columns[wanted[2]], rows)
    count = len(sheet)
    part = Part(
        sheet.file,
        sheet.line,
        unit,
        np.full(count, NO_FRAME, np.int32),
        found,
        always(file.split, count),
        texts(said["subject"]) if "subject" in said else always("", count),
    )
    return part.take(~rows.faulty)


def _votes(
    label_set: LabelSet, facts: Classes, votes: pa.ChunkedArray, levels: pa.ChunkedArray, rows: values.Rows
) -> dict[str, Values]:
    """The winner, -1 in a tie, and what the other tasks say of each class."""
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
    votes: pa.ChunkedArray, codes: Mapping[str, int], rows: values.Rows
) -> tuple[NDArray[np.integer], list[list[int]]]:
    """For each row its distinct vote, and for each distinct vote the classes that won, in its order."""
    encoded = texts(values.trimmed(votes))
    written: list[str] = encoded.dictionary.to_pylist()
    which = np.asarray(encoded.indices)
    winners = [[codes.get(code, -1) for code in text.split(TIE)] for text in written]
    known = np.array([-1 not in classes and len(set(classes)) == len(classes) for classes in winners], np.bool_)
    expected = f"one of {', '.join(codes)}, or some of them as A{TIE}F"
    rows.refuse("V06", ~known[which], lambda row: f"vote {shown(written[which[row]])}", expected)
    return which, winners


def _levels(levels: pa.ChunkedArray, rows: values.Rows) -> list[list[float]]:
    """The levels of each row's winners."""
    written: list[str] = values.trimmed(levels).to_pylist()
    fields = [text.split(TIE) for text in written]
    is_number = np.array([all(map(NUMBER.fullmatch, parts)) for parts in fields], np.bool_)
    expected = f"a number, or some as 30.67{TIE}51.00"
    rows.refuse("V01", ~is_number, lambda row: f"level {shown(written[row])}", expected)
    plain = [
        [float(field) for field in parts] if good else []
        for parts, good in zip(fields, is_number.tolist(), strict=True)
    ]
    in_range = np.array([all(0 <= value <= HIGHEST for value in parts) for parts in plain], np.bool_)
    rows.refuse("V09", ~in_range, lambda row: f"level {shown(written[row])}", f"levels from 0 to {HIGHEST:g}")
    return plain
