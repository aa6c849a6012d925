"""Published figures and records beside the score of a report."""

from __future__ import annotations

import pytest

import abawbench
from abawbench import records
from abawbench.base.hashes import sha256_of
from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.reports.peers import SHOWN, peers
from tests.leaderboard.conftest import SMALL, made

VA = get("abaw6-va")
TRUTH = "ab" * 32


@pytest.fixture
def root(tmp_path, catalogue_with):
    """A leaderboard with a record of the truth, and one of another."""
    catalogue_with(SMALL)
    records.write(made(SMALL, truth_sha256=TRUTH), tmp_path / "records")
    records.write(made(SMALL, entry="2026_team_other"), tmp_path / "records")
    return tmp_path


def test_published_rows_of_the_official_measure_stand_by_split_the_highest_first():
    found = list(peers(VA, TRUTH, None))
    assert {one.what for one in found} == {"test", "validation"}
    for one in found:
        values = [value for _, value in one.rows]
        assert values == sorted(values, reverse=True)
        assert len(values) == min(one.total, SHOWN)
        assert not one.is_this_truth


def test_records_of_the_same_truth_come_first_and_others_by_their_split(root):
    same, *others = peers(SMALL, TRUTH, root)
    assert (same.is_this_truth, same.what, [row.method for row, _ in same.rows]) == (
        True,
        "this very truth",
        ["2026_team_method"],
    )
    assert [row.method for one in others for row, _ in one.rows] == ["2026_team_other"]


def test_a_record_of_an_earlier_definition_is_left_out_and_a_damaged_one_is_a_problem(root):
    path = root / "records" / "abaw6-va" / "2026_team_other.validation.json"
    text = path.read_text()
    path.write_text(text.replace(SMALL.fingerprint, "0" * 16))
    assert [one.total for one in peers(SMALL, TRUTH, root)] == [1]
    path.write_text(text.replace('"entry"', '"entree"'))
    with pytest.raises(ProblemError, match="R01"):
        list(peers(SMALL, TRUTH, root))


def test_a_leaderboard_that_is_not_there_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match=r"(?s)F01.*no such folder"):
        list(peers(VA, TRUTH, tmp_path / "nowhere"))


def test_the_page_shows_records_of_its_truth_before_it_says_that_others_are_not(corpus, tmp_path):
    record = records.make(
        abawbench.score("abaw4-mtl", corpus.truth, corpus.second, resamples=100),
        records.Provenance(
            entry="2026_team_recorded",
            split="validation",
            dataset="drawn faces",
            date="2026-01-31",
            truth_sha256=sha256_of(corpus.truth),
            prediction_sha256="f" * 64,
            disclosure=made(VA).disclosure,
        ),
    )
    records.write(record, tmp_path / "records")
    page = corpus.page(leaderboard=tmp_path)
    assert "Records: this very truth" in page
    assert "2026_team_recorded" in page
