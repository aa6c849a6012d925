"""How a Hugging Face folder says that pictures are prepared: its preprocessor_config.json, without torchvision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.models.image_input import ImageInput

# below this size ConvNeXT enlarges the picture and cuts its middle out; transformers, ConvNextImageProcessor
CUT_BELOW = 384
IN_SETTINGS = "write size, mean and std into the settings"


@dataclass(frozen=True, slots=True)
class Preparation:
    """What happens to a crop before the network.

    Attributes:
        image_input: size that the crop gets, and its normalisation.
        cut: side of the middle part that the network takes; `image_input.size` for all of it.
    """

    image_input: ImageInput
    cut: int


def read_json(path: Path) -> dict[str, Any]:
    """An object of a JSON file.

    Raises:
        ProblemError: F01 there is no such file, E04 it is something else.
    """
    if not path.is_file():
        raise ProblemError(Problem("F01", "no such file", "the folder of a model", "check the path", str(path)))
    try:
        record = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ProblemError(unreadable(path, error)) from error
    if not isinstance(record, dict):
        raise ProblemError(unreadable(path, TypeError("JSON that is no object")))
    return cast(dict[str, Any], record)


def unreadable(path: Path, error: Exception) -> Problem:
    """E04: a JSON file of a model that does not hold what it should."""
    return Problem("E04", str(error), "the JSON file of an image classifier", "bring it again", str(path))


def preparation_of(
    path: Path,
    channels: int,
    problems: Problems,
    *,
    size: int | None = None,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
) -> Preparation | None:
    """What a preprocessor_config.json asks for; None with problems added, E02 where it does not say, E04 damaged.

    Args:
        path: the file, which need not be there when size, mean and std are given.
        channels: that the network takes.
        problems: what is wrong is added here.
        size: in the place of the file's.
        mean: in the place of the file's, on the scale from 0 to 1.
        std: in the place of the file's, on the scale from 0 to 1.
    """
    record = read_json(path) if path.is_file() else {}
    try:
        side, cut = _sides(record) if size is None else (size, size)
        own = _normalisation(record)
    except (TypeError, ValueError, ZeroDivisionError) as error:
        problems.add(unreadable(path, error))
        return None
    mean, std = mean or own[0], std or own[1]
    if side is None or cut is None or mean is None or std is None:
        parts = {"size": side, "cut": cut, "mean": mean, "std": std}
        lacking = ", ".join(name for name, value in parts.items() if value is None)
        problems.add(Problem("E02", f"no {lacking} that can be read", "what the network takes", IN_SETTINGS, str(path)))
        return None
    try:
        if cut > side:
            raise ValueError
        return Preparation(ImageInput(side, "grey" if channels == 1 else "RGB", mean, std), cut)
    except ValueError:
        found = f"size {side}, cut {cut}, mean {mean}, std {std} for {channels} channels"
        expected = "one mean and one positive deviation for each channel, a cut within the size"
        problems.add(Problem("E02", found, expected, IN_SETTINGS, str(path)))
        return None


def _sides(record: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Side that a square crop is resized to, and side of the middle that is cut out of it."""
    side = _side(record.get("size"))
    kind = str(record.get("image_processor_type") or record.get("feature_extractor_type") or "")
    has_share = record.get("crop_pct") is not None
    if side is None or not record.get("do_resize", True) or (has_share and not kind.startswith("ConvNext")):
        return None, None
    if has_share and side < CUT_BELOW:
        return int(side / float(record["crop_pct"])), side
    return side, _side(record.get("crop_size", side)) if record.get("do_center_crop") else side


def _side(size: Any) -> int | None:
    if isinstance(size, int):
        return size
    if isinstance(size, dict):
        sides = set(cast(dict[str, int], size).values())
        if len(sides) == 1 and set(cast(dict[str, int], size)) in ({"height", "width"}, {"shortest_edge"}):
            return sides.pop()
    return None


def _normalisation(record: Mapping[str, Any]) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Mean and deviation on the scale from 0 to 1, whatever scale the folder's are on."""
    if not record or record.get("rescale_offset"):
        return None, None
    scale = 255.0 * float(record.get("rescale_factor", 1 / 255)) if record.get("do_rescale", True) else 255.0
    mean, std = record.get("image_mean"), record.get("image_std")
    if not record.get("do_normalize", True):
        mean, std = [0.0] * 3, [1.0] * 3
    if mean is None or std is None:
        return None, None
    return tuple(float(value) / scale for value in mean), tuple(float(value) / scale for value in std)
