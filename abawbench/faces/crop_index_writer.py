"""Writing the index of a video: one row for each frame of each unit, and one for each face that belongs to no unit."""

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
from abawbench.faces.units import VideoFaces
from abawbench.table import Integers


class IndexBuilder:
    """Frames and faces of a video as they are found, in columns: a face takes 90 bytes."""

    def __init__(self) -> None:
        self.frame_number, self.frame_time = array("i"), array("d")
        self._frame, self._track, self._state = array("i"), array("i"), array("b")
        self._width = array("i")
        self._measures = array("f")

    def add_frame(self, number: int, time: float) -> None:
        """Add the next frame; faces added after it belong to it."""
        self.frame_number.append(number)
        self.frame_time.append(time)

    def add_face(self, face: Face, track: int, state: int, blur: float, width: int) -> None:
        """Add a face to the last frame.

        Args:
            face: the face.
            track: number of its track.
            state: `DETECTED` or `FOLLOWED`.
            blur: sharpness of its crop.
            width: width of the picture in pixels.
        """
        self._frame.append(len(self.frame_number) - 1)
        self._track.append(track)
        self._state.append(state)
        self._width.append(width)
        self._measures.extend((*face.box, *face.points.ravel().tolist(), face.score, blur))

    @property
    def frame(self) -> Integers:
        """Position of each face's frame among all frames, shape (faces,)."""
        return np.asarray(self._frame, np.int32)

    @property
    def track(self) -> Integers:
        """Track number of each face, shape (faces,)."""
        return np.asarray(self._track, np.int32)

    @property
    def state(self) -> NDArray[np.int8]:
        """`DETECTED` or `FOLLOWED` for each face, shape (faces,)."""
        return np.asarray(self._state, np.int8)

    @property
    def measures(self) -> NDArray[np.float32]:
        """Measures of each face, shape (faces, 16), columns as in `MEASURES`."""
        return np.asarray(self._measures, np.float32).reshape(-1, len(MEASURES))

    def faces(self) -> VideoFaces:
        """The faces as `assign_units` needs them."""
        measures = self.measures
        width, height = measures[:, 2] - measures[:, 0], measures[:, 3] - measures[:, 1]
        centre = ((measures[:, 0] + measures[:, 2]) / 2 / np.asarray(self._width)).astype(np.float32)
        number = np.asarray(self.frame_number, np.int32)[self.frame]
        return VideoFaces(number, self.track, centre, np.sqrt(np.maximum(width * height, 0)))

    def rate(self) -> float:
        """Frames per second by the time stamps; 25 if there are none."""
        time = np.asarray(self.frame_time)
        length = time[-1] - time[0] if len(time) > 1 else 0.0
        return float((len(time) - 1) / length) if np.isfinite(length) and length > 0 else 25.0


def write_index(path: Path, index: IndexBuilder, unit: Integers, facts: Mapping[str, Any]) -> None:
    """Write the index of a video as Parquet.

    Args:
        path: path of the file.
        index: the frames and faces.
        unit: shape (faces,), index into `facts["units"]`; -1 for a face without a unit.
        facts: facts about the whole video, as JSON values.
    """
    import pyarrow as pa
    from pyarrow import parquet

    names: Sequence[str] = facts["units"]
    faces = len(index.frame)
    absent_frame, absent_unit = _absent(index.frame, unit, len(index.frame_number), len(names))
    frame, unit = np.concatenate([index.frame, absent_frame]), np.concatenate([unit, absent_unit])
    track = np.concatenate([index.track, np.zeros(len(absent_frame), np.int32)])
    order = np.lexsort((track, np.where(unit < 0, len(names), unit), frame))
    number, time = np.asarray(index.frame_number, np.int32), np.asarray(index.frame_time)
    state, measures = index.state, index.measures
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
    """Position and unit of the frames in which a unit is not seen; in a video without units, those without any face."""
    if not units:
        lacking = np.setdiff1d(np.arange(frames, dtype=np.int32), frame)
        return lacking, np.full(len(lacking), -1, np.int32)
    present = np.zeros((units, frames), bool)
    present[unit[unit >= 0], frame[unit >= 0]] = True
    absent = np.nonzero(~present)
    return absent[1].astype(np.int32), absent[0].astype(np.int32)
