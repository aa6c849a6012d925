"""Samples: official files of every challenge, accepted, scored, and the same for the same arguments."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES, Categorical, get
from abawbench.cli.challenges.sample import command as sample_command
from abawbench.formats import read_truth
from abawbench.formats.check import check
from abawbench.formats.read import read_both
from abawbench.organisers.samples import FEWEST_ROWS, FEWEST_UNITS, sample, write
from abawbench.scoring import score


@pytest.mark.parametrize("challenge_id", CHALLENGES)
@pytest.mark.parametrize("size", [(2, 6), (6, 40)])
def test_a_sample_is_accepted_and_scored(tmp_path, challenge_id, size):
    challenge = get(challenge_id)
    made = sample(challenge, units=size[0], rows=size[1], seed=7)
    template = write(made.template, tmp_path / "list")
    prediction = write(made.prediction, tmp_path / "mine")
    assert check(challenge, prediction, template) == check(challenge, prediction) == ()
    table, answers = read_both(challenge, write(made.truth, tmp_path / "truth"), prediction)
    assert (table.notes, answers.notes) == ((), ())
    result = score(challenge, table, answers)
    assert (result.score is None) == (not challenge.metric.terms)
    assert result.score is None or np.isfinite(result.score)


@pytest.mark.parametrize("challenge_id", CHALLENGES)
def test_the_truth_has_every_class_and_label_and_gaps_where_the_format_has_a_sentinel(tmp_path, challenge_id):
    challenge = get(challenge_id)
    truth = read_truth(challenge, write(sample(challenge).truth, tmp_path / "truth"))
    for task in challenge.tasks:
        values, is_annotated = task.annotations_of(truth)
        assert is_annotated.all() == (task.sentinel is None)
        for column in range(values.shape[1]):
            found = np.unique(values[is_annotated[:, column], column])
            assert len(found) == len(task.classes) if isinstance(task, Categorical) else len(found) >= 2


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others():
    challenge = get("abaw11-mtl")
    assert sample(challenge, seed=3) == sample(challenge, seed=3)
    assert sample(challenge, seed=3).prediction != sample(challenge, seed=4).prediction


def test_a_list_of_multi_task_learning_repeats_a_path():
    (listed,) = sample(get("abaw4-mtl")).template.values()
    lines = listed.decode().splitlines()
    assert len(lines) == 1 + 6 * 40 + 1
    assert len(set(lines)) == len(lines) - 1


def test_a_sample_too_small_is_refused_with_one_limit_for_all_ways_of_asking():
    options = {option.name: option.type for option in sample_command.params}
    assert (options["units"].min, options["rows"].min) == (FEWEST_UNITS, FEWEST_ROWS)
    with pytest.raises(ProblemError, match="C02"):
        sample(get("abaw4-mtl"), units=1)


def test_nothing_is_written_outside_the_folder(tmp_path):
    with pytest.raises(ProblemError, match="Z02"):
        write({"../outside.txt": b""}, tmp_path / "inside")
    assert not (tmp_path / "outside.txt").exists()
