"""The data model of a record: strings and numbers only, validated when text is read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    model_serializer,
    model_validator,
)

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges.split_sizes import Counts
from abawbench.fill import Policy

SCHEMA = 2
Split = Literal["train", "validation", "test"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^\S(.*\S)?$")]
Count = Annotated[int, Field(ge=0, le=10**12)]
Figure = float | None
Whole = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
# by video, then the task's own two axes; whole numbers where the statistics are counts
Cube = list[list[list[Whole | float]]]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Interval(_Part):
    """The intervals of one figure, each [low, high] or null; a record of before it was made has no jackknife."""

    percentile: tuple[float, float] | None
    bca: tuple[float, float] | None
    jackknife: tuple[float, float] | None = None


class Intervals(_Part):
    """The intervals of every figure, as `scoring.intervals.intervals` makes them."""

    resamples: Count
    seed: int
    level: float
    unit: Literal["video", "subject"]
    clusters: Count
    warning: str | None
    score: Interval
    terms: dict[str, Interval] = {}
    metrics: dict[str, Interval | dict[str, Interval]]


class Rows(_Part):
    """The size of what was scored.

    Attributes:
        units: number of videos of the truth, or of persons in videos.
        truth: number of rows of the truth.
        labelled: number of rows that are annotated for at least one task.
        predicted: number of rows with a prediction that was not filled in.
        valid: by task, number of rows that count.
    """

    units: Count
    truth: Count
    labelled: Count
    predicted: Count
    valid: dict[str, Count]


class OfficialSize(_Part):
    """The counts of the split by the challenge, each a list of possible numbers; empty where the challenge has none."""

    units: list[Count]
    rows: list[Count]
    labelled: list[Count]
    valid: dict[str, list[Count]]


class Fill(_Part):
    """The policy for rows without a prediction, and the number of rows that each policy filled."""

    policy: Policy
    rows: dict[str, Count]


class GroupStatistics(_Part):
    """Additive statistics by video, or by subject where `intervals.unit` says so.

    Attributes:
        groups: names of the groups, those without a valid row included.
        tasks: by task, one two-dimensional array for each group; see `scoring.statistics.Statistics`.
        pilots: by real-valued task, the values that truth and prediction of each column were centred by.
    """

    groups: list[str]
    tasks: dict[str, Cube]
    pilots: dict[str, list[list[float]]]


class Cost(_Part):
    """What an entry costs, as far as it was counted or measured.

    Attributes:
        parameters: number of weights of all its networks.
        frames_per_second: frames that it answers in a second, with everything that reads and prepares them.
        machine: what the frames were timed on.
    """

    parameters: Annotated[int, Field(ge=1, le=10**15)] | None = None
    frames_per_second: Annotated[float, Field(gt=0)] | None = None
    machine: Text | None = None

    @model_validator(mode="after")
    def _timed_somewhere(self) -> Self:
        if self.frames_per_second is not None and self.machine is None:
            raise ValueError("frames_per_second needs a machine")
        return self


class Disclosure(_Part):
    """Facts that a reader needs to judge a score; nothing but the cost has a default.

    Attributes:
        trained_on: names of data sets, or of videos where known; empty for an entry that learnt nothing.
        validation_used_for: decisions that the validation labels made, as `early stopping`, or `nothing`.
        thresholds_from: source of thresholds, windows and weights of an ensemble, or `none`.
        trials: number of predictions scored on this split before this one was chosen, itself included.
        crops: origin of the face crops, as `organisers' cropped_aligned`.
        licence: licence of code and weights.
        synthetic_truth: True if the truth is generated, not annotated.
        note: any other remark; may be empty.
        cost: what the entry costs; a record without it says nothing about it.
    """

    trained_on: list[Text]
    validation_used_for: Text
    thresholds_from: Text
    trials: Annotated[int, Field(ge=1)]
    crops: Text
    licence: Text
    synthetic_truth: bool
    note: str
    cost: Cost | None = None

    @model_serializer(mode="wrap")
    def _said(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The fields, without a cost where there is none: older records keep their text."""
        fields = dump(self)
        return fields if self.cost is not None else {name: value for name, value in fields.items() if name != "cost"}


class CrossFitted(_Part):
    """A figure with values that were fitted on other videos each time, and its interval."""

    value: float
    interval: tuple[float, float] | None = None


class TunedUse(_Part):
    """The file of tuned values that made a prediction.

    Attributes:
        sha256: hash of the file.
        steps: kinds of steps that were applied, as `smoothing`.
        overlap: whether all, some or none of the scored videos are among those that the values were fitted on; a score
            is in-sample unless it is none.
        cross_fitted: by the path of a figure, as `score` or `terms.va`, what the values are worth on videos that they
            were not fitted on; empty unless truth and predictions are those that they were fitted on.
    """

    sha256: Sha256
    steps: list[Text]
    overlap: Literal["all", "some", "none"]
    cross_fitted: dict[str, CrossFitted]

    @property
    def is_in_sample(self) -> bool:
        """True if scored videos are among those that the values were fitted on."""
        return self.overlap != "none"


class Versions(_Part):
    """Versions of the software that made the score."""

    abawbench: Text
    numpy: Text
    python: Text


class Record(_Part):
    """One score of one entry on one split of one challenge.

    Attributes:
        schema_version: version of this data model.
        challenge: id of the challenge.
        fingerprint: fingerprint of the challenge's definition.
        entry: name of the entry, as `<year>_<team>_<method>`.
        split: split that was scored.
        dataset: name of the data that the truth annotates: the challenge's own, or others in its format.
        score: the official total, null where undefined.
        terms: parts of the total, by task.
        metrics: figures by name; those of classes, units and emotions are one level down.
        rows: numbers of rows and units of the truth and the prediction.
        official: counts of the split by the challenge; a truth of another size is other data.
        intervals: intervals of score, terms and metrics.
        flags: remarks of the scorer.
        fill: policy and counts for rows without prediction.
        statistics: additive statistics by video.
        truth_sha256: hash of the truth's file or folder.
        prediction_sha256: hash of the prediction's file or folder.
        versions: versions of the software.
        date: date that the disclosure file states.
        disclosure: facts that a reader needs to judge the score.
        tuned: the tuned values of the prediction; None where none were used.
    """

    schema_version: Literal[2]
    challenge: Name
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    entry: Name
    split: Split
    dataset: Text
    score: Figure
    terms: dict[str, Figure]
    metrics: dict[str, Figure | dict[str, Figure]]
    rows: Rows
    official: OfficialSize
    intervals: Intervals
    flags: list[str]
    fill: Fill
    statistics: GroupStatistics
    truth_sha256: Sha256
    prediction_sha256: Sha256
    versions: Versions
    date: date
    disclosure: Disclosure
    tuned: TunedUse | None = None

    @property
    def counts(self) -> Counts:
        """The size of the truth."""
        return Counts(self.rows.units, self.rows.truth, self.rows.labelled, self.rows.valid)

    @property
    def place(self) -> str:
        """The record's path below the folder of records."""
        return f"{self.challenge}/{self.entry}.{self.split}.json"

    def to_text(self) -> str:
        """The file's text: keys sorted, indented by one, a row of numbers on one line, floats by repr."""
        # what a record of before some field did not have, its text has not either
        return canonical(self.model_dump(mode="json", exclude_unset=True)) + "\n"


def disclosure_from(fields: Mapping[str, Any], file: str) -> Disclosure:
    """Make a disclosure from the fields of a file.

    Raises:
        ProblemError: R01, every field that is missing, unknown or wrong.
    """
    try:
        return Disclosure.model_validate(fields)
    except ValidationError as error:
        raise ProblemError(*_faults(error, file)) from error


def parse(data: bytes, file: str | None) -> Record:
    """Parse a record. Raises: ProblemError R01, every field that is missing, unknown or wrong."""
    try:
        return Record.model_validate_json(data)
    except ValidationError as error:
        raise ProblemError(*_faults(error, file)) from error


def _faults(error: ValidationError, file: str | None) -> Iterator[Problem]:
    reported: set[str] = set()
    for fault in error.errors(include_url=False):
        # a fault of the statistics is reported once for each task, not once for each number
        depth = 3 if fault["loc"][:1] == ("statistics",) else len(fault["loc"])
        place = ".".join(str(part) for part in fault["loc"][:depth]) or "the file"
        if place not in reported:
            reported.add(place)
            given = "" if fault["type"] == "missing" else f": {_shortened(fault['input'])}"
            yield Problem("R01", f"{place}{given}", fault["msg"], "score the files again, or mend the field", file)


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def canonical(value: Any, depth: int = 0) -> str:
    """A value as JSON: keys sorted, indented by one, a row of numbers on one line, floats by repr."""
    pad, outer = " " * (depth + 1), " " * depth
    if isinstance(value, dict) and value:
        lines = [f"{pad}{_scalar(key)}: {canonical(value[key], depth + 1)}" for key in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    if isinstance(value, list | tuple):
        if any(isinstance(item, dict | list | tuple) for item in value):
            return "[\n" + ",\n".join(f"{pad}{canonical(item, depth + 1)}" for item in value) + f"\n{outer}]"
        return "[" + ", ".join(map(_scalar, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
