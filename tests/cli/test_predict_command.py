from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from abawbench.cli import main
from abawbench.clips.crop import ARCFACE, Crop
from abawbench.clips.crop_file import write_crop
from abawbench.clips.features import write_features
from abawbench.clips.images import read_image
from tests.faces.conftest import Blobs, picture, write_video
from tests.inference.conftest import write_crops

ENTRY = """\
name = "2026_test_mean"
title = "mean of each channel"
kind = "code"
vocabulary = "abaw4-mtl"
trained_on = []
sees_truth = false
licence = "Apache-2.0"

[picture]
size = 112
colour = "RGB"
crop = "arcface-112"
"""
CODE = """\
from torch import nn
from abawbench.entries.networks.torch_module import from_torch
from abawbench.models.image_input import half


class Net(nn.Module):
    def forward(self, pictures):
        mean = pictures.mean(dim=(1, 2, 3))[:, None]
        return {"va": mean.repeat(1, 2), "expression": mean.repeat(1, 8), "action_units": mean.repeat(1, 12)}


def create(card, vocabulary, settings):
    return from_torch(Net(), card, vocabulary, half(112))
"""


@pytest.fixture
def submissions(tmp_path) -> Path:
    folder = tmp_path / "submissions" / "2026_test_mean"
    folder.mkdir(parents=True)
    (folder / "entry.toml").write_text(ENTRY)
    (folder / "entry.py").write_text(CODE)
    return folder.parent


@pytest.fixture
def crops(tmp_path) -> Path:
    write_crop(tmp_path / "crops", ARCFACE)
    return write_crops(tmp_path / "crops", {"one": 5, "two": 3}, side=112)


def called(submissions: Path, *arguments: object):
    words = ["predict", *(str(argument) for argument in arguments), "--submissions", str(submissions)]
    return CliRunner().invoke(main, words)


def test_predictions_go_into_a_store_and_the_summary_to_standard_output(submissions, crops, tmp_path):
    result = called(submissions, "2026_test_mean", crops, "-o", tmp_path / "store")
    assert result.exit_code == 0, result.stderr
    assert "units      2 from crops: 2 done" in result.stdout
    assert "frames     8, 8 with a face" in result.stdout
    assert sorted(path.name for path in (tmp_path / "store" / "units").iterdir()) == [
        "one.json",
        "one.parquet",
        "two.json",
        "two.parquet",
    ]


def test_a_second_run_keeps_everything(submissions, crops, tmp_path):
    called(submissions, "2026_test_mean", crops, "-o", tmp_path / "store")
    result = called(submissions, "2026_test_mean", crops, "-o", tmp_path / "store", "--json")
    record = json.loads(result.stdout)
    assert (record["made"], record["kept"], record["problems"]) == (0, 2, [])


def test_crops_of_another_kind_are_refused_with_the_command_that_makes_the_right_ones(submissions, crops, tmp_path):
    write_crop(crops, Crop("wide", 112))
    result = called(submissions, "2026_test_mean", crops, "-o", tmp_path / "store")
    assert result.exit_code == 1
    assert result.stderr.count("\nE06 ") == 1
    assert "crops wide of 112 x 112 pixels; alike in 2 units (one, two)" in result.stderr
    assert "arcface-112 of 112 x 112 pixels, as its card says" in result.stderr
    assert "abawbench faces VIDEOS OUT --crop arcface-112 --size 112" in result.stderr
    assert list((tmp_path / "store" / "units").iterdir()) == []


def test_crops_that_do_not_say_what_they_are_run_with_one_note(submissions, crops, tmp_path):
    (crops / "crop.json").unlink()
    result = called(submissions, "2026_test_mean", crops, "-o", tmp_path / "store")
    assert result.exit_code == 0
    assert result.stderr.count("N50 ") == 1
    assert '{"crop": "arcface-112", "size": 112}' in result.stderr


@pytest.mark.parametrize(("crop", "size"), [("arcface-112", 224), ("wide", 112), ("box-0.2", 48)])
def test_the_card_decides_what_is_cut_from_a_video(submissions, tmp_path, monkeypatch, crop, size):
    monkeypatch.setattr("abawbench.faces.run.Detector", Blobs)
    monkeypatch.setattr("abawbench.faces.run.weights_path", lambda _: None)
    write_video(tmp_path / "me.mp4", [picture((1, 40 + step, 40)) for step in range(12)])
    path = submissions / "2026_test_mean" / "entry.toml"
    path.write_text(ENTRY.replace("size = 112", f"size = {size}").replace('"arcface-112"', f'"{crop}"'))
    result = called(submissions, "2026_test_mean", tmp_path / "me.mp4", "-o", tmp_path / "store")
    assert result.exit_code == 0, result.stderr
    made = tmp_path / "store" / "faces" / "cropped_aligned"
    assert json.loads((made / "crop.json").read_text()) == {"crop": crop, "size": size}
    assert read_image(made / "me" / "00001.jpg").shape == (size, size, 3)
    # the same crops serve again, under the name of their folder too
    result = called(submissions, "2026_test_mean", made, "-o", tmp_path / "again")
    assert (result.exit_code, result.stderr.count("N50")) == (0, 0)


def test_faces_of_an_earlier_card_are_not_mixed_with_those_of_the_present_one(submissions, tmp_path, monkeypatch):
    monkeypatch.setattr("abawbench.faces.run.Detector", Blobs)
    monkeypatch.setattr("abawbench.faces.run.weights_path", lambda _: None)
    write_video(tmp_path / "me.mp4", [picture((1, 40 + step, 40)) for step in range(12)])
    called(submissions, "2026_test_mean", tmp_path / "me.mp4", "-o", tmp_path / "store")
    path = submissions / "2026_test_mean" / "entry.toml"
    path.write_text(ENTRY.replace('"arcface-112"', '"wide"'))
    result = called(submissions, "2026_test_mean", tmp_path / "me.mp4", "-o", tmp_path / "store")
    assert result.exit_code == 1
    assert "D38 " in result.stderr
    assert "remove cropped_aligned and index from this one" in result.stderr


def test_an_entry_that_runs_on_the_cpu_alone_does_so_and_says_so(crops, tmp_path):
    words = ["predict", "2026_abawbench_constant", str(crops), "-o", str(tmp_path / "out"), "--device", "cuda:7"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert "note: 2026_abawbench_constant runs on the CPU alone, and not on cuda:7" in result.stderr


def test_changed_code_of_an_entry_is_noticed(submissions, crops, tmp_path):
    called(submissions, "2026_test_mean", crops, "-o", tmp_path / "store")
    path = submissions / "2026_test_mean" / "entry.py"
    path.write_text(path.read_text().replace("pictures.mean", "-pictures.mean"))
    result = called(submissions, "2026_test_mean", crops, "-o", tmp_path / "store")
    assert "units      2 from crops: 2 done" in result.stdout


def test_a_store_is_scored_and_written_like_any_prediction(submissions, crops, tmp_path):
    store = tmp_path / "store"
    assert called(submissions, "2026_test_mean", crops, "-o", store, "--write", "abaw4-mtl").exit_code == 0
    truth = tmp_path / "truth.txt"
    rows = [f"{unit}/{number:05d}.jpg" for unit, count in (("one", 5), ("two", 3)) for number in range(1, count + 1)]
    lines = [f"{row},0.{place},-0.{place},{place % 8},{','.join('01' * 6)}" for place, row in enumerate(rows)]
    truth.write_text("\n".join(["image,valence,arousal,expression,aus", *lines]) + "\n")
    scored = CliRunner().invoke(main, ["score", "abaw4-mtl", str(truth), str(store), "--resamples", "100", "--json"])
    assert scored.exit_code == 0, scored.stderr
    template = tmp_path / "list.txt"
    template.write_text("\n".join(["image,valence,arousal,expression,aus", *rows]) + "\n")
    out = tmp_path / "out.txt"
    written = CliRunner().invoke(main, ["write", "abaw4-mtl", str(store), "--template", str(template), "-o", str(out)])
    assert written.exit_code == 0, written.stderr
    assert out.read_bytes() == (store / "files" / "abaw4-mtl.txt").read_bytes()
    again = CliRunner().invoke(main, ["score", "abaw4-mtl", str(truth), str(out), "--resamples", "100", "--json"])
    assert json.loads(again.stdout)["score"] == pytest.approx(json.loads(scored.stdout)["score"], abs=1e-5)


def test_a_store_of_more_than_the_truth_is_scored_on_the_rows_of_the_truth(submissions, crops, tmp_path):
    called(submissions, "2026_test_mean", crops, "-o", tmp_path / "store")
    truth = tmp_path / "truth.txt"
    rows = [f"two/{number:05d}.jpg,0.{number},-0.{number},{number},{','.join('01' * 6)}" for number in (1, 2, 3)]
    truth.write_text("\n".join(["image,valence,arousal,expression,aus", *rows]) + "\n")
    words = [str(truth), str(tmp_path / "store"), "--resamples", "100", "--json"]
    scored = CliRunner().invoke(main, ["score", "abaw4-mtl", *words])
    assert scored.exit_code == 0, scored.stderr
    assert json.loads(scored.stdout)["rows"]["predicted"] == 3
    compared = CliRunner().invoke(main, ["diff", "abaw4-mtl", words[0], words[1], words[1], "--resamples", "100"])
    assert compared.exit_code == 0, compared.stderr


def test_a_video_becomes_files_of_each_track_in_one_command(submissions, tmp_path, monkeypatch):
    monkeypatch.setattr("abawbench.faces.run.Detector", Blobs)
    monkeypatch.setattr("abawbench.faces.run.weights_path", lambda _: None)
    write_video(tmp_path / "me.mp4", [picture((1, 40 + step, 40)) for step in range(12)] + [picture()] * 3)
    store = tmp_path / "store"
    tracks = ("abaw10-va", "abaw10-expr", "abaw10-au")
    words = [word for track in tracks for word in ("--write", track)]
    result = called(submissions, "2026_test_mean", tmp_path / "me.mp4", "-o", store, "--fill", "nearest", *words)
    assert result.exit_code == 0, result.stderr
    assert (store / "faces" / "audit.html").is_file()
    for track in tracks:
        found = store / "files" / f"{track}.txt"
        assert len(found.read_text().splitlines()) == 1 + 15, found.read_text()
    again = called(submissions, "2026_test_mean", tmp_path / "me.mp4", "-o", store, "--fill", "nearest", *words)
    assert "1 kept from before" in again.stdout


def test_features_for_an_entry_that_takes_crops_are_a_problem(submissions, tmp_path):
    (tmp_path / "features").mkdir()
    write_features(tmp_path / "features" / "v.safetensors", np.arange(1, 4), np.zeros((3, 5), np.float32))
    result = called(submissions, "2026_test_mean", tmp_path / "features", "-o", tmp_path / "store")
    assert result.exit_code == 1
    assert "\nP04 " in result.stderr


def test_an_entry_that_fails_leaves_what_is_finished_and_exits_with_1(submissions, crops, tmp_path):
    path = submissions / "2026_test_mean" / "entry.py"
    path.write_text(path.read_text().replace("mean = ", "assert len(pictures) == 2, 'broken'\n        mean = "))
    result = called(submissions, "2026_test_mean", crops, "-o", tmp_path / "store", "--precision", "float32")
    assert result.exit_code == 1
    assert "E12" in result.stderr
    assert "unit one, frame 1: AssertionError: broken" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_entry_that_has_not_learned_is_refused(tmp_path, crops):
    root = Path(__file__).parents[2] / "submissions"
    result = called(root, "2026_abawbench_hog", crops, "-o", tmp_path / "store")
    assert result.exit_code == 1
    assert "\nE11 " in result.stderr


def test_an_unknown_entry_suggests_near_ones(submissions, crops, tmp_path):
    result = called(submissions, "2026_test_maen", crops, "-o", tmp_path / "store")
    assert "did you mean 2026_test_mean" in result.stderr


def test_help_has_an_example():
    result = CliRunner().invoke(main, ["predict", "--help"])
    assert "abawbench predict submissions/" in result.stdout


OPENFACE = ["frame", "face_id", "timestamp", "confidence", "success"]


def test_tables_of_a_toolkit_become_a_store_that_says_what_it_does_not_cover(tmp_path):
    folder = tmp_path / "submissions" / "2026_test_tool"
    tables = tmp_path / "tables"
    folder.mkdir(parents=True)
    tables.mkdir()
    units = [1, 2, 4, 6, 7, 10, 12, 15, 23, 25, 26]
    header = OPENFACE + [f"AU{unit:02d}_r" for unit in units] + [f"AU{unit:02d}_c" for unit in units]
    rows = [
        [frame, 0, frame / 25, 0.9, int(frame != 3), *[1.5] * 11, *[(frame + unit) % 2 for unit in units]]
        for frame in range(1, 6)
    ]
    (tables / "v.csv").write_text("\n".join(", ".join(map(str, row)) for row in [header, *rows]) + "\n")
    text = (
        ENTRY.replace("test_mean", "test_tool").replace('kind = "code"', 'kind = "tool-output"').split("[picture]")[0]
    )
    (folder / "entry.toml").write_text(f'{text}[settings]\nfolder = "{tables}"\n')
    store = tmp_path / "store"
    result = called(folder.parent, "2026_test_tool", tables, "-o", store, "--write", "abaw10-au", "--fill", "previous")
    assert result.exit_code == 0, result.stderr
    assert "does not answer action_units AU24" in result.stderr
    lines = (store / "files" / "abaw10-au.txt").read_text().splitlines()
    assert len(lines) == 1 + 5
    truth = tmp_path / "truth"
    truth.mkdir()
    (truth / "v.txt").write_text(
        "\n".join(["AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26", *["1," * 11 + "1"] * 5])
    )
    scored = CliRunner().invoke(main, ["score", "abaw10-au", str(truth), str(store), "--resamples", "100"])
    assert scored.exit_code == 0, scored.stderr
    assert "What the entry does not answer" in scored.stdout
    assert "11 of 12" in scored.stdout


EMOTIEFFLIB = "frame,Anger,Contempt,Disgust,Fear,Happiness,Neutral,Sadness,Surprise\n"


def tool_entry(root: Path, **tables: str) -> Path:
    folder = root / "submissions" / "2026_test_tool"
    (folder / "tables").mkdir(parents=True)
    for unit, text in tables.items():
        (folder / "tables" / f"{unit}.csv").write_text(text)
    text = ENTRY.replace("test_mean", "test_tool").replace('kind = "code"', 'kind = "tool-output"')
    (folder / "entry.toml").write_text(text.split("[picture]")[0] + '[settings]\nfolder = "tables"\n')
    return folder


def test_the_cause_is_told_and_not_that_nothing_can_be_written(tmp_path):
    folder = tool_entry(tmp_path, v=EMOTIEFFLIB + "0,0.1,0,0,0,0.9,0,0,0\n")
    arguments = (folder.parent, folder.name, folder, "-o", tmp_path / "store", "--write", "abaw10-expr")
    result = called(*arguments)
    assert result.exit_code == 1
    assert 'for probabilities that sum to 1 set scores = "probability"' in result.stderr
    assert "F02" not in result.output
    record = json.loads(called(*arguments, "--json").stdout)
    assert {problem["rule"] for problem in record["problems"]} == {"E18"}
    assert record["files"] == {}


def test_a_table_at_fault_is_told_and_the_others_are_answered_and_written(tmp_path):
    rows = "0,1,0,0,0,9,0,0,0\n"
    folder = tool_entry(tmp_path, a=EMOTIEFFLIB + rows, b=EMOTIEFFLIB + "0,1,0,0,0,high,0,0,0\n")
    result = called(folder.parent, folder.name, folder, "-o", tmp_path / "store", "--write", "abaw10-expr", "--json")
    assert result.exit_code == 1
    record = json.loads(result.stdout)
    assert (record["units"], record["made"]) == (2, 1)
    assert list(record["files"]) == ["abaw10-expr"]


def test_rows_of_other_people_and_without_a_face_are_counted(tmp_path):
    header = "frame, face_id, timestamp, confidence, success, AU01_c, AU12_c\n"
    rows = "1,0,0,0.9,1,1,0\n1,1,0,0.9,1,0,1\n2,0,0,0.9,1,1,0\n3,0,0,0.1,0,0,0\n"
    folder = tool_entry(tmp_path, v=header + rows)
    arguments = (folder.parent, folder.name, folder, "-o", tmp_path / "store")
    assert "4 in the tables: 1 of other faces, 1 without a face" in called(*arguments).stdout
    assert json.loads(called(*arguments, "--json").stdout)["rows"] == {"all": 4, "of_others": 1, "without_face": 1}


def test_a_note_about_tables_is_shown_and_is_no_failure(tmp_path):
    header = "frame_idx,facial_expression,au_1,au_12,au_25_intensity,au_26_intensity\n"
    folder = tool_entry(tmp_path, v=header + "0,Happiness,0,1,0.8,0.9\n")
    result = called(folder.parent, folder.name, folder, "-o", tmp_path / "store")
    assert result.exit_code == 0
    assert "N31" in result.stderr
    assert "threshold" in result.stderr
