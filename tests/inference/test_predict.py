from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.base.run_lock import only_run
from abawbench.challenges import get
from abawbench.clips.clip import clips_of_units
from abawbench.clips.features import clips_of_features, write_features
from abawbench.entries import answer
from abawbench.inference.predict import predict
from abawbench.inference.run import HOPELESS, RunOptions
from abawbench.inference.store import open_store, read_store
from tests.inference.conftest import CARD, SIDE, TASKS, Means, a_clip, entry_with, write_crops

ROOT = Path(__file__).parents[2]


def contents(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((store / "units").iterdir())}


def problems_of(summary) -> list[str]:
    return [f"{problem.rule} {problem.found}" for problem in summary.problems]


@pytest.mark.parametrize("batch", [1, 4, 64])
def test_the_store_gives_the_table_that_the_entry_gives(tmp_path, crops, batch):
    clips = clips_of_units(crops)
    predict(Means(), clips, tmp_path / "store", RunOptions(batch=batch))
    challenge = get("abaw4-mtl")
    expected, found = answer(Means(), clips, challenge), read_store(challenge, tmp_path / "store")
    assert found.videos == expected.videos
    np.testing.assert_array_equal(found.frame, expected.frame)
    for task in TASKS:
        np.testing.assert_allclose(found.values[task.name], expected.values[task.name], atol=1e-6)


def test_frames_without_a_crop_are_neither_valid_nor_answered(tmp_path):
    predict(Means(), [a_clip("v", 6, missing=(0, 3))], tmp_path / "store")
    found = open_store(tmp_path / "store").read("v")
    assert found.valid.tolist() == [False, True, True, False, True, True]
    assert not found.filled.any()
    for task in TASKS:
        np.testing.assert_array_equal(np.isnan(found.answers[task.name]).all(axis=1), ~found.valid)


def test_filled_frames_are_marked_in_store_and_table(tmp_path):
    predict(Means(), [a_clip("v", 6, missing=(0, 3))], tmp_path / "store", fill="nearest")
    found = open_store(tmp_path / "store").read("v")
    assert found.filled.tolist() == [True, False, False, True, False, False]
    table = read_store(get("abaw4-mtl"), tmp_path / "store")
    assert table.filled is not None
    assert table.filled.tolist() == found.filled.tolist()


def test_a_clip_without_any_crop_gives_an_empty_unit(tmp_path):
    summary = predict(Means(), [a_clip("v", 3, missing=(0, 1, 2)), a_clip("w", 2)], tmp_path / "store")
    assert (summary.made, summary.problems) == (2, ())
    assert not open_store(tmp_path / "store").read("v").valid.any()


def test_a_second_run_does_nothing(tmp_path, crops):
    looked: list[int] = []
    entry = entry_with(encode=lambda self, crops: (looked.append(len(crops)), Means.encode(self, crops))[1])
    predict(entry, clips_of_units(crops), tmp_path / "store")
    before, looked[:] = contents(tmp_path / "store"), []
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "store" / "units").iterdir()}
    summary = predict(entry, clips_of_units(crops), tmp_path / "store")
    assert (summary.made, summary.kept, looked) == (0, 3, [])
    assert contents(tmp_path / "store") == before
    assert times == {path: path.stat().st_mtime_ns for path in (tmp_path / "store" / "units").iterdir()}


def test_unfinished_files_of_a_killed_run_are_swept(tmp_path, crops):
    predict(entry_with(), clips_of_units(crops), tmp_path / "store")
    unit = clips_of_units(crops)[0].video
    left = [tmp_path / "store" / place for place in (f"units/.{unit}.parquet.a1b2c3d4", ".entry.json.x_y8z7w6")]
    for path in left:
        path.write_bytes(b"half")
    predict(entry_with(), clips_of_units(crops), tmp_path / "store")
    assert not any(path.exists() for path in left)


def test_a_changed_crop_is_noticed_and_only_its_unit_is_done_again(tmp_path, crops):
    predict(Means(), clips_of_units(crops), tmp_path / "store")
    before = contents(tmp_path / "store")
    write_crops(tmp_path / "other", {"one": 1})
    (tmp_path / "other" / "one" / "00001.jpg").replace(crops / "three" / "00004.jpg")
    summary = predict(Means(), clips_of_units(crops), tmp_path / "store")
    after = contents(tmp_path / "store")
    assert (summary.made, summary.kept) == (1, 2)
    assert {name for name in before if before[name] != after[name]} == {"three.json", "three.parquet"}


def test_another_card_under_the_same_name_does_everything_again(tmp_path, crops):
    predict(Means(), clips_of_units(crops), tmp_path / "store")
    changed = Means(replace(CARD, notes=("other weights",)))
    assert predict(changed, clips_of_units(crops), tmp_path / "store").made == 3


def test_the_store_of_another_entry_is_left_alone(tmp_path, crops):
    predict(Means(), clips_of_units(crops), tmp_path / "store")
    before = contents(tmp_path / "store")
    with pytest.raises(ProblemError, match="P01"):
        predict(Means(replace(CARD, name="2026_test_other")), clips_of_units(crops), tmp_path / "store")
    assert contents(tmp_path / "store") == before


def test_a_run_that_is_refused_because_another_is_at_work_leaves_the_record_alone(tmp_path, crops):
    predict(Means(), clips_of_units(crops), tmp_path / "store")
    before = (tmp_path / "store" / "entry.json").read_bytes()
    with only_run(tmp_path / "store"), pytest.raises(ProblemError, match="D36"):
        predict(Means(replace(CARD, notes=("other weights",))), clips_of_units(crops), tmp_path / "store")
    assert (tmp_path / "store" / "entry.json").read_bytes() == before


def test_a_folder_that_holds_something_else_is_refused(tmp_path, crops):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "thesis.txt").write_text("mine")
    with pytest.raises(ProblemError, match="P01"):
        predict(Means(), clips_of_units(crops), tmp_path / "store")
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["thesis.txt"]


def test_a_damaged_unit_is_told_and_done_again_when_its_json_is_gone(tmp_path, crops):
    predict(Means(), clips_of_units(crops), tmp_path / "store")
    path = tmp_path / "store" / "units" / "one.parquet"
    before = path.read_bytes()
    path.write_bytes(before[:-9] + b"something")
    with pytest.raises(ProblemError, match="P02"):
        read_store(get("abaw4-mtl"), tmp_path / "store")
    path.with_suffix(".json").unlink()
    predict(Means(), clips_of_units(crops), tmp_path / "store")
    assert path.read_bytes() == before


def raise_on(crop_value: int):
    def encode(self, crops):
        if (crops == crop_value).all(axis=(1, 2, 3)).any():
            raise RuntimeError("the model is ill")
        return Means.encode(self, crops)

    return encode


def test_an_entry_that_raises_in_the_middle_is_told_by_unit_and_frame_and_the_others_stay(tmp_path):
    clips = [a_clip(f"v{place}", 7) for place in range(9)]
    clips[6].frames  # noqa: B018 - read once, lest the crop below be a copy
    bad = clips[6].read(np.arange(7))
    bad[4] = 77
    clips[6] = replace(clips[6], source=lambda positions: bad[positions])
    summary = predict(entry_with(encode=raise_on(77)), clips, tmp_path / "store", RunOptions(batch=10))
    assert summary.made == 8
    (problem,) = summary.problems
    assert problem.rule == "E12"
    assert "2026_test_means, unit v6, frame 5: RuntimeError: the model is ill" in problem.found
    assert set(open_store(tmp_path / "store").units()) == {f"v{place}" for place in range(9)} - {"v6"}


def refuse(*_):
    raise RuntimeError("the model is ill")


def test_a_failure_alike_in_all_units_is_told_once(tmp_path):
    clips = [a_clip(f"v{place}", place + 1) for place in range(5)]
    summary = predict(entry_with(answer=refuse), clips, tmp_path / "store")
    (problem,) = summary.problems
    assert "5 units (v0, v1, v2 and 2 more)" in problem.found
    assert summary.left_out == tuple(f"v{place}" for place in range(5))


@pytest.mark.parametrize("method", ["encode", "answer"])
def test_an_entry_that_fails_alike_in_the_first_units_is_stopped_and_resumed_when_it_is_mended(tmp_path, method):
    clips = [a_clip(f"v{place:02d}", 2) for place in range(HOPELESS + 5)]
    with pytest.raises(ProblemError, match="the run stopped") as raised:
        predict(entry_with(**{method: refuse}), clips, tmp_path / "store")
    (problem,) = raised.value.problems
    assert problem.rule == "E12"
    assert f"{HOPELESS} units (v00, v01, v02 and {HOPELESS - 3} more)" in problem.found
    assert predict(Means(), clips, tmp_path / "store").made == len(clips)


def test_an_entry_that_has_answered_or_fails_in_many_ways_is_not_stopped(tmp_path):
    clips = [a_clip(f"v{place:02d}", 2) for place in range(HOPELESS + 5)]

    def late(self, seen, clip):
        return Means.answer(self, seen, clip) if clip.video == "v07" else refuse()

    def various(self, seen, clip):
        raise ValueError("abcdefghijklmnopqrstuvwxyz"[int(clip.video[1:])])

    assert predict(entry_with(answer=late), clips, tmp_path / "late").made == 1
    summary = predict(entry_with(answer=various), clips, tmp_path / "various")
    assert len(summary.problems) == len(clips)


def test_not_a_number_is_told_by_unit_and_frame(tmp_path):
    def encode(self, crops):
        seen = Means.encode(self, crops)
        seen[(crops == 77).all(axis=(1, 2, 3))] = np.nan
        return seen

    bad = a_clip("v", 5).frames
    bad[2] = 77
    clip = replace(a_clip("v", 5), source=lambda positions: bad[positions])
    summary = predict(entry_with(encode=encode), [clip, a_clip("w", 4)], tmp_path / "store")
    assert problems_of(summary) == ["E14 2026_test_means, unit v, frame 3: not a finite number"]
    assert open_store(tmp_path / "store").units() == ("w",)


def test_too_few_rows_are_told(tmp_path):
    entry = entry_with(encode=lambda self, crops: Means.encode(self, crops)[:-1])
    summary = predict(entry, [a_clip("v", 5)], tmp_path / "store")
    assert [line[:3] for line in problems_of(summary)] == ["E13"]
    short = entry_with(answer=lambda self, seen, clip: {"va": np.zeros((2, 2))})
    summary = predict(short, [a_clip("v", 5)], tmp_path / "other")
    assert {line[:3] for line in problems_of(summary)} == {"E13"}
    assert "unit v" in summary.problems[0].found


def test_an_answer_out_of_range_is_told_by_unit_and_frame(tmp_path):
    def answer(self, seen, clip):
        answers = dict(Means.answer(self, seen, clip))
        answers["va"] = answers["va"].copy()
        answers["va"][3, 0] = 1.5
        return answers

    summary = predict(entry_with(answer=answer), [a_clip("v", 5)], tmp_path / "store")
    assert problems_of(summary) == ["E14 2026_test_means, unit v, frame 4: a value out of range for va"]


def test_crops_of_another_size_than_the_card_says_are_told_by_unit_and_frame(tmp_path):
    wide = write_crops(tmp_path / "wide", {"one": 2}, side=2 * SIDE)
    summary = predict(Means(), clips_of_units(wide), tmp_path / "store")
    (problem,) = summary.problems
    assert problem.rule == "E06"
    assert "unit one, frame 1: crops of 32 x 32 pixels" in problem.found


def test_a_damaged_crop_leaves_out_its_unit_alone(tmp_path, crops):
    (crops / "three" / "00004.jpg").write_bytes(b"no picture")
    summary = predict(Means(), clips_of_units(crops), tmp_path / "store", RunOptions(batch=3))
    assert [problem.rule for problem in summary.problems] == ["N50", "F01"]
    assert open_store(tmp_path / "store").units() == ("one", "two")


def test_features_of_another_width_are_told(tmp_path):
    write_features(tmp_path / "v.safetensors", np.arange(1, 4), np.zeros((3, 5), np.float32))
    summary = predict(Means(), clips_of_features(tmp_path), tmp_path / "store")
    assert [problem.rule for problem in summary.problems] == ["P04"]


PROGRAM = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from abawbench.clips.clip import clips_of_units
from abawbench.inference.predict import predict
from abawbench.inference.run import RunOptions
from tests.inference.conftest import Means, entry_with

def encode(self, crops):
    time.sleep(0.004)
    return Means.encode(self, crops)

predict(entry_with(encode=encode), clips_of_units(Path({crops!r})), Path({out!r}), RunOptions(batch=4))
"""


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(tmp_path):
    crops = write_crops(tmp_path / "crops", {f"u{place}": 3 + 5 * place for place in range(12)})
    predict(entry_with(), clips_of_units(crops), tmp_path / "whole", RunOptions(batch=4))
    program = PROGRAM.format(root=str(ROOT), crops=str(crops), out=str(tmp_path / "store"))
    chance = random.Random(3)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", program], env=environment)
        begin = time.monotonic()
        while not list((tmp_path / "store" / "units").glob("*.json")) and time.monotonic() - begin < 30:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        for path in (tmp_path / "store" / "units").glob("*.json"):
            facts = json.loads(path.read_bytes())
            assert facts["unit"] == path.stem
            open_store(tmp_path / "store").read(path.stem)
    predict(entry_with(), clips_of_units(crops), tmp_path / "store", RunOptions(batch=4))
    assert contents(tmp_path / "store") == contents(tmp_path / "whole")


def test_progress_counts_to_the_end(tmp_path, crops):
    told = []
    predict(Means(), clips_of_units(crops), tmp_path / "store", report=told.append)
    assert (told[-1].units, told[-1].frames) == ((3, 3), (15, 15))
    told.clear()
    predict(Means(), clips_of_units(crops), tmp_path / "store", report=told.append)
    assert (told[-1].units, told[-1].frames) == ((3, 3), (0, 0))
