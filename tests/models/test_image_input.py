from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.entries.model import Card
from abawbench.models.image_input import ImageInput, Overrides, half, imagenet


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


def test_a_card_keeps_size_colour_and_crop_of_its_picture():
    card = Card("2026_test_card", "a test", (), ImageInput(112, "grey", crop="arcface-112"))
    record = json.loads(json.dumps(card.to_json()))
    assert record["picture"] == {"size": 112, "colour": "grey", "crop": "arcface-112"}
    assert Card.from_json(record) == card


def test_without_a_mean_and_a_deviation_black_is_0_and_white_is_1():
    crops = np.array([[[[0, 51, 255]]]], np.uint8)
    np.testing.assert_allclose(ImageInput(1).pictures(crops).ravel(), [0, 0.2, 1], atol=1e-7)


@pytest.mark.parametrize(("side", "method"), [(96, "INTER_AREA"), (20, "INTER_LINEAR")])
def test_presets_are_resized_by_area_when_smaller_and_bilinear_when_larger(side, method):
    cv2 = pytest.importorskip("cv2")
    crops = crops_of(side)
    expected = [cv2.resize(crop, (48, 48), interpolation=getattr(cv2, method)) for crop in crops]
    assert np.array_equal(half(48).resized(crops), expected)


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


def test_an_override_of_the_size_takes_the_whole_crop():
    preset = ImageInput(224, resize="pillow-bicubic", resize_to=256)
    assert Overrides(size=96).apply(preset, "a network") == ImageInput(96, resize="pillow-bicubic")
    assert Overrides(mean=(0.5,) * 3).apply(preset, "a network").resize_to == 256
    assert Overrides(size=96).apply(ImageInput(48, resize="none"), "a network") == ImageInput(96)


def test_the_record_needs_neither_torch_nor_opencv_nor_pillow():
    modules = "abawbench.models.image_input, abawbench.models.preprocessor_config"
    program = f"import sys, {modules}; sys.exit(bool({{'torch', 'cv2', 'PIL', 'transformers'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
