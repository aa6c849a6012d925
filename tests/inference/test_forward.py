from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip
from abawbench.inference.forward import BatchOptions, read_batches, split_into_batches
from tests.inference.conftest import SIDE, a_clip

LENGTHS = st.lists(st.tuples(st.integers(1, 30), st.floats(0, 1)), max_size=8)


def clips_of(lengths):
    random = np.random.default_rng(0)
    return [
        a_clip(f"v{place}", frames, missing=tuple(np.flatnonzero(random.random(frames) < share).tolist()))
        for place, (frames, share) in enumerate(lengths)
    ]


@given(LENGTHS, st.integers(1, 12))
def test_every_valid_frame_is_planned_once_in_order_and_batches_are_full(lengths, size):
    clips = clips_of(lengths)
    plan = list(split_into_batches(clips, size))
    for clip in clips:
        pieces = [piece for batch in plan for piece in batch if piece.clip is clip]
        positions = np.concatenate([piece.positions for piece in pieces])
        np.testing.assert_array_equal(positions, np.flatnonzero(clip.valid))
        assert [piece.is_last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    sizes = [sum(len(piece.positions) for piece in batch) for batch in plan]
    assert all(total == size for total in sizes[:-1])
    assert sum(sizes) == sum(int(clip.valid.sum()) for clip in clips)


@given(LENGTHS, st.integers(1, 12), st.integers(1, 3))
def test_a_batch_holds_the_crops_of_its_pieces_and_black_behind(lengths, size, threads):
    clips = clips_of(lengths)
    for batch in read_batches(clips, BatchOptions(SIDE, size, threads), lambda crops: crops.sum()):
        expected = [piece.clip.read(piece.positions) for piece in batch.pieces]
        filled = sum(map(len, expected))
        np.testing.assert_array_equal(batch.crops[:filled], np.concatenate(expected))
        assert batch.crops.shape == (size, SIDE, SIDE, 3)
        assert not batch.crops[filled:].any()
        assert batch.prepared == batch.crops.sum()


def test_a_clip_that_cannot_be_read_leaves_its_neighbours_whole():
    def broken(positions):
        raise ProblemError(Problem("F01", "a hole", "a picture", "copy it again", "x.jpg"))

    good = a_clip("good", 3)
    bad = Clip("bad", np.arange(1, 4, dtype=np.int32), np.ones(3, bool), SIDE, broken)
    (batch,) = read_batches([good, bad, good], BatchOptions(SIDE, 9), lambda crops: None)
    assert list(batch.errors) == [1]
    np.testing.assert_array_equal(batch.crops[:3], batch.crops[6:])
    assert not batch.crops[3:6].any()
