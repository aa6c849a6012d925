"""Records and disclosures that are wrong on purpose: a problem, never another error."""

from __future__ import annotations

import json

import pytest

from abawbench import records
from abawbench.base.problems import ProblemError
from abawbench.records.agreement import check_tree
from tests.damage import changed_bytes, changed_fields, outcome
from tests.records.test_records import made


@pytest.fixture
def path(tmp_path):
    return records.write(made(), tmp_path)


def test_any_other_field_of_a_record_is_a_problem_of_the_tree(path, tmp_path):
    for record in list(changed_fields(json.loads(path.read_text())))[::7]:
        path.write_text(json.dumps(record))
        assert check_tree(tmp_path)


def test_a_record_with_other_bytes_is_a_record_or_a_problem_of_the_tree(path, tmp_path):
    for data in changed_bytes(path.read_bytes()):
        path.write_bytes(data)
        assert all(problem.rule in {"R01", "R02"} for problem in check_tree(tmp_path))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "1" + "0" * 5_000, '{"score": 1e999}', '"\\ud800"'])
def test_hostile_json_is_no_record(path, text):
    path.write_text(text)
    with pytest.raises(ProblemError, match="R01"):
        records.read(path)


def test_a_record_is_read_where_it_agrees_with_its_statistics_wherever_it_lies(path, tmp_path):
    content = json.loads(path.read_text())
    elsewhere = tmp_path / "record.json"
    elsewhere.write_text(json.dumps(content))
    assert records.read_agreeing(elsewhere) == records.read(path)
    elsewhere.write_text(json.dumps({**content, "score": content["score"] + 0.01}))
    with pytest.raises(ProblemError, match=r"(?s)R01.*found score .*by the record's statistics"):
        records.read_agreeing(elsewhere)


def test_a_device_is_no_record(tmp_path):
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    assert isinstance(outcome(lambda: records.read(tmp_path / "zero.json")), ProblemError)
