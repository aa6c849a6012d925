"""Moments at every shift in time: the same as shifting and adding up one by one."""

from __future__ import annotations

import numpy as np

from abawbench.challenges import get
from abawbench.scoring import pair
from abawbench.table import Table
from abawbench.tuning.gains.lags import lagged_moments, lags

VA = get("abaw6-va")
(TASK,) = VA.tasks


def series(lengths, seed, *, frames=None):
    generator = np.random.default_rng(seed)
    video = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    frame = np.concatenate([np.arange(1, length + 1) for length in lengths]) if frames is None else frames
    values = generator.uniform(-1, 1, (len(video), 2))
    return Table(tuple(f"v{place}" for place in range(len(lengths))), video, frame.astype(np.int32), {"va": values})


def by_hand(paired, pilots, offered):
    """Each frame of the truth with the last prediction up to the shifted frame, else the first one."""
    truth, y = paired.truth, paired.prediction.numbers("va")
    result = np.zeros((len(truth.videos), len(offered), 2, 6))
    for row in np.flatnonzero(paired.valid["va"]):
        unit = truth.video[row]
        known = np.flatnonzero((truth.video == unit) & ~paired.unpredicted["va"])
        known = known[np.argsort(truth.frame[known], kind="stable")]
        for place, lag in enumerate(offered):
            before = known[truth.frame[known] <= truth.frame[row] + lag]
            other = before[-1] if len(before) else known[0]
            for column in range(2):
                a = truth.numbers("va")[row, column] - pilots[column, 0]
                b = y[other, column] - pilots[column, 1]
                result[unit, place, column] += [1, a, b, a * a, b * b, a * b]
    return result


def test_moments_of_every_lag_equal_shifting_by_hand():
    truth = series((40, 7, 1200, 3), 0)
    truth.values["va"][5:9] = np.nan
    truth.values["va"][45] = np.nan
    prediction = series((40, 7, 1200, 3), 1)
    paired = pair(VA, truth, prediction.take(np.delete(np.arange(1250), [6, 45])))
    pilots = np.array([[0.1, 0.2], [-0.1, 0.3]])
    offered = np.array([-9, -6, -3, 0, 3, 6, 9], np.int32)
    found = lagged_moments(paired, TASK, pilots, offered)
    np.testing.assert_allclose(found, by_hand(paired, pilots, offered), atol=1e-9)


def test_rows_apart_and_repeated_rows_are_shifted_in_frames():
    frames = np.array([1, 7, 7, 13, 30, 31, 1, 7, 100])
    truth, prediction = series((6, 3), 2, frames=frames), series((6, 3), 3, frames=frames)
    paired = pair(VA, truth, prediction)
    offered = lags(truth)
    assert set(np.diff(offered)) == {6}
    assert offered[len(offered) // 2] == 0
    found = lagged_moments(paired, TASK, np.zeros((2, 2)), offered)
    np.testing.assert_allclose(found, by_hand(paired, np.zeros((2, 2)), offered), atol=1e-9)


def test_the_shift_of_nothing_gives_the_moments_of_the_score():
    from abawbench.scoring.statistics import collect

    truth = series((300, 50), 4)
    paired = pair(VA, truth, series((300, 50), 5))
    statistics = collect(VA, paired.truth, paired.prediction, valid=paired.valid)
    found = lagged_moments(paired, TASK, statistics.pilots["va"], np.array([-1, 0, 1], np.int32))
    np.testing.assert_allclose(found[:, 1], statistics.tasks["va"], atol=1e-9)
