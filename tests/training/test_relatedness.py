"""The table of a training: its source, its cause of failure, and the check that warns."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import Categorical, MultiLabel
from abawbench.models.settings import CouplingSettings, LikelihoodOptions
from abawbench.table import Table
from abawbench.training.relatedness import make_relatedness

SPECIES = Categorical("species", ("wren", "crow", "gull"), -1)
MARKS = MultiLabel("marks", ("black", "brown", "small", "loud"), -1)
SHARES = np.array([[0.05, 0.9, 0.9, 0.6], [0.95, 0.05, 0.1, 0.7], [0.1, 0.05, 0.2, 0.9]])
CHOSEN = {"classes": "species", "labels": "marks"}
FILE = "x,black,brown,small,loud\nwren,.05,.9,.9,.6\ncrow,.95,.05,.1,.7\ngull,.1,.05,.2,.9\n"


def truth_of(count: int, overlap: str, seed: int = 0, shares=SHARES) -> Table:
    """Rows with both tasks, or in turn with one of them."""
    random = np.random.default_rng(seed)
    species = random.integers(0, 3, count)
    marks = (random.random((count, 4)) < shares[species]).astype(np.int8)
    species = species.astype(np.int8)
    if overlap == "none":
        species[::2], marks[1::2] = -1, -1
    video, frame = np.arange(count) // 20, np.arange(count) % 20
    names = tuple(f"v{number}" for number in range(count // 20))
    return Table(names, video.astype(np.int32), frame.astype(np.int32), {"species": species, "marks": marks})


def table_of(tmp_path, text: str = FILE):
    path = tmp_path / "table.csv"
    path.write_text(text)
    return path


def test_a_file_counts_as_so_many_rows_and_is_mixed_with_base_rates(tmp_path):
    truth = truth_of(400, "none")
    found = make_relatedness(CouplingSettings(table=table_of(tmp_path), **CHOSEN), SPECIES, MARKS, truth)
    assert found.shares.tolist() == SHARES.tolist()
    marks = truth.values["marks"][::2]
    base = (marks.sum(0) + 0.5) / (len(marks) + 1)
    assert np.allclose(found.likelihood, (10 * SHARES + 2 * base) / 12)


def test_counts_are_mixed_by_their_own_rows():
    options = CouplingSettings(("likelihood",), relatedness="estimated", least_rows=10_000, **CHOSEN)
    truth = truth_of(400, "all")
    found = make_relatedness(options, SPECIES, MARKS, truth)
    species, marks = truth.values["species"], truth.values["marks"]
    base = (marks.sum(0) + 0.5) / (len(marks) + 1)
    own = marks[species == 1]
    assert found.likelihood[1] == pytest.approx((own.sum(0) + 2 * base) / (len(own) + 2))
    # a minimum of rows is nothing that likelihood coupling needs
    assert np.array_equal(found.shares, found.likelihood)


def test_the_cause_is_told_where_no_row_is_annotated_for_both():
    options = CouplingSettings(relatedness="estimated", **CHOSEN)
    with pytest.raises(ProblemError, match="no training row is annotated for both species and marks"):
        make_relatedness(options, SPECIES, MARKS, truth_of(100, "none"))
    few = CouplingSettings(("distribution_matching",), relatedness="estimated", least_rows=90, **CHOSEN)
    with pytest.raises(ProblemError, match="no class has more than"):
        make_relatedness(few, SPECIES, MARKS, truth_of(100, "all"))


def notes_of(tmp_path, truth: Table, text: str = FILE, **options) -> str:
    chosen = CouplingSettings(table=table_of(tmp_path, text), **CHOSEN, **options)
    return " / ".join(make_relatedness(chosen, SPECIES, MARKS, truth).notes)


def swapped(text: str) -> str:
    """The table under other names: the wren's row is the crow's, and so on."""
    return text.replace("wren", "?").replace("crow", "wren").replace("gull", "crow").replace("?", "gull")


def test_a_table_that_holds_is_said_to_and_one_that_does_not_is_warned_of(tmp_path):
    both = truth_of(400, "all")
    assert "better than base rates do (+" in notes_of(tmp_path, both)
    assert "WARNING" in notes_of(tmp_path, both, swapped(FILE))
    unrelated = truth_of(400, "all", shares=np.tile(SHARES.mean(0), (3, 1)))
    assert "WARNING" in notes_of(tmp_path, unrelated)


def test_without_rows_of_both_a_table_is_compared_with_permuted_ones(tmp_path):
    apart = truth_of(800, "none")
    assert "WARNING" not in notes_of(tmp_path, apart)
    unrelated = truth_of(800, "none", shares=np.tile(SHARES.mean(0), (3, 1)))
    assert "WARNING" in notes_of(tmp_path, unrelated)
    # what it cannot see it says
    assert "to check its names" in notes_of(tmp_path, apart, swapped(FILE))


def test_an_estimated_table_of_unrelated_tasks_is_warned_of():
    options = CouplingSettings(relatedness="estimated", **CHOSEN)
    related = make_relatedness(options, SPECIES, MARKS, truth_of(400, "all"))
    assert "better than base rates" in related.notes[0]
    unrelated = truth_of(400, "all", shares=np.tile(SHARES.mean(0), (3, 1)))
    assert make_relatedness(options, SPECIES, MARKS, unrelated).notes[0].startswith("relatedness: WARNING")


def test_a_table_is_learned_where_that_explains_held_out_labels_better(tmp_path):
    wrong = FILE.replace(".95,.05,.1,.7", ".6,.3,.4,.5").replace(".05,.9,.9,.6", ".3,.6,.6,.5")
    learned = LikelihoodOptions(learned=True)
    options = CouplingSettings(table=table_of(tmp_path, wrong), likelihood=learned, **CHOSEN)
    found = make_relatedness(options, SPECIES, MARKS, truth_of(4000, "none"))
    assert "the learned table explains held-out labels better" in found.notes[0]
    assert np.abs(found.likelihood - SHARES).mean() < 0.6 * np.abs(found.shares - SHARES).mean()
    assert "no better" in notes_of(tmp_path, truth_of(400, "none"), likelihood=learned)
    assert "too few videos" in notes_of(tmp_path, truth_of(0, "none"), likelihood=learned)


def test_cells_that_are_not_known_are_counted(tmp_path):
    text = FILE.replace("gull,.1,.05,.2,.9", "gull,,,,")
    assert "4 of 12 cells are not known /" in notes_of(tmp_path, truth_of(200, "none"), text)
    truth = truth_of(2000, "all")
    assert "takes 4 of them from training labels" in notes_of(tmp_path, truth, text)
    options = CouplingSettings(table=table_of(tmp_path, text), **CHOSEN)
    found = make_relatedness(options, SPECIES, MARKS, truth)
    assert np.isnan(found.shares[2]).all()
    assert np.abs(found.likelihood[2] - SHARES[2]).max() < 0.05


def test_with_few_labels_nothing_is_checked(tmp_path):
    assert "too few training rows" in notes_of(tmp_path, truth_of(20, "none"))
