from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.labels import ACTION_UNITS_17, EXPRESSIONS_7
from abawbench.models.relatedness_tables import expert_table
from benchmarks.claims.drawn_faces import UPPER, FaceSettings, draw_faces, read_faces, take_part

TINY = FaceSettings(first=0, people=2, frames=2)
TABLE = expert_table(EXPRESSIONS_7, ACTION_UNITS_17)


def moves(bond, faces=20_000):
    generator = np.random.default_rng(0)
    expression = generator.integers(0, 7, faces)
    return expression, take_part(expression, replace(TINY, bond=bond), generator)


def shares(expression, units):
    return np.stack([units[expression == number].mean(0) for number in range(7)])


def test_equal_settings_give_equal_files_for_any_number_of_processes(tmp_path):
    said = []
    one = draw_faces(TINY, tmp_path / "one", 1, said.append)
    two = draw_faces(TINY, tmp_path / "two", 2, said.append)
    assert one.read_bytes() == two.read_bytes()
    faces = read_faces(TINY, tmp_path / "one")
    assert faces.person.tolist() == [0, 0, 1, 1]
    assert faces.pictures.shape == (4, 32, 32, 3)
    assert faces.hog.shape == (4, 13 * 13 * 36)
    # a person is the same wherever the range of numbers begins
    draw_faces(replace(TINY, first=1, people=1), tmp_path, 1, said.append)
    second = read_faces(replace(TINY, first=1, people=1), tmp_path)
    np.testing.assert_array_equal(second.pictures, faces.pictures[2:])


@pytest.mark.parametrize("bond", ["independent", "dependent"])
def test_action_units_keep_the_shares_of_the_expert_table(bond):
    np.testing.assert_allclose(shares(*moves(bond)), TABLE, atol=0.04)


def test_dependent_action_units_come_together():
    sadness = EXPRESSIONS_7.index("Sadness")
    pair = [ACTION_UNITS_17.index(unit) for unit in ("AU1", "AU17")]
    both = {bond: units[expression == sadness][:, pair].all(1).mean() for bond in ("independent", "dependent")
            for expression, units in [moves(bond)]}  # fmt: skip
    assert both["independent"] == pytest.approx(0.60 * 0.67, abs=0.03)
    assert both["dependent"] == pytest.approx(0.60, abs=0.03)


def test_the_lower_half_of_an_unrelated_face_says_nothing_about_its_class():
    lower = ~np.array(UPPER)
    found = shares(*moves("unrelated"))
    np.testing.assert_allclose(found[:, ~lower], TABLE[:, ~lower], atol=0.04)
    np.testing.assert_allclose(found[:, lower], np.broadcast_to(TABLE.mean(0)[lower], (7, lower.sum())), atol=0.04)
