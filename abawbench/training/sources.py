"""Sources of a training: files of labels, and clips of crops or features for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from abawbench.base.folders import require_names
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.challenges import Challenge, Task
from abawbench.challenges.model import Split
from abawbench.clips.clip import Clip
from abawbench.clips.crop_index import CROPS
from abawbench.clips.features import FeatureClip
from abawbench.clips.open import ClipSource, open_clips, open_features
from abawbench.datasets.folds import Deal, make_folds
from abawbench.datasets.label_file import subjects_of
from abawbench.formats import read_truth
from abawbench.table import Table, Values, join_tables

CORPUS_CARD = "corpus.json"
SYNTHETIC = "abawbench synthetic corpus"


@dataclass(frozen=True, slots=True)
class Source:
    """Places of the data of a training.

    Attributes:
        data: a folder of crops, or several folders of features, which are put end to end.
        truth: folder of the files of labels; None for the first of `data`.
        train: file of the training labels, instead of that in `truth`.
        validation: file of the validation labels, instead of that in `truth`.
        fold: number of the fold for validation, from 1, and number of folds; None for the splits as they are.
        subjects: subject of each video, which folds do not separate; None for those that the files of labels name.
        deal: the way in which groups become folds.
    """

    data: tuple[Path, ...]
    truth: Path | None = None
    train: Path | None = None
    validation: Path | None = None
    fold: tuple[int, int] | None = None
    subjects: Mapping[str, str] | None = None
    deal: Deal = "balanced"

    @property
    def dataset(self) -> str:
        """Name of the data where they are a synthetic corpus, else an empty text."""
        folder = self.truth or self.data[0]
        return SYNTHETIC if (folder / CORPUS_CARD).is_file() else ""


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of both splits.

    Attributes:
        train: labels to learn from.
        validation: labels to validate on; None where there are none.
        files: files of the labels.
        subjects: subject of each video; None where none is known.
    """

    train: Table
    validation: Table | None
    files: tuple[Path, ...]
    subjects: Mapping[str, str] | None


def read_labels(source: Source, challenge: Challenge) -> Labels:
    """Read the labels of a training.

    Raises:
        ProblemError: E19 no training labels, or no such fold; everything that is wrong with a file; D24 too few videos
            for the folds.
    """
    places = {split: _place(source, challenge, split) for split in ("train", "validation")}
    if places["train"] is None:
        expected = " or ".join(challenge.annotation_places.get("train", ())) or "a file of training labels"
        folder = source.truth or source.data[0]
        fix = "name the folder with --truth, or the file with --train"
        raise ProblemError(Problem("E19", "no labels to learn from", expected, fix, str(folder)))
    tables = {split: read_truth(challenge, path) for split, path in places.items() if path is not None}
    files = tuple(path for path in places.values() if path is not None)
    subjects = source.subjects or subjects_of(files)
    if source.fold is None:
        return Labels(tables["train"], tables.get("validation"), files, subjects)
    number, folds = source.fold
    if not 1 <= number <= folds:
        found = f"fold {number} of {folds}"
        raise ProblemError(Problem("E19", found, f"one from 1 to {folds}", "name another fold"))
    whole = join_tables(list(tables.values()))
    assigned = make_folds(whole, folds=folds, groups=subjects, tasks=challenge.tasks, deal=source.deal)
    train, held_out = (_compact(whole.take(rows)) for rows in assigned.split(whole, number - 1))
    return Labels(train, held_out, files, subjects)


def open_data(data: Sequence[Path], command: str = "abawbench faces VIDEOS OUT") -> ClipSource:
    """Open the clips of a folder of crops, or of folders of features put end to end, by unit.

    Args:
        data: the folders.
        command: command that crops the faces of videos, for the problem that they are no crops.

    Raises:
        ProblemError: F19 a name is not UTF-8; F01, E04, E21, D30, D31, P04 as `open_clips` and `open_features`.
    """
    for path in data:
        if path.is_dir():
            require_names(path / CROPS if (path / CROPS).is_dir() else path)
    return open_clips(data[0], command=command) if len(data) == 1 else open_features(data)


def digest_data(clips: Sequence[Clip]) -> str:
    """SHA-256 over units, frames, and the contents of features or the names and sizes of crops.

    Crops are not read, which would take as long as an epoch.

    Raises:
        ProblemError: F01, a file cannot be read.
    """
    state = hashlib.sha256()
    for clip in clips:
        state.update(f"{clip.video}:{len(clip)}:".encode())
        state.update(clip.frame.astype("<i4").tobytes() + clip.valid.tobytes())
        if isinstance(clip, FeatureClip):
            state.update(clip.digest().encode())
        elif clip.files is not None:
            for path in clip.files():
                try:
                    state.update(f"{path.name}:{path.stat().st_size};".encode())
                except OSError as error:
                    raise unreadable(path, error) from error
    return state.hexdigest()


def arrange_labels(table: Table, challenge: Challenge, tasks: Sequence[Task]) -> Table:
    """Arrange the labels of a challenge in the columns and classes of an entry, matched by name.

    A class that the entry does not know counts as not annotated, and so does a column that the challenge does not know.

    Args:
        table: truth of the challenge.
        challenge: challenge of the truth.
        tasks: tasks of the entry.
    """
    known = {task.name: task for task in challenge.tasks}
    values: dict[str, Values] = {}
    for task in tasks:
        asked = known.get(task.name)
        if asked is not None and type(asked) is type(task):
            values[task.name] = _arranged(table.values[task.name], asked, task)
    return replace(table, values=values)


def _place(source: Source, challenge: Challenge, split: Split) -> Path | None:
    named = source.train if split == "train" else source.validation
    if named is not None:
        return named
    folder = source.truth or source.data[0]
    return next((folder / at for at in challenge.annotation_places.get(split, ()) if (folder / at).exists()), None)


def _arranged(values: Values, asked: Task, task: Task) -> Values:
    own = task.outputs
    if not asked.is_vector:
        number = np.array([own.index(name) if name in own else -1 for name in asked.outputs] + [-1], np.int8)
        return number[values.astype(np.intp)]
    given = asked.outputs
    result = np.full((len(values), len(own)), np.nan if values.dtype.kind == "f" else -1, values.dtype)
    for place, name in enumerate(own):
        if name in given:
            result[:, place] = values[:, given.index(name)]
    return cast(Values, result)


def _compact(table: Table) -> Table:
    """The table without the units that have no row."""
    used = np.unique(table.video)
    number = np.full(len(table.videos), -1, np.int32)
    number[used] = np.arange(len(used), dtype=np.int32)
    return replace(table, videos=tuple(table.videos[place] for place in used.tolist()), video=number[table.video])
