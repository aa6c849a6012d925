"""Histograms of oriented gradients of face crops, with NumPy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]

ORIENTATIONS = 9
BLOCK = 2
# Dalal and Triggs cut a normalised block at 0.2, so that one strong edge does not drown the others
CEILING = 0.2
LUMA = (0.299, 0.587, 0.114)


def hog(crops: NDArray[np.uint8], *, cell: int) -> Features:
    """Edge directions of square crops, cell by cell, free of brightness and contrast.

    Square root of grey, centred differences, nine unsigned directions with each gradient shared between the two
    nearest, sums over cells, blocks of 2 x 2 cells with L2-Hys normalisation.

    Args:
        crops: shape (crops, size, size, 3), RGB.
        cell: side of a cell in pixels; a remainder at the right and lower edge is left out.

    Returns:
        Shape (crops, (size // cell - 1) ** 2 * 36), values in [0, 1].

    Source: Dalal and Triggs 2005, CVPR.
    """
    grey = np.sqrt(crops.astype(np.float32) @ np.array(LUMA, np.float32) / 255)
    across, down = np.zeros_like(grey), np.zeros_like(grey)
    across[:, :, 1:-1] = grey[:, :, 2:] - grey[:, :, :-2]
    down[:, 1:-1, :] = grey[:, 2:, :] - grey[:, :-2, :]
    cells = _cells(np.hypot(across, down), np.arctan2(down, across), cell)
    return _blocks(cells)


def _cells(strength: Features, angle: Features, cell: int) -> Features:
    """Shape (crops, cells, cells, 9): strength by direction, summed over each cell."""
    count, size = strength.shape[0], strength.shape[1] // cell
    used = size * cell
    place = (np.mod(angle, np.pi) * (ORIENTATIONS / np.pi) - 0.5)[:, :used, :used]
    strength = strength[:, :used, :used]
    lower = np.floor(place)
    upper_share = (place - lower).astype(np.float32)
    first = np.mod(lower, ORIENTATIONS).astype(np.int8)
    result = np.empty((count, size, size, ORIENTATIONS), np.float32)
    for direction in range(ORIENTATIONS):
        share = np.where(first == direction, 1 - upper_share, 0)
        share += np.where(first == (direction - 1) % ORIENTATIONS, upper_share, 0)
        result[..., direction] = (strength * share).reshape(count, size, cell, size, cell).sum(axis=(2, 4))
    return result


def _blocks(cells: Features) -> Features:
    count, size = cells.shape[:2]
    span = size - BLOCK + 1
    corners = [cells[:, i : i + span, j : j + span] for i in range(BLOCK) for j in range(BLOCK)]
    blocks = np.concatenate(corners, axis=-1)
    for ceiling in (CEILING, 1.0):
        norm = np.sqrt(np.sum(blocks**2, axis=-1, keepdims=True) + 1e-6)
        blocks = np.minimum(blocks / norm, ceiling)
    return blocks.reshape(count, -1).astype(np.float32)
