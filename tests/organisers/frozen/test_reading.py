"""The reading of frozen scorers: the values of the package, bit by bit, or a problem."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES
from abawbench.formats.read import read_predictions, read_truth
from abawbench.organisers.frozen.parts import reading
from abawbench.organisers.frozen.parts.reading import read
from abawbench.organisers.frozen.record import reading_facts
from abawbench.organisers.samples import sample, write


def assert_same(rows, table):
    assert [rows.units[unit] for unit in rows.unit] == [table.videos[video] for video in table.video]
    np.testing.assert_array_equal(rows.frame, table.frame)
    for task, values in table.values.items():
        own = rows.values[task]
        assert (own.dtype, own.shape, own.flags.f_contiguous) == (values.dtype, values.shape, values.flags.f_contiguous)
        assert own.tobytes() == values.tobytes()
    assert (rows.probability is None) == (table.probability is None)
    if table.probability is not None:
        assert rows.probability.tobytes() == table.probability.tobytes()


@pytest.mark.parametrize("name", sorted(CHALLENGES))
def test_the_truth_of_every_challenge_has_the_bits_of_the_package(name, tmp_path):
    challenge = CHALLENGES[name]
    path = write(sample(challenge, units=3, rows=12).truth, tmp_path)
    rows, problems = read(str(path), "truth", reading_facts(challenge))
    assert problems == []
    assert_same(rows, read_truth(challenge, path))


@pytest.mark.parametrize("name", ["abaw11-mtl", "abaw10-va", "abaw3-au", "abaw10-vd", "abaw10-emi"])
def test_a_truth_in_the_prediction_format_is_read_too(name, tmp_path):
    challenge = CHALLENGES[name]
    path = write(sample(challenge, units=3, rows=12).prediction, tmp_path)
    rows, problems = read(str(path), "truth", reading_facts(challenge))
    assert problems == []
    assert_same(rows, read_truth(challenge, path))


def test_a_small_piece_at_a_time_gives_the_same_rows(tmp_path, monkeypatch):
    challenge = CHALLENGES["abaw11-mtl"]
    path = write(sample(challenge).prediction, tmp_path)
    monkeypatch.setattr(reading, "PIECE", 200)
    rows, problems = read(str(path), "prediction", reading_facts(challenge))
    assert problems == []
    assert_same(rows, read_predictions(challenge, path))


ODD = {
    "windows line ends": lambda text: text.replace("\n", "\r\n"),
    "a byte order mark": lambda text: f"\ufeff{text}",
    "no last line feed": lambda text: text.rstrip("\n"),
    "blank last lines": lambda text: f"{text}\n \n",
    "commas behind": lambda text: text.replace("\n", ",\n"),
    "classes with a point": lambda text: text.replace(",3,", ",3.0,"),
    "sentinels with a point": lambda text: text.replace(",-5,", ",-5.0,"),
    "a class that is none": lambda text: text.replace(",3,", ",3.5,"),
    "a value out of range": lambda text: text.replace(",0.", ",7.", 1),
    "text for a number": lambda text: text.replace(",0.", ",a.", 1),
    "a name of no frame": lambda text: text.replace("/00001.jpg", "/one.jpg", 1),
    "a field too few": lambda text: text.replace(",0,", ",", 1),
    "another header": lambda text: text.replace("image", "picture", 1),
    "quotes": lambda text: text.replace(",3,", ',"3",'),
    "semicolons": lambda text: text.replace(",", ";"),
    "Latin-1": lambda text: text.replace("video", "vid\xe9o").encode("latin-1"),
}


@pytest.mark.parametrize("name", sorted(ODD))
def test_an_odd_truth_gives_the_values_of_the_package_or_a_problem(name, tmp_path):
    challenge = CHALLENGES["abaw11-mtl"]
    (data,) = sample(challenge, units=3, rows=12).truth.values()
    changed = ODD[name](data.decode())
    path = write({"truth.txt": changed if isinstance(changed, bytes) else changed.encode()}, tmp_path)
    rows, problems = read(str(path), "truth", reading_facts(challenge))
    if rows is None:
        assert any(not problem["rule"].startswith("N") for problem in problems)
        return
    try:
        table = read_truth(challenge, path)
    except ProblemError as error:
        pytest.fail(f"the package refuses it: {error}")
    assert_same(rows, table)


def test_a_truth_of_a_data_set_lies_where_the_organisers_put_it(tmp_path):
    challenge = CHALLENGES["abaw10-va"]
    place = challenge.annotation_places["validation"][0]
    write(sample(challenge, units=3, rows=12).truth, tmp_path / place)
    rows, problems = read(str(tmp_path), "truth", reading_facts(challenge))
    assert problems == []
    assert_same(rows, read_truth(challenge, tmp_path))


def test_rows_for_validation_are_taken_where_a_column_says_the_split(tmp_path):
    challenge = CHALLENGES["abaw5-eri"]
    (data,) = sample(challenge, units=3, rows=12).truth.values()
    header, *lines = data.decode().splitlines()
    rows = [f"{line},{'Val' if place % 3 else 'Train'}" for place, line in enumerate(lines)]
    path = write({"data_info.csv": "\n".join([f"{header},Split", *rows, ""]).encode()}, tmp_path)
    found, problems = read(str(path), "truth", reading_facts(challenge))
    assert problems == []
    assert_same(found, read_truth(challenge, path))
