from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.claims.claim import Cell, load_claim
from benchmarks.claims.drawn_faces import Faces
from benchmarks.claims.selective_sharing import ARMS, LARGE, MORE, REGIME, SIZE
from benchmarks.claims.selective_sharing import networks as cells
from tests.models.shaking import one_thread

__all__ = ["one_thread"]

TINY = replace(SIZE, people=4, steps=3, batch=8)


def faces(people: int = 6, frames: int = 8) -> Faces:
    generator = np.random.default_rng(0)
    count = people * frames
    expression = generator.integers(0, 7, count)
    pictures = generator.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    nothing = np.zeros((count, 1))
    return Faces(np.repeat(np.arange(people), frames), expression, nothing > 0, pictures, nothing.astype(np.float16))


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_the_matched_trunk_has_the_weights_of_both_branches_and_units(size):
    wanted = cells.weights_of(cells.make_network("convflu", size))
    for arm in ("hard-matched", "single-matched"):
        assert cells.weights_of(cells.make_network(arm, size)) == pytest.approx(wanted, rel=0.05)
    assert cells.weights_of(cells.make_network("single", size)) < 0.6 * wanted


def test_twins_without_synthesis_start_from_the_same_weights():
    for arm in ("convflu", "cross-stitch"):
        first, second = (cells.make_network(name, TINY, 3).state_dict() for name in (arm, f"{arm}, recognition alone"))
        assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("arm", "is_moved"), [("hard", True), ("convflu", True), ("single", False), ("convflu, recognition alone", False)]
)
def test_the_decoder_learns_exactly_where_faces_are_synthesised(arm, is_moved):
    before = cells.make_network(arm, TINY, 0).decoder.out.weight
    after = cells._train(arm, 0.0 if not is_moved else 1.0, faces(), TINY, 0, "cpu").decoder.out.weight
    assert torch.equal(before, after) != is_moved


def test_pairs_show_the_same_person_with_another_expression():
    own = faces()
    rows = cells._rows(own, TINY, 0)
    assert len(np.unique(own.person[rows])) == TINY.people
    steps = list(cells._pairs(own.person[rows], own.expression[rows], TINY, np.random.default_rng(0)))
    assert [len(source) for source, _ in steps] == [8, 8, 8]
    for source, target in steps:
        assert (own.person[rows][source] == own.person[rows][target]).all()
        assert (own.expression[rows][source] != own.expression[rows][target]).all()


@pytest.mark.parametrize("arm", [arm.name for arm in (*ARMS, *MORE)])
def test_a_cell_counts_every_face_once_and_gives_the_same_again(arm, tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "read_faces", lambda *_: faces())
    cell = Cell(REGIME, arm, 1.0, (0, 1))
    first, second = (cells.run_cell(TINY, False, cell, tmp_path) for _ in range(2))
    assert first.statistics["expression"].shape == (2, 6, 7, 7)
    assert (first.statistics["expression"].sum((2, 3)) == 8).all()
    assert np.array_equal(first.statistics["expression"], second.statistics["expression"])
    assert np.array_equal(first.validation, second.validation)


def test_each_arm_has_a_twin_of_its_size_and_one_without_synthesis():
    claim = load_claim("selective_sharing")
    primary = [each for each in claim.comparisons if each.is_primary]
    assert {each.second.arm for each in primary} == {"hard", "convflu, recognition alone", "single-matched"}
    assert all(len(arm.weights) == 4 for arm in claim.arms)
