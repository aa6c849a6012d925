"""One pass finds what the check finds and reads what the reader reads, whatever the file is."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import get
from abawbench.formats import parse as parse_module
from abawbench.formats import read_predictions
from abawbench.formats.check import check, is_accepted
from abawbench.formats.checked import CheckedReader
from abawbench.organisers.samples import sample, write
from abawbench.table import Table
from tests.damage import changed_bytes

Outcome = tuple[Problem, ...] | tuple[Table, tuple[Problem, ...]]


def apart(challenge, path: Path, template: Path | None) -> Outcome:
    """What check and reader say one after the other."""
    problems = () if template is None else check(challenge, path, template)
    if not is_accepted(problems):
        return problems
    try:
        return read_predictions(challenge, path), problems
    except ProblemError as error:
        return error.problems


def in_one_pass(reader: CheckedReader, path: Path) -> Outcome:
    try:
        return reader.read(path)
    except ProblemError as error:
        return error.problems


def require_same(one: Outcome, two: Outcome) -> None:
    if not (one and isinstance(one[0], Table)):
        assert one == two
        return
    assert isinstance(two[0], Table)
    assert one[1] == two[1]
    first, second = one[0], two[0]
    assert (first.videos, first.source, first.notes) == (second.videos, second.source, second.notes)
    assert (first.is_store, first.is_by_place) == (second.is_store, second.is_by_place)
    arrays = [(first.video, second.video), (first.frame, second.frame)]
    arrays += [(first.values[task], second.values[task]) for task in first.values]
    if first.probability is not None:
        arrays.append((first.probability, second.probability))
    for left, right in arrays:
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("name", ["abaw4-mtl", "abaw10-va", "abaw3-au", "abaw8-ah", "abaw11-ah", "abaw10-emi"])
@pytest.mark.parametrize("has_list", [False, True])
def test_damaged_files_have_the_same_outcome_in_one_pass(name, has_list, tmp_path):
    challenge = get(name)
    made = sample(challenge, units=3, rows=6)
    template = write(made.template, tmp_path / "list") if has_list else None
    reader = CheckedReader(challenge, template)
    files = dict(made.prediction)
    damaged = sorted(files)[0]
    paths = [write(files, tmp_path / "good")]
    for place, data in enumerate(changed_bytes(files[damaged], 40)):
        paths.append(write({**files, damaged: data}, tmp_path / str(place)))
    for path in (*paths, paths[0]):
        require_same(apart(challenge, path, template), in_one_pass(reader, path))


def test_rows_in_another_order_are_read_as_they_are_alone(tmp_path):
    challenge = get("abaw4-mtl")
    made = sample(challenge)
    template = write(made.template, tmp_path / "list")
    (data,) = made.prediction.values()
    head, *rows = data.decode().splitlines(keepends=True)
    reader = CheckedReader(challenge, template)
    for seed in range(4):
        path = tmp_path / f"{seed}.txt"
        random.Random(seed).shuffle(rows)
        path.write_text("".join([head, *(sorted(rows) if seed == 2 else rows)]))
        for one in (reader, CheckedReader(challenge, None)):
            list_ = template if one is reader else None
            require_same(apart(challenge, path, list_), in_one_pass(one, path))


def test_the_list_itself_is_no_prediction(tmp_path):
    challenge = get("abaw10-va")
    template = write(sample(challenge).template, tmp_path / "list")
    require_same(check(challenge, template, template), in_one_pass(CheckedReader(challenge, template), template))


# pieces of bytes that a row may not have, as they were searched for one after the other
ODD = (b"\r", b" ", b"\t", b'"', b",\n", b"\n\n", b"\n,")
HEXADECIMAL = (b",0x", b"\n0x")


@settings(max_examples=300)
@given(st.lists(st.sampled_from([b"1", b"0", b"x", b",", b"\n", b"0x", b"a"]), max_size=30).map(b"".join))
def test_odd_rows_are_those_with_an_odd_piece_wherever_it_stands(data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parse_module, "LOOKED_AT", 7)
        assert parse_module._has_odd_rows(data, 0) == any(piece in data for piece in ODD)
        found = parse_module._has_hexadecimal(memoryview(data))
        assert found == any(piece in b"\n" + data for piece in HEXADECIMAL)
