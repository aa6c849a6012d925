"""No verb writes over what the same call reads, and every file that is replaced is named."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from click.testing import CliRunner

from abawbench.cli import main

HEADER = "image_location,valence,arousal\n"
ROWS = [f"2-30/{frame:05d}.jpg" for frame in range(1, 4)]


@pytest.fixture
def files(tmp_path):
    """A list, a right prediction, and a truth with a file for each unit."""
    (tmp_path / "list.txt").write_text(HEADER + "\n".join(ROWS) + "\n")
    (tmp_path / "mine.txt").write_text(HEADER + "".join(f"{name},0.25,0.5\n" for name in ROWS))
    (tmp_path / "truth").mkdir()
    for unit in "abcd":
        (tmp_path / "truth" / f"{unit}.txt").write_text("valence,arousal\n0.1,0.2\n0.3,0.1\n")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


def calls(files, out):
    mine, rows = files / "mine.txt", files / "list.txt"
    return {
        "write": ("write", "abaw10-va", mine, "--template", rows, "-o", out),
        "pack": ("pack", "abaw10-va", mine, "--template", rows, "-o", out),
        "repair": ("check", "abaw10-va", mine, "--template", rows, "--repair", out),
        "folds": ("data", "folds", files / "truth", "-c", "abaw2-va", "-k", "2", "-o", out),
        "croissant": ("data", "croissant", "london", "-o", out),
    }


def contents(folder):
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("verb", "place"),
    [
        *((verb, place) for verb in ("write", "pack", "repair") for place in ("mine.txt", "list.txt", "link")),
        ("folds", "truth/a.txt"),
    ],
)
def test_no_verb_writes_over_its_input(files, verb, place):
    (files / "link").symlink_to(files / "mine.txt")
    before = contents(files)
    result = run(*calls(files, files / place)[verb])
    assert result.exit_code == 1
    assert "F12" in result.output
    assert contents(files) == before


@pytest.mark.skipif(os.name != "posix", reason="devices of POSIX")
@pytest.mark.parametrize("verb", ["write", "pack", "repair", "folds", "croissant"])
@pytest.mark.parametrize("place", ["pipe", "/dev/stdout", "/dev/null"])
def test_no_verb_writes_to_a_device_or_a_pipe(files, verb, place):
    os.mkfifo(files / "pipe")
    out = files / "pipe" if place == "pipe" else place
    before = os.lstat(out).st_ino
    result = run(*calls(files, out)[verb])
    assert result.exit_code == 1
    assert "F12" in result.output
    assert os.lstat(out).st_ino == before


@pytest.mark.parametrize("verb", ["write", "pack", "repair", "folds", "croissant"])
def test_a_file_that_is_replaced_is_named(files, verb):
    out = files / ("out.zip" if verb == "pack" else "out.txt")
    first = run(*calls(files, out)[verb])
    again = run(*calls(files, out)[verb])
    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    assert "was replaced" not in first.stderr
    assert f"{out}: the earlier file was replaced" in again.stderr


def test_the_manifest_of_a_zip_replaces_no_trial(files):
    trial = files / "out.manifest.json"
    trial.write_bytes((files / "mine.txt").read_bytes())
    result = run("pack", "abaw10-va", trial, "--template", files / "list.txt", "-o", files / "out.zip")
    assert (result.exit_code, "F12" in result.stderr) == (1, True)
    assert trial.read_bytes() == (files / "mine.txt").read_bytes()


def test_zip_and_manifest_agree_where_the_second_cannot_be_written(files, monkeypatch):
    out = files / "out.zip"
    assert run(*calls(files, out)["pack"]).exit_code == 0
    before = contents(files)
    (files / "mine.txt").write_text((files / "mine.txt").read_text().replace("0.25", "0.75"))
    changed = contents(files)
    import abawbench.base.files as module

    real = module.temporary_name

    def full_disk(path):
        return files / "missing" / "x" if path.name.endswith(".json") else real(path)

    monkeypatch.setattr(module, "temporary_name", full_disk)
    assert run(*calls(files, out)["pack"]).exit_code == 1
    assert contents(files) == changed
    zips = {hashed for path, hashed in before.items() if path.endswith(".zip")}
    assert json.loads((files / "out.manifest.json").read_text())["sha256"] in zips


def test_the_same_trial_twice_is_a_note(files):
    (files / "copy.txt").write_bytes((files / "mine.txt").read_bytes())
    call = ("pack", "abaw10-va", files / "mine.txt", files / "copy.txt", "--template", files / "list.txt")
    result = run(*call, "-o", files / "out.zip")
    assert result.exit_code == 0
    assert "N20" in result.stderr
    assert "copy.txt" in result.stderr


@pytest.mark.parametrize("verb", ["write", "pack", "repair", "folds"])
def test_no_verb_adds_a_file_to_its_input(files, verb):
    """A second submission or another unit would be read with the first the next time."""
    folder = files / "truth"
    (files / "other name").symlink_to(folder)
    suffix = ".zip" if verb == "pack" else ".txt"
    if verb != "folds":
        for name in ("mine.txt", "list.txt"):
            (folder / name).write_text((files / name).read_text())
    if verb == "pack":
        (folder / "old.zip").write_text("x")
    inputs = {
        "write": ("write", "abaw10-va", folder, "--template", files / "list.txt"),
        "pack": ("pack", "abaw3-expr", folder),
        "repair": ("check", "abaw3-expr", folder),
        "folds": ("data", "folds", folder, "-c", "abaw2-va", "-k", "2"),
    }
    option = "--repair" if verb == "repair" else "-o"
    for place in (folder / f"new{suffix}", files / "other name" / f"new{suffix}"):
        result = run(*inputs[verb], option, place)
        assert result.exit_code == 1
        assert "F12" in result.output
        assert not place.exists()


@pytest.mark.parametrize("verb", ["faces", "predict", "extract", "pretrain", "train"])
def test_no_run_writes_into_the_folder_of_its_data(tmp_path, verb):
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.mp4").write_bytes(b"x")
    (tmp_path / "link").symlink_to(data)
    words = {
        "faces": ("faces", data, tmp_path / "link"),
        "predict": ("predict", "2026_abawbench_mean", data, "-o", tmp_path / "link"),
        "extract": ("extract", "tiny_vit", data, "-o", tmp_path / "link"),
        "pretrain": ("pretrain", "mae", data, "-o", tmp_path / "link"),
        "train": ("train", "2026_me_mine", data, "-o", tmp_path / "link"),
    }
    result = run(*words[verb])
    assert result.exit_code == 1
    assert "F12" in result.stderr
    assert [path.name for path in data.iterdir()] == ["a.mp4"]
