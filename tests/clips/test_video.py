from __future__ import annotations

import wave
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.clips.video import Video
from examples.real_data import real_data
from tests.damage import changed_bytes, outcome
from tests.faces.conftest import write_video


def greys(count: int) -> list[np.ndarray]:
    """Pictures whose left half grows brighter, so that order and rotation show."""
    pictures = []
    for place in range(count):
        image = np.full((48, 64, 3), 20, np.uint8)
        image[:, :32] = 40 + 180 * place // max(count - 1, 1)
        pictures.append(image)
    return pictures


def decoded(path: Path) -> tuple[list, Video]:
    with Video(path) as video:
        return list(video.frames()), video


def test_metadata_that_is_no_text_is_no_fault(tmp_path):
    path = write_video(tmp_path / "a.mp4", greys(3))
    with av.open(str(path)) as given, av.open(str(tmp_path / "b.mp4"), "w") as container:
        container.metadata["title"] = "a title"
        source = given.streams.video[0]
        stream = container.add_stream_from_template(source)
        for packet in given.demux(source):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    data = (tmp_path / "b.mp4").read_bytes()
    assert data.count(b"a title") == 1
    (tmp_path / "b.mp4").write_bytes(data.replace(b"a title", b"a\xff\xfe\xe9\x80le"))
    frames, video = decoded(tmp_path / "b.mp4")
    assert (len(frames), video.damage) == (3, "")


def test_every_frame_comes_once_in_order_numbered_from_one(tmp_path):
    frames, video = decoded(write_video(tmp_path / "a.mp4", greys(30)))
    assert [frame.number for frame in frames] == list(range(1, 31))
    brightness = [float(frame.image[:, 4:28].mean()) for frame in frames]
    assert brightness == sorted(brightness)
    assert video.damage == ""


def test_times_are_those_of_the_stamps_where_the_rate_varies(tmp_path):
    stamps = [0, 40, 100, 110, 400, 1000]
    path = write_video(tmp_path / "a.mp4", greys(6), times=stamps)
    frames, _ = decoded(path)
    assert [frame.time for frame in frames] == pytest.approx([stamp / 1000 for stamp in stamps], abs=1e-3)


def test_frames_are_rgb(tmp_path):
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 220
    frames, _ = decoded(write_video(tmp_path / "a.mp4", [red] * 2))
    red, _, blue = frames[0].image.mean(axis=(0, 1))
    assert red > 150
    assert blue < 60


MATRICES = {
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}


def turned(path: Path, degrees: int) -> Path:
    """The file with another display matrix in its track header, as a phone held sideways writes it."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value * 65536 for value in MATRICES[degrees])
    matrix = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    data[place : place + 36] = b"".join((value % (1 << 32)).to_bytes(4, "big") for value in matrix)
    result = path.with_name(f"turned_{degrees}.mp4")
    result.write_bytes(data)
    return result


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_rotated_video_is_upright_as_opencv_shows_it(tmp_path, degrees):
    path = turned(write_video(tmp_path / "a.mp4", greys(3)), degrees)
    frames, _ = decoded(path)
    capture = cv2.VideoCapture(str(path))
    reference = capture.read()[1]
    assert frames[0].image.shape == reference.shape == ((48, 64, 3) if degrees == 180 else (64, 48, 3))
    assert np.abs(frames[0].image.astype(int) - reference[..., ::-1]).mean() < 4


def test_of_a_broken_tail_the_whole_frames_are_given_and_the_damage_is_told(tmp_path):
    whole = write_video(
        tmp_path / "a.mp4", [np.random.default_rng(i).integers(0, 256, (96, 96, 3), np.uint8) for i in range(40)]
    )
    data = bytearray(whole.read_bytes())
    # the index stands at the end of the file: noise over the last third of the pictures leaves it in place
    begin, end = data.index(b"mdat") + 4, data.rindex(b"moov") - 4
    data[begin + 2 * (end - begin) // 3 : end] = b"\xff" * (end - (begin + 2 * (end - begin) // 3))
    (tmp_path / "b.mp4").write_bytes(data)
    frames, video = decoded(tmp_path / "b.mp4")
    assert 20 <= len(frames) <= 40
    assert "of 40 frames" in video.damage
    same, _ = decoded(whole)
    assert all(np.array_equal(one.image, other.image) for one, other in zip(frames[:20], same, strict=False))


@pytest.mark.parametrize("content", [b"", b"not a video at all", b"\x00\x00\x00\x18ftypmp42"])
def test_a_file_that_is_no_video_is_a_problem(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(ProblemError, match="F01"):
        Video(path)


def test_a_file_with_sound_only_has_no_frame(tmp_path):
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        sound.writeframes(bytes(1600))
    with pytest.raises(ProblemError, match="D33"):
        Video(path)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "count", "claimed"),
    [
        ("pyfeat_no_face.mp4", 95, 98),
        ("pyfeat_noface_face.mov", 169, 169),
        ("grid_bbaf2n.mpg", 75, 0),
        ("carphone_pristine.mp4", 120, 120),
    ],
)
def test_frames_are_counted_not_believed(name, count, claimed):
    with Video(real_data() / "videos" / name) as video:
        times = [frame.time for frame in video.frames()]
    assert (len(times), video.claimed, video.damage) == (count, claimed, "")
    assert np.diff(times).min() > 0


@pytest.mark.real_data
def test_a_varying_rate_shows_in_the_times():
    with Video(real_data() / "videos" / "pyfeat_noface_face.mov") as video:
        steps = np.diff([frame.time for frame in video.frames()])
    assert steps.max() > 2 * steps.min()


def test_a_video_of_more_pixels_than_are_decoded_is_refused_by_its_header(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", greys(2))
    monkeypatch.setattr("abawbench.clips.video.LARGEST", 64 * 48 - 1)
    with pytest.raises(ProblemError, match="64 x 48 pixels"):
        Video(path)


def test_frames_that_grow_within_a_video_are_damage(tmp_path, monkeypatch):
    sides = (48, 160)
    parts = [write_video(tmp_path / f"{side}.ts", [np.zeros((side, side, 3), np.uint8)] * 9) for side in sides]
    (tmp_path / "both.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    assert {frame.image.shape[0] for frame in decoded(tmp_path / "both.ts")[0]} == set(sides)
    monkeypatch.setattr("abawbench.clips.video.LARGEST", 100 * 100)
    frames, video = decoded(tmp_path / "both.ts")
    assert {frame.image.shape for frame in frames} <= {(48, 48, 3)}
    assert video.damage


def test_a_video_with_other_bytes_gives_frames_or_a_problem(tmp_path):
    path = write_video(tmp_path / "a.mp4", greys(6))
    for data in changed_bytes(path.read_bytes(), number=150):
        path.write_bytes(data)
        outcome(lambda: decoded(path))
