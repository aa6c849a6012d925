"""Two tasks that teach each other, in the losses of a step."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.challenges import Categorical, MultiLabel
from abawbench.labels import ACTION_UNITS_12, ACTION_UNITS_17, EXPRESSIONS_7, EXPRESSIONS_8
from abawbench.models.settings import CouplingSettings, MatchingOptions, SoftLabelOptions
from abawbench.table import Table
from abawbench.training.coupling import Coupling, co_annotated, coupled_losses, coupling_from_table, make_coupling
from abawbench.training.data import Target
from abawbench.training.losses import task_loss
from abawbench.training.settings import LossSettings

# as printed in arXiv:1910.11111 and 2105.03790 (assumed(paper)), with the binary table
PAPER = MatchingOptions("one_sided", subtract_target_entropy=False, reduction="sum")

SPECIES = Categorical("species", ("wren", "crow", "egg"), -1)
MARKINGS = MultiLabel("markings", ("black", "brown", "small"), -1)
# a wren is brown and small, a crow black, of the egg nothing is known
SHARES = np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.0], [np.nan] * 3])
BOTH = ("soft_co_annotation", "distribution_matching")
LOSSES = {"species": LossSettings(), "markings": LossSettings()}


def birds(*terms: str, **options) -> Coupling:
    return coupling_from_table(CouplingSettings(terms, "species", "markings", **options), SHARES)


def targets_with(species, markings) -> dict[str, Target]:
    """-1 where not annotated."""
    classes, labels = torch.tensor(species), torch.tensor(markings)
    return {
        "species": Target(SPECIES, classes.clamp_min(0), classes >= 0),
        "markings": Target(MARKINGS, labels.clamp_min(0).float(), labels >= 0),
    }


def logits_of(count: int, seed: int = 0) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    return {name: torch.randn(count, 3, generator=random, requires_grad=True) for name in ("species", "markings")}


def number(loss: torch.Tensor | None) -> float:
    assert loss is not None
    return loss.item()


def chances(logits: torch.Tensor) -> list[list[float]]:
    """Of wren and crow, to whom alone the table speaks."""
    odds = [[math.exp(value) for value in row[:2]] for row in logits.tolist()]
    return [[odd / sum(row) for odd in row] for row in odds]


def test_without_terms_the_losses_are_those_of_the_tasks():
    targets, logits = targets_with([0, -1], [[1, 0, -1], [-1] * 3]), logits_of(2)
    losses = coupled_losses(targets, logits, LOSSES, birds())
    assert list(losses) == ["species", "markings"]
    for name, loss in losses.items():
        assert number(loss) == number(task_loss(targets[name], logits[name], LOSSES[name]))


def test_a_class_brings_its_labels_with_their_weights():
    targets = targets_with([0, 1, 2, -1], [[-1] * 3] * 4)
    found = co_annotated(targets, birds("hard_co_annotation"))["markings"]
    assert found.annotated.tolist() == [[False, True, True], [True, False, False], [False] * 3, [False] * 3]
    assert found.values[found.annotated].tolist() == [1, 1, 1]
    assert found.weights is not None
    assert found.weights[found.annotated].tolist() == [1, 0.5, 1]


def test_labels_bring_the_class_that_shows_most_of_them():
    targets = targets_with([-1] * 4, [[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1]])
    found = co_annotated(targets, birds("hard_co_annotation"))["species"]
    assert found.annotated.tolist() == [True, True, False, True]
    assert found.values[found.annotated].tolist() == [0, 1, 0]


def test_what_people_said_stays():
    targets = targets_with([1, 0], [[-1, 1, 1], [-1, 0, -1]])
    found = co_annotated(targets, birds("hard_co_annotation"))
    assert found["species"].values.tolist() == [1, 0]
    # black follows from the crow; brown and small were said
    assert found["markings"].values.tolist() == [[1, 1, 1], [0, 0, 1]]
    assert found["markings"].annotated.tolist() == [[True] * 3, [False, True, True]]
    assert found["markings"].weights is not None
    assert found["markings"].weights[1, 1:].tolist() == [1, 0.5]
    assert found["species"].numbers == (2,)


def test_hard_co_annotation_by_hand():
    # a wren without markings, and markings of a crow without a name
    targets, logits = targets_with([0, -1], [[-1] * 3, [1, 0, 0]]), logits_of(2)
    losses = coupled_losses(targets, logits, LOSSES, birds("hard_co_annotation"))
    names, marks = logits["species"].tolist(), logits["markings"].tolist()
    cross = [-row[y] + math.log(sum(math.exp(v) for v in row)) for row, y in zip(names, (0, 1), strict=True)]
    assert number(losses["species"]) == pytest.approx(sum(cross) / 2, rel=1e-5)

    def cost(z: float, y: int) -> float:
        return math.log(1 + math.exp(-z if y else z))

    first = (cost(marks[0][1], 1) + 0.5 * cost(marks[0][2], 1)) / 2
    second = (cost(marks[1][0], 1) + cost(marks[1][1], 0) + cost(marks[1][2], 0)) / 3
    assert number(losses["markings"]) == pytest.approx((first + second) / 2, rel=1e-5)
    assert set(losses) == {"species", "markings"}


def test_soft_co_annotation_by_hand():
    targets, logits = targets_with([-1, 0], [[0, 1, 0], [-1] * 3]), logits_of(2)
    losses = coupled_losses(targets, logits, LOSSES, birds("soft_co_annotation", soft=SoftLabelOptions(0.5)))
    # the wren has 1 of 1.5 on, the crow none
    odds = [math.exp(1 / 1.5 / 0.5), 1]
    wanted = [odd / sum(odds) for odd in odds]
    expected = -sum(q * math.log(p) for q, p in zip(wanted, chances(logits["species"])[0], strict=True))
    assert number(losses["soft_co_annotation"]) == pytest.approx(expected, rel=1e-5)


def test_without_weights_every_label_counts_alike_in_soft_co_annotation():
    targets, logits = targets_with([-1], [[0, 1, 0]]), logits_of(1)
    losses = coupled_losses(targets, logits, LOSSES, birds("soft_co_annotation", soft_weights="binary"))
    odds = [math.exp(0.5), 1]
    wanted = [odd / sum(odds) for odd in odds]
    expected = -sum(q * math.log(p) for q, p in zip(wanted, chances(logits["species"])[0], strict=True))
    assert number(losses["soft_co_annotation"]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("weights", "share"), [("binary", 1.0), ("table", 0.5)])
def test_distribution_matching_by_hand(weights, share):
    targets, logits = targets_with([-1] * 3, [[-1] * 3] * 3), logits_of(3)
    losses = coupled_losses(targets, logits, LOSSES, birds("distribution_matching", matching_weights=weights))
    total = 0.0
    for (wren, crow), row in zip(chances(logits["species"]), logits["markings"].tolist(), strict=True):
        for r, z in zip((crow, wren, share * wren), row, strict=True):
            t = 1 / (1 + math.exp(-z))
            total += t * math.log(t / r) + (1 - t) * math.log((1 - t) / (1 - r))
    assert number(losses["distribution_matching"]) == pytest.approx(total / 9, rel=1e-4)
    assert losses["species"] is None
    assert losses["markings"] is None


def test_matching_needs_no_label_and_teaches_both():
    targets, logits = targets_with([-1] * 3, [[-1] * 3] * 3), logits_of(3)
    loss = coupled_losses(targets, logits, LOSSES, birds("distribution_matching"))["distribution_matching"]
    assert loss is not None
    loss.backward()
    assert all(leaf.grad is not None and leaf.grad.any() for leaf in logits.values())
    kept = birds("distribution_matching", matching=MatchingOptions(stop_gradient=True))
    fresh = logits_of(3)
    loss = coupled_losses(targets, fresh, LOSSES, kept)["distribution_matching"]
    assert loss is not None
    loss.backward()
    assert fresh["markings"].grad is None
    assert fresh["species"].grad is not None


def test_soft_labels_teach_the_classes_alone():
    targets, logits = targets_with([-1], [[1, 0, 0]]), logits_of(1)
    loss = coupled_losses(targets, logits, LOSSES, birds("soft_co_annotation"))["soft_co_annotation"]
    assert loss is not None
    loss.backward()
    assert logits["species"].grad is not None
    assert logits["markings"].grad is None


@pytest.mark.parametrize("frames", [0, 2])
def test_a_batch_without_labels_has_no_loss_but_of_matching(frames):
    targets = {
        "species": Target(SPECIES, torch.zeros(frames).long(), torch.zeros(frames).bool()),
        "markings": Target(MARKINGS, torch.zeros(frames, 3), torch.zeros(frames, 3).bool()),
    }
    losses = coupled_losses(targets, logits_of(frames), LOSSES, birds("hard_co_annotation", *BOTH))
    assert losses["species"] is losses["markings"] is losses["soft_co_annotation"] is None
    assert (losses["distribution_matching"] is None) == (frames == 0)


def test_labels_that_no_class_shows_have_no_soft_loss():
    shares = np.array([[0.0, 1.0, 0.5], [0.0, 1.0, 0.0], [np.nan] * 3])
    coupling = coupling_from_table(CouplingSettings(("soft_co_annotation",), "species", "markings"), shares)
    losses = coupled_losses(targets_with([-1], [[1, -1, -1]]), logits_of(1), LOSSES, coupling)
    assert losses["soft_co_annotation"] is None


@given(st.integers(0, 200))
@settings(max_examples=20, deadline=None)
def test_junk_where_nothing_is_annotated_changes_nothing(seed):
    random = np.random.default_rng(seed)
    species = random.integers(-1, 3, 6).tolist()
    markings = random.integers(-1, 2, (6, 3)).tolist()
    targets, logits = targets_with(species, markings), logits_of(6, seed)
    spoilt = {
        name: Target(t.task, torch.where(t.annotated, t.values, 1), t.annotated, t.weights)
        for name, t in targets.items()
    }
    coupling = birds("hard_co_annotation", *BOTH)
    first, second = (coupled_losses(given, logits, LOSSES, coupling) for given in (targets, spoilt))
    for name, loss in first.items():
        assert (loss is None and second[name] is None) or number(loss) == number(second[name])


def test_every_loss_is_float32_under_autocast():
    targets, logits = targets_with([0, -1], [[-1] * 3, [1, 0, 0]]), logits_of(2)
    rounded = {name: value.detach().bfloat16() for name, value in logits.items()}
    coupling = birds("hard_co_annotation", *BOTH)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = coupled_losses(targets, rounded, LOSSES, coupling)
    plain = coupled_losses(targets, {name: value.float() for name, value in rounded.items()}, LOSSES, coupling)
    for name, loss in mixed.items():
        assert loss is not None
        assert loss.dtype == torch.float32
        assert loss.item() == pytest.approx(number(plain[name]), rel=1e-6)


def test_the_papers_form_of_matching_is_smaller_far_from_the_match():
    # facebehaviornet.md 5.3: -t log r at (.3, .7) lies below (.3, .3)
    values = []
    for r in (0.3, 0.7):
        table = coupling_from_table(
            CouplingSettings(("distribution_matching",), "species", "markings", matching=PAPER),
            np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [np.nan] * 3]),
        )
        logits = {
            "species": torch.tensor([[math.log(r / (1 - r)), 0.0, 0.0]]),
            "markings": torch.full((1, 3), math.log(0.3 / 0.7)),
        }
        targets = targets_with([-1], [[-1] * 3])
        values.append(number(coupled_losses(targets, logits, LOSSES, table)["distribution_matching"]))
    assert values == pytest.approx([0.3612, 0.1070], abs=1e-4)


def faces(classes=EXPRESSIONS_8, units=ACTION_UNITS_12):
    return Categorical("expression", classes, -1), MultiLabel("action_units", units, -1)


def truth_of(expression, action_units) -> Table:
    rows = len(expression)
    values = {"expression": np.array(expression, np.int8), "action_units": np.array(action_units, np.int8)}
    return Table(("a",), np.zeros(rows, np.int32), np.arange(rows, dtype=np.int32), values)


NO_TRUTH = truth_of([], np.empty((0, 12)))


def test_the_expert_table_comes_by_the_names_of_the_tasks():
    chosen = CouplingSettings(BOTH, matching_weights="binary")
    coupling = make_coupling(chosen, faces(EXPRESSIONS_7, ACTION_UNITS_17), NO_TRUTH)
    # row sums of facebehaviornet.md 4.1
    sums = dict(zip(EXPRESSIONS_7, coupling.soft.sum(1).tolist(), strict=True))
    assert sums == pytest.approx(
        {
            "Neutral": 0,
            "Anger": 4.07,
            "Disgust": 3.57,
            "Fear": 5.53,
            "Happiness": 2.51,
            "Sadness": 4.03,
            "Surprise": 4.66,
        }
    )
    assert set(coupling.matching.unique().tolist()) == {0, 1}
    assert coupling.extra_losses == BOTH


def test_full_patterns_bring_their_expressions():
    # facebehaviornet.md 5.1, 12 action units: anger shows disgust's too, and fear surprise's
    coupling = make_coupling(CouplingSettings(("hard_co_annotation",)), faces(), NO_TRUTH)
    names = ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
    rows = [EXPRESSIONS_8.index(name) for name in names]
    patterns = (coupling.relatedness[rows] > 0).float()
    expression, units = faces()
    targets = {
        "expression": Target(expression, torch.zeros(6).long(), torch.zeros(6).bool()),
        "action_units": Target(units, patterns, torch.ones(6, 12).bool()),
    }
    found = co_annotated(targets, coupling)["expression"]
    assert found.values.tolist() == rows
    assert found.annotated.all()


def test_relatedness_is_counted_on_the_training_rows():
    expression = [0, 0, 0, 0, 1, 1, -1, 2]
    units = np.array([[1, 0], [1, 0], [1, -1], [0, 0], [0, 1], [0, 1], [1, 1], [1, 1]])
    tasks = (Categorical("expression", ("x", "y", "z"), -1), MultiLabel("action_units", ("k", "l"), -1))
    chosen = CouplingSettings(relatedness="estimated", least_rows=2, matching_weights="table")
    coupling = make_coupling(chosen, tasks, truth_of(expression, units))
    assert coupling.relatedness[:2].tolist() == [[0.75, 0], [0, 1]]
    assert coupling.relatedness[2].isnan().all()
    assert torch.equal(coupling.matching[:2], coupling.relatedness[:2])


def test_descent_on_matching_alone_brings_both_together():
    logits = logits_of(4)
    targets, coupling = targets_with([-1] * 4, [[-1] * 3] * 4), birds("distribution_matching")
    optimiser = torch.optim.Adam(list(logits.values()), 0.1)
    for _ in range(300):
        optimiser.zero_grad()
        loss = coupled_losses(targets, logits, LOSSES, coupling)["distribution_matching"]
        assert loss is not None
        loss.backward()
        optimiser.step()
    implied = [[crow, wren, wren / 2] for wren, crow in chances(logits["species"])]
    assert torch.allclose(logits["markings"].sigmoid(), torch.tensor(implied), atol=0.02)


def test_likelihood_coupling_by_hand():
    # a wren without markings, black of an unknown bird, and a picture of which nothing is known
    targets = targets_with([0, -1, -1], [[-1] * 3, [1, 0, -1], [-1] * 3])
    table = np.array([[0.2, 0.9, 0.5], [0.8, 0.1, 0.1], [np.nan] * 3])
    coupling = coupling_from_table(CouplingSettings(("likelihood",), "species", "markings"), table)
    logits = logits_of(3)
    found = coupled_losses(targets, logits, LOSSES, coupling)
    assert coupling.extra_losses == ("likelihood",)
    both, marks = chances(logits["species"]), logits["markings"].sigmoid().tolist()

    def divergence(implied: list[float], predicted: list[float]) -> float:
        pairs = zip(implied, predicted, strict=True)
        return sum(t * math.log(t / r) + (1 - t) * math.log((1 - t) / (1 - r)) for t, r in pairs) / len(implied)

    joint = [both[1][0] * 0.2 * 0.1, both[1][1] * 0.8 * 0.9]
    small = (joint[0] * 0.5 + joint[1] * 0.1) / sum(joint)
    informed = (divergence([0.2, 0.9, 0.5], marks[0]) + divergence([small], marks[1][2:])) / 2
    mixed = [sum(p * row[place] for p, row in zip(both[2], table.tolist()[:2], strict=True)) for place in range(3)]
    expected = -math.log(sum(joint)) + informed + divergence(mixed, marks[2])
    assert number(found["likelihood"]) == pytest.approx(expected, rel=1e-5)
    assert coupled_losses(targets_with([], np.empty((0, 3))), logits_of(0), LOSSES, coupling)["likelihood"] is None


@pytest.mark.parametrize("term", ["soft_co_annotation", "distribution_matching", "likelihood"])
def test_pictures_that_are_unsure_weigh_less(term):
    targets = targets_with([-1, -1], [[1, 0, 0], [0, 0, 1]])
    plain, weighted = (
        number(coupled_losses(targets, logits_of(2), LOSSES, birds(term, picture_weights=weights))[term])
        for weights in ("equal", "confidence")
    )
    assert 0 < weighted < plain
    # sure of itself, a picture weighs as ever
    sure = {name: values * 0 + torch.tensor([40.0, 0, 0]) for name, values in logits_of(2).items()}
    if term == "distribution_matching":
        plain, weighted = (
            number(coupled_losses(targets, sure, LOSSES, birds(term, picture_weights=weights))[term])
            for weights in ("equal", "confidence")
        )
        assert weighted == pytest.approx(plain)


def test_the_weight_of_a_coupling_rises():
    coupling = birds("likelihood", "hard_co_annotation", ramp_epochs=4)
    assert [coupling.share_of(epochs) for epochs in (0, 1, 4, 9)] == [0, 0.25, 1, 1]
    assert birds("likelihood").share_of(0) == 1
    targets, logits = targets_with([0, -1, 1], [[-1] * 3, [1, 0, 0], [0, 1, 1]]), logits_of(3)
    uncoupled = coupled_losses(targets, logits, LOSSES, birds())
    whole = coupled_losses(targets, logits, LOSSES, birds("hard_co_annotation"))
    steps = [coupled_losses(targets, logits, LOSSES, coupling, share) for share in (0, 1e-9, 1 - 1e-9, 1)]
    for name in ("species", "markings"):
        values = [number(losses[name]) for losses in steps]
        assert values[0] == number(uncoupled[name])
        assert values[3] == number(whole[name])
        assert values[2] == pytest.approx(values[3], rel=1e-6)
    # the class that was found counts by its weight among those that were named
    faint = co_annotated(targets, coupling, 0.25)
    assert faint["species"].weights is not None
    assert faint["species"].weights.tolist() == [1, 0.25, 1]
    assert faint["markings"].weights is not None
    assert faint["markings"].weights[0].tolist() == [1, 0.25, 0.125]


def test_tables_move_together():
    moved = birds(*BOTH).to("meta")
    assert {table.device.type for table in (moved.relatedness, moved.soft, moved.likelihood)} == {"meta"}


def test_tasks_that_are_not_there_are_told_at_once():
    with pytest.raises(ProblemError) as caught:
        make_coupling(CouplingSettings(classes="identity", labels="expression"), faces(), NO_TRUTH)
    assert [problem.rule for problem in caught.value.problems] == ["E19", "E19"]


@pytest.mark.parametrize(
    "given", [{"terms": ("soft_co_annotation",) * 2}, {"least_rows": 0}, {"threshold": 1.0}], ids=str
)
def test_settings_out_of_range_are_refused(given):
    with pytest.raises(ValueError, match=next(iter(given))):
        CouplingSettings(**given)
