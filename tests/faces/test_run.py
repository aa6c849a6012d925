from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from pyarrow import parquet

from abawbench.base.problems import ProblemError
from abawbench.base.run_lock import only_run
from abawbench.clips.clip import clips_of_faces, clips_of_units
from abawbench.clips.crop import ARCFACE, WIDE, Crop
from abawbench.clips.crop_file import read_crop
from abawbench.clips.crop_index import METADATA, MISSING, STATES, read_index
from abawbench.faces import run as running
from abawbench.faces import video_crops, work_folder
from abawbench.faces.run import crop_faces
from abawbench.faces.video_crops import FaceSettings
from tests.faces.conftest import Blobs, picture, tree, write_video

pytestmark = pytest.mark.usefixtures("blobs")

ONE = [picture((1, 40 + 2 * step, 40)) for step in range(30)]
TWO = [picture((2, 20, 60), (3, 240, 50)) for _ in range(30)]
GAP = [*ONE, *[picture()] * 12, *[picture((1, 100, 40))] * 30]


@pytest.fixture
def videos(tmp_path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    write_video(folder / "one.mp4", ONE)
    write_video(folder / "two.mp4", TWO)
    write_video(folder / "gap.mp4", GAP)
    return folder


def rules(summary) -> list[str]:
    return [problem.rule for problem in summary.problems]


def crops(out: Path) -> dict[str, int]:
    return {
        folder.name: len(list(folder.iterdir()))
        for folder in sorted((out / "cropped_aligned").iterdir())
        if folder.is_dir()
    }


def test_each_person_is_a_unit_and_absent_frames_leave_no_crop(videos, tmp_path):
    out = tmp_path / "out"
    summary = crop_faces(videos, out, FaceSettings())
    assert summary.problems == ()
    assert crops(out) == {"gap": 60, "one": 30, "two_left": 30, "two_right": 30}
    assert (summary.videos, summary.made, summary.frames, summary.crops) == (3, 3, 132, 150)
    assert not (out / "cropped_aligned/gap/00031.jpg").exists()
    assert "gap,gap,31,42,12,no face" in (out / "left_out.csv").read_text()


def test_the_index_has_one_row_for_each_frame_of_each_unit(videos, tmp_path):
    crop_faces(videos, tmp_path / "out", FaceSettings())
    index = read_index(tmp_path / "out/index/gap.parquet")
    rows = index.rows_of("gap")
    assert index.frame[rows].tolist() == list(range(1, 73))
    assert index.time[rows] == pytest.approx(np.arange(72) / 25, abs=1e-3)
    assert [STATES[state] for state in index.state[rows[[0, 30, 41, 42]]]] == [
        "detected",
        "missing",
        "missing",
        "detected",
    ]
    present = index.state[rows] != MISSING
    assert np.isnan(index.measures[rows[~present]]).all()
    assert np.isfinite(index.measures[rows[present]]).all()


def test_the_units_are_clips(videos, tmp_path):
    crop_faces(videos, tmp_path / "out", FaceSettings())
    clips = {clip.video: clip for clip in clips_of_faces(tmp_path / "out")}
    assert list(clips) == ["gap", "one", "two_left", "two_right"]
    gap = clips["gap"]
    assert (len(gap), int(gap.valid.sum()), gap.size) == (72, 60, 112)
    assert gap.time is not None
    assert gap.time[-1] == pytest.approx(71 / 25, abs=1e-3)
    assert gap.frames[35].max() == 0 < gap.frames[0].max()


def test_wide_crops_are_larger_and_show_more(videos, tmp_path):
    crop_faces(videos / "one.mp4", tmp_path / "out", FaceSettings(crop=WIDE))
    crop = cv2.imread(str(tmp_path / "out/cropped_aligned/one/00010.jpg"))
    assert crop is not None
    assert crop.shape == (224, 224, 3)
    # a blob fills the aligned crop: in the wide one the dark ground shows around it
    assert crop[:30].mean() < 60 < crop[80:144, 80:144].mean()
    (clip,) = clips_of_faces(tmp_path / "out")
    assert clip.frames.shape == (30, 224, 224, 3)


def test_run_again_nothing_is_done_and_nothing_changes(videos, tmp_path, blobs):
    out = tmp_path / "out"
    crop_faces(videos, out, FaceSettings())
    before, detector = tree(out), blobs()
    calls = detector.calls
    summary = crop_faces(videos, out, FaceSettings())
    assert (summary.made, summary.kept, detector.calls) == (0, 3, calls)
    assert blobs() is detector
    assert tree(out) == before


def test_a_changed_video_and_changed_settings_are_done_anew(videos, tmp_path):
    out = tmp_path / "out"
    crop_faces(videos, out, FaceSettings())
    write_video(videos / "two.mp4", ONE)
    summary = crop_faces(videos, out, FaceSettings())
    assert (summary.made, summary.kept) == (1, 2)
    assert crops(out) == {"gap": 60, "one": 30, "two": 30}
    assert crop_faces(videos, out, FaceSettings(every=3)).made == 3


def test_following_between_detections_gives_the_same_units(videos, tmp_path):
    crop_faces(videos, tmp_path / "all", FaceSettings())
    crop_faces(videos, tmp_path / "some", FaceSettings(every=5))
    assert crops(tmp_path / "all") == crops(tmp_path / "some")
    rows = (tmp_path / "some/audit.csv").read_text().splitlines()
    followed = rows[0].split(",").index("followed")
    assert [int(row.split(",")[followed]) > 0 for row in rows[1:]] == [True] * 4


def test_overrides_are_obeyed_by_the_next_run(videos, tmp_path):
    out = tmp_path / "out"
    crop_faces(videos, out, FaceSettings())
    (out / "overrides.csv").write_text("video,from,to,which\ntwo,,,right\none,1,10,none\n")
    summary = crop_faces(videos, out, FaceSettings())
    assert (summary.made, summary.kept) == (2, 1)
    assert crops(out) == {"gap": 60, "one": 20, "two": 30}
    assert read_index(out / "index/two.parquet").points(np.array([0]))[0, :, 0].min() > 200


def test_an_override_for_a_track_that_is_not_there_is_told_and_the_video_is_done(videos, tmp_path):
    out = tmp_path / "out"
    crop_faces(videos, out, FaceSettings())
    (out / "overrides.csv").write_text("video,from,to,which\none,1,5,9\n")
    assert rules(crop_faces(videos, out, FaceSettings())) == ["D34"]
    assert rules(crop_faces(videos, out, FaceSettings())) == ["D34"]


def test_a_wrong_overrides_file_stops_the_run_before_anything_is_done(videos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/overrides.csv").write_text("video,from,to,which\none,1,5,up\n")
    with pytest.raises(ProblemError, match="D34"):
        crop_faces(videos, tmp_path / "out", FaceSettings())


def test_photographs_are_units_of_one_frame(tmp_path):
    (tmp_path / "pictures").mkdir()
    for name, image in (("anna", picture((1, 50, 40))), ("pair", picture((1, 20, 40), (2, 230, 40)))):
        cv2.imwrite(str(tmp_path / f"pictures/{name}.png"), image)
    summary = crop_faces(tmp_path / "pictures", tmp_path / "out", FaceSettings())
    assert summary.units == ("anna", "pair_left", "pair_right")
    assert set(tree(tmp_path / "out/cropped_aligned")) == {
        "crop.json",
        *(f"{unit}/00001.jpg" for unit in summary.units),
    }


def test_numbered_pictures_keep_their_numbers(tmp_path):
    (tmp_path / "clip").mkdir()
    for number in (3, 4, 7):
        cv2.imwrite(str(tmp_path / f"clip/{number:05d}.png"), picture((1, 50, 40)))
    summary = crop_faces(tmp_path / "clip", tmp_path / "out", FaceSettings())
    assert summary.units == ("clip",)
    assert set(tree(tmp_path / "out/cropped_aligned")) == {"crop.json", *(f"clip/{n:05d}.jpg" for n in (3, 4, 7))}


def spoil(videos: Path) -> None:
    """Everything at once that may be wrong with an input."""
    (videos / "corrupt.mp4").write_bytes(b"nothing of the kind")
    (videos / "empty.mp4").touch()
    write_video(videos / "same.mp4", ONE[:3])
    write_video(videos / "same.avi", ONE[:3])
    write_video(videos / "dark.mp4", [picture()] * 5)
    (videos / "frames").mkdir()
    for number in range(1, 4):
        cv2.imwrite(str(videos / f"frames/{number}.png"), picture((1, 50, 40)))
    (videos / "frames/4.png").touch()


def test_of_bad_input_each_is_one_problem_and_the_rest_is_done(videos, tmp_path):
    spoil(videos)
    summary = crop_faces(videos, tmp_path / "out", FaceSettings())
    assert {(problem.rule, Path(problem.file or "").name) for problem in summary.problems} == {
        ("D31", "same.avi"),
        ("F01", "corrupt.mp4"),
        ("F01", "empty.mp4"),
        ("E03", "dark.mp4"),
        ("F01", "4.png"),
    }
    assert len(summary.problems) == 5
    assert crops(tmp_path / "out") == {"frames": 3, "gap": 60, "one": 30, "two_left": 30, "two_right": 30}
    listed = (tmp_path / "out/left_out.csv").read_text()
    assert all(name in listed for name in ("same.avi", "corrupt.mp4", "empty.mp4", "dark.mp4", "4.png"))
    assert not (tmp_path / "out/.work").exists()
    assert rules(crop_faces(videos, tmp_path / "out", FaceSettings())) == rules(summary)


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes")
def test_a_video_whose_name_is_no_text_is_one_problem_and_the_rest_is_done(tmp_path):
    for name in (b"v\xff.mp4", b"w\xff.mp4", b"a\nb\x1b[2J.mp4", b"one.mp4"):
        write_video(tmp_path / "one.mp4", ONE[:3]).rename(tmp_path / os.fsdecode(name))
    summary = crop_faces(tmp_path, tmp_path / "out", FaceSettings())
    assert (rules(summary), summary.videos) == (["F19", "F19"], 4)
    assert summary.units == ("a\nb\x1b[2J", "one")
    assert "v\\udcff.mp4" in (tmp_path / "out" / "left_out.csv").read_text()


def test_a_full_disk_is_one_problem_for_each_video_and_leaves_nothing_half_written(videos, tmp_path, monkeypatch):
    out = tmp_path / "out"
    usual = Path.write_bytes

    def full(path, data):
        if "gap" in path.parts:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return usual(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    summary = crop_faces(videos, out, FaceSettings())
    assert [(problem.rule, problem.found) for problem in summary.problems] == [("F01", "No space left on device")]
    assert crops(out) == {"one": 30, "two_left": 30, "two_right": 30}
    monkeypatch.undo()
    assert not (out / ".work").exists()


def test_a_folder_of_somebody_else_is_not_overwritten(videos, tmp_path):
    other = tmp_path / "out/cropped_aligned/one"
    other.mkdir(parents=True)
    (other / "00001.jpg").write_bytes(b"not ours")
    summary = crop_faces(videos, tmp_path / "out", FaceSettings())
    assert rules(summary) == ["D35"]
    assert tree(other) == {"00001.jpg": b"not ours"}


def test_two_runs_do_not_share_a_folder(videos, tmp_path):
    (tmp_path / "out").mkdir()
    with only_run(tmp_path / "out"), pytest.raises(ProblemError, match="D36"):
        crop_faces(videos, tmp_path / "out", FaceSettings())


class Killed(BaseException):
    """What no code catches but to clean up; here not even that is let happen."""


def test_killed_at_any_step_and_started_again_the_result_is_the_same(videos, tmp_path, monkeypatch):
    """Every rename, removal and write is in turn the last thing that happens."""
    crop_faces(videos, tmp_path / "whole", FaceSettings())
    (tmp_path / "first").mkdir()
    # a run over an older state, so that units are replaced and removed as well
    old = tmp_path / "old"
    shutil.copytree(videos, old)
    write_video(old / "one.mp4", TWO)
    write_video(old / "two.mp4", ONE)
    crop_faces(old, tmp_path / "first", FaceSettings())
    wanted = tree(tmp_path / "whole")
    steps = {"left": 0}

    def counted(usual):
        def step(*args, **kwargs):
            steps["left"] -= 1
            if steps["left"] < 0:
                raise Killed
            return usual(*args, **kwargs)

        return step

    for owner, name in ((Path, "replace"), (Path, "mkdir"), (Path, "unlink"), (shutil, "rmtree")):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))
    # a process that is killed cleans nothing up
    monkeypatch.setattr(work_folder, "discard", lambda _: None)
    kills = 0
    for last in range(0, 300, 4):
        steps["left"] = 10**9
        out = tmp_path / f"out{last}"
        shutil.copytree(tmp_path / "first", out)
        steps["left"] = last
        try:
            crop_faces(videos, out, FaceSettings())
        except Killed:
            kills += 1
        else:
            break
        finally:
            steps["left"] = 10**9
        crop_faces(videos, out, FaceSettings())
        assert tree(out) == wanted, f"killed at step {last}"
        shutil.rmtree(out)
    assert kills > 10


def test_the_folder_of_the_crops_says_what_they_are(videos, tmp_path):
    for crop in (ARCFACE, Crop.named("eyes-1.5", 60), Crop.named("box-0.2", 48)):
        out = tmp_path / crop.name
        crop_faces(videos / "one.mp4", out, FaceSettings(crop=crop))
        assert read_crop(out / "cropped_aligned") == crop
        (clip,) = clips_of_faces(out)
        (same,) = clips_of_units(out / "cropped_aligned")
        assert clip.crop == same.crop == crop
        assert clip.frames.shape == (30, crop.size, crop.size, 3)


def test_a_box_is_cut_out_of_the_frame_as_the_detector_gives_it(tmp_path):
    cv2.imwrite(str(tmp_path / "me.png"), picture((1, 50, 40))[..., ::-1])
    crop_faces(tmp_path / "me.png", tmp_path / "out", FaceSettings(crop=Crop.named("box-0.25", 84)))
    (face,) = Blobs(tmp_path).detect(picture((1, 50, 40)))
    left, top, right, bottom = face.box
    (clip,) = clips_of_faces(tmp_path / "out")
    reach = max(right - left, bottom - top) * 0.75
    x, y = (left + right) / 2, (top + bottom) / 2
    size = (round(2 * reach), round(2 * reach))
    part = cv2.getRectSubPix(picture((1, 50, 40)), size, (x - 0.5, y - 0.5))
    expected = cv2.resize(part, (84, 84), interpolation=cv2.INTER_LINEAR)
    assert np.abs(clip.frames[0].astype(float) - expected).mean() < 4


def test_crops_of_another_kind_are_not_mixed_into_a_folder(videos, tmp_path):
    out = tmp_path / "out"
    crop_faces(videos / "one.mp4", out, FaceSettings())
    before = tree(out)
    for crop in (WIDE, Crop.named("arcface-112", 224)):
        with pytest.raises(ProblemError, match=r"D38 .*\n.*arcface-112 of 112 pixels") as caught:
            crop_faces(videos, out, FaceSettings(crop=crop))
        assert "remove cropped_aligned and index" in caught.value.problems[0].fix
    assert tree(out) == before


def as_earlier_versions_wrote(out: Path, crop: str) -> None:
    """Indexes with another name of the crops, without a size, and no description beside the crops."""
    (out / "cropped_aligned" / "crop.json").unlink()
    for path in (out / "index").iterdir():
        table = parquet.read_table(path)
        facts = json.loads(table.schema.metadata[METADATA])
        del facts["key"]["size"]
        facts["key"]["crop"] = crop
        parquet.write_table(table.replace_schema_metadata({METADATA: json.dumps(facts)}), path)


def test_folders_of_earlier_versions_are_read_and_kept(videos, tmp_path):
    out = tmp_path / "out"
    crop_faces(videos, out, FaceSettings())
    as_earlier_versions_wrote(out, "aligned")
    assert {clip.crop for clip in clips_of_faces(out)} == {ARCFACE}
    with pytest.raises(ProblemError, match="D38"):
        crop_faces(videos, out, FaceSettings(crop=WIDE))
    summary = crop_faces(videos, out, FaceSettings())
    assert (summary.made, summary.kept) == (0, 3)
    assert read_crop(out / "cropped_aligned") == ARCFACE


def test_the_version_of_the_recipe_is_part_of_the_key(videos, tmp_path, monkeypatch):
    crop_faces(videos / "one.mp4", tmp_path / "out", FaceSettings())
    monkeypatch.setattr(video_crops, "RECIPE", 2)
    assert crop_faces(videos / "one.mp4", tmp_path / "out", FaceSettings()).made == 1


def test_progress_tells_frames_done_of_those_expected(videos, tmp_path, monkeypatch):
    monkeypatch.setattr(running._Progress, "PAUSE_S", 0.0)
    told = []
    crop_faces(videos, tmp_path / "out", FaceSettings(), report=told.append)
    assert told[-1].videos == (3, 3)
    assert told[-1].frames == (132, 132)
    assert [progress.frames[0] for progress in told] == sorted(progress.frames[0] for progress in told)
