"""Tuning a store: the search against loops, the whole procedure within each fold, and the score of what is written."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

import abawbench
from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.cli import main
from abawbench.metrics.f1 import f1_per_label_from, mean_f1
from abawbench.scoring import Resampling, score
from abawbench.table import Table, join_tables
from abawbench.tuning.inputs import labelled as labelled_module
from abawbench.tuning.inputs.labelled import Labelled
from abawbench.tuning.inputs.stream import read_stream, table_of_stream
from abawbench.tuning.search import answers as answers_module
from abawbench.tuning.search import procedure as procedure_module
from abawbench.tuning.search import searches as searches_module
from abawbench.tuning.search import thresholds as thresholds_module
from abawbench.tuning.search.crossfit import Plan, crossfit, deal_folds
from abawbench.tuning.search.thresholds import CODES, threshold_search
from abawbench.tuning.steps.apply import apply_tuned, read_tuned_store
from abawbench.tuning.steps.kinds import Affine, Gate, Offsets, Smoothing, Thresholds
from abawbench.tuning.tune import Settings, tune
from tests.tuning.stores import write_store

MTL = get("abaw4-mtl")
FEW = Resampling(100)


def walk(generator, frames: int, width: int):
    """Series that change slowly."""
    return np.cumsum(generator.normal(size=(frames, width)), axis=0) / 4 + generator.normal(size=width)


def corpus(root, videos: int = 12, frames: int = 40, seed: int = 0, *, gaps: bool = False):
    """A truth, and a store of noisy answers: too small, biased, with priors of their own."""
    generator = np.random.default_rng(seed)
    names = tuple(f"video{number}" for number in range(videos))
    columns: dict[str, list[np.ndarray]] = {task.name: [] for task in MTL.tasks}
    units = {}
    for name in names:
        va, face, units_ = (walk(generator, frames, task.width) for task in MTL.tasks)
        columns["va"].append(np.clip(va / 3, -1, 1))
        columns["expression"].append(face.argmax(1).astype(np.int8))
        columns["action_units"].append((units_ > 0.8).astype(np.int8))
        odds = np.exp(face + generator.normal(size=face.shape) + np.linspace(1, -1, face.shape[1]))
        noisy = units_ + generator.normal(size=units_.shape)
        answers = {
            "va": np.clip(0.4 * va / 3 + 0.1 + generator.normal(size=va.shape) / 10, -1, 1),
            "expression": odds / odds.sum(1, keepdims=True),
            "action_units": 1 / (1 + np.exp(2 - noisy)),
        }
        if gaps:
            for values in answers.values():
                values[10:13] = np.nan
        # with gaps, one frame is not even named
        named = np.arange(frames) != 20 if gaps else np.ones(frames, bool)
        own = {task: values[named] for task, values in answers.items()}
        units[name] = ((np.flatnonzero(named) + 1).tolist(), own)
    truth = Table(
        videos=names,
        video=np.repeat(np.arange(videos, dtype=np.int32), frames),
        frame=np.tile(np.arange(1, frames + 1, dtype=np.int32), videos),
        values={task: np.concatenate(parts) for task, parts in columns.items()},
    )
    return truth, write_store(root, MTL, "noisy", units)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return corpus(tmp_path_factory.mktemp("corpus") / "store")


@pytest.fixture(scope="module")
def tuned(made):
    return tune(MTL, *made, Settings(repeats=3), resampling=FEW)


def test_what_is_reported_is_what_the_tuned_store_scores(made, tuned):
    truth, store = made
    values, figures = tuned
    before = score(MTL, truth, read_tuned_store(MTL, store, replace(values, tasks={})), resampling=FEW)
    after = score(MTL, truth, read_tuned_store(MTL, store, values), resampling=FEW)
    assert figures["score"].before == pytest.approx(before.score, abs=1e-12)
    assert figures["score"].in_sample == pytest.approx(after.score, abs=1e-12)
    for task in ("va", "expression", "action_units"):
        assert figures[f"terms.{task}"].before == pytest.approx(before.terms[task], abs=1e-12)
        assert figures[f"terms.{task}"].in_sample == pytest.approx(after.terms[task], abs=1e-12)
    assert figures["score"].gain > 0.1
    kinds = {type(step) for steps in values.tasks.values() for step in steps}
    assert {Thresholds, Offsets, Affine} <= kinds


@pytest.mark.parametrize("missing", ["previous", "nearest"])
def test_rows_without_an_answer_take_a_copy_as_in_the_score(tmp_path, missing):
    truth, store = corpus(tmp_path / "store", videos=6, gaps=True)
    settings = Settings(frozenset({"thresholds", "offsets", "affine", "fill"}), folds=2, repeats=2, missing=missing)
    values, figures = tune(MTL, truth, store, settings, resampling=Resampling(0))
    for figure, steps in (("before", {}), ("in_sample", values.tasks)):
        table = read_tuned_store(MTL, store, replace(values, tasks=steps))
        expected = score(MTL, truth, table, missing=missing, resampling=FEW).score
        assert getattr(figures["score"], figure) == pytest.approx(expected, abs=1e-12)


def test_no_fill_takes_answers_away(tmp_path, monkeypatch):
    truth, store = corpus(tmp_path / "store", videos=6)
    stream = read_stream(store, MTL)
    # where the store is filled no label is present, so silence would be right
    filled = np.arange(len(stream)) % 4 == 3
    present = np.where(filled[:, None], 0, np.ones((len(stream), 12))).astype(np.int8)
    known = replace(truth, values={**truth.values, "action_units": present})
    made = replace(stream, filled=filled, valid=~filled).with_answers("action_units", np.ones((len(stream), 12)))
    monkeypatch.setattr("abawbench.tuning.tune.read_stream", lambda *_: made)
    settings = Settings(frozenset({"fill"}), folds=2, repeats=1, missing="nearest")
    values, figures = tune(MTL, known, store, settings, resampling=Resampling(0))
    table = table_of_stream(apply_tuned(values, made, MTL), MTL)
    expected = score(MTL, known, table, missing="nearest", resampling=FEW).score
    assert figures["score"].in_sample == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "name", ["abaw1-expr", "abaw1-au", "abaw6-emi", "abaw10-vd", "raf-db-compound", "london-identity"]
)
def test_every_metric_is_tuned_to_what_the_score_gives(tmp_path, name):
    challenge = get(name)
    generator = np.random.default_rng(0)
    videos = tuple(f"video{number}" for number in range(6))
    units, columns = {}, {task.name: [] for task in challenge.tasks}
    for video in videos:
        answers = {}
        for task in challenge.tasks:
            hidden = walk(generator, 30, task.width)
            noisy = np.exp(hidden + generator.normal(size=hidden.shape) - np.linspace(0, 1, task.width))
            if task.is_real:
                columns[task.name].append(np.clip(hidden / 4 + 0.5, *task.span))
                answers[task.name] = np.clip(noisy / 4, *task.span)
            elif task.is_vector:
                columns[task.name].append((hidden > 0.5).astype(np.int8))
                answers[task.name] = noisy / (1 + noisy)
            else:
                columns[task.name].append(hidden.argmax(1).astype(np.int8))
                answers[task.name] = noisy / noisy.sum(1, keepdims=True)
        units[video] = (list(range(1, 31)), answers)
    store = write_store(tmp_path / "store", challenge, "noisy", units)
    truth = Table(
        videos=videos,
        video=np.repeat(np.arange(6, dtype=np.int32), 30),
        frame=np.tile(np.arange(1, 31, dtype=np.int32), 6),
        values={task: np.concatenate(parts) for task, parts in columns.items()},
    )
    steps = frozenset({"thresholds", "offsets", "affine", "lag"})
    values, figures = tune(challenge, truth, store, Settings(steps, folds=2, repeats=1), resampling=FEW)
    for figure, own in (("before", {}), ("in_sample", values.tasks)):
        table = read_tuned_store(challenge, store, replace(values, tasks=own))
        expected = score(challenge, truth, table, resampling=FEW).score
        assert getattr(figures["score"], figure) == pytest.approx(expected, abs=1e-12)
    assert figures["score"].in_sample >= figures["score"].before
    assert np.isfinite(figures["score"].samples("cross_fitted")).all()


def labels(seed: int, rows: int = 400, clusters: int = 8, digits: int = 6):
    generator = np.random.default_rng(seed)
    truth = (generator.random((rows, 2)) < [0.3, 0.1]).astype(np.int8)
    answers = np.round(np.clip(0.3 * truth + generator.random((rows, 2)) * 0.6, 0, 1), digits)
    task = replace(MTL.task("action_units"), columns=("AU1", "AU2"))
    cluster = np.sort(generator.integers(0, clusters, rows))
    index = np.arange(rows)
    return Labelled(task, truth, cluster, clusters, index, index, None), answers


@pytest.mark.parametrize(("rows", "digits"), [(60, 2), (400, 6), (6000, 6)])
def test_thresholds_equal_a_loop_over_every_threshold(rows, digits):
    known, answers = labels(rows, rows=rows, digits=digits)
    weights = np.random.default_rng(1).integers(0, 3, (4, 8)).astype(float)
    search = threshold_search(known, answers, f1_per_label_from)
    choices = search.fit(weights)
    sums = search.sums(choices, weights)
    for number, label in itertools.product(range(4), range(2)):
        copies = np.repeat(np.arange(rows), weights[number][known.cluster].astype(int))
        truth, values = known.truth[copies, label], answers[copies, label]
        # every distinct probability, coded to 1/65,536
        thresholds = np.unique(np.floor(answers[:, label] * CODES)) / CODES
        decided = values[:, None] >= np.append(thresholds, 0.5)
        positives = decided.sum(0) + truth.sum()
        figures = 2 * (decided & (truth[:, None] > 0)).sum(0) / np.maximum(positives, 1)
        assert f1_per_label_from(sums)[number, label] == pytest.approx(figures.max(), abs=1e-12)
        own = mean_f1(truth[:, None], values[:, None] >= choices[number, label] / CODES)
        assert own == pytest.approx(figures.max(), abs=1e-12)


@pytest.mark.parametrize("flat", [None, 0.005])
def test_a_label_without_positives_keeps_its_threshold(flat):
    known, answers = labels(0)
    known.truth[:, 1] = 0
    choices = threshold_search(known, answers, f1_per_label_from, flat).fit(np.ones((1, 8)))
    assert choices[0, 1] == CODES // 2


def test_levels_that_resamples_choose_among_spread_as_all_thresholds_do():
    known, answers = labels(3, rows=6000, clusters=40)
    search = threshold_search(known, answers, f1_per_label_from)
    levels = search.first
    narrow = levels.narrowed()
    assert narrow.edges.shape[1] <= 32 < levels.edges.shape[1]
    weights = np.random.default_rng(2).multinomial(40, np.ones(40) / 40, 100).astype(float)
    every = np.arange(40)
    all_of, few = (one.choose(one.totals(weights, every))[1] for one in (levels, narrow))
    assert few == pytest.approx(all_of, abs=1e-4)
    best = search.value(search.sums(search.fit(weights), weights))
    assert (best >= all_of - 1e-12).all()
    assert np.corrcoef(best, few)[0, 1] > 0.98
    assert few.std() == pytest.approx(best.std(), rel=0.1)


def test_totals_of_levels_are_exact():
    known, answers = labels(4)
    levels = threshold_search(known, answers, f1_per_label_from).first
    weights = np.random.default_rng(0).integers(0, 4, (3, 8)).astype(float)
    expected = np.einsum("nc,clij->nlij", weights, levels.counts.astype(float))
    assert np.array_equal(levels.totals(weights, np.arange(8)), expected)


@pytest.mark.parametrize("steps", [{"thresholds"}, {"smoothing", "offsets", "affine", "lag"}])
def test_the_whole_procedure_runs_within_each_fold(made, steps):
    truth, store = made
    settings = Settings(frozenset(steps), folds=3, repeats=1)
    _, figures = tune(MTL, truth, store, settings, resampling=Resampling(0))
    # clusters are in the order of their names
    names = np.array(sorted(truth.videos))
    fold = deal_folds(np.full(12, 40.0), folds=3, repeats=1)[0]
    parts: list[Table] = []
    for number in range(3):
        is_out = np.isin(truth.videos, names[fold == number])
        training = truth.take(np.flatnonzero(~is_out[truth.video]))
        values, _ = tune(MTL, training, store, replace(settings, folds=2), resampling=Resampling(0))
        table = read_tuned_store(MTL, store, values)
        parts.append(table.take(np.flatnonzero(np.isin(table.videos, names[fold == number])[table.video])))
    expected = score(MTL, truth, join_tables(parts), resampling=FEW).score
    assert figures["score"].cross_fitted == pytest.approx(expected, abs=1e-12)


def test_statistics_of_parts_add_up_to_those_of_the_whole(tmp_path, monkeypatch):
    truth, store = corpus(tmp_path / "store", videos=6, gaps=True)
    settings = Settings(frozenset({"smoothing", "lag", "fill", "affine"}), folds=2, repeats=2, missing="nearest")
    figures = []
    for frames in (1, 100, 1 << 15):
        monkeypatch.setattr(answers_module, "PART_FRAMES", frames)
        figures.append(tune(MTL, truth, store, settings, resampling=FEW)[1]["score"])
    for one in figures[1:]:
        assert one.in_sample == pytest.approx(figures[0].in_sample, abs=1e-12)
        assert one.repeated == pytest.approx(figures[0].repeated, abs=1e-12)
        assert one.samples("gain") == pytest.approx(figures[0].samples("gain"), abs=1e-9)


def test_what_resamples_leave_out_does_not_move_their_intervals(made, monkeypatch):
    truth, store = made
    settings = Settings(frozenset({"smoothing", "thresholds"}), folds=2, repeats=2)
    few = tune(MTL, truth, store, settings, resampling=Resampling(400))[1]["terms.action_units"]
    monkeypatch.setattr(procedure_module, "MOST_COMBINATIONS", 1000)
    monkeypatch.setattr(thresholds_module, "RESAMPLED_LEVELS", 1000)
    monkeypatch.setattr(searches_module, "UNBEATEN", 1e9)
    all_of = tune(MTL, truth, store, settings, resampling=Resampling(400))[1]["terms.action_units"]
    for figure in ("cross_fitted", "gain", "in_sample"):
        bounds = np.array([few.interval(figure), all_of.interval(figure)])
        assert np.abs(bounds[0] - bounds[1]).max() < 0.1 * np.ptp(bounds[1])


def test_a_step_alone_leaves_the_others_out(made):
    values, _ = tune(MTL, *made, Settings(frozenset({"smoothing"}), repeats=1), resampling=Resampling(0))
    assert {type(step) for steps in values.tasks.values() for step in steps} <= {Smoothing}


def test_online_steps_need_no_future(made):
    values, _ = tune(MTL, *made, Settings(online=True, repeats=1), resampling=Resampling(0))
    for step in itertools.chain(*values.tasks.values()):
        assert not isinstance(step, Smoothing) or step.online


def test_the_plateau_costs_little_in_sample(made):
    peak, plateau = (
        tune(MTL, *made, Settings(frozenset({"thresholds"}), plateau=flat, repeats=2), resampling=Resampling(0))[1]
        for flat in (False, True)
    )
    assert 0 <= peak["score"].in_sample - plateau["score"].in_sample < 0.01


def test_a_gate_to_a_better_entry_is_found(tmp_path, made):
    truth, store = made
    better = {}
    for place, name in enumerate(truth.videos):
        rows = np.flatnonzero(truth.video == place)
        better[name] = (
            truth.frame[rows].tolist(),
            {
                "va": truth.numbers("va")[rows],
                "expression": np.eye(8)[truth.classes("expression")[rows]],
                "action_units": truth.classes("action_units")[rows].astype(float),
            },
        )
    other = write_store(tmp_path / "better", MTL, "better", better)
    values, figures = tune(
        MTL, truth, store, Settings(frozenset({"gate"}), repeats=1), gate=other, resampling=Resampling(0)
    )
    gates = [step for step in values.tasks["expression"] if isinstance(step, Gate)]
    assert [gate.entry for gate in gates] == ["better"]
    table = read_tuned_store(MTL, store, values, gate=other)
    assert figures["score"].in_sample == pytest.approx(score(MTL, truth, table, resampling=FEW).score, abs=1e-12)


def test_persons_of_a_video_are_never_on_both_sides(tmp_path):
    truth, store = corpus(tmp_path / "store", videos=6)
    names = ("a_left", "a_right", "b_left", "b_right", "c_left", "c_right")
    renamed = replace(truth, videos=names)
    for old, new in zip(truth.videos, names, strict=True):
        for kind in ("json", "parquet"):
            (store.root / "units" / f"{old}.{kind}").rename(store.root / "units" / f"{new}.{kind}")
    values, _ = tune(MTL, renamed, store, Settings(frozenset(), folds=3, repeats=1), resampling=Resampling(0))
    assert values.report.clusters == 3
    with pytest.raises(ProblemError, match="4 folds of 3 videos"):
        tune(MTL, renamed, store, Settings(frozenset(), folds=4), resampling=Resampling(0))


def test_very_many_clusters_are_joined(made, monkeypatch):
    monkeypatch.setattr(labelled_module, "MOST_CLUSTERS", 5)
    settings = Settings(frozenset({"thresholds", "affine"}), folds=2, repeats=1)
    values, figures = tune(MTL, *made, settings, resampling=FEW)
    assert values.report.clusters == 5
    table = read_tuned_store(MTL, made[1], values)
    assert figures["score"].in_sample == pytest.approx(score(MTL, made[0], table, resampling=FEW).score, abs=1e-12)


def test_bad_input_is_told(tmp_path, made):
    truth, store = made
    one = truth.take(np.flatnonzero(truth.video == 0))
    with pytest.raises(ProblemError, match=r"(?s)D24.*5 folds of 1 videos"):
        tune(MTL, one, store, Settings(), resampling=Resampling(0))
    none = replace(truth, values={**truth.values, "action_units": np.zeros_like(truth.values["action_units"])})
    with pytest.raises(ProblemError, match=r"(?s)T13.*no positive of action_units"):
        tune(MTL, none, store, Settings(), resampling=Resampling(0))
    empty = replace(truth, values={**truth.values, "va": np.full_like(truth.values["va"], np.nan)})
    with pytest.raises(ProblemError, match=r"(?s)T10.*no annotated row of va"):
        tune(MTL, empty, store, Settings(), resampling=Resampling(0))
    with pytest.raises(ProblemError, match=r"(?s)C02.*'linear'.*"):
        tune(MTL, truth, store, Settings(missing="linear"), resampling=Resampling(0))
    with pytest.raises(ProblemError, match=r"(?s)C02.*'threshold'.*thresholds"):
        tune(MTL, truth, store, Settings(frozenset({"threshold"})), resampling=Resampling(0))
    with pytest.raises(ProblemError, match=r"(?s)P07.*answers of noisy"):
        tune(get("abaw6-ce"), truth, store, Settings(), resampling=Resampling(0))
    with pytest.raises(ProblemError, match=r"(?s)C02.*not settled"):
        tune(get("abaw8-ah"), truth, store, Settings(), resampling=Resampling(0))


def written_truth(truth, path):
    rows = ["image,valence,arousal,expression,aus"]
    for row in range(len(truth)):
        name = f"{truth.videos[truth.video[row]]}/{truth.frame[row]:05d}.jpg"
        va = ",".join(f"{value!r}" for value in truth.numbers("va")[row].tolist())
        units = ",".join(map(str, truth.classes("action_units")[row]))
        rows.append(f"{name},{va},{truth.classes('expression')[row]},{units}")
    path.write_text("\n".join(rows) + "\n")
    return path


def test_the_verb_writes_the_values_and_says_what_they_are_worth(tmp_path, made):
    truth, store = made
    labels_file, out = written_truth(truth, tmp_path / "truth.txt"), tmp_path / "tuned.json"
    words = ["tune", MTL.id, str(labels_file), str(store.root), "-o", str(out), "--resamples", "100", "--repeats", "2"]
    words += ["--only", "smoothing", "--only", "thresholds", "--only", "affine"]
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 0, answer.output
    assert "cross-fitted" in answer.stdout
    assert "optimism" in answer.stdout
    assert "smoothing: 45 settings" in answer.stderr
    assert "thresholds: after" in answer.stderr
    assert "va: 0 of 100 resamples" in answer.stderr
    first = json.loads(out.read_text())
    only = ["smoothing", "thresholds", "affine"]
    values = abawbench.tune(MTL.id, labels_file, store.root, tmp_path / "api.json", only=only, resamples=100, repeats=2)
    assert (tmp_path / "api.json").read_text() == out.read_text()
    assert values.report.figures["score"].in_sample == first["report"]["figures"]["score"]["in_sample"]
    again = CliRunner().invoke(main, [*words, "--json", "-q"])
    told = json.loads(again.stdout)
    assert told["report"] == first["report"]
    figure = told["figures"]["score"]
    assert figure["gain"]["value"] == pytest.approx(figure["cross_fitted"]["value"] - figure["before"]["value"])
    assert "the earlier file was replaced" in again.stderr
    decided = CliRunner().invoke(main, [*words[:3], str(labels_file), *words[4:]])
    assert "no store" in decided.stderr
    refused = CliRunner().invoke(main, [*words[:5], str(labels_file), "--resamples", "100"])
    assert refused.exit_code == 1
    assert "F12" in refused.stderr


@pytest.mark.parametrize("place", ["entry.json", "tuned.json", "units/video0.json", "units/tuned.json"])
def test_the_verb_writes_nothing_into_the_store(tmp_path, made, place):
    truth, store = made
    labels_file = written_truth(truth, tmp_path / "truth.txt")
    before = sorted(path.name for path in store.root.rglob("*"))
    answer = CliRunner().invoke(
        main, ["tune", MTL.id, str(labels_file), str(store.root), "-o", str(store.root / place)]
    )
    assert answer.exit_code == 1
    assert "F12" in answer.stderr
    assert sorted(path.name for path in store.root.rglob("*")) == before


def test_a_gain_that_may_be_none_is_warned_of(tmp_path):
    truth, store = corpus(tmp_path / "store", videos=8, frames=20, seed=3)
    generator = np.random.default_rng(0)
    shuffled = replace(
        truth, values={name: values[generator.permutation(len(truth))] for name, values in truth.values.items()}
    )
    labels_file = written_truth(shuffled, tmp_path / "truth.txt")
    words = [
        "tune",
        MTL.id,
        str(labels_file),
        str(store.root),
        "-o",
        str(tmp_path / "tuned.json"),
        "--resamples",
        "100",
    ]
    answer = CliRunner().invoke(main, [*words, "--only", "offsets"])
    assert "warning: score: the cross-fitted gain may be 0" in answer.stderr


def test_a_gate_to_no_entry_is_refused_and_one_to_too_few_columns_is_told(made, monkeypatch):
    truth, store = made
    only = Settings(frozenset({"gate"}), folds=2, repeats=1)
    with pytest.raises(ProblemError, match="a gate to no entry"):
        tune(MTL, truth, store, only)
    monkeypatch.setattr("abawbench.tuning.tune.can_gate", lambda _, task: task.name == "expression")
    values, _ = tune(MTL, truth, store, only, gate=store, resampling=Resampling(0))
    told = f"action_units: no gate, since {store.card.name} does not answer all of it"
    assert [note for note in values.report.notes if "no gate" in note] == [told]


def test_a_fixed_procedure_has_no_optimism(made):
    _, figures = tune(MTL, *made, Settings(frozenset(), repeats=2), resampling=FEW)
    assert figures["score"].optimism == pytest.approx(0, abs=1e-12)
    assert np.abs(figures["score"].samples("gain")).max() < 1e-12


def test_thresholds_of_noise_promise_too_much():
    gains = []
    for seed in range(12):
        known, answers = labels(seed, rows=300, clusters=15)
        noise = np.random.default_rng(seed + 99).random(answers.shape)
        plan = Plan(deal_folds(np.ones(15), repeats=4))
        found = crossfit(threshold_search(known, noise, f1_per_label_from), plan)
        assert found.optimism > 0
        gains.append(found.optimism)
    assert np.mean(gains) > 0.01
