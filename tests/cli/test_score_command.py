"""abawbench score and diff at the terminal: keys, exit codes, views, flags."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from abawbench.challenges import get
from abawbench.cli import main
from abawbench.formats.dataframe import to_frame
from abawbench.formats.write import write_annotations
from abawbench.synthetic import simulate_predictions, simulate_split

MTL = get("abaw4-mtl")
FEW = ("--resamples", "200")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    corpus = simulate_split(6, 40, seed=1)
    tables = {
        "truth": corpus.truth,
        "good": simulate_predictions(corpus.known, 0.7, 1),
        "fair": simulate_predictions(corpus.known, 0.6, 2),
        "gaps": simulate_predictions(corpus.known, 0.7, 1, gaps=0.1),
    }
    paths = {}
    for name, table in tables.items():
        paths[name] = str(folder / f"{name}.parquet")
        to_frame(MTL, table).to_parquet(paths[name])
    return paths


def run(*arguments):
    return CliRunner().invoke(main, list(arguments))


def test_json_has_exactly_the_agreed_keys_and_one_more_for_each_view(files):
    plain = run("score", "abaw4-mtl", files["truth"], files["good"], *FEW, "--json")
    assert plain.exit_code == 0, plain.stderr
    keys = ["ok", "verb", "problems", "challenge", "fingerprint", "score", "terms", "metrics", "rows", "intervals"]
    assert list(json.loads(plain.stdout)) == keys
    views = run(
        *("score", "abaw4-mtl", files["truth"], files["good"], *FEW, "--json", "--by", "video", "--by", "class"),
        *("--confusion", "--parts", "--explain", "--lens"),
    )
    extra = ["by_video", "by_class", "confusion", "parts", "explain", "lens"]
    assert list(json.loads(views.stdout)) == keys + extra


def test_a_truth_of_another_size_than_the_split_is_told_as_a_note_and_in_json(files, tmp_path):
    path = tmp_path / "validation_set_annotations.txt"
    truth = simulate_split(6, 40, seed=1).truth
    write_annotations(MTL, truth, path)
    said = f"truth has {len(truth):,} rows, the validation split of abaw4-mtl 26,876: other data"
    result = run("score", "abaw4-mtl", str(path), files["good"], *FEW, "--json")
    assert result.exit_code == 0, result.stderr
    assert f"note: {said}" in result.stderr
    answer = json.loads(result.stdout)
    size = answer["rows"]["size"]
    assert answer["ok"]
    assert (size["split"], size["verdict"], size["text"]) == ("validation", "other data", said)
    assert size["truth"]["rows"] == answer["rows"]["truth"]
    assert size["official"]["validation"]["rows"] == [26_876]


def test_the_text_shows_every_figure_with_its_interval(files):
    result = run("score", "abaw4-mtl", files["truth"], files["good"], *FEW)
    assert result.exit_code == 0
    for word in (
        "score",
        "ccc_valence",
        "Happiness",
        "AU12",
        "accuracy_action_units",
        "95 % interval",
        "each of 6 videos left out in turn",
    ):
        assert word in result.stdout


def test_few_videos_are_warned_of_on_standard_error(files):
    result = run("score", "abaw4-mtl", files["truth"], files["good"], *FEW, "--json")
    assert "only 6 videos" in result.stderr
    assert "only 6 videos" in json.loads(result.stdout)["intervals"]["warning"]


def test_missing_predictions_end_with_1_and_say_how_many(files):
    result = run("score", "abaw4-mtl", files["truth"], files["gaps"], *FEW, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"][0]["rule"] == "T01"
    assert "T01" in result.stderr
    filled = run("score", "abaw4-mtl", files["truth"], files["gaps"], *FEW, "--missing", "linear")
    assert filled.exit_code == 0
    assert "by linear" in filled.stderr


def test_the_text_names_one_interval_to_quote_and_says_which(files):
    result = run("score", "abaw4-mtl", files["truth"], files["good"], *FEW)
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("quote: ")]
    found = json.loads(run("score", "ABAW4-MTL", files["truth"], files["good"], *FEW, "--json").stdout)
    low, high = found["intervals"]["score"]["jackknife"]
    assert line == f"quote: {found['score']:.4f} (95 % interval {low:.4f} to {high:.4f}, jackknife, 6 videos)"


def test_a_comparison_ends_with_a_sentence(files):
    def last(a, b):
        return run("diff", "abaw4-mtl", files["truth"], a, b, *FEW).stdout.splitlines()[-1]

    assert last(files["good"], files["good"]) == "A and B have the same score."
    assert last(files["good"], files["fair"]).endswith(".")
    assert "A leads by " in last(files["good"], files["fair"]) or "A is better by " in last(
        files["good"], files["fair"]
    )


def test_a_challenge_is_known_in_any_case_and_completed_by_the_shell(monkeypatch):
    from click.shell_completion import ShellComplete

    from abawbench.cli import main

    assert run("challenges", "ABAW4-MTL").exit_code == 0
    complete = ShellComplete(main, {}, "abawbench", "_ABAWBENCH_COMPLETE")
    for verb in ("score", "check", "write"):
        found = [item.value for item in complete.get_completions([verb], "ABAW4")]
        assert found == ["abaw4-mtl", "abaw4-lsd"]


def test_wrong_use_ends_with_2():
    assert run("score", "abaw4-mlt", "a", "b").exit_code == 2
    assert run("score", "abaw4-mtl", "a").exit_code == 2
    assert "Did you mean 'score'" in run("scroe").stderr


def test_every_help_has_an_example():
    from abawbench.cli import VERBS

    for verbs in VERBS.values():
        for verb in verbs:
            result = run(verb, "--help")
            assert result.exit_code == 0
            assert "Example:" in result.stdout, verb
            assert f"abawbench {verb}" in result.stdout, verb


def test_diff_of_three_ranks_them_and_adjusts_every_p(files):
    arguments = ("diff", "abaw4-mtl", files["truth"], files["fair"], files["good"], files["fair"], *FEW)
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["score", "95", "%", "interval", "rank", "95", "%", "range", "tier", "P(first)"]
    assert lines[1].startswith("good.parquet ")
    assert "p (Holm)" in result.stdout
    assert "of 3 pairs differ (p after Holm below 0.05)" in result.stdout
    assert "resamples and swaps of 6 videos" in result.stdout
    found = json.loads(run(*arguments, "--json").stdout)
    assert [row["name"] for row in found["predictions"]] == [str(files[name]) for name in ("good", "fair", "fair")]
    assert [row["p_holm"] >= row["p"] for row in found["pairs"]] == [True] * 3
    assert "only 6 videos" in result.stderr


def test_diff_prints_p_and_the_smallest_detectable_difference(files):
    result = run("diff", "abaw4-mtl", files["truth"], files["good"], files["fair"], *FEW)
    assert result.exit_code == 0, result.stderr
    assert "p = " in result.stdout
    assert "smallest difference" in result.stdout
    same = json.loads(run("diff", "abaw4-mtl", files["truth"], files["good"], files["good"], *FEW, "--json").stdout)
    assert same["p"] == 1


def test_subjects_are_read_from_a_file(files, tmp_path):
    subjects = tmp_path / "subjects.csv"
    subjects.write_text("video,subject\n" + "".join(f"video{n},s{n % 3}\n" for n in range(1, 7)))
    result = run("score", "abaw4-mtl", files["truth"], files["good"], *FEW, "--json", "--subjects", str(subjects))
    intervals = json.loads(result.stdout)["intervals"]
    assert (intervals["unit"], intervals["clusters"]) == ("subject", 3)
    subjects.write_text("video1,s1\n")
    result = run("score", "abaw4-mtl", files["truth"], files["good"], *FEW, "--subjects", str(subjects))
    assert result.exit_code == 1
    assert "no subject for video2" in result.stderr


def test_a_record_is_written_with_its_disclosure(files, tmp_path):
    disclosure = tmp_path / "d.toml"
    disclosure.write_text(
        'entry = "2026_x"\nsplit = "validation"\ndataset = "synthetic"\ndate = "2026-01-01"\n[disclosure]\n'
        'trained_on = []\nvalidation_used_for = "nothing"\nthresholds_from = "none"\ntrials = 1\n'
        'crops = "none"\nlicence = "Apache-2.0"\nsynthetic_truth = true\nnote = ""\n'
    )
    arguments = ("score", "abaw4-mtl", files["truth"], files["good"], *FEW, "--record", str(tmp_path / "records"))
    result = run(*arguments, "--disclosure", str(disclosure))
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "records" / "abaw4-mtl" / "2026_x.validation.json").is_file()
    assert run(*arguments).exit_code == 2
    disclosure.write_text(disclosure.read_text().replace("trials = 1\n", ""))
    result = run(*arguments, "--disclosure", str(disclosure))
    assert result.exit_code == 1
    assert "trials" in result.stderr


def test_average_precision_stands_beside_a_score_from_probabilities(tmp_path):
    rows = [("a", 0, "0.7334,0.2666"), ("b", 1, "0.3,0.7"), ("c", 1, "0.5259,0.4741")]
    truth, trial = tmp_path / "val.txt", tmp_path / "trial-0.txt"
    truth.write_text("".join(f"Videos/1/Visite_1/{name}.mp4,{label},Well, I see.\n" for name, label, _ in rows))
    trial.write_text("".join(f"Videos/1/Visite_1/{name}.mp4,{pair},{label}\n" for name, label, pair in rows))
    result = run("score", "abaw11-ah", str(truth), str(trial), *FEW)
    assert result.exit_code == 0, result.stderr
    assert "average precision, steps at every score: 1.0000 (does not rank)" in result.stdout


def test_gains_are_told_in_words_and_in_json(files):
    result = run("score", "abaw4-mtl", files["truth"], files["good"], *FEW, "--gains", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["gains"]
    assert list(found[0]) == [
        *("task", "column", "error", "score_after", "gain", "interval", "cross_fitted"),
        *("figure", "figure_gain", "advice"),
    ]
    text = run("score", "abaw4-mtl", files["truth"], files["good"], *FEW, "--gains").stdout
    assert "What the score would gain" in text
    assert "of CCC arousal is" in " ".join(text.split())
