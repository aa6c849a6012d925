"""Drawn single faces with known expressions and action units, for claims whose networks see one picture at a time.

Every face shows an expression; each action unit takes part in it with the probability of the expert table of Du, Tao
and Martinez 2014, and its label says whether it does. People, lights, poses, blinks and covers are those of
`abawbench.synthetic`.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.base.files import make_folder, write_file
from abawbench.base.process_pool import in_processes
from abawbench.base.run_lock import only_run
from abawbench.entries.baselines.classical import hog
from abawbench.labels import ACTION_UNITS_17, EXPRESSIONS_7
from abawbench.models.relatedness_tables import expert_table
from abawbench.synthetic.noise import stream
from abawbench.table import Floats, Mask, Rows

Pictures = NDArray[np.uint8]

# streams of random numbers of a face
_PERSON, _FILM, _MOVES = range(3)
UPPER = tuple(unit in {"AU1", "AU2", "AU4", "AU5", "AU6", "AU7", "AU9"} for unit in ACTION_UNITS_17)
# pixels of a cell of the histograms of oriented gradients, as in the classical entry
CELL = 8
# faces between two lines of progress
PAUSE = 200

# how the action units of a face hang together: independent given the expression; all decided by one number, with the
# same shares; or the lower half of the face shows another expression than the upper half, which gives the class
Bond = Literal["independent", "dependent", "unrelated"]


@dataclass(frozen=True)
class FaceSettings:
    """Settings of drawn faces; equal settings give equal faces.

    Attributes:
        first: number of the first person; ranges of numbers that do not overlap share nobody.
        people: number of people.
        frames: number of faces of each person.
        seed: seed of all draws.
        classes: names of the expressions, which are drawn with equal chances: basic or compound ones.
        bond: how action units hang together.
        resting: standard deviation of the intensities that a neutral face shows.
        side: side of the small pictures in pixels.
    """

    first: int
    people: int
    frames: int
    seed: int = 0
    classes: tuple[str, ...] = EXPRESSIONS_7
    bond: Bond = "independent"
    resting: float = 0.2
    side: int = 32


@dataclass(frozen=True, eq=False)
class Faces:
    """Drawn faces.

    Attributes:
        person: index of the person from 0, shape (faces,).
        expression: index into the classes, shape (faces,).
        action_units: True for the action units that take part, order of `ACTION_UNITS_17`, shape (faces, 17).
        pictures: RGB, shape (faces, side, side, 3).
        hog: histograms of oriented gradients of the crops of 112 pixels, float16, shape (faces, features).
    """

    person: Rows
    expression: Rows
    action_units: Mask
    pictures: Pictures
    hog: NDArray[np.float16]


def faces_path(settings: FaceSettings, out: Path) -> Path:
    """The file of drawn faces in the folder of all claims."""
    text = json.dumps(asdict(settings), sort_keys=True)
    return out / "faces" / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"


def draw_faces(settings: FaceSettings, out: Path, processes: int, report: Callable[[str], None]) -> Path:
    """Draw faces into a file, unless it is there.

    Args:
        settings: settings of the faces.
        out: folder of all claims.
        processes: number of processes; the faces are the same for any number.
        report: function that is called with a line of progress.

    Raises:
        ProblemError: D36, another run is drawing the same faces.
    """
    path = faces_path(settings, out)
    work = path.with_suffix("")
    if path.exists():
        return path
    make_folder(work)
    with only_run(work):
        parts: dict[int, list[NDArray[np.generic]]] = {}
        people = range(settings.first, settings.first + settings.people)
        for index, part in in_processes(partial(draw_person, settings), people, processes, work):
            parts[index] = part
            if len(parts) * settings.frames % PAUSE < settings.frames:
                report(f"drawn: {len(parts) * settings.frames} of {settings.people * settings.frames} faces")
        expression, units, pictures, features = (
            np.concatenate([parts[index][column] for index in range(settings.people)]) for column in range(4)
        )
        sink = io.BytesIO()
        person = np.repeat(np.arange(settings.people), settings.frames)
        np.savez(sink, person=person, expression=expression, action_units=units, pictures=pictures, hog=features)
        write_file(path, sink.getvalue())
    return path


def read_faces(settings: FaceSettings, out: Path) -> Faces:
    """The faces that `draw_faces` has drawn."""
    with np.load(faces_path(settings, out)) as file:
        return Faces(**{name: file[name] for name in ("person", "expression", "action_units", "pictures", "hog")})


def draw_person(settings: FaceSettings, number: int) -> list[NDArray[np.generic]]:
    """Expressions, action units, small pictures and features of the faces of one person."""
    import cv2

    from abawbench.synthetic.film import draw_crop, make_film
    from abawbench.synthetic.person import make_person

    cv2.setNumThreads(1)
    person = make_person(stream(settings.seed, _PERSON, number), settings.resting)
    film = make_film(person, settings.frames, stream(settings.seed, _FILM, number))
    generator = stream(settings.seed, _MOVES, number)
    expression = generator.integers(0, len(settings.classes), settings.frames)
    units = take_part(expression, settings, generator)
    intensities = np.where(units, make_intensities(units.shape, generator), 0.0)
    crops = np.stack([draw_crop(film, frame, intensities[frame]) for frame in range(settings.frames)])
    size = (settings.side, settings.side)
    pictures = np.stack([cv2.resize(crop, size, interpolation=cv2.INTER_AREA) for crop in crops])
    return [expression, units, pictures, hog(crops, cell=CELL).astype(np.float16)]


def take_part(expression: Rows, settings: FaceSettings, generator: np.random.Generator) -> Mask:
    """Whether each action unit takes part in each face, shape (faces, 17); its share is that of the expert table."""
    table = expert_table(settings.classes, ACTION_UNITS_17)
    share = table[expression]
    if settings.bond == "unrelated":
        other = generator.integers(0, len(settings.classes), len(expression))
        share = np.where(UPPER, share, table[other])
    chance = generator.random(share.shape)
    if settings.bond == "dependent":
        chance[:] = chance[:, :1]
    return chance < share


def make_intensities(shape: tuple[int, ...], generator: np.random.Generator) -> Floats:
    """Intensities of action units that take part: a strength of the face times one of each unit, at most 1."""
    strength = generator.uniform(0.4, 1, (shape[0], 1)) * generator.uniform(0.8, 1.2, shape)
    return np.minimum(strength, 1)
