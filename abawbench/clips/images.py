"""Pictures as arrays: files of any usual kind, and arrays of any usual shape."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError, unreadable

Image = NDArray[np.uint8]
SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def read_image(path: Path) -> Image:
    """A picture as RGB, shape (height, width, 3); grey and transparent files too, turned as their EXIF entry says.

    Raises:
        ProblemError: F01, the file is missing or is no picture.
    """
    import cv2

    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise unreadable(path, error, "a picture") from error
    try:
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    except cv2.error:
        # a header that promises more pixels than OpenCV reads
        picture = None
    if picture is None:
        found = f"{len(data)} bytes that are no picture"
        raise ProblemError(Problem("F01", found, "a JPEG or PNG picture", "copy the file again", str(path)))
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, dst=picture), np.uint8)


def rgb(image: NDArray[np.generic]) -> Image:
    """A picture in memory as RGB, shape (height, width, 3): grey is repeated, an alpha channel is dropped.

    Args:
        image: uint8, shape (height, width), (height, width, 1), RGB (height, width, 3) or RGBA (height, width, 4).

    Raises:
        ProblemError: E06, another type or shape.
    """
    channels = 1 if image.ndim == 2 else image.shape[2] if image.ndim == 3 else 0
    if image.dtype != np.uint8 or channels not in {1, 3, 4} or 0 in image.shape:
        found = f"{image.dtype} of shape {image.shape}"
        raise ProblemError(Problem("E06", found, "uint8, height x width x 1, 3 or 4", "convert the picture first"))
    pixels = image.reshape(*image.shape[:2], channels).astype(np.uint8, copy=False)
    return np.repeat(pixels, 3, axis=2) if channels == 1 else np.ascontiguousarray(pixels[..., :3])


def jpeg(image: Image, quality: int = 95) -> bytes:
    """An RGB picture as the bytes of a JPEG file."""
    import cv2

    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flags)[1].tobytes()


NUMBERED = re.compile(r"(?:frame[-_]?)?(\d{1,9})")


def number_of(file: Path) -> int:
    """The frame number that a picture's name gives: `00012.jpg`, `frame-12.png`; -1 where it gives none."""
    match = NUMBERED.fullmatch(file.stem)
    return int(match[1]) if match else -1
