"""Who is who: faces of one frame after another joined into tracks, tracks into persons.

No weights are needed: a face is described by the colours, the light and the edges of its aligned crop. On the 102
people of the London set this tells a person's two pictures from those of all others (area under the curve 0.999), in
even light; over changes of light and pose it is weaker, so a track joins a person only when nothing speaks against it.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from abawbench.clips.images import Image
from abawbench.faces.detector import Face

Description = NDArray[np.float32]
Box = tuple[float, float, float, float]

# how far apart two pictures of one person lie in the London set, median: colour, light, edges
SPREAD = (0.69, 0.23, 0.060)
# the same units: pictures of one person lie at 1.0, 97 % of them below 1.8; of two, 99 % above 1.9 in the same light
SAME = 1.9
# where place and size speak for the same person as well
SAME_IN_PLACE = 5.0
EXEMPLARS = 4
MAX_GAP = 30
# mean difference of small pictures, in grey levels, that a cut has, and how many times what came before
CUT, CUT_RATIO = 15.0, 3.0
THUMBNAIL = (64, 36)
CELLS = (np.arange(56) // 14)[:, np.newaxis] * 4 + np.arange(56) // 14


def describe(crop: Image) -> Description:
    """A face crop as a point whose distance to another says how unlike they are, shape (224,).

    Mean colours on 4 x 4 fields, light on 8 x 8 fields with mean and contrast removed, edge directions on 4 x 4 fields;
    each divided by the spread that two pictures of one person have.
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
    """One face followed over frames without doubt.

    Attributes:
        number: from 1, in order of first appearance.
        shot: number of the shot it lies in, from 0.
        first, last: the first and last frame, counted from 0 over decoded frames.
        count: frames it is seen in.
        first_box, last_box: left, top, right, bottom there, in pixels.
        description: its descriptions of late, averaged.
        place: mean centre, in widths of the picture from its left.
        side: mean side of the box in pixels.
        exemplars: up to four unlike descriptions of it.
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
    """Joins the faces of each frame to those before; knows cuts.

    Attributes:
        tracks: all so far, in order of their numbers.
        cuts: frames, counted from 0, that begin a new shot.
        together: pairs of tracks seen in one frame: two persons for certain.
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

    def follow(self, image: Image, faces: tuple[Face, ...], descriptions: list[Description]) -> list[int]:
        """The track number of each face of the next frame."""
        self._frame += 1
        if self._is_cut(image):
            self.cuts.append(self._frame)
            self._shots += 1
            self._active = []
        self._active = [track for track in self._active if self._frame - track.last <= MAX_GAP]
        joined = self._joined(faces, descriptions)
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

    def _joined(self, faces: tuple[Face, ...], descriptions: list[Description]) -> dict[int, Track]:
        """Faces, by their place, that go on a track: the surest pair first."""
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

        # strides first: the mean over all pixels of a large frame would cost as much as its decoding
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
    """Distance of the centres in sides of the larger box; infinite where sizes differ by more than half."""
    sides = sorted((np.sqrt(max(_area(one), 1e-9)), np.sqrt(max(_area(other), 1e-9))))
    if sides[0] * 2 < sides[1]:
        return float("inf")
    centres = np.hypot(one[0] + one[2] - other[0] - other[2], one[1] + one[3] - other[1] - other[3]) / 2
    return float(centres / sides[1])


@dataclass(frozen=True, eq=False)
class Person:
    """Tracks that show one person.

    Attributes:
        tracks: their numbers, the longest first.
        apart: how unlike each is to those joined before it, in the units of `SAME`; 0 for the first.
    """

    tracks: tuple[int, ...]
    apart: tuple[float, ...]


def persons(tracks: list[Track], together: dict[int, set[int]]) -> tuple[Person, ...]:
    """Tracks joined into persons, the longest track first.

    A track joins the person it is most like, if it is like enough and was never seen beside one of their tracks. Where
    it begins or ends at the place where another of the same shot ended or began, less likeness is asked for.
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
            limit = SAME_IN_PLACE if any(_goes_on(track, other) for other in members) else SAME
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


def _goes_on(one: Track, other: Track) -> bool:
    """True when one track begins, in the same shot and soon, where the other ends."""
    early, late = (one, other) if one.first <= other.first else (other, one)
    gap = late.first - early.last
    return early.shot == late.shot and 0 < gap <= 4 * MAX_GAP and _overlap(early.last_box, late.first_box) > 0.3
