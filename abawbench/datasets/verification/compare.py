"""Compares a local copy of a data set with its manifest, and lists differences, agreements and open questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.base.hashes import hashes_of_file
from abawbench.base.problems import Problem, Problems, unreadable
from abawbench.datasets.manifests.model import Checksum, LabelSet, Manifest
from abawbench.datasets.verification.counts import Tally, compare, listed, tallies
from abawbench.datasets.verification.survey import survey, unlabelled_pictures
from abawbench.table import video_of

if TYPE_CHECKING:
    from abawbench.datasets.readers import Labels


@dataclass(frozen=True)
class Comparison:
    """The result of comparing a local copy with its manifest.

    Attributes:
        problems: all differences and notes.
        checked: checks without a difference, a line for each kind.
        unchecked: checks that could not be made, with the reason.
    """

    problems: tuple[Problem, ...]
    checked: tuple[str, ...]
    unchecked: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """True where nothing differs."""
        return all(problem.is_note for problem in self.problems)

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain data."""
        return {
            "agrees": self.agrees,
            "problems": [problem.to_json() for problem in self.problems],
            "checked": list(self.checked),
            "unchecked": list(self.unchecked),
        }


class _Findings:
    """The results of the checks so far."""

    def __init__(self) -> None:
        self.problems = Problems()
        self.checked: list[str] = []
        self.unchecked: list[str] = []


def verify(manifest: Manifest, root: Path) -> Comparison:
    """Compare a local copy with its manifest: layout, checksums, labels, sizes of splits, groups, pictures.

    Only the labels are loaded; folders are listed as a stream, and files are hashed in pieces.

    Problems: D03 a part of the layout is missing, D04 another count, D05 a picture without label, D06 a group in two
    splits, D22 another checksum, F01 and F02 for folders and files, and those of the label sets' readers.
    """
    findings = _Findings()
    if not root.is_dir():
        found = "a file" if root.exists() else "no such folder"
        findings.problems.add(
            Problem("F01", found, f"the folder of a local copy of {manifest.title}", "check the path", str(root))
        )
        return Comparison(manifest.unnamed(findings.problems.found), (), ())
    _check_layout(manifest, root, findings)
    _check_checksums(manifest, root, findings)
    _check_labels(manifest, root, findings)
    problems = manifest.unnamed(findings.problems.found)
    return Comparison(problems, tuple(findings.checked), tuple(findings.unchecked))


def _check_layout(manifest: Manifest, root: Path, findings: _Findings) -> None:
    if not manifest.layout:
        findings.unchecked.append("layout: the manifest states none")
        return
    found = survey(manifest.layout, root, findings.problems)
    present = 0
    for place, what in zip(manifest.layout, found, strict=True):
        if what.matches:
            present += 1
        elif place.required:
            note = f" ({place.note})" if place.note else ""
            fix = "copy it, or name the folder that holds it"
            findings.problems.add(Problem("D03", f"no {place.path}", f"{place.holds}{note}", fix, str(root)))
        else:
            findings.unchecked.append(f"{place.path}: not in this copy, which need not have it")
    if present:
        files = sum(what.files for what in found)
        findings.checked.append(f"layout: {present} of {len(found)} places, {files:,} files")


def _check_checksums(manifest: Manifest, root: Path, findings: _Findings) -> None:
    if not manifest.checksums:
        findings.unchecked.append("checksums: none is published")
    agreed = 0
    for file in dict.fromkeys(checksum.file for checksum in manifest.checksums):
        stated = [checksum for checksum in manifest.checksums if checksum.file == file]
        path = _place_of(file, root)
        if path is None:
            findings.unchecked.append(f"checksum of {file}: the file is not in this copy")
            continue
        try:
            agreed += _compare_checksums(path, stated, findings.problems)
        except OSError as error:
            findings.problems.extend(unreadable(path, error, "a readable file").problems)
    if agreed:
        findings.checked.append(f"checksums: {agreed} of {len(manifest.checksums)} agree")


def _place_of(file: str, root: Path) -> Path | None:
    """The path of a file: as the manifest has it below the root, else by its name in the root or in a folder there."""
    candidates = [root / file, root / Path(file).name, *sorted(root.glob(f"*/{Path(file).name}"))]
    return next((path for path in candidates if path.is_file()), None)


def _compare_checksums(path: Path, stated: Sequence[Checksum], problems: Problems) -> int:
    hexes = hashes_of_file(path, [checksum.algorithm for checksum in stated])
    agreed = 0
    for checksum, hexadecimal in zip(stated, hexes, strict=True):
        if hexadecimal == checksum.hex:
            agreed += 1
            continue
        fix = f"copy it again, or compare with {checksum.source}"
        found, expected = f"{checksum.algorithm} {hexadecimal}", f"{checksum.algorithm} {checksum.hex}"
        problems.add(Problem("D22", found, expected, fix, str(path)))
    return agreed


def _check_labels(manifest: Manifest, root: Path, findings: _Findings) -> None:
    from abawbench.datasets.readers import read_with_problems

    present = [label_set for label_set in manifest.labels if _has_files(label_set, root)]
    if not manifest.labels:
        findings.unchecked.append("labels: the manifest names no reader for them")
    counted: dict[str, dict[str, Tally]] = {}
    for label_set in manifest.labels:
        # a copy may lack label sets, but not all of them
        if present and label_set not in present:
            findings.unchecked.append(f"labels {label_set.id}: no file of them is in this copy")
            continue
        labels, problems = read_with_problems(manifest, root, label_set.id)
        findings.problems.extend(problems)
        if labels is None:
            continue
        rows, units = len(labels.table), len(labels.table.videos)
        findings.checked.append(f"labels {label_set.id}: {rows:,} rows of {units:,} units, each value in its range")
        _check_groups(manifest, label_set, labels, findings)
        pictures = unlabelled_pictures(label_set, labels, root, findings.problems)
        if pictures:
            findings.checked.append(f"labels {label_set.id}: {pictures:,} pictures compared with the rows")
        counted[label_set.id] = tallies(manifest, label_set, labels)
    of_labels = {split for tallied in counted.values() for split in tallied}
    lists = listed(manifest, root, findings.problems)
    counted["list"] = {split: tally for split, tally in lists.items() if split not in of_labels}
    unknown, agreed = compare(manifest, counted, findings.problems)
    findings.unchecked.extend(unknown)
    if agreed:
        findings.checked.append(f"sizes of splits: {agreed} numbers agree")


def _has_files(label_set: LabelSet, root: Path) -> bool:
    from abawbench.datasets.readers.files import label_files

    return bool(label_files(label_set, root, Problems()))


def _check_groups(manifest: Manifest, label_set: LabelSet, labels: Labels, findings: _Findings) -> None:
    """Report each subject, video or picture that stands in two splits: D06. Videos stand in for unknown subjects."""
    kind, groups = manifest.group, labels.table.videos
    if not any(labels.splits):
        findings.unchecked.append(f"labels {label_set.id}: {kind}s in one split each: the labels name no split")
        return
    if kind == "subject" and any(labels.subjects):
        groups = labels.subjects
    elif kind != "image":
        if kind != "video":
            findings.unchecked.append(f"labels {label_set.id}: {kind}s in one split each: the labels name no {kind}")
        kind, groups = "video", tuple(video_of(unit) for unit in labels.table.videos)
    splits_of: dict[str, set[str]] = {}
    for group, split in zip(groups, labels.splits, strict=True):
        if group and split:
            splits_of.setdefault(group, set()).add(split)
    shared = {group: splits for group, splits in splits_of.items() if len(splits) > 1}
    for group, splits in shared.items():
        found = f"{kind} '{group}' in {', '.join(sorted(splits))}"
        fix = "remove it from all splits but one: scores would be too good"
        findings.problems.add(Problem("D06", found, "one split", fix, f"labels {label_set.id}"))
    if not shared:
        findings.checked.append(f"labels {label_set.id}: {kind}s in one split each: {len(splits_of):,}")
