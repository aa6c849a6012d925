"""Smooth random series, moving means and random stretches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.synthetic.noise import moving_mean, smooth_noise, smooth_step, stream, stretches


@given(st.integers(0, 1000), st.integers(1, 400), st.integers(1, 40))
def test_smooth_noise_has_the_length_asked_for(seed, frames, knot):
    assert smooth_noise(stream(seed), frames, 3, knot).shape == (frames, 3)


def test_smooth_noise_has_mean_0_and_variance_1_at_every_phase():
    series = np.stack([smooth_noise(stream(seed), 100, 8, 10) for seed in range(600)])
    assert np.abs(series.mean(axis=(0, 2))).max() < 0.06
    assert series.var(axis=(0, 2)) == pytest.approx(np.ones(100), abs=0.1)
    assert np.abs(np.diff(series, axis=1)).max() < 1.5


def test_moving_mean_is_the_mean_about_each_frame():
    series = np.array([1.0, 2, 3, 4, 50])
    assert moving_mean(series, 3) == pytest.approx([1.5, 2, 3, 19, 27])
    assert moving_mean(series, 1) == pytest.approx(series)


def test_smooth_step_is_level_at_both_ends():
    assert smooth_step(np.array([0.0, 0.5, 1.0])).tolist() == [0, 0.5, 1]
    assert smooth_step(np.array([1e-4]))[0] < 1e-7


@given(st.integers(0, 1000), st.integers(1, 3000), st.floats(0.01, 0.99))
def test_stretches_cover_their_share(seed, rows, share):
    mask = stretches(stream(seed), rows, share, 20)
    assert mask.shape == (rows,)
    assert abs(mask.sum() - share * rows) <= 40
