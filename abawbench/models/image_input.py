"""The record of the pictures that a model takes: size, colours, normalisation, resizing, layout. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from math import inf
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError

Colour = Literal["RGB", "BGR", "grey"]
Pooling = Literal["class", "mean", "average", "embedding"]
Layout = Literal["NCHW", "NHWC"]
Resize = Literal[
    "opencv",
    "none",
    "opencv-area",
    "opencv-bilinear",
    "opencv-bicubic",
    "pillow-nearest",
    "pillow-lanczos",
    "pillow-bilinear",
    "pillow-bicubic",
    "pillow-box",
    "pillow-hamming",
]
# way to turn red, green and blue into grey
Grey = Literal["rec601", "rec709", "mean", "opencv"]
# size, resize and resize_to of an image input, and whether crops are grey before they are resized
Geometry = tuple[int, Resize, int | None, bool]
Crops = NDArray[np.uint8]
Pictures = NDArray[np.float32]

# side in pixels of the largest picture of a model
LARGEST = 4096
# shares of red, green and blue. Sources: ITU-R BT.601 and BT.709; after `opencv` the three channels are alike
GREY: Mapping[Grey, tuple[float, float, float]] = {
    "rec601": (0.299, 0.587, 0.114),
    "rec709": (0.2126, 0.7152, 0.0722),
    "mean": (1 / 3, 1 / 3, 1 / 3),
    "opencv": (1.0, 0.0, 0.0),
}
# greatest mean or deviation of pictures from 0 to 1; those of bytes are far beyond
_FARTHEST = 4.0
# shares that are rounded to two digits still sum to 1
_ROUNDED = 0.02


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The pictures that a model takes, and how crops become such pictures.

    A crop is resized to `resize_to`, its middle of `size` pixels is cut out, its channels are put into the order of
    `colour` or made one by `grey`, each channel is normalised by `mean` and `std`, and all are put into `layout`.

    Attributes:
        size: height and width of a picture in pixels.
        colour: order of the channels; crops are always RGB.
        mean: mean of each channel, on the scale where black is 0 and white is 1; empty for 0.
        std: deviation of each channel, on the same scale; empty for 1.
        resize: method of resizing. `opencv` takes OpenCV's area method to make a crop smaller and its bilinear method
            to make it larger; `opencv-...` is one method of OpenCV in either case, which does not smooth before it
            makes a crop smaller, unless it is the area method; `pillow-...` is a filter of Pillow, which does; `none`
            refuses crops that would need resizing.
        resize_to: side in pixels that a crop is resized to before its middle is cut out; None for `size`, which cuts
            nothing, and with `none` for the side that the crop has.
        crop: name of what the crops show, as `arcface-112` (`abawbench.clips.crop`); empty where it is not known.
        grey: for grey pictures, the shares of red, green and blue in grey: those of Rec. 601 or Rec. 709, the mean, or
            three numbers that sum to 1. `opencv` has the shares of Rec. 601, but makes crops grey before it resizes
            them and rounds to whole numbers, as programs with `cv2.cvtColor` do.
        layout: order of the dimensions of pictures: channels before height and width, or behind them.

    Raises:
        ValueError: the values contradict each other.
    """

    size: int
    colour: Colour = "RGB"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    resize: Resize = "opencv"
    resize_to: int | None = None
    crop: str = ""
    grey: Grey | tuple[float, float, float] = "rec601"
    layout: Layout = "NCHW"

    def __post_init__(self) -> None:
        for name, kind in (("colour", Colour), ("resize", Resize), ("layout", Layout)):
            if getattr(self, name) not in get_args(kind):
                raise ValueError(f"{name} {getattr(self, name)!r} is none of {', '.join(get_args(kind))}")
        # the only way to fill a field of a frozen dataclass
        object.__setattr__(self, "mean", self.mean or (0.0,) * self.channels)
        object.__setattr__(self, "std", self.std or (1.0,) * self.channels)
        if not 1 <= self.size <= LARGEST or (self.resize_to is not None and self.resize_to > LARGEST):
            raise ValueError(f"pictures of {self.resize_to or self.size} pixels, where 1 to {LARGEST:,} are possible")
        if not len(self.mean) == len(self.std) == self.channels or not all(0 < x < inf for x in self.std):
            raise ValueError(
                f"mean {self.mean} and std {self.std}, where {self.colour} needs {self.channels} of each, std above 0"
            )
        if not all(abs(x) <= _FARTHEST for x in (*self.mean, *self.std)):
            raise ValueError(
                f"mean {self.mean} and std {self.std}, where black is 0 and white is 1: divide those of bytes by 255"
            )
        self._check_grey()
        if self.resize_to is not None and self.resize_to < self.size:
            raise ValueError(f"a middle of {self.size} pixels cannot be cut out of {self.resize_to}")

    def _check_grey(self) -> None:
        if self.grey != "rec601" and self.colour != "grey":
            raise ValueError(f"grey = {self.grey!r} for pictures in {self.colour}")
        if isinstance(self.grey, str):
            if self.grey not in GREY:
                raise ValueError(f"grey {self.grey!r} is none of {', '.join(GREY)}, and not three numbers")
        elif len(self.grey) != 3 or not abs(sum(self.grey) - 1) <= _ROUNDED:
            raise ValueError(f"grey {self.grey}, where three shares that sum to 1 are needed")

    @property
    def channels(self) -> int:
        """Number of channels: 1 for grey, else 3."""
        return 1 if self.colour == "grey" else 3

    @property
    def crop_size(self) -> int:
        """Height and width of crops that need no resizing."""
        return self.resize_to or self.size

    @property
    def geometry(self) -> Geometry:
        """The fields on which `resized` depends: inputs of one geometry can share resized crops."""
        return self.size, self.resize, self.resize_to, self.grey == "opencv"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of a picture: channels, height and width in the order of `layout`."""
        channels, size = self.channels, self.size
        return (channels, size, size) if self.layout == "NCHW" else (size, size, channels)

    @property
    def grey_shares(self) -> NDArray[np.float32]:
        """Shares of the three channels of `resized` in a grey picture, shape (3,)."""
        return np.array(GREY[self.grey] if isinstance(self.grey, str) else self.grey, np.float32)

    def resized(self, crops: Crops) -> Crops:
        """Resize crops of shape (crops, side, side, 3) and cut out their middle: (crops, size, size, 3), still bytes.

        The channels are red, green and blue, or three times the same where `grey` is `opencv`.

        Raises:
            ProblemError: E06, crops that would need resizing where `resize` is `none`.
        """
        if self.grey == "opencv":
            crops = _grey_bytes(crops)
        side = crops.shape[1]
        if self.resize == "none":
            if side < self.size or self.resize_to not in (None, side):
                expected = f"{self.resize_to or self.size} pixels{'' if self.resize_to else ' or more'}, unresized"
                fix = "bring crops of that size, or write the size into the settings"
                raise ProblemError(Problem("E06", f"crops of {side} pixels", expected, fix))
            return _middle(crops, self.size)
        target = self.resize_to or self.size
        return _middle(crops if side == target else _resize(crops, target, self.resize), self.size)

    def pictures(self, crops: Crops) -> Pictures:
        """Turn RGB crops of shape (crops, side, side, 3) into pictures of shape (crops, *shape).

        Raises:
            ProblemError: E06, as `resized`.

        >>> image_input = ImageInput(1, "BGR", (0.5,) * 3, (0.5,) * 3)
        >>> image_input.pictures(np.array([[[[255, 0, 0]]]], np.uint8)).ravel().tolist()
        [-1.0, -1.0, 1.0]
        """
        values: NDArray[Any] = self.resized(crops)
        if self.colour == "grey":
            values = (values @ self.grey_shares)[..., None]
        elif self.colour == "BGR":
            values = values[..., ::-1]
        mean, deviation = (np.array([255 * x for x in part], np.float32) for part in (self.mean, self.std))
        if self.layout == "NCHW":
            values = values.transpose(0, 3, 1, 2)
            mean, deviation = mean[:, None, None], deviation[:, None, None]
        else:
            # whole rows: NumPy is slow in loops that are as short as a pixel
            values = values.reshape(len(values), self.size, self.size * self.channels)
            mean, deviation = np.tile(mean, self.size), np.tile(deviation, self.size)
        # from bytes to floats in the order of the result
        pictures = np.subtract(values, mean, order="C", dtype=np.float32)
        return np.divide(pictures, deviation, out=pictures).reshape(len(values), *self.shape)

    def to_json(self) -> dict[str, Any]:
        """Size, colour, mean and std, and every other field that differs from its default."""
        record: dict[str, Any] = {"size": self.size, "colour": self.colour, "mean": self.mean, "std": self.std}
        others = {name: getattr(self, name) for name, default in _defaults().items() if getattr(self, name) != default}
        return record | {name: list(value) if isinstance(value, tuple) else value for name, value in others.items()}

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> ImageInput:
        """Make the record that `to_json` wrote; other keys are left alone.

        Raises:
            KeyError, TypeError, ValueError: a field is missing, or the values contradict each other.
        """
        others = {name: record[name] for name in _defaults() if name in record}
        if isinstance(others.get("grey"), list):
            others["grey"] = tuple(others["grey"])
        return ImageInput(record["size"], record["colour"], tuple(record["mean"]), tuple(record["std"]), **others)


@dataclass(frozen=True, slots=True)
class Overrides:
    """Values that replace those of a preset or of a file; None keeps what is there.

    Attributes:
        size: height and width of the pictures in pixels; whole crops are resized to it.
        colour: order of the channels.
        mean: mean of each channel, where black is 0 and white is 1.
        std: deviation of each channel, on the same scale.
        resize: method of resizing, as of `ImageInput`.
        grey: way to make grey pictures, as of `ImageInput`.
        layer: hidden layer that is read; -1 is the network's output, after its last norm.
        pooling: reduction of the layer to one vector, as on a backbone's card.
    """

    size: int | None = field(
        default=None, metadata={"help": "Pixels of a side of the pictures; crops are resized to it.", "least": 1}
    )
    colour: Colour | None = field(default=None, metadata={"help": "Order of the channels."})
    mean: tuple[float, ...] | None = field(
        default=None, metadata={"help": "Mean of each channel from 0 to 1, as 0.5,0.5,0.5."}
    )
    std: tuple[float, ...] | None = field(default=None, metadata={"help": "Deviation of each channel, as 0.5,0.5,0.5."})
    resize: Resize | None = field(default=None, metadata={"help": "Method of resizing crops."})
    grey: Grey | tuple[float, float, float] | None = None
    layer: int | None = None
    pooling: Pooling | None = field(default=None, metadata={"help": "How a layer becomes one vector."})

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the fields that have a value."""
        return tuple(each.name for each in fields(Overrides) if getattr(self, each.name) is not None)

    @staticmethod
    def of(image_input: ImageInput) -> Overrides:
        """The values of an image input that is resized to its size as a whole."""
        names = ("size", "colour", "mean", "std", "resize", "grey")
        return Overrides(**{name: getattr(image_input, name) for name in names})

    def over(self, lower: Overrides) -> Overrides:
        """Combine with `lower`, whose values count where this record has none."""
        return replace(lower, **{name: getattr(self, name) for name in self.given})

    def apply(self, preset: ImageInput, kind: str) -> ImageInput:
        """Replace the values of a preset.

        Args:
            preset: the pictures that the network takes without overrides.
            kind: name of the network, for messages.

        Raises:
            ProblemError: E17, another number of channels than the network has, or values that contradict each other.
        """
        colour = self.colour or preset.colour
        if colour not in get_args(Colour):
            expected = f"one of {', '.join(get_args(Colour))}"
            raise ProblemError(Problem("E17", f"colour {colour} for {kind}", expected, "correct the colour"))
        if "grey" in (colour, preset.colour) and colour != preset.colour:
            found = f"colour {colour} for {kind}"
            expected = f"{preset.channels} channels"
            raise ProblemError(Problem("E17", found, expected, "leave the colour as it is"))
        changed: dict[str, Any] = {"colour": colour, "mean": self.mean or preset.mean, "std": self.std or preset.std}
        if self.size is not None:
            method = "opencv" if preset.resize == "none" else preset.resize
            changed |= {"size": self.size, "resize": method, "resize_to": None}
        changed |= {name: getattr(self, name) for name in ("resize", "grey") if name in self.given}
        try:
            return replace(preset, **changed)
        except ValueError as error:
            expected = "a size, and for each channel a mean and a positive deviation"
            raise ProblemError(Problem("E17", f"{error}", expected, "correct the settings of the picture")) from error


def half(size: int, colour: Colour = "RGB") -> ImageInput:
    """Pictures with values from -1 to 1, as face recognition networks take them."""
    channels = 1 if colour == "grey" else 3
    return ImageInput(size, colour, (0.5,) * channels, (0.5,) * channels)


def imagenet(size: int, colour: Literal["RGB", "BGR"] = "RGB") -> ImageInput:
    """Pictures with the mean and deviation of ImageNet. Source: facebookresearch/mae, torchvision."""
    return ImageInput(size, colour, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def _defaults() -> dict[str, Any]:
    """The fields that a record has only where they differ from their default, with the default."""
    others = (each for each in fields(ImageInput) if each.name not in {"size", "colour", "mean", "std"})
    return {each.name: each.default for each in others}


def _grey_bytes(crops: Crops) -> Crops:
    """Crops whose three channels are the same grey, as OpenCV rounds it."""
    import cv2

    result = np.empty_like(crops)
    for place, crop in enumerate(crops):
        cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB, dst=result[place])
    return result


def _resize(crops: Crops, side: int, method: Resize) -> Crops:
    result = np.empty((len(crops), side, side, 3), np.uint8)
    library, _, name = method.partition("-")
    if library == "opencv":
        import cv2

        name = name or ("area" if crops.shape[1] > side else "bilinear")
        ways = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
        for place, crop in enumerate(crops):
            cv2.resize(crop, (side, side), dst=result[place], interpolation=ways[name])
    else:
        from PIL import Image

        pillow_filter = Image.Resampling[name.upper()]
        for place, crop in enumerate(crops):
            result[place] = np.asarray(Image.fromarray(crop).resize((side, side), pillow_filter))
    return result


def _middle(crops: Crops, size: int) -> Crops:
    """The middle of each crop, as transformers cuts it; the crops themselves where nothing is cut."""
    edge = (crops.shape[1] - size) // 2
    if crops.shape[1] == size:
        return crops
    return np.ascontiguousarray(crops[:, edge : edge + size, edge : edge + size])
