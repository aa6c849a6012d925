from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clip_in_memory, clips_of_crops, clips_of_units
from abawbench.table import Table


def write_crop(root: Path, video: str, frame: int, grey: int, size: int = 112) -> None:
    (root / video).mkdir(exist_ok=True)
    cv2.imwrite(str(root / video / f"{frame:05d}.jpg"), np.full((size, size, 3), grey, np.uint8))


def rows(*keys: tuple[str, int]) -> Table:
    videos = tuple(dict.fromkeys(video for video, _ in keys))
    return Table(
        videos=videos,
        video=np.array([videos.index(video) for video, _ in keys], np.int32),
        frame=np.array([frame for _, frame in keys], np.int32),
        values={},
    )


def test_each_video_gives_a_clip_in_order_of_appearance(tmp_path):
    clips = clips_of_crops(tmp_path, rows(("b", 1), ("a", 3), ("b", 2)))
    assert [(clip.video, clip.frame.tolist()) for clip in clips] == [("b", [1, 2]), ("a", [3])]


def test_repeated_and_unordered_rows_give_each_frame_once_and_rising(tmp_path):
    (clip,) = clips_of_crops(tmp_path, rows(("a", 7), ("a", 2), ("a", 7)))
    assert clip.frame.tolist() == [2, 7]


def test_a_missing_crop_is_not_valid_and_reads_black(tmp_path):
    write_crop(tmp_path, "a", 2, 200)
    (clip,) = clips_of_crops(tmp_path, rows(("a", 1), ("a", 2)))
    assert clip.valid.tolist() == [False, True]
    assert [int(frame.max()) for frame in clip.frames] == [0, 200]


def test_frames_are_read_at_the_positions_asked_for(tmp_path):
    for frame, grey in ((1, 10), (2, 90), (3, 170)):
        write_crop(tmp_path, "a", frame, grey)
    (clip,) = clips_of_crops(tmp_path, rows(("a", 1), ("a", 2), ("a", 3)))
    assert clip.read(np.array([2, 0]))[:, 0, 0, 0].tolist() == [170, 10]


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    write_crop(tmp_path, "a", 1, 10)
    (clip,) = clips_of_crops(tmp_path, rows(("a", 1)))
    write_crop(tmp_path, "a", 1, 250)
    assert int(clip.frames.max()) == 250


def test_a_crop_of_another_size_is_a_problem(tmp_path):
    write_crop(tmp_path, "a", 1, 10, size=96)
    (clip,) = clips_of_crops(tmp_path, rows(("a", 1)))
    with pytest.raises(ProblemError, match="96 x 96"):
        _ = clip.frames


def test_an_empty_crop_file_is_a_problem(tmp_path):
    write_crop(tmp_path, "a", 1, 10)
    (tmp_path / "a/00001.jpg").write_bytes(b"")
    (clip,) = clips_of_crops(tmp_path, rows(("a", 1)))
    with pytest.raises(ProblemError, match="F01"):
        _ = clip.frames


def test_a_clip_in_memory_counts_frames_from_one():
    assert clip_in_memory("a", np.zeros((3, 8, 8, 3), np.uint8)).frame.tolist() == [1, 2, 3]


def test_frames_that_do_not_count_read_black():
    clip = clip_in_memory("a", np.full((2, 8, 8, 3), 9, np.uint8), valid=np.array([True, False]))
    assert [int(frame.max()) for frame in clip.frames] == [9, 0]


def numbered(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(1, count + 1):
        cv2.imwrite(str(folder / f"{number:05d}.png"), np.full((20, 20, 3), number, np.uint8))
    return folder


def test_a_broken_crop_is_a_problem_of_its_positions_and_names_its_file(tmp_path):
    folder = numbered(tmp_path / "a", 9)
    (folder / "00007.png").write_bytes(b"")
    (clip,) = clips_of_units(folder)
    assert clip.read(np.arange(6))[:, 0, 0, 0].tolist() == [1, 2, 3, 4, 5, 6]
    with pytest.raises(ProblemError, match=r"00007\.png"):
        clip.read(np.arange(6, 9))


def test_all_broken_crops_that_are_asked_for_are_told_at_once(tmp_path):
    folder = numbered(tmp_path / "a", 5)
    for name in ("00002.png", "00004.png"):
        (folder / name).write_bytes(b"nothing")
    with pytest.raises(ProblemError) as caught:
        _ = clips_of_units(folder)[0].frames
    assert [Path(problem.file or "").name for problem in caught.value.problems] == ["00002.png", "00004.png"]


def test_pictures_keep_the_numbers_of_their_names(tmp_path):
    folder = numbered(tmp_path / "a", 3)
    (folder / "00002.png").unlink()
    assert clips_of_units(folder)[0].frame.tolist() == [1, 3]


@pytest.mark.parametrize(("names", "rule"), [((), "D30"), (("1.png", "01.png"), "D31")])
def test_a_folder_without_pictures_or_with_one_number_twice_is_a_problem(tmp_path, names, rule):
    (tmp_path / "a").mkdir()
    for name in names:
        cv2.imwrite(str(tmp_path / "a" / name), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ProblemError, match=rule):
        clips_of_units(tmp_path / "a")


def test_a_folder_that_is_not_there_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="F01"):
        clips_of_units(tmp_path / "a")


def test_crops_of_another_size_are_read_when_asked_for(tmp_path):
    write_crop(tmp_path, "a", 1, 10, size=224)
    (clip,) = clips_of_crops(tmp_path, rows(("a", 1)), size=224)
    assert clip.frames.shape == (1, 224, 224, 3)


def test_all_crops_of_a_folder_make_a_clip_for_each_unit(tmp_path):
    for unit, numbers in {"b": (7, 2), "a": (1,)}.items():
        for number in numbers:
            write_crop(tmp_path, unit, number, 9, 16)
    (tmp_path / "a" / "note.txt").write_text("no picture")
    (tmp_path / ".hidden").mkdir()
    clips = clips_of_units(tmp_path)
    assert [(clip.video, clip.frame.tolist(), clip.size) for clip in clips] == [("a", [1], 16), ("b", [2, 7], 16)]
    assert clips[1].frames.shape == (2, 16, 16, 3)


def test_a_folder_without_numbered_pictures_gives_no_clip(tmp_path):
    cv2.imwrite(str(tmp_path / "me.jpg"), np.zeros((16, 16, 3), np.uint8))
    with pytest.raises(ProblemError, match="D30"):
        clips_of_units(tmp_path)


def test_a_digest_changes_with_bytes_frames_and_gaps_and_with_nothing_else(tmp_path):
    def folder(name: str, numbers: tuple[int, ...], level: int = 9):
        (tmp_path / name / "v").mkdir(parents=True)
        for number in numbers:
            cv2.imwrite(str(tmp_path / name / "v" / f"{number:05d}.png"), np.full((8, 8, 3), level, np.uint8))
        return clips_of_units(tmp_path / name)[0]

    first = folder("first", (1, 2)).digest()
    assert folder("copy", (1, 2)).digest() == first
    assert len({first, folder("level", (1, 2), 10).digest(), folder("number", (1, 3)).digest()}) == 3
    crops = np.zeros((2, 8, 8, 3), np.uint8)
    gap = clip_in_memory("v", crops, valid=np.array([True, False]))
    assert clip_in_memory("v", crops).digest() != gap.digest()
    assert clip_in_memory("w", crops).digest() == clip_in_memory("v", crops).digest()
