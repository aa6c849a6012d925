"""The audit of a video's faces: what was found, what is doubtful, what was left out."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from abawbench.clips.crop_index import FOLLOWED, MEASURES, MISSING, Index
from abawbench.faces.identities import SAME
from abawbench.table import Integers

SCORE, BLUR = MEASURES.index("score"), MEASURES.index("blur")
# from here on a person should look
LOW_RATE, LONG_GAP_S, SMALL, BLURRED, MANY_SECOND = 0.9, 1.0, 40.0, 8.0, 0.1


@dataclass(frozen=True, slots=True)
class Row:
    """One unit, or a video that has none.

    Attributes:
        video: its name.
        unit: its name; empty where the video has none.
        frames: of the video.
        claimed: frames that the file's header promises; 0 where it promises nothing.
        faces: frames with a crop.
        rate: `faces` in parts of `frames`.
        followed: crops that lie between detections.
        gaps: stretches without a crop.
        longest_gap: frames of the longest.
        size: median side of the face in pixels of the video.
        blur: median sharpness of the crops (deviation of the Laplacian of 112 x 112 grey pixels); low is blurred.
        score: median confidence of the detector.
        second: frames that show another face as well.
        jumps: changes from one track to another that do not look like one person.
        tracks: tracks it is made of.
        cuts: of the video.
        look: what a person should look at, in words.
    """

    video: str
    unit: str
    frames: int
    claimed: int
    faces: int
    rate: float
    followed: int
    gaps: int
    longest_gap: int
    size: float
    blur: float
    score: float
    second: int
    jumps: int
    tracks: int
    cuts: int
    look: str


def rows_of(index: Index) -> Generator[Row]:
    """The audit of a video: a row for each unit, or one where it has none."""
    facts = index.facts
    fixed = {"video": index.video, "frames": facts["frames"], "claimed": facts["claimed"], "cuts": len(facts["cuts"])}
    if not index.units:
        look = "faces in passing only" if facts["tracks"] else "no face"
        nothing = dict.fromkeys(("faces", "followed", "gaps", "longest_gap", "second", "jumps", "tracks"), 0)
        yield Row(**fixed, **nothing, unit="", rate=0.0, size=0.0, blur=0.0, score=0.0, look=look)
        return
    numbers, faces_of_frame = np.unique(index.frame[index.state != MISSING], return_counts=True)
    crowded = numbers[faces_of_frame > 1]
    for unit in index.units:
        rows = index.rows_of(unit)
        present = rows[index.state[rows] != MISSING]
        left, top, right, bottom = (index.measures[present, side] for side in range(4))
        gaps = runs(index.state[rows] == MISSING)
        side = np.sqrt((right - left) * (bottom - top))
        values: dict[str, Any] = {
            "faces": len(present),
            "rate": round(len(present) / facts["frames"], 4),
            "followed": int((index.state[present] == FOLLOWED).sum()),
            "gaps": len(gaps),
            "longest_gap": max((end - begin for begin, end in gaps), default=0),
            "size": round(float(np.median(side)), 1),
            "blur": round(float(np.median(index.measures[present, BLUR])), 2),
            "score": round(float(np.median(index.measures[present, SCORE])), 3),
            "second": int(np.isin(index.frame[present], crowded).sum()),
            "jumps": len(jumps(index, unit)),
            "tracks": len(np.unique(index.track[present])),
        }
        yield Row(**fixed, **values, unit=unit, look="; ".join(_doubts(values, facts)))


def jumps(index: Index, unit: str) -> list[int]:
    """Frames at which a unit goes over to a track that does not look like its person."""
    apart = {track["number"]: track["apart"] for track in index.facts["tracks"]}
    rows = index.rows_of(unit)
    rows = rows[index.state[rows] != MISSING]
    track = index.track[rows]
    changes = np.flatnonzero(track[1:] != track[:-1]) + 1
    doubtful = [at for at in changes if max(apart[int(track[at])], apart[int(track[at - 1])]) > SAME]
    return [int(index.frame[rows[at]]) for at in doubtful]


def runs(flags: np.ndarray[Any, np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """Begin and end (exclusive) of each stretch of True.

    >>> runs(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def _doubts(values: Mapping[str, float], facts: Mapping[str, Any]) -> Generator[str]:
    if values["rate"] < LOW_RATE:
        yield f"face in {values['rate']:.0%} of the frames"
    if values["longest_gap"] > LONG_GAP_S * facts["rate"]:
        yield f"{values['longest_gap']:,} frames in a row without it"
    if values["second"] > MANY_SECOND * values["faces"]:
        yield f"another face beside it in {values['second']:,} frames"
    if values["jumps"]:
        yield f"{values['jumps']:,} doubtful change{'s'[: values['jumps'] > 1]} of track"
    if values["size"] < SMALL:
        yield f"face of {values['size']:.0f} pixels"
    if values["blur"] < BLURRED:
        yield "blurred"


def left_out(index: Index) -> Generator[tuple[object, ...]]:
    """Frames without a crop, as stretches, and faces that are of no unit, as tracks."""
    for unit in index.units or ("",):
        rows = index.rows_of(unit) if unit else np.arange(len(index.frame))
        frames: Integers = index.frame[rows]
        for begin, end in runs(index.state[rows] == MISSING):
            yield index.video, unit, frames[begin], frames[end - 1], end - begin, "no face"
    for track in index.facts["tracks"]:
        if not track["units"]:
            why = f"track {track['number']}: a face in passing, or set aside by an override"
            yield index.video, "", track["first"], track["last"], track["frames"], why
