"""What a paper needs of predictions: LaTeX tables, a paragraph on methods, and vector figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from abawbench.base.latex_text import escaped
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.metrics.holm import holm
from abawbench.records import Record
from abawbench.reports import figures
from abawbench.reports.confusions import densities, matrices
from abawbench.reports.latex import PaperRow, figure_paths, latex_tables
from abawbench.reports.masking import Masking
from abawbench.reports.methods import Facts, methods
from abawbench.reports.subject import Subject
from abawbench.reports.timelines import timelines, unit_figures
from abawbench.scoring import Resampling
from abawbench.scoring.calibration import reliability
from abawbench.scoring.criteria import criterion_of
from abawbench.scoring.difference import difference

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# bins of a density
BINS = 24
_NO_NAME = re.compile(r"[^a-z0-9]+")


def paper_files(
    challenge: Challenge,
    subjects: Sequence[Subject],
    records: Sequence[Record],
    policy: str,
    resampling: Resampling,
    masking: Masking,
) -> Iterator[tuple[str, bytes]]:
    """Make the files of a paper's folder: name and content, one after the other; equal input makes equal bytes.

    Args:
        challenge: the challenge.
        subjects: predictions of one truth.
        records: records of other scores, for the tables and the paragraph.
        policy: fill policy that the predictions were scored with.
        resampling: resampling of tests and intervals, under the names of the inputs.
        masking: names that may not be shown.

    Raises:
        ProblemError: R01, a record is of another challenge or of another definition of it.
        ModuleNotFoundError: matplotlib is not installed.
    """
    problems = [
        Problem("R01", f"challenge {record.challenge} {record.fingerprint}", wanted, "leave it out", record.place)
        for record in records
        if (record.challenge, record.fingerprint) != (challenge.id, challenge.fingerprint)
        for wanted in [f"{challenge.id} {challenge.fingerprint}"]
    ]
    if problems:
        raise ProblemError(*problems)
    subjects = _named_apart(subjects)
    own = replace(resampling, subjects=masking.subjects(resampling.subjects))
    rows = _rows(challenge, subjects, own)
    rows += [PaperRow.of_record(record) for record in records]
    yield "tables.tex", latex_tables(challenge, rows).encode()
    facts = [(subject.name, Facts.of_score(subject.score, policy)) for subject in subjects]
    facts += [(record.entry, Facts.of_record(record)) for record in records]
    paragraphs = [f"% {escaped(name)}\n{escaped(methods(challenge, one))}\n" for name, one in facts]
    yield "methods.tex", "\n".join(paragraphs).encode()
    with figures.house_style():
        drawn = [file for named in _figures(challenge, subjects, rows, own) for file in figures.as_files(*named)]
    yield from drawn


def _named_apart(subjects: Sequence[Subject]) -> list[Subject]:
    """The predictions with names that differ, those of files without what follows the dot."""
    seen: dict[str, int] = {}
    result: list[Subject] = []
    for subject in subjects:
        name = subject.name if subject.rows is not None else Path(subject.name).stem
        seen[name] = seen.get(name, 0) + 1
        result.append(replace(subject, name=name if seen[name] == 1 else f"{name} ({seen[name]})"))
    return result


def _rows(challenge: Challenge, subjects: Sequence[Subject], resampling: Resampling) -> list[PaperRow]:
    """A row for each prediction, with the p of its difference from the best one after Holm's correction."""
    known = [place for place, subject in enumerate(subjects) if subject.score.score is not None]
    p: dict[int, float] = {}
    if len(known) > 1:
        best = max(known, key=lambda place: subjects[place].score.score or 0.0)
        others = [place for place in known if place != best]
        found = [
            difference(
                challenge,
                subjects[best].paired.truth,
                subjects[best].paired.prediction,
                subjects[place].paired.prediction,
                allow_filled=1.0,
                resampling=resampling,
            )["p"]
            for place in others
        ]
        p = dict(zip(others, holm(found), strict=True))
    return [PaperRow.of(subject.name, subject.score.to_json(), p.get(place)) for place, subject in enumerate(subjects)]


def _figures(
    challenge: Challenge, subjects: Sequence[Subject], rows: Sequence[PaperRow], resampling: Resampling
) -> Iterator[tuple[str, Figure]]:
    paths = figure_paths(challenge, rows)
    # a sum of several terms is on a scale of its own
    panels = [paths[:1], paths[1:]] if len(challenge.metric.terms) > 1 else [paths]
    yield "scores", figures.scores(rows, [panel for panel in panels if panel])
    for task in challenge.tasks:
        paths = [] if task.is_real else criterion_of(task, "f1").part_paths(task)
        known = [path for path in paths if any(path in row.figures for row in rows)]
        if known:
            yield f"parts-{_file_name(task.name)}", figures.scores(rows, [known], [path[-1] for path in known])
    for subject, end in zip(subjects, file_ends([subject.name for subject in subjects]), strict=True):
        for matrix in matrices(challenge, subject):
            if not matrix.label:
                yield f"confusion-{_file_name(matrix.task)}{end}", figures.confusion(matrix)
        shown = list(densities(challenge, subject, BINS))
        if shown:
            yield f"density{end}", figures.densities(shown)
        if subject.rows is not None:
            measured = reliability(challenge, subject.paired, subject.rows.answers, resampling.subjects)
            whole = [one for one in measured if not one.part]
            if whole:
                yield f"reliability{end}", figures.reliability(whole)
    shown_subjects = subjects[: len(figures.COLOURS)]
    for found in timelines(challenge, shown_subjects, unit_figures(challenge, subjects[0]))[:1]:
        yield "timeline", figures.timeline(found, [subject.name for subject in shown_subjects])


def file_ends(names: Sequence[str]) -> list[str]:
    """What the file names of each prediction end with: nothing for a single one, and never the same twice.

    >>> file_ends(["one"]), file_ends(["A b", "a_b", "a-b-2"])
    ([''], ['-a-b', '-a-b-2', '-a-b-2-2'])
    """
    ends: list[str] = []
    for name in names if len(names) > 1 else ():
        end, number = f"-{_file_name(name)}", 2
        while end in ends:
            end, number = f"-{_file_name(name)}-{number}", number + 1
        ends.append(end)
    return ends or [""]


def _file_name(name: str) -> str:
    """A name in lower case, digits and hyphens, as LaTeX takes it everywhere."""
    return _NO_NAME.sub("-", name.lower()).strip("-") or "prediction"
