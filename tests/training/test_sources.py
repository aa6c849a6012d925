from __future__ import annotations

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import Categorical, MultiLabel, get
from abawbench.clips.features import write_features
from abawbench.table import Table, join_tables, video_of
from abawbench.training.sources import Source, arrange_labels, open_data, read_labels
from tests.training.runs import TRAIN, VALIDATION, some_features, write_labels

MTL = get("abaw4-mtl")


def a_table(videos=("v",), frames=(1, 2), classes=(0, 7)) -> Table:
    rows = len(frames)
    units = np.tile(np.arange(12) % 2, (rows, 1)).astype(np.int8)
    units[0, 3] = -1
    return Table(
        tuple(videos),
        np.zeros(rows, np.int32),
        np.array(frames, np.int32),
        {
            "va": np.array([[0.5, np.nan]] * rows),
            "expression": np.array(classes, np.int8),
            "action_units": units,
        },
    )


def test_labels_meet_the_names_of_the_entry():
    tasks = (
        Categorical("expression", ("Happiness", "Neutral"), None),
        MultiLabel("action_units", ("AU12", "AU9", "AU6", "AU1"), None),
        MultiLabel("attributes", ("Smiling",), None),
    )
    table = arrange_labels(a_table(classes=(0, 4)), MTL, tasks)
    assert table.values["expression"].tolist() == [1, 0]
    # AU1 AU2 AU4 AU6 AU7 AU10 AU12 ... are 0 1 0 1 0 1 0 ..., and AU6 of the first row is not annotated
    assert table.values["action_units"].tolist() == [[0, -1, -1, 0], [0, -1, 1, 0]]
    assert set(table.values) == {"expression", "action_units"}


def test_a_class_that_the_entry_does_not_know_is_not_annotated():
    task = Categorical("expression", ("Neutral", "Anger"), None)
    assert arrange_labels(a_table(classes=(-1, 7)), MTL, (task,)).values["expression"].tolist() == [-1, -1]


def test_rows_of_several_tables_keep_their_units():
    first, second = a_table(("v",), (1, 2)), a_table(("w",), (5, 6))
    whole = join_tables([first, second, a_table(("v",), (9, 10))])
    named = [(whole.videos[video], frame) for video, frame in zip(whole.video, whole.frame.tolist(), strict=True)]
    assert named == [("v", 1), ("v", 2), ("w", 5), ("w", 6), ("v", 9), ("v", 10)]
    assert len(whole.values["va"]) == 6


def test_folds_hold_out_every_unit_once_and_people_together(tmp_path):
    write_labels(tmp_path)
    subjects = {"a": "x", "b": "x", "c": "y", "d": "z", "e": "z", "f": "w"}
    held: list[str] = []
    for fold in (1, 2, 3):
        labels = read_labels(Source((tmp_path,), fold=(fold, 3), subjects=subjects), MTL)
        train, validation = labels.train, labels.validation
        assert validation is not None
        assert not set(train.videos) & set(validation.videos)
        assert {subjects[video_of(unit)] for unit in train.videos}.isdisjoint(
            subjects[video_of(unit)] for unit in validation.videos
        )
        assert len(train) + len(validation) == sum((*TRAIN.values(), *VALIDATION.values()))
        held += validation.videos
    assert sorted(held) == sorted(subjects)


def test_files_may_be_named_one_by_one(tmp_path):
    write_labels(tmp_path)
    train, validation = tmp_path / "training_set_annotations.txt", tmp_path / "validation_set_annotations.txt"
    labels = read_labels(Source((tmp_path / "none",), train=validation, validation=train), MTL)
    assert labels.validation is not None
    assert (labels.train.videos, labels.validation.videos) == (tuple(VALIDATION), tuple(TRAIN))


def test_a_fold_that_is_not_there_is_told(tmp_path):
    write_labels(tmp_path)
    with pytest.raises(ProblemError, match="fold 4 of 3"):
        read_labels(Source((tmp_path,), fold=(4, 3)), MTL)


def test_features_stand_side_by_side_where_their_frames_are_the_same(tmp_path):
    first, second = some_features(tmp_path / "one", 2), some_features(tmp_path / "two", 3, seed=9)
    apart = [{clip.video: clip for clip in open_data([folder]).clips} for folder in (first, second)]
    for clip in open_data([first, second]).clips:
        parts = [clips[clip.video].vectors() for clips in apart]
        assert clip.width == 5
        np.testing.assert_array_equal(clip.vectors(), np.concatenate(parts, axis=1))
    write_features(second / "a.safetensors", np.arange(1, 5), np.zeros((4, 3)))
    with pytest.raises(ProblemError, match="not the same ones"):
        open_data([first, second])
