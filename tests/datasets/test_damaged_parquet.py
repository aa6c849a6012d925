"""Parquet files that are wrong on purpose, for each reader: a problem or labels, never another error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from abawbench.base.arrow_input import open_parquet, read_parquet
from abawbench.base.problems import ProblemError, Problems
from abawbench.challenges import get
from abawbench.datasets.label_file import METADATA, is_label_file, read_label_file
from abawbench.datasets.readers.sheet import SheetFormat, read_sheet
from abawbench.formats.dataframe import from_file
from tests.damage import changed_bytes, changed_fields, outcome

ROWS = {
    "video": ["a", "a", "b"],
    "frame": pa.array([1, 2, 1], pa.int32()),
    "valence": [0.1, 0.2, 0.3],
    "arousal": [0.1, None, 0.3],
    "expression": pa.array([0, 1, None], pa.int8()),
}
CLASSES = {"classes": {"expression": ["calm", "glad"]}}


def write(path: Path, rows=None, metadata: object = CLASSES, **columns) -> Path:
    table = pa.table({**(ROWS if rows is None else rows), **columns})
    pq.write_table(table.replace_schema_metadata({METADATA: json.dumps(metadata).encode()}), path)
    return path


def use(path: Path) -> tuple[object, ...]:
    """What each reader makes of a file."""

    def sheet() -> object:
        problems = Problems()
        found = read_sheet(path, ["video", "valence"], SheetFormat(), problems)
        problems.raise_if_any()
        return found

    labels = outcome(lambda: read_label_file(path))
    return labels, outcome(lambda: from_file(get("abaw3-va"), path, "prediction")), outcome(sheet), is_label_file(path)


def test_a_good_file_is_read_by_all(tmp_path):
    labels, table, sheet, is_labels = use(write(tmp_path / "a.parquet"))
    assert not any(isinstance(found, ProblemError) for found in (labels, table, sheet))
    assert is_labels


def test_files_with_other_bytes_are_read_or_a_problem(tmp_path):
    path = write(tmp_path / "a.parquet")
    for data in changed_bytes(path.read_bytes(), number=200):
        path.write_bytes(data)
        use(path)


def test_any_other_list_of_classes_is_of_no_account_or_a_problem(tmp_path):
    for metadata in changed_fields(CLASSES):
        use(write(tmp_path / "a.parquet", metadata=metadata))


@pytest.mark.parametrize(
    "pandas", [b"", b"5", b'{"index_columns": 7}', b'{"index_columns": ["x"]}', b"\xff", b"[" * 10_000]
)
def test_what_pandas_never_wrote_does_not_count(tmp_path, pandas):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(ROWS).replace_schema_metadata({b"pandas": pandas}), path)
    labels, table, *_ = use(path)
    assert not isinstance(labels, ProblemError)
    assert not isinstance(table, ProblemError)


ODD = {
    "lists": pa.array([[1], [2], [3]]),
    "structures": pa.array([{"a": 1}] * 3),
    "maps": pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int64())),
    "bytes": pa.array([b"\xff"] * 3),
    "dates": pa.array([1, 2, 3], pa.date32()),
    "times": pa.array([2**62] * 3, pa.timestamp("ns")),
    "decimals": pa.array([1, 2, 3], pa.decimal128(30, 2)),
    "nothing": pa.nulls(3),
    "large numbers": pa.array([2**62] * 3),
    "unsigned": pa.array([2**64 - 1] * 3, pa.uint64()),
    "infinite": pa.array([np.inf, -np.inf, np.nan]),
    "flags": pa.array([True, False, None]),
    "half": pa.array(np.array([1, 2, 3], np.float16)),
    "dictionary": pa.array(["x", "y", "x"]).dictionary_encode(),
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("name", [*ROWS, "split", "subject", "more"])
def test_a_column_of_any_type_is_read_or_a_problem(tmp_path, name, kind):
    use(write(tmp_path / "a.parquet", **{name: ODD[kind]}))


def test_columns_of_one_name_are_refused(tmp_path):
    table = pa.table(ROWS)
    pq.write_table(table.append_column("video", table["video"]), tmp_path / "a.parquet")
    labels, table, sheet, _ = use(tmp_path / "a.parquet")
    assert all(isinstance(found, ProblemError) for found in (labels, table, sheet))


def test_a_frame_beyond_32_bits_and_a_class_beyond_the_list_are_refused(tmp_path):
    for column in ({"frame": pa.array([1, 2**40, 3])}, {"expression": pa.array([0, 9, 1])}):
        with pytest.raises(ProblemError, match=r"T06|V06"):
            read_label_file(write(tmp_path / "a.parquet", **column))


def test_a_table_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    path = write(tmp_path / "a.parquet")
    monkeypatch.setattr("abawbench.base.arrow_input.LARGEST_TABLE", 14)
    labels, table, sheet, _ = use(path)
    assert all(isinstance(found, ProblemError) for found in (labels, table, sheet))


def test_devices_and_folders_are_refused(tmp_path):
    (tmp_path / "zero.parquet").symlink_to("/dev/zero")
    with pytest.raises(ProblemError, match="F01"):
        read_parquet(tmp_path / "zero.parquet")
    with pytest.raises(ValueError, match=r"."), open_parquet(tmp_path):
        pass
