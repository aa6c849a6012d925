"""A contact sheet: people with their expressions, single action units, frames over time, and whole pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from abawbench.base.files import write_file
from abawbench.clips.images import Image
from abawbench.clips.sheet import GAP, picture_row, title_row
from abawbench.faces import CROP_SIZE
from abawbench.labels import ACTION_UNITS_17, EXPRESSIONS_7
from abawbench.synthetic.affect import episode_shares, make_course, make_temperament
from abawbench.synthetic.film import Film, draw_crop, draw_picture, make_film
from abawbench.synthetic.noise import stream
from abawbench.synthetic.person import make_person
from abawbench.synthetic.relations import EPISODES, PROFILES
from abawbench.table import Floats

COLUMNS = (*EXPRESSIONS_7, "Happily_Surprised", "Sadly_Angry", "Angrily_Disgusted")
PEOPLE, FRAMES, STRIDE = 8, 150, 14
JPEG_QUALITY = 85
_DRAWN = 48


def write_contact_sheet(path: Path, seed: int) -> None:
    """Write the contact sheet as PNG or JPEG, after the ending of the path. Raises: ProblemError F01."""
    import cv2

    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if path.suffix.lower() in {".jpg", ".jpeg"} else []
    _, data = cv2.imencode(path.suffix.lower(), contact_sheet(seed)[..., ::-1], settings)
    write_file(path, data.tobytes())


def contact_sheet(seed: int) -> Image:
    """Eight people with ten expressions, 17 action units of one of them, frames of a course, and whole pictures.

    Args:
        seed: seed of people, films and course.

    Returns:
        RGB, shape (height, width, 3).
    """
    films = _films(seed)
    rows = [_titles([name.replace("_", " ") for name in COLUMNS])]
    for film in films:
        frame = clear_frame(film)
        rows.append(_row([draw_crop(film, frame, typical(name)) for name in COLUMNS]))
    rows += _single_units(films[2])
    rows += _in_time(films[4], stream(seed, 2, 5))
    rows += _whole(films)
    return np.concatenate(rows)


def typical(expression: str) -> Floats:
    """Intensities of the action units that most people show in an episode of this kind, shape (17,)."""
    weight = PROFILES[EPISODES.index(expression)]
    return np.where(weight > 0.45, 0.35 + 0.55 * weight, 0.0)


def clear_frame(film: Film) -> int:
    """Index of the first frame without a blink, a covering object or motion blur."""
    conditions = film.conditions
    return int(np.argmin((conditions.lids > 0) | conditions.covered | (conditions.motion > 0)))


def _films(seed: int) -> list[Film]:
    """Films of people of evenly spread skin tones, from light to dark."""
    people = [make_person(stream(seed, 0, number)) for number in range(_DRAWN)]
    people.sort(key=lambda person: -sum(person.skin))
    chosen = people[_DRAWN // PEOPLE // 2 :: _DRAWN // PEOPLE]
    return [make_film(person, FRAMES, stream(seed, 1, number)) for number, person in enumerate(chosen)]


def _single_units(film: Film) -> list[Image]:
    frame = clear_frame(film)
    names = ("none", *ACTION_UNITS_17)
    faces = [draw_crop(film, frame, np.zeros(17)), *(draw_crop(film, frame, unit) for unit in np.eye(17))]
    half = len(names) // 2
    rows: list[Image] = []
    for part in (slice(0, half), slice(half, None)):
        rows += [_titles(names[part]), _row(faces[part])]
    return rows


def _in_time(film: Film, generator: np.random.Generator) -> list[Image]:
    course = make_course(make_temperament(generator), FRAMES, generator, episode_shares((0.2, 0, 0, 0, 0.4, 0, 0.4, 0)))
    shown = range(0, STRIDE * len(COLUMNS), STRIDE)
    faces = [draw_crop(film, frame, np.asarray(course.action_units[frame], np.float64)) for frame in shown]
    return [_titles([f"frame {frame}" for frame in shown]), _row(faces)]


def _whole(films: Sequence[Film]) -> list[Image]:
    width = len(COLUMNS) * (CROP_SIZE + GAP) // 2
    height = width * 9 // 16
    one = draw_picture([films[6]], clear_frame(films[6]), [typical("Happiness")], width=width, height=height)
    pair = [films[1], films[3]]
    frame = clear_frame(films[1])
    two = draw_picture(pair, frame, [typical("Surprise"), typical("Sadness")], width=width, height=height)
    return [_titles(["whole pictures"]), np.concatenate([one, two], axis=1)]


def _row(faces: Sequence[Image]) -> Image:
    return picture_row(faces, CROP_SIZE, len(COLUMNS))


def _titles(texts: Sequence[str]) -> Image:
    return title_row(texts, CROP_SIZE, len(COLUMNS))
