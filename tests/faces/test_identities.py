from __future__ import annotations

import functools
from collections import defaultdict

import numpy as np
import pytest

from abawbench.clips.images import read_image
from abawbench.faces import Face, aligned_crop
from abawbench.faces.identities import SAME, Track, Tracker, describe, group_tracks
from examples.real_data import real_data
from tests.faces.conftest import Blobs, picture
from tests.faces.test_detector import detected

BOX = (0.0, 0.0, 10.0, 10.0)


def followed(pictures) -> tuple[Tracker, list[list[int]]]:
    """Tracks of pictures drawn by `picture`, and the numbers that each picture got, from the left."""
    tracker, blobs, numbers = Tracker(), Blobs(None), []
    for image in pictures:
        faces = tuple(sorted(blobs.detect(image), key=lambda face: face.box))
        numbers.append(
            tracker.assign_tracks(image, faces, [describe(aligned_crop(image, face.points)) for face in faces])
        )
    return tracker, numbers


def test_a_face_that_moves_keeps_its_number():
    _, numbers = followed(picture((1, 20 + 4 * step, 40)) for step in range(30))
    assert numbers == [[1]] * 30


def test_two_faces_keep_apart():
    _, numbers = followed(picture((1, 20 + step, 40), (2, 240 - step, 60)) for step in range(30))
    assert numbers == [[1, 2]] * 30


def test_a_short_absence_does_not_end_a_track_and_a_long_one_does():
    for absent, expected in ((10, 1), (40, 2)):
        pictures = [picture((1, 50, 40))] * 3 + [picture()] * absent + [picture((1, 50, 40))] * 3
        assert len(followed(pictures)[0].tracks) == expected


def test_another_person_in_the_same_place_is_another_track():
    tracker, numbers = followed([picture((1, 50, 40))] * 5 + [picture((2, 50, 40))] * 5)
    assert numbers == [[1]] * 5 + [[2]] * 5
    assert tracker.cuts == []


def test_a_cut_is_seen_and_ends_every_track():
    pictures = [picture((1, 50, 40))] * 5 + [picture((2, 200, 80), ground=60)] * 5
    tracker, numbers = followed(pictures)
    assert tracker.cuts == [5]
    assert numbers == [[1]] * 5 + [[2]] * 5


def test_a_change_of_size_is_a_cut():
    half = picture((1, 50, 40))[:, :160]
    assert followed([picture((1, 50, 40)), half])[0].cuts == [1]


def test_a_person_is_known_again_after_a_cut_and_another_is_not():
    grounds = [(1, 20), (2, 60), (1, 20), (2, 60)]
    pictures = [picture((number, 50, 40), ground=ground) for number, ground in grounds for _ in range(8)]
    tracker, _ = followed(pictures)
    assert [person.tracks for person in group_tracks(tracker.tracks, tracker.together)] == [(1, 3), (2, 4)]


def track(number: int, description, first: int = 0, count: int = 10, shot: int = 0, box=BOX) -> Track:
    description = np.asarray(description, np.float32)
    result = Track(number, shot, first, first + count - 1, box, box, description, count)
    result.exemplars.append(description)
    return result


def grouped(*tracks: Track, together=()) -> list[tuple[int, ...]]:
    pairs = defaultdict(set)
    for one, other in together:
        pairs[one].add(other)
        pairs[other].add(one)
    return [person.tracks for person in group_tracks(list(tracks), pairs)]


def test_like_tracks_are_one_person_and_unlike_ones_are_not():
    near, far = [SAME * 0.9, 0], [SAME * 1.1, 0]
    assert grouped(track(1, [0, 0]), track(2, near, shot=1)) == [(1, 2)]
    assert grouped(track(1, [0, 0]), track(2, far, shot=1)) == [(1,), (2,)]


def test_tracks_seen_together_are_never_one_person():
    assert grouped(track(1, [0, 0]), track(2, [0, 0]), together=[(1, 2)]) == [(1,), (2,)]


def test_a_track_goes_to_the_next_likely_person_where_the_likeliest_was_seen_beside_it():
    tracks = track(1, [0, 0], count=30), track(2, [2.5, 0], count=20, shot=1), track(3, [1.0, 0], count=10, shot=2)
    assert grouped(*tracks) == [(1, 3), (2,)]
    assert grouped(*tracks, together=[(1, 3)]) == [(1,), (2, 3)]


def test_going_on_in_the_same_place_asks_for_less_likeness():
    unlike = [2 * SAME, 0]
    assert grouped(track(1, [0, 0]), track(2, unlike, first=20)) == [(1, 2)]
    assert grouped(track(1, [0, 0]), track(2, unlike, first=20, box=(50, 0, 60, 10))) == [(1,), (2,)]
    assert grouped(track(1, [0, 0]), track(2, unlike, first=20, shot=1)) == [(1,), (2,)]


def test_no_tracks_are_no_persons():
    assert grouped() == []


def test_a_description_does_not_change_with_brightness_alone_much():
    crop = aligned_crop(picture((1, 50, 40)), Blobs(None).detect(picture((1, 50, 40)))[0].points)
    dark = (crop * 0.8).astype(np.uint8)
    other = aligned_crop(picture((2, 50, 40)), Blobs(None).detect(picture((2, 50, 40)))[0].points)
    one = describe(crop)
    assert np.linalg.norm(one - describe(dark)) < np.linalg.norm(one - describe(other)) / 2


@functools.cache
def london() -> tuple[np.ndarray, np.ndarray]:
    """Descriptions of all people of the London set, neutral and smiling, shape (people, 224) each."""
    folder = real_data() / "faces"
    described = []
    for condition in ("neutral", "smiling"):
        paths = sorted(folder.glob(f"london_*_{condition}.jpg"))
        faces: list[Face] = [detected(path.name)[1][0] for path in paths]
        pairs = zip(paths, faces, strict=True)
        described.append(np.stack([describe(aligned_crop(read_image(path), face.points)) for path, face in pairs]))
    return described[0], described[1]


@pytest.mark.real_data
def test_a_persons_pictures_lie_nearer_than_those_of_two_people():
    neutral, smiling = london()
    apart = np.linalg.norm(neutral[:, np.newaxis] - smiling[np.newaxis], axis=2)
    same, other = np.diag(apart), apart[~np.eye(len(apart), dtype=bool)]
    area = (same[:, np.newaxis] < other).mean()
    print(f"area {area:.4f}; same {np.percentile(same, [50, 97])}, other {np.percentile(other, [1, 50])}")
    # 0.9993 on 102 people
    assert area > 0.998
    assert (same < SAME).mean() > 0.95
    assert (other < SAME).mean() < 0.02
