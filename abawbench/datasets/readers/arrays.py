"""One NumPy file for each picture and column: AffectNet's release of eight classes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from abawbench.base.problems import Problems
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Marks, Numbers
from abawbench.datasets.readers import values
from abawbench.datasets.readers.assemble import Part, always, assemble, texts
from abawbench.datasets.readers.finding import LabelFile, label_files, listing
from abawbench.datasets.readers.model import Labels
from abawbench.datasets.readers.options import check_options, columns_of, columns_of_task, text_option
from abawbench.datasets.readers.values import Rows
from abawbench.table import NO_FRAME, Values

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIX = ".npy"
MAGIC = b"\x93NUMPY"


def read_arrays(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Labels from folders of files `<id><ending>.npy`, each a single number or text.

    A unit is `<folder above>/<id>`: ids of two splits may be the same. `{image}` is the id. Nothing is unpickled.

    Options:
        <column of a task>: the ending of its files, as `_exp`.

    Problems: F01 a column's file is missing or cannot be read, C03 it is no single number or text; V01, V06, V09; D10.
    """
    check_options(label_set, (*columns_of(label_set), "gaps"))
    parts = [_read_folder(label_set, root, file, problems) for file in label_files(label_set, root, problems)]
    return assemble(manifest, label_set, root, parts, problems)


def _read_folder(label_set: LabelSet, root: Path, file: LabelFile, problems: Problems) -> Part:
    import pyarrow as pa

    names = columns_of(label_set)
    endings = [f"{text_option(label_set, name, name)}{SUFFIX}" for name in names]
    listed = {entry.name for entry in listing(file.path, problems) or []}
    ids = sorted(
        {name.removesuffix(ending) for ending in endings for name in listed if name.endswith(ending)}, key=_natural
    )
    rows = Rows(str(file.path), np.arange(len(ids)) + 1, problems)
    columns = [_read_column(file.path, ids, ending, listed, rows) for ending in endings]
    found = dict[str, Values]()
    for facts in label_set.tasks:
        mine = [columns[names.index(name)] for name in columns_of_task(facts)]
        match facts:
            case Classes():
                found[facts.name] = values.classes(mine[0], facts, rows)
            case Marks():
                found[facts.name] = values.marks(mine, facts, rows)
            case Numbers():
                found[facts.name] = values.numbers(mine, facts, rows)
    folder = file.path.parent.relative_to(root).as_posix()
    images = pa.array(ids, pa.string())
    part = Part(
        str(file.path),
        rows.place[1],
        texts(pa.array([f"{folder}/{name}" for name in ids], pa.string())),
        np.full(len(ids), NO_FRAME, np.int32),
        found,
        always(file.split, len(ids)),
        always("", len(ids)),
        images,
        folder,
    )
    return part.take(~rows.faulty)


def _natural(name: str) -> tuple[int, str]:
    return (len(name), name) if name.isdecimal() else (1 << 30, name)


def _read_column(folder: Path, ids: Sequence[str], ending: str, listed: set[str], rows: Rows) -> pa.ChunkedArray:
    """The texts of a column's files, empty where a file has none."""
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
        # a buffer would cost more than the few bytes there are to read
        with path.open("rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def _scalars(files: Sequence[bytes]) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """What each file holds as text, and whether it holds one value; files of one header are read together."""
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
    """The type of the one value that a file with this header holds; None where it holds anything else."""
    stream = io.BytesIO(header)
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read(stream)
    except (ValueError, TypeError):
        return None
    return kind if int(np.prod(shape)) == 1 and kind.kind in "iufUSb" and kind.itemsize else None
