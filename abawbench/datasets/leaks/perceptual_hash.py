"""Perceptual hashes of pictures, in 64 bits and a thumbnail, and a fast search for similar pictures."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abawbench.clips.images import Image
from abawbench.table import Floats, Mask, Rows

SIDE = 24
# root mean square of the grey levels between neighbours of a thumbnail; a picture below it shows nothing to compare
FLAT = 1.0
BANDS = 4
BLOCK = 1 << 21

Hashes = NDArray[np.uint64]
Thumbnails = NDArray[np.uint8]
Pairs = tuple[Rows, Rows, NDArray[np.uint8]]
"""(position in the first, position in the second, bits that differ)."""


@dataclass(frozen=True, eq=False)
class Prints:
    """Hashes and thumbnails of pictures.

    Attributes:
        hashes: hashes of 64 bits, shape (pictures,).
        thumbnails: grey levels, shape (pictures, 24, 24).
        is_flat: True for a picture so even or dark that it resembles every other such picture, shape (pictures,).
    """

    hashes: Hashes
    thumbnails: Thumbnails
    is_flat: Mask


def thumbnail(image: Image) -> NDArray[np.uint8]:
    """Shrink a picture of any size and shape to 24 x 24 grey levels."""
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def prints(thumbnails: Thumbnails) -> Prints:
    """Hashes of thumbnails, shape (pictures, 24, 24).

    A bit is the sign of one of the 64 lowest frequencies of the cosine transform, without the mean. Brightness does not
    change it; contrast, size and JPEG hardly do.
    """
    basis, chosen = _cosines()
    hashes = np.empty(len(thumbnails), np.uint64)
    is_flat = np.empty(len(thumbnails), bool)
    for begin in range(0, len(thumbnails), 4096):
        block = thumbnails[begin : begin + 4096].astype(np.float32)
        frequencies = (basis @ block @ basis.T).reshape(len(block), -1)[:, chosen]
        bits = np.packbits(frequencies > 0, axis=1, bitorder="little")
        hashes[begin : begin + 4096] = np.ascontiguousarray(bits).view("<u8")[:, 0]
        across, down = _slopes(block)
        is_flat[begin : begin + 4096] = np.sqrt((across**2 + down**2).mean(axis=1) / 2) < FLAT
    return Prints(hashes, thumbnails, is_flat)


def likeness(first: Thumbnails, second: Thumbnails) -> Floats:
    """Likeness of pairs of pictures: the correlation of their slopes from one pixel to the next.

    Args:
        first: thumbnails of the first pictures, shape (pairs, 24, 24).
        second: thumbnails of the second pictures, shape (pairs, 24, 24).

    Returns:
        Shape (pairs,), at most 1. Brightness and contrast do not change it.
    """
    result = np.empty(len(first))
    for begin in range(0, len(first), 4096):
        one, other = (_slopes(part[begin : begin + 4096].astype(np.float32)) for part in (first, second))
        correlations = [_correlation(a, b) for a, b in zip(one, other, strict=True)]
        result[begin : begin + 4096] = np.mean(correlations, axis=0)
    return result


def near_pairs(first: Hashes, second: Hashes, threshold: int) -> Iterator[Pairs]:
    """Every pair of pictures whose hashes differ in at most `threshold` bits, once, one block at a time.

    The 64 bits are split into four bands. Where at most t bits differ in all, some band differs in at most t / 4 bits,
    so only pairs that agree in a band up to so few bits are compared.

    Source: Norouzi, Punjani and Fleet 2012, Fast search in Hamming space with multi-index hashing, CVPR.
    """
    base, more = divmod(threshold + 1, BANDS)
    radii = [base - 1 + (band < more) for band in range(BANDS)]
    looked_at = sum(len(_flips(radius)) for radius in radii)
    if len(first) * len(second) <= BLOCK or looked_at > 1 << 13:
        yield from _all_pairs(first, second, threshold)
        return
    for band, radius in enumerate(radii):
        for left, right in _sharing(_band(first, band), _band(second, band), _flips(radius)):
            bits = np.bitwise_count(first[left] ^ second[right])
            near = np.flatnonzero(bits <= threshold)
            one, other, bits = left[near], right[near], bits[near]
            different = first[one] ^ second[other]
            fresh = np.ones(len(one), bool)
            for earlier in range(band):
                # a pair that an earlier band has found is not yielded again
                fresh &= np.bitwise_count(_band(different, earlier)) > radii[earlier]
            if fresh.any():
                yield one[fresh], other[fresh], bits[fresh]


def _all_pairs(first: Hashes, second: Hashes, threshold: int) -> Iterator[Pairs]:
    step = max(1, BLOCK // max(1, len(second)))
    for begin in range(0, len(first), step):
        bits = np.bitwise_count(first[begin : begin + step, None] ^ second)
        one, other = np.nonzero(bits <= threshold)
        if len(one):
            yield one + begin, other, bits[one, other]


def _sharing(first: Rows, second: Rows, flips: NDArray[np.int64] | list[int]) -> Iterator[tuple[Rows, Rows]]:
    """Pairs of pictures whose bands are equal after one of the flips."""
    order = np.argsort(second, kind="stable")
    counts = np.bincount(second, minlength=1 << 16)
    ends = np.cumsum(counts)
    for flip in flips:
        wanted = first ^ flip
        number = counts[wanted]
        some = np.flatnonzero(number)
        number, wanted = number[some], wanted[some]
        cuts = np.searchsorted(np.cumsum(number), np.arange(BLOCK, int(number.sum()), BLOCK))
        for part in np.split(np.arange(len(some)), cuts):
            if not len(part):
                continue
            count = number[part]
            # from the place in this block to the place in `order`
            shift = ends[wanted[part]] - np.cumsum(count)
            yield np.repeat(some[part], count), order[np.repeat(shift, count) + np.arange(int(count.sum()))]


def _band(hashes: Hashes, band: int) -> Rows:
    return ((hashes >> np.uint64(16 * band)) & np.uint64(0xFFFF)).astype(np.int64)


@functools.cache
def _flips(radius: int) -> NDArray[np.int64]:
    """All numbers of 16 bits with at most `radius` ones, those with the fewest first."""
    numbers = np.arange(1 << 16, dtype=np.uint16)
    ones = np.bitwise_count(numbers)
    order = np.argsort(ones, kind="stable")
    return order[ones[order] <= radius].astype(np.int64)


@functools.cache
def _cosines() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Rows of the cosine transform, and the places of the 64 lowest frequencies without the mean."""
    size = 11
    place = np.arange(SIDE)
    basis = np.cos(np.pi * (2 * place + 1) * np.arange(size)[:, None] / (2 * SIDE)).astype(np.float32)
    down, across = np.divmod(np.arange(size * size), size)
    order = np.lexsort((down, np.maximum(down, across), down + across))
    return basis, order[1:65]


def _slopes(block: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    across = block[:, :-1, 1:] - block[:, :-1, :-1]
    down = block[:, 1:, :-1] - block[:, :-1, :-1]
    return across.reshape(len(block), -1), down.reshape(len(block), -1)


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> Floats:
    one = one - one.mean(axis=1, keepdims=True)
    other = other - other.mean(axis=1, keepdims=True)
    norm = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return ((one * other).sum(axis=1) / np.maximum(norm, 1e-9)).astype(np.float64)
