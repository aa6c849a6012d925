"""The library's front: every verb as a function that takes paths or DataFrames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from abawbench import formats as files
from abawbench.base.problems import Problem
from abawbench.challenges import Challenge, get
from abawbench.fill import Policy
from abawbench.inference import is_store
from abawbench.scoring import Score
from abawbench.scoring import score as score_tables
from abawbench.scoring.difference import difference
from abawbench.scoring.intervals import RESAMPLES
from abawbench.table import Table, align

if TYPE_CHECKING:
    import pandas as pd

    from abawbench.formats.columns import Role
    from abawbench.formats.pack import Manifest
    from abawbench.formats.write import Written

    Source = str | Path | Table | pd.DataFrame


def table(challenge: Challenge, source: Source, role: Role) -> Table:
    """Rows from a file, a folder, a store of predictions, a DataFrame or a Table.

    Raises:
        ProblemError: every problem of the source.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, str | Path):
        path = Path(source)
        if role == "prediction" and is_store(path):
            from abawbench.inference.store import read_store

            return read_store(challenge, path)
        return files.read_truth(challenge, path) if role == "truth" else files.read_predictions(challenge, path)
    from abawbench.formats.dataframe import from_frame

    return from_frame(challenge, source, role)


def both(challenge: Challenge, truth: Path, prediction: Path) -> tuple[Table, Table]:
    """Truth and prediction from files, folders or a store. Raises: ProblemError, every problem of both."""
    if is_store(prediction):
        known = table(challenge, truth, "truth")
        return known, against(challenge, known, prediction)
    return files.read_both(challenge, truth, prediction)


def against(challenge: Challenge, truth: Table, source: Source) -> Table:
    """A prediction to be held against a truth: all its rows, but of a store those that the truth has.

    A store holds what an entry said of every frame there was, a truth one split.

    Raises:
        ProblemError: every problem of the source.
    """
    prediction = table(challenge, source, "prediction")
    if not isinstance(source, str | Path) or not is_store(Path(source)):
        return prediction
    surplus = align(truth, prediction).surplus
    return prediction.take(np.setdiff1d(np.arange(len(prediction)), surplus)) if len(surplus) else prediction


def read(challenge: str, source: Source, *, role: Role = "truth") -> pd.DataFrame:
    """Annotations (`role="truth"`) or predictions (`role="prediction"`) as a DataFrame.

    Args:
        challenge: id, as `abaw4-mtl`.
        source: a file or folder of the challenge's formats.
        role: truth may hold sentinels, which become missing values; predictions may not.

    Returns:
        Columns video, frame, and the challenge's own.

    Raises:
        ProblemError: every problem of the source.
    """
    from abawbench.formats.dataframe import to_frame

    rules = get(challenge)
    return to_frame(rules, table(rules, source, role))


def score(
    challenge: str,
    truth: Source,
    prediction: Source,
    *,
    missing: Policy = "error",
    resamples: int = RESAMPLES,
    seed: int = 0,
    subjects: Mapping[str, str] | None = None,
) -> Score:
    """The official score with intervals.

    Args:
        challenge: id, as `abaw4-mtl`.
        truth: file, folder or DataFrame of annotations.
        prediction: file, folder or DataFrame of predictions.
        missing: fill policy for annotated rows without prediction.
        resamples: bootstrap resamples.
        seed: of the resampling.
        subjects: subject of each video; intervals then resample subjects.

    Raises:
        ProblemError: every problem of the inputs.
    """
    rules = get(challenge)
    known = table(rules, truth, "truth")
    return score_tables(
        rules,
        known,
        against(rules, known, prediction),
        missing=missing,
        resamples=resamples,
        seed=seed,
        subjects=subjects,
    )


def diff(
    challenge: str,
    truth: Source,
    first: Source,
    second: Source,
    *,
    missing: Policy = "error",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """The first prediction's score minus the second's, tested by video; see `scoring.difference.difference`.

    Raises:
        ProblemError: every problem of the inputs.
    """
    rules = get(challenge)
    known = table(rules, truth, "truth")
    tables = [against(rules, known, source) for source in (first, second)]
    return difference(rules, known, tables[0], tables[1], missing=missing, resamples=resamples, seed=seed)


def check(challenge: str, prediction: str | Path, *, template: str | Path | None = None) -> tuple[Problem, ...]:
    """What the organisers would object to; notes (rule ids N...) do not refuse a file."""
    from abawbench.formats.check import check as check_file

    return check_file(get(challenge), Path(prediction), None if template is None else Path(template))


def write(
    challenge: str, prediction: Source, out: str | Path, *, template: str | Path, fill: Policy = "error"
) -> Written:
    """Predictions as the challenge's file, rows and order from the organisers' list.

    Raises:
        ProblemError: every problem of the inputs; nothing is written then.
    """
    from abawbench.formats.write import write_predictions

    rules = get(challenge)
    return write_predictions(rules, table(rules, prediction, "prediction"), Path(template), Path(out), fill)


def pack(
    challenge: str, trials: Sequence[str | Path], out: str | Path, *, template: str | Path | None = None
) -> Manifest:
    """A zip of checked trials, byte-identical for identical input, with a manifest of hashes beside it.

    Raises:
        ProblemError: a trial would not be accepted; nothing is written then.
    """
    from abawbench.formats.pack import pack as pack_trials

    paths = [Path(trial) for trial in trials]
    return pack_trials(get(challenge), paths, Path(out), None if template is None else Path(template))
