"""What is not read in a folder of the user is told in one note."""

from __future__ import annotations

import os
import sys

import pytest

from abawbench.base.folders import entries, require_names, unfold, without_litter
from abawbench.base.problems import ProblemError


def test_files_of_systems_are_left_out_and_named_in_one_note(tmp_path):
    for name in ("b.txt", "a.txt", ".DS_Store", "._a.txt", "Thumbs.db", "desktop.ini", "metadata"):
        (tmp_path / name).write_text("x")
    (tmp_path / "__MACOSX").mkdir()
    found, (note,) = entries(tmp_path)
    assert [path.name for path in found] == ["a.txt", "b.txt"]
    assert (note.rule, note.count) == ("N21", 6)
    assert "'.DS_Store'" in note.found
    assert "3 more" in note.found


def test_locks_and_unfinished_files_of_a_run_are_left_out_without_a_word(tmp_path):
    for name in (".lock", ".workers", ".unit.parquet.0a1b2c3d", "a.txt"):
        (tmp_path / name).write_text("x")
    assert entries(tmp_path) == ([tmp_path / "a.txt"], ())


def test_names_keep_their_order(tmp_path):
    assert without_litter(tmp_path, ["b/x.txt", "__MACOSX/b/._x.txt", "a/x.txt"])[0] == ["b/x.txt", "a/x.txt"]


def test_a_folder_that_holds_a_folder_alone_stands_for_it(tmp_path):
    inner = tmp_path / "trial"
    inner.mkdir()
    (tmp_path / ".DS_Store").write_text("x")
    assert unfold(tmp_path)[0] == inner
    assert [note.rule for note in unfold(tmp_path)[1]] == ["N22"]
    (tmp_path / "other.txt").write_text("x")
    assert unfold(tmp_path) == (tmp_path, ())


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ProblemError, match="F01"):
        entries(tmp_path / "missing")


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes")
def test_a_name_of_bytes_that_are_no_text_is_a_problem_of_its_own(tmp_path):
    for name in (b"v\xff", b"w\xe9", b"good"):
        (tmp_path / os.fsdecode(name)).mkdir()
    found, problems = entries(tmp_path)
    assert [path.name for path in found] == ["good"]
    assert [problem.rule for problem in problems] == ["F19", "F19"]
    assert problems[0].found.isprintable()
    # what cannot be read is no litter around the one folder that can
    assert unfold(tmp_path) == (tmp_path, ())
    with pytest.raises(ProblemError, match="F19"):
        require_names(tmp_path)
