"""The classical entry: edge histograms of an aligned crop, a linear head for each task that has labels."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abawbench.base.files import write_file
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Continuous, Task
from abawbench.clips.clip import Clip
from abawbench.entries.baselines.hog import Features, hog
from abawbench.entries.baselines.labelled import crop_of_row, refuse_nothing, restricted, values_of, with_labels
from abawbench.entries.model import Answers, Card
from abawbench.entries.outputs import activate_scores
from abawbench.table import Floats, Mask, Table

CHUNK = 512


@dataclass(frozen=True, slots=True)
class Settings:
    """What is not learned.

    Attributes:
        cell: side of a cell in pixels.
        inverse_penalty: scikit-learn's C of the logistic heads.
        ridge_penalty: scikit-learn's alpha of the ridge heads.
    """

    cell: int = 8
    inverse_penalty: float = 1.0
    ridge_penalty: float = 1.0


@dataclass(frozen=True, eq=False)
class Head:
    """A linear map from features to one task.

    Attributes:
        task: what it answers; only the columns that had labels.
        weight: shape (features, width).
        bias: shape (width,); minus infinity for a class that never occurred in training, plus or minus infinity for an
            action unit that was always or never on.
    """

    task: Task
    weight: Floats
    bias: Floats


@dataclass(frozen=True, eq=False)
class Untrained:
    """The entry before its fit."""

    card: Card
    vocabulary: tuple[Task, ...]
    settings: Settings

    def fit(self, clips: Sequence[Clip], truth: Table) -> Classical:
        """Logistic regression for classes and for each action unit, ridge regression for each continuous column.

        A task without labels gets no head and stands not in the card of the result; nor does a column without labels.

        Raises:
            ProblemError: E07, no row has both a label and a crop; E06, crops smaller than a block.
        """
        from threadpoolctl import threadpool_limits

        crops = crop_of_row(clips, truth)
        parts = [_features(clip, self.settings.cell) for clip in clips]
        features = np.concatenate(parts) if parts else np.empty((0, 0), np.float32)
        heads: list[Head] = []
        # many small problems: on a busy machine threads would wait for each other more than they work
        with threadpool_limits(1):
            for task in self.vocabulary:
                values, annotated = values_of(task, truth)
                annotated &= (crops >= 0)[:, np.newaxis]
                labelled = with_labels(annotated)
                if labelled.any():
                    kept = restricted(task, labelled)
                    heads.append(self._head(kept, features, crops, values[:, labelled], annotated[:, labelled]))
        refuse_nothing([head.task for head in heads], self.card.name, truth)
        card = replace(
            self.card, tasks=tuple(head.task for head in heads), trained_videos=tuple(clip.video for clip in clips)
        )
        return Classical(card, self.settings, tuple(heads))

    def _head(self, task: Task, features: Features, crops: NDArray[np.int64], values: Floats, annotated: Mask) -> Head:
        fits: list[tuple[Floats, Floats]] = []
        for column in range(values.shape[1]):
            rows = annotated[:, column]
            seen, target = features[crops[rows]], values[rows, column]
            if isinstance(task, Continuous):
                fits.append(_ridge(seen, target, self.settings.ridge_penalty))
            elif isinstance(task, Categorical):
                fits.append(_logistic(seen, target, len(task.classes), self.settings.inverse_penalty))
            else:
                weight, bias = _logistic(seen, target, 2, self.settings.inverse_penalty)
                # the probability of 1 depends on the difference of the two scores only
                fits.append((weight[:, 1:] - weight[:, :1], bias[1:] - bias[:1]))
        return Head(task, np.hstack([weight for weight, _ in fits]), np.concatenate([bias for _, bias in fits]))


@dataclass(frozen=True, eq=False)
class Classical:
    """The fitted entry; needs NumPy alone, beside what reads the crops."""

    card: Card
    settings: Settings
    heads: tuple[Head, ...]

    def predict(self, clip: Clip) -> Answers:
        """Probabilities and values by task, NaN on frames that are not valid.

        Raises:
            ProblemError: E06, crops of another size than those of the fit.
        """
        features = _features(clip, self.settings.cell)
        scores: dict[str, Floats] = {}
        for head in self.heads:
            if features.shape[1] != head.weight.shape[0]:
                found = f"crops of {clip.size} pixels in {clip.video}"
                raise ProblemError(
                    Problem("E06", found, "crops of the size it was fitted on", "align the faces to that size")
                )
            scores[head.task.name] = features.astype(np.float64) @ head.weight + head.bias
        return activate_scores([head.task for head in self.heads], scores, clip)


def create(card: Card, vocabulary: tuple[Task, ...], settings: Settings) -> Untrained:
    """The entry that `kind = "hog"` of an entry.toml asks for.

    Raises:
        ProblemError: E02, a setting out of range.
    """
    wrong = [
        Problem("E02", f"settings.{name} = {value:g}", f"a number of at least {least:g}", "correct the setting")
        for name, value, least in (
            ("cell", settings.cell, 2),
            ("inverse_penalty", settings.inverse_penalty, 1e-9),
            ("ridge_penalty", settings.ridge_penalty, 1e-9),
        )
        if not value >= least
    ]
    if wrong:
        raise ProblemError(*wrong)
    return Untrained(card, vocabulary, settings)


def save(entry: Classical, path: Path) -> None:
    """Write a fitted entry to one `.npz` file: coefficients as arrays, card and settings as JSON text. No pickle.

    The bytes depend on the entry alone; the file appears whole or not at all.
    """
    facts = {
        "card": entry.card.to_json(),
        "settings": asdict(entry.settings),
    }
    arrays = {f"{head.task.name}.{part}": getattr(head, part) for head in entry.heads for part in ("weight", "bias")}
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            # a fixed date, else two runs give two files
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), buffer.getvalue())
    write_file(path, whole.getvalue())


def load(path: Path) -> Classical:
    """A fitted entry that `save` wrote.

    Raises:
        ProblemError: F01 there is no such file, E04 it is something else.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            facts = json.loads(bytes(arrays["facts"]))
            card = Card.from_json(facts["card"])
            heads = tuple(Head(task, arrays[f"{task.name}.weight"], arrays[f"{task.name}.bias"]) for task in card.tasks)
            return Classical(card, Settings(**facts["settings"]), heads)
    except FileNotFoundError as error:
        raise ProblemError(Problem("F01", "no such file", "a fitted entry", "fit it first", str(path))) from error
    except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
        found = f"a file that does not read as one ({type(error).__name__})"
        expected = "a fitted entry, as saved by this version"
        raise ProblemError(Problem("E04", found, expected, "fit and save it again", str(path))) from error


def _features(clip: Clip, cell: int) -> Features:
    """Shape (valid frames, features)."""
    if clip.size < 2 * cell:
        found = f"crops of {clip.size} pixels in {clip.video}"
        raise ProblemError(Problem("E06", found, f"crops of {2 * cell} pixels or more", "align the faces first"))
    positions = np.flatnonzero(clip.valid)
    parts: list[Features] = [np.empty((0, (clip.size // cell - 1) ** 2 * 36), np.float32)]
    for start in range(0, len(positions), CHUNK):
        crops = clip.read(positions[start : start + CHUNK])
        # the mean with the mirror image: no answer depends on which side of the face is which
        parts.append((hog(crops, cell=cell) + hog(crops[:, :, ::-1], cell=cell)) / np.float32(2))
    return np.concatenate(parts)


def _ridge(features: Features, target: Floats, penalty: float) -> tuple[Floats, Floats]:
    from sklearn.linear_model import Ridge

    fitted = Ridge(alpha=penalty).fit(features.astype(np.float64), target)
    return np.asarray(fitted.coef_, np.float64).reshape(-1, 1), np.atleast_1d(np.float64(fitted.intercept_))


def _logistic(features: Features, target: Floats, classes: int, inverse_penalty: float) -> tuple[Floats, Floats]:
    """Weight (features, classes) and bias (classes,) of multinomial regression; classes without rows get no chance."""
    from sklearn.linear_model import LogisticRegression

    present = np.unique(target).astype(np.int64)
    weight, bias = np.zeros((features.shape[1], classes)), np.full(classes, -np.inf)
    if len(present) == 1:
        bias[present] = 0.0
        return weight, bias
    seen = features.astype(np.float64)
    model = LogisticRegression(C=inverse_penalty, max_iter=2000, tol=1e-6)
    if len(seen) < seen.shape[1]:
        # the penalised optimum lies in the span of the rows: the same is found there many times faster
        left, strength, basis = np.linalg.svd(seen, full_matrices=False)
        fitted = model.fit(left * strength, target)
        slopes = np.asarray(fitted.coef_) @ basis
    else:
        fitted = model.fit(seen, target)
        slopes = np.asarray(fitted.coef_)
    # of two classes scikit-learn gives the difference only
    given = present[-len(slopes) :]
    bias[present] = 0.0
    weight[:, given], bias[given] = slopes.T, fitted.intercept_
    return weight, bias
