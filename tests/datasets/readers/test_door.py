from __future__ import annotations

import importlib
import os

import pytest

from abawbench.base.problems import ProblemError
from abawbench.datasets.manifests import get_manifest
from abawbench.datasets.manifests.model import READERS
from abawbench.datasets.readers import label_set_of, read_with_problems
from tests.datasets.readers.conftest import read_labels


@pytest.mark.parametrize("name", sorted(READERS))
def test_every_reader_is_a_documented_function(name):
    module, function = READERS[name].split(":")
    assert getattr(importlib.import_module(module), function).__doc__


@pytest.mark.parametrize("which", [None, "hands"])
def test_of_several_label_sets_one_must_be_named(tmp_path, which):
    labels, (problem,) = read_with_problems(get_manifest("crema-d"), tmp_path, which)
    assert labels is None
    assert problem.rule == "D15"
    assert problem.expected == "one of face, voice, both, intended"


def test_the_only_label_set_needs_no_name_but_bears_none_other():
    manifest = get_manifest("disfa")
    assert label_set_of(manifest, None) is label_set_of(manifest, "action_units")
    with pytest.raises(ProblemError, match="D15"):
        label_set_of(manifest, "expression")


def test_a_manifest_without_labels_says_so(tmp_path):
    manifest = get_manifest("disfa").model_copy(update={"labels": ()})
    with pytest.raises(ProblemError, match="D15"):
        read_labels(manifest, tmp_path)


def test_a_root_that_is_not_there_is_one_problem(tmp_path):
    labels, (problem,) = read_with_problems(get_manifest("disfa"), tmp_path / "nowhere")
    assert labels is None
    assert (problem.rule, problem.file) == ("F01", str(tmp_path / "nowhere"))


def test_an_unknown_reader_is_a_problem_of_the_manifest(tmp_path):
    manifest = get_manifest("disfa")
    wrong = manifest.labels[0].model_copy(update={"reader": "crystal-ball"})
    with pytest.raises(ProblemError, match="crystal-ball"):
        read_labels(manifest.model_copy(update={"labels": (wrong,)}), tmp_path)


def test_a_misspelt_reader_is_told_the_name_that_is_like_it(tmp_path):
    manifest = get_manifest("disfa")
    wrong = manifest.labels[0].model_copy(update={"reader": "action-unit-flies"})
    _, (problem,) = read_with_problems(manifest.model_copy(update={"labels": (wrong,)}), tmp_path)
    assert (problem.rule, problem.expected) == ("D01", "'action-unit-files' or 'action-unit-tables' or 'emotion-files'")


def test_an_empty_folder_says_where_labels_were_looked_for(tmp_path):
    labels, (problem,) = read_with_problems(get_manifest("disfa"), tmp_path)
    assert labels is None
    assert "ActionUnit_Labels/SN*/SN*_au*.txt" in problem.expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_is_one_problem(tmp_path):
    for subject in ("P001", "P002"):
        folder = tmp_path / f"OriginalImg/VL/Strong/{subject}/Anger"
        folder.mkdir(parents=True)
        (folder / "000.jpeg").touch()
    folder.chmod(0)
    try:
        labels, problems = read_with_problems(get_manifest("oulu-casia"), tmp_path, "expression")
    finally:
        folder.chmod(0o700)
    assert labels is not None
    assert len(labels.table) == 1
    assert [(problem.rule, problem.file) for problem in problems] == [("F01", str(folder))]


def test_a_fault_of_the_file_system_in_a_reader_is_a_problem(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error", str(tmp_path))

    monkeypatch.setattr("abawbench.datasets.readers.action_units.read_action_unit_files", refuse)
    labels, problems = read_with_problems(get_manifest("disfa"), tmp_path)
    assert labels is None
    assert [(problem.rule, problem.found) for problem in problems] == [("F01", "Input/output error")]


def test_read_labels_raises_every_problem_at_once(tmp_path):
    folder = tmp_path / "Emotion/S005/001"
    folder.mkdir(parents=True)
    (folder / "S005_001_00000011_emotion.txt").write_text("3")
    (folder / "S005_001_00000012_emotion.txt").write_text("3")
    (folder / "S005_002_00000012_emotion.txt").write_text("x")
    with pytest.raises(ProblemError) as raised:
        read_labels(get_manifest("ck-plus"), tmp_path, "expression")
    assert {problem.rule for problem in raised.value.problems} == {"D12", "V01"}
    labels, problems = read_with_problems(get_manifest("ck-plus"), tmp_path, "expression")
    assert labels is not None
    assert len(labels.table) == 3
    assert problems == raised.value.problems
