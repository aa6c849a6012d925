"""Who is in which split, how long videos are, what a seed decides; and the split in memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.synthetic import simulate_predictions, simulate_split
from abawbench.synthetic.corpus import PROPORTIONS, make_footage, plan_units
from abawbench.synthetic.settings import SPLITS, CorpusSettings, check_settings
from abawbench.table import video_of


@given(st.integers(3, 60), st.integers(0, 1000))
def test_nobody_and_no_video_is_in_two_splits_and_no_split_is_empty(videos, seed):
    units = plan_units(CorpusSettings(videos, 100, seed))
    by_split = {split: [unit for unit in units if unit.split == split] for split in SPLITS}
    assert all(by_split.values())
    assert sum(map(len, by_split.values())) == len(units)
    for what in ("person", "video", "name"):
        groups = [{getattr(unit, what) for unit in part} for part in by_split.values()]
        assert sum(map(len, groups)) == len(set.union(*groups)), what
    assert len({unit.video for unit in units}) == videos
    assert all(video_of(unit.name) == unit.video for unit in units)
    assert all(70 <= unit.frames <= 130 for unit in units)


def test_splits_have_the_official_proportions():
    units = plan_units(CorpusSettings(600, 50, 1))
    for split in SPLITS:
        share = sum(unit.split == split for unit in units) / len(units)
        assert share == pytest.approx(PROPORTIONS[split] / sum(PROPORTIONS.values()), abs=0.01)


def test_some_people_have_two_videos():
    units = plan_units(CorpusSettings(100, 50, 1))
    assert len(units) - len({unit.person for unit in units}) == np.ceil(100 * 10 / 594)


def test_names_stand_in_the_order_of_their_numbers():
    units = plan_units(CorpusSettings(30, 50, 1))
    numbers = [int(unit.name.split("-")[0]) for unit in units]
    assert numbers == sorted(numbers)


def test_equal_settings_give_equal_footage_and_another_seed_another():
    one, same, other = (make_footage(CorpusSettings(6, 60, seed, pictures=False)) for seed in (3, 3, 4))
    assert one.units == same.units
    for field in ("action_units", "affect", "episode", "has_crop", "surplus"):
        assert np.array_equal(getattr(one, field), getattr(same, field))
    assert all(np.array_equal(one.listed[split], same.listed[split]) for split in SPLITS)
    assert not np.array_equal(one.action_units[:100], other.action_units[:100])


def test_a_step_lists_every_so_many_frames_from_the_first():
    footage = make_footage(CorpusSettings(6, 60, 3, step=7, pictures=False))
    table = footage.table(footage.listed["train"])
    assert (table.frame % 7 == 1).all()
    assert len(np.unique(table.video)) == len(table.videos) == len(footage.of_split("train"))


def test_frames_between_two_steps_have_neither_labels_nor_crops():
    settings = CorpusSettings(6, 60, 3, step=7, pictures=False)
    footage, every = make_footage(settings), make_footage(replace(settings, step=1))
    between = (np.concatenate([np.arange(unit.frames) for unit in footage.units]) % 7) > 0
    assert not footage.has_crop[between].any()
    assert np.array_equal(footage.has_crop[~between], every.has_crop[~between])
    for mask in footage.annotated.values():
        assert not mask[between].any()
        assert mask[~between].any()
    assert np.array_equal(footage.action_units, every.action_units)
    assert np.array_equal(footage.labels.affect, every.labels.affect)


def test_what_neutral_faces_show_is_no_part_of_labels_and_truth():
    settings = CorpusSettings(6, 60, 3, pictures=False)
    one, other = make_footage(settings), make_footage(replace(settings, resting=0.05))
    for field in ("action_units", "affect", "episode"):
        assert np.array_equal(getattr(one, field), getattr(other, field))
    for field in ("affect", "expression", "action_units"):
        assert np.array_equal(getattr(one.labels, field), getattr(other.labels, field))


def test_a_table_without_gaps_has_every_label():
    footage = make_footage(CorpusSettings(12, 60, 3, pictures=False))
    rows = footage.listed["train"]
    full, gaps = footage.table(rows, gaps=False), footage.table(rows)
    assert not np.isnan(full.numbers("va")).any()
    assert full.classes("expression").min() >= 0
    kept = gaps.classes("expression") >= 0
    assert not kept.all()
    assert np.array_equal(full.classes("expression")[kept], gaps.classes("expression")[kept])


def test_settings_that_make_no_corpus_are_named_all_at_once():
    with pytest.raises(ProblemError) as caught:
        check_settings(CorpusSettings(2, 4, 0, ("laag",), films=3))
    assert {problem.rule for problem in caught.value.problems} == {"D52"}
    assert len(caught.value.problems) == 4
    dials = CorpusSettings(9, 20, 0, (), resting=-1, labelled={"vaa": 3, "va": 0}, overlap=1.5, flipped=float("nan"))
    with pytest.raises(ProblemError) as caught:
        check_settings(dials)
    assert len(caught.value.problems) == 5
    with pytest.raises(ProblemError, match="labels alone"):
        check_settings(CorpusSettings(4, 20, 0, pictures=False, films=1))


def test_the_split_in_memory_has_gaps_repeats_and_its_whole_truth():
    corpus = simulate_split(40, 60, seed=2)
    truth, known = corpus.truth, corpus.known
    assert np.array_equal(truth.frame, known.frame)
    assert np.isnan(truth.numbers("va")).any(axis=1).mean() == pytest.approx(1 / 6, abs=0.02)
    assert (truth.classes("expression") < 0).mean() == pytest.approx(2 / 5, abs=0.02)
    assert (truth.classes("action_units") < 0).all(axis=1).mean() == pytest.approx(1 / 5, abs=0.02)
    repeated = (np.diff(known.frame) == 0) & (np.diff(known.video) == 0)
    assert repeated.mean() == pytest.approx(1 / 101, rel=0.1)
    assert not np.isnan(known.numbers("va")).any()
    for task in ("expression", "action_units"):
        kept = truth.classes(task) >= 0
        assert np.array_equal(truth.classes(task)[kept], known.classes(task)[kept])


def test_an_imaginary_model_of_full_skill_knows_everything_and_one_of_none_only_how_often():
    known = simulate_split(10, 60, seed=2).known
    perfect, blind = simulate_predictions(known, 1, 0), simulate_predictions(known, 0, 0)
    assert np.array_equal(perfect.classes("expression"), known.classes("expression"))
    assert np.bincount(blind.classes("expression"), minlength=8).tolist() == (
        np.bincount(known.classes("expression"), minlength=8).tolist()
    )
    assert len(simulate_predictions(known, 1, 0, gaps=0.2)) < len(known)
