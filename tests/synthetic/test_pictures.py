"""Encoded videos: as long as their units, two people in some, nobody where the crops are missing, the same bytes."""

from __future__ import annotations

import hashlib

import av
import numpy as np
import pandas as pd
import pytest

from abawbench.synthetic.corpus import make_footage
from abawbench.synthetic.official import write_corpus
from abawbench.synthetic.pictures import encoded_videos, write_videos
from abawbench.synthetic.settings import CorpusSettings

FILMED = CorpusSettings(3, 20, 4, films=2)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("filmed") / "corpus"
    write_corpus(FILMED, out, workers=1)
    return out


@pytest.fixture(scope="module")
def footage():
    return make_footage(FILMED)


def pictures(path):
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def test_as_many_videos_as_asked_for_those_of_two_people_first(written, footage):
    videos = [footage.units[places[0]].video for places in encoded_videos(footage)]
    assert [len(places) for places in encoded_videos(footage)] == [2, 1]
    assert sorted(path.stem for path in (written / "videos").iterdir()) == sorted(videos)


def test_a_video_has_its_frames_at_thirty_a_second(written, footage):
    for places in encoded_videos(footage):
        unit = footage.units[places[0]]
        with av.open(str(written / "videos" / f"{unit.video}.mp4")) as container:
            stream = container.streams.video[0]
            assert (stream.width, stream.height, stream.average_rate) == (640, 480, 30)
        assert len(pictures(written / "videos" / f"{unit.video}.mp4")) == unit.frames


def test_the_truth_names_a_face_for_each_crop(written, footage):
    faces = pd.read_parquet(written / "truth" / "faces_in_videos.parquet")
    for places in encoded_videos(footage):
        for place in places:
            unit = footage.units[place]
            seen = footage.has_crop[footage.starts[place] : footage.starts[place + 1]]
            rows = faces[faces["unit"] == unit.name]
            assert rows["frame"].tolist() == (np.flatnonzero(seen) + 1).tolist()
            assert set(rows["video"]) == {unit.video}


def test_a_frame_without_a_face_looks_unlike_its_neighbours(written, footage):
    places = next(places for places in encoded_videos(footage) if len(places) == 1)
    seen = footage.has_crop[footage.starts[places[0]] : footage.starts[places[0] + 1]]
    frames = pictures(written / "videos" / f"{footage.units[places[0]].video}.mp4").astype(np.int16)
    change = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
    borders = np.flatnonzero(np.diff(seen))
    assert len(borders)
    assert change[borders].min() > 2 * np.median(np.delete(change, borders))


def test_the_same_bytes_come_again_and_a_video_that_is_there_is_kept(written, footage, tmp_path):
    write_videos(footage, _with_truth(tmp_path), lambda done, total: None)
    for path in (written / "videos").iterdir():
        again = tmp_path / "videos" / path.name
        assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(path.read_bytes()).digest()
    kept = next((tmp_path / "videos").iterdir())
    before = kept.stat().st_mtime_ns
    write_videos(footage, tmp_path, lambda done, total: None)
    assert kept.stat().st_mtime_ns == before


def _with_truth(folder):
    (folder / "truth").mkdir()
    return folder
