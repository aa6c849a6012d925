"""The door for any model: a card that says what it is, and one method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from abawbench.base.hashes import sha256_of
from abawbench.base.problems import Problem, ProblemError
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
        role: what it is for, as `backbone` or `heads`.
        file: its name.
        sha256: of the file.
        licence: SPDX id, or in words.
        source: where it is published; empty where nothing says.
    """

    role: str
    file: str
    sha256: str
    licence: str
    source: str


@dataclass(frozen=True, slots=True)
class Card:
    """What an entry is.

    Attributes:
        name: `<year>_<team>_<method>`.
        title: what it is in a few words.
        tasks: what it answers, each with its own classes, columns and range; empty before a fit.
        picture: what it looks at; None for an entry that looks at no picture.
        trained_on: data sets whose labels or pictures it was made from, weights included.
        trained_videos: videos of the last fit.
        sees_truth: True for a control that looks at the labels it is scored on: never a result.
        licence: SPDX id of the code; each file of weights has its own.
        paper: where it is described.
        notes: what a reader of its score must know.
        weights: files it was loaded from.
        networks: of each network that looks at pictures: kind, size, colour, mean, deviation, layer, pooling, width.
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

    def task(self, name: str) -> Task | None:
        """The task of this name, or None where the entry does not answer it."""
        return next((task for task in self.tasks if task.name == name), None)

    def to_json(self) -> dict[str, object]:
        """Every field, tasks with their kind."""
        record = asdict(self)
        # normalisation stands with the networks
        keys = ("size", "colour", "crop")
        record["picture"] = None if self.picture is None else {name: getattr(self.picture, name) for name in keys}
        record["tasks"] = [{"kind": type(task).__name__, **asdict(task)} for task in self.tasks]
        return record

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> Card:
        """The card that `to_json` wrote. Raises: KeyError, TypeError."""
        fields = _without_lists(record)
        fields["tasks"] = tuple(_task(task) for task in record["tasks"])
        fields["picture"] = None if record["picture"] is None else ImageInput(**record["picture"])
        fields["weights"] = tuple(Weights(**file) for file in record.get("weights", ()))
        return Card(**fields)


@runtime_checkable
class Entry(Protocol):
    """Whatever answers: a network, a classical pipeline, the table of another toolkit, a control."""

    @property
    def card(self) -> Card:
        """What it is."""
        ...

    def predict(self, clip: Clip) -> Answers:
        """Answers for each frame of a clip, the same whatever was asked before.

        Returns:
            For each task of the card, by its name, float64 of shape (frames, width): values in [low, high] of a
            `Continuous` task, probabilities that sum to 1 over the classes of a `Categorical` one, the probability of
            each label of a `MultiLabel` one. NaN in every row whose frame is not valid.
        """
        ...


@runtime_checkable
class FrameWise(Entry, Protocol):
    """An entry that looks at each frame alone before it concludes: frames of several clips may share a batch."""

    def encode(self, crops: Frames) -> FrameFeatures:
        """What it sees in each crop, shape (crops, width), whatever crops stand beside it.

        Args:
            crops: shape (crops, side, side, 3), uint8, RGB.
        """
        ...

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """Answers for a clip from what was seen in its valid frames, shape (valid frames, width), in their order."""
        ...


@runtime_checkable
class DeviceEntry(FrameWise, Protocol):
    """A staged entry whose first stage runs on a device of choice, in a precision of choice, from prepared crops."""

    @property
    def width(self) -> int:
        """Numbers that it sees in a crop."""
        ...

    def at(self, device: str, precision: Precision) -> DeviceEntry:
        """The same entry there; answers differ by rounding alone."""
        ...

    def prepare(self, crops: Frames) -> Any:
        """What `forward` takes, made of crops by a thread beside the forward pass."""
        ...

    def forward(self, prepared: Any) -> FrameFeatures:
        """What `encode` gives for the crops that were prepared."""
        ...


@runtime_checkable
class TableEntry(Entry, Protocol):
    """An entry that looks up what another program said: it knows every frame it can answer."""

    def reading(self, folder: Path) -> TableEntry:
        """The same entry over the files of another folder."""
        ...

    def clips(self) -> tuple[Clip, ...]:
        """Every frame it can answer, as clips without pictures. Raises: ProblemError, what is wrong with its files."""
        ...


@runtime_checkable
class Trainable(Protocol):
    """What becomes an entry when it has seen labels."""

    @property
    def card(self) -> Card:
        """What it is; without tasks, since these depend on the labels."""
        ...

    def fit(self, clips: Sequence[Clip], truth: Table) -> Entry:
        """The entry that these labels make.

        Args:
            clips: crops of the training videos.
            truth: annotations; rows without a clip, or whose crop is missing, are not used.

        Raises:
            ProblemError: E07, there is nothing to learn from.
        """
        ...


def _task(record: Mapping[str, Any]) -> Task:
    kinds: dict[str, type[Task]] = {kind.__name__: kind for kind in (Continuous, Categorical, MultiLabel)}
    fields = _without_lists(record)
    return kinds[fields.pop("kind")](**fields)


def _without_lists(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}


def weights_of(role: str, path: Path, *, sha256: str = "", licence: str = "", source: str = "") -> Weights:
    """What a card says of a file of weights.

    Args:
        role: what the file is for, as `network`.
        path: the file.
        sha256: that it must have; empty where any will do.
        licence: SPDX id, or in words.
        source: where it is published.

    Raises:
        ProblemError: E11 there is no such file, E04 it is another than was asked for.
    """
    if not path.is_file():
        raise ProblemError(no_file(path, source))
    found = sha256_of(path)
    if sha256 and found != sha256.lower():
        raise ProblemError(
            Problem(
                "E04", f"sha256 {found}", f"sha256 {sha256}", "bring the file that the entry was made with", str(path)
            )
        )
    return Weights(role, path.name, found, licence, source)


def no_file(path: Path, source: str) -> Problem:
    """What is said of a file of weights that is not there."""
    fix = f"get it from {source}" if source else "bring the file, or correct the path"
    return Problem("E11", "no such file", "a file of weights", fix, str(path))
