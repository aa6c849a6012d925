"""Which score of compound expressions is best on drawn faces: each part alone and together, and a few labelled faces.

Linear networks by ridge regression answer expressions, action units and valence of people who show basic expressions.
Compound expressions of other people are named from these answers without a label (`models.compound`), and by a linear
network that learned from a few labelled compound faces of a third group of people. All see the same features:
histograms of oriented gradients, reduced to the principal components of the basic faces.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.entries.outputs import sigmoid, softmax
from abawbench.labels import ACTION_UNITS_17, COMPOUND_7, COMPOUND_11, EXPRESSIONS_7
from abawbench.metrics.f1 import balanced_accuracy_from, confusion, f1_per_class_from
from abawbench.metrics.groups import Groups
from abawbench.models.compound import Mean, Part, compound_scores
from abawbench.synthetic.relations import WEIGHTS
from abawbench.table import Floats, Rows
from abawbench.training.ridge import fit_task
from benchmarks.claims.analysis import point, resampled
from benchmarks.claims.claim import Figure, Outcome
from benchmarks.claims.drawn_faces import Faces, FaceSettings, draw_faces, read_faces

OUT = Path("out/claims")
SEEDS = 5
# draws of people and faces: a score that was chosen on one is confirmed on the other
DRAWS = (0, 1)
# people who show basic expressions, one group for each seed; then the people of labelled compounds, and of the test
BASIC = FaceSettings(first=20_000, people=60, frames=6)
LABELLED = FaceSettings(first=21_000, people=40, frames=8, classes=COMPOUND_11)
TEST = FaceSettings(first=22_000, people=60, frames=8, classes=COMPOUND_11)
# labelled faces of basic expressions: all, or those of the first people
FEW = 60
COMPONENTS = 200
PENALTIES = tuple(10.0**power for power in range(-1, 5))
FOLDS = 5
SHOTS = (5, 10, 20)
# intensity at which a face with an action unit has the valence of the corpus
USUAL = 0.7
TASKS = {
    "expression": Categorical("expression", EXPRESSIONS_7, None),
    "action_units": MultiLabel("action_units", ACTION_UNITS_17, None),
    "va": Continuous("va", ("valence",), -1.0, 1.0, None),
}
COMPOUND = Categorical("compound", COMPOUND_11, None)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to score compounds: its parts, and the mean of two probabilities."""

    name: str
    parts: tuple[Part, ...]
    mean: Mean = "arithmetic"


PUBLISHED = Way("all three: published", ("action_units", "expressions", "valence"))
WAYS = (
    PUBLISHED,
    Way("action units", ("action_units",)),
    Way("expressions, sum", ("expressions",)),
    Way("expressions, geometric mean", ("expressions",), "geometric"),
    Way("expressions, harmonic mean", ("expressions",), "harmonic"),
    Way("expressions, sum + valence", ("expressions", "valence")),
    Way("action units + valence", ("action_units", "valence")),
    Way("action units + expressions, sum", ("action_units", "expressions")),
    Way("action units + expressions, geometric", ("action_units", "expressions"), "geometric"),
    Way("action units + expressions, harmonic", ("action_units", "expressions"), "harmonic"),
    Way("all three, geometric", ("action_units", "expressions", "valence"), "geometric"),
)
FIGURES = {
    COMPOUND_7: Figure("F1 of 7", lambda statistics: f1_per_class_from(statistics["compound"]).mean(-1)),
    COMPOUND_11: Figure("UAR of 11", lambda statistics: balanced_accuracy_from(statistics["compound"])),
}


def main(out: Path = OUT, seeds: int = SEEDS, processes: int | None = None) -> None:
    """Draw the faces, which are kept in `out`; learn, score, and print tables for each draw and number of labels."""
    for draw in DRAWS:
        print(f"\nDraw {draw}", flush=True)
        run(draw, out, seeds, processes or os.cpu_count() or 1)


def run(draw: int, out: Path, seeds: int, processes: int) -> None:
    """Everything for one draw of people and faces."""
    given, asked = replace(LABELLED, seed=draw), replace(TEST, seed=draw)
    basic = [replace(BASIC, seed=draw, first=BASIC.first + seed * BASIC.people) for seed in range(seeds)]
    for settings in (*basic, given, asked):
        draw_faces(settings, out, processes, lambda line: print(line, flush=True))
    labelled, test = read_faces(given, out), read_faces(asked, out)
    print_tables([dict(scores_of(read_faces(own, out), labelled, test, seed)) for seed, own in enumerate(basic)], test)


def scores_of(basic: Faces, labelled: Faces, test: Faces, seed: int) -> Iterator[tuple[tuple[str, str], Floats]]:
    """Scores of the eleven compounds in the faces of the test, by number of labels and way, shape (faces, 11)."""
    centre = basic.hog.astype(np.float64).mean(0)
    axes = np.linalg.svd(basic.hog - centre, full_matrices=False)[2][:COMPONENTS]
    seen, shown, unseen = ((faces.hog - centre) @ axes.T for faces in (basic, labelled, test))
    units = answer(TASKS["action_units"], basic.action_units.astype(np.int64), seen, basic.person, unseen)
    valence = answer(TASKS["va"], true_valence(basic), seen, basic.person, unseen)
    for count in (len(seen), FEW):
        expressions = answer(TASKS["expression"], basic.expression[:count], seen[:count], basic.person[:count], unseen)
        labels = f"{count} faces with an expression, {len(seen)} with action units and valence"
        for way in WAYS:
            yield (labels, way.name), zero_shot(way, units, expressions, valence[:, 0])
        true_units = zero_shot(WAYS[1], test.action_units.astype(np.float64), expressions, None)
        yield (labels, "control: the true action units"), true_units
        yield (
            (labels, "control: published, true valence"),
            zero_shot(WAYS[0], units, expressions, true_valence(test)[:, 0]),
        )
    random = np.random.default_rng(seed)
    for shots in SHOTS:
        rows = np.concatenate([random.permutation(np.flatnonzero(labelled.expression == c))[:shots] for c in range(11)])
        scores = answer(COMPOUND, labelled.expression[rows], shown[rows], np.arange(len(rows)), unseen)
        yield ("labelled compound faces", f"{shots} of each compound"), scores


def true_valence(faces: Faces) -> Floats:
    """The valence of faces whose action units all have the usual intensity, shape (faces, 1)."""
    return np.tanh(USUAL * faces.action_units @ WEIGHTS[:, :1])


def zero_shot(way: Way, units: Floats, expressions: Floats, valence: Floats | None) -> Floats:
    """Scores of the eleven compounds."""
    return compound_scores(
        units,
        expressions,
        valence,
        unit_names=ACTION_UNITS_17,
        expression_names=EXPRESSIONS_7,
        compounds=COMPOUND_11,
        parts=way.parts,
        mean=way.mean,
    )


def answer(task: Task, values: NDArray[np.generic], seen: Floats, person: Rows, unseen: Floats) -> Floats:
    """Answers to faces by a linear network that has seen others, shape (faces, width)."""
    fit = fit_task(task, values, task.is_annotated(values), seen.astype(np.float32), person % FOLDS, PENALTIES)
    scores = unseen @ fit.weight + fit.bias
    if task.is_real:
        return np.clip(scores, *task.span)
    return sigmoid(scores) if task.is_vector else softmax(scores)


def counts(scores: Floats, test: Faces, compounds: Sequence[str]) -> Floats:
    """Confusion counts of each person among some compounds, shape (people, compounds, compounds)."""
    columns = [COMPOUND_11.index(name) for name in compounds]
    place = np.full(len(COMPOUND_11), -1, np.int8)
    place[columns] = np.arange(len(columns))
    own = place[test.expression]
    groups = Groups.of(test.person, TEST.people)
    return confusion(own, scores[:, columns].argmax(1).astype(np.int8), len(columns), groups, valid=own >= 0)


def print_tables(seeds: Sequence[Mapping[tuple[str, str], Floats]], test: Faces) -> None:
    """Print the figures of each way with 95 % intervals, and their differences from the published score."""
    for labels in dict.fromkeys(key[0] for key in seeds[0]):
        rows: dict[str, list[str]] = {key[1]: [] for key in seeds[0] if key[0] == labels}
        headers = ["score"]
        for compounds, figure in FIGURES.items():
            outcomes = {
                name: Outcome(
                    np.zeros(len(seeds)),
                    {"compound": np.stack([counts(one[labels, name], test, compounds) for one in seeds])},
                )
                for name in rows
            }
            samples = {name: resampled(outcome, figure) for name, outcome in outcomes.items()}
            headers += [figure.name, "95 %"] + ["less the published", "95 %"] * (PUBLISHED.name in rows)
            for name, row in rows.items():
                row.extend(cells(point(outcomes[name], figure), samples[name]))
                if PUBLISHED.name in rows:
                    change = point(outcomes[name], figure) - point(outcomes[PUBLISHED.name], figure)
                    row.extend(cells(change, samples[name] - samples[PUBLISHED.name]))
        print(f"\n{labels}")
        print(
            tabulate([[name, *row] for name, row in rows.items()], headers, "github", disable_numparse=True), flush=True
        )


def cells(value: float, samples: Floats) -> list[str]:
    """A figure and its interval."""
    low, high = np.percentile(samples, [2.5, 97.5])
    return [f"{value:.3f}", f"{low:.3f} to {high:.3f}"]


if __name__ == "__main__":
    main()
