"""Annotated labels in place of predictions, in training (aim3_mtl section 5, and statement 12 of section 10)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.entries import load_entry
from abawbench.table import Table
from abawbench.training.batching import Step
from abawbench.training.data import targets_of
from abawbench.training.label_feedback import draw_given, given_share, label_weights
from abawbench.training.learners import SequenceLearner
from abawbench.training.sources import Source
from abawbench.training.train import train
from tests.training.runs import (
    FEATURES,
    GRU,
    HEADS,
    LABEL_FEEDBACK,
    STATIC,
    TRAINING,
    an_entry,
    some_features,
    write_labels,
)
from tests.training.test_loop import SEED, a_loop, a_part, settings_of

TASKS = get("abaw4-mtl").tasks
SUBMISSIONS = Path(__file__).parents[2] / "submissions"
SOURCES = ("valence", "action_units")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_share_is_three_quarters_at_epoch_0_and_nothing_in_the_last_epoch():
    shares = [given_share(0.75, 50, epoch) for epoch in range(51)]
    assert (shares[0], shares[50]) == (0.75, 0)
    assert np.diff(shares) == pytest.approx(-0.75 / 50)


@given(lengths=st.lists(st.integers(1, 20), min_size=1, max_size=6), share=st.floats(0, 1), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_sequences_share_the_time_steps_that_are_given(lengths, share, seed):
    is_given = draw_given(np.array(lengths), share, generator(seed)).tolist()
    assert len(is_given) == sum(lengths)
    longest = max(lengths)
    if longest == 1:
        assert sum(is_given) == int(len(lengths) * share)
        return
    parts, begin = [], 0
    for length in lengths:
        parts.append(is_given[begin : begin + length])
        begin += length
    whole = max(parts, key=len)
    assert sum(whole) == int(longest * share)
    assert all(part == whole[: len(part)] for part in parts)


def test_every_time_step_is_given_as_often():
    random = generator()
    counts = sum(draw_given(np.array([8]), 0.75, random).int() for _ in range(4000)) / 4000
    assert counts.tolist() == pytest.approx([0.75] * 8, abs=0.03)


def test_weights_of_labels_worked_by_hand():
    values = {
        "va": np.array([[-1.0, 0.5], [np.nan, 1.0], [0.0, np.nan]]),
        "expression": np.array([2, -1, 0], np.int8),
        "action_units": np.array([[1] * 12, [-1] * 12, [1, 0, -1] + [0] * 9], np.int8),
    }
    table = Table(("a",), np.zeros(3, np.int32), np.arange(1, 4, dtype=np.int32), values)
    weights = label_weights(
        TASKS, targets_of(TASKS, table, np.arange(3)), ("arousal", "valence", *values.keys() - {"va"})
    )
    assert weights["valence"].tolist() == [[0.0], [0.0], [0.5]]
    assert weights["arousal"].tolist() == [[0.75], [1.0], [0.0]]
    assert weights["expression"].tolist() == [[0, 0, 1] + [0] * 5, [0] * 8, [1] + [0] * 7]
    assert weights["action_units"].tolist() == [[1] * 12, [0] * 12, [1, 0, 0] + [0] * 9]


@pytest.fixture
def entry(tmp_path):
    return load_entry(an_entry(tmp_path, quiet(FEATURES + SEED + GRU + HEADS + LABEL_FEEDBACK)).parent)


def quiet(text: str) -> str:
    return text.replace("dropout = 0.2", "dropout = 0.0")


def test_a_step_feeds_annotated_labels_to_the_target_at_the_share_of_the_epoch(entry, monkeypatch):
    part, table, features = a_part({"a": 8, "b": 8, "c": 5})
    loop = a_loop(entry, part, table, features, settings_of())
    seen = []
    forward = entry.network.forward_segment
    monkeypatch.setattr(
        entry.network, "forward_segment", lambda *arguments: seen.append(arguments[4]) or forward(*arguments)
    )
    loop.epoch = 4
    loop.run([Step(np.arange(21), np.array([8, 8, 5]))], lambda done: None)
    labels = label_weights(TASKS, part.targets, SOURCES)
    for source in SOURCES:
        found = seen[0][source]
        is_given = ~found[0].isnan().any(-1)
        # epoch 5 of 20: .75 * 15 / 20 of 8 steps, rounded down
        assert is_given.sum() == 4
        assert torch.equal(found[1, is_given], labels[source][8:16][is_given])
        assert torch.equal(found[2, :5].isnan().any(-1), ~is_given[:5])


def test_the_last_epoch_learns_from_predictions_alone(entry, monkeypatch):
    part, table, features = a_part({"a": 8})
    loop = a_loop(entry, part, table, features, settings_of())
    seen = []
    forward = entry.network.forward_segment
    monkeypatch.setattr(
        entry.network, "forward_segment", lambda *arguments: seen.append(arguments[4]) or forward(*arguments)
    )
    loop.epoch = 19
    loop.run([Step(np.arange(8), np.array([8]))], lambda done: None)
    assert all(part.isnan().all() for part in seen[0].values())


def test_what_is_fed_back_changes_what_is_learned(tmp_path):
    found = []
    for share in (0.0, 0.75):
        text = quiet(FEATURES + SEED + GRU + HEADS + LABEL_FEEDBACK) + f"truth_share = {share}\n"
        entry = load_entry(an_entry(tmp_path / str(share), text).parent)
        part, table, features = a_part({"a": 8, "b": 8})
        loop = a_loop(entry, part, table, features, settings_of())
        loop.run([Step(np.arange(16), np.array([8, 8]))] * 3, lambda done: None)
        found.append(entry.network.state_dict())
    vectors = [state["embeddings.output_valence.vectors.weight"] for state in found]
    assert not torch.equal(*vectors)


def test_gradients_of_embeddings_are_clipped_by_themselves():
    entry = load_entry("2022_aim3_mtl-sbe-label-feedback-transformer/tiny", root=SUBMISSIONS)
    parts = list(SequenceLearner(entry, is_frozen=True, takes_features=True).parts())
    sizes = [sum(parameter.numel() for parameter in part.parameters()) for part in parts]
    # a vector of 16 for valence, and one for each of the 12 action units
    assert sizes[1:3] == [16, 12 * 16]
    assert sum(sizes) == sum(parameter.numel() for parameter in entry.network.parameters())


def test_mixtures_and_feedback_of_labels_do_not_go_together(tmp_path):
    entry = an_entry(tmp_path, FEATURES + STATIC + HEADS + LABEL_FEEDBACK + TRAINING)
    features, truth = some_features(tmp_path / "features"), write_labels(tmp_path / "truth")
    with pytest.raises(ProblemError, match=r"E19[\s\S]*training.mixing beside feedback of labels"):
        train(entry, Source((features,), truth), tmp_path / "run", {"training.mixing.alpha": 0.2})
