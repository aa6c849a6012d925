"""What a report is about: a truth, and a prediction of it with everything that is known beside the decided rows."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from abawbench.base.hashes import sha256_of
from abawbench.challenges import Challenge
from abawbench.entries.outputs import covered
from abawbench.fill import MOST_FILLED, Policy
from abawbench.inference import FACES, is_store
from abawbench.inference.store import Store, open_store, table_of
from abawbench.records import TunedUse
from abawbench.reports.masking import NOTHING, Masking
from abawbench.scoring import Paired, Resampling, Score, pair, score_paired
from abawbench.scoring.intervals import USUAL
from abawbench.table import Floats, Rows, Table
from abawbench.tuning.inputs.stream import Stream, read_stream


@dataclass(frozen=True, eq=False)
class Source:
    """A prediction as it was read: its rows, its path (a file, a folder or a store), and how tuned values were used."""

    table: Table
    path: Path
    tuned: TunedUse | None = None


@dataclass(frozen=True, eq=False)
class StoreRows:
    """What a prediction store knows of the rows of a truth.

    Attributes:
        store: the store.
        stream: its answers to all frames.
        answers: probabilities and values by task, shape (rows, width), NaN where there is none.
        gap: number of frames to the nearest frame of the unit without a crop, infinite in a unit without such a frame,
            NaN where the store does not have the frame; shape (rows,).
    """

    store: Store
    stream: Stream
    answers: Mapping[str, Floats]
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
        tuned: how tuned values were used; None where they were not.
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
    tuned: TunedUse | None = None

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
    tuned: TunedUse | None = None,
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
        tuned: how tuned values were used; None where they were not.
        missing: fill policy for annotated rows without a prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resampling: resampling of the intervals.
        masking: names that may not be shown.

    Raises:
        ProblemError: as for `score`; P02, the files of a store are damaged.
    """
    paired = pair(challenge, truth, prediction, missing=missing, allow_filled=allow_filled)
    store = open_store(path) if is_store(path) else None
    rows = None if store is None else store_rows(store, challenge, truth, paired if tuned is None else None)
    shown = masking.paired(paired)
    own = Resampling(resampling.resamples, resampling.seed, masking.subjects(resampling.subjects))
    name = masking.text(path.name if store is None else store.card.name)
    return Subject(
        name=name,
        short=name,
        place=masking.text(str(path)),
        sha256=sha256_of(path),
        paired=shown,
        unmasked=paired,
        score=score_paired(challenge, shown, own),
        rows=rows,
        crops=path / FACES if store is not None and (path / FACES).is_dir() else None,
        tuned=tuned,
    )


def store_rows(store: Store, challenge: Challenge, truth: Table, paired: Paired | None) -> StoreRows:
    """What a store knows of the rows of a truth.

    Args:
        store: the store.
        challenge: the challenge.
        truth: annotated rows.
        paired: the truth, paired with the table of the store; None where the scored table is another one, by tuned
            values.

    Raises:
        ProblemError: P02, the files of a unit are damaged.
    """
    stream = read_stream(store, challenge)
    if paired is None:
        paired = pair(challenge, truth, table_of(store, challenge), missing="nearest", allow_filled=1.0)
    # the table of a store has its answered frames in this order
    answered = np.flatnonzero(stream.valid | stream.filled)
    place: Rows = paired.alignment.rows
    is_there = place >= 0
    frames = answered[place[is_there]]

    def on_rows(values: Floats) -> Floats:
        result = np.full((len(place), *values.shape[1:]), np.nan)
        result[is_there] = values[frames]
        return result

    answers: dict[str, Floats] = {}
    for task in challenge.tasks:
        known = covered(store.card, task)
        if known:
            answers[task.name] = on_rows(stream.answers[task.name])
            answers[task.name][:, [name not in known for name in task.outputs]] = np.nan
    return StoreRows(store, stream, answers, on_rows(_gaps(stream)))


def _gaps(stream: Stream) -> Floats:
    """Number of frames from each frame to the nearest one of its unit without a crop, shape (frames,)."""
    result = np.full(len(stream), np.inf)
    ends = np.append(np.flatnonzero(np.diff(stream.unit, prepend=-1)), len(stream))
    for begin, end in itertools.pairwise(ends.tolist()):
        frame = stream.frame[begin:end].astype(np.float64)
        lacking = frame[~stream.valid[begin:end]]
        if len(lacking):
            after = np.searchsorted(lacking, frame)
            before, behind = lacking[np.maximum(after - 1, 0)], lacking[np.minimum(after, len(lacking) - 1)]
            result[begin:end] = np.minimum(np.abs(frame - before), np.abs(behind - frame))
    return result
