"""What a network takes: size, colour and normalisation of a picture. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Colour = Literal["RGB", "BGR", "grey"]
Crops = NDArray[np.uint8]
Pictures = NDArray[np.float32]

# Rec. 601, as OpenCV and PIL turn RGB into grey
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The pictures a network takes.

    Attributes:
        size: height and width in pixels; crops of another size are resized.
        colour: order of the channels.
        mean: of each channel, on the scale where black is 0 and white is 1.
        std: of each channel, on the same scale.

    Raises:
        ValueError: mean and std are not one positive number for each channel.
    """

    size: int
    colour: Colour
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.size < 1 or not len(self.mean) == len(self.std) == self.channels or not all(x > 0 for x in self.std):
            raise ValueError(f"{self} needs a size and {self.channels} means and positive deviations")

    @property
    def channels(self) -> int:
        """1 for grey, else 3."""
        return 1 if self.colour == "grey" else 3

    def resized(self, crops: Crops) -> Crops:
        """Crops, shape (crops, side, side, 3), in the size of the network: areas when smaller, else bilinear."""
        if crops.shape[1] == self.size:
            return crops
        import cv2

        method = cv2.INTER_AREA if crops.shape[1] > self.size else cv2.INTER_LINEAR
        result = np.empty((len(crops), self.size, self.size, 3), np.uint8)
        for place, crop in enumerate(crops):
            cv2.resize(crop, (self.size, self.size), dst=result[place], interpolation=method)
        return result

    def pictures(self, crops: Crops) -> Pictures:
        """RGB crops, shape (crops, side, side, 3), as a network takes them: (crops, channels, size, size).

        >>> image_input = ImageInput(1, "BGR", (0.5,) * 3, (0.5,) * 3)
        >>> image_input.pictures(np.array([[[[255, 0, 0]]]], np.uint8)).ravel().tolist()
        [-1.0, -1.0, 1.0]
        """
        values = self.resized(crops).astype(np.float32) / np.float32(255)
        if self.colour == "grey":
            values = (values @ LUMA)[..., None]
        elif self.colour == "BGR":
            values = values[..., ::-1]
        values = (values - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def half(size: int, colour: Colour = "RGB") -> ImageInput:
    """Values from -1 to 1, as face recognition networks take them."""
    channels = 1 if colour == "grey" else 3
    return ImageInput(size, colour, (0.5,) * channels, (0.5,) * channels)


def imagenet(size: int, colour: Literal["RGB", "BGR"] = "RGB") -> ImageInput:
    """The mean and deviation of ImageNet. Source: facebookresearch/mae, torchvision."""
    return ImageInput(size, colour, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
