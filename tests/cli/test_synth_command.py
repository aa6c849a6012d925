"""abawbench synth at the terminal: what it makes, prints and refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from abawbench.base.run_lock import only_run
from abawbench.cli import main
from abawbench.clips.images import read_image

SMALL = ("--videos", "4", "--frames", "16")


def run(*arguments):
    return CliRunner(env={"COLUMNS": "400"}).invoke(main, ["synth", *map(str, arguments)])


def test_a_drawn_corpus_says_what_it_holds_and_how_fast_it_went(tmp_path):
    result = run(tmp_path / "corpus", *SMALL, "--workers", "1")
    assert result.exit_code == 0, result.stderr
    assert "with expression" in result.stdout
    assert "all quirks are on" in result.stdout
    assert "a second" in result.stderr
    assert any((tmp_path / "corpus" / "cropped_aligned").rglob("00001.jpg"))


def test_labels_alone_in_json_and_started_again(tmp_path):
    arguments = (tmp_path / "corpus", *SMALL, "--labels-only", "--without", "lag, repeats", "--json")
    first, again = run(*arguments), run(*arguments)
    assert first.exit_code == again.exit_code == 0, first.stderr
    assert first.stdout == again.stdout
    card = json.loads(first.stdout)
    assert card["settings"]["without"] == ["lag", "repeats"]
    assert card["counts"]["splits"]["train"]["repeated"] == 0
    assert not (tmp_path / "corpus" / "cropped_aligned").exists()


def test_a_sparse_corpus_says_what_is_not_drawn_and_how_many_labels_it_has(tmp_path):
    labelled = ("--labelled", "expression=5,action_units=9", "--overlap", "1", "--without", "repeats")
    result = run(tmp_path / "corpus", "--videos", "6", "--frames", "90", "--step", "10", "--labels-only", *labelled)
    assert result.exit_code == 0, result.stderr
    assert "one frame in 10 has labels and a crop; the others are neither annotated nor drawn" in result.stdout
    card = json.loads((tmp_path / "corpus" / "corpus.json").read_text())
    assert card["counts"]["splits"]["train"]["annotated"] | {"va": 0} == {"va": 0, "expression": 5, "action_units": 9}
    assert card["settings"]["labelled"] == {"action_units": 9, "expression": 5}


def test_more_labels_than_frames_end_with_1(tmp_path):
    result = run(tmp_path / "corpus", *SMALL, "--labels-only", "--labelled", "va=5000,expression=6000")
    assert result.exit_code == 1
    assert "5,000 labels of va" in result.stderr
    assert "6,000 labels of expression" in result.stderr
    assert not (tmp_path / "corpus").exists()


def test_another_corpus_in_the_folder_ends_with_1(tmp_path):
    assert run(tmp_path / "corpus", *SMALL, "--labels-only").exit_code == 0
    result = run(tmp_path / "corpus", *SMALL, "--labels-only", "--seed", "3")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "D50" in result.stderr
    assert "seed = 3" in result.stderr


def test_a_folder_that_cannot_be_made_ends_with_1(tmp_path):
    (tmp_path / "file").write_text("")
    result = run(tmp_path / "file" / "corpus", *SMALL, "--labels-only")
    assert result.exit_code == 1
    assert "F01" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name the folder OUT"),
        (("out", "--videos", "2"), "x>=3"),
        (("out", "--without", "laag"), "did you mean 'lag'"),
        (("out", "--without", "xyz"), "known: repeats"),
        (("out", "--film", "1", "--labels-only"), "needs pictures"),
        (("out", "--labelled", "expresion=5"), "none of va=N, expression=N"),
        (("out", "--labelled", "va=5,va=6"), "va twice"),
        (("out", "--overlap", "2"), "0<=x<=1"),
        (("out", "--relatedness", "none"), "'true', 'permuted', 'unrelated'"),
        (("out", "--film", "9", "--videos", "4"), "there are 4 videos"),
        (("--sheet", "faces.gif"), ".png or .jpg"),
        (("out", "--sheet", "faces.png"), "sheet alone"),
    ],
)
def test_wrong_use_ends_with_2_and_says_why(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_all_quirks_are_turned_off_in_one_word(tmp_path):
    result = run(tmp_path / "corpus", *SMALL, "--labels-only", "--without", "all")
    assert result.exit_code == 0, result.stderr
    assert "quirks off: imbalance, label-noise, label-sets, lag, missing-crops" in result.stdout


def test_the_contact_sheet_is_a_picture(tmp_path):
    pytest.importorskip("abawbench.synthetic.sheet")
    result = run("--sheet", tmp_path / "faces.png")
    assert result.exit_code == 0, result.stderr
    assert min(read_image(tmp_path / "faces.png").shape[:2]) > 112


def _workers_of(corpus):
    """Process ids of the processes that hold the corpus open."""
    found = []
    for place in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if place.readlink() == corpus / ".workers":
                found.append(int(place.parts[2]))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_a_killed_run_takes_its_workers_with_it_and_goes_on(tmp_path):
    out = (tmp_path / "corpus").resolve()
    call = [sys.executable, "-m", "abawbench", "synth", str(out), "--videos", "6", "--frames", "40", "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(call, env=environment, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not _workers_of(out) and time.monotonic() < deadline:
            time.sleep(0.05)
        workers = _workers_of(out)
        second = run(out, "--videos", "6", "--frames", "40", "--workers", "1")
        process.kill()
    assert workers
    assert (second.exit_code, "D36" in second.stderr) == (1, True)
    with only_run(out):
        assert _workers_of(out) == []
    assert run(out, "--videos", "6", "--frames", "40", "--workers", "2").exit_code == 0
    assert len(list((out / "cropped_aligned").iterdir())) >= 6
