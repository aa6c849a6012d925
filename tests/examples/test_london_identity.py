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
from examples.london_identity import CHALLENGE, TEST, compared, cosines, labels_of, prepare, trained
from examples.real_data import real_data

pytestmark = pytest.mark.real_data

FEW = ("--set", "training.epochs=8", "--set", "training.batch=12", "--device", "cpu")


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


def test_features_of_expressions_find_people_better_than_chance_and_not_always(prepared, people):
    scores = cosines(prepared[2], people)
    found = compared(scores)["rank-1 identification"]
    assert found.value is not None
    assert found.interval is not None
    assert 1 / len(people) < found.value < 1
    assert found.interval[0] <= found.value <= found.interval[1]
    exchanged = compared(scores[:, np.roll(np.arange(len(people)), 1)])["rank-1 identification"]
    assert exchanged.value is not None
    assert exchanged.value < found.value


def test_the_second_case_study_is_trained_by_the_command_and_learns_its_people(prepared, people, monkeypatch):
    monkeypatch.setattr(london_identity, "abawbench", run)
    out, crops, _ = prepared
    values = trained(people, crops, out, *FEW)
    assert (values["identity, accuracy of the head"] or 0) > 2 / len(people)
    for name in ("attributes, balanced accuracy of the heads", "attributes of the person that is named (control)"):
        assert 0.5 < (values[name] or 0) <= 1
    (train,) = CHALLENGE.annotation_places["train"]
    assert (abawbench.score(CHALLENGE.id, out / train, out / "store").terms["identity"] or 0) > 0.5
    assert "distribution_matching" in (out / "run" / "curves.csv").read_text()
