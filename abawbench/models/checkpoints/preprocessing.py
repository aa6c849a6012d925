"""What a folder of transformers says of the pictures: its preprocessor_config.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.image_input import ImageInput


def image_input_of(preprocessing: Mapping[str, Any], file: Path, *, channels: int) -> ImageInput:
    """Size, mean and std of a preprocessor_config.json, for pictures in RGB, or grey where the network has one channel.

    The size is that of the crop where there is one, else that which pictures are resized to. A factor other than 1/255
    is taken into mean and std.

    Raises:
        ProblemError: E04, it does not say them, or asks for pictures that are not square.
    """
    try:
        size = preprocessing.get("crop_size") if preprocessing.get("do_center_crop") else None
        side = _side(size or preprocessing["size"])
        factor = preprocessing.get("rescale_factor", 1 / 255) if preprocessing.get("do_rescale", True) else 1
        # the network gets (byte x factor - mean) / std; an image_input counts from black 0 to white 1
        white = 255 * factor
        if preprocessing.get("do_normalize", True):
            mean, std = preprocessing["image_mean"], preprocessing["image_std"]
        else:
            mean, std = [0.0] * channels, [1.0] * channels
        colour = "grey" if channels == 1 else "RGB"
        return ImageInput(side, colour, tuple(m / white for m in mean), tuple(s / white for s in std))
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        found = f"{type(error).__name__}: {error}"
        expected = "the size of square pictures, image_mean and image_std"
        raise ProblemError(Problem("E04", found, expected, "correct it", str(file))) from error


def _side(size: Any) -> int:
    if isinstance(size, int):
        return size
    if "shortest_edge" in size:
        return int(size["shortest_edge"])
    if size["height"] != size["width"]:
        raise ValueError(f"pictures of {size['width']} x {size['height']}")
    return int(size["height"])
