"""The shape of a challenge: what is asked, how it is judged, how it is written. Pure data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

Split = Literal["train", "validation", "test"]
FormatId = Literal[
    "unit-txt", "units", "rows", "mtl", "lsd", "eri-csv", "emi-csv", "ah-frames", "ah-split", "ah-trial", "vd-csv"
]


@dataclass(frozen=True, slots=True)
class Continuous:
    """Real values in a range: valence and arousal, emotion intensities."""

    name: str
    columns: tuple[str, ...]
    low: float
    high: float
    sentinel: float | None


@dataclass(frozen=True, slots=True)
class Categorical:
    """One class of several; the index in `classes` is the number in the file."""

    name: str
    classes: tuple[str, ...]
    sentinel: int | None


@dataclass(frozen=True, slots=True)
class MultiLabel:
    """Several labels, each 0 or 1."""

    name: str
    columns: tuple[str, ...]
    sentinel: int | None


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
    """Units (videos, persons in videos, images) and rows of a split; None where unknown."""

    units: int | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """A figure the organisers published for their own system; never a field to test scores against."""

    split: str
    score: float
    detail: str
    source: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """One track of one edition, frozen: a correction is a new id, never an edit.

    `sources` says for every other field where it comes from: a source written out in full, or text that begins with
    `assumed`.
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
    submissions: int | None
    channel: str | None
    rules: tuple[str, ...]
    baselines: tuple[Baseline, ...]
    sources: Mapping[str, str]

    def task(self, name: str) -> Task:
        """The task of this name. Raises: KeyError."""
        return next(task for task in self.tasks if task.name == name)

    @property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the record as canonical JSON."""
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, object]:
        """Every field, tasks with their kind."""
        record = asdict(self)
        record["tasks"] = [{"kind": type(task).__name__, **asdict(task)} for task in self.tasks]
        return record


def assumed_fields(challenge: Challenge) -> tuple[str, ...]:
    """Names of the fields whose source is lacking."""
    return tuple(name for name, source in challenge.sources.items() if source.startswith("assumed"))
