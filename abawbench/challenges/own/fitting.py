"""Whether the fields of a challenge fit each other: what the catalogue's tests hold, for a challenge from outside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import get_args

from abawbench.base.problems import near_names
from abawbench.challenges.model import Categorical, Challenge, Continuous, FormatId, Metric, MultiLabel, Size, Task
from abawbench.challenges.own.fields import Fault, Steps
from abawbench.labels import CLASS_SENTINEL, spelling

# criteria of each kind of task, and those of the probability of class 1
CRITERIA: Mapping[type[Task], tuple[str, ...]] = {
    Continuous: ("ccc", "pearson"),
    Categorical: ("f1", "accuracy", "balanced_accuracy"),
    MultiLabel: ("f1", "accuracy", "balanced_accuracy"),
}
OF_PROBABILITY = ("grid_average_precision", "average_precision")

ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
OF_EDITION = re.compile(r"abaw([1-9]\d{0,2})-(.+)")
# what stands in the place of an id on the command line, or of a challenge on a board
NO_IDS = ("new", "other", "sample", "show")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
OUTPUT = re.compile(r"[A-Za-z](?:[!#-+\--~ ]{0,58}[!#-+\--~])?")
SPLIT = re.compile(r"[a-z]+( [a-z]+)*")
# names of columns that every table may have
TAKEN = (
    *("video", "frame", "image", "index", "filled", "probability", "subject"),
    *("image_location", "Filename", "File_ID", "video_id", "p0", "p1"),
)
MOST_CLASSES = 128
MOST_COLUMNS = 1_000
MOST_TASKS = 20
# numbers are written with six decimals
DECIMALS = 6
WIDEST = 1e6
MOST_ROWS = 10**12
HEAVIEST = 100.0
LONGEST_PATTERN = 200
# what makes a search take more than a moment: a repeated group, two repetitions, or very many choices
REPEATED_GROUP = re.compile(r"\)[*+{]")
REPEATS = re.compile(r"(?<!\\)[*+{]")
CHOICES = re.compile(r"(?<![\\(])[?|]")
MOST_CHOICES = 10

# formats whose rows are frames of videos
FRAMES: tuple[FormatId, ...] = ("unit-txt", "rows", "mtl", "labels", "vd-csv")
PER_UNIT: tuple[FormatId, ...] = ("unit-txt", "vd-csv")


def faults_of(challenge: Challenge, metrics: Mapping[str, Metric]) -> Iterator[Fault]:
    """Everything in a challenge that does not fit the rest of it.

    Args:
        challenge: the challenge, each field of the right type.
        metrics: metrics of the catalogue by their id.
    """
    yield from _identity(challenge)
    yield from _tasks(challenge.tasks)
    yield from _formats(challenge)
    yield from _metric(challenge, metrics)
    yield from _sizes(challenge)
    yield from _places(challenge)
    yield from _sources(challenge)


def id_faults(identifier: str) -> Iterator[Fault]:
    """What is wrong with the id of a challenge of one's own."""
    if not ID.fullmatch(identifier) or len(identifier) > 64 or identifier in NO_IDS:
        expected = "lower case letters, digits and single hyphens between them, as abaw12-va"
        yield Fault(("id",), f"'{identifier}'", expected, "give it another id", "C07")


def _identity(challenge: Challenge) -> Iterator[Fault]:
    yield from id_faults(challenge.id)
    whole = f"abaw{challenge.edition}-{challenge.track}" if challenge.edition else challenge.track
    if not re.fullmatch(rf"{re.escape(whole)}(-\d+)?", challenge.id):
        expected = f"'{whole}', which edition {challenge.edition} and track '{challenge.track}' give, or '{whole}-2'"
        fix = "make the three agree: edition 0 for a challenge outside ABAW, whose track is its id"
        yield Fault(("id",), f"'{challenge.id}'", expected, fix, "C07")
    yield from _range(("edition",), challenge.edition, 0, 999)
    yield from _range(("frame_base",), challenge.frame_base, 0, 1)
    yield from _range(("submissions",), challenge.submissions, 1, 10_000)


def _tasks(tasks: Sequence[Task]) -> Iterator[Fault]:
    if not 1 <= len(tasks) <= MOST_TASKS:
        yield _unfit(("tasks",), f"{len(tasks)} tasks", f"1 to {MOST_TASKS}")
    yield from _twice(("tasks",), (task.name for task in tasks), "tasks")
    for place, task in enumerate(tasks):
        steps: Steps = ("tasks", place)
        if not NAME.fullmatch(task.name) or task.name.endswith(("_per_class", "_per_unit")):
            yield _unfit((*steps, "name"), f"'{task.name}'", "lower case letters, digits and underscores, as va")
        yield from _outputs(task, steps)
        yield from _values(task, steps)
    columns = [name for task in tasks for name in task.labels]
    yield from _twice(("tasks",), columns, "columns")
    for name in columns:
        if spelling(name) in {spelling(other) for other in TAKEN}:
            yield _unfit(("tasks",), f"a column '{name}'", "another name: tables have such a column already")


def _outputs(task: Task, steps: Steps) -> Iterator[Fault]:
    what, most = ("columns", MOST_COLUMNS) if task.is_vector else ("classes", MOST_CLASSES)
    least = 1 if task.is_vector else 2
    steps = (*steps, what)
    if not least <= task.width <= most:
        yield _unfit(steps, f"{task.width} {what}", f"{least} to {most:,}")
    yield from _twice(steps, task.outputs, what)
    for place, name in enumerate(task.outputs):
        if not OUTPUT.fullmatch(name):
            expected = 'ASCII text that begins with a letter, without commas and quotation marks, as "AU12"'
            yield _unfit((*steps, place), f"'{name}'", expected)


def _values(task: Task, steps: Steps) -> Iterator[Fault]:
    if not isinstance(task, Continuous):
        if task.sentinel not in {None, CLASS_SENTINEL}:
            expected = f"{CLASS_SENTINEL}, or no sentinel where every row is annotated"
            yield _unfit((*steps, "sentinel"), f"{task.sentinel}", expected)
        return
    for name, value in (("low", task.low), ("high", task.high), ("sentinel", task.sentinel)):
        if value is not None and (abs(value) > WIDEST or round(value, DECIMALS) != value):
            expected = f"a number within {WIDEST:,.0f} of 0 with at most {DECIMALS} decimals"
            yield _unfit((*steps, name), f"{value!r}", expected)
    if not task.high - task.low >= 10.0 ** (3 - DECIMALS):
        yield _unfit((*steps, "low"), f"{task.low:g} to {task.high:g}", "a range from low to high")
    elif task.sentinel is not None and task.low <= task.sentinel <= task.high:
        expected = f"a number outside of {task.low:g} to {task.high:g}, or no sentinel where every row is annotated"
        yield _unfit((*steps, "sentinel"), f"{task.sentinel:g}", expected)


def _formats(challenge: Challenge) -> Iterator[Fault]:
    annotation, listed, prediction = challenge.annotation_format, challenge.list_format, challenge.prediction_format
    named: list[tuple[str, FormatId]] = [("annotation_format", annotation), ("prediction_format", prediction)]
    for name, given in named:
        wanted = _unfitting(given, challenge.tasks)
        if wanted:
            kinds = ", ".join(f"{task.name} ({type(task).__name__}, {task.width})" for task in challenge.tasks)
            yield _unfit((name,), f"{given} for {kinds}", wanted, f"or take {_fitting(challenge.tasks)}")
    if prediction in {"units", "ah-split"}:
        yield _unfit(("prediction_format",), prediction, f"a format of predictions: {_fitting(challenge.tasks)}")
    elif annotation not in _annotations(prediction):
        expected = f"{' or '.join(_annotations(prediction))}, which name rows as {prediction} does"
        yield _unfit(("annotation_format",), annotation, expected)
    lists = ("units",) if prediction == "unit-txt" else ("vd-csv", "units") if prediction == "vd-csv" else (prediction,)
    if prediction not in {"units", "ah-split"} and listed not in lists:
        yield _unfit(("list_format",), listed, f"{' or '.join(lists)}, for predictions in {prediction}")
    if "ah-frames" in {annotation, prediction} and challenge.frame_base != 0:
        yield _unfit(("frame_base",), f"{challenge.frame_base}", "0, as ah-frames counts")


def _annotations(prediction: FormatId) -> tuple[FormatId, ...]:
    """Formats of annotations whose rows have the names of those of a prediction format."""
    if prediction in FRAMES:
        return FRAMES
    return ("ah-split",) if prediction == "ah-trial" else (prediction,)


def _unfitting(name: FormatId, tasks: Sequence[Task]) -> str:
    """What a format needs and the tasks do not give; empty where they fit."""
    kinds = tuple(type(task) for task in tasks)
    is_fit, wanted = {
        "mtl": (
            kinds == (Continuous, Categorical, MultiLabel) and tasks[0].outputs == ("valence", "arousal"),
            "tasks of valence and arousal, of classes, and of labels, in this order",
        ),
        "labels": (True, ""),
        "eri-csv": (kinds in {(Continuous,), (MultiLabel,)}, "one task of columns"),
        "emi-csv": (kinds in {(Continuous,), (MultiLabel,)}, "one task of columns"),
        "lsd": (kinds == (Categorical,), "one task of classes"),
        "vd-csv": (kinds == (Categorical,), "one task of classes"),
        "ah-frames": (kinds == (Categorical,) and tasks[0].width == 2, "one task of two classes"),
        "ah-split": (kinds == (Categorical,) and tasks[0].width == 2, "one task of two classes"),
        "ah-trial": (kinds == (Categorical,) and tasks[0].width == 2, "one task of two classes"),
    }.get(name, (len(tasks) == 1, "one task"))
    return "" if is_fit else wanted


def _fitting(tasks: Sequence[Task]) -> str:
    names: list[FormatId] = [name for name in get_args(FormatId) if name not in {"units", "ah-split"}]
    return ", ".join(name for name in names if not _unfitting(name, tasks)) or "labels"


def _metric(challenge: Challenge, metrics: Mapping[str, Metric]) -> Iterator[Fault]:
    metric, tasks = challenge.metric, {task.name: task for task in challenge.tasks}
    if not ID.fullmatch(metric.id):
        yield _unfit(("metric", "id"), f"'{metric.id}'", "lower case letters, digits and hyphens, as va-ccc")
    known = metrics.get(metric.id)
    if known is not None and known.terms != metric.terms:
        expected = f"the terms of {metric.id} as the catalogue has them, or another id"
        yield _unfit(("metric", "id"), f"'{metric.id}' with other terms", expected)
    for part, named in (("terms", metric.terms), ("reported", metric.reported)):
        yield from _twice(("metric", part), (one.task for one in named), "tasks")
        for place, one in enumerate(named):
            if one.task not in tasks:
                steps: Steps = ("metric", part, place, "task")
                yield _unfit(steps, f"'{one.task}'", near_names(one.task, tasks), "name a task of the challenge")
    for place, term in enumerate(metric.terms):
        steps = ("metric", "terms", place, "parts")
        if not term.parts:
            yield _unfit(steps, "no part", "a criterion and its weight")
        yield from _twice(steps, (part.criterion for part in term.parts), "criteria")
        for number, part in enumerate(term.parts):
            yield from _criterion(tasks.get(term.task), part.criterion, (*steps, number, "criterion"))
            if not 0 < part.weight <= HEAVIEST:
                yield _unfit((*steps, number, "weight"), f"{part.weight:g}", f"more than 0, at most {HEAVIEST:g}")
    has_probability = challenge.prediction_format == "ah-trial"
    for place, reported in enumerate(metric.reported):
        steps = ("metric", "reported", place)
        yield from _twice((*steps, "criteria"), reported.criteria, "criteria")
        for number, name in enumerate(reported.criteria):
            yield from _criterion(tasks.get(reported.task), name, (*steps, "criteria", number))
        for number, name in enumerate(reported.of_probability):
            if name not in OF_PROBABILITY:
                yield _unfit((*steps, "of_probability", number), f"'{name}'", near_names(name, OF_PROBABILITY))
        task = tasks.get(reported.task)
        if reported.of_probability and not (has_probability or (isinstance(task, Categorical) and task.width == 2)):
            yield _unfit((*steps, "of_probability"), f"{len(reported.of_probability)}", "a task of two classes")
    yield from _undefined(challenge)


def _undefined(challenge: Challenge) -> Iterator[Fault]:
    """A rule that is missing for what may be undefined, or is there for what cannot occur."""
    counts = any(not isinstance(task, Continuous) for task in challenge.tasks)
    correlates = any(isinstance(task, Continuous) for task in challenge.tasks)
    metric = challenge.metric
    for name, text, is_needed, usual in (
        ("absent_class", metric.absent_class, counts, "0, counted in the divisor"),
        ("constant_series", metric.constant_series, correlates, "0, flagged"),
    ):
        if is_needed and text is None:
            yield _unfit(("metric", name), "nothing", f"what the scorer does, as '{usual}'")
        if text is not None and not is_needed:
            yield _unfit(("metric", name), f"'{text}'", "no such field: no task of the challenge needs it")


def _criterion(task: Task | None, name: str, steps: Steps) -> Iterator[Fault]:
    known = () if task is None else CRITERIA[type(task)]
    if known and name not in known:
        yield _unfit(steps, f"'{name}'", near_names(name, known), "name a criterion of the task's kind")


def _sizes(challenge: Challenge) -> Iterator[Fault]:
    tasks = {task.name for task in challenge.tasks}
    for split, size in challenge.sizes.items():
        yield from _split(("sizes", split), split)
        for place, one in enumerate((size, *size.others)):
            steps: Steps = ("sizes", split, *(("others", place - 1) if place else ()))
            yield from _size(one, steps)
            if place and one in {size, Size()}:
                yield _unfit(steps, "the same size, or none", "a size by another source")
    for split, counts in challenge.valid_rows.items():
        if split not in challenge.sizes:
            yield _unfit(("valid_rows", split), f"split '{split}'", "a split that sizes has, too")
        rows = challenge.sizes.get(split, Size()).rows
        for task, count in counts.items():
            if task not in tasks:
                yield _unfit(("valid_rows", split, task), f"task '{task}'", near_names(task, tasks))
            yield from _range(("valid_rows", split, task), count, 0, MOST_ROWS if rows is None else rows)
    for place, baseline in enumerate(challenge.baselines):
        if baseline.split not in {*challenge.sizes, "not stated"}:
            expected = near_names(baseline.split, [*challenge.sizes, "not stated"])
            yield _unfit(("baselines", place, "split"), f"'{baseline.split}'", expected)


def _size(size: Size, steps: Steps) -> Iterator[Fault]:
    for name in ("units", "rows", "labelled_rows"):
        yield from _range((*steps, name), getattr(size, name), 0, MOST_ROWS)
    if size.rows is not None and (size.labelled_rows or 0) > size.rows:
        yield _unfit((*steps, "labelled_rows"), f"{size.labelled_rows:,}", f"at most its {size.rows:,} rows")
    if len(steps) > 2 and size.others:
        yield _unfit((*steps, "others"), "sizes of other sources once more", "one list of them")


def _places(challenge: Challenge) -> Iterator[Fault]:
    for split, places in challenge.annotation_places.items():
        yield from _split(("annotation_places", split), split)
        for place, path in enumerate(places):
            yield from _path(("annotation_places", split, place), path)
    for place, path in enumerate(challenge.list_files):
        yield from _path(("list_files", place), path)
    for place, data in enumerate(challenge.forbidden_data):
        yield from _pattern(("forbidden_data", place, "pattern"), data.pattern)


def _pattern(steps: Steps, pattern: str) -> Iterator[Fault]:
    """A pattern that is none, or that could search for hours."""
    if len(pattern) > LONGEST_PATTERN:
        yield _unfit(steps, f"{len(pattern):,} characters", f"at most {LONGEST_PATTERN} characters")
    elif (
        REPEATED_GROUP.search(pattern)
        or len(REPEATS.findall(pattern)) > 1
        or len(CHOICES.findall(pattern)) > MOST_CHOICES
    ):
        expected = f"at most one of * + {{}}, behind one character, and {MOST_CHOICES} of ? |, as `aff[-_ ]?wild`"
        yield _unfit(steps, f"'{pattern}', which could search for hours", expected)
    else:
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            yield _unfit(steps, f"'{pattern}': {error}", "a regular expression")


def _sources(challenge: Challenge) -> Iterator[Fault]:
    known = [field.name for field in fields(challenge) if field.name != "sources"]
    fix = "name the text that says so, or write `assumed: ` and the reason"
    for name in known:
        if name not in challenge.sources:
            yield Fault(("sources", name), "no source", f"the source of {name}", fix, "C08")
    for name in challenge.sources:
        if name.partition(".")[0] not in known:
            expected = near_names(name.partition(".")[0], known)
            yield Fault(("sources", name), f"a source of '{name}'", expected, "name a field", "C08")
    items = ("rules", "forbidden_data", "notes", "baselines")
    given: list[tuple[Steps, str]] = [(("sources", name), text) for name, text in challenge.sources.items()]
    given += [
        ((name, place, "source"), item.source) for name in items for place, item in enumerate(getattr(challenge, name))
    ]
    for steps, text in given:
        if text.startswith("assumed") and not re.match(r"assumed: \w", text):
            yield Fault(steps, f"'{text}'", "`assumed: ` and the reason", fix, "C08")


def _split(steps: Steps, name: str) -> Iterator[Fault]:
    if not SPLIT.fullmatch(name):
        yield _unfit(steps, f"split '{name}'", "train, validation, test, or words before one, as 'private test'")


def _path(steps: Steps, path: str) -> Iterator[Fault]:
    parts = path.rstrip("/").split("/")
    if "\\" in path or ":" in path or any(part in {"", ".", ".."} for part in parts):
        yield _unfit(steps, f"'{path}'", "a relative path with single forward slashes, without . and ..")


def _range(steps: Steps, value: int | None, low: int, high: int) -> Iterator[Fault]:
    if value is not None and not low <= value <= high:
        yield _unfit(steps, f"{value:,}", f"a whole number from {low:,} to {high:,}")


def _twice(steps: Steps, names: Iterable[str], what: str) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for name in names:
        alike = seen.get(spelling(name))
        if alike is not None:
            yield _unfit(steps, f"{what} '{alike}' and '{name}'", "each name once, however it is spelt")
        seen[spelling(name)] = name


def _unfit(steps: Steps, found: str, expected: str, fix: str = "make the fields fit each other") -> Fault:
    return Fault(steps, found, expected, fix, "C06")
