"""Crops on a report's page, small, inside the page, and never more than a budget of bytes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from abawbench.clips.clip import Clip
from abawbench.clips.open import open_clips

SIDE, QUALITY = 72, 80
# bytes of all pictures of a page, as text
BUDGET = 900_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A crop as it stands on a page: the frame that it shows, and its bytes as a `data:` address."""

    frame: int
    data: str


class Pictures:
    """The crops of units, taken until the budget is spent.

    Args:
        folder: folder of crops, as `abawbench.clips.open_clips` reads it; None for a page without pictures.
        units: names of the units of the truth as the inputs have them.
        masked: True for each unit that may not be shown.
        budget: bytes of all pictures.
    """

    def __init__(self, folder: Path | None, units: Sequence[str], masked: Sequence[bool], budget: int = BUDGET) -> None:
        clips = () if folder is None else open_clips(folder).clips
        by_name = {clip.video: clip for clip in clips if clip.size}
        self._clips: Mapping[int, Clip] = {
            place: by_name[unit]
            for place, (unit, is_masked) in enumerate(zip(units, masked, strict=True))
            if unit in by_name and not is_masked
        }
        self._left = budget

    @property
    def units(self) -> int:
        """Number of units that can be shown."""
        return len(self._clips)

    def along(self, place: int, first: int, last: int, count: int) -> tuple[Picture, ...]:
        """Crops of a unit, spread evenly over its frames from `first` to `last`; fewer where the budget is spent.

        Args:
            place: index of the unit.
            first: first frame.
            last: last frame.
            count: number of crops.

        Raises:
            ProblemError: F01 or E06, a crop cannot be read.
        """
        from abawbench.clips.images import encode_jpeg

        clip = self._clips.get(place)
        if clip is None:
            return ()
        shown = np.flatnonzero(clip.valid & (clip.frame >= first) & (clip.frame <= last))
        if len(shown) > count:
            shown = shown[np.linspace(0, len(shown) - 1, count).round().astype(int)]
        found: list[Picture] = []
        for position, crop in zip(shown, clip.read(shown), strict=True):
            data = base64.b64encode(encode_jpeg(_small(crop), QUALITY)).decode()
            if len(data) > self._left:
                break
            self._left -= len(data)
            found.append(Picture(int(clip.frame[position]), f"data:image/jpeg;base64,{data}"))
        return tuple(found)


def _small(crop: np.ndarray) -> np.ndarray:
    import cv2

    return np.asarray(cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
