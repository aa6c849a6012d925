"""What a report is about: a truth, and a prediction of it with everything that is known beside the decided rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from abawbench.base.hashes import sha256_of
from abawbench.challenges import Challenge
from abawbench.entries.outputs import covered
from abawbench.fill import MOST_FILLED, Policy
from abawbench.inference import is_store
from abawbench.inference.store import Predictions, Store, open_store
from abawbench.reports.masking import NOTHING, Masking
from abawbench.scoring import Paired, Resampling, Score, pair, score_paired
from abawbench.scoring.intervals import USUAL
from abawbench.table import Floats, Mask, Rows, Table


@dataclass(frozen=True, eq=False)
class StoreRows:
    """What a prediction store knows of the rows of a truth.

    Attributes:
        store: the store.
        answers: probabilities and values by task, shape (rows, width), NaN where there is none.
        own: True where the entry answered from a crop of the row's own frame, shape (rows,).
        gap: number of frames to the nearest frame of the unit without a crop, infinite in a unit without such a frame,
            NaN where the store does not have the frame; shape (rows,).
    """

    store: Store
    answers: Mapping[str, Floats]
    own: Mask
    gap: Floats


@dataclass(frozen=True, eq=False)
class Subject:
    """A prediction and its score.

    Attributes:
        name: name of the prediction as it is shown.
        short: what tables call it: its name, or a letter where there are two.
        place: path of the prediction as it is shown.
        sha256: hash of the prediction.
        paired: truth and prediction, under the names that may be shown.
        unmasked: the same under the names of the inputs, to look up and compute what depends on names; never shown.
        score: the score.
        rows: what the store knows of the rows; None for a prediction file.
        crops: folder of the crops of the store; None where it has none.
    """

    name: str
    short: str
    place: str
    sha256: str
    paired: Paired
    unmasked: Paired
    score: Score
    rows: StoreRows | None
    crops: Path | None

    @property
    def units(self) -> tuple[str, ...]:
        """Names of the units of the truth as the inputs have them; never shown."""
        return self.unmasked.truth.videos


def subject_of(
    challenge: Challenge,
    truth: Table,
    prediction: Table,
    path: Path,
    *,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resampling: Resampling = USUAL,
    masking: Masking = NOTHING,
) -> Subject:
    """Score a prediction, and gather what its store knows.

    Args:
        challenge: the challenge.
        truth: annotated rows.
        prediction: rows of the prediction, as read from `path`.
        path: file, folder or store of the prediction.
        missing: fill policy for annotated rows without a prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resampling: resampling of the intervals.
        masking: names that may not be shown.

    Raises:
        ProblemError: as for `score`; P02, the files of a store are damaged.
    """
    paired = pair(challenge, truth, prediction, missing=missing, allow_filled=allow_filled)
    store = open_store(path) if is_store(path) else None
    rows = None if store is None else store_rows(store, challenge, paired)
    shown = masking.paired(paired)
    own = Resampling(resampling.resamples, resampling.seed, masking.subjects(resampling.subjects))
    name = masking.text(path.name if store is None else store.card.name)
    return Subject(
        name=name,
        short=name,
        place=masking.text(str(path)),
        sha256=sha256_of(path) if store is None else store.key,
        paired=shown,
        unmasked=paired,
        score=score_paired(challenge, shown, own),
        rows=rows,
        crops=path / "faces" if store is not None and (path / "faces").is_dir() else None,
    )


def store_rows(store: Store, challenge: Challenge, paired: Paired) -> StoreRows:
    """What a store knows of the rows of a truth that its table was paired with.

    Raises:
        ProblemError: P02, the files of a unit are damaged.
    """
    units = [store.read(name) for name in store.units()]
    # the table of a store has its answered frames in this order
    answered = [np.flatnonzero(unit.valid | unit.filled) for unit in units]
    place: Rows = paired.alignment.rows
    is_there = place >= 0

    def on_rows(parts: list[Floats], width: tuple[int, ...] = ()) -> Floats:
        result = np.full((len(place), *width), np.nan)
        result[is_there] = np.concatenate(parts)[place[is_there]]
        return result

    answers: dict[str, Floats] = {}
    for task in challenge.tasks:
        own = store.card.task(task.name)
        known = covered(store.card, task)
        if own is None or not known:
            continue
        values = np.full((sum(map(len, answered)), task.width), np.nan)
        for name in known:
            parts = [unit.answers[task.name][rows] for unit, rows in zip(units, answered, strict=True)]
            values[:, task.outputs.index(name)] = np.concatenate(parts)[:, own.outputs.index(name)]
        answers[task.name] = on_rows([values], (task.width,))
    valid = on_rows([unit.valid[rows].astype(np.float64) for unit, rows in zip(units, answered, strict=True)])
    gaps = on_rows([_gaps(unit)[rows] for unit, rows in zip(units, answered, strict=True)])
    return StoreRows(store, answers, valid == 1, gaps)


def _gaps(unit: Predictions) -> Floats:
    """Number of frames from each frame to the nearest one without a crop, shape (frames,)."""
    lacking = unit.frame[~unit.valid].astype(np.float64)
    if not len(lacking):
        return np.full(len(unit.frame), np.inf)
    after = np.searchsorted(lacking, unit.frame)
    before, behind = lacking[np.maximum(after - 1, 0)], lacking[np.minimum(after, len(lacking) - 1)]
    return np.minimum(np.abs(unit.frame - before), np.abs(behind - unit.frame))
