from __future__ import annotations

from pathlib import Path

import pytest

from abawbench.entries import load_entry
from abawbench.entries.loading import KINDS, folders
from abawbench.entries.model import Entry, Trainable
from abawbench.errors import ProblemError

SUBMISSIONS = Path(__file__).parents[2] / "submissions"
GOOD = """\
name = "2026_test_hog"
title = "a test"
kind = "hog"
vocabulary = "abaw4-mtl"
trained_on = []
sees_truth = false
licence = "Apache-2.0"
"""


def entry_file(root: Path, text: str) -> Path:
    folder = root / "2026_test_hog"
    folder.mkdir()
    (folder / "entry.toml").write_text(text)
    return folder


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(ProblemError) as caught:
        load_entry(folder.name, root=folder.parent)
    return [f"{problem.rule} {problem.found} | {problem.fix}" for problem in caught.value.problems]


def test_an_entry_is_found_by_the_name_of_its_folder():
    entry = load_entry("2026_abawbench_constant", root=SUBMISSIONS)
    assert isinstance(entry, Entry)
    assert entry.card.name == "2026_abawbench_constant"


def test_an_entry_is_found_by_the_path_of_its_folder(tmp_path):
    assert load_entry(entry_file(tmp_path, GOOD), root=SUBMISSIONS).card.title == "a test"


def test_what_must_be_fitted_is_trainable_and_cannot_predict_yet():
    entry = load_entry("2026_abawbench_hog", root=SUBMISSIONS)
    assert isinstance(entry, Trainable)
    assert not isinstance(entry, Entry)


def test_every_kind_has_a_committed_folder():
    assert {f'kind = "{kind}"' for kind in KINDS} <= {
        line for folder in folders(SUBMISSIONS) for line in (folder / "entry.toml").read_text().splitlines()
    }


def test_an_unknown_name_suggests_near_ones():
    with pytest.raises(ProblemError, match="did you mean 2026_abawbench_prior") as caught:
        load_entry("2026_abawbench_piror", root=SUBMISSIONS)
    assert caught.value.problems[0].rule == "E01"


def test_an_unknown_name_in_an_empty_folder_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="E01"):
        load_entry("anything", root=tmp_path)


def test_an_unknown_kind_suggests_near_ones(tmp_path):
    folder = entry_file(tmp_path, GOOD.replace('kind = "hog"', 'kind = "hoog"'))
    assert problems_of(folder) == ["E01 kind hoog | did you mean hog?"]


def test_an_unknown_vocabulary_is_a_problem(tmp_path):
    folder = entry_file(tmp_path, GOOD.replace("abaw4-mtl", "abaw4-mlt"))
    assert problems_of(folder)[0].startswith("C01")


def test_all_missing_fields_are_named_at_once(tmp_path):
    folder = entry_file(tmp_path, GOOD.replace('title = "a test"\n', "").replace('licence = "Apache-2.0"\n', ""))
    assert problems_of(folder) == [
        "E02 no field title | add title = ...",
        "E02 no field licence | add licence = ...",
    ]


def test_a_misspelt_field_suggests_the_right_one(tmp_path):
    folder = entry_file(tmp_path, GOOD + 'papper = "none"\n')
    assert problems_of(folder) == ["E02 field papper | did you mean paper?"]


def test_a_misspelt_setting_suggests_the_right_one(tmp_path):
    folder = entry_file(tmp_path, GOOD + "[settings]\ncel = 8\n")
    assert problems_of(folder) == ["E02 field settings.cel | did you mean cell?"]


@pytest.mark.parametrize("setting", ['cell = "eight"', "cell = 1", "inverse_penalty = -1.0", "ridge_penalty = nan"])
def test_a_setting_of_another_type_or_out_of_range_is_a_problem(tmp_path, setting):
    folder = entry_file(tmp_path, f"{GOOD}[settings]\n{setting}\n")
    assert [problem[:3] for problem in problems_of(folder)] == ["E02"]


def test_a_name_that_is_not_the_folders_is_a_problem(tmp_path):
    folder = entry_file(tmp_path, GOOD.replace("2026_test_hog", "2026_other_hog"))
    assert "rename the folder" in problems_of(folder)[0]


@pytest.mark.parametrize("text", ["name = ", "\x00", 'name = "a"\nname = "b"'])
def test_what_is_no_toml_is_a_problem(tmp_path, text):
    assert [problem[:3] for problem in problems_of(entry_file(tmp_path, text))] == ["E02"]


def test_bytes_that_are_no_text_are_a_problem(tmp_path):
    folder = entry_file(tmp_path, "")
    (folder / "entry.toml").write_bytes(b"name = \xff\xfe")
    assert problems_of(folder)[0].startswith("E02")
