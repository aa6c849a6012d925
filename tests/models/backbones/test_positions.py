from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.models.backbones.positions import grid_of, resize_positions


def positions(grid, width=3):
    return torch.randn(1, 1 + grid * grid, width, generator=torch.Generator().manual_seed(grid))


def test_448_pixels_in_patches_of_16_have_785_positions():
    assert resize_positions(positions(224 // 16), 448 // 16).shape == (1, 785, 3)


@given(st.integers(1, 16))
def test_the_size_they_have_changes_nothing(grid):
    assert torch.equal(resize_positions(positions(grid), grid), positions(grid))


@given(st.integers(1, 12), st.integers(1, 12))
def test_the_class_token_keeps_its_position(grid, other):
    assert torch.equal(resize_positions(positions(grid), other)[:, 0], positions(grid)[:, 0])


@given(st.integers(1, 12), st.integers(1, 12))
def test_equal_positions_stay_equal(grid, other):
    level = torch.full((1, 1 + grid * grid, 2), 0.7)
    assert torch.allclose(resize_positions(level, other), torch.full((1, 1 + other * other, 2), 0.7), atol=1e-6)


@given(st.integers(2, 10), st.integers(2, 10))
def test_rows_stay_rows_and_columns_stay_columns(grid, other):
    across = torch.arange(float(grid)).repeat(grid)
    value = torch.cat([torch.zeros(1), across]).reshape(1, -1, 1)
    result = resize_positions(value, other)[0, 1:, 0].reshape(other, other)
    assert torch.allclose(result, result[:1].expand(other, other), atol=1e-5)
    assert (result[0].diff() > 0).all()


def cubic(distance, slope=-0.75):
    """The kernel of bicubic interpolation, with the slope that facebookresearch's files were read with."""
    x = abs(distance)
    if x <= 1:
        return (slope + 2) * x**3 - (slope + 3) * x**2 + 1
    return slope * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0


@pytest.mark.parametrize("other", [16, 6, 11])
def test_between_the_patches_the_cubic_kernel_weighs_the_nearest_four(other):
    line = torch.randn(8, generator=torch.Generator().manual_seed(1))
    value = torch.cat([torch.zeros(1), line.repeat(8)]).reshape(1, -1, 1)
    result = resize_positions(value, other)[0, 1:, 0].reshape(other, other)
    for place in range(other):
        centre = (place + 0.5) * 8 / other - 0.5
        first = int(centre // 1) - 1
        weighed = [(cubic(centre - i), line[min(max(i, 0), 7)]) for i in range(first, first + 4)]
        expected = sum(weight * number for weight, number in weighed)
        assert result[0, place].item() == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.parametrize("shape", [(1, 18, 4), (1, 16, 4), (1, 1, 4), (2, 17, 4), (17, 4), (1, 0, 4)])
def test_anything_but_one_class_token_and_a_square_is_refused(shape):
    with pytest.raises(ProblemError, match="E17"):
        grid_of(torch.zeros(shape))
    with pytest.raises(ProblemError, match="E17"):
        resize_positions(torch.zeros(shape), 4)
