"""The benchmark of many submissions: its loop gives the same scores, and the costs are computed from the rates."""

from __future__ import annotations

import pytest

import abawbench
from abawbench.challenges import get
from benchmarks.batch import CHALLENGES, Loop, time_loop, write_all
from benchmarks.batch_costs import BEGIN, PAGE, TRACKS, Rates, table, wall_seconds
from benchmarks.pages import END

ONE = Rates(
    rows=1000,
    units=10,
    is_assumed=True,
    reading=1.0,
    jackknife=3.6,
    resampled=7.2,
    peak=2e9,
    plain=4_000_000,
    packed=1_000_000,
)


@pytest.mark.parametrize("name", CHALLENGES)
def test_the_loop_gives_the_scores_of_abawbench(name, tmp_path):
    write_all(get(name), tmp_path, 2, 5, 40)
    received = tmp_path / "received"
    ranking = abawbench.score_batch(name, tmp_path / "truth.txt", received, template=tmp_path / "list.txt", resamples=0)
    assert ranking.refused == ()
    known = {one.name: one.value for one in ranking.standings}
    whole, leaving, drawing = time_loop(Loop(get(name), tmp_path / "truth.txt"), received, known)
    assert min(step.wall for step in (whole, leaving, drawing)) > 0


def test_costs_are_the_rates_times_the_submissions():
    # 2,500 submissions of 3.6 s: 2.5 processor hours; on two cores 1,250 of them one after the other
    assert wall_seconds(ONE, 2500, 2) == 1.0 + 1250 * 3.6
    assert wall_seconds(ONE, 2500, 16) == 1.0 + 157 * 3.6
    assert wall_seconds(ONE, 2500, 2, resampled=True) == 1.0 + 1250 * 7.2
    lines = table({"abaw10-va": ONE}).splitlines()
    assert "| `abaw10-va` | 1,000 (assumed) | 10 | 4 MB | 1 MB | 3.60 s | 7.20 s | 2.0 GB |" in lines
    assert "| `abaw10-va` | 2.50 | 75 min | 9 min | 59 s | 2.5 h | 10.0 GB | 2.5 GB | 32.0 GB |" in lines


def test_the_page_has_the_tables_of_every_track_between_its_markers():
    text = PAGE.read_text("utf-8")
    part = text[text.index(BEGIN) : text.index(END)]
    assert all(part.count(f"| `{name}` |") == 2 for name in TRACKS)
