from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.clips.images import encode_png, read_image


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0 broken"])
def test_a_file_that_is_no_picture_is_a_problem(tmp_path, content):
    path = tmp_path / "face.jpg"
    path.write_bytes(content)
    with pytest.raises(ProblemError, match="F01"):
        read_image(path)


def test_a_missing_picture_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="F01"):
        read_image(tmp_path / "face.jpg")


def test_a_picture_is_read_as_rgb(tmp_path):
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), np.full((3, 4, 3), (0, 0, 255), np.uint8))
    assert read_image(path)[0, 0].tolist() == [255, 0, 0]


def test_grey_transparent_and_turned_pictures_become_upright_rgb(tmp_path):
    (tmp_path / "a").mkdir()
    image = np.zeros((16, 16, 3), np.uint8)
    image[:, :8] = 250
    cv2.imwrite(str(tmp_path / "a/1.png"), image[..., 0])
    cv2.imwrite(str(tmp_path / "a/2.png"), np.dstack([image, np.full((16, 16), 9, np.uint8)]))
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    # an EXIF block that says: turn by a quarter, clockwise
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00" + entry + b"\x00\x00\x00\x00"
    (tmp_path / "a/3.jpg").write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])
    grey, transparent, turned = (read_image(tmp_path / f"a/{name}") for name in ("1.png", "2.png", "3.jpg"))
    assert np.array_equal(grey, image)
    assert np.array_equal(transparent, image)
    assert turned[:6].min() > 200
    assert turned[10:].max() < 50


def test_a_png_holds_every_pixel_and_what_it_says_about_itself(tmp_path):
    from PIL import Image

    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    path = tmp_path / "1.png"
    path.write_bytes(encode_png(image, {"synthetic": True, "parent": "ä/1"}))
    np.testing.assert_array_equal(read_image(path), image)
    with Image.open(path) as opened:
        opened.verify()
        assert json.loads(opened.info["Comment"]) == {"synthetic": True, "parent": "ä/1"}
