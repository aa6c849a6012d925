"""Indexes that say something else than `faces` wrote: a problem F01 or an audit, never another error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clips_of_faces
from abawbench.clips.crop_index import METADATA
from abawbench.faces.audit import write_audit
from abawbench.faces.run import crop_faces
from abawbench.faces.video_crops import FaceSettings
from tests.damage import changed_bytes, changed_fields, outcome
from tests.faces.conftest import picture, write_video

pytestmark = pytest.mark.usefixtures("blobs")


@pytest.fixture
def index(tmp_path) -> Path:
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos" / "v.mp4", [picture((2, 20, 60), (3, 240, 50)) for _ in range(6)])
    crop_faces(tmp_path / "videos", tmp_path / "out", FaceSettings())
    return tmp_path / "out" / "index" / "v.parquet"


def use(index: Path) -> object:
    """Everything that reads an index."""

    def read() -> object:
        write_audit(index.parent.parent, ())
        return clips_of_faces(index.parent.parent)

    return outcome(read)


def with_facts(table: pa.Table, facts: object) -> pa.Table:
    return table.replace_schema_metadata({METADATA: json.dumps(facts).encode()})


def test_other_facts_are_a_problem_or_make_no_difference(index):
    table = pq.read_table(index)
    for facts in list(changed_fields(json.loads(table.schema.metadata[METADATA])))[::7]:
        pq.write_table(with_facts(table, facts), index)
        use(index)


def test_units_that_lead_to_other_folders_are_refused(index, tmp_path):
    table = pq.read_table(index)
    facts = json.loads(table.schema.metadata[METADATA])
    precious = tmp_path / "precious"
    precious.mkdir()
    units = ["../../precious"]
    thumbs = {units[0]: facts["thumbs"]["v_left"]}
    pq.write_table(with_facts(table, {**facts, "units": units, "thumbs": thumbs, "key": {}}), index)
    assert isinstance(use(index), ProblemError)
    crop_faces(tmp_path / "videos", tmp_path / "out", FaceSettings())
    assert precious.is_dir()


def test_a_file_with_other_bytes_is_a_problem_or_an_index(index):
    for data in changed_bytes(index.read_bytes(), number=100):
        index.write_bytes(data)
        use(index)


TABLES = {
    "a column less": lambda table: table.drop_columns(["blur"]),
    "a column more": lambda table: table.append_column("x", table["frame"]),
    "a column twice": lambda table: table.append_column("frame", table["frame"]),
    "texts": lambda table: table.set_column(0, "frame", table["frame"].cast(pa.string())),
    "plain units": lambda table: table.set_column(2, "unit", table["unit"].cast(pa.string())),
    "nulls": lambda table: table.set_column(0, "frame", pa.nulls(len(table), pa.int32())),
    "no unit": lambda table: table.set_column(2, "unit", pa.nulls(len(table), table["unit"].type)),
    "unknown units": lambda table: table.set_column(2, "unit", pa.array(["x"] * len(table)).dictionary_encode()),
    "unknown states": lambda table: table.set_column(3, "state", pa.array(["x"] * len(table)).dictionary_encode()),
    "unknown tracks": lambda table: table.set_column(4, "track", pa.array([77] * len(table), pa.int32())),
    "NaN": lambda table: table.set_column(5, "left", pa.array([np.nan] * len(table), pa.float32())),
    "a row less": lambda table: table.slice(1),
    "rows twice": lambda table: pa.concat_tables([table, table]),
    "disorder": lambda table: table.take(list(range(len(table)))[::-1]),
    "no row": lambda table: table.slice(0, 0),
    "frames below zero": lambda table: table.set_column(
        0, "frame", pa.array(table["frame"].to_numpy() - 100, pa.int32())
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_another_table_is_refused(index, name):
    table = pq.read_table(index)
    pq.write_table(TABLES[name](table).replace_schema_metadata(table.schema.metadata), index)
    assert isinstance(use(index), ProblemError)
