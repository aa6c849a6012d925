"""Consistency checks of records: path, text, shapes, and figures that follow from their own statistics."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.base.files import read_input
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import get
from abawbench.challenges.split_sizes import official_counts
from abawbench.records.model import Figure, OfficialSize, Record
from abawbench.records.store import read, statistics_of

if TYPE_CHECKING:
    from abawbench.scoring.statistics import Statistics

# sums over videos may be taken in another order on another machine
TOLERANCE = 1e-12
TOLERANCE_OF_INTERVALS = 1e-9
# share of the percentile interval: where a resample is the sample, its last bit moves the correction for bias
TOLERANCE_OF_BCA = 0.1
# more would take a check too long
MOST_RESAMPLES = 1_000_000


def check_tree(root: Path) -> tuple[Problem, ...]:
    """Find every problem of every record below a folder.

    A record must be readable, have the path that its content gives and the text that `write` writes, and agree with its
    own statistics: figures to 1e-12, intervals to 1e-9, BCa bounds to a tenth of their percentile interval.
    """
    problems: list[Problem] = []
    for path in sorted(root.rglob("*.json")):
        try:
            record = read(path)
        except ProblemError as error:
            problems.extend(error.problems)
            continue
        problems.extend(_problems(itertools.chain(_misplaced(record, path, root), _disagreements(record)), path))
    return tuple(problems)


def read_agreeing(path: Path) -> Record:
    """Read a record that agrees with its own statistics, wherever it lies.

    Raises:
        ProblemError: what `read` raises; R01, figures, counts or intervals are not those of the statistics.
    """
    record = read(path)
    problems = _problems(_disagreements(record), path)
    if problems:
        raise ProblemError(*problems)
    return record


def _problems(faults: Iterable[tuple[str, str]], path: Path) -> list[Problem]:
    import numpy as np

    fix = "score the files again and write a new record"
    # sums that no data have may overflow
    with np.errstate(all="ignore"):
        return [Problem("R01", found, expected, fix, str(path)) for found, expected in faults]


def _misplaced(record: Record, path: Path, root: Path) -> Iterator[tuple[str, str]]:
    """Found and expected, where path or text of a record are not those that its content gives."""
    place = path.relative_to(root).as_posix()
    if place != record.place:
        yield f"path {place}", f"the path that the content gives, {record.place}"
    if read_input(path) != record.to_text().encode():
        yield "text of another layout", "the text that `abawbench.records.write` writes"


def _disagreements(record: Record) -> Iterator[tuple[str, str]]:
    """Found and expected, for each fault in the content of a readable record."""
    yield from _wrong_counts(record)
    try:
        statistics = statistics_of(record)
    except ValueError:
        yield "statistics with rows of unequal length", "the same sums for every video"
        return
    from abawbench.scoring.statistics import axes_of

    tasks = get(record.challenge).tasks
    shapes = {task.name: (len(statistics.groups), *axes_of(task)) for task in tasks}
    centred = {task.name: (task.width, 2) for task in tasks if task.is_real}
    for part, arrays, expected in (("tasks", statistics.tasks, shapes), ("pilots", statistics.pilots, centred)):
        found = {name: array.shape for name, array in arrays.items()}
        if found != expected:
            yield f"statistics.{part} of shape {found}", f"{expected}"
            return
    yield from _wrong_figures(record, statistics)


def _wrong_counts(record: Record) -> Iterator[tuple[str, str]]:
    """Counts of rows that cannot be those of one truth, or that are not the challenge's."""
    official = OfficialSize.model_validate(official_counts(get(record.challenge), record.split))
    if record.official != official:
        yield f"official {record.official}", f"{official}, by the challenge"
    rows, filled = record.rows, sum(record.fill.rows.values())
    valid = rows.valid.values()
    groups = len(record.statistics.groups)
    wrong = {
        f"rows.units {rows.units}": not rows.units <= (groups if record.intervals.unit == "video" else rows.truth),
        f"rows.truth {rows.truth}": not rows.labelled <= rows.truth or not rows.units <= rows.truth,
        f"rows.labelled {rows.labelled}": not max(valid, default=0) <= rows.labelled <= sum(valid),
        f"rows.predicted {rows.predicted}": not rows.labelled <= rows.predicted + filled <= rows.truth,
    }
    yield from ((found, "counts that can be those of one truth") for found, is_wrong in wrong.items() if is_wrong)


def _wrong_figures(record: Record, statistics: Statistics) -> Iterator[tuple[str, str]]:
    from abawbench.scoring.criteria import evaluate, number
    from abawbench.scoring.statistics import rows_of

    challenge, total = get(record.challenge), statistics.total
    rows = {task.name: int(rows_of(task, total[task.name])) for task in challenge.tasks}
    if record.rows.valid != rows:
        yield f"rows.valid {record.rows.valid}", f"{rows}, by the record's statistics"
    figures = {path: number(value[()]) for path, value in evaluate(challenge, total, statistics.pilots).items()}
    stored = dict(_leaves({"score": record.score, "terms": record.terms, "metrics": record.metrics}))
    wrong = [
        (f"{'.'.join(path)} {stored.get(path)}", f"{figures.get(path)}, by the record's statistics")
        for path in dict.fromkeys([*figures, *stored])
        if path not in stored or path not in figures or not _same(stored[path], figures[path])
    ]
    yield from wrong or _wrong_intervals(record, statistics)


def _wrong_intervals(record: Record, statistics: Statistics) -> Iterator[tuple[str, str]]:
    """The first bound that the record's own settings do not give again."""
    from abawbench.scoring.intervals import intervals

    given = record.intervals
    if not 1 <= given.resamples <= MOST_RESAMPLES or given.seed < 0:
        expected = f"1 to {MOST_RESAMPLES:,} resamples, and a seed from 0"
        yield f"intervals of {given.resamples:,} resamples, seed {given.seed}", expected
        return
    challenge = get(record.challenge)
    again = intervals(challenge, statistics, unit=given.unit, resamples=given.resamples, seed=given.seed)
    stored, made = (dict(_leaves(tree)) for tree in (given.model_dump(exclude_unset=True), again))
    if not any(path[-1] == "jackknife" for path in stored):
        # a record of before there were such intervals, and with the warning of its time
        made = {path: value for path, value in made.items() if path[-1] not in {"jackknife", "warning"}}
        del stored["warning",]
    for path in dict.fromkeys([*made, *stored]):
        found, expected, percentile = stored.get(path), made.get(path), made.get((*path[:-1], "percentile"))
        tolerance = TOLERANCE_OF_INTERVALS
        if path[-1] == "bca" and percentile is not None:
            # it has no bounds where no resample is below the sample, which a last bit decides too
            found, expected = found or expected, expected or found
            tolerance += TOLERANCE_OF_BCA * (percentile[1] - percentile[0])
        if not _are_near(found, expected, tolerance):
            yield f"intervals.{'.'.join(path)} {found}", f"{expected}, by the record's statistics"
            return


def _are_near(found: Any, made: Any, tolerance: float) -> bool:
    if not isinstance(found, list | tuple) or not isinstance(made, list | tuple):
        return found == made
    return all(abs(one - other) <= tolerance for one, other in zip(found, made, strict=True))


def _leaves(tree: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), value


def _same(found: Figure, made: Figure) -> bool:
    if found is None or made is None:
        return found is made
    return abs(found - made) <= TOLERANCE
