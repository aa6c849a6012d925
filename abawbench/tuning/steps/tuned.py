"""Tuned values: the file that `abawbench tune` writes, with what they were fitted on and what they are worth."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import numpy as np

from abawbench.base.files import read_input, write_text
from abawbench.base.installed import VERSION
from abawbench.base.json_text import parse_fields
from abawbench.base.notebook import NotebookTable
from abawbench.base.number_text import format_figure, format_interval
from abawbench.base.problems import Problem, ProblemError, near_names, unreadable
from abawbench.base.typed import typed
from abawbench.challenges import Challenge, find, known
from abawbench.inference.store import Store
from abawbench.scoring.criteria import figure_name
from abawbench.table import Table
from abawbench.tuning.steps.kinds import STEPS, Step, describe, faults_of, name_of, step_to_json

FORM = 1
T = TypeVar("T")
Bounds = tuple[float, float]
# fields of an entry's record that decide its answers, apart from machine and versions
OF_ENTRY = ("card", "seed", "source")


@dataclass(frozen=True, slots=True)
class Fitted:
    """What values were fitted on.

    Attributes:
        entry: name of the entry.
        identity: identity of the entry; see `identity_of`.
        store: key of the prediction store.
        truth_sha256: hash of the truth's rows and values; see `truth_hash`.
        videos: names of the annotated units of the truth.
    """

    entry: str
    identity: str
    store: str
    truth_sha256: str
    videos: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What tuning does to a figure.

    Attributes:
        before: the figure without tuning.
        in_sample: the figure with the values that were fitted on the same videos, which flatters.
        cross_fitted: the figure with values that were fitted on the other videos each time.
        interval: interval of `cross_fitted`; None where there is none.
        gain: interval of `cross_fitted` minus `before`; None where there is none.
    """

    before: float
    in_sample: float
    cross_fitted: float
    interval: Bounds | None = None
    gain: Bounds | None = None

    @property
    def optimism(self) -> float:
        """By how much the in-sample figure flatters."""
        return self.in_sample - self.cross_fitted

    @property
    def is_defined(self) -> bool:
        """True if every number is finite."""
        bounds = (*(self.interval or ()), *(self.gain or ()))
        return all(map(math.isfinite, (self.before, self.in_sample, self.cross_fitted, *bounds)))


@dataclass(frozen=True, slots=True)
class Report:
    """How values were fitted, and what they are worth.

    Attributes:
        figures: estimates by figure: `score`, and `terms.<task>` for each task.
        folds: number of folds.
        repeats: number of times that the folds were drawn.
        clusters: number of clusters.
        unit: what folds and resamples keep together: videos or subjects.
        resamples: number of resamples behind the intervals.
        level: level of the intervals, as 0.95.
        seed: seed of folds and resamples.
        notes: what else a reader must know, as steps that were not chosen anew within each fold.
    """

    figures: Mapping[str, Estimate]
    folds: int
    repeats: int
    clusters: int
    unit: Literal["video", "subject"]
    resamples: int
    level: float
    seed: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tuned:
    """Tuned values for the answers of one entry to one challenge.

    Attributes:
        challenge: id of the challenge.
        fingerprint: fingerprint of the challenge's definition.
        fitted: what the values were fitted on.
        report: how they were fitted, and what they are worth.
        tasks: by task, its steps in the order in which they are applied.
        abawbench: version of abawbench that fitted them.
    """

    challenge: str
    fingerprint: str
    fitted: Fitted
    report: Report
    tasks: Mapping[str, tuple[Step, ...]]
    abawbench: str = VERSION

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the kinds of steps, in the order in which they are tuned."""
        used = {name_of(step) for steps in self.tasks.values() for step in steps}
        return tuple(name for name in STEPS if name in used)

    def _repr_html_(self) -> str:
        return self._shown().html()

    def _repr_markdown_(self) -> str:
        return self._shown().markdown()

    def _shown(self) -> NotebookTable:
        """What the values are worth, and the values."""
        report = self.report
        rows = [
            [
                figure_name(tuple(name.split("."))),
                *(format_figure(value) for value in (one.before, one.in_sample, one.cross_fitted)),
                format_interval(one.interval),
                format_figure(one.optimism, "+"),
            ]
            for name, one in report.figures.items()
        ]
        steps = [f"{task}: {'; '.join(map(describe, steps)) or 'nothing'}" for task, steps in self.tasks.items()]
        title = (
            f"{self.fitted.entry} on {self.challenge}: {report.folds} folds x {report.repeats}, "
            f"{report.clusters:,} {report.unit}s"
        )
        headers = ["", "before", "in-sample", "cross-fitted", f"{report.level:.0%} interval", "optimism"]
        return NotebookTable(title, headers, rows, [*steps, *report.notes])

    def to_json(self) -> dict[str, Any]:
        """The content of the file."""
        tasks = {task: [step_to_json(step) for step in steps] for task, steps in self.tasks.items()}
        return {"form": FORM, **asdict(self), "tasks": tasks}


def identity_of(store: Store) -> str:
    """Hash of what makes the answers of a store's entry: its card with its weights, its seed, its code.

    Device, versions and fill policy are left out: an entry that predicts the test split on another machine is the same.
    """
    parts = {name: store.record.get(name) for name in OF_ENTRY}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def truth_hash(challenge: Challenge, truth: Table) -> str:
    """Hash of the rows and the values of a truth, whatever file it comes from and in whatever order."""
    names = np.argsort(np.array(truth.videos, dtype=object), kind="stable")
    place = np.empty(len(names), np.int64)
    place[names] = np.arange(len(names))
    order = np.lexsort((truth.frame, place[truth.video]))
    digest = hashlib.sha256("\n".join(sorted(truth.videos)).encode())
    digest.update(place[truth.video][order].astype("<i8").tobytes())
    digest.update(truth.frame[order].astype("<i4").tobytes())
    for task in challenge.tasks:
        # 0.0 makes one zero of both
        digest.update((truth.values[task.name][order].astype("<f8") + 0.0).tobytes())
    return digest.hexdigest()


def write_tuned(tuned: Tuned, path: Path) -> None:
    """Write tuned values, whole or not at all. Raises: ProblemError F01, the file cannot be written."""
    write_text(path, json.dumps(tuned.to_json(), indent=1, allow_nan=False) + "\n")


def read_tuned(path: Path) -> Tuned:
    """Read tuned values.

    Raises:
        ProblemError: F01 not readable; R03 every field that is missing, unknown or wrong.
    """
    try:
        content = parse_fields(read_input(path))
    except OSError as error:
        raise unreadable(path, error, "a file of tuned values") from error
    except ValueError as error:
        raise ProblemError(_problem(str(error), "JSON as `abawbench tune` writes it", path)) from error
    problems: list[Problem] = []
    if content.pop("form", None) != FORM:
        problems.append(_problem("form missing or not known", f"form {FORM}", path))
    given = content.pop("tasks", None)
    # tasks apart: their steps are of several types
    rest = _typed(Tuned, {**content, "tasks": {}}, path, "", problems)
    if rest is not None:
        undefined = [name for name, one in rest.report.figures.items() if not one.is_defined]
        problems += [_problem(f"report.figures.{name}", "numbers that are defined", path) for name in undefined]
    challenge = find(str(content.get("challenge")))
    if challenge is None:
        near = near_names(str(content.get("challenge")), known())
        problems.append(_problem(f"challenge {content.get('challenge')!r}", near, path))
    if not isinstance(given, dict):
        problems.append(_problem("tasks missing", "steps by task", path))
    elif challenge is not None:
        tasks = dict(_read_tasks(cast(dict[str, Any], given), challenge, path, problems))
        if rest is not None and not problems:
            return Tuned(rest.challenge, rest.fingerprint, rest.fitted, rest.report, tasks, rest.abawbench)
    raise ProblemError(*problems)


def _read_tasks(
    given: Mapping[str, Any], challenge: Challenge, path: Path, problems: list[Problem]
) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """Each task with its steps; what is wrong is added to the problems."""
    known = {task.name: task for task in challenge.tasks}
    for name, steps in given.items():
        task = known.get(name)
        if task is None or not isinstance(steps, list):
            expected = "a list of steps" if task is not None else near_names(name, list(known))
            problems.append(_problem(f"tasks.{name}", expected, path))
            continue
        read: list[Step] = []
        for number, fields in enumerate(cast(list[Any], steps)):
            place = f"tasks.{name}.{number}"
            step = _read_step(fields, path, place, problems)
            if step is not None:
                read.append(step)
                faults = faults_of(step, task)
                problems.extend(_problem(f"{place}: {found}", expected, path) for found, expected in faults)
        yield name, tuple(read)


def _read_step(fields: object, path: Path, place: str, problems: list[Problem]) -> Step | None:
    given = dict(cast(dict[str, Any], fields)) if isinstance(fields, dict) else {}
    name = str(given.pop("step", ""))
    if name not in STEPS:
        problems.append(_problem(f"{place}: step {name!r}", near_names(name, list(STEPS)), path))
        return None
    return _typed(STEPS[name], given, path, f"{place}.", problems)


def _typed(kind: type[T], fields: object, path: Path, place: str, problems: list[Problem]) -> T | None:
    """A dataclass made from fields; None where some are wrong, which the problems then say."""
    from pydantic import ValidationError

    try:
        return typed(kind)(fields)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            # the first place is the name of the model's own field
            at = ".".join(str(part) for part in fault["loc"][1:])
            problems.append(_problem(f"{place}{at}", fault["msg"], path))
        return None


def _problem(found: str, expected: str, path: Path) -> Problem:
    return Problem("R03", found, expected, "run `abawbench tune` again, or mend the field", str(path))
