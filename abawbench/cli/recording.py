"""A score into a record: what the scorer knows, and what only its maker can say."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.base.hashes import sha256_of
from abawbench.base.problems import Problem, ProblemError, unreadable

if TYPE_CHECKING:
    from abawbench.fill import Policy
    from abawbench.scoring import Score

FIELDS = ("entry", "split", "dataset", "date")


def write_record(score: Score, truth: Path, prediction: Path, *, missing: Policy, disclosure: Path, root: Path) -> Path:
    """Write the record of a score below `root`; returns its path.

    Args:
        score: of the two files.
        truth: what was scored against.
        prediction: what was scored.
        missing: the fill policy.
        disclosure: a TOML file with entry, split, dataset, date and a table `disclosure`.
        root: folder of records.

    Raises:
        ProblemError: F01 or R01 for the disclosure file.
    """
    from abawbench import records

    said = _read(disclosure)
    missing_fields = [name for name in (*FIELDS, "disclosure") if name not in said]
    if missing_fields:
        raise ProblemError(
            Problem(
                "R01",
                f"no {', '.join(missing_fields)}",
                f"{', '.join(FIELDS)} and a table [disclosure]",
                "see docs/records.md",
                str(disclosure),
            )
        )
    record = records.make(
        score,
        **{name: str(said[name]) for name in ("entry", "dataset", "date")},
        split=said["split"],
        truth_sha256=sha256_of(truth),
        prediction_sha256=sha256_of(prediction),
        disclosure=records.disclosure_from(said["disclosure"], str(disclosure)),
        missing=missing,
    )
    return records.write(record, root)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error, "a readable file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProblemError(Problem("R01", str(error), "a TOML file", "correct the line", str(path))) from error
