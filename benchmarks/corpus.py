"""Files of the official size with invented values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

UNITS = ("AU1", "AU2", "AU4", "AU6", "AU7", "AU10", "AU12", "AU15", "AU23", "AU24", "AU25", "AU26")
HEADER = b"image,valence,arousal,expression,aus\n"


def _names(videos: int, frames: int) -> pa.Array:
    tails = pa.array([f"/{frame:05d}.jpg" for frame in range(1, frames + 1)])
    parts = [
        pa.compute.binary_join_element_wise(  # pyright: ignore[reportAttributeAccessIssue]
            pa.array([f"{video}-30-1920x1080{'_left' if video % 7 == 0 else ''}"] * frames), tails, ""
        )
        for video in range(videos)
    ]
    return pa.concat_arrays(parts)


def write_mtl(path: Path, videos: int, frames: int, seed: int, *, is_truth: bool, shuffled: bool = False) -> None:
    """A file in the MTL format with `videos * frames` rows; a truth has sentinels."""
    generator = np.random.default_rng(seed)
    rows = videos * frames
    affect = np.round(generator.uniform(-1, 1, (rows, 2)), 3)
    expression = generator.integers(0, 8, rows, dtype=np.int8)
    units = (generator.random((rows, len(UNITS)), np.float32) < 0.3).astype(np.int8)
    if is_truth:
        affect[::9] = -5
        expression[::2] = -1
        units[::5] = -1
    names = _names(videos, frames)
    if shuffled:
        order = generator.permutation(rows)
        names, affect, expression, units = names.take(pa.array(order)), affect[order], expression[order], units[order]
    columns = {"image": names, "valence": affect[:, 0], "arousal": affect[:, 1], "expression": expression}
    columns |= {name: units[:, place] for place, name in enumerate(UNITS)}
    with path.open("wb") as file:
        file.write(HEADER)
        csv.write_csv(pa.table(columns), file, csv.WriteOptions(include_header=False, quoting_style="none"))


def write_units(folder: Path, units: int, lines: int, seed: int, *, is_truth: bool) -> None:
    """Per-unit valence and arousal files, `lines` data lines each."""
    generator = np.random.default_rng(seed)
    folder.mkdir()
    for unit in range(units):
        affect = np.round(generator.uniform(-1, 1, (lines, 2)), 3)
        if is_truth:
            affect[::9] = -5
        table = pa.table({"valence": affect[:, 0], "arousal": affect[:, 1]})
        with (folder / f"{unit}-30-1280x720.txt").open("wb") as file:
            file.write(b"valence,arousal\n")
            csv.write_csv(table, file, csv.WriteOptions(include_header=False, quoting_style="none"))
