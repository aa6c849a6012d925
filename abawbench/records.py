"""Score and provenance to and from one JSON file: what a leaderboard row rests on.

A record knows strings and numbers only. Its statistics by video are enough for the score, the intervals and a paired
test, without the files that it was made from.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from abawbench.challenges import CHALLENGES, Categorical, Continuous, Task
from abawbench.errors import Problem, ProblemError
from abawbench.fill import Policy

if TYPE_CHECKING:
    from abawbench.scoring import Score
    from abawbench.scoring.statistics import Statistics

SCHEMA = 1
# sums over videos may be taken in another order on another machine
TOLERANCE = 1e-12
BLOCK_BYTES = 1 << 20

Split = Literal["train", "validation", "test"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^\S(.*\S)?$")]
Count = Annotated[int, Field(ge=0)]
Figure = float | None
# by video, then the task's own two axes; whole numbers where the statistics are counts
Cube = list[list[list[int | float]]]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Interval(_Part):
    """Two intervals of one figure, each [low, high] or null."""

    percentile: tuple[float, float] | None
    bca: tuple[float, float] | None


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
    """How many rows the truth has, how many were predicted, and how many count for each task."""

    truth: Count
    predicted: Count
    valid: dict[str, Count]


class Fill(_Part):
    """What rows without prediction got, and how many rows each policy filled."""

    policy: Policy
    rows: dict[str, Count]


class GroupStatistics(_Part):
    """Additive statistics by video, or by subject where `intervals.unit` says so.

    Attributes:
        groups: names, those without a valid row included.
        tasks: by task, one two-dimensional array for each group; see `scoring.statistics.Statistics`.
        pilots: by continuous task, the values that truth and prediction of each column were centred by.
    """

    groups: list[str]
    tasks: dict[str, Cube]
    pilots: dict[str, list[list[float]]]


class Disclosure(_Part):
    """What a reader must know to judge a score; nothing has a default.

    Attributes:
        trained_on: names of data sets, or of videos where known; empty for an entry that learnt nothing.
        validation_used_for: what the validation labels decided, as `early stopping`, or `nothing`.
        thresholds_from: where thresholds, windows and weights of an ensemble come from, or `none`.
        trials: predictions scored on this split before this one was chosen, itself included.
        crops: whose face crops, as `organisers' cropped_aligned`.
        licence: of code and weights.
        synthetic_truth: True where the truth is generated, not annotated.
        note: anything else; may be empty.
    """

    trained_on: list[Text]
    validation_used_for: Text
    thresholds_from: Text
    trials: Annotated[int, Field(ge=1)]
    crops: Text
    licence: Text
    synthetic_truth: bool
    note: str


class Versions(_Part):
    """What made the score."""

    abawbench: Text
    numpy: Text
    python: Text


class Record(_Part):
    """One score of one entry on one split of one challenge.

    Attributes:
        schema_version: of this shape.
        challenge: id.
        fingerprint: of the challenge's definition.
        entry: name, as `<year>_<team>_<method>`.
        split: which part of the data.
        dataset: whose annotations the truth holds; the challenge's own data, or others in its format.
        score: the official total, null where undefined.
        terms: by task.
        metrics: by name; classes, units and emotions one level down.
        rows: counts.
        intervals: of score, terms and metrics.
        flags: what the scorer remarked.
        fill: of rows without prediction.
        statistics: by video.
        truth_sha256: of the truth's file or folder.
        prediction_sha256: of the prediction's file or folder.
        versions: of the software.
        date: as the maker of the record gave it.
        disclosure: what the entry was made from.
    """

    schema_version: Literal[1]
    challenge: Name
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    entry: Name
    split: Split
    dataset: Text
    score: Figure
    terms: dict[str, Figure]
    metrics: dict[str, Figure | dict[str, Figure]]
    rows: Rows
    intervals: Intervals
    flags: list[str]
    fill: Fill
    statistics: GroupStatistics
    truth_sha256: Sha256
    prediction_sha256: Sha256
    versions: Versions
    date: date
    disclosure: Disclosure

    @property
    def place(self) -> str:
        """The record's path below the folder of records."""
        return f"{self.challenge}/{self.entry}.{self.split}.json"

    def to_text(self) -> str:
        """The file's text: keys sorted, indented by one, a row of numbers on one line, floats by repr."""
        return _canonical(self.model_dump(mode="json")) + "\n"


def make(
    score: Score,
    *,
    entry: str,
    split: Split,
    dataset: str,
    date: str,
    truth_sha256: str,
    prediction_sha256: str,
    disclosure: Disclosure,
    missing: Policy = "error",
) -> Record:
    """A record of a score.

    Args:
        score: with its statistics.
        entry: name, as `<year>_<team>_<method>`: lower case, digits, `.`, `_`, `-`.
        split: which part of the data.
        dataset: whose annotations the truth holds.
        date: `YYYY-MM-DD`, given so that the same input makes the same bytes.
        truth_sha256: see `sha256_of`.
        prediction_sha256: see `sha256_of`.
        disclosure: what the entry was made from.
        missing: the policy that the score was made with.

    Raises:
        ProblemError: R01, every field that does not fit.
    """
    import numpy as np

    from abawbench import __version__

    fields = score.to_json() | {
        "schema_version": SCHEMA,
        "entry": entry,
        "split": split,
        "dataset": dataset,
        "flags": list(score.flags),
        "fill": {"policy": missing, "rows": dict(score.filled)},
        "statistics": {
            "groups": list(score.statistics.groups),
            "tasks": {task: _numbers(array) for task, array in score.statistics.tasks.items()},
            "pilots": {task: array.tolist() for task, array in score.statistics.pilots.items()},
        },
        "truth_sha256": truth_sha256,
        "prediction_sha256": prediction_sha256,
        "versions": {"abawbench": __version__, "numpy": np.__version__, "python": platform.python_version()},
        "date": date,
        "disclosure": disclosure.model_dump(mode="json"),
    }
    return _parse(_canonical(fields).encode(), None)


def disclosure_from(fields: Mapping[str, Any], file: str) -> Disclosure:
    """A disclosure from the fields of a file.

    Raises:
        ProblemError: R01, every field that is missing, unknown or wrong.
    """
    try:
        return Disclosure.model_validate(fields)
    except ValidationError as error:
        raise ProblemError(*_faults(error, file)) from error


def write(record: Record, root: Path) -> Path:
    """Write a record to its place below `root`, whole or not at all; returns the path."""
    path = root / record.place
    replace_file(path, record.to_text())
    return path


def read(path: Path) -> Record:
    """A record from its file.

    Raises:
        ProblemError: F01 not readable; R01 every field that is missing, unknown or wrong; R02 the challenge's
            definition is another one today.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ProblemError(_unreadable(path, error)) from error
    record = _parse(data, str(path))
    challenge = CHALLENGES.get(record.challenge)
    if challenge is None or challenge.fingerprint != record.fingerprint:
        today = "no such challenge" if challenge is None else challenge.fingerprint
        raise ProblemError(
            Problem(
                "R02",
                f"{record.challenge} with fingerprint {record.fingerprint}",
                f"the definition of today ({today})",
                "score the files again and write a new record",
                str(path),
            )
        )
    return record


def check_tree(root: Path) -> tuple[Problem, ...]:
    """Every problem of every record below a folder.

    A record must be readable, lie where its content says, be laid out as `write` does it, and have the figures that its
    own statistics give, to 1e-12.
    """
    problems: list[Problem] = []
    for path in sorted(root.rglob("*.json")):
        try:
            record = read(path)
        except ProblemError as error:
            problems.extend(error.problems)
            continue
        problems.extend(
            Problem("R01", found, expected, "score the files again and write a new record", str(path))
            for found, expected in _disagreements(record, path, root)
        )
    return tuple(problems)


def statistics_of(record: Record) -> Statistics:
    """The statistics that the record was made from, to the last bit."""
    import numpy as np

    from abawbench.scoring.statistics import Statistics

    return Statistics(
        tuple(record.statistics.groups),
        {task: np.array(cube, np.float64) for task, cube in record.statistics.tasks.items()},
        {task: np.array(pilots, np.float64) for task, pilots in record.statistics.pilots.items()},
    )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, over the names and hashes of all files in it, sorted by name.

    Raises:
        ProblemError: F01, nothing there.
    """
    try:
        if not path.is_dir():
            return _sha256_of_file(path)
        digest = hashlib.sha256()
        names = sorted(member.relative_to(path).as_posix() for member in path.rglob("*") if member.is_file())
        for name in names:
            digest.update(f"{_sha256_of_file(path / name)} {name}\n".encode())
    except OSError as error:
        raise ProblemError(_unreadable(path, error)) from error
    return digest.hexdigest()


def replace_file(path: Path, text: str) -> None:
    """Write a text file whole or not at all: to a temporary name beside it, then over it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _sha256_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(
        "F01", error.strerror or "an error of the file system", "a readable file", "check the path", str(path)
    )


def _parse(data: bytes, file: str | None) -> Record:
    try:
        return Record.model_validate_json(data)
    except ValidationError as error:
        raise ProblemError(*_faults(error, file)) from error


def _faults(error: ValidationError, file: str | None) -> Iterator[Problem]:
    told: set[str] = set()
    for fault in error.errors(include_url=False):
        # a fault of the statistics is told once for each task, not once for each number
        depth = 3 if fault["loc"][:1] == ("statistics",) else len(fault["loc"])
        place = ".".join(str(part) for part in fault["loc"][:depth]) or "the file"
        if place not in told:
            told.add(place)
            given = "" if fault["type"] == "missing" else f": {_shortened(fault['input'])}"
            yield Problem("R01", f"{place}{given}", fault["msg"], "score the files again, or mend the field", file)


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _numbers(array: Any) -> Any:
    whole = bool((array == array.round()).all()) and not (abs(array) >= 2.0**53).any()
    return array.astype("int64").tolist() if whole else array.tolist()


def _canonical(value: Any, depth: int = 0) -> str:
    pad, outer = " " * (depth + 1), " " * depth
    if isinstance(value, dict) and value:
        lines = [f"{pad}{_scalar(key)}: {_canonical(value[key], depth + 1)}" for key in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    if isinstance(value, list | tuple):
        if any(isinstance(item, dict | list | tuple) for item in value):
            return "[\n" + ",\n".join(f"{pad}{_canonical(item, depth + 1)}" for item in value) + f"\n{outer}]"
        return "[" + ", ".join(map(_scalar, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _disagreements(record: Record, path: Path, root: Path) -> Iterator[tuple[str, str]]:
    """What is found and what was expected, for each way in which a readable record does not hold together."""
    place = path.relative_to(root).as_posix()
    if place != record.place:
        yield f"path {place}", f"the path that the content gives, {record.place}"
    if path.read_bytes() != record.to_text().encode():
        yield "text laid out by hand", "the text that `abawbench.records.write` writes"
    try:
        statistics = statistics_of(record)
    except ValueError:
        yield "statistics with rows of unequal length", "the same sums for every video"
        return
    tasks = CHALLENGES[record.challenge].tasks
    shapes = {task.name: (len(statistics.groups), *_axes(task)) for task in tasks}
    centred = {task.name: (len(task.columns), 2) for task in tasks if isinstance(task, Continuous)}
    for part, arrays, asked in (("tasks", statistics.tasks, shapes), ("pilots", statistics.pilots, centred)):
        given = {name: array.shape for name, array in arrays.items()}
        if given != asked:
            yield f"statistics.{part} of shape {given}", f"{asked}"
            return
    yield from _wrong_figures(record, statistics)


def _axes(task: Task) -> tuple[int, int]:
    if isinstance(task, Categorical):
        return len(task.classes), len(task.classes)
    return len(task.columns), 6 if isinstance(task, Continuous) else 4


def _wrong_figures(record: Record, statistics: Statistics) -> Iterator[tuple[str, str]]:
    from abawbench.scoring.criteria import evaluate, number
    from abawbench.scoring.statistics import rows_of

    challenge, total = CHALLENGES[record.challenge], statistics.total
    rows = {task.name: int(rows_of(task, total[task.name])) for task in challenge.tasks}
    if record.rows.valid != rows:
        yield f"rows.valid {record.rows.valid}", f"{rows}, by the record's statistics"
    figures = {path: number(value[()]) for path, value in evaluate(challenge, total, statistics.pilots).items()}
    stored = dict(_leaves({"score": record.score, "terms": record.terms, "metrics": record.metrics}))
    for path in dict.fromkeys([*figures, *stored]):
        given, made = stored.get(path), figures.get(path)
        if path not in stored or path not in figures or not _same(given, made):
            yield f"{'.'.join(path)} {given}", f"{made}, by the record's statistics"


def _leaves(tree: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Figure]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), value


def _same(given: Figure, made: Figure) -> bool:
    if given is None or made is None:
        return given is made
    return abs(given - made) <= TOLERANCE
