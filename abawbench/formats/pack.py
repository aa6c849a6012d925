"""Packing trials into one zip, with a manifest of hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from abawbench.base.files import check_output, write_files
from abawbench.base.hashes import sha256_of_file, sha256_of_files
from abawbench.base.installed import VERSION
from abawbench.base.problems import Problem, ProblemError, Problems, not_found
from abawbench.base.zip_bytes import zipped
from abawbench.challenges import Challenge
from abawbench.formats.check import Content, check, most_trials, repeated_trials, trial_folders
from abawbench.formats.layout import Layout, prediction_layouts
from abawbench.formats.text import load
from abawbench.formats.unit_files import unit_files


@dataclass(frozen=True, slots=True)
class Packed:
    """A member of the zip.

    Attributes:
        name: name in the zip.
        trial: name of the file or folder that it comes from.
        sha256: SHA-256 of its bytes.
        bytes: size in bytes.
    """

    name: str
    trial: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of a zip.

    Attributes:
        challenge: id of the challenge.
        fingerprint: fingerprint of the challenge's record.
        version: version of abawbench.
        template: SHA-256 of the organisers' list; None where the trials were checked without one.
        zip: name of the zip.
        sha256: SHA-256 of the zip.
        members: members in the order of the zip.
    """

    challenge: str
    fingerprint: str
    version: str
    template: str | None
    zip: str
    sha256: str
    members: tuple[Packed, ...]

    def to_json(self) -> dict[str, Any]:
        """The manifest as it is written beside the zip."""
        return {**asdict(self), "members": [asdict(member) for member in self.members]}


def manifest_path(out: Path) -> Path:
    """The path of a zip's manifest."""
    return out.with_suffix(".manifest.json")


def pack(challenge: Challenge, trials: Sequence[Path], out: Path, template: Path | None = None) -> Manifest:
    """Write a zip of checked trials and `<out>.manifest.json` beside it.

    The members are `trial-0.txt`, `trial-1.txt` and so on, in the given order. A per-unit trial is a folder `trial-0/`;
    its files have no folder where it is the only trial. The same trials give the same bytes with the same version of
    zlib: times, permissions, order and compression are fixed.

    Args:
        challenge: challenge of the submission.
        trials: prediction files, or folders of per-unit files.
        out: the zip to write.
        template: the organisers' list, or None.

    Raises:
        ProblemError: Z06 too many trials, the problems that `check` finds in them, F01 the zip cannot be written, F12
            the zip or the manifest would replace a trial or the list. Nothing is written then.
    """
    for path in (out, manifest_path(out)):
        check_output(path, *trials, template)
    _require_trials(challenge, trials, out)
    problems = Problems()
    for trial in trials:
        problems.extend(check(challenge, trial, template))
    problems.raise_if_any()
    layout = prediction_layouts(challenge)[0]
    content: list[tuple[Packed, bytes]] = []
    for number, trial in enumerate(trials):
        for name, file in _members(layout, trial, number, is_alone=len(trials) == 1):
            data = load(file)
            content.append((Packed(name, trial.name, hashlib.sha256(data).hexdigest(), len(data)), data))
    archive = zipped([(member.name, data) for member, data in content])
    manifest = Manifest(
        challenge.id,
        challenge.fingerprint,
        VERSION,
        None if template is None else _hash_of_list(template),
        out.name,
        hashlib.sha256(archive).hexdigest(),
        tuple(member for member, _ in content),
    )
    said = (json.dumps(manifest.to_json(), indent=2, ensure_ascii=False) + "\n").encode()
    write_files({out: archive, manifest_path(out): said})
    return manifest


def notes_on(challenge: Challenge, trials: Sequence[Path], manifest: Manifest) -> tuple[Problem, ...]:
    """Notes on packed trials: N20 a trial is byte for byte an earlier one, N21 and N22 on what else its folder holds.

    Args:
        challenge: challenge of the submission.
        trials: the trials as they were packed.
        manifest: what `pack` returned for them.
    """
    layout = prediction_layouts(challenge)[0]
    contents: list[tuple[str, Content]] = []
    for number, trial in enumerate(trials):
        begin = f"trial-{number}"
        own = [member for member in manifest.members if member.name.startswith((f"{begin}.", f"{begin}/"))]
        contents.append((str(trial), frozenset((member.name.removeprefix(begin), member.sha256) for member in own)))
    notes = [note for trial in trials if trial.is_dir() for note in unit_files(trial, layout.suffix)[1]]
    return (*repeated_trials(contents), *notes)


def _require_trials(challenge: Challenge, trials: Sequence[Path], out: Path) -> None:
    limit = most_trials(challenge)
    if not trials:
        raise ProblemError(Problem("Z08", "no trial", "at least one", "name prediction files", str(out)))
    if len(trials) > limit:
        raise ProblemError(Problem("Z06", f"{len(trials)} trials", f"at most {limit}", "choose among them", str(out)))
    is_per_unit = prediction_layouts(challenge)[0].per_unit
    for trial in trials:
        if not trial.exists():
            raise not_found(trial, "a trial")
        if trial.is_dir() != is_per_unit:
            expected = "a folder of per-unit files" if is_per_unit else "one file for the whole test set"
            raise ProblemError(
                Problem(
                    "C03", "a folder" if trial.is_dir() else "a file", expected, "name the trial itself", str(trial)
                )
            )
        folders = trial_folders(trial) if is_per_unit else ()
        if len(folders) > 1:
            found, expected = f"{len(folders)} folders of files", "the folder of one trial"
            raise ProblemError(Problem("C03", found, expected, "name each trial itself", str(trial)))


def _members(layout: Layout, trial: Path, number: int, *, is_alone: bool) -> list[tuple[str, Path]]:
    if not trial.is_dir():
        return [(f"trial-{number}{layout.suffix}", trial)]
    folder = "" if is_alone else f"trial-{number}/"
    return [(f"{folder}{file.name}", file) for file in unit_files(trial, layout.suffix)[0]]


def _hash_of_list(template: Path) -> str:
    """SHA-256 of a list: of the file, or over the names and hashes of a folder's files."""
    if template.is_file():
        return sha256_of_file(template)
    return sha256_of_files(sorted(file for file in template.iterdir() if file.is_file()))
