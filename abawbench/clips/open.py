"""Opening a path as clips: crops, features, or videos and pictures whose faces are cropped first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from abawbench.base.folders import entries, is_litter, unfold
from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip, clips_of_faces, clips_of_units, numbered_pictures
from abawbench.clips.crop_index import CROPS, index_files
from abawbench.clips.features import SUFFIX, clips_of_features
from abawbench.clips.images import read_image

Kind = Literal["faces", "crops", "features", "videos and pictures"]


@dataclass(frozen=True, eq=False)
class ClipSource:
    """The clips of a path.

    Attributes:
        kind: kind of data that the path holds.
        clips: one clip for each unit.
        notes: notes on what else the path holds, and problems of units that are left out.
    """

    kind: Kind
    clips: tuple[Clip, ...]
    notes: tuple[Problem, ...] = ()


def open_clips(
    path: Path, *, faces: Callable[[], Path] | None = None, command: str = "abawbench faces VIDEOS OUT"
) -> ClipSource:
    """Open a path as clips, whatever kind of data it holds.

    Args:
        path: folder or file.
        faces: function that crops the faces of videos and pictures and returns the folder of the crops; without it,
            videos and pictures are a problem.
        command: command that crops the faces, for that problem.

    Raises:
        ProblemError: F01 there is no such path, or a file cannot be read; P03 the folder is empty; D30 there are no
            crops; D31 two crops have the same number; E04 or E21 for features.
    """
    kind, path, notes = _unfolded(path)
    if kind == "features":
        return ClipSource(kind, clips_of_features(path), notes)
    if kind == "faces":
        return ClipSource(kind, clips_of_faces(path), notes)
    if kind == "crops":
        if (path / CROPS).is_dir():
            path, notes = path / CROPS, (*notes, *entries(path / CROPS)[1])
        return ClipSource(kind, clips_of_units(path), notes)
    if faces is None:
        expected = "crops named by frame number, as <unit>/00001.jpg, or features"
        raise ProblemError(Problem("D30", "no crops", expected, f"crop the faces first: {command}", str(path)))
    if path.is_dir() and not entries(path)[0]:
        expected = "crops, features, pictures or videos"
        raise ProblemError(Problem("P03", "an empty folder", expected, "name another", str(path)))
    # problems of videos are told as their faces are cropped
    return ClipSource(kind, clips_of_faces(faces()), tuple(note for note in notes if note.is_note))


def _unfolded(path: Path) -> tuple[Kind, Path, tuple[Problem, ...]]:
    """The kind of data, the folder that holds it, which may be the only one in another, and notes on these folders."""
    kind = kind_of(path)
    if not path.is_dir():
        return kind, path, ()
    _, litter = entries(path)
    inner, notes = unfold(path)
    if kind != "videos and pictures" or inner == path or (inner_kind := kind_of(inner)) == kind:
        return kind, path, litter
    return inner_kind, inner, (*notes, *litter, *entries(inner)[1])


def kind_of(path: Path) -> Kind:
    """The kind of data that a path holds, found without reading the data.

    The output of `abawbench faces` is `faces`. A folder with `cropped_aligned`, as a corpus, and folders of square
    pictures named by frame number are `crops`. A folder of `<unit>.safetensors` is `features`. Anything else is
    `videos and pictures`.

    Raises:
        ProblemError: F01, there is no such path.
    """
    if not path.exists():
        expected = "crops, features or videos"
        raise ProblemError(Problem("F01", "no such file or folder", expected, "check the path", str(path)))
    if not path.is_dir():
        return "videos and pictures"
    if index_files(path):
        return "faces"
    if (path / CROPS).is_dir():
        return "crops"
    if any(not is_litter(one.name) for one in path.glob(f"*{SUFFIX}")):
        return "features"
    return "crops" if _has_crops(path) else "videos and pictures"


def _has_crops(folder: Path) -> bool:
    """True if the first numbered picture in the folder, or in one of its folders, is square, unlike video frames."""
    for place in (folder, *(path for path in entries(folder)[0] if path.is_dir())):
        numbered = numbered_pictures(place)
        if numbered:
            height, width = read_image(numbered[0]).shape[:2]
            return height == width
    return False
