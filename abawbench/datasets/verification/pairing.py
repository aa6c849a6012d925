"""Pictures of a local copy that no label is for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from abawbench.base.problems import Problem, Problems
from abawbench.datasets.manifests.model import LabelSet
from abawbench.table import NO_FRAME

if TYPE_CHECKING:
    from abawbench.datasets.readers import Labels

PICTURES = (".jpg", ".jpeg", ".png", ".bmp")
# the crops of some units are numbered up to two past the video's end
BEYOND = 2
_FIX = "compare the labels with the pictures: one of them may be of another release"


def unlabelled_pictures(label_set: LabelSet, labels: Labels, root: Path, problems: Problems) -> int:
    """Compare the pictures in the folders of labelled ones with the labels.

    Where rows name their pictures, each picture has a row. Where rows number every frame of a unit, no picture has a
    number past the last. In other data sets pictures without label are normal.

    Problems: D05, each such picture.

    Returns:
        How many pictures were compared.
    """
    if labels.images is None or label_set.image is None:
        return 0
    if "{image}" in label_set.image and (labels.table.frame == NO_FRAME).all():
        return _without_row(label_set, labels, root, problems)
    if label_set.options.get("gaps"):
        return _past_the_end(label_set, labels, root, problems)
    return 0


def _without_row(label_set: LabelSet, labels: Labels, root: Path, problems: Problems) -> int:
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    images = pa.array(labels.images, pa.string())
    folders = compute.unique(compute.replace_substring_regex(images, r"/?[^/]*$", "")).to_pylist()
    pictures = pa.array(_pictures(root, folders), pa.string())
    surplus = pictures.filter(compute.invert(compute.is_in(pictures, value_set=images)))
    for path in surplus.to_pylist():
        problems.add(Problem("D05", path, "a row for each picture", _FIX, f"labels {label_set.id}"))
    return len(pictures)


def _past_the_end(label_set: LabelSet, labels: Labels, root: Path, problems: Problems) -> int:
    """Only of units whose rows number every frame, as a list of some frames says nothing of a video's end."""
    assert labels.images is not None
    table = labels.table
    rows = np.bincount(table.video, minlength=len(table.videos))
    last = np.full(len(table.videos), -1, np.int64)
    np.maximum.at(last, table.video, table.frame)
    with_picture = np.flatnonzero(labels.images != "")
    units, first = np.unique(table.video[with_picture], return_index=True)
    counted = 0
    for unit, row in zip(units.tolist(), with_picture[first].tolist(), strict=True):
        end = int(last[unit])
        if rows[unit] != end - label_set.frame_base + 1:
            continue
        folder = str(labels.images[row]).rpartition("/")[0]
        for path in _pictures(root, [folder]):
            counted += 1
            stem = Path(path).stem
            if stem.isdecimal() and int(stem) > end + BEYOND:
                expected = f"no picture past frame {end}, the last label of '{table.videos[unit]}'"
                problems.add(Problem("D05", path, expected, _FIX, f"labels {label_set.id}"))
    return counted


def _pictures(root: Path, folders: Iterable[str]) -> Iterator[str]:
    """Paths below the root; a folder that is not there has none, as in a copy of the labels alone."""
    for folder in folders:
        above = f"{folder}/" if folder else ""
        try:
            with os.scandir(root / folder) as entries:
                yield from (above + entry.name for entry in entries if entry.name.lower().endswith(PICTURES))
        except OSError:
            continue
