from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.entries.model import Card
from abawbench.models.image_input import GREY, Colour, ImageInput, Layout, Overrides, Resize, half, imagenet

OPENCV = {"area": "INTER_AREA", "bilinear": "INTER_LINEAR", "bicubic": "INTER_CUBIC"}
GREYS = (*GREY, (0.5, 0.25, 0.25))


def crops_of(side, count=2):
    return np.random.default_rng(side).integers(0, 256, (count, side, side, 3), np.uint8)


@pytest.mark.parametrize("image_input", [half(112), half(96, "BGR"), half(64, "grey"), imagenet(224)])
def test_a_preset_is_written_with_the_four_fields_of_always(image_input):
    record = image_input.to_json()
    assert list(record) == ["size", "colour", "mean", "std"]
    assert ImageInput.from_json(json.loads(json.dumps(record))) == image_input


def test_other_fields_are_written_where_they_differ_from_their_default():
    image_input = ImageInput(224, resize="pillow-bicubic", resize_to=256, crop="wide")
    record = json.loads(json.dumps(image_input.to_json()))
    assert list(record)[4:] == ["resize", "resize_to", "crop"]
    assert ImageInput.from_json(record) == image_input


@pytest.mark.parametrize("grey", GREYS)
def test_grey_and_layout_are_written_and_read(grey):
    image_input = ImageInput(64, "grey", grey=grey, layout="NHWC")
    assert ImageInput.from_json(json.loads(json.dumps(image_input.to_json()))) == image_input


def test_a_card_keeps_size_colour_and_crop_of_its_picture():
    card = Card("2026_test_card", "a test", (), ImageInput(112, "grey", crop="arcface-112"))
    record = json.loads(json.dumps(card.to_json()))
    assert record["picture"] == {"size": 112, "colour": "grey", "crop": "arcface-112"}
    assert Card.from_json(record) == card


def test_without_a_mean_and_a_deviation_black_is_0_and_white_is_1():
    crops = np.array([[[[0, 51, 255]]]], np.uint8)
    np.testing.assert_allclose(ImageInput(1).pictures(crops).ravel(), [0, 0.2, 1], atol=1e-7)


@pytest.mark.parametrize("layout", get_args(Layout))
@pytest.mark.parametrize("colour", get_args(Colour))
@pytest.mark.parametrize("count", [0, 1, 3])
def test_pictures_are_the_formula_of_the_card_whatever_the_layout(colour, layout, count):
    crops = crops_of(9, count)
    mean, std = ((0.4,), (0.3,)) if colour == "grey" else ((0.4, 0.5, 0.6), (0.2, 0.25, 2.0))
    channels = {"RGB": crops, "BGR": crops[..., ::-1], "grey": crops @ np.array(GREY["rec601"])[:, None]}[colour]
    expected = (channels / 255 - np.array(mean)) / np.array(std)
    pictures = ImageInput(9, colour, mean, std, layout=layout).pictures(crops)
    np.testing.assert_allclose(pictures, expected.transpose(0, 3, 1, 2) if layout == "NCHW" else expected, atol=2e-6)
    assert (pictures.dtype, pictures.flags.c_contiguous) == (np.float32, True)


@pytest.mark.parametrize(("side", "method"), [(96, "INTER_AREA"), (20, "INTER_LINEAR")])
def test_presets_are_resized_by_area_when_smaller_and_bilinear_when_larger(side, method):
    cv2 = pytest.importorskip("cv2")
    crops = crops_of(side)
    expected = [cv2.resize(crop, (48, 48), interpolation=getattr(cv2, method)) for crop in crops]
    assert np.array_equal(half(48).resized(crops), expected)


@pytest.mark.parametrize("side", [96, 20])
@pytest.mark.parametrize(("name", "method"), OPENCV.items())
def test_a_method_of_opencv_is_that_of_opencv_for_smaller_and_larger_pictures(side, name, method):
    cv2 = pytest.importorskip("cv2")
    crops = crops_of(side)
    expected = [cv2.resize(crop, (48, 48), interpolation=getattr(cv2, method)) for crop in crops]
    assert np.array_equal(ImageInput(48, resize=f"opencv-{name}").resized(crops), expected)


@pytest.mark.parametrize("side", [96, 20])
@pytest.mark.parametrize("name", ["bilinear", "bicubic", "box", "lanczos", "hamming", "nearest"])
def test_a_method_of_pillow_is_that_of_pillow_for_smaller_and_larger_pictures(side, name):
    image = pytest.importorskip("PIL.Image")
    crops = crops_of(side)
    method = image.Resampling[name.upper()]
    expected = [np.asarray(image.fromarray(crop).resize((48, 48), method)) for crop in crops]
    assert np.array_equal(ImageInput(48, resize=f"pillow-{name}").resized(crops), expected)


@given(
    method=st.sampled_from([name for name in get_args(Resize) if name != "none"]),
    grey=st.sampled_from(GREYS),
    layout=st.sampled_from(get_args(Layout)),
    level=st.integers(0, 255),
    sides=st.tuples(st.integers(8, 40), st.integers(4, 40)),
)
def test_a_grey_crop_of_one_level_keeps_its_level(method, grey, layout, level, sides):
    image_input = ImageInput(sides[1], "grey", resize=method, grey=grey, layout=layout)
    pictures = image_input.pictures(np.full((1, sides[0], sides[0], 3), level, np.uint8))
    np.testing.assert_allclose(pictures, level / 255, atol=1e-6)


@pytest.mark.parametrize("image_input", [half(20, "BGR"), half(32, "grey"), imagenet(24)])
def test_channels_last_is_channels_first_transposed(image_input):
    crops = crops_of(32, 3)
    first, last = (replace(image_input, layout=layout) for layout in ("NCHW", "NHWC"))
    assert np.array_equal(last.pictures(crops), first.pictures(crops).transpose(0, 2, 3, 1))
    assert all(each.pictures(crops).shape[1:] == each.shape for each in (first, last))


@pytest.mark.parametrize(
    ("grey", "expected"), [("rec601", 0.299), ("rec709", 0.2126), ("mean", 1 / 3), ((0.5, 0.25, 0.25), 0.5)]
)
def test_the_grey_of_red_is_the_share_of_red(grey, expected):
    crops = np.array([[[[255, 0, 0]]]], np.uint8)
    assert ImageInput(1, "grey", grey=grey).pictures(crops).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("side", [96, 48, 20])
def test_the_grey_of_opencv_is_made_of_bytes_before_resizing(side):
    cv2 = pytest.importorskip("cv2")
    crops = crops_of(side)
    greys = [cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in crops]
    expected = np.stack([cv2.resize(grey, (48, 48)) for grey in greys])[:, None] / 255
    image_input = ImageInput(48, "grey", resize="opencv-bilinear", grey="opencv")
    np.testing.assert_allclose(image_input.pictures(crops), expected, atol=1e-7)
    assert image_input.resized(crops[:0]).shape == (0, 48, 48, 3)


def test_crops_of_the_right_size_are_not_copied():
    crops = crops_of(48)
    assert half(48).resized(crops) is crops


@pytest.mark.parametrize(("whole", "size"), [(64, 48), (57, 48), (56, 49)])
def test_the_middle_begins_at_half_the_difference_rounded_down(whole, size):
    crops = crops_of(whole)
    edge = (whole - size) // 2
    expected = crops[:, edge : edge + size, edge : edge + size]
    assert np.array_equal(ImageInput(size, resize_to=whole).resized(crops), expected)
    assert np.array_equal(ImageInput(size, resize="none").resized(crops), expected)


def test_a_side_that_is_demanded_is_not_made_by_resizing():
    with pytest.raises(ProblemError, match="expected 56 pixels, unresized"):
        ImageInput(48, resize="none", resize_to=56).resized(crops_of(57))


def test_inputs_that_differ_in_resizing_alone_have_other_geometries():
    assert half(48).geometry == imagenet(48).geometry
    assert len({half(48).geometry, ImageInput(48, resize_to=56).geometry, ImageInput(48, resize="none").geometry}) == 3
    assert half(48, "grey").geometry == half(48).geometry != ImageInput(48, "grey", grey="opencv").geometry


def test_an_override_of_the_size_takes_the_whole_crop():
    preset = ImageInput(224, resize="pillow-bicubic", resize_to=256)
    assert Overrides(size=96).apply(preset, "a network") == ImageInput(96, resize="pillow-bicubic")
    assert Overrides(mean=(0.5,) * 3).apply(preset, "a network").resize_to == 256
    assert Overrides(size=96).apply(ImageInput(48, resize="none"), "a network") == ImageInput(96)


def test_overrides_replace_resizing_and_grey():
    preset = half(48, "grey")
    changed = Overrides(resize="pillow-box", grey="mean").apply(preset, "a network")
    assert changed == replace(preset, resize="pillow-box", grey="mean")
    assert Overrides.of(changed).apply(preset, "a network") == changed
    with pytest.raises(ProblemError, match="E17"):
        Overrides(grey="mean").apply(half(48), "a network")


def test_the_record_needs_neither_torch_nor_opencv_nor_pillow():
    modules = "abawbench.models.image_input, abawbench.models.preprocessor_config"
    program = f"import sys, {modules}; sys.exit(bool({{'torch', 'cv2', 'PIL', 'transformers'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
