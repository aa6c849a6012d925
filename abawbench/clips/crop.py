"""Crop: what a picture of a face shows, and how large it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal["arcface-112", "wide", "eyes", "box"]
WITH_MARGIN = ("eyes", "box")

# side in pixels of the crop of recognition networks, of all other crops by default, and of the largest one
CROP_SIZE, WIDE_SIZE, LARGEST = 112, 224, 4096
# a margin beyond this shows more of the room than of the face
LARGEST_MARGIN = 20.0
FORMS = "arcface-112, wide, eyes-M or box-M with a margin M, as eyes-1.5 or box-0.2"

# name of `arcface-112` in the indexes of earlier versions, and short for it
_ALIGNED = "aligned"
_WITH_MARGIN = re.compile(r"(eyes|box)-(\d{1,2}(?:\.\d{1,3})?)")


@dataclass(frozen=True, slots=True)
class Crop:
    """What a square picture of a face shows, and how large it is.

    `arcface-112` is upright, with the five points of the face where recognition networks of the ArcFace family expect
    them. `wide` is the same, 1.6 times as far in each direction from the same centre. `eyes` has the eyes level; its
    left, right and upper edges are `margin` eye distances away from them. `box` is the square around the box of the
    face detector, not turned; each edge is moved outwards by `margin` of the square's side.

    Attributes:
        kind: kind of the crop.
        size: height and width in pixels.
        margin: margin of `eyes` and `box`, in thousandths from 0 to 20; the others have none.

    Raises:
        ValueError: a value is out of its range.
    """

    kind: Kind
    size: int
    margin: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"a crop {self.kind!r}, where {FORMS} are known")
        if not 1 <= self.size <= LARGEST:
            raise ValueError(f"crops of {self.size} pixels, where 1 to {LARGEST:,} are possible")
        most = LARGEST_MARGIN if self.has_margin else 0.0
        # the name has three decimals
        if not 0 <= self.margin <= most or self.margin != round(self.margin, 3):
            raise ValueError(
                f"a margin of {self.margin} for {self.kind}, where thousandths from 0 to {most:g} are possible"
            )

    @property
    def has_margin(self) -> bool:
        """True for the kinds that have a margin."""
        return self.kind in WITH_MARGIN

    @property
    def name(self) -> str:
        """The name, which says everything but the size: `arcface-112`, `wide`, `eyes-1.5`, `box-0.2`."""
        return f"{self.kind}-{self.margin:g}" if self.has_margin else self.kind

    @staticmethod
    def named(name: str, size: int | None = None) -> Crop:
        """The crop of a name.

        Args:
            name: name as the attribute has it; `aligned` stands for `arcface-112`.
            size: height and width in pixels; by default 112 for `arcface-112`, and 224 for the others.

        Raises:
            ValueError: no crop has the name, or its margin or the size is out of range.

        >>> Crop.named("eyes-1.50").name, Crop.named("aligned").size, Crop.named("wide", 112).size
        ('eyes-1.5', 112, 112)
        """
        match = _WITH_MARGIN.fullmatch(name)
        kind: Any = match[1] if match else "arcface-112" if name == _ALIGNED else name
        margin = float(match[2]) if match else 0.0
        # a kind with a margin is no name without one
        if kind not in get_args(Kind) or (match is None and kind in WITH_MARGIN):
            raise ValueError(f"a crop {name!r}, where {FORMS} are known")
        if size is None:
            size = CROP_SIZE if kind == "arcface-112" else WIDE_SIZE
        return Crop(kind, size, margin)

    def to_json(self) -> dict[str, Any]:
        """Name and size."""
        return {"crop": self.name, "size": self.size}

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> Crop:
        """Make the crop of a record with the fields of `to_json`; other fields do not count, and the size may lack.

        Raises:
            ValueError: there is no name of a crop, or a value is of another type or out of its range.
        """
        name, size = record.get("crop"), record.get("size")
        # True is a number in Python
        if not isinstance(name, str) or ("size" in record and type(size) is not int):
            raise ValueError(f"a crop {name!r} of {size!r} pixels")
        return Crop.named(name, size)


ARCFACE = Crop("arcface-112", CROP_SIZE)
WIDE = Crop("wide", WIDE_SIZE)
