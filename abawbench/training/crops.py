"""Crops to learn from: decoded when they are asked for, and kept while there is room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from abawbench.clips.clip import Clip, Frames
from abawbench.entries.model import FrameFeatures
from abawbench.models.image_input import Geometry, ImageInput
from abawbench.table import Mask, Rows

if TYPE_CHECKING:
    from abawbench.training.learners import LearningEntry

# crops that go through an entry at once
BATCH = 32


class Crops:
    """The valid frames of several clips, numbered through; several threads may read at the same time.

    Attributes:
        clips: the clips, in order of their crops.
        clip: number of the clip of each crop, shape (crops,).
        position: position of each crop in its clip, shape (crops,).

    Args:
        clips: clips with a crop each; all of one size where there are no image inputs.
        room: bytes of decoded crops that may be kept.
        image_inputs: inputs of the networks that take the crops, which are resized for them; none to leave the size.
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
        """Sizes of what `read` gives for each network, and how crops are resized to them; none without networks."""
        return tuple(self._resizing)

    def read(self, rows: Rows) -> list[Frames]:
        """The crops of these numbers, for each of `geometries` or else once, shape (rows, size, size, 3).

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


def encode(entry: LearningEntry, crops: Crops, rows: Rows) -> FrameFeatures:
    """The features that an entry makes of the crops of these numbers, shape (rows, width)."""
    parts: list[FrameFeatures] = [np.empty((0, entry.width), np.float32)]
    for begin in range(0, len(rows), BATCH):
        loaded = dict(zip(crops.geometries, crops.read(rows[begin : begin + BATCH]), strict=True))
        parts.append(entry.forward(tuple(torch.from_numpy(loaded[own.geometry]) for own in crops.image_inputs)))
    return np.concatenate(parts)
