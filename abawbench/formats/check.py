"""Checking a submission as the organisers do: a file, a folder of per-unit files, or a zip of trials."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from abawbench.base.folders import nested, without_litter
from abawbench.base.problems import Problem, ProblemError, Problems, not_found
from abawbench.challenges import Challenge
from abawbench.formats.archive import Member, archive_members, is_archive
from abawbench.formats.column_folders import column_folders, columns_problem
from abawbench.formats.file_problems import compare_units, file_problems, parts_problems, unit_problems
from abawbench.formats.layout import Layout, layouts, prediction_layouts
from abawbench.formats.lists import RowList, UnitList, read_list
from abawbench.formats.parts import is_of_units, settle_parts, unit_files_problem
from abawbench.formats.text import load

# endings of prediction files in formats of one file
ENDINGS = {".txt", ".csv"}
# number of trials, if that of an edition is not known
USUAL_TRIALS = 5
# names of the files of a trial, with their hashes
Content = frozenset[tuple[str, str]]


def check(challenge: Challenge, path: Path, template: Path | None = None) -> tuple[Problem, ...]:
    """Find the problems for which the organisers would refuse a submission, and notes (rule ids N...).

    Args:
        challenge: challenge whose prediction format the submission should have.
        path: a prediction file, a folder of per-unit files or of trials, or a zip of either.
        template: the organisers' list, in one of the forms that `lists.read_list` names; without it, rows and units
            are not compared.

    Returns:
        Up to three problems of each rule and file, each with the rule's total count in that file.
    """
    try:
        wanted = None if template is None else read_list(challenge, template, path)
    except ProblemError as error:
        problems = Problems()
        problems.extend(error.problems)
        return problems.found
    return check_listed(challenge, path, wanted)


def check_listed(challenge: Challenge, path: Path, wanted: RowList | UnitList | None) -> tuple[Problem, ...]:
    """Find the problems that `check` finds, with a list that is read already."""
    problems = Problems()
    try:
        with ExitStack() as stack:
            members = stack.enter_context(archive_members(path, problems)) if is_archive(path) else _files(path)
            _check_members(challenge, members, wanted, path, problems)
    except ProblemError as error:
        problems.extend(error.problems)
    return problems.found


def is_accepted(problems: Sequence[Problem]) -> bool:
    """True if all problems are notes."""
    return all(problem.is_note for problem in problems)


def most_trials(challenge: Challenge) -> int:
    """The number of trials that one submission may hold."""
    return challenge.submissions or USUAL_TRIALS


def trials_of(names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The files of per-unit trials, by the folder in which they lie."""
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(str(PurePosixPath(name).parent), []).append(name)
    return {folder: tuple(files) for folder, files in folders.items()}


def trial_folders(path: Path) -> tuple[str, ...]:
    """The folders below a folder that hold files, each a trial of files of units."""
    names, _ = without_litter(path, [member.name for member in _files(path)])
    return tuple(trials_of(names))


def repeated_trials(trials: Iterable[tuple[str, Content]]) -> tuple[Problem, ...]:
    """A note for each trial whose files are byte for byte those of an earlier one.

    Args:
        trials: name and content of each trial; a trial of one file has the same name for it as every other.
    """
    first: dict[Content, str] = {}
    notes: list[Problem] = []
    for trial, content in trials:
        if content and content in first:
            found, fix = f"the bytes of {first[content]}", "choose another trial, or send one fewer"
            notes.append(Problem("N20", found, "trials that differ", fix, trial))
        first.setdefault(content, trial)
    return tuple(notes)


def _files(path: Path) -> list[Member]:
    if not path.is_dir():
        if not path.exists():
            raise not_found(path)
        return [Member(path.name, str(path), lambda: load(path))]
    files = {file.relative_to(path).as_posix(): file for file in sorted(path.rglob("*")) if file.is_file()}
    return [Member(name, str(file), lambda file=file: load(file)) for name, file in files.items()]


def _check_members(
    challenge: Challenge,
    members: Sequence[Member],
    wanted: RowList | UnitList | None,
    path: Path,
    problems: Problems,
) -> None:
    candidates = prediction_layouts(challenge)
    official = candidates[0]
    if path.is_dir():
        for layout in layouts(challenge, "prediction"):
            folders = column_folders(path, layout)
            if folders:
                problems.add(columns_problem(folders, path))
                return
    if not path.is_file() or is_archive(path):
        members = _own_members(members, path, problems)
    texts = _text_members(members, official, path, problems)
    if not texts:
        if not problems.refuses:
            problems.add(Problem("Z08", "no prediction file", "at least one", "pack the prediction files", str(path)))
        return
    if not official.per_unit and len(texts) > 1 and _check_parts(challenge, texts, wanted, path, problems):
        return
    names = [member.name for member in texts]
    trials = trials_of(names) if official.per_unit else {name: (name,) for name in names}
    limit = most_trials(challenge)
    if len(trials) > limit:
        fix = "name the file or folder of the prediction itself, and send the trials you trust most"
        problems.add(Problem("Z06", f"{len(trials)} trials", f"at most {limit}", fix, str(path)))
        return
    hashes: dict[str, str] = {}
    stems = [PurePosixPath(name).stem for name in names]
    right = wanted.respelt(stems)[0] if isinstance(wanted, UnitList) else {}
    for member in texts:
        data = _load(member, problems)
        if data is None:
            continue
        hashes[member.name] = hashlib.sha256(data).hexdigest()
        if official.per_unit:
            unit = PurePosixPath(member.name).stem
            unit = right.get(unit, unit)
            units = wanted if isinstance(wanted, UnitList) else None
            problems.extend(unit_problems(data, official, unit, member.file, units))
        else:
            rows = wanted if isinstance(wanted, RowList) else None
            problems.extend(file_problems(data, candidates, member.file, rows))
    contents: list[tuple[str, Content]] = []
    for trial, files in trials.items():
        named = {name: PurePosixPath(name).name if official.per_unit else "" for name in files}
        contents.append((f"{path}:{trial}", frozenset((named[name], hashes.get(name, name)) for name in files)))
    problems.extend(repeated_trials(contents))
    if isinstance(wanted, UnitList):
        for folder, files in trials.items():
            where = str(path) if folder == "." else f"{path}:{folder}"
            problems.extend(compare_units(files, wanted, official, where))


def _check_parts(
    challenge: Challenge,
    texts: Sequence[Member],
    wanted: RowList | UnitList | None,
    path: Path,
    problems: Problems,
) -> bool:
    """Check files that are one prediction together, and return True; return False for trials."""
    unreadable = Problems()
    loaded = {member.file: _load(member, unreadable) for member in texts}
    files = {file: data for file, data in loaded.items() if data is not None}
    if is_of_units(challenge, list(files.values())):
        problems.add(unit_files_problem(challenge.id, len(files), str(path)))
        return True
    parts = settle_parts(files, prediction_layouts(challenge))
    if parts is None:
        return False
    problems.extend(unreadable.found)
    rows = wanted if isinstance(wanted, RowList) else None
    problems.extend(parts_problems(parts, list(files), str(path), rows))
    return True


def _own_members(members: Sequence[Member], path: Path, problems: Problems) -> list[Member]:
    """The members without litter; notes about litter and about a folder around all others are added."""
    names, notes = without_litter(path, [member.name for member in members])
    problems.extend(notes)
    parts = [PurePosixPath(name).parts[:-1] for name in names]
    if parts and parts[0] and all(folders[:1] == parts[0][:1] for folders in parts):
        problems.add(nested(path, parts[0][0]))
    own = set(names)
    return [member for member in members if member.name in own]


def _text_members(members: Sequence[Member], layout: Layout, path: Path, problems: Problems) -> list[Member]:
    """The members to check; any other file is a problem, unless the user named it."""
    endings = {layout.suffix} if layout.per_unit else ENDINGS
    texts: list[Member] = []
    for member in members:
        if member.file == str(path) or PurePosixPath(member.name).suffix in endings:
            texts.append(member)
        else:
            expected = f"files ending in {' or '.join(sorted(endings))}"
            problems.add(Problem("T09", f"'{member.name}'", expected, "leave it out", str(path)))
    return texts


def _load(member: Member, problems: Problems) -> bytes | None:
    try:
        return member.load()
    except ProblemError as error:
        for problem in error.problems:
            problems.add(problem)
        return None
