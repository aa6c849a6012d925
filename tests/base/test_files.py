"""Files appear whole, links and rights stay, and nothing that somebody brought is destroyed."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from abawbench.base.files import check_output, require_plain, sweep, write_file, write_files, write_folder
from abawbench.base.problems import ProblemError
from abawbench.cli import main

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, rights and pipes of POSIX")


def rules(call, *arguments):
    with pytest.raises(ProblemError) as caught:
        call(*arguments)
    return [problem.rule for problem in caught.value.problems]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def special(tmp_path):
    """A pipe, a socket and a device by name."""
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)
        server.bind("socket")
        os.chdir(here)
        (tmp_path / "link").symlink_to("/dev/null")
        yield {name: tmp_path / name for name in ("pipe", "socket", "link")} | {
            name: Path("/dev") / name for name in ("null", "stdout", "fd/1")
        }


@pytest.mark.parametrize("name", ["pipe", "socket", "link", "null", "stdout", "fd/1"])
def test_nothing_is_written_onto_a_device_a_pipe_or_a_socket(special, name):
    before = os.lstat(special[name]).st_ino
    assert rules(write_file, special[name], b"x") == ["F12"]
    assert rules(check_output, special[name]) == ["F12"]
    assert rules(write_folder, special[name], {"a": b"x"}) in (["F12"], ["C02"])
    assert os.lstat(special[name]).st_ino == before


@pytest.mark.parametrize("name", ["pipe", "socket", "link", "null"])
def test_what_may_never_end_is_not_read(special, name):
    assert rules(require_plain, special[name]) == ["F01"]


@pytest.mark.parametrize("form", ["itself", "symlink", "hardlink", "dots", "in folder", "linked from folder"])
def test_an_input_is_no_output(tmp_path, form):
    given = tmp_path / "given.txt"
    given.write_text("mine")
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "1.txt").write_text("mine")
    (folder / "2.txt").symlink_to(given)
    (tmp_path / "symlink").symlink_to(given)
    (tmp_path / "hardlink").hardlink_to(given)
    out, source = {
        "itself": (given, given),
        "symlink": (tmp_path / "symlink", given),
        "hardlink": (tmp_path / "hardlink", given),
        "dots": (folder / ".." / "given.txt", given),
        "in folder": (folder / "deep" / "1.txt", folder),
        "linked from folder": (given, folder),
    }[form]
    assert rules(check_output, out, None, source) == ["F12"]


def test_a_new_file_in_an_input_folder_and_one_beside_it_are_outputs(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "old.txt").write_text("old")
    assert not check_output(tmp_path / "folder" / "new.txt", tmp_path / "folder")
    assert check_output(tmp_path / "old.txt", tmp_path / "folder", tmp_path / "missing")


@pytest.mark.parametrize("name", ["new.txt", "link/new.txt"])
def test_a_new_file_that_would_be_read_with_its_folder_is_no_output(tmp_path, name):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    (folder / "old.txt").write_text("old")
    out = folder / name if "/" not in name else tmp_path / name
    assert rules(check_output, out, folder) == ["F12"]
    assert not check_output(out.with_suffix(".json"), folder)
    assert not check_output(folder / "run", folder)
    assert rules(lambda: check_output(folder / "copy", folder, suffix=".txt")) == ["F12"]


def test_a_folder_under_another_name_is_still_the_input(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert rules(check_output, tmp_path / "link", tmp_path / "folder") == ["F12"]


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "place").mkdir()
    for target in ("old", "new"):
        (tmp_path / target).symlink_to(tmp_path / "place" / target)
    (tmp_path / "place" / "old").write_bytes(b"old")
    for target in ("old", "new"):
        write_file(tmp_path / target, b"now")
        assert (tmp_path / target).is_symlink()
        assert (tmp_path / "place" / target).read_bytes() == b"now"
    assert names(tmp_path / "place") == ["new", "old"]


def test_a_folder_goes_where_its_link_points(tmp_path):
    (tmp_path / "place").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "place")
    write_folder(tmp_path / "link", {"a.txt": b"x"})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "place" / "a.txt").read_bytes() == b"x"


@pytest.mark.parametrize(("umask", "file", "folder"), [(0o077, 0o600, 0o700), (0o002, 0o664, 0o775)])
def test_the_umask_decides_the_rights(tmp_path, umask, file, folder):
    before = os.umask(umask)
    try:
        write_file(tmp_path / "a", b"x")
        write_folder(tmp_path / "b", {"c": b"x"})
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "b", "b/c")]
    assert modes == [file, folder, file]


def test_a_replaced_file_keeps_its_rights(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x")
    path.chmod(0o640)
    write_file(path, b"y")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_files_that_belong_together_are_replaced_together(tmp_path):
    first, second = tmp_path / "first", tmp_path / "missing" / "second"
    first.write_bytes(b"old")
    assert rules(write_files, {first: b"new", second: b"new"}) == ["F01"]
    assert first.read_bytes() == b"old"
    assert names(tmp_path) == ["first"]


def test_what_killed_runs_left_is_swept_and_nothing_else(tmp_path):
    left = [".1.parquet.a1b2c3d4", ".1.json.k_x9y8z7", ".unit.0a1b2c3d"]
    kept = [
        "1.parquet",
        "tmpab12cd34",
        ".X.zip.part",
        ".lock",
        ".workers",
        ".hidden",
        "tmp",
        "tmp.txt",
        ".faces",
        ".work",
    ]
    for name in [*left[:-1], *kept]:
        (tmp_path / name).write_text("x")
    (tmp_path / left[-1]).mkdir()
    (tmp_path / left[-1] / "00001.jpg").write_text("x")
    sweep(tmp_path)
    assert names(tmp_path) == sorted(kept)


@pytest.mark.parametrize("verb", ["score", "score a truth", "check", "check with a list", "write", "pack"])
@pytest.mark.parametrize("name", ["pipe", "/dev/zero"])
def test_a_verb_reads_nothing_that_has_no_end(special, tmp_path, verb, name):
    given = Path("/dev/zero") if name == "/dev/zero" else special[name]
    good = tmp_path / "good.txt"
    good.write_text("image_location,valence,arousal\n2-30/00001.jpg,0.25,0.5\n")
    call = {
        "score": ("score", "abaw10-va", good, given),
        "score a truth": ("score", "abaw10-va", given, good),
        "check": ("check", "abaw10-va", given),
        "check with a list": ("check", "abaw10-va", good, "--template", given),
        "write": ("write", "abaw10-va", given, "--template", good, "-o", tmp_path / "out.txt"),
        "pack": ("pack", "abaw10-va", given, "-o", tmp_path / "out.zip"),
    }[verb]
    result = CliRunner().invoke(main, list(map(str, call)))
    assert result.exit_code == 1, result.exception
    assert "F01" in result.output
