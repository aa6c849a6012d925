"""The units of a video, with the official names: which person each face belongs to, after the overrides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abawbench.faces.identities import Person, Track
from abawbench.faces.overrides import Override
from abawbench.table import Integers, Mask, person_suffix

# a person becomes a unit if seen for a second and in a tenth of the frames of the person seen most
BRIEF_S = 1.0
BRIEF_SHARE = 0.1
NO_UNIT = -1


@dataclass(frozen=True, eq=False)
class Units:
    """The units of a video.

    Attributes:
        names: names of the units.
        of_face: shape (faces,), index into `names`; `NO_UNIT` for a face without a unit.
        unknown: track numbers in the overrides that the video does not have.
    """

    names: tuple[str, ...]
    of_face: Integers
    unknown: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class VideoFaces:
    """All faces of a video, in the order of its frames.

    Attributes:
        number: shape (faces,), frame number.
        track: shape (faces,), track number, from 1.
        centre: shape (faces,), horizontal centre of the box, in picture widths from the left edge.
        side: shape (faces,), side of the box in pixels.
    """

    number: Integers
    track: Integers
    centre: NDArray[np.float32]
    side: NDArray[np.float32]


def assign_units(
    video: str,
    faces: VideoFaces,
    tracks: Sequence[Track],
    persons: Sequence[Person],
    overrides: Sequence[Override],
    *,
    frames: int,
    rate: float,
) -> Units:
    """Assign each face of a video to a unit.

    A video of one person is one unit with the name of the video. Of several people, the two that take up most space and
    time become `_left` and `_right`, by their mean positions, as in Aff-Wild2; the others become `_person3` and so on.
    A person seen only briefly is no unit.

    The faces that the overrides choose are one person. Outside the rows of the overrides, that person is the one who
    was chosen most often inside them.

    Args:
        video: name of the video.
        faces: all faces of the video.
        tracks: all tracks, in the order of their numbers.
        persons: the tracks grouped by person.
        overrides: rows of the overrides file for this video; later rows win.
        frames: number of frames of the video.
        rate: frames per second.
    """
    of_track = np.full(len(tracks) + 1, NO_UNIT, np.int32)
    for index, person in enumerate(persons):
        of_track[list(person.tracks)] = index
    of_face = of_track[faces.track]
    chosen, dropped = _apply_overrides(faces, overrides)
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


def _apply_overrides(faces: VideoFaces, overrides: Sequence[Override]) -> tuple[Mask, Mask]:
    """Masks of the faces that the rows choose and of those that they drop, shape (faces,) each."""
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
