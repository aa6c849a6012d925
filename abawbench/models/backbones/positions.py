"""Embeddings of positions of vision transformers, for grids of patches of any size."""

from __future__ import annotations

from math import isqrt

from torch import Tensor, cat
from torch.nn.functional import interpolate

from abawbench.base.problems import Problem, ProblemError


def grid_of(positions: Tensor) -> int:
    """Number of patches along one side: n for 1 + n x n positions.

    Args:
        positions: shape (1, 1 + n x n, width), the class token's first.

    Raises:
        ProblemError: E17, not one class token and a square grid.
    """
    shape = tuple(positions.shape)
    side = isqrt(max(shape[1] - 1, 0)) if len(shape) == 3 else 0
    if not side or shape != (1, 1 + side * side, shape[2]):
        expected = "(1, 1 + n x n, width): one class token and a square grid of patches"
        fix = "take a network of that kind, or leave the size as it is"
        raise ProblemError(Problem("E17", f"positions of shape {shape}", expected, fix))
    return side


def resize_positions(positions: Tensor, grid: int) -> Tensor:
    """Positions for a grid of patches of another size, bicubic; the class token keeps its own.

    Args:
        positions: shape (1, 1 + n x n, width), the class token's first.
        grid: patches along one side, 1 or more.

    Returns:
        Shape (1, 1 + grid x grid, width); the same tensor where the grid is that of the input.

    Raises:
        ProblemError: E17, as `grid_of`.

    Source: facebookresearch/mae:util/pos_embed.py.
    """
    side = grid_of(positions)
    if side == grid:
        return positions
    width = positions.shape[2]
    patches = positions[:, 1:].reshape(1, side, side, width).permute(0, 3, 1, 2)
    patches = interpolate(patches, size=(grid, grid), mode="bicubic", align_corners=False)
    return cat((positions[:, :1], patches.permute(0, 2, 3, 1).reshape(1, grid * grid, width)), 1)
