from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from abawbench.data.clips import clip_in_memory, clips_of_crops
from abawbench.errors import ProblemError
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
