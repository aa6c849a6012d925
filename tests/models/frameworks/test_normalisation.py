from __future__ import annotations

import numpy as np
import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.models.frameworks.networks import Normalisation

LENGTHS = (6, 3, 1, 0)


def padded() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    valid = torch.arange(6) < torch.tensor(LENGTHS).unsqueeze(-1)
    x = torch.randn(4, 6, 3) * 2 + 5
    x[..., 2] = 0.1
    return x.masked_fill(~valid.unsqueeze(-1), torch.nan), valid


def scores(x: np.ndarray) -> np.ndarray:
    std = x.std(axis=0, ddof=1) if len(x) > 1 else np.zeros(x.shape[1])
    return (x - x.mean(axis=0)) / np.where(std < 1e-6, 1, std)


def test_no_scores_leave_frames_and_empty_padding():
    x, valid = padded()
    found = Normalisation(3, "none", "fixed")(x, valid)
    assert torch.equal(found[valid], x[valid])
    assert not found[~valid].any()


def test_fixed_scores_count_frames_only():
    x, valid = padded()
    found = Normalisation(3, "batch", "fixed")(x, valid)
    for place, length in enumerate(LENGTHS[:3]):
        assert found[place, :length].numpy() == pytest.approx(scores(x[place, :length].numpy()), abs=1e-5)
    assert not found[~valid].any()


def test_compat_scores_count_padding_as_zeros():
    x, valid = padded()
    found = Normalisation(3, "batch", "compat")(x, valid)
    zeros = np.where(valid.numpy()[..., None], x.numpy(), 0)
    for place in range(4):
        assert found[place].numpy() == pytest.approx(scores(zeros[place]), abs=1e-5)


def test_a_constant_column_scores_zero_exactly():
    x, valid = padded()
    assert not Normalisation(3, "batch", "fixed")(x, valid)[..., 2].any()


def test_training_statistics_change_nothing_before_they_are_learnt():
    x, valid = padded()
    assert torch.equal(Normalisation(3, "training", "fixed")(x, valid)[valid], x[valid])


def test_training_statistics_score_frames_and_leave_padding_empty():
    x, valid = padded()
    module = Normalisation(3, "training", "compat")
    module.learn(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 4.0, 0.0]))
    found = module(x, valid)
    expected = (x[valid].numpy() - [1, 2, 3]) / [2, 4, 1]
    assert found[valid].numpy() == pytest.approx(expected, abs=1e-6)
    assert not found[~valid].any()


def test_training_statistics_travel_with_the_weights():
    module = Normalisation(3, "training", "fixed")
    module.learn(torch.ones(3), torch.full((3,), 2.0))
    other = Normalisation(3, "training", "fixed")
    other.load_state_dict(module.state_dict())
    assert torch.equal(other.std, torch.full((3,), 2.0))


@pytest.mark.parametrize(("kind", "width"), [("training", 4), ("batch", 3)])
def test_statistics_that_do_not_fit_are_a_problem(kind, width):
    with pytest.raises(ProblemError, match="E17"):
        Normalisation(3, kind, "fixed").learn(torch.zeros(width), torch.ones(width))
