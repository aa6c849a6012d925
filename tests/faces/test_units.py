from __future__ import annotations

import numpy as np
import pytest

from abawbench.faces.identities import Person, Track
from abawbench.faces.overrides import LAST, Override
from abawbench.faces.units import Units, VideoFaces, assign_units

BOX = (0.0, 0.0, 1.0, 1.0)


def assigned(
    spans: dict[int, tuple[range, float]], persons=None, overrides=(), frames: int = 100
) -> tuple[Units, VideoFaces]:
    """Units of tracks given as frames and place; each track is a person unless said otherwise."""
    number = np.array([n for span, _ in spans.values() for n in span], np.int32)
    track = np.repeat(list(spans), [len(span) for span, _ in spans.values()]).astype(np.int32)
    centre = np.array([place for span, place in spans.values() for _ in span], np.float32)
    order = np.argsort(number, kind="stable")
    faces = VideoFaces(number[order], track[order], centre[order], np.full(len(number), 50, np.float32))
    tracks = [
        Track(n, 0, span[0], span[-1], BOX, BOX, np.zeros(1, np.float32), len(span)) for n, (span, _) in spans.items()
    ]
    groups = [Person(tuple(group), (0.0,) * len(group)) for group in (persons or [[n] for n in spans])]
    return assign_units("v", faces, tracks, groups, overrides, frames=frames, rate=25.0), faces


def frames_of(result, unit: str) -> dict[int, list[int]]:
    """Frames of a unit by track."""
    units, faces = result
    mine = units.of_face == units.names.index(unit)
    return {int(t): faces.number[mine & (faces.track == t)].tolist() for t in np.unique(faces.track[mine])}


def test_one_person_has_the_name_of_the_video():
    assert assigned({1: (range(1, 101), 0.5)})[0].names == ("v",)


@pytest.mark.parametrize(("first", "second"), [(0.2, 0.8), (0.8, 0.2)])
def test_two_persons_are_left_and_right_after_where_they_are(first, second):
    result = assigned({1: (range(1, 101), first), 2: (range(1, 101), second)})
    assert result[0].names == ("v_left", "v_right")
    assert list(frames_of(result, "v_left")) == [1 if first < second else 2]


def test_further_persons_are_numbered_from_three():
    spans = {1: (range(1, 101), 0.9), 2: (range(1, 91), 0.1), 3: (range(1, 71), 0.5), 4: (range(1, 81), 0.6)}
    result = assigned(spans)
    assert result[0].names == ("v_left", "v_right", "v_person3", "v_person4")
    assert [list(frames_of(result, name)) for name in result[0].names] == [[2], [1], [4], [3]]


def test_a_face_in_passing_is_no_unit():
    result = assigned({1: (range(1, 101), 0.2), 2: (range(40, 60), 0.8)})
    assert result[0].names == ("v",)
    assert list(frames_of(result, "v")) == [1]


def test_a_person_seen_in_less_than_a_tenth_of_the_frames_of_another_is_no_unit():
    assert assigned({1: (range(1, 1001), 0.2), 2: (range(1, 91), 0.8)}, frames=1000)[0].names == ("v",)
    assert len(assigned({1: (range(1, 1001), 0.2), 2: (range(1, 111), 0.8)}, frames=1000)[0].names) == 2


def test_both_faces_of_one_picture_are_units():
    assert assigned({1: (range(1, 2), 0.2), 2: (range(1, 2), 0.8)}, frames=1)[0].names == ("v_left", "v_right")


def test_tracks_of_one_person_are_one_unit():
    spans = {1: (range(1, 41), 0.2), 2: (range(51, 101), 0.3)}
    assert frames_of(assigned(spans, persons=[[2, 1]]), "v") == {1: list(range(1, 41)), 2: list(range(51, 101))}


def test_without_faces_there_is_no_unit():
    assert assigned({1: (range(1, 4), 0.2)})[0].names == ()


TWO = {1: (range(1, 101), 0.2), 2: (range(1, 101), 0.8)}


def test_none_leaves_no_face_in_its_frames():
    result = assigned(TWO, overrides=[Override(11, 30, "none")])
    assert frames_of(result, "v_left")[1] == [*range(1, 11), *range(31, 101)]
    assert frames_of(result, "v_right")[2] == [*range(1, 11), *range(31, 101)]


def test_a_chosen_track_is_the_only_face_and_the_video_has_one_unit():
    result = assigned(TWO, overrides=[Override(0, LAST, 2)])
    assert result[0].names == ("v",)
    assert frames_of(result, "v") == {2: list(range(1, 101))}


def test_tracks_chosen_one_after_the_other_are_one_person():
    spans = {1: (range(1, 51), 0.2), 2: (range(51, 101), 0.8)}
    assert assigned(spans)[0].names == ("v_left", "v_right")
    result = assigned(spans, overrides=[Override(1, 50, 1), Override(51, 100, 2)])
    assert frames_of(result, "v") == {1: list(range(1, 51)), 2: list(range(51, 101))}


def test_outside_of_the_rows_the_chosen_person_goes_on_and_others_are_units_as_before():
    result = assigned(TWO, overrides=[Override(1, 40, 2)])
    assert frames_of(result, "v_right") == {2: list(range(1, 101))}
    assert frames_of(result, "v_left") == {1: list(range(41, 101))}


@pytest.mark.parametrize(("which", "track"), [("left", 1), ("right", 2)])
def test_left_and_right_are_the_outermost_faces_of_each_frame(which, track):
    assert frames_of(assigned(TWO, overrides=[Override(0, LAST, which)]), "v") == {track: list(range(1, 101))}


def test_of_two_rows_for_one_frame_the_later_wins():
    rows = [Override(0, LAST, 2), Override(0, LAST, 1)]
    assert frames_of(assigned(TWO, overrides=rows), "v") == {1: list(range(1, 101))}


def test_a_track_that_is_not_there_is_told():
    assert assigned(TWO, overrides=[Override(0, 5, 9)])[0].unknown == (9,)
