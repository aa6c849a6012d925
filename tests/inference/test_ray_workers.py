from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from abawbench.base.ray_pool import LOCAL
from abawbench.clips.clip import clips_of_units
from abawbench.inference.predict import predict
from abawbench.inference.ray_workers import RayWorkers
from abawbench.inference.run import RunOptions
from tests.inference.conftest import Means, entry_with, write_crops
from tests.inference.test_precision import Rounding, files_of, late_clips


def dying(marker: Path) -> Means:
    """An entry whose process is killed at the first look that any process takes."""

    def encode(self, crops):
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Means.encode(self, crops)

    return entry_with(encode=encode)


@pytest.fixture(autouse=True)
def _workers_find_these_tests(monkeypatch):
    root = str(Path(__file__).parents[2])
    monkeypatch.syspath_prepend(root)
    monkeypatch.setenv("PYTHONPATH", root)


def test_a_cluster_gives_the_bytes_of_one_process_though_a_worker_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("abawbench.inference.ray_workers.GROUP", 12)
    crops = write_crops(tmp_path / "crops", {f"u{place}": 3 + place for place in range(8)})
    (crops / "u5" / "00002.jpg").write_bytes(b"no picture")
    here = predict(Means(), clips_of_units(crops), tmp_path / "here", RunOptions(batch=5))
    workers = RayWorkers(partial(dying, tmp_path / "marker"), LOCAL, 2)
    there = predict(Means(), clips_of_units(crops), tmp_path / "there", RunOptions(batch=5, workers=workers))
    assert (tmp_path / "marker").exists()
    assert (there.made, there.frames) == (here.made, here.frames) == (7, 52 - 8)
    assert [problem.rule for problem in there.problems] == ["N50", "F01"]
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "units").iterdir()} for name in ("here", "there")
    )
    assert first == second


def test_a_second_run_needs_no_cluster(tmp_path):
    crops = write_crops(tmp_path / "crops", {"one": 3})
    predict(Means(), clips_of_units(crops), tmp_path / "store")
    workers = RayWorkers(Means, "127.0.0.1:1")
    assert predict(Means(), clips_of_units(crops), tmp_path / "store", RunOptions(workers=workers)).kept == 1


def counted(log: Path) -> Means:
    """An entry that leaves a line in a file each time that it is loaded."""
    with log.open("a") as file:
        file.write("loaded\n")
    return Means()


def test_a_worker_loads_the_entry_once(tmp_path, monkeypatch):
    monkeypatch.setattr("abawbench.inference.ray_workers.GROUP", 4)
    crops = write_crops(tmp_path / "crops", {f"u{place}": 4 for place in range(5)})
    workers = RayWorkers(partial(counted, tmp_path / "log"), LOCAL, 1)
    assert predict(Means(), clips_of_units(crops), tmp_path / "store", RunOptions(workers=workers)).made == 5
    assert (tmp_path / "log").read_text() == "loaded\n"


def test_a_cluster_is_watched_as_one_process_is(tmp_path, monkeypatch):
    monkeypatch.setattr("abawbench.inference.precision.has_bfloat16", lambda device: True)
    monkeypatch.setattr("abawbench.inference.ray_workers.GROUP", 300)
    load = partial(Rounding, more=40.0)
    predict(load(), late_clips(), tmp_path / "here")
    summary = predict(load(), late_clips(), tmp_path / "there", RunOptions(workers=RayWorkers(load, LOCAL, 2)))
    assert summary.parity is not None
    assert (summary.parity.precision, summary.parity.exceeded) == ("float32", True)
    assert files_of(tmp_path / "there") == files_of(tmp_path / "here")
