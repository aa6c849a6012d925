"""abawbench score --batch at the terminal: the table, the refused ones, exit codes, JSON and CSV."""

from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner

import abawbench
from abawbench.challenges import get
from abawbench.cli import main
from abawbench.organisers.samples import sample, write

MTL = get("abaw4-mtl")
FEW = ("--resamples", "200")


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture
def files(tmp_path):
    inbox = tmp_path / "in"
    inbox.mkdir()
    for seed in range(3):
        made = write(sample(MTL, seed=seed).prediction, tmp_path / f"made{seed}")
        (inbox / f"team{seed}.txt").write_bytes(made.read_bytes())
    truth, template = (write(getattr(sample(MTL), part), tmp_path / part) for part in ("truth", "template"))
    return truth, template, inbox


def test_the_table_is_ranked_and_all_scored_is_0(files):
    truth, template, inbox = files
    result = run("score", MTL.id, truth, "--batch", inbox, "--template", template, *FEW)
    assert result.exit_code == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if "team" in line]
    values = [abawbench.score(MTL.id, truth, inbox / f"team{seed}.txt", resamples=200).score or 0 for seed in range(3)]
    order = sorted(range(3), key=lambda seed: -values[seed])
    assert [line.split()[1] for line in lines] == [f"team{seed}.txt" for seed in order]
    assert [line.split()[0] for line in lines] == ["1", "2", "3"]
    assert f"{values[order[0]]:.4f}" in lines[0]
    assert "score: the predictions in" in result.stderr


def test_a_refused_prediction_is_told_behind_the_others_and_gives_1(files):
    truth, template, inbox = files
    text = (inbox / "team0.txt").read_text()
    (inbox / "bad.txt").write_text(text[:-9])
    (inbox / "empty\x1b[31m.txt").write_text("")
    result = run("score", MTL.id, truth, "--batch", inbox, "--template", template, *FEW)
    assert result.exit_code == 1
    scored, _, refused = result.stdout.partition("Refused: 2")
    assert scored.count("team") == 3
    assert "bad.txt: F05" in refused
    assert "\\x1b[31m" in refused
    assert "\x1b" not in result.stdout
    assert "fix:" in refused


def test_json_holds_every_score_as_score_prints_it_alone(files):
    truth, _, inbox = files
    (inbox / "bad.txt").write_text("nothing\n")
    (inbox / "readme.md").write_text("nothing\n")
    result = run("score", MTL.id, truth, "--batch", inbox, *FEW, "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    keys = ["ok", "verb", "problems", "challenge", "fingerprint", "figure", "predictions", "refused", "unread", "rows"]
    assert list(found) == keys
    assert (found["ok"], found["verb"], found["unread"]) == (False, "score", ["readme.md"])
    assert [one["name"] for one in found["refused"]] == ["bad.txt"]
    assert found["problems"] == found["refused"][0]["problems"]
    for one in found["predictions"]:
        alone = json.loads(run("score", MTL.id, truth, inbox / one["name"], *FEW, "--json").stdout)
        for key in ("score", "terms", "metrics", "intervals"):
            assert one[key] == alone[key]
        assert one["problems"] == alone["problems"]


def test_the_csv_has_all_digits_and_stands_in_nobodys_place(files, tmp_path):
    truth, _, inbox = files
    (inbox / "bad.txt").write_text("nothing\n")
    out = tmp_path / "table.csv"
    result = run("score", MTL.id, truth, "--batch", inbox, *FEW, "-o", out)
    assert result.exit_code == 1
    rows = list(csv.DictReader(out.read_text().splitlines()))
    best = abawbench.score_batch(MTL.id, truth, inbox, resamples=200).standings[0]
    assert float(rows[0]["score"]) == best.score.score
    assert (rows[0]["name"], rows[0]["rank"], rows[0]["rule"]) == (best.name, "1", "")
    assert (rows[-1]["name"], rows[-1]["rank"], rows[-1]["rule"][0]) == ("bad.txt", "", "F")
    kept = truth.read_bytes()
    assert run("score", MTL.id, truth, "--batch", inbox, *FEW, "-o", truth).exit_code == 1
    assert truth.read_bytes() == kept


def test_truth_and_list_in_the_folder_are_no_predictions(files):
    _, template, inbox = files
    (inbox / "truth.txt").write_bytes(files[0].read_bytes())
    (inbox / "list.txt").write_bytes(template.read_bytes())
    arguments = ("score", MTL.id, inbox / "truth.txt", "--batch", inbox, "--template", inbox / "list.txt", *FEW)
    result = run(*arguments)
    assert result.exit_code == 0, result.stdout
    assert "not read, as no prediction: list.txt, truth.txt" in result.stderr
    assert "mailroom" not in result.stderr
    (inbox / "1.eml").write_bytes(b"From: a@b.org\n\nhello\n")
    assert "mails are read by `abawbench mailroom`" in run(*arguments).stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["in/team0.txt", "--batch", "in"], "leave PREDICTIONS out"),
        (["--batch", "in", "--by", "video", "--lens"], "leave --by and --lens out"),
        (["--batch", "in", "--tuned", "x.json"], "leave --tuned out"),
        (["--batch", "in", "--record", "x"], "leave --record out"),
        (["in/team0.txt", "--template", "list.txt"], "--template: only with --batch"),
        (["in/team0.txt", "--workers", "2", "-o", "x.csv"], "--out and --workers: only with --batch"),
        (["in/team0.txt", "--engine", "ray"], "--engine: only with --batch"),
        ([], "Missing argument 'PREDICTIONS'"),
    ],
    ids=str,
)
def test_options_that_do_not_fit_each_other_are_wrong_use(arguments, said):
    result = run("score", MTL.id, "truth.txt", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_folder_without_predictions_is_a_problem(files, tmp_path):
    (tmp_path / "empty").mkdir()
    result = run("score", MTL.id, files[0], "--batch", tmp_path / "empty", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"][0]["rule"] == "O50"


def test_a_note_on_many_predictions_is_one_line(files):
    truth, _, inbox = files
    for path in list(inbox.iterdir()):
        path.write_text(path.read_text().replace(",", ", "))
    result = run("score", MTL.id, truth, "--batch", inbox, *FEW)
    assert result.exit_code == 0, result.stdout
    (line,) = [line for line in result.stderr.splitlines() if "N11" in line]
    assert "and 2 more predictions]" in line


def test_quiet_says_no_progress(files):
    truth, _, inbox = files
    assert "predictions of" not in run("score", MTL.id, truth, "--batch", inbox, *FEW, "-q").stderr
