"""abawbench data folds at the terminal: the table, the file, its check, exit codes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from abawbench.cli import main


@pytest.fixture
def truth(tmp_path):
    """A truth of abaw6-expr's kind: a folder of a file for each of ten videos."""
    folder = tmp_path / "truth"
    folder.mkdir()
    random = np.random.default_rng(0)
    for video in range(10):
        classes = random.integers(-1, 8, 40 + 5 * video)
        header = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"
        (folder / f"v{video}.txt").write_text("\n".join([header, *map(str, classes), ""]))
    return folder


def run(*arguments):
    return CliRunner().invoke(main, ["data", "folds", *map(str, arguments)])


def test_the_table_of_shares_is_printed_and_the_folds_are_written(truth, tmp_path):
    result = run(truth, "-c", "abaw6-expr", "-k", 3, "-o", tmp_path / "folds.json")
    assert result.exit_code == 0, result.output
    assert "expression=Happiness" in result.stdout
    assert "farthest from even" in result.stdout
    saved = json.loads((tmp_path / "folds.json").read_text())
    assert len(saved["folds"]) == 3
    assert f"sha256 {saved['sha256']}" in result.stdout
    envelope = {"ok": True, "verb": "data folds", "problems": []}
    assert json.loads(run(truth, "-c", "abaw6-expr", "-k", 3, "--json").stdout) == envelope | saved


def test_saved_folds_are_checked_against_the_data(truth, tmp_path):
    run(truth, "-c", "abaw6-expr", "-k", 3, "-o", tmp_path / "folds.json")
    assert run(truth, "-c", "abaw6-expr", "--check", tmp_path / "folds.json").exit_code == 0
    (truth / "v3.txt").unlink()
    result = run(truth, "-c", "abaw6-expr", "--check", tmp_path / "folds.json")
    assert result.exit_code == 1
    assert "v3 not in the data" in result.stderr


def test_subjects_from_a_file_or_a_column(truth, tmp_path):
    (tmp_path / "subjects.csv").write_text("".join(f"v{video},S{video // 2}\n" for video in range(10)))
    out = run(truth, "-c", "abaw6-expr", "-k", 2, "--subjects", tmp_path / "subjects.csv", "--json")
    members = [set(part["members"]) for part in json.loads(out.stdout)["folds"]]
    assert all(({"v0", "v1"} <= units) or not ({"v0", "v1"} & units) for units in members)
    labels = pd.DataFrame({"video": [f"v{n}" for n in range(8)], "subject": list("aabbccdd"), "label": [0, 1] * 4})
    labels.to_parquet(tmp_path / "labels.parquet")
    by_column = json.loads(run(tmp_path / "labels.parquet", "-k", 2, "--by-subject", "--json").stdout)
    assert by_column["by"] == "subject"
    assert [part["counts"]["label=1"] for part in by_column["folds"]] == [2, 2]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["truth"], 2),
        (["truth", "-c", "abaw6-expr", "--by-subject"], 2),
        (["truth", "-c", "abaw6-expr", "-k", "11"], 1),
        (["absent.parquet"], 1),
        (["absent", "-c", "abaw6-expr"], 1),
        (["truth", "-c", "abaw6-expr", "-k", "1"], 2),
    ],
)
def test_wrong_use_and_bad_input(truth, tmp_path, monkeypatch, arguments, code):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
