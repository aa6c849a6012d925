"""Challenges of one's own, drawn: other columns, classes, ranges, sentinels, criteria and formats."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as some

from abawbench.challenges import (
    Categorical,
    Challenge,
    Continuous,
    FormatId,
    Metric,
    MultiLabel,
    Part,
    Reported,
    Size,
    Task,
    Term,
    get,
)
from abawbench.challenges.own import derive
from abawbench.challenges.own.fitting import CRITERIA, faults_of
from abawbench.labels import spelling

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
MARKS = LETTERS + "0123456789 _-.+/%()&#$<>@'"
# annotation, list and prediction format, by what the tasks are
OF_ONE = (
    ("unit-txt", "rows", "rows"),
    ("rows", "rows", "rows"),
    ("unit-txt", "units", "unit-txt"),
    ("labels", "labels", "labels"),
    ("rows", "labels", "labels"),
)
OF_COLUMNS = (("emi-csv",) * 3, ("eri-csv",) * 3)
OF_CLASSES = (("lsd",) * 3, ("vd-csv",) * 3, ("vd-csv", "units", "vd-csv"))
OF_TWO = (("ah-split", "ah-trial", "ah-trial"), ("ah-frames",) * 3)


def names(least: int, most: int) -> some.SearchStrategy[tuple[str, ...]]:
    """Names of columns or classes that differ however they are spelt."""
    name = some.builds(
        lambda first, rest: (first + rest).strip(), some.sampled_from(LETTERS), some.text(MARKS, max_size=6)
    )
    return some.lists(name, min_size=least, max_size=most, unique_by=spelling).map(tuple)


@some.composite
def tasks(draw: some.DrawFn, name: str) -> Task:
    match draw(some.sampled_from(("numbers", "class", "labels"))):
        case "numbers":
            low = draw(some.integers(-1000, 1000)) / 10
            high = low + draw(some.integers(1, 1000)) / 10
            low, high = round(low, 6), round(high, 6)
            sentinel = draw(some.sampled_from((None, low - 1, high + 3, -5.0)))
            outside = None if sentinel is None or low <= sentinel <= high else round(sentinel, 6)
            return Continuous(name, draw(names(1, 4)), low, high, outside)
        case "class":
            most = draw(some.sampled_from((2, 4, 12)))
            return Categorical(name, draw(names(2, most)), draw(some.sampled_from((None, -1))))
        case _:
            return MultiLabel(name, draw(names(1, 4)), draw(some.sampled_from((None, -1))))


def metrics(draw: some.DrawFn, all_tasks: tuple[Task, ...]) -> Metric:
    terms = tuple(
        Term(
            task.name,
            tuple(
                Part(name, draw(some.sampled_from((1.0, 0.5, 0.33))))
                for name in draw(some.lists(some.sampled_from(CRITERIA[type(task)]), min_size=1, unique=True))
            ),
        )
        for task in all_tasks
    )
    return Metric(
        "drawn",
        "a drawn formula",
        terms,
        tuple(Reported(task.name, CRITERIA[type(task)]) for task in all_tasks),
        "frames of the whole split",
        "0, counted in the divisor" if any(not task.is_real for task in all_tasks) else None,
        "0, flagged" if any(task.is_real for task in all_tasks) else None,
    )


@some.composite
def own_challenges(draw: some.DrawFn) -> Challenge:
    """A challenge that fits together."""
    count = draw(some.sampled_from((1, 1, 1, 2, 3)))
    all_tasks = tuple(draw(tasks(name)) for name in ("mood", "gaze", "acts")[:count])
    formats: Any = [("labels",) * 3]
    if count == 1:
        (task,) = all_tasks
        formats = [*OF_ONE, *(OF_COLUMNS if task.is_vector else OF_CLASSES)]
        formats += OF_TWO if isinstance(task, Categorical) and task.width == 2 else ()
    chosen: tuple[FormatId, FormatId, FormatId] = draw(some.sampled_from(formats))
    base = 0 if chosen[0] == "ah-frames" else draw(some.sampled_from((0, 1)))
    like = derive(get("abaw10-va"), "drawn")
    return replace(
        like,
        tasks=all_tasks,
        metric=metrics(draw, all_tasks),
        annotation_format=chosen[0],
        list_format=chosen[1],
        prediction_format=chosen[2],
        list_files=(),
        annotation_places={},
        frame_base=base,
        sizes={"test": Size()},
        valid_rows={},
        baselines=(),
    )


def fits(challenge: Challenge) -> bool:
    """Whether a drawn challenge is accepted as a file."""
    return not list(faults_of(challenge, {}))
