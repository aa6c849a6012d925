from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner

from abawbench.cli import main
from tests.faces.conftest import Blobs, picture, write_video


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch):
    monkeypatch.setattr("abawbench.faces.run.Detector", Blobs)
    monkeypatch.setattr("abawbench.faces.run.weights_path", lambda _: None)


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    write_video(folder / "a.mp4", [picture((1, 40 + step, 40)) for step in range(30)])
    write_video(folder / "b.mp4", [picture((2, 20, 60), (3, 240, 50))] * 30)
    return folder


def called(*arguments: object):
    return CliRunner().invoke(main, ["faces", *(str(argument) for argument in arguments), "--workers", "1"])


def test_a_summary_goes_to_standard_output(videos, tmp_path):
    result = called(videos, tmp_path / "out")
    assert (result.exit_code, result.stderr) == (0, f"faces: {videos}, into {tmp_path / 'out'}\n")
    assert "units   3" in result.stdout
    assert "crops   90, from 60 frames" in result.stdout


def test_json_is_for_machines(videos, tmp_path):
    result = called(videos, tmp_path / "out", "--json")
    answer = json.loads(result.stdout)
    assert (answer["units"], answer["made"], answer["problems"]) == (["a", "b_left", "b_right"], 2, [])


def test_what_was_left_out_is_told_and_the_exit_status_is_one(videos, tmp_path):
    (videos / "c.mp4").write_bytes(b"nothing")
    result = called(videos, tmp_path / "out")
    assert result.exit_code == 1
    assert "F01" in result.stderr
    assert "c.mp4" in result.stderr
    assert "videos  3: 2 done, 1 left out" in result.stdout


def test_nothing_to_do_is_a_problem_without_a_traceback(tmp_path):
    (tmp_path / "empty").mkdir()
    result = called(tmp_path / "empty", tmp_path / "out")
    assert result.exit_code == 1
    assert "\nD30 " in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_audit_table_has_a_row_for_each_unit(videos, tmp_path):
    called(videos, tmp_path / "out")
    with (tmp_path / "out/audit.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["video"], row["unit"], row["faces"], row["second"]) for row in rows] == [
        ("a", "a", "30", "0"),
        ("b", "b_left", "30", "30"),
        ("b", "b_right", "30", "30"),
    ]


def test_the_page_needs_no_other_file_and_shows_names_as_text(videos, tmp_path):
    (videos / "a.mp4").rename(videos / "<b>bold.mp4")
    called(videos, tmp_path / "out")
    page = (tmp_path / "out/audit.html").read_text()
    assert "&lt;b&gt;bold" in page
    assert "<b>bold" not in page
    assert 'src="data:image/jpeg;base64,' in page
    assert not any(word in page for word in ("http:", "https:", 'src="/', "url("))


def test_help_has_an_example():
    result = CliRunner().invoke(main, ["faces", "--help"])
    assert result.exit_code == 0
    assert "abawbench faces videos faces" in result.stdout


@pytest.mark.parametrize(
    ("options", "crop", "size"),
    [
        ((), "arcface-112", 112),
        (("--crop", "aligned"), "arcface-112", 112),
        (("--crop", "wide", "--size", 160), "wide", 160),
        (("--crop", "eyes-1.50"), "eyes-1.5", 224),
        (("--crop", "box-0.2", "--size", 48), "box-0.2", 48),
    ],
)
def test_a_crop_has_a_name_and_a_size(videos, tmp_path, options, crop, size):
    assert called(videos / "a.mp4", tmp_path / "out", *options).exit_code == 0
    made = json.loads((tmp_path / "out" / "cropped_aligned" / "crop.json").read_text())
    assert made == {"crop": crop, "size": size}


@pytest.mark.parametrize("options", [("--crop", "round"), ("--crop", "eyes"), ("--size", 0), ("--crop", "box-99")])
def test_a_crop_that_there_is_not_is_wrong_use(videos, tmp_path, options):
    result = called(videos, tmp_path / "out", *options)
    assert result.exit_code == 2
    assert not (tmp_path / "out").exists()
