"""Two tasks that teach each other: labels, soft and hard, that follow from those of the other."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from abawbench.labels import ACTION_UNITS_12, ACTION_UNITS_17, EXPRESSIONS_7, EXPRESSIONS_8
from abawbench.models.coupling import (
    hard_classes_of_labels,
    hard_labels_of_classes,
    soft_label_loss,
    soft_labels,
)
from abawbench.models.relatedness_tables import binary, expert_table
from abawbench.models.settings import SoftLabelOptions

HAPPY = ("AU12", "AU25", "AU6")
FEAR_17 = ("AU1", "AU4", "AU20", "AU25", "AU2", "AU5", "AU26")
SURPRISE_17 = ("AU1", "AU2", "AU25", "AU26", "AU5")
ANGER_17 = ("AU4", "AU7", "AU24", "AU10", "AU17", "AU23")
DISGUST_17 = ("AU9", "AU10", "AU17", "AU4", "AU24")
SADNESS_17 = ("AU4", "AU15", "AU1", "AU6", "AU11", "AU17")
ANGER_12 = ("AU4", "AU7", "AU24", "AU10", "AU23")
FEAR_12 = ("AU1", "AU4", "AU25", "AU2", "AU26")
# facebehaviornet.md 5.2, classes in the order of EXPRESSIONS_7
SOFT = [
    (HAPPY, ACTION_UNITS_17, [0.1077, 0.1077, 0.1077, 0.1290, 0.2927, 0.1219, 0.1334]),
    (FEAR_17, ACTION_UNITS_17, [0.0849, 0.1085, 0.0926, 0.2307, 0.1264, 0.1262, 0.2307]),
    (SURPRISE_17, ACTION_UNITS_17, [0.0975, 0.0975, 0.0975, 0.1845, 0.1451, 0.1131, 0.2649]),
    (ANGER_17, ACTION_UNITS_17, [0.0954, 0.2593, 0.1959, 0.1143, 0.0954, 0.1444, 0.0954]),
    (DISGUST_17, ACTION_UNITS_17, [0.0961, 0.1902, 0.2611, 0.1151, 0.0961, 0.1454, 0.0961]),
    (SADNESS_17, ACTION_UNITS_17, [0.0951, 0.1382, 0.1373, 0.1365, 0.1165, 0.2585, 0.1179]),
    (ANGER_12, ACTION_UNITS_12, [0.0900, 0.2447, 0.2447, 0.1163, 0.0900, 0.1243, 0.0900]),
    (HAPPY, ACTION_UNITS_12, [0.1056, 0.1056, 0.1056, 0.1365, 0.2871, 0.1241, 0.1356]),
    (FEAR_12, ACTION_UNITS_12, [0.0823, 0.1091, 0.1003, 0.2238, 0.1226, 0.1380, 0.2238]),
    ((), ACTION_UNITS_17, [1 / 7] * 7),
    ((), ACTION_UNITS_12, [1 / 7] * 7),
]
# a label that no class shows, a class that shows none, a class and a cell of which nothing is known
TABLE = torch.tensor(
    [
        [1.0, 0.5, 0.0, 0.0, 0.25],
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [0.5, torch.nan, 1.0, 0.0, 1.0],
        [torch.nan] * 5,
    ]
)


def expert(names, classes=EXPRESSIONS_7) -> torch.Tensor:
    return torch.tensor(expert_table(classes, names))


def active(units, names) -> torch.Tensor:
    return torch.tensor([[float(name in units) for name in names]])


def all_known(labels: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(labels, dtype=torch.bool)


def softmax(values: np.ndarray) -> np.ndarray:
    odds = np.exp(values - values.max())
    return odds / odds.sum()


def gradient(leaf: torch.Tensor) -> torch.Tensor:
    assert leaf.grad is not None
    return leaf.grad


@pytest.mark.parametrize(("units", "names", "expected"), SOFT)
def test_worked_values(units, names, expected):
    labels = active(units, names)
    q = soft_labels(labels, all_known(labels), expert(names))[0]
    assert q.tolist() == pytest.approx(expected, abs=5.01e-5)


def test_happiness_has_the_share_of_its_weight_that_is_on():
    labels = active(("AU12", "AU6"), ACTION_UNITS_17)
    q = soft_labels(labels, all_known(labels), expert(ACTION_UNITS_17)).double()
    # of neutral the score is 0
    score = torch.log(q[0, 4] / q[0, 0]).item()
    assert score == pytest.approx(1.51 / 2.51, abs=1e-6)


def test_at_temperature_1_none_is_above_e_over_e_plus_6():
    table = torch.eye(7)
    q = soft_labels(table, all_known(table), table)
    assert q.max().item() == pytest.approx(0.3118, abs=5e-5)


@given(
    arrays(np.float32, (3, 5), elements=st.floats(0, 1, width=32)),
    arrays(bool, (3, 5)),
    st.sampled_from([0.1, 1.0, 3.0]),
    st.sampled_from(["zero", "complement"]),
)
def test_probabilities_are_those_of_a_loop(labels, annotated, temperature, without_profile):
    options = SoftLabelOptions(temperature, without_profile)
    q = soft_labels(torch.tensor(labels), torch.tensor(annotated), TABLE, options)
    for row, y, d in zip(q.tolist(), labels, annotated, strict=True):
        table = np.nan_to_num(TABLE.numpy())
        scores = {}
        for number in (0, 2):
            if (d * table[number]).sum() > 0:
                scores[number] = (d * table[number] * y).sum() / (d * table[number]).sum()
        if not scores:
            assert row == [0] * 4
            continue
        scores[1] = 1 - (d * y).max() if without_profile == "complement" else 0.0
        chance = softmax(np.array(list(scores.values())) / temperature)
        expected = [dict(zip(scores, chance, strict=True)).get(number, 0.0) for number in range(4)]
        assert row == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("junk", [-1.0, 7.0, math.nan])
def test_what_is_not_annotated_has_no_influence(junk):
    labels = active(("AU1", "AU4", "AU25"), ACTION_UNITS_17)
    annotated = torch.arange(17)[None] % 3 > 0
    q = soft_labels(labels, annotated, expert(ACTION_UNITS_17))
    assert torch.equal(q, soft_labels(torch.where(annotated, labels, junk), annotated, expert(ACTION_UNITS_17)))
    assert q.sum().item() == pytest.approx(1, abs=1e-6)


def test_a_class_with_all_its_labels_masked_leaves_the_softmax():
    names = ACTION_UNITS_17
    annotated = torch.tensor([[name not in HAPPY for name in names]])
    q = soft_labels(active((), names), annotated, expert(names))[0]
    expected = [0.0 if name == "Happiness" else 1 / 6 for name in EXPRESSIONS_7]
    assert q.tolist() == pytest.approx(expected, abs=1e-6)


def test_other_is_never_suggested():
    labels = active(FEAR_12, ACTION_UNITS_12)
    seven = soft_labels(labels, all_known(labels), expert(ACTION_UNITS_12))
    eight = soft_labels(labels, all_known(labels), expert(ACTION_UNITS_12, EXPRESSIONS_8))
    assert eight[0].tolist() == [*seven[0].tolist(), 0.0]


def test_without_weights_every_shown_label_counts_alike():
    labels = active(("AU6",), ACTION_UNITS_17)
    table = torch.tensor(binary(expert_table(EXPRESSIONS_7, ACTION_UNITS_17)))
    q = soft_labels(labels, all_known(labels), table)[0]
    assert math.log(q[4] / q[0]) == pytest.approx(1 / 3, abs=1e-6)


def test_the_loss_is_the_cross_entropy_of_the_pictures_that_have_labels():
    generator = torch.Generator().manual_seed(10)
    logits = torch.randn(3, 8, generator=generator, requires_grad=True)
    labels = active(HAPPY, ACTION_UNITS_12).repeat(3, 1)
    annotated = all_known(labels)
    annotated[1] = False
    table = expert(ACTION_UNITS_12, EXPRESSIONS_8)
    soft = soft_labels(labels, annotated, table)
    loss = soft_label_loss(logits, soft, table)
    loss.backward()
    # Other takes no part
    chance = logits.detach()[:, :7].log_softmax(1)
    expected = -(soft[[0, 2], :7] * chance[[0, 2]]).sum(1).mean()
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    assert not gradient(logits)[1].any()
    assert not gradient(logits)[:, 7].any()
    assert gradient(logits)[[0, 2], :7].all()


def test_the_loss_of_pictures_without_labels_is_0_with_gradient_0():
    logits = torch.randn(2, 4, generator=torch.Generator().manual_seed(11), requires_grad=True)
    loss = soft_label_loss(logits, torch.zeros(2, 4), TABLE)
    loss.backward()
    assert loss.item() == 0
    assert not gradient(logits).any()


def test_soft_labels_carry_no_gradient():
    labels = torch.rand(2, 5, generator=torch.Generator().manual_seed(12), requires_grad=True)
    assert not soft_labels(labels, all_known(labels), TABLE).requires_grad


@pytest.mark.parametrize("name", [name for name in EXPRESSIONS_7 if name != "Neutral"])
def test_a_full_pattern_gives_its_expression(name):
    for names in (ACTION_UNITS_17, ACTION_UNITS_12):
        number = EXPRESSIONS_7.index(name)
        labels = (expert(names)[number : number + 1] > 0).float()
        assert hard_classes_of_labels(labels, all_known(labels), expert(names)).tolist() == [number]


@pytest.mark.parametrize(
    ("units", "names", "candidates"),
    [
        (FEAR_17, ACTION_UNITS_17, {"Fear", "Surprise"}),
        (SURPRISE_17, ACTION_UNITS_17, {"Surprise"}),
        (ANGER_17, ACTION_UNITS_17, {"Anger"}),
        (DISGUST_17, ACTION_UNITS_17, {"Disgust"}),
        (SADNESS_17, ACTION_UNITS_17, {"Sadness"}),
        (HAPPY, ACTION_UNITS_17, {"Happiness"}),
        (ANGER_12, ACTION_UNITS_12, {"Anger", "Disgust"}),
        (FEAR_12, ACTION_UNITS_12, {"Fear", "Surprise"}),
    ],
)
def test_candidates_one_by_one(units, names, candidates):
    labels = active(units, names)
    for name in EXPRESSIONS_7:
        found = hard_classes_of_labels(labels, all_known(labels), expert(names, ["Neutral", name]))
        assert found.tolist() == [1 if name in candidates else -1], name


def test_without_active_labels_there_is_no_class():
    labels = active((), ACTION_UNITS_12)
    assert hard_classes_of_labels(labels, all_known(labels), expert(ACTION_UNITS_12, EXPRESSIONS_8)).tolist() == [-1]


def test_only_annotated_labels_are_required():
    labels = torch.tensor([[1.0, -1.0, 0.0]])
    annotated = torch.tensor([[True, False, True]])
    table = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert hard_classes_of_labels(labels, annotated, table).tolist() == [0]


def test_a_tie_keeps_no_class():
    labels = torch.tensor([[1, 1, 0], [1, 1, 1]])
    table = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.4, 0.0], [0.0, 1.0, 1.0]])
    assert hard_classes_of_labels(labels, all_known(labels), table).tolist() == [-1, 2]


@given(arrays(np.int8, (4, 5), elements=st.integers(0, 1)), arrays(bool, (4, 5)))
def test_classes_are_those_of_a_loop(labels, annotated):
    found = hard_classes_of_labels(torch.tensor(labels), torch.tensor(annotated), TABLE)
    for number, y, d in zip(found.tolist(), labels, annotated, strict=True):
        needs = [{i for i in range(5) if d[i] and TABLE[c, i] > 0} for c in range(4)]
        size = [len(need) if need and all(y[i] for i in need) else 0 for need in needs]
        is_single = max(size) > 0 and size.count(max(size)) == 1
        assert number == (size.index(max(size)) if is_single else -1)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64])
def test_labels_of_a_class_are_on_and_the_others_are_not_annotated(dtype):
    names = ["AU6", "AU12", "AU1"]
    classes = torch.tensor([4, 0, 7, -1], dtype=dtype)
    hard = hard_labels_of_classes(classes, expert(names, EXPRESSIONS_8).float())
    assert hard.annotated.tolist() == [[True, True, False], *[[False] * 3] * 3]
    assert hard.labels.tolist() == [[1, 1, 0], *[[0] * 3] * 3]
    assert hard.weights.flatten().tolist() == pytest.approx([0.51, 1, *[0] * 10], abs=1e-7)
