"""The labels of a data set, put together from the rows of its files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.folders import is_text
from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.challenges import Task
from abawbench.datasets.manifests.model import LabelSet, Manifest
from abawbench.datasets.readers.rows import LabelRows, arrow_functions, report, same_text
from abawbench.table import Integers, Mask, Table

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of a local copy of a data set.

    Attributes:
        manifest: facts of the data set.
        tasks: tasks of the values, in the data set's own order of classes and columns.
        table: rows, one for each label; its `videos` are units: videos, sequences, or single pictures.
        subjects: name of the person of each unit, empty where it is not known.
        splits: name of the split of each unit, empty where it is not known.
        images: path of each row's picture below the root; None where rows have no pictures of their own.
    """

    manifest: Manifest
    tasks: tuple[Task, ...]
    table: Table
    subjects: tuple[str, ...]
    splits: tuple[str, ...]
    images: NDArray[np.object_] | None

    def of_split(self, name: str) -> Labels:
        """The labels of one split.

        Raises:
            ProblemError: D15, there is no row of it.
        """
        rows = np.flatnonzero(np.array([split == name for split in self.splits], bool)[self.table.video])
        if not len(rows):
            known = ", ".join(sorted(set(self.splits) - {""})) or "none: the labels name no split"
            found = f"no row of split '{name}'"
            raise ProblemError(Problem("D15", found, f"one of {known}", "name another", self.table.source))
        images = None if self.images is None else self.images[rows]
        return replace(self, table=self.table.take(rows), images=images)


def assemble(
    manifest: Manifest, label_set: LabelSet, root: Path, files: Sequence[LabelRows], problems: Problems
) -> Labels:
    """Labels from the sound rows of every file, with units in order of first appearance.

    A unit has the split and the subject of its first row. Pictures are looked for where the copy has any. The option
    `gaps = true` says that missing pictures are normal: the path of a missing one is then empty.

    Problems: D10 a picture is missing, D11 a unit stands in two splits. Those rows are left out.
    """
    pictures: list[pa.Array] = []
    kept: list[LabelRows] = []
    for rows in files:
        image, keep = _pictures(label_set, root, rows, problems)
        if keep.any():
            kept.append(rows.take(keep))
            pictures.append(image if keep.all() else image.filter(_arrow(keep)))
    tasks = tuple(facts.task for facts in label_set.tasks)
    if not kept:
        none = np.empty(0, np.int32)
        table = Table((), none, none, {task.name: task.empty(0) for task in tasks}, source=str(root))
        return Labels(manifest, tasks, table, (), (), None)
    unit, units = _joined([rows.unit for rows in kept])
    split, splits = _joined([rows.split for rows in kept])
    subject, subjects = _joined([rows.subject for rows in kept])
    first = _first_rows(unit, len(units))
    elsewhere = split != split[first][unit]
    if elsewhere.any():
        _report_two_splits(kept, elsewhere, lambda row: (units[unit[row]], splits[split[first[unit[row]]]]), problems)
    values: dict[str, Any] = {task.name: np.concatenate([rows.values[task.name] for rows in kept]) for task in tasks}
    frame = np.concatenate([rows.frame for rows in kept])
    images = np.concatenate([image.to_numpy(zero_copy_only=False) for image in pictures])
    table = Table(units, unit, frame, values, source=str(root))
    inside = np.flatnonzero(~elsewhere)
    return Labels(
        manifest,
        tasks,
        table if len(inside) == len(table) else table.take(inside),
        tuple(subjects[code] for code in subject[first].tolist()),
        tuple(splits[code] for code in split[first].tolist()),
        None if label_set.image is None else images[inside],
    )


def _arrow(mask: Mask) -> pa.Array:
    import pyarrow as pa

    return pa.array(mask)


def _joined(columns: Sequence[pa.DictionaryArray]) -> tuple[Integers, tuple[str, ...]]:
    """Codes and names in order of first appearance, over all files; names that no row has are dropped."""
    import pyarrow as pa

    joined = pa.chunked_array(list(columns)).unify_dictionaries().combine_chunks()
    codes = np.asarray(joined.indices).astype(np.int32)
    names = joined.dictionary.to_pylist()
    first = np.full(len(names), len(codes), np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    order = np.argsort(first, kind="stable")
    order = order[first[order] < len(codes)]
    rank = np.full(len(names), -1, np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank[codes], tuple(names[place] for place in order.tolist())


def _first_rows(codes: Integers, count: int) -> NDArray[np.int64]:
    first = np.empty(count, np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return first


def _report_two_splits(
    files: Sequence[LabelRows], elsewhere: Mask, unit_of: Callable[[int], tuple[str, str]], problems: Problems
) -> None:
    begin = 0
    for rows in files:

        def found(row: int, begin: int = begin) -> str:
            unit, split = unit_of(begin + row)
            return f"'{unit}', which is in the split {split or 'without a name'} too"

        place = (rows.file, rows.line)
        fix = "remove it from one of the splits: the rows of the first are kept"
        report("D11", elsewhere[begin : begin + len(rows)], found, "each unit in one split", fix, place, problems)
        begin += len(rows)


def _pictures(label_set: LabelSet, root: Path, rows: LabelRows, problems: Problems) -> tuple[pa.Array, Mask]:
    """The path of each row's picture, and the rows that are to be kept."""
    import pyarrow as pa

    compute = arrow_functions()
    everything = np.ones(len(rows), np.bool_)
    if label_set.image is None or not len(rows):
        return pa.nulls(len(rows), pa.string()), everything
    paths = picture_paths(label_set.image, rows)
    found = present_pictures(root, paths)
    if found is None:
        return paths, everything
    if label_set.options.get("gaps"):
        return compute.if_else(_arrow(found), paths, ""), everything
    report(
        "D10",
        ~found,
        lambda row: f"no picture {paths[row].as_py()}",
        "the picture of the row",
        "copy the pictures again, or remove the row from the list",
        (rows.file, rows.line),
        problems,
    )
    return paths, found


def has_pictures(root: Path, template: str, rows: LabelRows) -> bool:
    """True where the copy holds at least one picture of the rows."""
    return len(rows) > 0 and present_pictures(root, picture_paths(template, rows)) is not None


def picture_paths(template: str, rows: LabelRows) -> pa.Array:
    """The path of each row's picture.

    Args:
        template: as `cropped_aligned/{unit}/{frame:05d}.jpg`; `{unit:0>4}` fills a text with zeros. The fields are
            unit, frame, split, folder, and image where the file names pictures.
        rows: the rows, shape (rows,).

    Raises:
        ProblemError: D01, the template has a field that rows do not have.
    """
    import pyarrow as pa

    compute = arrow_functions()
    fields: Mapping[str, Any] = {
        "unit": rows.unit,
        "frame": pa.array(rows.frame),
        "split": rows.split,
        "folder": same_text(rows.folder, len(rows)),
        **({} if rows.image is None else {"image": rows.image}),
    }
    pieces: list[Any] = []
    for text, name, form, _ in Formatter().parse(template):
        if text:
            pieces.append(text)
        if name is None:
            continue
        if name not in fields:
            known = ", ".join(f"{{{field}}}" for field in fields)
            raise ProblemError(Problem("D01", f"image = '{template}'", f"fields {known}", "correct the manifest"))
        text_of = fields[name].cast(pa.string())
        width = re.fullmatch(r"0>?(\d+)d?", form or "")
        pieces.append(compute.utf8_lpad(text_of, int(width[1]), "0") if width else text_of)
    joined = compute.binary_join_element_wise(*pieces, "")
    # a text alone stays a text
    return joined if isinstance(joined, pa.Array) else pa.array([joined.as_py()] * len(rows))


def present_pictures(root: Path, paths: pa.Array) -> Mask | None:
    """True for each picture that is there, shape (rows,); None where none is, as in a copy of the labels alone.

    Each folder is listed once.
    """
    import pyarrow as pa

    compute = arrow_functions()
    parts = compute.split_pattern(paths, "/", max_splits=1, reverse=True)
    has_folder = compute.equal(compute.list_value_length(parts), 2)
    folders = compute.if_else(has_folder, compute.list_element(parts, 0), "")
    listed: list[str] = []
    for folder in compute.unique(folders).to_pylist():
        above = f"{folder}/" if folder else ""
        try:
            with os.scandir(root / folder) as entries:
                listed.extend(above + entry.name for entry in entries if is_text(entry.name))
        except OSError:
            continue
    found = np.asarray(compute.is_in(paths, value_set=pa.array(listed, pa.string())))
    return found if found.any() else None
