"""Faces of every frame of a video: detected, or followed from one detection to the next."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from abawbench.clips.alignment import Points
from abawbench.clips.video import Frame
from abawbench.faces.detector import Detector, Face, shrunk

# in parts of the distance between the eyes: two detections of a still face differ by about a tenth
AGREEMENT = 0.3
WINDOW = 15
LEVELS = 2


@dataclass(frozen=True, eq=False, slots=True)
class Seen:
    """The faces of one frame; `is_followed` where they were carried over from detections before and after it."""

    frame: Frame
    faces: tuple[Face, ...]
    is_followed: bool = False


def watch(frames: Iterable[Frame], detector: Detector, every: int = 1) -> Generator[Seen]:
    """Every frame with its faces.

    With `every` = k the detector sees frames 1, 1 + k, 1 + 2k, ... and the last. Between two such frames the five
    points are followed by optical flow (pyramidal Lucas-Kanade); what is missing at the second detection is spread over
    the frames between. Where the two do not agree on the faces, a cut for instance, the frames between are detected as
    well: a face is never made up, nor carried over an absence.
    """
    last: Seen | None = None
    between: list[Frame] = []
    for frame in frames:
        between.append(frame)
        if last is None or len(between) == every:
            seen = Seen(frame, detector.detect(frame.image))
            if last is not None:
                yield from _span(last, between[:-1], seen, detector)
            yield seen
            last, between = seen, []
    if last is not None and between:
        seen = Seen(between[-1], detector.detect(between[-1].image))
        yield from _span(last, between[:-1], seen, detector)
        yield seen


def _span(first: Seen, between: Sequence[Frame], end: Seen, detector: Detector) -> Generator[Seen]:
    if not between:
        return
    followed = _followed(first, between, end)
    for place, frame in enumerate(between):
        if followed is None:
            yield Seen(frame, detector.detect(frame.image))
        else:
            yield Seen(frame, followed[place], is_followed=True)


def _followed(first: Seen, between: Sequence[Frame], end: Seen) -> list[tuple[Face, ...]] | None:
    """Faces of the frames between two detections, or None where the two do not agree."""
    shape = first.frame.image.shape
    if len(first.faces) != len(end.faces) or any(frame.image.shape != shape for frame in (*between, end.frame)):
        return None
    if not first.faces:
        return [()] * len(between)
    paths = _flow(first, [*between, end.frame])
    if paths is None:
        return None
    partner = _partners(paths[-1], end.faces)
    if partner is None:
        return None
    result: list[tuple[Face, ...]] = []
    for step in range(len(between)):
        share = (step + 1) / (len(between) + 1)
        result.append(
            tuple(
                _between(face, end.faces[other], path, last, share)
                for face, other, path, last in zip(first.faces, partner, paths[step], paths[-1], strict=True)
            )
        )
    return result


def _flow(first: Seen, frames: Sequence[Frame]) -> list[Points] | None:
    """The points of all faces in each frame, shape (faces, 5, 2); None where some are lost."""
    import cv2

    flow: Any = cv2.calcOpticalFlowPyrLK
    points = np.stack([face.points for face in first.faces])
    small, scale = _grey(first.frame)
    here: Any = np.float32(points.reshape(-1, 1, 2) / scale)
    paths: list[Points] = []
    for frame in frames:
        after, _ = _grey(frame)
        there, found, _ = flow(small, after, here, None, winSize=(WINDOW, WINDOW), maxLevel=LEVELS)
        if not found.all():
            return None
        small, here = after, there
        paths.append(there.reshape(points.shape).astype(np.float64) * scale)
    return paths


def _grey(frame: Frame) -> tuple[Any, Points]:
    import cv2

    grey: Any = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
    return shrunk(grey)


def _partners(points: Points, faces: tuple[Face, ...]) -> list[int] | None:
    """For each set of points the face that lies there, each face once; None where there is none."""
    found = np.stack([face.points for face in faces])
    apart = np.linalg.norm(points[:, np.newaxis] - found[np.newaxis], axis=3).mean(axis=2)
    eyes = np.linalg.norm(found[:, 0] - found[:, 1], axis=1)
    # a face seen from the side has its eyes on one spot: its height stands in for their distance
    sizes = np.maximum(eyes, [(face.box[3] - face.box[1]) / 3 for face in faces])
    partner = apart.argmin(axis=1)
    is_near = apart[np.arange(len(points)), partner] <= AGREEMENT * sizes[partner]
    return partner.tolist() if is_near.all() and len(set(partner.tolist())) == len(points) else None


def _between(face: Face, other: Face, path: Points, last: Points, share: float) -> Face:
    points = path + share * (other.points - last)
    box = (1 - share) * np.array(face.box) + share * np.array(other.box)
    # the box moves with the points, not on the straight line between the two detections
    shift = points.mean(axis=0) - ((1 - share) * face.points.mean(axis=0) + share * other.points.mean(axis=0))
    left, top, right, bottom = (box + np.tile(shift, 2)).tolist()
    return Face((left, top, right, bottom), points, min(face.score, other.score))
