"""Opening a path as clips: crops, features, or videos and pictures whose faces are cropped first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from abawbench.base.folders import entries, is_litter, unfold
from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip, clips_of_faces, clips_of_units, numbered_pictures
from abawbench.clips.crop_index import CROPS, index_files
from abawbench.clips.feature_index import join_origins
from abawbench.clips.features import SUFFIX, FeatureClip, Vectors, clips_of_features
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


def open_features(folders: Sequence[Path]) -> ClipSource:
    """Open several folders of features, whose vectors are put end to end.

    Units that some folder lacks are left out, with a problem for each.

    Raises:
        ProblemError: P04, a folder of something else, no unit that every folder has, or units of unlike frames; F01,
            E04 or E21 for features.
    """
    fix = "extract them from the same crops"
    others = [f"{path}: {kind}" for path in folders if (kind := kind_of(path)) != "features"]
    if others:
        expected = "features in every folder"
        raise ProblemError(Problem("P04", ", ".join(others), expected, "name one folder of crops, or features alone"))
    by_unit = [{clip.video: clip for clip in clips_of_features(path)} for path in folders]
    clips: list[FeatureClip] = []
    problems: list[Problem] = []
    for unit in sorted(set().union(*by_unit)):
        lacking = [str(path) for path, own in zip(folders, by_unit, strict=True) if unit not in own]
        if lacking:
            expected = "features of the same units in every folder"
            problems.append(Problem("P04", f"no unit {unit} in {', '.join(lacking)}", expected, fix))
        else:
            clips.append(_end_to_end([own[unit] for own in by_unit]))
    if not clips:
        expected = "features of the same units in every folder"
        raise ProblemError(Problem("P04", "no unit that every folder has", expected, fix))
    return ClipSource("features", tuple(clips), tuple(problems))


def _end_to_end(clips: Sequence[FeatureClip]) -> FeatureClip:
    first = clips[0]
    for other in clips[1:]:
        if not np.array_equal(first.frame, other.frame) or not np.array_equal(first.valid, other.valid):
            found = f"{first.video}: {len(first):,} and {len(other):,} frames, not the same ones"
            expected = "features of the same frames in every folder"
            raise ProblemError(Problem("P04", found, expected, "extract them from the same crops"))

    def vectors() -> Vectors:
        return np.concatenate([clip.vectors() for clip in clips], axis=1)

    def files() -> list[Path]:
        return [path for clip in clips if clip.files is not None for path in clip.files()]

    # features of several networks may come from several kinds of crops
    recipe = first.crop_recipe if len({clip.crop for clip in clips}) == 1 else None
    width = sum(clip.width for clip in clips)
    origin = join_origins([clip.origin for clip in clips])
    return replace(first, vectors=vectors, width=width, files=files, crop_recipe=recipe, origin=origin)


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
