"""The predictions below a folder: files, folders of files of units, and trials in zips."""

from __future__ import annotations

import zipfile
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from abawbench.base.files import LARGEST, plain_name, special_kind
from abawbench.base.folders import entries, without_litter
from abawbench.base.problems import Problem, ProblemError, Problems, inert, not_found, unreadable
from abawbench.challenges import Challenge
from abawbench.formats.archive import MOST_MEMBERS, ZIP_ERRORS, archive_members, is_archive
from abawbench.formats.check import ENDINGS, most_trials, trials_of
from abawbench.formats.column_folders import column_folders
from abawbench.formats.layout import choose_layout, layouts, prediction_layouts
from abawbench.formats.parts import may_be_parts, settle_parts
from abawbench.formats.text import view
from abawbench.inference import is_store

# bytes of a file that show its header and the name of its first row
HEAD = 4096
# endings of tables, besides those of text files
TABLES = {".parquet"}


@dataclass(frozen=True, slots=True)
class Packed:
    """A trial in a zip.

    Attributes:
        path: the zip.
        members: names of the trial's files in it.
        folder: folder of the files of units in the zip; None where the trial is one file.
    """

    path: Path
    members: tuple[str, ...]
    folder: str | None = None

    @property
    def shown(self) -> str:
        """The trial in messages."""
        return f"{self.path}:{self.members[0] if self.folder is None else self.folder}"


Source = Path | Packed
"""A prediction to score: a file, a folder of files of units, a prediction store, or a trial in a zip."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds.

    Attributes:
        sources: the predictions by name, sorted: the path below the folder, and in a zip of several trials that of the
            trial behind a colon.
        refused: by the same kind of name, the problems of what cannot be a prediction.
        unread: names of files that are no predictions.
        notes: what is odd about the folder and the zips.
    """

    sources: Mapping[str, Source]
    refused: Mapping[str, tuple[Problem, ...]]
    unread: tuple[str, ...]
    notes: tuple[Problem, ...]


def find_predictions(challenge: Challenge, folder: Path, apart: Sequence[Path] = ()) -> Found:
    """Find every prediction below a folder; what is wrong with one is told and hides no other.

    A file is a prediction, and so is each trial in a zip, a folder of files of units or of files that are one
    prediction together, and a prediction store.

    Args:
        challenge: challenge of the predictions.
        folder: the folder.
        apart: files and folders that are no predictions wherever they are, such as the truth.

    Raises:
        ProblemError: F01 the folder cannot be read, O50 it holds no prediction, O51 it is itself one prediction.
    """
    if not folder.exists():
        raise not_found(folder, "a folder of predictions")
    if not folder.is_dir():
        found, fix = "a file", "name the folder of the predictions, or leave --batch out"
        raise ProblemError(Problem("O50", found, "a folder of predictions", fix, str(folder)))
    if is_store(folder) or _is_one_prediction(challenge, _own_files(folder), folder, is_top=True):
        fix = "put the files of each prediction into a folder of its own, or score this folder without --batch"
        found = "one prediction: a store, or files of units beside each other"
        raise ProblemError(Problem("O51", found, "a file, folder or zip for each prediction", fix, str(folder)))
    search = _Search(challenge, folder, [path.resolve() for path in apart])
    search.walk(folder)
    if not search.sources and not search.refused:
        fix = "put the predictions there, as files, folders or zips"
        raise ProblemError(Problem("O50", "no prediction", "at least one", fix, str(folder)))
    return Found(
        dict(sorted(search.sources.items())),
        dict(sorted(search.refused.items())),
        tuple(sorted(search.unread)),
        tuple(search.notes),
    )


class _Search:
    """The predictions found so far."""

    def __init__(self, challenge: Challenge, root: Path, apart: Sequence[Path]) -> None:
        self._challenge = challenge
        self._apart = frozenset(apart)
        self._root = root
        self._place = root.resolve()
        self.sources: dict[str, Source] = {}
        self.refused: dict[str, tuple[Problem, ...]] = {}
        self.unread: list[str] = []
        self.notes: list[Problem] = []

    def walk(self, folder: Path) -> None:
        """Find the predictions in a folder and below it."""
        try:
            found, odd = entries(folder)
        except ProblemError as error:
            self.refused[self._name(folder)] = error.problems
            return
        self.notes += [problem for problem in odd if problem.is_note]
        for place, problem in enumerate(problem for problem in odd if not problem.is_note):
            self.refused[f"{self._name(folder)}/{problem.found.strip(chr(39))}#{place + 1}"] = (problem,)
        for path in found:
            problem = self._misplaced(path)
            if problem is not None:
                self.refused[self._name(path)] = (problem,)
            elif path.resolve() in self._apart:
                self.unread.append(self._name(path))
            elif path.is_dir():
                self._add_folder(path)
            elif is_archive(path):
                self._add_zip(path)
            elif path.suffix in ENDINGS | TABLES:
                self.sources[self._name(path)] = path
            else:
                self.unread.append(self._name(path))

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def _misplaced(self, path: Path) -> Problem | None:
        """O52 for what is no plain file or folder of this folder, F01 for a link to nowhere."""
        kind = special_kind(path)
        if path.is_symlink():
            try:
                place = path.resolve(strict=True)
            except (OSError, RuntimeError) as error:
                return unreadable(path, error).problems[0]
            if place.is_dir():
                kind = "a link to a folder"
            elif not place.is_relative_to(self._place):
                kind = f"a link to {inert(str(place))}"
        if kind is None:
            return None
        fix = "put a copy of the file or folder in its place"
        return Problem("O52", kind, "plain files in the folder", fix, str(path))

    def _add_folder(self, folder: Path) -> None:
        if not (is_store(folder) or _is_one_prediction(self._challenge, _own_files(folder), folder)):
            self.walk(folder)
            return
        try:
            inner = sorted(folder.rglob("*"))
        except OSError as error:
            inner = []
            self.refused[self._name(folder)] = unreadable(folder, error).problems
            return
        problem = next((problem for path in inner if (problem := self._misplaced(path)) is not None), None)
        if problem is None:
            self.sources[self._name(folder)] = folder
        else:
            self.refused[self._name(folder)] = (problem,)

    def _add_zip(self, path: Path) -> None:
        try:
            trials, notes = trials_in(self._challenge, path)
        except ProblemError as error:
            self.refused[self._name(path)] = error.problems
            return
        self.notes += notes
        for trial, packed in trials.items():
            self.sources[self._name(path) + (f":{trial}" if len(trials) > 1 else "")] = packed


def trials_in(challenge: Challenge, path: Path) -> tuple[Mapping[str, Packed], tuple[Problem, ...]]:
    """The trials in a zip by name, and notes on what else it holds. Nothing is unpacked to disk.

    Raises:
        ProblemError: what `check` finds against the zip as a whole: Z01 to Z05 and Z07 it is unsafe or damaged, Z06 too
            many trials, Z08 no trial, T09 other files.
    """
    official = prediction_layouts(challenge)[0]
    endings = {official.suffix} if official.per_unit else ENDINGS
    problems = Problems()
    with archive_members(path, problems) as members:
        names, odd = without_litter(path, [member.name for member in members])
        problems.extend(odd)
        for name in names:
            if PurePosixPath(name).suffix not in endings:
                expected = f"files ending in {' or '.join(sorted(endings))}"
                problems.add(Problem("T09", f"'{name}'", expected, "leave it out", str(path)))
        if not names and not problems.refuses:
            problems.add(Problem("Z08", "no prediction file", "at least one", "pack the prediction files", str(path)))
        problems.raise_if_any()
        texts = tuple(names)
        if official.per_unit:
            trials = {folder: Packed(path, files, folder) for folder, files in trials_of(texts).items()}
        elif len(texts) > 1 and may_be_parts(_heads(path, texts)):
            loaded = {member.name: member.load() for member in members if member.name in set(texts)}
            is_one = _are_parts(challenge, loaded)
            trials = {".": Packed(path, texts, ".")} if is_one else {name: Packed(path, (name,)) for name in texts}
        else:
            trials = {name: Packed(path, (name,)) for name in texts}
    limit = most_trials(challenge)
    if len(trials) > limit:
        fix = "send the trials you trust most"
        raise ProblemError(Problem("Z06", f"{len(trials)} trials", f"at most {limit}", fix, str(path)))
    return trials, problems.found


def _heads(path: Path, names: Iterable[str]) -> list[bytes]:
    """The first bytes of members of a zip. Raises: ProblemError Z01, one is damaged."""
    heads: list[bytes] = []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in names:
                with archive.open(name) as member:
                    heads.append(member.read(HEAD))
    except ZIP_ERRORS as error:
        found, fix = str(error) or "damaged", "pack it again"
        raise ProblemError(Problem("Z01", found, "a sound zip with plain members", fix, str(path))) from error
    return heads


@contextmanager
def unpacked(source: Packed, scratch: Path | None = None) -> Generator[Path]:
    """The file or folder of a trial, on disk for as long as the block lasts.

    Args:
        source: the trial.
        scratch: folder to unpack it below; by default that of the system.

    Raises:
        ProblemError: Z01, Z04 or Z05, as loading a member raises; Z07, two files of a unit have one name.
    """
    problems = Problems()
    with TemporaryDirectory(dir=scratch) as temporary, archive_members(source.path, problems) as members:
        wanted = {member.name: member for member in members if member.name in set(source.members)}
        problems.raise_if_any()
        root = Path(temporary) / "trial"
        root.mkdir()
        for name in source.members:
            place = root / plain_name(PurePosixPath(name).name)
            if place.exists():
                found, fix = f"'{place.name}' in two folders", "give every file a name of its own"
                raise ProblemError(Problem("Z07", found, "every name once", fix, str(source.path)))
            place.write_bytes(wanted[name].load())
        yield root if source.folder is not None else root / PurePosixPath(source.members[0]).name


def refuse_oversized(path: Path) -> None:
    """Refuse a file or folder that would take too much memory.

    Raises:
        ProblemError: O53, it has more bytes or files than a prediction has; F01, it cannot be read.
    """
    size = count = 0
    try:
        for file in (path,) if path.is_file() else path.rglob("*"):
            count += 1
            size += file.stat().st_size if file.is_file() else 0
            if size > LARGEST or count > MOST_MEMBERS:
                found = f"more than {MOST_MEMBERS:,} files" if count > MOST_MEMBERS else f"more than {LARGEST:,} bytes"
                fix = "check that it is the right file or folder"
                raise ProblemError(Problem("O53", found, "a prediction", fix, str(path)))
    except OSError as error:
        raise unreadable(path, error) from error


def _own_files(folder: Path) -> list[Path]:
    """The files of the user in a folder; none where it cannot be read, which `walk` then tells."""
    try:
        return [path for path in entries(folder)[0] if path.is_file()]
    except ProblemError:
        return []


def _is_one_prediction(challenge: Challenge, files: Sequence[Path], folder: Path, *, is_top: bool = False) -> bool:
    """True for a folder whose files are one prediction: those of units, or parts without a row in common.

    The files of the top folder are a prediction each, unless they are those of units.
    """
    candidates = layouts(challenge, "prediction")
    official = prediction_layouts(challenge)[0]
    layout = next((layout for layout in candidates if layout.per_unit), None)
    try:
        units = [] if layout is None else [path for path in files if path.suffix == layout.suffix]
        if layout is not None and not units and column_folders(folder, layout):
            return True
        # without the header of a unit's file, a file is one of all rows where these are official
        if units and choose_layout(candidates, view(units[0]), of_unit=official.per_unit).per_unit:
            return True
        texts = [path for path in files if path.suffix in ENDINGS]
        if is_top or sum(path.stat().st_size for path in texts) > LARGEST:
            return False
        return _are_parts(challenge, {str(path): view(path) for path in texts})
    except (OSError, ProblemError):
        return False


def _are_parts(challenge: Challenge, files: Mapping[str, bytes | memoryview]) -> bool:
    """True for files of one prediction, each with rows of its own; trials have the same rows."""
    if not may_be_parts(list(files.values())):
        return False
    seen: set[bytes] = set()
    for data in files.values():
        # a quick look, before every line is settled
        names = {line.partition(b",")[0] for line in bytes(data).split(b"\n")[1:] if line.strip()}
        if not seen.isdisjoint(names):
            return False
        seen |= names
    loaded = {name: bytes(data) for name, data in files.items()}
    return settle_parts(loaded, prediction_layouts(challenge)) is not None
