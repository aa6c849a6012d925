"""One video from its file to crops, index and facts, made in a work folder."""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.prefetch import iterate_ahead
from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.alignment import aligned_crop
from abawbench.clips.crop import ARCFACE, Crop
from abawbench.clips.crop_index import DETECTED, FOLLOWED
from abawbench.clips.images import Image, encode_jpeg, read_image
from abawbench.clips.video import Frame, Video, no_frame
from abawbench.faces.crop_index_writer import IndexBuilder, write_index
from abawbench.faces.detector import WEIGHTS_SHA256, Detector, Face
from abawbench.faces.following import FrameFaces, detect_or_follow
from abawbench.faces.identities import Person, Tracker, describe, group_tracks
from abawbench.faces.overrides import Override
from abawbench.faces.sources import Source
from abawbench.faces.units import Units, assign_units
from abawbench.faces.work_folder import NEW_INDEX

# version of the crops, to be raised when the same input gives other bytes
RECIPE = 1
# number of frames decoded in advance
DEPTH = 4
# number of frames between two reports of progress
TICK = 25
# widths of pictures in the audit, in pixels; the most pictures of a unit, and of tracks without a unit
SCENE_WIDTH, THUMB = 480, 64
THUMBS, SET_ASIDE = 10, 12


@dataclass(frozen=True, slots=True)
class FaceSettings:
    """Settings that decide the crops, besides the video.

    Attributes:
        every: interval between detections, in frames; faces are followed between them.
        crop: what the crops show, and how large they are.
    """

    every: int = 1
    crop: Crop = ARCFACE


def video_key(digest: str, settings: FaceSettings, overrides: Sequence[Override]) -> dict[str, Any]:
    """Everything that decides the bytes of a video's crops and index; a video with an equal key need not be redone."""
    import av
    import cv2

    return {
        "recipe": RECIPE,
        "source": digest,
        "every": settings.every,
        **settings.crop.to_json(),
        "weights": WEIGHTS_SHA256,
        "overrides": [row.to_json() for row in overrides],
        "av": av.__version__,
        "opencv": cv2.__version__,
    }


@dataclass(eq=False)
class SourceReport:
    """Facts about a source that become known while it is read.

    Attributes:
        claimed: number of frames that the header promises; 0 if it promises none.
        damage: problems of the parts that could not be read.
    """

    claimed: int = 0
    damage: list[Problem] = field(default_factory=list[Problem])


@contextmanager
def open_frames(source: Source) -> Generator[tuple[Iterator[Frame], SourceReport]]:
    """The frames of a source, and a report that fills while they are read.

    Raises:
        ProblemError: F01 the source cannot be read, D33 it has no frame.
    """
    report = SourceReport()
    if source.kind != "video":
        report.claimed = len(source.files)
        yield _pictures(source, report), report
        return
    with Video(source.path) as video:
        report.claimed = video.claimed

        def frames() -> Generator[Frame]:
            yield from video.frames()
            if video.damage:
                fix = "copy the file again; its readable frames are done"
                report.damage.append(Problem("D32", video.damage, "a video without damage", fix, str(video.path)))

        running = iterate_ahead(frames(), DEPTH)
        try:
            yield running, report
        finally:
            # the thread that decodes must have ended before the file is closed
            running.close()


def _pictures(source: Source, report: SourceReport) -> Generator[Frame]:
    for file, number in zip(source.files, source.numbers, strict=True):
        try:
            image = read_image(file)
        except ProblemError as error:
            report.damage.extend(error.problems)
            continue
        yield Frame(number, float("nan"), image)


@dataclass(eq=False)
class Scene:
    """The first frame that shows the most faces; the audit shows it with the numbers of the tracks.

    Attributes:
        faces: number of faces in it.
        number: frame number.
        picture: the frame as JPEG.
        size: width and height of the original frame, in pixels.
        boxes: track number and box (left, top, right, bottom) of each face.
    """

    faces: int = 0
    number: int = 0
    picture: bytes = b""
    size: tuple[int, int] = (0, 0)
    boxes: list[list[float]] = field(default_factory=list[list[float]])

    def add(self, frame: Frame, faces: Sequence[Face], tracks: Sequence[int]) -> None:
        """Keep this frame if it shows more faces than every frame before it."""
        if len(faces) <= self.faces:
            return
        height, width = frame.image.shape[:2]
        self.faces, self.number, self.size = len(faces), frame.number, (width, height)
        self.picture = encode_jpeg(_narrow(frame.image, SCENE_WIDTH), 80)
        self.boxes = [[track, *(round(v, 1) for v in face.box)] for track, face in zip(tracks, faces, strict=True)]

    def to_json(self) -> dict[str, Any] | None:
        """The scene with its picture in base64; None if no face was seen."""
        if not self.faces:
            return None
        return {"frame": self.number, "size": self.size, "faces": self.boxes, "jpeg": _base64(self.picture)}


def crop_video(
    source: Source,
    work: Path,
    detector: Detector,
    settings: FaceSettings,
    overrides: Sequence[Override],
    digest: str,
    tick: Callable[[int], None],
) -> Mapping[str, Any]:
    """Make the crops of every unit and the index of a video in a work folder.

    Args:
        source: the video.
        work: an empty folder with the subfolders `tracks` and `units`.
        detector: the face detector.
        settings: settings of detection and cropping.
        overrides: rows of the overrides file for this video.
        digest: hash of the source.
        tick: function that is called now and then with the number of frames done since its last call.

    Returns:
        The facts of the video, as its index holds them.

    Raises:
        ProblemError: F01 the source cannot be read, D33 it has no frame.
        OSError: the crops cannot be written.
    """
    index, tracker, scene = IndexBuilder(), Tracker(), Scene()
    folders: set[int] = set()
    with open_frames(source) as (frames, report):
        for done, found in enumerate(detect_or_follow(frames, detector, settings.every), 1):
            _add_frame(found, work, settings.crop, index, tracker, scene, folders)
            if done % TICK == 0:
                tick(TICK)
        tick(len(index.frame_number) % TICK)
    if not index.frame_number:
        raise ProblemError(*report.damage or no_frame(source.path).problems)
    people = group_tracks(tracker.tracks, tracker.together)
    rate = index.rate()
    total = len(index.frame_number)
    units = assign_units(source.name, index.faces(), tracker.tracks, people, overrides, frames=total, rate=rate)
    facts = {
        "video": source.name,
        "kind": source.kind,
        "key": video_key(digest, settings, overrides),
        "frames": total,
        "claimed": report.claimed,
        "rate": round(rate, 4),
        "cuts": [index.frame_number[cut] for cut in tracker.cuts],
        "crops": int((units.of_face >= 0).sum()),
        "units": list(units.names),
        "tracks": _track_facts(index, tracker, people, units),
        "scene": scene.to_json(),
        "problems": [problem.to_json() for problem in (*report.damage, *_unknown_tracks(source, units))],
    }
    facts |= _audit_pictures(work, index, tracker, units)
    _move_crops(work, index, units)
    write_index(work / NEW_INDEX, index, units.of_face, facts)
    return facts


def _add_frame(
    found: FrameFaces,
    work: Path,
    crop: Crop,
    index: IndexBuilder,
    tracker: Tracker,
    scene: Scene,
    folders: set[int],
) -> None:
    """Crop the faces of a frame, assign them to tracks, and write the crops into a folder for each track."""
    import cv2

    frame = found.frame
    index.add_frame(frame.number, frame.time)
    faces = tuple(face for face in found.faces if _can_be_aligned(face))
    aligned = [aligned_crop(frame.image, face.points) for face in faces]
    tracks = tracker.assign_tracks(frame.image, faces, [describe(upright) for upright in aligned])
    scene.add(frame, faces, tracks)
    state = FOLLOWED if found.is_followed else DETECTED
    for face, track, upright in zip(faces, tracks, aligned, strict=True):
        blur = float(cv2.meanStdDev(cv2.Laplacian(cv2.cvtColor(upright, cv2.COLOR_RGB2GRAY), cv2.CV_32F))[1][0, 0])
        index.add_face(face, track, state, blur, frame.image.shape[1])
        folder = work / "tracks" / str(track)
        if track not in folders:
            folder.mkdir()
            folders.add(track)
        shown = upright if crop == ARCFACE else aligned_crop(frame.image, face.points, crop, face.box)
        (folder / _file_name(frame.number)).write_bytes(encode_jpeg(shown))


def _can_be_aligned(face: Face) -> bool:
    """False for the rare face whose box is empty or whose points coincide."""
    left, top, right, bottom = face.box
    return right > left and bottom > top and bool(np.ptp(face.points, axis=0).max() > 1)


def _file_name(number: int) -> str:
    return f"{number:05d}.jpg"


def _move_crops(work: Path, index: IndexBuilder, units: Units) -> None:
    for name in units.names:
        (work / "units" / name).mkdir()
    for frame, track, unit in zip(index.frame, index.track, units.of_face, strict=True):
        if unit >= 0:
            file = _file_name(index.frame_number[frame])
            (work / "tracks" / str(track) / file).rename(work / "units" / units.names[unit] / file)


def _track_facts(index: IndexBuilder, tracker: Tracker, people: Sequence[Person], units: Units) -> list[dict[str, Any]]:
    apart = {number: d for person in people for number, d in zip(person.tracks, person.apart, strict=True)}
    width = len(units.names) + 1
    counts = np.bincount(index.track * width + units.of_face + 1, minlength=(len(tracker.tracks) + 1) * width)
    counts = counts.reshape(-1, width)
    return [
        {
            "number": track.number,
            "first": index.frame_number[track.first],
            "last": index.frame_number[track.last],
            "frames": track.count,
            "side": round(track.side, 1),
            "apart": round(apart[track.number], 3),
            "units": [units.names[u - 1] for u in np.flatnonzero(counts[track.number]).tolist() if u],
        }
        for track in tracker.tracks
    ]


def _unknown_tracks(source: Source, units: Units) -> Iterator[Problem]:
    for number in units.unknown:
        expected, fix = "a track of the audit", "look up the number in audit.html"
        yield Problem("D34", f"track {number} of '{source.name}'", expected, fix, str(source.path))


def _audit_pictures(work: Path, index: IndexBuilder, tracker: Tracker, units: Units) -> dict[str, Any]:
    """Small pictures for the audit: several of every unit, and one of each longer track without a unit."""
    thumbs: dict[str, list[list[Any]]] = {}
    for unit, name in enumerate(units.names):
        faces = np.flatnonzero(units.of_face == unit)
        thumbs[name] = [_thumb(work, index, face) for face in _evenly_spaced(faces, THUMBS)]
    aside = [track for track in tracker.tracks if not (units.of_face[index.track == track.number] >= 0).any()]
    aside = sorted(aside, key=lambda track: (-track.count, track.number))[:SET_ASIDE]
    middles = {track.number: _evenly_spaced(np.flatnonzero(index.track == track.number), 1) for track in aside}
    return {
        "thumbs": thumbs,
        "aside": {str(number): _thumb(work, index, face) for number, (face,) in middles.items()},
    }


def _evenly_spaced(faces: NDArray[np.intp], count: int) -> list[int]:
    """Up to `count` of these, evenly spaced."""
    count = min(count, len(faces))
    return faces[(np.arange(count) * 2 + 1) * len(faces) // (2 * count)].tolist() if count else []


def _thumb(work: Path, index: IndexBuilder, face: int) -> list[Any]:
    number = index.frame_number[index.frame[face]]
    crop = read_image(work / "tracks" / str(index.track[face]) / _file_name(number))
    return [number, _base64(encode_jpeg(_narrow(crop, THUMB), 80))]


def _narrow(image: Image, width: int) -> Image:
    """The image, shrunk to this width if it is wider."""
    import cv2

    height = max(round(image.shape[0] * width / image.shape[1]), 1)
    if image.shape[1] <= width:
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
