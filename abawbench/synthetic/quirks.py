"""The oddities of the real data, as switches, each with the number it imitates and the source of that number."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from abawbench.labels import ACTION_UNITS_12, ACTION_UNITS_17, EXPRESSIONS_8
from abawbench.synthetic.affect import FRAME_RATE, Course
from abawbench.synthetic.noise import Mask, moving_mean, smooth_noise, stretches
from abawbench.table import Classes, Floats

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Quirk:
    """One oddity.

    Attributes:
        what: description of the oddity, with the imitated number.
        source: source of the number.
    """

    what: str
    source: str


QUIRKS: dict[str, Quirk] = {
    "repeats": Quirk(
        "rows repeated: 951 of 142,382 in training, 210 of 26,876 in validation, 718 of 51,159 in the test list",
        "bakinalexey/abaw-11-mtl-bah-recognition:mtl_pytorch_fixed.ipynb; test list: assumed, from the printed size "
        "of a dictionary of paths",
    ),
    "missing-crops": Quirk(
        "stretches without a face: 26,387 of 1,680,144 annotated frames have no crop",
        "sb-ai-lab/EmotiEffLib:training_and_examples/ABAW/abaw5_expr_va_au_train.ipynb",
    ),
    "partial-labels": Quirk(
        "rows without expression in stretches: 90,645 of 142,382 have one in training, 15,440 of 26,876 in validation; "
        "49 training rows have no label at all",
        "sb-ai-lab/EmotiEffLib:training_and_examples/ABAW/abaw4_mtl_train.ipynb",
    ),
    "label-sets": Quirk(
        "training videos annotated for some tasks only: 103,917 of 142,382 rows have valence and arousal, 103,316 "
        "action units",
        "sb-ai-lab/EmotiEffLib:training_and_examples/ABAW/abaw4_mtl_train.ipynb",
    ),
    "two-people": Quirk(
        "videos of two people, units _left and _right: 16 of 594",
        "assumed: as the organisers' papers tell; not checked against one",
    ),
    "surplus-lines": Quirk(
        "one line of labels behind the last frame: 106 of 561 units are one off",
        "Chrisa142857/ABAW2:length.csv, where it is the crops that are one more than the container's frames",
    ),
    "imbalance": Quirk(
        "expressions as frequent as in the 10th edition: 262,610, 23,280, 16,300, 17,583, 129,285, 106,265, 42,977 "
        "and 278,146 frames",
        "ora942878/ABAW_10_EXPR:metadata/",
    ),
    "label-noise": Quirk(
        "unsteady hands and borders: standard deviation 0.06 of valence and arousal, borders of expressions off by 3 "
        "frames, 4 % of the time another expression, 1.5 % of the time another action unit",
        "assumed: no study of the annotators' agreement is at hand",
    ),
    "lag": Quirk(
        "valence and arousal are annotated late and evenly: 8 to 22 frames behind (a quarter to three quarters of a "
        "second), averaged over 9",
        "assumed: annotators react late in every continuous annotation; how late is not published for Aff-Wild2",
    ),
}

# repeated rows as a share of all rows
REPEATS = {"train": Fraction(951, 142_382), "validation": Fraction(210, 26_876), "test": Fraction(718, 51_159)}
# frames without a crop as a share of all frames, and the length of a stretch in frames
MISSING_CROPS, STRETCH_WITHOUT_FACE = Fraction(26_387, 1_680_144), 12
# rows with an expression as a share of all rows, and the length of a stretch without one in rows
WITH_EXPRESSION = {
    "train": Fraction(90_645, 142_382),
    "validation": Fraction(15_440, 26_876),
    "test": Fraction(15_440, 26_876),
}
STRETCH_WITHOUT_EXPRESSION = 45
# training rows without any label as a share of all training rows
WITHOUT_LABEL = Fraction(49, 142_382)
# the training units that lack a task, as an interval of a line from 0 to 1 on which all of them lie. Half of those
# without valence and arousal lack action units too, and none lacks everything
WITHOUT_AFFECT = (0.0, 1 - 103_917 / 142_382)
WITHOUT_UNITS = (0.12, 0.12 + 1 - 103_316 / 142_382)
WITHOUT_EXPRESSION = (0.4, 0.5)
# videos of two people, people with a second video, and units with a surplus line, as shares of videos and units
TWO_PEOPLE = Fraction(16, 594)
SECOND_VIDEOS = Fraction(594 - 584, 594)
SURPLUS_LINES = Fraction(106, 561)

# smallest intensity of an action unit that counts as present
PRESENT_FROM = 0.25
# standard deviations: of valence and arousal, and of the borders of expressions in frames
AFFECT_NOISE, BORDER_NOISE = 0.06, 3.0
# share of the frames with a wrong expression
OTHER_EXPRESSION = 0.04
# an action unit is wrong where a Gaussian series exceeds this many standard deviations, which is 1.5 % of the time
WRONG_BEYOND = 2.43
# lag of valence and arousal, shortest and longest, and the width of their moving mean; in frames
LAG, SMOOTHED = (8, 22), 9
AFFECT_DECIMALS = 3

_OF_17 = [ACTION_UNITS_17.index(unit) for unit in ACTION_UNITS_12]


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels as annotators write them, without gaps.

    Attributes:
        affect: valence and arousal in [-1, 1] with three decimals, shape (frames, 2).
        expression: index into `EXPRESSIONS_8`, shape (frames,).
        action_units: 0 or 1, order of `ACTION_UNITS_12`, shape (frames, 12).
    """

    affect: Floats
    expression: Classes
    action_units: Classes


def annotate(course: Course, generator: np.random.Generator, quirks: Collection[str]) -> Labels:
    """Annotate a video; without `lag` and `label-noise` the labels are its truth.

    An action unit is present from an intensity of 0.25 (assumed: a visible movement).

    Args:
        course: course of the video.
        generator: source of the random numbers.
        quirks: names of the quirks that are on.
    """
    frames = len(course.episode)
    place = np.arange(frames)
    late = int(generator.integers(LAG[0], LAG[1] + 1))
    affect, expression = course.affect, course.expression
    units = course.action_units[:, _OF_17] >= PRESENT_FROM
    if "lag" in quirks:
        affect = moving_mean(affect[np.maximum(place - late, 0)], SMOOTHED)
    if "label-noise" in quirks:
        affect = affect + AFFECT_NOISE * smooth_noise(generator, frames, 2, FRAME_RATE // 2)
        shift = BORDER_NOISE * smooth_noise(generator, frames, 1, FRAME_RATE)[:, 0]
        expression = expression[np.clip(place + np.rint(shift).astype(np.int64), 0, frames - 1)]
        mistaken = stretches(generator, frames, OTHER_EXPRESSION, FRAME_RATE // 2)
        expression = np.where(mistaken, (expression + generator.integers(1, 8)) % len(EXPRESSIONS_8), expression)
        units = units ^ (np.abs(smooth_noise(generator, frames, len(_OF_17), FRAME_RATE // 3)) > WRONG_BEYOND)
    affect = np.clip(np.round(affect, AFFECT_DECIMALS), -1, 1)
    return Labels(affect, expression.astype(np.int8), units.astype(np.int8))


def repeat_rows(rows: Rows, share: Fraction, generator: np.random.Generator) -> Rows:
    """Repeat some of the rows, each right behind its first occurrence.

    Args:
        rows: the rows.
        share: share of the repetitions among all resulting rows; their number is rounded up.
        generator: source of the random numbers.
    """
    count = min(math.ceil(len(rows) * share / (1 - share)), len(rows))
    times = np.ones(len(rows), np.int64)
    times[generator.choice(len(rows), count, replace=False)] = 2
    return np.repeat(rows, times)


def units_without_task(units: NDArray[np.int64], place: tuple[float, float], order: NDArray[np.int64]) -> Mask:
    """A mask of the units without a task, shape (units,).

    The units lie one after another on a line from 0 to 1, each as long as its share of the frames. A unit lacks the
    task if its middle lies in an interval.

    Args:
        units: number of frames of each unit.
        place: begin and end of the interval.
        order: order of the units on the line.
    """
    ends = np.cumsum(units[order])
    middle = (ends - units[order] / 2) / max(int(ends[-1]) if len(ends) else 1, 1)
    lacking = np.zeros(len(units), bool)
    lacking[order] = (middle >= place[0]) & (middle < place[1])
    return lacking
