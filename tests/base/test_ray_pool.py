from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from abawbench.base.problems import Problem, ProblemError
from abawbench.base.ray_pool import LOCAL, cluster, spread
from abawbench.clips.clip import clips_of_faces
from abawbench.faces.run import crop_faces
from abawbench.faces.video_crops import FaceSettings
from examples.real_data import real_data


def doubled(folder: Path, item: int) -> int:
    """Twice the item; the first time that 3 is asked for, its process is killed."""
    marker = folder / f"{item}"
    if item == 3 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * item


def refused(item: int) -> int:
    raise ProblemError(Problem("F01", f"item {item}", "another", "choose one"))


@pytest.fixture(autouse=True)
def _workers_find_these_tests(monkeypatch):
    root = str(Path(__file__).parents[2])
    monkeypatch.syspath_prepend(root)
    monkeypatch.setenv("PYTHONPATH", root)


def test_every_item_is_done_once_though_a_worker_is_killed_in_the_middle(tmp_path):
    found = dict(spread(partial(doubled, tmp_path), range(8), LOCAL, 2))
    assert found == {item: 2 * item for item in range(8)}
    assert (tmp_path / "3").exists()


def test_problems_of_the_work_come_back_as_problems():
    with pytest.raises(ProblemError, match="F01"):
        list(spread(refused, [1], LOCAL, 1))


def test_an_address_without_a_cluster_is_told():
    with pytest.raises(ProblemError, match="C02"):
        list(spread(refused, [1], "127.0.0.1:1", 1))


@pytest.mark.real_data
def test_faces_of_a_cluster_are_those_of_one_process(tmp_path):
    videos = tmp_path / "videos"
    videos.mkdir()
    for name in ("grid_bbaf2n.mpg", "grid_lwbsza.mpg", "grid_swiz3n.mpg"):
        (videos / name).write_bytes((real_data() / "videos" / name).read_bytes())
    crop_faces(videos, tmp_path / "one", FaceSettings(every=5), workers=1)
    summary = crop_faces(videos, tmp_path / "many", FaceSettings(every=5), workers=2, address=LOCAL)
    assert (summary.made, summary.problems) == (3, ())
    one, many = (
        {
            path.relative_to(root): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and path.name[0] != "."
        }
        for root in (tmp_path / "one", tmp_path / "many")
    )
    assert one == many
    assert len(clips_of_faces(tmp_path / "many")) == 3


def test_a_cluster_that_is_started_here_listens_to_this_machine_alone(monkeypatch):
    ray = pytest.importorskip("ray")
    given = {}
    monkeypatch.setattr(ray, "init", lambda **options: given.update(options))
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    with cluster("local", 1):
        assert given["_node_ip_address"] == "127.0.0.1"
