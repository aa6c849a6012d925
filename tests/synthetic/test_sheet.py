from __future__ import annotations

import numpy as np

from abawbench.labels import ACTION_UNITS_17
from abawbench.synthetic.sheet import COLUMNS, contact_sheet, typical


def test_a_sheet_is_the_same_for_a_seed_and_another_for_another():
    one, again, other = contact_sheet(0), contact_sheet(0), contact_sheet(1)
    assert np.array_equal(one, again)
    assert one.shape == other.shape
    assert not np.array_equal(one, other)


def test_a_sheet_is_a_page_of_pictures():
    page = contact_sheet(2)
    assert page.dtype == np.uint8
    assert page.shape[1] > 10 * 112
    assert page.std() > 30


def test_columns_are_expressions_and_a_neutral_face_shows_nothing():
    assert not typical("Neutral").any()
    profiles = np.stack([typical(name) for name in COLUMNS])
    assert len(np.unique(profiles, axis=0)) == len(COLUMNS)
    happiness = typical("Happiness")
    assert happiness[ACTION_UNITS_17.index("AU12")] > 0.8
    assert happiness[ACTION_UNITS_17.index("AU15")] == 0
