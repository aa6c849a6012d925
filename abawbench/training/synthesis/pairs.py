"""Pairs of a source face and a target face: the same person with another expression. Needs no torch.

Positions are indices of faces, from 0.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.table import Rows, video_of
from abawbench.training.batching import Step

if TYPE_CHECKING:
    from abawbench.training.data import SplitFrames

Numbers = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Faces:
    """The labelled faces of a split.

    Attributes:
        places: their places in the split, shape (faces,).
        person: number of the person of each face, shape (faces,).
        label: number of the expression of each face, shape (faces,).
    """

    places: Rows
    person: Numbers
    label: Numbers

    def __len__(self) -> int:
        return len(self.places)


def faces_of(frames: SplitFrames, task: str, subjects: Mapping[str, str] | None) -> Faces:
    """The labelled faces of a split.

    Args:
        frames: frames of the split.
        task: name of the task of the expressions.
        subjects: subject of each unit, or of its video; None to take each unit for a person of its own.

    Raises:
        ProblemError: C02 a unit without a subject, E19 all faces show one expression.
    """
    places = np.flatnonzero(frames.labelled)
    clip = np.searchsorted(frames.begins, places, side="right") - 1
    person = persons_of([clip.video for clip in frames.clips], subjects)
    label = frames.targets[task].values.cpu().numpy()[places]
    if len(np.unique(label)) < 2:
        fix = "bring labels of two expressions or more"
        raise ProblemError(Problem("E19", f"{len(label):,} faces of one expression", "faces of two or more", fix))
    return Faces(places, person[clip], label)


def pair_steps(faces: Faces, batch: int, seed: int, epoch: int) -> list[Step]:
    """The steps of an epoch over pairs; each face is the source of one pair.

    Args:
        faces: faces of the training split.
        batch: number of pairs in a step.
        seed: seed of the training.
        epoch: number of the epoch.

    Returns:
        Steps of sequences of two: source, target, source, target, ...
    """
    generator = np.random.default_rng([seed, epoch, zlib.crc32(b"pairs")])
    target = draw_targets(faces.person, faces.label, generator)
    order = generator.permutation(len(faces))
    pairs = np.stack([faces.places[order], faces.places[target[order]]], axis=1)
    count = -(-len(faces) // batch)
    return [Step(part.ravel(), np.full(len(part), 2, np.int64)) for part in np.array_split(pairs, count)]


def draw_targets(person: Numbers, label: Numbers, generator: np.random.Generator) -> Rows:
    """Draw a target for each face: any face of the same person with another expression, all alike likely.

    A person with one expression only gets a target among the faces of all others with another expression: the fallback
    that the release means and never reaches.

    Args:
        person: number of the person of each face, shape (faces,).
        label: number of the expression of each face, shape (faces,), two different ones at least.
        generator: source of the random numbers.

    Returns:
        Position of the target of each face, shape (faces,).

    Source: cikrhazo/FERSNet:data.py.
    """
    chance = generator.random(len(label))
    own, own_count = _others(person, label, chance)
    anyone, _ = _others(np.zeros_like(person), label, chance)
    return np.where(own_count > 0, own, anyone)


def pair_notices(faces: Faces, subjects: Mapping[str, str] | None) -> list[str]:
    """Sentences for the user about the pairs of a training.

    Args:
        faces: faces of the training split.
        subjects: subject of each unit, or of its video; None where each unit is taken for a person of its own.
    """
    _, count = _others(faces.person, faces.label, np.zeros(len(faces)))
    alone = int((count == 0).sum())
    told = ["assumed: each unit is a person of its own; --subjects names them"] if subjects is None else []
    if alone:
        told.append(f"{alone:,} of {len(faces):,} faces are of people with one expression: their targets are others'")
    return told


def _others(group: Numbers, label: Numbers, chance: NDArray[np.float64]) -> tuple[Rows, Rows]:
    """A face of the same group with another label for each face, and the number of such faces; any where that is 0."""
    order = np.lexsort((label, group))
    grouped, labelled = group[order], label[order]
    is_group = np.concatenate([[True], grouped[1:] != grouped[:-1]])
    is_cell = is_group | np.concatenate([[True], labelled[1:] != labelled[:-1]])
    begin, size = _spans(is_group)
    cell_begin, cell_size = _spans(is_cell)
    count = size - cell_size
    drawn = begin + (chance[order] * count).astype(np.int64)
    # the faces with the same label lie between those with others
    drawn += np.where(drawn >= cell_begin, cell_size, 0)
    chosen, counts = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    chosen[order], counts[order] = order[np.minimum(drawn, len(order) - 1)], count
    return chosen, counts


def _spans(is_first: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """First position and size of the run that each position belongs to."""
    begins = np.flatnonzero(is_first)
    run = np.cumsum(is_first) - 1
    sizes = np.diff(np.concatenate([begins, [len(is_first)]]))
    return begins[run].astype(np.int64), sizes[run].astype(np.int64)


def persons_of(units: Sequence[str], subjects: Mapping[str, str] | None) -> Numbers:
    """The number of the person of each unit, shape (units,).

    Args:
        units: names of the units.
        subjects: subject of each unit, or of its video; None to take each unit for a person of its own.

    Raises:
        ProblemError: C02, a unit without a subject.
    """
    if subjects is None:
        return np.arange(len(units))
    named = [subjects.get(unit, subjects.get(video_of(unit))) for unit in units]
    without = [unit for unit, subject in zip(units, named, strict=True) if subject is None]
    if without:
        found = f"no subject for {', '.join(without[:3])}{', ...' * (len(without) > 3)}"
        fix = "add a line 'video,subject' for each"
        raise ProblemError(Problem("C02", found, "a subject for every unit", fix, count=len(without)))
    return np.unique(np.array(named), return_inverse=True)[1]
