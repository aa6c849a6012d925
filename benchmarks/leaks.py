"""The search for near-duplicates and the folds against peers, and the recall of the leak guard on real faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import ProblemError
from abawbench.clips.images import Image, read_image
from abawbench.datasets.leaks.frames import LIKENESS, THRESHOLD
from abawbench.datasets.leaks.perceptual_hash import Hashes, likeness, near_pairs, prints, thumbnail
from abawbench.datasets.stratify import stratify
from abawbench.faces import Detector, crop_file, weights_path
from benchmarks.timing import functions, report
from examples.real_data import real_data

COUNT = 100_000
PLANTED = 1_000


def main() -> None:
    """Measure the search, the folds, and the recall if the real faces are there."""
    random = np.random.default_rng(0)
    even = random.integers(0, 2**64, COUNT, dtype=np.uint64), random.integers(0, 2**64, COUNT, dtype=np.uint64)
    even[1][:PLANTED] = even[0][:PLANTED] ^ np.uint64(0b1011)
    search(f"{COUNT:,} hashes against {COUNT:,}, evenly spread, {PLANTED:,} planted", *even)
    search(
        f"{COUNT:,} hashes against {COUNT:,}, of 1,000 scenes each around the same 200 faces",
        _scenes(random),
        _scenes(random),
    )
    folds()
    try:
        faces = sorted((real_data() / "faces").glob("london_*.jpg"))
    except ProblemError as error:
        print(f"\nno measure on real faces: {error}")
        return
    detector = Detector(weights_path())
    recall("204 pictures of the London set", [read_image(path) for path in faces])
    recall("their crops of 112 x 112", [crop_file(detector, path) for path in faces])


def search(title: str, first: Hashes, second: Hashes) -> None:
    """Measure the index against comparing all pairs, one hash of the first set at a time."""

    def index() -> int:
        return sum(len(one) for one, _, _ in near_pairs(first, second, THRESHOLD))

    def loop() -> int:
        return sum(int((np.bitwise_count(second ^ value) <= THRESHOLD).sum()) for value in first)

    if index() != loop():
        raise RuntimeError("the two find different pairs: a comparison of speed would mean nothing")
    report(title, functions({"abawbench": index, "all pairs in NumPy": loop}, runs=1), "abawbench")


def _scenes(random: np.random.Generator) -> NDArray[np.uint64]:
    """Hashes as those of videos of faces: similar within a scene, and more similar than by chance between scenes."""
    faces = np.random.default_rng(1).integers(0, 2**64, 200, dtype=np.uint64)
    scenes = faces[random.integers(0, 200, 1000)] ^ _flips(random, 0.12, (1000,))
    return (scenes[:, None] ^ _flips(random, 0.05, (1000, COUNT // 1000))).ravel()


def _flips(random: np.random.Generator, rate: float, shape: tuple[int, ...]) -> NDArray[np.uint64]:
    bits = np.packbits(random.random((*shape, 64)) < rate, axis=-1, bitorder="little")
    return bits.view("<u8")[..., 0]


def folds() -> None:
    """Measure five folds of 300 videos against scikit-learn's StratifiedGroupKFold, which only balances classes."""
    from sklearn.model_selection import StratifiedGroupKFold

    random = np.random.default_rng(0)
    shares = random.dirichlet(np.array([3, 0.2, 0.15, 0.15, 1.5, 0.7, 0.4, 1]), 300)
    rows = random.integers(200, 9000, 300)
    classes = np.stack([random.multinomial(row, share) for row, share in zip(rows, shares, strict=True)])
    labels = np.concatenate([np.repeat(np.arange(8), row) for row in classes])
    groups = np.repeat(np.arange(300), rows)
    counts = np.column_stack([rows, classes]).astype(float)
    weights = np.array([1] + [1 / 8] * 8)

    def peer() -> NDArray[np.int64]:
        fold = np.empty(300, np.int64)
        for place, (_, test) in enumerate(StratifiedGroupKFold(5).split(labels, labels, groups)):
            fold[np.unique(groups[test])] = place
        return fold

    def unevenness(fold: NDArray[np.int64]) -> float:
        sums = np.stack([counts[fold == place].sum(axis=0) for place in range(5)])
        return float(np.abs(sums * 5 / counts.sum(axis=0) - 1).max())

    costs = functions({"abawbench": lambda: stratify(counts, weights, 5), "StratifiedGroupKFold": peer}, runs=3)
    report(f"Five folds of 300 videos, {len(labels):,} rows", costs, "abawbench")
    ours, theirs = unevenness(stratify(counts, weights, 5)), unevenness(peer())
    print(f"  farthest from an equal share of a class: abawbench {ours:.1%}, StratifiedGroupKFold {theirs:.1%}")


def _jpeg(image: Image, quality: int) -> Image:
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


def _levels(image: Image, gain: float, offset: float = 0.0, gamma: float = 1.0) -> Image:
    return np.clip(255 * (image / 255) ** gamma * gain + offset, 0, 255).astype(np.uint8)


def _scaled(image: Image, scale: float) -> Image:
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


COPIES: dict[str, Callable[[Image], Image]] = {
    "JPEG of quality 50": lambda image: _jpeg(image, 50),
    "0.45 times the size": lambda image: _scaled(image, 0.45),
    "a tenth brighter": lambda image: _levels(image, 1.1, 8),
    "0.6 times as bright": lambda image: _levels(image, 0.6),
    "gamma 0.8": lambda image: _levels(image, 1, gamma=0.8),
    "half the size, a tenth brighter, quality 60": lambda image: _jpeg(_levels(_scaled(image, 0.5), 1.1, 8), 60),
    "cut anew by 2 % on each side": lambda image: image[
        round(len(image) * 0.02) : round(len(image) * 0.98), round(image.shape[1] * 0.02) : round(image.shape[1] * 0.98)
    ],
}


def recall(title: str, images: Sequence[Image]) -> None:
    """Print how many changed copies are found, and how many pairs of different pictures are taken for copies."""
    own = prints(np.stack([thumbnail(image) for image in images]))
    one, other = np.triu_indices(len(images), 1)
    bits = np.bitwise_count(own.hashes[one] ^ own.hashes[other])
    alike = likeness(own.thumbnails[one], own.thumbnails[other])
    false = (bits <= THRESHOLD) & (alike >= LIKENESS)
    same_person = one // 2 == other // 2
    print(f"\nNear-duplicates, {title}")
    persons = f"{(false & same_person).sum()} of {same_person.sum()} persons' two pictures"
    print(f"  false alarms: {false.sum()} of {len(one):,} pairs, {persons}")
    for name, change in COPIES.items():
        copies = prints(np.stack([thumbnail(change(image)) for image in images]))
        near = np.bitwise_count(own.hashes ^ copies.hashes) <= THRESHOLD
        found = near & (likeness(own.thumbnails, copies.thumbnails) >= LIKENESS)
        print(f"  {name:<60} {found.sum():>4} of {len(images)} found")


if __name__ == "__main__":
    main()
