from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import Clip, clip_in_memory, clip_of_images, clip_of_video, clips_of_crops, clips_of_units
from abawbench.table import Table
from tests.faces.conftest import write_video


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


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_batches_give_every_crop_once_in_order_whatever_the_threads(tmp_path, threads):
    clip = clip_of_images(numbered(tmp_path / "a", 23), size=20)
    parts = list(clip.batches(4, threads=threads))
    assert [len(positions) for positions, _ in parts] == [4] * 5 + [3]
    assert np.concatenate([positions for positions, _ in parts]).tolist() == list(range(23))
    assert np.concatenate([frames[:, 0, 0, 0] for _, frames in parts]).tolist() == list(range(1, 24))


def test_batches_equal_the_frames_read_at_once(tmp_path):
    clip = clip_of_images(numbered(tmp_path / "a", 9), size=20)
    assert np.array_equal(np.concatenate([frames for _, frames in clip.batches(2)]), clip.frames)


def test_no_more_batches_are_read_ahead_than_there_are_threads():
    asked = []

    def source(positions):
        asked.append(int(positions[0]))
        return np.zeros((len(positions), 4, 4, 3), np.uint8)

    count = 1000
    clip = Clip("a", np.arange(count, dtype=np.int32), np.ones(count, bool), 4, source)
    parts = clip.batches(10, threads=2)
    next(parts)
    time.sleep(0.1)
    assert max(asked) <= 20
    parts.close()


def test_an_empty_clip_has_no_batches():
    assert list(clip_in_memory("a", np.zeros((0, 8, 8, 3), np.uint8)).batches()) == []


def test_a_broken_crop_is_a_problem_in_its_batch_and_names_its_file(tmp_path):
    folder = numbered(tmp_path / "a", 9)
    (folder / "00007.png").write_bytes(b"")
    parts = clip_of_images(folder, size=20).batches(3, threads=1)
    assert [next(parts)[0].tolist() for _ in range(2)] == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ProblemError, match=r"00007\.png"):
        next(parts)


def test_all_broken_crops_that_are_asked_for_are_told_at_once(tmp_path):
    folder = numbered(tmp_path / "a", 5)
    for name in ("00002.png", "00004.png"):
        (folder / name).write_bytes(b"nothing")
    with pytest.raises(ProblemError) as caught:
        _ = clip_of_images(folder, size=20).frames
    assert [Path(problem.file or "").name for problem in caught.value.problems] == ["00002.png", "00004.png"]


def test_pictures_keep_the_numbers_of_their_names(tmp_path):
    folder = numbered(tmp_path / "a", 3)
    (folder / "00002.png").unlink()
    assert clip_of_images(folder).frame.tolist() == [1, 3]


def test_pictures_without_numbers_are_counted_in_the_order_of_their_names(tmp_path):
    folder = numbered(tmp_path / "a", 2)
    (folder / "00001.png").rename(folder / "b.png")
    clip = clip_of_images(folder, size=20)
    assert clip.frame.tolist() == [1, 2]
    assert clip.frames[:, 0, 0, 0].tolist() == [2, 1]


def test_a_picture_is_fitted_into_a_square_without_being_stretched(tmp_path):
    (tmp_path / "a").mkdir()
    cv2.imwrite(str(tmp_path / "a/1.png"), np.full((20, 40, 3), 200, np.uint8))
    (frame,) = clip_of_images(tmp_path / "a", size=80).frames
    assert frame[20:60].min() == 200
    assert frame[:20].max() == frame[60:].max() == 0


def test_grey_transparent_and_turned_pictures_become_upright_rgb(tmp_path):
    (tmp_path / "a").mkdir()
    image = np.zeros((16, 16, 3), np.uint8)
    image[:, :8] = 250
    cv2.imwrite(str(tmp_path / "a/1.png"), image[..., 0])
    cv2.imwrite(str(tmp_path / "a/2.png"), np.dstack([image, np.full((16, 16), 9, np.uint8)]))
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    # an EXIF block that says: turn by a quarter, clockwise
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00" + entry + b"\x00\x00\x00\x00"
    (tmp_path / "a/3.jpg").write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])
    grey, transparent, turned = clip_of_images(tmp_path / "a", size=16).frames
    assert np.array_equal(grey, image)
    assert np.array_equal(transparent, image)
    assert turned[:6].min() > 200
    assert turned[10:].max() < 50


@pytest.mark.parametrize(("names", "rule"), [((), "D30"), (("1.png", "01.png"), "D31")])
def test_a_folder_without_pictures_or_with_one_number_twice_is_a_problem(tmp_path, names, rule):
    (tmp_path / "a").mkdir()
    for name in names:
        cv2.imwrite(str(tmp_path / "a" / name), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ProblemError, match=rule):
        clip_of_images(tmp_path / "a")


def test_a_folder_that_is_not_there_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="F01"):
        clip_of_images(tmp_path / "a")


def test_a_video_is_a_clip_with_times(tmp_path):
    pictures = [np.full((64, 64, 3), 10 * number, np.uint8) for number in range(1, 21)]
    clip = clip_of_video(write_video(tmp_path / "a.mp4", pictures), size=64)
    assert (clip.video, clip.frame.tolist(), clip.valid.all()) == ("a", list(range(1, 21)), True)
    assert clip.time == pytest.approx(np.arange(20) / 25, abs=1e-3)
    brightness = np.concatenate([frames.mean(axis=(1, 2, 3)) for _, frames in clip.batches(6)])
    assert brightness == pytest.approx(10 * np.arange(1, 21), abs=3)
    assert clip.read(np.array([15, 3, 3])).mean(axis=(1, 2, 3)) == pytest.approx([160, 40, 40], abs=3)


def test_a_file_that_is_no_video_is_no_clip(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    with pytest.raises(ProblemError, match="F01"):
        clip_of_video(tmp_path / "a.mp4")


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
