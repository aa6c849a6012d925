"""Whatever a user has, as clips: videos and photographs through `faces`, crops, features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from abawbench.base.problems import Problem, ProblemError
from abawbench.clips import images
from abawbench.clips.clip import Clip, clips_of_faces, clips_of_units
from abawbench.clips.crop_index import CROPS, index_files
from abawbench.clips.features import SUFFIX, clips_of_features
from abawbench.clips.images import number_of


@dataclass(frozen=True, eq=False)
class Input:
    """What DATA is.

    Attributes:
        kind: in a word, for the user.
        clips: gives the clips; for videos and pictures it takes the faces out of them first.
    """

    kind: str
    clips: Callable[[], tuple[Clip, ...]]


def input_of(data: Path, faces: Callable[[], Path]) -> Input:
    """Find out what a path holds.

    A folder that `abawbench faces` made; a corpus with `cropped_aligned`; `<unit>.safetensors`; folders of square
    pictures named by frame number are crops; everything else is given to `faces`.

    Args:
        data: the path.
        faces: takes the faces out of it, and gives the folder that they went to.

    Raises:
        ProblemError: F01 there is no such path, P03 it is an empty folder.
    """
    if not data.exists():
        fix = "check the path"
        raise ProblemError(Problem("F01", "no such file or folder", "crops, features or videos", fix, str(data)))
    if data.is_dir():
        if not any(data.iterdir()):
            expected = "crops, features, pictures or videos"
            raise ProblemError(Problem("P03", "an empty folder", expected, "name another", str(data)))
        if index_files(data):
            return Input("faces", lambda: clips_of_faces(data))
        if (data / CROPS).is_dir():
            return Input("crops", lambda: clips_of_units(data / CROPS))
        if any(data.glob(f"*{SUFFIX}")):
            return Input("features", lambda: clips_of_features(data))
        if _has_crops(data):
            return Input("crops", lambda: clips_of_units(data))
    return Input("videos and pictures", lambda: clips_of_faces(faces()))


def _has_crops(folder: Path) -> bool:
    """True where the first numbered picture of the folder, or of one in it, is square: a crop, not a film's frame."""
    for place in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        numbered = [path for path in place.iterdir() if path.suffix.lower() in images.SUFFIXES and number_of(path) >= 0]
        if numbered:
            height, width = images.read_image(min(numbered)).shape[:2]
            return height == width
    return False
