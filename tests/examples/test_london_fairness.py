"""Groups of real people compared: a few of them, one network, commands in this process."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from abawbench.cli import main
from examples import london_fairness
from examples.london import attributes_of, people_of
from examples.real_data import real_data

pytestmark = pytest.mark.real_data


def test_what_the_set_states_of_its_people_is_read():
    stated = attributes_of(real_data())
    assert set(stated) == set(people_of(real_data()))
    genders = [person["gender"] for person in stated.values()]
    assert (genders.count("female"), genders.count("male")) == (49, 53)


def test_a_few_people_are_compared_with_small_groups_hidden(tmp_path, monkeypatch):
    def abawbench(*words):
        done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    monkeypatch.setattr(london_fairness, "abawbench", abawbench)
    people = people_of(real_data())[:14]
    few = ("--least", "4", "--resamples", "200", "--json")
    found = json.loads(london_fairness.compare(people, tmp_path, london_fairness.NETWORK, *few))["attributes"]
    stated = attributes_of(real_data())
    genders = [stated[person]["gender"] for person in people]
    assert {group: own["clusters"] for group, own in found["gender"]["groups"].items()} == {
        gender: genders.count(gender) for gender in sorted(set(genders))
    }
    assert {own["figures"] is None for own in found["ethnicity"]["groups"].values()} == {True, False}
    assert found["gender"]["groups"]["female"]["figures"]["metrics.accuracy_expression"]["value"] > 0.5
