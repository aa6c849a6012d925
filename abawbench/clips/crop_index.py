"""Reading the index that `abawbench faces` keeps of a video, and the layout of its output folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.arrow_input import open_parquet, parquet_metadata
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.alignment import Points
from abawbench.clips.crop import Crop
from abawbench.table import Floats, Integers

# folders of the crops and of the indexes in the output folder of `abawbench faces`
CROPS, INDEX = "cropped_aligned", "index"
BOX = ("left", "top", "right", "bottom")
POINTS = tuple(
    f"{part}_{axis}" for part in ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth") for axis in ("x", "y")
)
MEASURES = (*BOX, *POINTS, "score", "blur")
STATES = ("missing", "detected", "followed")
MISSING, DETECTED, FOLLOWED = range(3)
# key of the facts in the metadata of the Parquet file
METADATA = b"abawbench"
# columns of the Parquet file and the beginnings of their types
TYPES = {
    "frame": "int32",
    "time": "double",
    "unit": "dictionary<values=string",
    "state": "dictionary<values=string",
    "track": "int32",
    **dict.fromkeys(MEASURES, "float"),
}
# number of rows written and read at a time
GROUP = 8192


@dataclass(frozen=True, eq=False)
class Index:
    """The index of a video: one row for each frame of each unit, and one for each face that belongs to no unit.

    Attributes:
        frame: shape (rows,), frame number.
        time: shape (rows,), seconds from the start of the video; NaN for pictures.
        unit: shape (rows,), index into `units`; -1 for faces and frames without a unit.
        track: shape (rows,), track number; 0 if the row has no face.
        state: shape (rows,), index into `STATES`.
        measures: shape (rows, 16), columns as in `MEASURES`, positions in pixels of the video; NaN without a face.
        facts: facts about the whole video.
    """

    frame: Integers
    time: Floats
    unit: Integers
    track: Integers
    state: NDArray[np.int8]
    measures: NDArray[np.float32]
    facts: Mapping[str, Any]

    @property
    def video(self) -> str:
        """Name of the video."""
        return self.facts["video"]

    @property
    def units(self) -> tuple[str, ...]:
        """Names of its units."""
        return tuple(self.facts["units"])

    @property
    def crop(self) -> Crop:
        """What its crops show, and how large they are."""
        return Crop.from_json(self.facts["key"])

    @property
    def crop_recipe(self) -> Mapping[str, Any]:
        """Settings and versions that decided the crops; the video is left out, as crops have a hash of their own."""
        return {name: value for name, value in self.facts["key"].items() if name != "source"}

    def rows_of(self, unit: str) -> NDArray[np.intp]:
        """Rows of a unit: one for each frame of the video, in order."""
        return np.flatnonzero(self.unit == self.units.index(unit))

    def points(self, rows: NDArray[np.intp]) -> Points:
        """The five points of these rows, shape (rows, 5, 2), in pixels of the video."""
        return self.measures[rows, 4:14].astype(np.float64).reshape(-1, 5, 2)


def read_index(path: Path) -> Index:
    """Read the index of a video.

    Raises:
        ProblemError: F01, there is no such file, or `abawbench faces` did not write it.
    """
    try:
        with open_parquet(path) as file:
            facts = _facts_in(file.schema_arrow.metadata)
            found = [(field.name, str(field.type)) for field in file.schema_arrow]
            if len(found) != len(TYPES) or not all(kind.startswith(TYPES.get(name, "-")) for name, kind in found):
                raise ValueError("other columns")
            index = _read(file, facts)
            _check(index)
            return index
    except (OSError, ValueError) as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else f"no index of faces ({error})"
        problem = Problem("F01", found, "an index that `abawbench faces` wrote", "run it again", str(path))
        raise ProblemError(problem) from error


def _facts_in(metadata: Mapping[bytes, bytes] | None) -> Mapping[str, Any]:
    """The facts in the metadata of a Parquet file. Raises: ValueError, there are none, or others."""
    from abawbench.clips.crop_facts import check_facts

    facts = parse_fields((metadata or {}).get(METADATA, b""))
    check_facts(facts)
    # earlier versions wrote other names of the crops, and no size
    return {**facts, "key": {**facts["key"], **Crop.from_json(facts["key"]).to_json()}}


def _check(index: Index) -> None:
    """Raise ValueError where the rows are not one for each frame of each unit, or a face is of no known track."""
    is_unit, is_face = index.unit >= 0, index.state != MISSING
    number = np.unique(index.frame)
    counts = np.bincount(index.unit[is_unit], minlength=len(index.units))
    key = index.frame[is_unit].astype(np.int64) * max(1, len(index.units)) + index.unit[is_unit]
    if len(number) != index.facts["frames"] or (counts != len(number)).any() or len(np.unique(key)) < len(key):
        raise ValueError("not one row for each frame of each unit")
    if (np.diff(index.frame) < 0).any() or (len(number) and number[0] < 0):
        raise ValueError("frames in disorder")
    tracks = [track["number"] for track in index.facts["tracks"]]
    if not np.isin(index.track[is_face], tracks).all() or not np.isfinite(index.measures[is_face]).all():
        raise ValueError("faces of no track, or at no place")


def _read(file: Any, facts: Mapping[str, Any]) -> Index:
    count = file.metadata.num_rows
    frame, track, unit = (np.empty(count, np.int32) for _ in range(3))
    time, state = np.empty(count), np.empty(count, np.int8)
    measures = np.empty((count, len(MEASURES)), np.float32)
    # each group that is read numbers its labels anew
    units = {name: place for place, name in enumerate(facts["units"])}
    begin = 0
    for batch in file.iter_batches(GROUP):
        rows = slice(begin, begin + batch.num_rows)
        begin += batch.num_rows
        if any(batch[name].null_count for name in TYPES if name != "unit"):
            raise ValueError("missing values")
        frame[rows], track[rows], time[rows] = (batch[name].to_numpy() for name in ("frame", "track", "time"))
        unit[rows] = _numbers(batch["unit"], units)
        state[rows] = _numbers(batch["state"], {name: place for place, name in enumerate(STATES)})
        for place, name in enumerate(MEASURES):
            measures[rows, place] = batch[name].to_numpy()
    return Index(frame=frame, time=time, unit=unit, track=track, state=state, measures=measures, facts=facts)


def _numbers(labels: Any, places: Mapping[str, int]) -> Integers:
    """Index of each label in `places`; -1 for a missing label."""
    table = np.array([*(places[name] for name in labels.dictionary.to_pylist()), -1], np.int32)
    return table[labels.indices.fill_null(-1).to_numpy(zero_copy_only=False)]


def read_facts(path: Path) -> Mapping[str, Any] | None:
    """The facts of an index without its rows; None if there is no readable index."""
    try:
        return _facts_in(parquet_metadata(path))
    except (OSError, ValueError, ProblemError):
        return None


def index_file(out: Path, video: str) -> Path:
    """Path of the index of a video; the video is finished if the file exists."""
    return out / INDEX / f"{video}.parquet"


def index_files(out: Path) -> list[Path]:
    """Paths of all indexes, sorted by name."""
    return sorted((out / INDEX).glob("*.parquet"))
