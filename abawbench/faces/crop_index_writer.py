"""The index of a video: a row for every frame of every unit, and for every other face."""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.clips.crop_index import GROUP, MEASURES, METADATA, MISSING, STATES
from abawbench.faces.detector import Face
from abawbench.faces.units import Faces
from abawbench.table import Integers


class Observations:
    """Faces as they come, in columns: 90 bytes for each, however long the video."""

    def __init__(self) -> None:
        self.frame_number, self.frame_time = array("i"), array("d")
        self._frame, self._track, self._state = array("i"), array("i"), array("b")
        self._width = array("i")
        self._measures = array("f")

    def add_frame(self, number: int, time: float) -> None:
        """The next frame; faces added after it are of this frame."""
        self.frame_number.append(number)
        self.frame_time.append(time)

    def add_face(self, face: Face, track: int, state: int, blur: float, width: int) -> None:
        """A face of the last frame, in a picture of this width."""
        self._frame.append(len(self.frame_number) - 1)
        self._track.append(track)
        self._state.append(state)
        self._width.append(width)
        self._measures.extend((*face.box, *face.points.ravel().tolist(), face.score, blur))

    @property
    def frame(self) -> Integers:
        """Position of each face's frame."""
        return np.asarray(self._frame, np.int32)

    @property
    def track(self) -> Integers:
        """Track number of each face."""
        return np.asarray(self._track, np.int32)

    @property
    def state(self) -> NDArray[np.int8]:
        """`DETECTED` or `FOLLOWED`, of each face."""
        return np.asarray(self._state, np.int8)

    @property
    def measures(self) -> NDArray[np.float32]:
        """Shape (faces, 16), columns as in `MEASURES`."""
        return np.asarray(self._measures, np.float32).reshape(-1, len(MEASURES))

    def faces(self) -> Faces:
        """What `units.assign` looks at."""
        measures = self.measures
        width, height = measures[:, 2] - measures[:, 0], measures[:, 3] - measures[:, 1]
        centre = ((measures[:, 0] + measures[:, 2]) / 2 / np.asarray(self._width)).astype(np.float32)
        number = np.asarray(self.frame_number, np.int32)[self.frame]
        return Faces(number, self.track, centre, np.sqrt(np.maximum(width * height, 0)))

    def rate(self) -> float:
        """Frames per second by the time stamps; 25 where there are none."""
        time = np.asarray(self.frame_time)
        length = time[-1] - time[0] if len(time) > 1 else 0.0
        return float((len(time) - 1) / length) if np.isfinite(length) and length > 0 else 25.0


def write_index(path: Path, seen: Observations, unit: Integers, facts: Mapping[str, Any]) -> None:
    """Write the index of a video as Parquet.

    Args:
        path: the file.
        seen: the frames and faces.
        unit: shape (faces,), index into `facts["units"]`, -1 where a face is of no unit.
        facts: what is known of the whole video; JSON.
    """
    import pyarrow as pa
    from pyarrow import parquet

    names: Sequence[str] = facts["units"]
    faces = len(seen.frame)
    absent_frame, absent_unit = _absent(seen.frame, unit, len(seen.frame_number), len(names))
    frame, unit = np.concatenate([seen.frame, absent_frame]), np.concatenate([unit, absent_unit])
    track = np.concatenate([seen.track, np.zeros(len(absent_frame), np.int32)])
    order = np.lexsort((track, np.where(unit < 0, len(names), unit), frame))
    number, time = np.asarray(seen.frame_number, np.int32), np.asarray(seen.frame_time)
    state, measures = seen.state, seen.measures
    fields = [("frame", pa.int32()), ("time", pa.float64()), ("unit", pa.dictionary(pa.int32(), pa.string()))]
    fields += [("state", pa.dictionary(pa.int8(), pa.string())), ("track", pa.int32())]
    fields += [(name, pa.float32()) for name in MEASURES]
    schema = pa.schema(fields, metadata={METADATA: json.dumps(facts, sort_keys=True).encode()})
    labelled: Any = ["unit", "state"]
    with parquet.ParquetWriter(path, schema, compression="zstd", use_dictionary=labelled) as writer:
        # group by group: a long video in one piece would be in memory several times
        for begin in range(0, max(len(order), 1), GROUP):
            rows = order[begin : begin + GROUP]
            is_face = rows < faces
            values = np.full((len(rows), len(MEASURES)), np.nan, np.float32)
            values[is_face] = measures[rows[is_face]]
            states = np.full(len(rows), MISSING, np.int8)
            states[is_face] = state[rows[is_face]]
            labels = pa.array(unit[rows], mask=unit[rows] < 0)
            columns: list[Any] = [
                pa.array(number[frame[rows]]),
                pa.array(time[frame[rows]]),
                pa.DictionaryArray.from_arrays(labels, pa.array(list(names), pa.string())),
                pa.DictionaryArray.from_arrays(pa.array(states), pa.array(STATES)),
                pa.array(track[rows]),
                *(pa.array(np.ascontiguousarray(values[:, place])) for place in range(len(MEASURES))),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _absent(frame: Integers, unit: Integers, frames: int, units: int) -> tuple[Integers, Integers]:
    """Frames of each unit without its face; of a video without unit, frames without any face."""
    if not units:
        lacking = np.setdiff1d(np.arange(frames, dtype=np.int32), frame)
        return lacking, np.full(len(lacking), -1, np.int32)
    present = np.zeros((units, frames), bool)
    present[unit[unit >= 0], frame[unit >= 0]] = True
    absent = np.nonzero(~present)
    return absent[1].astype(np.int32), absent[0].astype(np.int32)
