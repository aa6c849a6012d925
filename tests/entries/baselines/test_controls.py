from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from abawbench import challenges
from abawbench.base.problems import ProblemError
from abawbench.clips.clip import Clip, clip_in_memory
from abawbench.entries.baselines import controls
from abawbench.entries.entry_file import read_settings
from abawbench.entries.model import Card, Entry
from abawbench.entries.outputs import answer
from abawbench.scoring import score
from abawbench.scoring.intervals import Resampling
from abawbench.table import Table

CHALLENGE = challenges.get("abaw4-mtl")
CARD = Card("2026_test_control", "test", (), None, (), (), False, "Apache-2.0", None, ())
VIDEOS, FRAMES = 5, 60


def truth_with(seed: int) -> Table:
    """Labels whose level differs by video; a few rows of each task are not annotated."""
    random = np.random.default_rng(seed)
    rows = VIDEOS * FRAMES
    video = np.repeat(np.arange(VIDEOS, dtype=np.int32), FRAMES)
    va = np.clip(random.normal(size=(VIDEOS, 2))[video] * 0.3 + random.normal(size=(rows, 2)) * 0.2, -1, 1)
    expression = ((video + random.integers(0, 4, rows)) % 8).astype(np.int8)
    units = (random.random((rows, 12)) < random.random((VIDEOS, 12))[video]).astype(np.int8)
    va[::7] = np.nan
    expression[::5] = -1
    units[3::6] = -1
    return Table(
        videos=tuple(f"v{i}" for i in range(VIDEOS)),
        video=video,
        frame=np.tile(np.arange(1, FRAMES + 1, dtype=np.int32), VIDEOS),
        values={"va": va, "expression": expression, "action_units": units},
    )


def clips_for(truth: Table) -> tuple[Clip, ...]:
    return tuple(clip_in_memory(video, np.zeros((FRAMES, 8, 8, 3), np.uint8)) for video in truth.videos)


def metrics_of(entry: Entry, truth: Table) -> dict[str, Any]:
    return dict(score(CHALLENGE, truth, answer(entry, clips_for(truth), CHALLENGE), resampling=Resampling(10)).metrics)


def shares(truth: Table) -> np.ndarray:
    expression = truth.values["expression"]
    return np.bincount(expression[expression >= 0], minlength=8) / (expression >= 0).sum()


def rates(truth: Table) -> np.ndarray:
    units = truth.values["action_units"]
    return units[units[:, 0] >= 0].mean(axis=0)


@pytest.fixture(scope="module")
def truth() -> Table:
    return truth_with(1)


def constant(number: float = 0.0, class_index: int = 0, label: int = 0) -> Entry:
    content = {"number": number, "class_index": class_index, "label": label}
    settings = read_settings(controls.ConstantSettings, content, Path("entry.toml"))
    return controls.constant(CARD, CHALLENGE.tasks, settings)


def prior(truth: Table) -> Entry:
    return controls.prior(CARD, CHALLENGE.tasks, controls.NoSettings()).fit(clips_for(truth), truth)


def mean(truth: Table) -> Entry:
    return controls.mean(CARD, CHALLENGE.tasks, controls.NoSettings()).fit(clips_for(truth), truth)


def shuffled(truth: Table, seed: int = 0) -> Entry:
    settings = controls.ShuffleSettings(seed)
    return controls.shuffled(CARD, CHALLENGE.tasks, settings).fit(clips_for(truth), truth)


def test_one_class_everywhere_has_the_accuracy_of_its_share(truth):
    assert metrics_of(constant(class_index=3), truth)["accuracy_expression"] == pytest.approx(
        shares(truth)[3], abs=1e-12
    )


def test_one_class_everywhere_has_the_f1_of_its_share_and_seven_zeros(truth):
    share = shares(truth)[3]
    expected = 2 * share / (1 + share) / 8
    assert metrics_of(constant(class_index=3), truth)["f1_expression"] == pytest.approx(expected, abs=1e-12)


def test_units_always_on_have_the_f1_of_their_rates(truth):
    expected = np.mean(2 * rates(truth) / (1 + rates(truth)))
    assert metrics_of(constant(label=1), truth)["f1_action_units"] == pytest.approx(expected, abs=1e-12)


def test_units_always_off_score_nothing(truth):
    assert metrics_of(constant(label=0), truth)["f1_action_units"] == 0


def test_a_constant_number_agrees_with_nothing(truth):
    assert metrics_of(constant(number=0.3), truth)["ccc_valence"] == 0


@pytest.mark.parametrize("settings", [{"class_index": 8}, {"class_index": -1}, {"label": 2}])
def test_a_constant_that_no_task_knows_is_a_problem(settings):
    with pytest.raises(ProblemError, match="E02"):
        constant(**settings)


def test_the_prior_gives_the_shares_of_the_training_labels(truth):
    answers = prior(truth).predict(clips_for(truth)[0])
    assert answers["expression"][0] == pytest.approx(shares(truth), abs=1e-12)
    assert answers["action_units"][0] == pytest.approx(rates(truth), abs=1e-12)


def test_the_decided_prior_has_the_accuracy_of_the_most_frequent_class(truth):
    assert metrics_of(prior(truth), truth)["accuracy_expression"] == pytest.approx(shares(truth).max(), abs=1e-12)


def test_the_decided_prior_switches_on_what_is_on_in_half_of_the_rows(truth):
    on = rates(truth) >= 0.5
    expected = np.mean(np.where(on, 2 * rates(truth) / (1 + rates(truth)), 0))
    assert 0 < on.sum() < 12
    assert metrics_of(prior(truth), truth)["f1_action_units"] == pytest.approx(expected, abs=1e-12)


def test_the_mean_is_the_mean_of_the_annotated_rows(truth):
    answers = mean(truth).predict(clips_for(truth)[0])
    assert answers["va"][0] == pytest.approx(np.nanmean(truth.values["va"], axis=0), abs=1e-12)


def test_the_mean_agrees_with_nothing(truth):
    assert metrics_of(mean(truth), truth)["ccc_arousal"] == 0


def test_prior_and_mean_answer_disjoint_tasks_that_make_a_whole(truth):
    answered = [task.name for entry in (prior(truth), mean(truth)) for task in entry.card.tasks]
    assert sorted(answered) == sorted(task.name for task in CHALLENGE.tasks)


def test_the_shuffle_keeps_each_videos_values(truth):
    entry = shuffled(truth)
    for place, clip in enumerate(clips_for(truth)):
        expected = truth.values["va"][truth.video == place]
        known = ~np.isnan(expected[:, 0])
        assert np.array_equal(np.sort(entry.predict(clip)["va"][known], axis=0), np.sort(expected[known], axis=0))


def test_the_shuffle_moves_values(truth):
    dealt = shuffled(truth).predict(clips_for(truth)[0])["va"]
    known = ~np.isnan(truth.values["va"][:FRAMES, 0])
    assert not np.array_equal(dealt[known], truth.values["va"][:FRAMES][known])


def test_seeds_deal_differently(truth):
    clip = clips_for(truth)[0]
    assert not np.array_equal(shuffled(truth, 0).predict(clip)["va"], shuffled(truth, 1).predict(clip)["va"])


def test_the_mean_agreement_of_shuffles_is_the_share_of_variance_between_videos(truth):
    valence, video = truth.values["va"][:, 0], truth.video
    known = ~np.isnan(valence)
    valence, video = valence[known], video[known]
    levels = np.array([valence[video == i].mean() for i in range(VIDEOS)])[video]
    expected = levels.var() / valence.var()
    drawn = [metrics_of(shuffled(truth, seed), truth)["ccc_valence"] for seed in range(60)]
    assert np.mean(drawn) == pytest.approx(expected, abs=4 * np.std(drawn) / np.sqrt(60))


def test_the_mean_accuracy_of_shuffles_is_the_chance_of_meeting_the_same_class_in_the_video(truth):
    expression = truth.values["expression"]
    counts = np.array(
        [np.bincount(expression[(truth.video == i) & (expression >= 0)], minlength=8) for i in range(VIDEOS)]
    )
    expected = (counts**2 / counts.sum(axis=1, keepdims=True)).sum() / counts.sum()
    drawn = [metrics_of(shuffled(truth, seed), truth)["accuracy_expression"] for seed in range(60)]
    assert np.mean(drawn) == pytest.approx(expected, abs=4 * np.std(drawn) / np.sqrt(60))


def test_a_video_is_dealt_alike_whatever_stands_beside_it(truth):
    alone = truth.take(np.flatnonzero(truth.video == 2))
    clip = clips_for(truth)[2]
    assert np.array_equal(shuffled(alone).predict(clip)["va"], shuffled(truth).predict(clip)["va"])


def test_a_repeated_row_gets_the_same_value_twice(truth):
    repeated = truth.take(np.sort(np.concatenate([np.arange(len(truth)), np.arange(0, len(truth), 9)])))
    clip = clips_for(truth)[0]
    assert np.array_equal(shuffled(repeated).predict(clip)["va"], shuffled(truth).predict(clip)["va"])


def test_a_video_without_labels_gets_finite_answers(truth):
    stranger = clip_in_memory("elsewhere", np.zeros((4, 8, 8, 3), np.uint8))
    assert all(np.isfinite(values).all() for values in shuffled(truth).predict(stranger).values())


@pytest.mark.parametrize("make", [prior, mean, shuffled])
def test_a_truth_without_any_label_is_a_problem(truth, make):
    bare = replace(
        truth,
        values={
            "va": np.full((len(truth), 2), np.nan),
            "expression": np.full(len(truth), -1, np.int8),
            "action_units": np.full((len(truth), 12), -1, np.int8),
        },
    )
    with pytest.raises(ProblemError, match="E07"):
        make(bare)


def test_an_unanswered_task_becomes_its_constant(truth):
    table = answer(prior(truth), clips_for(truth), CHALLENGE)
    assert not table.values["va"].any()


def test_frames_without_a_crop_get_no_row(truth):
    valid = np.arange(FRAMES) % 3 > 0
    clip = clip_in_memory("v0", np.zeros((FRAMES, 8, 8, 3), np.uint8), valid=valid)
    assert answer(constant(), (clip,), CHALLENGE).frame.tolist() == [n + 1 for n in range(FRAMES) if n % 3]
