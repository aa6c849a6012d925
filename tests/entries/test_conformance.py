"""What every entry under submissions/ must do, whatever stands behind it."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from abawbench import challenges
from abawbench.challenges import Categorical, Continuous
from abawbench.data.clips import Clip, clip_in_memory
from abawbench.entries import answer, load_entry
from abawbench.entries.loading import folders
from abawbench.entries.model import Entry, Trainable, columns
from abawbench.table import Table

CHALLENGE = challenges.get("abaw4-mtl")
FOLDERS = folders(Path(__file__).parents[2] / "submissions")
each_entry = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def clip_of(video: str, frames: int = 6, valid: list[int] | None = None) -> Clip:
    random = np.random.default_rng(len(video) + frames)
    mask = np.ones(frames, bool) if valid is None else np.isin(np.arange(frames), valid)
    return clip_in_memory(video, random.integers(0, 256, (frames, 112, 112, 3), np.uint8), valid=mask)


def truth() -> Table:
    random = np.random.default_rng(0)
    return Table(
        videos=("one", "three"),
        video=np.repeat(np.arange(2, dtype=np.int32), 6),
        frame=np.tile(np.arange(1, 7, dtype=np.int32), 2),
        values={
            "va": random.uniform(-1, 1, (12, 2)),
            "expression": np.arange(12, dtype=np.int8) % 8,
            "action_units": random.integers(0, 2, (12, 12), np.int8),
        },
    )


@functools.cache
def ready(folder: Path) -> Entry:
    entry = load_entry(folder)
    if isinstance(entry, Trainable):
        entry = entry.fit((clip_of("one"), clip_of("three")), truth())
    assert isinstance(entry, Entry)
    return entry


def same(first: Entry, second: Entry, clip: Clip) -> bool:
    one, other = first.predict(clip), second.predict(clip)
    return one.keys() == other.keys() and all(np.array_equal(one[task], other[task], equal_nan=True) for task in one)


def test_there_are_entries():
    assert len(FOLDERS) >= 5


@each_entry
def test_the_card_is_complete(folder):
    card = load_entry(folder).card
    assert card.name == folder.name
    assert card.title
    assert card.licence
    assert (folder / "README.md").read_text().startswith(f"# {folder.name}\n")


@each_entry
def test_a_fresh_load_answers_the_same(folder):
    ready.cache_clear()
    first = ready(folder)
    ready.cache_clear()
    assert same(first, ready(folder), clip_of("one"))


@each_entry
def test_answers_have_the_shapes_of_the_card(folder):
    entry = ready(folder)
    answers = entry.predict(clip_of("one"))
    assert entry.card.tasks
    assert {name: values.shape for name, values in answers.items()} == {
        task.name: (6, len(columns(task))) for task in entry.card.tasks
    }
    assert {values.dtype for values in answers.values()} == {np.dtype(np.float64)}


@each_entry
def test_answers_lie_in_their_ranges(folder):
    entry = ready(folder)
    answers = entry.predict(clip_of("four"))
    for task in entry.card.tasks:
        low, high = (task.low, task.high) if isinstance(task, Continuous) else (0, 1)
        assert answers[task.name].min() >= low
        assert answers[task.name].max() <= high
        if isinstance(task, Categorical):
            assert answers[task.name].sum(axis=1) == pytest.approx(1, abs=1e-9)


@each_entry
def test_a_second_call_answers_the_same(folder):
    assert same(ready(folder), ready(folder), clip_of("one"))


@each_entry
def test_a_clip_is_answered_alike_alone_and_beside_others(folder):
    entry = ready(folder)
    alone = answer(entry, (clip_of("one"),), CHALLENGE)
    beside = answer(entry, (clip_of("three"), clip_of("one"), clip_of("four")), CHALLENGE)
    rows = np.flatnonzero(beside.video == 1)
    assert all(np.array_equal(alone.values[task], beside.values[task][rows]) for task in alone.values)


@each_entry
def test_a_clip_of_one_frame_is_answered(folder):
    answers = ready(folder).predict(clip_of("one", frames=1))
    assert all(values.shape[0] == 1 and np.isfinite(values).all() for values in answers.values())


@each_entry
def test_a_clip_without_valid_frames_is_not_answered(folder):
    answers = ready(folder).predict(clip_of("one", valid=[]))
    assert all(values.shape[0] == 6 and np.isnan(values).all() for values in answers.values())


@each_entry
def test_only_frames_with_a_crop_are_answered(folder):
    answers = ready(folder).predict(clip_of("one", valid=[0, 3, 4]))
    for values in answers.values():
        assert np.isfinite(values).all(axis=1).tolist() == [True, False, False, True, True, False]
        assert np.isnan(values).all(axis=1).tolist() == [False, True, True, False, False, True]


@each_entry
def test_missing_frames_do_not_move_the_others(folder):
    entry = ready(folder)
    whole, part = entry.predict(clip_of("one")), entry.predict(clip_of("one", valid=[0, 3, 4]))
    assert all(np.allclose(whole[task][[0, 3, 4]], part[task][[0, 3, 4]], atol=1e-6) for task in whole)
