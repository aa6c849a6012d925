from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from abawbench.labels import ACTION_UNITS_17, COMPOUND_7, EXPRESSIONS_7
from abawbench.models.relatedness_tables import expert_table
from benchmarks.claims.claim import Cell, load_claim, macro_f1_of
from benchmarks.claims.coupled_cells import (
    ARMS,
    Regime,
    Size,
    World,
    make_lessons,
    make_table,
    prepare_world,
    run_coupled,
)
from benchmarks.claims.coupled_networks import CoupledNetwork, Lessons, matched_width, parameters_of, task_losses, train
from benchmarks.claims.drawn_faces import Faces, FaceSettings, take_part

TINY = Size(training=(2, 70), validation=(1, 4), test=(1, 4))
SMALL = Regime(60, 80)


def faces(count=140, people=10):
    generator = np.random.default_rng(0)
    expression = generator.integers(0, 7, count)
    units = take_part(expression, FaceSettings(0, people, count // people), generator)
    pictures = generator.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return Faces(np.arange(count) * people // count, expression, units, pictures, np.zeros((count, 1), np.float16))


def world():
    drawn = faces()
    # features from which everything can be learned
    seen = np.concatenate([np.eye(7)[drawn.expression], drawn.action_units], axis=1).astype(np.float32)
    return World({"training": drawn}, {"training": seen})


@pytest.mark.parametrize(("overlap", "both"), [(0.0, 0), (0.5, 30), (1.0, 60)])
def test_as_many_faces_hold_both_kinds_of_labels_as_the_regime_says(overlap, both):
    lessons = make_lessons(world(), replace(SMALL, overlap=overlap), (0, 1))
    assert ((lessons.classes >= 0).sum(1) == 60).all()
    assert (lessons.annotated.sum(1) == 80).all()
    assert ((lessons.classes >= 0) & lessons.annotated).sum(1).tolist() == [both, both]
    assert (lessons.classes[0] != lessons.classes[1]).any()


def test_flips_disturb_their_share_of_the_training_labels_and_nothing_else():
    there = world()
    plain, flipped = (make_lessons(there, replace(SMALL, flips=share), (0,)) for share in (0.0, 0.2))
    assert (plain.labels[0] == there.faces["training"].action_units).all()
    assert (plain.labels != flipped.labels).mean() == pytest.approx(0.2, abs=0.03)
    np.testing.assert_array_equal(plain.classes, flipped.classes)


def test_a_permuted_table_has_the_rows_of_the_experts_none_in_its_place():
    table = expert_table(EXPRESSIONS_7, ACTION_UNITS_17)
    permuted = make_table(replace(SMALL, table="permuted"), np.random.default_rng(0))
    assert sorted(map(tuple, permuted)) == sorted(map(tuple, table))
    assert (permuted != table).any(1).all()
    shuffled = make_table(replace(SMALL, table="unrelated"), np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(shuffled.ravel()), np.sort(table.ravel()))
    noisy = make_table(replace(SMALL, noise=0.2), np.random.default_rng(0))
    assert 0 <= noisy.min() < noisy.max() <= 1


@pytest.mark.parametrize(("encoder", "features"), [("mlp", 128), ("cnn", 0)])
def test_one_wide_trunk_has_the_parameters_of_two_narrow_ones(encoder, features):
    width = matched_width(encoder, features, 32, 7, 17)
    pair = parameters_of(CoupledNetwork(encoder, features, 32, 2, 7, 17))
    assert parameters_of(CoupledNetwork(encoder, features, width, 1, 7, 17)) == pytest.approx(pair, rel=0.03)


def test_the_networks_of_several_seeds_are_those_of_each_alone(monkeypatch):
    monkeypatch.setattr("benchmarks.claims.coupled_networks.STEPS", 150)
    lessons = make_lessons(world(), SMALL, (3, 4))
    second = Lessons(
        lessons.inputs,
        lessons.classes[1:],
        lessons.labels[1:],
        lessons.annotated[1:],
        {name: table[1:] for name, table in lessons.tables.items()},
    )

    def loss(classes, labels, batch, _):
        return sum(task_losses(classes, labels, batch))

    def make():
        return CoupledNetwork("mlp", 24, 8, 1, 7, 17)

    both = train(make, lessons, loss, (3, 4))(lessons.inputs)
    alone = train(make, second, loss, (4,))(lessons.inputs)
    torch.testing.assert_close(both.classes[1], alone.classes[0], atol=1e-2, rtol=1e-3)
    # and they have learned
    known = lessons.classes[0] >= 0
    assert (both.classes[0].argmax(1).numpy() == lessons.classes[0])[known].mean() > 0.9


@pytest.mark.parametrize("arm", [arm.name for arm in ARMS])
def test_every_arm_trains_and_answers(arm, tmp_path_factory, monkeypatch):
    monkeypatch.setattr("benchmarks.claims.coupled_cells.COMPONENTS", 20)
    monkeypatch.setattr("benchmarks.claims.coupled_networks.STEPS", 6)
    out = tmp_path_factory.getbasetemp() / "coupled"
    prepare_world(TINY, ("independent",), out, 1, lambda _: None)
    regimes = {"small": replace(SMALL, width=8), "lower": replace(SMALL, width=8, is_lower=True)}
    outcome = run_coupled(regimes, TINY, False, Cell("small", arm, 0.5, (0, 1)), out)
    assert outcome.validation.shape == (2,)
    assert outcome.statistics["expression"].sum((1, 2, 3)).tolist() == [4, 4]
    assert outcome.statistics["action_units"].shape == (2, 1, 17, 4)
    assert outcome.statistics["compound_published"].sum() == 2 * 4
    assert outcome.statistics["compound_sum"].shape == (2, 1, len(COMPOUND_7), len(COMPOUND_7))
    lower = run_coupled(regimes, TINY, False, Cell("lower", arm, 0.5, (0,)), out)
    assert lower.statistics["action_units"].shape == (1, 1, 10, 4)
    assert 0 <= macro_f1_of("expression")({"expression": lower.statistics["expression"].sum(1)})[0] <= 1


def test_compound_expressions_are_asked_of_the_networks_of_the_other_claim():
    labels, compound = load_claim("disjoint_labels"), load_claim("zero_shot_compound")
    assert set(compound.design) <= set(labels.design)
    assert compound.settings == labels.settings
    assert (compound.seeds, compound.tuning_seeds) == (labels.seeds, labels.tuning_seeds)
