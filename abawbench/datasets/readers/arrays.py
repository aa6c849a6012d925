"""Reads one NumPy file for each picture and column: AffectNet's release of eight classes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from abawbench.base.files import LARGEST
from abawbench.base.problems import Problems
from abawbench.datasets.manifests.model import LabelSet, Manifest, Strict
from abawbench.datasets.readers.files import LabelFile, label_files, listing
from abawbench.datasets.readers.labels import Labels, assemble
from abawbench.datasets.readers.rows import CheckedRows, LabelRows, same_text, text_column
from abawbench.datasets.readers.settings import columns_in_file, settings_of
from abawbench.datasets.readers.values import task_values
from abawbench.table import NO_FRAME

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIX = ".npy"
MAGIC = b"\x93NUMPY"


class ArraySettings(Strict):
    """Settings of the reader `arrays`.

    An option with the name of a task's column is the ending of its files, as `_exp`.

    Attributes:
        gaps: true where missing pictures are normal.
    """

    gaps: bool = False


def read_arrays(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read labels from folders of files `<id><ending>.npy`, each of which holds a single number or text.

    A unit is `<folder above>/<id>`, as ids of two splits may be the same. The id fills `{image}` of the template.
    Nothing is unpickled.

    Problems: F01 a column's file is missing or cannot be read, C03 a file without a single number or text; V01, V06,
    V09; D10.
    """
    endings = {name: f"{ending}{SUFFIX}" for name, ending in columns_in_file(label_set).items()}
    settings_of(ArraySettings, manifest, label_set, tuple(endings))
    files = label_files(label_set, root, problems)
    folders = [_read_folder(label_set, endings, root, file, problems) for file in files]
    return assemble(manifest, label_set, root, folders, problems)


def _read_folder(
    label_set: LabelSet, endings: Mapping[str, str], root: Path, file: LabelFile, problems: Problems
) -> LabelRows:
    import pyarrow as pa

    listed = {entry.name for entry in listing(file.path, problems)}
    ids = sorted(
        {name.removesuffix(ending) for ending in endings.values() for name in listed if name.endswith(ending)},
        key=_natural,
    )
    rows = CheckedRows(str(file.path), np.arange(len(ids)) + 1, problems)
    columns = {name: _read_column(file.path, ids, ending, listed, rows) for name, ending in endings.items()}
    values = {
        facts.name: task_values([columns[name] for name in facts.task.labels], facts, rows) for facts in label_set.tasks
    }
    folder = file.path.parent.relative_to(root).as_posix()
    whole = LabelRows(
        str(file.path),
        rows.place[1],
        text_column(pa.array([f"{folder}/{name}" for name in ids], pa.string())),
        np.full(len(ids), NO_FRAME, np.int32),
        values,
        same_text(file.split, len(ids)),
        same_text("", len(ids)),
        pa.array(ids, pa.string()),
        folder,
    )
    return whole.take(~rows.faulty)


def _natural(name: str) -> tuple[int, str]:
    return (len(name), name) if name.isdecimal() else (1 << 30, name)


def _read_column(folder: Path, ids: Sequence[str], ending: str, listed: set[str], rows: CheckedRows) -> pa.ChunkedArray:
    """The value in each file of a column as text; empty where there is no such file or value."""
    import pyarrow as pa

    files = [name + ending for name in ids]
    is_there = np.array([file in listed for file in files], np.bool_)
    rows.refuse(
        "F01", ~is_there, lambda row: f"no {files[row]}", "a file for each column", "copy the annotations again"
    )
    data = [_bytes(folder / file) if there else b"" for file, there in zip(files, is_there.tolist(), strict=True)]
    texts_of, is_scalar = _scalars(data)
    rows.refuse(
        "C03",
        ~is_scalar,
        lambda row: f"{files[row]}, which holds no single number or text",
        "one number or text as NumPy saves it, without pickled objects",
        "copy the annotations again",
    )
    return pa.chunked_array([pa.array(texts_of, pa.string())])


def _bytes(path: Path) -> bytes:
    try:
        # a buffer would cost more than the few bytes there are to read, and a device would never end
        with path.open("rb", buffering=0) as file:
            return file.read(LARGEST)
    except OSError:
        return b""


def _scalars(files: Sequence[bytes]) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """The value in each file as text, and whether a file holds one value; files of one header are read together."""
    by_header: dict[bytes, list[int]] = {}
    for place, data in enumerate(files):
        by_header.setdefault(_header(data), []).append(place)
    found = [""] * len(files)
    is_scalar = np.zeros(len(files), np.bool_)
    for header, places in by_header.items():
        kind = _kind(header)
        if kind is None:
            continue
        whole = [place for place in places if len(files[place]) == len(header) + kind.itemsize]
        content = np.frombuffer(b"".join(files[place][len(header) :] for place in whole), kind)
        for place, text in zip(whole, content.astype(str).tolist(), strict=True):
            found[place] = text
        is_scalar[whole] = True
    return found, is_scalar


def _header(data: bytes) -> bytes:
    if not data.startswith(MAGIC) or len(data) < 12:
        return b""
    wide = data[6] > 1
    begin = 12 if wide else 10
    return data[: begin + int.from_bytes(data[8:begin], "little")]


def _kind(header: bytes) -> np.dtype[np.generic] | None:
    """The type of the one value in a file with this header; None where such a file holds anything else."""
    stream = io.BytesIO(header)
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read(stream)
    except (ValueError, TypeError):
        return None
    return kind if int(np.prod(shape)) == 1 and kind.kind in "iufUSb" and kind.itemsize else None
