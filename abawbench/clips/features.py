"""Features of the frames of a unit in a safetensors file, written once by a backbone and read by temporal networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.base.files import require_plain, write_file
from abawbench.base.folders import entries
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.clips.clip import Clip, no_pictures
from abawbench.clips.feature_index import OWN, SUFFIX, FeatureOrigin, read_index
from abawbench.table import Integers, Mask

Vectors = NDArray[np.float32]
# types of the tensors, as safetensors names them
_WHOLE = {"U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64"}
KINDS = {
    "feature": {"F16", "BF16", "F32", "F64"},
    "frame": _WHOLE,
    "valid": {"BOOL", "U8", "I8"},
    "time": {"F32", "F64"},
}
StoredType = Literal["float16", "bfloat16", "float32"]


@dataclass(frozen=True, eq=False)
class FeatureClip(Clip):
    """A clip with features in place of pictures.

    Attributes:
        vectors: function that reads the features of the valid frames, float32, shape (valid frames, width).
        width: number of features of a frame.
        origin: networks that made the features; None where nothing says so.
    """

    vectors: Callable[[], Vectors] = lambda: np.empty((0, 0), np.float32)
    width: int = 0
    origin: FeatureOrigin | None = None


def write_features(path: Path, frame: Integers, feature: NDArray[Any], valid: Mask | None = None) -> None:
    """Write the features of a unit.

    Args:
        path: file to write, `<unit>.safetensors`.
        frame: frame numbers, rising, shape (frames,).
        feature: features, float16 or float32, shape (frames, width); rows of frames that are not valid do not count.
        valid: True where a frame has features, shape (frames,); by default all frames have some.

    Raises:
        ProblemError: F01, the file cannot be written.
    """
    from safetensors.numpy import save

    mask = np.ones(len(frame), bool) if valid is None else valid
    arrays = {"frame": frame.astype(np.int32), "valid": mask, "feature": np.ascontiguousarray(feature)}
    write_file(path, save(arrays))


def pack_features(clip: Clip, vectors: Vectors, dtype: StoredType, key: str) -> bytes:
    """The features of a clip as the bytes of a safetensors file; they depend on the arguments alone.

    Args:
        clip: clip whose frame numbers, valid frames and times are stored with the features.
        vectors: features of the valid frames, shape (valid frames, width); other frames get zeros.
        dtype: number type of the stored features.
        key: key of the unit, for the header of the file.

    Raises:
        ProblemError: E14, a number is too large for the type.
    """
    import torch
    from safetensors.torch import save

    feature = torch.zeros((len(clip), vectors.shape[1]), dtype=getattr(torch, dtype))
    feature[torch.from_numpy(clip.valid)] = torch.from_numpy(vectors).to(feature.dtype)
    lost = ~torch.isfinite(feature).all(1)
    if lost.any():
        frame = int(clip.frame[int(lost.int().argmax())])
        found = f"unit {clip.video}, frame {frame}: a feature beyond {dtype}"
        fix = "store bfloat16 or float32"
        raise ProblemError(Problem("E14", found, f"numbers that {dtype} holds", fix, count=int(lost.sum())))
    tensors = {"frame": torch.from_numpy(clip.frame.astype(np.int32)), "valid": torch.from_numpy(clip.valid)}
    if clip.time is not None:
        tensors["time"] = torch.from_numpy(clip.time.astype(np.float64))
    return save({**tensors, "feature": feature}, {OWN: key})


def clips_of_features(folder: Path) -> tuple[FeatureClip, ...]:
    """The clips of a folder of features: one for each `<unit>.safetensors`, sorted by name.

    A file has the tensor `feature`, shape (frames, width), and may have `frame` (frame numbers, rising; they count from
    1 by default), `valid` and `time` (seconds). If the folder has an index of `abawbench extract`, the size and header
    of each file must agree with it, and the clips know the networks and the crops that they were made from.

    Raises:
        ProblemError: F01 a file cannot be read, E04 a file holds no features, D30 there are no such files, E21 a file
            is not the one in the index.
    """
    index = read_index(folder)
    faults = () if index is None else tuple(fault.problem(folder) for fault in index.faults())
    if faults:
        raise ProblemError(*faults)
    paths = [path for path in entries(folder)[0] if path.name.endswith(SUFFIX)]
    if not paths:
        raise ProblemError(
            Problem("D30", "no features", f"files <unit>{SUFFIX}", "name the folder of features", str(folder))
        )
    origin = None if index is None else index.origin
    clips: list[FeatureClip] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            known = None if index is None else index.units[path.name.removesuffix(SUFFIX)]
            recipe = None if known is None else known.recipe
            clips.append(replace(_clip(path), crop_recipe=recipe, origin=origin))
        except ProblemError as error:
            problems.extend(error.problems)
    if problems:
        raise ProblemError(*problems)
    return tuple(clips)


def _clip(path: Path) -> FeatureClip:
    with _opened(path) as file:
        names = set(file.keys())
        if "feature" not in names or len(shape := file.get_slice("feature").get_shape()) != 2:
            raise _no_features(path, f"tensors {', '.join(sorted(names)) or 'none'}")
        count, width = shape
        kinds = {name: file.get_slice(name).get_dtype() for name in KINDS if name in names}
        wrong = [f"{name} of type {kind}" for name, kind in kinds.items() if kind not in KINDS[name]]
        if wrong:
            raise _no_features(path, ", ".join(wrong))
        frame = file.get_tensor("frame") if "frame" in names else np.arange(1, count + 1)
        valid = file.get_tensor("valid").astype(bool) if "valid" in names else np.ones(count, bool)
        time = file.get_tensor("time") if "time" in names else None
    if frame.shape != (count,) or valid.shape != (count,) or (time is not None and time.shape != (count,)):
        raise _no_features(path, f"{count:,} features, {frame.shape} frame numbers, {valid.shape} flags")
    if count and (frame[0] < 0 or frame[-1] > np.iinfo(np.int32).max or (frame[1:] <= frame[:-1]).any()):
        raise _no_features(path, "frame numbers that do not rise, or beyond 32 bits")

    def vectors() -> Vectors:
        with _opened(path, "pt") as file:
            found = _single(file.get_tensor("feature"))[valid]
        lost = ~np.isfinite(found).all(axis=1)
        if lost.any():
            where = f"frame {frame[valid][int(lost.argmax())]}: a feature that is no finite number"
            problem = Problem("E14", where, "numbers", "extract them again", str(path), count=int(lost.sum()))
            raise ProblemError(problem)
        return found

    return FeatureClip(
        video=path.stem,
        frame=frame.astype(np.int32),
        valid=valid,
        size=0,
        source=no_pictures(path, "features"),
        time=time,
        files=lambda: (path,),
        vectors=vectors,
        width=width,
    )


def _single(tensor: Any) -> Vectors:
    """A torch tensor as a float32 array.

    NumPy does the conversion, so that reading ahead leaves torch's threads to the network.
    """
    import torch

    if tensor.dtype != torch.bfloat16:
        return tensor.numpy().astype(np.float32)
    # bfloat16 is the upper half of a float32, and NumPy does not know it
    return (tensor.view(torch.uint16).numpy().astype(np.uint32) << 16).view(np.float32)


def _opened(path: Path, form: str = "np") -> Any:
    from safetensors import SafetensorError, safe_open

    require_plain(path)
    try:
        return safe_open(path, form)
    except (SafetensorError, ValueError) as error:
        raise _no_features(path, str(error)) from error
    except OSError as error:
        raise unreadable(path, error, "a readable file") from error


def _no_features(path: Path, found: str) -> ProblemError:
    expected = "feature (frames, width), and frame and valid of as many, frame numbers rising"
    return ProblemError(Problem("E04", found, expected, "extract them again", str(path)))
