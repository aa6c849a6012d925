"""Readers of Arrow that fail and leave nothing behind that could end the process badly."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from abawbench.base.arrow_input import arrow_array, arrow_reader

PACKAGE = Path(__file__).parents[2] / "abawbench"

# each run forks a process that reads a faulty folder and ends as the command line does
RUNS = """
import os, sys
from pathlib import Path
import numpy, pyarrow, pyarrow.csv
from abawbench.challenges import get
from abawbench.base.problems import ProblemError
from abawbench.formats.check import check, is_accepted
from abawbench.formats.read import read_both
statuses = []
for run in range({runs}):
    child = os.fork()
    if not child:
        try:
            {call}
        except ProblemError as error:
            sys.exit(1)
        sys.exit(0)
    statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(sorted(set(statuses)))
"""


@pytest.fixture
def faulty(tmp_path):
    """A folder whose first unit has its header a second time."""
    for name in ("truth", "predictions"):
        folder = tmp_path / name
        folder.mkdir()
        for unit in ("1", "2-30-640x360"):
            (folder / f"{unit}.txt").write_text("valence,arousal\n" + "0.25,-0.5\n" * 4)
    path = tmp_path / "predictions" / "1.txt"
    path.write_text(path.read_text() + path.read_text().replace("0.25", "high"))
    return tmp_path


def test_bytes_are_read_from_a_copy():
    data = bytearray(b"1,2\n")
    reader = arrow_reader(memoryview(data))
    data[0] = ord("9")
    assert reader.read() == b"1,2\n"


def test_nothing_is_an_empty_stream():
    assert arrow_reader(b"").size() == 0


@pytest.mark.parametrize("rows", [0, 1, 8, 13])
@pytest.mark.parametrize("dtype", [np.int32, np.float64, bool])
def test_an_array_is_the_one_that_arrow_makes_itself(rows, dtype):
    table = np.random.default_rng(rows).integers(0, 2, (rows, 3)).astype(dtype)
    # a column of a table, whose values do not lie side by side
    values = table[:, 1]
    found, expected = arrow_array(values), pa.array(values)
    assert found.equals(expected)
    assert (found.type, found.null_count) == (expected.type, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    "call",
    [
        "read_both(get('abaw2-va'), Path('truth'), Path('predictions'))",
        "sys.exit(not is_accepted(check(get('abaw2-va'), Path('predictions'))))",
    ],
    ids=["score", "check"],
)
def test_a_hundred_runs_over_a_faulty_folder_end_with_status_1(faulty, call):
    code = RUNS.format(runs=50, call=call)
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=faulty,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout, done.stderr) == ("[1]\n", "")


def test_no_reader_of_arrow_gets_memory_of_python():
    wrong = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"py_buffer", "BufferReader"}
    ]
    assert [place for place in wrong if not place.startswith("base/arrow_input.py")] == []
