"""Tuned values at the terminal, in Python, in records and on boards."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

import abawbench
from abawbench import records
from abawbench.api import read_table
from abawbench.base.problems import ProblemError
from abawbench.cli import main
from abawbench.exports.every_eval_ever import every_eval_ever
from abawbench.exports.figures import figures_of
from abawbench.formats.dataframe import to_frame
from abawbench.inference.store import open_store
from abawbench.leaderboard.entry_page import entry_page
from abawbench.leaderboard.evidence import Shelf
from abawbench.leaderboard.rows import from_record
from abawbench.tuning.inputs.stream import read_stream, table_of_stream
from abawbench.tuning.steps.apply import apply_tuned
from abawbench.tuning.steps.kinds import Affine, Gate, Line, Smoothing, Thresholds
from abawbench.tuning.steps.tuned import Estimate, identity_of, truth_hash, write_tuned
from abawbench.tuning.use import TunedFile, read_tuned_predictions
from tests.inference.conftest import write_crops
from tests.tuning.conftest import MTL, random_truth, random_unit, write_store

FEW = ("--resamples", "100")
DISCLOSURE = """
entry = "2026_test_stream"
split = "validation"
dataset = "random numbers"
date = "2026-11-30"

[disclosure]
trained_on = []
validation_used_for = "tuning"
thresholds_from = "{}"
trials = 1
crops = "none"
licence = "Apache-2.0"
synthetic_truth = true
note = ""
"""


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def files(tmp_path, tuned):
    """A store, its truth, values that were fitted on them, and the truth of other videos."""
    random = np.random.default_rng(2)
    units = [random_unit(name, 30, random) for name in ("a", "b", "c", "d")]
    store = write_store(tmp_path / "store", units)
    truth, other = random_truth(units, random), random_truth(units, random)
    labels = next(task for task in MTL.tasks if task.name == "action_units").outputs
    fitted = replace(
        tuned.fitted,
        identity=identity_of(store),
        store=store.key,
        truth_sha256=truth_hash(MTL, truth),
        videos=truth.videos,
    )
    tasks = {
        "va": (Smoothing("mean", 0.3), Affine({"valence": Line(0.5, 0.1)})),
        "action_units": (Smoothing("gaussian", 0.1), Thresholds(dict.fromkeys(labels, 0.45))),
    }
    figures = {
        "score": Estimate(0.7, 0.9, 0.8123, (0.7, 0.9), (0.05, 0.15)),
        "terms.va": Estimate(0.1, 0.3, 0.2, (0.1, 0.3)),
    }
    values = replace(tuned, tasks=tasks, fitted=fitted, report=replace(tuned.report, figures=figures))
    write_tuned(values, tmp_path / "tuned.json")
    elsewhere = replace(values, fitted=replace(fitted, truth_sha256="0" * 64, videos=("x", "y")))
    write_tuned(elsewhere, tmp_path / "elsewhere.json")
    to_frame(MTL, truth).to_parquet(tmp_path / "truth.parquet")
    to_frame(MTL, other).to_parquet(tmp_path / "other.parquet")
    return tmp_path, values


def test_the_score_of_tuned_values_is_that_of_the_stream_after_them(files):
    folder, values = files
    stream = apply_tuned(values, read_stream(open_store(folder / "store"), MTL), MTL)
    expected = abawbench.score("abaw4-mtl", folder / "truth.parquet", table_of_stream(stream, MTL), resamples=100)
    found = abawbench.score(
        "abaw4-mtl", folder / "truth.parquet", folder / "store", resamples=100, tuned=folder / "tuned.json"
    )
    before = abawbench.score("abaw4-mtl", folder / "truth.parquet", folder / "store", resamples=100)
    assert found.score == expected.score != before.score


def test_a_score_in_sample_says_so_loudly_and_quotes_the_cross_fitted_one(files):
    folder, _ = files
    result = run(
        "score", "abaw4-mtl", folder / "truth.parquet", folder / "store", "--tuned", folder / "tuned.json", *FEW
    )
    assert result.exit_code == 0, result.output
    (warning,) = (line for line in result.stderr.splitlines() if line.startswith("warning: N71"))
    assert "the cross-fitted score is 0.8123" in warning
    (quote,) = (line for line in result.stdout.splitlines() if line.startswith("quote"))
    assert quote.startswith("quote: 0.8123 (95 % interval 0.7000 to 0.9000), cross-fitted; ")
    assert quote.endswith(" is in-sample")


def test_other_labels_of_the_same_videos_are_in_sample_without_a_score_to_quote(files):
    folder, _ = files
    result = run(
        "score", "abaw4-mtl", folder / "other.parquet", folder / "store", "--tuned", folder / "tuned.json", *FEW
    )
    assert "quote: nothing: " in result.stdout
    assert "cross-fitted score is" not in result.stderr


def test_a_cross_fitted_score_is_not_that_of_another_entry(files):
    folder, _ = files
    random = np.random.default_rng(6)
    write_store(folder / "another", [random_unit(name, 30, random) for name in "abcd"], seed=3)
    arguments = ("score", "abaw4-mtl", folder / "truth.parquet", folder / "another", *FEW)
    result = run(*arguments, "--tuned", folder / "tuned.json", "--any-entry")
    assert "warning: N71" in result.stderr
    assert "quote: nothing: " in result.stdout


def test_a_score_on_other_videos_is_only_noted(files):
    folder, _ = files
    arguments = ("score", "abaw4-mtl", folder / "truth.parquet", folder / "store", *FEW)
    result = run(*arguments, "--tuned", folder / "elsewhere.json", "--json")
    content = json.loads(result.stdout)
    assert content["tuned"]["overlap"] == "none"
    assert content["tuned"]["steps"] == ["smoothing", "thresholds", "affine"]
    assert [problem["rule"] for problem in content["problems"]] == ["N72", "N70"]
    assert "tuned" not in json.loads(run(*arguments, "--json").stdout)


def test_diff_compares_a_store_with_itself_tuned(files):
    folder, _ = files
    store = folder / "store"
    arguments = ("diff", "abaw4-mtl", folder / "truth.parquet", store, store, *FEW, "--json")
    assert json.loads(run(*arguments).stdout)["difference"] == 0
    result = run(*arguments, "--tuned-a", folder / "tuned.json")
    found = json.loads(result.stdout)
    assert found["difference"] != 0
    assert "in-sample" in result.stderr
    turned = json.loads(run(*arguments, "--tuned-b", folder / "tuned.json").stdout)
    assert turned["difference"] == -found["difference"]


def test_write_writes_the_tuned_answers(files):
    folder, _ = files
    names = [f"{unit}/{frame:05d}.jpg" for unit in "abcd" for frame in range(1, 31)]
    (folder / "list.txt").write_text("\n".join(["image_location,valence,arousal", *names, ""]))
    arguments = ("write", "abaw10-va", folder / "store", "--template", folder / "list.txt", "-o", folder / "out.txt")
    result = run(*arguments, "--tuned", folder / "tuned.json")
    assert "R04" in result.stderr
    assert not (folder / "out.txt").exists()
    result = run(*arguments, "--tuned", folder / "tuned.json", "--any-entry")
    assert result.exit_code == 0, result.output
    assert "N70" in result.stderr
    table, _ = read_tuned_predictions(MTL, folder / "store", TunedFile(folder / "tuned.json"))
    again = abawbench.read("abaw10-va", folder / "out.txt", role="prediction")
    np.testing.assert_allclose(again["valence"], table.values["va"][:, 0], atol=1e-6)


@pytest.mark.parametrize("option", [("--gate", "x"), ("--any-entry",), ("--gains", "--tuned", "x")])
def test_options_that_do_not_fit_tuned_values_are_wrong_use(files, option):
    folder, _ = files
    result = run("score", "abaw4-mtl", folder / "truth.parquet", folder / "store", *option)
    assert result.exit_code == 2


def test_predict_does_not_begin_with_wrong_tuned_values(files, tmp_path):
    folder, _ = files
    (folder / "broken.json").write_text("{")
    arguments = ("predict", "2026_abawbench_constant", folder, "-o", folder / "new", "--tuned", folder / "broken.json")
    assert run(*arguments).exit_code == 2
    result = run(*arguments, "--write", "abaw4-mtl")
    assert "R03" in result.stderr
    assert not (folder / "new").exists()


def test_predict_writes_the_tuned_answers_of_new_videos(files):
    folder, values = files
    write_crops(folder / "validation", {"one": 6}, side=112)
    write_crops(folder / "test", {"two": 4}, side=112)
    first = ("predict", "2026_abawbench_constant", folder / "validation", "-o", folder / "before")
    assert run(*first).exit_code == 0
    before = open_store(folder / "before")
    fitted = replace(values.fitted, entry=before.card.name, identity=identity_of(before))
    line = Affine({"valence": Line(0.0, 0.25)})
    write_tuned(replace(values, fitted=fitted, tasks={"va": (line,)}), folder / "own.json")
    result = run(
        *first[:2], folder / "test", "-o", folder / "after", "--write", "abaw4-mtl", "--tuned", folder / "own.json"
    )
    assert result.exit_code == 0, result.output
    assert "N70" in result.stderr
    written = abawbench.read("abaw4-mtl", folder / "after" / "files" / "abaw4-mtl.txt", role="prediction")
    np.testing.assert_array_equal(written["valence"], 0.25)


def test_values_for_decided_answers_are_a_problem(files):
    folder, _ = files
    with pytest.raises(ProblemError, match="C02"):
        abawbench.score("abaw4-mtl", folder / "truth.parquet", folder / "other.parquet", tuned=folder / "tuned.json")
    truth = abawbench.read("abaw4-mtl", folder / "truth.parquet")
    with pytest.raises(ProblemError, match="C02"):
        abawbench.score("abaw4-mtl", folder / "truth.parquet", truth, tuned=folder / "tuned.json")


def test_a_gate_reads_its_store(files):
    folder, values = files
    random = np.random.default_rng(8)
    other = write_store(folder / "gate", [random_unit("a", 30, random)], seed=5)
    gated = replace(values, tasks={"expression": (Gate("2026_test_stream", identity_of(other), 0.9),)})
    write_tuned(gated, folder / "gated.json")
    first, _ = read_tuned_predictions(MTL, folder / "store", TunedFile(folder / "gated.json", folder / "gate"))
    plain = table_of_stream(read_stream(open_store(folder / "store"), MTL), MTL)
    differs = first.values["expression"] != plain.values["expression"]
    assert differs[:30].any()
    assert not differs[30:].any()


def record_of(folder, truth, tuned, source="abawbench tune", store="store"):
    (folder / "disclosure.toml").write_text(DISCLOSURE.format(source))
    return run(
        "score",
        "abaw4-mtl",
        folder / truth,
        folder / store,
        *FEW,
        *(() if tuned is None else ("--tuned", folder / tuned)),
        "--record",
        folder / "records",
        "--disclosure",
        folder / "disclosure.toml",
    )


def only_record(folder):
    (path,) = (folder / "records").rglob("*.json")
    assert not records.check_tree(folder / "records")
    return records.read(path)


def test_a_record_in_sample_has_its_cross_fitted_figures_on_the_board(files):
    folder, _ = files
    assert record_of(folder, "truth.parquet", "tuned.json").exit_code == 0
    record = only_record(folder)
    assert record.tuned is not None
    assert record.tuned.overlap == "all"
    row = from_record(record, MTL)
    assert {name: figure.value for name, figure in row.figures.items()} == {"score": 0.8123, "ccc_va": 0.2}
    assert row.position == 0.8123
    assert row.figures["score"].interval == (0.7, 0.9)
    assert f"cross-fitted figures (in-sample {record.score:.4f})" in row.note
    assert "in-sample" not in row.group
    page = entry_page(record.entry, {}, [record], Shelf(folder))
    shown = [(one["name"], one["value"]) for one in page["records"][0]["figures"]]
    assert shown == [(["score"], 0.8123), (["term", "va"], 0.2)]
    score, term = figures_of(record)
    assert (score.value, score.interval) == (0.8123, ("cross-fitted", (0.7, 0.9)))
    assert (term.path, term.value) == (("terms", "va"), 0.2)
    (exported,) = every_eval_ever(record, "a laboratory", "first_party").values()
    assert "cross-fitted" in exported.decode()
    assert repr(record.score) not in exported.decode()


def test_a_record_in_sample_without_cross_fitted_figures_stands_apart(files):
    folder, _ = files
    record_of(folder, "other.parquet", "tuned.json")
    row = from_record(only_record(folder), MTL)
    assert row.group.endswith("in-sample: tuned on scored videos")
    assert row.figures["score"].value == only_record(folder).score
    with pytest.raises(ProblemError, match="in-sample"):
        figures_of(only_record(folder))


def test_a_record_of_other_videos_is_as_good_as_any(files):
    folder, _ = files
    record_of(folder, "truth.parquet", "elsewhere.json")
    row = from_record(only_record(folder), MTL)
    assert "in-sample" not in row.group
    assert "tuned: smoothing, thresholds, affine; fitted on other videos" in row.note


def test_a_record_without_tuned_values_has_the_text_of_before(files):
    folder, _ = files
    record_of(folder, "truth.parquet", None)
    assert '"tuned"' not in only_record(folder).to_text()


def test_a_record_cannot_disclose_that_nothing_was_tuned(files):
    folder, _ = files
    result = record_of(folder, "truth.parquet", "tuned.json", "none")
    assert result.exit_code == 1
    assert "thresholds_from" in result.stderr
    assert not (folder / "records").exists()


@pytest.fixture
def mean(files):
    """The store of an ensemble whose weights were fitted on the truth, and values that were tuned on its answers."""
    folder, values = files
    random = np.random.default_rng(12)
    write_store(folder / "second", [random_unit(name, 30, random) for name in "abcd"], seed=4)
    arguments = ("ensemble", "abaw4-mtl", folder / "truth.parquet", folder / "store", folder / "second")
    for method in ("greedy", "equal"):
        made = run(*arguments, "-o", folder / method, "--method", method, "--folds", 2, "--repeats", 1, *FEW)
        assert made.exit_code == 0, made.output
    store = open_store(folder / "greedy")
    fitted = replace(values.fitted, entry=store.card.name, identity=identity_of(store), store=store.key)
    write_tuned(replace(values, fitted=fitted), folder / "of_mean.json")
    return folder


def test_the_score_of_an_ensemble_on_what_its_weights_were_fitted_on_is_in_sample(mean):
    weights = json.loads((mean / "greedy" / "weights.json").read_text())
    worth = weights["report"]["figures"]["score"]["ensemble"]["cross_fitted"]
    assert record_of(mean, "truth.parquet", None, store="greedy").exit_code == 0
    use = only_record(mean).tuned
    assert use is not None
    assert use.overlap == "all"
    assert use.steps == ["greedy ensemble"]
    assert use.cross_fitted["score"].value == worth
    assert set(use.cross_fitted) == {"score", "terms.va", "terms.expression", "terms.action_units"}
    result = run("score", "abaw4-mtl", mean / "truth.parquet", mean / "greedy", *FEW)
    assert "N71 in-sample: greedy ensemble: fitted on all of the scored videos" in result.stderr
    assert f"quote: {worth:.4f} " in result.stdout


def test_equal_weights_are_fitted_on_nothing(mean):
    found = json.loads(run("score", "abaw4-mtl", mean / "truth.parquet", mean / "equal", *FEW, "--json").stdout)
    assert "tuned" not in found
    assert found["problems"] == []


def test_values_tuned_on_an_ensemble_that_was_fitted_on_the_same_videos_have_no_honest_score(mean):
    arguments = ("score", "abaw4-mtl", mean / "truth.parquet", mean / "greedy", *FEW, "--tuned", mean / "of_mean.json")
    found = json.loads(run(*arguments, "--json").stdout)
    assert found["tuned"]["steps"][0] == "greedy ensemble"
    assert found["tuned"]["cross_fitted"] == {}
    assert "quote: nothing: " in run(*arguments).stdout
    few = ("--only", "thresholds", "--folds", 2, "--repeats", 1, *FEW)
    tuned = run("tune", "abaw4-mtl", mean / "truth.parquet", mean / "greedy", "-o", mean / "new.json", *few)
    assert f"note: the greedy ensemble {mean / 'greedy'} was fitted on all of these videos" in tuned.stderr


def test_values_with_a_gate_to_an_ensemble_that_was_fitted_on_the_same_videos_have_no_honest_score(mean, files):
    greedy = open_store(mean / "greedy")
    gated = replace(files[1], tasks={"expression": (Gate(greedy.card.name, identity_of(greedy), 0.9),)})
    write_tuned(gated, mean / "gated.json")
    truth = read_table(MTL, mean / "truth.parquet", "truth")
    file = TunedFile(mean / "gated.json", mean / "greedy")
    table, use = read_tuned_predictions(MTL, mean / "store", file, truth)
    assert use is not None
    assert use.steps == ["greedy ensemble", "gate"]
    assert use.cross_fitted == {}
    assert "N71" in {note.rule for note in table.notes}
    equal = replace(gated, tasks={"expression": (Gate("equal", identity_of(open_store(mean / "equal")), 0.9),)})
    write_tuned(equal, mean / "gated.json")
    _, use = read_tuned_predictions(MTL, mean / "store", replace(file, gate=mean / "equal"), truth)
    assert use is not None
    assert use.cross_fitted["score"].value == files[1].report.figures["score"].cross_fitted


def test_a_report_that_lacks_its_figures_is_a_problem(mean):
    path = mean / "greedy" / "weights.json"
    weights = json.loads(path.read_text())
    del weights["report"]["figures"]["score"]["ensemble"]
    path.write_text(json.dumps(weights))
    result = run("score", "abaw4-mtl", mean / "truth.parquet", mean / "greedy", *FEW)
    assert result.exit_code == 1
    assert "R03" in result.stderr
