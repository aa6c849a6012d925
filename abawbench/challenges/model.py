"""The shape of a challenge: tasks, metric, formats, sizes, rules and sources. Pure data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from abawbench.table import Floats, Mask, Table

Split = Literal["train", "validation", "test"]
FormatId = Literal[
    "unit-txt", "units", "rows", "mtl", "lsd", "eri-csv", "emi-csv", "ah-frames", "ah-split", "ah-trial", "vd-csv"
]


class _Values:
    """The properties that all kinds of task share, for code that treats the kinds alike.

    Attributes:
        name: name of the task.
        is_real: True where a value is a real number, NaN if missing; else a value is a whole number, -1 if missing.
        is_vector: True where a row has one value for each label; else a row has one value.
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
        """Names of the columns of decided values: the task's columns; for one class of several the task's name."""
        return self.outputs

    @property
    def span(self) -> tuple[float, float]:
        """Least and greatest value of an answer: a probability's, unless the task has a range of its own."""
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
class Continuous(_Values):
    """Real values in a range: valence and arousal, emotion intensities."""

    name: str
    columns: tuple[str, ...]
    low: float
    high: float
    sentinel: float | None
    is_real = True

    @property
    def outputs(self) -> tuple[str, ...]:
        """The columns."""
        return self.columns

    @property
    def span(self) -> tuple[float, float]:
        """The task's own range."""
        return self.low, self.high

    def with_outputs(self, names: Sequence[str]) -> Self:
        """The same task with these columns."""
        return replace(self, columns=tuple(names))


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
class MultiLabel(_Values):
    """Several labels, each 0 or 1."""

    name: str
    columns: tuple[str, ...]
    sentinel: int | None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The labels."""
        return self.columns

    def with_outputs(self, names: Sequence[str]) -> Self:
        """The same task with these labels."""
        return replace(self, columns=tuple(names))


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
    """The figures that are given for a task, whether or not they count in the score.

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
    """How the score is made: it is the sum of the terms. A metric without terms is not settled, and has no score.

    Attributes:
        id: name of the rule, as `mtl-sum`.
        formula: the rule for a reader.
        terms: one for each task that counts.
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
    """How large a split is; None where unknown.

    Attributes:
        units: videos, or persons in videos.
        rows: lines of the annotation or of the test list without its header; images where a split has no such file.
        labelled_rows: rows with at least one valid label.
    """

    units: int | None = None
    rows: int | None = None
    labelled_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """A figure the organisers published for their own system; never a field to test scores against."""

    split: str
    score: float
    detail: str
    source: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A rule or an observation in one sentence, and where it comes from."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class ForbiddenData:
    """Data that a model may not have been trained on, its pretrained weights included.

    Attributes:
        name: name of the data, for a reader.
        pattern: regular expression that finds the data's name among the training data of a model; case is ignored.
        source: where the rule stands, or `assumed` and the reason.
    """

    name: str
    pattern: str
    source: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """One track of one edition, frozen: a correction is a new id, never an edit. What decides a score or a row is here.

    Attributes:
        id: `abaw<edition>-<track>`; a correction adds `-2` and so on.
        edition: number of the edition, from 1.
        track: the second part of the id.
        title: name of the track for a reader.
        venue: conference and year.
        paper: the organisers' paper; None where none is known.
        dataset: name of the data.
        tasks: what is predicted, in the order of the file's columns.
        metric: how it is judged.
        annotation_format: format of the published labels.
        list_format: format of the organisers' list of rows to predict.
        prediction_format: format of the submission.
        list_files: names of the organisers' lists; folders end with a slash.
        annotation_places: by split, paths of its labels below the data's folder; the first that exists counts.
        frame_base: number of the first frame.
        sizes: by split, how large it is.
        valid_rows: by split and task, the number of rows whose label is not a sentinel.
        submissions: how many predictions a team may send; None where unknown.
        channel: how predictions are sent; None where unknown.
        rules: what a participant may and may not do.
        forbidden_data: data that a model may not have been trained on.
        notes: quirks of the files, and counts that are worth knowing.
        baselines: the organisers' own figures.
        sources: the source of every other field: written out in full, or text that begins with `assumed`. A dotted
            name, as `sizes.train`, speaks for that part alone.
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
        # read-only mappings cannot be pickled, and worker processes are handed challenges
        return Challenge, tuple(_writable(getattr(self, field.name)) for field in fields(self))

    def task(self, name: str) -> Task:
        """The task of this name. Raises: KeyError."""
        return next(task for task in self.tasks if task.name == name)

    @property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the record as canonical JSON."""
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Every field as plain data; each task says its kind."""
        record = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        record["tasks"] = [{"kind": type(task).__name__, **asdict(task)} for task in self.tasks]
        return record


def assumed_fields(challenge: Challenge) -> tuple[str, ...]:
    """Names of the fields, and of parts of fields as `metric.pooling`, whose source is lacking."""
    return tuple(name for name, source in challenge.sources.items() if source.startswith("assumed"))


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
