"""Rows of one or more files to the Labels of a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problems
from abawbench.challenges import Continuous, MultiLabel, Task
from abawbench.datasets.manifests.model import LabelSet, Manifest
from abawbench.datasets.readers.model import Labels
from abawbench.datasets.readers.pictures import picture_paths, present
from abawbench.datasets.readers.sheet import Lines, report
from abawbench.table import Integers, Mask, Table, Values

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Part:
    """The sound rows of one file.

    Attributes:
        file: its name, for messages.
        line: shape (rows,), where each row stands in it.
        unit: dictionary of texts, shape (rows,): the video, sequence or picture that a row is of.
        frame: shape (rows,).
        values: by task name, as in a Table.
        split: dictionary of texts, shape (rows,), empty where not known.
        subject: likewise.
        image: what the file calls the row's picture, for `{image}`; None where it names none.
        folder: the file's folder below the root, for `{folder}`.
    """

    file: str
    line: Lines
    unit: pa.DictionaryArray
    frame: Integers
    values: Mapping[str, Values]
    split: pa.DictionaryArray
    subject: pa.DictionaryArray
    image: pa.Array | None = None
    folder: str = ""

    def __len__(self) -> int:
        return len(self.line)

    def take(self, keep: Mask) -> Part:
        """The part with the rows where `keep` is True."""
        import pyarrow as pa

        if keep.all():
            return self
        rows = pa.array(keep)
        return Part(
            self.file,
            self.line[keep],
            self.unit.filter(rows),
            self.frame[keep],
            {name: values[keep] for name, values in self.values.items()},
            self.split.filter(rows),
            self.subject.filter(rows),
            None if self.image is None else self.image.filter(rows),
            self.folder,
        )


def always(text: str, count: int) -> pa.DictionaryArray:
    """One text for each of `count` rows."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([text]))


def texts(column: pa.ChunkedArray | pa.Array) -> pa.DictionaryArray:
    """Texts, each kept once."""
    import pyarrow as pa

    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole if isinstance(whole, pa.DictionaryArray) else whole.cast(pa.string()).dictionary_encode()


def assemble(manifest: Manifest, label_set: LabelSet, root: Path, parts: Sequence[Part], problems: Problems) -> Labels:
    """Labels from the sound rows of every file, units in order of first appearance.

    A unit has the split and the subject of its first row. Pictures are looked for where the copy has any; `gaps = true`
    in the options says that missing ones are normal: their path is then empty.

    Problems: D10 a picture is missing, D11 a unit stands in two splits. Those rows are left out.
    """
    pictures: list[pa.Array] = []
    kept: list[Part] = []
    for part in parts:
        image, keep = _pictures(label_set, root, part, problems)
        kept.append(part.take(keep))
        pictures.append(image if keep.all() else image.filter(_arrow(keep)))
    parts = [part for part in kept if len(part)]
    pictures = [image for image in pictures if len(image)]
    tasks = tuple(facts.task for facts in label_set.tasks)
    if not parts:
        return _nothing(manifest, tasks, root)
    unit, units = _joined([part.unit for part in parts])
    split, splits = _joined([part.split for part in parts])
    subject, subjects = _joined([part.subject for part in parts])
    first = _first_rows(unit, len(units))
    elsewhere = split != split[first][unit]
    if elsewhere.any():
        _report_two_splits(parts, elsewhere, lambda row: (units[unit[row]], splits[split[first[unit[row]]]]), problems)
    rows = np.flatnonzero(~elsewhere)
    values: dict[str, Any] = {task.name: np.concatenate([part.values[task.name] for part in parts]) for task in tasks}
    frame = np.concatenate([part.frame for part in parts])
    images = np.concatenate([image.to_numpy(zero_copy_only=False) for image in pictures])
    table = Table(units, unit, frame, values, source=str(root))
    return Labels(
        manifest,
        tasks,
        table if len(rows) == len(table) else table.take(rows),
        tuple(subjects[code] for code in subject[first].tolist()),
        tuple(splits[code] for code in split[first].tolist()),
        None if label_set.image is None else images[rows],
    )


def _arrow(mask: Mask) -> pa.Array:
    import pyarrow as pa

    return pa.array(mask)


def paths_of(part: Part, template: str) -> pa.Array:
    """The path of each row's picture, from what the part says of its rows."""
    import pyarrow as pa

    fields: dict[str, Any] = {
        "unit": part.unit,
        "frame": pa.array(part.frame),
        "split": part.split,
        "folder": always(part.folder, len(part)),
    }
    if part.image is not None:
        fields["image"] = part.image
    return picture_paths(template, fields)


def _pictures(label_set: LabelSet, root: Path, part: Part, problems: Problems) -> tuple[pa.Array, Mask]:
    """The path of each row's picture, and the rows that are to be kept."""
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    everything = np.ones(len(part), np.bool_)
    if label_set.image is None or not len(part):
        return pa.nulls(len(part), pa.string()), everything
    paths = paths_of(part, label_set.image)
    found = present(root, paths)
    if found is None:
        return paths, everything
    if label_set.options.get("gaps"):
        return compute.if_else(_arrow(found), paths, ""), everything
    report(
        "D10",
        ~found,
        lambda row: f"no picture {paths[row].as_py()}",
        "the picture of the row",
        "copy the pictures again, or take the row from the list",
        (part.file, part.line),
        problems,
    )
    return paths, found


def _joined(columns: Sequence[pa.DictionaryArray]) -> tuple[Integers, tuple[str, ...]]:
    """Codes and names in order of first appearance, over all parts; names that no row has are dropped."""
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
    parts: Sequence[Part], elsewhere: Mask, of: Callable[[int], tuple[str, str]], problems: Problems
) -> None:
    begin = 0
    for part in parts:
        rows = slice(begin, begin + len(part))

        def found(row: int, begin: int = begin) -> str:
            unit, split = of(begin + row)
            return f"'{unit}', which is in the split {split or 'without a name'} too"

        place = (part.file, part.line)
        fix = "take it from one of the splits: the rows of the first are kept"
        report("D11", elsewhere[rows], found, "each unit in one split", fix, place, problems)
        begin += len(part)


def _nothing(manifest: Manifest, tasks: Sequence[Task], root: Path) -> Labels:
    none = np.empty(0, np.int32)
    values: dict[str, Values] = {}
    for task in tasks:
        if isinstance(task, Continuous):
            values[task.name] = np.empty((0, len(task.columns)))
        else:
            width = (len(task.columns),) if isinstance(task, MultiLabel) else ()
            values[task.name] = np.empty((0, *width), np.int8)
    return Labels(manifest, tuple(tasks), Table((), none, none, values, source=str(root)), (), (), None)
