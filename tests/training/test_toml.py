from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from abawbench.training.toml import toml

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=6)
SCALARS = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), NAMES)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_what_is_written_is_read_again(record):
    assert tomllib.loads(toml(record)) == record


def test_what_is_not_there_is_left_out():
    assert tomllib.loads(toml({"a": None, "b": {"c": None, "d": [{"e": None, "f": 1}]}})) == {"b": {"d": [{"f": 1}]}}
