"""The trials of what came in: zips are unpacked within bounds, and each trial is kept under the hash of its content."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from abawbench.base.files import make_folder, temporary_name, write_file
from abawbench.base.folders import is_litter
from abawbench.base.hashes import sha256_of
from abawbench.base.problems import Problem, ProblemError, Problems, inert
from abawbench.challenges import Challenge
from abawbench.formats.archive import ARCHIVE_STARTS, ARCHIVES, archive_members
from abawbench.formats.layout import prediction_layouts
from abawbench.formats.parts import is_of_units, may_be_parts, settle_parts
from abawbench.formats.text import UTF16_MARKS, view

# endings of what people send beside predictions
ASIDE = re.compile(
    r"\.(asc|bib|css|docx?|gif|html?|ics|ipynb|jpe?g|js|json|log|md|odt|p7[ms]|pdf|png|pptx?|ps|py|rtf|sig|svg|tex|toml"
    r"|vcf|webp|xml|ya?ml)",
    re.IGNORECASE,
)
TEXTS = {".txt", ".csv"}
README = ("readme", "read_me", "read me", "license", "licence")
# bytes of files that are compared with each other to see whether they are one prediction
MOST_COMPARED = 256 << 20
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it came.

    Attributes:
        name: its name, or its path in a folder.
        content: its bytes, or the place where it lies.
    """

    name: str
    content: bytes | Path

    @property
    def data(self) -> bytes:
        """Its bytes, which may be none."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()

    @property
    def start(self) -> bytes:
        """Its first bytes."""
        if isinstance(self.content, bytes):
            return self.content[:4096]
        with self.content.open("rb") as file:
            return file.read(4096)


@dataclass(frozen=True, slots=True)
class Trial:
    """A prediction that was sent.

    Attributes:
        name: name for its team, as `submission.zip:trial-0.txt`.
        sha256: SHA-256 of the file, or of the folder by `base.hashes.sha256_of`.
        size: bytes of all its files.
        files: number of its files.
    """

    name: str
    sha256: str
    size: int
    files: int


@dataclass
class _Opening:
    """What has been found so far."""

    challenge: Challenge
    room: Path
    trials: list[Trial] = field(default_factory=list[Trial])
    problems: list[Problem] = field(default_factory=list[Problem])


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file that may be a prediction: its path in the zip or folder, its name in messages, and its bytes."""

    name: str
    file: str
    load: Callable[[], bytes]


def trial_path(room: Path, sha256: str) -> Path:
    """Where a trial is kept: a file, or a folder of files."""
    folder = room / "trials" / sha256
    single = [folder / f"trial{suffix}" for suffix in (".txt", ".csv")]
    return next((path for path in single if path.is_file()), folder)


def are_parts(challenge: Challenge, files: Sequence[Path]) -> bool:
    """True for several files that are one prediction of a challenge with one file: of a video each, or rows of it."""
    if len(files) < 2 or sum(path.stat().st_size for path in files) > MOST_COMPARED:
        return False
    try:
        data = {str(path): bytes(view(path)) for path in files}
    except ProblemError:
        return False
    if is_of_units(challenge, list(data.values())):
        return True
    return may_be_parts(list(data.values())) and settle_parts(data, prediction_layouts(challenge)) is not None


def open_sources(
    challenge: Challenge, sources: Sequence[Source], room: Path
) -> tuple[tuple[Trial, ...], tuple[Problem, ...]]:
    """Find the trials in files as they came, and keep each in the folder `trials` of the room.

    Args:
        challenge: the challenge, whose format says what a trial is.
        sources: files and zips.
        room: folder of the mail room.

    Returns:
        The trials in the order of the files, and the problems: what is wrong with zips and names, and notes on what is
        not read.
    """
    opening = _Opening(challenge, room)
    loose: list[_Candidate] = []
    for source in sources:
        if source.start.startswith((b"PK\x03\x04", b"PK\x05\x06")) or source.name.lower().endswith(".zip"):
            _open_zip(opening, source)
        elif PurePosixPath(source.name).suffix.lower() in ARCHIVES or source.start.startswith(ARCHIVE_STARTS):
            fix = "pack the prediction files as a zip; `abawbench pack` does it"
            opening.problems.append(Problem("Z01", "another kind of archive", "a zip", fix, source.name))
        elif _is_candidate(source.name, source.start):
            loose.append(_Candidate(source.name, source.name, lambda source=source: source.data))
        elif not is_litter(source.name):
            opening.problems.append(_aside(source.name, source.name))
    _keep(opening, loose, "")
    if not opening.trials and all(problem.is_note for problem in opening.problems):
        found = "nothing attached" if not sources else "no file that may be a prediction"
        fix = f"attach the files in the format {prediction_layouts(challenge)[0].format}, or a zip of them"
        opening.problems.append(Problem("O35", found, "a prediction", fix))
    return tuple(opening.trials), tuple(opening.problems)


def _is_candidate(name: str, start: bytes) -> bool:
    path = PurePosixPath(name)
    if is_litter(name) or ASIDE.fullmatch(path.suffix) or path.stem.lower() in README:
        return False
    # `check` tells what is wrong with the bytes of a file that calls itself text
    return path.suffix.lower() in TEXTS or b"\0" not in start or start.startswith(UTF16_MARKS)


def _aside(name: str, file: str) -> Problem:
    return Problem("N80", f"'{name[:LONGEST_NAME]}'", "prediction files alone", "leave it out", file)


def _open_zip(opening: _Opening, source: Source) -> None:
    problems = Problems()
    before = len(opening.trials)
    with _on_disk(source, opening.room) as path:
        with archive_members(path, problems) as members:
            candidates: list[_Candidate] = []
            for member in members:
                if is_litter(member.name):
                    continue
                if _is_candidate(member.name, b""):
                    candidates.append(_Candidate(member.name, f"{source.name}:{member.name}", member.load))
                else:
                    problems.add(_aside(member.name, source.name))
            if not problems.refuses:
                try:
                    _keep(opening, candidates, f"{source.name}:")
                except ProblemError as error:
                    problems.extend(error.problems)
        found = [_renamed(problem, str(path), source.name) for problem in problems.found]
    if problems.refuses:
        del opening.trials[before:]
    elif not candidates:
        fix = "pack the prediction files"
        found.append(Problem("Z08", "no prediction file", "at least one", fix, source.name))
    opening.problems += found


@contextmanager
def _on_disk(source: Source, room: Path) -> Generator[Path]:
    """The place of a file, which is written for a while where it came in a mail."""
    if isinstance(source.content, Path):
        yield source.content
        return
    path = temporary_name(room / "attachment")
    write_file(path, source.content)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _renamed(problem: Problem, path: str, name: str) -> Problem:
    """A problem that names a file as its sender did."""
    file = None if problem.file is None else problem.file.replace(path, name)
    return replace(problem, file=file, found=problem.found.replace(path, name), fix=problem.fix.replace(path, name))


def _keep(opening: _Opening, candidates: Sequence[_Candidate], prefix: str) -> None:
    """Keep the trials among the files of a zip, or among those that came without one. Raises: ProblemError."""
    if not candidates:
        return
    if prediction_layouts(opening.challenge)[0].per_unit:
        for folder, files in _folders(opening.challenge, candidates).items():
            _keep_folder(opening, files, f"{prefix}{'' if folder == '.' else folder}".rstrip(":") or "attachments")
        return
    single = [_keep_file(opening, one) for one in candidates]
    if are_parts(opening.challenge, [trial_path(opening.room, one.sha256) for one in single]):
        _keep_folder(opening, candidates, prefix.rstrip(":") or "attachments")
    else:
        opening.trials += single


def _folders(challenge: Challenge, candidates: Sequence[_Candidate]) -> dict[str, list[_Candidate]]:
    """Files of units by the folder in which they lie; folders of columns belong together."""
    columns = {column.name.lower() for column in prediction_layouts(challenge)[0].columns}
    parents = {PurePosixPath(one.name).parent for one in candidates}
    are_columns = len(columns) > 1 and {parent.name.lower() for parent in parents} == columns
    folders: dict[str, list[_Candidate]] = {}
    for one in candidates:
        parent = PurePosixPath(one.name).parent
        folders.setdefault(str(parent.parent if are_columns else parent), []).append(one)
    return folders


def _keep_file(opening: _Opening, one: _Candidate) -> Trial:
    data = one.load()
    digest = hashlib.sha256(data).hexdigest()
    suffix = ".csv" if one.name.lower().endswith(".csv") else ".txt"
    folder = opening.room / "trials" / digest
    if not folder.is_dir():
        make_folder(folder.parent)
        unfinished = temporary_name(opening.room / "trial")
        unfinished.mkdir()
        (unfinished / f"trial{suffix}").write_bytes(data)
        unfinished.replace(folder)
    return Trial(one.file, digest, len(data), 1)


def _keep_folder(opening: _Opening, files: Sequence[_Candidate], name: str) -> None:
    unfinished = temporary_name(opening.room / "trial")
    unfinished.mkdir()
    size = 0
    try:
        base = _common_folder([PurePosixPath(one.name) for one in files])
        for one in files:
            inner = PurePosixPath(one.name).relative_to(base)
            place = unfinished / inner
            if not _is_plain(inner) or place.exists():
                found = "a name a second time" if _is_plain(inner) else "a name that is not printable, or very long"
                fix = "name each file after its unit, each once"
                said = Problem("O42", f"{found}, '{inert(str(inner)[:LONGEST_NAME])}'", "plain names", fix, name)
                opening.problems.append(said)
                return
            data = one.load()
            size += len(data)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        digest = sha256_of(unfinished)
        kept = opening.room / "trials" / digest
        make_folder(kept.parent)
        if not kept.is_dir():
            unfinished.replace(kept)
        opening.trials.append(Trial(name, digest, size, len(files)))
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _common_folder(names: Sequence[PurePosixPath]) -> PurePosixPath:
    """The deepest folder that holds every file."""
    shared = names[0].parent
    while any(shared not in name.parents for name in names):
        shared = shared.parent
    return shared


def _is_plain(name: PurePosixPath) -> bool:
    return (
        all(part.isprintable() and len(part.encode()) <= LONGEST_NAME for part in name.parts) and ".." not in name.parts
    )
