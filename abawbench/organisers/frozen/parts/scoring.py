"""Scoring: how truth and prediction meet, statistics by unit, the figures that follow from them, and intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.metrics.average_precision import grid_precision, step_precision
from abawbench.metrics.concordance import MOMENTS, central, concordance_from, pearson_from
from abawbench.metrics.f1 import (
    accuracy_from,
    balanced_accuracy_from,
    f1_per_class_from,
    f1_per_label_from,
    label_accuracy_from,
    label_balanced_accuracy_from,
)
from abawbench.metrics.groups import Floats
from abawbench.organisers.frozen.parts.checking import places_of
from abawbench.organisers.frozen.parts.facts import HAS_BLOCKS, HAS_PROBABILITIES, HAS_TERMS, HAS_UNIT_FILES
from abawbench.organisers.frozen.parts.intervals import interval, left_out
from abawbench.organisers.frozen.parts.problems import SHOWN, problem
from abawbench.organisers.frozen.parts.reading import Rows
from abawbench.organisers.frozen.parts.statistics import confusion, moments
from abawbench.scoring.criteria import nested, number
from abawbench.scoring.statistics import BLOCK_ROWS, PILOT_ROWS
from abawbench.table import video_of

Facts = Mapping[str, Any]
Sums = dict[str, Floats]
Path = tuple[str, ...]
Mask = NDArray[np.bool_]
Places = NDArray[np.int64]

# by kind of task and criterion
CRITERIA: dict[tuple[str, str], Callable[..., Floats]] = {
    ("numbers", "ccc"): concordance_from,
    ("numbers", "pearson"): pearson_from,
    ("class", "f1"): f1_per_class_from,
    ("class", "accuracy"): accuracy_from,
    ("class", "balanced_accuracy"): balanced_accuracy_from,
    ("labels", "f1"): f1_per_label_from,
    ("labels", "accuracy"): label_accuracy_from,
    ("labels", "balanced_accuracy"): label_balanced_accuracy_from,
}
# figures of the probability of class 1, which never rank
OF_PROBABILITY: dict[str, Callable[[Mask, Floats], float]] = {
    "grid_average_precision": grid_precision,
    "average_precision": step_precision,
}
# what is found and expected, and what to do, by the rule that a prediction breaks
EXPECTED = {
    "T01": ("no row for ", "a prediction for every annotated row of the truth", "predict these rows"),
    "T02": ("", "rows of the truth alone", "score against the truth of the same split, or leave these rows out"),
    "T03": ("once more ", "each row as often as in the truth", "keep one row of each name"),
}


def annotated(record: Facts, truth: Rows) -> tuple[dict[str, Mask], list[str]]:
    """Mask of the annotated rows by task, and a remark for each task of which rows are annotated in part."""
    valid: dict[str, Mask] = {}
    flags: list[str] = []
    for task in record["tasks"]:
        values = truth.values[task["name"]]
        known = ~np.isnan(values) if values.dtype == np.float64 else values >= 0
        valid[task["name"]] = known.all(axis=1) if known.ndim == 2 else known
        partly = np.count_nonzero(known.any(axis=1) & ~known.all(axis=1)) if HAS_BLOCKS and known.ndim == 2 else 0
        if HAS_BLOCKS and partly:
            flags.append(f"T11 {partly:,} rows are annotated for some columns of {task['name']} only: left out")
    return valid, flags


def meet(
    truth: Rows, prediction: Rows, needed: Mask, file: str, private: bool
) -> tuple[Places, list[str], list[dict[str, Any]]]:
    """Row of the prediction for each row of the truth, remarks, and problems; private ones do not tell the truth.

    Args:
        truth: rows of the truth.
        prediction: rows of the prediction.
        needed: mask of the rows of the truth that need a prediction.
        file: the prediction, for messages.
        private: say nothing of the truth.
    """
    places = places_of(prediction, truth)
    rows = np.full(len(truth), -1)
    rows[places[places >= 0]] = np.flatnonzero(places >= 0)
    unknown = np.flatnonzero(places == -1)
    flags: list[str] = []
    if HAS_UNIT_FILES:
        last = np.full(len(truth.units), -1)
        np.maximum.at(last, truth.unit, truth.frame)
        ends = dict(zip(truth.units, last.tolist(), strict=True))
        # editions 1 to 3 count one frame more than the container says
        expected = [ends.get(prediction.units[unit], -2) + 1 for unit in prediction.unit[unknown].tolist()]
        is_behind = (prediction.frame[unknown] == expected) & (prediction.frame[unknown] > 0)
        if is_behind.any():
            flags.append(f"{np.count_nonzero(is_behind):,} units have one line more than the truth; it is not scored")
            unknown = unknown[~is_behind]
    problems: list[dict[str, Any]] = []
    for rule, side, wrong in (
        ("T01", truth, np.flatnonzero((rows < 0) & needed)),
        ("T02", prediction, unknown),
        ("T03", prediction, np.flatnonzero(places == -2)),
    ):
        what, expected, fix = EXPECTED[rule]
        if private and len(wrong):
            problems.append(problem(rule, "rows that are not those to predict", "these rows", fix, file))
        for row in wrong[:SHOWN].tolist() if not private else ():
            problems.append(problem(rule, what + side.name(row), expected, fix, file, count=len(wrong)))
    return rows, flags, problems


def statistics(
    record: Facts, truth: Rows, prediction: Rows, valid: Mapping[str, Mask], rows: Places
) -> tuple[Sums, Sums]:
    """Additive statistics of each unit by task, and by real-valued task the values that they are centred by."""
    pilots: Sums = {}
    sums: Sums = {}
    for task in record["tasks"]:
        name, width = task["name"], len(task["outputs"])
        if task["kind"] == "numbers":
            first = np.flatnonzero(valid[name])[:PILOT_ROWS]
            both = (truth.values[name][first], prediction.values[name][rows[first]])
            pilots[name] = np.stack([one.mean(0) for one in both], axis=1) if len(first) else np.zeros((width, 2))
        cells = {"numbers": MOMENTS, "class": width, "labels": 4}[task["kind"]]
        sums[name] = np.zeros((len(truth.units), width, cells))
    for begin in range(0, len(truth.unit), BLOCK_ROWS):
        block = slice(begin, begin + BLOCK_ROWS)
        unit = truth.unit[block]
        first, last = int(unit.min()), int(unit.max())
        groups = (unit - first, last - first + 1)
        for task in record["tasks"]:
            name = task["name"]
            x, y = truth.values[name][block], prediction.values[name][rows[block]]
            sums[name][first : last + 1] += sums_of(task, x, y, *groups, valid[name][block], pilots)
    return sums, pilots


def sums_of(task: Facts, truth: Any, prediction: Any, unit: Any, units: int, valid: Mask, pilots: Sums) -> Floats:
    """Statistics of each unit: moments of each column, counts of classes, or counts of the outcomes of each label."""
    if task["kind"] == "class":
        return confusion(truth, prediction, len(task["outputs"]), unit, units, valid)
    columns: list[Floats] = []
    for place, (x, y) in enumerate(zip(truth.T, prediction.T, strict=True)):
        if task["kind"] == "numbers":
            columns.append(moments(x, y, unit, units, valid, pilots[task["name"]][place]))
        else:
            columns.append(confusion(x, y, 2, unit, units, valid).reshape(-1, 4))
    return np.stack(columns, axis=1)


def figures(record: Facts, sums: Mapping[str, Floats], pilots: Sums) -> dict[Path, Floats]:
    """Every figure by its path, over any leading axes of the statistics; NaN where undefined."""
    means: dict[tuple[str, str], Floats] = {}
    metrics: dict[Path, Floats] = {}
    for task in record["tasks"]:
        name = task["name"]
        for criterion, shown in task["criteria"].items():
            centres = [pilots[name]] if task["kind"] == "numbers" else []
            value = CRITERIA[task["kind"], criterion](sums[name], *centres)
            means[name, criterion] = value.mean(-1) if shown["parts"] else value
            if shown["whole"]:
                metrics["metrics", shown["whole"]] = means[name, criterion]
            metrics.update((path, value[..., place]) for place, path in enumerate(part_paths(task, shown)))
    terms: dict[Path, Floats] = {}
    for term in record["terms"]:
        parts = [weight * means[term["task"], criterion] for criterion, weight in term["parts"]]
        terms["terms", term["task"]] = np.sum(parts, axis=0)
    if HAS_TERMS:
        return {("score",): np.sum(list(terms.values()), axis=0), **terms, **metrics}
    return {("score",): np.full(np.shape(next(iter(metrics.values()))), np.nan), **metrics}


def part_paths(task: Facts, shown: Facts) -> list[Path]:
    """Paths of the figures of the columns, classes or labels, if the criterion shows such figures."""
    parts = task["outputs"] if shown["parts"] and not shown.get("hidden") else ()
    return [("metrics", *(name.format(part=part) for name in shown["parts"])) for part in parts]


def score(
    record: Facts, truth: Rows, prediction: Rows, valid: Mapping[str, Mask], rows: Places, with_intervals: bool
) -> dict[str, Any]:
    """Score, terms, metrics, numbers of annotated rows, remarks on degenerate cases, and intervals if asked for."""
    sums, pilots = statistics(record, truth, prediction, valid, rows)
    total = {name: array.sum(0) for name, array in sums.items()}
    tree = nested({path: number(value[()]) for path, value in figures(record, total, pilots).items()})
    result = {"score": tree["score"], "terms": tree.get("terms", {}), "metrics": tree["metrics"]}
    if HAS_PROBABILITIES:
        result["of_probability"] = of_probability(record, truth, prediction, valid, rows)
    if with_intervals:
        result["intervals"] = intervals(record, by_video(truth.units, sums), pilots)
    counted = {name: int(np.count_nonzero(mask)) for name, mask in valid.items()}
    shown = {"truth": len(truth.unit), "predicted": int(np.count_nonzero(rows >= 0)), "valid": counted}
    return dict(result, rows=shown, flags=list(remarks(record, total, pilots)))


def of_probability(
    record: Facts, truth: Rows, prediction: Rows, valid: Mapping[str, Mask], rows: Places
) -> dict[str, float | None]:
    """The figures of the probability of class 1, where the prediction has it."""
    (task,) = record["tasks"]
    mask = valid[task["name"]]
    if prediction.probability is None:
        return {}
    label, probability = truth.values[task["name"]][mask] == 1, prediction.probability[rows[mask]]
    return {name: number(OF_PROBABILITY[name](label, probability)) for name in record["of_probability"]}


def remarks(record: Facts, total: Sums, pilots: Sums) -> Iterator[str]:
    """Remarks on figures that are undefined, or defined by a rule for degenerate cases."""
    for task in record["tasks"]:
        name, sums = task["name"], total[task["name"]]
        if not sums.any():
            yield f"{name}: no annotated row, so no figure, and no total that needs it"
        elif task["kind"] == "numbers":
            truth, prediction, _, _ = central(sums, pilots[name])
            for column, *variances in zip(task["outputs"], truth, prediction, strict=True):
                still = [side for side, one in zip(("truth", "prediction"), variances, strict=True) if not one]
                if still:
                    yield f"{column}: {' and '.join(still)} constant, so the coefficient counts as 0 (assumed)"
        else:
            seen = sums.sum(0) + sums.sum(1) if task["kind"] == "class" else sums[:, 1:].sum(1)
            absent = ", ".join(task["outputs"][place] for place in np.flatnonzero(seen == 0))
            if absent:
                yield f"{name}: {absent} in neither truth nor prediction, F1 counts as 0 (assumed)"
    if not HAS_TERMS:
        yield "the official metric is not settled, so there is no score"


def intervals(record: Facts, sums: Sums, pilots: Sums) -> dict[str, Any]:
    """The 95 % interval of every figure, from leaving out one video at a time; None where there is none."""
    total = {name: array.sum(0) for name, array in sums.items()}
    points = figures(record, total, pilots)
    if len(next(iter(sums.values()))) < 2:
        return nested(dict.fromkeys(points))
    without = left_out(sums, total, lambda own: figures(record, own, pilots))
    spans, hidden = record["spans"], unseen(record, total)
    found = {
        path: interval(float(point), without[path], spans.get("/".join(path), (0.0, 1.0)))
        for path, point in points.items()
    }
    # of a class or label that no row of the truth has, nothing is known
    return nested({path: None if path in hidden else ends for path, ends in found.items()})


def by_video(units: list[str], sums: Sums) -> Sums:
    """Statistics of the videos with an annotated row; the persons of a video are one."""
    place: dict[str, int] = {}
    index = np.array([place.setdefault(video_of(unit), len(place)) for unit in units], np.int64)
    videos = dict(sums)
    if len(place) < len(units):
        for name, array in sums.items():
            videos[name] = np.zeros((len(place), *array.shape[1:]))
            np.add.at(videos[name], index, array)
    some = np.logical_or.reduce([array.reshape(len(array), -1).any(1) for array in videos.values()])
    return {name: array[some] for name, array in videos.items()}


def unseen(record: Facts, total: Sums) -> set[Path]:
    """Paths of the figures of classes and labels that no row of the truth has."""
    found: set[Path] = set()
    for task in record["tasks"]:
        if task["kind"] != "numbers":
            seen = total[task["name"]].sum(1) if task["kind"] == "class" else total[task["name"]][:, 2:].sum(1)
            for shown in task["criteria"].values():
                found.update(path for path, rows in zip(part_paths(task, shown), seen, strict=False) if not rows)
    return found
