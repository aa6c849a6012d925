"""A corpus in memory: who is in which video and split, what happens there, what is annotated of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.labels import ACTION_UNITS_12
from abawbench.synthetic import quirks as odd
from abawbench.synthetic.affect import (
    EXPRESSION_OF_EPISODE,
    Intensities,
    episode_shares,
    make_course,
    make_temperament,
)
from abawbench.synthetic.quirks import QUIRKS, Labels, Rows, annotate
from abawbench.synthetic.smooth import stream, stretches
from abawbench.table import Classes, Floats, Mask, Table, Values

SPLITS = ("train", "validation", "test")
# rows of s-Aff-Wild2 in the 4th, 7th and 11th edition, see the challenges' records
PROPORTIONS = {"train": 142_382, "validation": 26_876, "test": 51_159}
# kinds of draws, so that one does not move another
PLAN, PERSON, COURSE, LABELS, GAPS, REPEATS, FACE, FILM = range(8)
LEAST_VIDEOS, LEAST_FRAMES = 3, 16


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides what a corpus holds.

    Attributes:
        videos: number of videos.
        frames: of a video on average; a video has from 0.7 to 1.3 times as many.
        seed: of all draws.
        without: names in `QUIRKS` that are turned off.
        step: s-Aff-Wild2's files list the first frame and then every so many.
        pictures: False for labels alone.
        films: number of videos to be encoded too.
    """

    videos: int
    frames: int
    seed: int = 0
    without: tuple[str, ...] = ()
    step: int = 1
    pictures: bool = True
    films: int = 0

    @property
    def quirks(self) -> frozenset[str]:
        """Names of the quirks that are on."""
        return frozenset(QUIRKS).difference(self.without)

    def to_json(self) -> dict[str, Any]:
        """As corpus.json holds it."""
        return asdict(self) | {"without": sorted(self.without)}


@dataclass(frozen=True, slots=True)
class Unit:
    """One person in one video: a folder of crops, a file of labels.

    Attributes:
        name: `7-30-640x480`, with `_left` or `_right` in a video of two people.
        person: number of the person, from 0.
    """

    name: str
    video: str
    person: int
    split: str
    frames: int


@dataclass(frozen=True, eq=False)
class Footage:
    """All frames of all units, unit after unit; arrays have a row for each.

    Attributes:
        starts: shape (units + 1,), first row of each unit.
        action_units: intensities (rows, 17); `episode` (rows,) index into `EPISODES`; `affect` (rows, 2): the truth.
        labels: what annotators wrote, complete.
        annotated: by task, shape (rows,), whether they did.
        lacking: by task, shape (units,), units that are in no file of the task.
        has_crop: shape (rows,), False where no face is seen.
        surplus: shape (units,), units with a line of labels behind their last frame.
        listed: by split, the rows that s-Aff-Wild2's files have, with repetitions.
    """

    settings: Settings
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
        """True expression of each row, index into `EXPRESSIONS_8`."""
        return EXPRESSION_OF_EPISODE[self.episode]

    def of_split(self, split: str) -> list[int]:
        """Places of a split's units."""
        return [place for place, unit in enumerate(self.units) if unit.split == split]

    def owner(self, rows: Rows) -> Rows:
        """The unit each row belongs to, shape (rows,)."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    def rows_of(self, places: list[int]) -> Rows:
        """Rows of these units, in order."""
        return np.concatenate(
            [np.empty(0, np.int64), *(np.arange(self.starts[place], self.starts[place + 1]) for place in places)]
        )

    def table(self, rows: Rows, *, gaps: bool = True) -> Table:
        """These rows, which rise, as a Table of the multi-task challenge; every label where `gaps` is False."""
        owner = self.owner(rows)
        fresh = np.diff(owner, prepend=-1) > 0
        video = np.cumsum(fresh) - 1
        values: dict[str, Values] = {
            "va": np.asfortranarray(self.labels.affect[rows]),
            "expression": self.labels.expression[rows],
            "action_units": np.asfortranarray(self.labels.action_units[rows]),
        }
        if gaps:
            for task, array in values.items():
                array[~self.annotated[task][rows]] = np.nan if task == "va" else -1
        return Table(
            videos=tuple(self.units[place].name for place in owner[fresh].tolist()),
            video=video.astype(np.int32),
            frame=(rows - self.starts[owner] + 1).astype(np.int32),
            values=values,
            source="synthetic",
        )


def checked(settings: Settings) -> Settings:
    """The settings themselves.

    Raises:
        ProblemError: D52, numbers that make no corpus, or names of no quirk.
    """
    wrong = [
        Problem("D52", f"{name} = {value:,}", f"at least {least}", "choose a larger number")
        for name, value, least in (
            ("videos", settings.videos, LEAST_VIDEOS),
            ("frames", settings.frames, LEAST_FRAMES),
            ("seed", settings.seed, 0),
            ("step", settings.step, 1),
            ("films", settings.films, 0),
        )
        if value < least
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


def plan(settings: Settings) -> tuple[Unit, ...]:
    """Who is in which video, how long it is, and which split it belongs to; nobody is in two splits."""
    generator = stream(settings.seed, PLAN)
    numbers = np.arange(1, settings.videos + 1)
    least, most = round(0.7 * settings.frames), round(1.3 * settings.frames)
    frames = generator.integers(least, most, settings.videos, endpoint=True)
    pairs = math.ceil(settings.videos * odd.TWO_PEOPLE) if "two-people" in settings.quirks else 0
    order = generator.permutation(settings.videos)
    of_two = set(order[:pairs].tolist())
    # some people have a second video
    seconds = math.ceil(settings.videos * odd.SECOND_VIDEOS)
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
    """The split of each group of people: always the one that lacks most, in units, of its official share."""
    groups = list(dict.fromkeys(people))
    weight = {group: len(group) * people.count(group) for group in groups}
    shares = np.array([PROPORTIONS[split] for split in SPLITS]) / sum(PROPORTIONS.values())
    held = np.zeros(len(SPLITS))
    result: dict[tuple[int, ...], str] = {}
    for number, place in enumerate(generator.permutation(len(groups)).tolist()):
        group = groups[place]
        # three groups at least, one for each split
        chosen = number if number < len(SPLITS) else int(np.argmax(shares * (held.sum() + weight[group]) - held))
        result[group] = SPLITS[chosen]
        held[chosen] += weight[group]
    return result


def make(settings: Settings) -> Footage:
    """Everything but the pictures; equal settings give equal arrays.

    Raises:
        ProblemError: D52, settings that make no corpus.
    """
    units = plan(checked(settings))
    quirks = settings.quirks
    frames = np.array([unit.frames for unit in units])
    starts = np.concatenate([[0], np.cumsum(frames)])
    rows = int(starts[-1])
    shares = episode_shares() if "imbalance" in quirks else episode_shares((1 / 8,) * 8)
    action_units, affect = np.empty((rows, 17), np.float32), np.empty((rows, 2))
    episode = np.empty(rows, np.int8)
    labels = Labels(np.empty((rows, 2)), np.empty(rows, np.int8), np.empty((rows, len(ACTION_UNITS_12)), np.int8))
    for place, unit in enumerate(units):
        part = slice(starts[place], starts[place + 1])
        temperament = make_temperament(stream(settings.seed, PERSON, unit.person))
        course = make_course(temperament, unit.frames, stream(settings.seed, COURSE, place), shares)
        written = annotate(course, stream(settings.seed, LABELS, place), quirks)
        action_units[part], affect[part], episode[part] = course.action_units, course.affect, course.episode
        labels.affect[part], labels.expression[part] = written.affect, written.expression
        labels.action_units[part] = written.action_units
    generator = stream(settings.seed, GAPS)
    lacking = _lacking(units, frames, quirks, generator)
    annotated = _annotated(units, frames, lacking, quirks, generator)
    has_crop = np.ones(rows, bool)
    if "missing-crops" in quirks:
        has_crop = ~stretches(generator, rows, float(odd.MISSING_CROPS), odd.STRETCH_WITHOUT_FACE)
        # somebody is seen in every unit
        has_crop[starts[:-1]] = True
    surplus = np.zeros(len(units), bool)
    if "surplus-lines" in quirks:
        surplus[generator.permutation(len(units))[: math.ceil(len(units) * odd.SURPLUS_LINES)]] = True
    footage = Footage(
        *(settings, units, starts, action_units, episode, affect, labels, annotated, lacking, has_crop, surplus),
        listed={},
    )
    return _listed(footage)


def _lacking(
    units: tuple[Unit, ...], frames: Rows, quirks: frozenset[str], generator: np.random.Generator
) -> dict[str, Mask]:
    """Training units that are in no file of a task."""
    train = np.array([unit.split == "train" for unit in units])
    order = generator.permutation(int(train.sum()))
    places = {"va": odd.WITHOUT_AFFECT, "expression": odd.WITHOUT_EXPRESSION, "action_units": odd.WITHOUT_UNITS}
    result: dict[str, Mask] = {}
    for task, place in places.items():
        result[task] = np.zeros(len(units), bool)
        if "label-sets" in quirks:
            result[task][train] = odd.without_task(frames[train], place, order)
    return result


def _annotated(
    units: tuple[Unit, ...],
    frames: Rows,
    lacking: dict[str, Mask],
    quirks: frozenset[str],
    generator: np.random.Generator,
) -> dict[str, Mask]:
    result = {task: ~np.repeat(mask, frames) for task, mask in lacking.items()}
    if "partial-labels" not in quirks:
        return result
    split = np.repeat([SPLITS.index(unit.split) for unit in units], frames)
    # who has nothing but expressions has one on every row
    alone = np.repeat(lacking["va"] & lacking["action_units"], frames)
    for number, name in enumerate(SPLITS):
        rows = split == number
        open_rows = np.flatnonzero(rows & ~alone & result["expression"])
        wanted = float(odd.WITH_EXPRESSION[name]) * int(rows.sum()) - int((rows & alone).sum())
        share = 1 - max(wanted, 0) / max(len(open_rows), 1)
        gaps = stretches(generator, len(open_rows), share, odd.STRETCH_WITHOUT_EXPRESSION)
        result["expression"][open_rows[gaps]] = False
    train = np.flatnonzero(split == SPLITS.index("train"))
    bare = generator.choice(train, math.ceil(len(train) * odd.WITHOUT_LABEL), replace=False)
    for mask in result.values():
        mask[bare] = False
    return result


def _listed(footage: Footage) -> Footage:
    listed: dict[str, Rows] = {}
    for number, split in enumerate(SPLITS):
        rows = footage.rows_of(footage.of_split(split))
        rows = rows[(rows - footage.starts[footage.owner(rows)]) % footage.settings.step == 0]
        if "repeats" in footage.settings.quirks:
            rows = odd.with_repeats(rows, odd.REPEATS[split], stream(footage.settings.seed, REPEATS, number))
        listed[split] = rows
    return replace(footage, listed=listed)
