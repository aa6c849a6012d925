from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from abawbench.base.ray_pool import LOCAL
from abawbench.clips.clip import clips_of_units
from abawbench.inference.predict import Options, run
from abawbench.inference.ray_workers import Far
from tests.inference.conftest import Means, entry_with, write_crops


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
    here = run(Means(), clips_of_units(crops), tmp_path / "here", Options(batch=5))
    far = Far(partial(dying, tmp_path / "marker"), LOCAL, 2)
    there = run(Means(), clips_of_units(crops), tmp_path / "there", Options(batch=5, far=far))
    assert (tmp_path / "marker").exists()
    assert (there.made, there.frames) == (here.made, here.frames) == (7, 52 - 8)
    assert [problem.rule for problem in there.problems] == ["F01"]
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "units").iterdir()} for name in ("here", "there")
    )
    assert first == second


def test_a_second_run_needs_no_cluster(tmp_path):
    crops = write_crops(tmp_path / "crops", {"one": 3})
    run(Means(), clips_of_units(crops), tmp_path / "store")
    far = Far(Means, "127.0.0.1:1")
    assert run(Means(), clips_of_units(crops), tmp_path / "store", Options(far=far)).kept == 1
