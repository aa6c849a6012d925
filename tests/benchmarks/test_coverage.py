"""The simulation of intervals: its standard errors, what it counts, and the page that it writes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm, t

from abawbench.metrics.jackknife import jackknife_of
from benchmarks.coverage import (
    BEGIN,
    KINDS,
    PAGE,
    QUOTED,
    SIZES,
    ambivalence_world,
    expanded_level,
    samples_of,
    simulate,
)
from benchmarks.pages import END

PRESENT = ambivalence_world("half", 0.5, 0.8)


def test_levels_are_expanded_as_hesterberg_does():
    level = expanded_level(10, 9)
    assert norm.ppf((1 + level) / 2) == pytest.approx(math.sqrt(10 / 9) * t.ppf(0.975, 9), abs=1e-9)


def test_standard_errors_by_derivatives_are_nearly_those_of_the_jackknife():
    tasks = {"ambivalence": PRESENT.statistics.tasks["ambivalence"][:60]}
    (sample,) = samples_of(PRESENT, tasks, 20, seed=1).values()
    found = jackknife_of(sample.point, sample.without)
    assert found is not None
    # derivatives leave out what the jackknife has of the second order
    assert sample.error == pytest.approx(found.error, rel=0.05)
    assert sample.studentised is not None
    # the mean absolute value of a standard normal is 0.8; of 20 resamples it is known to about 0.15
    assert np.abs(sample.studentised).mean() == pytest.approx(0.8, abs=0.3)


def test_every_kind_is_counted_and_studentised_resamples_only_of_few_videos():
    few = simulate(PRESENT, 20, trials=60, resamples=100)["P"]
    assert list(few) == list(KINDS)
    assert all(0.6 <= cell.coverage <= 1 and 0.5 < cell.length < 2 for cell in few.values())
    many = simulate(PRESENT, 80, trials=10, resamples=50)["P"]
    assert math.isnan(many["bootstrap-t"].coverage)
    assert many[QUOTED].coverage >= 0.7


def test_the_page_has_a_row_for_every_population_size_and_figure():
    part = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines() if line.startswith("|")]
    header, _, *rows = rows
    assert [name.strip("*") for name in header[3 : 3 + len(KINDS)]] == list(KINDS)
    assert {int(row[1]) for row in rows} == set(SIZES)
    assert len({row[0] for row in rows}) == 6
    quoted = list(KINDS).index(QUOTED) + 3
    # what README and this page say about sixty videos and more
    assert all(0.93 <= float(row[quoted].strip("*")) <= 0.985 for row in rows if int(row[1]) >= 60)
