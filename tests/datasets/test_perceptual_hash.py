from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.datasets.leaks.perceptual_hash import SIDE, likeness, near_pairs, prints, thumbnail


def scene(seed: int, size: int = 160) -> np.ndarray:
    """A smooth picture of blobs."""
    random = np.random.default_rng(seed)
    return cv2.resize(random.integers(0, 256, (9, 9, 3)).astype(np.uint8), (size, size), interpolation=cv2.INTER_CUBIC)


def print_of(*images: np.ndarray):
    return prints(np.stack([thumbnail(image) for image in images]))


def pairs(first, second, threshold):
    found = list(near_pairs(first, second, threshold))
    return sorted(
        (int(a), int(b), int(c)) for one, other, bits in found for a, b, c in zip(one, other, bits, strict=True)
    )


def compared(first, second, threshold):
    bits = np.bitwise_count(first[:, None] ^ second)
    return sorted((int(a), int(b), int(bits[a, b])) for a, b in zip(*np.nonzero(bits <= threshold), strict=True))


def near(random: np.random.Generator, count: int, centres: int) -> np.ndarray:
    """Hashes around a few centres, up to a dozen bits away."""
    base = random.integers(0, 2**64, centres, dtype=np.uint64)[random.integers(0, centres, count)]
    flips = random.random((count, 64)) < random.uniform(0, 0.2, (count, 1))
    return base ^ np.packbits(flips, axis=1, bitorder="little").view("<u8")[:, 0]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(0, 14), st.integers(0, 40), st.integers(0, 40))
def test_few_hashes_are_compared_each_with_each(seed, threshold, first, second):
    random = np.random.default_rng(seed)
    one, other = near(random, first, 3), near(np.random.default_rng(seed), second, 3)
    assert pairs(one, other, threshold) == compared(one, other, threshold)


@pytest.mark.parametrize("threshold", [0, 1, 2, 3, 4, 7, 10, 11])
@pytest.mark.parametrize("centres", [1, 40])
def test_the_index_finds_what_comparing_each_with_each_finds_and_nothing_twice(monkeypatch, threshold, centres):
    monkeypatch.setattr("abawbench.datasets.leaks.perceptual_hash.BLOCK", 1 << 10)
    one, other = near(np.random.default_rng(1), 300, centres), near(np.random.default_rng(1), 300, centres)[::-1][:250]
    expected = compared(one, other, threshold)
    assert pairs(one, other, threshold) == expected
    assert expected


def test_a_threshold_too_wide_for_the_index_is_still_exact(monkeypatch):
    monkeypatch.setattr("abawbench.datasets.leaks.perceptual_hash.BLOCK", 1 << 10)
    one, other = near(np.random.default_rng(1), 90, 5), near(np.random.default_rng(2), 80, 5)
    assert pairs(one, other, 30) == compared(one, other, 30)


@pytest.mark.parametrize("seed", range(5))
def test_encoding_size_brightness_and_contrast_hardly_change_a_print(seed):
    image = scene(seed)
    encoded = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)
    changed = [
        encoded,
        cv2.resize(image, (70, 90)),
        (image * 0.6).astype(np.uint8),
        (image * 0.7 + 60).astype(np.uint8),
    ]
    own, copies = print_of(image), print_of(*changed)
    assert np.bitwise_count(own.hashes ^ copies.hashes).max() <= 6
    assert likeness(np.repeat(own.thumbnails, len(changed), axis=0), copies.thumbnails).min() > 0.98


def test_other_pictures_have_other_prints():
    found = print_of(*(scene(seed) for seed in range(20)))
    bits = np.bitwise_count(found.hashes[:, None] ^ found.hashes)
    assert bits[~np.eye(20, dtype=bool)].min() > 14
    assert abs(likeness(found.thumbnails[:-1], found.thumbnails[1:])).max() < 0.6


def test_likeness_is_symmetric_and_one_for_the_same_picture():
    found = print_of(scene(1), scene(2))
    one, other = found.thumbnails[:1], found.thumbnails[1:]
    assert likeness(one, one) == pytest.approx([1.0])
    assert likeness(one, other) == pytest.approx(likeness(other, one))
    inverted = 255 - one
    assert likeness(one, inverted) == pytest.approx([-1.0])


def test_even_and_dark_pictures_are_flat():
    random = np.random.default_rng(0)
    noise = random.integers(0, 3, (112, 112, 3)).astype(np.uint8)
    ramp = np.tile(np.linspace(100, 110, 112).astype(np.uint8)[None, :, None], (112, 1, 3))
    flat = print_of(np.zeros((112, 112, 3), np.uint8), np.full((112, 112, 3), 200, np.uint8), noise, ramp)
    assert flat.is_flat.all()
    assert not print_of(scene(1), (scene(1) * 0.3).astype(np.uint8)).is_flat.any()


def test_a_picture_of_any_shape_has_a_thumbnail():
    for shape in ((1, 1), (5, 300), (300, 5), (24, 24), (2000, 1500)):
        assert thumbnail(np.full((*shape, 3), 7, np.uint8)).shape == (SIDE, SIDE)


def test_no_picture_has_no_print():
    empty = prints(np.zeros((0, SIDE, SIDE), np.uint8))
    assert len(empty.hashes) == 0
    assert list(near_pairs(empty.hashes, empty.hashes, 10)) == []
