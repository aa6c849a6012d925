"""An entry under test and its test clips: drawn faces of two people, with labels, which are pictures of nobody."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.clips.clip import Clip, Frames, Positions
from abawbench.clips.crop import CROP_SIZE
from abawbench.entries.contract import check_answers, check_card_type, place_in
from abawbench.entries.failures import reporting_failures
from abawbench.entries.model import Answers, DeviceEntry, Entry, FrameFeatures, TableEntry, Trainable
from abawbench.table import Table, Values

Load = Callable[[], Entry | Trainable]
Takes = Literal["crops", "features", "files", "nothing"]

VIDEOS = ("drawn-1", "drawn-2")
FRAMES = 16


@dataclass(frozen=True, eq=False, slots=True)
class Subject:
    """An entry under test, its test clips, and its first answers.

    Attributes:
        entry: the entry, ready to predict.
        reloaded: the same entry loaded anew, which has not predicted yet.
        is_fitted: True where both were fitted on drawn faces.
        takes: input from which the entry answers; `files` for an entry that looks answers up in files.
        clip: test clip with valid frames and others.
        other_clip: test clip of another unit, where the entry knows more than one.
        first_answers: answers of `entry` to `clip`, its first prediction; None where it failed.
        first_failure: problems of that first prediction, where it failed.
        reads_crops: True where the entry read crops to predict.
    """

    entry: Entry
    reloaded: Entry
    is_fitted: bool
    takes: Takes
    clip: Clip
    other_clip: Clip
    first_answers: object
    first_failure: tuple[Problem, ...]
    reads_crops: bool

    @property
    def answered_tasks(self) -> tuple[Task, ...]:
        """Tasks of the card that the first answers hold. Only one check reports the others."""
        answers = cast(Mapping[str, object], self.first_answers) if isinstance(self.first_answers, Mapping) else {}
        return tuple(task for task in self.entry.card.tasks if task.name in answers)

    def predict(self, clip: Clip, *, entry: Entry | None = None) -> Answers:
        """Answers of the entry, or of the reloaded one, to a clip. Raises: ProblemError E12, or one of the entry's."""
        return _predict(self.entry if entry is None else entry, clip, takes_features=self.takes == "features")

    def check_answers(self, answers: object, clip: Clip) -> tuple[Problem, ...]:
        """Everything wrong with the answers to a clip, E13 and E14, as far as the answered tasks go."""
        if not isinstance(answers, Mapping):
            return check_answers(self.entry.card, answers, clip)
        names = {task.name for task in self.answered_tasks}
        kept = {name: values for name, values in cast(Mapping[str, object], answers).items() if name in names}
        return check_answers(replace(self.entry.card, tasks=self.answered_tasks), kept, clip)


def make_subject(load: Load, tasks: Sequence[Task]) -> Subject:
    """Load an entry twice, fit it where it must be fitted, and let it predict once.

    Args:
        load: function that makes the entry anew with every call.
        tasks: tasks that a `Trainable` learns.

    Raises:
        ProblemError: problems of loading and fitting, E12 for other exceptions; E16, the card is no Card.
    """
    (entry, is_fitted), (reloaded, _) = _load_fitted(load, tasks), _load_fitted(load, tasks)
    takes = _takes(entry)
    clip, other_clip = _test_clips(entry)
    read: list[int] = []

    def source(positions: Positions) -> Frames:
        read.append(len(positions))
        return clip.source(positions)

    answers, failure = None, ()
    try:
        answers = _predict(entry, replace(clip, source=source), takes_features=takes == "features")
    except ProblemError as error:
        failure = error.problems
    if takes == "crops" and entry.card.picture is None and not read:
        takes = "nothing"
    return Subject(entry, reloaded, is_fitted, takes, clip, other_clip, answers, failure, bool(read))


def _load_fitted(load: Load, tasks: Sequence[Task]) -> tuple[Entry, bool]:
    """The entry, ready to predict, and whether it was fitted for that."""
    with reporting_failures("the entry", "code that makes an entry"):
        loaded = load()
        check_card_type(loaded)
    card = loaded.card
    if not isinstance(loaded, Trainable):
        return loaded, False
    size = CROP_SIZE if card.picture is None else card.picture.size
    with reporting_failures(card.name, "an entry that is fitted"):
        fitted = cast(object, loaded.fit(drawn_clips(size), drawn_truth(tasks)))
        if isinstance(fitted, Entry):
            check_card_type(fitted)
            return fitted, True
    found = f"{card.name}: fit makes a {type(fitted).__name__}"
    raise ProblemError(Problem("E02", found, "an entry, with a card and predict(clip)", "return one"))


def _takes(entry: Entry) -> Takes:
    if isinstance(entry, TableEntry):
        return "files"
    if entry.card.sees_truth:
        return "nothing"
    if isinstance(entry, DeviceEntry) and entry.card.picture is None:
        try:
            with reporting_failures(entry.card.name):
                entry.encode(np.zeros((1, CROP_SIZE, CROP_SIZE, 3), np.uint8))
        except ProblemError as error:
            return "features" if {problem.rule for problem in error.problems} == {"E06"} else "crops"
    return "crops"


def _test_clips(entry: Entry) -> tuple[Clip, Clip]:
    """A clip with gaps, and one of another unit where there is one."""
    with reporting_failures(entry.card.name, "clips to answer"):
        size = CROP_SIZE if entry.card.picture is None else entry.card.picture.size
        clips = entry.clips() if isinstance(entry, TableEntry) else drawn_clips(size)
        return _with_gaps(clips[0]), clips[-1]


def _with_gaps(clip: Clip) -> Clip:
    """The clip with some invalid frames: the first, the last and two in the middle; of a short clip only the last."""
    count = len(clip)
    gaps = [0, count // 2, count // 2 + 1, count - 1] if count >= 8 else [count - 1] if count > 1 else []
    return replace(clip, valid=clip.valid & ~np.isin(np.arange(count), gaps))


def _predict(entry: Entry, clip: Clip, *, takes_features: bool) -> Answers:
    with reporting_failures(place_in(entry.card, clip.video)):
        if takes_features and isinstance(entry, DeviceEntry):
            return entry.answer(_random_features(clip, entry.width), clip)
        return entry.predict(clip)


def _random_features(clip: Clip, width: int) -> FrameFeatures:
    """Random features of the valid frames; those of a frame depend on its number and its unit alone."""
    rows = [np.random.default_rng([len(clip.video), frame]) for frame in clip.frame[clip.valid].tolist()]
    return np.array([row.normal(size=width) for row in rows], np.float32).reshape(len(rows), width)


def drawn_clips(size: int = CROP_SIZE) -> tuple[Clip, ...]:
    """A clip of 16 drawn faces of each of two people, with crops of `size` pixels; the same on every machine.

    They are drawn when the first crop is read: an entry that looks at no picture needs no OpenCV.
    """
    frame, valid = np.arange(1, FRAMES + 1, dtype=np.int32), np.ones(FRAMES, bool)

    def source(person: int, positions: Positions) -> Frames:
        return _draw_crops(size)[person][positions]

    return tuple(
        Clip(video, frame, valid, size, functools.partial(source, person)) for person, video in enumerate(VIDEOS)
    )


def drawn_truth(tasks: Sequence[Task]) -> Table:
    """Random labels of every frame of `drawn_clips`; every class occurs, and every label is on in half of the rows."""
    random = np.random.default_rng(0)
    rows = FRAMES * len(VIDEOS)
    values: dict[str, Values] = {}
    for task in tasks:
        if task.is_real:
            values[task.name] = random.uniform(*task.span, (rows, task.width))
        elif task.is_vector:
            halves = np.tile(np.arange(rows)[:, np.newaxis] % 2, task.width)
            values[task.name] = random.permuted(halves, axis=0).astype(np.int8)
        else:
            values[task.name] = random.permutation(np.arange(rows) % task.width).astype(np.int8)
    return Table(
        videos=VIDEOS,
        video=np.repeat(np.arange(len(VIDEOS), dtype=np.int32), FRAMES),
        frame=np.tile(np.arange(1, FRAMES + 1, dtype=np.int32), len(VIDEOS)),
        values=values,
        source="labels of drawn faces",
    )


@functools.lru_cache(4)
def _draw_crops(size: int) -> tuple[Frames, ...]:
    from abawbench.synthetic.film import draw_crop, make_film
    from abawbench.synthetic.person import make_person
    from abawbench.synthetic.relations import EPISODES
    from abawbench.synthetic.sheet import typical

    people: list[Frames] = []
    for person in range(len(VIDEOS)):
        random = np.random.default_rng(person)
        film = make_film(make_person(random), FRAMES, random)
        moods = (EPISODES[place % len(EPISODES)] for place in range(FRAMES))
        crops = np.stack([draw_crop(film, place, typical(mood)) for place, mood in enumerate(moods)])
        people.append(resize_crops(crops, size))
    return tuple(people)


def resize_crops(crops: Frames, size: int) -> Frames:
    """Crops of shape (crops, side, side, 3) as (crops, size, size, 3)."""
    if crops.shape[1] == size:
        return crops
    import cv2

    result = np.empty((len(crops), size, size, 3), np.uint8)
    for place, crop in enumerate(crops):
        cv2.resize(crop, (size, size), dst=result[place], interpolation=cv2.INTER_LINEAR)
    return result
