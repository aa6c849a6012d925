"""Records made, written, read and hashed."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.base.files import write_text
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.base.version import VERSION
from abawbench.challenges import CHALLENGES
from abawbench.fill import Policy
from abawbench.records.model import SCHEMA, Disclosure, Record, Split, canonical, parse

if TYPE_CHECKING:
    from abawbench.scoring import Score
    from abawbench.scoring.statistics import Statistics


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
        truth_sha256: see `base.hashes.sha256_of`.
        prediction_sha256: see `base.hashes.sha256_of`.
        disclosure: what the entry was made from.
        missing: the policy that the score was made with.

    Raises:
        ProblemError: R01, every field that does not fit.
    """
    import numpy as np

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
        "versions": {"abawbench": VERSION, "numpy": np.__version__, "python": platform.python_version()},
        "date": date,
        "disclosure": disclosure.model_dump(mode="json"),
    }
    return parse(canonical(fields).encode(), None)


def write(record: Record, root: Path) -> Path:
    """Write a record to its place below `root`, whole or not at all; returns the path."""
    path = root / record.place
    write_text(path, record.to_text())
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
        raise unreadable(path, error) from error
    record = parse(data, str(path))
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
