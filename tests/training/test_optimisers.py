from __future__ import annotations

import math

import pytest

from abawbench.training.optimisers import schedule_factor
from abawbench.training.settings import ScheduleSettings


def by_epoch(settings: ScheduleSettings, epochs: int) -> list[float]:
    return [schedule_factor(settings, epochs, epoch, 1.0) for epoch in range(epochs)]


def test_the_published_multi_task_schedule_begins_with_an_epoch_that_learns_nothing():
    rates = by_epoch(ScheduleSettings("linear", warmup_epochs=10, mode="compat"), 50)
    assert rates[0] == 0
    assert rates[:10] == pytest.approx([epoch / 10 for epoch in range(10)])
    assert rates[10:] == pytest.approx([(50 - epoch) / 40 for epoch in range(10, 50)])


def test_the_mended_one_begins_with_a_tenth():
    rates = by_epoch(ScheduleSettings("linear", warmup_epochs=10), 50)
    assert rates[:10] == pytest.approx([(epoch + 1) / 10 for epoch in range(10)])
    assert rates[10:] == pytest.approx([(50 - epoch) / 40 for epoch in range(10, 50)])


def test_constant_and_decaying_epochs_are_those_of_the_release():
    niter, niter_decay = 20, 30
    rates = by_epoch(ScheduleSettings("linear", decay_epochs=niter_decay), niter + niter_decay)
    expected = [1 - max(0, epoch + 1 - niter) / (niter_decay + 1) for epoch in range(50)]
    assert rates == pytest.approx(expected)
    assert rates[19] == 1
    assert rates[49] == pytest.approx(1 / 31)


def test_a_cosine_rises_during_the_warm_up_and_ends_at_its_last_share():
    settings = ScheduleSettings("cosine", warmup_epochs=1.0, final=0.1)
    assert schedule_factor(settings, 5, 0, 0.25) == 0.25
    assert schedule_factor(settings, 5, 0, 1.0) == 1
    assert schedule_factor(settings, 5, 2, 1.0) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 2)) / 2)
    assert schedule_factor(settings, 5, 4, 1.0) == pytest.approx(0.1)


def test_a_constant_rate_stays():
    assert by_epoch(ScheduleSettings("constant"), 3) == [1, 1, 1]
    assert schedule_factor(ScheduleSettings("constant", warmup_epochs=2.0), 3, 0, 0.5) == 0.25


def test_a_rate_drops_to_a_tenth_after_each_epoch_that_is_named():
    settings = ScheduleSettings("drops", drops=(2, 4))
    factors = [schedule_factor(settings, 6, epoch, 1.0) for epoch in range(6)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
