from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from abawbench.base.problems import ProblemError
from benchmarks.claims.__main__ import main
from benchmarks.claims.analysis import analyse, resampled, verdict
from benchmarks.claims.cells import cell_path, decode, encode, run_claim
from benchmarks.claims.claim import (
    CLAIMS,
    FOLDER,
    Arm,
    Cell,
    Claim,
    Comparison,
    Figure,
    Outcome,
    Side,
    load_claim,
    macro_f1_of,
)
from benchmarks.claims.report import BEGIN, README, adjust, pages, results_of, write_results
from benchmarks.pages import END

PEOPLE, CLASSES = 40, 2
ACCURACY = {"good": 0.9, "bad": 0.6}


def fake_cell(cell, _):
    """Confusion counts of imaginary people; the weight 2 is best on the validation people and worst on the test's."""
    validation, rows = [], []
    for seed in cell.seeds:
        generator = np.random.default_rng(seed)
        accuracy = ACCURACY[cell.arm] - 0.1 * (cell.weight == 2)
        hits = generator.binomial(10, accuracy, (PEOPLE, CLASSES))
        rows.append(
            np.stack([np.stack([hits[:, 0], 10 - hits[:, 0]], -1), np.stack([10 - hits[:, 1], hits[:, 1]], -1)], 1)
        )
        validation.append(1.0 if cell.weight == 2 else 0.5)
    return Outcome(np.array(validation), {"class": np.array(rows, np.float64)})


def claim(**changes):
    plain = Claim(
        name="fake",
        title="Is good better than bad?",
        settings={"version": 1},
        arms=(Arm("good", "a good one", (0.5, 1, 2, 4)), Arm("bad", "a bad one")),
        design=(Side("only", "good"), Side("only", "bad")),
        seeds=4,
        run=fake_cell,
        figures=(Figure("F1", macro_f1_of("class")),),
        comparisons=(Comparison("better", Side("only", "good"), Side("only", "bad"), "F1", 1, is_primary=True),),
        tuning_seeds=2,
    )
    return replace(plain, **changes)


def run(one, out, **options):
    said = []
    return run_claim(one, out, processes=1, report=said.append, **options), said


def files(out):
    return {path.name: path.read_bytes() for path in (out / "fake" / "cells").iterdir()}


def test_the_weight_is_chosen_on_the_validation_people_alone(tmp_path):
    tuned, _ = run(claim(), tmp_path)
    assert tuned[Side("only", "good")].weight == 2
    assert tuned[Side("only", "good")].validation == {0.5: 0.5, 1: 0.5, 2: 1.0, 4: 0.5}


def test_only_the_chosen_weight_runs_with_the_seeds_that_did_not_tune(tmp_path):
    run(claim(), tmp_path)
    names = files(tmp_path)
    assert sum(name.startswith("only.good.2.") for name in names) == 4
    assert sum(name.startswith("only.good.4.") for name in names) == 2
    assert sum(name.startswith("only.bad.") for name in names) == 4


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(tmp_path):
    run(claim(), tmp_path / "whole")
    calls = []

    def dies(cell, out):
        calls.append(cell)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return fake_cell(cell, out)

    with pytest.raises(KeyboardInterrupt):
        run(claim(run=dies), tmp_path / "cut")
    kept = files(tmp_path / "cut")
    assert len(kept) == 4
    _, said = run(claim(), tmp_path / "cut")
    assert files(tmp_path / "cut") == files(tmp_path / "whole")
    assert said[0] == "fake: 4 of 8 cells are there already"


def test_another_setting_makes_other_cells(tmp_path):
    cell = Cell("only", "bad", 0.0, (0,))
    assert cell_path(claim(), cell, tmp_path) != cell_path(claim(settings={"version": 2}), cell, tmp_path)


def test_an_outcome_survives_its_file():
    cell = Cell("only", "bad", 0.0, (0, 1))
    outcome = Outcome(np.array([0.25, 0.5]), {"counts": np.arange(6.0).reshape(2, 3), "sums": np.array([[0.1], [-2]])})
    back = decode(encode(cell, {}, outcome))
    np.testing.assert_array_equal(back.validation, outcome.validation)
    for name, array in outcome.statistics.items():
        np.testing.assert_array_equal(back.statistics[name], array)


def test_cells_may_cover_several_seeds_with_the_same_result(tmp_path):
    figures = [
        results_of(one, run(one, tmp_path / str(one.seeds_in_cell))[0], tmp_path, large=False)["arms"]
        for one in (claim(), claim(seeds_in_cell=4, tuning_seeds=0))
    ]
    assert figures[0] == figures[1]


def test_a_clear_difference_holds_and_equal_arms_differ_by_nothing(tmp_path):
    one = claim()
    found = analyse(one, run(one, tmp_path)[0])["comparisons"][0]
    assert found["difference"][1] > 0.1
    assert found["p"] == pytest.approx(2 / 4001, abs=1e-6)
    assert verdict(found, found["p"]) == "holds"
    side = Side("only", "bad")
    same = claim(comparisons=(Comparison("same", side, side, "F1", 1, is_primary=True),))
    nothing = analyse(same, run(same, tmp_path)[0])["comparisons"][0]
    assert (nothing["difference"], nothing["p"]) == ([0.0, 0.0, 0.0], 1.0)
    assert verdict(nothing, 1.0) == "no difference that matters"


def test_intervals_are_wider_where_seeds_differ_than_where_they_are_copies():
    generator = np.random.default_rng(0)
    counts = np.zeros((6, PEOPLE, 2, 2))
    for seed, accuracy in enumerate((0.5, 0.6, 0.7, 0.8, 0.9, 1.0)):
        hits = generator.binomial(50, accuracy, (PEOPLE, 2))
        counts[seed, :, 0], counts[seed, :, 1] = (
            np.stack([hits[:, 0], 50 - hits[:, 0]], -1),
            np.stack([50 - hits[:, 1], hits[:, 1]], -1),
        )
    figure = Figure("F1", macro_f1_of("class"))
    spread = resampled(Outcome(np.zeros(6), {"class": counts}), figure).std()
    copies = np.repeat(counts[3:4], 6, axis=0)
    alike = resampled(Outcome(np.zeros(6), {"class": copies}), figure).std()
    # six seeds with a deviation of .17 alone give .07
    assert spread == pytest.approx(0.17 / np.sqrt(6), rel=0.2)
    assert alike < spread / 5


@pytest.mark.parametrize(
    ("difference", "adjusted", "expects", "answer"),
    [
        ([0.1, 0.05, 0.15], 0.01, 1, "holds"),
        ([-0.1, -0.15, -0.05], 0.01, 1, "the opposite holds"),
        ([0.1, 0.001, 0.2], 0.06, 1, "undecided"),
        ([0.001, -0.005, 0.006], 1.0, 1, "no difference that matters"),
        ([0.1, 0.05, 0.15], None, 0, "greater"),
        ([0.1, -0.05, 0.25], None, 0, "undecided"),
    ],
)
def test_the_rule_of_decision(difference, adjusted, expects, answer):
    comparison = {"difference": difference, "expects": expects, "least": 0.01}
    assert verdict(comparison, adjusted) == answer


def test_primary_comparisons_that_are_not_finished_count_in_the_family(tmp_path):
    one, other = claim(), claim(name="other")
    results = results_of(one, run(one, tmp_path)[0], tmp_path, large=False)
    alone = adjust([one], {"fake": results})["fake", "better"]
    assert adjust([one, other], {"fake": results})["fake", "better"] == pytest.approx(2 * alone)


def test_results_and_a_plot_are_written(tmp_path):
    one = claim()
    write_results(results_of(one, run(one, tmp_path)[0], tmp_path, large=False), tmp_path)
    assert json.loads((tmp_path / "results.json").read_text())["comparisons"][0]["name"] == "better"
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_comparison_without_its_arm_is_refused():
    with pytest.raises(ValueError, match="compares what is not there"):
        claim(design=(Side("only", "good"),))


def test_an_unknown_claim_is_refused():
    with pytest.raises(ProblemError, match="C02"):
        load_claim("nothing_of_the_kind")


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize("large", [False, True])
def test_every_claim_registers_what_it_compares(name, large):
    one = load_claim(name, large=large)
    text = (FOLDER / name / README).read_text()
    registered = text.partition(BEGIN)[0]
    assert END in text
    words = re.sub(r"\s+", " ", registered)
    for comparison in one.comparisons:
        if comparison.is_primary:
            assert comparison.name in words
    assert all(f"`{arm.name}`" in words for arm in one.arms)
    assert all(len(arm.weights) in {1, 4} for arm in one.arms)


def test_the_pages_are_those_of_the_kept_results():
    stale = [path.name for path, text in pages().items() if path.read_text() != text]
    assert not stale, "python -m benchmarks.claims report"


def test_the_command_names_what_is_there_and_ends_with_a_status(tmp_path):
    refused = CliRunner().invoke(main, ["disjoint_label", "--out", str(tmp_path)])
    assert refused.exit_code == 1
    assert "did you mean disjoint_labels" in refused.output
    assert not any(tmp_path.iterdir())


def test_the_command_runs_a_claim_and_says_how_to_go_on(tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    words = ["fake", "--out", str(tmp_path), "--processes", "1"]
    monkeypatch.setattr("benchmarks.claims.__main__.load_claim", lambda *_, **__: claim(run=stopped))
    broken = CliRunner().invoke(main, words)
    assert broken.exit_code == 130
    assert "the same command goes on" in broken.output
    monkeypatch.setattr("benchmarks.claims.__main__.load_claim", lambda *_, **__: claim())
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0
    assert "| only | good | 2 |" in done.output
    assert (tmp_path / "fake" / "results.json").exists()
