"""Units that may not be shown are nowhere on a page, and change no figure."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.reports.masking import masking_of, read_masked
from abawbench.scoring import Resampling
from tests.inference.conftest import write_crops
from tests.reports.corpus import FRAMES, UNITS, truth_values, write_truth
from tests.reports.test_page import read

WHO = {unit: f"subject-{unit.split('_')[0]}" for unit in UNITS}


def figures(page):
    """Every number that a table is sorted by, in the order of their size."""
    return sorted(re.findall(r'data-sort="([^"]*)"', page))


@pytest.mark.parametrize("name", ["video45", "10-30-640x480", "10-30-640x480_left"])
def test_the_name_of_a_masked_unit_is_nowhere_on_the_page(corpus, page, name):
    video = name.removesuffix("_left")
    assert video in page
    masked = corpus.page(corpus.first, corpus.second, masked=[name])
    assert video not in masked
    assert "masked1" in masked
    assert "may not be shown" in masked


def test_masking_changes_no_figure(corpus, page):
    masked = corpus.page(masked=["video45", "10-30-640x480"])
    assert figures(masked) == figures(page)


def test_masked_units_have_no_crops(corpus, tmp_path):
    crops = write_crops(tmp_path / "crops", dict.fromkeys(UNITS, FRAMES))
    shown, masked = (corpus.page(crops=crops, masked=names) for names in ([], ["video45"]))
    assert shown.count("data:image/jpeg") > masked.count("data:image/jpeg") > 0
    assert "video45" not in masked
    everything = corpus.page(crops=crops, masked=[*UNITS])
    assert "data:image" not in everything
    assert "no crops of units that may be shown" in everything


def test_the_subject_of_a_masked_unit_is_masked_too(corpus):
    shown = corpus.page(resampling=Resampling(200, subjects=WHO))
    page = corpus.page(resampling=Resampling(200, subjects=WHO), masked=["subject-video9"])
    assert figures(page) == figures(shown)
    assert "video9" not in page


def test_names_in_paths_are_masked(corpus, tmp_path):
    place = tmp_path / "video45"
    place.symlink_to(corpus.first)
    text = corpus.page(place, masked=["video45"])
    assert "video45" not in text


def test_other_spellings_of_the_names_in_a_prediction_are_masked(corpus, tmp_path):
    values = {f"crops/{unit}": own for unit, own in truth_values(seed=4).items()}
    mine = tmp_path / "of_video45_and_VIDEO9.txt"
    page = corpus.page(write_truth(mine, values), masked=["video45", "video9"])
    assert "of_masked1_and_masked2.txt" in page or "of_masked2_and_masked1.txt" in page
    assert not re.search("video45|video9", page, re.IGNORECASE)
    assert "10-30-640x480" in page


def test_a_name_that_the_truth_does_not_have_is_a_problem_since_it_would_be_shown(corpus):
    with pytest.raises(ProblemError, match="vido45"):
        corpus.page(masked=["vido45"])


def test_a_file_without_a_name_is_a_problem_since_everything_would_be_shown(tmp_path):
    (tmp_path / "masked.txt").write_text("# names\n\n")
    with pytest.raises(ProblemError, match="F02"):
        read_masked(tmp_path / "masked.txt")


@given(st.lists(st.sampled_from("abc12-_ "), min_size=1, max_size=6).map("".join), st.text("abc12-_ .'/", max_size=30))
def test_a_masked_name_in_any_text_is_replaced_where_it_stands_alone(name, around):
    masking = masking_of([name], [name, "other"])
    text = masking.text(f"{around} '{name}' {around}")
    assert f"'{name}'" not in text


def test_a_file_of_masked_names_has_one_on_each_line(tmp_path):
    path = tmp_path / "masked.txt"
    path.write_text("# by consent forms of May\nvideo45\n\n 10-30-640x480 \n")
    assert read_masked(path) == ("video45", "10-30-640x480")


def test_a_masked_page_is_well_formed(corpus):
    read(corpus.page(corpus.first, corpus.second, masked=[*UNITS]))
