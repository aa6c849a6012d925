"""Litter and a folder around the files change nothing but the notes, for every reader and in folder and zip alike."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile

import pytest

from abawbench.base.problems import ProblemError
from abawbench.formats import read_predictions
from abawbench.formats.check import check
from abawbench.formats.pack import notes_on, pack
from abawbench.formats.repair import repair

PER_UNIT = ["abaw3-expr", "abaw10-vd"]


def rules(problems):
    return [problem.rule for problem in problems]


def litter(folder):
    """What Finder and the Explorer leave in a folder."""
    for file in sorted(folder.glob("*")):
        (folder / f"._{file.name}").write_bytes(b"\0\5\26\7")
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "Thumbs.db").write_bytes(b"\0")


def zipped(folder):
    target = folder.parent / f"{folder.name}.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return target


@pytest.mark.parametrize("challenge_id", PER_UNIT)
def test_litter_is_one_note_in_folder_and_zip(submission, challenge_id):
    made = submission(challenge_id)
    folder = made.write()
    litter(folder)
    for path in (folder, zipped(folder)):
        (note,) = check(made.challenge, path, made.template)
        assert (note.rule, note.count) == ("N21", len(made.lines) + 2)


@pytest.mark.parametrize("challenge_id", [*PER_UNIT, "abaw4-mtl", "abaw11-ah"])
def test_a_folder_around_the_files_is_one_note_in_folder_and_zip(submission, challenge_id):
    made = submission(challenge_id)
    made.write()
    outer = made.folder / "outer"
    shutil.copytree(made.folder / "mine", outer / "submission")
    for path in (outer, zipped(outer)):
        assert rules(check(made.challenge, path, made.template)) == ["N22"]


@pytest.mark.parametrize("challenge_id", PER_UNIT)
def test_readers_packing_and_mending_take_the_same_files(submission, challenge_id):
    made = submission(challenge_id)
    folder = made.write()
    plain = read_predictions(made.challenge, folder)
    repair(made.challenge, folder, made.template, made.folder / "plain copy")
    wanted = pack(made.challenge, [folder], made.folder / "plain.zip", made.template)
    litter(folder)
    outer = made.folder / "outer"
    shutil.copytree(folder, outer / "mine")
    for path, noted in ((folder, ["N21"]), (outer, ["N22", "N21"])):
        table = read_predictions(made.challenge, path)
        assert table.videos == plain.videos
        assert [note.rule for note in table.notes] == noted
        manifest = pack(made.challenge, [path], made.folder / "new.zip", made.template)
        assert manifest.sha256 == wanted.sha256
        assert rules(notes_on(made.challenge, [path], manifest)) == noted
        copy = made.folder / f"copy of {path.name}"
        repair(made.challenge, path, made.template, copy)
        assert {file.name for file in copy.iterdir()} == set(made.lines)


def test_a_list_of_templates_may_hold_litter(submission):
    made = submission("abaw10-vd")
    folder = made.write()
    litter(made.template)
    assert check(made.challenge, folder, made.template) == ()


def test_a_folder_of_several_trials_is_not_packed_as_one(submission):
    made = submission("abaw3-expr")
    made.write()
    for number in (0, 1):
        shutil.copytree(made.folder / "mine", made.folder / "trials" / f"{number}")
    with pytest.raises(ProblemError, match="2 folders of files"):
        pack(made.challenge, [made.folder / "trials"], made.folder / "new.zip", made.template)


@pytest.mark.parametrize("challenge_id", [*PER_UNIT, "abaw4-mtl"])
def test_the_same_trial_twice_is_a_note_in_folder_and_zip(submission, challenge_id):
    made = submission(challenge_id)
    made.write()
    folder = made.folder / "trials"
    for number in (0, 1):
        if made.is_per_unit:
            shutil.copytree(made.folder / "mine", folder / f"trial-{number}")
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(made.folder / "mine" / "predictions.txt", folder / f"trial-{number}.txt")
    for path in (folder, zipped(folder)):
        (note,) = check(made.challenge, path, made.template)
        assert note.rule == "N20"
        assert "trial-1" in str(note.file)


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes")
def test_a_unit_whose_name_is_no_text_is_refused_by_every_reader(submission):
    made = submission("abaw3-expr")
    folder = made.write()
    shutil.copy(folder / next(iter(made.lines)), folder / os.fsdecode(b"v\xff.txt"))
    assert rules(check(made.challenge, folder)) == ["F19"]
    for call in (
        lambda: read_predictions(made.challenge, folder),
        lambda: pack(made.challenge, [folder], made.folder / "new.zip"),
        lambda: repair(made.challenge, folder, None, made.folder / "copy"),
    ):
        with pytest.raises(ProblemError, match="F19"):
            call()
    assert not (made.folder / "new.zip").exists()


def test_a_unit_whose_name_has_control_characters_is_read(submission):
    made = submission("abaw3-expr")
    folder = made.write()
    (folder / next(iter(made.lines))).rename(folder / "a\nb\x1b[2J.txt")
    assert check(made.challenge, folder) == ()
    assert "a\nb\x1b[2J" in read_predictions(made.challenge, folder).videos
