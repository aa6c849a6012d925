"""Fill policies: rows without a prediction, and frames without a crop, get values of their neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from abawbench.base.problems import SHOWN, Problem, ProblemError, inert, near_names
from abawbench.table import Alignment, Floats, Integers, Mask, Rows, Table, Values, align

Policy = Literal["error", "previous", "nearest", "linear", "prior"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
# policies that copy the answers of one frame, or refuse: a row then has the same frame whatever becomes of the answers
COPYING: tuple[Policy, ...] = ("error", "previous", "nearest")
FramePolicy = Literal["none", "previous", "nearest", "linear"]
# rule that a row without values breaks, by the note of whoever read it
GAPS = {"N41": "T01", "N43": "V04"}
FRAME_POLICIES: tuple[FramePolicy, ...] = get_args(FramePolicy)
# share of filled rows above which there is a note, and above which they are refused unless the user allows more
MANY_FILLED, MOST_FILLED = 0.1, 0.5


@dataclass(frozen=True, slots=True)
class UnitAnswers:
    """How many rows of a unit are predicted, and how many a fill policy made."""

    unit: str
    own: int
    filled: int


@dataclass(frozen=True, slots=True)
class Answers:
    """How many rows are predicted, and how many a fill policy made.

    Attributes:
        own: number of predicted rows.
        filled: number of filled rows.
        policies: number of filled rows by policy.
        units: units with filled rows, those with the largest share first.
    """

    own: int
    filled: int
    policies: Mapping[str, int]
    units: tuple[UnitAnswers, ...]

    @property
    def share(self) -> float:
        """The share of filled rows, from 0 to 1."""
        return self.filled / max(self.own + self.filled, 1)

    def to_json(self) -> dict[str, Any]:
        """The counts as `--json` prints them, with the three units that have the largest share of filled rows."""
        worst = [asdict(unit) for unit in self.units[:SHOWN]]
        return {"own": self.own, "filled": self.filled, "policies": dict(self.policies), "worst_units": worst}

    def describe(self) -> str:
        """The counts in words, with the units that have the largest share of filled rows."""
        if not self.filled:
            return "no row filled"
        worst = ", ".join(
            f"{unit.filled:,} of {unit.own + unit.filled:,} in '{unit.unit}'" for unit in self.units[:SHOWN]
        )
        counted = f"{self.filled:,} of {self.own + self.filled:,} rows filled ({self.share:.1%})"
        by_policy = f", {describe(self.policies)}" if self.policies else ""
        return inert(f"{counted}{by_policy}; {worst}")


@dataclass(frozen=True, eq=False)
class _Neighbours:
    """The known rows before and after each row of the same video; a known row is its own neighbour.

    Attributes:
        exist: shape (rows,), True where the row's video has a known row.
        before: shape (rows,), index of the last known row up to this one, else of the next one.
        after: shape (rows,), index of the first known row from this one on, else of the last one.
        share: shape (rows,), position of the row between the two by frame numbers, from 0 to 1.
    """

    exist: Mask
    before: Rows
    after: Rows
    share: Floats

    def weight(self, policy: Policy | FramePolicy) -> Floats:
        """Weight of the row after under a policy, shape (rows,): 0 or 1 unless the policy interpolates."""
        match policy:
            case "previous":
                return np.zeros_like(self.share)
            case "linear":
                return self.share
            case _:
                # of two equally close rows the earlier one counts
                return np.where(self.share > 0.5, 1.0, 0.0)


def fill(
    prediction: Table,
    wanted: Table,
    policy: Policy,
    needed: Mapping[str, Mask] | None = None,
    *,
    alignment: Alignment | None = None,
    option: str = "fill",
) -> tuple[Table, dict[str, int]]:
    """Make predictions for exactly the rows of `wanted`, in their order.

    - `previous` takes the last predicted frame of the video, else the next one;
    - `nearest` takes the closer one, the earlier of two equally close;
    - `linear` interpolates numbers between both neighbours, and takes the nearest class or label;
    - `prior` takes the mean of all predicted numbers, the most frequent class, the majority of each label;
    - `error` fills nothing.

    A row without a value of a task has no prediction of that task. A video without any prediction gets the prior under
    every policy.

    Args:
        prediction: the predicted rows.
        wanted: the rows to return; only their keys are used.
        policy: one of `POLICIES`.
        needed: by task, mask of the rows of `wanted` that need a value; None for all. Other rows are not filled.
        alignment: how the rows of both meet, if it is known.
        option: name of the caller's option for the policy, for messages.

    Returns:
        The table of `wanted`'s rows with the mask `filled`, and the number of rows that each policy filled.

    Raises:
        ProblemError: C02 an unknown policy; with policy `error` T01 rows that have no prediction, V04 rows of
            sentinels, V01 rows of NaN; F02 when there is no prediction at all.
    """
    _check(policy, POLICIES)
    rows = (align(wanted, prediction) if alignment is None else alignment).rows
    missing = rows < 0
    lacking = prediction.unanswered()
    gaps = {task: missing | lacking[task][rows] if task in lacking else missing for task in prediction.values}
    holes = gaps if needed is None else {task: gaps[task] & mask for task, mask in needed.items()}
    hole = np.logical_or.reduce(list(holes.values())) if holes else missing
    total = int(hole.sum())
    if total and policy == "error":
        raise ProblemError(*_missing_problems(prediction, wanted, hole, missing, option))
    if not len(prediction):
        raise ProblemError(Problem("F02", "no prediction at all", "rows", "predict something", prediction.source))
    taken = prediction.take(np.where(missing, 0, rows))
    values = {task: array.copy() for task, array in taken.values.items()}
    probability = None if taken.probability is None else taken.probability.copy()
    by_prior = np.zeros(len(wanted), bool)
    around_missing = _neighbours(wanted.video, wanted.frame, ~missing) if total else None
    for task, array in values.items():
        if around_missing is None or not holes[task].any():
            continue
        around, own = around_missing, prediction.values[task]
        if task in lacking:
            around, own = _neighbours(wanted.video, wanted.frame, ~gaps[task]), own[~lacking[task]]
        if not len(own):
            fix = "predict the task"
            raise ProblemError(Problem("F02", f"no prediction of {task} at all", "rows", fix, prediction.source))
        by_prior |= _fill_array(array, own, holes[task], around, policy)
    if probability is not None and prediction.probability is not None and around_missing is not None:
        is_known = ~np.isnan(prediction.probability)
        around = (
            around_missing
            if is_known.all()
            else _neighbours(wanted.video, wanted.frame, ~np.isnan(probability) & ~missing)
        )
        if is_known.any():
            _fill_array(probability, prediction.probability[is_known], hole, around, policy)
    # under the policy `prior` every filled row is a prior
    counts = {policy: total - int(by_prior.sum()), "prior": int(by_prior.sum())}
    result = replace(
        taken,
        videos=wanted.videos,
        video=wanted.video,
        frame=wanted.frame,
        values=values,
        probability=probability,
        filled=hole,
    )
    return result, {name: count for name, count in counts.items() if count}


def count_answers(wanted: Table, is_filled: Mask, policies: Mapping[str, int]) -> Answers:
    """Count the predicted and the filled rows by unit.

    Args:
        wanted: the rows that count.
        is_filled: shape (rows,), True where a policy made the values of a row.
        policies: number of filled rows by policy.
    """
    units = len(wanted.videos)
    filled = np.bincount(wanted.video[is_filled], minlength=units)
    own = np.bincount(wanted.video, minlength=units) - filled
    some = np.flatnonzero(filled)
    share = filled[some] / (own[some] + filled[some])
    worst = some[np.lexsort((some, -filled[some], -share))].tolist()
    return Answers(
        int(own.sum()),
        int(filled.sum()),
        policies,
        tuple(UnitAnswers(wanted.videos[unit], int(own[unit]), int(filled[unit])) for unit in worst),
    )


def limit_filled(answers: Answers, allowed: float, source: str) -> tuple[Problem, ...]:
    """A note where more than a tenth of the rows are filled, or all rows of a unit.

    Args:
        answers: numbers of predicted and filled rows.
        allowed: greatest share of filled rows, from 0 to 1.
        source: file or folder of the predictions, for messages.

    Raises:
        ProblemError: T12, more rows are filled than allowed; C02, `allowed` is no share.
    """
    if not 0 <= allowed <= 1:
        raise ProblemError(
            Problem("C02", f"--allow-filled {allowed:g}", "a share from 0 to 1", "name a share, as 0.6", source)
        )
    whole = sum(not unit.own for unit in answers.units)
    empty = f"; {whole:,} unit{'s'[: whole > 1]} without a prediction of their own" if whole else ""
    found, fix = answers.describe() + empty, "predict these rows, or find out why they are missing"
    if answers.share > allowed:
        enough = min(np.ceil(answers.share * 100) / 100, 1)
        fix += f"; `--allow-filled {enough:g}` (in Python `allow_filled={enough:g}`) takes them all the same"
        raise ProblemError(
            Problem("T12", found, f"at most {allowed:.0%} filled", fix, source, count=answers.filled),
        )
    if answers.share > MANY_FILLED or whole:
        return (Problem("N13", found, "predictions of the model's own", fix, source, count=answers.filled),)
    return ()


def fill_frames(
    answers: Mapping[str, Floats], frame: Integers, valid: Mask, policy: FramePolicy
) -> tuple[Mapping[str, Floats], Mask]:
    """Fill the answers of one clip in frames that are not valid, from its valid frames.

    - `previous` takes the last valid frame, else the first one;
    - `nearest` takes the closer one, the earlier of two equally close;
    - `linear` interpolates probabilities and values between both neighbours;
    - `none` fills nothing.

    A clip without valid frames stays as it is.

    Args:
        answers: by task, probabilities or values of shape (frames, width).
        frame: shape (frames,), frame numbers, rising.
        valid: shape (frames,), True where the clip has a crop.
        policy: one of `FRAME_POLICIES`.

    Returns:
        The answers, and a mask of the filled frames, shape (frames,).

    Raises:
        ProblemError: C02, an unknown policy.

    >>> row = {"va": np.array([[0.0], [np.nan], [np.nan], [1.0]])}
    >>> filled, mask = fill_frames(row, np.arange(4, dtype=np.int32), ~np.isnan(row["va"][:, 0]), "nearest")
    >>> filled["va"].ravel().tolist(), mask.tolist()
    ([0.0, 0.0, 1.0, 1.0], [False, True, True, False])
    """
    _check(policy, FRAME_POLICIES)
    if policy == "none" or not valid.any() or valid.all():
        return answers, np.zeros(len(valid), bool)
    neighbours = _neighbours(np.zeros_like(frame), frame, valid)
    weight = neighbours.weight(policy)[:, None]
    return {
        task: np.where(
            valid[:, None], values, values[neighbours.before] * (1 - weight) + values[neighbours.after] * weight
        )
        for task, values in answers.items()
    }, ~valid


def describe(counts: Mapping[str, int]) -> str:
    """Counts of filled rows in words, as `12 rows by previous`."""
    names = {"prior": "prior over all videos"}
    return (
        ", ".join(
            f"{count:,} row{'s' * (count != 1)} by {names.get(policy, policy)}" for policy, count in counts.items()
        )
        or "no row"
    )


def _check(policy: str, known: Sequence[str]) -> None:
    """Refuse an unknown policy. Raises: ProblemError C02, with the policies that come near."""
    if policy not in known:
        raise ProblemError(Problem("C02", f"fill policy '{policy}'", near_names(policy, known), "correct the name"))


def _missing_problems(prediction: Table, wanted: Table, hole: Mask, missing: Mask, option: str) -> list[Problem]:
    """Problems for rows that are not there, and for rows without values: the first three of each, with their counts."""
    total = int(hole.sum())
    expected = f"a prediction for every row asked for ({total:,} of {len(wanted):,} lack one)"
    fix = f"predict these rows, or name a policy for them: {option} previous, nearest, linear or prior"
    rule = next((GAPS[note.rule] for note in prediction.notes if note.rule in GAPS), "V01")
    problems: list[Problem] = []
    for broken, rows, what in (
        ("T01", hole & missing, "row"),
        (rule, hole & ~missing, "prediction, but a sentinel," if rule == "V04" else "value"),
    ):
        places = np.flatnonzero(rows)
        problems += [
            Problem(broken, f"no {what} for {wanted.name(row)}", expected, fix, prediction.source, count=len(places))
            for row in places[:SHOWN].tolist()
        ]
    return problems


def _fill_array(array: Values, own: Values, hole: Mask, neighbours: _Neighbours, policy: Policy) -> Mask:
    """Fill the holes of an array in place, and return a mask of those that got the prior of the `own` values."""
    use_prior = hole if policy == "prior" else hole & ~neighbours.exist
    _fill_rows(array, hole & ~use_prior, neighbours, policy)
    if use_prior.any():
        array[use_prior] = _prior(own)
    return use_prior


def _neighbours(video: Integers, frame: Integers, known: Mask) -> _Neighbours:
    """The known neighbours of each row.

    Args:
        video: shape (rows,), index of the video.
        frame: shape (rows,), frame numbers, in any order.
        known: shape (rows,), True where a row has values of its own.
    """
    count = len(video)
    order = np.lexsort((np.arange(count), frame, video))
    known, video, number = known[order], video[order], frame[order]
    position = np.arange(count)
    last = np.maximum.accumulate(np.where(known, position, -1))
    following = np.minimum.accumulate(np.where(known, position, count)[::-1])[::-1]
    has_before = (last >= 0) & (video[np.maximum(last, 0)] == video)
    has_after = (following < count) & (video[np.minimum(following, count - 1)] == video)
    before = np.where(has_before, last, np.minimum(following, count - 1))
    after = np.where(has_after, following, np.maximum(before, 0))
    span = number[after] - number[before]
    share = np.clip((number - number[before]) / np.maximum(span, 1), 0, 1)
    back = np.empty(count, np.int64)
    back[order] = position
    return _Neighbours((has_before | has_after)[back], order[before][back], order[after][back], share[back])


def _fill_rows(array: Values, rows: Mask, neighbours: _Neighbours, policy: Policy) -> None:
    """Fill rows of an array in place: numbers are interpolated where the policy says so, classes are copied."""
    before, after, weight = neighbours.before[rows], neighbours.after[rows], neighbours.weight(policy)[rows]
    if policy == "linear" and array.dtype == np.float64:
        one, other = array[before], array[after]
        weight = weight if array.ndim == 1 else weight[:, None]
        # the clip keeps rounding from leaving the range that both ends lie in
        array[rows] = np.clip(one * (1 - weight) + other * weight, np.minimum(one, other), np.maximum(one, other))
    else:
        array[rows] = array[np.where(weight > 0.5, after, before)]


def _prior(values: Values) -> Floats | Mask | np.int8:
    """The values of a row without a neighbour: the mean number, the most frequent class, the majority of each label."""
    if values.dtype == np.float64:
        return values.mean(axis=0)
    if values.ndim == 1:
        return np.int8(np.bincount(values).argmax())
    return values.mean(axis=0) >= 0.5
