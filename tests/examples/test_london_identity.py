"""Identity and attributes of real people: one picture each to learn from, the other to test on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import abawbench
from abawbench.cli import main
from abawbench.formats import read_truth
from abawbench.formats.write import write_annotations
from examples import london_identity
from examples.london import people_of
from examples.london_identity import CHALLENGE, TEST, compared, cosines, fitted, labels_of, prepare
from examples.real_data import real_data

pytestmark = pytest.mark.real_data

TINY = "2021_kollias_facebehaviornet-identity-attributes/tiny"
TRUNK = ("--set", "training.epochs=12", "--set", "training.batch=12", "--device", "cpu")


def run(*words: object) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def people() -> tuple[str, ...]:
    return people_of(real_data())[:12]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, people) -> tuple[Path, Path, Path]:
    out = tmp_path_factory.mktemp("identity")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(london_identity, "abawbench", run)
        return out, *prepare(people, out, london_identity.NETWORK)


def test_labels_of_people_survive_their_file(people, tmp_path):
    table = labels_of(people, TEST)
    write_annotations(CHALLENGE, table, tmp_path / "labels.txt")
    again = read_truth(CHALLENGE, tmp_path / "labels.txt")
    for task in CHALLENGE.tasks:
        np.testing.assert_array_equal(again.values[task.name], table.values[task.name])
    assert (tmp_path / "labels.txt").read_text().splitlines()[1].startswith("london_001/00002.jpg,0,1,0,0,0,1")


def test_features_of_expressions_find_people_better_than_chance_and_not_by_much(prepared, people):
    scores = cosines(prepared[2], people)
    found = compared(scores)
    rank_one = found["rank-1 identification"]
    assert 1 / len(people) < rank_one.value < 1
    assert rank_one.interval[0] <= rank_one.value <= rank_one.interval[1]
    shuffled = compared(scores[:, np.roll(np.arange(len(people)), 1)])
    assert shuffled["rank-1 identification"].value < rank_one.value


def test_heads_are_fitted_on_one_picture_of_each_person_and_scored_on_the_other(prepared, people, monkeypatch):
    monkeypatch.setattr(london_identity, "abawbench", run)
    values = fitted(people, prepared[2], prepared[0])
    assert values["identity, accuracy of the head"] > 2 / len(people)
    assert set(values) == {
        "identity, accuracy of the head",
        "attributes, balanced accuracy of the heads",
        "attributes of the person that is named (control)",
    }


def test_the_second_case_study_is_trained_by_the_command_and_learns_its_people(prepared, tmp_path):
    out, crops, _ = prepared
    run("train", TINY, crops, "--truth", out, "-o", tmp_path / "run", *TRUNK)
    run("predict", tmp_path / "run", crops, "-o", tmp_path / "store", "--precision", "float32", "--device", "cpu")
    scores = {
        name: abawbench.score(CHALLENGE.id, out / CHALLENGE.annotation_places[name][0], tmp_path / "store")
        for name in ("train", "test")
    }
    assert scores["train"].terms["identity"] > 0.5
    assert scores["test"].terms["identity"] > 1 / 12
    assert "soft_co_annotation" in (tmp_path / "run" / "metrics.csv").read_text()
