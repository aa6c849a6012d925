from __future__ import annotations

import functools
import os
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pandas as pd
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.clips.images import read_image
from abawbench.datasets.leaks import find_leaks, read_side, read_sides
from abawbench.datasets.leaks.compare import Leaks
from abawbench.datasets.leaks.sides import unit_of
from examples.real_data import real_data


def scene(seed: int, size: int = 112) -> np.ndarray:
    random = np.random.default_rng(seed)
    return cv2.resize(random.integers(0, 256, (9, 9, 3)).astype(np.uint8), (size, size), interpolation=cv2.INTER_CUBIC)


def write(path: Path, image: np.ndarray, quality: int = 95) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return path


def compared(first: Path | str, second: Path | str, **options) -> Leaks:
    return find_leaks(*read_sides(str(first), str(second)), **options)


def degraded(image: np.ndarray) -> np.ndarray:
    """Half the size, a tenth brighter, and encoded at quality 60."""
    small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_LINEAR)
    brighter = np.clip(small * 1.1 + 8, 0, 255).astype(np.uint8)
    copy = cv2.imdecode(cv2.imencode(".jpg", brighter, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    assert copy is not None
    return copy


@functools.cache
def london(kind: str) -> tuple[Path, ...]:
    return tuple(sorted((real_data().resolve() / "faces").glob(f"london_*_{kind}.jpg")))


@pytest.mark.real_data
def test_a_degraded_copy_is_found_among_the_faces_of_a_hundred_others_and_nothing_else(tmp_path):
    planted = london("neutral")[40]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / planted.name).symlink_to(planted)
    for path in (*london("neutral"), *london("smiling")):
        if path.name[:10] != planted.name[:10]:
            (tmp_path / "b" / path.name).symlink_to(path)
    write(tmp_path / "b" / "planted.jpg", degraded(read_image(planted)[..., ::-1]), 80)
    leaks = compared(tmp_path / "a", tmp_path / "b")
    assert leaks.compared == (1, 203)
    assert [(Path(found.first[0]).name, Path(found.second[0]).name) for found in leaks.stretches] == [
        (planted.name, "planted.jpg")
    ]
    assert leaks.files == ()


@pytest.mark.real_data
def test_neutral_and_smiling_pictures_of_102_people_are_no_duplicates_and_all_degraded_ones_are(tmp_path):
    for kind in ("neutral", "smiling"):
        (tmp_path / kind).mkdir()
        for path in london(kind):
            (tmp_path / kind / path.name).symlink_to(path)
    for path in london("neutral"):
        write(tmp_path / "copies" / path.name.replace("neutral", "copy"), degraded(read_image(path)[..., ::-1]), 80)
    assert compared(tmp_path / "neutral", tmp_path / "smiling").stretches == ()
    copies = compared(tmp_path / "copies", tmp_path / "neutral").stretches
    # in both folders they come in the order of the people, so all 102 are one stretch
    (found,) = copies
    assert found.frames == 102
    assert [Path(path).name[:10] for path in found.first] == [Path(path).name[:10] for path in found.second]


def test_a_run_of_copied_frames_is_one_stretch_with_its_ends(tmp_path):
    for frame in range(1, 21):
        write(tmp_path / "a" / "one" / f"{frame:05d}.jpg", scene(frame))
        if 6 <= frame <= 15:
            write(tmp_path / "b" / "other" / f"{frame + 100:05d}.jpg", degraded(scene(frame)))
        else:
            write(tmp_path / "b" / "other" / f"{frame + 100:05d}.jpg", scene(1000 + frame))
    (found,) = compared(tmp_path / "a", tmp_path / "b").stretches
    assert [Path(path).name for path in (*found.first, *found.second)] == [
        "00006.jpg",
        "00015.jpg",
        "00106.jpg",
        "00115.jpg",
    ]
    assert found.frames == 10
    assert found.likeness >= 0.97


def test_pictures_that_are_no_frames_are_joined_only_where_their_copies_follow_one_another(tmp_path):
    copies = {"anna": 3, "berta": 2, "carl": 1}
    for name, place in copies.items():
        write(tmp_path / "a" / f"{name}.jpg", scene(place))
        write(tmp_path / "b" / f"copy{place}.jpg", degraded(scene(place)))
    found = compared(tmp_path / "a", tmp_path / "b").stretches
    assert {(Path(one.first[0]).stem, Path(one.second[0]).stem) for one in found} == {
        (name, f"copy{place}") for name, place in copies.items()
    }


def test_a_still_scene_is_one_stretch_and_not_its_square(tmp_path):
    for frame in range(1, 41):
        write(tmp_path / "a" / "still" / f"{frame:05d}.jpg", scene(3), 95 - frame % 5)
        write(tmp_path / "b" / "still too" / f"{frame:05d}.jpg", scene(3), 80 - frame % 5)
    leaks = compared(tmp_path / "a", tmp_path / "b")
    assert [found.frames for found in leaks.stretches] == [40]
    assert leaks.files == ()


def test_flat_pictures_raise_no_alarm_and_are_counted(tmp_path):
    for name, level in (("a", 0), ("b", 1)):
        for frame in range(1, 4):
            write(
                tmp_path / name / f"v{level}" / f"{frame:05d}.jpg", np.full((112, 112, 3), 60 * level + frame, np.uint8)
            )
    leaks = compared(tmp_path / "a", tmp_path / "b")
    assert leaks.stretches == ()
    assert leaks.flat == (3, 3)


def test_copied_files_are_found_under_any_name_and_not_reported_again_as_near_duplicates(tmp_path):
    for frame in range(1, 6):
        source = write(tmp_path / "a" / "one" / f"{frame:05d}.jpg", scene(frame))
        target = tmp_path / "b" / "two" / f"{frame + 7:05d}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    (tmp_path / "a" / "film.mp4").write_bytes(b"the same film")
    (tmp_path / "b" / "renamed.mp4").write_bytes(b"the same film")
    (tmp_path / "b" / "other.mp4").write_bytes(b"an other film")
    leaks = compared(tmp_path / "a", tmp_path / "b")
    assert sorted((same.files, Path(same.first).name, Path(same.second).name) for same in leaks.files) == [
        (1, "film.mp4", "renamed.mp4"),
        (5, "one", "two"),
    ]
    assert leaks.stretches == ()


def test_empty_files_are_no_leak(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.mp4").write_bytes(b"")
    assert not compared(tmp_path / "a", tmp_path / "b").found


def test_bad_pictures_are_one_problem_each_and_the_rest_is_compared(tmp_path):
    write(tmp_path / "a" / "x.jpg", scene(1))
    write(tmp_path / "b" / "y.jpg", degraded(scene(1)))
    (tmp_path / "a" / "empty.jpg").write_bytes(b"")
    (tmp_path / "b" / "text.png").write_text("no picture")
    leaks = compared(tmp_path / "a", tmp_path / "b")
    assert sorted(Path(problem.file or "").name for problem in leaks.problems) == ["empty.jpg", "text.png"]
    assert {problem.rule for problem in leaks.problems} == {"F01"}
    assert len(leaks.stretches) == 1


@pytest.mark.skipif(os.getuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_a_problem_and_the_rest_is_compared(tmp_path):
    write(tmp_path / "a" / "x.jpg", scene(1))
    (tmp_path / "a" / "shut").mkdir(mode=0)
    assert [problem.rule for problem in read_side(str(tmp_path / "a")).problems] == ["F01"]


def test_names_of_units_persons_of_a_video_and_subjects(tmp_path):
    for name, units in (("a", ["1_left", "2", "3"]), ("b", ["1_right", "2", "4"])):
        frame = pd.DataFrame({"video": units, "subject": ["S" + unit[:1] for unit in units], "label": [0, 1, 0]})
        frame.to_parquet(tmp_path / f"{name}.parquet")
    leaks = compared(tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert leaks.units == ("2",)
    assert leaks.videos == ("1",)
    assert leaks.subjects == ("S1", "S2")
    assert leaks.found


def test_units_of_text_files_are_those_the_reader_of_the_challenge_sees(tmp_path):
    header = "image,valence,arousal,expression,aus\n"
    row = "{}/{:05d}.jpg,0.1,0.2,3," + ",".join("01" * 6) + "\n"
    text = header + "".join(row.format(unit, frame) for unit in ("1-30_left", "7") for frame in (1, 2))
    (tmp_path / "truth.txt").write_text(text)
    plain = read_side(str(tmp_path / "truth.txt"))
    assert plain.units == {"1-30_left", "7"}
    assert read_side(str(tmp_path / "truth.txt"), get("abaw4-mtl")).units == plain.units


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("image,label\nfer0001.png,3\nfer0002.png,1\n", {"fer0001", "fer0002"}),
        ("cropped_aligned/v1/00001.jpg,\ncropped_aligned/v1/00002.jpg,\n", {"v1"}),
        ("one\r\ntwo\r\n", {"one", "two"}),
        ("clip.mp4,0.5\nlast", {"clip", "last"}),
    ],
)
def test_units_of_lists(tmp_path, text, units):
    (tmp_path / "list.txt").write_text(text)
    assert read_side(str(tmp_path / "list.txt")).units == units


def test_units_of_a_folder_of_files_for_each_unit(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "v1.txt").write_text("valence,arousal\n0.1,0.2\n")
    (tmp_path / "a" / "v2.txt").write_text("0.1,0.2\n")
    (tmp_path / "a" / "README.txt").write_text("Please read this.\n")
    assert read_side(str(tmp_path / "a")).units == {"v1", "v2"}


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("Happy/12.jpg", ""),
        ("S005/001/S005_001_00000011.png", "S005_001_00000011"),
        ("v/frame_3.png", "v"),
        ("7.jpg", ""),
    ],
)
def test_the_unit_of_a_picture(path, unit):
    assert unit_of(PurePosixPath(path)) == unit


def test_parts_that_lie_in_one_another_are_wrong_use(tmp_path):
    write(tmp_path / "a" / "b" / "x.jpg", scene(1))
    for first, second in ((tmp_path, tmp_path / "a"), (tmp_path / "a", tmp_path), (tmp_path, tmp_path)):
        with pytest.raises(ProblemError, match="C02"):
            compared(first, second)


def test_the_problems_of_both_parts_come_at_once():
    with pytest.raises(ProblemError) as error:
        read_sides("no/such/folder", "no-such-data-set")
    assert [problem.rule for problem in error.value.problems] == ["F01", "D02"]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("disfa", "disfa-plus", "shares-subjects"),
        ("aff-wild2", "s-aff-wild2", "contain"),
        ("s-aff-wild2", "abaw-lsd", "both overlap with aff-wild2"),
        ("aff-wild2_2", "aff-wild2_3", "releases of one data set"),
    ],
)
def test_overlaps_that_the_manifests_know(first, second, words):
    for pair in ((first, second), (second, first)):
        assert any(words in text for text in compared(*pair).overlaps)


def test_data_sets_that_have_nothing_in_common():
    assert not compared("disfa", "ferplus").found
