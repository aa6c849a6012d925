"""The data model of a challenge: tasks, metric, formats, sizes, rules and sources."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from abawbench.table import Floats, Mask, Table

Split = Literal["train", "validation", "test"]
FormatId = Literal[
    "unit-txt",
    "units",
    "rows",
    "mtl",
    "labels",
    "lsd",
    "eri-csv",
    "emi-csv",
    "ah-frames",
    "ah-split",
    "ah-trial",
    "vd-csv",
]


class _Values:
    """Properties of every kind of task, for code that treats the kinds alike.

    Attributes:
        name: name of the task.
        is_real: True if values are real numbers, NaN if missing; False if they are whole numbers, -1 if missing.
        is_vector: True if a row has one value for each label; False if a row has one value.
    """

    __slots__ = ()
    name: str
    is_real = False
    is_vector = True

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns of a model's answer: the task's columns, or its classes."""
        raise NotImplementedError

    @property
    def width(self) -> int:
        """Number of columns of a model's answer."""
        return len(self.outputs)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the columns of decided values: the task's columns, or the task's name if its value is a class."""
        return self.outputs

    @property
    def span(self) -> tuple[float, float]:
        """Least and greatest value of an answer: 0 and 1 for probabilities, else the task's own range."""
        return 0.0, 1.0

    def with_outputs(self, names: Sequence[str]) -> Self:
        """The same task with these columns or classes."""
        raise NotImplementedError

    def empty(self, rows: int) -> NDArray[Any]:
        """Values of rows without an annotation, shape (rows, labels), or (rows,) where a row has one value."""
        import numpy as np

        shape = (rows, self.width) if self.is_vector else (rows,)
        return np.full(shape, np.nan) if self.is_real else np.full(shape, -1, np.int8)

    def is_annotated(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """True for each value that is not missing, in the shape of `values`."""
        import numpy as np

        return ~np.isnan(values) if self.is_real else values >= 0

    def annotations_of(self, truth: Table) -> tuple[Floats, Mask]:
        """The annotations in a truth as float64, shape (rows, labels), and True for each that is not missing.

        A truth without the task has no annotation of it.
        """
        import numpy as np

        values = truth.values.get(self.name)
        table = np.asarray(self.empty(len(truth)) if values is None else values, np.float64)
        table = table.reshape(len(truth), len(self.labels))
        return table, self.is_annotated(table)


@dataclass(frozen=True, slots=True)
class _Columns(_Values):
    """The properties of tasks with a value for each column."""

    name: str
    columns: tuple[str, ...]

    @property
    def outputs(self) -> tuple[str, ...]:
        """The columns."""
        return self.columns

    def with_outputs(self, names: Sequence[str]) -> Self:
        """The same task with these columns."""
        return replace(self, columns=tuple(names))


@dataclass(frozen=True, slots=True)
class Continuous(_Columns):
    """Real values from `low` to `high`, one for each column: valence and arousal, emotion intensities."""

    low: float
    high: float
    sentinel: float | None
    is_real = True

    @property
    def span(self) -> tuple[float, float]:
        """The task's own range."""
        return self.low, self.high


@dataclass(frozen=True, slots=True)
class Categorical(_Values):
    """One class of several; the index in `classes` is the number in the file."""

    name: str
    classes: tuple[str, ...]
    sentinel: int | None
    is_vector = False

    @property
    def outputs(self) -> tuple[str, ...]:
        """The classes."""
        return self.classes

    @property
    def labels(self) -> tuple[str, ...]:
        """The task's name: a table has one column of class numbers."""
        return (self.name,)

    def with_outputs(self, names: Sequence[str]) -> Self:
        """The same task with these classes."""
        return replace(self, classes=tuple(names))


@dataclass(frozen=True, slots=True)
class MultiLabel(_Columns):
    """Several labels, each 0 or 1."""

    sentinel: int | None


Task = Continuous | Categorical | MultiLabel


@dataclass(frozen=True, slots=True)
class Part:
    """A criterion and its weight in a term.

    Attributes:
        criterion: name of an entry of `abawbench.scoring.criteria.CRITERIA`, as `ccc` or `f1`.
        weight: factor of the criterion's value.
    """

    criterion: str
    weight: float


@dataclass(frozen=True, slots=True)
class Term:
    """A task's contribution to the score: the weighted sum of its parts."""

    task: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Reported:
    """The figures that are reported for a task, whether or not they count in the score.

    Attributes:
        task: name of the task.
        criteria: names of criteria, each computed from the decided values.
        of_probability: names of criteria that are computed from the probability of class 1, where a prediction has it.
    """

    task: str
    criteria: tuple[str, ...]
    of_probability: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    """The definition of a score, which is the sum of the terms; without terms it is undefined, and there is no score.

    Attributes:
        id: name of the metric, as `mtl-sum`.
        formula: the formula for a reader.
        terms: terms of the sum, one for each task that counts.
        reported: the figures of each task, in the order in which they are shown.
        pooling: the rows over which the criteria are computed, as `frames of the whole split`.
        absent_class: the F1 of a class that occurs in neither truth nor prediction, as `0, counted in the divisor`.
        constant_series: the CCC or Pearson correlation of a series without variance, as `0, flagged`.
    """

    id: str
    formula: str
    terms: tuple[Term, ...]
    reported: tuple[Reported, ...]
    pooling: str
    absent_class: str | None = None
    constant_series: str | None = None

    def term(self, task: str) -> Term | None:
        """The term of a task; None where the task does not count."""
        return next((term for term in self.terms if term.task == task), None)

    def reports(self, task: str) -> Reported:
        """The figures of a task."""
        return next((reported for reported in self.reported if reported.task == task), Reported(task, ()))


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a split; None where unknown.

    Attributes:
        units: number of videos, or of persons in videos.
        rows: number of lines of the annotation or of the test list, without the header; number of images where a split
            has no such file.
        labelled_rows: number of rows with at least one valid label.
        others: sizes of the same split by other sources or in other releases; what one leaves open is as here.
    """

    units: int | None = None
    rows: int | None = None
    labelled_rows: int | None = None
    others: tuple[Size, ...] = ()


@dataclass(frozen=True, slots=True)
class Baseline:
    """A figure that the organisers published for their own system; scores are never tested against it."""

    split: str
    score: float
    detail: str
    source: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A rule or an observation, with its source."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class ForbiddenData:
    """Data that a model may not have been trained on, its pretrained weights included.

    Attributes:
        name: name of the data, for a reader.
        pattern: regular expression that finds the data in the names of a model's training data; case is ignored.
        source: text with the rule, or `assumed` and the reason.
    """

    name: str
    pattern: str
    source: str


@dataclass(frozen=True)
class Challenge:
    """One track of one edition, with everything that decides a score or a row. A correction is a new id, never an edit.

    Attributes:
        id: `abaw<edition>-<track>`, or the track alone outside the editions; a correction adds `-2` and so on.
        edition: number of the edition, from 1; 0 for the protocol of a data set outside the ABAW challenges.
        track: the second part of the id.
        title: name of the track for a reader.
        venue: conference and year.
        paper: the organisers' paper; None where none is known.
        dataset: name of the data.
        tasks: tasks to predict, in the order of the file's columns.
        metric: definition of the score.
        annotation_format: format of the published labels.
        list_format: format of the organisers' list of rows to predict.
        prediction_format: format of the submission.
        list_files: names of the organisers' lists; folders end with a slash.
        annotation_places: by split, paths of its labels below the data's folder; the first that exists counts.
        frame_base: number of the first frame.
        sizes: by split, its size.
        valid_rows: by split and task, the number of rows whose label is not a sentinel.
        submissions: number of predictions that a team may send; None where unknown.
        channel: way in which predictions are sent; None where unknown.
        rules: statements of what a participant may and may not do.
        forbidden_data: data that a model may not have been trained on.
        notes: quirks of the files, and counts that are worth knowing.
        baselines: the organisers' own figures.
        sources: source of every other field, written out in full, or `assumed` and the reason. A dotted name, as
            `sizes.train`, is for that part alone.
    """

    id: str
    edition: int
    track: str
    title: str
    venue: str
    paper: str | None
    dataset: str
    tasks: tuple[Task, ...]
    metric: Metric
    annotation_format: FormatId
    list_format: FormatId
    prediction_format: FormatId
    list_files: tuple[str, ...]
    annotation_places: Mapping[str, tuple[str, ...]]
    frame_base: int
    sizes: Mapping[str, Size]
    valid_rows: Mapping[str, Mapping[str, int]]
    submissions: int | None
    channel: str | None
    rules: tuple[Statement, ...]
    forbidden_data: tuple[ForbiddenData, ...]
    notes: tuple[Statement, ...]
    baselines: tuple[Baseline, ...]
    sources: Mapping[str, str]

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Mapping):
                object.__setattr__(self, field.name, _read_only(value))

    def __reduce__(self) -> tuple[Callable[..., Challenge], tuple[Any, ...]]:
        # worker processes receive challenges, and read-only mappings cannot be pickled
        return Challenge, tuple(_writable(getattr(self, field.name)) for field in fields(self))

    def task(self, name: str) -> Task:
        """The task of this name. Raises: KeyError, there is none."""
        return {task.name: task for task in self.tasks}[name]

    @cached_property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the record as canonical JSON."""
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Every field as plain data, with the kind of each task."""
        record = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        record["tasks"] = [{"kind": type(task).__name__, **asdict(task)} for task in self.tasks]
        return record


def assumed_fields(challenge: Challenge) -> tuple[str, ...]:
    """Names of the fields, and of parts of fields as `metric.pooling`, that are assumed."""
    return tuple(name for name, source in challenge.sources.items() if source.startswith("assumed"))


def is_assumed(challenge: Challenge, *names: str) -> bool:
    """True if the first of these fields, or parts of fields, that has a source of its own is assumed."""
    return next((challenge.sources[name] for name in names if name in challenge.sources), "").startswith("assumed")


def _read_only(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return MappingProxyType({key: _read_only(part) for key, part in value.items()})


def _writable(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: _writable(part) for key, part in value.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
