"""Stores whose files say something else than `predict` wrote: a problem P02, never a wrong answer or another error."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.inference.predict import predict
from abawbench.inference.store import read_store
from tests.damage import changed_bytes, changed_fields, outcome
from tests.inference.conftest import Means, a_clip


@pytest.fixture
def store(tmp_path) -> Path:
    predict(Means(), [a_clip("v", 4, missing=(1,))], tmp_path / "store", fill="nearest")
    return tmp_path / "store"


def read(store: Path) -> np.ndarray:
    return read_store(get("abaw4-mtl"), store).values["expression"]


def refused(store: Path) -> str:
    with pytest.raises(ProblemError, match="P02") as error:
        read(store)
    return str(error.value)


def replace_table(store: Path, table: pa.Table) -> None:
    """Write another table with a commit that fits it."""
    pq.write_table(table, store / "units" / "v.parquet")
    path = store / "units" / "v.json"
    facts = json.loads(path.read_text())
    facts["parquet"] = hashlib.sha256((store / "units" / "v.parquet").read_bytes()).hexdigest()
    path.write_text(json.dumps(facts))


def test_any_other_field_of_the_record_is_refused(store):
    path = store / "entry.json"
    for record in changed_fields(json.loads(path.read_text())):
        path.write_text(json.dumps(record))
        refused(store)


def test_any_other_field_of_a_commit_is_refused_or_of_no_account(store):
    path, before = store / "units" / "v.json", read(store)
    for record in changed_fields(json.loads(path.read_text())):
        path.write_text(json.dumps(record))
        found = outcome(lambda: read(store))
        assert isinstance(found, ProblemError) or np.array_equal(found, before)


@pytest.mark.parametrize("name", ["entry.json", "units/v.json", "units/v.parquet"])
def test_a_file_with_other_bytes_gives_the_same_answers_or_none(store, name):
    path, before = store / name, read(store)
    for data in changed_bytes(path.read_bytes()):
        path.write_bytes(data)
        found = outcome(lambda: read(store))
        assert isinstance(found, ProblemError) or np.array_equal(found, before)


def test_a_table_of_other_bytes_with_a_commit_that_fits_is_a_problem_or_an_answer(store):
    path, commit = store / "units" / "v.parquet", store / "units" / "v.json"
    facts = json.loads(commit.read_text())
    for data in changed_bytes(path.read_bytes(), number=150):
        path.write_bytes(data)
        commit.write_text(json.dumps({**facts, "parquet": hashlib.sha256(data).hexdigest()}))
        outcome(lambda: read(store))


TABLES = {
    "a column less": lambda table: table.drop_columns([table.column_names[-1]]),
    "no frame": lambda table: table.drop_columns(["frame"]),
    "a column more": lambda table: table.append_column("x", table["frame"]),
    "a column twice": lambda table: table.append_column("frame", table["frame"]),
    "texts": lambda table: table.set_column(4, table.column_names[4], table["frame"].cast(pa.string())),
    "another number type": lambda table: table.set_column(0, "frame", table["frame"].cast(pa.int64())),
    "lists": lambda table: table.set_column(0, "frame", pa.array([[1]] * len(table))),
    "nulls": lambda table: table.set_column(4, table.column_names[4], pa.array([None] * len(table), pa.float64())),
    "NaN": lambda table: table.set_column(4, table.column_names[4], pa.array([np.nan] * len(table))),
    "infinity": lambda table: table.set_column(4, table.column_names[4], pa.array([np.inf] * len(table))),
    "out of range": lambda table: table.set_column(4, table.column_names[4], pa.array([7.0] * len(table))),
    "frames in disorder": lambda table: table.take(list(range(len(table)))[::-1]),
    "frames twice": lambda table: pa.concat_tables([table, table]),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_unit_with_another_table_than_the_card_says_is_refused(store, name):
    replace_table(store, TABLES[name](pq.read_table(store / "units" / "v.parquet")))
    assert "v.parquet" in refused(store)


def test_metadata_that_pandas_never_wrote_do_not_count(store):
    before = read(store)
    table = pq.read_table(store / "units" / "v.parquet")
    replace_table(store, table.replace_schema_metadata({b"pandas": b'{"index_columns": 5', b"x": b"\xff"}))
    assert np.array_equal(read(store), before)


def test_answers_of_an_entry_that_was_replaced_since_are_refused(store, tmp_path):
    record = json.loads((store / "entry.json").read_text())
    (store / "entry.json").write_text(json.dumps({**record, "seed": 5}))
    assert "another entry" in refused(store)


def test_a_table_that_would_fill_the_memory_is_refused_by_its_header(store, monkeypatch):
    monkeypatch.setattr("abawbench.base.arrow_input.LARGEST_TABLE", 20)
    assert "fit into memory" in refused(store)


def test_a_store_of_another_challenge_is_refused(store):
    with pytest.raises(ProblemError, match=r"(?s)P07.*answers of .* to va.*answers to violence of abaw10-vd"):
        read_store(get("abaw10-vd"), store)
