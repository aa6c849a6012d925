"""Votes of FERPlus: ten people look at a face, and the reader makes one label of what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Marks, Numbers, TaskFacts
from abawbench.datasets.readers import values
from abawbench.datasets.readers.assemble import Part, assemble
from abawbench.datasets.readers.finding import LabelFile, label_files
from abawbench.datasets.readers.model import Labels
from abawbench.datasets.readers.options import check_options, text_option, texts_option
from abawbench.datasets.readers.sheet import Sheet, read_sheet
from abawbench.datasets.readers.tables import form_of, part_of, role_columns
from abawbench.datasets.readers.values import Rows, trimmed
from abawbench.table import Floats, Values

# votes for no emotion, the last two columns
UNKNOWN, NO_FACE = "unknown", "NF"
MODES = {"majority": "classes", "probability": "numbers", "multi-target": "marks", "votes": "numbers"}


def read_ferplus(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Labels from counts of votes over eight emotions, unknown and no face (`NF`).

    A row without the name of a picture shows no face and is left out. Votes of a single person are dropped first in
    every mode but `votes`.

    Options: those of the reader `table` for path, split, splits, header, names; and
        columns: names of the ten columns of votes, unknown and NF last.
        mode: what becomes of the votes.
            majority: the class with more than half of them, else unknown (one task of classes).
            probability: shares of the leading emotions, up to three; NaN where they hold no more than half of the
                votes or a face is not seen as an emotion (numbers).
            multi-target: 1 for each emotion with at least 30 % of them; -1 likewise (marks).
            votes: the counts as they are (numbers).

    Problems: those of `table`; D01 a mode or columns that do not go with the task.

    Source: microsoft/FERPlus:src/ferplus.py, `_process_data`; Barsoum et al. 2016, arXiv:1608.01041.
    """
    facts, columns, mode = _settings(label_set)
    parts: list[Part] = []
    for file in label_files(label_set, root, problems):
        part = _read_file(label_set, root, file, columns, problems)
        if part is not None:
            votes = part.values[facts.name]
            parts.append(_labelled(part, facts, mode, np.asarray(votes, np.float64)))
    return assemble(manifest, label_set, root, parts, problems)


def majority(votes: Floats) -> Values:
    """Shape (rows,): the class with more than half of the votes, else the last but one. Votes: (rows, classes)."""
    counted = _without_single_votes(votes)
    is_clear = counted.max(axis=1) > 0.5 * counted.sum(axis=1)
    return np.where(is_clear, counted.argmax(axis=1), votes.shape[1] - 2).astype(np.int8)


def probability(votes: Floats) -> Floats:
    """Shape (rows, classes), each row sums to 1: the leading classes until they hold three quarters of the votes.

    Rows that stay unclear have 1 at the last but one class.
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
                # nothing is taken after unknown or no face, and neither stands beside an emotion
                goes_on &= ~hit
                active &= ~hit
                beside = hit & (taken.sum(axis=1) > largest)
                taken[beside, place] = 0
                count[beside] -= 1
    return _shares(taken, (taken.sum(axis=1) <= 0.5 * total) | (count > 3))


def multi_target(votes: Floats) -> Floats:
    """Shape (rows, classes): shares of those with at least 30 % of the votes; unclear rows as in `probability`."""
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


def _settings(label_set: LabelSet) -> tuple[TaskFacts, tuple[str, ...], str]:
    check_options(label_set, ("path", "split", "splits", "header", "names", "columns", "mode"))
    mode = text_option(label_set, "mode", "majority")
    names = texts_option(label_set, "columns")
    facts = label_set.tasks[0]
    given = facts.classes if isinstance(facts, Classes) else facts.columns
    wanted = names if mode in {"majority", "votes"} else names[:-2]
    if MODES.get(mode) != facts.kind or given != wanted or len(label_set.tasks) > 1 or names[-2:] != (UNKNOWN, NO_FACE):
        found = f"mode '{mode}' with {facts.kind} {', '.join(given)}"
        expected = f"one of {', '.join(MODES)} with {MODES.get(mode, 'its task')} {', '.join(wanted)}"
        raise ProblemError(Problem("D01", found, expected, "correct the label set", label_set.id))
    return facts, names, mode


def _read_file(
    label_set: LabelSet, root: Path, file: LabelFile, columns: tuple[str, ...], problems: Problems
) -> Part | None:
    import pyarrow as pa

    roles = role_columns(label_set)
    wanted = list(dict.fromkeys([*roles.values(), *columns]))
    sheet = read_sheet(file.path, wanted, form_of(label_set, file.path), problems)
    if sheet is None:
        return None
    is_named = np.array([bool(name) for name in trimmed(sheet.columns[str(roles["path"])]).to_pylist()], np.bool_)
    keep = pa.array(is_named)
    named = {name: column.filter(keep) for name, column in sheet.columns.items()}
    sheet = Sheet(sheet.file, named, sheet.line[is_named], sheet.first)
    counts = Numbers(kind="numbers", name=label_set.tasks[0].name, columns=columns, low=0, high=10)

    def votes_of(_: LabelSet, sheet: Sheet, rows: Rows) -> dict[str, Values]:
        return {counts.name: values.numbers([sheet.columns[name] for name in columns], counts, rows)}

    return part_of(label_set, root, file, sheet, votes_of, problems)


def _labelled(part: Part, facts: TaskFacts, mode: str, votes: Floats) -> Part:
    import dataclasses

    made: Any
    match facts:
        case Classes():
            made = majority(votes)
        case Marks():
            shares = multi_target(votes)
            emotions = (shares[:, :-2] > 0).astype(np.int8)
            emotions[shares.argmax(axis=1) >= emotions.shape[1]] = -1
            made = emotions
        case Numbers():
            made = votes if mode == "votes" else _emotions_alone(probability(votes))
    return dataclasses.replace(part, values={facts.name: made})


def _emotions_alone(shares: Floats) -> Floats:
    """Shares of the emotions; NaN where unknown or no face leads, and scaled to 1 where either has a share."""
    emotions = shares[:, :-2]
    leads = shares.argmax(axis=1) >= emotions.shape[1]
    total = emotions.sum(axis=1, keepdims=True)
    scaled = np.divide(emotions, total, out=np.full_like(emotions, np.nan), where=total > 0)
    scaled[leads] = np.nan
    return scaled
