"""Who is who in the table of a toolkit: one person is kept through a video in which several faces are seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from abawbench.table import Floats, Integers, Mask, Rows


def has_several_faces(frame: Floats) -> bool:
    """True where some frame number occurs more than once."""
    return len(np.unique(frame)) < len(frame)


def persons_by_name(names: Sequence[str]) -> Integers:
    """Numbers of persons, from 0 by first appearance, from what the tool calls each face, shape (faces,)."""
    _, first, number = np.unique(np.array(names, np.str_), return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int32)
    order[np.argsort(first, kind="stable")] = np.arange(len(first))
    return order[number]


def persons_by_place(frame: Floats, box: Floats) -> Integers:
    """Numbers of persons, from 0 by first appearance, told apart by where their faces are, shape (faces,).

    A face is the person who was last seen nearest to it. A further person begins only in a frame with more faces than
    persons that are known, so that a person who moves, or is away for some frames, stays the same.

    Args:
        frame: number of the frame of each face.
        box: left, top, width and height of each face, shape (faces, 4).
    """
    order = np.argsort(frame, kind="stable")
    centre = box[:, :2] + box[:, 2:] / 2
    begins = np.flatnonzero(np.diff(frame[order], prepend=np.nan) != 0)
    person = np.zeros(len(frame), np.int32)
    known: NDArray[np.float64] = np.empty((0, 2))
    for faces in np.split(order, begins[1:]):
        apart = np.linalg.norm(centre[faces, np.newaxis] - known[np.newaxis], axis=2)
        is_new = np.ones(len(faces), bool)
        for _ in range(min(apart.shape)):
            face, other = divmod(int(apart.argmin()), len(known))
            person[faces[face]], known[other], is_new[face] = other, centre[faces[face]], False
            apart[face], apart[:, other] = np.inf, np.inf
        person[faces[is_new]] = len(known) + np.arange(is_new.sum())
        known = np.concatenate([known, centre[faces[is_new]]])
    return person


def main_person(person: Integers, frame: Floats, confidence: Floats) -> Mask:
    """True for the faces of the person seen in most frames, of equals the most confident one, shape (faces,)."""
    if not len(person):
        return np.zeros(0, bool)
    count = np.bincount(np.unique(np.stack([person, frame]), axis=1)[0].astype(np.intp))
    trust = np.bincount(person, np.nan_to_num(confidence, nan=0, neginf=0), minlength=len(count))
    return person == np.lexsort((-trust, -count))[0]


def best_of_each_frame(frame: Floats, confidence: Floats) -> Rows:
    """Places of one face for each frame, frames rising: the most confident face, else the first."""
    order = np.lexsort((-np.nan_to_num(confidence, nan=-np.inf), frame))
    fresh: NDArray[np.bool_] = np.ones(len(order), bool)
    fresh[1:] = frame[order][1:] != frame[order][:-1]
    return cast(Rows, order[fresh])
