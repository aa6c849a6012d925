"""The shape of a challenge: what is asked, how it is judged, how it is written. Pure data."""

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

Split = Literal["train", "validation", "test"]
FormatId = Literal[
    "unit-txt", "units", "rows", "mtl", "lsd", "eri-csv", "emi-csv", "ah-frames", "ah-split", "ah-trial", "vd-csv"
]


class _Values:
    """What a kind of task knows of its values, for code that treats all kinds alike.

    Attributes of each kind:
        outputs: names of the columns of a model's answer: columns or classes.
        labels: names of the columns of a table of decided values; for one class of several the task's own name.
        span: least and greatest value of an answer: of the task, or of a probability.
        criteria: criteria that judge the task, the usual one first.
        is_real: True where a value is a real number, and missing as NaN; else it is a whole number, and missing as -1.
        is_vector: True where a row has a value for each label, else one value.
    """

    __slots__ = ()
    is_real = False
    is_vector = True

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns of an answer."""
        raise NotImplementedError

    @property
    def width(self) -> int:
        """Columns of an answer."""
        return len(self.outputs)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the columns of a table of decided values."""
        return self.outputs

    @property
    def span(self) -> tuple[float, float]:
        """Least and greatest value of an answer."""
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


@dataclass(frozen=True, slots=True)
class Continuous(_Values):
    """Real values in a range: valence and arousal, emotion intensities."""

    name: str
    columns: tuple[str, ...]
    low: float
    high: float
    sentinel: float | None
    is_real = True
    criteria = ("ccc", "pearson")

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
    criteria = ("f1", "accuracy")

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
    criteria = ("f1", "accuracy")

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

    `criterion` is one of ccc, pearson (mean over the columns), f1 (mean over classes or columns), accuracy.
    """

    criterion: Literal["ccc", "pearson", "f1", "accuracy"]
    weight: float


@dataclass(frozen=True, slots=True)
class Term:
    """A task's contribution to the score: the weighted sum of its parts."""

    task: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """How the score is made. The score is the sum of the terms; without terms it is not settled, and null.

    Attributes:
        id: name of the rule, as `mtl-sum`.
        formula: the rule for a reader.
        terms: one for each task.
        pooling: over what the criteria are computed, as `frames of the whole split`.
        absent_class: what an F1 is for a class without truth and prediction, as `0, counted in the divisor`.
        constant_series: what CCC or Pearson is without variance, as `0, flagged`.
    """

    id: str
    formula: str
    terms: tuple[Term, ...]
    pooling: str
    absent_class: str | None
    constant_series: str | None


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
class Challenge:
    """One track of one edition, frozen: a correction is a new id, never an edit.

    Attributes:
        id: `abaw<edition>-<track>`; a correction adds `-2` and so on.
        edition: number of the edition, from 1.
        track: the id's second part.
        title: the track's name for a reader.
        venue: conference and year.
        paper: the organisers' paper; None where none is known.
        dataset: name of the data.
        tasks: what is predicted, in the order of the file's columns.
        metric: how it is judged.
        annotation_format: of the published labels.
        list_format: of the organisers' list of what to predict.
        prediction_format: of the submission.
        list_files: names of the organisers' lists; folders end with a slash.
        annotation_places: by split, where its labels lie below the data's folder; the first that exists counts.
        frame_base: number of the first frame.
        sizes: by split.
        valid_rows: by split and task, rows whose label is not a sentinel.
        submissions: how many a team may send; None where unknown.
        channel: how they are sent; None where unknown.
        rules: what a participant may and may not do.
        notes: quirks of the files, and counts that are worth knowing.
        baselines: the organisers' own figures.
        sources: for every other field where it comes from: a source written out in full, or text that begins with
            `assumed`. A dotted name, as `sizes.train`, speaks for that part alone.
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
