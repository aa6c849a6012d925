"""Losses under masks: equal to plain restatements, deaf to what is not annotated, precise under autocast."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from abawbench.base.problems import ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel
from abawbench.metrics.concordance import concordance as official
from abawbench.training.data import Target
from abawbench.training.losses import concordance, task_loss, task_losses
from abawbench.training.settings import LossSettings

VA = Continuous("va", ("valence", "arousal"), -1, 1, -5)
EXPRESSION = Categorical("expression", ("Neutral", "Anger", "Fear"), -1)
UNITS = MultiLabel("action_units", ("AU1", "AU2", "AU4"), -1)
FRAMES = 5

SETTINGS = {
    "ccc": (VA, LossSettings()),
    "mse": (VA, LossSettings("mse")),
    "mse_all": (VA, LossSettings("mse", denominator="all")),
    "cross_entropy": (EXPRESSION, LossSettings()),
    "cross_entropy_all": (
        EXPRESSION,
        LossSettings(
            class_weights=(0.5, 2.0, 3.0), logit_adjustment=1.5, class_shares=(0.7, 0.2, 0.1), label_smoothing=0.1
        ),
    ),
    "focal_classes": (EXPRESSION, LossSettings("focal", class_weights=(1.0, 2.0, 3.0), focus=1.5)),
    "bce": (UNITS, LossSettings()),
    "bce_all": (UNITS, LossSettings(positive_weights=(2.0, 0.5, 7.0), reduction="entry")),
    "focal_labels": (UNITS, LossSettings("focal", positive_weights=(2.0, 0.5, 7.0), focus=1.5)),
}
every = pytest.mark.parametrize("name", SETTINGS)


def example(name: str, seed: int = 0, share: float = 0.6) -> tuple[Target, torch.Tensor, LossSettings]:
    task, chosen = SETTINGS[name]
    random = torch.Generator().manual_seed(seed)
    if isinstance(task, Categorical):
        values, annotated = torch.randint(3, (FRAMES,), generator=random), torch.rand(FRAMES, generator=random)
        logits = torch.randn(FRAMES, 3, generator=random)
    else:
        shape = (FRAMES, len(task.columns))
        values, annotated = torch.rand(shape, generator=random), torch.rand(shape, generator=random)
        values = (values > 0.5).float() if isinstance(task, MultiLabel) else 2 * values - 1
        logits = torch.randn(shape, generator=random)
    return Target(task, values, annotated < share), logits, chosen


def loss_of(target: Target, logits: torch.Tensor, chosen: LossSettings) -> torch.Tensor:
    loss = task_loss(target, logits, chosen)
    assert loss is not None
    return loss


def slope(leaf: torch.Tensor) -> torch.Tensor:
    assert leaf.grad is not None
    return leaf.grad


def by_hand(target: Target, logits: torch.Tensor, chosen: LossSettings) -> float | None:
    """The loss in loops over Python numbers."""
    truth, seen, z = target.values.tolist(), target.annotated.tolist(), logits.tolist()
    if isinstance(target.task, Categorical):
        total = size = 0.0
        weights = [1.0] * 3 if isinstance(chosen.class_weights, str) else chosen.class_weights
        shares = chosen.class_shares or [1.0] * 3
        for y, known, row in zip(truth, seen, z, strict=True):
            if known:
                odds = [math.exp(v) * share**chosen.logit_adjustment for v, share in zip(row, shares, strict=True)]
                chance = [odd / sum(odds) for odd in odds]
                gamma = chosen.focus if chosen.kind == "focal" else 0.0
                cost = [-w * (1 - p) ** gamma * math.log(p) for w, p in zip(weights, chance, strict=True)]
                total += (1 - chosen.label_smoothing) * cost[y] + chosen.label_smoothing * sum(cost) / 3
                size += weights[y]
        return total / size if size else None
    columns = range(len(target.task.columns))
    if isinstance(target.task, MultiLabel):
        positive = [1.0] * 3 if isinstance(chosen.positive_weights, str) else chosen.positive_weights
        gamma = chosen.focus if chosen.kind == "focal" else 0.0
        rows = []
        for y, known, row in zip(truth, seen, z, strict=True):
            terms = []
            for i in columns:
                p = 1 / (1 + math.exp(-row[i]))
                on, off = -positive[i] * (1 - p) ** gamma * math.log(p), -(p**gamma) * math.log(1 - p)
                if known[i]:
                    terms.append(on if y[i] else off)
            rows.append(terms)
        if chosen.reduction == "entry":
            flat = [term for terms in rows for term in terms]
            return sum(flat) / len(flat) if flat else None
        means = [sum(terms) / len(terms) for terms in rows if terms]
        return sum(means) / len(means) if means else None
    pairs = [[(y[i], row[i]) for y, known, row in zip(truth, seen, z, strict=True) if known[i]] for i in columns]
    if chosen.kind == "mse":
        errors = [(y - p) ** 2 for column in pairs for y, p in column]
        return sum(errors) / (len(errors) if chosen.denominator == "valid" else 2 * FRAMES) if errors else None
    costs = []
    for column in pairs:
        if len(column) > 1:
            y, p = np.array(column).T
            cov = ((y - y.mean()) * (p - p.mean())).mean()
            costs.append(1 - 2 * cov / (y.var() + p.var() + (y.mean() - p.mean()) ** 2 + 1e-8))
    return float(np.mean(costs)) if costs else None


@every
@pytest.mark.parametrize("seed", range(6))
def test_losses_are_those_of_a_loop(name, seed):
    for share in (0.3, 0.6, 1.1):
        target, logits, chosen = example(name, seed, share)
        loss, expected = task_loss(target, logits, chosen), by_hand(target, logits, chosen)
        assert (loss is None) == (expected is None)
        if loss is not None:
            assert loss.item() == pytest.approx(expected, rel=2e-5, abs=1e-6)


@every
def test_gradients_are_those_of_differences(name):
    target, logits, chosen = example(name, 3)
    leaf = logits.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda values: loss_of(target, values, chosen), (leaf,))


@every
def test_a_batch_without_a_valid_label_has_no_loss(name):
    target, logits, chosen = example(name, share=0.0)
    assert task_loss(target, logits, chosen) is None
    assert task_loss(target.take(torch.arange(0)), logits[:0], chosen) is None


@every
@pytest.mark.parametrize("junk", [torch.nan, torch.inf, -1e30, 7.0])
def test_what_is_not_annotated_has_neither_value_nor_gradient(name, junk):
    target, logits, chosen = example(name, 1)
    silent = ~target.annotated if logits.shape == target.annotated.shape else ~target.annotated[:, None].expand(5, 3)
    plain, spoilt = logits.clone().requires_grad_(), logits.masked_fill(silent, junk).requires_grad_()
    first, second = loss_of(target, plain, chosen), loss_of(target, spoilt, chosen)
    first.backward()
    second.backward()
    assert torch.equal(first, second)
    assert torch.equal(slope(plain), slope(spoilt))
    assert (slope(spoilt)[silent] == 0).all()
    assert (slope(spoilt)[~silent] != 0).any()


@every
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_losses_are_float32_under_autocast(name, dtype):
    target, logits, chosen = example(name)
    rounded = logits.to(dtype)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = loss_of(target, rounded, chosen)
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, loss_of(target, rounded.float(), chosen))


@every
def test_labels_are_left_as_they_are(name):
    # F5 of aim3_mtl: a loss that edits its target spoils whatever reads it next
    target, logits, chosen = example(name)
    before = target.values.clone(), target.annotated.clone(), logits.clone()
    loss_of(target, logits, chosen)
    assert all(torch.equal(a, b) for a, b in zip(before, (target.values, target.annotated, logits), strict=True))


@every
def test_the_order_of_the_frames_does_not_matter(name):
    target, logits, chosen = example(name)
    order = torch.tensor([4, 2, 0, 1, 3])
    again = loss_of(target.take(order), logits[order], chosen)
    assert again.item() == pytest.approx(loss_of(target, logits, chosen).item(), rel=1e-6)


SERIES = arrays(np.float64, st.tuples(st.integers(2, 20), st.just(2)), elements=st.floats(-1, 1))


@given(SERIES)
@settings(max_examples=60)
def test_loss_and_metric_have_the_same_concordance(series):
    truth, prediction = series.T
    # against the 1e-8 of the loss
    assume(truth.var() > 0.02 and prediction.var() > 0.02)
    found = concordance(*(torch.from_numpy(x)[:, None] for x in (truth, prediction)), torch.ones(len(truth), 1).bool())
    assert found.item() == pytest.approx(official(truth, prediction), abs=1e-6)
    single = [torch.from_numpy(x.astype(np.float32))[:, None] for x in (truth, prediction)]
    found = concordance(*single, torch.ones(len(truth), 1).bool())
    assert found.item() == pytest.approx(official(truth, prediction), abs=1e-6)


def test_concordance_by_hand():
    x = torch.tensor([[-1.0], [0.0], [1.0]])
    everything = torch.ones(3, 1).bool()
    assert concordance(x, x, everything).item() == pytest.approx(1, abs=1e-6)
    assert concordance(x, -x, everything).item() == pytest.approx(-1, abs=1e-6)
    # 2 * 2/3 / (2/3 + 2/3 + 1)
    assert concordance(x, x + 1, everything).item() == pytest.approx(4 / 7, abs=1e-6)


@pytest.mark.parametrize("count", [0, 1])
def test_a_concordance_of_fewer_than_two_frames_is_0_with_gradient_0(count):
    annotated = (torch.arange(4) < count)[:, None]
    prediction = torch.randn(4, 1, generator=torch.Generator().manual_seed(0), requires_grad=True)
    value = concordance(torch.linspace(-1, 1, 4)[:, None], prediction, annotated)
    value.sum().backward()
    assert value.item() == 0
    assert slope(prediction).tolist() == [[0.0]] * 4


def test_one_valid_row_has_no_loss_of_concordance_but_one_of_squares():
    target = Target(VA, torch.zeros(3, 2), torch.tensor([[True, True], [False, False], [False, False]]))
    assert task_loss(target, torch.ones(3, 2), LossSettings()) is None
    assert loss_of(target, torch.ones(3, 2), LossSettings("mse")).item() == 1


def test_a_column_with_too_few_rows_leaves_the_mean():
    values = torch.tensor([[-1.0, 0.5], [0.0, 0.0], [1.0, 0.0]])
    target = Target(VA, values, torch.tensor([[True, True], [True, False], [True, False]]))
    logits = torch.tensor([[0.0, 9.0], [1.0, 9.0], [2.0, 9.0]], requires_grad=True)
    loss = loss_of(target, logits, LossSettings())
    loss.backward()
    assert loss.item() == pytest.approx(3 / 7, abs=1e-6)
    assert (slope(logits)[:, 1] == 0).all()
    assert slope(logits)[:, 0].any()


@pytest.mark.parametrize(("truth", "prediction"), [(0.3, 0.3), (0.3, -0.2), (None, 0.1), (0.1, None)])
def test_constant_series_have_finite_gradients(truth, prediction):
    series = torch.tensor([[-0.5, 0.2], [0.5, 0.1], [0.1, 0.9]])
    values, answers = (series if value is None else torch.full((3, 2), value) for value in (truth, prediction))
    answers = answers.clone().requires_grad_()
    loss = loss_of(Target(VA, values, torch.ones(3, 2).bool()), answers, LossSettings())
    loss.backward()
    assert loss.item() == pytest.approx(1, abs=1e-5)
    assert torch.isfinite(slope(answers)).all()


@given(st.integers(0, 1000), st.floats(0.1, 1.0))
@settings(max_examples=40)
def test_all_in_the_denominator_is_the_valid_share_times_the_masked_mean(seed, share):
    target, logits, _ = example("mse", seed, share)
    valid = task_loss(target, logits, LossSettings("mse"))
    everything = task_loss(target, logits, LossSettings("mse", denominator="all"))
    if valid is None or everything is None:
        assert valid is everything
    else:
        fraction = target.annotated.float().mean().item()
        assert everything.item() == pytest.approx(fraction * valid.item(), rel=1e-5)


def test_image_and_entry_agree_where_all_images_have_equal_counts():
    target, logits, _ = example("bce")
    mask = torch.tensor([[True, True, False], [False, True, True], [True, False, True]] * 2)[:FRAMES]
    even = Target(UNITS, target.values, mask)
    image, entry = (loss_of(even, logits, LossSettings(reduction=way)) for way in ("image", "entry"))
    assert image.item() == pytest.approx(entry.item(), rel=1e-6)
    uneven = Target(UNITS, target.values, torch.tensor([[True, True, True]] + [[True, False, False]] * 4))
    image, entry = (loss_of(uneven, logits, LossSettings(reduction=way)) for way in ("image", "entry"))
    assert abs(image.item() - entry.item()) > 1e-3


@pytest.mark.parametrize("reduction", ["image", "entry"])
def test_an_image_without_labels_changes_nothing(reduction):
    target, logits, _ = example("bce", share=0.8)
    chosen = LossSettings(reduction=reduction)
    longer = Target(
        UNITS, torch.cat([target.values, torch.ones(1, 3)]), torch.cat([target.annotated, torch.zeros(1, 3).bool()])
    )
    with_it = loss_of(longer, torch.cat([logits, torch.ones(1, 3)]), chosen)
    # the order of a sum in float32 depends on its length, and on the processor
    torch.testing.assert_close(with_it, loss_of(target, logits, chosen), rtol=1e-6, atol=0)


def test_weights_of_places_multiply_their_terms_and_not_the_divisor():
    target = Target(UNITS, torch.ones(1, 3), torch.tensor([[True, True, False]]), torch.tensor([[1.0, 0.5, 9.0]]))
    # two terms of log 2, the second halved, over two annotated labels
    for way in ("image", "entry"):
        loss = loss_of(target, torch.zeros(1, 3), LossSettings(reduction=way))
        assert loss.item() == pytest.approx(0.75 * math.log(2), rel=1e-6)


def test_cross_entropy_is_that_of_torch():
    target, logits, chosen = example("cross_entropy_all", share=1.1)
    adjusted = logits + 1.5 * torch.tensor([0.7, 0.2, 0.1]).log()
    expected = torch.nn.functional.cross_entropy(
        adjusted, target.values, torch.tensor([0.5, 2.0, 3.0]), label_smoothing=0.1
    )
    assert loss_of(target, logits, chosen).item() == pytest.approx(expected.item(), rel=1e-6)


def test_bce_is_that_of_torch():
    target, logits, chosen = example("bce_all", share=1.1)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, target.values, pos_weight=torch.tensor([2.0, 0.5, 7.0])
    )
    assert loss_of(target, logits, chosen).item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy_all", "focal_classes"])
def test_sure_probabilities_of_classes_are_their_numbers(name):
    target, logits, chosen = example(name)
    sure = Target(EXPRESSION, torch.nn.functional.one_hot(target.values, 3).float(), target.annotated)
    assert loss_of(sure, logits, chosen).item() == pytest.approx(loss_of(target, logits, chosen).item(), rel=1e-6)


@pytest.mark.parametrize(("task", "plain"), [(EXPRESSION, "cross_entropy"), (UNITS, "bce")])
def test_without_focus_the_focal_loss_is_the_plain_one(task, plain):
    target, logits, _ = example(plain)
    focal = loss_of(target, logits, LossSettings("focal", focus=0.0))
    assert focal.item() == pytest.approx(loss_of(target, logits, LossSettings()).item(), rel=1e-6)


@pytest.mark.parametrize(("name", "focus"), list(product(["cross_entropy", "bce"], [0.5, 2.0])))
def test_extreme_logits_have_finite_losses_and_gradients(name, focus):
    target, logits, _ = example(name, share=1.1)
    for kind in ("focal", None):
        leaf = (logits.sign() * 300).requires_grad_()
        loss = loss_of(target, leaf, LossSettings(kind, focus=focus))
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(slope(leaf)).all()


def test_an_adjusted_network_that_answers_the_shares_is_at_its_best():
    shares = (0.6, 0.3, 0.1)
    values = torch.tensor([0] * 6 + [1] * 3 + [2])
    logits = torch.zeros(10, 3, requires_grad=True)
    chosen = LossSettings(logit_adjustment=1.0, class_shares=shares)
    loss_of(Target(EXPRESSION, values, torch.ones(10).bool()), logits, chosen).backward()
    assert slope(logits).sum(0).tolist() == pytest.approx([0, 0, 0], abs=1e-6)


def test_validation_before_training_does_not_spoil_the_weights():
    target, logits, _ = example("cross_entropy")
    chosen = LossSettings(class_weights=(1.25, 1.5, 1.75))
    with torch.inference_mode():
        loss_of(target, logits, chosen)
    leaf = logits.clone().requires_grad_()
    loss_of(target, leaf, chosen).backward()
    assert torch.isfinite(slope(leaf)).all()


def test_losses_of_several_tasks_come_by_name():
    made = {"va": example("ccc"), "action_units": example("bce", share=0.0)}
    targets, logits, chosen = ({name: parts[place] for name, parts in made.items()} for place in range(3))
    losses = task_losses(targets, logits, chosen)
    assert list(losses) == ["va", "action_units"]
    assert losses["action_units"] is None
    assert losses["va"] is not None
    assert torch.equal(losses["va"], loss_of(*made["va"]))


@pytest.mark.parametrize(
    ("name", "width", "chosen", "found"),
    [
        ("ccc", 1, LossSettings(), "answers of shape"),
        ("cross_entropy", 4, LossSettings(), "answers of shape"),
        ("bce", 3, LossSettings("ccc"), "kind ccc"),
        ("cross_entropy", 3, LossSettings(class_weights="balanced"), "not counted"),
        ("cross_entropy", 3, LossSettings(logit_adjustment=1.0), "not counted"),
        ("bce", 3, LossSettings(positive_weights="balanced"), "not counted"),
    ],
)
def test_what_does_not_fit_is_refused(name, width, chosen, found):
    target, _, _ = example(name)
    with pytest.raises(ProblemError, match=found) as caught:
        task_loss(target, torch.zeros(FRAMES, width), chosen)
    assert caught.value.problems[0].rule == "E19"
