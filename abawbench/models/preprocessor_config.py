"""Reads preprocessor_config.json, the description of the preprocessing in transformers' folders. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.image_input import Colour, ImageInput, Overrides, Resize

FILE = "preprocessor_config.json"

# image processors that resize, cut, rescale and normalise, with their values for fields that the file lacks.
# DINOv3 resizes before it would round to bytes: its values differ by half a grey level at most
_KINDS: Mapping[str, Mapping[str, Any]] = {
    **{kind: {} for kind in ("", "Beit", "Blip", "DINOv3ViT", "EfficientNet", "Pvt", "Siglip", "ViT")},
    **{kind: {"do_center_crop": True} for kind in ("Bit", "CLIP", "ChineseCLIP", "DeiT", "MobileNetV1", "MobileNetV2")},
    "ConvNext": {"crop_pct": 224 / 256},
    "MobileViT": {"do_center_crop": True, "do_flip_channel_order": True},
}
# the only processors that follow these fields
_FIELDS_OF = {"crop_pct": "ConvNext", "rescale_offset": "EfficientNet", "do_flip_channel_order": "MobileViT"}
# further steps change the labels, or pictures that are not RGB
_STEPS = {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_flip_channel_order"}
_HARMLESS = {"do_convert_rgb", "do_reduce_labels"}
# numbers of Pillow's filters
_FILTERS: tuple[Resize, ...] = (
    *("pillow-nearest", "pillow-lanczos", "pillow-bilinear"),
    *("pillow-bicubic", "pillow-box", "pillow-hamming"),
)
# below this size ConvNeXT enlarges the picture and cuts its middle out. Source: transformers, ConvNextImageProcessor
_CUT_BELOW = 384


class _NotHonouredError(Exception):
    """Something in the file that cannot be followed; the arguments are what was found and what was expected."""


def read_image_input(
    record: Mapping[str, Any],
    file: Path,
    *,
    channels: int,
    overrides: Overrides | None = None,
    rule: Literal["E02", "E04"] = "E04",
) -> ImageInput:
    """The pictures that transformers' own image processor would make of square crops.

    Args:
        record: content of the file; empty where there is none.
        file: path of the file, for messages.
        channels: number of channels that the network takes: RGB, or grey where it is 1.
        overrides: size, mean and std that replace those of the file, which is ignored where all three are there.
        rule: rule id of the problem where the file lacks a value or names a step that cannot be followed.

    Returns:
        The image input. Where the file names no filter, crops are resized as everywhere in this package. A scale other
        than 1/255, and an offset, are contained in mean and std.

    Raises:
        ProblemError: E04, values that cannot be read; `rule`, what is missing, or a step that cannot be followed.
    """
    overrides = overrides or Overrides()
    try:
        colour: Colour = "grey" if channels == 1 else "RGB"
        if overrides.size is not None and overrides.mean and overrides.std:
            return ImageInput(overrides.size, colour, overrides.mean, overrides.std)
        kind = _kind(record)
        # transformers takes null for a missing value
        values = {**_KINDS[kind], **{name: value for name, value in record.items() if value is not None}}
        _refuse_other_steps(values, kind)
        geometry = _geometry(values, kind, overrides.size)
        mean, std = _normalisation(values, kind, channels, overrides)
        if values.get("do_flip_channel_order") and colour == "RGB":
            colour = "BGR"
    except _NotHonouredError as error:
        found, expected = error.args
        raise ProblemError(_problem(rule, found, expected, file)) from error
    except (TypeError, ValueError, LookupError, ArithmeticError) as error:
        found = f"{type(error).__name__}: {error}"
        raise ProblemError(_problem("E04", found, "values as transformers writes them", file)) from error
    try:
        return ImageInput(colour=colour, mean=mean, std=std, **geometry)
    except ValueError as error:
        found = f"{geometry}, mean {mean}, std {std} for {channels} channels"
        expected = "one mean and one positive deviation for each channel, and a middle within the resized picture"
        raise ProblemError(_problem(rule, found, expected, file)) from error


def _problem(rule: str, found: str, expected: str, file: Path) -> Problem:
    return Problem(rule, found, expected, "write size, mean and std into the settings", str(file))


def _kind(record: Mapping[str, Any]) -> str:
    """The name of the image processor without its endings, as `ViT`; empty where the file names none."""
    name = str(record.get("image_processor_type") or record.get("feature_extractor_type") or "")
    kind = re.sub(r"(ImageProcessor(Fast|Pil)?|FeatureExtractor)$", "", name)
    if kind not in _KINDS:
        raise _NotHonouredError(f"the image processor {name}", f"one of {', '.join(filter(None, _KINDS))}")
    return kind


def _refuse_other_steps(values: Mapping[str, Any], kind: str) -> None:
    strange = [
        name
        for name, value in values.items()
        if value
        and (
            (name.startswith("do_") and name not in _STEPS | _HARMLESS)
            or (name in _FIELDS_OF and _FIELDS_OF[name] != kind)
        )
    ]
    if strange:
        owner = f", or {_FIELDS_OF[strange[0]]}ImageProcessor" if strange[0] in _FIELDS_OF else ""
        raise _NotHonouredError(f"{strange[0]} of {kind or 'no'} image processor", f"resizing and cutting alone{owner}")


def _geometry(values: Mapping[str, Any], kind: str, size: int | None) -> dict[str, Any]:
    """Size, resize and resize_to; a size of the caller is taken without cutting."""
    resize = _FILTERS[_filter_number(values["resample"])] if "resample" in values else "opencv"
    if size is not None:
        return {"size": size, "resize": resize if values.get("do_resize", True) else "opencv"}
    middle = _side(values.get("crop_size"), "crop_size") if values.get("do_center_crop") else None
    if not values.get("do_resize", True):
        if middle is None:
            raise _NotHonouredError("do_resize = false without a middle to cut out", "the size of the pictures")
        return {"size": middle, "resize": "none"}
    side = _side(values.get("size"), "size")
    if kind == "ConvNext" and "height" in (values["size"] if isinstance(values["size"], dict) else {}):
        raise _NotHonouredError(f"size {values['size']} of ConvNext", "a shortest_edge")
    if kind != "ConvNext" or side >= _CUT_BELOW:
        return {"size": middle or side, "resize": resize, "resize_to": side if middle not in (None, side) else None}
    enlarged = int(side / float(values["crop_pct"]))
    twice = 0 if middle is None else (enlarged - side) // 2 + (side - middle) // 2
    if middle is not None and (middle > side or twice != (enlarged - middle) // 2):
        raise _NotHonouredError(f"a middle of {middle} in one of {side}", "both middles in one place")
    return {"size": middle or side, "resize": resize, "resize_to": enlarged}


def _filter_number(value: Any) -> int:
    number = int(value)
    if not 0 <= number < len(_FILTERS):
        raise ValueError(f"resample {value}")
    return number


def _side(size: Any, name: str) -> int:
    """The side of a square size in any form of transformers."""
    if isinstance(size, int) and not isinstance(size, bool):
        return size
    if isinstance(size, dict):
        sides = cast(dict[str, Any], {key: side for key, side in size.items() if side is not None})
        if set(sides) in ({"height", "width"}, {"shortest_edge"}) and len(set(sides.values())) == 1:
            return int(next(iter(sides.values())))
    raise _NotHonouredError(f"{name} {size}", "the side of a square")


def _normalisation(
    values: Mapping[str, Any], kind: str, channels: int, overrides: Overrides
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation on the scale from 0 to 1: the network gets (byte x factor - offset - mean) / std."""
    white = 255.0 * float(values.get("rescale_factor", 1 / 255)) if values.get("do_rescale", True) else 255.0
    offset = float(kind == "EfficientNet" and values.get("do_rescale", True) and bool(values.get("rescale_offset")))
    # MobileViT's processor has no such step, whatever the file says
    normalises = bool(values.get("do_normalize", True)) and kind != "MobileViT"
    divides_again = kind == "EfficientNet" and bool(values.get("include_top", True))
    mean = _channels(values, "image_mean", channels) if normalises and not overrides.mean else (0.0,) * channels
    needs_std = (normalises or divides_again) and not overrides.std
    once = _channels(values, "image_std", channels) if needs_std else (1.0,) * channels
    std = tuple(value**2 for value in once) if normalises and divides_again else once
    own_mean = tuple((value + offset) / white for value in mean)
    own_std = tuple(value / white for value in std)
    return overrides.mean or own_mean, overrides.std or own_std


def _channels(values: Mapping[str, Any], name: str, channels: int) -> tuple[float, ...]:
    if name not in values:
        raise _NotHonouredError(f"no {name}", "one number for each channel")
    value = values[name]
    return (float(value),) * channels if isinstance(value, int | float) else tuple(float(part) for part in value)
