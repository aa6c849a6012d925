"""A corpus in memory: its people, videos and splits, the course of each video, and the annotated frames."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import get
from abawbench.labels import ACTION_UNITS_12
from abawbench.synthetic import quirks
from abawbench.synthetic.affect import (
    EXPRESSION_OF_EPISODE,
    Intensities,
    episode_shares,
    make_course,
    make_temperament,
)
from abawbench.synthetic.noise import stream, stretches
from abawbench.synthetic.quirks import QUIRKS, Labels, Rows, annotate
from abawbench.table import Classes, Floats, Mask, Table, Values

SPLITS = ("train", "validation", "test")
# rows of s-Aff-Wild2 in the 4th, 7th and 11th edition, as in the records of the challenges
PROPORTIONS = {"train": 142_382, "validation": 26_876, "test": 51_159}
# purposes of random streams, so that none depends on another
PLAN, PERSON, COURSE, LABELS, GAPS, REPEATS, FACE, FILM = range(8)
MULTI_TASK = get("abaw4-mtl")


@dataclass(frozen=True, slots=True)
class CorpusSettings:
    """Settings of a corpus, which decide its content.

    Attributes:
        videos: number of videos.
        frames: mean number of frames of a video; the actual number is 0.7 to 1.3 times as large.
        seed: seed of all draws.
        without: names of the quirks that are turned off.
        step: distance of two frames that the files of s-Aff-Wild2 list, in frames.
        pictures: whether crops are drawn; otherwise the corpus has labels only.
        films: number of videos that are encoded too.
    """

    videos: int = field(metadata={"help": "Number of videos.", "least": 3, "default": 30})
    frames: int = field(metadata={"help": "Frames of a video, on average.", "least": 16, "default": 200})
    seed: int = field(default=0, metadata={"help": "Seed of all draws.", "least": 0})
    without: tuple[str, ...] = ()
    step: int = field(
        default=1, metadata={"help": "Distance of the frames that the files of s-Aff-Wild2 list.", "least": 1}
    )
    pictures: bool = True
    films: int = field(
        default=0,
        metadata={"help": "Number of videos that are encoded as mp4 files as well.", "least": 0, "flags": ("--film",)},
    )

    @property
    def quirks(self) -> frozenset[str]:
        """Names of the quirks that are turned on."""
        return frozenset(QUIRKS).difference(self.without)

    def to_json(self) -> dict[str, Any]:
        """The settings as corpus.json holds them."""
        return asdict(self) | {"without": sorted(self.without)}


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
        has_crop: False for frames in which no face is seen, shape (rows,).
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
    has_crop: Mask
    surplus: Mask
    listed: Mapping[str, Rows]

    @property
    def expression(self) -> Classes:
        """True expression of each row, as an index into `EXPRESSIONS_8`."""
        return EXPRESSION_OF_EPISODE[self.episode]

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


def check_settings(settings: CorpusSettings) -> CorpusSettings:
    """Check settings, and return them.

    Raises:
        ProblemError: D52, a number is too small, a quirk is unknown, or two settings contradict each other.
    """
    wrong = [
        Problem("D52", f"{item.name} = {value:,}", f"at least {item.metadata['least']}", "choose a larger number")
        for item in fields(settings)
        if "least" in item.metadata and (value := getattr(settings, item.name)) < item.metadata["least"]
    ]
    wrong += [
        Problem("D52", f"no quirk '{name}'", f"some of {', '.join(QUIRKS)}", "correct the name")
        for name in settings.without
        if name not in QUIRKS
    ]
    if settings.films > settings.videos:
        found = f"{settings.films} films of {settings.videos} videos"
        wrong.append(Problem("D52", found, "no more films than videos", "make more videos or fewer films"))
    if settings.films and not settings.pictures:
        wrong.append(Problem("D52", "films, and labels alone", "one of both", "leave one of them out"))
    if wrong:
        raise ProblemError(*wrong)
    return settings


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
    shares = episode_shares() if "imbalance" in active else episode_shares((1 / 8,) * 8)
    action_units, affect = np.empty((rows, 17), np.float32), np.empty((rows, 2))
    episode = np.empty(rows, np.int8)
    labels = Labels(np.empty((rows, 2)), np.empty(rows, np.int8), np.empty((rows, len(ACTION_UNITS_12)), np.int8))
    for place, unit in enumerate(units):
        part = slice(starts[place], starts[place + 1])
        temperament = make_temperament(stream(settings.seed, PERSON, unit.person))
        course = make_course(temperament, unit.frames, stream(settings.seed, COURSE, place), shares)
        written = annotate(course, stream(settings.seed, LABELS, place), active)
        action_units[part], affect[part], episode[part] = course.action_units, course.affect, course.episode
        labels.affect[part], labels.expression[part] = written.affect, written.expression
        labels.action_units[part] = written.action_units
    generator = stream(settings.seed, GAPS)
    lacking = _lacking(units, frames, active, generator)
    annotated = _annotated(units, frames, lacking, active, generator)
    has_crop = np.ones(rows, bool)
    if "missing-crops" in active:
        has_crop = ~stretches(generator, rows, float(quirks.MISSING_CROPS), quirks.STRETCH_WITHOUT_FACE)
        # every unit shows a face at least once
        has_crop[starts[:-1]] = True
    surplus = np.zeros(len(units), bool)
    if "surplus-lines" in active:
        surplus[generator.permutation(len(units))[: math.ceil(len(units) * quirks.SURPLUS_LINES)]] = True
    footage = Footage(
        *(settings, units, starts, action_units, episode, affect, labels, annotated, lacking, has_crop, surplus),
        listed={},
    )
    return _with_lists(footage)


def _lacking(
    units: tuple[Unit, ...], frames: Rows, active: frozenset[str], generator: np.random.Generator
) -> dict[str, Mask]:
    """By task, a mask of the training units that are in no file of the task, shape (units,)."""
    train = np.array([unit.split == "train" for unit in units])
    order = generator.permutation(int(train.sum()))
    places = {
        "va": quirks.WITHOUT_AFFECT,
        "expression": quirks.WITHOUT_EXPRESSION,
        "action_units": quirks.WITHOUT_UNITS,
    }
    result: dict[str, Mask] = {}
    for task, place in places.items():
        result[task] = np.zeros(len(units), bool)
        if "label-sets" in active:
            result[task][train] = quirks.units_without_task(frames[train], place, order)
    return result


def _annotated(
    units: tuple[Unit, ...],
    frames: Rows,
    lacking: dict[str, Mask],
    active: frozenset[str],
    generator: np.random.Generator,
) -> dict[str, Mask]:
    """By task, a mask of the rows with a label, shape (rows,)."""
    result = {task: ~np.repeat(mask, frames) for task, mask in lacking.items()}
    if "partial-labels" not in active:
        return result
    split = np.repeat([SPLITS.index(unit.split) for unit in units], frames)
    # units with nothing but expressions have one on every row
    alone = np.repeat(lacking["va"] & lacking["action_units"], frames)
    for number, name in enumerate(SPLITS):
        rows = split == number
        open_rows = np.flatnonzero(rows & ~alone & result["expression"])
        wanted = float(quirks.WITH_EXPRESSION[name]) * int(rows.sum()) - int((rows & alone).sum())
        share = 1 - max(wanted, 0) / max(len(open_rows), 1)
        gaps = stretches(generator, len(open_rows), share, quirks.STRETCH_WITHOUT_EXPRESSION)
        result["expression"][open_rows[gaps]] = False
    train = np.flatnonzero(split == SPLITS.index("train"))
    bare = generator.choice(train, math.ceil(len(train) * quirks.WITHOUT_LABEL), replace=False)
    for mask in result.values():
        mask[bare] = False
    return result


def _with_lists(footage: Footage) -> Footage:
    """The footage with the rows that the files of s-Aff-Wild2 list."""
    listed: dict[str, Rows] = {}
    for number, split in enumerate(SPLITS):
        rows = footage.rows_of(footage.of_split(split))
        rows = rows[(rows - footage.starts[footage.owner(rows)]) % footage.settings.step == 0]
        if "repeats" in footage.settings.quirks:
            rows = quirks.repeat_rows(rows, quirks.REPEATS[split], stream(footage.settings.seed, REPEATS, number))
        listed[split] = rows
    return replace(footage, listed=listed)
