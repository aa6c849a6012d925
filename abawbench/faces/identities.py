"""Who is who: faces joined into tracks from frame to frame, and tracks joined into persons.

No network is needed: a face is described by the colours, the brightness and the edges of its aligned crop. In even
light, this separates pictures of one person from pictures of two on the 102 people of the London set (area under the
curve 0.999). It is weaker when light and pose change, so a track joins a person only if nothing speaks against it.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from abawbench.clips.alignment import Box
from abawbench.clips.images import Image
from abawbench.faces.detector import Face

Description = NDArray[np.float32]

# median distance of two pictures of one person in the London set: colours, brightness, edges
SPREAD = (0.69, 0.23, 0.060)
# largest distance of descriptions of one person, in multiples of that median: 97 % of the pairs of one person lie below
# 1.8, and 99 % of the pairs of two people in the same light above 1.9
SAME = 1.9
# the same where place and size speak for the same person too
SAME_IN_PLACE = 5.0
EXEMPLARS = 4
# number of frames after which a track ends if its face is not seen
MAX_GAP = 30
# smallest mean difference of two thumbnails at a cut, in grey levels, and as a multiple of the usual difference
CUT, CUT_RATIO = 15.0, 3.0
# width and height in pixels
THUMBNAIL = (64, 36)
# index of the 4 x 4 fields that each pixel of a 56 x 56 crop lies in
CELLS = (np.arange(56) // 14)[:, np.newaxis] * 4 + np.arange(56) // 14


def describe(crop: Image) -> Description:
    """Describe a face crop as a vector, shape (224,); the distance of two vectors says how unlike the faces are.

    The vector holds mean colours on 4 x 4 fields, brightness on 8 x 8 fields without its mean and contrast, and edge
    directions on 4 x 4 fields, each divided by its usual distance between two pictures of one person.
    """
    import cv2

    small = cv2.resize(crop, (56, 56), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    colour = cv2.resize(lab[..., 1:], (4, 4), interpolation=cv2.INTER_AREA).ravel()
    light = cv2.resize(lab[..., 0], (8, 8), interpolation=cv2.INTER_AREA).ravel()
    light = (light - light.mean()) / (light.std() + 8)
    across, down = cv2.Sobel(lab[..., 0], cv2.CV_32F, 1, 0), cv2.Sobel(lab[..., 0], cv2.CV_32F, 0, 1)
    direction = (np.arctan2(down, across) * (8 / np.pi)).astype(np.int64) % 8
    edges = np.bincount((CELLS * 8 + direction).ravel(), np.hypot(across, down).ravel(), 128).reshape(16, 8)
    edges = np.sqrt(edges / (edges.sum(axis=1, keepdims=True) + 50)).ravel()
    parts = zip((colour, light, edges), SPREAD, strict=True)
    return np.concatenate([part / (spread * np.sqrt(3 * part.size)) for part, spread in parts]).astype(np.float32)


@dataclass(eq=False)
class Track:
    """One face over consecutive frames, joined without doubt.

    Attributes:
        number: track number, from 1, in the order of first appearance.
        shot: number of its shot, from 0.
        first: position of its first frame, from 0 over decoded frames.
        last: position of its last frame.
        first_box: left, top, right and bottom edge of its box in the first frame, in pixels.
        last_box: edges of its box in the last frame.
        description: running average of its descriptions.
        count: number of frames in which it is seen.
        place: mean horizontal centre, in picture widths from the left edge.
        side: mean side of the box in pixels.
        exemplars: up to four descriptions that differ from each other.
    """

    number: int
    shot: int
    first: int
    last: int
    first_box: Box
    last_box: Box
    description: Description
    count: int = 1
    place: float = 0.0
    side: float = 0.0
    exemplars: list[Description] = field(default_factory=list[Description])


class Tracker:
    """Joins the faces of each frame to tracks, and finds cuts.

    Attributes:
        tracks: all tracks so far, in the order of their numbers.
        cuts: positions of the frames, from 0, that begin a new shot.
        together: for each track, the tracks seen in the same frame as it, which are other persons for certain.
    """

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self.cuts: list[int] = []
        self.together: dict[int, set[int]] = defaultdict(set)
        self._active: list[Track] = []
        self._thumbnail: NDArray[np.float32] | None = None
        self._shape: tuple[int, ...] = ()
        self._changes: list[float] = []
        self._shots = 0
        self._frame = -1

    def assign_tracks(self, image: Image, faces: tuple[Face, ...], descriptions: list[Description]) -> list[int]:
        """The track number of each face of the next frame."""
        self._frame += 1
        if self._is_cut(image):
            self.cuts.append(self._frame)
            self._shots += 1
            self._active = []
        self._active = [track for track in self._active if self._frame - track.last <= MAX_GAP]
        joined = self._join(faces, descriptions)
        width = image.shape[1]
        numbers: list[int] = []
        for place, (face, description) in enumerate(zip(faces, descriptions, strict=True)):
            track = joined.get(place)
            if track is None:
                number = len(self.tracks) + 1
                track = Track(number, self._shots, self._frame, self._frame, face.box, face.box, description.copy(), 0)
                self.tracks.append(track)
                self._active.append(track)
            self._extend(track, face, description, width)
            numbers.append(track.number)
        if len(numbers) > 1:
            for number in numbers:
                self.together[number].update(other for other in numbers if other != number)
        return numbers

    def _extend(self, track: Track, face: Face, description: Description, width: int) -> None:
        track.last, track.last_box = self._frame, face.box
        track.description += np.float32(0.3) * (description - track.description)
        track.count += 1
        track.place += ((face.box[0] + face.box[2]) / (2 * width) - track.place) / track.count
        track.side += (float(np.sqrt(face.area)) - track.side) / track.count
        if len(track.exemplars) < EXEMPLARS and all(_apart(description, other) > SAME / 2 for other in track.exemplars):
            track.exemplars.append(description)

    def _join(self, faces: tuple[Face, ...], descriptions: list[Description]) -> dict[int, Track]:
        """The track that each face continues, by position of the face; the surest pairs are joined first."""
        pairs: list[tuple[float, int, int]] = []
        for place, (face, description) in enumerate(zip(faces, descriptions, strict=True)):
            for index, track in enumerate(self._active):
                overlap, apart = _overlap(face.box, track.last_box), _apart(description, track.description)
                is_near = overlap > 0.2 or (_steps(face.box, track.last_box) < 1 and apart < SAME)
                if is_near and apart < SAME_IN_PLACE:
                    pairs.append((apart / SAME_IN_PLACE - overlap, place, index))
        joined: dict[int, Track] = {}
        taken: set[int] = set()
        for _, place, index in sorted(pairs):
            if place not in joined and index not in taken:
                joined[place] = self._active[index]
                taken.add(index)
        return joined

    def _is_cut(self, image: Image) -> bool:
        import cv2

        # every few pixels only: the mean over all pixels of a large frame would cost as much as decoding it
        step = max(1, min(image.shape[0] // (2 * THUMBNAIL[1]), image.shape[1] // (2 * THUMBNAIL[0])))
        small = np.ascontiguousarray(image[::step, ::step])
        thumbnail = cv2.resize(small, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
        before, self._thumbnail = self._thumbnail, thumbnail
        is_resized, self._shape = self._shape != image.shape, image.shape
        if before is None:
            return False
        change = float(np.abs(thumbnail - before).mean())
        usual = statistics.median(self._changes) if self._changes else 0.0
        self._changes = [*self._changes[-7:], change]
        is_cut = is_resized or (change > CUT and change > CUT_RATIO * usual)
        if is_cut:
            self._changes = []
        return is_cut


def _apart(one: Description, other: Description) -> float:
    return float(np.linalg.norm(one - other))


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (_area(one) + _area(other) - shared)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _steps(one: Box, other: Box) -> float:
    """Distance of two centres in sides of the larger box; infinite if the smaller side is less than half of it."""
    sides = sorted((np.sqrt(max(_area(one), 1e-9)), np.sqrt(max(_area(other), 1e-9))))
    if sides[0] * 2 < sides[1]:
        return float("inf")
    centres = np.hypot(one[0] + one[2] - other[0] - other[2], one[1] + one[3] - other[1] - other[3]) / 2
    return float(centres / sides[1])


@dataclass(frozen=True, eq=False)
class Person:
    """The tracks of one person.

    Attributes:
        tracks: numbers of the tracks, the longest first.
        apart: distance of each track to those joined before it, in the units of `SAME`; 0 for the first.
    """

    tracks: tuple[int, ...]
    apart: tuple[float, ...]


def group_tracks(tracks: list[Track], together: dict[int, set[int]]) -> tuple[Person, ...]:
    """Group tracks by person, beginning with the longest track.

    A track joins the most similar person if it is similar enough and was never seen in one frame with a track of that
    person. Less similarity is required if it begins where a track of that person ended in the same shot, or ends where
    one began.
    """
    order = sorted(tracks, key=lambda track: (-track.count, track.number))
    groups: list[tuple[list[Track], list[float]]] = []
    width = order[0].description.size if order else 0
    bank = np.zeros((sum(len(track.exemplars) for track in order), width), np.float32)
    owner = np.empty(len(bank), np.int64)
    filled = 0
    for track in order:
        own = np.stack(track.exemplars)
        apart = np.full(len(groups), np.inf)
        if filled:
            squares = (own**2).sum(1)[:, np.newaxis] + (bank[:filled] ** 2).sum(1) - 2 * own @ bank[:filled].T
            np.minimum.at(apart, owner[:filled], np.sqrt(np.maximum(squares, 0)).min(axis=0))
        for place in np.argsort(apart, kind="stable").tolist():
            members, _ = groups[place]
            limit = SAME_IN_PLACE if any(_continues(track, other) for other in members) else SAME
            if apart[place] < limit and not any(other.number in together[track.number] for other in members):
                break
        else:
            place = len(groups)
            groups.append(([], []))
            apart = np.append(apart, 0.0)
        groups[place][0].append(track)
        groups[place][1].append(float(apart[place]))
        bank[filled : filled + len(own)], owner[filled : filled + len(own)] = own, place
        filled += len(own)
    return tuple(Person(tuple(t.number for t in members), tuple(apart)) for members, apart in groups)


def _continues(one: Track, other: Track) -> bool:
    """True if one track begins soon after the other ends, in the same place and shot."""
    early, late = (one, other) if one.first <= other.first else (other, one)
    gap = late.first - early.last
    return early.shot == late.shot and 0 < gap <= 4 * MAX_GAP and _overlap(early.last_box, late.first_box) > 0.3
