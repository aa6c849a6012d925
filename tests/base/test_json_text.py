"""JSON from outside that would end the process, or a later calculation."""

from __future__ import annotations

import contextlib
import json

import pytest

from abawbench.base.json_text import parse_json
from abawbench.base.problems import ProblemError
from abawbench.clips.feature_index import read_index
from abawbench.inference.store import open_store

HOSTILE = {
    "nested": "[" * 100_000,
    "nested and closed": "[" * 100_000 + "]" * 100_000,
    "nested objects": '{"a":' * 100_000,
    "huge": "1" + "0" * 400,
    "endless": "9" * 5_000,
    "half a character": '{"a": "\\ud800"}',
    "no JSON": "{",
    "no UTF-8": b"\xff\xfe\xfd",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_a_value_error(name):
    with pytest.raises(ValueError, match=r"."):
        parse_json(HOSTILE[name])


@pytest.mark.parametrize("value", [{"a": [1, -2.5, None, True, "x", "é😀"]}, 2**64 - 1, -(2**63), 1e300])
def test_other_json_is_read_as_ever(value):
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize("text", [*HOSTILE.values(), "[]", "1", '{"maker": 1}', '{"form": "x"}', "null"])
@pytest.mark.parametrize("reader", ["store", "index"])
def test_a_store_or_an_index_of_hostile_json_is_a_problem_or_none_at_all(tmp_path, text, reader):
    data = text if isinstance(text, bytes) else text.encode()
    if reader == "store":
        (tmp_path / "entry.json").write_bytes(data)
        with pytest.raises(ProblemError, match="P02"):
            open_store(tmp_path)
        return
    (tmp_path / "index.json").write_bytes(data)
    found = None
    with contextlib.suppress(ProblemError):
        found = read_index(tmp_path)
    assert found is None
