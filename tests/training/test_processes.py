from __future__ import annotations

import json

import numpy as np
import pytest

from abawbench.training.batching import Step
from abawbench.training.processes import Processes
from tests.training.runs import (
    FACEBEHAVIOR,
    FEATURES,
    GRU,
    HEADS,
    LABEL_FEEDBACK,
    STATIC,
    TRAINING,
    a_corpus,
    an_entry,
    in_a_process,
    in_processes,
    some_features,
    weights_of,
    write_labels,
)

# Adam divides by the size of a gradient, and so makes much of the rounding of a small one
QUIET = {
    "training.epochs": 2,
    "training.weighting.kind": "uncertainty",
    "training.optimiser": {"rate": 2e-4, "ema": 0.8},
}

# no batch norm, and no keys of attention: the gradient of their bias is rounding alone, which Adam scales up
FRAMES = FACEBEHAVIOR.replace("tiny_vit", "tiny_convnextv2") + TRAINING

TCN = GRU.replace('"gru"', '"tcn"')


def without_dropout(text: str) -> str:
    return text.replace("dropout = 0.2", "dropout = 0.0")


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (FEATURES + GRU + HEADS + TRAINING, {}),
        (FEATURES + GRU + HEADS + TRAINING, {"training.videos": 3}),
        (FEATURES + TCN + HEADS + TRAINING, {"training.batch": 5}),
        (FEATURES + GRU + HEADS + LABEL_FEEDBACK + TRAINING, {"training.videos": 3}),
        (FEATURES + STATIC.replace("layers = 1", "layers = 1\ndropout = 0.0") + HEADS + TRAINING, {}),
        (FRAMES, {"training.augmentation": {"rotation": 20.0, "erase": 0.5}}),
        (FRAMES, {"settings.coupling": "distribution_matching", "training.batch": 7}),
    ],
)
def test_two_processes_learn_what_one_learns_of_the_same_batch(tmp_path, text, more):
    entry = an_entry(tmp_path, without_dropout(text))
    data = a_corpus(tmp_path) if text == FRAMES else some_features(tmp_path / "features")
    write_labels(tmp_path)
    arguments = (entry, data, tmp_path)
    alone = in_a_process(*arguments, tmp_path / "one", {**QUIET, **more})
    in_processes(2, *arguments, tmp_path / "two", {**QUIET, **more})
    alone.join()
    expected, found = weights_of(tmp_path / "one"), weights_of(tmp_path / "two")
    assert expected.keys() == found.keys()
    # moments have the size of the gradients, which weights after Adam hide
    assert any(name.endswith("exp_avg") for name in expected)
    for name, tensor in expected.items():
        np.testing.assert_allclose(found[name], tensor, atol=1e-5, err_msg=name)
    rows = [
        [json.loads(line)["loss"] for line in (tmp_path / run / "log.jsonl").read_text().splitlines()]
        for run in ("one", "two")
    ]
    for one, two in zip(*rows, strict=True):
        assert one == pytest.approx(two, abs=1e-5)


def test_sequences_stay_with_their_process_while_they_go_on():
    lengths = np.array([5, 5, 5, 3, 2])
    step, after = Step(np.arange(100, 120), lengths), Step(np.arange(200, 212), np.array([5, 5, 2]), goes_on=True)
    for rank in range(2):
        processes = Processes(rank, 2)
        assert processes.lengths(step).tolist() == lengths[rank::2].tolist()
        assert processes.lengths(after).tolist() == [[5, 2], [5]][rank]
    first, second = (Processes(0, 2).rows(step, rank).tolist() for rank in range(2))
    assert first == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 18, 19]
    assert second == [5, 6, 7, 8, 9, 15, 16, 17]
    assert Processes(1, 2).order(step).tolist() == [100 + row for row in first + second]


def test_one_process_has_everything():
    step = Step(np.arange(3), np.array([2, 1]))
    alone = Processes()
    assert alone.rows(step, 0).tolist() == [0, 1, 2]
    assert alone.order(step).tolist() == [0, 1, 2]
    assert alone.broadcast("this") == "this"
