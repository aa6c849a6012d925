from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from abawbench.cli import main
from abawbench.datasets.label_file import read_label_file

UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["data", "read", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def disfa(tmp_path: Path) -> Path:
    root = tmp_path / "DISFA"
    for subject, high in (("SN001", 1), ("SN003", 2), ("SN006", 5)):
        folder = root / "ActionUnit_Labels" / subject
        folder.mkdir(parents=True)
        for unit in UNITS:
            (folder / f"{subject}_au{unit}.txt").write_text(f"1,0\n2,{high}\n")
    return root


def write_crema(root: Path, *rows: str) -> None:
    header = '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote","MultiModalLevel"'
    (root / "summaryTable.csv").write_text("\n".join((header, *rows)) + "\n")


def test_a_copy_is_counted_by_split_and_the_loss_is_told(disfa):
    result = run("disfa", disfa)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[2].split() == ["part1", "2", "1", "1"]
    cells = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("AU")}
    assert cells["AU1"] == ["0", "of", "2", "1", "of", "2", "1", "of", "2"]
    assert cells["AU7"] == ["masked"] * 3
    assert "action units that disfa_1 does not label, masked: AU7, AU10, AU23, AU24" in result.stdout
    assert "action_units: present from 2 on" in result.stdout
    assert result.stderr == f"read: {disfa}, as disfa\n"


def test_the_parquet_file_has_keys_and_abaw_columns_and_masks_as_missing(disfa, tmp_path):
    out = tmp_path / "disfa.parquet"
    assert run("disfa", disfa, "-o", out).exit_code == 0
    frame: Any = pd.read_parquet(out)
    assert list(frame.columns) == [
        *("video", "frame", "subject", "split", "image"),
        *("AU1", "AU2", "AU4", "AU6", "AU7", "AU10", "AU12", "AU15", "AU23", "AU24", "AU25", "AU26"),
    ]
    assert frame["video"].tolist() == ["SN001"] * 2 + ["SN003"] * 2 + ["SN006"] * 2
    assert frame["split"].tolist() == ["part1"] * 2 + ["part3"] * 2 + ["part2"] * 2
    assert frame["AU1"].tolist() == [0, 0, 0, 1, 0, 1]
    assert frame["AU7"].isna().all()
    assert frame["image"].isna().all()
    metadata = json.loads(pq.read_schema(out).metadata[b"abawbench"])
    assert metadata == {"dataset": "disfa_1", "vocabulary": "abaw", "classes": {}}
    back = read_label_file(out)
    assert back.subjects == {"SN001": "SN001", "SN003": "SN003", "SN006": "SN006"}
    assert back.table.classes("action_units")[:, 0].tolist() == [0, 0, 0, 1, 0, 1]
    assert (back.table.classes("action_units")[:, 4] == -1).all()


def test_own_keeps_columns_of_two_tasks_apart(disfa, tmp_path):
    out = tmp_path / "own.parquet"
    result = run("disfa", disfa, "--own", "-o", out)
    assert result.exit_code == 0
    assert "The map onto ABAW" not in result.stdout
    frame: Any = pd.read_parquet(out)
    assert frame["AU9"].tolist() == [0, 0, 0, 1, 0, 1]
    assert frame["intensity.AU9"].tolist() == [0, 1, 0, 2, 0, 5]


def test_own_classes_are_names_and_abaw_classes_are_numbers(tmp_path):
    rows = '"1","1001_IEO_NEU_XX","N","1","N","9","N","6"', '"7","1001_IEO_SAD_HI","N","6","A:F","3:5","N","6"'
    write_crema(tmp_path, *rows)
    out = tmp_path / "own.parquet"
    assert run("crema-d", tmp_path, "--labels", "face", "--own", "-o", out).exit_code == 0
    frame: Any = pd.read_parquet(out)
    assert frame["expression"].fillna("").tolist() == ["neutral", ""]
    assert frame["frame"].isna().all()
    assert frame["fear"].tolist() == [0, 0.5]
    assert np.array_equal(frame["level.fear"], [np.nan, 5], equal_nan=True)
    assert run("crema-d", tmp_path, "--labels", "face", "-o", out).exit_code == 0
    assert pd.read_parquet(out)["expression"].fillna(-1).tolist() == [0, -1]


def test_json_says_counts_loss_and_problems(tmp_path):
    write_crema(tmp_path, '"1","1001_IEO_NEU_XX","N","1","N","9","N","6"', '"2","x","N","1","N","9","N","6"')
    result = run("crema-d", tmp_path, "--labels", "face", "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["rows"] == 1
    assert answer["splits"][""]["labels"]["expression"]["Neutral"] == 1
    assert answer["loss"]["expression"]["absent"] == ["Surprise", "Other"]
    assert [problem["rule"] for problem in answer["problems"]] == ["T06"]


def test_rows_at_fault_are_left_out_the_rest_is_written_and_the_status_is_1(disfa, tmp_path):
    (disfa / "ActionUnit_Labels/SN006/SN006_au1.txt").write_text("1,0\n2,9\n")
    out = tmp_path / "disfa.parquet"
    result = run("disfa", disfa, "-o", out)
    assert result.exit_code == 1
    assert "V09" in result.stderr
    assert "SN006_au1.txt:2" in result.stderr
    assert pd.read_parquet(out)["AU1"].fillna(-1).tolist() == [0, 0, 0, 1, 0, -1]


def test_nothing_is_written_where_nothing_can_be_read(tmp_path):
    out = tmp_path / "none.parquet"
    result = run("disfa", tmp_path, "-o", out)
    assert result.exit_code == 1
    assert "F01" in result.stderr
    assert not out.exists()


def test_a_place_that_cannot_be_written_is_a_problem_and_the_counts_are_printed(disfa, tmp_path):
    result = run("disfa", disfa, "-o", tmp_path / "no" / "such" / "folder.parquet")
    assert result.exit_code == 1
    assert "F01" in result.stderr
    assert "written" not in result.stderr
    assert "AU1" in result.stdout


def test_contempt_may_become_other(tmp_path):
    folder = tmp_path / "Emotion/S005/001"
    folder.mkdir(parents=True)
    (folder / "S005_001_00000011_emotion.txt").write_text("   2.0000000e+00\n")
    dropped = run("ck-plus", tmp_path, "--labels", "expression")
    assert "masked: 3 rows of contempt" in dropped.stdout
    other = run("ck-plus", tmp_path, "--labels", "expression", "--contempt", "other", "--json")
    counts = json.loads(other.stdout)["splits"][""]["labels"]["expression"]
    assert counts["Other"] == 3
    assert counts["not annotated"] == 0


def test_a_data_set_that_has_nothing_of_abaw_says_that_own_keeps_it(tmp_path):
    rows = "3\n" + " ".join(celeba_names()) + "\n" + "".join(f"{n:06d}.jpg" + " -1" * 40 + "\n" for n in (1, 2, 3))
    (tmp_path / "list_attr_celeba.txt").write_text(rows)
    (tmp_path / "list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n")
    (tmp_path / "identity_CelebA.txt").write_text("000001.jpg 7\n000002.jpg 8\n000003.jpg 9\n")
    result = run("celeba", tmp_path)
    assert result.exit_code == 0
    assert "--own" in result.stdout
    own = run("celeba", tmp_path, "--own")
    assert "Smiling" in own.stdout


def celeba_names() -> tuple[str, ...]:
    from abawbench.datasets.manifests import get_manifest

    return get_manifest("celeba").labels[0].tasks[0].columns


def test_a_manifest_of_ones_own_is_named_by_its_path(disfa, tmp_path):
    text = (Path(__file__).parents[2] / "data_manifests/disfa_1.toml").read_text()
    path = tmp_path / "strict_1.toml"
    path.write_text(text.replace('name = "disfa"', 'name = "strict"').replace("positive_from = 2", "positive_from = 3"))
    result = run(path, disfa, "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["loss"]["action_units"]["positive_from"] == {"action_units": 3}
    assert [part["labels"]["action_units"]["AU1"] for part in answer["splits"].values()] == [0, 0, 1]


def test_an_unknown_data_set_is_refused_with_near_names(tmp_path):
    result = run("disffa", tmp_path)
    assert result.exit_code == 1
    assert "disfa" in result.stderr


def test_the_help_has_an_example():
    assert "abawbench data read disfa" in run("--help").stdout
