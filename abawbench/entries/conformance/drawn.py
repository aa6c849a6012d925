"""Drawn faces of two people, with labels, to try an entry on: nobody's pictures, the same everywhere."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from abawbench.challenges import Categorical, Continuous, Task
from abawbench.clips.alignment import CROP_SIZE
from abawbench.clips.clip import Clip, Frames, clip_in_memory
from abawbench.table import Table, Values

VIDEOS = ("drawn-1", "drawn-2")
FRAMES = 16


def drawn_clips(size: int = CROP_SIZE) -> tuple[Clip, ...]:
    """A clip of 16 frames of each of two people, crops `size` pixels wide."""
    return tuple(clip_in_memory(video, crops) for video, crops in zip(VIDEOS, _crops(size), strict=True))


def drawn_truth(tasks: Sequence[Task]) -> Table:
    """Labels of every frame of `drawn_clips`: random, and every class, label and number occurs."""
    random = np.random.default_rng(0)
    rows = FRAMES * len(VIDEOS)
    values: dict[str, Values] = {}
    for task in tasks:
        if isinstance(task, Continuous):
            values[task.name] = random.uniform(task.low, task.high, (rows, len(task.columns)))
        elif isinstance(task, Categorical):
            values[task.name] = random.permutation(np.arange(rows) % len(task.classes)).astype(np.int8)
        else:
            halves = np.tile(np.arange(rows)[:, np.newaxis] % 2, len(task.columns))
            values[task.name] = random.permuted(halves, axis=0).astype(np.int8)
    return Table(
        videos=VIDEOS,
        video=np.repeat(np.arange(len(VIDEOS), dtype=np.int32), FRAMES),
        frame=np.tile(np.arange(1, FRAMES + 1, dtype=np.int32), len(VIDEOS)),
        values=values,
        source="labels of drawn faces",
    )


def resized(crops: Frames, size: int) -> Frames:
    """Crops, shape (crops, side, side, 3), as (crops, size, size, 3)."""
    if crops.shape[1] == size:
        return crops
    import cv2

    result = np.empty((len(crops), size, size, 3), np.uint8)
    for place, crop in enumerate(crops):
        cv2.resize(crop, (size, size), dst=result[place], interpolation=cv2.INTER_LINEAR)
    return result


@functools.lru_cache(4)
def _crops(size: int) -> tuple[Frames, ...]:
    from abawbench.synthetic.affect import EPISODES
    from abawbench.synthetic.film import draw_crop, make_film
    from abawbench.synthetic.person import make_person
    from abawbench.synthetic.sheet import typical

    people: list[Frames] = []
    for person in range(len(VIDEOS)):
        random = np.random.default_rng(person)
        film = make_film(make_person(random), FRAMES, random)
        moods = (EPISODES[place % len(EPISODES)] for place in range(FRAMES))
        crops = np.stack([draw_crop(film, place, typical(mood)) for place, mood in enumerate(moods)])
        people.append(resized(crops, size))
    return tuple(people)
