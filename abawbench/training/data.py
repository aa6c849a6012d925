"""Training data: the frames of a split with their labels, and the inputs of the network, crops or features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.clips.clip import Clip, Frames, nearest_valid
from abawbench.clips.features import FeatureClip
from abawbench.entries.model import FrameFeatures
from abawbench.models.image_input import Geometry, ImageInput
from abawbench.table import NO_FRAME, Mask, Rows, Table
from abawbench.training.settings import TrainingSettings

if TYPE_CHECKING:
    from abawbench.entries.networks.frame_encoder import EncoderEntry
    from abawbench.entries.networks.network import NetworkEntry

# number of crops that go through an entry at once
BATCH = 32


@dataclass(frozen=True, eq=False)
class Target:
    """Labels of one task for a batch of frames.

    Attributes:
        task: task of the labels.
        values: labels; continuous: float32 (frames, columns); categorical: int64 (frames,), class numbers, or float32
            (frames, classes), a probability for each class; multi-label: float32 (frames, columns), 0 or 1, or a
            probability between. Values without annotation are finite, and classes that exist.
        annotated: mask of the labels, bool; continuous and multi-label (frames, columns), categorical (frames,).
        weights: weights of multi-label values in the loss, float32 (frames, columns), or of classes, float32 (frames,);
            None for 1 each.
        numbers: number of annotated frames of each column, one number for classes; counted where empty. Counts that are
            known save a loss the wait for an accelerator.
    """

    task: Task
    values: Tensor
    annotated: Tensor
    weights: Tensor | None = None
    numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.numbers:
            counted = self.annotated.sum(0).reshape(-1).tolist()
            object.__setattr__(self, "numbers", tuple(int(count) for count in counted))

    def __len__(self) -> int:
        return len(self.annotated)

    def to(self, device: torch.device | str) -> Target:
        """The same labels on another device; the copy does not wait where the memory is pinned."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True), self.numbers)

    def take(self, frames: Tensor) -> Target:
        """The labels of the frames at these positions, int64, or under this mask, bool, shape (frames,)."""
        return self._each(lambda tensor: tensor[frames], ())

    def _each(self, change: Callable[[Tensor], Tensor], numbers: tuple[int, ...]) -> Target:
        weights = None if self.weights is None else change(self.weights)
        return Target(self.task, change(self.values), change(self.annotated), weights, numbers)


def targets_of(tasks: Iterable[Task], table: Table, rows: Rows) -> dict[str, Target]:
    """The labels of rows of a table, by task name, on the CPU.

    Args:
        tasks: tasks of the labels; a task that the table does not know has targets without any label.
        table: truth.
        rows: row numbers, shape (frames,), in any order and repeated at will; -1 for a frame without a row, which has
            no labels.

    Raises:
        ProblemError: E19, a task of another width than the table's, or classes beyond the task's.
    """
    tasks = tuple(tasks)
    problems = tuple(problem for task in tasks for problem in _misfits(task, table))
    if problems:
        raise ProblemError(*problems)
    return {task.name: _target(task, table, rows) for task in tasks}


@dataclass(frozen=True, eq=False)
class SplitFrames:
    """The frames of the clips of a split, one clip after the other; a place is an index of a frame among them.

    Attributes:
        clips: clips that have a frame with a crop.
        begins: first place of each clip, and the place after the last, shape (clips + 1,).
        frame: frame numbers, shape (places,).
        nearest: place of the nearest frame of the clip that has a crop, shape (places,): itself where it has one.
        row: row of the table, shape (places,); -1 for frames without a row or a crop.
        targets: labels of all places by task; places without a row have none.
    """

    clips: tuple[Clip, ...]
    begins: Rows
    frame: Rows
    nearest: Rows
    row: Rows
    targets: dict[str, Target]

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def labelled_for(self) -> Mask:
        """True where a task has a label, shape (places, tasks)."""
        known = [target.annotated.numpy() for target in self.targets.values()]
        return np.stack([mask if mask.ndim == 1 else mask.any(axis=1) for mask in known], axis=1)

    @property
    def labelled(self) -> Mask:
        """True where some task has a label, shape (places,)."""
        return np.asarray(self.labelled_for.any(axis=1), np.bool_)

    @cached_property
    def crop(self) -> Rows:
        """The number of each place's crop, or of the nearest frame's, among all crops of the clips; shape (places,)."""
        is_own = self.nearest == np.arange(len(self))
        return (np.cumsum(is_own) - 1)[self.nearest]


def split_frames(clips: Iterable[Clip], table: Table, tasks: Sequence[Task]) -> SplitFrames:
    """Collect the frames of the clips of a table's units, with their labels; the first of repeated rows counts.

    Raises:
        ProblemError: E07, no frame with a crop has a label.
    """
    known = {clip.video: clip for clip in clips}
    used = [clip for unit in table.videos if (clip := known.get(unit)) is not None and clip.valid.any()]
    lengths = [len(clip) for clip in used]
    begins = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    nearest = [begin + nearest_valid(clip.valid) for begin, clip in zip(begins.tolist(), used, strict=False)]
    empty = np.empty(0, np.int64)
    row = np.concatenate([empty, *(_rows_of(clip, table) for clip in used)])
    frames = SplitFrames(
        clips=tuple(used),
        begins=begins,
        frame=np.concatenate([empty, *(clip.frame.astype(np.int64) for clip in used)]),
        nearest=np.concatenate([empty, *nearest]),
        row=row,
        targets=targets_of(tasks, table, row),
    )
    if not frames.labelled.any():
        found = f"{len(used):,} of {len(table.videos):,} units have crops or features, and no frame of them a label"
        fix = "name the data that the labels belong to"
        raise ProblemError(Problem("E07", found, "labels of frames that are there", fix, table.source or None))
    return frames


class Crops:
    """The valid frames of several clips, numbered consecutively; several threads may read at the same time.

    Attributes:
        clips: clips, in the order of their crops.
        clip: number of the clip of each crop, shape (crops,).
        position: position of each crop in its clip, shape (crops,).

    Args:
        clips: clips with a crop each; all of one size where there are no image inputs.
        room: bytes of decoded crops that may be kept.
        image_inputs: image inputs of the networks, for which crops are resized; empty to keep their size.
    """

    def __init__(self, clips: Sequence[Clip], room: int, image_inputs: Sequence[ImageInput] = ()) -> None:
        self.clips, self.image_inputs = tuple(clips), tuple(image_inputs)
        # networks that resize alike share their crops
        self._resizing = {image_input.geometry: image_input for image_input in image_inputs}
        positions = [np.flatnonzero(clip.valid) for clip in clips]
        self.clip = np.repeat(np.arange(len(clips)), [len(own) for own in positions])
        self.position = np.concatenate(positions)
        sizes = [image_input.size for image_input in self._resizing.values()] or [clips[0].size]
        bytes_each = sum(3 * size * size for size in sizes)
        count = min(len(self), room // bytes_each)
        self._kept = [np.empty((count, size, size, 3), np.uint8) for size in sizes]
        self._is_kept = np.zeros(count, bool)

    def __len__(self) -> int:
        return len(self.clip)

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        """The geometries that `read` resizes crops to; none without image inputs."""
        return tuple(self._resizing)

    def read(self, rows: Rows) -> list[Frames]:
        """Read the crops of these numbers, for each of `geometries` or else once, shape (rows, size, size, 3).

        Raises:
            ProblemError: F01, E06 as `Clip.read`.
        """
        within = rows < len(self._is_kept)
        known = within.copy()
        known[within] = self._is_kept[rows[within]]
        if known.all():
            return [kept[rows] for kept in self._kept]
        result = [np.empty((len(rows), *kept.shape[1:]), np.uint8) for kept in self._kept]
        for found, kept in zip(result, self._kept, strict=True):
            found[known] = kept[rows[known]]
        self._decode(rows, ~known, result)
        keep = within & ~known
        for found, kept in zip(result, self._kept, strict=True):
            kept[rows[keep]] = found[keep]
        self._is_kept[rows[keep]] = True
        return result

    def _decode(self, rows: Rows, wanted: Mask, result: Sequence[Frames]) -> None:
        clip_of = self.clip[rows]
        for number in np.unique(clip_of[wanted]).tolist():
            own = np.flatnonzero(wanted & (clip_of == number))
            crops = self.clips[number].read(self.position[rows[own]])
            for found, image_input in zip(result, self._resizing.values() or (None,), strict=True):
                found[own] = crops if image_input is None else image_input.resized(crops)


def encode(entry: EncoderEntry, crops: Crops, rows: Rows) -> FrameFeatures:
    """Encode the crops of these numbers as features of an entry, shape (rows, width)."""
    parts: list[FrameFeatures] = [np.empty((0, entry.width), np.float32)]
    for begin in range(0, len(rows), BATCH):
        loaded = dict(zip(crops.geometries, crops.read(rows[begin : begin + BATCH]), strict=True))
        parts.append(entry.forward(tuple(torch.from_numpy(loaded[own.geometry]) for own in crops.image_inputs)))
    return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Inputs and labels for all places of the training split.

    Attributes:
        frames: frames of the split.
        inputs: normalised features, shape (places, width), or crops.
        targets: labels of all places by task, on the device of the training.
        time: frame numbers, shape (places,); None where the network does not count time in frames.
    """

    frames: SplitFrames
    inputs: Tensor | Crops
    targets: Mapping[str, Target]
    time: Tensor | None


def read_inputs(
    frames: SplitFrames,
    entry: EncoderEntry,
    settings: TrainingSettings,
    *,
    device: str,
    threads: int,
    room: int,
) -> Crops | Tensor:
    """Read the inputs of a split: its crops, or its features, or the features of its crops by frozen backbones.

    Args:
        frames: frames of the split.
        entry: entry with its backbones.
        settings: settings of the training.
        device: device on which frozen backbones run.
        threads: number of threads that read features.
        room: bytes of decoded crops that may be kept.

    Returns:
        The crops, or features of shape (places, width), float32.

    Raises:
        ProblemError: F01, E04, E06, E19 for crops and features that cannot be read.
    """
    if isinstance(frames.clips[0], FeatureClip):
        return read_features(frames, threads)
    crops = Crops(frames.clips, room, entry.encoder.image_inputs)
    if not settings.freeze_backbone or settings.augmentation is not None:
        return crops
    return torch.from_numpy(encode(entry.at(device, "float32"), crops, np.arange(len(crops)))[frames.crop])


def read_features(frames: SplitFrames, threads: int) -> Tensor:
    """Read the features of a split, shape (places, width), float32; a frame without any gets those of the nearest.

    Raises:
        ProblemError: F01, E04 as `FeatureClip.vectors`; E19 clips of several widths.
    """
    clips = [clip for clip in frames.clips if isinstance(clip, FeatureClip)]
    widths = {clip.width for clip in clips}
    if len(widths) != 1 or len(clips) != len(frames.clips):
        found = f"features of width {', '.join(str(width) for width in sorted(widths))}"
        raise ProblemError(Problem("E19", found, "one width for every unit", "extract them all with the same networks"))
    whole = np.empty((len(frames), *widths), np.float32)
    begins = frames.begins.tolist()
    read = map_ahead(lambda clip: clip.vectors(), clips, threads)
    for begin, end, vectors in zip(begins[:-1], begins[1:], read, strict=True):
        own = frames.nearest[begin:end]
        if len(vectors) == end - begin:
            whole[begin:end] = vectors
        else:
            is_own = own == np.arange(begin, end)
            whole[begin:end] = vectors[(np.cumsum(is_own) - 1)[own - begin]]
    return torch.from_numpy(whole)


def training_data(
    entry: EncoderEntry, frames: SplitFrames, inputs: Crops | Tensor, *, device: str, room: int
) -> TrainingData:
    """Make the training data of a split; an entry that normalises by the training split learns its statistics here.

    Args:
        entry: entry that learns.
        frames: frames of the training split.
        inputs: inputs from `read_inputs`.
        device: device on which the entry learns.
        room: bytes of features that an accelerator may hold.
    """
    targets = {name: target.to(device) for name, target in frames.targets.items()}
    # imported here: a pre-training reads crops without any entry
    from abawbench.entries.networks.network import NetworkEntry

    if not isinstance(entry, NetworkEntry):
        return TrainingData(frames, inputs, targets, None)
    time = torch.from_numpy(frames.frame) if entry.time == "frames" else None
    if isinstance(inputs, Tensor):
        inputs = _normalised(entry, frames, inputs)
        if device != "cpu" and inputs.nbytes <= room:
            inputs = inputs.to(device)
    return TrainingData(frames, inputs, targets, time)


def _normalised(entry: NetworkEntry, frames: SplitFrames, features: Tensor) -> Tensor:
    """Normalise features once for all epochs."""
    kind = entry.network.temporal.normalise
    if kind == "none":
        return features
    if kind == "training":
        own = features[torch.from_numpy(np.unique(frames.nearest))].double()
        std = own.std(0) if len(own) > 1 else torch.zeros(own.shape[1])
        entry.network.normalisation.learn(own.mean(0).float(), std.float())
    result = torch.empty_like(features)
    with torch.no_grad():
        for begin, end in zip(frames.begins[:-1].tolist(), frames.begins[1:].tolist(), strict=True):
            result[begin:end] = entry.network.normalise(features[None, begin:end], torch.tensor([end - begin]))[0]
    return result


def _target(task: Task, table: Table, rows: Rows) -> Target:
    values = task.empty(len(rows))
    if task.name in table.values:
        labels, present = table.values[task.name], rows >= 0
        values = values.astype(labels.dtype)
        values[present] = labels[rows[present]]
    annotated = task.is_annotated(values)
    values[~annotated] = 0
    kind = np.float32 if task.is_vector else np.int64
    return Target(task, torch.from_numpy(values.astype(kind)), torch.from_numpy(annotated))


def _misfits(task: Task, table: Table) -> Iterable[Problem]:
    values = table.values.get(task.name)
    if values is None:
        return
    found, expected = f"labels of shape {values.shape}", f"{task.name} with {task.width} columns"
    if task.is_vector:
        fits = values.ndim == 2 and values.shape[1] == task.width
    else:
        most = int(values.max(initial=-1)) if values.ndim == 1 else -1
        fits, expected = values.ndim == 1 and most < task.width, f"{task.name} of {task.width} classes, from 0"
        found = f"class {most}" if values.ndim == 1 else found
    if not fits:
        fix = "train on the challenge's own columns and classes, or map the labels by name first"
        yield Problem("E19", found, expected, fix, table.source or None)


def _rows_of(clip: Clip, table: Table) -> Rows:
    """The row of each frame; -1 where there is none, and for frames without a crop."""
    own = np.flatnonzero(table.video == table.videos.index(clip.video))
    if len(clip) == 1 and len(own) and table.frame[own[0]] == NO_FRAME:
        # a picture of its own: its row names no frame
        return np.where(clip.valid, own[0], -1).astype(np.int64)
    frames, first = np.unique(table.frame[own], return_index=True)
    place = np.searchsorted(frames, clip.frame)
    inside = np.minimum(place, max(len(frames) - 1, 0))
    hit = clip.valid & (frames[inside] == clip.frame) if len(frames) else np.zeros(len(clip), bool)
    return np.where(hit, own[first[inside]] if len(frames) else -1, -1).astype(np.int64)
