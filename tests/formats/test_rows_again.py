"""What a message calls the rows that stand in a file twice."""

from __future__ import annotations

import pytest

from abawbench.challenges import get
from abawbench.formats.check import check
from abawbench.organisers.samples import sample, write


@pytest.mark.parametrize(
    ("again", "told"),
    [
        (lambda lines: lines[:1], "'2-30-640x360/00001.jpg' again"),
        (lambda lines: lines[:3], "3 rows of '2-30-640x360' again"),
        (lambda lines: [line for line in lines if line.startswith(b"2-30-640x360/")], "'2-30-640x360' again"),
    ],
)
def test_a_row_is_named_and_a_unit_only_where_all_of_it_is_there_again(tmp_path, again, told):
    made = sample(get("abaw10-va"), units=2, rows=8)
    ((name, data),) = made.prediction.items()
    lines = data.splitlines(keepends=True)
    path = write({name: data + b"".join(again(lines[1:]))}, tmp_path / "p")
    (problem,) = check(get("abaw10-va"), path, write(made.template, tmp_path / "l"))
    assert (problem.rule, problem.found.partition(", with")[0]) == ("T03", told)
