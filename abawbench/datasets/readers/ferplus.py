"""Reads the votes of FERPlus: ten people judge a face, and their votes become one label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.datasets.manifests.model import LabelSet, Manifest, Numbers, TaskFacts
from abawbench.datasets.readers.files import label_files
from abawbench.datasets.readers.labels import Labels, assemble
from abawbench.datasets.readers.rows import CheckedRows, LabelRows
from abawbench.datasets.readers.settings import Texts, settings_of
from abawbench.datasets.readers.sheet import Sheet, read_sheet
from abawbench.datasets.readers.table import SheetSettings, row_keys, sheet_rows
from abawbench.datasets.readers.values import numbers, trimmed
from abawbench.table import Floats, Mask, Values

# votes for no emotion, the last two columns
UNKNOWN, NO_FACE = "unknown", "NF"
MODES = {"majority": "classes", "probability": "numbers", "multi-target": "marks", "votes": "numbers"}


class FerplusSettings(SheetSettings):
    """Settings of the reader `ferplus`.

    Attributes:
        columns: names of the ten columns of votes, unknown and NF last.
        mode: kind of labels that the votes become.
            majority: the class with more than half of them, else unknown (one task of classes).
            probability: shares of the leading emotions, up to three; NaN where they hold no more than half of the
                votes or the face is not seen as an emotion (numbers).
            multi-target: 1 for each emotion with at least 30 % of them; -1 where the face is not seen as an emotion
                (marks).
            votes: the counts as they are (numbers).
    """

    columns: Texts
    mode: Literal["majority", "probability", "multi-target", "votes"] = "majority"


def read_ferplus(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read labels from counts of votes over eight emotions, unknown and no face (`NF`).

    A row without the name of a picture shows no face and is left out, with a note. Votes of a single person are dropped
    first in every mode but `votes`.

    Problems: those of `read_table`; N33 rows without a name; D01 a mode or columns that do not go with the task.

    Source: microsoft/FERPlus:src/ferplus.py, `_process_data`; Barsoum et al. 2016, arXiv:1608.01041.
    """
    settings = settings_of(FerplusSettings, manifest, label_set)
    facts = _task(label_set, settings)
    wanted = list(dict.fromkeys([*settings.roles.values(), *settings.columns]))
    # the counts of votes are checked as a task of their own
    counts = Numbers(kind="numbers", name=facts.name, columns=settings.columns, low=0, high=10)
    files: list[LabelRows] = []
    for file in label_files(label_set, root, problems):
        sheet = read_sheet(file.path, wanted, settings.format_of(file.path), problems)
        if sheet is None:
            continue
        is_named = [bool(name) for name in trimmed(sheet.columns[str(settings.path)]).to_pylist()]
        _note_nameless(sheet, np.array(is_named, np.bool_), problems)
        sheet = sheet.take(np.array(is_named, np.bool_))
        checked = CheckedRows(sheet.file, sheet.line, problems)
        keys = row_keys(label_set, settings, file, sheet, checked)
        votes = numbers([sheet.columns[name] for name in settings.columns], counts, checked)
        rows = sheet_rows(sheet, keys, {facts.name: votes}, file.path.parent.relative_to(root), checked)
        files.append(replace(rows, values={facts.name: _labels(rows.values[facts.name], settings.mode)}))
    return assemble(manifest, label_set, root, files, problems)


def _note_nameless(sheet: Sheet, is_named: Mask, problems: Problems) -> None:
    lines = sheet.line[~is_named].tolist()
    if lines:
        found = f"{len(lines):,} row{'s' * (len(lines) != 1)} without the name of a picture (no face): left out"
        fix = "nothing where they have votes for no face alone: the owners' table has 173 of them"
        problems.add(Problem("N33", found, "the name of a picture in each row", fix, sheet.file, lines[0], len(lines)))


def _task(label_set: LabelSet, settings: FerplusSettings) -> TaskFacts:
    """The one task of the label set. Raises: ProblemError D01, it does not go with the mode or the columns."""
    facts, columns, mode = label_set.tasks[0], settings.columns, settings.mode
    wanted = columns if mode in {"majority", "votes"} else columns[:-2]
    is_known = MODES[mode] == facts.kind and facts.task.outputs == wanted and columns[-2:] == (UNKNOWN, NO_FACE)
    if len(label_set.tasks) > 1 or settings.path is None or not is_known:
        found = f"mode '{mode}' with {facts.kind} {', '.join(facts.task.outputs)}"
        expected = f"{MODES[mode]} {', '.join(wanted)}, columns that end with {UNKNOWN}, {NO_FACE}, and a path"
        raise ProblemError(Problem("D01", found, expected, "correct the label set", label_set.id))
    return facts


def majority(votes: Floats) -> Values:
    """The class with more than half of the votes, else the last but one, shape (rows,). Votes: (rows, classes)."""
    counted = _without_single_votes(votes)
    is_clear = counted.max(axis=1) > 0.5 * counted.sum(axis=1)
    return np.where(is_clear, counted.argmax(axis=1), votes.shape[1] - 2).astype(np.int8)


def probability(votes: Floats) -> Floats:
    """Shares of the leading classes until they hold three quarters of the votes, shape (rows, classes).

    Each row sums to 1; a row that stays unclear has 1 at the last but one class. Votes: (rows, classes).
    """
    left = _without_single_votes(votes)
    total = left.sum(axis=1)
    count = np.zeros(len(left), np.int64)
    held = np.zeros(len(left))
    goes_on = np.ones(len(left), np.bool_)
    taken = np.zeros_like(left)
    emotions = votes.shape[1] - 2
    # at most three rounds: each takes one class at least
    for _ in range(3):
        active = goes_on & (held < 0.75 * total) & (count < 3)
        largest = left.max(axis=1)
        for place in range(votes.shape[1]):
            hit = active & (left[:, place] == largest)
            taken[hit, place] = largest[hit]
            left[hit, place] = 0
            held[hit] += largest[hit]
            count[hit] += 1
            if place >= emotions:
                # no class is taken after unknown or no face, and neither is combined with an emotion
                goes_on &= ~hit
                active &= ~hit
                beside = hit & (taken.sum(axis=1) > largest)
                taken[beside, place] = 0
                count[beside] -= 1
    return _shares(taken, (taken.sum(axis=1) <= 0.5 * total) | (count > 3))


def multi_target(votes: Floats) -> Floats:
    """Shares of the classes with at least 30 % of the votes, shape (rows, classes).

    A row that stays unclear has 1 at the last but one class. Votes: (rows, classes).
    """
    counted = _without_single_votes(votes)
    total = counted.sum(axis=1)
    taken = np.where(counted >= 0.3 * total[:, None], counted, 0)
    return _shares(taken, taken.sum(axis=1) <= 0.5 * total)


def _without_single_votes(votes: Floats) -> Floats:
    return np.where(votes <= 1, 0, votes)


def _shares(taken: Floats, is_unclear: Any) -> Floats:
    taken[is_unclear] = 0
    taken[is_unclear, taken.shape[1] - 2] = 1
    return taken / taken.sum(axis=1, keepdims=True)


def _labels(votes: Any, mode: str) -> Values:
    """The labels that the votes become in a mode (see `FerplusSettings`)."""
    match mode:
        case "majority":
            return majority(votes)
        case "probability":
            return _emotions_alone(probability(votes))
        case "multi-target":
            return _emotion_marks(multi_target(votes))
        case _:
            return votes


def _emotion_marks(shares: Floats) -> Values:
    """1 for each emotion with a share, 0 for the others; -1 where unknown or no face leads."""
    marks = (shares[:, :-2] > 0).astype(np.int8)
    marks[shares.argmax(axis=1) >= marks.shape[1]] = -1
    return marks


def _emotions_alone(shares: Floats) -> Floats:
    """Shares of the emotions; NaN where unknown or no face leads, and scaled to 1 where either has a share."""
    emotions = shares[:, :-2]
    leads = shares.argmax(axis=1) >= emotions.shape[1]
    total = emotions.sum(axis=1, keepdims=True)
    scaled = np.divide(emotions, total, out=np.full_like(emotions, np.nan), where=total > 0)
    scaled[leads] = np.nan
    return scaled
