"""Losses of a step as one number."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.training.objective import Weighting
from abawbench.training.settings import WeightingSettings

NAMES = ("va", "expression", "action_units")
KINDS = ("fixed", "uncertainty", "dynamic")


def numbers(*values: float | None) -> dict[str, Any]:
    return {
        name: None if value is None else torch.tensor(value, requires_grad=True)
        for name, value in zip(NAMES, values, strict=True)
    }


def factors_of(weighting: Weighting) -> dict[str, float]:
    """What each loss is multiplied by at present, by name."""
    factors = weighting.weights
    if weighting.log_variances is not None:
        factors = factors * torch.stack([-value.detach() for value in weighting.log_variances]).exp()
    elif weighting.settings.kind == "dynamic":
        factors = factors * weighting.factors
    return dict(zip(weighting.names, factors.tolist(), strict=True))


def total(weighting: Weighting, losses) -> torch.Tensor:
    value = weighting(losses)
    assert value is not None
    return value


def test_fixed_is_the_weighted_sum():
    weighting = Weighting(NAMES, WeightingSettings(weights={"va": 12.0, "expression": 0.35}))
    losses = numbers(1.0, 2.0, 3.0)
    value = total(weighting, losses)
    value.backward()
    assert value.item() == pytest.approx(12 + 0.7 + 3)
    assert [losses[name].grad.item() for name in NAMES] == pytest.approx([12, 0.35, 1])
    assert factors_of(weighting) == pytest.approx({"va": 12, "expression": 0.35, "action_units": 1})


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_begins_with_the_plain_sum(kind):
    assert total(Weighting(NAMES, WeightingSettings(kind)), numbers(1.0, 2.0, 4.0)).item() == 7


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_loss_there_is_nothing_to_descend_on(kind):
    weighting = Weighting(NAMES, WeightingSettings(kind))
    before = {name: value.clone() for name, value in weighting.state_dict().items()}
    assert weighting(numbers(None, None, None)) is None
    assert weighting({}) is None
    for name, value in weighting.state_dict().items():
        assert torch.equal(value.nan_to_num(), before[name].nan_to_num())


def test_uncertainty_by_hand():
    weighting = Weighting(NAMES, WeightingSettings("uncertainty", weights={"va": 2.0}))
    assert weighting.log_variances is not None
    with torch.no_grad():
        for value, number in zip(weighting.log_variances, (math.log(2), 0.0, math.log(4)), strict=True):
            value.fill_(number)
    value = total(weighting, numbers(1.0, None, 8.0))
    assert value.item() == pytest.approx(2 * (0.5 + math.log(2) / 2) + 2 + math.log(4) / 2)
    assert factors_of(weighting) == pytest.approx({"va": 1.0, "expression": 1.0, "action_units": 0.25})


def test_a_log_variance_settles_at_twice_its_loss_and_rests_without_one():
    weighting = Weighting(NAMES, WeightingSettings("uncertainty"))
    assert weighting.log_variances is not None
    optimiser = torch.optim.SGD(weighting.parameters(), 0.3)
    for _ in range(200):
        optimiser.zero_grad()
        total(weighting, numbers(0.25, None, 3.0)).backward()
        assert weighting.log_variances[1].grad is None
        optimiser.step()
    # the slope -exp(-s) loss + 1/2 is 0 at exp(s) = 2 loss
    assert [value.exp().item() for value in weighting.log_variances] == pytest.approx([0.5, 1.0, 6.0], rel=1e-3)


def run_epoch(weighting: Weighting, *steps) -> None:
    for step in steps:
        total(weighting, numbers(*step))
    weighting.end_epoch()


def test_dynamic_by_hand():
    weighting = Weighting(NAMES, WeightingSettings("dynamic", temperature=2.0))
    run_epoch(weighting, (1.0, 4.0, 1.0), (3.0, 4.0, 1.0))
    assert list(factors_of(weighting).values()) == pytest.approx([1, 1, 1])
    run_epoch(weighting, (1.0, 4.0, 3.0))
    # means of the last epoch over those of the one before: .5, 1, 3
    odds = [math.exp(ratio / 2) for ratio in (0.5, 1.0, 3.0)]
    expected = [3 * odd / sum(odds) for odd in odds]
    assert list(factors_of(weighting).values()) == pytest.approx(expected)
    value = total(weighting, numbers(1.0, 1.0, 2.0))
    assert value.item() == pytest.approx(expected[0] + expected[1] + 2 * expected[2])


def test_dynamic_takes_a_missing_loss_for_one_that_stays():
    weighting = Weighting(NAMES, WeightingSettings("dynamic"))
    run_epoch(weighting, (1.0, None, 2.0))
    run_epoch(weighting, (1.0, 5.0, 2.0))
    assert list(factors_of(weighting).values()) == pytest.approx([1, 1, 1])


def test_validation_is_not_remembered():
    weighting = Weighting(NAMES, WeightingSettings("dynamic"))
    run_epoch(weighting, (1.0, 1.0, 1.0))
    weighting.eval()
    total(weighting, numbers(100.0, 1.0, 1.0))
    weighting.train()
    run_epoch(weighting, (1.0, 1.0, 1.0))
    assert list(factors_of(weighting).values()) == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_weighting_goes_on_as_if_nothing_had_happened(kind):
    settings = WeightingSettings(kind)
    first, second = Weighting(NAMES, settings), Weighting(NAMES, settings)
    run_epoch(first, (1.0, 2.0, 3.0))
    run_epoch(first, (2.0, 2.0, 1.0))
    total(first, numbers(5.0, 1.0, 1.0))
    second.load_state_dict(first.state_dict())
    for weighting in (first, second):
        run_epoch(weighting, (1.0, 1.0, 2.0))
    assert factors_of(first) == factors_of(second)


def test_normalised_losses_weigh_by_their_weights_alone():
    settings = WeightingSettings(weights={"va": 12.0, "expression": 0.35}, normalised=True)
    losses = numbers(4.0, 0.5, 0.0)
    value = total(Weighting(NAMES, settings), losses)
    value.backward()
    # a loss of 0 stays as it is
    assert value.item() == pytest.approx(12 + 0.35)
    assert [losses[name].grad.item() for name in NAMES] == pytest.approx([12 / 4, 0.35 / 0.5, 1])


def test_dynamic_remembers_losses_before_they_are_normalised():
    plain, normalised = (
        Weighting(NAMES, WeightingSettings("dynamic", temperature=1.5, normalised=is_so)) for is_so in (False, True)
    )
    for weighting in (plain, normalised):
        run_epoch(weighting, (1.0, 4.0, 2.0))
        run_epoch(weighting, (0.5, 4.0, 6.0))
    assert factors_of(plain) == factors_of(normalised)
    odds = [math.exp(ratio / 1.5) for ratio in (0.5, 1.0, 3.0)]
    losses = numbers(7.0, 1.0, 2.0)
    total(normalised, losses).backward()
    expected = [3 * odd / sum(odds) / loss for odd, loss in zip(odds, (7.0, 1.0, 2.0), strict=True)]
    assert [losses[name].grad.item() for name in NAMES] == pytest.approx(expected)


def test_learned_variances_and_normalised_losses_do_not_go_together():
    with pytest.raises(ProblemError, match=r"E19[\s\S]*training.weighting.normalised"):
        Weighting(NAMES, WeightingSettings("uncertainty", normalised=True))


def test_a_backward_pass_may_come_after_the_end_of_the_epoch():
    weighting = Weighting(NAMES, WeightingSettings("dynamic"))
    losses = numbers(1.0, 1.0, 1.0)
    value = total(weighting, losses)
    weighting.end_epoch()
    value.backward()
    assert losses["va"].grad.item() == 1


def test_a_weight_of_no_loss_is_refused():
    with pytest.raises(ProblemError, match="E19") as caught:
        Weighting(NAMES, WeightingSettings(weights={"valence": 1.0}))
    assert "valence" in caught.value.problems[0].found
