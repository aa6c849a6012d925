"""Faces of every frame of a video: detected, or followed by optical flow from one detection to the next."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from abawbench.clips.alignment import Points
from abawbench.clips.video import Frame
from abawbench.faces.detector import Detector, Face, shrink

# largest mean distance of a followed and a detected face that count as the same, in eye distances; two detections of a
# still face differ by about a tenth
AGREEMENT = 0.3
# window in pixels and number of halvings of the optical flow
WINDOW, LEVELS = 15, 2


@dataclass(frozen=True, eq=False, slots=True)
class FrameFaces:
    """The faces of one frame.

    Attributes:
        frame: the frame.
        faces: its faces.
        is_followed: True if the faces were followed between the detections before and after this frame.
    """

    frame: Frame
    faces: tuple[Face, ...]
    is_followed: bool = False


def detect_or_follow(frames: Iterable[Frame], detector: Detector, every: int = 1) -> Generator[FrameFaces]:
    """Every frame with its faces.

    The detector runs on frames 1, 1 + every, 1 + 2 every, ... and on the last one. Between two such frames the five
    points of a face are followed by optical flow (pyramidal Lucas-Kanade), and the error at the second detection is
    distributed linearly over the frames between. If the two detections do not agree on the faces, at a cut for
    instance, the detector runs on the frames between as well. So no face is invented, and none is carried over an
    absence.
    """
    last: FrameFaces | None = None
    between: list[Frame] = []
    for frame in frames:
        between.append(frame)
        if last is None or len(between) == every:
            found = FrameFaces(frame, detector.detect(frame.image))
            if last is not None:
                yield from _span(last, between[:-1], found, detector)
            yield found
            last, between = found, []
    if last is not None and between:
        found = FrameFaces(between[-1], detector.detect(between[-1].image))
        yield from _span(last, between[:-1], found, detector)
        yield found


def _span(first: FrameFaces, between: Sequence[Frame], end: FrameFaces, detector: Detector) -> Generator[FrameFaces]:
    if not between:
        return
    followed = _followed(first, between, end)
    for place, frame in enumerate(between):
        if followed is None:
            yield FrameFaces(frame, detector.detect(frame.image))
        else:
            yield FrameFaces(frame, followed[place], is_followed=True)


def _followed(first: FrameFaces, between: Sequence[Frame], end: FrameFaces) -> list[tuple[Face, ...]] | None:
    """Faces of the frames between two detections, or None if the two do not agree."""
    shape = first.frame.image.shape
    if len(first.faces) != len(end.faces) or any(frame.image.shape != shape for frame in (*between, end.frame)):
        return None
    if not first.faces:
        return [()] * len(between)
    paths = _flow(first, [*between, end.frame])
    if paths is None:
        return None
    partner = _match(paths[-1], end.faces)
    if partner is None:
        return None
    result: list[tuple[Face, ...]] = []
    for step in range(len(between)):
        share = (step + 1) / (len(between) + 1)
        result.append(
            tuple(
                _interpolate(face, end.faces[other], path, last, share)
                for face, other, path, last in zip(first.faces, partner, paths[step], paths[-1], strict=True)
            )
        )
    return result


def _flow(first: FrameFaces, frames: Sequence[Frame]) -> list[Points] | None:
    """The points of all faces in each frame, shape (faces, 5, 2); None if the flow loses any of them."""
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
    return shrink(grey)


def _match(points: Points, faces: tuple[Face, ...]) -> list[int] | None:
    """Index of the face at each set of points, each face once; None if a set of points has no face."""
    found = np.stack([face.points for face in faces])
    apart = np.linalg.norm(points[:, np.newaxis] - found[np.newaxis], axis=3).mean(axis=2)
    eyes = np.linalg.norm(found[:, 0] - found[:, 1], axis=1)
    # in profile, both eyes lie on one spot: a third of the face's height stands in for their distance
    sizes = np.maximum(eyes, [(face.box[3] - face.box[1]) / 3 for face in faces])
    partner = apart.argmin(axis=1)
    is_near = apart[np.arange(len(points)), partner] <= AGREEMENT * sizes[partner]
    return partner.tolist() if is_near.all() and len(set(partner.tolist())) == len(points) else None


def _interpolate(face: Face, other: Face, path: Points, last: Points, share: float) -> Face:
    """A face on its way from one detection to the next.

    Args:
        face: the face at the first detection.
        other: the same face at the second detection.
        path: shape (5, 2), its points in this frame as the flow puts them.
        last: shape (5, 2), its points in the frame of the second detection as the flow puts them.
        share: position of this frame between the two detections, in (0, 1).
    """
    points = path + share * (other.points - last)
    box = (1 - share) * np.array(face.box) + share * np.array(other.box)
    # the box moves with the points, not on the straight line between the two detections
    shift = points.mean(axis=0) - ((1 - share) * face.points.mean(axis=0) + share * other.points.mean(axis=0))
    left, top, right, bottom = (box + np.tile(shift, 2)).tolist()
    return Face((left, top, right, bottom), points, min(face.score, other.score))
