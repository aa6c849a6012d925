"""Comparison of a truth's size with the sizes of a challenge's splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Literal

from abawbench.challenges.model import Challenge, is_assumed

Verdict = Literal["official size", "other data", "not known"]
_Fit = Literal["official size", "other data", "same units", "not known"]
# a split that fits is meant where none is named
FITTING = ("official size", "same units")
NO_COUNTS: Mapping[str, Any] = MappingProxyType({"units": [], "rows": [], "labelled": [], "valid": {}})
VALID_FOR = "rows valid for "
# a number of rows or units by what is counted, in words
_Counted = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """The size of a truth.

    Attributes:
        units: number of videos, or of persons in videos.
        rows: number of rows.
        labelled: number of rows that are annotated for at least one task.
        valid: by task, number of rows that are annotated.
    """

    units: int
    rows: int
    labelled: int
    valid: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SizeOfTruth:
    """What the size of a truth says about the data.

    Attributes:
        split: split that was compared: the one that was named or its part, that has the truth's size, or that keeps its
            labels in the truth's place; None if every split was.
        verdict: `official size` if all known counts of the split are the truth's, `other data` if one is not,
            `not known` if there is no count of rows to compare with.
        text: the verdict in words, with the counts that decide it.
    """

    split: str | None
    verdict: Verdict
    text: str


def size_of_truth(challenge: Challenge, truth: Counts, *, split: str | None = None, source: str = "") -> SizeOfTruth:
    """Compare the size of a truth with that of a split, or with those of all splits.

    Args:
        challenge: challenge of the truth.
        truth: counts of the truth.
        split: split of the truth; None where it is not known.
        source: file or folder of the truth.
    """
    counted = _counted(truth.rows, truth.units, truth.labelled, truth.valid)
    fits = {name: _fit(challenge, name, counted) for name in challenge.sizes}
    if split is None:
        split = next((name for fit in FITTING for name in fits if fits[name] == fit), None)
        split = split or _split_at(challenge, source)
    if split is not None:
        # a truth of the size of the private part is that part
        parts = [name for name in fits if name.endswith(f" {split}") and fits[name] == "official size"]
        split = parts[0] if parts else split
    asked = tuple(fits) if split is None else (split,)
    unknown = [name for name in asked if fits.get(name, "not known") == "not known"]
    if unknown or not asked:
        splits = " and of the ".join(f"{name} split" for name in unknown) or "splits"
        return SizeOfTruth(split, "not known", f"the size of the {splits} of {challenge.id} is not known")
    whose = f"the {split} split of {challenge.id}"
    if fits[asked[0]] == "same units":
        text = f"truth has the {truth.units:,} units of {whose}, whose rows are not known"
        return SizeOfTruth(split, "not known", text)
    if fits[asked[0]] == "official size":
        return SizeOfTruth(split, "official size", f"truth has the size of {whose}")
    return SizeOfTruth(split, "other data", f"{_difference(challenge, asked, counted)}: other data")


def official_counts(challenge: Challenge, split: str) -> dict[str, Any]:
    """The known counts of a split: `units`, `rows`, `labelled` rows and, by task, `valid`, each a list of numbers."""
    known = list(_known_counts(challenge, split))

    def values(name: str) -> list[int]:
        return list(dict.fromkeys(counts[name] for counts in known if name in counts))

    valid = {task.name: values(f"{VALID_FOR}{task.name}") for task in challenge.tasks}
    return {
        "units": values("units"),
        "rows": values("rows"),
        "labelled": values("labelled rows"),
        "valid": {task: counts for task, counts in valid.items() if counts},
    }


def _counted(rows: int, units: int, labelled: int, valid: Mapping[str, int]) -> dict[str, int]:
    counts = {"rows": rows, "units": units, "labelled rows": labelled}
    return counts | {f"{VALID_FOR}{task}": count for task, count in valid.items()}


def _known_counts(challenge: Challenge, split: str) -> Iterator[_Counted]:
    """The possible sizes of a split of which anything is known; a private test set is a test set too."""
    for name, size in challenge.sizes.items():
        for one in (size, *size.others) if name == split or name.endswith(f" {split}") else ():
            counts = {
                "rows": one.rows or size.rows,
                "units": one.units or size.units,
                "labelled rows": one.labelled_rows or size.labelled_rows,
                **{f"{VALID_FOR}{task}": count for task, count in challenge.valid_rows.get(name, {}).items()},
            }
            known = {name: count for name, count in counts.items() if count is not None}
            if known:
                yield known


def _fit(challenge: Challenge, split: str, counted: _Counted) -> _Fit:
    known = list(_known_counts(challenge, split))
    if not known:
        return "not known"
    fitting = [counts for counts in known if counts.items() <= counted.items()]
    if not fitting:
        return "other data"
    return "same units" if all(set(counts) == {"units"} for counts in fitting) else "official size"


def _difference(challenge: Challenge, splits: tuple[str, ...], counted: _Counted) -> str:
    """For each split a count of the truth that is not the split's, in words."""
    parts: list[str] = []
    have: dict[str, None] = {}
    for split in splits:
        known = list(_known_counts(challenge, split))
        closest = min(known, key=lambda counts: sum(counted.get(name) != count for name, count in counts.items()))
        name = next(name for name, count in closest.items() if counted.get(name) != count)
        own = counted.get(name, 0)
        values = dict.fromkeys(counts[name] for counts in known if counts.get(name, own) != own)
        doubt = " (assumed)" if is_assumed(challenge, *_sources_of(split, name)) else ""
        shown = " or ".join(f"{value:,}" for value in values)
        if len(splits) == 1:
            return f"truth has {own:,} {name}, the {split} split of {challenge.id} {shown}{doubt}"
        have[f"{own:,} {name}"] = None
        parts.append(f"{split} {shown} {name}{doubt}")
    return f"truth has {' and '.join(have)}, no split of {challenge.id} has that size ({', '.join(parts)})"


def _sources_of(split: str, name: str) -> tuple[str, ...]:
    """The fields that may have the source of a count, the nearest first."""
    if name.startswith(VALID_FOR):
        return (f"valid_rows.{split}", "valid_rows")
    return (f"sizes.{split}.{name.replace(' ', '_')}", f"sizes.{split}", "sizes")


def _split_at(challenge: Challenge, source: str) -> str | None:
    """The one split that keeps its labels at a path."""
    path = f"/{PurePath(source).as_posix()}"
    places = challenge.annotation_places.items()
    splits = [split for split, names in places if any(path.endswith(f"/{name}") for name in names)]
    return splits[0] if len(splits) == 1 else None
