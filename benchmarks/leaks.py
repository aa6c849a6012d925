"""Near-duplicates among 100,000 hashes against 100,000, and folds, each beside its peer: python -m benchmarks.leaks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from abawbench.data.hashing import Hashes, near_pairs
from abawbench.data.leaks.frames import THRESHOLD
from abawbench.data.stratify import stratify
from benchmarks.timing import functions, report

COUNT = 100_000
PLANTED = 1_000


def main() -> None:
    """Both comparisons."""
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


def search(title: str, first: Hashes, second: Hashes) -> None:
    """The index against comparing each hash with all others, a row of the first at a time."""

    def index() -> int:
        return sum(len(one) for one, _, _ in near_pairs(first, second, THRESHOLD))

    def loop() -> int:
        return sum(int((np.bitwise_count(second ^ value) <= THRESHOLD).sum()) for value in first)

    if index() != loop():
        raise RuntimeError("the two find different pairs: a comparison of speed would mean nothing")
    report(title, functions({"abawbench": index, "all pairs in NumPy": loop}, runs=1), "abawbench")


def _scenes(random: np.random.Generator) -> NDArray[np.uint64]:
    """Hashes as of videos of faces: like one another within a scene, and more alike than chance between scenes."""
    faces = np.random.default_rng(1).integers(0, 2**64, 200, dtype=np.uint64)
    scenes = faces[random.integers(0, 200, 1000)] ^ _flips(random, 0.12, (1000,))
    return (scenes[:, None] ^ _flips(random, 0.05, (1000, COUNT // 1000))).ravel()


def _flips(random: np.random.Generator, rate: float, shape: tuple[int, ...]) -> NDArray[np.uint64]:
    bits = np.packbits(random.random((*shape, 64)) < rate, axis=-1, bitorder="little")
    return bits.view("<u8")[..., 0]


def folds() -> None:
    """Five folds of 300 videos against scikit-learn's StratifiedGroupKFold, which balances the classes only."""
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


if __name__ == "__main__":
    main()
