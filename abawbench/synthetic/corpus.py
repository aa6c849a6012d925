"""A corpus in memory: its people, videos and splits, the course of each video, and the annotated frames."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from abawbench.labels import ACTION_UNITS_12
from abawbench.synthetic import quirks
from abawbench.synthetic.affect import (
    EXPRESSION_OF_EPISODE,
    Intensities,
    episode_shares,
    make_course,
    make_temperament,
)
from abawbench.synthetic.label_sets import annotated_rows, choose_labelled, flip_labels, units_without_tasks
from abawbench.synthetic.noise import stream, stretches
from abawbench.synthetic.quirks import Labels, Rows, annotate
from abawbench.synthetic.relations import make_relations
from abawbench.synthetic.settings import MULTI_TASK, SPLITS, CorpusSettings, check_settings
from abawbench.table import Classes, Floats, Mask, Table, Values

# rows of s-Aff-Wild2 in the 4th, 7th and 11th edition, as in the records of the challenges
PROPORTIONS = {"train": 142_382, "validation": 26_876, "test": 51_159}
# purposes of random streams, so that none depends on another
PLAN, PERSON, COURSE, LABELS, GAPS, REPEATS, FACE, FILM, RELATIONS, CHOICE, FLIPS = range(11)


@dataclass(frozen=True, slots=True)
class Unit:
    """One person in one video, with a folder of crops and a file of labels.

    Attributes:
        name: name of the unit, such as `7-30-640x480`, with `_left` or `_right` in a video of two people.
        video: name of the video.
        person: number of the person, from 0.
        split: name of the split.
        frames: number of frames.
    """

    name: str
    video: str
    person: int
    split: str
    frames: int


@dataclass(frozen=True, eq=False)
class Footage:
    """All frames of all units, one unit after another; a row is a frame.

    Attributes:
        settings: settings of the corpus.
        units: the units.
        starts: first row of each unit, and the number of all rows, shape (units + 1,).
        action_units: true intensities in [0, 1] in the order of `ACTION_UNITS_17`, shape (rows, 17).
        episode: true episode as an index into `EPISODES`, shape (rows,).
        affect: true valence and arousal in [-1, 1], shape (rows, 2).
        labels: the labels of annotators, without gaps.
        annotated: by task, shape (rows,), False for rows without a label.
        lacking: by task, shape (units,), True for units that are in no file of the task.
        has_face: False for frames in which no face is seen, shape (rows,).
        on_step: True for frames that have labels and crops, every `step`-th of a unit, shape (rows,).
        surplus: True for units with a line of labels behind their last frame, shape (units,).
        listed: by split, the rows that the files of s-Aff-Wild2 list, with repetitions.
    """

    settings: CorpusSettings
    units: tuple[Unit, ...]
    starts: Rows
    action_units: Intensities
    episode: Classes
    affect: Floats
    labels: Labels
    annotated: Mapping[str, Mask]
    lacking: Mapping[str, Mask]
    has_face: Mask
    on_step: Mask
    surplus: Mask
    listed: Mapping[str, Rows]

    @property
    def expression(self) -> Classes:
        """True expression of each row, as an index into `EXPRESSIONS_8`."""
        return EXPRESSION_OF_EPISODE[self.episode]

    @property
    def has_crop(self) -> Mask:
        """True for frames that are drawn, shape (rows,)."""
        return self.has_face & self.on_step

    def of_split(self, split: str) -> list[int]:
        """Indices of the units of a split."""
        return [place for place, unit in enumerate(self.units) if unit.split == split]

    def owner(self, rows: Rows) -> Rows:
        """Index of the unit of each row, shape (rows,)."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    def rows_of(self, places: list[int]) -> Rows:
        """Rows of the units with these indices, in order."""
        return np.concatenate(
            [np.empty(0, np.int64), *(np.arange(self.starts[place], self.starts[place + 1]) for place in places)]
        )

    def table(self, rows: Rows, *, gaps: bool = True) -> Table:
        """Rows as a table of the multi-task challenge.

        Args:
            rows: the rows, in ascending order.
            gaps: whether labels are missing as in the files of the corpus; otherwise every row has every label.
        """
        owner = self.owner(rows)
        fresh = np.diff(owner, prepend=-1) > 0
        video = np.cumsum(fresh) - 1
        values: dict[str, Values] = {
            "va": np.asfortranarray(self.labels.affect[rows]),
            "expression": self.labels.expression[rows],
            "action_units": np.asfortranarray(self.labels.action_units[rows]),
        }
        if gaps:
            for task in MULTI_TASK.tasks:
                missing = ~self.annotated[task.name][rows]
                values[task.name][missing] = task.empty(int(missing.sum()))
        return Table(
            videos=tuple(self.units[place].name for place in owner[fresh].tolist()),
            video=video.astype(np.int32),
            frame=(rows - self.starts[owner] + 1).astype(np.int32),
            values=values,
            source="synthetic",
        )


def plan_units(settings: CorpusSettings) -> tuple[Unit, ...]:
    """Plan the people, lengths and splits of all videos; nobody is in two splits."""
    generator = stream(settings.seed, PLAN)
    numbers = np.arange(1, settings.videos + 1)
    least, most = round(0.7 * settings.frames), round(1.3 * settings.frames)
    frames = generator.integers(least, most, settings.videos, endpoint=True)
    pairs = math.ceil(settings.videos * quirks.TWO_PEOPLE) if "two-people" in settings.quirks else 0
    order = generator.permutation(settings.videos)
    of_two = set(order[:pairs].tolist())
    # some people have a second video
    seconds = math.ceil(settings.videos * quirks.SECOND_VIDEOS)
    seconds = min(seconds, (settings.videos - pairs) // 2, settings.videos - len(SPLITS))
    person_of: dict[int, tuple[int, ...]] = {}
    person = 0
    for video in range(settings.videos):
        person_of[video] = (person, person + 1) if video in of_two else (person,)
        person += len(person_of[video])
    alone = order[pairs:]
    for first, again in zip(alone[:seconds].tolist(), alone[seconds : 2 * seconds].tolist(), strict=True):
        person_of[again] = person_of[first]
    split_of = _splits(list(person_of.values()), generator)
    units: list[Unit] = []
    for video, people in person_of.items():
        name = f"{numbers[video]}-30-640x480"
        sides = ("_left", "_right") if len(people) == 2 else ("",)
        units += [
            Unit(f"{name}{side}", name, who, split_of[people], int(frames[video]))
            for side, who in zip(sides, people, strict=True)
        ]
    return tuple(units)


def _splits(people: list[tuple[int, ...]], generator: np.random.Generator) -> dict[tuple[int, ...], str]:
    """The split of each group of people: always the one that falls furthest short of its official share of units.

    Args:
        people: the people of each video.
        generator: source of the random numbers.
    """
    groups = list(dict.fromkeys(people))
    weight = {group: len(group) * people.count(group) for group in groups}
    shares = np.array([PROPORTIONS[split] for split in SPLITS]) / sum(PROPORTIONS.values())
    held = np.zeros(len(SPLITS))
    result: dict[tuple[int, ...], str] = {}
    for number, place in enumerate(generator.permutation(len(groups)).tolist()):
        group = groups[place]
        # the first three groups go to one split each, so that none is empty
        chosen = number if number < len(SPLITS) else int(np.argmax(shares * (held.sum() + weight[group]) - held))
        result[group] = SPLITS[chosen]
        held[chosen] += weight[group]
    return result


def make_footage(settings: CorpusSettings) -> Footage:
    """Make everything but the pictures; equal settings give equal arrays.

    Raises:
        ProblemError: D52, the settings make no corpus.
    """
    units = plan_units(check_settings(settings))
    active = settings.quirks
    frames = np.array([unit.frames for unit in units])
    starts = np.concatenate([[0], np.cumsum(frames)])
    rows = int(starts[-1])
    relations = make_relations(settings.relatedness, stream(settings.seed, RELATIONS))
    shares = episode_shares() if "imbalance" in active else episode_shares((1 / 8,) * 8)
    action_units, affect = np.empty((rows, 17), np.float32), np.empty((rows, 2))
    episode = np.empty(rows, np.int8)
    labels = Labels(np.empty((rows, 2)), np.empty(rows, np.int8), np.empty((rows, len(ACTION_UNITS_12)), np.int8))
    for place, unit in enumerate(units):
        part = slice(starts[place], starts[place + 1])
        temperament = make_temperament(stream(settings.seed, PERSON, unit.person))
        course = make_course(temperament, unit.frames, stream(settings.seed, COURSE, place), shares, relations)
        written = annotate(course, stream(settings.seed, LABELS, place), active)
        action_units[part], affect[part], episode[part] = course.action_units, course.affect, course.episode
        labels.affect[part], labels.expression[part] = written.affect, written.expression
        labels.action_units[part] = written.action_units
    split = np.repeat([SPLITS.index(unit.split) for unit in units], frames)
    on_step = (np.arange(rows) - np.repeat(starts[:-1], frames)) % settings.step == 0
    generator = stream(settings.seed, GAPS)
    lacking = units_without_tasks(np.array([unit.split == "train" for unit in units]), frames, active, generator)
    by_row = {task: np.repeat(mask, frames) for task, mask in lacking.items()}
    annotated = annotated_rows(split, on_step, by_row, active, generator)
    has_face = np.ones(rows, bool)
    if "missing-crops" in active:
        has_face = ~stretches(generator, rows, float(quirks.MISSING_CROPS), quirks.STRETCH_WITHOUT_FACE)
        # every unit shows a face at least once
        has_face[starts[:-1]] = True
    surplus = np.zeros(len(units), bool)
    if "surplus-lines" in active:
        surplus[generator.permutation(len(units))[: math.ceil(len(units) * quirks.SURPLUS_LINES)]] = True
    train = np.flatnonzero(on_step & (split == SPLITS.index("train")))
    for task in choose_labelled(settings, train, annotated, stream(settings.seed, CHOICE)):
        lacking[task] = ~np.logical_or.reduceat(annotated[task], starts[:-1])
    if settings.flipped:
        flip_labels(labels, train, settings.flipped, stream(settings.seed, FLIPS))
    footage = Footage(
        *(settings, units, starts, action_units, episode, affect, labels, annotated, lacking),
        has_face=has_face,
        on_step=on_step,
        surplus=surplus,
        listed={},
    )
    return _with_lists(footage)


def _with_lists(footage: Footage) -> Footage:
    """The footage with the rows that the files of s-Aff-Wild2 list."""
    listed: dict[str, Rows] = {}
    for number, split in enumerate(SPLITS):
        rows = footage.rows_of(footage.of_split(split))
        rows = rows[footage.on_step[rows]]
        if "repeats" in footage.settings.quirks:
            rows = quirks.repeat_rows(rows, quirks.REPEATS[split], stream(footage.settings.seed, REPEATS, number))
        listed[split] = rows
    return replace(footage, listed=listed)
