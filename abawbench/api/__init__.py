"""The public functions of the package: the scoring verbs for paths, DataFrames and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench import formats
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge, get
from abawbench.fill import MOST_FILLED, Policy
from abawbench.formats.group_file import read_group_file
from abawbench.inference import is_ensemble, is_store
from abawbench.scoring import Score, pair
from abawbench.scoring import score as score_tables
from abawbench.scoring.comparison import compare as compare_tables
from abawbench.scoring.difference import Difference, difference
from abawbench.scoring.fairness import LEAST
from abawbench.scoring.fairness import fairness as compare_groups
from abawbench.scoring.intervals import RESAMPLES, Resampling
from abawbench.scoring.row_groups import match_groups
from abawbench.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from abawbench.formats.columns import Role
    from abawbench.formats.pack import Manifest
    from abawbench.formats.write import Written
    from abawbench.records import TunedUse
    from abawbench.tuning.use import TunedFile

    Tuning = str | Path | TunedFile | None
    Source = str | Path | Table | pd.DataFrame


def read_table(challenge: Challenge, source: Source, role: Role) -> Table:
    """Read rows from a file, a folder, a prediction store or a DataFrame; a Table is returned as it is.

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
        return formats.read_truth(challenge, path) if role == "truth" else formats.read_predictions(challenge, path)
    from abawbench.formats.dataframe import from_frame

    return from_frame(challenge, source, role)


def read_pair(challenge: Challenge, truth: Path, prediction: Path) -> tuple[Table, Table]:
    """Read truth and prediction from paths. Raises: ProblemError, every problem of both."""
    if is_store(prediction):
        known = read_table(challenge, truth, "truth")
        return known, read_table(challenge, prediction, "prediction")
    return formats.read_both(challenge, truth, prediction)


def read_predictions(
    challenge: Challenge, source: Source, tuned: Tuning, truth: Table | None = None
) -> tuple[Table, TunedUse | None]:
    """Read predictions, with tuned values where a file of them is given.

    Args:
        challenge: the challenge.
        source: a file, a folder, a prediction store or a DataFrame; with tuned values the path of a store.
        tuned: the file of tuned values.
        truth: the truth to score against; a note of the table then says whether the values were fitted on it.

    Returns:
        The predictions; and how tuned values, or fitted weights of an ensemble, were used, where there are some and a
        truth.

    Raises:
        ProblemError: every problem of the source, of the file, and where the two do not fit each other.
    """
    is_path = isinstance(source, str | Path)
    if tuned is None and not (is_path and is_ensemble(Path(source))):
        return read_table(challenge, source, "prediction"), None
    from abawbench.tuning.use import TunedFile, read_tuned_predictions

    if not is_path:
        fix = "give the path of the store"
        raise ProblemError(Problem("C02", "tuned values for a table", "a store of `abawbench predict`", fix))
    file = TunedFile(Path(tuned)) if isinstance(tuned, str | Path) else tuned
    return read_tuned_predictions(challenge, Path(source), file, truth)


def read(challenge: str, source: Source, *, role: Role = "truth") -> pd.DataFrame:
    """Read annotations (`role="truth"`) or predictions (`role="prediction"`) into a DataFrame.

    Args:
        challenge: id of the challenge, as `abaw4-mtl`.
        source: a file or folder in one of the challenge's formats.
        role: kind of rows; sentinels become missing values.

    Returns:
        A DataFrame with the columns `video` and `frame` and those of the challenge.

    Raises:
        ProblemError: every problem of the source.
    """
    from abawbench.formats.dataframe import to_frame

    rules = get(challenge)
    return to_frame(rules, read_table(rules, source, role))


def score(
    challenge: str,
    truth: Source,
    prediction: Source,
    *,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resamples: int = RESAMPLES,
    seed: int = 0,
    subjects: Mapping[str, str] | None = None,
    split: str | None = None,
    tuned: Tuning = None,
) -> Score:
    """Score predictions as the challenge does, with intervals.

    Args:
        challenge: id of the challenge, as `abaw4-mtl`.
        truth: annotations: a file, a folder or a DataFrame.
        prediction: predictions: a file, a folder, a prediction store or a DataFrame.
        missing: fill policy for annotated rows that have no prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resamples: number of bootstrap resamples.
        seed: seed of the resampling.
        subjects: subject of each video; with it the intervals resample subjects instead of videos.
        split: split of the truth, whose size the challenge knows; by default the one that fits, or all.
        tuned: file of tuned values for a prediction store; a `TunedFile` also says how it is used.

    Raises:
        ProblemError: every problem of the inputs.
    """
    rules = get(challenge)
    known = read_table(rules, truth, "truth")
    return score_tables(
        rules,
        known,
        read_predictions(rules, prediction, tuned, known)[0],
        missing=missing,
        allow_filled=allow_filled,
        resampling=Resampling(resamples, seed, subjects),
        split=split,
    )


def diff(
    challenge: str,
    truth: Source,
    first: Source,
    second: Source,
    *,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resamples: int = RESAMPLES,
    seed: int = 0,
    tuned: tuple[Tuning, Tuning] = (None, None),
) -> Difference:
    """Compare two predictions: the first score minus the second, with an interval and a permutation test by video.

    The keys of the result are listed in `abawbench.scoring.difference.difference`; options are as for `score`, and
    `tuned` is a file of tuned values for each of the two.

    Raises:
        ProblemError: every problem of the inputs.
    """
    rules = get(challenge)
    known = read_table(rules, truth, "truth")
    sources = zip((first, second), tuned, strict=True)
    tables = [read_predictions(rules, source, values, known)[0] for source, values in sources]
    return difference(
        rules,
        known,
        tables[0],
        tables[1],
        missing=missing,
        allow_filled=allow_filled,
        resampling=Resampling(resamples, seed),
    )


def compare(
    challenge: str,
    truth: Source,
    predictions: Mapping[str, Source],
    *,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resamples: int = RESAMPLES,
    seed: int = 0,
    subjects: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Rank several predictions by name, and test every pair of them with one error rate for all.

    The keys of the result are listed in `abawbench.scoring.comparison.compare`; options are as for `score`.

    Raises:
        ProblemError: every problem of the inputs.
    """
    rules = get(challenge)
    known = read_table(rules, truth, "truth")
    return compare_tables(
        rules,
        known,
        [(name, read_table(rules, source, "prediction")) for name, source in predictions.items()],
        missing=missing,
        allow_filled=allow_filled,
        resampling=Resampling(resamples, seed, subjects),
    )


def fairness(
    challenge: str,
    truth: Source,
    prediction: Source,
    groups: str | Path,
    *,
    least: int = LEAST,
    intersections: Sequence[tuple[str, str]] = (),
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resamples: int = RESAMPLES,
    seed: int = 0,
    subjects: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Compare groups of people by the figures of a challenge, with gaps, parity, intervals and a test by chance.

    The keys of the result are listed in `abawbench.scoring.fairness.fairness`; further options are as for `score`.

    Args:
        challenge: id of the challenge.
        truth: annotations: a file, a folder or a DataFrame.
        prediction: predictions: a file, a folder, a prediction store or a DataFrame.
        groups: CSV with the name of each video, person or row, and a column for each attribute.
        least: smallest number of videos (or subjects) of a group that is shown.
        intersections: pairs of attributes whose combinations are groups too.
        missing: fill policy for annotated rows that have no prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resamples: number of bootstrap resamples.
        seed: seed of the resampling.
        subjects: subject of each video; with it the intervals resample subjects instead of videos.

    Raises:
        ProblemError: every problem of the inputs.
    """
    rules = get(challenge)
    known = read_table(rules, truth, "truth")
    table = read_table(rules, prediction, "prediction")
    paired = pair(rules, known, table, missing=missing, allow_filled=allow_filled)
    found = match_groups(read_group_file(Path(groups)), paired.truth, subjects, intersections)
    return compare_groups(rules, paired, found, least=least, resampling=Resampling(resamples, seed, subjects))


def check(challenge: str, prediction: str | Path, *, template: str | Path | None = None) -> tuple[Problem, ...]:
    """List every problem for which the organisers would reject a file; notes (rule ids N...) do not reject it."""
    from abawbench.formats.check import check as check_file

    return check_file(get(challenge), Path(prediction), None if template is None else Path(template))


def write(
    challenge: str,
    prediction: Source,
    out: str | Path,
    *,
    template: str | Path,
    fill: Policy = "error",
    allow_filled: float = MOST_FILLED,
    tuned: Tuning = None,
) -> Written:
    """Write predictions as the challenge's file, with the rows and the order of the organisers' list.

    Args:
        challenge: id of the challenge.
        prediction: predictions: a file, a folder, a prediction store or a DataFrame.
        out: the file or folder to write.
        template: the organisers' list of rows.
        fill: fill policy for rows of the list that have no prediction.
        allow_filled: greatest share of filled rows, from 0 to 1.
        tuned: file of tuned values for a prediction store, as for `score`.

    Raises:
        ProblemError: every problem of the inputs; then nothing is written.
    """
    from abawbench.formats.write import write_predictions

    rules = get(challenge)
    table, _ = read_predictions(rules, prediction, tuned)
    return write_predictions(rules, table, Path(template), Path(out), fill, allow_filled)


def pack(
    challenge: str, trials: Sequence[str | Path], out: str | Path, *, template: str | Path | None = None
) -> Manifest:
    """Pack checked trials into a zip, with a manifest of hashes beside it; the same input gives the same bytes.

    Raises:
        ProblemError: a trial would be rejected; then nothing is written.
    """
    from abawbench.formats.pack import pack as pack_trials

    paths = [Path(trial) for trial in trials]
    return pack_trials(get(challenge), paths, Path(out), None if template is None else Path(template))
