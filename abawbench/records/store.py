"""Making, writing and reading records."""

from __future__ import annotations

import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.base.files import read_input, write_text
from abawbench.base.hashes import sha256_of
from abawbench.base.installed import VERSION
from abawbench.base.json_text import parse_json
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.base.toml_text import parse_toml
from abawbench.challenges import find
from abawbench.challenges.split_sizes import NO_COUNTS
from abawbench.fill import Policy
from abawbench.records.model import SCHEMA, Disclosure, Record, TunedUse, canonical, disclosure_from, parse

if TYPE_CHECKING:
    from abawbench.scoring import Score
    from abawbench.scoring.statistics import Statistics


@dataclass(frozen=True, slots=True)
class Provenance:
    """The origin of a score, which the scorer cannot know.

    Attributes:
        entry: name of the entry, as `<year>_<team>_<method>`: lower case, digits, `.`, `_`, `-`.
        split: split that was scored: train, validation or test.
        dataset: name of the data that the truth annotates.
        date: `YYYY-MM-DD`; it is no clock's, so that the same input makes the same bytes.
        truth_sha256: hash of the truth, see `base.hashes.sha256_of`.
        prediction_sha256: hash of the prediction.
        disclosure: facts that a reader needs to judge the score.
    """

    entry: str
    split: str
    dataset: str
    date: str
    truth_sha256: str
    prediction_sha256: str
    disclosure: Disclosure


def read_provenance(path: Path, truth: Path, prediction: Path) -> Provenance:
    """Read the disclosure file of a score, and hash the truth and the prediction.

    Args:
        path: a TOML file with entry, split, dataset, date and a table `disclosure`.
        truth: the file or folder that was scored against.
        prediction: the file or folder that was scored.

    Raises:
        ProblemError: F01 not readable; R01 no TOML, or every field that is missing, unknown or wrong.
    """
    try:
        content = parse_toml(read_input(path))
    except OSError as error:
        raise unreadable(path, error, "a readable file") from error
    except ValueError as error:
        raise ProblemError(Problem("R01", str(error), "a TOML file", "correct the line", str(path))) from error
    fields = ("entry", "split", "dataset", "date")
    missing = [name for name in (*fields, "disclosure") if name not in content]
    if missing:
        found, expected = f"no {', '.join(missing)}", f"{', '.join(fields)} and a table [disclosure]"
        raise ProblemError(Problem("R01", found, expected, "see docs/records.md", str(path)))
    return Provenance(
        entry=str(content["entry"]),
        split=str(content["split"]),
        dataset=str(content["dataset"]),
        date=str(content["date"]),
        truth_sha256=sha256_of(truth),
        prediction_sha256=sha256_of(prediction),
        disclosure=disclosure_from(content["disclosure"], str(path)),
    )


def make(score: Score, provenance: Provenance, missing: Policy = "error", tuned: TunedUse | None = None) -> Record:
    """Make the record of a score.

    Args:
        score: the score with its statistics.
        provenance: origin of the score.
        missing: the fill policy that the score was made with.
        tuned: the tuned values of the prediction; None where none were used.

    Raises:
        ProblemError: R01, every field that does not fit.
    """
    import numpy as np

    if tuned is not None and provenance.disclosure.thresholds_from == "none":
        fix = 'say it, as thresholds_from = "abawbench tune on the validation set"'
        raise ProblemError(Problem("R01", 'thresholds_from "none"', "the source of the tuned values", fix))

    fields = score.to_json()
    fields |= {
        "schema_version": SCHEMA,
        "rows": {
            **{name: score.rows[name] for name in ("truth", "predicted", "valid")},
            "units": score.counts.units,
            "labelled": score.counts.labelled,
        },
        "official": dict(score.official.get(provenance.split, NO_COUNTS)),
        "entry": provenance.entry,
        "split": provenance.split,
        "dataset": provenance.dataset,
        "flags": list(score.flags),
        "fill": {"policy": missing, "rows": dict(score.filled)},
        "statistics": {
            "groups": list(score.statistics.groups),
            "tasks": {task: _numbers(array) for task, array in score.statistics.tasks.items()},
            "pilots": {task: array.tolist() for task, array in score.statistics.pilots.items()},
        },
        "truth_sha256": provenance.truth_sha256,
        "prediction_sha256": provenance.prediction_sha256,
        "versions": {"abawbench": VERSION, "numpy": np.__version__, "python": platform.python_version()},
        "date": provenance.date,
        "disclosure": provenance.disclosure.model_dump(mode="json"),
        **({} if tuned is None else {"tuned": tuned.model_dump(mode="json")}),
    }
    return parse(canonical(fields).encode(), None)


def write(record: Record, root: Path) -> Path:
    """Write a record to its path below `root`, whole or not at all, and return the path."""
    path = root / record.place
    write_text(path, record.to_text())
    return path


def read(path: Path) -> Record:
    """Read a record from its file.

    Raises:
        ProblemError: F01 not readable; R01 every field that is missing, unknown or wrong; R02 the definition of the
            challenge has changed since.
    """
    try:
        data = read_input(path)
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        record = parse(data, str(path))
    except ProblemError:
        # a record of an earlier definition may also have other fields
        _check_definition(*_definition_in(data), path)
        raise
    _check_definition(record.challenge, record.fingerprint, path)
    return record


def _definition_in(data: bytes) -> tuple[object, object]:
    """Challenge and fingerprint in a text that need not be a record; None where there are none."""
    with suppress(ValueError):
        content = parse_json(data)
        if isinstance(content, dict):
            return content.get("challenge"), content.get("fingerprint")
    return None, None


def _check_definition(name: object, fingerprint: object, path: Path) -> None:
    """Raises: ProblemError R02, a challenge and its fingerprint are named, and are not those of today."""
    if not isinstance(name, str) or not isinstance(fingerprint, str):
        return
    challenge = find(name)
    if challenge is None or challenge.fingerprint != fingerprint:
        today = "no such challenge" if challenge is None else challenge.fingerprint
        found = f"{name} with fingerprint {fingerprint}"
        expected = f"the definition of today ({today})"
        fix = "score the files again and write a new record"
        if challenge is None:
            fix = "keep its file in challenges/, or in a folder that ABAWBENCH_CHALLENGES lists"
        raise ProblemError(Problem("R02", found, expected, fix, str(path)))


def statistics_of(record: Record) -> Statistics:
    """The statistics that the record was made from, to the last bit."""
    import numpy as np

    from abawbench.scoring.statistics import Statistics

    return Statistics(
        tuple(record.statistics.groups),
        {task: np.array(cube, np.float64) for task, cube in record.statistics.tasks.items()},
        {task: np.array(pilots, np.float64) for task, pilots in record.statistics.pilots.items()},
    )


def _numbers(array: Any) -> Any:
    whole = bool((array == array.round()).all()) and not (abs(array) >= 2.0**53).any()
    return array.astype("int64").tolist() if whole else array.tolist()
