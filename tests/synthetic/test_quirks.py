"""Each quirk: absent when it is off, and near its published number when it is on."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.labels import ACTION_UNITS_12, ACTION_UNITS_17
from abawbench.synthetic.affect import PUBLISHED_SHARES, episode_shares, make_course, make_temperament
from abawbench.synthetic.corpus import make_footage
from abawbench.synthetic.noise import stream
from abawbench.synthetic.quirks import AFFECT_NOISE, LAG, QUIRKS, REPEATS, annotate, repeat_rows, units_without_task
from abawbench.synthetic.settings import SPLITS, CorpusSettings

TWELVE = [ACTION_UNITS_17.index(unit) for unit in ACTION_UNITS_12]


@pytest.fixture(scope="module")
def large():
    return make_footage(CorpusSettings(400, 300, 7, pictures=False))


@pytest.fixture(scope="module")
def plain():
    return make_footage(CorpusSettings(60, 120, 7, tuple(QUIRKS), pictures=False))


def share(footage, split, task):
    return footage.annotated[task][footage.listed[split]].mean()


def test_repeated_rows(large, plain):
    for split in SPLITS:
        rows = large.listed[split]
        repeated = (np.diff(rows) == 0).sum()
        assert repeated / len(rows) == pytest.approx(float(REPEATS[split]), rel=0.05)
        assert repeated == len(rows) - len(np.unique(rows))
        assert len(np.unique(plain.listed[split])) == len(plain.listed[split])


def test_missing_crops_come_in_stretches(large, plain):
    missing = ~large.has_crop
    assert missing.mean() == pytest.approx(26_387 / 1_680_144, rel=0.05)
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], missing, [0]]))))[::2]
    assert np.median(runs) >= 10
    assert large.has_crop[large.starts[:-1]].all()
    assert plain.has_crop.all()


def test_training_rows_lack_tasks_as_often_as_published(large):
    assert share(large, "train", "va") == pytest.approx(103_917 / 142_382, abs=0.02)
    assert share(large, "train", "action_units") == pytest.approx(103_316 / 142_382, abs=0.02)
    assert share(large, "train", "expression") == pytest.approx(90_645 / 142_382, abs=0.02)


def test_validation_and_test_rows_lack_expressions_alone(large):
    for split in ("validation", "test"):
        assert share(large, split, "va") == share(large, split, "action_units") == 1
        assert share(large, split, "expression") == pytest.approx(15_440 / 26_876, abs=0.01)


def test_a_few_training_rows_have_no_label_at_all(large):
    rows = np.unique(large.listed["train"])
    bare = ~np.any([mask[rows] for mask in large.annotated.values()], axis=0)
    assert bare.sum() == np.ceil(len(rows) * 49 / 142_382)


def test_label_sets_are_of_whole_videos_and_differ_between_tasks(large):
    sets = {task: frozenset(np.flatnonzero(~mask).tolist()) for task, mask in large.lacking.items()}
    assert len(set(sets.values())) == 3
    for mask in large.lacking.values():
        assert mask.any()
        assert all(large.units[place].split == "train" for place in np.flatnonzero(mask))
    assert not np.all(list(large.lacking.values()), axis=0).any()


def test_without_both_every_row_has_every_label(plain):
    assert all(mask.all() for mask in plain.annotated.values())
    assert not any(mask.any() for mask in plain.lacking.values())


def test_partial_labels_alone_and_label_sets_alone():
    others = tuple(name for name in QUIRKS if name not in {"partial-labels", "label-sets"})
    partial = make_footage(CorpusSettings(60, 120, 7, (*others, "label-sets"), pictures=False))
    assert not any(mask.any() for mask in partial.lacking.values())
    assert share(partial, "train", "expression") == pytest.approx(90_645 / 142_382, abs=0.02)
    sets = make_footage(CorpusSettings(60, 120, 7, (*others, "partial-labels"), pictures=False))
    for task, mask in sets.annotated.items():
        assert np.array_equal(~mask, np.repeat(sets.lacking[task], np.diff(sets.starts)))


def test_videos_of_two_people(large, plain):
    left = [unit for unit in large.units if unit.name.endswith("_left")]
    right = [unit for unit in large.units if unit.name.endswith("_right")]
    assert [unit.video for unit in left] == [unit.video for unit in right]
    assert len(left) == np.ceil(400 * 16 / 594)
    for one, two in zip(left, right, strict=True):
        assert one.person != two.person
        assert (one.split, one.frames) == (two.split, two.frames)
    assert all(unit.name == unit.video for unit in plain.units)


def test_one_line_too_many(large, plain):
    assert large.surplus.mean() == pytest.approx(106 / 561, abs=0.01)
    assert not plain.surplus.any()


def test_classes_are_imbalanced_as_published_or_equal(large):
    shares = np.bincount(large.expression, minlength=8) / len(large.expression)
    assert shares == pytest.approx(PUBLISHED_SHARES, abs=0.03)
    even = make_footage(CorpusSettings(400, 300, 7, ("imbalance",), pictures=False))
    shares = np.bincount(even.expression, minlength=8) / len(even.expression)
    assert shares == pytest.approx(np.full(8, 1 / 8), abs=0.03)


def test_without_noise_and_lag_the_labels_are_the_truth(plain):
    assert np.abs(plain.labels.affect - plain.affect).max() <= 0.0005 + 1e-12
    assert np.array_equal(plain.labels.expression, plain.expression)
    assert np.array_equal(plain.labels.action_units, plain.action_units[:, TWELVE] >= 0.25)


def annotated(quirks, seed=0, frames=4000):
    course = make_course(make_temperament(stream(seed, 1)), frames, stream(seed, 2), episode_shares())
    return course, annotate(course, stream(seed, 3), quirks)


@pytest.mark.parametrize("seed", range(5))
def test_the_lag_is_found_again_by_correlation(seed):
    course, labels = annotated({"lag"}, seed)
    fits = [
        np.corrcoef(course.affect[: 4000 - late, 0], labels.affect[late:, 0])[0, 1] if late else 0
        for late in range(LAG[1] + 10)
    ]
    assert LAG[0] <= int(np.argmax(fits)) <= LAG[1]
    assert max(fits) > 0.97
    assert np.array_equal(labels.expression, course.expression)


def test_label_noise_has_its_size_and_leaves_values_in_range():
    parts = [annotated({"label-noise"}, seed) for seed in range(8)]
    error = np.concatenate([labels.affect - course.affect for course, labels in parts])
    assert error.std() == pytest.approx(AFFECT_NOISE, rel=0.1)
    assert all(np.abs(labels.affect).max() <= 1 for _, labels in parts)
    wrong = np.mean([np.mean(labels.expression != course.expression) for course, labels in parts])
    assert 0.04 < wrong < 0.10
    flipped = np.mean([np.mean(labels.action_units != (c.action_units[:, TWELVE] >= 0.25)) for c, labels in parts])
    assert flipped == pytest.approx(0.015, abs=0.004)


def test_one_quirk_off_leaves_what_happens_as_it_is(large):
    other = make_footage(CorpusSettings(400, 300, 7, ("lag", "repeats", "missing-crops"), pictures=False))
    assert np.array_equal(other.action_units, large.action_units)
    assert np.array_equal(other.labels.expression, large.labels.expression)
    assert not np.array_equal(other.labels.affect, large.labels.affect)


def test_repeats_stand_behind_their_first_and_are_counted_among_all():
    rows = repeat_rows(np.arange(1000), REPEATS["train"], np.random.default_rng(0))
    assert len(rows) == 1007
    assert np.array_equal(np.unique(rows), np.arange(1000))
    assert (np.diff(rows) >= 0).all()


def test_units_lack_a_task_by_their_place_on_the_line():
    lacking = units_without_task(np.array([10, 30, 20, 40]), (0.0, 0.3), np.array([3, 0, 1, 2]))
    assert lacking.tolist() == [False, False, False, True]
    assert units_without_task(np.array([10, 30]), (0.5, 1.0), np.array([0, 1])).tolist() == [False, True]


def test_every_quirk_says_what_it_imitates_and_where_the_number_is_from():
    for quirk in QUIRKS.values():
        assert any(letter.isdigit() for letter in quirk.what)
        assert "/" in quirk.source or quirk.source.startswith("assumed")
