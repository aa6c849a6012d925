from __future__ import annotations

from pathlib import Path

import pytest

from abawbench.base.problems import ProblemError
from abawbench.clips.images import number_of
from abawbench.faces.sources import find_sources


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def found(root: Path) -> list[tuple[str, str]]:
    return [(source.name, source.kind) for source in find_sources(root)[0]]


def test_a_folder_gives_its_videos_and_those_one_level_below_sorted(tmp_path):
    touch(tmp_path, "b.mp4", "a.AVI", "more/c.mov", "more/deep/d.mp4", "notes.txt", ".hidden.mp4")
    assert found(tmp_path) == [("a", "video"), ("b", "video"), ("c", "video")]


def test_numbered_pictures_are_the_frames_of_one_video(tmp_path):
    touch(tmp_path, "clip/00010.jpg", "clip/00002.jpg", "clip/frame-3.png")
    ((source,), problems) = find_sources(tmp_path)
    assert (source.name, source.kind, source.numbers) == ("clip", "frames", (2, 3, 10))
    assert problems == ()


def test_other_pictures_are_photographs_of_their_own(tmp_path):
    touch(tmp_path, "anna.jpg", "00001.jpg")
    assert found(tmp_path) == [("00001", "photo"), ("anna", "photo")]


def test_one_file_is_one_source(tmp_path):
    assert found(touch(tmp_path, "a.mp4") / "a.mp4") == [("a", "video")]


def test_two_files_of_one_name_are_both_left_out_and_the_rest_is_kept(tmp_path):
    kept, problems = find_sources(touch(tmp_path, "a.mp4", "a.avi", "b.mp4"))
    assert [source.name for source in kept] == ["b"]
    assert [(problem.rule, problem.count) for problem in problems] == [("D31", 2)]


@pytest.mark.parametrize("name", ["a_left", "a_right", "a_person3", "a_person12"])
def test_a_name_that_a_person_of_another_video_may_get_is_left_out(tmp_path, name):
    kept, problems = find_sources(touch(tmp_path, "a.mp4", f"{name}.mp4"))
    assert [source.name for source in kept] == ["a"]
    assert [problem.rule for problem in problems] == ["D31"]


@pytest.mark.parametrize("name", ["a_3", "a_person2", "a_person03", "a_leftover", "left"])
def test_a_name_that_no_person_gets_is_kept(tmp_path, name):
    assert len(found(touch(tmp_path, "a.mp4", f"{name}.mp4"))) == 2


def test_a_name_like_a_persons_is_kept_where_its_video_is_not_there(tmp_path):
    assert found(touch(tmp_path, "a_left.mp4", "a_right.mp4")) == [("a_left", "video"), ("a_right", "video")]


def test_two_pictures_of_one_number_are_a_problem(tmp_path):
    kept, problems = find_sources(touch(tmp_path, "clip/1.jpg", "clip/01.png", "b.mp4"))
    assert [source.name for source in kept] == ["b"]
    assert [problem.rule for problem in problems] == ["D31"]


def test_a_folder_that_cannot_be_read_is_a_problem_and_the_rest_is_kept(tmp_path, monkeypatch):
    touch(tmp_path, "a.mp4", "locked/b.mp4")
    usual = Path.iterdir

    def refuse(path):
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return usual(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    kept, problems = find_sources(tmp_path)
    assert [source.name for source in kept] == ["a"]
    assert [(problem.rule, problem.found) for problem in problems] == [("F01", "Permission denied")]


def test_nothing_to_do_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="D30"):
        find_sources(touch(tmp_path, "notes.txt"))
    with pytest.raises(ProblemError, match="F01"):
        find_sources(tmp_path / "missing")


def test_the_digest_changes_with_the_content_and_not_with_the_place(tmp_path):
    one, other = touch(tmp_path / "x", "a.mp4"), touch(tmp_path / "y", "a.mp4")
    first = find_sources(one)[0][0].digest()
    assert first == find_sources(other)[0][0].digest()
    (other / "a.mp4").write_bytes(b"changed")
    assert first != find_sources(other)[0][0].digest()


@pytest.mark.parametrize(
    ("name", "number"), [("00012.jpg", 12), ("frame-7.png", 7), ("frame_07.png", 7), ("a1.jpg", -1)]
)
def test_numbers_are_read_from_names(name, number):
    assert number_of(Path(name)) == number
