from __future__ import annotations

import numpy as np
import pytest

from abawbench.clips.video import Frame
from abawbench.faces.following import detect_or_follow
from tests.faces.conftest import Blobs, picture


def watched(pictures, every: int, detector=None):
    frames = (Frame(number, number / 25, image) for number, image in enumerate(pictures, 1))
    return list(detect_or_follow(frames, detector or Blobs(None), every))


@pytest.mark.parametrize("every", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("count", [0, 1, 2, 13])
def test_every_frame_comes_once_whatever_the_step(every, count):
    seen = watched([picture((1, 50 + step, 40)) for step in range(count)], every)
    assert [moment.frame.number for moment in seen] == list(range(1, count + 1))
    assert all(len(moment.faces) == 1 for moment in seen)


def test_faces_are_followed_between_detections_to_a_pixel():
    pictures = [picture((1, 30 + 3 * step, 40 + step)) for step in range(13)]
    detector = Blobs(None)
    seen = watched(pictures, 4, detector)
    assert detector.calls == 4
    assert [moment.is_followed for moment in seen] == [step % 4 > 0 for step in range(13)]
    for moment, truth in zip(seen, watched(pictures, 1), strict=True):
        assert np.abs(moment.faces[0].points - truth.faces[0].points).max() < 1


def test_where_detections_disagree_every_frame_between_is_detected():
    pictures = [picture((1, 50, 40))] * 6 + [picture()] * 7
    seen = watched(pictures, 4)
    assert [len(moment.faces) for moment in seen] == [1] * 6 + [0] * 7
    assert [moment.is_followed for moment in seen[4:9]] == [False] * 5


def test_faces_are_not_carried_over_a_cut():
    pictures = [picture((1, 50, 40))] * 6 + [picture((2, 200, 80), ground=60)] * 7
    seen = watched(pictures, 4)
    assert [round(moment.faces[0].box[0], -1) for moment in seen] == [50] * 6 + [200] * 7


def test_two_crossing_detections_are_matched_each_once():
    pictures = [picture((1, 30 + 5 * step, 20), (2, 230 - 5 * step, 110)) for step in range(9)]
    for moment, truth in zip(watched(pictures, 4), watched(pictures, 1), strict=True):
        points = sorted(face.points[0].tolist() for face in moment.faces)
        assert np.abs(np.array(points) - sorted(face.points[0].tolist() for face in truth.faces)).max() < 1.5
