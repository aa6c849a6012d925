"""Likelihood coupling: the loss against brute force, its limits, its gradients."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.models.likelihood import (
    LikelihoodParts,
    class_posterior,
    confidence,
    likelihood_loss,
    likelihood_parts,
    log_likelihood,
)
from abawbench.models.settings import LikelihoodOptions

NONE = torch.zeros(1, 3)
NO_MASK = torch.zeros(1, 3, dtype=torch.bool)
TABLE = torch.tensor([[0.9, 0.5, 0.1], [0.2, 0.8, 0.6]], dtype=torch.float64)


def case(seed: int, pictures: int = 4, classes: int = 3, labels: int = 5):
    random = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=random, dtype=torch.float64)

    table = 0.05 + 0.9 * uniform(classes, labels)
    class_logits, label_logits = 4 * uniform(pictures, classes) - 2, 4 * uniform(pictures, labels) - 2
    on, annotated = (uniform(pictures, labels) > 0.5).double(), uniform(pictures, labels) > 0.4
    number = (uniform(pictures) * (classes + 1)).long() - 1
    return table, class_logits, label_logits, number, on, annotated


def by_hand(table, class_logits, on, annotated) -> list[float]:
    """The sum over classes as it is written, picture by picture."""
    found = []
    for logits, row, mask in zip(class_logits.tolist(), on.tolist(), annotated.tolist(), strict=True):
        odds = [math.exp(value) for value in logits]
        total = 0.0
        for odd, shares in zip(odds, table.tolist(), strict=True):
            product = odd / sum(odds)
            for share, value, is_known in zip(shares, row, mask, strict=True):
                if is_known:
                    product *= share if value else 1 - share
            total += product
        found.append(-math.log(total))
    return found


@given(st.integers(0, 500))
@settings(max_examples=30, deadline=None)
def test_the_part_of_the_classes_is_the_sum_over_classes(seed):
    table, class_logits, label_logits, _, on, annotated = case(seed)
    number = torch.full((4,), -1)
    parts = likelihood_parts(class_logits, label_logits, number, on, annotated, table)
    whole = by_hand(table, class_logits, on, annotated)
    wanted = [loss for loss, is_known in zip(whole, annotated.any(1).tolist(), strict=True) if is_known]
    assert parts.classes.item() == pytest.approx(sum(wanted) / max(len(wanted), 1), rel=1e-9)


@given(st.integers(0, 500))
@settings(max_examples=20, deadline=None)
def test_likelihoods_of_all_label_patterns_sum_to_one(seed):
    table = case(seed)[0]
    patterns = torch.tensor(list(itertools.product((0.0, 1.0), repeat=5)), dtype=torch.float64)
    total = log_likelihood(patterns, torch.ones_like(patterns).bool(), table).exp().sum(0)
    assert total.tolist() == pytest.approx([1.0] * 3)


@given(st.integers(0, 500))
@settings(max_examples=20, deadline=None)
def test_with_a_table_of_zeros_and_ones_the_labels_name_the_class(seed):
    random = np.random.default_rng(seed)
    patterns = random.permutation(2**5)[:4]
    table = torch.tensor([[pattern >> bit & 1 for bit in range(5)] for pattern in patterns], dtype=torch.float64)
    true = torch.from_numpy(random.integers(0, 4, 6))
    logits = torch.from_numpy(random.normal(size=(6, 4)))
    posterior = class_posterior(logits, table[true], torch.ones(6, 5).bool(), table)
    assert torch.equal(posterior.argmax(1), true)
    assert posterior.amax(1).min() > 1 - 1e-3


@given(st.integers(0, 500))
@settings(max_examples=20, deadline=None)
def test_the_gradient_of_the_class_logits_is_belief_minus_posterior(seed):
    table, class_logits, label_logits, _, on, annotated = case(seed)
    class_logits.requires_grad_()
    label_logits.requires_grad_()
    annotated[:, 0] = True
    likelihood_parts(class_logits, label_logits, torch.full((4,), -1), on, annotated, table).classes.backward()
    posterior = class_posterior(class_logits.detach(), on, annotated, table)
    assert class_logits.grad is not None
    assert torch.allclose(class_logits.grad * 4, class_logits.detach().softmax(1) - posterior)
    assert label_logits.grad is None


@pytest.mark.parametrize("seed", range(4))
def test_gradients_agree_with_differences(seed):
    table, class_logits, label_logits, number, on, annotated = case(seed)
    leaves = (class_logits.requires_grad_(), label_logits.requires_grad_())
    unknown, unseen = torch.full((4,), -1), torch.zeros(4, 5).bool()

    # detached targets are constants for neither head: the part of the labels is held apart by hand above
    def of_classes(classes: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return likelihood_parts(classes, labels, number, on, annotated, table).classes

    def of_agreement(classes: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return likelihood_parts(classes, labels, unknown, on, unseen, table).agreement

    assert torch.autograd.gradcheck(of_classes, leaves)
    assert torch.autograd.gradcheck(of_agreement, leaves)


def test_a_power_of_zero_removes_the_labels():
    table, class_logits, label_logits, _, on, annotated = case(3)
    class_logits.requires_grad_()
    parts = likelihood_parts(
        class_logits, label_logits, torch.full((4,), -1), on, annotated, table, LikelihoodOptions(power=0)
    )
    parts.classes.backward()
    assert parts.classes.item() == pytest.approx(0, abs=1e-12)
    assert class_logits.grad is not None
    assert class_logits.grad.abs().max() < 1e-12
    assert torch.allclose(class_posterior(class_logits, on, annotated, table, 0), class_logits.softmax(1))


def test_a_class_gives_its_row_to_the_labels_that_are_not_annotated():
    annotated = torch.tensor([[False, True, False]])
    logits = torch.tensor([[0.3, 5.0, -0.4]], dtype=torch.float64, requires_grad=True)
    classes = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    parts = likelihood_parts(classes, logits, torch.tensor([1]), NONE, annotated, TABLE)

    def divergence(t: float, z: float) -> float:
        r = 1 / (1 + math.exp(-z))
        return t * math.log(t / r) + (1 - t) * math.log((1 - t) / (1 - r))

    assert parts.labels.item() == pytest.approx((divergence(0.2, 0.3) + divergence(0.6, -0.4)) / 2)
    assert parts.classes.item() == parts.agreement.item() == 0
    parts.labels.backward()
    assert classes.grad is None or not classes.grad.any()
    assert logits.grad is not None
    assert logits.grad[0, 1] == 0


def test_labels_that_are_not_annotated_follow_from_those_that_are():
    annotated = torch.tensor([[True, False, False]])
    labels = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    logits = torch.zeros(1, 2, dtype=torch.float64)
    # the first label makes the first class 4.5 times as likely
    posterior = class_posterior(logits, labels, annotated, TABLE)[0]
    assert posterior.tolist() == pytest.approx([9 / 11, 2 / 11])
    implied = posterior @ TABLE
    own = torch.cat([torch.zeros(1, dtype=torch.float64), implied[1:].logit()])[None]
    parts = likelihood_parts(logits, own, torch.tensor([-1]), labels, annotated, TABLE)
    assert parts.labels.item() == pytest.approx(0, abs=1e-12)


def test_heads_that_agree_cost_nothing_where_nothing_is_annotated():
    logits = torch.tensor([[0.7, -0.2]], dtype=torch.float64)
    implied = (logits.softmax(1) @ TABLE).logit()
    parts = likelihood_parts(logits, implied, torch.tensor([-1]), NONE, NO_MASK, TABLE)
    assert [part.item() for part in parts] == pytest.approx([0, 0, 0], abs=1e-12)
    apart = likelihood_parts(logits, implied + 1, torch.tensor([-1]), NONE, NO_MASK, TABLE)
    assert apart.agreement > 0.01
    assert apart.classes == apart.labels == 0


def test_cells_that_are_not_known_speak_neither_for_nor_against():
    table = TABLE.clone()
    table[0, 2] = torch.nan
    seen = torch.tensor([[False, False, True]])
    logits = torch.tensor([[0.4, 0.1]], dtype=torch.float64)
    # the mean of the known cells is the other class's own share
    assert torch.allclose(class_posterior(logits, NONE + 1, seen, table), logits.softmax(1))
    # and a class without a share of a label teaches nothing about it
    parts = likelihood_parts(logits, NONE.double(), torch.tensor([0]), NONE, torch.tensor([[True, True, False]]), table)
    assert [part.item() for part in parts] == [0, 0, 0]


def test_a_class_of_which_nothing_is_known_takes_no_part():
    table = torch.cat([TABLE, torch.full((1, 3), torch.nan, dtype=torch.float64)])
    logits = torch.tensor([[0.4, 0.1, 9.0]], dtype=torch.float64, requires_grad=True)
    on = torch.tensor([[1.0, 0.0, 1.0]])
    posterior = class_posterior(logits, on, ~NO_MASK, table)
    assert posterior[0, 2] == 0
    assert torch.allclose(posterior[:, :2], class_posterior(logits[:, :2], on, ~NO_MASK, TABLE))
    loss = likelihood_loss(logits, NONE.double(), torch.tensor([-1]), on, ~NO_MASK, table)
    loss.backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert logits.grad[0, 2] == 0
    # a picture of that class gives its labels no targets
    own = likelihood_parts(logits, NONE.double(), torch.tensor([2]), NONE, NO_MASK, table)
    assert [part.item() for part in own] == [0, 0, 0]


@given(st.integers(0, 500))
@settings(max_examples=20, deadline=None)
def test_junk_where_nothing_is_annotated_changes_nothing(seed):
    table, class_logits, label_logits, number, on, annotated = case(seed)
    first = likelihood_parts(class_logits, label_logits, number, on, annotated, table)
    junk = torch.where(annotated, on, torch.nan)
    assert likelihood_parts(class_logits, label_logits, number, junk, annotated, table) == first


def test_pictures_whose_labels_say_little_weigh_little():
    sure, unsure = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 0.5]])
    assert confidence(torch.cat([sure, unsure]), torch.ones(2).bool()).tolist() == pytest.approx([1, 0], abs=1e-6)
    table, class_logits, label_logits, _, on, annotated = case(5)
    number = torch.full((4,), -1)
    whole = likelihood_parts(class_logits, label_logits, number, on, annotated, table)
    weighted = likelihood_parts(class_logits, label_logits, number, on, annotated, table, by_confidence=True)
    assert 0 < weighted.classes < whole.classes
    # the class that a person named is sure
    named = likelihood_parts(class_logits, label_logits, number + 1, on, annotated, table, by_confidence=True)
    assert named == likelihood_parts(class_logits, label_logits, number + 1, on, annotated, table)


def test_losses_are_float32_under_autocast():
    table, class_logits, label_logits, number, on, annotated = case(1)
    rounded = [values.bfloat16() for values in (class_logits, label_logits)]
    with torch.autocast("cpu", torch.bfloat16):
        mixed = likelihood_parts(*rounded, number, on.bfloat16(), annotated, table.float())
    plain = likelihood_parts(*(part.float() for part in rounded), number, on.float(), annotated, table.float())
    assert {part.dtype for part in mixed} == {torch.float32}
    assert mixed == LikelihoodParts(*(pytest.approx(part.item(), rel=1e-6) for part in plain))


def test_certain_shares_and_sure_heads_stay_finite():
    table = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    logits = torch.tensor([[-200.0, 200.0]], requires_grad=True)
    answers = torch.tensor([[-200.0, 200.0, 0.0]], requires_grad=True)
    for mask in (~NO_MASK, NO_MASK, torch.tensor([[True, False, False]])):
        loss = likelihood_loss(logits, answers, torch.tensor([-1]), NONE + 1, mask, table)
        loss.backward()
        assert loss.isfinite()
    assert logits.grad is not None
    assert answers.grad is not None
    assert logits.grad.isfinite().all()
    assert answers.grad.isfinite().all()


def test_several_networks_are_computed_at_once():
    table, _, _, number, on, annotated = case(2)
    many = [case(seed)[1:3] for seed in (7, 8)]
    classes, labels = (torch.stack(part) for part in zip(*many, strict=True))
    together = torch.vmap(lambda c, z: likelihood_loss(c, z, number, on, annotated, table))(classes, labels)
    apart = [likelihood_loss(*pair, number, on, annotated, table).item() for pair in many]
    assert together.tolist() == pytest.approx(apart)


def test_other_widths_are_refused():
    table, class_logits, label_logits, number, on, annotated = case(0)
    with pytest.raises(ProblemError, match="E17"):
        likelihood_loss(class_logits[:, :2], label_logits, number, on, annotated, table)
    with pytest.raises(ProblemError, match="E17"):
        likelihood_loss(class_logits, label_logits, number, on[:, :2], annotated, table)
