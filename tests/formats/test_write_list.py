"""Lists of our own corpora: what the list reader reads again."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.challenges import get
from abawbench.formats.lists import RowList, UnitList, read_list
from abawbench.formats.write_list import write_list
from abawbench.table import NO_FRAME, Table

ROWS = Table(("b", "a"), np.array([0, 0, 0, 1], np.int32), np.array([1, 2, 2, 1], np.int32), {})
WHOLE = Table(("00002", "00001"), np.array([0, 1], np.int32), np.full(2, NO_FRAME, np.int32), {})


@pytest.mark.parametrize(
    ("challenge", "rows", "names"),
    [
        ("abaw4-mtl", ROWS, ["b/00001.jpg", "b/00002.jpg", "b/00002.jpg", "a/00001.jpg"]),
        ("abaw6-va", ROWS, ["b/00001.jpg", "b/00002.jpg", "b/00002.jpg", "a/00001.jpg"]),
        ("abaw8-emi", WHOLE, ["00002", "00001"]),
        ("abaw4-lsd", WHOLE, ["00002", "00001"]),
    ],
)
def test_rows_are_listed_in_order_with_their_repetitions(tmp_path, challenge, rows, names):
    path = tmp_path / "list.txt"
    write_list(get(challenge), rows, path)
    wanted = read_list(get(challenge), path)
    assert isinstance(wanted, RowList)
    assert wanted.keys.to_pylist() == names


@pytest.mark.parametrize("challenge", ["abaw3-va", "abaw10-vd"])
def test_units_are_listed_once(tmp_path, challenge):
    path = tmp_path / "list"
    write_list(get(challenge), ROWS, path)
    wanted = read_list(get(challenge), path)
    assert isinstance(wanted, UnitList)
    assert set(wanted.units) == {"a", "b"}
