"""Pictures as arrays: read from files of the usual kinds, and written as JPEG or PNG."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.files import read_input
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.clips.picture_header import LARGEST, fault_of

Image = NDArray[np.uint8]
SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
NUMBERED = re.compile(r"(?:frame[-_]?)?(\d{1,9})")


def read_image(path: Path) -> Image:
    """An RGB picture, shape (height, width, 3), turned as its EXIF entry says; grey and transparent files become RGB.

    Raises:
        ProblemError: F01, the file is missing or is no picture, has more than 100 megapixels, or moves.
    """
    import cv2

    try:
        data = read_input(path)
    except OSError as error:
        raise unreadable(path, error, "a picture") from error
    fault = fault_of(data)
    try:
        picture = None if fault else cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        found = fault or f"{len(data):,} bytes of a damaged picture"
        expected = f"a JPEG or PNG picture of at most {LARGEST:,} pixels"
        raise ProblemError(Problem("F01", found, expected, "copy or make the file again", str(path)))
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, dst=picture), np.uint8)


def encode_jpeg(image: Image, quality: int = 95) -> bytes:
    """An RGB picture as the bytes of a JPEG file."""
    import cv2

    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flags)[1].tobytes()


def encode_png(image: Image, comment: Mapping[str, Any]) -> bytes:
    """An RGB picture as the bytes of a PNG file.

    Args:
        image: the picture, shape (height, width, 3).
        comment: what the file says about itself: JSON in a text chunk of the keyword `Comment`.
    """
    import cv2

    data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
    # escaped, since the chunk is Latin-1
    chunk = b"tEXtComment\0" + json.dumps(comment, ensure_ascii=True).encode()
    text = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    # behind the signature and the header, which has a fixed length
    return data[:33] + text + data[33:]


def number_of(file: Path) -> int:
    """The frame number in the name of a picture, as in `00012.jpg` or `frame-12.png`; -1 where the name has none."""
    match = NUMBERED.fullmatch(file.stem)
    return int(match[1]) if match else -1
