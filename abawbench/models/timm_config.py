"""Reads config.json of the folders that timm saves: how its evaluation makes pictures. Needs no torch.

Source: huggingface/pytorch-image-models:timm/data/transforms_factory.py, timm/data/config.py and timm/models/_hub.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from pathlib import Path
from typing import Any, cast

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.image_input import Colour, ImageInput, Resize

# share of the resized picture that is cut out, where the file names none
_CUT = 0.875
_WRAPPER = "timm_wrapper"
_FILTERS: Mapping[str, Resize] = {
    "nearest": "pillow-nearest",
    "lanczos": "pillow-lanczos",
    "bilinear": "pillow-bilinear",
    "bicubic": "pillow-bicubic",
    "box": "pillow-box",
    "hamming": "pillow-hamming",
}


def is_timm(config: Mapping[str, Any]) -> bool:
    """True for the content of a config.json that timm has written."""
    # timm's own files name no model type; transformers' wrapper of timm does
    return isinstance(config.get("architecture"), str) and config.get("model_type", _WRAPPER) == _WRAPPER


def read_timm_input(config: Mapping[str, Any], file: Path) -> ImageInput | None:
    """The pictures that timm's evaluation would make of square crops; None where the file has no such values.

    Where an odd number of pixels is cut off, the middle may lie one pixel higher and further left than timm's.

    Args:
        config: content of the file; its values stand in `pretrained_cfg`, or at the top where an old version wrote it.
        file: path of the file, for messages.

    Raises:
        ProblemError: E04, values that cannot be followed.
    """
    inner = config.get("pretrained_cfg", config)
    values = cast(Mapping[str, Any], inner if isinstance(inner, Mapping) else {})
    if not {"input_size", "mean", "std"} & values.keys():
        return None
    try:
        channels, height, width = (int(number) for number in values["input_size"])
        if height != width:
            raise ValueError(f"input_size {height} x {width}")
        mean, std = (tuple(float(number) for number in values[name]) for name in ("mean", "std"))
        share = float(values.get("crop_pct") or _CUT)
        if values.get("crop_border_pixels"):
            raise ValueError(f"crop_border_pixels {values['crop_border_pixels']}")
        enlarged = floor(height / share)
        colour: Colour = "grey" if channels == 1 else "RGB"
        # timm also knows a filter that it draws at random, for training
        resize = _FILTERS[str(values.get("interpolation") or "bicubic")]
        return ImageInput(height, colour, mean, std, resize, enlarged if enlarged != height else None)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        found = f"{type(error).__name__}: {error}"
        expected = "a square input_size, mean, std, crop_pct and interpolation as timm writes them"
        fix = "correct the file, or name the weights file itself and give size, mean and std"
        raise ProblemError(Problem("E04", found, expected, fix, str(file))) from error
