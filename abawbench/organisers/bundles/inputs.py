"""Truth and list of every phase of an event, read and checked, and a sample submission made of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from abawbench.base.problems import Problem, ProblemError, near_names
from abawbench.challenges import Challenge
from abawbench.formats import read_truth
from abawbench.formats.layout import layouts, prediction_layouts
from abawbench.formats.lists import read_list
from abawbench.formats.text import load
from abawbench.formats.unit_files import own_files
from abawbench.formats.write import write_annotations, write_list, write_predictions
from abawbench.organisers.events.event import Event, Phase
from abawbench.table import Table, Values

# endings of the official files; a truth in another form is written anew as one of them
_TEXTS = {".txt", ".csv"}
# folder of the files of a truth, a list or a sample that has several
UNITS = "units"


@dataclass(frozen=True, eq=False)
class PhaseFiles:
    """The files of a phase by path: one file, as `truth/a.txt`, or the files of a folder, as `truth/units/a.txt`.

    Attributes:
        phase: the phase.
        truth: the annotations.
        template: the list of what to predict.
        sample: a submission that is accepted, with the same answer in every row.
        annotations: the annotations as they were read.
    """

    phase: Phase
    truth: Mapping[str, bytes]
    template: Mapping[str, bytes]
    sample: Mapping[str, bytes]
    annotations: Table


def root_of(files: Mapping[str, bytes]) -> str:
    """The path to hand to a program: that of the file, or that of the folder of the files of units.

    >>> root_of({"truth/a.txt": b""}), root_of({"truth/units/a.txt": b""})
    ('truth/a.txt', 'truth/units')
    """
    path = PurePosixPath(next(iter(files)))
    return str(path.parent if path.parent.name == UNITS else path)


def require_challenge(event: Event, challenge: Challenge) -> None:
    """Check that a challenge is that of an event. Raises: ProblemError O07, it is another one."""
    if event.challenge.fingerprint != challenge.fingerprint:
        found = f"{challenge.id}, and an event of {event.challenge.id}"
        raise ProblemError(Problem("O07", found, "one challenge", "correct one of the two", str(event.path)))


def by_phase(event: Event, given: Sequence[str], option: str) -> dict[str, Path]:
    """Paths by the codename of their phase, from the words of an option: `PATH` for every phase, or `CODENAME=PATH`.

    Raises:
        ProblemError: O08, no such phase, or two paths for one.
    """
    names = [phase.codename for phase in event.phases]
    found: dict[str, Path] = {}
    problems: list[Problem] = []
    usual: list[str] = []
    for word in given:
        name, is_named, path = word.partition("=")
        if not is_named or (name not in names and Path(word).exists()):
            usual.append(word)
        elif name not in names:
            fix = f"write {near_names(name, names)}"
            problems.append(Problem("O08", f"{option} {word}", "the codename of a phase", fix, str(event.path)))
        elif name in found:
            problems.append(Problem("O08", f"{option} {name}=... twice", "one for each phase", "leave one out"))
        else:
            found[name] = Path(path)
    if len(usual) > 1:
        fix = f"name the phase of each: {option} {names[0]}={usual[0]}"
        problems.append(Problem("O08", f"{option} {' and '.join(usual)}", "one for all phases", fix))
    if problems:
        raise ProblemError(*problems)
    return {name: path for name in names if (path := found.get(name, Path(usual[0]) if usual else None)) is not None}


def read_phases(
    event: Event, truths: Mapping[str, Path], templates: Mapping[str, Path]
) -> tuple[tuple[PhaseFiles, ...], tuple[Problem, ...]]:
    """Read truth and list of every phase, and make a sample submission for it.

    A public phase without a list gets the rows of its truth as one.

    Args:
        event: the event.
        truths: paths of truths by the codename of the phase.
        templates: paths of lists by the codename of the phase.

    Returns:
        The files of each phase, and notes on what is odd about them.

    Raises:
        ProblemError: O08 a phase has no truth, or a private one no list; and the problems of truths and lists.
    """
    problems = [_missing(event, phase, "truth") for phase in event.phases if phase.codename not in truths]
    problems += [
        _missing(event, phase, "template")
        for phase in event.phases
        if phase.is_private and phase.codename not in templates
    ]
    if problems:
        raise ProblemError(*problems)
    found: list[PhaseFiles] = []
    notes: list[Problem] = []
    made: dict[tuple[Path, Path | None], PhaseFiles] = {}
    for phase in event.phases:
        truth, template = truths[phase.codename], templates.get(phase.codename)
        files = made.get((truth, template))
        if files is None:
            files = _read(event.challenge, phase, truth, template)
            made[truth, template] = files
            notes.extend(files.annotations.notes)
        if template is None:
            fix = f"give one: --template {phase.codename}=PATH"
            notes.append(
                Problem("N77", f"no list for {phase.codename}: the rows of its truth", "a list", fix, str(truth))
            )
        found.append(PhaseFiles(phase, files.truth, files.template, files.sample, files.annotations))
    notes.extend(_told_elsewhere(found, truths))
    return tuple(found), tuple(dict.fromkeys(notes))


def _told_elsewhere(phases: Sequence[PhaseFiles], truths: Mapping[str, Path]) -> Iterator[Problem]:
    """N84 for each private phase whose truth a public one has, too."""
    for one in phases:
        public = [other.phase.codename for other in phases if not other.phase.is_private and other.truth == one.truth]
        if one.phase.is_private and public:
            name = one.phase.codename
            found = f"one truth for {name} and for {', '.join(public)}, whose messages tell of it"
            fix = f"give each its own: --truth {name}=PATH --truth {public[0]}=PATH"
            yield Problem("N84", found, "a truth of its own", fix, str(truths[name]))


def _missing(event: Event, phase: Phase, option: str) -> Problem:
    what = "truth" if option == "truth" else "list, which a private phase needs"
    fix = f"give it: --{option} {phase.codename}=PATH"
    return Problem("O08", f"the phase {phase.codename} has no {what}", "one for each phase", fix, str(event.path))


def _read(challenge: Challenge, phase: Phase, truth: Path, template: Path | None) -> PhaseFiles:
    table = read_truth(challenge, truth)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        if template is None:
            layout = layouts(challenge, "list")[0]
            template = folder / f"list{'' if layout.per_unit else layout.suffix}"
            write_list(challenge, table, template)
        read_list(challenge, template)
        written = _files_of(truth)
        if not written or any(Path(name).suffix.lower() not in _TEXTS for name in written):
            official = layouts(challenge, "truth")[0]
            truth = folder / f"truth{'' if official.per_unit else official.suffix}"
            write_annotations(challenge, table, truth)
            written = _files_of(truth)
        sample = folder / f"sample{prediction_layouts(challenge)[0].suffix}"
        write_predictions(challenge, _constant(challenge, table), template, sample, "prior", 1.0)
        return PhaseFiles(
            phase,
            _below("truth", truth, written),
            _below("template", template, _files_of(template)),
            _below("sample", sample, _files_of(sample)),
            table,
        )


def _files_of(path: Path) -> dict[str, bytes]:
    """The bytes of a file, or of the files of a folder without what the system left there, by name."""
    files = own_files(path)[0] if path.is_dir() else [path]
    return {file.name: load(file) for file in files}


def _below(folder: str, source: Path, files: Mapping[str, bytes]) -> dict[str, bytes]:
    place = f"{folder}/{UNITS}" if source.is_dir() else folder
    return {f"{place}/{name}": data for name, data in files.items()}


def _constant(challenge: Challenge, truth: Table) -> Table:
    """A prediction of the truth's rows: 0 or the nearest number, the first class, no label."""
    values: dict[str, Values] = {}
    for task in challenge.tasks:
        zeros = np.zeros_like(task.empty(len(truth)))
        values[task.name] = np.clip(zeros, *task.span) if task.is_real else zeros
    has_probability = prediction_layouts(challenge)[0].has_probabilities
    return Table(truth.videos, truth.video, truth.frame, values, np.zeros(len(truth)) if has_probability else None)
