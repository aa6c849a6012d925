"""Pictures whose header is enough to refuse them."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from abawbench.base.problems import ProblemError
from abawbench.clips import images
from abawbench.clips.images import read_image
from abawbench.clips.picture_header import fault_of
from tests.damage import changed_bytes, outcome

SIZE = 37, 23
GROUND = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
KINDS = {
    "JPEG": {},
    "progressive": {"format": "JPEG", "progressive": True},
    "PNG": {},
    "WebP": {"format": "WEBP"},
    "lossless WebP": {"format": "WEBP", "lossless": True},
    "WebP with EXIF": {"format": "WEBP", "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"},
    "BMP": {},
    "TIFF": {},
    "large TIFF": {"format": "TIFF", "big_tiff": True},
    "GIF": {},
}


def encoded(kind: str, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(GROUND).save(stream, **({"format": kind} | KINDS[kind] | options))
    return stream.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_every_kind_are_read_and_those_above_the_limit_refused(tmp_path, monkeypatch, kind):
    path = tmp_path / "face.jpg"
    path.write_bytes(encoded(kind))
    assert read_image(path).shape == (SIZE[1], SIZE[0], 3)
    monkeypatch.setattr("abawbench.clips.picture_header.LARGEST", SIZE[0] * SIZE[1] - 1)
    with pytest.raises(ProblemError, match=r"37 x 23 pixels"):
        read_image(path)


def large(kind: str) -> bytes:
    """A few bytes that promise 20,000 x 20,000 pixels."""
    side = 20_000
    match kind:
        case "PNG":
            chunk = b"IHDR" + struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
            pixels = b"IDAT" + zlib.compress(bytes((side // 8 + 1) * side))
            chunks = (
                struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (chunk, pixels, b"IEND")
            )
            return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
        case "JPEG":
            data = encoded("JPEG")
            place = data.index(b"\xff\xc0") + 5
            return data[:place] + struct.pack(">HH", side, side) + data[place + 4 :]
        case "BMP":
            data = encoded("BMP")
            return data[:18] + struct.pack("<ii", side, -side) + data[26:]
        case _:
            data = encoded("TIFF")
            for width in (struct.pack("<HHIHH", 256, 3, 1, SIZE[0], 0), struct.pack("<HHII", 256, 4, 1, SIZE[0])):
                data = data.replace(width, struct.pack("<HHII", 256, 4, 1, 1 << 31))
            return data


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
def test_a_picture_of_more_than_100_megapixels_is_never_decoded(tmp_path, monkeypatch, kind):
    import cv2

    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    (tmp_path / "face.png").write_bytes(large(kind))
    with pytest.raises(ProblemError, match=r"F01(.|\n)* pixels; expected a JPEG or PNG picture of at most 100,000,000"):
        read_image(tmp_path / "face.png")


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_an_animation_is_no_picture(kind):
    stream = io.BytesIO()
    others = [Image.fromarray(255 - GROUND), Image.fromarray(GROUND // 2)]
    Image.fromarray(GROUND).save(stream, kind, save_all=True, append_images=others, duration=100)
    assert fault_of(stream.getvalue()) == "an animation"


@pytest.mark.parametrize(
    "data", [b"P6 100000 100000 255\n", b"#?RADIANCE\n", b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\xd8" * 9]
)
def test_other_kinds_of_pictures_are_none(data):
    assert "no picture" in str(fault_of(data))


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_with_other_bytes_or_cut_off_is_a_picture_or_a_problem(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(images, "LARGEST", 1 << 20)
    path = tmp_path / "face.jpg"
    for data in changed_bytes(encoded(kind), number=100):
        path.write_bytes(data)
        outcome(lambda: read_image(path))


def test_a_device_and_a_folder_are_no_pictures(tmp_path):
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    for path in (tmp_path / "zero.jpg", tmp_path):
        with pytest.raises(ProblemError, match="F01"):
            read_image(path)
