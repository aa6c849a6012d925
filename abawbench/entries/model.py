"""The interface of any model: a card that describes it, and one method that answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from abawbench.base.hashes import sha256_of
from abawbench.base.problems import Problem, ProblemError
from abawbench.base.typed import typed
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.clips.clip import Clip, Frames
from abawbench.models.image_input import ImageInput
from abawbench.table import Floats, Table

Answers = Mapping[str, Floats]
FrameFeatures = NDArray[np.float32]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class Weights:
    """A file that an entry was loaded from.

    Attributes:
        role: purpose of the file, as `backbone` or `heads`.
        file: name of the file.
        sha256: hash of the file.
        licence: licence of the weights, as SPDX id or in words.
        source: place where the file is published; empty where it is not known.
    """

    role: str
    file: str
    sha256: str
    licence: str
    source: str


@dataclass(frozen=True, slots=True)
class Card:
    """The description of an entry.

    Attributes:
        name: name of the entry, `<year>_<team>_<method>`.
        title: title of the entry, a few words.
        tasks: tasks that it answers, each with its own classes, columns and range; empty before a fit.
        picture: crops that it takes: size, colour, and what they show; None for an entry without pictures.
        trained_on: data sets whose labels or pictures it was made from, those of its weights included.
        trained_videos: videos of the last fit.
        sees_truth: True for a control that reads the labels it is scored on; its score is never a result.
        licence: SPDX id of the code; each file of weights has a licence of its own.
        paper: reference to the paper that describes it.
        notes: remarks that a reader of its score must know.
        weights: files that it was loaded from.
        networks: facts about each network that encodes crops: kind, size, colour, mean, deviation, layer, pooling,
            width.
    """

    name: str
    title: str
    tasks: tuple[Task, ...]
    picture: ImageInput | None
    trained_on: tuple[str, ...] = ()
    trained_videos: tuple[str, ...] = ()
    sees_truth: bool = False
    licence: str = ""
    paper: str | None = None
    notes: tuple[str, ...] = ()
    weights: tuple[Weights, ...] = ()
    networks: tuple[Mapping[str, Any], ...] = ()

    @property
    def crop(self) -> str:
        """Name of the crop that it takes, by its picture or else by its trained weights; empty where any will do."""
        if self.picture is not None and self.picture.crop:
            return self.picture.crop
        trained = [network["intake"] for network in self.networks if "sha256" in network and "intake" in network]
        known = {intake.get("crop", "") for intake in trained} - {""}
        return known.pop() if len(known) == 1 else ""

    def task(self, name: str) -> Task | None:
        """Look up a task by name; None where the entry does not answer it."""
        return next((task for task in self.tasks if task.name == name), None)

    def to_json(self) -> dict[str, object]:
        """Every field, and each task with its kind."""
        record = asdict(self)
        # normalisation stands with the networks
        keys = ("size", "colour", "crop")
        record["picture"] = None if self.picture is None else {name: getattr(self.picture, name) for name in keys}
        record["tasks"] = [{"kind": type(task).__name__, **asdict(task)} for task in self.tasks]
        return record

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> Card:
        """Make the card that `to_json` wrote. Raises: ValueError, a field is missing, unknown or of another type."""
        try:
            tasks = tuple(_task(task) for task in record["tasks"])
            if len({task.name for task in tasks}) < len(tasks):
                raise ValueError("two tasks of one name")
            rest = {name: value for name, value in record.items() if name != "tasks"}
            return replace(typed(Card)({**rest, "tasks": ()}), tasks=tasks)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"no card ({type(error).__name__}: {error})") from error


@runtime_checkable
class Entry(Protocol):
    """Anything that answers: a network, a classical pipeline, the table of another toolkit, a control."""

    @property
    def card(self) -> Card:
        """The description of the entry."""
        ...

    def predict(self, clip: Clip) -> Answers:
        """Answer for each frame of a clip, whatever clips came before.

        Returns:
            Answers by the name of each task of the card, float64 of shape (frames, width): values in [low, high] for a
            `Continuous` task, probabilities that sum to 1 over the classes for a `Categorical` one, the probability of
            each label for a `MultiLabel` one. NaN in every row whose frame is not valid.
        """
        ...


@runtime_checkable
class FrameWise(Entry, Protocol):
    """An entry that encodes each frame alone before it answers: frames of several clips may share a batch."""

    def encode(self, crops: Frames) -> FrameFeatures:
        """Encode each crop as features, shape (crops, width), whatever other crops the batch holds.

        Args:
            crops: RGB crops, uint8, shape (crops, side, side, 3).
        """
        ...

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """Answer for a clip from the features of its valid frames in their order, shape (valid frames, width)."""
        ...


@runtime_checkable
class DeviceEntry(FrameWise, Protocol):
    """A frame-wise entry that encodes on a device of choice, in a precision of choice, from prepared crops."""

    @property
    def width(self) -> int:
        """Number of features of a frame."""
        ...

    def at(self, device: str, precision: Precision) -> DeviceEntry:
        """The same entry on another device or in another precision; answers differ by rounding alone."""
        ...

    def prepare(self, crops: Frames) -> Any:
        """Turn crops into the input of `forward`, in a thread beside the forward pass."""
        ...

    def forward(self, prepared: Any) -> FrameFeatures:
        """Encode prepared crops, as `encode` does for crops."""
        ...


@runtime_checkable
class FeatureEntry(FrameWise, Protocol):
    """A frame-wise entry that says how many features it makes."""

    @property
    def width(self) -> int:
        """Number of features of a frame."""
        ...


@runtime_checkable
class LayeredEntry(FrameWise, Protocol):
    """An entry whose `encode` gives its scores, and that has features below them where one of its layers is named."""

    @property
    def features(self) -> str:
        """The layer that the entry itself names as its features; empty for none."""
        ...

    def layers(self) -> tuple[str, ...]:
        """Names of the layers that can be named."""
        ...

    def layer(self, name: str) -> FeatureEntry:
        """The entry whose `encode` gives what a layer makes of each crop; it answers nothing.

        Raises:
            ProblemError: C02 there is no such layer; E13 it makes no row of numbers for each crop.
        """
        ...


@runtime_checkable
class Synthesiser(Entry, Protocol):
    """An entry that also gives faces another expression."""

    @property
    def expressions(self) -> tuple[str, ...]:
        """The expressions that it can give to a face, in the words of the vocabularies."""
        ...

    def synthesise(self, crops: Frames, expression: str) -> Frames:
        """Make a picture of each face with another expression, whatever other crops the batch holds.

        Args:
            crops: RGB crops, uint8, shape (crops, side, side, 3).
            expression: one of `expressions`.

        Returns:
            RGB, uint8, in the shape of the crops.
        """
        ...


@dataclass(frozen=True, eq=False)
class TableClips:
    """What the tables of another program hold.

    Attributes:
        clips: every frame that can be answered, as clips without pictures.
        unread: units whose tables cannot be read.
        rows: number of rows of the tables that can be read.
        of_others: number of rows of other people than the one who is answered for.
        without_face: number of rows without a face.
        problems: problems of the tables that cannot be read, and notes.
    """

    clips: tuple[Clip, ...]
    unread: tuple[str, ...]
    rows: int
    of_others: int
    without_face: int
    problems: tuple[Problem, ...]


@runtime_checkable
class TableEntry(Entry, Protocol):
    """An entry that looks up the output of another program, and knows every frame that it can answer."""

    def reading(self, folder: Path) -> TableEntry:
        """The same entry over the files of another folder."""
        ...

    def clips(self) -> tuple[Clip, ...]:
        """Every frame that it can answer, as clips without pictures. Raises: ProblemError, faults of its files."""
        ...

    def tables(self) -> TableClips:
        """The clips of all tables that can be read, with the problems of the others and counts of rows."""
        ...


@runtime_checkable
class Trainable(Protocol):
    """Anything that becomes an entry once it is fitted to labels."""

    @property
    def card(self) -> Card:
        """The description of the entry, without tasks, since these depend on the labels."""
        ...

    def fit(self, clips: Sequence[Clip], truth: Table) -> Entry:
        """Fit to labels, and return the entry.

        Args:
            clips: crops of the training videos.
            truth: annotations; rows without a clip, or whose crop is missing, are not used.

        Raises:
            ProblemError: E07, there are no labels to learn from.
        """
        ...


def _task(record: Mapping[str, Any]) -> Task:
    kinds: dict[str, type[Task]] = {kind.__name__: kind for kind in (Continuous, Categorical, MultiLabel)}
    task: Task = typed(kinds[record["kind"]])({name: value for name, value in record.items() if name != "kind"})
    if not 0 < len(set(task.outputs)) == len(task.outputs):
        raise ValueError(f"a task {task.name} with the columns {', '.join(task.outputs) or 'none'}")
    return task


def weights_of(
    role: str, path: Path, *, sha256: str | Sequence[str] = "", licence: str = "", source: str = ""
) -> Weights:
    """Describe a file of weights for a card.

    Args:
        role: purpose of the file, as `network`.
        path: path of the file.
        sha256: hash that it must have, or several of which it must have one; empty for any.
        licence: licence of the weights, as SPDX id or in words.
        source: place where the file is published.

    Raises:
        ProblemError: E11 there is no such file, E04 its hash is another.
    """
    if not path.is_file():
        raise ProblemError(no_file(path, source))
    found = sha256_of(path)
    allowed = [each.lower() for each in ((sha256,) if isinstance(sha256, str) else sha256) if each]
    if allowed and found not in allowed:
        fix = "bring the file that the entry was made with"
        raise ProblemError(Problem("E04", f"sha256 {found}", f"sha256 {' or '.join(allowed)}", fix, str(path)))
    return Weights(role, path.name, found, licence, source)


def no_file(path: Path, source: str) -> Problem:
    """E11, a file of weights that is not there."""
    fix = f"get it from {source}" if source else "bring the file, or correct the path"
    return Problem("E11", "no such file", "a file of weights", fix, str(path))
