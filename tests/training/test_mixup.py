"""MixAugment: mixtures beside the crops they are made of."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from abawbench.challenges import Categorical, Continuous, MultiLabel
from abawbench.training.data import Target
from abawbench.training.losses import task_loss
from abawbench.training.mixup import Mixture, append_mixtures, draw_mixture, mix_target, mixup_loss
from abawbench.training.settings import LossSettings, MixupSettings

FRAMES = 6
VA = Continuous("va", ("valence", "arousal"), -1, 1, -5)
EXPRESSION = Categorical("expression", ("Neutral", "Anger", "Fear"), -1)
UNITS = MultiLabel("action_units", ("AU1", "AU2"), -1)
KINDS = {
    "ccc": (VA, LossSettings()),
    "mse": (VA, LossSettings("mse")),
    "cross_entropy": (EXPRESSION, LossSettings(class_weights=(1.0, 2.0, 0.5), label_smoothing=0.1)),
    "focal": (EXPRESSION, LossSettings("focal")),
    "bce": (UNITS, LossSettings(positive_weights=(3.0, 0.5))),
    "bce_entry": (UNITS, LossSettings(reduction="entry")),
}
every = pytest.mark.parametrize("kind", KINDS)


def example(kind: str, share: float = 0.7) -> tuple[Target, torch.Tensor, LossSettings]:
    task, chosen = KINDS[kind]
    random = torch.Generator().manual_seed(0)
    if isinstance(task, Categorical):
        target = Target(
            task, torch.randint(3, (FRAMES,), generator=random), torch.rand(FRAMES, generator=random) < share
        )
        return target, torch.randn(FRAMES, 3, generator=random), chosen
    values = torch.rand(FRAMES, 2, generator=random)
    values = (values > 0.5).float() if isinstance(task, MultiLabel) else values
    target = Target(task, values, torch.rand(FRAMES, 2, generator=random) < share)
    return target, torch.randn(FRAMES, 2, generator=random), chosen


def mixture(share: float) -> Mixture:
    return Mixture(torch.tensor([3, 5, 1, 0, 2, 4]), torch.full((FRAMES,), share))


def number(loss: torch.Tensor | None) -> float:
    assert loss is not None
    return loss.item()


@every
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_with_the_whole_share_the_loss_is_that_of_one_crop_twice_and_of_the_other(kind, share):
    target, logits, chosen = example(kind)
    mixing = mixture(share)
    both = append_mixtures(logits, mixing)
    first = number(task_loss(target, logits, chosen))
    second = number(task_loss(target.take(mixing.partner), logits[mixing.partner], chosen))
    expected = 2 * first + second if share else first + 2 * second
    assert number(mixup_loss(target, both, mixing, chosen, MixupSettings())) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["cross_entropy", "bce"])
def test_of_classes_and_labels_the_loss_of_a_mixture_is_the_mixture_of_losses(kind):
    # -sum y log p is linear in y
    target, logits, _ = example(kind, share=1.1)
    mixing = mixture(0.3)
    mixed = number(task_loss(mix_target(target, mixing), logits, LossSettings()))
    first = number(task_loss(target, logits, LossSettings()))
    second = number(task_loss(target.take(mixing.partner), logits, LossSettings()))
    assert mixed == pytest.approx(0.3 * first + 0.7 * second, rel=1e-5)


def test_pictures_are_mixed_by_their_shares():
    pictures = torch.rand(2, 3, 4, 4)
    mixing = Mixture(torch.tensor([1, 0]), torch.tensor([0.25, 1.0]))
    both = append_mixtures(pictures, mixing)
    assert torch.equal(both[:2], pictures)
    assert torch.allclose(both[2], 0.25 * pictures[0] + 0.75 * pictures[1])
    assert torch.equal(both[3], pictures[1])


def test_a_mixture_is_annotated_where_both_are_or_where_one_is_all():
    annotated = torch.tensor([[True, True], [False, True]])
    target = Target(UNITS, torch.ones(2, 2), annotated)
    for share, expected in ((0.5, [[False, True]] * 2), (1.0, annotated.tolist()), (0.0, annotated.flip(0).tolist())):
        mixed = mix_target(target, Mixture(torch.tensor([1, 0]), torch.full((2,), share)))
        assert mixed.annotated.tolist() == expected
        assert mixed.numbers == tuple(np.sum(expected, 0))


def test_classes_become_probabilities():
    target = Target(EXPRESSION, torch.tensor([0, 2]), torch.tensor([True, True]))
    mixed = mix_target(target, Mixture(torch.tensor([1, 0]), torch.tensor([0.25, 0.5])))
    assert mixed.values.tolist() == [[0.25, 0, 0.75], [0.5, 0, 0.5]]


def test_weights_of_the_parts():
    target, logits, chosen = example("bce")
    mixing = mixture(0.4)
    both = append_mixtures(logits, mixing)
    virtual = number(mixup_loss(target, both, mixing, chosen, MixupSettings(virtual=1.0, real=0.0)))
    real = number(mixup_loss(target, both, mixing, chosen, MixupSettings(virtual=0.0, real=1.0)))
    whole = number(mixup_loss(target, both, mixing, chosen, MixupSettings(virtual=2.0, real=0.5)))
    assert whole == pytest.approx(2 * virtual + 0.5 * real, rel=1e-5)


@every
def test_without_labels_there_is_no_loss(kind):
    target, logits, chosen = example(kind, share=0.0)
    assert mixup_loss(target, append_mixtures(logits, mixture(0.5)), mixture(0.5), chosen, MixupSettings()) is None


def test_a_drawn_mixture_depends_on_its_generator_alone():
    def drawn(seed: int) -> Mixture:
        return draw_mixture(MixupSettings(alpha=1.0), 500, torch.Generator().manual_seed(seed))

    before = torch.get_rng_state()
    first, second, other = drawn(0), drawn(0), drawn(1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.share, second.share)
    assert torch.equal(first.partner, second.partner)
    assert not torch.equal(first.share, other.share)
    assert sorted(first.partner.tolist()) == list(range(500))
    assert ((first.share >= 0) & (first.share <= 1)).all()
    # Beta(1, 1) is even
    assert first.share.mean().item() == pytest.approx(0.5, abs=0.05)
    assert first.share.var().item() == pytest.approx(1 / 12, abs=0.015)


@pytest.mark.parametrize("given", [{"alpha": 0.0}, {"virtual": -1.0}, {"real": float("nan")}])
def test_settings_out_of_range_are_refused(given):
    with pytest.raises(ValueError, match=next(iter(given))):
        MixupSettings(**given)
