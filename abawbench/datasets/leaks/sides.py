"""One side of a comparison: a folder of pictures or videos, a file of labels, or a data set by name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from abawbench.base.files import require_plain
from abawbench.base.problems import Problem, ProblemError, not_found, unreadable
from abawbench.challenges import Challenge
from abawbench.clips.images import SUFFIXES
from abawbench.clips.video import SUFFIXES as VIDEOS
from abawbench.datasets.manifests.model import Manifest
from abawbench.formats import load, read_truth
from abawbench.labels import COMPOUND_7, EXPRESSIONS_8, FOLDER_ALIASES

_CLASSES = frozenset(
    name.lower()
    for name in (
        *EXPRESSIONS_8,
        *COMPOUND_7,
        *FOLDER_ALIASES,
        "angry",
        "disgusted",
        "fearful",
        "happy",
        "sad",
        "surprised",
    )
)
_HEADERS = frozenset({"image", "image_location", "video", "frame", "filename", "name", "valence", "path"})


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Attributes:
        name: path or id as the user gave it.
        units: names of videos, persons in videos, sequences, or single pictures.
        subjects: names of persons, where labels have them.
        pictures: paths of pictures; those of one folder are in the order of their numbers.
        videos: paths of videos.
        dataset: facts of the data set, where the side is the id of one.
        problems: files and folders that could not be read.
    """

    name: str
    units: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    pictures: tuple[Path, ...] = ()
    videos: tuple[Path, ...] = ()
    dataset: Manifest | None = None
    problems: tuple[Problem, ...] = field(default=())


def read_sides(first: str, second: str, challenge: Challenge | None = None) -> tuple[Side, Side]:
    """Read both sides, each as `read_side`. Raises: ProblemError, with the problems of both."""
    sides: list[Side] = []
    problems: list[Problem] = []
    for name in (first, second):
        try:
            sides.append(read_side(name, challenge))
        except ProblemError as error:
            problems += error.problems
    if problems:
        raise ProblemError(*problems)
    return sides[0], sides[1]


def read_side(name: str, challenge: Challenge | None = None) -> Side:
    """Read everything that can be compared below a path, or of a data set.

    Args:
        name: path of a folder, a picture or video, a Parquet file of `data read`, a text file of labels or of names, or
            the id of a manifest.
        challenge: challenge in whose format text files are, and folders of them.

    Raises:
        ProblemError: F01 neither a path nor a data set, and the problems of reading labels.
    """
    path = Path(name)
    if path.is_dir():
        return _folder(path, name, challenge)
    if path.is_file():
        return _file(path, name, challenge)
    from abawbench.datasets.manifests import get_manifest

    if "/" in name or path.suffix:
        raise not_found(name, "a file or folder, or a data set")
    return Side(name, dataset=get_manifest(name))


def unit_of(picture: PurePosixPath | Path) -> str:
    """The unit that a picture belongs to, by its path; empty where the path does not tell.

    A picture whose name is a number is a frame of the video that its folder is named after, unless the folder is a
    class; any other picture is a unit of its own.

    >>> unit_of(PurePosixPath("cropped_aligned/6-30-1920x1080_left/00012.jpg"))
    '6-30-1920x1080_left'
    >>> unit_of(PurePosixPath("FER2013Test/fer0032220.png"))
    'fer0032220'
    >>> unit_of(PurePosixPath("ANGRER/12.jpg"))
    ''
    """
    if not re.fullmatch(r"(frame)?[-_]?\d+", picture.stem):
        return picture.stem
    folder = picture.parent.name
    return "" if folder.lower() in _CLASSES else folder


def _folder(root: Path, name: str, challenge: Challenge | None) -> Side:
    problems: list[Problem] = []

    def note_unreadable(error: OSError) -> None:
        problems.extend(unreadable(error.filename, error, "a readable folder").problems)

    pictures: list[Path] = []
    videos: list[Path] = []
    texts: list[Path] = []
    for place, folders, files in os.walk(root, onerror=note_unreadable):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        kinds: Mapping[str, list[Path]] = {
            **dict.fromkeys(SUFFIXES, pictures),
            **dict.fromkeys(VIDEOS, videos),
            ".txt": texts,
        }
        for file in sorted(files, key=_natural):
            path = Path(place, file)
            if not file.startswith(".") and (kind := kinds.get(path.suffix.lower())) is not None:
                kind.append(path)
    units = {unit_of(path.relative_to(root)) for path in pictures} | {path.stem for path in videos}
    if challenge is not None and not pictures and not videos:
        units |= set(read_truth(challenge, root).videos)
    else:
        units |= {path.stem for path in texts if _holds_labels(path)}
    units.discard("")
    return Side(name, frozenset(units), frozenset(), tuple(pictures), tuple(videos), None, tuple(problems))


def _file(path: Path, name: str, challenge: Challenge | None) -> Side:
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return Side(name, frozenset({unit_of(path)} - {""}), pictures=(path,))
    if suffix in VIDEOS:
        return Side(name, frozenset({path.stem}), videos=(path,))
    if challenge is not None:
        return Side(name, frozenset(read_truth(challenge, path).videos))
    if suffix == ".parquet":
        from abawbench.datasets.label_file import read_label_file

        labels = read_label_file(path)
        return Side(name, frozenset(labels.table.videos), frozenset(labels.subjects.values()))
    return Side(name, _names_in(load(path)))


def _names_in(data: bytes) -> frozenset[str]:
    """The units that the first fields of lines name: the folder of a frame, else the name without its ending."""
    folders = set(re.findall(rb"^([^,;\t\r\n]+)/[^/,;\t\r\n]*", data, re.MULTILINE))
    whole = set(re.findall(rb"^([^,;\t/\r\n]+)(?=[,;\t\r\n]|\Z)", data, re.MULTILINE))
    names = {folder.decode("utf-8", "replace").rpartition("/")[2] for folder in folders}
    names |= {_stem(field.decode("utf-8", "replace").strip()) for field in whole}
    return frozenset(name for name in names if name and name.lower() not in _HEADERS)


def _stem(name: str) -> str:
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in SUFFIXES | VIDEOS | {".txt"} else name


def _holds_labels(path: Path) -> bool:
    """True for a per-unit file: its first line is a header of the challenges, or numbers."""
    try:
        require_plain(path)
        with path.open("rb") as file:
            first = file.readline(4096).decode("utf-8", "replace").strip().split(",")
    except (OSError, ProblemError):
        return False
    return first[0] in {"valence", "AU1", *EXPRESSIONS_8} or all(
        re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", cell) for cell in first
    )


def _natural(name: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name))
