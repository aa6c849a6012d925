"""Fairness: the figures of groups of people, their gaps and parity, with intervals and a test by chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Categorical, Challenge
from abawbench.metrics import fairness as metrics
from abawbench.metrics.bootstrap import blocks, left_out, resampled, weighted
from abawbench.metrics.holm import holm
from abawbench.scoring.criteria import evaluate, number
from abawbench.scoring.intervals import FEW_RESAMPLED, LEVEL, USUAL, Resampling, jackknives, warning
from abawbench.scoring.row_groups import Attribute, RowGroups
from abawbench.scoring.score import Paired, subjects_of
from abawbench.scoring.statistics import collect, kind_of, rows_of
from abawbench.table import Floats, Mask, video_of

LEAST = 5
# numbers of random assignments to groups behind a test by chance
PERMUTATIONS = 2_000

# what a value is, as `gap` or a measure of parity, and what it is of: a figure's path joined by dots, or a task
Key = tuple[str, str]
GROUP, GAP = "group", "gap"
RATES = ("selection", "true_positive", "false_positive")


@dataclass(frozen=True, eq=False)
class _Cells:
    """Statistics by cluster and group of an attribute.

    Attributes:
        challenge: the challenge, which names the figures.
        groups: names of the groups.
        tasks: by task name, shape (clusters, groups, ...), of clusters with a valid row of some group.
        pilots: pilots of the real-valued tasks.
    """

    challenge: Challenge
    groups: tuple[str, ...]
    tasks: Mapping[str, Floats]
    pilots: Mapping[str, Floats]

    @property
    def has_rows(self) -> Mask:
        """True where a cluster has a valid row of a group for some task, shape (clusters, groups)."""
        return np.logical_or.reduce([rows_of(task, self.tasks[task.name]) > 0 for task in self.challenge.tasks])

    @property
    def total(self) -> dict[str, Floats]:
        """Statistics of each group, shape (groups, ...)."""
        return {name: array.sum(0) for name, array in self.tasks.items()}

    def of_groups(self, places: Sequence[int]) -> _Cells:
        """The cells of these groups, without the clusters that have no row of them."""
        kept = self.has_rows[:, places].any(axis=1)
        tasks = {name: array[kept][:, places] for name, array in self.tasks.items()}
        return replace(self, groups=tuple(self.groups[place] for place in places), tasks=tasks)

    def values(self, sums: Mapping[str, Floats]) -> dict[Key, Floats]:
        """Every figure of each group, shape (..., groups), and the rates of each task, shape (..., groups, outputs).

        Args:
            sums: statistics by task, shape (..., groups, ...).
        """
        figures = evaluate(self.challenge, sums, self.pilots)
        found: dict[Key, Floats] = {(GROUP, ".".join(path)): values for path, values in figures.items()}
        for task in self.challenge.tasks:
            if not task.is_real:
                of_task = metrics.class_rates if isinstance(task, Categorical) else metrics.label_rates
                rates = of_task(sums[task.name])
                found |= {(name, task.name): getattr(rates, name) for name in RATES}
        return found

    def intervals(self, place: int, points: Mapping[Key, Floats]) -> dict[str, list[float] | None]:
        """The interval to quote of every figure of a group, from its own clusters, by the figure's path."""
        own = self.has_rows[:, place]
        tasks = {name: array[own, place] for name, array in self.tasks.items()}
        without = left_out(tasks, lambda sums: evaluate(self.challenge, sums, self.pilots))
        alone = {path: points[GROUP, ".".join(path)][place] for path in without}
        total = {name: array.sum(0) for name, array in tasks.items()}
        found = jackknives(self.challenge, total, alone, without)
        return {".".join(path): interval for path, interval in found.items()}

    def differences(self, values: Mapping[Key, Floats]) -> dict[Key, Floats]:
        """Gaps and measures of parity, each of shape (...), from the values of the groups.

        Each is a seminorm of the values: it changes by no more than its own value at the change.
        """
        found = {(GAP, name): metrics.gap(figure) for (kind, name), figure in values.items() if kind == GROUP}
        for task in self.challenge.tasks:
            if not task.is_real:
                rates = metrics.Rates(*(values[name, task.name] for name in RATES))
                if isinstance(task, Categorical):
                    found["statistical_parity", task.name] = metrics.statistical_parity(rates.selection)
                for measure in (
                    metrics.demographic_parity_difference,
                    metrics.equalised_odds_difference,
                    metrics.equal_opportunity_difference,
                ):
                    found[measure.__name__, task.name] = metrics.mean_of_defined(measure(rates))
        return found


def fairness(
    challenge: Challenge,
    paired: Paired,
    groups: RowGroups,
    *,
    least: int = LEAST,
    resampling: Resampling = USUAL,
) -> dict[str, Any]:
    """Compare the groups of each attribute by every figure of a challenge.

    Rows without a group, and rows that are not annotated for a task, do not count. Groups of fewer than `least`
    clusters are hidden: they have no figures and no part in any gap.

    A gap of resampled groups is greater on average than the gap itself, so percentiles of it would miss a gap of 0. The
    interval of a gap D is D - q to D + q, cut at 0, where q is the 95 % quantile of the gap of the deviations of the
    resampled figures from the figures; D changes by no more than that. So, as far as the bootstrap is right, it covers
    at least 95 %, and it reaches 0 where the groups may be equal. Measures of parity are treated alike. The test by
    chance deals the clusters out to groups of the same sizes at random, and counts how often the gap is as great.

    Args:
        challenge: the challenge.
        paired: truth and prediction.
        groups: the groups of the rows of the truth.
        least: smallest number of clusters of a group that is shown.
        resampling: number of resamples, the seed, and the subjects to resample instead of videos, if any.

    Returns:
        challenge, fingerprint, least, unit, resamples, permutations, seed, level, main (paths of the figures to show
        first), flags, problems (notes, as JSON), and attributes: by name,

        - groups: by name, clusters, rows (labelled for some task), valid (rows by task), and figures (by path, value
          and interval; None where hidden);
        - figures: by path, mean over the groups, worst (name of a group), and gap;
        - parity: by task and measure, the difference;
        - clusters, warning, left_out (lines of the file by value that names no group), without_group (rows).

        Gaps and differences have value, interval, by_chance (the mean of the test by chance), p, and p_holm: p adjusted
        for all tests of the main figures and of parity, by every attribute; None for the other figures.

    Raises:
        ProblemError: C02, a scored video has no subject.
    """
    units = paired.truth.videos
    names = (
        [video_of(unit) for unit in units] if resampling.subjects is None else subjects_of(units, resampling.subjects)
    )
    place: dict[str, int] = {}
    cluster = np.array([place.setdefault(name, len(place)) for name in names], np.int64)
    labelled = np.logical_or.reduce(list(paired.valid.values()))
    flags = [*paired.flags, *groups.remarks]
    attributes: dict[str, Any] = {}
    main: list[str] = []
    for attribute in groups.attributes:
        if not attribute.groups:
            flags.append(f"{attribute.name}: names no group of a scored row")
            continue
        cells = _collect(challenge, paired, attribute, cluster, len(place))
        found = _compare(cells, least, resampling)
        rows = np.bincount(attribute.row[labelled] + 1, minlength=len(attribute.groups) + 1).tolist()
        for own, count in zip(found["groups"].values(), rows[1:], strict=True):
            own["rows"] = count
        attributes[attribute.name] = {**found, "left_out": dict(attribute.left_out), "without_group": rows[0]}
        flags += _remarks(attribute.name, cells, found, least, resampling.unit)
        main += [name for name in found["figures"] if name not in main and _is_main(name)]
    _adjust(attributes, main)
    return {
        "challenge": challenge.id,
        "fingerprint": challenge.fingerprint,
        "least": least,
        "unit": resampling.unit,
        "resamples": resampling.resamples,
        "permutations": PERMUTATIONS,
        "seed": resampling.seed,
        "level": LEVEL,
        "main": main,
        "attributes": attributes,
        "flags": list(dict.fromkeys(flags)),
        "problems": [note.to_json() for note in paired.notes],
    }


def _adjust(attributes: Mapping[str, Any], main: Sequence[str]) -> None:
    """Adjust p of the differences that are shown first, which are one family of tests."""
    shown: list[dict[str, Any]] = []
    for attribute in attributes.values():
        shown += [own[GAP] for name, own in attribute["figures"].items() if name in main and own[GAP] is not None]
        shown += [own for measures in attribute["parity"].values() for own in measures.values()]
    tested = [own for own in shown if own["p"] is not None]
    for own, p in zip(tested, holm([own["p"] for own in tested]), strict=True):
        own["p_holm"] = p


def _is_main(figure: str) -> bool:
    """True for the score and for metrics that are no parts of others; terms are weighted sums of these."""
    return figure == "score" or (figure.startswith("metrics.") and figure.count(".") == 1)


def _collect(
    challenge: Challenge, paired: Paired, attribute: Attribute, cluster: NDArray[np.int64], clusters: int
) -> _Cells:
    """Statistics by cluster and group, from the cluster of each unit."""
    truth, width = paired.truth, len(attribute.groups)
    is_grouped = attribute.row >= 0
    cell = cluster[truth.video] * width + np.maximum(attribute.row, 0)
    cells = replace(truth, videos=("",) * (clusters * width), video=cell.astype(np.int32))
    valid = {task: mask & is_grouped for task, mask in paired.valid.items()}
    statistics = collect(challenge, cells, paired.prediction, valid=valid)
    tasks = {name: array.reshape(clusters, width, *array.shape[1:]) for name, array in statistics.tasks.items()}
    return _Cells(challenge, attribute.groups, tasks, statistics.pilots)


def _compare(cells: _Cells, least: int, resampling: Resampling) -> dict[str, Any]:
    """Figures of the groups of an attribute, and their differences, as plain data."""
    counts = np.count_nonzero(cells.has_rows, axis=0)
    places = np.flatnonzero(counts >= least).tolist()
    shown = cells.of_groups(places)
    clusters = len(next(iter(shown.tasks.values())))
    points = shown.values(shown.total)
    differences = {key: value for key, value in shown.differences(points).items() if not np.isnan(value)}
    samples: dict[Key, Floats] = {}
    deviations: dict[Key, Floats] = {}
    if clusters > 1:
        samples = resampled(shown.tasks, shown.values, resamples=resampling.resamples, seed=resampling.seed)
        deviations = shown.differences({key: values - points[key] for key, values in samples.items()})
    chance = _by_chance(shown, resampling.seed)

    def described(key: Key) -> dict[str, Any]:
        value = float(differences[key])
        interval = _about(value, deviations[key]) if key in deviations else None
        return {"value": value, "interval": interval, **_test(value, chance.get(key)), "p_holm": None}

    figures = {name: values for (kind, name), values in points.items() if kind == GROUP and not np.isnan(values).all()}
    intervals = [shown.intervals(place, points) for place in range(len(places))]
    of_groups: dict[str, dict[str, Any]] = {}
    for place, name in enumerate(cells.groups):
        valid = {task.name: int(rows_of(task, cells.total[task.name][place])) for task in cells.challenge.tasks}
        of_groups[name] = {"clusters": int(counts[place]), "valid": valid, "figures": None}
    for place, name in enumerate(shown.groups):
        of_groups[name]["figures"] = {
            path: {"value": number(values[place]), "interval": intervals[place][path]}
            for path, values in figures.items()
        }
    parity: dict[str, dict[str, Any]] = {}
    for measure, task in differences:
        if measure != GAP:
            parity.setdefault(task, {})[measure] = described((measure, task))
    return {
        "groups": of_groups,
        "figures": {
            path: {
                "mean": number(metrics.mean_of_defined(values)),
                "worst": shown.groups[int(np.nanargmin(values))],
                GAP: described((GAP, path)) if (GAP, path) in differences else None,
            }
            for path, values in figures.items()
        },
        "parity": parity,
        "clusters": clusters,
        "warning": warning(clusters, resampling.unit, FEW_RESAMPLED),
    }


def _about(value: float, deviations: Floats) -> list[float] | None:
    """The interval of a difference, from the differences of the deviations of resamples."""
    defined = deviations[~np.isnan(deviations)]
    if not len(defined):
        return None
    margin = float(np.quantile(defined, LEVEL))
    return [max(0.0, value - margin), value + margin]


def _by_chance(cells: _Cells, seed: int) -> dict[Key, Floats]:
    """Differences where clusters are dealt out to groups of the same sizes at random, each shape (permutations,).

    Empty where there is one group, or where a cluster has rows of several, so that it cannot change groups as a whole.
    """
    has_rows = cells.has_rows
    clusters, width = has_rows.shape
    if width < 2 or bool((np.count_nonzero(has_rows, axis=1) > 1).any()):
        return {}
    whole = {name: array.sum(1) for name, array in cells.tasks.items()}
    generator = np.random.default_rng(seed)
    own = has_rows.argmax(axis=1)
    parts: list[dict[Key, Floats]] = []
    for _, size in blocks(PERMUTATIONS, clusters * width):
        dealt = generator.permuted(np.broadcast_to(own, (size, clusters)), axis=1)
        members = (dealt[:, None, :] == np.arange(width)[:, None]).astype(np.float64)
        sums = weighted(whole, members.reshape(size * width, clusters))
        found = cells.values({name: array.reshape(size, width, *array.shape[1:]) for name, array in sums.items()})
        parts.append(cells.differences(found))
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _test(value: float, chance: Floats | None) -> dict[str, float | None]:
    """Mean of a difference by chance, and the share of the random groups where it is at least as great."""
    defined = np.empty(0) if chance is None else chance[~np.isnan(chance)]
    if not len(defined):
        return {"by_chance": None, "p": None}
    # a difference equal but for rounding counts as reached
    reached = int(np.count_nonzero(defined >= value - 1e-12))
    return {"by_chance": float(defined.mean()), "p": (1 + reached) / (1 + len(defined))}


def _remarks(name: str, cells: _Cells, found: Mapping[str, Any], least: int, unit: str) -> Iterator[str]:
    """What a reader of the figures of an attribute should know."""
    groups = found["groups"]
    hidden = [f"{group} ({own['clusters']})" for group, own in groups.items() if own["figures"] is None]
    if hidden:
        yield f"{name}: hidden, with fewer than {least} {unit}s: {', '.join(hidden)}"
    if len(groups) - len(hidden) < 2:
        yield f"{name}: fewer than two groups are shown, so there is no gap"
    elif bool((np.count_nonzero(cells.has_rows, axis=1) > 1).any()):
        yield f"{name}: a {unit} has rows of several groups, so there is no test by chance"
    if found["warning"]:
        yield f"{name}: {found['warning']}"
    for task in cells.challenge.tasks:
        told: dict[str, list[str]] = {}
        for place, (group, own) in enumerate(groups.items()):
            if own["figures"] is not None and own["valid"][task.name]:
                sums = cells.total[task.name][place]
                for text in kind_of(task).remarks(task, sums, cells.pilots.get(task.name)):
                    told.setdefault(text, []).append(group)
        yield from (f"{name}, {', '.join(names)}: {text}" for text, names in told.items())
