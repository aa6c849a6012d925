"""One video from its file to crops, index and facts, in a folder of work."""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.prefetch import iterate_ahead
from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.alignment import ALIGNED, FIELDS, Field, aligned_crop
from abawbench.clips.crop_index import DETECTED, FOLLOWED
from abawbench.clips.images import Image, jpeg, read_image
from abawbench.clips.video import Frame, Video, no_frame
from abawbench.faces.crop_index_writer import Observations, write_index
from abawbench.faces.detector import WEIGHTS_SHA256, Detector, Face
from abawbench.faces.following import Seen, watch
from abawbench.faces.identities import Person, Tracker, describe, persons
from abawbench.faces.overrides import Override
from abawbench.faces.sources import Source
from abawbench.faces.store import NEW_INDEX
from abawbench.faces.units import Units, assign

# raised when the same input would give other bytes
RECIPE = 1
# pictures decoded in advance
DEPTH = 4
TICK = 25
SCENE_WIDTH = 480
THUMB, THUMBS, SET_ASIDE = 64, 10, 12


@dataclass(frozen=True, slots=True)
class Settings:
    """What the crops depend on, besides the video.

    Attributes:
        every: the detector sees every k-th frame.
        crop: name of a field of view in `FIELDS`.
    """

    every: int = 1
    crop: str = ALIGNED.name

    @property
    def field(self) -> Field:
        """The field of view."""
        return FIELDS[self.crop]


def key(digest: str, settings: Settings, overrides: Sequence[Override]) -> dict[str, Any]:
    """All that decides the bytes of a video's crops and index; equal keys mean there is nothing to do."""
    import av
    import cv2

    return {
        "recipe": RECIPE,
        "source": digest,
        "every": settings.every,
        "crop": settings.crop,
        "weights": WEIGHTS_SHA256,
        "overrides": [row.to_json() for row in overrides],
        "av": av.__version__,
        "opencv": cv2.__version__,
    }


@dataclass(eq=False)
class Reading:
    """What is learned of a source while it is read.

    Attributes:
        claimed: frames its header promises; 0 where it promises nothing.
        damage: what of it could not be read.
    """

    claimed: int = 0
    damage: list[Problem] = field(default_factory=list[Problem])


@contextmanager
def frames_of(source: Source) -> Generator[tuple[Iterator[Frame], Reading]]:
    """The frames of a source, and what is learned while they are read. Raises: ProblemError F01, D33."""
    reading = Reading()
    if source.kind != "video":
        reading.claimed = len(source.files)
        yield _pictures(source, reading), reading
        return
    with Video(source.path) as video:
        reading.claimed = video.claimed

        def frames() -> Generator[Frame]:
            yield from video.frames()
            if video.damage:
                fix = "copy the file again; its readable frames are done"
                reading.damage.append(Problem("D32", video.damage, "a video without damage", fix, str(video.path)))

        running = iterate_ahead(frames(), DEPTH)
        try:
            yield running, reading
        finally:
            # the thread that decodes must have ended before the file is closed
            running.close()


def _pictures(source: Source, reading: Reading) -> Generator[Frame]:
    for file, number in zip(source.files, source.numbers, strict=True):
        try:
            image = read_image(file)
        except ProblemError as error:
            reading.damage.extend(error.problems)
            continue
        yield Frame(number, float("nan"), image)


@dataclass(eq=False)
class Scene:
    """The first frame that shows most faces, kept to tell the tracks by."""

    faces: int = 0
    number: int = 0
    picture: bytes = b""
    size: tuple[int, int] = (0, 0)
    boxes: list[list[float]] = field(default_factory=list[list[float]])

    def look(self, frame: Frame, faces: Sequence[Face], tracks: Sequence[int]) -> None:
        """Keep this frame if none before it shows as many faces."""
        if len(faces) <= self.faces:
            return
        height, width = frame.image.shape[:2]
        self.faces, self.number, self.size = len(faces), frame.number, (width, height)
        self.picture = jpeg(_smaller(frame.image, SCENE_WIDTH), 80)
        self.boxes = [[track, *(round(v, 1) for v in face.box)] for track, face in zip(tracks, faces, strict=True)]

    def to_json(self) -> dict[str, Any] | None:
        """The scene with its picture as base64; None where no face was seen."""
        if not self.faces:
            return None
        return {"frame": self.number, "size": self.size, "faces": self.boxes, "jpeg": _text(self.picture)}


def extract(
    source: Source,
    work: Path,
    detector: Detector,
    settings: Settings,
    overrides: Sequence[Override],
    digest: str,
    tick: Callable[[int], None],
) -> Mapping[str, Any]:
    """Make the crops of every unit and the index of a video in a folder of work.

    Args:
        source: the video.
        work: an empty folder with `tracks` and `units` in it.
        detector: finds the faces.
        settings: how.
        overrides: the rows of this video.
        digest: of the source.
        tick: is told, now and then, how many more frames are done.

    Returns:
        The facts, as the index holds them.

    Raises:
        ProblemError: F01 not readable, D33 no frame.
        OSError: the crops cannot be written.
    """
    seen, tracker, scene = Observations(), Tracker(), Scene()
    folders: set[int] = set()
    with frames_of(source) as (frames, reading):
        for done, moment in enumerate(watch(frames, detector, settings.every), 1):
            _keep(moment, work, settings.field, seen, tracker, scene, folders)
            if done % TICK == 0:
                tick(TICK)
        tick(len(seen.frame_number) % TICK)
    if not seen.frame_number:
        raise ProblemError(*reading.damage or no_frame(source.path).problems)
    grouped = persons(tracker.tracks, tracker.together)
    rate = seen.rate()
    total = len(seen.frame_number)
    units = assign(source.name, seen.faces(), tracker.tracks, grouped, overrides, frames=total, rate=rate)
    facts = {
        "video": source.name,
        "kind": source.kind,
        "key": key(digest, settings, overrides),
        "frames": total,
        "claimed": reading.claimed,
        "rate": round(rate, 4),
        "cuts": [seen.frame_number[cut] for cut in tracker.cuts],
        "crops": int((units.of_face >= 0).sum()),
        "units": list(units.names),
        "tracks": _track_facts(seen, tracker, grouped, units),
        "scene": scene.to_json(),
        "problems": [problem.to_json() for problem in (*reading.damage, *_unknown(source, units))],
    }
    facts |= _pictures_of(work, seen, tracker, units)
    _move_crops(work, seen, units)
    write_index(work / NEW_INDEX, seen, units.of_face, facts)
    return facts


def _keep(
    moment: Seen, work: Path, view: Field, seen: Observations, tracker: Tracker, scene: Scene, folders: set[int]
) -> None:
    """Crop, describe, join and write the faces of a frame."""
    import cv2

    frame = moment.frame
    seen.add_frame(frame.number, frame.time)
    faces = tuple(face for face in moment.faces if _is_a_face(face))
    aligned = [aligned_crop(frame.image, face.points) for face in faces]
    tracks = tracker.follow(frame.image, faces, [describe(crop) for crop in aligned])
    scene.look(frame, faces, tracks)
    state = FOLLOWED if moment.is_followed else DETECTED
    for face, track, crop in zip(faces, tracks, aligned, strict=True):
        blur = float(cv2.meanStdDev(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_32F))[1][0, 0])
        seen.add_face(face, track, state, blur, frame.image.shape[1])
        folder = work / "tracks" / str(track)
        if track not in folders:
            folder.mkdir()
            folders.add(track)
        shown = crop if view is ALIGNED else aligned_crop(frame.image, face.points, view)
        (folder / _file(frame.number)).write_bytes(jpeg(shown))


def _is_a_face(face: Face) -> bool:
    """False for the rare face whose points or box fall together, which nothing can align."""
    left, top, right, bottom = face.box
    return right > left and bottom > top and bool(np.ptp(face.points, axis=0).max() > 1)


def _file(number: int) -> str:
    return f"{number:05d}.jpg"


def _move_crops(work: Path, seen: Observations, units: Units) -> None:
    for name in units.names:
        (work / "units" / name).mkdir()
    for frame, track, unit in zip(seen.frame, seen.track, units.of_face, strict=True):
        if unit >= 0:
            file = _file(seen.frame_number[frame])
            (work / "tracks" / str(track) / file).rename(work / "units" / units.names[unit] / file)


def _track_facts(seen: Observations, tracker: Tracker, grouped: Sequence[Person], units: Units) -> list[dict[str, Any]]:
    apart = {number: d for person in grouped for number, d in zip(person.tracks, person.apart, strict=True)}
    width = len(units.names) + 1
    counts = np.bincount(seen.track * width + units.of_face + 1, minlength=(len(tracker.tracks) + 1) * width)
    counts = counts.reshape(-1, width)
    return [
        {
            "number": track.number,
            "first": seen.frame_number[track.first],
            "last": seen.frame_number[track.last],
            "frames": track.count,
            "side": round(track.side, 1),
            "apart": round(apart[track.number], 3),
            "units": [units.names[u - 1] for u in np.flatnonzero(counts[track.number]).tolist() if u],
        }
        for track in tracker.tracks
    ]


def _unknown(source: Source, units: Units) -> Iterator[Problem]:
    for number in units.unknown:
        expected, fix = "a track of the audit", "look up the number in audit.html"
        yield Problem("D34", f"track {number} of '{source.name}'", expected, fix, str(source.path))


def _pictures_of(work: Path, seen: Observations, tracker: Tracker, units: Units) -> dict[str, Any]:
    """Small pictures for the audit: some of every unit, one of each longer track that is of none."""
    thumbs: dict[str, list[list[Any]]] = {}
    for index, name in enumerate(units.names):
        faces = np.flatnonzero(units.of_face == index)
        thumbs[name] = [_thumb(work, seen, face) for face in _spread(faces, THUMBS)]
    aside = [track for track in tracker.tracks if not (units.of_face[seen.track == track.number] >= 0).any()]
    aside = sorted(aside, key=lambda track: (-track.count, track.number))[:SET_ASIDE]
    middles = {track.number: _spread(np.flatnonzero(seen.track == track.number), 1) for track in aside}
    return {
        "thumbs": thumbs,
        "aside": {str(number): _thumb(work, seen, face) for number, (face,) in middles.items()},
    }


def _spread(faces: np.ndarray[Any, np.dtype[np.intp]], count: int) -> list[int]:
    """Up to `count` of these, evenly apart."""
    count = min(count, len(faces))
    return faces[(np.arange(count) * 2 + 1) * len(faces) // (2 * count)].tolist() if count else []


def _thumb(work: Path, seen: Observations, face: int) -> list[Any]:
    number = seen.frame_number[seen.frame[face]]
    crop = read_image(work / "tracks" / str(seen.track[face]) / _file(number))
    return [number, _text(jpeg(_smaller(crop, THUMB), 80))]


def _smaller(image: Image, width: int) -> Image:
    import cv2

    height = max(round(image.shape[0] * width / image.shape[1]), 1)
    if image.shape[1] <= width:
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
