"""The frames of a split: their labels, and their crops or features, read and kept in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.clips.clip import Clip, Frames, nearest_valid
from abawbench.clips.features import FeatureClip
from abawbench.models.image_input import Geometry, ImageInput
from abawbench.table import Mask, Table
from abawbench.training.targets import Target, targets_of

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Part:
    """The frames of the clips of a split, one clip after the other: a place is a position in that row of frames.

    Attributes:
        clips: those that have a frame with a crop.
        begins: shape (clips + 1,), the first place of each clip, and behind the last.
        frame: shape (places,), frame numbers.
        nearest: shape (places,), the place of the nearest frame of the clip that has a crop: itself where it has one.
        row: shape (places,), of the table; -1 for frames without a row or a crop.
        targets: by task, one label a place; places without a row have none.
    """

    clips: tuple[Clip, ...]
    begins: Places
    frame: Places
    nearest: Places
    row: Places
    targets: dict[str, Target]

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def labelled_for(self) -> Mask:
        """Shape (places, tasks), True where a task has a label."""
        known = [target.annotated.numpy() for target in self.targets.values()]
        return np.stack([mask if mask.ndim == 1 else mask.any(axis=1) for mask in known], axis=1)

    @property
    def labelled(self) -> Mask:
        """Shape (places,), True where some task has a label."""
        return np.asarray(self.labelled_for.any(axis=1), np.bool_)

    @property
    def rows(self) -> Places:
        """Shape (places,), where the frame that stands for each place is counted among all frames with a crop."""
        is_own = self.nearest == np.arange(len(self))
        return (np.cumsum(is_own) - 1)[self.nearest]


def part_of(clips: Iterable[Clip], table: Table, tasks: Sequence[Task]) -> Part:
    """The clips of the units of a table, with their labels; of a row that is repeated the first counts.

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
    part = Part(
        clips=tuple(used),
        begins=begins,
        frame=np.concatenate([empty, *(clip.frame.astype(np.int64) for clip in used)]),
        nearest=np.concatenate([empty, *nearest]),
        row=row,
        targets=targets_of(tasks, table, row),
    )
    if not part.labelled.any():
        found = f"{len(used):,} of {len(table.videos):,} units have crops or features, and no frame of them a label"
        fix = "name the data that the labels belong to"
        raise ProblemError(Problem("E07", found, "labels of frames that are there", fix, table.source or None))
    return part


class Crops:
    """Crops of a part, decoded when they are asked for, and kept while there is room.

    Args:
        part: whose crops they are.
        image_inputs: of the networks that look at them; crops are brought into the sizes of these.
        room: bytes that may be kept.
    """

    def __init__(self, part: Part, image_inputs: Sequence[ImageInput], room: int) -> None:
        self.part, self.image_inputs = part, tuple(image_inputs)
        # networks that resize alike share their crops
        self._resizing = {image_input.geometry: image_input for image_input in image_inputs}
        sizes = [image_input.size for image_input in self._resizing.values()]
        self._rows = part.rows
        count = int(self._rows.max(initial=-1)) + 1
        bytes_each = sum(3 * size * size for size in sizes)
        self._kept = [np.empty((min(count, room // bytes_each), size, size, 3), np.uint8) for size in sizes]
        self._is_kept = np.zeros(len(self._kept[0]), bool)

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        """Sizes of the crops and how these are resized."""
        return tuple(self._resizing)

    def load(self, places: Places) -> list[Frames]:
        """The crops that stand for these places, for each of `geometries`, shape (places, size, size, 3).

        Raises:
            ProblemError: F01, E06 as `Clip.read`.
        """
        rows = self._rows[places]
        within = rows < len(self._is_kept)
        known = within.copy()
        known[within] = self._is_kept[rows[within]]
        if known.all():
            return [kept[rows] for kept in self._kept]
        result = [np.empty((len(places), *kept.shape[1:]), np.uint8) for kept in self._kept]
        for found, kept in zip(result, self._kept, strict=True):
            found[known] = kept[rows[known]]
        self._decode(places, ~known, result)
        keep = within & ~known
        for found, kept in zip(result, self._kept, strict=True):
            kept[rows[keep]] = found[keep]
        self._is_kept[rows[keep]] = True
        return result

    def _decode(self, places: Places, wanted: Mask, result: Sequence[Frames]) -> None:
        part = self.part
        shown = part.nearest[places]
        clip_of = np.searchsorted(part.begins, shown, side="right") - 1
        for number in np.unique(clip_of[wanted]).tolist():
            own = np.flatnonzero(wanted & (clip_of == number))
            crops = part.clips[number].read((shown[own] - part.begins[number]).astype(np.intp))
            for found, image_input in zip(result, self._resizing.values(), strict=True):
                found[own] = image_input.resized(crops)


def features_of(part: Part, threads: int) -> Tensor:
    """The features of a part, shape (places, width), float32; a frame without any has those of the nearest.

    Raises:
        ProblemError: F01, E04 as `FeatureClip.vectors`; E19 clips of several widths.
    """
    clips = [clip for clip in part.clips if isinstance(clip, FeatureClip)]
    widths = {clip.width for clip in clips}
    if len(widths) != 1 or len(clips) != len(part.clips):
        found = f"features of width {', '.join(str(width) for width in sorted(widths))}"
        raise ProblemError(Problem("E19", found, "one width for every unit", "extract them all with the same networks"))
    whole = np.empty((len(part), *widths), np.float32)
    begins = part.begins.tolist()
    read = map_ahead(lambda clip: clip.vectors(), clips, threads)
    for begin, end, vectors in zip(begins[:-1], begins[1:], read, strict=True):
        own = part.nearest[begin:end]
        if len(vectors) == end - begin:
            whole[begin:end] = vectors
        else:
            is_own = own == np.arange(begin, end)
            whole[begin:end] = vectors[(np.cumsum(is_own) - 1)[own - begin]]
    return torch.from_numpy(whole)


def _rows_of(clip: Clip, table: Table) -> Places:
    """The row of each frame; -1 where there is none, and for frames without a crop."""
    own = np.flatnonzero(table.video == table.videos.index(clip.video))
    frames, first = np.unique(table.frame[own], return_index=True)
    place = np.searchsorted(frames, clip.frame)
    inside = np.minimum(place, max(len(frames) - 1, 0))
    hit = clip.valid & (frames[inside] == clip.frame) if len(frames) else np.zeros(len(clip), bool)
    return np.where(hit, own[first[inside]] if len(frames) else -1, -1).astype(np.int64)
