"""ensemble: from stores to a store that scores as reported, applied to other stores of the same members; faults."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.cli import main
from abawbench.inference.store import open_store, read_store
from abawbench.scoring import score
from abawbench.scoring.intervals import Resampling
from abawbench.table import Table
from abawbench.tuning.ensembles.fit import fit_ensemble
from abawbench.tuning.ensembles.members import read_members
from abawbench.tuning.ensembles.weights import WEIGHTS, mean_answers, write_ensemble
from abawbench.tuning.steps.tuned import identity_of
from tests.tuning.stores import write_store

MTL = get("abaw4-mtl")
FRAMES = 40
FEW = Resampling(100)


def split(videos, seed=0):
    """The truth of some videos, all of it annotated."""
    generator = np.random.default_rng(seed)
    rows = len(videos) * FRAMES
    va, expression, units = (task.name for task in MTL.tasks)
    return Table(
        videos=tuple(videos),
        video=np.repeat(np.arange(len(videos), dtype=np.int32), FRAMES),
        frame=np.tile(np.arange(1, FRAMES + 1, dtype=np.int32), len(videos)),
        values={
            va: generator.uniform(-1, 1, (rows, 2)),
            expression: generator.integers(0, 8, rows).astype(np.int8),
            units: (generator.random((rows, 12)) < 0.3).astype(np.int8),
        },
    )


def answers_to(truth, seed, skill=0.4, unanswered=()):
    """Answers of an imaginary member by unit; `unanswered` are places of rows that it does not answer."""
    generator = np.random.default_rng(seed)
    va, expression, units = (task.name for task in MTL.tasks)
    rows = len(truth)
    probability = generator.dirichlet(np.ones(8), rows)
    probability[np.arange(rows), truth.values[expression]] += skill
    values = {
        va: np.clip(truth.values[va] + generator.normal(0, 1 - skill, (rows, 2)), -1, 1),
        expression: probability / probability.sum(1, keepdims=True),
        units: skill * truth.values[units] + (1 - skill) * generator.random((rows, 12)),
    }
    for array in values.values():
        array[list(unanswered)] = np.nan
    return {
        name: (
            truth.frame[truth.video == place].tolist(),
            {task: array[truth.video == place] for task, array in values.items()},
        )
        for place, name in enumerate(truth.videos)
    }


VIDEOS = [f"video{place}" for place in range(8)]
TRUTH = split(VIDEOS)
TEST = split(["test1", "test2"], seed=1)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Stores of three members over the validation and the test videos, and one that answers a part."""
    root = tmp_path_factory.mktemp("stores")
    for place, skill in enumerate((0.5, 0.45, 0.4)):
        write_store(root / f"m{place}", MTL, f"2026_me_m{place}", answers_to(TRUTH, place, skill))
        write_store(root / f"test{place}", MTL, f"2026_me_m{place}", answers_to(TEST, place, skill))
    write_store(root / "part", MTL, "2026_me_part", answers_to(TRUTH, 7, unanswered=range(5, 100)))
    return root


def roots(stores, *names):
    return [stores / name for name in names]


@pytest.mark.parametrize("average", ["probability", "rank"])
@pytest.mark.parametrize("method", ["greedy", "simplex", "equal"])
def test_the_store_scores_as_reported(stores, tmp_path, method, average):
    members = read_members(MTL, roots(stores, "m0", "m1", "m2", "part"))
    weights = fit_ensemble(MTL, TRUTH, members, method=method, average=average, repeats=1, resampling=FEW)
    write_ensemble(MTL, members, weights, tmp_path / "mean")
    found = score(MTL, TRUTH, read_store(MTL, tmp_path / "mean"), resampling=FEW)
    figures = weights.report["figures"]
    assert found.score == pytest.approx(figures["score"]["ensemble"]["in_sample"], abs=1e-12)
    for task, value in found.terms.items():
        assert value == pytest.approx(figures[task]["ensemble"]["in_sample"], abs=1e-12)


def test_the_best_single_store_is_the_one_that_scores_highest(stores):
    members = read_members(MTL, roots(stores, "m2", "m0", "m1"))
    weights = fit_ensemble(MTL, TRUTH, members, repeats=1, resampling=FEW)
    scores = {
        name: score(MTL, TRUTH, read_store(MTL, stores / name), resampling=FEW).score for name in ("m0", "m1", "m2")
    }
    figures = weights.report["figures"]["score"]
    assert weights.report["best_single"] == str(stores / max(scores, key=lambda name: scores[name] or 0))
    assert figures["best_single"]["in_sample"] == pytest.approx(max(scores.values()), abs=1e-12)
    assert figures["best_single"]["gain"] == pytest.approx(0, abs=1e-12)
    own, single = figures["ensemble"], figures["best_single"]
    assert own["gain"] == pytest.approx(own["cross_fitted"] - single["cross_fitted"], abs=1e-12)
    assert own["gain_interval"][0] < own["gain"] < own["gain_interval"][1]
    assert own["optimism"] == pytest.approx(own["in_sample"] - own["cross_fitted"], abs=1e-12)
    # three members with errors of their own
    assert own["gain_interval"][0] > 0


def test_equal_weights_are_the_plain_mean(stores):
    members = read_members(MTL, roots(stores, "m0", "m1"))
    weights = fit_ensemble(MTL, TRUTH, members, method="equal", repeats=1, resampling=FEW)
    answers = mean_answers(MTL, members, weights)
    for task in MTL.tasks:
        own = members.answers[task.name]
        assert answers[task.name] == pytest.approx((own[0] + own[1]) / 2, abs=1e-12)


def test_others_stand_in_where_a_member_does_not_answer(stores):
    members = read_members(MTL, roots(stores, "m0", "part", "m1"))
    assert members.stood_in.tolist() == [0, 95, 0]
    va = members.answers["va"]
    assert va[1, 5:100] == pytest.approx((va[0, 5:100] + va[2, 5:100]) / 2, abs=1e-12)
    assert members.valid.all()
    weights = fit_ensemble(MTL, TRUTH, members, repeats=1, resampling=FEW)
    assert "part does not answer 95 of 320 frames" in " ".join(weights.report["flags"])


def test_members_for_single_tasks_and_classes_make_an_ensemble_of_all(stores, tmp_path):
    seven = get("abaw2-expr")
    (task,) = seven.tasks
    generator = np.random.default_rng(0)
    units = {
        name: (list(range(1, FRAMES + 1)), {task.name: generator.dirichlet(np.ones(7), FRAMES)}) for name in VIDEOS
    }
    write_store(tmp_path / "seven", seven, "2026_me_seven", units)
    members = read_members(MTL, [*roots(stores, "m0", "m1"), tmp_path / "seven"])
    place = [MTL.tasks[1].outputs.index(name) for name in task.outputs]
    (other,) = set(range(8)) - set(place)
    answers = members.answers["expression"]
    of_others = (answers[0, :, other] + answers[1, :, other]) / 2
    raw = np.concatenate([units[name][1][task.name] for name in VIDEOS])
    assert answers[2, :, other] == pytest.approx(of_others, abs=1e-12)
    assert answers[2][:, place] == pytest.approx(raw * (1 - of_others)[:, None], abs=1e-12)
    assert members.answers["va"][2] == pytest.approx(members.answers["va"][:2].mean(0), abs=1e-12)
    # alone, a member has no answer where it has none
    assert not members.own("va")[2].any()
    weights = fit_ensemble(MTL, TRUTH, members, method="equal", repeats=1, resampling=FEW)
    write_ensemble(MTL, members, weights, tmp_path / "mean")
    found = score(MTL, TRUTH, read_store(MTL, tmp_path / "mean"), resampling=FEW)
    assert found.score == pytest.approx(weights.report["figures"]["score"]["ensemble"]["in_sample"], abs=1e-12)
    assert "seven answers 7 of 8 columns of expression" in " ".join(weights.report["flags"])
    write_store(tmp_path / "again", seven, "2026_me_again", units)
    with pytest.raises(ProblemError, match="no member that answers va"):
        read_members(MTL, [tmp_path / "seven", tmp_path / "again"])


def test_frames_that_nobody_answers_stay_unanswered_and_are_filled_as_score_fills_them(tmp_path):
    names = [tmp_path / "a", tmp_path / "b"]
    for seed, root in enumerate(names):
        write_store(root, MTL, f"2026_me_{seed}", answers_to(TRUTH, seed, unanswered=[3, 4, 5]))
    members = read_members(MTL, names)
    assert np.flatnonzero(~members.answered).tolist() == [3, 4, 5]
    with pytest.raises(ProblemError, match="no value for video0 frame 4"):
        fit_ensemble(MTL, TRUTH, members, repeats=1, resampling=FEW)
    weights = fit_ensemble(MTL, TRUTH, members, missing="nearest", repeats=1, resampling=FEW)
    store = write_ensemble(MTL, members, weights, tmp_path / "mean")
    assert np.flatnonzero(~store.read("video0").valid).tolist() == [3, 4, 5]
    found = score(MTL, TRUTH, read_store(MTL, tmp_path / "mean"), missing="nearest", resampling=FEW)
    assert found.score == pytest.approx(weights.report["figures"]["score"]["ensemble"]["in_sample"], abs=1e-12)
    with pytest.raises(ProblemError, match="--missing linear"):
        fit_ensemble(MTL, TRUTH, members, missing="linear", resampling=FEW)


@pytest.mark.parametrize("option", ["method", "average"])
def test_a_method_or_an_average_that_is_not_known_is_refused(stores, option):
    with pytest.raises(ProblemError, match=f"{option} 'unknown'"):
        fit_ensemble(MTL, TRUTH, read_members(MTL, roots(stores, "m0", "m1")), **{option: "unknown"})


def test_units_that_nobody_answers_are_refused(tmp_path):
    seen = split(VIDEOS[:6])
    names = [tmp_path / "a", tmp_path / "b"]
    for seed, root in enumerate(names):
        write_store(root, MTL, f"2026_me_{seed}", answers_to(seen, seed))
    with pytest.raises(ProblemError, match="units without any answer"):
        fit_ensemble(MTL, TRUTH, read_members(MTL, names), missing="nearest", repeats=1, resampling=FEW)


def test_a_task_without_positives_and_a_challenge_without_a_score_are_refused(stores):
    members = read_members(MTL, roots(stores, "m0", "m1"))
    nothing = {**TRUTH.values, "action_units": np.zeros_like(TRUTH.values["action_units"])}
    with pytest.raises(ProblemError, match="T13"):
        fit_ensemble(MTL, replace(TRUTH, values=nothing), members, resampling=FEW)
    unsettled = replace(MTL, metric=replace(MTL.metric, terms=()))
    with pytest.raises(ProblemError, match="not settled"):
        fit_ensemble(unsettled, TRUTH, members, resampling=FEW)


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def truth_file(tmp_path_factory):
    """The truth as a file of the challenge."""
    path = tmp_path_factory.mktemp("truth") / "truth.txt"
    va, expression, units = (TRUTH.values[task.name] for task in MTL.tasks)
    lines = [
        f"{VIDEOS[TRUTH.video[row]]}/{TRUTH.frame[row]:05d}.jpg,{va[row, 0]},{va[row, 1]},{expression[row]},"
        + ",".join(map(str, units[row]))
        for row in range(len(TRUTH))
    ]
    path.write_text("\n".join(["image,valence,arousal,expression,aus", *lines]) + "\n")
    return path


def test_fitted_on_validation_and_applied_to_the_test_stores_in_any_order(stores, truth_file, tmp_path):
    out, other = tmp_path / "mean", tmp_path / "test_mean"
    fitted = run(
        "ensemble",
        "abaw4-mtl",
        truth_file,
        *roots(stores, "m0", "m1", "m2"),
        "-o",
        out,
        "--repeats",
        1,
        "--resamples",
        100,
    )
    assert fitted.exit_code == 0, fitted.output
    assert "gains" in fitted.stdout
    weights = json.loads((out / WEIGHTS).read_text())
    run_test = run(
        "ensemble",
        "abaw4-mtl",
        *roots(stores, "test2", "test0", "test1"),
        "-o",
        other,
        "--weights",
        out / WEIGHTS,
        "--json",
    )
    assert run_test.exit_code == 0, run_test.output
    shares = json.loads(run_test.stdout)["shares"]
    own = np.array(weights["weights"]["va"])
    assert shares["va"] == pytest.approx((own / own.sum())[[2, 0, 1]].tolist())
    members = read_members(MTL, roots(stores, "test0", "test1", "test2"))
    expected = np.einsum("m,mfc->fc", own / own.sum(), members.answers["va"])
    found = open_store(other)
    assert np.concatenate([found.read(name).answers["va"] for name in found.units()]) == pytest.approx(
        expected, abs=1e-12
    )
    card = found.card
    assert card.name == open_store(out).card.name
    # values that were tuned on the one fit the other
    assert identity_of(found) == identity_of(open_store(out))
    assert card.trained_on == ("imaginary",)
    assert any("fitted on the labels of 8 units" in note for note in card.notes)
    assert [member["entry"] for member in found.record["ensemble"]["members"]] == [
        "2026_me_m2",
        "2026_me_m0",
        "2026_me_m1",
    ]


def test_the_words_follow_the_figures(stores, truth_file, tmp_path):
    write_store(tmp_path / "noise", MTL, "2026_me_noise", answers_to(TRUTH, 9, skill=0.0))
    words = ["ensemble", "abaw4-mtl", truth_file, stores / "m0", tmp_path / "noise", "--repeats", 1, "--resamples", 100]
    for method, other in (("equal", stores / "m1"), ("equal", tmp_path / "noise"), ("greedy", tmp_path / "noise")):
        words[4] = other
        out = tmp_path / f"{method} {other.name}"
        said = run(*words, "--method", method, "-o", out).stdout
        figures = json.loads((out / WEIGHTS).read_text())["report"]["figures"]["score"]
        is_worse = max(figures[name]["gain"] for name in ("equal", "ensemble")) <= 0
        assert ("The single store promises no less: keep it." in said) == is_worse
        assert is_worse == (method == "equal" and other.name == "noise")
        low, high = figures["ensemble"]["gain_interval"]
        assert ("the interval includes 0" in said) == (low <= 0 <= high)


def test_bad_members_are_a_problem_each_and_nothing_is_written(stores, truth_file, tmp_path):
    out = tmp_path / "mean"
    lone = tmp_path / "va_only"
    write_store(lone, get("abaw10-emi"), "2026_me_emi", {"video0": ([1], {"mimicry": np.zeros((1, 6))})})
    wrong = run("ensemble", "abaw4-mtl", truth_file, stores / "m0", lone, truth_file, "-o", out, "--json")
    assert wrong.exit_code == 1
    rules = {(one["rule"], one["file"]) for one in json.loads(wrong.stdout)["problems"]}
    assert rules == {("P07", str(lone)), ("P02", str(truth_file))}
    twice = run("ensemble", "abaw4-mtl", truth_file, stores / "m0", stores / "m0", "-o", out)
    assert "P08" in twice.stderr
    assert "the entry 2026_me_m0" in twice.stderr
    other = run("ensemble", "abaw4-mtl", truth_file, stores / "m0", stores / "m1", stores / "test2", "-o", out)
    assert "T12" in other.stderr
    assert "no answer to 320 of 400 frames" in other.stderr
    one = run("ensemble", "abaw4-mtl", truth_file, stores / "m0", "-o", out)
    assert "two stores at least" in one.stderr
    folds = run("ensemble", "abaw4-mtl", truth_file, stores / "m0", stores / "m1", "-o", out, "--folds", 9)
    assert "D24" in folds.stderr
    assert not out.exists()


def test_weights_that_do_not_fit_are_refused(stores, truth_file, tmp_path):
    out = tmp_path / "mean"
    members = read_members(MTL, roots(stores, "m0", "m1"))
    write_ensemble(MTL, members, fit_ensemble(MTL, TRUTH, members, average="rank", repeats=1, resampling=FEW), out)
    file = out / WEIGHTS
    missing = run("ensemble", "abaw4-mtl", stores / "test0", stores / "test2", "--weights", file, "-o", tmp_path / "x")
    assert missing.exit_code == 1
    assert "answers of 2026_me_m2" in missing.stderr
    other = run("ensemble", "abaw6-va", stores / "test0", stores / "test1", "--weights", file, "-o", tmp_path / "x")
    assert "weights for abaw4-mtl" in other.stderr
    test_stores = roots(stores, "test0", "test1")
    again = run("ensemble", "abaw4-mtl", *test_stores, "--weights", file, "-o", tmp_path / "x", "--method", "equal")
    assert again.exit_code == 2
    assert "leave --method out" in again.stderr
    content = json.loads(file.read_text())
    for field, value, said in (
        ("weights", {**content["weights"], "va": [0, 0]}, "weights of va"),
        ("weights", {**content["weights"], "va": [1]}, "weights of va"),
        ("mean_quantiles", {}, "quantiles of action_units"),
        ("method", "magic", "method"),
        ("form", 9, "form"),
    ):
        damaged = tmp_path / "damaged.json"
        damaged.write_text(json.dumps({**content, field: value}))
        found = run(
            "ensemble", "abaw4-mtl", stores / "test0", stores / "test1", "--weights", damaged, "-o", tmp_path / "x"
        )
        assert found.exit_code == 1
        assert "R03" in found.stderr
        assert said in found.stderr
    (tmp_path / "damaged.json").write_text("{")
    found = run(
        "ensemble",
        "abaw4-mtl",
        stores / "test0",
        stores / "test1",
        "--weights",
        tmp_path / "damaged.json",
        "-o",
        tmp_path / "x",
    )
    assert found.exit_code == 1
    assert not (tmp_path / "x").exists()


def test_a_folder_of_another_store_is_left_alone(stores, truth_file, tmp_path):
    own = tmp_path / "own"
    write_store(own, MTL, "2026_me_own", answers_to(TEST, 3))
    before = (own / "entry.json").read_bytes()
    found = run(
        "ensemble", "abaw4-mtl", truth_file, *roots(stores, "m0", "m1"), "-o", own, "--repeats", 1, "--resamples", 100
    )
    assert found.exit_code == 1
    assert "P01" in found.stderr
    assert (own / "entry.json").read_bytes() == before
    into_input = run("ensemble", "abaw4-mtl", truth_file, *roots(stores, "m0", "m1"), "-o", stores / "m0")
    assert "F12" in into_input.stderr
    first = run("ensemble", "abaw4-mtl", stores / "m0", stores / "m1", "-o", tmp_path / "x")
    assert first.exit_code == 2
    assert "truth is named before" in first.stderr
