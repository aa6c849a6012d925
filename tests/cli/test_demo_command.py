"""abawbench demo: the walk to its end, with drawn faces and with labels alone."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from click.testing import CliRunner

from abawbench.cli import main

SMALL = ("--videos", "14", "--frames", "16")


def run(out):
    return CliRunner().invoke(main, ["demo", "--out", str(out), *SMALL])


def test_faces_are_drawn_learned_from_and_ranked_as_synthetic_and_again(tmp_path):
    pytest.importorskip("sklearn")
    first, again = run(tmp_path / "demo"), run(tmp_path / "demo")
    assert first.exit_code == 0, first.stderr
    log = (tmp_path / "demo" / "demo.log").read_text()
    assert log.count("\nACCEPTED") == 2
    table = (tmp_path / "demo" / "leaderboard" / "abaw4-mtl.md").read_text()
    assert "2026_demo_hog" in table
    assert "synthetic truth" in table
    assert "drawn faces" in table
    assert again.exit_code == 0, again.stderr
    assert (tmp_path / "demo" / "leaderboard" / "abaw4-mtl.md").read_text() == table


def test_it_ends_with_a_line_for_each_thing_made_and_names_every_command_while_it_runs(tmp_path):
    result = run(tmp_path / "demo")
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["made", "score", "table", "board", "report", "walk", "next"]
    assert "on abaw4-mtl: " in lines[1]
    assert str(tmp_path / "demo" / "leaderboard" / "abaw4-mtl.md") in lines[2]
    for line in lines[3:5]:
        assert Path(line.split()[1].removeprefix("file://")).is_file()
    assert (tmp_path / "demo" / "demo.log").is_file()
    for verb in ("challenges", "write", "check", "score", "diff", "pack", "report", "leaderboard"):
        assert f"$ abawbench {verb} " in result.stderr


def test_a_step_that_fails_ends_the_demo_with_what_it_said(tmp_path):
    (tmp_path / "demo" / "leaderboard" / "records").mkdir(parents=True)
    (tmp_path / "demo" / "leaderboard" / "records" / "broken.json").write_text("{}")
    result = run(tmp_path / "demo")
    assert result.exit_code == 1
    assert "R01" in result.stderr
    assert "abawbench leaderboard ended with 1" in result.stderr
    assert result.stdout == ""


def test_without_opencv_it_says_so_and_goes_on_with_labels(tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "cv2" else real(name, *rest))
    result = run(tmp_path / "demo")
    assert result.exit_code == 0, result.stderr
    assert "no OpenCV here: labels alone" in result.stderr
    assert (tmp_path / "demo" / "demo.log").read_text().count("\nACCEPTED") == 3
    assert not list((tmp_path / "demo").glob("corpus_*"))
    assert "synthetic truth" in (tmp_path / "demo" / "leaderboard" / "abaw4-mtl.md").read_text()


def test_a_folder_that_cannot_be_made_is_one_problem(tmp_path):
    (tmp_path / "file").write_text("")
    result = run(tmp_path / "file" / "demo")
    assert result.exit_code == 1
    assert "F01" in result.stderr
