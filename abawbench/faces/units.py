"""From persons in a video to its units, with the official names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abawbench.faces.identities import Person, Track
from abawbench.faces.overrides import Override
from abawbench.table import Integers, Mask, person_suffix

# a person is a unit when seen for one second, and in a tenth of the frames of the person seen most
BRIEF_S = 1.0
BRIEF_SHARE = 0.1
NO_UNIT = -1


@dataclass(frozen=True, eq=False)
class Units:
    """Who got crops.

    Attributes:
        names: of the units.
        of_face: shape (faces,), index into `names`, `NO_UNIT` where a face belongs to none.
        unknown: tracks that overrides name and the video does not have.
    """

    names: tuple[str, ...]
    of_face: Integers
    unknown: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Faces:
    """All faces of a video, in order of frames.

    Attributes:
        number: shape (faces,), frame number.
        track: shape (faces,), track number from 1.
        centre: shape (faces,), the box's centre from the left, in widths of the picture.
        side: shape (faces,), the box's side in pixels.
    """

    number: Integers
    track: Integers
    centre: NDArray[np.float32]
    side: NDArray[np.float32]


def assign(
    video: str,
    faces: Faces,
    tracks: Sequence[Track],
    persons: Sequence[Person],
    overrides: Sequence[Override],
    *,
    frames: int,
    rate: float,
) -> Units:
    """The unit of each face.

    A video of one person is one unit of its own name. Of several, the two that take most space and time are `_left`
    and `_right`, after their mean positions, as in Aff-Wild2; further ones are `_person3`, ... Someone seen only
    briefly is no unit.

    The faces that overrides choose are one person, who is, outside of the rows, whoever was chosen most often.

    Args:
        video: its name.
        faces: all of them.
        tracks: by number.
        persons: their grouping.
        overrides: the rows of this video; later rows win.
        frames: how many the video has.
        rate: frames per second.
    """
    of_track = np.full(len(tracks) + 1, NO_UNIT, np.int32)
    for index, person in enumerate(persons):
        of_track[list(person.tracks)] = index
    of_face = of_track[faces.track]
    chosen, dropped = _overridden(faces, overrides)
    if chosen.any():
        main = int(np.bincount(of_face[chosen]).argmax())
        of_face[chosen] = main
    of_face[dropped] = NO_UNIT
    present = of_face >= 0
    count = np.bincount(of_face[present], minlength=len(persons))
    weight = np.bincount(of_face[present], faces.side[present], minlength=len(persons))
    place = np.bincount(of_face[present], faces.centre[present], minlength=len(persons)) / np.maximum(count, 1)
    least = max(min(BRIEF_S * rate, frames / 2), BRIEF_SHARE * count.max(initial=0))
    kept = [int(person) for person in np.argsort(-weight, kind="stable") if count[person] >= max(least, 1)]
    named = np.full(len(persons) + 1, NO_UNIT, np.int32)
    first_two = sorted(kept[:2], key=lambda person: place[person])
    ordered = [*first_two, *kept[2:]]
    named[ordered] = np.arange(len(ordered))
    if len(ordered) == 1:
        names: tuple[str, ...] = (video,)
    else:
        names = tuple(video + person_suffix(place) for place in range(len(ordered)))
    known = {track.number for track in tracks}
    unknown = {row.which for row in overrides if isinstance(row.which, int)} - known
    return Units(names, named[of_face], tuple(sorted(unknown)))


def _overridden(faces: Faces, overrides: Sequence[Override]) -> tuple[Mask, Mask]:
    """Which faces the rows choose, and which they drop."""
    chosen, dropped = np.zeros(len(faces.number), bool), np.zeros(len(faces.number), bool)
    for row in overrides:
        inside = (faces.number >= row.first) & (faces.number <= row.last)
        if isinstance(row.which, int):
            wanted = inside & (faces.track == row.which)
        else:
            wanted = np.zeros_like(inside)
            places = np.flatnonzero(inside)
            if row.which != "none" and len(places):
                sign = 1 if row.which == "left" else -1
                order = places[np.lexsort((sign * faces.centre[places], faces.number[places]))]
                wanted[order[np.unique(faces.number[order], return_index=True)[1]]] = True
        chosen[inside], dropped[inside] = wanted[inside], ~wanted[inside]
    return chosen, dropped
