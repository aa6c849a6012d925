"""The classical entry: histograms of oriented gradients of a crop, and a linear head for each task that has labels."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from abawbench.base.files import read_input, write_file
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError
from abawbench.base.typed import typed
from abawbench.challenges import Task
from abawbench.clips.clip import Clip
from abawbench.entries.baselines.labelled import LabelledTask, crop_of_row, labelled_tasks
from abawbench.entries.model import Answers, Card
from abawbench.entries.outputs import activate_scores
from abawbench.models.image_input import GREY
from abawbench.table import Floats, Rows, Table

Features = NDArray[np.float32]

# crops whose features are computed at a time
CHUNK = 512
ORIENTATIONS = 9
BLOCK = 2
# Dalal and Triggs cut a normalised block at 0.2, so that one strong edge does not drown the others
CEILING = 0.2

# what numpy raises on files that are damaged or lie about their sizes
DAMAGED = (
    *(ValueError, LookupError, TypeError, AttributeError, EOFError, MemoryError, OSError, RuntimeError),
    *(NotImplementedError, OverflowError, zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True, slots=True)
class HogSettings:
    """Settings of the classical entry.

    Attributes:
        cell: side of a cell in pixels.
        inverse_penalty: scikit-learn's C of the logistic heads.
        ridge_penalty: scikit-learn's alpha of the ridge heads.
    """

    cell: Annotated[int, Field(ge=2)] = 8
    inverse_penalty: Annotated[float, Field(ge=1e-9)] = 1.0
    ridge_penalty: Annotated[float, Field(ge=1e-9)] = 1.0


@dataclass(frozen=True, eq=False)
class Head:
    """A linear map from features to one task.

    Attributes:
        task: task of the head, with the columns that had labels.
        weight: slopes, shape (features, width).
        bias: intercepts, shape (width,); minus infinity for a class that never occurred in training, plus or minus
            infinity for an action unit that was always or never on.
    """

    task: Task
    weight: Floats
    bias: Floats


@dataclass(frozen=True, eq=False)
class UntrainedClassical:
    """The classical entry before its fit."""

    card: Card
    vocabulary: tuple[Task, ...]
    settings: HogSettings

    def fit(self, clips: Sequence[Clip], truth: Table) -> Classical:
        """Fit logistic regression to classes and each action unit, ridge regression to each continuous column.

        A task or a column without labels gets no head, and is not on the card of the fitted entry.

        Raises:
            ProblemError: E07, no row has both a label and a crop; E06, crops smaller than a block.
        """
        from threadpoolctl import threadpool_limits

        crops = crop_of_row(clips, truth)
        parts = [_features(clip, self.settings.cell) for clip in clips]
        features = np.concatenate(parts) if parts else np.empty((0, 0), np.float32)
        # many small problems: on a busy machine threads would wait for each other more than they work
        with threadpool_limits(1):
            heads = tuple(
                self._head(part, features, crops)
                for part in labelled_tasks(self.vocabulary, truth, self.card.name, crops >= 0)
            )
        card = replace(
            self.card, tasks=tuple(head.task for head in heads), trained_videos=tuple(clip.video for clip in clips)
        )
        return Classical(card, self.settings, heads)

    def _head(self, part: LabelledTask, features: Features, crops: Rows) -> Head:
        fits: list[tuple[Floats, Floats]] = []
        for column in range(part.values.shape[1]):
            rows = part.annotated[:, column]
            known, target = features[crops[rows]], part.values[rows, column]
            if part.task.is_real:
                fits.append(_ridge(known, target, self.settings.ridge_penalty))
            elif part.task.is_vector:
                weight, bias = _logistic(known, target, 2, self.settings.inverse_penalty)
                # the probability of 1 depends on the difference of the two scores only
                fits.append((weight[:, 1:] - weight[:, :1], bias[1:] - bias[:1]))
            else:
                fits.append(_logistic(known, target, part.task.width, self.settings.inverse_penalty))
        return Head(part.task, np.hstack([weight for weight, _ in fits]), np.concatenate([bias for _, bias in fits]))


@dataclass(frozen=True, eq=False)
class Classical:
    """The fitted classical entry, which predicts with NumPy alone."""

    card: Card
    settings: HogSettings
    heads: tuple[Head, ...]

    def predict(self, clip: Clip) -> Answers:
        """Answers to each frame, NaN on invalid frames.

        Raises:
            ProblemError: E06, crops of another size than in the fit.
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


def create(card: Card, vocabulary: tuple[Task, ...], settings: HogSettings) -> UntrainedClassical:
    """The entry of `kind = "hog"` in an entry.toml."""
    return UntrainedClassical(card, vocabulary, settings)


def save(entry: Classical, path: Path) -> None:
    """Write a fitted entry to one `.npz` file without pickle: coefficients as arrays, card and settings as JSON.

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
    """The fitted entry in a file that `save` wrote.

    Raises:
        ProblemError: F01 there is no such file, E04 the file holds something else.
    """
    try:
        with np.load(io.BytesIO(read_input(path)), allow_pickle=False) as arrays:
            facts = parse_fields(bytes(arrays["facts"]))
            card = Card.from_json(facts["card"])
            heads = tuple(Head(task, arrays[f"{task.name}.weight"], arrays[f"{task.name}.bias"]) for task in card.tasks)
            for head in heads:
                shapes = head.weight.shape[1:], head.bias.shape
                if head.weight.ndim != 2 or shapes != ((head.task.width,),) * 2 or np.isnan(head.weight).any():
                    raise ValueError(f"a head of shape {head.weight.shape}")
            return Classical(card, typed(HogSettings)(facts["settings"]), heads)
    except FileNotFoundError as error:
        raise ProblemError(Problem("F01", "no such file", "a fitted entry", "fit it first", str(path))) from error
    except DAMAGED as error:
        found = f"a file that cannot be read as a fitted entry ({type(error).__name__})"
        expected = "a fitted entry, as saved by this version"
        raise ProblemError(Problem("E04", found, expected, "fit and save it again", str(path))) from error


def _features(clip: Clip, cell: int) -> Features:
    """Features of the valid frames of a clip, shape (valid frames, features)."""
    if clip.size < 2 * cell:
        found = f"crops of {clip.size} pixels in {clip.video}"
        raise ProblemError(Problem("E06", found, f"crops of {2 * cell} pixels or more", "align the faces first"))
    positions = np.flatnonzero(clip.valid)
    parts: list[Features] = [np.empty((0, (clip.size // cell - 1) ** 2 * 36), np.float32)]
    for start in range(0, len(positions), CHUNK):
        crops = clip.read(positions[start : start + CHUNK])
        # the mean with the mirror image, so that answers do not depend on the side of the face
        parts.append((hog(crops, cell=cell) + hog(crops[:, :, ::-1], cell=cell)) / np.float32(2))
    return np.concatenate(parts)


def _ridge(features: Features, target: Floats, penalty: float) -> tuple[Floats, Floats]:
    from sklearn.linear_model import Ridge

    fitted = Ridge(alpha=penalty).fit(features.astype(np.float64), target)
    return np.asarray(fitted.coef_, np.float64).reshape(-1, 1), np.atleast_1d(np.float64(fitted.intercept_))


def _logistic(features: Features, target: Floats, classes: int, inverse_penalty: float) -> tuple[Floats, Floats]:
    """Weight (features, classes) and bias (classes,) of multinomial regression; classes without rows get -infinity."""
    from sklearn.linear_model import LogisticRegression

    present = np.unique(target).astype(np.int64)
    weight, bias = np.zeros((features.shape[1], classes)), np.full(classes, -np.inf)
    if len(present) == 1:
        bias[present] = 0.0
        return weight, bias
    exact = features.astype(np.float64)
    model = LogisticRegression(C=inverse_penalty, max_iter=2000, tol=1e-6)
    if len(exact) < exact.shape[1]:
        # the penalised optimum lies in the span of the rows, where it is found many times faster
        left, strength, basis = np.linalg.svd(exact, full_matrices=False)
        fitted = model.fit(left * strength, target)
        slopes = np.asarray(fitted.coef_) @ basis
    else:
        fitted = model.fit(exact, target)
        slopes = np.asarray(fitted.coef_)
    # scikit-learn returns one difference for two classes
    fitted_classes = present[-len(slopes) :]
    bias[present] = 0.0
    weight[:, fitted_classes], bias[fitted_classes] = slopes.T, fitted.intercept_
    return weight, bias


def hog(crops: NDArray[np.uint8], *, cell: int) -> Features:
    """Histograms of oriented gradients of square crops, which do not depend on brightness and contrast.

    Square root of grey, centred differences, nine unsigned directions where each gradient counts for the two nearest,
    sums over cells, blocks of 2 x 2 cells with L2-Hys normalisation.

    Args:
        crops: shape (crops, size, size, 3), RGB.
        cell: side of a cell in pixels; a remainder at the right and lower edge is left out.

    Returns:
        Shape (crops, (size // cell - 1) ** 2 * 36), values in [0, 1].

    Source: Dalal and Triggs 2005, CVPR.
    """
    grey = np.sqrt(crops.astype(np.float32) @ np.array(GREY["rec601"], np.float32) / 255)
    across, down = np.zeros_like(grey), np.zeros_like(grey)
    across[:, :, 1:-1] = grey[:, :, 2:] - grey[:, :, :-2]
    down[:, 1:-1, :] = grey[:, 2:, :] - grey[:, :-2, :]
    cells = _cells(np.hypot(across, down), np.arctan2(down, across), cell)
    return _blocks(cells)


def _cells(strength: Features, angle: Features, cell: int) -> Features:
    """Gradient strength by direction, summed over each cell, shape (crops, cells, cells, 9)."""
    count, size = strength.shape[0], strength.shape[1] // cell
    used = size * cell
    strength = strength[:, :used, :used]
    place = np.mod(angle[:, :used, :used], np.pi) * np.float32(ORIENTATIONS / np.pi) - np.float32(0.5)
    lower = np.floor(place)
    to_upper = strength * (place - lower)
    row = np.arange(used) // cell
    first_bin = (np.arange(count)[:, np.newaxis, np.newaxis] * size + row[:, np.newaxis]) * size + row
    histograms = np.zeros(count * size * size * ORIENTATIONS)
    for direction, share in ((lower, strength - to_upper), (lower + 1, to_upper)):
        bins = first_bin * ORIENTATIONS + np.mod(direction, ORIENTATIONS).astype(np.int64)
        histograms += np.bincount(bins.ravel(), share.ravel(), len(histograms))
    return histograms.astype(np.float32).reshape(count, size, size, ORIENTATIONS)


def _blocks(cells: Features) -> Features:
    """Normalised blocks of 2 x 2 cells, shape (crops, features)."""
    count, size = cells.shape[:2]
    span = size - BLOCK + 1
    corners = [cells[:, i : i + span, j : j + span] for i in range(BLOCK) for j in range(BLOCK)]
    blocks = np.concatenate(corners, axis=-1)
    for ceiling in (CEILING, 1.0):
        norm = np.sqrt(np.sum(blocks**2, axis=-1, keepdims=True) + 1e-6)
        blocks = np.minimum(blocks / norm, ceiling)
    return blocks.reshape(count, -1).astype(np.float32)
