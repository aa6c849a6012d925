"""Compares two sides, and finds everything that training and evaluation must not share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from abawbench.base.problems import Problem, ProblemError
from abawbench.datasets.leaks.frames import (
    LIKENESS,
    THRESHOLD,
    Progress,
    SameFiles,
    Stretch,
    read_pictures,
    same_files,
    stretches,
)
from abawbench.datasets.leaks.sides import Side
from abawbench.datasets.manifests.model import Manifest
from abawbench.table import video_of


@dataclass(frozen=True, slots=True)
class Leaks:
    """The names, files and pictures that two sides share.

    Attributes:
        units: names of units that are in both.
        videos: names of videos that both have persons of, though not the same person.
        subjects: names of persons who are in both.
        files: files with the same bytes.
        stretches: near-duplicate pictures.
        overlaps: overlaps that the manifests of two data sets state, in words, with their source.
        compared: number of pictures of each side that were compared.
        flat: number of pictures of each side that are too even or dark to compare.
        problems: files and folders that could not be read.
    """

    units: tuple[str, ...]
    videos: tuple[str, ...]
    subjects: tuple[str, ...]
    files: tuple[SameFiles, ...]
    stretches: tuple[Stretch, ...]
    overlaps: tuple[str, ...]
    compared: tuple[int, int]
    flat: tuple[int, int]
    problems: tuple[Problem, ...]

    @property
    def found(self) -> bool:
        """True where there is a leak of any kind."""
        return any((self.units, self.videos, self.subjects, self.files, self.stretches, self.overlaps))

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        record = asdict(self)
        record["problems"] = [problem.to_json() for problem in self.problems]
        return {"found": self.found} | record


def find_leaks(
    first: Side,
    second: Side,
    *,
    threshold: int = THRESHOLD,
    least: float = LIKENESS,
    progress: Progress | None = None,
) -> Leaks:
    """Find the names, files and near-duplicate pictures that two sides share, and overlaps that their manifests state.

    Pictures with the same bytes are reported as files, and not again as near-duplicates.

    Args:
        first: one side, as training.
        second: other side, as validation.
        threshold: largest number of bits in which the hashes of near-duplicates differ.
        least: smallest likeness of near-duplicates.
        progress: called after each picture.

    Raises:
        ProblemError: C02, one side lies in the other.
    """
    _refuse_nested(first, second)
    units = first.units & second.units
    videos = {video_of(unit) for unit in first.units} & {video_of(unit) for unit in second.units}
    videos -= {video_of(unit) for unit in units}
    files, copied, problems = same_files((*first.pictures, *first.videos), (*second.pictures, *second.videos))
    own = [path for path in first.pictures if path not in copied] if second.pictures else []
    theirs = second.pictures if own else ()
    count = len(own) + len(theirs)
    seen = [read_pictures(paths, _counted(progress, begin, count)) for begin, paths in ((0, own), (len(own), theirs))]
    return Leaks(
        units=tuple(sorted(units)),
        videos=tuple(sorted(videos)),
        subjects=tuple(sorted(first.subjects & second.subjects)),
        files=files,
        stretches=stretches(*seen, threshold=threshold, least=least),
        overlaps=_overlaps(first.dataset, second.dataset),
        compared=(len(seen[0].paths), len(seen[1].paths)),
        flat=(seen[0].flat, seen[1].flat),
        problems=(*first.problems, *second.problems, *problems, *seen[0].problems, *seen[1].problems),
    )


def _counted(progress: Progress | None, begin: int, count: int) -> Progress | None:
    return None if progress is None else lambda done, _: progress(begin + done, count)


def _refuse_nested(first: Side, second: Side) -> None:
    one, other = Path(first.name).resolve(), Path(second.name).resolve()
    if Path(first.name).exists() and (one == other or one in other.parents or other in one.parents):
        found = f"{second.name} and {first.name}, one in the other"
        raise ProblemError(Problem("C02", found, "two separate sides", "name the folders of two splits or data sets"))


def _overlaps(first: Manifest | None, second: Manifest | None) -> tuple[str, ...]:
    if first is None or second is None:
        return ()
    if first.name == second.name:
        return (f"{first.id} and {second.id} are releases of one data set",)
    found: list[str] = []
    for one, other in ((first, second), (second, first)):
        for relation in one.related:
            if _name(relation.dataset) == other.name:
                note = f": {relation.note}" if relation.note else ""
                found.append(f"{one.id} {relation.how} {other.name}{note} [{one.source_of('related')}]")
    if not found:
        shared = {_name(relation.dataset) for relation in first.related}
        shared &= {_name(relation.dataset) for relation in second.related}
        found += [
            f"{first.id} and {second.id} both overlap with {name}: check what they share" for name in sorted(shared)
        ]
    return tuple(found)


def _name(identifier: str) -> str:
    return identifier.partition("_")[0]
