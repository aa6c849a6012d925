"""Would the organisers accept it: a file, a folder of per-unit files, or a zip of trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath

from abawbench.base.problems import SHOWN, Problem, ProblemError, Problems, not_found
from abawbench.challenges import Challenge
from abawbench.formats.archive import Member, archive_members, is_archive
from abawbench.formats.diagnose import encoding_fault
from abawbench.formats.layout import Layout
from abawbench.formats.lists import ListedUnit, RowList, UnitList, prediction_layouts, read_list
from abawbench.formats.read import load
from abawbench.formats.single import file_problems, layout_for, row_count
from abawbench.table import video_of

TEXT = {".txt", ".csv"}
# the number of trials where an edition's is not known
USUAL_TRIALS = 5


def check(challenge: Challenge, path: Path, template: Path | None = None) -> tuple[Problem, ...]:
    """What the organisers would object to; notes (rule ids N...) do not refuse a file.

    Args:
        challenge: whose prediction format it should have.
        path: a prediction file, a folder of per-unit files or of trials, or a zip of either.
        template: the organisers' list (`files.lists.read_list` names its forms); without it rows and units are not
            compared with what is asked for.

    Returns:
        Up to three problems of each rule and file, each with the rule's total count there.
    """
    problems = Problems()
    try:
        wanted = None if template is None else read_list(challenge, template)
        with ExitStack() as stack:
            members = stack.enter_context(archive_members(path, problems)) if is_archive(path) else _files(path)
            _check_members(challenge, members, wanted, path, problems)
    except ProblemError as error:
        problems.extend(error.problems)
    return problems.found


def is_accepted(problems: Sequence[Problem]) -> bool:
    """True where there is nothing but notes."""
    return all(problem.is_note for problem in problems)


def most_trials(challenge: Challenge) -> int:
    """How many trials one submission may hold."""
    return challenge.submissions or USUAL_TRIALS


def trials_of(names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Files of per-unit trials by the folder they lie in."""
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(str(PurePosixPath(name).parent), []).append(name)
    return {folder: tuple(files) for folder, files in folders.items()}


def unit_problems(data: bytes, layout: Layout, name: str, file: str, wanted: UnitList | None) -> tuple[Problem, ...]:
    """What is wrong with the file of one unit.

    Args:
        data: the whole file.
        layout: what it should look like.
        name: the unit's name.
        file: the file's name, for the messages.
        wanted: the units asked for.
    """
    listed = None if wanted is None else _listed(name, wanted)
    if listed is None:
        return file_problems(data, layout, file, None)
    if listed.header is not None:
        layout = replace(layout, header=listed.header, header_aliases=())
    rows = None if listed.keys is None else RowList(listed.keys, 2, str(wanted.source if wanted else name))
    found = file_problems(data, layout, file, rows)
    count = 0 if encoding_fault(data) else row_count(data, layout)
    if listed.keys is not None or not listed.lines or not count or count in listed.lines:
        return found
    asked = " or ".join(f"{lines:,}" for lines in listed.lines)
    fix = "write one line for each frame, frame 1 first; repeat the last value or cut the surplus"
    return (*found, Problem("T07", f"{count:,} rows", f"{asked} rows", fix, file))


def _files(path: Path) -> list[Member]:
    if not path.is_dir():
        if not path.exists():
            raise not_found(path)
        return [Member(path.name, str(path), lambda: load(path))]
    files = sorted(file for file in path.rglob("*") if file.is_file())
    names = {file: file.relative_to(path).as_posix() for file in files}
    return [
        Member(name, str(file), lambda file=file: load(file))
        for file, name in names.items()
        if not any(part.startswith(".") for part in name.split("/"))
    ]


def _check_members(
    challenge: Challenge,
    members: Sequence[Member],
    wanted: RowList | UnitList | None,
    path: Path,
    problems: Problems,
) -> None:
    candidates = prediction_layouts(challenge)
    texts = _text_members(members, candidates[0], path, problems)
    if not texts:
        if not problems.refuses:
            problems.add(Problem("Z08", "no prediction file", "at least one", "pack the prediction files", str(path)))
        return
    names = [member.name for member in texts]
    trials = trials_of(names) if candidates[0].per_unit else {name: (name,) for name in names}
    limit = most_trials(challenge)
    if len(trials) > limit:
        fix = "name the file or folder of the prediction itself, and send the trials you trust most"
        problems.add(Problem("Z06", f"{len(trials)} trials", f"at most {limit}", fix, str(path)))
        return
    for member in texts:
        data = _loaded(member, problems)
        if data is None:
            continue
        if candidates[0].per_unit:
            unit = PurePosixPath(member.name).stem
            units = wanted if isinstance(wanted, UnitList) else None
            problems.extend(unit_problems(data, candidates[0], unit, member.file, units))
        else:
            rows = wanted if isinstance(wanted, RowList) else None
            problems.extend(file_problems(data, layout_for(candidates, data), member.file, rows))
    if isinstance(wanted, UnitList):
        for folder, files in trials.items():
            where = str(path) if folder == "." else f"{path}:{folder}"
            problems.extend(compare_units(files, wanted, candidates[0], where))


def _text_members(members: Sequence[Member], layout: Layout, path: Path, problems: Problems) -> list[Member]:
    """The members to check; files of another ending are a problem, except a file that is named itself."""
    suffixes = {layout.suffix} if layout.per_unit else TEXT
    texts: list[Member] = []
    for member in members:
        if member.file == str(path) or PurePosixPath(member.name).suffix in suffixes:
            texts.append(member)
        else:
            endings = " or ".join(sorted(suffixes))
            problems.add(Problem("T09", f"'{member.name}'", f"files ending in {endings}", "leave it out", str(path)))
    return texts


def _loaded(member: Member, problems: Problems) -> bytes | None:
    try:
        return member.load()
    except ProblemError as error:
        for problem in error.problems:
            problems.add(problem)
        return None


def _listed(name: str, wanted: UnitList) -> ListedUnit | None:
    """The unit's entry in the list; lists with frame counts name videos, which persons share."""
    if name in wanted.units:
        return wanted.units[name]
    video = wanted.units.get(video_of(name))
    return video if video is not None and len(video.lines) > 1 else None


def compare_units(names: Sequence[str], wanted: UnitList, layout: Layout, where: str) -> list[Problem]:
    """Units that have no file, and files that no unit asks for.

    Args:
        names: files of one trial.
        wanted: the units asked for.
        layout: of a unit's file.
        where: the folder's name, for the messages.
    """
    given = {PurePosixPath(name).stem for name in names}
    surplus = sorted(name for name in given if _listed(name, wanted) is None)
    videos = {video_of(name) for name in given}
    missing = [
        name
        for name, unit in wanted.units.items()
        if name not in given and not (len(unit.lines) > 1 and name in videos)
    ]
    expected = f"{len(wanted.units):,} files, one for each unit of the list"
    return [
        *(
            Problem(
                "T08",
                f"{len(given):,} files, none for '{name}'",
                expected,
                f"write '{name}{layout.suffix}'",
                where,
                count=len(missing),
            )
            for name in missing[:SHOWN]
        ),
        *(
            Problem(
                "T09",
                f"'{name}{layout.suffix}'",
                expected,
                "remove it, or name it as the list does",
                where,
                count=len(surplus),
            )
            for name in surplus[:SHOWN]
        ),
    ]
