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
    strength = strength[:, :used, :used]
    place = np.mod(angle[:, :used, :used], np.pi) * np.float32(ORIENTATIONS / np.pi) - np.float32(0.5)
    lower = np.floor(place)
    to_upper = strength * (place - lower)
    row = np.arange(used) // cell
    first_bin = (np.arange(count)[:, np.newaxis, np.newaxis] * size + row[:, np.newaxis]) * size + row
    histograms = np.zeros(count * size * size * ORIENTATIONS)
    for direction, share in ((lower, strength - to_upper), (lower + 1, to_upper)):
        bins = first_bin * ORIENTATIONS + np.mod(direction, ORIENTATIONS).astype(np.int64)
        histograms += np.bincount(bins.ravel(), share.ravel(), len(histograms))
    return histograms.astype(np.float32).reshape(count, size, size, ORIENTATIONS)


def _blocks(cells: Features) -> Features:
    count, size = cells.shape[:2]
    span = size - BLOCK + 1
    corners = [cells[:, i : i + span, j : j + span] for i in range(BLOCK) for j in range(BLOCK)]
    blocks = np.concatenate(corners, axis=-1)
    for ceiling in (CEILING, 1.0):
        norm = np.sqrt(np.sum(blocks**2, axis=-1, keepdims=True) + 1e-6)
        blocks = np.minimum(blocks / norm, ceiling)
    return blocks.reshape(count, -1).astype(np.float32)
