"""What vouches for a row, found in files: a badge is never typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench import records
from abawbench.base.hashes import sha256_of
from abawbench.base.problems import Problem, ProblemError
from abawbench.records import Record

if TYPE_CHECKING:
    from abawbench.entries.entry_file import EntryFile

BADGES: Mapping[str, str] = {
    "organiser": "the figure is from a table or ranking of the organisers",
    "claimed": "the figure is the authors' own, or quoted by others; nothing of it was seen here",
    "scored from files": "a source scored the predictions from their files; the files were not seen here",
    "scored here": "the predictions were scored here; the record's figures follow from its own statistics",
    "predictions given": "a file with the hash of the scored predictions lies beside the records",
    "run again": "a second run by others has a record with the same score",
    "cross-fitted": "values were tuned on scored videos; the figure is what they are worth on others",
    "in-sample": "values were tuned on the videos that are scored, which flatters",
    "entry given": "an entry file says how the predictions are made",
    "weights given": "every file of weights that the entry names is there, with its hash where it has one",
    "control": "a negative control: it looks at no face",
    "sees the truth": "the entry reads the labels that it is scored on: its score is no result",
    "drawn faces": "the truth is generated: the score says nothing about real faces",
}
"""Every badge with its meaning."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folders in which evidence lies.

    Attributes:
        root: folder of the leaderboard; `predictions/`, `reruns/` and `reports/` in it are laid out as `records/`.
        entries: folder of the entries.
    """

    root: Path

    @property
    def entries(self) -> Path:
        """Folder of the entries, beside that of the leaderboard."""
        return self.root.resolve().parent / "submissions"

    def entry_file(self, name: str) -> EntryFile | None:
        """The description of the entry of this name; None where there is none. Raises: ProblemError as for reading."""
        from abawbench.entries.entry_file import read_entry_file
        from abawbench.entries.loading import find_entry_file

        path = find_entry_file(name, root=self.entries)
        return None if path is None else read_entry_file(path)

    def entry_folder(self, name: str) -> Path | None:
        """The folder of the entry of this name."""
        from abawbench.entries.loading import find_entry_file

        path = find_entry_file(name, root=self.entries)
        return None if path is None else path.parent

    def report(self, record: Record) -> Path | None:
        """The report page of a record, where it is on disk."""
        path = (self.root / "reports" / record.place).with_suffix(".html")
        return path if path.is_file() else None


def badges_of_record(record: Record, shelf: Shelf) -> list[str]:
    """The badges of a record, in the order of `BADGES`. Raises: ProblemError, an entry file that cannot be read."""
    found = ["scored here"]
    if _has_predictions(record, shelf.root):
        found.append("predictions given")
    if _is_run_again(record, shelf.root):
        found.append("run again")
    if record.tuned is not None and record.tuned.is_in_sample:
        found.append("cross-fitted" if record.tuned.cross_fitted else "in-sample")
    if record.disclosure.synthetic_truth:
        found.append("drawn faces")
    found += badges_of_entry(record.entry, shelf)
    return [badge for badge in BADGES if badge in found]


def badges_of_entry(name: str, shelf: Shelf) -> list[str]:
    """The badges of an entry by its file; none where it has no file. Raises: ProblemError, the file cannot be read."""
    entry, folder = shelf.entry_file(name), shelf.entry_folder(name)
    if entry is None or folder is None:
        return []
    found = ["entry given"]
    files = list(_weights_in(entry.settings))
    if files and all(_is_there(folder / file, hashes) for file, hashes in files):
        found.append("weights given")
    if is_control(entry):
        found.append("control")
    if entry.sees_truth:
        found.append("sees the truth")
    return found


def is_control(entry: EntryFile) -> bool:
    """True for an entry whose kind is a negative control."""
    from abawbench.entries.loading import KINDS

    return entry.kind in KINDS and KINDS[entry.kind][0] == "baselines.controls"


def unfit_pages(root: Path) -> Iterator[Problem]:
    """L03 for each report and each second run below the folder of a leaderboard that belongs to no record."""
    for folder, ending in (("reports", ".html"), ("reruns", ".json")):
        for path in sorted((root / folder).rglob(f"*{ending}")):
            place = path.relative_to(root / folder).with_suffix("")
            if not (root / "records" / f"{place.as_posix()}.json").is_file():
                found, expected = f"{folder}/{place.as_posix()}{ending}", f"a record records/{place.as_posix()}.json"
                yield Problem("L03", found, expected, "record the score, or remove the file", str(path))


def _has_predictions(record: Record, root: Path) -> bool:
    """True where a file or folder beside the records has the hash of the record's predictions."""
    stem = record.place.removesuffix(".json").rpartition("/")[2]
    folder = root / "predictions" / record.challenge
    given = sorted(folder.glob(f"{stem}*")) if folder.is_dir() else []
    return any(sha256_of(path) == record.prediction_sha256 for path in given)


def _is_run_again(record: Record, root: Path) -> bool:
    path = root / "reruns" / record.place
    if not path.is_file():
        return False
    again = records.read(path)
    wrong = records.check_tree(root / "reruns")
    if wrong:
        raise ProblemError(*wrong)
    return again.truth_sha256 == record.truth_sha256 and again.score == record.score


def _weights_in(settings: Any) -> Iterator[tuple[str, list[str]]]:
    """File and accepted hashes of every table of settings that names weights."""
    if isinstance(settings, Mapping):
        name = settings.get("file", settings.get("model"))
        if isinstance(name, str) and {"licence", "weights_licence", "sha256"} & set(settings):
            given = settings.get("sha256") or []
            yield name, [given] if isinstance(given, str) else list(given)
            return
        settings = list(settings.values())
    if isinstance(settings, list):
        for value in settings:
            yield from _weights_in(value)


def _is_there(path: Path, hashes: list[str]) -> bool:
    return path.is_file() and (not hashes or sha256_of(path) in hashes)
