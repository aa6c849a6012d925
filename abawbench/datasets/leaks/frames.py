"""Finds pictures that two sides share: the same bytes, and near-duplicates in stretches of consecutive frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.hashes import sha256_of_file
from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.clips.images import read_image
from abawbench.datasets.leaks.perceptual_hash import Prints, likeness, near_pairs, prints, thumbnail
from abawbench.datasets.leaks.sides import unit_of
from abawbench.table import Floats, Rows

Progress = Callable[[int, int], None]
"""(pictures read, pictures in all)."""

THRESHOLD = 10
LIKENESS = 0.97
# largest gap between matches within a stretch, in frames: about a second
GAP = 25


@dataclass(frozen=True, slots=True)
class SameFiles:
    """Files in a folder of one side whose bytes are also in a folder of the other side.

    Attributes:
        first: folder of the first side; the path of the file where there is only one.
        second: folder of the second side; the path of the file where there is only one.
        files: number of files.
        example: path of a file of the first side, and of its copy in the second.
    """

    first: str
    second: str
    files: int
    example: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive pictures of one folder that look like pictures in a folder of the other side.

    Attributes:
        first: first and last picture of the first side.
        second: first and last picture of the second side that they look like.
        frames: number of pictures of the first side that match; up to a second between two of them need not match.
        bits: largest number of bits in which the hashes of two pictures differ.
        likeness: smallest likeness of two pictures.
    """

    first: tuple[str, str]
    second: tuple[str, str]
    frames: int
    bits: int
    likeness: float


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one side with their hashes.

    Attributes:
        paths: paths of the pictures that can be compared.
        prints: hash and thumbnail of each path.
        flat: number of pictures that are too even or dark to compare.
        problems: problems of the pictures that could not be read.
    """

    paths: tuple[Path, ...]
    prints: Prints
    flat: int
    problems: tuple[Problem, ...]


def same_files(
    first: Sequence[Path], second: Sequence[Path]
) -> tuple[tuple[SameFiles, ...], frozenset[Path], tuple[Problem, ...]]:
    """Find files with the same bytes on two sides.

    Only files whose size occurs on both sides are read; empty files are left out.

    Returns:
        The shared files by folder, the paths of the first side that have a copy in the second, and the problems of
        files that cannot be read.
    """
    problems: list[Problem] = []
    sizes = [_by(_size, paths, problems) for paths in (first, second)]
    shared = sizes[0].keys() & sizes[1].keys() - {0}
    hashes = [_by(sha256_of_file, [path for size in shared for path in side[size]], problems) for side in sizes]
    groups: dict[tuple[Path, Path], list[tuple[Path, Path]]] = defaultdict(list)
    copied: set[Path] = set()
    for key in hashes[0].keys() & hashes[1].keys():
        twin = hashes[1][key][0]
        for path in hashes[0][key]:
            groups[path.parent, twin.parent].append((path, twin))
            copied.add(path)
    found = [_same(pairs) for pairs in groups.values()]
    return tuple(sorted(found, key=lambda same: same.first)), frozenset(copied), tuple(problems)


def _same(pairs: list[tuple[Path, Path]]) -> SameFiles:
    one, twin = min(pairs)
    first, second = (str(one), str(twin)) if len(pairs) == 1 else (str(one.parent), str(twin.parent))
    return SameFiles(first, second, len(pairs), (str(one), str(twin)))


def _by(key: Callable[[Path], Any], paths: Iterable[Path], problems: list[Problem]) -> dict[Any, list[Path]]:
    groups: dict[Any, list[Path]] = defaultdict(list)
    for path in paths:
        try:
            groups[key(path)].append(path)
        except OSError as error:
            problems.extend(unreadable(path, error, "a readable file").problems)
    return groups


def _size(path: Path) -> int:
    return path.stat().st_size


def read_pictures(paths: Sequence[Path], progress: Progress | None = None) -> Pictures:
    """Read pictures and their hashes, with as many threads as there are cores."""
    thumbnails: list[np.ndarray[Any, Any]] = []
    readable: list[Path] = []
    problems: list[Problem] = []
    for done, (path, result) in enumerate(zip(paths, map_ahead(_thumbnail, paths), strict=True), start=1):
        if isinstance(result, ProblemError):
            problems += result.problems
        else:
            thumbnails.append(result)
            readable.append(path)
        if progress is not None:
            progress(done, len(paths))
    everything = prints(np.stack(thumbnails) if thumbnails else np.zeros((0, 24, 24), np.uint8))
    keep = np.flatnonzero(~everything.is_flat)
    kept = Prints(everything.hashes[keep], everything.thumbnails[keep], everything.is_flat[keep])
    chosen = tuple(readable[place] for place in keep.tolist())
    return Pictures(chosen, kept, int(everything.is_flat.sum()), tuple(problems))


def _thumbnail(path: Path) -> np.ndarray[Any, Any] | ProblemError:
    try:
        return thumbnail(read_image(path))
    except ProblemError as error:
        return error


def stretches(
    first: Pictures, second: Pictures, *, threshold: int = THRESHOLD, least: float = LIKENESS
) -> tuple[Stretch, ...]:
    """Find near-duplicate pictures, whose hashes differ in few bits and whose slopes correlate.

    For each picture of the first side and each folder of the second, only the most similar picture counts. Pictures
    that follow one another and match pictures of one folder make one stretch.

    Args:
        first: pictures of the first side.
        second: pictures of the second side.
        threshold: largest number of bits in which the hashes of two pictures differ.
        least: smallest likeness of two pictures.
    """
    one, other, bits, alike = _matches(first.prints, second.prints, _folders(second.paths), threshold, least)
    if not len(one):
        return ()
    here, there = _folders(first.paths), _folders(second.paths)
    order = np.lexsort((one, there[other], here[one]))
    one, other, bits, alike = one[order], other[order], bits[order], alike[order]
    is_frame = np.array([unit_of(path) != path.stem for path in first.paths])
    step = np.diff(one)
    # pictures that are no frames follow one another only where their copies do
    follows = np.where(is_frame[one[1:]], step <= GAP, (step == 1) & (np.diff(other) == 1))
    begins = np.ones(len(one), bool)
    begins[1:] = ~follows | (np.diff(here[one]) != 0) | (np.diff(there[other]) != 0)
    starts = np.flatnonzero(begins)
    return tuple(
        Stretch(
            (str(first.paths[one[start]]), str(first.paths[one[end - 1]])),
            (str(second.paths[other[start:end].min()]), str(second.paths[other[start:end].max()])),
            int(end - start),
            int(bits[start:end].max()),
            round(float(alike[start:end].min()), 4),
        )
        for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(one)], strict=True)
    )


def _folders(paths: Sequence[Path]) -> Rows:
    number: dict[Path, int] = {}
    return np.array([number.setdefault(path.parent, len(number)) for path in paths], np.int64)


def _matches(
    first: Prints, second: Prints, folder: Rows, threshold: int, least: float
) -> tuple[Rows, Rows, Rows, Floats]:
    """The most similar picture in each folder of the second side for each picture of the first, where it is similar.

    Returns:
        Picture of the first side, picture of the second, bits that differ, and likeness, each of shape (matches,).
    """
    # pictures of one folder with the same hash stand for one another: a still scene would match itself squared
    represented = np.unique(np.stack([second.hashes, folder.astype(np.uint64)], axis=1), axis=0, return_index=True)[1]
    hashes, place = np.unique(first.hashes, return_inverse=True)
    members = _Members(place, len(hashes))
    found: list[tuple[Rows, Rows, Rows, Floats]] = []
    for group, chosen, bits in near_pairs(hashes, second.hashes[represented], threshold):
        for one, pair in members.of(group):
            other = represented[chosen[pair]]
            alike = likeness(first.thumbnails[one], second.thumbnails[other])
            keep = alike >= least
            found.append((one[keep], other[keep], bits[pair][keep].astype(np.int64), alike[keep]))
    if not found:
        none = np.zeros(0, np.int64)
        return none, none, none, np.zeros(0)
    one, other, bits, alike = (np.concatenate(columns) for columns in zip(*found, strict=True))
    order = np.lexsort((other, -alike, folder[other], one))
    one, other, bits, alike = one[order], other[order], bits[order], alike[order]
    best = np.ones(len(one), bool)
    best[1:] = (np.diff(one) != 0) | (np.diff(folder[other]) != 0)
    return one[best], other[best], bits[best], alike[best]


class _Members:
    """The pictures of each distinct hash."""

    def __init__(self, place: Rows, groups: int) -> None:
        self._order = np.argsort(place, kind="stable")
        self._counts = np.bincount(place, minlength=groups)
        self._ends = np.cumsum(self._counts)

    def of(self, groups: Rows, block: int = 1 << 15) -> Iterable[tuple[Rows, Rows]]:
        """(picture, position in `groups`) of every picture of the groups, one block at a time."""
        counts = self._counts[groups]
        ends = np.cumsum(counts)
        for begin in range(0, int(ends[-1]) if len(ends) else 0, block):
            row = np.arange(begin, min(begin + block, int(ends[-1])))
            pair = np.searchsorted(ends, row, side="right")
            within = row - (ends[pair] - counts[pair])
            group = groups[pair]
            yield self._order[self._ends[group] - self._counts[group] + within], pair
