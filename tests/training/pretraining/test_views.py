from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from abawbench.training.pretraining.autoencoder import cut_views, random_boxes, whole_boxes


def noise(count: int, side: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8))


@pytest.mark.parametrize("size", [9, 24, 50])
def test_a_view_is_the_part_as_torch_resizes_it_with_antialiasing(size):
    crops, boxes = noise(3, 24), np.array([[0, 0, 24, 24], [3, 5, 11, 17], [23, 0, 1, 24]])
    seen = cut_views(crops, boxes, np.zeros(3, bool), size)
    for crop, (top, left, height, width), view in zip(crops, boxes.tolist(), seen, strict=True):
        part = crop[top : top + height, left : left + width].permute(2, 0, 1)[None].float() / 255
        expected = functional.interpolate(part, (size, size), mode="bicubic", antialias=True).clamp(0, 1)
        np.testing.assert_allclose(view[None], expected, atol=2e-5)


def test_a_mirrored_view_has_left_and_right_exchanged():
    crops, boxes = noise(2, 16), np.array([[1, 2, 9, 12], [1, 2, 9, 12]])
    crops[1] = crops[0]
    plain, mirrored = cut_views(crops, boxes, np.array([False, True]), 8)
    assert not torch.equal(plain, mirrored)
    np.testing.assert_allclose(mirrored.flip(2), plain, atol=1e-6)


def test_a_whole_picture_of_its_own_size_stays_what_it_is():
    crops = noise(2, 12)
    seen = cut_views(crops, whole_boxes(2, 12), np.zeros(2, bool), 12)
    np.testing.assert_allclose(seen * 255, crops.permute(0, 3, 1, 2), atol=1e-3)


@given(st.integers(1, 120), st.integers(0, 2**32))
def test_boxes_lie_in_the_picture(side, seed):
    top, left, height, width = random_boxes(np.random.default_rng(seed), 20, side).T
    assert (np.minimum(top, left) >= 0).all()
    assert (np.minimum(height, width) >= 1).all()
    assert (top + height <= side).all()
    assert (left + width <= side).all()


def test_boxes_have_the_areas_and_aspects_of_the_recipe():
    _, _, height, width = random_boxes(np.random.default_rng(0), 4000, 1000).T
    area, aspect = height * width / 1e6, np.log(width / height)
    assert area.min() == pytest.approx(0.2, abs=0.003)
    assert area.max() > 0.97
    assert aspect.min() == pytest.approx(math.log(3 / 4), abs=0.01)
    assert aspect.max() == pytest.approx(math.log(4 / 3), abs=0.01)
    # even in area, but for large parts of long aspect, which do not fit
    assert 0.5 < area.mean() < 0.6
