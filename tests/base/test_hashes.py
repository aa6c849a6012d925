"""Hashes of files and folders: the same for the same names and bytes, whatever the file system does."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from abawbench.base import hashes
from abawbench.base.hashes import hashes_of_file, sha256_of, sha256_of_files
from abawbench.base.problems import ProblemError


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256_of(tmp_path / "file").startswith("ba7816bf8f01cfea")


def folder(root: Path, **files: str) -> str:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return sha256_of(root)


def test_the_hash_of_a_folder_depends_on_names_and_contents_alone(tmp_path):
    first = folder(tmp_path / "1", a="x", b__c="y")
    assert folder(tmp_path / "2", b__c="y", a="x") == first


def test_the_hash_of_a_folder_does_not_depend_on_the_order_of_the_listing(tmp_path, monkeypatch):
    listing = Path.rglob
    first = folder(tmp_path, a="x", b="y", c="z")
    monkeypatch.setattr(Path, "rglob", lambda path, pattern: reversed(list(listing(path, pattern))))
    assert sha256_of(tmp_path) == first


@pytest.mark.parametrize("files", [{"a": "y", "b": "x"}, {"a": "x"}, {"a": "x", "c": "y"}, {"a": "xy", "b": ""}])
def test_the_hash_of_a_folder_tells_other_folders(tmp_path, files):
    assert folder(tmp_path / "1", a="x", b="y") != folder(tmp_path / "2", **files)


def test_the_hash_of_nothing_is_a_problem(tmp_path):
    with pytest.raises(ProblemError) as caught:
        sha256_of(tmp_path / "none")
    assert caught.value.problems[0].rule == "F01"


def test_the_hash_of_several_files_is_over_their_names_and_hashes(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").write_bytes(b"y")
    lines = b"".join(name + b"\0" + hashlib.sha256(data).digest() for name, data in ((b"b", b"y"), (b"a", b"x")))
    assert sha256_of_files([tmp_path / "b", tmp_path / "a"]) == hashlib.sha256(lines).hexdigest()


def test_a_file_is_hashed_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(hashes, "_PIECE", 3)
    (tmp_path / "file").write_bytes(b"0123456789")
    assert hashes_of_file(tmp_path / "file", ["md5"]) == [hashlib.md5(b"0123456789").hexdigest()]
