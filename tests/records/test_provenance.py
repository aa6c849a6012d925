"""The origin of a score, as its maker writes it down beside the two files."""

from __future__ import annotations

from pathlib import Path

import pytest

from abawbench import records
from abawbench.base.hashes import sha256_of
from abawbench.base.problems import ProblemError

TEXT = """\
entry = "2026_team_method"
split = "validation"
dataset = "s-Aff-Wild2"
date = "2026-01-31"

[disclosure]
trained_on = []
validation_used_for = "nothing"
thresholds_from = "none"
trials = 1
crops = "none"
licence = "Apache-2.0"
synthetic_truth = true
note = ""
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"own.toml": TEXT, "truth.txt": "truth\n", "prediction.txt": "prediction\n"}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def read(folder: Path) -> records.Provenance:
    return records.read_provenance(folder / "own.toml", folder / "truth.txt", folder / "prediction.txt")


def problem_of(folder: Path, text: str):
    (folder / "own.toml").write_text(text)
    with pytest.raises(ProblemError) as caught:
        read(folder)
    (problem,) = caught.value.problems
    return problem


def test_it_holds_what_the_maker_says_and_the_hashes_of_both_files(folder):
    found = read(folder)
    assert (found.entry, found.split, found.date) == ("2026_team_method", "validation", "2026-01-31")
    assert found.truth_sha256 == sha256_of(folder / "truth.txt")
    assert found.prediction_sha256 == sha256_of(folder / "prediction.txt")
    assert found.disclosure.licence == "Apache-2.0"


def test_a_date_of_toml_is_a_date(folder):
    (folder / "own.toml").write_text(TEXT.replace('"2026-01-31"', "2026-01-31"))
    assert read(folder).date == "2026-01-31"


def test_every_missing_field_is_named(folder):
    problem = problem_of(folder, TEXT.replace("entry", "name").replace("date", "day"))
    assert (problem.rule, problem.found) == ("R01", "no entry, date")


def test_a_wrong_field_of_the_disclosure_is_named(folder):
    problem = problem_of(folder, TEXT.replace("trials = 1", "trials = 0"))
    assert (problem.rule, problem.found, problem.file) == ("R01", "trials: 0", str(folder / "own.toml"))


def test_a_file_that_is_no_toml_is_a_problem(folder):
    assert problem_of(folder, "entry\n").rule == "R01"


def test_a_file_that_is_not_there_is_a_problem(folder):
    (folder / "own.toml").unlink()
    with pytest.raises(ProblemError, match="F01"):
        read(folder)
