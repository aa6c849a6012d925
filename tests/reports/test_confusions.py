"""Cells lead to the frames that made them."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from abawbench.api import read_table
from abawbench.reports.confusions import SHOWN, matrices
from abawbench.reports.subject import subject_of
from abawbench.scoring import Resampling
from tests.reports.corpus import MTL, UNITS, truth_values, write_truth


def subject(tmp_path, truth, prediction):
    paths = [write_truth(tmp_path / name, values) for name, values in (("truth.txt", truth), ("mine.txt", prediction))]
    tables = [read_table(MTL, path, role) for path, role in zip(paths, ("truth", "prediction"), strict=True)]
    return subject_of(MTL, *tables, paths[1], resampling=Resampling(100))


def with_classes(values, unit, classes):
    return {**values, unit: {**values[unit], "expression": np.eye(8)[classes]}}


def test_the_longest_stretches_of_a_cell_come_first_with_their_frames(tmp_path):
    truth = with_classes(truth_values(("a", "b"), frames=12), "a", [0] * 12)
    truth = with_classes(truth, "b", [0] * 12)
    mine = with_classes(truth, "a", [0, 3, 3, 0, 0, 3, 3, 3, 3, 0, 0, 3])
    mine = with_classes(mine, "b", [0] * 10 + [3, 3])
    (expression, *_) = matrices(MTL, subject(tmp_path, truth, mine))
    cell = expression.cells[0, 3]
    assert [(one.unit, one.text, one.rows) for one in cell.stretches] == [
        ("a", "frames 6–9", 4),
        ("a", "frames 2–3", 2),
        ("b", "frames 11–12", 2),
        ("a", "frame 12", 1),
    ]
    assert (cell.rows, cell.units, cell.more) == (9, 2, 0)
    assert expression.share(0, 3) == pytest.approx(9 / 24, abs=1e-12)
    assert expression.share(5, 5) == 0


def test_every_row_that_counts_is_in_one_cell_of_every_matrix(tmp_path):
    truth, mine = truth_values(seed=1), truth_values(seed=2)
    one = subject(tmp_path, truth, mine)
    found = list(matrices(MTL, one))
    assert [matrix.label for matrix in found] == ["", *MTL.task("action_units").outputs]
    for matrix in found:
        rows = int(one.paired.valid[matrix.task].sum())
        assert sum(cell.rows for cell in matrix.cells.values()) == rows == len(one.paired.truth)
    counts = Counter(
        zip(one.paired.truth.classes("expression"), one.paired.prediction.classes("expression"), strict=True)
    )
    assert {key: cell.rows for key, cell in found[0].cells.items()} == counts


def test_many_stretches_are_counted_beyond_those_that_are_shown(tmp_path):
    truth = with_classes(truth_values(("a",), frames=60), "a", [1] * 60)
    mine = with_classes(truth, "a", [1, 2] * 30)
    (expression, *_) = matrices(MTL, subject(tmp_path, truth, mine))
    cell = expression.cells[1, 2]
    assert (len(cell.stretches), cell.more, cell.rows) == (SHOWN, 30 - SHOWN, 30)


def test_the_number_of_an_error_on_the_page_leads_to_its_frames(page, corpus):
    targets = re.findall(r'<a href="#(a-(?:expression|action_units)-[^"]+)">([\d,]+)</a>', page)
    assert len(targets) > 20
    for target, rows in targets:
        (block,) = re.findall(rf'id="{re.escape(target)}".*?</div>', page, re.DOTALL)
        assert f": {rows} row" in block
        assert any(unit in block for unit in UNITS)
